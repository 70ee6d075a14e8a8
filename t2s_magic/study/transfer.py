"""A SQLite database copied into another engine, so that the same questions can be asked there."""

from __future__ import annotations

import csv
import datetime
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from t2s_magic.database import Database, connect
from t2s_magic.errors import UsageError
from t2s_magic.guard import quote_name

NULL = "\\N"
# Told in full: DuckDB guesses the form of a file from its content, and an empty table's file has none.
CSV_AS_WRITTEN = (
    "FORMAT csv, AUTO_DETECT false, HEADER false, PARALLEL false, DELIMITER ',', "
    f"QUOTE '\"', ESCAPE '\"', NULLSTR '{NULL}', STRICT_MODE false"
)


@dataclass(frozen=True)
class _Key:
    columns: tuple[str, ...]
    to_table: str
    to_columns: tuple[str, ...]


@dataclass(frozen=True)
class _Table:
    name: str
    columns: tuple[str, ...]
    types: tuple[str, ...]
    primary_key: tuple[str, ...]
    foreign_keys: tuple[_Key, ...]


def open_in(dialect: str, path: Path, server: str = "") -> Database:
    """The SQLite file at ``path``, opened as it is or copied into ``dialect`` ("duckdb", "postgres").

    ``server`` is the URL of a PostgreSQL server; the copy is a database of its own there, replaced at each call.
    Column types follow the values: SQLite lets a column hold what it likes, other engines do not. Keys that the rows
    break are left out.
    """
    if dialect == "sqlite":
        return connect(f"sqlite:///{path}")
    if dialect == "duckdb":
        return _copy_to_duckdb(path)
    if dialect == "postgres":
        return _copy_to_postgres(path, server)
    raise UsageError(f"No dialect {dialect!r} to measure on. There are sqlite, duckdb and postgres.")


def _copy_to_duckdb(path: Path) -> Database:
    import duckdb

    target = duckdb.connect(":memory:")
    with _source(path) as source, tempfile.TemporaryDirectory() as folder:
        for table in _parents_first(_tables(source)):
            target.execute(_create_table(table, "duckdb"))
            file = _write_csv(source, table, Path(folder))
            target.execute(f"COPY {quote_name(table.name, 'duckdb')} FROM '{file}' ({CSV_AS_WRITTEN})")
    return connect(target)


def _copy_to_postgres(path: Path, server: str) -> Database:
    import psycopg

    if not server:
        raise UsageError("--dialect postgres needs a server: set T2S_POSTGRES to its URL.")
    name = "t2s_" + path.stem.lower()
    url = urlsplit(server)._replace(path=f"/{name}").geturl()
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(f"DROP DATABASE IF EXISTS {quote_name(name, 'postgres')} WITH (FORCE)".encode())
        admin.execute(f"CREATE DATABASE {quote_name(name, 'postgres')}".encode())
    with psycopg.connect(url) as target, _source(path) as source, tempfile.TemporaryDirectory() as folder:
        for table in _parents_first(_tables(source)):
            target.execute(_create_table(table, "postgres").encode())
            file = _write_csv(source, table, Path(folder))
            statement = f"COPY {quote_name(table.name, 'postgres')} FROM STDIN (FORMAT csv, NULL '{NULL}')"
            with target.cursor().copy(statement.encode()) as copy:
                copy.write(file.read_bytes())
    return connect(url)


