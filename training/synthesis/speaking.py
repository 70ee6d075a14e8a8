"""Nouns, ways through the tables, and the SQL of a plain SELECT."""

from __future__ import annotations

import random
from collections.abc import Sequence

from training.synthesis import phrases
from training.synthesis.said import Measure, Path, Said
from training.synthesis.worlds import Col, Tab, World

_TAKINGS = ("amount", "total", "total price", "total charge", "paid price", "sale price", "total value", "net amount")


_TAKINGS_WAYS = ("revenue", "sales", "turnover", "income", "sales amount")


class Speaker:
    """Random choices about one database, all from ``chance``; nouns stay the same within one question."""

    def __init__(self, world: World, chance: random.Random) -> None:
        self.world = world
        self.chance = chance
        self._plurals: dict[int, str] = {}
        self.conditions: list[Said] = []
        self.computed: list[Measure] = []
        self.notes: list[str] = []

    def begin(self) -> None:
        """Forget the nouns of the last question, and what was thought of for it."""
        self._plurals.clear()
        for thoughts in (self.conditions, self.computed, self.notes):
            thoughts.clear()

    def one_of(self, *ways: str) -> str:
        return self.chance.choice(ways)

    def maybe(self, probability: float) -> bool:
        return self.chance.random() < probability

    def plural(self, table: Tab) -> str:
        return self._plurals.setdefault(id(table), self.chance.choice((table.thing.plurals[0], *table.thing.plurals)))

    def singular(self, table: Tab) -> str:
        plural = self.plural(table)
        return table.thing.words if plural == table.thing.plurals[0] else phrases.singular(plural)

    def way(self, column: Col) -> str:
        """What the column is called in talk."""
        if column.pair:
            return f"{column.pair} name"
        if column.kind == "key":
            return self.chance.choice(column.what.ways)
        if column.what.is_date and column.what.words.endswith((" on", " at")):
            stem = column.what.words[:-3]
            return self.chance.choice((f"{stem} date", f"date {stem}", column.what.words, f"{stem} date"))
        if column.kind == "flag" or column.what.is_date:
            return column.what.words
        ways = column.what.ways
        if column.kind == "amt" and column.what.words in _TAKINGS and not column.table.derived and self.maybe(0.35):
            ways = _TAKINGS_WAYS
        return self.chance.choice((ways[0], *ways))

    def way_from(self, column: Col, fact: Tab) -> str:
        if column.table is fact:
            return self.way(column)
        if column in column.table.display:
            return self.singular(column.table)
        return f"{self.singular(column.table)} {self.way(column)}" if self.maybe(0.5) else self.way(column)

    def role(self, path: Path) -> str:
        """The name of a thing as seen from the table where the path begins."""
        last = path[-1]
        return last.role if last.role != last.parent.thing.words else self.singular(last.parent)

    def value(self, text: str) -> str:
        """A cell as people write it: as it is, now and then in quotes or in lower case."""
        chosen = self.chance.random()
        if chosen < 0.1:
            return f"'{text}'" if "'" not in text else f'"{text}"'
        if chosen < 0.14:
            return f'"{text}"'
        return text.lower() if chosen > 0.9 else text

    def paths(self, fact: Tab) -> list[Path]:
        """Ways up from ``fact``, the shortest to each table; tables with two shortest ways only by their roles."""
        found: list[Path] = [(link,) for link in fact.links]
        reached = {link.parent for link in fact.links}
        frontier = list(found)
        while frontier:
            longer = [(*path, link) for path in frontier for link in path[-1].parent.links]
            frontier = [path for path in longer if path[-1].parent not in reached and path[-1].parent is not fact]
            found += frontier
            reached |= {path[-1].parent for path in frontier}
        ends = [path[-1].parent for path in found]
        return [path for path in found if ends.count(path[-1].parent) == 1]

    def facts(self) -> list[Tab]:
        return [table for table in self.world.tables if self.paths(table)]

    def a_fact(self) -> Tab | None:
        facts = self.facts()
        return self.chance.choice(facts) if facts else None

    def a_table(self) -> Tab:
        return self.chance.choice(self.world.tables)

    def a_path(self, fact: Tab, *, is_named: bool = False) -> Path | None:
        paths = [path for path in self.paths(fact) if path[-1].parent.display or not is_named]
        return self.chance.choice(paths) if paths else None

    def source(self, table: Tab, paths: Sequence[Path], kind: str = "JOIN") -> str:
        links = dict.fromkeys(link for path in paths for link in path)
        return " ".join([table.sql, *(f"{kind} {link.parent.sql} ON {link.join}" for link in links)])

    def select(
        self,
        items: Sequence[str],
        table: Tab,
        paths: Sequence[Path] = (),
        where: Sequence[str] = (),
        tail: str = "",
    ) -> str:
        paths = [path for path in paths if path]
        conditions = f" WHERE {' AND '.join(where)}" if where else ""
        sql = f"SELECT {', '.join(items)} FROM {self.source(table, paths)}{conditions}{' ' + tail if tail else ''}"
        return sql if paths or " FROM " in sql[sql.index(" FROM ") + 6 :] else sql.replace(f"{table.sql}.", "")

    def shown(self, table: Tab) -> list[str]:
        return [column.full for column in table.display]
