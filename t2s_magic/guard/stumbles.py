"""What sqlglot raises on odd text: its own errors, and those that its parser and generator let out (see fuzz_guard)."""

from __future__ import annotations

from sqlglot.errors import SqlglotError

STUMBLES = (
    SqlglotError,
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,  # also for a dialect that sqlglot does not know
)
