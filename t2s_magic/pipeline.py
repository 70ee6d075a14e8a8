"""READ FIRST: how a question becomes checked SQL and rows, step by step."""

from __future__ import annotations

from dataclasses import dataclass

from t2s_magic.database import Rows
from t2s_magic.guard import CheckedSql


@dataclass(frozen=True)
class Provenance:
    """Where a draft comes from: shown in one line under the SQL."""

    lm: str
    program: str
    lm_calls: int = 0
    seconds: float = 0.0
    tables_used: int = 0
    tables_total: int = 0
    host: str = ""


@dataclass(frozen=True)
class Alternative:
    """Another reading of the question, told apart from the first in words."""

    sql: str
    in_words: str
    confidence: float


@dataclass(frozen=True)
class Draft:
    """SQL written for a question, with what is known about it before it runs.

    ``checked`` is None when there is no SQL or the guard refused it; then ``problem`` says why, and ``span`` bounds the
    part of ``sql`` it is about. ``confidence`` is a probability, or None where the LM gives none. ``prompt`` is the
    exact text that the LM was sent last ("" for the built-in model). ``notices`` are sentences to show once.
    """

    question: str
    sql: str
    dialect: str
    provenance: Provenance
    checked: CheckedSql | None = None
    problem: str = ""
    span: tuple[int, int] | None = None
    in_words: str = ""
    assumptions: tuple[str, ...] = ()
    confidence: float | None = None
    alternatives: tuple[Alternative, ...] = ()
    abstained: bool = False
    prompt: str = ""
    notices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """What became of one Run (or one look at an edit, then ``rows`` is None and ``problem`` is "").

    ``problem`` says why there are no rows; ``why_empty`` explains a result of 0 rows.
    """

    sql: str
    rows: Rows | None = None
    problem: str = ""
    span: tuple[int, int] | None = None
    in_words: str = ""
    assumptions: tuple[str, ...] = ()
    why_empty: str = ""
