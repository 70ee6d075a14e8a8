"""The catalogue of MySQL or MariaDB as tables: information_schema, one query for columns and one for keys."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any

from sqlalchemy import Connection

from t2s_magic.schema import Column, ForeignKey, Table, column_maker

_NOT_OF_THE_SYSTEM = "NOT IN ('mysql', 'information_schema', 'performance_schema', 'sys')"
# information_schema shows a role what it may see, and columns that it may do nothing with are not among it.
_COLUMNS = f"""
SELECT c.table_schema, c.table_name, t.table_type, t.table_comment, c.column_name, c.column_type, c.column_comment,
  c.is_nullable, c.table_schema <=> DATABASE()
FROM information_schema.columns AS c
JOIN information_schema.tables AS t ON t.table_schema = c.table_schema AND t.table_name = c.table_name
WHERE c.table_schema {_NOT_OF_THE_SYSTEM}
ORDER BY c.table_schema <=> DATABASE() DESC, c.table_schema, c.table_name, c.ordinal_position"""
_KEYS = f"""
SELECT table_schema, table_name, constraint_name, column_name, referenced_table_schema, referenced_table_name,
  referenced_column_name
FROM information_schema.key_column_usage
WHERE table_schema {_NOT_OF_THE_SYSTEM} AND (constraint_name = 'PRIMARY' OR referenced_table_name IS NOT NULL)
ORDER BY table_schema, table_name, constraint_name, ordinal_position"""
_SCHEMAS = f"SELECT schema_name FROM information_schema.schemata WHERE schema_name {_NOT_OF_THE_SYSTEM} ORDER BY 1"

Catalogue = tuple[tuple[Any, ...], ...]


def read_catalogue(connection: Connection) -> tuple[Catalogue, Catalogue]:
    """The rows of columns and of keys: equal as long as nothing has changed."""
    columns, keys = (connection.exec_driver_sql(query).fetchall() for query in (_COLUMNS, _KEYS))
    return tuple(map(tuple, columns)), tuple(map(tuple, keys))


def make_tables(columns: Catalogue, keys: Catalogue) -> tuple[Table, ...]:
    keys_by_table = {place: list(rows) for place, rows in groupby(keys, key=lambda row: row[:2])}
    make_column = column_maker()
    return tuple(
        _table(list(rows), keys_by_table.get(place, []), make_column)
        for place, rows in groupby(columns, key=lambda row: row[:2])
    )


def schema_names(connection: Connection) -> list[str]:
    return [name for (name,) in connection.exec_driver_sql(_SCHEMAS).fetchall()]


def _table(
    columns: Sequence[tuple[Any, ...]], keys: Sequence[tuple[Any, ...]], make_column: Callable[..., Column]
) -> Table:
    schema, name, kind, comment, *_, is_current = columns[0]
    is_view = "VIEW" in kind
    return Table(
        name,
        tuple(make_column(row[4], _text(row[5]), _text(row[6]), row[7] == "YES") for row in columns),
        (schema,),
        () if is_current else (schema,),
        primary_key=tuple(row[3] for row in keys if row[2] == "PRIMARY"),
        foreign_keys=tuple(_foreign_keys(row for row in keys if row[5] is not None)),
        comment="" if is_view else _text(comment),  # a view's comment is the word VIEW
        is_view=is_view,
    )


def _foreign_keys(rows: Iterable[tuple[Any, ...]]) -> Iterator[ForeignKey]:
    for _, group in groupby(rows, key=lambda row: row[2]):
        parts = list(group)
        own, referred = tuple(part[3] for part in parts), tuple(part[6] for part in parts)
        yield ForeignKey(own, parts[0][5], referred, (parts[0][4],))


def _text(value: str | bytes | None) -> str:
    # MySQL 8 gives some columns of information_schema as bytes.
    return value.decode() if isinstance(value, bytes) else value or ""
