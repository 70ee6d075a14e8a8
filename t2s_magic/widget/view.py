"""What an answer shows, as plain data: the live widget, the static HTML and the plain text all read from here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

MILLISECONDS_A_SECOND = 1_000


@dataclass(frozen=True)
class Table:
    """The rows of one statement. ``why_empty`` explains why there are none; ``is_cut`` says that there were more."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    types: tuple[str, ...] = ()
    is_cut: bool = False
    seconds: float = 0.0
    notes: tuple[str, ...] = ()
    why_empty: str = ""

    @property
    def is_one_value(self) -> bool:
        return len(self.rows) == 1 and len(self.columns) == 1


@dataclass(frozen=True)
class Reading:
    """One way to read the question; ``confidence`` is a probability."""

    sql: str
    in_words: str
    confidence: float | None = None


@dataclass(frozen=True)
class View:
    """One moment of an answer.

    ``sql`` is the text in the editor, ``confidence`` the LM's in it; ``in_words``, ``assumptions``, ``problem`` and
    ``span`` (offsets) are about ``read_sql``, the text last looked at, and ``table`` holds the rows of ``table_sql``,
    the text last run. Where they differ, what is shown is marked as belonging to another text. ``loaded`` counts how
    often the kernel, not the person, put a text in the editor. ``provenance`` are the parts of its line. While
    ``is_writing`` the LM is at it: ``sql`` is a beginning, and nothing else is known.
    """

    question: str
    sql: str
    read_sql: str
    is_running: bool = False
    is_writing: bool = False
    in_words: str = ""
    assumptions: tuple[str, ...] = ()
    problem: str = ""
    span: tuple[int, int] | None = None
    confidence: float | None = None
    is_abstained: bool = False
    readings: tuple[Reading, ...] = ()
    notices: tuple[str, ...] = ()
    provenance: tuple[str, ...] = ()
    table: Table | None = None
    table_sql: str = ""
    can_run: bool = False
    has_prompt: bool = False
    loaded: int = 0


def certainty(confidence: float | None) -> str:
    """``"87 % sure"``; never 100, for a probability is none; nothing where the LM gives no confidence."""
    if confidence is None:
        return ""
    return f"{min(99, max(1, round(100 * confidence)))} % sure"


def rows_line(table: Table) -> str:
    """``"10,000 rows fetched of more · 3 columns · 84 ms"``."""
    count = f"{len(table.rows):,} {'row' if len(table.rows) == 1 else 'rows'}"
    width = f"{len(table.columns):,} {'column' if len(table.columns) == 1 else 'columns'}"
    return " · ".join([count + " fetched of more" * table.is_cut, width, duration(table.seconds)])


def duration(seconds: float) -> str:
    """``"84 ms"`` or ``"2.4 s"``."""
    milliseconds = round(seconds * MILLISECONDS_A_SECOND)
    if milliseconds >= MILLISECONDS_A_SECOND:
        return f"{seconds:.1f} s"
    return f"{milliseconds} ms" if milliseconds else "under 1 ms"
