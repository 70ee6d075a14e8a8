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

    def probabilities(
        self, posed: Posed, answers: Sequence[Answer], looks: Sequence[Look | None] | None = None
    ) -> list[float]:
        """For each answer, the probability that it is the one asked for; together at most 1.

        With ``looks``, answers that were not looked at have none.
        """
        signs = signs_of(posed, answers, looks)
        weights = self._weights if looks is None else self._weights_with_rows
        scores = [math.exp(_score(one, weights)) if one else 0.0 for one in signs]
        return [score / (1 + sum(scores)) for score in scores]


def signs_of(posed: Posed, answers: Sequence[Answer], looks: Sequence[Look | None] | None = None) -> list[Signs | None]:
    """Signs of each answer; None where it makes no sense or, with ``looks``, was not looked at."""
    signs: list[Signs | None] = [
        None if is_senseless(read(answer.tokens), posed.candidates) else one
        for answer, one in zip(answers, all_signs(posed, answers), strict=True)
    ]
    if looks is None:
        return signs
    seen = [place for place, one in enumerate(looks) if one is not None and signs[place] is not None]
    of_looks = look_signs(
        [one for place in seen if (one := looks[place])], shares([answers[place].log_probability for place in seen])
    )
    with_looks: list[Signs | None] = [None] * len(answers)
    for place, more in zip(seen, of_looks, strict=True):
        with_looks[place] = {**(signs[place] or {}), **more}
    return with_looks


def shares(log_probabilities: Sequence[float]) -> list[float]:
    """The network's probabilities of some answers, as parts of their sum."""
    best = max(log_probabilities, default=0.0)
    parts = [math.exp(one - best) for one in log_probabilities]
    return [part / sum(parts) for part in parts]


def _score(signs: Signs, weights: Mapping[str, float]) -> float:
    score = weights.get(BIAS, 0.0) + sum(weights.get(name, 0.0) * sign for name, sign in signs.items())
    return max(-30.0, min(30.0, score))
