"""Where a DuckDB database comes from: the user's connection, a file, and what a person adds to it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from t2s_magic.database.duckdb_schema import quoted
from t2s_magic.database.labels import scrub
from t2s_magic.database.memory import MEGABYTE, free_memory
from t2s_magic.errors import ConnectionLostError, NoConnectionError, UsageError

_READERS = {
    ".csv": "read_csv",
    ".tsv": "read_csv",
    ".parquet": "read_parquet",
    ".json": "read_json",
    ".jsonl": "read_json",
    ".ndjson": "read_json",
}
_CLOSE_THE_WAYS_OUT = (
    "SET python_enable_replacements = false",
    "SET autoload_known_extensions = false",
    "SET autoinstall_known_extensions = false",
    "SET max_temp_directory_size = '0KB'",
    "SET enable_external_access = false",
    "SET lock_configuration = true",
)
_TEMPORARY = """
SELECT table_name, 'temporary table' FROM duckdb_tables() WHERE temporary AND NOT internal
UNION ALL
SELECT view_name, CASE WHEN sql LIKE '%\\_scan(%' ESCAPE '\\' THEN 'DataFrame' ELSE 'temporary view' END
FROM duckdb_views() WHERE temporary AND NOT internal
ORDER BY 1"""
_OPEN_TRANSACTION = ("your open transaction", "uncommitted rows")


@dataclass(frozen=True)
class DuckDbFile:
    """A file (or ``md:…``, or "" for an empty database in memory) to open, with the options of its URL."""

    path: str
    options: Mapping[str, Any]

    @property
    def is_local(self) -> bool:
        return bool(self.path) and not self.path.startswith(("md:", "motherduck:"))


@dataclass(frozen=True)
class SourceView:
    """What our cursor does not share with the user's connection."""

    search_path: str = ""
    unseen: tuple[tuple[str, str], ...] = ()


def look_at(source: duckdb.DuckDBPyConnection, last: SourceView) -> SourceView:
    """How the user's connection is now, or ``last`` while it still hands out rows. Raises ConnectionLostError.

    ``sql()`` makes a relation of its own, so that a result which the user has not read to its end stays readable.
    """
    try:
        ((search_path, transaction),) = source.sql("SELECT current_setting('search_path'), txid_current()").fetchall()
        unseen = source.sql(_TEMPORARY).fetchall()
        # Outside a transaction each statement gets a number of its own.
        ((next_transaction,),) = source.sql("SELECT txid_current()").fetchall()
    except duckdb.ResourceInUseException:
        return last
    except duckdb.ConnectionException as error:
        raise ConnectionLostError("The DuckDB connection is closed. Connect again.") from error
    except duckdb.TransactionException:
        return SourceView(last.search_path, (("your transaction", "aborted: run ROLLBACK"),))
    if transaction == next_transaction:
        unseen.append(_OPEN_TRANSACTION)
    return SourceView(search_path, tuple(unseen))


def check_file(source: DuckDbFile) -> None:
    """Raise NoConnectionError when there is no such file: DuckDB would create it."""
    if source.is_local and not (file := Path(source.path)).is_file():
        raise NoConnectionError(f"There is no file {file.name!r} in {file.absolute().parent}. None was created.")


def open_file(source: DuckDbFile) -> duckdb.DuckDBPyConnection:
    """A connection of our own, read-only where DuckDB has that. Raises NoConnectionError."""
    try:
        return duckdb.connect(source.path or ":memory:", read_only=source.is_local, config=dict(source.options))
    except duckdb.ConnectionException as error:
        raise NoConnectionError(
            f"{Path(source.path).name!r} is open in this process already, with other settings. "
            "Pass that connection instead of the file."
        ) from error
    except duckdb.Error as error:
        said = scrub(error, (str(value) for value in source.options.values()))
        name = Path(source.path.partition("?")[0]).name
        raise NoConnectionError(f"DuckDB cannot open {name!r}: {said}") from None  # the error may hold a token


def close_the_ways_out(connection: duckdb.DuckDBPyConnection, *, bounds_memory: bool) -> None:
    """No files, no network, no extensions, no names of Python variables, half of the free memory at most, if asked;
    and no way to take that back.

    It holds for every connection of this process to the file, so another one of ours may have done it already.
    """
    if connection.execute("SELECT current_setting('lock_configuration')").fetchall() == [(True,)]:
        return
    if bounds_memory:
        connection.execute(f"SET memory_limit = '{free_memory() // (2 * MEGABYTE)}MB'")
    for setting in _CLOSE_THE_WAYS_OUT:
        connection.execute(setting)


def check_addition(source: object) -> None:
    """Raise UsageError when ``source`` is a path that no reader of ours is for."""
    if not isinstance(source, (str, Path)):
        return
    file = Path(source)
    if file.suffix.lower() not in _READERS:
        raise UsageError(f"Cannot read {file.name!r} as a table. Give a file ending in {', '.join(_READERS)}.")
    if not file.is_file():
        raise UsageError(f"There is no file {file.name!r} in {file.absolute().parent}.")


def load_addition(connection: duckdb.DuckDBPyConnection, name: str, source: object) -> None:
    """Copy a DataFrame or a file into a temporary table, so that later changes of a frame meet no running query."""
    if isinstance(source, (str, Path)):
        path = str(source).replace("'", "''")
        reader = f"{_READERS[Path(source).suffix.lower()]}('{path}')"
        connection.execute(f"CREATE OR REPLACE TEMP TABLE {quoted(name)} AS SELECT * FROM {reader}")
        return
    staged = f"t2s_added_{name}"
    try:
        connection.register(staged, source)
    except duckdb.InvalidInputException as error:
        kind = f"{type(source).__module__}.{type(source).__name__}"
        raise UsageError(f"{name!r} is a {kind}, which DuckDB cannot read. Give a DataFrame or a file.") from error
    try:
        connection.execute(f"CREATE OR REPLACE TEMP TABLE {quoted(name)} AS SELECT * FROM {quoted(staged)}")
    finally:
        with suppress(duckdb.Error):  # the connection is closed or its transaction aborted: nothing is left to undo
            connection.unregister(staged)


def identity(source: object) -> tuple[int, ...]:
    """Changes when a file is replaced by another. Raises ConnectionLostError when it is gone."""
    if not isinstance(source, DuckDbFile) or not source.is_local:
        return ()
    try:
        found = Path(source.path).stat()
    except FileNotFoundError as error:
        raise ConnectionLostError(
            f"The file {Path(source.path).name!r} is no longer there; nothing was changed. "
            "Put it back or connect again."
        ) from error
    return (found.st_dev, found.st_ino)
