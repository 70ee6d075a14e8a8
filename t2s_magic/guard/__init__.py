"""Text -> CheckedSql, and nothing else gets through. sqlglot lives here."""

from t2s_magic.guard.checked import CheckedSql

__all__ = ["CheckedSql"]
