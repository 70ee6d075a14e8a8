"""The first rows of a statement, as one line of text, for a table that sets two programs' answers side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from t2s_magic import guard
from t2s_magic.database import Limits
from t2s_magic.errors import Text2SqlError
from t2s_magic.study.databases import Databases

SHOWN_ROWS, SHOWN_CHARACTERS = 3, 40
LIMITS = Limits(seconds=10, rows=1_000, cell=1_000)


def preview(databases: Databases, db_id: str, sql: str) -> str:
    """What a program's statement returns, or why it does not run; it passes the guard as anywhere else."""
    try:
        database = databases.open(db_id)
        rows = database.run(guard.check(sql, database.dialect, schema=database.schema()), LIMITS).rows
    except Text2SqlError as problem:
        return problem.message
    return _text(rows)


def gold_preview(databases: Databases, db_id: str, sql: str) -> str:
    """What a question set's own statement returns."""
    try:
        return _text(databases.gold_rows(db_id, sql))
    except Text2SqlError as problem:
        return problem.message


def _text(rows: Sequence[Sequence[Any]]) -> str:
    shown = "; ".join(", ".join(_cell(value) for value in row) for row in rows[:SHOWN_ROWS])
    more = f" … {len(rows):,} rows" if len(rows) > SHOWN_ROWS else ""
    return f"{shown}{more}" if rows else "no rows"


def _cell(value: Any) -> str:
    text = "NULL" if value is None else " ".join(str(value).split())
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…"
