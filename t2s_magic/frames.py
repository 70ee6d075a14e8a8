"""Rows as DataFrames that keep what the database said: NULL, Decimal, time zones, big numbers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from t2s_magic.database import Rows
from t2s_magic.errors import UsageError

if TYPE_CHECKING:
    import pandas
    import polars

INT64 = range(-(2**63), 2**63)
EXACT_IN_FLOAT = range(-(2**53), 2**53 + 1)
POLARS_DECIMAL_DIGITS = 38


def to_pandas(rows: Rows) -> pandas.DataFrame:
    """The rows as a pandas DataFrame; NULL is NA, NaT or None, never NaN. Raises UsageError without pandas.

    Numbers and booleans with NULL take pandas' nullable types, timestamps ``datetime64[us]`` with their time zone.
    Text, Decimal, dates and everything else stay Python objects: pandas' own types would change some of them.
    """
    try:
        import pandas
    except ImportError as error:
        raise UsageError("pandas is not installed. Run: pip install pandas") from error
    columns = {position: _pandas_column(_values(rows, position)) for position in range(len(rows.columns))}
    frame = pandas.DataFrame(columns, index=pandas.RangeIndex(len(rows)))
    frame.columns = pandas.Index(rows.columns, dtype=object)
    return frame


def to_polars(rows: Rows) -> polars.DataFrame:
    """The rows as a polars DataFrame; NULL is null, never NaN. Raises UsageError without polars.

    A column whose values no type of polars' can hold unchanged (SQLite mixes types) holds Python objects.
    """
    try:
        import polars
    except ImportError as error:
        raise UsageError("polars is not installed. Run: pip install polars") from error
    return polars.DataFrame([_polars_column(name, _values(rows, at)) for at, name in enumerate(rows.columns)])


def _values(rows: Rows, position: int) -> list[Any]:
    return [row[position] for row in rows.rows]


def _pandas_column(values: Sequence[Any]) -> Any:
    import pandas

    known = [value for value in values if value is not None]
    has_null = len(known) < len(values)
    types = {type(value) for value in known}
    if types == {bool}:
        return pandas.array(values, dtype="boolean" if has_null else "bool")
    if types == {int} and all(value in INT64 for value in known):
        return pandas.array(values, dtype="Int64" if has_null else "int64")
    if _are_floats(types, known):
        return _pandas_floats(values) if has_null else pandas.array(values, dtype="float64")
    if types == {datetime} and len(zones := {value.tzinfo for value in known}) == 1:
        zone = zones.pop()
        return pandas.Series(values, dtype=pandas.DatetimeTZDtype("us", zone) if zone else "datetime64[us]")
    return pandas.Series(values, dtype=object)


def _pandas_floats(values: Sequence[Any]) -> Any:
    """Built from a mask, because ``pandas.array`` would take a NaN of the database for NULL."""
    import numpy
    import pandas

    is_null = numpy.array([value is None for value in values])
    numbers = numpy.array([0.0 if value is None else float(value) for value in values])
    return pandas.arrays.FloatingArray(numbers, is_null)


def _are_floats(types: set[type], known: Sequence[Any]) -> bool:
    """Floats, or floats among integers small enough to lose nothing by becoming one."""
    return float in types and types <= {float, int} and all(type(v) is float or v in EXACT_IN_FLOAT for v in known)


def _polars_column(name: str, values: Sequence[Any]) -> polars.Series:
    import polars

    known = [value for value in values if value is not None]
    if _are_floats({type(value) for value in known}, known):
        return polars.Series(name, values, dtype=polars.Float64, strict=False)
    if not _has_polars_type(known):
        return polars.Series(name, values, dtype=polars.Object)
    try:
        return polars.Series(name, values)
    except (TypeError, ValueError, OverflowError, polars.exceptions.PolarsError):
        return polars.Series(name, values, dtype=polars.Object)


def _has_polars_type(known: Sequence[Any]) -> bool:
    """Whether polars' inference takes these values as they are; it would drop the zone of a time, say."""
    if len({type(value) for value in known}) > 1:
        return False
    first = next(iter(known), None)
    if isinstance(first, datetime):
        return len({value.tzinfo for value in known}) == 1
    if isinstance(first, time):
        return all(value.tzinfo is None for value in known)
    if isinstance(first, Decimal):
        return _fit_one_polars_decimal(known)
    return True


def _fit_one_polars_decimal(known: Sequence[Decimal]) -> bool:
    if not all(value.is_finite() for value in known):
        return False
    digits_before = max(value.adjusted() + 1 for value in known)
    digits_after = max(-int(value.as_tuple().exponent) for value in known)
    return max(0, digits_before) + max(0, digits_after) <= POLARS_DECIMAL_DIGITS
