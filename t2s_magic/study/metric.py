"""Execution accuracy: do two statements give the same rows?

As in Spider's execution match (Yu et al. 2018; Zhong et al. 2020): rows are compared as multisets, in order where the
gold SQL orders its result, with the columns in the gold's order. Numbers compare by value, so that 1, 1.0 and
Decimal("1") are the same on every engine; floats to eight significant digits. Where one engine gives dates and the
other, SQLite, their text, the text is read as the moment it names; two texts are compared as they are.
"""

from __future__ import annotations

import datetime
import re
from collections import Counter
from collections.abc import Hashable, Sequence
from decimal import Decimal
from typing import Any

_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d(\.\d{1,6})?)?")


def is_same_result(predicted: Sequence[Sequence[Any]], gold: Sequence[Sequence[Any]], *, ordered: bool) -> bool:
    """Whether both results hold the same rows; in the same order if ``ordered``."""
    if len(predicted) != len(gold):
        return False
    has_dates = _has_dates(predicted) or _has_dates(gold)
    predicted_rows, gold_rows = [_row(row, has_dates) for row in predicted], [_row(row, has_dates) for row in gold]
    return predicted_rows == gold_rows if ordered else Counter(predicted_rows) == Counter(gold_rows)


def _has_dates(rows: Sequence[Sequence[Any]]) -> bool:
    return any(isinstance(value, datetime.date) for row in rows for value in row)


def _row(row: Sequence[Any], has_dates: bool) -> tuple[Hashable, ...]:
    return tuple(_comparable(_moment(value) if has_dates else value) for value in row)


def _moment(value: Any) -> Any:
    """The date and time that a text names, where it names one."""
    if not (isinstance(value, str) and _MOMENT.fullmatch(value)):
        return value
    try:
        return datetime.datetime.fromisoformat(value)
    except ValueError:  # the 31st of February
        return value


def _comparable(value: Any) -> Hashable:
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, float | Decimal):
        return _number(float(value))
    if isinstance(value, datetime.datetime) and value.time() == datetime.time():
        return value.date().isoformat()
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat(" ") if isinstance(value, datetime.datetime) else value.isoformat()
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value)
    return value if isinstance(value, Hashable) else repr(value)


def _number(value: float) -> int | float | str:
    if value != value:
        return "nan"
    return int(value) if value.is_integer() else float(f"{value:.8g}")
