"""Pieces of SQL together with how they are said."""

from __future__ import annotations

from dataclasses import dataclass

from training.synthesis.worlds import Col, Link

Path = tuple[Link, ...]


@dataclass(frozen=True)
class Said:
    """A condition and how it is said: ``before`` and ``after`` stand around the noun; ``paths`` are joins it needs."""

    sql: str
    text: str = ""
    before: str = ""
    after: str = ""
    paths: tuple[Path, ...] = ()
    column: Col | None = None
    is_coded: bool = False
    """Said in words for which the database has a code."""


@dataclass(frozen=True)
class Dimension:
    """What rows are grouped by: the columns shown and, where they do not tell groups apart, the key."""

    shown: tuple[str, ...]
    key: str
    text: str
    path: Path = ()
    is_time: bool = False


@dataclass(frozen=True)
class Measure:
    sql: str
    text: str
    path: Path = ()
    is_total: bool = False


def literal(value: object) -> str:
    return str(value) if isinstance(value, int | float) else "'" + str(value).replace("'", "''") + "'"


def quarter_of(full: str) -> str:
    return f"(CAST(strftime('%m', {full}) AS INTEGER) + 2) / 3"
