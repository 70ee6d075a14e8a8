"""What the network is told about a question and a schema beside word vectors: flags of nodes, relations of pairs.

Nodes stand in this order: question words, columns, tables, candidate values. Columns, tables and values are "items":
what the answer can point at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from t2s_magic.builtin.tokens import Candidate, ColumnRef, TableRef, Token, ValueRef
from t2s_magic.builtin.words import split_name, split_words
from t2s_magic.schema import Schema

MAX_QUESTION_WORDS = 96
MAX_NAME_PARTS = 12
MAX_COMMENT_WORDS = 12
MAX_VALUE_WORDS = 8
NEAR_WORDS = 3


class Kind(IntEnum):
    """What a node is."""

    WORD = 0
    COLUMN = 1
    TABLE = 2
    VALUE = 3


class Relation(IntEnum):
    """How the first of two nodes stands to the second. Saved weights rely on this order: append only."""

    NONE = 0
    # word to word, by distance
    WORD_BEFORE_FAR = 1
    WORD_BEFORE_2 = 2
    WORD_BEFORE_1 = 3
    WORD_SELF = 4
    WORD_AFTER_1 = 5
    WORD_AFTER_2 = 6
    WORD_AFTER_FAR = 7
    # word and column
    WORD_COLUMN = 8
    WORD_COLUMN_PART = 9
    WORD_COLUMN_WHOLE = 10
    WORD_COLUMN_CELL = 11
    WORD_COLUMN_CELL_PART = 12
    WORD_COLUMN_SHORT = 13
    COLUMN_WORD = 14
    COLUMN_WORD_PART = 15
    COLUMN_WORD_WHOLE = 16
    COLUMN_WORD_CELL = 17
    COLUMN_WORD_CELL_PART = 18
    COLUMN_WORD_SHORT = 19
    # word and table
    WORD_TABLE = 20
    WORD_TABLE_PART = 21
    WORD_TABLE_WHOLE = 22
    WORD_TABLE_SHORT = 23
    TABLE_WORD = 24
    TABLE_WORD_PART = 25
    TABLE_WORD_WHOLE = 26
    TABLE_WORD_SHORT = 27
    # word and value
    WORD_VALUE = 28
    WORD_VALUE_INSIDE = 29
    WORD_VALUE_NEAR = 30
    VALUE_WORD = 31
    VALUE_WORD_INSIDE = 32
    VALUE_WORD_NEAR = 33
    # column and column
    COLUMN_COLUMN = 34
    COLUMN_SELF = 35
    COLUMN_SAME_TABLE = 36
    COLUMN_REFERS_TO = 37
    COLUMN_REFERRED_BY = 38
    COLUMN_SAME_NAME = 39
    # column and table
    COLUMN_TABLE = 40
    COLUMN_OF_TABLE = 41
    COLUMN_KEY_OF_TABLE = 42
    COLUMN_REFERS_TO_TABLE = 43
    TABLE_COLUMN = 44
    TABLE_HAS_COLUMN = 45
    TABLE_HAS_KEY = 46
    TABLE_REFERRED_BY_COLUMN = 47
    # table and table
    TABLE_TABLE = 48
    TABLE_SELF = 49
    TABLE_REFERS_TO = 50
    TABLE_REFERRED_BY = 51
    # value and column, value and table
    VALUE_COLUMN = 52
    VALUE_CELL_OF_COLUMN = 53
    VALUE_FITS_COLUMN = 54
    COLUMN_VALUE = 55
    COLUMN_HAS_CELL = 56
    COLUMN_FITS_VALUE = 57
    VALUE_TABLE = 58
    VALUE_CELL_OF_TABLE = 59
    TABLE_VALUE = 60
    TABLE_HAS_CELL = 61
    # value and value
    VALUE_VALUE = 62
    VALUE_SELF = 63
    VALUE_SAME_WORDS = 64


class Flag(IntEnum):
    """Columns of the flag matrix: what is known of a node alone. Saved weights rely on this order: append only."""

    NUMBER = 0
    TEXT = 1
    DATE = 2
    BOOLEAN = 3
    OTHER_TYPE = 4
    PRIMARY_KEY = 5
    FOREIGN_KEY = 6
    REFERRED = 7
    WHOLE_NAME_IN_QUESTION = 8
    PART_OF_NAME_IN_QUESTION = 9
    SHARE_OF_NAME_IN_QUESTION = 10
    CELL_IN_QUESTION = 11
    TABLE_IN_QUESTION = 12
    CAPITALIZED = 13
    QUOTED = 14
    INSIDE_VALUE = 15
    PUNCTUATION = 16
    NAMES_ITEM = 17
    CONSTANT = 18
    HAS_WORDS = 19
    IS_VIEW = 20
    USED_IN_DEMO = 21
    USED_IN_LIKE_DEMO = 22


FLAGS = 24
RELATIONS = 72

_MIRROR = {
    Relation.WORD_COLUMN: Relation.COLUMN_WORD,
    Relation.WORD_COLUMN_PART: Relation.COLUMN_WORD_PART,
    Relation.WORD_COLUMN_WHOLE: Relation.COLUMN_WORD_WHOLE,
    Relation.WORD_COLUMN_CELL: Relation.COLUMN_WORD_CELL,
    Relation.WORD_COLUMN_CELL_PART: Relation.COLUMN_WORD_CELL_PART,
    Relation.WORD_COLUMN_SHORT: Relation.COLUMN_WORD_SHORT,
    Relation.WORD_TABLE: Relation.TABLE_WORD,
    Relation.WORD_TABLE_PART: Relation.TABLE_WORD_PART,
    Relation.WORD_TABLE_WHOLE: Relation.TABLE_WORD_WHOLE,
    Relation.WORD_TABLE_SHORT: Relation.TABLE_WORD_SHORT,
    Relation.WORD_VALUE: Relation.VALUE_WORD,
    Relation.WORD_VALUE_INSIDE: Relation.VALUE_WORD_INSIDE,
    Relation.WORD_VALUE_NEAR: Relation.VALUE_WORD_NEAR,
    Relation.VALUE_COLUMN: Relation.COLUMN_VALUE,
    Relation.VALUE_CELL_OF_COLUMN: Relation.COLUMN_HAS_CELL,
    Relation.VALUE_FITS_COLUMN: Relation.COLUMN_FITS_VALUE,
    Relation.VALUE_TABLE: Relation.TABLE_VALUE,
    Relation.VALUE_CELL_OF_TABLE: Relation.TABLE_HAS_CELL,
}
_MIRROR_OF = np.arange(RELATIONS, dtype=np.int8)
for _relation, _mirrored in _MIRROR.items():
    _MIRROR_OF[_relation] = _mirrored
_MIRROR_OF.flags.writeable = False

_FUNCTION_WORDS = frozenset(
    "a an the of in on at for to from by with and or not is are was were be been do does did has have had what which"
    " who whom whose where when how many much that this those these there their its it as than all any each every no"
    " show list give find tell me return please between".split()
)
_VOWEL = re.compile(r"[aeiou]")
_IS_NUMBER = re.compile(r"[\d.,]+$")


@dataclass(frozen=True)
class Name:
    """An identifier as the matcher sees it: its parts as stems, and those of what its comment says besides."""

    stems: tuple[str, ...]
    explained: tuple[str, ...] = ()

    @cached_property
    def joined(self) -> str:
        return "".join(self.stems)


@dataclass(frozen=True)
class SchemaFeatures:
    """A schema's items (columns, then tables) with what is known before any question.

    ``texts`` are the words to encode; an item's vector is the mean of its words from ``starts`` on.
    """

    schema: Schema
    columns: tuple[ColumnRef, ...]
    texts: tuple[tuple[str, ...], ...]
    starts: tuple[int, ...]
    names: tuple[Name, ...]
    flags: NDArray[np.float32]
    relations: NDArray[np.int8]
    table_of: NDArray[np.int64]
    positions: Mapping[Token, int] = field(repr=False)

    @property
    def size(self) -> int:
        return len(self.texts)


@dataclass(frozen=True)
class QuestionFeatures:
    """A question read against a schema: flags and relations of all nodes."""

    words: tuple[str, ...]
    value_texts: tuple[tuple[str, ...], ...]
    kinds: NDArray[np.int8]
    flags: NDArray[np.float32]
    relations: NDArray[np.int8]


def item_position(token: Token, schema: SchemaFeatures) -> int:
    """The place of a pointer among the items."""
    if isinstance(token, ValueRef):
        return schema.size + token.value
    return schema.positions[token]


def item_token(position: int, schema: SchemaFeatures) -> Token:
    """The pointer at a place among the items; the inverse of ``item_position``."""
    if position < len(schema.columns):
        return schema.columns[position]
    if position < schema.size:
        return TableRef(position - len(schema.columns))
    return ValueRef(position - schema.size)


# ---------------------------------------------------------------------------------------------------------- schema


def read_schema_features(schema: Schema) -> SchemaFeatures:
    """Everything about the schema that no question changes."""
    columns = tuple(ColumnRef(t, c) for t, table in enumerate(schema.tables) for c in range(len(table.columns)))
    tables = [_name_parts(table.name) for table in schema.tables]
    column_parts = [_name_parts(schema.tables[ref.table].columns[ref.column].name) for ref in columns]
    texts = [
        (*tables[ref.table], ":", *parts, *_comment_words(schema.tables[ref.table].columns[ref.column].comment))
        for ref, parts in zip(columns, column_parts, strict=True)
    ]
    texts += [(*parts, *_comment_words(table.comment)) for parts, table in zip(tables, schema.tables, strict=True)]
    starts = [len(tables[ref.table]) + 1 for ref in columns] + [0] * len(tables)
    positions: dict[Token, int] = {ref: place for place, ref in enumerate(columns)}
    positions |= {TableRef(t): len(columns) + t for t in range(len(tables))}
    return SchemaFeatures(
        schema,
        columns,
        tuple(texts),
        tuple(starts),
        (
            *(
                _name(parts, schema.tables[ref.table].columns[ref.column].comment)
                for ref, parts in zip(columns, column_parts, strict=True)
            ),
            *(_name(parts, table.comment) for parts, table in zip(tables, schema.tables, strict=True)),
        ),
        _schema_flags(schema, columns),
        _schema_relations(schema, columns),
        np.array([ref.table for ref in columns] + list(range(len(tables)))),
        positions,
    )


def type_flag(type_name: str) -> Flag:
    """The family of a column's type, as the engine spells it."""
    folded = type_name.casefold()
    if any(part in folded for part in ("bool", "bit")):
        return Flag.BOOLEAN
    if any(part in folded for part in ("date", "time", "year")):
        return Flag.DATE
    if any(part in folded for part in ("int", "num", "dec", "real", "doub", "float", "money", "serial")):
        return Flag.NUMBER
    if any(part in folded for part in ("char", "text", "string", "clob", "enum", "uuid", "name")):
        return Flag.TEXT
    return Flag.OTHER_TYPE


