"""Databases of a domain: some of its things and columns, named in one way, filled with rows."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path

from training.synthesis import cells
from training.synthesis.domains import Derived, Domain, Field, Thing
from training.synthesis.naming import Naming, quoted
from training.synthesis.reshaping import reshaped

Row = dict[str, object]


@dataclass(eq=False)
class Col:
    """A column as it is in the database. ``what`` is its field; ``pair`` marks the parts of a split person's name."""

    table: Tab
    name: str
    what: Field
    type: str
    pair: str = ""
    yes: object = None
    no: object = None
    codes: dict[object, str] = field(default_factory=dict)
    """What the cells stand for, where they are codes."""
    has_gaps: bool = False
    """Some of its cells are empty."""

    @property
    def sql(self) -> str:
        return quoted(self.name)

    @property
    def full(self) -> str:
        return f"{self.table.sql}.{self.sql}"

    @property
    def kind(self) -> str:
        return self.what.kind

    def values(self) -> list[object]:
        """Distinct cells, the commonest first."""
        counts: dict[object, int] = {}
        for row in self.table.rows:
            if row[self.name] is not None:
                counts[row[self.name]] = counts.get(row[self.name], 0) + 1
        return sorted(counts, key=lambda value: -counts[value])


@dataclass(eq=False)
class Link:
    """A foreign key: ``child.column`` refers to ``parent``'s key."""

    child: Tab
    name: str
    parent: Tab
    role: str
    verb: str
    is_declared: bool

    @property
    def column(self) -> str:
        return f"{self.child.sql}.{quoted(self.name)}"

    @property
    def join(self) -> str:
        return f"{self.column} = {self.parent.key_full}"


@dataclass(eq=False)
class Tab:
    """A table. ``key``, as a column ``number``, is empty where rows have none; nobody asks for ``unasked``."""

    thing: Thing
    name: str
    key: str
    columns: list[Col] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    derived: list[Derived] = field(default_factory=list)
    superior: Link | None = None
    shown: list[Col] | None = None
    key_prefix: str = ""
    unasked: list[Col] = field(default_factory=list)
    number: Col | None = None

    def key_value(self, number: int) -> int | str:
        """The key of the row that was made as the ``number``-th."""
        return f"{self.key_prefix}{number:04}" if self.key_prefix else number

    @property
    def sql(self) -> str:
        return quoted(self.name)

    @property
    def key_full(self) -> str:
        return f"{self.sql}.{quoted(self.key)}"

    @property
    def display(self) -> list[Col]:
        """What names a row to people: ``shown`` where that is given, else its name, its code, its number."""
        if self.shown is not None:
            return self.shown
        named = [column for column in self.columns if column.pair or column.kind in ("person", "company", "name")]
        named = [column for column in named if column.what.words in ("name", "title", "label", "username", "path")] or [
            column for column in named if column.pair
        ]
        named = [column for column in named if column.pair] or named[:1]
        coded = [column for column in self.columns if column.kind in ("code", "address")][:1]
        return named or coded or ([self.number] if self.number else [])

    def find(self, words: str) -> Col | None:
        return next((column for column in self.columns if column.what.words == words and not column.pair), None)


@dataclass(eq=False)
class World:
    """One database: its tables in creation order, parents before children."""

    domain: str
    tables: list[Tab]

    def children(self, table: Tab) -> list[Link]:
        return [link for other in self.tables for link in other.links if link.parent is table]


def make_world(domain: Domain, chance: random.Random) -> World:
    domain = reshaped(domain, chance)
    naming = Naming.draw(chance)
    things = _some_things(domain, chance)
    tables: dict[str, Tab] = {}
    types = chance.choice((_RICH_TYPES, _RICH_TYPES, _PLAIN_TYPES))
    is_declaring = chance.random() < 0.8
    for thing in _parents_first(things):
        tables[thing.words] = _table(thing, tables, naming, types, is_declaring, chance)
    world = World(domain.name, list(tables.values()))
    _vary_keys(world, chance)
    _fill(world, chance)
    return world


