"""SQLite's catalogue as tables: one join of sqlite_schema with its pragmas for columns, one for foreign keys."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any, NamedTuple

from t2s_magic.schema import ForeignKey, Table, column_maker

_HIDDEN_COLUMN = 1  # of a virtual table (rank, the table's own name); generated columns are 2 and 3
_COLUMNS = """
SELECT m.type, m.name, x.name, x.type, x."notnull", x.pk
FROM {schema}.sqlite_schema AS m JOIN pragma_table_xinfo(m.name, ?) AS x
WHERE m.type IN ('table', 'view') AND m.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND x.hidden <> ? {one}
ORDER BY m.rowid, x.cid"""
# Ids count from the last declared key to the first.
_KEYS = """
SELECT m.name, f.id, f."table", f."from", f."to"
FROM {schema}.sqlite_schema AS m JOIN pragma_foreign_key_list(m.name, ?) AS f
WHERE m.type = 'table' {one}
ORDER BY m.rowid, f.id DESC, f.seq"""


class Catalogue(NamedTuple):
    """All tables of a connection, and the names of tables and views that SQLite itself can no longer read."""

    tables: tuple[Table, ...]
    broken: tuple[str, ...]


def read_catalogue(connection: sqlite3.Connection, schemas: Sequence[str]) -> Catalogue:
    """The tables of ``schemas`` (``main`` and what is attached, in the order in which SQLite looks names up)."""
    tables: list[Table] = []
    broken: list[str] = []
    taken: set[str] = set()
    for schema in schemas:
        columns, keys, unreadable = _read_rows(connection, schema)
        broken += unreadable
        found = list(_tables(columns, keys, schema, _shadow_names(connection, schema)))
        tables += [_qualified(table, schema, taken) for table in found]
        taken.update(table.name.casefold() for table in found)
    return Catalogue(tuple(tables), tuple(broken))


def touch_virtual_tables(connection: sqlite3.Connection, schemas: Sequence[str]) -> None:
    """Have SQLite load each virtual table now: later the authorizer would refuse what their modules do to start."""
    connection.execute("SELECT 1 FROM json_each('[]'), json_tree('[]')").fetchall()
    for schema in schemas:
        names = connection.execute(
            f"SELECT name FROM {quoted(schema)}.sqlite_schema WHERE type = 'table' AND sql LIKE 'CREATE VIRTUAL%'"
        ).fetchall()
        for (name,) in names:
            try:
                connection.execute(f"SELECT * FROM {quoted(schema)}.{quoted(name)} LIMIT 0").fetchall()
            except sqlite3.OperationalError:
                continue  # its module is not loaded here; the schema names it among what cannot be seen


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _read_rows(
    connection: sqlite3.Connection, schema: str
) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]], list[str]]:
    """Rows of columns and of keys, and the names that could not be read."""
    columns, keys = _COLUMNS.format(schema=quoted(schema), one=""), _KEYS.format(schema=quoted(schema), one="")
    try:
        return (
            connection.execute(columns, (schema, _HIDDEN_COLUMN)).fetchall(),
            connection.execute(keys, (schema,)).fetchall(),
            [],
        )
    except sqlite3.OperationalError as error:
        if "interrupted" in str(error):
            raise
        # One view over a table that is gone fails the whole join, so look at them one by one.
        return _read_one_by_one(connection, schema)


def _read_one_by_one(
    connection: sqlite3.Connection, schema: str
) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]], list[str]]:
    name_query = f"SELECT name FROM {quoted(schema)}.sqlite_schema WHERE type IN ('table', 'view') ORDER BY rowid"
    one_columns = _COLUMNS.format(schema=quoted(schema), one="AND m.name = ?")
    one_keys = _KEYS.format(schema=quoted(schema), one="AND m.name = ?")
    columns: list[tuple[Any, ...]] = []
    keys: list[tuple[Any, ...]] = []
    broken: list[str] = []
    for (name,) in connection.execute(name_query).fetchall():
        try:
            columns += connection.execute(one_columns, (schema, _HIDDEN_COLUMN, name)).fetchall()
            keys += connection.execute(one_keys, (schema, name)).fetchall()
        except sqlite3.OperationalError as error:
            if "interrupted" in str(error):
                raise
            broken.append(name)
    return columns, keys, broken


def _shadow_names(connection: sqlite3.Connection, schema: str) -> set[str]:
    """Tables in which virtual tables keep their data: not for people."""
    rows = connection.execute("SELECT name FROM pragma_table_list WHERE schema = ? AND type = 'shadow'", (schema,))
    return {name for (name,) in rows}


def _tables(
    columns: Iterable[tuple[Any, ...]], keys: Iterable[tuple[Any, ...]], schema: str, shadows: set[str]
) -> Iterator[Table]:
    rows_by_table = [(name, list(rows)) for name, rows in groupby(columns, key=lambda row: row[1])]
    primary_keys = {name.casefold(): _primary_key(rows) for name, rows in rows_by_table}
    foreign_keys = {
        name: tuple(_foreign_keys(rows, schema, primary_keys)) for name, rows in groupby(keys, key=lambda row: row[0])
    }
    make_column = column_maker()
    for name, rows in rows_by_table:
        if name in shadows:
            continue
        yield Table(
            name,
            tuple(make_column(column, _type(spelled), "", not required) for _, _, column, spelled, required, _ in rows),
            path=(schema,),
            primary_key=primary_keys[name.casefold()],
            foreign_keys=foreign_keys.get(name, ()),
            is_view=rows[0][0] == "view",
        )


def _type(spelled: str) -> str:
    return spelled.removesuffix(" GENERATED ALWAYS")


def _primary_key(rows: Sequence[tuple[Any, ...]]) -> tuple[str, ...]:
    return tuple(row[2] for row in sorted(rows, key=lambda row: row[5]) if row[5])


def _foreign_keys(
    rows: Iterable[tuple[Any, ...]], schema: str, primary_keys: dict[str, tuple[str, ...]]
) -> Iterator[ForeignKey]:
    for _, group in groupby(rows, key=lambda row: row[1]):
        parts = list(group)
        target = parts[0][2]
        own = tuple(part[3] for part in parts)
        # REFERENCES artist, without a column, means its primary key.
        named = tuple(part[4] for part in parts if part[4] is not None)
        yield ForeignKey(own, target, named or primary_keys.get(target.casefold(), ()), (schema,))


def _qualified(table: Table, schema: str, taken: set[str]) -> Table:
    if table.name.casefold() not in taken:
        return table
    return replace(table, qualifier=(schema,))
