"""Honest figures: shares with intervals, paired tests, corrections, and how many questions would settle it."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, comb, sqrt
from statistics import NormalDist
from typing import Any

import numpy as np

Z_95 = 1.959964
# Answers to made-up questions, added before a bootstrap: without them few questions, or few flips among them, give an
# interval that is far too short, of no width at all where none was wrong. Two right and two wrong for a share (Agresti
# and Coull, American Statistician 52, 1998); one gained and one lost for a difference, after Agresti and Min
# (Statistics in Medicine 24, 2005), who add half a question to each of the four ways that two answers can go.
_FOR_A_SHARE = (True, True, False, False)
_FOR_A_DIFFERENCE = ((False, True), (True, False))


def wilson_interval(k: int, n: int, z: float = Z_95) -> tuple[float, float]:
    """The score interval of a share k/n, as shares in [0, 1]; 95 % by default (Wilson, JASA 22, 1927)."""
    if n == 0:
        return 0.0, 1.0
    share, z2 = k / n, z * z
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = z / (1 + z2 / n) * sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    return max(0.0, middle - half), min(1.0, middle + half)


def share_with_interval(k: int, n: int) -> str:
    """``"600/1000 = 60.0 % [56.9, 63.0]"``: a share in percent with its 95 % Wilson interval."""
    if n == 0:
        return "0/0"
    low, high = wilson_interval(k, n)
    return f"{k}/{n} = {100 * k / n:.1f} % [{100 * low:.1f}, {100 * high:.1f}]"


def mcnemar_p(only_first: int, only_second: int) -> float:
    """Two-sided exact p that two programs are equally good, from the questions that only one of them got right.

    McNemar, Psychometrika 12 (1947); the exact form is the binomial test of the discordant pairs at one half.
    """
    discordant = only_first + only_second
    if discordant == 0:
        return 1.0
    tail: float = sum(comb(discordant, k) for k in range(min(only_first, only_second) + 1)) / 2**discordant
    return min(1.0, 2 * tail)


def sign_flip_p(differences: Sequence[int]) -> float:
    """Two-sided exact p that the differences, one a question, are as likely to be the other way round (Fisher, 1935).

    Questions are what is drawn here: where several seeds answered each of them, a difference is the sum over seeds, so
    that answers to one question do not count as independent. With one seed it is McNemar's exact test.
    """
    sizes = [abs(difference) for difference in differences if difference]
    if not sizes:
        return 1.0
    most = sum(sizes)
    chance = np.zeros(2 * most + 1)
    chance[most] = 1.0
    for size in sizes:
        chance = (np.roll(chance, size) + np.roll(chance, -size)) / 2
    seen = abs(sum(differences))
    return float(min(1.0, chance[: most - seen + 1].sum() + chance[most + seen :].sum())) if seen else 1.0


def crossed_bootstrap(
    first: Sequence[Sequence[bool]],
    second: Sequence[Sequence[bool]] | None = None,
    *,
    samples: int = 10_000,
    seed: int = 0,
) -> tuple[float, float]:
    """The 95 % interval of a share, or of share(second) - share(first), over questions and seeds.

    One sequence a seed, each of the same questions in the same order. Questions and seeds are resampled independently
    of each other, as both are a draw (Owen's pigeonhole bootstrap, Annals of Applied Statistics 1, 2007), with a few
    made-up questions among them that widen the intervals of small samples.
    """
    sizes = {len(answers) for answers in [*first, *(second or ())]}
    if len(sizes) != 1:
        raise ValueError(f"The programs answered {sorted(sizes)} questions; they have to be the same.")
    (count,) = sizes
    if not count:
        return (0.0, 1.0) if second is None else (-1.0, 1.0)
    made_up = [_FOR_A_SHARE] if second is None else _FOR_A_DIFFERENCE
    count += len(made_up[0])
    chance = np.random.default_rng(seed)
    weights = chance.multinomial(count, np.full(count, 1 / count), size=samples) / count
    one, *others = [
        _resampled([[*answers, *more] for answers in each], weights, chance)
        for each, more in zip((first, second), made_up, strict=False)
        if each is not None
    ]
    found = others[0] - one if others else one
    low, high = np.percentile(found, [2.5, 97.5])
    return float(low), float(high)


def _resampled(answers: Sequence[Sequence[bool]], weights: Any, chance: Any) -> Any:
    """A share for each resampling of the questions, which ``weights`` are, with one of the seeds as well."""
    by_seed = np.asarray(answers, dtype=float) @ weights.T
    seeds = chance.multinomial(len(answers), np.full(len(answers), 1 / len(answers)), size=weights.shape[0])
    return (by_seed.T * seeds / len(answers)).sum(axis=1)


def kappa(first: Sequence[bool], second: Sequence[bool]) -> float | None:
    """How far two judges agree beyond chance, 1 at most; None where one word was given throughout (Cohen, 1960)."""
    n = len(first)
    agreed = sum(one == other for one, other in zip(first, second, strict=True))
    yes = sum(first) * sum(second) + (n - sum(first)) * (n - sum(second))
    return (agreed / n - yes / n**2) / (1 - yes / n**2) if n and yes < n**2 else None


def kappa_interval(
    first: Sequence[Sequence[bool]], second: Sequence[Sequence[bool]], *, samples: int = 2_000, seed: int = 0
) -> tuple[float, float] | None:
    """The 95 % bootstrap interval of ``kappa`` over questions, or None where there is no kappa.

    One sequence a seed: the answers to one question are drawn together. Resamplings without a kappa are left out.
    """
    chance = np.random.default_rng(seed)
    pairs = np.asarray([first, second], dtype=bool)
    if kappa(*pairs.reshape(2, -1).tolist()) is None:
        return None
    count = pairs.shape[-1]
    picks = chance.integers(count, size=(samples, count))
    drawn = [kappa(*pairs[:, :, pick].reshape(2, -1).tolist()) for pick in picks]
    found = [value for value in drawn if value is not None]
    low, high = np.percentile(found, [2.5, 97.5])
    return float(low), float(high)


def best_by_chance(share: float, candidates: int, n: int) -> float:
    """The share that the best of several equally good programs is expected to show on n questions.

    As if their answers were independent; programs that are alike show less of it.
    """
    chances = np.array([comb(n, k) * share**k * (1 - share) ** (n - k) for k in range(n + 1)])
    at_most = np.minimum(np.cumsum(chances), 1.0) ** candidates
    return float((np.diff(at_most, prepend=0.0) * np.arange(n + 1)).sum() / n)


def holm(p_values: Sequence[float]) -> list[float]:
    """The p-values corrected for how many there are, in the same order (Holm, Scand. J. Statist. 6, 1979)."""
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    corrected, largest = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        corrected[index] = largest
    return corrected


def questions_needed(
    discordant_share: float, difference: float, *, power: float = 0.8, significance: float = 0.05
) -> int:
    """How many questions a paired comparison needs to find ``difference``, two-sided.

    ``discordant_share`` is the share of questions that just one of the two gets right (Connor, Biometrics 43, 1987).
    """
    if not 0 < abs(difference) <= discordant_share:
        raise ValueError("The difference has to be above 0 and at most the share of questions that flip.")
    return differences_needed(discordant_share, difference, power=power, significance=significance)


def differences_needed(mean_square: float, mean: float, *, power: float = 0.8, significance: float = 0.05) -> int:
    """The same for differences of any size, such as means over seeds: of their mean, and the mean of their squares."""
    z_power, z_found = NormalDist().inv_cdf(power), NormalDist().inv_cdf(1 - significance / 2)
    spread = z_found * sqrt(mean_square) + z_power * sqrt(max(0.0, mean_square - mean**2))
    return ceil((spread / mean) ** 2)
