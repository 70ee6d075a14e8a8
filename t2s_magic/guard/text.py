"""The first layer: characters and tokens, before any parser sees the text.

The scanner knows only what a comment, a literal and a quoted name look like in each dialect. It is our second opinion
on sqlglot's tokens: where the two disagree about what is text and what is SQL, nothing runs.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NoReturn

from t2s_magic.errors import UnsafeSqlError

MAX_CHARACTERS = 50_000
# sqlglot descends about a dozen Python frames a parenthesis; a notebook's stack is already some hundred frames deep.
MAX_NESTING = 40

# PostgreSQL and DuckDB let columns have these names, unquoted; sqlglot does not. They are verbs nowhere that a value
# stands between these neighbours.
_VERBS_THAT_ARE_NAMES = frozenset({"DROP", "INSERT", "ALTER", "REVOKE", "ROLLBACK"})
_BEFORE_A_NAME = frozenset("SELECT DISTINCT , WHERE AND OR NOT BY ON = < > + - * / || CASE WHEN THEN ELSE".split())
_AFTER_A_NAME = frozenset(", ) FROM = < > + - * / | : IS IN LIKE BETWEEN AND OR ASC DESC AS LIMIT END THEN".split())

DIALECTS = ("sqlite", "duckdb", "postgres", "mysql")

WORD, QUOTED, STRING, NUMBER, SYMBOL = "word", "quoted", "string", "number", "symbol"
TEMPLATE_MARKS = ("{{", "{%", "{#")
# Engines disagree about which of these spaces separate words; a backslash begins a command of psql or IPython.
_OUTSIDE_LITERALS = re.compile(r"\{[{%#]|\\|[^\S \t\n\r\f]")

_COMMENT_DASHES = r"--[^\n]*"
_BLOCK_COMMENT = r"/\*(?:[^*]|\*(?!/))*\*/"
_NUMBER = r"0[xXbBoO][0-9a-fA-F_]+|(?:\d[\d_]*(?:\.[\d_]*)?|\.\d[\d_]*)(?:[eE][+-]?\d+)?"
_WORD = r"[A-Za-z_\u0080-\U0010ffff][\w$\u0080-\U0010ffff]*"
_PLAIN_STRING = r"'(?:[^']|'')*'"
_BACKSLASH_STRING = r"'(?:[^'\\]|\\.|'')*'"
_DOUBLE_QUOTED = r'"(?:[^"]|"")*"'
_BACKTICKED = r"`(?:[^`]|``)*`"
_BRACKETED = r"\[[^\]]*\]"
_DOLLAR_STRING = r"\$(?P<tag>(?:[A-Za-z_]\w*)?)\$.*?\$(?P=tag)\$"


def _scanner(comments: str, strings: str, names: str) -> re.Pattern[str]:
    return re.compile(
        f"(?P<space>[ \\t\\n\\f]+|\\r\\n)|(?P<comment>{comments})|(?P<string>{strings})|(?P<quoted>{names})"
        f"|(?P<number>{_NUMBER})|(?P<word>{_WORD})|(?P<symbol>[^\\w\\s'\"`])",
        re.DOTALL,
    )


_PREFIXED = rf"[eE]{_BACKSLASH_STRING}|[xXbBnN]?{_PLAIN_STRING}|{_DOLLAR_STRING}"
_SCANNERS = {
    "sqlite": _scanner(
        f"{_COMMENT_DASHES}|{_BLOCK_COMMENT}", f"[xX]?{_PLAIN_STRING}", f"{_DOUBLE_QUOTED}|{_BACKTICKED}|{_BRACKETED}"
    ),
    "duckdb": _scanner(f"{_COMMENT_DASHES}|{_BLOCK_COMMENT}", _PREFIXED, _DOUBLE_QUOTED),
    "postgres": _scanner(f"{_COMMENT_DASHES}|{_BLOCK_COMMENT}", _PREFIXED, _DOUBLE_QUOTED),
    "mysql": _scanner(
        rf"--(?=\s|$)[^\n]*|#[^\n]*|{_BLOCK_COMMENT}",
        rf'[xXbBnN]?{_BACKSLASH_STRING}|"(?:[^"\\]|\\.|"")*"',
        _BACKTICKED,
    ),
}


@dataclass(frozen=True)
class Token:
    """A piece of SQL: ``kind`` is one of the constants above; ``name`` is the text without its quotes."""

    kind: str
    text: str
    start: int

    @property
    def end(self) -> int:
        return self.start + len(self.text)

    @property
    def name(self) -> str:
        if self.kind != QUOTED:
            return self.text
        close = self.text[-1]
        return self.text[1:-1].replace(close * 2, close) if close != "]" else self.text[1:-1]


@dataclass(frozen=True)
class Statement:
    """One statement as it was written, its tokens, and ``bare``, the text that sqlglot reads.

    In ``bare`` all keeps its place, but spaces stand in place of every comment, since sqlglot does not know GROUP BY
    with a comment between the two words, and ``_rop`` in place of a column called ``drop``, which it takes for a verb.
    """

    sql: str
    dialect: str
    tokens: tuple[Token, ...]
    bare: str


def refuse(
    sql: str, reason: str, span: tuple[int, int], *, do: str = "Nothing was run.", part: str | None = None
) -> NoReturn:
    """Raise UnsafeSqlError: what part, where, why, in a person's words."""
    start, end = span
    part = sql[start:end] if part is None else part
    line = sql.count("\n", 0, start) + 1
    where = f" at line {line}" if "\n" in sql else ""
    raise UnsafeSqlError(f"Only reading is allowed: {shown(part)}{where} {reason}. {do}", sql=sql, part=part, span=span)


