"""Names and values written as SQL, and checked SQL written for a place that reads more than SQL."""

from __future__ import annotations

import re

from t2s_magic.errors import UnsafeSqlError
from t2s_magic.guard.checked import CheckedSql
from t2s_magic.guard.scanner import QUOTED, STRING, is_inside, scan
from t2s_magic.guard.text import TEMPLATE_MARKS
from t2s_magic.guard.verdict import shown

_PLAIN_NAME = re.compile(r"[a-z_][a-z0-9_]*")
# What SQLAlchemy's text() takes for a parameter, inside literals too.
_COLON_NAME = re.compile(r"(?<![:\w\\]):(?=\w+(?!:))")
_DOLLAR_NAME = re.compile(r"\$(?:\{|[A-Za-z_])")

# Words that a dialect here refuses as the bare name of a column, or that are too easily misread.
_RESERVED = frozenset(
    """
    add all alter analyse analyze and anti any array as asc asof asymmetric at authorization autoincrement between
    binary both by case cast check collate collation column commit concurrently constraint create cross current
    current_date current_time current_timestamp default deferrable delete desc describe distinct do drop else end
    escape except exists false fetch filter for foreign freeze from full glob grant group groups having if ilike in
    index initially inner insert intersect interval into is isnull join key keys lambda lateral leading left like limit
    match natural not nothing notnull null of offset on only or order outer over overlaps partition pivot pivot_longer
    pivot_wider placing positional primary qualify raise range rank read references returning right row rows select
    semi set show similar some summarize symmetric system table tablesample then to trailing transaction true union
    unique unpack unpivot update use user using values variadic verbose view when where window with
    """.split()
)


def quote_name(name: str, dialect: str) -> str:
    """``name`` as ``dialect`` has to read it: bare where that is safe, else quoted."""
    if _PLAIN_NAME.fullmatch(name) and name not in _RESERVED:
        return name
    if dialect not in ("postgres",) and re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) and name.lower() not in _RESERVED:
        return name
    mark = "`" if dialect == "mysql" else '"'
    return mark + name.replace(mark, mark * 2) + mark


def quote_literal(value: str, dialect: str) -> str:
    """``value`` as a string literal of ``dialect``."""
    if dialect == "mysql":
        value = value.replace("\\", "\\\\")
    return "'" + value.replace("'", "''") + "'"


def for_cell(query: CheckedSql) -> str:
    """The text of ``query`` for a ``%%sql`` cell, which jupysql renders with Jinja and SQLAlchemy reads for parameters.

    Outside literals ``:name`` gets a space after the colon, which means the same. Raises UnsafeSqlError where a literal
    or a name holds what the cell would replace, so that the text cannot travel unchanged.
    """
    tokens, comments = scan(query.sql, query.dialect)
    fixed = sorted([(token.start, token.end) for token in tokens if token.kind in (STRING, QUOTED)] + comments)
    _refuse_marks(query.sql)
    for match in _COLON_NAME.finditer(query.sql):
        if is_inside(match.start(), fixed):
            _refuse(query.sql, match.span(), "would be read as a parameter")
    return _COLON_NAME.sub(": ", query.sql)


def _refuse_marks(sql: str) -> None:
    for mark in TEMPLATE_MARKS:
        if mark in sql:
            start = sql.index(mark)
            _refuse(sql, (start, start + len(mark)), "would be replaced by a template")
    if found := _DOLLAR_NAME.search(sql):
        _refuse(sql, found.span(), "would be replaced by a variable")
    if sql.lstrip().startswith("\\"):
        _refuse(sql, (0, 2), "would be read as a command of the shell")


def _refuse(sql: str, span: tuple[int, int], what: str) -> None:
    part = sql[max(0, span[0] - 5) : span[1] + 10]
    message = f"This SQL cannot be written as a %%sql cell: {shown(part)} {what}. It still runs from here."
    raise UnsafeSqlError(message, sql=sql, part=part, span=span)
