"""How sure the model may be of each answer: a small logistic model over what the search and the question show."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from t2s_magic.builtin.beam import Answer
from t2s_magic.builtin.sense import is_senseless, misplaced_values
from t2s_magic.builtin.tokens import Candidate, ColumnRef, TableRef, Token, ValueRef
from t2s_magic.builtin.tree import read
from t2s_magic.schema import Schema

SIGNS = (
    "probability",
    "log_probability",
    "per_token",
    "weakest",
    "behind_best",
    "ahead_of_next",
    "log_length",
    "rank",
    "unused_numbers",
    "unused_quoted",
    "unused_cells",
    "repeated_items",
    "tables",
    "misplaced_values",
    "sub_queries",
    "least_linked",
    "left_out",
    "bias",
)
_PLAIN = {"log_probability": 1.0, "unused_quoted": -0.5}
_PLAIN_THRESHOLD = 0.2
# Beyond these, more says nothing more, and would outweigh all other signs.
_LOWEST = -12.0
_MOST_REPEATED = 5


class Confidence:
    """Turns answers into probabilities. ``settings`` holds ``weights`` (by sign) and ``threshold`` (see training)."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._weights: Mapping[str, float] = settings.get("weights", _PLAIN)
        self._threshold: float = settings.get("threshold", _PLAIN_THRESHOLD)

    def probabilities(
        self,
        answers: Sequence[Answer],
        candidates: Sequence[Candidate],
        linked: Mapping[Token, float],
        schema: Schema,
    ) -> list[float]:
        """For each answer, the probability that it is the one asked for; see ``all_signs``."""
        queries = [read(answer.tokens) for answer in answers]
        return [
            0.0 if is_senseless(query, candidates) else _logistic(self.score(signs))
            for query, signs in zip(queries, all_signs(answers, candidates, linked, schema), strict=True)
        ]

    def score(self, signs: Sequence[float]) -> float:
        return sum(self._weights.get(name, 0.0) * sign for name, sign in zip(SIGNS, signs, strict=True))

    def abstains(self, probability: float) -> bool:
        """Too unsure for the answer to be shown as one."""
        return probability < self._threshold


def all_signs(
    answers: Sequence[Answer], candidates: Sequence[Candidate], linked: Mapping[Token, float], schema: Schema
) -> list[tuple[float, ...]]:
    """``SIGNS`` of each answer, in the order of the search; ``linked`` says how likely each item is to be used."""
    best = max((answer.log_probability for answer in answers), default=0.0)
    return [
        (
            math.exp(answer.log_probability),
            max(answer.log_probability, _LOWEST),
            max(answer.log_probability / (len(answer.tokens) + 1), _LOWEST / 4),
            max(answer.weakest, _LOWEST),
            max(answer.log_probability - best, _LOWEST),
            max(min(answer.log_probability - _next_best(answers, rank), -_LOWEST), _LOWEST),
            math.log(1 + len(answer.tokens)),
            float(rank),
            *_unused(answer, candidates),
            float(min(len(_pointers(answer)) - len(set(_pointers(answer))), _MOST_REPEATED)),
            float(len({token.table for token in _pointers(answer) if not isinstance(token, ValueRef)})),
            float(misplaced_values(read(answer.tokens), candidates, schema)),
            float(sum(token == "(" for token in answer.tokens)),
            min((math.log(linked.get(token, 0.0) + 1e-3) for token in _pointers(answer)), default=0.0),
            max((chance for token, chance in linked.items() if token not in answer.tokens), default=0.0),
            1.0,
        )
        for rank, answer in enumerate(answers)
    ]


def _next_best(answers: Sequence[Answer], rank: int) -> float:
    others = [other.log_probability for place, other in enumerate(answers) if place != rank]
    return max(others, default=answers[rank].log_probability - 10)


def _unused(answer: Answer, candidates: Sequence[Candidate]) -> tuple[float, float, float]:
    """Numbers, quoted texts and cells of the question that the answer leaves out (overlapping ones count once)."""
    used = {token.value for token in answer.tokens if isinstance(token, ValueRef)}
    covered = {word for value in used for word in range(candidates[value].start, candidates[value].end)}
    counts = {"number": 0.0, "text": 0.0, "cell": 0.0}
    for place, candidate in enumerate(candidates):
        words = set(range(candidate.start, candidate.end))
        if place not in used and candidate.kind in counts and not words & covered:
            counts[candidate.kind] += 1
            covered |= words
    return counts["number"], counts["text"], counts["cell"]


def _pointers(answer: Answer) -> list[ColumnRef | TableRef | ValueRef]:
    return [token for token in answer.tokens if not isinstance(token, str)]


def _logistic(score: float) -> float:
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, score))))
