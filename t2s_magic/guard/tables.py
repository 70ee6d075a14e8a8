"""Which tables a statement reads: resolved against the schema, or, without one, no file, no secret catalogue."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from sqlglot import exp

from t2s_magic.errors import UnknownNameError
from t2s_magic.guard.forms import span_of
from t2s_magic.guard.nearest import nearest_names
from t2s_magic.guard.text import Statement
from t2s_magic.guard.verdict import refuse, shown
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
    "sqlite": re.compile("temp"),
    "duckdb": re.compile("information_schema|pg_catalog|temp|system"),
    "postgres": re.compile("information_schema|pg_.*"),
    "mysql": re.compile("information_schema|mysql|performance_schema|sys"),
}
_SYSTEM_NAMES = {
    "sqlite": re.compile(
        r"pragma_|sqlite_|(dbstat|bytecode|tables_used|fts\w*tokenize|completion|fsdir|zipfile|csv|carray|stmt|memstat)$"
    ),
    "duckdb": re.compile(r"duckdb_|pg_|sqlite_|pragma_"),
    "postgres": re.compile(r"pg_|_pg_"),
    "mysql": re.compile(r"$^"),
}
_PLAIN_SQLITE = frozenset({"sqlite_master", "sqlite_schema", "sqlite_sequence", "sqlite_stat1"})
_FILE_MARKS = re.compile(r"[./\\:*?]")
_FILE_ENDINGS = frozenset(
    """
    csv tsv txt json jsonl ndjson parquet db duckdb sqlite xls xlsx arrow arrows feather ipc avro orc gz zst bz2 xml
    geojson shp gpkg kml fgb vortex lance sas7bdat sav dta yaml yml md html pdf
    """.split()
)


def read_tables(trees: tuple[exp.Expr, ...], statement: Statement, schema: Schema | None) -> tuple[str, ...]:
    """Full names of the tables that ``trees`` read, in order, each once; UnsafeSqlError for what is no plain table."""
    names: dict[str, None] = {}
    _refuse_in_table(trees, statement)
    for tree in trees:
        for table in sorted(tree.find_all(exp.Table), key=lambda table: span_of(table, statement)):
            name = _name_of(table, statement, schema)
            if name is not None:
                names[name] = None
    return tuple(names)


def _name_of(table: exp.Table, statement: Statement, schema: Schema | None) -> str | None:
    span = span_of(table, statement)
    # SQLite's INDEXED BY holds the name of an index, MySQL's DUAL that of nothing.
    is_no_table = table.arg_key == "indexed" or (statement.dialect == "mysql" and table.name.lower() == "dual")
    if is_no_table or isinstance(table.this, exp.Func) or table.args.get("rows_from"):
        return None
    parts = [part.name for part in table.parts]
    if not parts or not all(isinstance(part, exp.Identifier) for part in table.parts) or not all(parts):
        refuse(statement.sql, "is a file or a literal where a table is expected", span)
    if statement.dialect == "duckdb" and _is_written_as_text(table, statement):
        refuse(statement.sql, "would be read as a file", span)
    if len(parts) == 1 and cte_of(table, statement.dialect):
        return None
    if schema is None:
        _refuse_system_table(parts, statement, span)
        _refuse_file(parts, statement, span)
        return ".".join(parts)
    return _resolved(parts, statement, schema, span)


def _refuse_in_table(trees: tuple[exp.Expr, ...], statement: Statement) -> None:
    """SQLite reads a whole table in ``x IN name``, which sqlglot takes for a column."""
    for tree in trees:
        for within in tree.find_all(exp.In):
            field = within.args.get("field")
            if statement.dialect == "sqlite" and field is not None:
                refuse(
                    statement.sql, "reads a table without naming it; write IN (SELECT ...)", span_of(field, statement)
                )


def _is_written_as_text(table: exp.Table, statement: Statement) -> bool:
    alias = table.args.get("alias")
    names = [*table.parts, *(alias.find_all(exp.Identifier) if alias else ())]
    return any(statement.sql.startswith(("'", "$", "e'", "E'"), name.meta.get("start", 0)) for name in names)


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
    system = any(map(_SYSTEM_SCHEMAS[statement.dialect].fullmatch, owners))
    plain: Iterable[str] = _PLAIN_SQLITE if statement.dialect == "sqlite" else _PLAIN_CATALOGUES["pg_catalog"]
    if system:
        plain = _PLAIN_CATALOGUES.get(owners[-1], frozenset())
    elif statement.dialect == "mysql" and not "".join(owners).isascii():
        # MySQL compares names of schemas by its own folding, so ínformation_schema may be information_schema.
        plain = frozenset()
    elif not _SYSTEM_NAMES[statement.dialect].match(name):
        return
    if name not in plain:
        refuse(statement.sql, "is a system catalogue that may hold settings, secrets or others' statements", span)


def _refuse_file(parts: Sequence[str], statement: Statement, span: tuple[int, int]) -> None:
    if statement.dialect != "duckdb":
        return
    if any(_FILE_MARKS.search(part) for part in parts) or (len(parts) > 1 and parts[-1].lower() in _FILE_ENDINGS):
        refuse(statement.sql, "would be read as a file", span)


def cte_of(table: exp.Table, dialect: str) -> exp.CTE | None:
    """The CTE that the bare name of ``table`` means where it stands, if any."""
    wanted = _folded(table.this, dialect)
    below: exp.Expr = table
    above = table.parent
    while above is not None:
        with_ = above if isinstance(above, exp.With) else above.args.get("with_")
        if isinstance(with_, exp.With) and with_ is not below:
            for cte in reversed(_visible(with_, below, dialect)):
                if _folded(cte.args["alias"].this, dialect) == wanted:
                    return cte
        below, above = above, above.parent
    return None


def _visible(with_: exp.With, below: exp.Expr, dialect: str) -> list[exp.CTE]:
    """The CTEs of ``with_`` that ``below`` may name: those before it, and itself where it may be recursive."""
    ctes: list[exp.CTE] = []
    for cte in with_.expressions:
        if cte is below and not with_.recursive and dialect != "sqlite":
            break
        ctes.append(cte)
        if cte is below:
            break
    return ctes


def _folded(name: exp.Expr, dialect: str) -> str:
    is_exact = dialect == "postgres" and name.args.get("quoted")
    return name.name if is_exact else name.name.lower()
