"""Cells of the database that a question may mean, looked up on this machine.

Which spellings count as the same is decided in ``spellings``; here the cells are read, indexed and found.
"""

from __future__ import annotations

import re
import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from t2s_magic.database import spellings
from t2s_magic.database.base import Database, Limits
from t2s_magic.errors import CancelledError, LockedError, QueryError
from t2s_magic.guard import check
from t2s_magic.schema import Column, Schema, Table

ROWS_READ = 100_000
DISTINCT_CELLS = 5_000
LONGEST_CELL = 80
LONGEST_PHRASE = 8
MOST_VALUES = 40
FEW_CELLS = 60
_ALL_COUNTRIES = 300
_STEM = 4
_FLAGS = frozenset({"y", "n", "t", "f", "yes", "no", "true", "false"})
_SHORTEST_READ = 0.02
_CELLS_COMPARED = 200
_PARTS_OF_A_PHRASE = 3

_NOT_TEXT = re.compile(
    r"int|serial|number|numeric|decimal|real|double|float|money|blob|binary|bytea|json|xml|uuid|guid|geo|point|"
    r"struct|map\(|\[\]|array|interval|bit\b",
    re.IGNORECASE,
)
# These engines keep dates and booleans in types of their own; SQLite keeps them as text.
_NOT_TEXT_WHEN_TYPED = re.compile(r"date|time|bool|year", re.IGNORECASE)
_LIKELY = re.compile(
    r"name|title|type|status|state|category|city|country|region|gender|sex|kind|class|code|level|role|segment", re.I
)
_UNLIKELY = re.compile(r"descr|comment|note|text|url|link|path|image|photo|hash|token|passw|body|details", re.I)
_STOP_WORDS = frozenset(
    "a an and any are as at be been being but by can did do does each every for from give had has have her his how i "
    "if in into is it its list many may me more most much must my name no not number of off on one only or order our "
    "out over per please same she show so some such sum than that the their them then there these they this those to "
    "too total under up use used using was we were what when where which while who whose why will with within without "
    "you your all also between both both count find first last id return tell".split()
)


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


@dataclass(frozen=True, eq=False)
class _Source:
    """A column whose cells are indexed; one object a column, so identity is equality."""

    table: Table
    column: Column


@dataclass(frozen=True)
class _Cell:
    text: str
    source: _Source


@dataclass
class _Cells:
    """What has been read of one schema: folded cells, and the columns still to read, the likeliest first."""

    fingerprint: str
    unread: list[_Source]
    by_key: dict[str, list[_Cell]] = field(default_factory=lambda: defaultdict(list))
    by_ends: dict[tuple[str, int], list[str]] = field(default_factory=lambda: defaultdict(list))
    by_stem: dict[str, list[_Cell]] = field(default_factory=lambda: defaultdict(list))
    by_word: dict[str, list[_Cell]] = field(default_factory=lambda: defaultdict(list))
    flags: dict[_Source, list[_Cell]] = field(default_factory=dict)
    sizes: dict[_Source, int] = field(default_factory=dict)
    cut: list[_Source] = field(default_factory=list)


@dataclass(frozen=True)
class _Phrase:
    """Words ``first`` to ``end`` of the question: as written, and folded; ``before`` is the folded word before them."""

    first: int
    end: int
    written: str
    key: str
    before: str

    @property
    def is_common(self) -> bool:
        return all(word in _STOP_WORDS for word in self.written.lower().split())


