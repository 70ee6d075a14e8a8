"""Which tables a question seems to need, by its words alone: used where no model scores them."""

from __future__ import annotations

import re

from t2s_magic.schema.tables import Schema, Table

_PART = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[^\W\dA-Z_]+|[A-Z]+|\d+")


def score_by_words(question: str, schema: Schema) -> dict[str, float]:
    """A score for each table, by full name: words of the question found in its name (3), comment or columns (1)."""
    asked = stems(question)
    return {table.full_name: _score(asked, table) for table in schema.tables}


def stems(text: str) -> set[str]:
    """The words of a text or the parts of an identifier, in lower case and without plural endings."""
    return {_stem(part.lower()) for part in _PART.findall(text)}


def _score(asked: set[str], table: Table) -> float:
    about = stems(" ".join([table.comment, *(f"{column.name} {column.comment}" for column in table.columns)]))
    return 3.0 * len(asked & stems(table.name)) + 1.0 * len(asked & about)


def _stem(word: str) -> str:
    for ending, instead in (("ies", "y"), ("sses", "ss"), ("s", "")):
        if word.endswith(ending) and len(word) > len(ending) + 2 and not word.endswith("ss"):
            return word.removesuffix(ending) + instead
    return word
