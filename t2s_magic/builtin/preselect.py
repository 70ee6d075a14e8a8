"""A cheap first cut of schemas too large for the network: tables whose names are most like the question's words."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from t2s_magic.builtin.features import is_function_word, is_prefix, stem
from t2s_magic.builtin.tokens import Candidate
from t2s_magic.builtin.words import split_name
from t2s_magic.schema import Schema, Table

MOST_TABLES = 40
MOST_COLUMNS = 240
_TABLE_NAME = 3.0
_CELL = 2.0


class Preselector:
    """Scores all tables of one schema; built once a schema."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._parts = [_parts(table) for table in schema.tables]
        frequency = Counter(part for names in self._parts for part in names)
        self._rarity = {part: math.log(1 + len(self._parts) / count) for part, count in frequency.items()}

    @property
    def is_needed(self) -> bool:
        tables = self._schema.tables
        return len(tables) > MOST_TABLES or sum(len(table.columns) for table in tables) > MOST_COLUMNS

    def scores(self, words: Sequence[str], candidates: Sequence[Candidate] = ()) -> list[float]:
        """One number a table, the higher the likelier the question needs it."""
        stems = {stem(word) for word in words if not is_function_word(word) and word[0].isalnum()}
        meant = {part for part in self._rarity if any(part == word or is_prefix(part, word) for word in stems)}
        scores = [
            sum(weight * self._rarity[part] for part, weight in names.items() if part in meant) for names in self._parts
        ]
        for candidate in candidates:
            for table in {candidate.table, *(place.table for place in candidate.others)} - {-1}:
                scores[table] += _CELL
        return scores

    def choose(self, scores: Sequence[float]) -> Schema:
        """The schema cut to the best tables and to those they refer to, as far as both limits allow."""
        tables = self._schema.tables
        order = sorted(range(len(tables)), key=lambda table: -scores[table])
        kept: dict[int, Table] = {}
        columns = 0
        for number in self._with_neighbours(order):
            width = len(tables[number].columns)
            if number in kept or (kept and columns + width > MOST_COLUMNS):
                continue
            kept[number] = tables[number]
            columns += width
            if len(kept) == MOST_TABLES:
                break
        return self._schema.only(list(kept.values()))

    def _with_neighbours(self, order: Sequence[int]) -> list[int]:
        """Each table followed, for the first few, by those its keys refer to."""
        places = {table.name.casefold(): number for number, table in enumerate(self._schema.tables)}
        listed: list[int] = []
        for rank, number in enumerate(order):
            listed.append(number)
            if rank < MOST_TABLES // 4:
                keys = self._schema.tables[number].foreign_keys
                listed += [places[key.to_table.casefold()] for key in keys if key.to_table.casefold() in places]
        return listed


def _parts(table: Table) -> dict[str, float]:
    """Stems of the table's own name (heavier) and of its columns' names."""
    parts = {stem(part): 1.0 for column in table.columns for part in split_name(column.name)}
    return parts | {stem(part): _TABLE_NAME for part in split_name(table.name)}
