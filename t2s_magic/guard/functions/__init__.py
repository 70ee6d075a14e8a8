"""The reviewed lists of functions, one text file a dialect, read once a process."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True)
class FunctionList:
    """What may be called: ``allowed`` anywhere a value stands, ``tables`` where a table stands. Lower case.

    ``reviewed_version`` is the newest version of the engine whose whole catalogue a person went through.
    """

    allowed: frozenset[str]
    tables: frozenset[str]
    reviewed_version: str


@cache
def function_list(dialect: str) -> FunctionList:
    """The list of ``dialect``; ``kinds`` is the list of sqlglot's own function kinds."""
    allowed: set[str] = set()
    tables: set[str] = set()
    version = ""
    for line in files(__name__).joinpath(f"{dialect}.txt").read_text("utf-8").splitlines():
        if line.startswith("#"):
            version = line.partition("Reviewed against: ")[2] or version
        elif line.startswith("table:"):
            tables.update(line.split()[1:])
        else:
            allowed.update(line.split())
    return FunctionList(frozenset(allowed), frozenset(tables), version)


def reviewed_version(dialect: str) -> str:
    """The newest version of the engine that the dialect's list of functions was reviewed against: ``"2.0.0"``."""
    return function_list(dialect).reviewed_version
