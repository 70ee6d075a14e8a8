"""A look at the rows of the likeliest answers: what they say of an answer, and which answers come to the same."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from t2s_magic.builtin.signs import Signs

Rows = Sequence[Sequence[Any]]

RowsOf = Callable[[str], Rows | None]
"""The first rows of a statement that only reads, or None where it fails; TimeoutError when its time is up."""

MOST_LOOKS = 4


@dataclass(frozen=True)
class Look:
    """What the rows of a statement are like. ``same`` is equal for the same rows in any order, ``alike`` also for the
    same columns in another order; both are None where there are no rows, or nothing in them, that could be the same.
    """

    count: int
    is_null: bool
    has_null: bool
    is_zero: bool
    has_repeats: bool
    same: int | None
    alike: int | None


def look_at(statements: Iterable[str], rows_of: RowsOf) -> dict[str, Look]:
    """Looks at the first ``MOST_LOOKS`` statements that run; none at all when the time did not suffice for these."""
    looks: dict[str, Look] = {}
    for sql in dict.fromkeys(statements):
        if len(looks) == MOST_LOOKS:
            break
        try:
            rows = rows_of(sql)
        except TimeoutError:  # half of the looks would favour those answers that were looked at
            return {}
        if rows is not None:
            looks[sql] = look(rows)
    return looks


def look(rows: Rows) -> Look:
    plain = [tuple(map(_plain, row)) for row in rows]
    cells = [cell for row in plain for cell in row]
    is_null = bool(cells) and all(cell is None for cell in cells)
    says_something = bool(cells) and not is_null
    distinct = Counter(plain)
    return Look(
        len(plain),
        is_null,
        None in cells,
        plain == [(0.0,)],
        len(distinct) < len(plain),
        hash(frozenset(distinct.items())) if says_something else None,
        hash(frozenset(Counter(tuple(sorted(map(repr, row))) for row in plain).items())) if says_something else None,
    )


def look_signs(looks: Sequence[Look], shares: Sequence[float]) -> list[Signs]:
    """Signs of each look among the others; ``shares`` are the search's own probabilities of these answers."""
    same, alike = _sums(looks, shares, "same"), _sums(looks, shares, "alike")
    counts = Counter(one.same for one in looks)
    return [
        {
            "no_rows": float(not one.count),
            "only_one_without_rows": float(not one.count and any(other.count for other in looks)),
            "all_null": float(one.is_null),
            "some_null": float(one.has_null),
            "zero": float(one.is_zero),
            "one_row": float(one.count == 1),
            "log_rows": math.log1p(one.count),
            "repeated_rows": float(one.has_repeats),
            "same_rows": own_same,
            "log_same_rows": math.log(own_same + 1e-3),
            "commonest_rows": float(own_same == max(same)),
            "alike_rows": own_alike,
            "others_with_same_rows": float(counts[one.same] - 1 if one.same is not None else 0),
        }
        for one, own_same, own_alike in zip(looks, same, alike, strict=True)
    ]


def _sums(looks: Sequence[Look], shares: Sequence[float], key: str) -> list[float]:
    """For each look, the share of all looks that come to the same."""
    sums: dict[int, float] = defaultdict(float)
    keys = [getattr(one, key) for one in looks]
    for own, share in zip(keys, shares, strict=True):
        sums[own] += share
    return [share if own is None else sums[own] for own, share in zip(keys, shares, strict=True)]


def _plain(cell: Any) -> Any:
    """Numbers of all types alike, dates as they are written, so that engines' types do not tell answers apart."""
    if cell is None or isinstance(cell, str):
        return cell
    try:
        return round(float(cell), 6)
    except (TypeError, ValueError, OverflowError):
        return str(cell)
