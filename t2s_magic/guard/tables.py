"""Which tables a statement reads: resolved against the schema, or, without one, no file, no secret catalogue."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from sqlglot import exp

from t2s_magic.errors import UnknownNameError
from t2s_magic.guard.forms import span_of
from t2s_magic.guard.nearest import nearest_names
from t2s_magic.guard.text import Statement, refuse, shown
from t2s_magic.schema import Schema

# Catalogues that hold names and types, no secret, no setting and nobody's statements; all others are refused.
_PLAIN_CATALOGUES = {
    "information_schema": frozenset(
        """
        tables columns schemata key_column_usage table_constraints referential_constraints constraint_column_usage
        check_constraints views statistics
        """.split()
    ),
    "pg_catalog": frozenset(
        """
        pg_class pg_namespace pg_attribute pg_type pg_index pg_constraint pg_description pg_enum pg_tables pg_indexes
        """.split()
    ),
}
_SYSTEM_SCHEMAS = {
    "sqlite": frozenset({"temp"}),
    "duckdb": frozenset({"information_schema", "pg_catalog", "temp", "system"}),
    "postgres": frozenset({"information_schema", "pg_catalog", "pg_toast"}),
    "mysql": frozenset({"information_schema", "mysql", "performance_schema", "sys"}),
}
_SYSTEM_NAMES = {
    "sqlite": re.compile(r"pragma_|sqlite_|dbstat|bytecode|tables_used|fts\w*tokenize|completion|fsdir|zipfile|csv$"),
    "duckdb": re.compile(r"duckdb_|pg_|sqlite_|pragma_"),
    "postgres": re.compile(r"pg_|_pg_"),
    "mysql": re.compile(r"$^"),
}
_PLAIN_SQLITE = frozenset({"sqlite_master", "sqlite_schema", "sqlite_sequence", "sqlite_stat1"})
_FILE_MARKS = re.compile(r"[./\\:*?]")
_FILE_ENDINGS = frozenset(
    "csv tsv txt json jsonl ndjson parquet db duckdb sqlite xlsx arrow feather ipc avro orc gz zst bz2 xml geojson".split()
)


def read_tables(tree: exp.Expr, statement: Statement, schema: Schema | None) -> tuple[str, ...]:
    """Full names of the tables that ``tree`` reads, in order, each once; UnsafeSqlError for what is no plain table."""
    names: dict[str, None] = {}
    for table in tree.find_all(exp.Table):
        name = _name_of(table, statement, schema)
        if name is not None:
            names[name] = None
    return tuple(names)


def _name_of(table: exp.Table, statement: Statement, schema: Schema | None) -> str | None:
    span = span_of(table, statement)
    if isinstance(table.this, exp.Func):
        return None
    parts = [part.name for part in table.parts]
    if not all(isinstance(part, exp.Identifier) for part in table.parts) or not all(parts):
        refuse(statement.sql, "is a file or a literal where a table is expected", span)
    if len(parts) == 1 and is_cte(table, statement.dialect):
        return None
    if schema is None:
        _refuse_system_table(parts, statement, span)
        _refuse_file(parts, statement, span)
        return ".".join(parts)
    return _resolved(parts, statement, schema, span)


def _resolved(parts: Sequence[str], statement: Statement, schema: Schema, span: tuple[int, int]) -> str:
    found = schema.find(parts)
    written = ".".join(parts)
    for unseen, kind in schema.unseen:
        if unseen.casefold() == written.casefold():
            refuse(statement.sql, f"is a {kind} of yours that the read-only view cannot see", span)
    if found is not None:
        return found.full_name
    nearest = nearest_names(parts[-1], [table.full_name for table in schema.tables])
    did_you_mean = f' Did you mean "{nearest[0]}"?' if nearest else ""
    raise UnknownNameError(
        f'No table "{shown(written)}" in this database.{did_you_mean} Nothing was run.',
        sql=statement.sql,
        part=statement.sql[span[0] : span[1]],
        span=span,
        nearest=nearest,
    )


def _refuse_system_table(parts: Sequence[str], statement: Statement, span: tuple[int, int]) -> None:
    *owners, name = (part.lower() for part in parts)
    system = _SYSTEM_SCHEMAS[statement.dialect].intersection(owners)
    plain: Iterable[str] = _PLAIN_SQLITE if statement.dialect == "sqlite" else _PLAIN_CATALOGUES["pg_catalog"]
    if system:
        plain = _PLAIN_CATALOGUES.get(owners[-1], frozenset())
    elif not _SYSTEM_NAMES[statement.dialect].match(name):
        return
    if name not in plain:
        refuse(statement.sql, "is a system catalogue that may hold settings, secrets or others' statements", span)


def _refuse_file(parts: Sequence[str], statement: Statement, span: tuple[int, int]) -> None:
    if statement.dialect != "duckdb":
        return
    if any(_FILE_MARKS.search(part) for part in parts) or (len(parts) > 1 and parts[-1].lower() in _FILE_ENDINGS):
        refuse(statement.sql, "would be read as a file", span)


def is_cte(table: exp.Table, dialect: str) -> bool:
    """Whether the bare name of ``table`` is that of a CTE which is visible where it stands."""
    wanted = _folded(table.this, dialect)
    below: exp.Expr = table
    above = table.parent
    while above is not None:
        with_ = above.args.get("with_")
        if isinstance(with_, exp.With) and wanted in _visible(with_, below, dialect):
            return True
        if isinstance(above, exp.With) and wanted in _visible(above, below, dialect):
            return True
        below, above = above, above.parent
    return False


def _visible(with_: exp.With, below: exp.Expr, dialect: str) -> set[str]:
    """The CTEs of ``with_`` that ``below`` may name: those before it, and itself where it may be recursive."""
    names: set[str] = set()
    for cte in with_.expressions:
        if cte is below and not with_.recursive and dialect != "sqlite":
            break
        names.add(_folded(cte.args["alias"].this, dialect))
        if cte is below:
            break
    return names


def _folded(name: exp.Expr, dialect: str) -> str:
    is_exact = dialect == "postgres" and name.args.get("quoted")
    return name.name if is_exact else name.name.lower()