class _source:  # noqa: N801 - a context manager, used like a function
    """The SQLite file, read-only, with undecodable bytes replaced."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        self._connection.text_factory = lambda data: data.decode(errors="replace")

    def __enter__(self) -> sqlite3.Connection:
        return self._connection

    def __exit__(self, *_: object) -> None:
        self._connection.close()


def _tables(source: sqlite3.Connection) -> list[_Table]:
    names = source.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
    )
    return [_table(source, name) for (name,) in names.fetchall()]


def _table(source: sqlite3.Connection, name: str) -> _Table:
    info = source.execute("SELECT name, type, pk FROM pragma_table_info(?)", (name,)).fetchall()
    columns = tuple(column for column, _, _ in info)
    types = tuple(_fitting_type(source, name, column, declared) for column, declared, _ in info)
    primary = tuple(column for column, _, place in sorted(info, key=lambda row: row[2]) if place)
    return _Table(name, columns, types, primary if _is_key(source, name, primary) else (), _foreign_keys(source, name))


def _fitting_type(source: sqlite3.Connection, table: str, column: str, declared: str) -> str:
    quoted, owner = quote_name(column, "sqlite"), quote_name(table, "sqlite")
    kinds = {kind for (kind,) in source.execute(f"SELECT DISTINCT typeof({quoted}) FROM {owner}")} - {"null"}
    if kinds == {"integer"}:
        return "BIGINT"
    if kinds and kinds <= {"integer", "real"}:
        return "DOUBLE PRECISION"
    if kinds == {"blob"}:
        return "TEXT"
    wanted = declared.upper()
    values = (value for (value,) in source.execute(f"SELECT {quoted} FROM {owner} WHERE {quoted} IS NOT NULL"))
    if kinds == {"text"} and ("DATE" in wanted or "TIME" in wanted):
        return _date_type(values)
    if not kinds and any(word in wanted for word in ("INT", "REAL", "NUM", "DEC", "DOUB", "FLOA")):
        return "BIGINT" if "INT" in wanted else "DOUBLE PRECISION"
    return "TEXT"


def _date_type(values: Iterable[str]) -> str:
    try:
        moments = [datetime.datetime.fromisoformat(value) for value in values]
    except ValueError:
        return "TEXT"
    return "DATE" if all(moment.time() == datetime.time() for moment in moments) else "TIMESTAMP"


def _is_key(source: sqlite3.Connection, table: str, columns: tuple[str, ...]) -> bool:
    if not columns:
        return False
    names = ", ".join(quote_name(column, "sqlite") for column in columns)
    missing = " OR ".join(f"{quote_name(column, 'sqlite')} IS NULL" for column in columns)
    owner = quote_name(table, "sqlite")
    twice = source.execute(f"SELECT 1 FROM {owner} GROUP BY {names} HAVING count(*) > 1 LIMIT 1").fetchone()
    return twice is None and source.execute(f"SELECT 1 FROM {owner} WHERE {missing} LIMIT 1").fetchone() is None


def _foreign_keys(source: sqlite3.Connection, name: str) -> tuple[_Key, ...]:
    keys: dict[int, tuple[list[str], str, list[str]]] = {}
    query = 'SELECT id, "table", "from", "to" FROM pragma_foreign_key_list(?)'
    for number, to_table, column, to_column in source.execute(query, (name,)).fetchall():
        columns, _, to_columns = keys.setdefault(number, ([], to_table, []))
        columns.append(column)
        to_columns.append(to_column or "")
    found = (_Key(tuple(columns), to_table, tuple(to)) for columns, to_table, to in keys.values())
    return tuple(key for key in found if all(key.to_columns) and not _has_orphans(source, name, key))


def _has_orphans(source: sqlite3.Connection, table: str, key: _Key) -> bool:
    child = [f"child.{quote_name(column, 'sqlite')}" for column in key.columns]
    parent = [f"parent.{quote_name(column, 'sqlite')}" for column in key.to_columns]
    same = " AND ".join(f"{left} = {right}" for left, right in zip(child, parent, strict=True))
    known = " AND ".join(f"{column} IS NOT NULL" for column in child)
    query = (
        f"SELECT 1 FROM {quote_name(table, 'sqlite')} AS child WHERE {known} AND NOT EXISTS "
        f"(SELECT 1 FROM {quote_name(key.to_table, 'sqlite')} AS parent WHERE {same}) LIMIT 1"
    )
    try:
        return source.execute(query).fetchone() is not None
    except sqlite3.OperationalError:  # the key names a table or column that is not there
        return True


def _parents_first(tables: list[_Table]) -> Iterator[_Table]:
    """The tables in an order in which each key's target comes first; keys that cannot be kept are dropped."""
    by_name = {table.name.casefold(): table for table in tables}
    done: dict[str, _Table] = {}
    waiting = list(tables)
    while waiting:
        ready = [table for table in waiting if _targets(table, by_name) <= done.keys()] or waiting[:1]
        for table in ready:
            done[table.name.casefold()] = table
            waiting.remove(table)
            yield _with_sound_keys(table, done)


def _targets(table: _Table, by_name: dict[str, _Table]) -> set[str]:
    named = {key.to_table.casefold() for key in table.foreign_keys}
    return (named & by_name.keys()) - {table.name.casefold()}


def _with_sound_keys(table: _Table, done: dict[str, _Table]) -> _Table:
    """The table with those keys only that the other engine takes: to a primary key of the same types."""

    def is_sound(key: _Key) -> bool:
        other = done.get(key.to_table.casefold())
        if other is None or other is table or sorted(other.primary_key) != sorted(key.to_columns):
            return False
        return _types(table, key.columns) == _types(other, key.to_columns)

    return replace(table, foreign_keys=tuple(key for key in table.foreign_keys if is_sound(key)))


def _types(table: _Table, columns: tuple[str, ...]) -> list[str]:
    return [table.types[table.columns.index(column)] for column in columns if column in table.columns]


def _create_table(table: _Table, dialect: str) -> str:
    lines = [f"{quote_name(column, dialect)} {type_}" for column, type_ in zip(table.columns, table.types, strict=True)]
    if table.primary_key:
        lines.append(f"PRIMARY KEY ({_names(table.primary_key, dialect)})")
    lines += [
        f"FOREIGN KEY ({_names(key.columns, dialect)}) REFERENCES "
        f"{quote_name(key.to_table, dialect)} ({_names(key.to_columns, dialect)})"
        for key in table.foreign_keys
    ]
    return f"CREATE TABLE {quote_name(table.name, dialect)} ({', '.join(lines)})"


def _names(names: Iterable[str], dialect: str) -> str:
    return ", ".join(quote_name(name, dialect) for name in names)


def _write_csv(source: sqlite3.Connection, table: _Table, folder: Path) -> Path:
    path = folder / "rows.csv"
    owner = quote_name(table.name, "sqlite")
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        for row in source.execute(f"SELECT * FROM {owner}"):
            writer.writerow([_cell(value) for value in row])
    return path


def _cell(value: Any) -> Any:
    if value is None:
        return NULL
    if isinstance(value, bytes):
        return value.hex()
    return value.replace("\0", "") if isinstance(value, str) else value
