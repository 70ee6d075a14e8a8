"""The statement that asks an engine for its plan."""

from __future__ import annotations

import re

# White space and comments, then EXPLAIN.
_EXPLAIN = re.compile(r"(?:\s|--[^\n]*(?:\n|$)|/\*.*?\*/)*+explain\b", re.IGNORECASE | re.DOTALL)


def as_explain(sql: str) -> str:
    """``EXPLAIN`` in front of a statement, or the statement itself where it is one already."""
    return sql if _EXPLAIN.match(sql) else f"EXPLAIN {sql}"
