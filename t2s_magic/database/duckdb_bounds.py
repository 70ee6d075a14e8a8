"""Bounds for the functions of DuckDB that make much out of a number: it can neither interrupt one call nor count what
the call takes towards ``memory_limit``, so ``repeat(name, id * 1000000000)`` would take the whole process down.

Temporary macros on our own connection stand in front of the functions; the user's connection does not see them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import duckdb

# Characters or elements of one value: as many as a cell may show.
MOST = 1_000_000


class _Form(NamedTuple):
    """The parameters of a function, the one that is bounded, and the size that it leads to."""

    parameters: tuple[str, ...]
    bounded: str
    size: str


def _number(name: str) -> str:
    # NULL for a date, so that a series of dates is not bounded.
    return f"TRY_CAST({name}::VARCHAR AS DOUBLE)"


_PADDED = (_Form(("value", "size", "filler"), "size", "size"),)
_RESIZED = (_Form(("list", "size"), "size", "size"), _Form(("list", "size", "filler"), "size", "size"))
_SERIES = (
    _Form(("stop",), "stop", _number("stop")),
    _Form(("start", "stop"), "stop", f"{_number('stop')} - {_number('start')}"),
    _Form(
        ("start", "stop", "step"),
        "stop",
        f"({_number('stop')} - {_number('start')}) / nullif({_number('step')}, 0)",
    ),
)
_FUNCTIONS = {
    "repeat": (_Form(("value", "times"), "times", "length(value::VARCHAR) * times::DOUBLE"),),
    "lpad": _PADDED,
    "rpad": _PADDED,
    "list_resize": _RESIZED,
    "array_resize": _RESIZED,
    "range": _SERIES,
    "generate_series": _SERIES,
}


def bound_functions(connection: duckdb.DuckDBPyConnection) -> None:
    """Have large values of these functions refused on ``connection``, and on no other of its instance."""
    for statement in _macros():
        connection.execute(statement)


def _macros() -> Iterator[str]:
    for name, forms in _FUNCTIONS.items():
        yield f"CREATE OR REPLACE TEMP MACRO {name}" + ", ".join(_overload(name, form) for form in forms)


def _overload(name: str, form: _Form) -> str:
    said = f"{name} would make more than {MOST:,} characters or elements in one value"
    # Around the argument and not the call: a call with constants is made while the statement is planned.
    checked = f"CASE WHEN {form.size} > {MOST} THEN error('{said}') ELSE {form.bounded} END"
    arguments = ", ".join(checked if parameter == form.bounded else parameter for parameter in form.parameters)
    return f"({', '.join(form.parameters)}) AS system.main.{name}({arguments})"
