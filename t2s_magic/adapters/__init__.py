"""Between the program's fields and an LM: how a call is put to it, and how its answer is read."""

from t2s_magic.adapters.builtin_adapter import BuiltinAdapter
from t2s_magic.adapters.contract import read_sql
from t2s_magic.adapters.sql_adapter import SqlAdapter

__all__ = ["BuiltinAdapter", "SqlAdapter", "read_sql"]
