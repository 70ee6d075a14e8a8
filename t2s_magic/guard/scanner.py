"""SQL taken apart into tokens and comments, by what a literal, a quoted name and a comment look like in each dialect.

It knows no grammar. It is our second opinion on sqlglot's tokens: where the two disagree about what is text and what
is SQL, nothing runs.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from t2s_magic.guard.verdict import refuse

DIALECTS = ("sqlite", "duckdb", "postgres", "mysql")

WORD, QUOTED, STRING, NUMBER, SYMBOL = "word", "quoted", "string", "number", "symbol"
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
    "postgres": _scanner(f"{_COMMENT_DASHES}|{_BLOCK_COMMENT}", rf"[uU]&{_PLAIN_STRING}|{_PREFIXED}", _DOUBLE_QUOTED),
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


def count_statements(sql: str, dialect: str) -> int:
    """How many statements ``sql`` holds; empty ones between semicolons do not count. UnsafeSqlError when unreadable."""
    tokens, _ = scan(sql, dialect if dialect in DIALECTS else "postgres")
    is_semicolon = [token.text == ";" for token in tokens]
    starts = [not mark and (index == 0 or is_semicolon[index - 1]) for index, mark in enumerate(is_semicolon)]
    return sum(starts)


def is_inside(place: int, spans: Sequence[tuple[int, int]]) -> bool:
    """Whether ``place`` is in one of ``spans``, which are in order and do not overlap."""
    index = bisect_right(spans, place, key=lambda span: span[0]) - 1
    return index >= 0 and spans[index][0] <= place < spans[index][1]


def _matches(sql: str, scanner: re.Pattern[str]) -> Iterator[re.Match[str]]:
    at = 0
    while at < len(sql):
        match = scanner.match(sql, at)
        if match is None or (sql.startswith("/*", match.start()) and match.lastgroup != "comment"):
            refuse(sql, "is a literal, a name or a comment without an end", (at, min(at + 20, len(sql))))
        yield match
        at = match.end()
