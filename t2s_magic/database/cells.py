"""The distinct cells of text columns, indexed by how they may be written."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache, partial

from t2s_magic.database import spellings
from t2s_magic.schema import Column, Schema, Table

LONGEST_CELL = 80
FEW_CELLS = 60
STEM = 4
SHORTEST_NEAR = 5
_MOST_WORDS_OF_A_PART = 5
_FLAGS = frozenset({"y", "n", "t", "f", "yes", "no", "true", "false"})

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


@dataclass(frozen=True, eq=False)
class Source:
    """A column whose cells are indexed, with the words of its name; one object a column, so identity is equality."""

    table: Table
    column: Column
    words: tuple[str, ...]
    table_words: tuple[str, ...]

    def is_named_in(self, words: set[str]) -> bool:
        return not words.isdisjoint(self.words) or not words.isdisjoint(self.table_words)


@dataclass(frozen=True)
class Cell:
    text: str
    source: Source


@dataclass
class Cells:
    """What has been read of one schema.

    ``by_key`` finds cells by their folded words, ``by_ends`` keys by their first or last three letters and length,
    ``by_stem`` and ``by_word`` cells of columns that hold few, ``flags`` the cells of yes-or-no columns. ``cut`` are
    the columns that hold more than was read; ``names`` are the words of all names of the schema.
    """

    names: frozenset[str] = frozenset()
    by_key: dict[str, list[Cell]] = field(default_factory=lambda: defaultdict(list))
    by_ends: dict[tuple[str, int], list[str]] = field(default_factory=lambda: defaultdict(list))
    by_stem: dict[str, list[Cell]] = field(default_factory=lambda: defaultdict(list))
    by_word: dict[str, list[Cell]] = field(default_factory=lambda: defaultdict(list))
    flags: dict[Source, list[Cell]] = field(default_factory=dict)
    sizes: dict[Source, int] = field(default_factory=dict)
    cut: list[Source] = field(default_factory=list)
    count: int = 0

    def add(self, texts: Iterable[str], source: Source, *, is_cut: bool) -> None:
        """Index the distinct cells of a column; texts too long to stand in a question are left out."""
        added = [Cell(text, source) for text in texts if text and len(text) <= LONGEST_CELL]
        for cell in added:
            self._add_key(cell)
        self.sizes[source] = len(added)
        self.count += len(added)
        if is_cut:
            self.cut.append(source)
        if len(added) <= FEW_CELLS:
            self._add_few(added, source)

    def _add_key(self, cell: Cell) -> None:
        key = folded(cell.text)
        if not key:
            return
        same_key = self.by_key[key]
        if not same_key and len(key) >= SHORTEST_NEAR:
            self.by_ends[key[:3], len(key)].append(key)
            self.by_ends[key[-3:], -len(key)].append(key)
        same_key.append(cell)

    def _add_few(self, added: Sequence[Cell], source: Source) -> None:
        for cell in added:
            words = spellings.folded_words(cell.text)
            if len(words) == 1 and len(words[0]) >= STEM:
                self.by_stem[words[0][:STEM]].append(cell)
            if 1 < len(words) <= _MOST_WORDS_OF_A_PART:
                for word in set(words):
                    self.by_word[word].append(cell)
        if 0 < len(added) <= 3 and all(cell.text.casefold() in _FLAGS for cell in added):
            self.flags[source] = list(added)


def folded(text: str) -> str:
    return " ".join(spellings.folded_words(text))


def name_words(schema: Schema) -> frozenset[str]:
    """The folded words of all names of tables and columns."""
    names = {name for table in schema.tables for name in (table.name, *(column.name for column in table.columns))}
    return frozenset(word for name in names for word in _name_words(name))


def text_columns(schema: Schema) -> list[Source]:
    """The columns that may hold text, the likeliest to be asked for first."""
    # Names and types recur from table to table: each is read once.
    words, may_hold_text = cache(_name_words), cache(partial(_may_hold_text, dialect=schema.dialect))
    unlikeliness = cache(_unlikeliness)
    sources = [
        Source(table, column, words(column.name), words(table.name))
        for table in schema.tables
        for column in table.columns
        if may_hold_text(column.type)
    ]
    return sorted(sources, key=lambda source: (source.table.is_view, unlikeliness(source.column.name)))


def _may_hold_text(type_: str, dialect: str) -> bool:
    if _NOT_TEXT.search(type_):
        return False
    return dialect == "sqlite" or not _NOT_TEXT_WHEN_TYPED.search(type_)


def _unlikeliness(name: str) -> int:
    if _UNLIKELY.search(name):
        return 2
    return 0 if _LIKELY.search(name) else 1


def _name_words(name: str) -> tuple[str, ...]:
    return tuple(spellings.folded_words(re.sub(r"(?<=[a-z])(?=[A-Z])|_", " ", name)))
