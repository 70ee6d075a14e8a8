"""Schema and cells straight from SQLite files, for training on hundreds of databases."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import cast

from t2s_magic.database import Database
from t2s_magic.database.values import CellIndex
from t2s_magic.schema import Column, ForeignKey, Schema, Table


def read_sqlite_schema(path: Path) -> Schema:
    """Tables, columns with types, primary and foreign keys of the SQLite file at ``path``."""
    with _connection(path) as connection:
        names = [
            name
            for (name,) in connection.execute(
                "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%'"
            )
        ]
        return Schema("sqlite", tuple(_table(connection, name) for name in names))


def _table(connection: sqlite3.Connection, name: str) -> Table:
    rows = connection.execute(f"PRAGMA table_info({_quoted(name)})").fetchall()
    keys = sorted((position, column) for _, column, _, _, _, position in rows if position)
    return Table(
        name,
        tuple(Column(column, type_ or "", nullable=not required) for _, column, type_, required, _, _ in rows),
        path=("main",),
        primary_key=tuple(column for _, column in keys),
        foreign_keys=_foreign_keys(connection, name),
    )


def _foreign_keys(connection: sqlite3.Connection, name: str) -> tuple[ForeignKey, ...]:
    by_number: dict[int, list[tuple[str, str, str]]] = {}
    for number, _, table, column, to_column, *_ in connection.execute(f"PRAGMA foreign_key_list({_quoted(name)})"):
        by_number.setdefault(number, []).append((table, column, to_column or column))
    return tuple(
        ForeignKey(tuple(c for _, c, _ in parts), parts[0][0], tuple(to for _, _, to in parts))
        for parts in by_number.values()
    )


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _connection(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True, check_same_thread=False)
    connection.text_factory = lambda data: data.decode("utf-8", "replace")
    return connection


class _Unguarded:
    """What the index asks of a database beside its rows."""

    dialect = "sqlite"


class FileCells(CellIndex):
    """The package's index over a trusted file: no guard and no time limit, so that preparing data is quick."""

    def __init__(self, path: Path) -> None:
        super().__init__(cast(Database, _Unguarded()))
        self._connection = _connection(path)

    def _texts(self, sql: str, schema: Schema, seconds: float) -> list[str]:
        rows: Sequence[tuple[object]] = self._connection.execute(sql).fetchall()
        return [cell for (cell,) in rows if isinstance(cell, str)]