def _name_parts(name: str) -> tuple[str, ...]:
    return tuple(split_name(name)[:MAX_NAME_PARTS]) or (name[:40].lower() or "?",)


def _name(parts: Sequence[str], comment: str) -> Name:
    said = (stem(word) for word in _comment_words(comment) if word[0].isalpha() and not is_function_word(word))
    return Name(tuple(map(stem, parts)), tuple(said))


def _comment_words(comment: str) -> tuple[str, ...]:
    return tuple(word.lower() for word in split_words(comment[:200])[:MAX_COMMENT_WORDS])


def foreign_keys(schema: Schema) -> Iterator[tuple[ColumnRef, ColumnRef]]:
    """The declared keys whose two ends are in ``schema``, as (referring column, column referred to)."""
    table_of = {(table.path, table.name.casefold()): t for t, table in enumerate(schema.tables)}
    by_name = {table.name.casefold(): t for t, table in reversed(list(enumerate(schema.tables)))}
    for t, table in enumerate(schema.tables):
        for key in table.foreign_keys:
            folded = key.to_table.casefold()
            to = table_of.get((key.to_path or table.path, folded), by_name.get(folded))
            if to is None:
                continue
            to_columns = key.to_columns or schema.tables[to].primary_key
            for name, to_name in zip(key.columns, to_columns, strict=False):
                source, target = _column_position(schema, t, name), _column_position(schema, to, to_name)
                if source is not None and target is not None:
                    yield source, target


