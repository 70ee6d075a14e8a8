"""The databases that a study asks: files, scripts built one by one, copies with other rows, or the user's own."""

from __future__ import annotations

import hashlib
import random
import sqlite3
import tempfile
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from t2s_magic import guard
from t2s_magic.database import Database, Limits, connect
from t2s_magic.errors import Text2SqlError, UsageError
from t2s_magic.guard import quote_name
from t2s_magic.study.gold import run_gold
from t2s_magic.study.questions import database_file, database_files
from t2s_magic.study.transfer import open_in

# A gold result may be longer than what a person would read; the whole of it is compared.
WHOLE = Limits(seconds=30, rows=1_000_000, cell=100_000_000)
KEPT_SHARE = 0.6

GoldRows = Sequence[Sequence[Any]]


class Databases(ABC):
    """Databases by ``db_id``, each opened once, at its first use, and shared by all threads."""

    def __init__(self) -> None:
        self._opened: dict[str, Database] = {}
        self._lock = threading.Lock()

    def open(self, db_id: str) -> Database:
        """The database to ask. Raises UsageError where there is none of this name."""
        with self._lock:
            if db_id not in self._opened:
                self._opened[db_id] = self._open(db_id)
            return self._opened[db_id]

    @abstractmethod
    def _open(self, db_id: str) -> Database: ...

    def _open_file(self, path: Path) -> Database:
        return connect(f"sqlite:///{path}")

    @abstractmethod
    def gold_rows(self, db_id: str, sql: str) -> GoldRows:
        """All rows of a question set's own SQL. Raises QueryError or UnsafeSqlError where it does not run."""

    def copies(self, db_id: str, count: int) -> Sequence[Path]:
        """SQLite files with the same tables and other rows; none where the database is no SQLite file."""
        return ()

    def open_copy(self, path: Path) -> Database:
        """One of ``copies``, opened once like its original, and asked in the same dialect."""
        with self._lock:
            if str(path) not in self._opened:
                self._opened[str(path)] = self._open_file(path)
            return self._opened[str(path)]

    def digest(self, db_ids: Iterable[str]) -> str:
        """SHA-256 of these databases' files or scripts; "" where their rows are the user's own and may change."""
        return ""

    def close(self) -> None:
        """Close what was opened here and delete what was built here."""
        for database in self._opened.values():
            database.close()
        self._opened.clear()


class FileDatabases(Databases):
    """SQLite files in a folder, ``folder/DB_ID/DB_ID.sqlite`` or ``folder/DB_ID.sqlite``, asked in ``dialect``."""

    def __init__(self, folder: Path, dialect: str = "sqlite", server: str = "") -> None:
        super().__init__()
        self._folder, self._dialect, self._server = folder, dialect, server
        self._work = tempfile.TemporaryDirectory(prefix="t2s-study-")
        self._copying = threading.Lock()

    def file(self, db_id: str) -> Path:
        return database_file(self._folder, db_id)

    def gold_rows(self, db_id: str, sql: str) -> GoldRows:
        return run_gold(sql, self.file(db_id))

    def digest(self, db_ids: Iterable[str]) -> str:
        return _digest(self.file(db_id).read_bytes() for db_id in sorted(set(db_ids)) if self._has(db_id))

    def copies(self, db_id: str, count: int) -> Sequence[Path]:
        paths = [Path(self._work.name) / f"{db_id}-{seed}.sqlite" for seed in range(count)]
        with self._copying:
            for seed, path in enumerate(paths):
                if not path.exists():
                    copy_with_other_rows(self.file(db_id), path, seed)
        return paths

    def close(self) -> None:
        super().close()
        self._work.cleanup()

    def _has(self, db_id: str) -> bool:
        return any(path.is_file() for path in database_files(self._folder, db_id))

    def _open(self, db_id: str) -> Database:
        return self._open_file(self.file(db_id))

    def _open_file(self, path: Path) -> Database:
        return open_in(self._dialect, path, self._server)


