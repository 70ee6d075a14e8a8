"""The reviewed lists of functions, one text file a dialect, read once a process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from importlib.resources import files


@dataclass(frozen=True)
class FunctionList:
    """What may be called: ``allowed`` where a value stands, ``tables`` where a table stands; names in lower case.

    ``refused`` says of names, or patterns with ``*``, what they do. ``reviewed_version`` is the newest version of the
    engine whose whole catalogue a person went through.
    """

    allowed: frozenset[str]
    tables: frozenset[str]
    refused: Mapping[str, str]
    reviewed_version: str

    def reason(self, name: str) -> str:
        """Why ``name`` is refused, in a person's words: ``"reads files or lists them"``."""
        return self.refusal(name) or "is not on the list of functions that only compute"

    def refusal(self, name: str) -> str:
        """The section of refused functions that ``name`` is in; "" when nobody has reviewed it."""
        if name in self.refused:
            return self.refused[name]
        matching = (what for pattern, what in self.refused.items() if "*" in pattern and fnmatchcase(name, pattern))
        return next(matching, "")


@cache
def function_list(dialect: str) -> FunctionList:
    """The list of ``dialect``; ``kinds`` is the list of sqlglot's own function kinds."""
    sections: dict[str, list[str]] = {}
    names: list[str] = []
    version = ""
    for line in files(__name__).joinpath(f"{dialect}.txt").read_text("utf-8").splitlines():
        if line.startswith("#"):
            version = line.partition("Reviewed against: ")[2] or version
        elif line.startswith("["):
            names = sections.setdefault(line.strip("[]"), [])
        else:
            names.extend(line.split())
    return FunctionList(
        frozenset(sections["allowed"]),
        frozenset(sections.get("allowed as a table", ())),
        {
            name: section.removeprefix("refused: ")
            for section, listed in sections.items()
            if section.startswith("refused: ")
            for name in listed
        },
        version,
    )


def reviewed_version(dialect: str) -> str:
    """The newest version of the engine that the dialect's list of functions was reviewed against: ``"2.0.0"``."""
    return function_list(dialect).reviewed_version
