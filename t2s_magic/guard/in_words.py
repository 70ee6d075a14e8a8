"""SQL read back as one sentence, by rule, for someone who cannot read SQL.

A sentence is only given when a rule has said every part of the statement (``words_parts.Parts``); anything else is
honestly too complex. The rules live in the ``words_*`` modules: values, aggregates, dates, conditions, joins, groups.
"""

from __future__ import annotations

from contextlib import suppress

import sqlglot
from sqlglot import exp

from t2s_magic.guard.apart import apart
from t2s_magic.guard.forms import quiet_sqlglot
from t2s_magic.guard.stumbles import STUMBLES
from t2s_magic.guard.words_names import Told
from t2s_magic.guard.words_parts import TooComplexError
from t2s_magic.guard.words_scope import AliasNeededError, Reading, SelectRead
from t2s_magic.guard.words_select import read_query
from t2s_magic.schema import Schema

TOO_COMPLEX = "Too complex to put in words: read the SQL below."
_LONGEST_SENTENCE = 900  # characters; a longer one helps nobody
_MOST_TABLES_TWICE = 5


def in_words(sql: str, schema: Schema) -> str:
    """One sentence that says what ``sql`` asks of ``schema``; TOO_COMPLEX beyond the rules; "" where it is no SQL.

    Never raises, whatever the text: it follows every edit.
    """
    statement = parse(sql, schema.dialect)
    if statement is None:
        return ""
    try:
        sentence = _sentence(statement, schema)
    except (TooComplexError, RecursionError):
        return TOO_COMPLEX
    return sentence if len(sentence) <= _LONGEST_SENTENCE else TOO_COMPLEX


def tell_apart(first_sql: str, second_sql: str, schema: Schema) -> str:
    """How two readings of a question differ, in a line; "" where one of them cannot be told."""
    first, second = in_words(first_sql, schema), in_words(second_sql, schema)
    if TOO_COMPLEX in (first, second) or "" in (first, second) or first == second:
        return ""
    one, other = apart(first, second)
    return f"One reading: {one}. Another: {other}."


def parse(sql: str, dialect: str) -> exp.Expr | None:
    """The one query in ``sql``, or None."""
    try:
        with quiet_sqlglot():
            statements = [statement for statement in sqlglot.parse(sql, read=dialect) if statement is not None]
        queries = [statement for statement in statements if isinstance(statement, exp.Query) and statement.selects]
    except STUMBLES:
        return None
    return queries[0] if len(statements) == len(queries) == 1 else None


def selects_of(statement: exp.Expr, schema: Schema) -> list[SelectRead]:
    """The SELECTs of a statement with what their names mean, outermost last; only those that the rules can read."""
    selects: list[SelectRead] = []
    with suppress(TooComplexError, RecursionError):
        _read(statement, schema, selects)
    return list({id(select.node): select for select in selects}.values())


def _sentence(statement: exp.Expr, schema: Schema) -> str:
    told, reading = _read(statement, schema, [])
    for node in statement.walk():
        if id(node) not in reading.said and not isinstance(node, exp.Identifier):
            raise TooComplexError(f"Nothing says {type(node).__name__}")
    sentence = told.sentence
    if reading.steps:
        sentence = f"takes {'; then '.join(reading.steps.values())}; then {sentence}"
    return sentence[0].upper() + sentence[1:] + "."


def _read(statement: exp.Expr, schema: Schema, selects: list[SelectRead]) -> tuple[Told, Reading]:
    """Read once, and again with aliases for as long as some table occurs twice."""
    aliased: set[str] = set()
    for _ in range(_MOST_TABLES_TWICE):
        reading = Reading(schema, read_query, selects, aliased)
        try:
            return read_query(statement, reading, {}, None), reading
        except AliasNeededError as error:
            aliased = aliased | {error.table}
    raise TooComplexError("Too many tables that occur twice")
