"""The parts that questions are built from: noun phrases with conditions, dimensions and measures, each with its SQL."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from training.synthesis import cells, phrases
from training.synthesis.worlds import Col, Link, Tab, World

Path = tuple[Link, ...]


@dataclass(frozen=True)
class Said:
    """A piece of SQL and how it is said. ``before`` and ``after`` stand around the noun; ``paths`` are joins it needs."""

    sql: str
    text: str = ""
    before: str = ""
    after: str = ""
    paths: tuple[Path, ...] = ()
    column: Col | None = None


@dataclass(frozen=True)
class Dimension:
    """What rows are grouped by: the columns shown and, where they do not tell groups apart, the key."""

    shown: tuple[str, ...]
    key: str
    text: str
    path: Path = ()
    is_time: bool = False


@dataclass(frozen=True)
class Measure:
    sql: str
    text: str
    path: Path = ()
    is_total: bool = False


def literal(value: object) -> str:
    return str(value) if isinstance(value, int | float) else "'" + str(value).replace("'", "''") + "'"


_FULL_COUNTRY = {code: country for country, code in cells.COUNTRY_CODES.items()}


class Asker:
    """Random choices about one database, all from ``chance``; nouns stay the same within one question."""

    def __init__(self, world: World, chance: random.Random) -> None:
        self.world = world
        self.chance = chance
        self._plurals: dict[int, str] = {}

    def begin(self) -> None:
        """Forget the nouns of the last question."""
        self._plurals.clear()

    def one_of(self, *ways: str) -> str:
        return self.chance.choice(ways)

    def maybe(self, probability: float) -> bool:
        return self.chance.random() < probability

    # Nouns

    def plural(self, table: Tab) -> str:
        return self._plurals.setdefault(id(table), self.chance.choice((table.thing.plurals[0], *table.thing.plurals)))

    def singular(self, table: Tab) -> str:
        plural = self.plural(table)
        return table.thing.words if plural == table.thing.plurals[0] else phrases.singular(plural)

    def way(self, column: Col) -> str:
        """What the column is called in talk."""
        if column.pair:
            return f"{column.pair} name"
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

    # Tables and paths

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

    # SQL

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

    # Conditions

    def filters(
        self,
        table: Tab,
        weights: Sequence[int] = (40, 45, 15),
        *,
        is_dated: bool = True,
        apart: Dimension | None = None,
    ) -> list[Said]:
        """Conditions, none of them on what the rows are grouped by (``apart``)."""
        grouped = () if apart is None or apart.is_time else apart.shown
        count = self.chance.choices(range(len(weights)), weights)[0]
        found: list[Said] = []
        used: set[Col | None] = set()
        for _ in range(4 * count):
            if len(found) == count:
                break
            said = self.filter(table, is_dated=is_dated)
            if said and said.column not in used and not any(shown in said.sql for shown in grouped):
                used.add(said.column)
                found.append(said)
        return sorted(found, key=lambda said: bool(said.paths), reverse=True)

    def filter(self, table: Tab, *, is_dated: bool = True) -> Said | None:
        path = self.a_path(table)
        if path is None or self.maybe(0.6):
            return self.own_filter(table, is_dated=is_dated)
        return self.parent_filter(path)

    def parent_filter(self, path: Path) -> Said | None:
        """A condition on something that the rows belong to: "orders of customers from Germany"."""
        parent = path[-1].parent
        if parent.display and self.maybe(0.45):
            return self._named_parent(path)
        inner = self.own_filter(parent, is_dated=self.maybe(0.3))
        if inner is None:
            return None
        noun = self._noun(inner, self.plural(parent))
        link = path[-1]
        word = (
            link.verb
            if link.verb.endswith((" by", " to", " from")) and len(path) == 1
            else self.one_of("of", "for", "of")
        )
        return Said(inner.sql, inner.text, "", f"{word} {noun}", (path, *inner.paths), inner.column)

    def _named_parent(self, path: Path) -> Said | None:
        parent = path[-1].parent
        row = self.chance.choice(parent.rows[: max(1, int(len(parent.rows) * 0.8))])
        display = parent.display
        if any(row[column.name] is None for column in display):
            return None
        written = " ".join(str(row[column.name]) for column in display)
        sql = " AND ".join(f"{column.full} = {literal(row[column.name])}" for column in display)
        link = path[-1]
        if link.verb.endswith((" by", " to", " from")) and len(path) == 1:
            after = f"{link.verb} {self.value(written)}"
        else:
            role = self.role(path)
            after = self.one_of(f"for {role} {{}}", f"of {role} {{}}", "for {}", "of {}", f"where the {role} is {{}}")
            after = after.format(self.value(written))
        return Said(sql, written, "", after, (path,), display[0])

    def value(self, text: str) -> str:
        """A cell as people write it: as it is, now and then in quotes or in lower case."""
        chosen = self.chance.random()
        if chosen < 0.1:
            return f"'{text}'" if "'" not in text else f'"{text}"'
        if chosen < 0.14:
            return f'"{text}"'
        return text.lower() if chosen > 0.9 else text

    def own_filter(self, table: Tab, *, is_dated: bool = True) -> Said | None:
        columns = [column for column in table.columns if not column.pair and (is_dated or not column.what.is_date)]
        weighted = [column for column in columns for _ in range(_WEIGHTS.get(column.kind, 1))]
        if not weighted:
            return None
        column = self.chance.choice(weighted)
        makers = {
            "category": self._category, "flag": self._flag, "city": self._place, "country": self._place,
            "region": self._place, "date": self._dated, "datetime": self._dated,
        }  # fmt: skip
        if column.kind in makers:
            said = makers[column.kind](column)
        elif column.what.is_number or column.kind == "year":
            said = self._number(column)
        else:
            said = self._text(column)
        return replace(said, column=column) if said else None

    def _category(self, column: Col) -> Said | None:
        values = column.values()
        if len(values) < 2:
            return None
        one, other = (str(value) for value in self.chance.sample(values[:5], 2))
        way = self.way(column)
        said = self.value(one)
        chosen = self.chance.random()
        if chosen < 0.12:
            after = self.one_of(f"with {way} {said} or {self.value(other)}", f"whose {way} is {said} or {other}")
            return Said(f"{column.full} IN ({literal(one)}, {literal(other)})", way, after=after)
        if chosen < 0.22:
            after = self.one_of(
                f"whose {way} is not {said}", f"with a {way} other than {said}", f"excluding {way} {said}"
            )
            return Said(f"{column.full} <> {literal(one)}", way, after=after)
        sql = f"{column.full} = {literal(one)}"
        if column.what.is_adjective and self.maybe(0.6):
            return Said(sql, way, before=one.lower() if self.maybe(0.8) else one)
        if self.maybe(0.3):
            return Said(sql, way, before=said)
        after = self.one_of(
            f"with {way} {said}",
            f"whose {way} is {said}",
            f"where {way} is {said}",
            f"of {way} {said}",
            f"with {said} {way}",
        )
        return Said(sql, way, after=after)

    def _flag(self, column: Col) -> Said:
        is_yes = self.maybe(0.6)
        word = column.what.ways[0 if is_yes else -1]
        if len(column.what.ways) == 1 and not is_yes:
            word = f"not {word}"
        sql = f"{column.full} = {literal(column.yes if is_yes else column.no)}"
        if " " not in word:
            place = self.chance.random()
            if place < 0.6:
                return Said(sql, column.name, before=word)
            return Said(sql, column.name, after=f"that are {word}" if place < 0.85 else f"which are {word}")
        is_phrase = word.split()[0] in ("with", "without", "on", "in", "from", "behind", "requiring", "paid", "put")
        return Said(sql, column.name, after=word if is_phrase else f"that are {word}")

    def _place(self, column: Col) -> Said | None:
        values = column.values()
        if not values:
            return None
        value = str(self.chance.choice(values[:12]))
        sql = f"{column.full} = {literal(value)}"
        country = _FULL_COUNTRY.get(value, value)
        adjective = phrases.demonym(country)
        if column.kind == "country" and adjective and column.what.words == "country" and self.maybe(0.2):
            return Said(sql, value, before=adjective)
        if self.maybe(0.12):
            return Said(
                f"{column.full} <> {literal(value)}",
                value,
                after=f"outside {country}" if self.maybe(0.5) else f"not in {country}",
            )
        said = self.value(country)
        if column.what.words in ("city", "country", "region", "location"):
            return Said(
                sql, value, after=self.one_of(f"from {said}", f"in {said}", f"based in {said}", f"located in {said}")
            )
        way = self.way(column)
        return Said(sql, value, after=self.one_of(f"with {way} {said}", f"whose {way} is {said}"))

    def _number(self, column: Col) -> Said | None:
        numbers = [value for value in column.values() if isinstance(value, int | float)]
        if len(numbers) < 4:
            return None
        way = self.way(column)
        bound = _round(sorted(numbers)[int(len(numbers) * self.chance.uniform(0.2, 0.85))])
        said = phrases.written_number(bound, self.chance)
        comparison, ways = self.chance.choice(_COMPARISONS)
        if column.kind == "year":
            sql = f"{column.full} {comparison} {bound}"
            years = {">": f"{way} after {bound}", "<": f"{way} before {bound}", ">=": f"{way} in {bound} or later"}
            years["<="] = f"{way} in {bound} or earlier"
            return Said(sql, way, after=years[comparison])
        if self.maybe(0.15):
            other = _round(bound * self.chance.choice((1.5, 2, 3)) + (1 if bound < 2 else 0))
            other = round(other) if column.kind in ("int", "qty") else other
            after = f"with {way} between {said} and {phrases.written_number(other, self.chance)}"
            return Said(f"{column.full} BETWEEN {bound} AND {other}", way, after=after)
        if column.what.kind == "qty" and self.maybe(0.5):
            counted = {">": "more than", "<": "fewer than", ">=": "at least", "<=": "at most"}
            return Said(f"{column.full} {comparison} {bound}", way, after=f"with {counted[comparison]} {said} {way}")
        word = self.chance.choice(ways)
        after = self.one_of(
            f"with {way} {word} {said}", f"whose {way} is {word} {said}", f"where {way} is {word} {said}"
        )
        return Said(f"{column.full} {comparison} {bound}", way, after=after)

    def _text(self, column: Col) -> Said | None:
        values = [str(value) for value in column.values()]
        if not values:
            return None
        value = self.chance.choice(values)
        way = self.way(column)
        if column.kind in ("text", "company", "name", "person", "email") and self.maybe(0.7):
            return self._pattern(column, way, value)
        return Said(f"{column.full} = {literal(value)}", way, after=self.one_of(
            f"with {way} {self.value(value)}", f"whose {way} is {self.value(value)}", f"with the {way} {self.value(value)}"
        ))  # fmt: skip

    def _pattern(self, column: Col, way: str, value: str) -> Said:
        value = value.replace("'", "")
        word = self.chance.choice([part for part in value.split() if part.isalpha()] or [value[:4]])
        chosen = self.chance.random()
        if chosen < 0.5:
            said = self.one_of(f"whose {way} contains '{word}'", f"with '{word}' in the {way}", f"with {word} in their {way}",
                               f"whose {way} includes the word {word}")  # fmt: skip
            return Said(f"{column.full} LIKE '%{word}%'", way, after=said)
        letters = value[: self.chance.randint(1, 3)].strip()
        said = self.one_of(f"whose {way} starts with '{letters}'", f"whose {way} begins with {letters}",
                           f"with a {way} starting with {letters}")  # fmt: skip
        if chosen < 0.85:
            return Said(f"{column.full} LIKE '{letters}%'", way, after=said)
        ending = value[-2:].strip()
        return Said(f"{column.full} LIKE '%{ending}'", way, after=f"whose {way} ends with '{ending}'")

    def _dated(self, column: Col) -> Said | None:
        days = sorted(str(value)[:10] for value in column.values())
        if len(days) < 4:
            return None
        verb = self.chance.choice(column.what.ways)
        if column.what.words == verb:
            verb = f"with {verb}"
        if len(days) < len(column.table.rows) * 0.97 and any(row[column.name] is None for row in column.table.rows):
            if self.maybe(0.15):
                return Said(f"{column.full} IS NULL", verb, after=self.one_of(
                    f"that are not {verb} yet", f"not yet {verb}", f"without a {column.what.words}",
                    f"with no {column.what.words}", f"where {column.what.words} is missing"))  # fmt: skip
            if self.maybe(0.06):
                return Said(f"{column.full} IS NOT NULL", verb, after=f"that have a {column.what.words}")
        period = self.period(
            column, date.fromisoformat(self.chance.choice(days[len(days) // 10 : -max(1, len(days) // 10)]))
        )
        return Said(period.sql, verb, after=f"{verb} {period.text}")

    def period(self, column: Col, day: date) -> Said:
        """A stretch of time around ``day``: a year, month, quarter, open or closed range, or one that ends today."""
        makers = [self._year] * 8 + [self._month] * 4 + [self._range] * 6 + [self._quarter] * 2 + [self._recent] * 3
        makers += [self._years, self._month_of_any_year]
        return self.chance.choice(makers)(column.full, column.kind == "datetime", day)

    def _year(self, full: str, is_timed: bool, day: date) -> Said:
        text = self.one_of(f"in {day.year}", f"in {day.year}", f"during {day.year}", f"in the year {day.year}")
        return Said(f"strftime('%Y', {full}) = '{day.year}'", text)

    def _years(self, full: str, is_timed: bool, day: date) -> Said:
        last = day.year + self.chance.randint(1, 2)
        text = self.one_of(f"between {day.year} and {last}", f"from {day.year} to {last}")
        return Said(f"strftime('%Y', {full}) BETWEEN '{day.year}' AND '{last}'", text)

    def _month(self, full: str, is_timed: bool, day: date) -> Said:
        month = phrases.MONTHS[day.month - 1]
        text = self.one_of(f"in {month} {day.year}", f"in {month} {day.year}", f"in {month[:3]} {day.year}",
                           f"during {month} of {day.year}")  # fmt: skip
        return Said(f"strftime('%Y-%m', {full}) = '{day:%Y-%m}'", text)

    def _month_of_any_year(self, full: str, is_timed: bool, day: date) -> Said:
        text = self.one_of(f"in {phrases.MONTHS[day.month - 1]}", f"in the month of {phrases.MONTHS[day.month - 1]}")
        return Said(f"strftime('%m', {full}) = '{day:%m}'", text)

    def _quarter(self, full: str, is_timed: bool, day: date) -> Said:
        quarter = (day.month + 2) // 3
        names = ("first", "second", "third", "fourth")
        text = self.one_of(f"in Q{quarter} {day.year}", f"in the {names[quarter - 1]} quarter of {day.year}")
        return Said(f"strftime('%Y', {full}) = '{day.year}' AND {quarter_of(full)} = {quarter}", text)

    def _range(self, full: str, is_timed: bool, day: date) -> Said:
        written = phrases.written_day(day, self.chance)
        chosen = self.chance.randint(0, 7)
        if chosen == 7:
            return Said(f"date({full}) = '{day}'" if is_timed else f"{full} = '{day}'", f"on {written}")
        if chosen == 0:
            text = self.one_of(f"after {day.year}", f"after the year {day.year}")
            return Said(f"strftime('%Y', {full}) > '{day.year}'", text)
        if chosen == 1:
            return Said(f"strftime('%Y', {full}) < '{day.year}'", f"before {day.year}")
        if chosen == 2:
            return Said(
                f"strftime('%Y', {full}) >= '{day.year}'", self.one_of(f"since {day.year}", f"from {day.year} on")
            )
        if chosen == 3:
            return Said(f"{full} < '{day}'", f"before {written}")
        if chosen == 4:
            return Said(
                f"{full} >= '{day}'", self.one_of(f"since {written}", f"on or after {written}", f"from {written} on")
            )
        if chosen == 5 and not is_timed:
            return Said(f"{full} > '{day}'", f"after {written}")
        end = date.fromordinal(day.toordinal() + self.chance.randint(20, 400))
        text = self.one_of("between {} and {}", "from {} to {}").format(written, phrases.written_day(end, self.chance))
        return Said(f"{f'date({full})' if is_timed else full} BETWEEN '{day}' AND '{end}'", text)

    def _recent(self, full: str, is_timed: bool, day: date) -> Said:
        number = self.chance.choice((7, 14, 30, 60, 90, 3, 6, 12))
        unit = "days" if number in (7, 14, 30, 60, 90) else "months"
        now = "CAST(strftime('%Y', 'now') AS INTEGER)"
        year = f"CAST(strftime('%Y', {full}) AS INTEGER)"
        return self.chance.choice(
            (
                Said(f"{full} >= date('now', '-{number} {unit}')", self.one_of(f"in the last {number} {unit}",
                     f"in the past {number} {unit}", f"within the last {number} {unit}")),
                Said(f"{full} >= date('now', '-{number} {unit}')", f"over the last {number} {unit}"),
                Said(f"{year} = {now} - 1", "last year"),
                Said(f"{year} = {now}", "this year"),
                Said(f"strftime('%Y-%m', {full}) = strftime('%Y-%m', date('now', '-1 month'))", "last month"),
                Said(f"strftime('%Y-%m', {full}) = strftime('%Y-%m', 'now')", "this month"),
            )
        )  # fmt: skip

    # Noun phrases

    def noun(self, table: Tab, filters: Sequence[Said]) -> str:
        """``cancelled orders of customers from Germany placed in 2021``."""
        before = " ".join(said.before for said in filters if said.before)
        after = [said.after for said in filters if said.after]
        glue = " and " if len(after) > 1 and all(part.startswith("whose") for part in after) else " "
        return f"{before} {self.plural(table)} {glue.join(after)}".strip()

    @staticmethod
    def _noun(said: Said, plural: str) -> str:
        return f"{said.before} {plural} {said.after}".strip()

    # Measures

    def measure(self, table: Tab, *, is_total: bool = False) -> Measure | None:
        """Something computed over rows of ``table``; ``is_total`` asks for a sum or a count."""
        makers = [self._count_measure, self._sum_measure, self._sum_measure, self._derived, self._derived]
        makers += [self._priced] + ([] if is_total else [self._level, self._level, self._average])
        for maker in self.chance.sample(makers, len(makers)):
            found = maker(table)
            if found is not None and not (is_total and not found.is_total):
                return found
        return None

    def _count_measure(self, table: Tab) -> Measure:
        plural = self.plural(table)
        ways = (
            f"number of {plural}",
            f"number of {plural}",
            f"count of {plural}",
            f"{self.singular(table)} count",
            f"total number of {plural}",
        )
        return Measure("COUNT(*)", self.one_of(*ways), is_total=True)

    def _sum_measure(self, table: Tab) -> Measure | None:
        columns = [column for column in table.columns if column.what.is_summed]
        if not columns:
            return None
        column = self.chance.choice(columns)
        way = self.way(column)
        text = self.one_of(f"total {way}", f"total {way}", f"sum of {way}", f"overall {way}", f"combined {way}", way)
        return Measure(
            f"SUM({column.full})",
            text.replace("total total", "total").replace("overall total", "overall"),
            is_total=True,
        )

    def _average(self, table: Tab) -> Measure | None:
        columns = [column for column in table.columns if column.what.is_number]
        if not columns:
            return None
        column = self.chance.choice(columns)
        way = self.way(column)
        return Measure(
            f"AVG({column.full})", self.one_of(f"average {way}", f"mean {way}", f"avg {way}", f"average {way}")
        )

    def _level(self, table: Tab) -> Measure | None:
        columns = [column for column in table.columns if column.what.is_number]
        if not columns:
            return None
        column = self.chance.choice(columns)
        way = self.way(column)
        if self.maybe(0.5):
            return Measure(
                f"MAX({column.full})", self.one_of(f"highest {way}", f"maximum {way}", f"max {way}", f"largest {way}")
            )
        return Measure(
            f"MIN({column.full})", self.one_of(f"lowest {way}", f"minimum {way}", f"min {way}", f"smallest {way}")
        )

    def _derived(self, table: Tab) -> Measure | None:
        if not table.derived:
            return None
        derived = self.chance.choice(table.derived)
        columns = {term: table.find(term) for term in derived.terms if term not in "*-+/()1"}
        if any(column is None for column in columns.values()):
            return None
        words = [getattr(columns.get(term), "full", term) for term in derived.terms]
        text = self.chance.choice(derived.ways)
        if derived.is_ratio:
            return Measure(
                f"SUM({words[0]}) * 1.0 / SUM({words[2]})", self.one_of(text, f"overall {text}", f"average {text}")
            )
        body = " ".join(words).replace("( ", "(").replace(" )", ")")
        if self.maybe(0.2):
            return Measure(f"AVG({body})", f"average {text}")
        return Measure(
            f"SUM({body})",
            self.one_of(text, f"total {text}", f"total {text}").replace("total total", "total"),
            is_total=True,
        )

    def _priced(self, table: Tab) -> Measure | None:
        """A quantity here times a price one step up: the value of what was sold or is in stock."""
        quantities = [
            c
            for c in table.columns
            if c.what.kind == "qty" and c.what.words in ("quantity", "quantity on hand", "units")
        ]
        prices = [
            (column, (link,))
            for link in table.links
            for column in link.parent.columns
            if column.what.kind == "money" and ("price" in column.what.words or "cost" in column.what.words)
        ]
        if not quantities or not prices:
            return None
        price, path = self.chance.choice(prices)
        quantity = quantities[0]
        way = self.way(price)
        text = self.one_of(f"total value at {way}", f"value of {self.plural(table)} at {way}", f"total {way} times {self.way(quantity)}",
                           f"{self.way(quantity)} times {way}")  # fmt: skip
        return Measure(f"SUM({quantity.full} * {price.full})", text, path, is_total=True)

    def measures(self, table: Tab, count: int) -> list[Measure]:
        found: dict[str, Measure] = {}
        for _ in range(4 * count):
            measure = self.measure(table)
            if measure and len(found) < count:
                found.setdefault(measure.sql, measure)
        return list(found.values())

    # Dimensions

    def dimension(self, fact: Tab, *, is_timed: bool = True, is_named: bool = True) -> Dimension | None:
        makers = [self._own_dimension, self._own_dimension]
        makers += [self._parent_dimension, self._parent_dimension, self._parent_attribute] if is_named else []
        makers += [self.time_dimension] if is_timed else []
        for maker in self.chance.sample(makers, len(makers)):
            found = maker(fact)
            if found is not None:
                return found
        return None

    def _own_dimension(self, fact: Tab) -> Dimension | None:
        columns = [column for column in fact.columns if column.kind in GROUPING or column.what.is_repeated]
        if not columns:
            return None
        column = self.chance.choice(columns)
        way = self.way(column)
        text = way if column.what.is_repeated or self.maybe(0.75) else f"{self.singular(fact)} {way}"
        return Dimension((column.full,), column.full, text)

    def _parent_attribute(self, fact: Tab) -> Dimension | None:
        paths = self.paths(fact)
        options = [(path, column) for path in paths for column in path[-1].parent.columns
                   if column.kind in GROUPING]  # fmt: skip
        if not options:
            return None
        path, column = self.chance.choice(options)
        return Dimension((column.full,), column.full, f"{self.role(path)} {self.way(column)}", path)

    def _parent_dimension(self, fact: Tab) -> Dimension | None:
        path = self.a_path(fact, is_named=True)
        if path is None:
            return None
        return self.thing_dimension(path)

    def thing_dimension(self, path: Path) -> Dimension:
        """Grouped by the rows of a table: shown by name, told apart by key where names may be the same."""
        parent = path[-1].parent
        is_person = any(column.kind == "person" for column in parent.display)
        shown = tuple(self.shown(parent))
        key = parent.key_full if is_person else ", ".join(shown)
        return Dimension(shown, key, self.role(path), path)

    def time_dimension(self, fact: Tab, *, is_ordered: bool = False) -> Dimension | None:
        """``is_ordered`` asks for a single key in which time runs on."""
        columns = [column for column in fact.columns if column.what.is_date]
        if not columns:
            return None
        full = columns[0].full
        sql, text = self.chance.choice(
            (
                (f"strftime('%Y', {full})", "year"),
                (f"strftime('%Y', {full})", "year"),
                (f"strftime('%Y-%m', {full})", "month"),
                (f"strftime('%Y-%m', {full})", "month"),
                (f"strftime('%Y-%m', {full})", "month"),
                (quarter_of(full), "quarter"),
                (f"strftime('%w', {full})", "weekday"),
                (
                    f"strftime('%H', {full})" if columns[0].kind == "datetime" else f"strftime('%m', {full})",
                    "hour" if columns[0].kind == "datetime" else "month of the year",
                ),
                (f"date({full})", "day"),
            )
            if not is_ordered
            else ((f"strftime('%Y', {full})", "year"), (f"strftime('%Y-%m', {full})", "month"))
        )
        if text == "quarter":
            year = f"strftime('%Y', {full})"
            return Dimension((year, sql), f"{year}, {sql}", text, is_time=True)
        return Dimension((sql,), sql, text, is_time=True)


GROUPING = ("category", "city", "country", "region")


def quarter_of(full: str) -> str:
    return f"(CAST(strftime('%m', {full}) AS INTEGER) + 2) / 3"


def _round(number: float) -> float | int:
    """A number as people ask for it."""
    if number > 1000:
        return round(number, -2 if number < 10_000 else -3)
    if number > 20 or number == int(number):
        return round(number)
    return round(number, 1)


_WEIGHTS = {
    "category": 4,
    "flag": 3,
    "city": 3,
    "country": 4,
    "date": 5,
    "datetime": 4,
    "region": 3,
    "amt": 2,
    "qty": 2,
}
_TAKINGS = ("amount", "total", "total price", "total charge", "paid price", "sale price", "total value", "net amount")
_TAKINGS_WAYS = ("revenue", "sales", "turnover", "income", "sales amount")
_COMPARISONS = (
    (">", ("above", "over", "greater than", "more than", "higher than", "exceeding")),
    (">", ("above", "over", "greater than", "more than")),
    ("<", ("below", "under", "less than", "lower than")),
    (">=", ("of at least", "at least", "no less than")),
    ("<=", ("of at most", "at most", "no more than", "up to")),
)
