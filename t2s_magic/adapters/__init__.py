"""Between the program's fields and an LM: how a call is put to it, and how its answer is read."""

from t2s_magic.adapters.builtin_adapter import BuiltinAdapter, RowsOf
from t2s_magic.adapters.contract import read_sql, sql_so_far
from t2s_magic.adapters.sql_adapter import SQL_CALL, SqlAdapter

__all__ = ["SQL_CALL", "BuiltinAdapter", "RowsOf", "SqlAdapter", "read_sql", "sql_so_far"]
