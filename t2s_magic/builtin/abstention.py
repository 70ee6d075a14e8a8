"""Whether a question is about something that the schema does not hold, so that no answer to it is right."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from t2s_magic.builtin.encoder import HIDDEN, Array
from t2s_magic.builtin.features import QuestionFeatures, Relation, SchemaFeatures, is_function_word, stem
from t2s_magic.builtin.tokens import Candidate

SIGNS = (
    "probability",
    "unnamed",
    "unnamed_share",
    "strangest",
    "second_strangest",
    "strangeness",
    "likeliest_item",
    "bias",
)
_NAMED = (
    Relation.WORD_COLUMN_PART,
    Relation.WORD_COLUMN_WHOLE,
    Relation.WORD_COLUMN_CELL,
    Relation.WORD_COLUMN_CELL_PART,
    Relation.WORD_COLUMN_SHORT,
    Relation.WORD_TABLE_PART,
    Relation.WORD_TABLE_WHOLE,
    Relation.WORD_TABLE_SHORT,
)


@dataclass(frozen=True)
class Strangeness:
    """Words of a question that say what it is about: how many no name of the schema holds, and how far they are.

    ``distances`` has, for each of those words, 1 - its highest cosine with any item, the farthest first.
    """

    words: int
    distances: tuple[float, ...]


def strangeness(
    features: QuestionFeatures,
    schema: SchemaFeatures,
    vectors: Array,
    candidates: Sequence[Candidate],
    common: frozenset[str],
) -> Strangeness:
    """``vectors`` are those of all nodes; ``common`` are stems that questions about any database use."""
    words = features.words
    masked = {place for one in candidates if one.start > 0 for place in range(one.start, one.end)}
    telling = [
        place
        for place, word in enumerate(words)
        if place not in masked and word[0].isalpha() and not is_function_word(word) and stem(word) not in common
    ]
    items = slice(len(words), len(words) + schema.size)
    is_named = np.any(np.isin(features.relations[: len(words), items], _NAMED), axis=1).tolist()
    strange = [place for place in telling if not is_named[place]]
    cosines = _cosines(vectors[strange], vectors[items])
    return Strangeness(len(telling), tuple(sorted((1 - cosines.max(1)).tolist(), reverse=True)) if strange else ())


def _cosines(words: Array, items: Array) -> NDArray[np.float32]:
    one, other = (part[:, HIDDEN:] / np.linalg.norm(part[:, HIDDEN:], axis=1, keepdims=True) for part in (words, items))
    return np.asarray(one @ other.T, np.float32)


def abstention_signs(probability: float, strange: Strangeness, likeliest_item: float) -> tuple[float, ...]:
    """``SIGNS`` of a question whose best answer has ``probability``."""
    clipped = min(max(probability, 1e-3), 1 - 1e-3)
    farthest = (*strange.distances, 0.0, 0.0)
    return (
        math.log(clipped / (1 - clipped)),
        float(len(strange.distances)),
        len(strange.distances) / (strange.words or 1),
        farthest[0],
        farthest[1],
        sum(strange.distances),
        likeliest_item,
        1.0,
    )


class Abstention:
    """``settings`` holds ``common`` words, ``weights`` by sign and ``threshold`` (see training/fit_abstention.py)."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self.common = frozenset(settings.get("common", ()))
        self._weights: Mapping[str, float] = settings.get("weights", {"probability": 1.0})
        self._threshold: float = settings.get("threshold", -1.4)

    def score(self, signs: Sequence[float]) -> float:
        """The higher, the likelier the best answer is right rather than the question beyond the schema."""
        return sum(self._weights.get(name, 0.0) * sign for name, sign in zip(SIGNS, signs, strict=True))

    def abstains(self, signs: Sequence[float]) -> bool:
        return self.score(signs) < self._threshold
