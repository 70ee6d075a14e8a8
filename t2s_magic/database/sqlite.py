"""SQLite: a read-only connection of our own to the same file, or to a copy of a database in memory.

The user's connection is never used to run anything: an authorizer or a limit set on it would outlive the question, and
a statement on it would see and touch their transaction.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

from t2s_magic.database.base import Limits, Rows
from t2s_magic.database.fetch import fetch_rows
from t2s_magic.database.labels import file_label, scrub
from t2s_magic.database.sqlite_connection import ReadOnlyConnection, Target
from t2s_magic.database.sqlite_schema import Catalogue, read_catalogue
from t2s_magic.database.sqlite_source import SourceView, look_at
from t2s_magic.database.supervised import SupervisedDatabase
from t2s_magic.errors import (
    ConnectionLostError,
    LockedError,
    NoConnectionError,
    QueryError,
    SchemaError,
    Text2SqlError,
)
from t2s_magic.guard import CheckedSql
from t2s_magic.schema import Schema

LOCK_SECONDS = 5.0
LOCK_POLL_SECONDS = 0.05
# A copy younger than this was made for the question that is being answered.
STALE_SECONDS = 10.0
_FILE_HEADER = b"SQLite format 3\0"
_LOST = ("disk i/o error", "unable to open database file", "malformed", "not a database")


class SqliteDatabase(SupervisedDatabase):
    """One SQLite file, or a copy of a database in memory, as read-only as SQLite can make it.

    ``source`` is the user's own connection, where there is one: it is asked what it has attached, which temporary
    tables it holds and whether it is in a transaction. A database in memory is copied when it has changed; from a
    thread other than that of ``source`` the last copy answers, and the rows say so.
    """

    dialect = "sqlite"
    is_read_only_enforced = True

    def __init__(self, file: str = "", source: sqlite3.Connection | None = None) -> None:
        self._source = source
        self._view = look_at(source) if source else SourceView(file)
        self.label = file_label("sqlite", self._view.file)
        self._opened: ReadOnlyConnection | None = None
        self._known: tuple[object, Schema] | None = None
        super().__init__()
        if self._view.file:
            _check_file(Path(self._view.file))
        self._supervised(self._connection)

    @property
    def engine_version(self) -> str:
        return sqlite3.sqlite_version

    def run(self, query: CheckedSql, limits: Limits = Limits()) -> Rows:
        rows = super().run(query, limits)
        age = time.monotonic() - self._view.seen_at
        if self._view.file or age < STALE_SECONDS:
            return rows
        return replace(rows, notes=(*rows.notes, _STALE.format(age=age)))

    def _look(self) -> None:
        if self._source:
            self._view = look_at(self._source, self._view)

    def _connection(self) -> ReadOnlyConnection:
        """The open connection, or another where the file, what is attached or the database in memory has changed."""
        view = self._view
        target = Target.of(view)
        if self._opened and self._opened.target == target:
            return self._opened
        self._disconnect()
        self._opened = ReadOnlyConnection(target, view.image)
        return self._opened

    def _disconnect(self) -> None:
        opened, self._opened, self._known = self._opened, None, None
        if opened:
            opened.raw.close()

    def _interrupt(self) -> None:
        if opened := self._opened:
            opened.raw.interrupt()

    def _abandon(self) -> None:
        self._opened = None

    def _execute(self, sql: str, limits: Limits) -> Rows:
        started = time.monotonic()
        with self._errors(sql):
            connection = self._connection()
            # Closed whatever happens: a statement that stays open keeps SQLite interrupted for the next one, too.
            with connection.transaction(self._wait_for_lock), closing(connection.raw.execute(sql)) as cursor:
                names = [part[0] for part in cursor.description or ()]
                rows = fetch_rows(names, (), cursor.fetchmany, limits, self._supervisor.check)
        return replace(rows, seconds=time.monotonic() - started)

    def _read_schema(self) -> Schema:
        with self._errors():
            view = self._view
            connection = self._connection()
            with connection.transaction(self._wait_for_lock), connection.trusted():
                key = (connection.versions(), view.unseen)
                if self._known and self._known[0] == key:
                    return self._known[1]
                schema = self._make_schema(read_catalogue(connection.raw, connection.schemas), view)
                self._known = (key, schema)
        return schema

    def _make_schema(self, catalogue: Catalogue, view: SourceView) -> Schema:
        if not catalogue.tables:
            raise SchemaError(f"No table in {self.label}: it is empty. Create one, or connect to another file.")
        names = {table.name.casefold() for table in catalogue.tables}
        unseen = [(name, _hides(kind) if name.casefold() in names else kind) for name, kind in view.unseen]
        unseen += [(name, "table or view that SQLite cannot read") for name in catalogue.broken]
        return Schema("sqlite", catalogue.tables, tuple(unseen))

    def _wait_for_lock(self, start: float) -> None:
        self._supervisor.check()
        if time.monotonic() > start + LOCK_SECONDS:
            raise LockedError(
                f"Another session holds a lock on {self.label}. Waited {LOCK_SECONDS:g} s; try again later."
            )
        time.sleep(LOCK_POLL_SECONDS)

    @contextmanager
    def _errors(self, sql: str | None = None) -> Iterator[None]:
        started = time.monotonic()
        try:
            yield
        except Text2SqlError as error:
            error.sql = error.sql or sql
            raise
        except (sqlite3.Error, UnicodeDecodeError, OverflowError) as error:
            said = scrub(error)
            if any(words in said.lower() for words in _LOST):
                self._disconnect()
                raise ConnectionLostError(
                    f"{self.label} was lost after {time.monotonic() - started:.1f} s ({said}); nothing was changed. "
                    "Look whether the file is still there and whole.",
                    sql=sql,
                ) from error
            if "locked" in said:
                raise LockedError(
                    f"Another session holds a lock on {self.label} ({said}). Try again later.", sql=sql
                ) from error
            raise QueryError(f"SQLite: {said}.", sql=sql) from error


_STALE = (
    "These rows come from a copy of the database in memory, {age:.0f} s old: SQLite lets only the thread that made the "
    "connection look again. Ask again for newer ones."
)


def _hides(kind: str) -> str:
    return f"{kind} in front of a table of the same name"


def _check_file(file: Path) -> None:
    if not file.is_file():
        raise NoConnectionError(f"There is no file {file.name!r} in {file.absolute().parent}. None was created.")
    with file.open("rb") as opened:
        start = opened.read(len(_FILE_HEADER))
    if start not in (b"", _FILE_HEADER):  # a database in which nothing was created yet is an empty file
        raise NoConnectionError(f"{file.name!r} is not an SQLite database. Check the path.")
