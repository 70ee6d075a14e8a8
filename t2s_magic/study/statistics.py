"""Honest figures: shares with intervals, paired tests, corrections, and how many questions would settle it."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, comb, sqrt
from statistics import NormalDist

import numpy as np

Z_95 = 1.959964


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


def paired_bootstrap(
    first: Sequence[bool], second: Sequence[bool], *, samples: int = 10_000, seed: int = 0
) -> tuple[float, float]:
    """The 95 % percentile interval of share(second) - share(first), resampling the questions both answered."""
    if len(first) != len(second):
        raise ValueError(f"The programs answered {len(first)} and {len(second)} questions; they have to be the same.")
    differences = np.asarray(second, dtype=float) - np.asarray(first, dtype=float)
    if not len(differences):
        return -1.0, 1.0
    picks = np.random.default_rng(seed).integers(len(differences), size=(samples, len(differences)))
    low, high = np.percentile(differences[picks].mean(axis=1), [2.5, 97.5])
    return float(low), float(high)


def holm(p_values: Sequence[float]) -> list[float]:
    """The p-values corrected for how many there are, in the same order (Holm, Scand. J. Statist. 6, 1979)."""
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    corrected, largest = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        corrected[index] = largest
    return corrected


def questions_needed(discordant_share: float, difference: float, *, power: float = 0.8) -> int:
    """How many questions a paired comparison needs to find ``difference`` at 5 %, two-sided.

    ``discordant_share`` is the share of questions that just one of the two gets right (Connor, Biometrics 43, 1987).
    """
    z_power = NormalDist().inv_cdf(power)
    if not 0 < abs(difference) <= discordant_share:
        raise ValueError("The difference has to be above 0 and at most the share of questions that flip.")
    spread = Z_95 * sqrt(discordant_share) + z_power * sqrt(discordant_share - difference**2)
    return ceil((spread / difference) ** 2)
