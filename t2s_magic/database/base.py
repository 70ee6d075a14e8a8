"""What every database offers the rest of the program, whatever the engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from t2s_magic.guard import CheckedSql
from t2s_magic.schema import Schema

SECOND = 1.0


@dataclass(frozen=True)
class Limits:
    """Bounds of one statement: wall-clock seconds, rows fetched, characters (or bytes) kept of a cell, bytes of all."""

    seconds: float = 30 * SECOND
    rows: int = 10_000
    cell: int = 1_000_000
    memory: int = 256_000_000


@dataclass(frozen=True)
class Rows:
    """The rows of one statement, all in memory: nothing is fetched or executed later.

    ``columns`` are distinct, in order; ``types`` are the engine's names of their types ("" where it gives none).
    ``is_cut`` says that the statement had more rows than ``Limits.rows``. ``notes`` are sentences a person should read
    with them ("Two columns were called name; the second is name_1.").
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    types: tuple[str, ...] = ()
    is_cut: bool = False
    seconds: float = 0.0
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.rows)


class Database(Protocol):
    """A connected database that can be read and nothing else.

    ``label`` names it for people without any secret: ``"sqlite · chinook.sqlite"``, ``"postgres · host/dbname"``.
    ``dialect`` is sqlglot's name. ``is_read_only_enforced`` says that the engine itself refuses to write under
    ``run``. All methods may be called from any thread; statements of one Database run one after another.
    """

    @property
    def dialect(self) -> str: ...

    @property
    def label(self) -> str: ...

    @property
    def is_read_only_enforced(self) -> bool: ...

    @property
    def engine_version(self) -> str:
        """What the engine calls its version, such as "18.4"; "" where that is of no use."""
        ...

    def schema(self) -> Schema:
        """The schema as it is now: read anew when the engine's own change counter moved. Raises SchemaError."""
        ...

    def run(self, query: CheckedSql, limits: Limits = Limits()) -> Rows:
        """Run one checked statement in a read-only transaction that ends in ROLLBACK.

        Raises TimeLimitError, CancelledError, LockedError, ConnectionLostError, QueryError.
        """
        ...

    def explain(self, query: CheckedSql) -> str | None:
        """Let the engine plan the statement without running it: None, or the engine's complaint in one line."""
        ...

    def cancel(self) -> None:
        """Stop the statement that is running now, if any; from any thread."""
        ...

    def close(self) -> None:
        """Release what this object opened itself; a borrowed connection stays open and as it was."""
        ...


@runtime_checkable
class TakesTables(Database, Protocol):
    """A database to which a person can add a DataFrame or a file by name, for our view only."""

    def add(self, name: str, source: object) -> None:
        """Copy a DataFrame, or a csv, parquet or json file, into a table called ``name``. Raises UsageError."""
        ...


def distinct_names(names: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Column names made distinct (``a, a_1``; an empty name becomes ``column_3``), and notes that say what changed."""
    seen: set[str] = set()
    distinct: list[str] = []
    notes: list[str] = []
    taken = set(names)
    for position, name in enumerate(names, start=1):
        new = name or f"column_{position}"
        suffix = 1
        while new in seen or (new != name and new in taken):
            new = f"{name or 'column'}_{suffix}"
            suffix += 1
        if new != name:
            notes.append(f"Column {position} was called {name!r}; it is shown as {new!r}.")
        seen.add(new)
        distinct.append(new)
    return tuple(distinct), tuple(notes)