def shown(part: str) -> str:
    """``part`` in one short line, odd characters spelled out."""
    one_line = " ".join(part.split()) or repr(part)
    visible = "".join(mark if mark.isprintable() else f"\\u{ord(mark):04x}" for mark in one_line)
    return visible if len(visible) <= 60 else visible[:57] + "..."


def read_statement(sql: str, dialect: str) -> Statement:
    """The one statement in ``sql``, without surrounding space and one closing semicolon, or UnsafeSqlError."""
    if dialect not in DIALECTS:
        raise UnsafeSqlError(f"The guard has no list for {dialect!r}, so this SQL is shown and not run.", sql=sql)
    _refuse_odd_characters(sql)
    tokens, comments = scan(sql, dialect)
    if not tokens:
        raise UnsafeSqlError("There is no SQL statement here. Nothing was run.", sql=sql, span=(0, len(sql)))
    tokens, end = _without_last_semicolon(sql, tokens)
    _refuse_marks(sql, tokens, comments, dialect)
    _refuse_nesting(sql, tokens)
    start = len(sql) - len(sql.lstrip())
    text = sql[start:end].rstrip()
    moved = tuple(Token(token.kind, token.text, token.start - start) for token in tokens)
    bare = _without(comments, sql)[start : start + len(text)]
    return Statement(text, dialect, moved, _with_plain_names(bare, moved, dialect))


def count_statements(sql: str, dialect: str) -> int:
    """How many statements ``sql`` holds; empty ones between semicolons do not count. UnsafeSqlError when unreadable."""
    tokens, _ = scan(sql, dialect if dialect in DIALECTS else "postgres")
    is_semicolon = [token.text == ";" for token in tokens]
    starts = [not mark and (index == 0 or is_semicolon[index - 1]) for index, mark in enumerate(is_semicolon)]
    return sum(starts)


def scan(sql: str, dialect: str) -> tuple[list[Token], list[tuple[int, int]]]:
    """The tokens of ``sql`` and the spans of its comments; UnsafeSqlError where a literal or comment has no end."""
    tokens: list[Token] = []
    comments: list[tuple[int, int]] = []
    for match in _matches(sql, _SCANNERS[dialect]):
        kind = match.lastgroup if match.lastgroup != "tag" else STRING
        if kind == "comment":
            comments.append(match.span())
        elif kind != "space":
            tokens.append(Token(str(kind), match.group(), match.start()))
    return tokens, comments


def _without(comments: Sequence[tuple[int, int]], sql: str) -> str:
    pieces: list[str] = []
    end = 0
    for first, last in comments:
        pieces += (sql[end:first], " " * (last - first))
        end = last
    return "".join((*pieces, sql[end:]))


