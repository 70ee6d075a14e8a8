"""DuckDB's catalogue as tables, read through its own functions (SQLAlchemy's reflection fails on duckdb-engine)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

import duckdb

from t2s_magic.schema import Column, ForeignKey, Table, column_maker

Path = tuple[str, ...]
# Where a bare name is looked for first: temporary tables, among them what a person added.
TEMPORARY: Path = ("temp", "main")

_TABLES = """
SELECT database_name, schema_name, table_name, table_oid AS oid, comment, false AS is_view
FROM duckdb_tables() WHERE NOT internal
UNION ALL
SELECT database_name, schema_name, view_name, view_oid, comment, true FROM duckdb_views() WHERE NOT internal
ORDER BY database_name, schema_name, oid"""
_COLUMNS = """
SELECT database_name, schema_name, table_name, column_name, data_type, comment, is_nullable
FROM duckdb_columns() WHERE NOT internal ORDER BY database_name, schema_name, table_name, column_index"""
_KEYS = """
SELECT database_name, schema_name, table_name, constraint_type, constraint_column_names, referenced_table,
  referenced_column_names
FROM duckdb_constraints() WHERE constraint_type IN ('PRIMARY KEY', 'FOREIGN KEY')"""
_CHANGE_KEY = f"""
SELECT
  (SELECT (count(*), bit_xor(hash(t))) FROM ({_TABLES}) AS t),
  (SELECT (count(*), bit_xor(hash(c))) FROM ({_COLUMNS}) AS c),
  (SELECT (count(*), bit_xor(hash(k))) FROM ({_KEYS}) AS k),
  current_setting('search_path'), current_database(), current_schema()"""


def change_key(cursor: duckdb.DuckDBPyConnection) -> tuple[Any, ...]:
    """A value that changes when a table, column, key or comment does, or where bare names are looked for."""
    (row,) = cursor.execute(_CHANGE_KEY).fetchall()
    return tuple(row)


def read_tables(cursor: duckdb.DuckDBPyConnection) -> tuple[Table, ...]:
    """Every table and view of all attached databases, each with the qualifier that SQL has to write."""
    columns = _columns(cursor.execute(_COLUMNS).fetchall())
    keys = _group(cursor.execute(_KEYS).fetchall())
    found = [
        _table(name, (database, schema), columns, keys, comment, is_view)
        for database, schema, name, _, comment, is_view in cursor.execute(_TABLES).fetchall()
    ]
    return tuple(_with_qualifiers(found, _search_path(cursor)))


def schema_names(cursor: duckdb.DuckDBPyConnection) -> list[str]:
    """The schemas that a person may use, as ``database.schema``."""
    rows = cursor.execute(
        "SELECT database_name || '.' || schema_name FROM duckdb_schemas() "
        "WHERE database_name NOT IN ('system', 'temp') AND schema_name NOT IN ('pg_catalog', 'information_schema')"
    )
    return [name for (name,) in rows.fetchall()]


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _columns(rows: Iterable[Sequence[Any]]) -> dict[Path, tuple[Column, ...]]:
    make_column = column_maker()
    return {
        tuple(place): tuple(
            make_column(name, type_, comment or "", nullable) for *_, name, type_, comment, nullable in group
        )
        for place, group in groupby(rows, key=lambda row: row[:3])
    }


def _group(rows: Iterable[Sequence[Any]]) -> dict[Path, list[Sequence[Any]]]:
    groups: dict[Path, list[Sequence[Any]]] = defaultdict(list)
    for row in rows:
        groups[tuple(row[:3])].append(row[3:])
    return groups


def _table(
    name: str,
    path: Path,
    columns: dict[Path, tuple[Column, ...]],
    keys: dict[Path, list[Sequence[Any]]],
    comment: str | None,
    is_view: bool,
) -> Table:
    place = (*path, name)
    own_keys = keys.get(place, [])
    return Table(
        name,
        columns.get(place, ()),
        path,
        primary_key=next((tuple(own) for kind, own, *_ in own_keys if kind == "PRIMARY KEY"), ()),
        foreign_keys=tuple(
            ForeignKey(tuple(own), target, tuple(target_columns), path)
            for kind, own, target, target_columns in own_keys
            if kind == "FOREIGN KEY"
        ),
        comment=comment or "",
        is_view=is_view,
    )


def _search_path(cursor: duckdb.DuckDBPyConnection) -> list[Path]:
    """Where DuckDB looks for a bare name, in its order."""
    ((setting, database, schema),) = cursor.execute(
        "SELECT current_setting('search_path'), current_database(), current_schema()"
    ).fetchall()
    entries = [tuple(part.strip('" ') for part in entry.split(".")) for entry in setting.split(",") if entry.strip()]
    paths = [entry if len(entry) > 1 else (database, *entry) for entry in entries]
    return [TEMPORARY, *(paths or [(database, schema)])]


def _with_qualifiers(tables: Sequence[Table], search_path: Sequence[Path]) -> Iterator[Table]:
    places = {table.path: set[str]() for table in tables}
    for table in tables:
        places[table.path].add(table.name.casefold())
    for table in tables:
        first = next((path for path in search_path if table.name.casefold() in places.get(path, ())), None)
        yield table if table.path == first else replace(table, qualifier=_qualifier(table.path, search_path))


def _qualifier(path: Path, search_path: Sequence[Path]) -> Path:
    is_current_database = path[0] == search_path[-1][0]
    return path[1:] if is_current_database else path