def _some_things(domain: Domain, chance: random.Random) -> list[Thing]:
    """All things, or fewer: leaves are dropped at random, but two things and one reference are left."""
    things = list(domain.things)
    for thing in chance.sample(things, len(things)):
        is_parent = any(parent.thing == thing.words for other in things for parent in other.parents)
        is_last_fact = sum(bool(other.parents) for other in things if other is not thing) == 0
        if len(things) > 2 and not is_parent and not is_last_fact and chance.random() < 0.25:
            things.remove(thing)
    for thing in chance.sample(things, len(things)):
        is_needed = any(other.parents and all(p.thing == thing.words for p in other.parents) for other in things)
        if len(things) > 3 and not thing.parents and not is_needed and chance.random() < 0.12:
            things.remove(thing)
    return things


def _parents_first(things: list[Thing]) -> list[Thing]:
    ordered: list[Thing] = []
    names = {thing.words for thing in things}
    while len(ordered) < len(things):
        done = {thing.words for thing in ordered}
        ordered += [
            thing
            for thing in things
            if thing not in ordered and all(p.thing in done or p.thing not in names for p in thing.parents)
        ]
    return ordered


def _vary_keys(world: World, chance: random.Random) -> None:
    """Some tables have keys of letters and digits, and some that only tie others together have none of their own."""
    for table in world.tables:
        if world.children(table):
            if chance.random() < 0.12:
                table.key_prefix = table.thing.words[: chance.randint(1, 3)].upper().strip()
                table.number = None if table.number is None else replace(table.number, type="VARCHAR(10)")
        elif len(table.links) > 1 and chance.random() < 0.25:
            table.key = ""
            table.number = None


_UNASKED = (
    "created at:datetime", "updated at:datetime", "created by:person", "notes:text", "external id:code", "phone:phone",
    "fax:phone", "postal code:code", "website:email", "street:address", "version:int", "sort order:int", "remarks:text",
    "last modified:datetime", "tax code:code", "reference:code", "contact person:person", "is deleted:int",
)  # fmt: skip


def _unasked(table: Tab, naming: Naming, types: dict[str, str], chance: random.Random) -> list[Col]:
    """Columns that real tables have beside those that people ask for."""
    picked = chance.sample(_UNASKED, chance.choice((0, 0, 1, 2, 3, 4, 6)))
    fields = (
        Field(words, kind, high=9, ways=(words,)) for words, _, kind in (entry.partition(":") for entry in picked)
    )
    return [Col(table, naming.column(what.words), what, types.get(what.kind, "TEXT")) for what in fields]


_STAFF = ("employee", "worker", "agent", "sales rep", "technician", "nurse", "teacher", "developer", "doctor")
_RICH_TYPES = {
    "date": "DATE", "datetime": "TIMESTAMP", "flag": "BOOLEAN", "amt": "DECIMAL(12,2)", "money": "DECIMAL(10,2)",
    "rate": "DECIMAL(4,2)", "dec": "DECIMAL(8,2)", "qty": "INTEGER", "int": "SMALLINT", "year": "INTEGER",
}  # fmt: skip
_PLAIN_TYPES = {
    "date": "TEXT", "datetime": "TEXT", "flag": "INTEGER", "amt": "REAL", "money": "REAL", "rate": "REAL",
    "dec": "REAL", "qty": "INTEGER", "int": "INTEGER", "year": "INTEGER",
}  # fmt: skip


def _table(
    thing: Thing,
    tables: dict[str, Tab],
    naming: Naming,
    types: dict[str, str],
    is_declaring: bool,
    chance: random.Random,
) -> Tab:
    name = naming.table(thing.words, bool(thing.parents))
    if any(name.lower() == other.name.lower() for other in tables.values()):
        name += "2"
    table = Tab(thing, name, naming.key(thing.words))
    needed = {term for derived in thing.derived for term in derived.terms}
    for what in thing.fields:
        is_name = what.words in ("name", "title") or what.kind in ("person", "name")
        if is_name or what.words in needed or chance.random() < 0.85:
            table.columns += _columns(table, what, naming, types, chance)
    for parent in thing.parents:
        name = naming.reference(parent.role)
        # Words that are shortened may come out alike.
        if parent.thing in tables and name.lower() not in (
            table.key.lower(),
            *(link.name.lower() for link in table.links),
        ):
            table.links.append(Link(table, name, tables[parent.thing], parent.role, parent.verb, is_declaring))
    table.unasked = _unasked(table, naming, types, chance)
    way = chance.choice(("id", "number", "id"))
    table.number = Col(table, table.key, Field("id", "key", ways=(f"{thing.words} {way}", "id")), "INTEGER")
    taken = {table.key.lower(), *(link.name.lower() for link in table.links)}
    for columns in (table.columns, table.unasked):
        for column in list(columns):
            if column.name.lower() in taken:
                columns.remove(column)
            taken.add(column.name.lower())
    table.derived = list(thing.derived)
    if thing.words in _STAFF and not table.find("manager") and chance.random() < 0.5:
        role = chance.choice(("manager", "supervisor", "reports to", "boss"))
        name = naming.column(role) if role == "reports to" else naming.reference(role)
        word = "manager" if role == "reports to" else role
        table.superior = Link(table, name, table, word, "", is_declaring)
    return table