def _column_position(schema: Schema, table: int, name: str) -> ColumnRef | None:
    folded = name.casefold()
    for c, column in enumerate(schema.tables[table].columns):
        if column.name.casefold() == folded:
            return ColumnRef(table, c)
    return None


def _schema_flags(schema: Schema, columns: Sequence[ColumnRef]) -> NDArray[np.float32]:
    flags = np.zeros((len(columns) + len(schema.tables), FLAGS), np.float32)
    place = {ref: index for index, ref in enumerate(columns)}
    for ref, index in place.items():
        table = schema.tables[ref.table]
        column = table.columns[ref.column]
        flags[index, type_flag(column.type)] = 1
        flags[index, Flag.PRIMARY_KEY] = column.name in table.primary_key
    for source, target in foreign_keys(schema):
        flags[place[source], Flag.FOREIGN_KEY] = 1
        flags[place[target], Flag.REFERRED] = 1
    for t, table in enumerate(schema.tables):
        flags[len(columns) + t, Flag.IS_VIEW] = table.is_view
    return flags


def _schema_relations(schema: Schema, columns: Sequence[ColumnRef]) -> NDArray[np.int8]:
    width = len(columns)
    size = width + len(schema.tables)
    table_of = np.array([ref.table for ref in columns], np.int64)
    tables = np.arange(len(schema.tables))
    relations = np.empty((size, size), np.int8)
    of_columns = relations[:width, :width]
    of_columns[:] = Relation.COLUMN_COLUMN
    names = np.array([schema.tables[ref.table].columns[ref.column].name.casefold() for ref in columns])
    of_columns[names[:, None] == names[None, :]] = Relation.COLUMN_SAME_NAME
    of_columns[table_of[:, None] == table_of[None, :]] = Relation.COLUMN_SAME_TABLE
    relations[:width, width:] = np.where(
        table_of[:, None] == tables, np.int8(Relation.COLUMN_OF_TABLE), np.int8(Relation.COLUMN_TABLE)
    )
    relations[width:, :width] = np.where(
        tables[:, None] == table_of, np.int8(Relation.TABLE_HAS_COLUMN), np.int8(Relation.TABLE_COLUMN)
    )
    relations[width:, width:] = Relation.TABLE_TABLE
    place = {ref: index for index, ref in enumerate(columns)}
    for ref, index in place.items():
        if schema.tables[ref.table].columns[ref.column].name in schema.tables[ref.table].primary_key:
            relations[index, width + ref.table] = Relation.COLUMN_KEY_OF_TABLE
            relations[width + ref.table, index] = Relation.TABLE_HAS_KEY
    for source, target in foreign_keys(schema):
        i, j, t, u = place[source], place[target], width + source.table, width + target.table
        relations[i, j], relations[j, i] = Relation.COLUMN_REFERS_TO, Relation.COLUMN_REFERRED_BY
        if source.table != target.table:
            relations[i, u], relations[u, i] = Relation.COLUMN_REFERS_TO_TABLE, Relation.TABLE_REFERRED_BY_COLUMN
            relations[t, u], relations[u, t] = Relation.TABLE_REFERS_TO, Relation.TABLE_REFERRED_BY
    np.fill_diagonal(of_columns, Relation.COLUMN_SELF)
    np.fill_diagonal(relations[width:, width:], Relation.TABLE_SELF)
    return relations


