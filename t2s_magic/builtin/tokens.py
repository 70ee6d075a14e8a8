"""The built-in model's output alphabet: keywords, and pointers to tables, columns and values."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ColumnRef:
    """Column ``column`` of table ``table``: positions in ``schema.tables`` and its ``columns``."""

    table: int
    column: int


@dataclass(frozen=True)
class TableRef:
    """Table ``table``: a position in ``schema.tables``."""

    table: int


@dataclass(frozen=True)
class ValueRef:
    """Value ``value``: a position in the question's candidates."""

    value: int


@dataclass(frozen=True)
class Candidate:
    """A literal that the answer may use, found before decoding.

    ``text`` is the literal as SQL data (``"1997"``, ``"Canada"``, ``"1997-01-01"``); ``kind`` is "number", "text",
    "date", "cell" or "constant". ``table`` and ``column`` are positions in the schema for a cell of the database, else
    -1. ``start`` and ``end`` bound the words of the question (see ``words.split_words``) that led to it, else -1.
    """

    text: str
    kind: str
    table: int = -1
    column: int = -1
    start: int = -1
    end: int = -1
    others: tuple[ColumnRef, ...] = ()


Token = str | ColumnRef | TableRef | ValueRef