def _columns(table: Tab, what: Field, naming: Naming, types: dict[str, str], chance: random.Random) -> list[Col]:
    is_rich = types is _RICH_TYPES
    type_ = types.get(what.kind) or (chance.choice(("VARCHAR(40)", "VARCHAR(80)", "TEXT")) if is_rich else "TEXT")
    words = naming.described(what.words, what.kind)
    if what.kind == "person" and words == "name" and naming.case != "flat" and naming.named_columns:
        return [Col(table, naming.column(f"{part} name"), what, type_, pair=part) for part in ("first", "last")]
    if words in ("name", "title", "type", "status", "kind", "code") and naming.named_columns and chance.random() < 0.7:
        words = f"{table.thing.words} {words}"
    if what.kind == "flag":
        return [_flag(table, what, naming, types, chance)]
    name = naming.money(words) if what.kind in ("amt", "money") else naming.column(words)
    has_gaps = what.kind == "category" and chance.random() < 0.12
    if what.kind == "category" and chance.random() < 0.14:
        codes = _codes(what.values, chance)
        return [Col(table, name, what, type_ if isinstance(next(iter(codes)), str) else "INTEGER", codes=codes)]
    return [Col(table, name, what, type_, has_gaps=has_gaps)]


def _codes(values: tuple[str, ...], chance: random.Random) -> dict[object, str]:
    """Numbers, initials or short codes in place of words."""
    initials = ["".join(word[0] for word in value.split()).upper() for value in values]
    drawn = chance.random()
    if drawn < 0.5 and len(set(initials)) == len(values):
        return dict(zip(initials, values, strict=True))
    if drawn < 0.75:
        letters = [f"{value[:2].upper()}{number}" for number, value in enumerate(values, 1)]
        return dict(zip(letters, values, strict=True))
    first = chance.choice((0, 1, 1, 10))
    return dict(zip(range(first, first + len(values)), values, strict=True))


def _flag(table: Tab, what: Field, naming: Naming, types: dict[str, str], chance: random.Random) -> Col:
    yes, no, type_ = chance.choice(
        ((1, 0, types["flag"]), (1, 0, types["flag"]), ("Y", "N", "CHAR(1)"), ("yes", "no", "TEXT"))
    )
    words = chance.choice((what.words, f"is {what.words}", f"{what.words} flag"))
    return Col(table, naming.column(words), what, type_, yes=yes, no=no)


def _fill(world: World, chance: random.Random) -> None:
    last = date(chance.choice((2019, 2021, 2022, 2023, 2024, 2025, 2026)), chance.randint(1, 11), chance.randint(1, 28))
    first = last.replace(year=last.year - chance.randint(2, 6))
    has_codes = chance.random() < 0.2
    for table in world.tables:
        depth = _depth(table)
        count = (chance.randint(8, 40), chance.randint(30, 120), chance.randint(80, 260), chance.randint(150, 400))[
            depth
        ]
        names = {column.name: _distinct_names(column, count, chance) for column in table.columns}
        count = min([count, *(len(given) for given in names.values() if given)])
        for number in range(count):
            table.rows.append(_row(table, number, names, first, last, has_codes, chance))


def _depth(table: Tab) -> int:
    return 0 if not table.links else min(3, 1 + max(_depth(link.parent) for link in table.links))


def _distinct_names(column: Col, count: int, chance: random.Random) -> list[str]:
    if column.kind != "name" or column.what.is_repeated or (column.table.links and len(column.what.values) < 25):
        return []
    return chance.sample(column.what.values, min(count, len(column.what.values)))