# -------------------------------------------------------------------------------------------------------- question


def stem(word: str) -> str:
    """A rough English stem: plural and some verb endings dropped."""
    word = word.lower()
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 4 and word.endswith(("sses", "xes", "ches", "shes")):
        return word[:-2]
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def is_function_word(word: str) -> bool:
    """Words that name no table and no column: articles, prepositions, question words."""
    return word.lower() in _FUNCTION_WORDS


def is_prefix(part: str, word: str) -> bool:
    """One begins with the other, by four letters or more."""
    shorter, longer = sorted((part, word), key=len)
    return len(shorter) >= 4 and longer.startswith(shorter)


def read_question_features(
    question: Sequence[str], schema: SchemaFeatures, candidates: Sequence[Candidate]
) -> QuestionFeatures:
    """Flags and relations of all nodes for ``question`` (its words) and the candidate values found for it."""
    words = tuple(question[:MAX_QUESTION_WORDS])
    matches = _match_names(words, schema)
    _mark_cells(matches, words, schema, candidates)
    kinds = np.concatenate([
        np.full(len(words), Kind.WORD, np.int8),
        np.full(len(schema.columns), Kind.COLUMN, np.int8),
        np.full(schema.size - len(schema.columns), Kind.TABLE, np.int8),
        np.full(len(candidates), Kind.VALUE, np.int8),
    ])  # fmt: skip
    return QuestionFeatures(
        words,
        tuple(tuple(split_words(candidate.text)[:MAX_VALUE_WORDS]) or ("?",) for candidate in candidates),
        kinds,
        _all_flags(words, schema, candidates, matches),
        _all_relations(words, schema, candidates, matches),
    )


