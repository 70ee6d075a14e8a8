"""Cells of the database that a question may mean, looked up on this machine.

Here they are read and handed out; ``cells`` indexes them, ``matches`` compares them with the question, and
``spellings`` knows what counts as the same.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from t2s_magic.database.base import Database, Limits
from t2s_magic.database.cells import LONGEST_CELL, Cell, Cells, Source, name_words, text_columns
from t2s_magic.database.matches import Match, Phrase, find_matches, read_phrases, uncovered
from t2s_magic.database.spellings import folded_words
from t2s_magic.errors import CancelledError, LockedError, QueryError, TimeLimitError, UnsafeSqlError
from t2s_magic.guard import check
from t2s_magic.schema import Schema

ROWS_READ = 100_000
FEWER_ROWS = 10
MOST_TRIES = 4
DISTINCT_CELLS = 5_000
MOST_CELLS = 400_000
MOST_VALUES = 40
_SHORTEST_READ = 0.02
_BEST_FIRST = {"exact": 0, "folded": 1, "code": 2, "near": 3, "part": 4}


@dataclass(frozen=True)
class Value:
    """A cell that stands in the question: ``text`` as the database spells it, in ``table``.``column``.

    ``table`` is the table's full name. ``phrase`` is the part of the question that led to it; ``match`` is "exact",
    "folded" (case, accents, plural), "code" (another common way to write it: women for F), "near" (a small spelling
    difference) or "part" (the phrase is a part of the cell).
    """

    text: str
    table: str
    column: str
    phrase: str
    match: str = "exact"


def find_values(
    question: str, schema: Schema, database: Database, budget: float = 0.3, *, index: CellIndex | None = None
) -> tuple[Value, ...]:
    """Cells that phrases of the question match, best first; at most ``budget`` seconds go into reading cells.

    Hand in the database's ``index`` to read each column once and not at every question.
    """
    return (index or CellIndex(database)).find(question, schema, budget)


class CellIndex:
    """The distinct cells of one database's text columns, read when first needed and kept in memory.

    It reads through the guard and ``database.run`` like everything else: at most 5,000 distinct cells out of the first
    100,000 rows of a column, of fewer where reading them takes too long. Cells written later are seen in an index made
    later. Safe to use from several threads.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._fingerprint = ""
        self._cells = Cells()
        self._unread: list[Source] = []
        self._tries: Counter[Source] = Counter()
        self._lock = threading.Lock()

    def find(self, question: str, schema: Schema, budget: float = 0.3) -> tuple[Value, ...]:
        """Cells that phrases of the question match, best first; what ``budget`` left unread, later calls read.

        Raises what ``database.run`` raises when the connection is lost or a person cancels.
        """
        deadline = time.monotonic() + budget
        with self._lock:
            self._read(question, schema, deadline)
            phrases = read_phrases(question)
            found = find_matches(phrases, self._cells)
            found += self._matches_beyond_the_index(phrases, found, schema, deadline)
        return _ranked(found)

    def _read(self, question: str, schema: Schema, deadline: float) -> None:
        """Read columns until the deadline, those that the question names first."""
        if self._fingerprint != schema.fingerprint:
            self._fingerprint, self._cells = schema.fingerprint, Cells(name_words(schema))
            self._unread = text_columns(schema)
        asked = set(folded_words(question))
        self._unread.sort(key=lambda source: source.is_named_in(asked), reverse=True)
        while self._unread and self._cells.count < MOST_CELLS and deadline - time.monotonic() > _SHORTEST_READ:
            source = self._unread[0]
            try:
                texts = self._distinct_cells(source, schema, deadline - time.monotonic())
            except LockedError:
                return
            except TimeLimitError:
                self._put_off(source)
                continue
            except CancelledError:
                raise
            except (QueryError, UnsafeSqlError):
                # A broken view, or a table that the guard refuses, gives no cells; the question can do without.
                texts = []
            del self._unread[0]
            self._cells.add(texts[:DISTINCT_CELLS], source, is_cut=len(texts) > DISTINCT_CELLS)

    def _put_off(self, source: Source) -> None:
        """Leave a slow column for a later call, which reads fewer of its rows; give it up after some calls."""
        self._unread.remove(source)
        self._tries[source] += 1
        if self._tries[source] < MOST_TRIES:
            self._unread.append(source)

    def _distinct_cells(self, source: Source, schema: Schema, seconds: float) -> list[str]:
        column, table = self._quoted(source)
        rows = ROWS_READ // FEWER_ROWS ** self._tries[source]
        sql = (
            f"SELECT DISTINCT {column} FROM (SELECT {column} FROM {table} LIMIT {rows}) AS cells "
            f"LIMIT {DISTINCT_CELLS + 1}"
        )
        return self._texts(sql, schema, seconds)

    def _texts(self, sql: str, schema: Schema, seconds: float) -> list[str]:
        query = check(sql, self._database.dialect, schema=schema)
        limits = Limits(seconds=seconds, rows=DISTINCT_CELLS + 1, cell=4 * LONGEST_CELL)
        return [row[0] for row in self._database.run(query, limits).rows if isinstance(row[0], str)]

    def _quoted(self, source: Source) -> tuple[str, str]:
        mark = "`" if self._database.dialect == "mysql" else '"'
        column, *path = (
            mark + name.replace(mark, 2 * mark) + mark
            for name in (source.column.name, *source.table.qualifier, source.table.name)
        )
        return column, ".".join(path)

    def _matches_beyond_the_index(
        self, phrases: Sequence[Phrase], found: Sequence[Match], schema: Schema, deadline: float
    ) -> list[Match]:
        """Names that stand in columns with more cells than the index keeps, asked of the database itself."""
        names = [phrase for phrase in uncovered(phrases, found) if _is_name(phrase)]
        more: list[Match] = []
        for source in self._cells.cut:
            seconds = deadline - time.monotonic()
            if not names or seconds < _SHORTEST_READ:
                break
            column, table = self._quoted(source)
            wanted = ", ".join("'" + phrase.written.replace("'", "''") + "'" for phrase in names)
            try:
                texts = self._texts(
                    f"SELECT DISTINCT {column} FROM {table} WHERE {column} IN ({wanted})", schema, seconds
                )
            except CancelledError:
                raise
            except QueryError:
                # Too slow to look further in this column: the question is answered without its cells.
                continue
            more += [
                Match(phrase, Cell(phrase.written, source), "exact") for phrase in names if phrase.written in texts
            ]
        return more


def _is_name(phrase: Phrase) -> bool:
    # MySQL would read a backslash as an escape.
    return phrase.first > 0 and phrase.written[0].isupper() and "\\" not in phrase.written


def _ranked(found: Sequence[Match]) -> tuple[Value, ...]:
    best_first = sorted(found, key=lambda match: (_BEST_FIRST[match.kind], match.phrase.first - match.phrase.end))
    values: dict[tuple[str, Source], Value] = {}
    for match in best_first:
        text, source = match.cell.text, match.cell.source
        value = Value(text, source.table.full_name, source.column.name, match.phrase.written, match.kind)
        values.setdefault((text, source), value)
    return tuple(values.values())[:MOST_VALUES]
