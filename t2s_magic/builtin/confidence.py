"""How likely each answer is to be the one asked for, by a small model over what speaks for and against it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from t2s_magic.builtin.beam import Answer
from t2s_magic.builtin.looks import Look, look_signs
from t2s_magic.builtin.sense import is_senseless
from t2s_magic.builtin.signs import Posed, Signs, all_signs
from t2s_magic.builtin.tree import read

BIAS = "bias"
_PLAIN = {"log_probability": 1.0, "unused_texts": -0.5}


class Confidence:
    """Turns answers into probabilities, which leave room for none of them to be right.

    ``settings`` holds ``weights`` by sign, and ``weights_with_rows`` for answers whose rows were looked at; see
    ``training.calibrate``.
    """

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._weights: Mapping[str, float] = settings.get("weights", _PLAIN)
        self._weights_with_rows: Mapping[str, float] = settings.get("weights_with_rows", self._weights)

    def probabilities(self, signs: Sequence[Signs | None]) -> list[float]:
        """For each answer by its signs, the probability that it is the one asked for; together at most 1."""
        return _chances(signs, self._weights)

    def probabilities_with_rows(self, signs: Sequence[Signs | None]) -> list[float]:
        """``probabilities`` by signs that looks are part of; see ``with_looks``."""
        return _chances(signs, self._weights_with_rows)


def signs_of(posed: Posed, answers: Sequence[Answer]) -> list[Signs | None]:
    """Signs of each answer; None where it makes no sense."""
    return [
        None if is_senseless(read(answer.tokens), posed.candidates) else one
        for answer, one in zip(answers, all_signs(posed, answers), strict=True)
    ]


def with_looks(
    signs: Sequence[Signs | None], answers: Sequence[Answer], looks: Sequence[Look | None]
) -> list[Signs | None]:
    """``signs`` and those of the looks; None for answers that were not looked at."""
    seen = [place for place, one in enumerate(looks) if one is not None and signs[place] is not None]
    of_looks = look_signs(
        [one for place in seen if (one := looks[place])], shares([answers[place].log_probability for place in seen])
    )
    joined: list[Signs | None] = [None] * len(signs)
    for place, more in zip(seen, of_looks, strict=True):
        joined[place] = {**(signs[place] or {}), **more}
    return joined


def shares(log_probabilities: Sequence[float]) -> list[float]:
    """The network's probabilities of some answers, as parts of their sum."""
    best = max(log_probabilities, default=0.0)
    parts = [math.exp(one - best) for one in log_probabilities]
    return [part / sum(parts) for part in parts]


def _chances(signs: Sequence[Signs | None], weights: Mapping[str, float]) -> list[float]:
    odds = [math.exp(_score(one, weights)) if one is not None else 0.0 for one in signs]
    return [one / (1 + sum(odds)) for one in odds]


def _score(signs: Signs, weights: Mapping[str, float]) -> float:
    score = weights.get(BIAS, 0.0) + sum(weights.get(name, 0.0) * sign for name, sign in signs.items())
    return max(-30.0, min(30.0, score))