def _match_names(words: Sequence[str], schema: SchemaFeatures) -> NDArray[np.int8]:
    """Relation of each word to each column and table by name alone."""
    width = len(schema.columns)
    matches = np.empty((len(words), schema.size), np.int8)
    matches[:, :width] = Relation.WORD_COLUMN
    matches[:, width:] = Relation.WORD_TABLE
    stems = [stem(word) for word in words]
    by_part: dict[str, list[int]] = {}
    by_joined: dict[str, list[int]] = {}
    for item, name in enumerate(schema.names):
        by_joined.setdefault(name.joined, []).append(item)
        for part in (*name.stems, *name.explained):
            by_part.setdefault(part, []).append(item)
    for position, word in enumerate(stems):
        if is_function_word(word) or not word[0].isalnum():
            continue
        for part, items in by_part.items():
            if part == word or is_prefix(part, word):
                _mark(matches[position], items, width, Relation.WORD_COLUMN_PART, Relation.WORD_TABLE_PART)
            elif _is_short_for(part, word):
                _mark(matches[position], items, width, Relation.WORD_COLUMN_SHORT, Relation.WORD_TABLE_SHORT)
    for start in range(len(stems)):
        for end in range(start + 1, min(start + 6, len(stems)) + 1):
            items = by_joined.get("".join(stems[start:end]), [])
            for position in range(start, end):
                _mark(matches[position], items, width, Relation.WORD_COLUMN_WHOLE, Relation.WORD_TABLE_WHOLE)
    return matches


def _mark(row: NDArray[np.int8], items: Sequence[int], width: int, of_column: Relation, of_table: Relation) -> None:
    for item in items:
        row[item] = of_column if item < width else of_table


