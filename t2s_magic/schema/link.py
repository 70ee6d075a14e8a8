"""Which tables a question seems to need, by its words alone: used where no model scores them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache, cached_property

from t2s_magic.schema.render import fit_schema, table_sizes
from t2s_magic.schema.tables import Column, Schema

_PART = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[^\W\dA-Z_]+|[A-Z]+|\d+")
NAME_WEIGHT = 3.0


class LinkedSchema:
    """A schema with what it takes to cut it for one question after another, worked out once."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema

    def fit(self, budget_characters: int, question: str) -> Schema:
        """The schema, cut by ``fit_schema`` where it does not fit, by the words of ``question``."""
        if sum(self._sizes) <= budget_characters:
            return self.schema
        return fit_schema(self.schema, budget_characters, self.scores(question), sizes=self._sizes)

    def scores(self, question: str) -> Mapping[str, float]:
        """For each table, by full name: words of the question in its name (3 each), in its comment or columns (1)."""
        asked = stems(question)
        return {
            table.full_name: NAME_WEIGHT * len(asked & name) + len(asked & about)
            for table, (name, about) in zip(self.schema.tables, self._words, strict=True)
        }

    @cached_property
    def _sizes(self) -> tuple[int, ...]:
        return table_sizes(self.schema)

    @cached_property
    def _words(self) -> list[tuple[set[str], set[str]]]:
        of_column = cache(_column_stems)  # a large schema repeats its columns
        return [
            (stems(table.name), stems(table.comment).union(*map(of_column, table.columns)))
            for table in self.schema.tables
        ]


def stems(text: str) -> set[str]:
    """The words of a text or the parts of an identifier, in lower case and without plural endings."""
    return {_stem(part.lower()) for part in _PART.findall(text)}


def _column_stems(column: Column) -> set[str]:
    return stems(f"{column.name} {column.comment}")


def _stem(word: str) -> str:
    for ending, instead in (("ies", "y"), ("sses", "ss"), ("s", "")):
        if word.endswith(ending) and len(word) > len(ending) + 2 and not word.endswith("ss"):
            return word.removesuffix(ending) + instead
    return word
