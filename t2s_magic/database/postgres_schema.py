"""PostgreSQL's catalogue as tables, in one query."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import psycopg

from t2s_magic.schema import Column, ForeignKey, Table, column_maker

# Objects that came with the server have lower numbers.
_FIRST_OWN_OID = 16384

# What a person may read: no partitions (their parent reads them), nothing that an extension brought
# (pg_stat_statements shows other people's statements), no column without the right to it.
_TABLES = """
WITH readable AS (
  SELECT c.oid, c.relname, c.relkind, n.nspname, pg_table_is_visible(c.oid) AS is_visible,
    has_table_privilege(c.oid, 'SELECT') AS is_whole
  FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition
    AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp_)'
    AND has_schema_privilege(n.oid, 'USAGE')
    AND (has_table_privilege(c.oid, 'SELECT') OR has_any_column_privilege(c.oid, 'SELECT'))
    AND NOT EXISTS (
      SELECT FROM pg_catalog.pg_depend AS d
      WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
)
SELECT r.nspname, r.relname, r.relkind IN ('v', 'm'), r.is_visible, coalesce(obj_description(r.oid, 'pg_class'), ''),
  columns.list, keys.list
FROM readable AS r
LEFT JOIN LATERAL (
  SELECT json_agg(json_build_array(
    a.attname, format_type(a.atttypid, a.atttypmod), coalesce(col_description(r.oid, a.attnum), ''), NOT a.attnotnull)
    ORDER BY a.attnum) AS list
  FROM pg_catalog.pg_attribute AS a
  WHERE a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
    AND CASE WHEN r.is_whole THEN true ELSE has_column_privilege(r.oid, a.attnum, 'SELECT') END
) AS columns ON true
LEFT JOIN LATERAL (
  SELECT json_agg(json_build_array(k.contype, own.names, target_schema.nspname, target.relname, referred.names)
    ORDER BY k.oid) AS list
  FROM pg_catalog.pg_constraint AS k
  LEFT JOIN pg_catalog.pg_class AS target ON target.oid = k.confrelid
  LEFT JOIN pg_catalog.pg_namespace AS target_schema ON target_schema.oid = target.relnamespace
  CROSS JOIN LATERAL (
    SELECT json_agg(a.attname ORDER BY part.position) AS names
    FROM unnest(k.conkey) WITH ORDINALITY AS part (number, position)
    JOIN pg_catalog.pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = part.number) AS own
  CROSS JOIN LATERAL (
    SELECT json_agg(a.attname ORDER BY part.position) AS names
    FROM unnest(k.confkey) WITH ORDINALITY AS part (number, position)
    JOIN pg_catalog.pg_attribute AS a ON a.attrelid = k.confrelid AND a.attnum = part.number) AS referred
  WHERE k.conrelid = r.oid AND k.contype IN ('p', 'f') AND k.conparentid = 0
) AS keys ON true
ORDER BY NOT r.is_visible, r.nspname, r.oid"""

_CHANGE_KEY = f"""
SELECT current_schemas(true)::text, current_user,
  (SELECT (count(*), sum(oid::bigint), sum(xmin::text::bigint))::text FROM pg_catalog.pg_class
    WHERE oid >= {_FIRST_OWN_OID}),
  (SELECT (count(*), sum(xmin::text::bigint))::text FROM pg_catalog.pg_attribute WHERE attrelid >= {_FIRST_OWN_OID}),
  (SELECT (count(*), sum(oid::bigint), sum(xmin::text::bigint))::text FROM pg_catalog.pg_constraint
    WHERE oid >= {_FIRST_OWN_OID}),
  (SELECT (count(*), sum(xmin::text::bigint))::text FROM pg_catalog.pg_description WHERE objoid >= {_FIRST_OWN_OID}),
  (SELECT (count(*), sum(xmin::text::bigint))::text FROM pg_catalog.pg_namespace)"""

_SCHEMAS = """
SELECT nspname FROM pg_catalog.pg_namespace
WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' AND has_schema_privilege(oid, 'USAGE') ORDER BY 1"""

# The number of a backend is the end of its temporary schema's name from PostgreSQL 16 on; before, all of the user's
# own temporary tables are named.
_TEMPORARY = """
SELECT c.relname, 'temporary table'
FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relpersistence = 't' AND c.relkind IN ('r', 'p', 'v') AND pg_has_role(c.relowner, 'MEMBER')
  AND (current_setting('server_version_num')::int < 160000 OR n.nspname = (
    SELECT 'pg_temp_' || backend FROM pg_stat_get_backend_idset() AS backend
    WHERE pg_stat_get_backend_pid(backend) = %(pid)s))
ORDER BY 1"""
_HAS_WRITTEN = "SELECT 1 FROM pg_catalog.pg_stat_activity WHERE pid = %(pid)s AND backend_xid IS NOT NULL"


def change_key(connection: psycopg.Connection) -> tuple[Any, ...]:
    """A value that changes when a table, column, key, comment, right or the search path does."""
    row = connection.execute(_CHANGE_KEY).fetchone()
    assert row is not None, "a SELECT without FROM has one row"
    return tuple(row)


def read_tables(connection: psycopg.Connection) -> tuple[Table, ...]:
    """Every table, view, materialized view and foreign table that the role may read."""
    make_column = column_maker()
    return tuple(_table(make_column, *row) for row in connection.execute(_TABLES).fetchall())


def schema_names(connection: psycopg.Connection) -> list[str]:
    return [name for (name,) in connection.execute(_SCHEMAS).fetchall()]


def unseen_of(connection: psycopg.Connection, pid: int) -> tuple[tuple[str, str], ...]:
    """What the session with the process number ``pid`` has for itself, as far as another session can tell."""
    unseen = [(name, kind) for name, kind in connection.execute(_TEMPORARY, {"pid": pid}).fetchall()]
    if connection.execute(_HAS_WRITTEN, {"pid": pid}).fetchone():
        unseen.append(("your open transaction", "uncommitted rows"))
    return tuple(unseen)


def _table(
    make_column: Callable[..., Column],
    schema: str,
    name: str,
    is_view: bool,
    is_visible: bool,
    comment: str,
    columns: list[Any],
    keys: list[Any] | None,
) -> Table:
    return Table(
        name,
        tuple(make_column(column, type_, about, nullable) for column, type_, about, nullable in columns or ()),
        (schema,),
        () if is_visible else (schema,),
        primary_key=next((tuple(own) for kind, own, *_ in keys or () if kind == "p"), ()),
        foreign_keys=tuple(_foreign_keys(keys or [])),
        comment=comment,
        is_view=is_view,
    )


def _foreign_keys(keys: list[Any]) -> Iterator[ForeignKey]:
    for kind, own, target_schema, target, referred in keys:
        if kind == "f":
            yield ForeignKey(tuple(own), target, tuple(referred), (target_schema,))