def _row(
    table: Tab,
    number: int,
    names: dict[str, list[str]],
    first: date,
    last: date,
    has_codes: bool,
    chance: random.Random,
) -> Row:
    row: Row = {table.key: table.key_value(number + 1)} if table.key else {}
    who = cells.person(chance)
    city = chance.choice(tuple(cells.CITIES))
    begin: date | None = None
    for column in (*table.columns, *table.unasked):
        kind, what = column.kind, column.what
        if names.get(column.name):
            row[column.name] = names[column.name][number]
        elif kind == "person":
            row[column.name] = {"": " ".join(who), "first": who[0], "last": who[1]}[column.pair]
        elif kind in ("city", "country"):
            country = cells.CITIES[city]
            row[column.name] = city if kind == "city" else cells.COUNTRY_CODES[country] if has_codes else country
        elif what.is_date:
            begin, row[column.name] = _date(column, begin, first, last, chance)
        else:
            row[column.name] = _cell(column, last, chance)
        if kind == "person" and not column.pair:
            who = cells.person(chance)
    for link in table.links:
        row[link.name] = _reference(link, chance)
    if table.superior:
        # The first few lead the others; nobody leads the first.
        row[table.superior.name] = table.key_value(chance.randint(1, min(number, 5))) if number else None
    return row


def _date(
    column: Col, begin: date | None, first: date, last: date, chance: random.Random
) -> tuple[date | None, str | None]:
    if column.what.is_birth:
        return begin, cells.day(chance, date(1945, 1, 1), date(2004, 12, 31)).isoformat()
    if begin is not None and chance.random() < 0.15:
        return begin, None
    drawn = cells.day(chance, first, last) if begin is None else begin + timedelta(days=chance.randint(0, 40))
    shown = drawn.isoformat() + (f" {cells.clock(chance)}" if column.kind == "datetime" else "")
    return drawn, shown


def _cell(column: Col, last: date, chance: random.Random) -> object:
    what = column.what
    if what.is_number:
        return (
            None
            if what.kind == "dec" and chance.random() < 0.04
            else cells.number(chance, what.kind, what.low, what.high)
        )
    if what.kind == "flag":
        return column.yes if chance.random() < 0.45 else column.no
    if column.has_gaps and chance.random() < 0.15:
        return None
    if what.values:
        # Categories are not equally common.
        cells_of = tuple(column.codes) or what.values
        return cells_of[min(int(chance.expovariate(1) * len(cells_of) / 2.5), len(cells_of) - 1)]
    if what.kind == "year":
        return last.year - chance.randint(0, 60)
    if what.kind in ("email", "phone") and chance.random() < 0.1:
        return None
    if what.kind == "code":
        return cells.code(chance, "".join(word[0] for word in column.table.thing.words.upper().split()) + "K")
    if what.kind == "region":
        return chance.choice(cells.REGIONS)
    return {
        "company": cells.company, "email": cells.email, "phone": cells.phone, "address": cells.address,
        "text": cells.text,
    }[what.kind](chance)  # fmt: skip


def _reference(link: Link, chance: random.Random) -> int | str | None:
    """Some parents have many children, the last ones none; a few children have no parent."""
    if chance.random() < 0.03:
        return None
    reachable = max(2, int(len(link.parent.rows) * 0.85))
    return link.parent.key_value(min(int(chance.random() ** 1.4 * reachable), len(link.parent.rows) - 1) + 1)


def write_database(world: World, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    with sqlite3.connect(path) as connection:
        for table in world.tables:
            connection.execute(_ddl(table))
            names = list(table.rows[0])
            connection.executemany(
                f"INSERT INTO {table.sql} VALUES ({', '.join('?' * len(names))})",
                [[row[name] for name in names] for row in table.rows],
            )
    connection.close()


def _ddl(table: Tab) -> str:
    return f"CREATE TABLE {table.sql} (\n  " + ",\n  ".join(_ddl_lines(table)) + "\n)"


def _key_type(table: Tab) -> str:
    return "VARCHAR(10)" if table.key_prefix else "INTEGER"


def _ddl_lines(table: Tab) -> Iterator[str]:
    if table.key:
        yield f"{quoted(table.key)} {_key_type(table)} PRIMARY KEY"
    for column in (*table.columns, *table.unasked):
        yield f"{column.sql} {column.type}"
    links = [*table.links, *([table.superior] if table.superior else [])]
    for link in links:
        yield f"{quoted(link.name)} {_key_type(link.parent)}"
    for link in links:
        if link.is_declared:
            yield f"FOREIGN KEY ({quoted(link.name)}) REFERENCES {link.parent.sql} ({quoted(link.parent.key)})"
