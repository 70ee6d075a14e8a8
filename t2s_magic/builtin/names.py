"""Identifiers as SQL text: quoted only where they have to be."""

from __future__ import annotations

import re

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_PLAIN_FOLDED = re.compile(r"[a-z_][a-z0-9_]*\Z")

# Words that at least one of SQLite, DuckDB, PostgreSQL and MySQL refuses as a bare name, from their own lists.
_RESERVED = frozenset(
    """
    abort accessible add all alter always analyse analyze and anti any array as asc asof asymmetric at attach
    authorization autoincrement before begin between bigint binary blob both by call cascade case cast change char
    character check collate collation column commit concurrently condition constraint continue convert create cross
    cube cume_dist current_catalog current_date current_role current_schema current_time current_timestamp
    current_user cursor database databases dec decimal declare default deferrable deferred delayed delete dense_rank
    desc describe detach deterministic distinct distinctrow div do double drop dual each else elseif empty enclosed
    end escape escaped except exclusive exists exit explain false fetch first_value float for force foreign freeze
    from full fulltext function generated get glob grant group grouping groups having if ignore ilike immediate in
    index indexed infile initially inner inout insert instead int integer intersect interval into is isnull iterate
    join json_table key keys kill lag lambda last_value lateral lead leading leave left like limit linear lines load
    localtime localtimestamp lock long loop match mod modifies natural not nothing notnull nth_value ntile null
    numeric of offset on only optimize option optionally or order out outer outfile over overlaps partition
    percent_rank pivot pivot_longer pivot_wider placing plan positional pragma precision primary procedure purge
    qualify query raise range rank read reads real recursive references regexp reindex release rename repeat replace
    require resignal restrict return returning revoke right rlike rollback row row_number rows savepoint schema
    schemas select semi sensitive separator session_user set show signal similar smallint some spatial specific sql
    ssl starting straight_join summarize symmetric system table tablesample temp temporary terminated then tinyint to
    trailing transaction trigger true undo union unique unlock unpack unpivot unsigned update usage use user using
    utc_date utc_time utc_timestamp vacuum values varbinary varchar variadic varying verbose view virtual when where
    while window with write xor year_month zerofill
    """.split()
)


def is_reserved(name: str) -> bool:
    return name.casefold() in _RESERVED


def quote(name: str, dialect: str) -> str:
    """``name`` as ``dialect`` reads it back: in quotes where it is reserved, odd, or would change its case."""
    plain = _PLAIN_FOLDED if dialect == "postgres" else _PLAIN
    if plain.match(name) and not is_reserved(name):
        return name
    if dialect == "mysql":
        return "`" + name.replace("`", "``") + "`"
    return '"' + name.replace('"', '""') + '"'


def text(value: str, dialect: str) -> str:
    """A string literal."""
    if dialect == "mysql":  # only MySQL reads a backslash in a string as an escape
        value = value.replace("\\", "\\\\")
    return "'" + value.replace("'", "''") + "'"
