"""The reviewed lists of functions, one text file a dialect, read once a process."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from importlib.resources import files

_REVIEWED = re.compile(r"# Reviewed against(?P<fork> \w+)?: (?P<version>.+)")
_ENGINES = {"sqlite": "SQLite", "duckdb": "DuckDB", "postgres": "PostgreSQL", "mysql": "MySQL"}


@dataclass(frozen=True)
class FunctionList:
    """What may be called: ``allowed`` where a value stands, ``tables`` where a table stands; names in lower case.

    ``refused`` says of names, or patterns with ``*``, what they do. ``reviewed_version`` is the newest version of the
    engine whose whole catalogue a person went through; ``reviewed_fork`` is that of its fork, where it has one.
    """

    allowed: frozenset[str]
    tables: frozenset[str]
    refused: Mapping[str, str]
    reviewed_version: str
    reviewed_fork: str = ""

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
    versions = {"": "", " MariaDB": ""}
    for line in files(__name__).joinpath(f"{dialect}.txt").read_text("utf-8").splitlines():
        if line.startswith("#"):
            if found := _REVIEWED.match(line):
                versions[found["fork"] or ""] = found["version"]
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
        versions[""],
        versions[" MariaDB"],
    )


def reviewed_version(dialect: str) -> str:
    """The newest version of the engine that the dialect's list of functions was reviewed against: ``"2.0.0"``."""
    return function_list(dialect).reviewed_version


def newer_engine(dialect: str, version: str) -> str:
    """One sentence where the engine's ``version`` is newer than the one whose functions were reviewed; else ""."""
    if dialect not in _ENGINES:
        return ""
    reviewed, engine = reviewed_version(dialect), _ENGINES[dialect]
    if "mariadb" in version.lower():
        reviewed, engine = function_list(dialect).reviewed_fork, "MariaDB"
    # A release of PostgreSQL, MySQL or MariaDB that only mends faults adds no function.
    parts = 1 if dialect == "postgres" else 2 if dialect == "mysql" else 3
    if _numbers(version)[:parts] <= _numbers(reviewed)[:parts]:
        return ""
    newer, known = (".".join(map(str, _numbers(text))) for text in (version, reviewed))
    return f"{engine} {newer} is newer than {known}, whose functions were reviewed: what it added is refused."


def _numbers(version: str) -> tuple[int, ...]:
    """``(10, 11, 19)`` of ``"10.11.19-MariaDB-0+deb12u1"``."""
    found = re.match(r"\d+(?:\.\d+)*", version)
    return tuple(int(number) for number in found.group().split(".")) if found else ()
