"""The first layer: what the text as a whole may be, before any parser sees it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from t2s_magic.errors import UnsafeSqlError
from t2s_magic.guard.scanner import DIALECTS, NUMBER, STRING, SYMBOL, WORD, Token, is_inside, scan
from t2s_magic.guard.spellings import in_plain_spelling, operators_by_schema
from t2s_magic.guard.verdict import refuse

MAX_CHARACTERS = 50_000
# sqlglot descends about a dozen Python frames a parenthesis; a notebook's stack is already some hundred frames deep.
MAX_NESTING = 40

TEMPLATE_MARKS = ("{{", "{%", "{#")
# Engines disagree about which of these spaces separate words; a backslash begins a command of psql or IPython.
_OUTSIDE_LITERALS = re.compile(r"\{[{%#]|\\|[^\S \t\n\r\f]")


@dataclass(frozen=True)
class Statement:
    """One statement as it was written, its tokens, and ``bare``, the text that sqlglot reads.

    In ``bare`` all keeps its place, but spaces stand in place of every comment, since sqlglot does not know GROUP BY
    with a comment between the two words, and ``spellings`` has made it readable.
    """

    sql: str
    dialect: str
    tokens: tuple[Token, ...]
    bare: str


def read_statement(sql: str, dialect: str) -> Statement:
    """The one statement in ``sql``, without its closing semicolon, or UnsafeSqlError; places stay those in ``sql``."""
    if dialect not in DIALECTS:
        raise UnsafeSqlError(f"The guard has no list for {dialect!r}, so this SQL is shown and not run.", sql=sql)
    _refuse_odd_characters(sql)
    tokens, comments = scan(sql, dialect)
    if not tokens:
        raise UnsafeSqlError("There is no SQL statement here. Nothing was run.", sql=sql, span=(0, len(sql)))
    tokens, end = _without_last_semicolon(sql, tokens)
    _refuse_marks(sql, tokens, comments, dialect)
    _refuse_nesting(sql, tokens)
    named = operators_by_schema(tokens) if dialect == "postgres" else []
    blank = sorted([*comments, *((token.start, token.end) for token in named)])
    tokens = [token for token in tokens if token not in named]
    bare = in_plain_spelling(_without(blank, sql)[:end], tokens, dialect)
    return Statement(sql[:end], dialect, tuple(tokens), bare)


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
        if re.match(r"/\*(?:!|\+|[mM]!)", sql[start:end]):
            refuse(sql, "is a comment that an engine executes", (start, end))
        if sql.startswith("/*", start) and "/*" in sql[start + 2 : end]:
            refuse(sql, "is a comment inside a comment, which engines read differently", (start, end))
    literals = [(token.start, token.end) for token in tokens if token.kind == STRING]
    for found in _OUTSIDE_LITERALS.finditer(sql):
        if not is_inside(found.start(), literals):
            reason = "is a template mark, which notebooks replace with code"
            refuse(sql, reason if found.group() in TEMPLATE_MARKS else "stands outside of a literal", found.span())
    for token in tokens:
        if token.text == "?" and dialect != "postgres":  # there it is an operator of jsonb
            refuse(sql, "is a parameter without a value", (token.start, token.end))
    for left, right in pairwise(tokens):
        if left.end == right.start and _is_ambiguous(left, right, dialect):
            refuse(sql, "is read differently by different parsers", (left.start, right.end))


def _is_ambiguous(left: Token, right: Token, dialect: str) -> bool:
    if left.kind == NUMBER and right.kind in (WORD, NUMBER):
        return True
    if left.text in ("U", "u") and right.text == "&":
        return True
    return dialect in ("mysql", "sqlite") and left.text == "@"


def _without(comments: Sequence[tuple[int, int]], sql: str) -> str:
    pieces: list[str] = []
    end = 0
    for first, last in comments:
        pieces += (sql[end:first], " " * (last - first))
        end = last
    return "".join((*pieces, sql[end:]))


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
