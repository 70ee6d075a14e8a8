"""Constants that would make one cell of gigabytes, or a list of billions: engines cannot interrupt building one.

Only what stands in the text is judged. A size that comes from a column is bounded by the engine's limits, not here.
"""

from __future__ import annotations

import math
import re
from itertools import pairwise

from t2s_magic.guard.scanner import NUMBER, STRING, SYMBOL, Token
from t2s_magic.guard.text import Statement
from t2s_magic.guard.verdict import refuse

LARGEST_SIZE = 10_000_000
LARGEST_EXPONENT = 1_000  # of two; a float ends at 1,024

_TIMES = frozenset({"repeat", "lpad", "rpad", "space", "array_fill", "list_resize", "array_resize", "replicate"})
_SERIES = frozenset({"range", "generate_series", "generate_subscripts"})
_FORMATS = frozenset({"printf", "format"})
_POWERS = frozenset({"^", "**", "<<"})
_PRODUCTS = _POWERS | {"*"}
_WIDE_FORMAT = re.compile(r"[%{:.][^%{}a-zA-Z]*\d{6,}")
_WIDTH_FROM_ARGUMENT = re.compile(r"%[^a-zA-Z%]*\*")


def refuse_huge_sizes(statement: Statement) -> None:
    """Refuse calls that repeat, pad, count or format to more than ``LARGEST_SIZE`` by their own constants."""
    tokens = statement.tokens
    for index, token in enumerate(tokens[:-1]):
        name = token.name.lower()
        if tokens[index + 1].text != "(" or name not in _TIMES | _SERIES | _FORMATS:
            continue
        inside = _arguments(tokens, index + 1)
        if _size(name, inside) > LARGEST_SIZE:
            reason = f"makes more than {LARGEST_SIZE:,} characters, elements or rows"
            refuse(statement.sql, reason, (token.start, inside[-1].end if inside else token.end))


def _arguments(tokens: tuple[Token, ...], opening: int) -> tuple[Token, ...]:
    depth = 0
    for index in range(opening, len(tokens)):
        if tokens[index].kind == SYMBOL:
            depth += (tokens[index].text == "(") - (tokens[index].text == ")")
        if depth == 0:
            return tokens[opening + 1 : index]
    return tokens[opening + 1 :]


def _size(name: str, inside: tuple[Token, ...]) -> float:
    if name in _SERIES:
        return max(_numbers(inside, _PRODUCTS), default=0)
    numbers = _numbers(inside, _POWERS)
    if name in _TIMES:
        return math.prod(number for number in numbers if number > 1)
    texts = [token.text.strip("'") for token in inside if token.kind == STRING]
    if any(left.text + right.text == "||" for left, right in pairwise(inside)):
        texts.append("".join(token.text.strip("'") for token in inside if token.kind in (STRING, NUMBER)))
    if any(_WIDE_FORMAT.search(text) for text in texts):
        return math.inf
    return math.prod(number for number in numbers if number > 1) if any(map(_WIDTH_FROM_ARGUMENT.search, texts)) else 0


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
