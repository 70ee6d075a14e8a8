"""How like two questions about one database are: by their words with the values left out, and by their vectors."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from t2s_magic.builtin.encoder import HIDDEN, Array
from t2s_magic.builtin.features import is_function_word, stem
from t2s_magic.builtin.tokens import Candidate
from t2s_magic.builtin.words import split_words

SIGNS = ("middle_layer", "last_layer", "content", "words", "one_word_apart", "as_many_values", "bias")
_MARKS = frozenset(".,;:?!'\"`’‘“”")


@dataclass(frozen=True)
class Sketch:
    """A question as it is compared with others: stems of its words outside its values, and unit vectors of it."""

    key: str
    stems: frozenset[str]
    content: frozenset[str]
    values: int
    middle: Array
    last: Array


def sketch(question: str, words: Sequence[str], vectors: Array, candidates: Sequence[Candidate]) -> Sketch:
    """``vectors`` are those of ``words``, the words of ``question``; ``candidates`` say which of them are values."""
    # A capitalised word that opens the question is seldom a value.
    spans = {(one.start, one.end) for one in candidates if one.start > 0 or (one.start == 0 and one.kind != "text")}
    masked = {position for start, end in spans for position in range(start, end)}
    shown = [word for position, word in enumerate(words) if position not in masked and word[0].isalnum()]
    return Sketch(
        question_key(question),
        frozenset(map(stem, shown)),
        frozenset(stem(word) for word in shown if not is_function_word(word)),
        len(spans),
        _unit(vectors[:, :HIDDEN]),
        _unit(vectors[:, HIDDEN:]),
    )


def question_key(question: str) -> str:
    """A question without case, plurals and the marks of a sentence; comparison signs and numbers stay."""
    return " ".join(stem(word) for word in split_words(question) if word not in _MARKS)


def likeness_signs(one: Sketch, other: Sketch) -> tuple[float, ...]:
    """``SIGNS`` of two questions."""
    apart = len(one.content ^ other.content)
    return (
        float(one.middle @ other.middle),
        float(one.last @ other.last),
        _overlap(one.content, other.content),
        _overlap(one.stems, other.stems),
        float(apart in (1, 2)),
        float(one.values == other.values),
        1.0,
    )


def chance_of_same(one: Sketch, other: Sketch, weights: Mapping[str, float]) -> float:
    """The probability that both questions want the same statement but for its values."""
    if one.key == other.key:
        return 1.0
    score = sum(weights[name] * sign for name, sign in zip(SIGNS, likeness_signs(one, other), strict=True))
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, score))))


def _unit(vectors: Array) -> Array:
    mean = vectors.mean(0) if len(vectors) else np.zeros(HIDDEN, np.float32)
    return np.asarray(mean / (np.linalg.norm(mean) + 1e-6), np.float32)


def _overlap(one: frozenset[str], other: frozenset[str]) -> float:
    return len(one & other) / (len(one | other) or 1)