class ScriptDatabases(FileDatabases):
    """One SQLite database for each script of CREATE TABLE and INSERT statements, built at its first use.

    A script runs as far as it runs: ``complaints`` has what SQLite said of the statement at which one stopped.
    """

    def __init__(self, scripts: Mapping[str, str]) -> None:
        self._built = tempfile.TemporaryDirectory(prefix="t2s-built-")
        super().__init__(Path(self._built.name))
        self.scripts = dict(scripts)
        self.complaints: dict[str, str] = {}
        self._building = threading.Lock()

    def file(self, db_id: str) -> Path:
        path = Path(self._built.name) / f"{db_id}.sqlite"
        with self._building:
            if not path.exists():
                self._build(db_id, path)
        return path

    def digest(self, db_ids: Iterable[str]) -> str:
        return _digest(self.scripts[db_id].encode() for db_id in sorted(set(db_ids)))

    def close(self) -> None:
        super().close()
        self._built.cleanup()

    def _build(self, db_id: str, path: Path) -> None:
        if db_id not in self.scripts:
            raise UsageError(f"There is no script for the database {db_id!r}.")
        connection = sqlite3.connect(path)
        try:
            connection.set_authorizer(_refuse_other_files)
            connection.executescript(self.scripts[db_id])
        except sqlite3.Error as error:
            self.complaints[db_id] = str(error)
        finally:
            connection.close()


def _digest(contents: Iterable[bytes]) -> str:
    whole = hashlib.sha256()
    for content in contents:
        whole.update(hashlib.sha256(content).digest())
    return whole.hexdigest()


def _refuse_other_files(action: int, *_: object) -> int:
    """Scripts come from a data set: none may reach another file."""
    return sqlite3.SQLITE_DENY if action in {sqlite3.SQLITE_ATTACH, sqlite3.SQLITE_DETACH} else sqlite3.SQLITE_OK


class OneDatabase(Databases):
    """A database that is open already, the user's own: it stays open, and gold SQL passes the guard as well."""

    def __init__(self, database: Database) -> None:
        super().__init__()
        self._database = database

    def gold_rows(self, db_id: str, sql: str) -> GoldRows:
        checked = guard.check(sql, self._database.dialect, schema=self._database.schema())
        return self._database.run(checked, WHOLE).rows

    def close(self) -> None:
        """Nothing: it was opened elsewhere."""

    def _open(self, db_id: str) -> Database:
        return self._database


def copy_with_other_rows(source: Path, target: Path, seed: int) -> None:
    """A copy of an SQLite file in which each table keeps six rows of ten, drawn by ``seed``.

    A statement that gives the right rows by luck seldom does so on every copy: the idea of test-suite accuracy (Zhong,
    Yu and Klein, EMNLP 2020), with rows left out instead of made up, so that all values stay plausible.
    """
    chance = random.Random(seed)
    part = target.with_suffix(".part")
    part.unlink(missing_ok=True)
    read, write = sqlite3.connect(f"file:{source}?mode=ro", uri=True), sqlite3.connect(part)
    try:
        read.backup(write)
        tables = write.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'")
        for (table,) in tables.fetchall():
            _thin(write, quote_name(table, "sqlite"), chance)
        write.commit()
    finally:
        read.close()
        write.close()
    part.replace(target)


def _thin(connection: sqlite3.Connection, table: str, chance: random.Random) -> None:
    try:
        rows = [row for (row,) in connection.execute(f"SELECT rowid FROM {table} ORDER BY rowid")]
    except sqlite3.OperationalError:  # a table WITHOUT ROWID stays as it is
        return
    dropped = chance.sample(rows, len(rows) - round(len(rows) * KEPT_SHARE))
    connection.executemany(f"DELETE FROM {table} WHERE rowid = ?", [(row,) for row in dropped])


def why_not_runnable(databases: Databases, db_id: str, sql: str) -> str:
    """Why a gold statement gives no rows to compare with: what the engine or the guard said, or "" if it runs."""
    try:
        databases.gold_rows(db_id, sql)
    except Text2SqlError as error:
        return error.message
    return ""
