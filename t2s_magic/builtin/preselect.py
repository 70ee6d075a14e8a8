"""A cheap first cut of schemas too large for the network: the tables that, with their neighbours, say most words.

A word of the question may stand in a name, begin one, or mean about the same as a part of one, by the vectors of single
words. What counts for a table is what its own names say and what the tables around it add: a question about customers
and invoices means the customers that have invoices.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from t2s_magic.builtin.encoder import Array
from t2s_magic.builtin.features import foreign_keys, is_function_word, is_prefix, stem
from t2s_magic.builtin.tokens import Candidate
from t2s_magic.builtin.words import split_name
from t2s_magic.schema import Schema, Table

MOST_TABLES = 40
MOST_COLUMNS = 240
_TABLE_NAME = 3.0
_CELL = 2.0
_COVERAGE = 1.2
_LIKE, _LIKE_AT_MOST = 0.4, 0.6
_HOPS = 2
_MOST_NEIGHBOURS = 40

WordVectors = Callable[[Sequence[str]], Array]


class Preselector:
    """Scores all tables of one schema; built once a schema. ``word_vectors`` gives a unit vector for each word."""

    def __init__(self, schema: Schema, word_vectors: WordVectors) -> None:
        self._schema = schema
        self._word_vectors = word_vectors
        parts = [_parts(table) for table in schema.tables]
        frequency = Counter(part for names in parts for part in names)
        self._parts = list(frequency)
        place = {part: number for number, part in enumerate(self._parts)}
        self._rarity = np.array([math.log(1 + len(parts) / frequency[part]) for part in self._parts], np.float32)
        self._names = np.zeros((len(self._parts), len(parts)), np.float32)
        for number, names in enumerate(parts):
            for part, weight in names.items():
                self._names[place[part], number] = weight
        self._by_beginning: dict[str, list[int]] = defaultdict(list)
        for number, part in enumerate(self._parts):
            self._by_beginning[part[:4]].append(number)
        self._vectors = word_vectors(self._parts) if self.is_needed and self._parts else None
        self._around = list(_neighbourhoods(schema))

    @property
    def is_needed(self) -> bool:
        tables = self._schema.tables
        return len(tables) > MOST_TABLES or sum(len(table.columns) for table in tables) > MOST_COLUMNS

    def scores(self, words: Sequence[str], candidates: Sequence[Candidate] = ()) -> list[float]:
        """One number a table, the higher the likelier the question needs it."""
        asked = list(dict.fromkeys(stem(word) for word in words if not is_function_word(word) and word[0].isalnum()))
        said = self._said(asked)
        own = said.sum(0)
        for candidate in candidates:
            for table in {candidate.table, *(place.table for place in candidate.others)} - {-1}:
                own[table] += _CELL
        covered = np.array([said[:, around].max(1, initial=0).sum() for around in self._around], np.float32)
        scores: list[float] = (own + _COVERAGE * covered).tolist()
        return scores

    def _said(self, asked: Sequence[str]) -> Array:
        """(words, tables): how much of each word the names of each table say."""
        cosines = self._word_vectors(asked) @ self._vectors.T if self._vectors is not None and asked else None
        said = np.zeros((len(asked), self._names.shape[1]), np.float32)
        for row, word in enumerate(asked):
            matches = np.zeros(len(self._parts), np.float32)
            if cosines is not None:
                matches = np.where(cosines[row] > _LIKE, _LIKE_AT_MOST * cosines[row], matches)
            for place in self._by_beginning.get(word[:4], ()):
                if self._parts[place] == word or is_prefix(self._parts[place], word):
                    matches[place] = 1.0
            found = np.flatnonzero(matches)
            said[row] = ((matches * self._rarity)[found, None] * self._names[found]).max(0, initial=0)
        return said

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
        refers = {(source.table, target.table) for source, target in foreign_keys(self._schema)}
        listed: list[int] = []
        for rank, number in enumerate(order):
            listed.append(number)
            if rank < MOST_TABLES // 4:
                listed += sorted(target for source, target in refers if source == number)
        return listed


def _neighbourhoods(schema: Schema) -> Iterator[list[int]]:
    """For each table itself and the tables that keys tie to it, directly or through one more."""
    tied: list[set[int]] = [{number} for number in range(len(schema.tables))]
    for source, target in foreign_keys(schema):
        tied[source.table].add(target.table)
        tied[target.table].add(source.table)
    for number in range(len(tied)):
        around = {number}
        for _ in range(_HOPS):
            around |= {further for near in around for further in tied[near]}
            if len(around) > _MOST_NEIGHBOURS:
                around = tied[number]
                break
        yield sorted(around)


def _parts(table: Table) -> dict[str, float]:
    """Stems of the table's own name (heavier) and of its columns' names."""
    parts = {stem(part): 1.0 for column in table.columns for part in split_name(column.name)}
    return parts | {stem(part): _TABLE_NAME for part in split_name(table.name)}
