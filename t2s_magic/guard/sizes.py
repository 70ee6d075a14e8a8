"""Constants that would make one cell of gigabytes, or a list of billions: engines cannot interrupt building one.

Only what stands in the text is judged. A size that comes from a column is bounded by the engine's limits, not here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from t2s_magic.guard.scanner import NUMBER, STRING, SYMBOL, Token
from t2s_magic.guard.text import Statement
from t2s_magic.guard.verdict import refuse

LARGEST_SIZE = 10_000_000
LARGEST_WIDTHS = 100_000  # of the fields of one format, together
LARGEST_EXPONENT = 1_000  # of two; a float ends at 1,024

_TIMES = frozenset({"repeat", "lpad", "rpad", "space", "array_fill", "list_resize", "array_resize", "replicate"})
_SERIES = frozenset({"range", "generate_series", "generate_subscripts"})
_FORMATS = frozenset({"printf", "format"})
# Which argument says how long the result is; the others may be any numbers.
_LENGTH_ARGUMENT = {
    **dict.fromkeys(("repeat", "lpad", "rpad", "list_resize", "array_resize", "replicate", "bitstring"), 1),
    "space": 0,
    "to_base": 2,
    "bar": 3,
}
# One call of these makes a text or a list as long as one argument times another.
_MULTIPLIERS = frozenset({"replace", "regexp_replace", "array_to_string", "list_transform", "list_apply", "apply"})
_JUDGED = _TIMES | _SERIES | _FORMATS | _MULTIPLIERS | _LENGTH_ARGUMENT.keys()
_POWER_FUNCTIONS = frozenset({"pow", "power"})
_POWERS = frozenset({"^", "**", "<<"})
_PRODUCTS = _POWERS | {"*"}
_WIDTH = re.compile(r"[%{:.][^%{}a-zA-Z]*?(\d{3,})")
_WIDTH_FROM_ARGUMENT = re.compile(r"%[^a-zA-Z%]*\*|\{[^{}]*\{")


def refuse_huge_sizes(statement: Statement) -> None:
    """Refuse calls that repeat, pad, count or format to more than ``LARGEST_SIZE`` by their own constants."""
    tokens = statement.tokens
    for index, token in enumerate(tokens[:-1]):
        name = token.name.lower()
        if tokens[index + 1].text != "(" or name not in _JUDGED:
            continue
        inside = _arguments(tokens, index + 1)
        arguments = [_receiver(tokens, index), *_split(inside)] if _is_method(tokens, index) else _split(inside)
        span = (token.start, inside[-1].end if inside else token.end)
        if name in _FORMATS and statement.dialect != "mysql":  # MySQL's FORMAT writes a number
            if reason := _why_format_is_refused(arguments, statement.dialect):
                refuse(statement.sql, reason, span)
        elif max(_size(name, inside), _length(name, arguments)) > LARGEST_SIZE:
            refuse(statement.sql, f"makes more than {LARGEST_SIZE:,} characters, elements or rows", span)


def _arguments(tokens: tuple[Token, ...], opening: int) -> tuple[Token, ...]:
    depth = 0
    for index in range(opening, len(tokens)):
        if tokens[index].kind == SYMBOL:
            depth += (tokens[index].text == "(") - (tokens[index].text == ")")
        if depth == 0:
            return tokens[opening + 1 : index]
    return tokens[opening + 1 :]


def _split(inside: Sequence[Token]) -> list[Sequence[Token]]:
    """The arguments, apart."""
    arguments: list[list[Token]] = [[]]
    depth = 0
    for token in inside:
        if token.kind == SYMBOL:
            depth += (token.text in "([{") - (token.text in ")]}")
        if token.text == "," and depth == 0:
            arguments.append([])
        else:
            arguments[-1].append(token)
    return [*arguments]


def _is_method(tokens: tuple[Token, ...], index: int) -> bool:
    """DuckDB writes ``'x'.repeat(3)`` for ``repeat('x', 3)``."""
    return index > 1 and tokens[index - 1].text == "."


def _receiver(tokens: tuple[Token, ...], index: int) -> Sequence[Token]:
    """What stands before the dot: a name, a literal, or all between parentheses."""
    end, depth = index - 2, 0
    for start in range(end, -1, -1):
        if tokens[start].kind == SYMBOL:
            depth += (tokens[start].text in ")]}") - (tokens[start].text in "([{")
        if depth == 0:
            return tokens[start : end + 1]
    return tokens[: end + 1]


def _size(name: str, inside: tuple[Token, ...]) -> float:
    if name in _SERIES:
        return max(_numbers(inside, _PRODUCTS), default=0)
    if name in _TIMES:
        return math.prod(number for number in _numbers(inside, _POWERS) if number > 1)
    if name in _MULTIPLIERS:
        return math.prod(_sizes_within(inside))
    return 0


def _sizes_within(inside: tuple[Token, ...]) -> Iterator[float]:
    for index, (token, after) in enumerate(pairwise(inside)):
        name = token.name.lower()
        if after.text == "(" and name in _TIMES | _SERIES:
            arguments = _arguments(inside, index + 1)
            yield max(1.0, _size(name, arguments), _length(name, _split(arguments)))


def _length(name: str, arguments: Sequence[Sequence[Token]]) -> float:
    """What the argument that says the length comes to, a number in quotes and a power included."""
    place = _LENGTH_ARGUMENT.get(name)
    if place is None or place >= len(arguments):
        return 0
    argument = arguments[place]
    numbers = _numbers(tuple(map(_unquoted, argument)), _PRODUCTS)
    if any(token.name.lower() in _POWER_FUNCTIONS for token in argument):
        return max((_joined(base, "^", exponent) for base, exponent in pairwise(numbers)), default=0)
    return max(numbers, default=0)


def _unquoted(token: Token) -> Token:
    """``'1000'`` and ``X'3E8'`` as the numbers that engines make of them."""
    if token.kind != STRING:
        return token
    prefix, _, text = token.text.partition("'")
    text = text.strip("' ")
    if prefix.lower() == "x" and re.fullmatch(r"[0-9a-fA-F]{1,100}", text):
        return Token(NUMBER, f"0x{text}", token.start)
    return Token(NUMBER, text, token.start) if re.fullmatch(r"\d{1,100}(\.\d*)?(e\d{1,3})?", text) else token


def _why_format_is_refused(arguments: Sequence[Sequence[Token]], dialect: str) -> str:
    """A field as wide as the format says is made at once; "" where that is little."""
    too_wide = f"makes a text of more than {LARGEST_WIDTHS:,} characters"
    first = arguments[0]
    if len(first) == 1 and first[0].kind == STRING and first[0].text.startswith(("'", '"', "$")):
        text = first[0].text
        if _WIDTH_FROM_ARGUMENT.search(text):
            if dialect == "duckdb":
                return "takes the width of a field from an argument, which nothing bounds"
            numbers = [number for argument in arguments[1:] for number in _numbers(tuple(argument), _PRODUCTS)]
            return too_wide if math.prod(number for number in numbers if number > 1) > LARGEST_SIZE else ""
        return too_wide if sum(map(float, _WIDTH.findall(text))) > LARGEST_WIDTHS else ""
    if dialect == "duckdb":
        return "needs its format as one literal, so that the widths in it can be read"
    if len(first) == 1 and first[0].kind != STRING:
        return ""  # a column, whose texts the engine's limits bound
    # A format that is put together can say any width that its digits give, or that an argument has.
    written = " ".join(token.text for token in first)
    if "*" not in written and not re.search(r"\\[0-7xuU+]", written):
        arguments = arguments[:1]
    digits = re.findall(r"\d+", " ".join(token.text for argument in arguments for token in argument))
    return too_wide if math.prod(max(float(run), 1.0) for run in digits) > LARGEST_WIDTHS else ""


def _numbers(inside: tuple[Token, ...], operators: frozenset[str]) -> list[float]:
    """The numbers in the text, with those that one of ``operators`` joins computed, as ``10 ^ 9`` is."""
    numbers: list[float] = []
    between = ""
    for token in inside:
        if token.kind != NUMBER:
            between += token.text.strip("()")
            continue
        value = _value(token)
        if numbers and between in operators:
            numbers[-1] = _joined(numbers[-1], between, value)
        else:
            numbers.append(value)
        between = ""
    return numbers


def _joined(left: float, operator: str, right: float) -> float:
    if operator == "*":
        return left * right
    base, exponent = (left, right) if operator != "<<" else (2.0, right)
    if exponent * math.log2(max(base, 1.0)) > LARGEST_EXPONENT:
        return math.inf
    power: float = base**exponent
    return left * power if operator == "<<" else power


def _value(token: Token) -> float:
    text = token.text.replace("_", "")
    return float(int(text, 0)) if text[:2].lower() in ("0x", "0o", "0b") else float(text)