def _with_plain_names(bare: str, tokens: Sequence[Token], dialect: str) -> str:
    if dialect not in ("duckdb", "postgres"):
        return bare
    for before, token, after in zip(tokens, tokens[1:], (*tokens[2:], None), strict=False):
        is_operand = before.text.upper() in _BEFORE_A_NAME and (after is None or after.text.upper() in _AFTER_A_NAME)
        if token.kind == WORD and token.text.upper() in _VERBS_THAT_ARE_NAMES and is_operand:
            bare = f"{bare[: token.start]}_{bare[token.start + 1 :]}"
    return bare


def _matches(sql: str, scanner: re.Pattern[str]) -> Iterator[re.Match[str]]:
    at = 0
    while at < len(sql):
        match = scanner.match(sql, at)
        if match is None or (sql.startswith("/*", match.start()) and match.lastgroup != "comment"):
            refuse(sql, "is a literal, a name or a comment without an end", (at, min(at + 20, len(sql))))
        yield match
        at = match.end()


def _refuse_odd_characters(sql: str) -> None:
    if len(sql) > MAX_CHARACTERS:
        raise UnsafeSqlError(
            f"The statement has {len(sql):,} characters; the limit is {MAX_CHARACTERS:,}. Nothing was run.", sql=sql
        )
    for at, mark in enumerate(sql):
        if mark in " \t\n\f" or mark.isprintable() or (mark == "\r" and sql[at + 1 : at + 2] == "\n"):
            continue
        if unicodedata.category(mark) in ("Cc", "Cf", "Cs", "Zl", "Zp"):
            kind = unicodedata.name(mark, "a control character").lower()
            refuse(sql, f"is {kind}, which can hide what a statement does", (at, at + 1))


def _without_last_semicolon(sql: str, tokens: list[Token]) -> tuple[list[Token], int]:
    end = len(sql)
    if tokens[-1].text == ";":
        end = tokens[-1].start
        tokens = tokens[:-1]
    for token in tokens:
        if token.text == ";":
            refuse(sql, "separates several statements; one at a time", (token.start, token.end))
    if not tokens:
        raise UnsafeSqlError("There is no SQL statement here. Nothing was run.", sql=sql, span=(0, len(sql)))
    return tokens, end


def _refuse_marks(sql: str, tokens: list[Token], comments: list[tuple[int, int]], dialect: str) -> None:
    for start, end in comments:
        if re.match(r"/\*\s*(?:!|\+|[mM]!)", sql[start:end]):
            refuse(sql, "is a comment that an engine executes", (start, end))
        if "/*" in sql[start + 2 : end] or (sql.startswith("/*", start) and "*/" in sql[start:end][2:-2]):
            refuse(sql, "is a comment inside a comment, which engines read differently", (start, end))
    literals = [(token.start, token.end) for token in tokens if token.kind == STRING]
    for found in _OUTSIDE_LITERALS.finditer(sql):
        if not is_inside(found.start(), literals):
            reason = "is a template mark, which notebooks replace with code"
            refuse(sql, reason if found.group() in TEMPLATE_MARKS else "stands outside of a literal", found.span())
    for left, right in pairwise(tokens):
        if left.end == right.start and _is_ambiguous(left, right, dialect):
            refuse(sql, "is read differently by different parsers", (left.start, right.end))


def _is_ambiguous(left: Token, right: Token, dialect: str) -> bool:
    if left.kind == NUMBER and right.kind in (WORD, NUMBER):
        return True
    if left.text in ("U", "u") and right.text == "&":
        return True
    return dialect in ("mysql", "sqlite") and left.text == "@"


def is_inside(place: int, spans: Sequence[tuple[int, int]]) -> bool:
    """Whether ``place`` is in one of ``spans``, which are in order and do not overlap."""
    index = bisect_right(spans, (place, MAX_CHARACTERS + 1)) - 1
    return index >= 0 and spans[index][0] <= place < spans[index][1]


def _refuse_nesting(sql: str, tokens: list[Token]) -> None:
    closes = {")": "(", "]": "[", "}": "{"}
    opened: list[Token] = []
    for token in tokens:
        if token.kind != SYMBOL:
            continue
        if token.text in "([{":
            opened.append(token)
            if len(opened) > MAX_NESTING:
                refuse(sql, f"is nested more than {MAX_NESTING} deep", (token.start, token.end))
        elif token.text in closes and (not opened or opened.pop().text != closes[token.text]):
            refuse(sql, "closes nothing", (token.start, token.end))
    if opened:
        refuse(sql, "is never closed", (opened[-1].start, opened[-1].end))
