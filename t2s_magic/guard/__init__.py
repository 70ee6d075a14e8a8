"""Text -> CheckedSql, and nothing else gets through. sqlglot lives here."""

from t2s_magic.guard.check import check
from t2s_magic.guard.checked import CheckedSql
from t2s_magic.guard.text import count_statements

__all__ = ["CheckedSql", "check", "count_statements"]
