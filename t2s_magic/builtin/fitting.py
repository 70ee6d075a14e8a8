"""While an answer is searched: which values suit the column that they would be compared with."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from t2s_magic.builtin.encoder import Array
from t2s_magic.builtin.features import SchemaFeatures
from t2s_magic.builtin.sense import is_misplaced
from t2s_magic.builtin.tokens import Candidate, ColumnRef
from t2s_magic.builtin.vocabulary import Vocabulary

# Of 469 answers with a cell in the wrong column 4 were right: held back, not forbidden, for not all cells may be read.
PENALTY = -4.0
_COMPARING = ("=", "!=", "in", "not_in")


class Fitting:
    """Penalties for the next token of answers to one question. ``words`` is the number of its words."""

    def __init__(
        self, vocabulary: Vocabulary, schema: SchemaFeatures, candidates: Sequence[Candidate], words: int
    ) -> None:
        self._comparing = frozenset(vocabulary.ids[keyword] for keyword in _COMPARING if keyword in vocabulary.ids)
        self._first_item = vocabulary.size + words
        self._first_value = self._first_item + schema.size
        self._schema = schema
        self._candidates = candidates
        self._known: dict[int, Array] = {}

    def penalties(self, ids: Sequence[int]) -> Array | None:
        """What is added to the score of each token after ``ids``; None where nothing is held back."""
        if not self._candidates:
            return None
        place = len(ids) - 1
        while place > 0 and ids[place] >= self._first_value:  # values of a list so far
            place -= 1
        if place < 1 or ids[place] not in self._comparing:
            return None
        column = ids[place - 1] - self._first_item
        return self._of_column(column) if 0 <= column < len(self._schema.columns) else None

    def _of_column(self, place: int) -> Array:
        if place not in self._known:
            penalties = np.zeros(self._first_value + len(self._candidates), np.float32)
            column: ColumnRef = self._schema.columns[place]
            for number, candidate in enumerate(self._candidates):
                if is_misplaced(column, candidate, self._schema.schema):
                    penalties[self._first_value + number] = PENALTY
            self._known[place] = penalties
        return self._known[place]
