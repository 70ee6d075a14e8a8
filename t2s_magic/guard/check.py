"""check: text -> CheckedSql. The layers in order; each refuses with the part, its place and the reason."""

from __future__ import annotations

from t2s_magic.guard.accounts import refuse_unread_words
from t2s_magic.guard.attributes import refuse_attribute_calls
from t2s_magic.guard.calls import refuse_calls
from t2s_magic.guard.checked import _GUARD_ONLY, CheckedSql
from t2s_magic.guard.forms import parse
from t2s_magic.guard.sizes import refuse_huge_sizes
from t2s_magic.guard.tables import read_tables
from t2s_magic.guard.text import read_statement
from t2s_magic.schema import Schema


def check(sql: str, dialect: str, *, schema: Schema | None = None) -> CheckedSql:
    """Accept one statement that only reads, as it was written, or raise UnsafeSqlError naming what is not allowed.

    The text is unchanged but for surrounding white space and one closing semicolon. With ``schema`` every table must
    be one of its tables, else UnknownNameError; without it, files and system catalogues are refused by their names.
    """
    statement = read_statement(sql, dialect)
    trees = parse(statement)
    refuse_calls(trees, statement, schema)
    refuse_attribute_calls(trees, statement, schema)
    refuse_unread_words(trees, statement)
    refuse_huge_sizes(statement)
    tables = read_tables(trees, statement, schema)
    return CheckedSql(statement.sql.strip(), dialect, tables, made_by=_GUARD_ONLY)