class CellIndex:
    """The distinct cells of one database's text columns, read when first needed and kept in memory.

    It reads through the guard and ``database.run`` like everything else: at most 5,000 distinct cells out of the first
    100,000 rows of a column. Cells written later are seen in an index made later. Safe to use from several threads.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._cells: _Cells | None = None
        self._lock = threading.Lock()

    def find(self, question: str, schema: Schema, budget: float = 0.3) -> tuple[Value, ...]:
        """Cells that phrases of the question match, best first; what ``budget`` left unread, later calls read.

        Raises what ``database.run`` raises when the connection is lost or a person cancels.
        """
        deadline = time.monotonic() + budget
        with self._lock:
            cells = self._read(question, schema, deadline)
            phrases = _phrases(question)
            found = [*_whole_matches(phrases, cells)]
            found += _stem_matches(phrases, found, cells)
            found += _near_matches(phrases, found, cells, deadline)
            found += _part_matches(phrases, found, cells)
            found += _flag_matches(phrases, cells)
            found += self._matches_beyond_the_index(phrases, found, cells, schema, deadline)
        return _ranked(found)

    def _read(self, question: str, schema: Schema, deadline: float) -> _Cells:
        if self._cells is None or self._cells.fingerprint != schema.fingerprint:
            self._cells = _Cells(schema.fingerprint, _text_columns(schema))
        cells = self._cells
        asked = set(spellings.folded_words(question))
        cells.unread.sort(key=lambda source: _is_named(source, asked), reverse=True)
        while cells.unread and deadline - time.monotonic() > _SHORTEST_READ:
            source = cells.unread.pop(0)
            try:
                texts, is_cut = self._distinct_cells(source, schema, deadline - time.monotonic())
            except LockedError:
                cells.unread.append(source)
                break
            except CancelledError:
                cells.unread.append(source)
                raise
            except QueryError:
                # A view that fails or is too slow to read gives no cells; the question can be answered without them.
                continue
            _add(texts, is_cut, source, cells)
        return cells

    def _distinct_cells(self, source: _Source, schema: Schema, seconds: float) -> tuple[list[str], bool]:
        column, table = self._quoted(source)
        sql = (
            f"SELECT DISTINCT {column} FROM (SELECT {column} FROM {table} LIMIT {ROWS_READ}) AS cells "
            f"LIMIT {DISTINCT_CELLS + 1}"
        )
        rows = self._texts(sql, schema, seconds)
        return rows[:DISTINCT_CELLS], len(rows) > DISTINCT_CELLS

    def _texts(self, sql: str, schema: Schema, seconds: float) -> list[str]:
        query = check(sql, self._database.dialect, schema=schema)
        limits = Limits(seconds=seconds, rows=DISTINCT_CELLS + 1, cell=4 * LONGEST_CELL)
        return [row[0] for row in self._database.run(query, limits).rows if isinstance(row[0], str)]

    def _quoted(self, source: _Source) -> tuple[str, str]:
        mark = "`" if self._database.dialect == "mysql" else '"'
        column, *path = (
            mark + name.replace(mark, 2 * mark) + mark
            for name in (source.column.name, *source.table.qualifier, source.table.name)
        )
        return column, ".".join(path)

    def _matches_beyond_the_index(
        self, phrases: Sequence[_Phrase], found: Sequence[_Match], cells: _Cells, schema: Schema, deadline: float
    ) -> list[_Match]:
        """Names that stand in columns with more cells than the index keeps, asked of the database itself."""
        names = [phrase for phrase in _uncovered(phrases, found) if phrase.written[0].isupper() and phrase.first > 0]
        more: list[_Match] = []
        for source in cells.cut:
            seconds = deadline - time.monotonic()
            if not names or seconds < _SHORTEST_READ:
                break
            column, table = self._quoted(source)
            wanted = ", ".join("'" + phrase.written.replace("'", "''") + "'" for phrase in names)
            sql = f"SELECT DISTINCT {column} FROM {table} WHERE {column} IN ({wanted})"
            try:
                texts = set(self._texts(sql, schema, seconds))
            except CancelledError:
                raise
            except QueryError:
                # Too slow to look further in this column: the question is answered without its cells.
                continue
            more += [
                _Match(phrase, _Cell(phrase.written, source), "exact") for phrase in names if phrase.written in texts
            ]
        return more


@dataclass(frozen=True)
class _Match:
    phrase: _Phrase
    cell: _Cell
    kind: str


def _text_columns(schema: Schema) -> list[_Source]:
    sources = [
        _Source(table, column)
        for table in schema.tables
        for column in table.columns
        if _may_hold_text(column.type, schema.dialect)
    ]
    return sorted(sources, key=_unlikeliness)


def _may_hold_text(type_: str, dialect: str) -> bool:
    if _NOT_TEXT.search(type_):
        return False
    return dialect == "sqlite" or not _NOT_TEXT_WHEN_TYPED.search(type_)


def _unlikeliness(source: _Source) -> tuple[bool, int]:
    name = source.column.name
    if _UNLIKELY.search(name):
        return source.table.is_view, 2
    return source.table.is_view, 0 if _LIKELY.search(name) else 1


def _is_named(source: _Source, asked: set[str]) -> bool:
    return not asked.isdisjoint(_name_words(source.column.name)) or not asked.isdisjoint(_name_words(source.table.name))


def _name_words(name: str) -> list[str]:
    return spellings.folded_words(re.sub(r"(?<=[a-z])(?=[A-Z])|_", " ", name))


def _add(texts: Iterable[str], is_cut: bool, source: _Source, cells: _Cells) -> None:
    added: list[_Cell] = []
    for text in texts:
        if not text or len(text) > LONGEST_CELL:
            continue
        key = _key(text)
        if not key:
            continue
        same_key = cells.by_key[key]
        if not same_key and len(key) >= 5:
            cells.by_ends[key[:3], len(key)].append(key)
            cells.by_ends[key[-3:], -len(key)].append(key)
        added.append(_Cell(text, source))
        same_key.append(added[-1])
    cells.sizes[source] = len(added)
    if is_cut:
        cells.cut.append(source)
    if len(added) <= FEW_CELLS:
        _add_few(added, source, cells)


def _key(text: str) -> str:
    return " ".join(spellings.folded_words(text))


def _add_few(added: Sequence[_Cell], source: _Source, cells: _Cells) -> None:
    """Columns with a short list of cells are matched more loosely: by word, stem, or the name of a yes-or-no column."""
    for cell in added:
        words = spellings.folded_words(cell.text)
        if len(words) == 1 and len(words[0]) >= _STEM:
            cells.by_stem[words[0][:_STEM]].append(cell)
        if 1 < len(words) <= 5:
            for word in set(words):
                cells.by_word[word].append(cell)
    if 0 < len(added) <= 3 and all(cell.text.casefold() in _FLAGS for cell in added):
        cells.flags[source] = list(added)


def _phrases(question: str) -> list[_Phrase]:
    """All runs of up to eight words, longest first."""
    spans = spellings.word_spans(question)
    keys = [spellings.fold_word(question[start:end]) for start, end in spans]
    return [
        _Phrase(
            first,
            first + length,
            question[spans[first][0] : spans[first + length - 1][1]],
            " ".join(keys[first : first + length]),
            keys[first - 1] if first else "",
        )
        for length in range(min(LONGEST_PHRASE, len(spans)), 0, -1)
        for first in range(len(spans) - length + 1)
    ]


def _whole_matches(phrases: Sequence[_Phrase], cells: _Cells) -> list[_Match]:
    """Cells spelled like a phrase. A phrase inside a longer match ("Ohio" in "Ohio River") only counts elsewhere."""
    found: list[_Match] = []
    for phrase in phrases:
        around = [match for match in found if _holds(match.phrase, phrase)]
        taken = {id(match.cell.source.table) for match in around}
        found += [
            _Match(phrase, cell, "exact" if cell.text == phrase.written else "folded")
            for cell in cells.by_key.get(phrase.key, ())
            if _may_mean(phrase, cell) and id(cell.source.table) not in taken
        ]
        if not around:
            found += _code_matches(phrase, cells)
    return found


def _code_matches(phrase: _Phrase, cells: _Cells) -> list[_Match]:
    return [
        _Match(phrase, cell, "code")
        for code in spellings.codes_of(phrase.key)
        if code != phrase.key
        for cell in cells.by_key.get(code, ())
        if cells.sizes[cell.source] <= (FEW_CELLS if len(code) == 1 else _ALL_COUNTRIES)
    ]


def _may_mean(phrase: _Phrase, cell: _Cell) -> bool:
    """Articles and other small words mean a cell (``A``, ``IN``) only when they are spelled exactly like it.

    Behind the name of the column they may be in lower case: "in building a".
    """
    if len(phrase.written) == 1 and phrase.before in _name_words(cell.source.column.name):
        return True
    if len(phrase.written) == 1 or phrase.is_common:
        return phrase.written == cell.text and not phrase.written.islower() and phrase.first > 0
    return True


def _holds(longer: _Phrase, shorter: _Phrase) -> bool:
    return longer.first <= shorter.first and shorter.end <= longer.end and longer is not shorter


def _uncovered(phrases: Sequence[_Phrase], found: Sequence[_Match]) -> list[_Phrase]:
    """Phrases of up to four words that share no word with a match and do not begin or end in a small word."""
    taken = {position for match in found for position in range(match.phrase.first, match.phrase.end)}
    return [
        phrase
        for phrase in phrases
        if phrase.end - phrase.first <= 4
        and taken.isdisjoint(range(phrase.first, phrase.end))
        and _has_firm_ends(phrase)
    ]


def _has_firm_ends(phrase: _Phrase) -> bool:
    words = phrase.written.lower().split()
    return words[0] not in _STOP_WORDS and words[-1] not in _STOP_WORDS


def _stem_matches(phrases: Sequence[_Phrase], found: Sequence[_Match], cells: _Cells) -> list[_Match]:
    """Single words of one family, in columns of few cells: "successful" and ``Success``, "professors" and ``PROF``."""
    return [
        _Match(phrase, cell, "near")
        for phrase in _uncovered(phrases, found)
        if phrase.end - phrase.first == 1 and len(phrase.key) >= _STEM
        for cell in cells.by_stem.get(phrase.key[:_STEM], ())
        if spellings.are_of_one_family(phrase.key, spellings.fold_word(cell.text))
    ]


def _part_matches(phrases: Sequence[_Phrase], found: Sequence[_Match], cells: _Cells) -> list[_Match]:
    """Short cells that hold a phrase of the question: "Gatwick" and ``London Gatwick``, in columns of few cells."""
    parts: list[_Match] = []
    for phrase in _uncovered(phrases, found):
        words = phrase.key.split()
        if phrase.key.isdigit() or any(_holds(part.phrase, phrase) for part in parts):
            continue
        holding = [cell for cell in cells.by_word.get(words[0], ()) if f" {phrase.key} " in f" {_key(cell.text)} "]
        if len(holding) <= _PARTS_OF_A_PHRASE:
            parts += [_Match(phrase, cell, "part") for cell in holding]
    return parts


def _flag_matches(phrases: Sequence[_Phrase], cells: _Cells) -> list[_Match]:
    """The cells of a yes-or-no column that the question names: ``has_wifi`` in "cafes without wifi"."""
    words = [phrase for phrase in phrases if phrase.end - phrase.first == 1 and not phrase.is_common]
    return [
        _Match(phrase, cell, "code")
        for source, flags in cells.flags.items()
        for name in _name_words(source.column.name)
        for phrase in words
        if spellings.is_same_or_opposite(phrase.key, name)
        for cell in flags
    ]


def _near_matches(phrases: Sequence[_Phrase], found: Sequence[_Match], cells: _Cells, deadline: float) -> list[_Match]:
    """Cells one slip away. A slip leaves the first or the last three letters whole, so those lead to the cell."""
    near: list[_Match] = []
    for phrase in _uncovered(phrases, found):
        key = phrase.key
        if len(key) < 5 or key.isdigit() or time.monotonic() > deadline:
            continue
        slips = 1 if len(key) < 9 else 2
        compared: dict[str, None] = {}
        for length in range(len(key) - slips, len(key) + slips + 1):
            for ends in ((key[:3], length), (key[-3:], -length)):
                compared.update(dict.fromkeys(cells.by_ends.get(ends, ())))
        for other in list(compared)[:_CELLS_COMPARED]:
            if other[0] == key[0] and other != key and spellings.is_near(key, other):
                near += [_Match(phrase, cell, "near") for cell in cells.by_key[other]]
    return near


_BEST_FIRST = {"exact": 0, "folded": 1, "code": 2, "near": 3, "part": 4}


def _ranked(found: Sequence[_Match]) -> tuple[Value, ...]:
    best_first = sorted(found, key=lambda match: (_BEST_FIRST[match.kind], match.phrase.first - match.phrase.end))
    values = {
        (match.cell.text, match.cell.source): Value(
            match.cell.text,
            match.cell.source.table.full_name,
            match.cell.source.column.name,
            match.phrase.written,
            match.kind,
        )
        for match in reversed(best_first)
    }
    return tuple(list(reversed(values.values()))[:MOST_VALUES])
