"""While an answer is searched: which values suit the column that they would be compared with, and which columns do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence, Set

import numpy as np

from t2s_magic.builtin import tree
from t2s_magic.builtin.encoder import Array
from t2s_magic.builtin.features import SchemaFeatures
from t2s_magic.builtin.joins import JoinGraph
from t2s_magic.builtin.sense import are_alike, is_misplaced
from t2s_magic.builtin.tokens import Candidate, ColumnRef
from t2s_magic.builtin.vocabulary import Vocabulary

# Of 469 answers with a cell in the wrong column 4 were right: held back, not forbidden, for not all cells may be read.
PENALTY = -4.0
_COMPARING = tree.MEMBERSHIP | {"=", "!="}


class Fitting:
    """Penalties for the next token of answers to one question. ``words`` is the number of its words."""

    def __init__(
        self,
        vocabulary: Vocabulary,
        schema: SchemaFeatures,
        graph: JoinGraph,
        candidates: Sequence[Candidate],
        words: int,
    ) -> None:
        self._comparing = _numbers(vocabulary, _COMPARING)
        self._membership = _numbers(vocabulary, tree.MEMBERSHIP)
        self._opening, self._distinct = (vocabulary.ids.get(keyword) for keyword in ("(", "distinct"))
        self._first_item = vocabulary.size + words
        self._first_value = self._first_item + schema.size
        self._schema = schema
        self._graph = graph
        self._candidates = candidates
        self._of_values: dict[int, Array] = {}
        self._of_members: dict[int, Array] = {}

    def penalties(self, ids: Sequence[int]) -> Array | None:
        """What is added to the score of each token after ``ids``; None where nothing is held back."""
        end = len(ids) - (1 if ids and ids[-1] == self._distinct else 0)
        if end > 2 and ids[end - 1] == self._opening and ids[end - 2] in self._membership:
            return self._held_back(ids[end - 3], self._of_members, self._unlike_members)
        place = len(ids) - 1
        while place > 0 and ids[place] >= self._first_value:  # values of a list so far
            place -= 1
        if place < 1 or ids[place] not in self._comparing or not self._candidates:
            return None
        return self._held_back(ids[place - 1], self._of_values, self._misplaced_values)

    def _held_back(
        self, token: int, known: dict[int, Array], unfit: Callable[[ColumnRef], Iterator[int]]
    ) -> Array | None:
        """``PENALTY`` for what does not suit the column ``token``; None where it is no column."""
        place = token - self._first_item
        if not 0 <= place < len(self._schema.columns):
            return None
        if place not in known:
            known[place] = np.zeros(self._first_value + len(self._candidates), np.float32)
            known[place][list(unfit(self._schema.columns[place]))] = PENALTY
        return known[place]

    def _misplaced_values(self, column: ColumnRef) -> Iterator[int]:
        for number, candidate in enumerate(self._candidates):
            if is_misplaced(column, candidate, self._schema.schema):
                yield self._first_value + number

    def _unlike_members(self, column: ColumnRef) -> Iterator[int]:
        """What ``column IN (SELECT …)`` should not select: other columns that do not join, and whole tables."""
        for place, other in enumerate(self._schema.columns):
            if not are_alike(column, other, self._graph):
                yield self._first_item + place
        yield from range(self._first_item + len(self._schema.columns), self._first_value)


def _numbers(vocabulary: Vocabulary, keywords: Set[str]) -> frozenset[int]:
    return frozenset(vocabulary.ids[keyword] for keyword in keywords if keyword in vocabulary.ids)
