"""Honest figures: a share of n with its interval."""

from __future__ import annotations

from math import sqrt

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
