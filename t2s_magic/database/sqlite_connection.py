"""One SQLite connection of our own, on which a statement can do nothing but read."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from t2s_magic.database.sqlite_schema import quoted, touch_virtual_tables
from t2s_magic.database.sqlite_source import SourceView
from t2s_magic.errors import ConnectionLostError
from t2s_magic.guard.functions import function_list

# Of one value or row. Without it one-cell bombs such as replace(hex(zeroblob(…)), …) cannot be interrupted.
LARGEST_VALUE_BYTES = 64_000_000
_OPERATORS = frozenset({"->", "->>", "like", "glob", "match", "regexp"})
_ALLOWED_ACTIONS = frozenset({sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_RECURSIVE})


@dataclass(frozen=True)
class Target:
    """What a connection was opened to: it serves as long as this stays the same."""

    file: str
    attached: tuple[tuple[str, str], ...]
    identity: tuple[int, ...]

    @staticmethod
    def of(view: SourceView) -> Target:
        """Raises ConnectionLostError when the file is gone."""
        if not view.file:
            return Target("", view.attached, view.state)
        try:
            found = Path(view.file).stat()
        except FileNotFoundError as error:
            raise ConnectionLostError(
                f"The file {Path(view.file).name!r} is no longer there; nothing was changed. "
                "Put it back or connect again."
            ) from error
        return Target(view.file, view.attached, (found.st_dev, found.st_ino))


class ReadOnlyConnection:
    """``raw`` refuses all but SELECT, except to what runs under ``trusted()``."""

    def __init__(self, target: Target, image: bytes) -> None:
        self.target = target
        self.schemas = ("main", *(alias for alias, _ in target.attached))
        self._is_trusted = True
        self._touched: tuple[int, ...] = ()
        self._functions = function_list("sqlite").allowed | _OPERATORS
        # Without the statement cache nothing that was prepared while trusted can be used again when it is not.
        self.raw = sqlite3.connect(
            _read_only_uri(target.file) if target.file else ":memory:",
            uri=True,
            timeout=0,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=0,
        )
        self.raw.text_factory = _text
        if image:
            self.raw.deserialize(image)
        for alias, file in target.attached:
            self.raw.execute("ATTACH ? AS " + quoted(alias), (_read_only_uri(file),))
        self._close_the_ways_out()

    @contextmanager
    def trusted(self) -> Iterator[None]:
        self._is_trusted = True
        try:
            yield
        finally:
            self._is_trusted = False

    @contextmanager
    def transaction(self, wait_for_lock: Callable[[float], None]) -> Iterator[None]:
        """One snapshot of all files, ended by a rollback. ``wait_for_lock(start)`` lets a moment pass or raises."""
        with self.trusted():
            self._begin(wait_for_lock)
            if (versions := self.versions()) != self._touched:
                touch_virtual_tables(self.raw, self.schemas)
                self._touched = versions
        try:
            yield
        finally:
            with self.trusted():
                self.raw.rollback()

    def versions(self) -> tuple[int, ...]:
        """SQLite's own counters of changes to the schema."""
        return tuple(
            self.raw.execute(f"PRAGMA {quoted(schema)}.schema_version").fetchone()[0] for schema in self.schemas
        )

    def _begin(self, wait_for_lock: Callable[[float], None]) -> None:
        start = time.monotonic()
        while True:
            try:
                self.raw.rollback()  # what an interrupted rollback may have left
                self.raw.execute("BEGIN")
                for schema in self.schemas:
                    # Reading takes the shared lock, so that no later step has to wait for one.
                    self.raw.execute(f"SELECT 1 FROM {quoted(schema)}.sqlite_schema LIMIT 1").fetchall()
            except sqlite3.OperationalError as error:
                if "locked" not in str(error):
                    raise
                wait_for_lock(start)
            else:
                return

    def _close_the_ways_out(self) -> None:
        self.raw.execute("PRAGMA query_only = ON")
        self.raw.execute("PRAGMA trusted_schema = OFF")
        self.raw.execute("PRAGMA temp_store = MEMORY")
        self.raw.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LARGEST_VALUE_BYTES)
        self.raw.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, len(self.schemas) - 1)
        self.raw.set_authorizer(self._authorize)
        self._is_trusted = False

    def _authorize(self, action: int, first: str | None, second: str | None, *_: str | None) -> int:
        if self._is_trusted or action in _ALLOWED_ACTIONS:
            return sqlite3.SQLITE_OK
        if action == sqlite3.SQLITE_FUNCTION and (second or "").lower() in self._functions:
            return sqlite3.SQLITE_OK
        return sqlite3.SQLITE_DENY


def _read_only_uri(file: str) -> str:
    return f"{Path(file).absolute().as_uri()}?mode=ro"


def _text(data: bytes) -> str:
    # SQLite keeps any bytes as TEXT; what is no UTF-8 shows as the replacement character.
    return data.decode("utf-8", "replace")
