"""What a statement begins with, and the one that asks an engine for its plan."""

from __future__ import annotations

import re

# White space and comments; in /*! … */ MySQL finds statements.
_SPACE = r"(?:\s|--[^\n]*(?:\n|$)|/\*(?!M?!).*?\*/)*+"
# MySQL's other words for it, and those that show what there is.
_VERB = "(?:explain|describe|desc|show)"
_EXPLAIN = re.compile(rf"{_SPACE}{_VERB}\b", re.IGNORECASE | re.DOTALL)
_EXPLAIN_ANALYZE = re.compile(rf"{_SPACE}{_VERB}{_SPACE}(?:\([^()]*)?\banalyze\b", re.IGNORECASE | re.DOTALL)
_READING = re.compile(rf"{_SPACE}(?:\(|(?:select|with|values|table|{_VERB})\b)", re.IGNORECASE | re.DOTALL)


def as_explain(sql: str) -> str:
    """``EXPLAIN`` in front of a statement, or the statement itself where it is one already."""
    return sql if _EXPLAIN.match(sql) else f"EXPLAIN {sql}"


def is_explain_analyze(sql: str) -> bool:
    """Whether the statement is explained by running it."""
    return _EXPLAIN_ANALYZE.match(sql) is not None


def begins_as_reading(sql: str) -> bool:
    """Whether the first word is one of a query's, for engines that can only tell by running a statement."""
    return _READING.match(sql) is not None
