"""Text -> CheckedSql, and nothing else gets through; and what SQL says, in words. sqlglot lives here."""

from t2s_magic.guard.assumptions import assumptions
from t2s_magic.guard.check import check
from t2s_magic.guard.checked import CheckedSql
from t2s_magic.guard.functions import newer_engine, reviewed_version
from t2s_magic.guard.in_words import in_words, tell_apart
from t2s_magic.guard.names import check_names
from t2s_magic.guard.ordering import is_ordered
from t2s_magic.guard.quoting import for_cell, quote_literal, quote_name
from t2s_magic.guard.scanner import DIALECTS, count_statements
from t2s_magic.guard.why_empty import why_empty

__all__ = [
    "DIALECTS",
    "CheckedSql",
    "assumptions",
    "check",
    "check_names",
    "count_statements",
    "for_cell",
    "in_words",
    "is_ordered",
    "newer_engine",
    "quote_literal",
    "quote_name",
    "reviewed_version",
    "tell_apart",
    "why_empty",
]
