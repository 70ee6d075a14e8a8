"""The type that carries the guard's promise."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

_GUARD_ONLY = object()


@dataclass(frozen=True)
class CheckedSql:
    """One read-only statement that the guard accepted, character for character as it was written.

    Only ``guard.check`` makes one; ``database.run`` takes nothing else. So SQL that was not checked cannot run: the
    order of the steps is kept by this type. ``tables`` are the schema's full names of the tables it reads, in order of
    appearance (bare names where it was checked without a schema).
    """

    sql: str
    dialect: str
    tables: tuple[str, ...] = ()
    made_by: Any = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.made_by is not _GUARD_ONLY:
            raise TypeError("CheckedSql is made by t2s_magic.guard.check alone.")
