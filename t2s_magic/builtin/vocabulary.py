"""The decoder's alphabet as numbers, and how like two questions are; training and inference share both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from t2s_magic.builtin.encoder import HIDDEN

BEGIN, END, DEMO_VALUE = 0, 1, 2
_MARKS = ("BEGIN", "END", "DEMO_VALUE")
MEMORY_DEMOS = 3
_UNLIKE = 0.6


@dataclass(frozen=True)
class Vocabulary:
    """Three marks, then the keywords; a pointer's number is ``size`` + its place among the nodes."""

    keywords: tuple[str, ...]

    @property
    def size(self) -> int:
        return len(_MARKS) + len(self.keywords)

    @cached_property
    def ids(self) -> Mapping[str, int]:
        return {keyword: number for number, keyword in enumerate(self.keywords, start=len(_MARKS))}

    def keyword(self, number: int) -> str:
        return self.keywords[number - len(_MARKS)]


def likeness_vector(word_vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """A unit vector for a whole question: the mean of its words in the encoder's middle layer."""
    mean = word_vectors[:, :HIDDEN].mean(0) if len(word_vectors) else np.zeros(HIDDEN, np.float32)
    return mean / (np.linalg.norm(mean) + 1e-6)


def likeness(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Between 0 (unlike) and 1 (the same question)."""
    return max(0.0, (float(one @ other) - _UNLIKE) / (1 - _UNLIKE))


def demo_memory(
    demos: Sequence[tuple[float, Sequence[int]]],
) -> list[tuple[int, int, float]]:
    """(token before, token, likeness) for each token of the demos most like the question, likeness first given."""
    memory: list[tuple[int, int, float]] = []
    for like, ids in sorted(demos, key=lambda demo: -demo[0])[:MEMORY_DEMOS]:
        before = BEGIN
        for token in (*ids, END):
            memory.append((before, token, like))
            before = token
    return memory
