"""Cells of the database that a question may mean, looked up on this machine."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Value:
    """A cell that stands in the question: ``text`` as the database spells it, in ``table``.``column``.

    ``phrase`` is the part of the question that led to it; ``match`` is "exact", "folded" (case, accents, plural) or
    "near" (a small spelling difference).
    """

    text: str
    table: str
    column: str
    phrase: str
    match: str = "exact"
