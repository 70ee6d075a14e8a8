"""A world out of a database that is there already: what its columns mean is told from their names, types and cells."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from t2s_magic.builtin.words import split_name
from t2s_magic.schema import Column, Schema, Table
from training.sqlite_cells import read_sqlite_schema
from training.synthesis import phrases
from training.synthesis.domains import Field, Thing
from training.synthesis.worlds import Col, Link, Row, Tab, World

_ROWS_READ = 3_000
_NUMBER = re.compile(r"int|num|dec|real|double|float|money", re.IGNORECASE)
_IDENTIFIER = re.compile(r"(^|_| )(id|ids|code|key|no|ssn|zip|isbn|uid|pk|fk)$|id$", re.IGNORECASE)
_SUMMED = re.compile(
    r"amount|total|quantity|qty|population|sales|revenue|budget|attendance|points|goals|number of|num |"
    r"count|killed|injured|credits|hours|wins|losses|votes|copies|viewers|enrollment|profit|cost|stock|passengers|gold|silver|bronze|area"
)
_YEAR = re.compile(r"\byear\b|founded|\byr\b")
_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}(:\d{2})?.*)?")
_PLACES = {
    "city": "city",
    "town": "city",
    "country": "country",
    "state": "region",
    "region": "region",
    "nation": "country",
}


def read_world(path: Path) -> World | None:
    """The tables with rows of the SQLite file at ``path``, or None where fewer than two have any."""
    schema = read_sqlite_schema(path)
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    connection.text_factory = lambda data: data.decode("utf-8", "replace")
    tables = {table.name.lower(): found for table in schema.tables if (found := _table(table, schema, connection))}
    connection.close()
    for table in schema.tables:
        if table.name.lower() in tables:
            tables[table.name.lower()].links = _links(table, tables)
    return World(path.stem, list(tables.values())) if len(tables) >= 2 else None


def _table(table: Table, schema: Schema, connection: sqlite3.Connection) -> Tab | None:
    rows = _rows(table, connection)
    if len(rows) < 3:
        return None
    words = " ".join(split_name(table.name))
    singular = phrases.singular(words)
    plural = words if singular != words else phrases.pluralised(words)
    singular, plural = ("person", "people") if words in ("people", "person") else (singular, plural)
    made = Tab(Thing(singular, (plural,), (), (), ()), table.name, _key(table, schema), rows=rows)
    references = {name.lower() for key in table.foreign_keys for name in key.columns}
    for column in table.columns:
        if column.name.lower() not in references and column.name not in table.primary_key:
            field = _field(column, singular, [row[column.name] for row in rows])
            if field is not None:
                made.columns.append(Col(made, column.name, field, column.type))
    made.shown = _shown(made)
    return made


def _rows(table: Table, connection: sqlite3.Connection) -> list[Row]:
    quoted = table.name.replace('"', '""')
    names = [column.name for column in table.columns]
    fetched = connection.execute(f'SELECT * FROM "{quoted}" LIMIT {_ROWS_READ}').fetchall()
    return [dict(zip(names, row, strict=True)) for row in fetched]


def _key(table: Table, schema: Schema) -> str:
    if len(table.primary_key) == 1:
        return table.primary_key[0]
    referred = [
        key.to_columns[0]
        for other in schema.tables
        for key in other.foreign_keys
        if key.to_table.lower() == table.name.lower() and len(key.to_columns) == 1
    ]
    return referred[0] if referred else table.columns[0].name


def _links(table: Table, tables: dict[str, Tab]) -> list[Link]:
    own = tables[table.name.lower()]
    links: dict[str, Link] = {}
    for key in table.foreign_keys:
        parent = tables.get(key.to_table.lower())
        if parent is None or parent is own or len(key.columns) != 1 or key.to_columns[0].lower() != parent.key.lower():
            continue
        role = " ".join(part for part in split_name(key.columns[0]) if part not in ("id", "ids", "code", "no", "fk"))
        same = sum(other.to_table.lower() == key.to_table.lower() for other in table.foreign_keys) == 1
        links[key.columns[0]] = Link(
            own, key.columns[0], parent, parent.thing.words if same or not role else role, "", True
        )
    return list(links.values())


def _field(column: Column, thing: str, cells: Sequence[object]) -> Field | None:
    words = " ".join(split_name(column.name))
    short = words.removeprefix(f"{thing} ")
    ways = tuple(dict.fromkeys((short, words)))
    kept = [cell for cell in cells if cell is not None and cell != ""]
    if not kept or not words:
        return None
    if all(isinstance(cell, int | float) for cell in kept):
        return _number_field(column, words, ways, kept)
    if not all(isinstance(cell, str) for cell in kept) or _NUMBER.search(column.type):
        return None
    texts = [str(cell) for cell in kept]
    if all(_is_date(text) for text in texts):
        kind = "datetime" if any(":" in text for text in texts) else "date"
        return Field(words, kind, ways=(short,))
    return Field(words, _text_kind(words, texts), ways=ways)


def _is_date(text: str) -> bool:
    if not _ISO_DATE.fullmatch(text):
        return False
    try:
        date.fromisoformat(text[:10])
    except ValueError:
        return False
    return True


def _number_field(column: Column, words: str, ways: tuple[str, ...], cells: Sequence[object]) -> Field | None:
    if _IDENTIFIER.search(column.name) or not _NUMBER.search(column.type):
        return None
    if _YEAR.search(words):
        return Field(words, "year", ways=ways)
    if _SUMMED.search(words):
        return Field(words, "qty" if all(isinstance(cell, int) for cell in cells) else "amt", ways=ways)
    return Field(words, "int" if all(isinstance(cell, int) for cell in cells) else "dec", ways=ways)


def _text_kind(words: str, texts: Sequence[str]) -> str:
    last = words.split()[-1]
    distinct = set(texts)
    if last in _PLACES:
        return _PLACES[last]
    if last in ("name", "title", "fname", "lname", "surname"):
        return "name"
    if len(distinct) <= max(15, len(texts) // 20) and len(distinct) < 0.7 * len(texts):
        return "category"
    return "text" if sum(map(len, texts)) > 30 * len(texts) else "code"


def _shown(table: Tab) -> list[Col]:
    """First and last name, else the first name or title, else the first code."""
    by_words = {column.what.words.removeprefix(f"{table.thing.words} "): column for column in table.columns}
    for first, last in (("first name", "last name"), ("fname", "lname"), ("fname", "l name"), ("forename", "surname")):
        if first in by_words and last in by_words:
            by_words[first].pair, by_words[last].pair = "first", "last"
            return [by_words[first], by_words[last]]
    named = [column for column in table.columns if column.kind == "name"] or [
        column for column in table.columns if column.kind == "code"
    ]
    return named[:1]
