"""Rows out of a cursor, within limits: as many as asked for, no cell and no whole larger than agreed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from t2s_magic.database.base import Limits, Rows, distinct_names

BATCH = 500
# About what Python takes for a number, or for an element of a list.
OBJECT_BYTES = 32


def fetch_rows(
    names: Sequence[str],
    types: Sequence[str],
    fetch: Callable[[int], Sequence[Sequence[Any]]],
    limits: Limits,
    check: Callable[[], None] = lambda: None,
) -> Rows:
    """Read at most ``limits.rows`` rows by ``fetch(count)``; ``check`` may raise between two batches."""
    columns, notes = distinct_names(names)
    cutter = _Cutter(columns, limits.cell)
    kept: list[tuple[Any, ...]] = []
    size = 0
    while len(kept) <= limits.rows and size <= limits.memory:
        check()
        batch = fetch(min(_batch(len(columns)), limits.rows + 1 - len(kept)))
        if not batch:
            break
        for row in batch:
            values, row_size = cutter.cut(row, number=len(kept) + 1)
            kept.append(values)
            size += row_size
            if size > limits.memory:
                break
    if size > limits.memory:
        notes = (*notes, f"Stopped at {len(kept):,} rows: they hold more than {limits.memory:,} bytes.")
    is_cut = len(kept) > limits.rows or size > limits.memory
    known_types = tuple(types) or ("",) * len(columns)
    return Rows(columns, tuple(kept[: limits.rows]), known_types, is_cut, notes=(*notes, *cutter.notes()))


def _batch(columns: int) -> int:
    # Wide rows come in smaller batches, so that a stop is noticed and memory stays flat.
    return max(1, min(BATCH, 100_000 // max(1, columns)))


class _Cutter:
    """Cuts long cells and remembers the first one of each column, for a note."""

    def __init__(self, columns: Sequence[str], limit: int) -> None:
        self._columns = columns
        self._limit = limit
        self._first: dict[int, tuple[int, int]] = {}

    def cut(self, row: Sequence[Any], number: int) -> tuple[tuple[Any, ...], int]:
        """The row with its long cells cut, and about its size in bytes."""
        size = 0
        values = tuple(row)
        for position, value in enumerate(values):
            if isinstance(value, (str, bytes, bytearray, memoryview)):
                if len(value) > self._limit:
                    self._first.setdefault(position, (number, len(value)))
                    values = (*values[:position], value[: self._limit], *values[position + 1 :])
                size += min(len(value), self._limit)
            else:
                size += OBJECT_BYTES * (1 + len(value) if isinstance(value, (list, dict)) else 1)
        return values, size

    def notes(self) -> tuple[str, ...]:
        return tuple(
            f"Row {number} of column {self._columns[position]!r} holds {length:,} characters or bytes; "
            f"cells are cut to {self._limit:,}."
            for position, (number, length) in self._first.items()
        )
