"""A literal found in a question, with the place it was found at."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Span:
    """``text`` as SQL data, its kind ("number", "text", "date"), and the characters from ``start`` to ``end``."""

    text: str
    kind: str
    start: int
    end: int

    def overlaps(self, other: Span) -> bool:
        return self.start < other.end and other.start < self.end

    def is_inside(self, other: Span) -> bool:
        return other.start <= self.start and self.end <= other.end