def _is_short_for(part: str, word: str) -> bool:
    """``"qty"`` for quantity, ``"cust"`` for customer: the first letter, then some of the others in order."""
    if not 2 <= len(part) < len(word) or part[0] != word[0] or (len(part) == 2 and _VOWEL.search(part)):
        return False
    if len(part) == 3 and word.startswith(part):
        return True
    if _VOWEL.search(part[1:]):
        return False
    letters = iter(word)
    return all(letter in letters for letter in part)


def _mark_cells(
    matches: NDArray[np.int8], words: Sequence[str], schema: SchemaFeatures, candidates: Sequence[Candidate]
) -> None:
    named = (Relation.WORD_COLUMN_PART, Relation.WORD_COLUMN_WHOLE, Relation.WORD_COLUMN_CELL_PART)
    for candidate in candidates:
        for place in _cell_places(candidate, schema):
            for position in range(max(candidate.start, 0), min(candidate.end, len(words))):
                is_named = matches[position, place] in named
                matches[position, place] = Relation.WORD_COLUMN_CELL_PART if is_named else Relation.WORD_COLUMN_CELL


def _cell_places(candidate: Candidate, schema: SchemaFeatures) -> list[int]:
    """The columns that hold the candidate's text, as places among the items."""
    if candidate.table < 0:
        return []
    refs = (ColumnRef(candidate.table, candidate.column), *candidate.others)
    return [schema.positions[ref] for ref in refs if ref in schema.positions]


def _all_flags(
    words: Sequence[str], schema: SchemaFeatures, candidates: Sequence[Candidate], matches: NDArray[np.int8]
) -> NDArray[np.float32]:
    return np.concatenate(
        [
            _word_flags(words, schema, candidates, matches),
            _item_flags(words, schema, matches),
            _value_flags(candidates),
        ]
    )


def _word_flags(
    words: Sequence[str], schema: SchemaFeatures, candidates: Sequence[Candidate], matches: NDArray[np.int8]
) -> NDArray[np.float32]:
    flags = np.zeros((len(words), FLAGS), np.float32)
    is_quoted = False
    for position, word in enumerate(words):
        if word in "\"'“”‘’`":
            is_quoted = not is_quoted
        flags[position, Flag.NUMBER] = bool(_IS_NUMBER.match(word)) and word[0].isdigit()
        flags[position, Flag.CAPITALIZED] = position > 0 and word[0].isupper()
        flags[position, Flag.QUOTED] = is_quoted
        flags[position, Flag.PUNCTUATION] = not word[0].isalnum()
    for candidate in candidates:
        if 0 <= candidate.start < len(words):
            flags[candidate.start : candidate.end, Flag.INSIDE_VALUE] = 1
    if schema.size:
        whole = (matches == Relation.WORD_COLUMN_WHOLE) | (matches == Relation.WORD_TABLE_WHOLE)
        flags[:, Flag.NAMES_ITEM] = whole.any(1)
    return flags


def _item_flags(words: Sequence[str], schema: SchemaFeatures, matches: NDArray[np.int8]) -> NDArray[np.float32]:
    flags = schema.flags.copy()
    if not words:
        return flags
    width = len(schema.columns)
    whole = ((matches == Relation.WORD_COLUMN_WHOLE) | (matches == Relation.WORD_TABLE_WHOLE)).any(0)
    part = (matches == Relation.WORD_COLUMN_PART) | (matches == Relation.WORD_TABLE_PART)
    part |= matches == Relation.WORD_COLUMN_CELL_PART
    cell = (matches == Relation.WORD_COLUMN_CELL) | (matches == Relation.WORD_COLUMN_CELL_PART)
    lengths = np.array([len(name.stems) for name in schema.names], np.float32)
    flags[:, Flag.WHOLE_NAME_IN_QUESTION] = whole
    flags[:, Flag.PART_OF_NAME_IN_QUESTION] = part.any(0)
    flags[:, Flag.SHARE_OF_NAME_IN_QUESTION] = np.where(whole, 1, np.minimum(part.sum(0) / lengths, 1))
    flags[:, Flag.CELL_IN_QUESTION] = cell.any(0)
    flags[:width, Flag.TABLE_IN_QUESTION] = whole[width:][schema.table_of[:width]]
    return flags


