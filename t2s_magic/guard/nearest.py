"""Names most like a given one."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable


def nearest_names(name: str, names: Iterable[str], count: int = 3) -> tuple[str, ...]:
    """At most ``count`` of ``names`` that read like ``name``, best first: spelled alike, or sharing whole words."""
    scored = {candidate: _likeness(name, candidate.rpartition(".")[2]) for candidate in names}
    best = sorted((candidate for candidate, score in scored.items() if score >= 0.6), key=lambda one: -scored[one])
    return tuple(best[:count])


def _likeness(left: str, right: str) -> float:
    spelled = difflib.SequenceMatcher(None, left.casefold(), right.casefold()).ratio()
    words, others = _words(left), _words(right)
    shared = len(words & others) / max(1, min(len(words), len(others)))
    return max(spelled, 0.9 * shared if shared == 1 else 0.6 * shared)


def _words(name: str) -> set[str]:
    parts = re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+", name)
    return {part.casefold().removesuffix("s") for part in parts}
