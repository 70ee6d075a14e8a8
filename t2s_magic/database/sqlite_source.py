"""What a person's own SQLite connection tells about itself. Nothing is changed in it and no transaction begun."""

from __future__ import annotations

import sqlite3
import time
from dataclasses import dataclass
from typing import Any

from t2s_magic.errors import ConnectionLostError

_OTHER_THREAD = "created in a thread"


@dataclass(frozen=True)
class SourceView:
    """``attached`` are (alias, file) of attached files, ``unseen`` what our own connection cannot see of it.

    For a database in memory ``image`` is a copy of it, and ``state`` tells whether that is still the same. It was so at
    ``seen_at`` (of ``time.monotonic``): from a thread that did not make the connection SQLite lets nobody look again.
    """

    file: str = ""
    attached: tuple[tuple[str, str], ...] = ()
    unseen: tuple[tuple[str, str], ...] = ()
    image: bytes = b""
    state: tuple[int, ...] = ()
    seen_at: float = 0.0


def look_at(source: sqlite3.Connection, last: SourceView | None = None) -> SourceView:
    """How ``source`` is now, or ``last`` where another thread owns it. Raises ConnectionLostError."""
    try:
        return _look(source, last)
    except sqlite3.ProgrammingError as error:
        if _OTHER_THREAD in str(error) and last is not None:
            return last
        if _OTHER_THREAD in str(error):
            raise ConnectionLostError(
                "SQLite lets only the thread that made a connection use it. Connect there, or by the file's URL."
            ) from error
        raise ConnectionLostError(f"The SQLite connection cannot be used any more: {error} Connect again.") from error


def _look(source: sqlite3.Connection, last: SourceView | None) -> SourceView:
    databases = {name: file for _, name, file in _rows(source, "PRAGMA database_list")}
    file = databases.get("main") or ""
    others = {name: where for name, where in databases.items() if name not in ("main", "temp")}
    attached = tuple((name, where) for name, where in others.items() if where)
    unseen = [(name, "attached database in memory") for name, where in others.items() if not where]
    unseen += [(name, f"temporary {kind}") for kind, name in _temporary(source)]
    if file:
        if source.in_transaction:
            unseen.append(("your open transaction", "uncommitted rows"))
        return SourceView(file, attached, tuple(unseen), seen_at=time.monotonic())
    image, state = _image(source, last)
    return SourceView("", attached, tuple(unseen), image, state, time.monotonic())


def _temporary(source: sqlite3.Connection) -> list[tuple[Any, ...]]:
    return _rows(source, "SELECT type, name FROM sqlite_temp_schema WHERE type IN ('table', 'view') ORDER BY rowid")


def _image(source: sqlite3.Connection, last: SourceView | None) -> tuple[bytes, tuple[int, ...]]:
    """A copy of a database in memory, uncommitted rows included: they are in the user's own session."""
    ((version,),) = _rows(source, "PRAGMA schema_version")
    # A rollback does not move total_changes, so each look into an open transaction counts as another state.
    look = 1 + (last.state[2] if last and last.state else 0) if source.in_transaction else 0
    state = (version, source.total_changes, look)
    if last and last.state == state:
        return last.image, state
    return source.serialize(), state


def _rows(source: sqlite3.Connection, sql: str) -> list[tuple[Any, ...]]:
    cursor = source.cursor()
    cursor.row_factory = None  # the user's may give anything, and so may their text_factory
    rows = cursor.execute(sql).fetchall()
    return [tuple(cell.decode() if isinstance(cell, bytes) else cell for cell in row) for row in rows]