def _value_flags(candidates: Sequence[Candidate]) -> NDArray[np.float32]:
    flags = np.zeros((len(candidates), FLAGS), np.float32)
    for row, candidate in zip(flags, candidates, strict=True):
        row[Flag.NUMBER] = candidate.kind == "number"
        row[Flag.TEXT] = candidate.kind == "text"
        row[Flag.DATE] = candidate.kind == "date"
        row[Flag.CELL_IN_QUESTION] = candidate.kind == "cell"
        row[Flag.CONSTANT] = candidate.kind == "constant"
        row[Flag.HAS_WORDS] = candidate.start >= 0
        row[Flag.CAPITALIZED] = candidate.text[:1].isupper()
    return flags


def _all_relations(
    words: Sequence[str], schema: SchemaFeatures, candidates: Sequence[Candidate], matches: NDArray[np.int8]
) -> NDArray[np.int8]:
    length, size = len(words), schema.size
    total = length + size + len(candidates)
    relations = np.zeros((total, total), np.int8)
    offsets = np.arange(length)[None, :] - np.arange(length)[:, None]
    relations[:length, :length] = np.clip(offsets, -NEAR_WORDS, NEAR_WORDS) + Relation.WORD_SELF
    relations[:length, length : length + size] = matches
    relations[length : length + size, :length] = _MIRROR_OF[matches].T
    relations[length : length + size, length : length + size] = schema.relations
    if candidates:
        _relate_values(relations, length, schema, candidates)
    return relations


def _relate_values(
    relations: NDArray[np.int8], length: int, schema: SchemaFeatures, candidates: Sequence[Candidate]
) -> None:
    width, size = len(schema.columns), schema.size
    starts = np.array([candidate.start for candidate in candidates])
    ends = np.array([candidate.end for candidate in candidates])
    positions = np.arange(length)[:, None]
    inside = (positions >= starts) & (positions < ends)
    near = ~inside & (positions >= starts - NEAR_WORDS) & (positions < ends + 1) & (starts >= 0)
    to_words = np.full(inside.shape, Relation.WORD_VALUE, np.int8)
    to_words[near] = Relation.WORD_VALUE_NEAR
    to_words[inside] = Relation.WORD_VALUE_INSIDE
    relations[:length, length + size :] = to_words
    relations[length + size :, :length] = _MIRROR_OF[to_words].T

    to_items = np.full((len(candidates), size), Relation.VALUE_COLUMN, np.int8)
    to_items[:, width:] = Relation.VALUE_TABLE
    for row, candidate in zip(to_items, candidates, strict=True):
        if candidate.kind == "number":
            row[:width][schema.flags[:width, Flag.NUMBER] > 0] = Relation.VALUE_FITS_COLUMN
        elif candidate.kind == "date":
            row[:width][schema.flags[:width, Flag.DATE] > 0] = Relation.VALUE_FITS_COLUMN
        for place in _cell_places(candidate, schema):
            row[place] = Relation.VALUE_CELL_OF_COLUMN
            row[width + schema.table_of[place]] = Relation.VALUE_CELL_OF_TABLE
    relations[length + size :, length : length + size] = to_items
    relations[length : length + size, length + size :] = _MIRROR_OF[to_items].T

    to_values = np.full((len(candidates), len(candidates)), Relation.VALUE_VALUE, np.int8)
    overlap = (starts[:, None] < ends) & (starts < ends[:, None]) & (starts >= 0)
    to_values[overlap] = Relation.VALUE_SAME_WORDS
    np.fill_diagonal(to_values, Relation.VALUE_SELF)
    relations[length + size :, length + size :] = to_values
