"""What a question computes, and by what it groups."""

from __future__ import annotations

from training.synthesis.conditions import Conditions
from training.synthesis.said import Dimension, Measure, Path, quarter_of
from training.synthesis.worlds import Tab

GROUPING = ("category", "city", "country", "region")


class Asker(Conditions):
    """Everything that questions are built from: noun phrases with conditions, measures and dimensions."""

    def measure(self, table: Tab, *, is_total: bool = False) -> Measure | None:
        """Something computed over rows of ``table``; ``is_total`` asks for a sum or a count."""
        makers = [self._count_measure, self._sum_measure, self._sum_measure, self._derived, self._derived]
        makers += [self._priced] + ([] if is_total else [self._level, self._level, self._average])
        for maker in self.chance.sample(makers, len(makers)):
            found = maker(table)
            if found is not None and not (is_total and not found.is_total):
                self.computed.append(found)
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
        text = self.one_of(
            "revenue" if "price" in way else "cost",
            "total sales" if "price" in way else f"total {way}",
            f"total value at {way}",
            f"value of {self.plural(table)} at {way}",
            f"total {way} times {self.way(quantity)}",
            f"{self.way(quantity)} times {way}",
        )
        return Measure(f"SUM({quantity.full} * {price.full})", text, path, is_total=True)

    def measures(self, table: Tab, count: int) -> list[Measure]:
        found: dict[str, Measure] = {}
        for _ in range(4 * count):
            measure = self.measure(table)
            if measure and len(found) < count:
                found.setdefault(measure.sql, measure)
        return list(found.values())

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
        options = [(path, column) for path in paths for column in path[-1].parent.columns if column.kind in GROUPING]
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
        columns = [column for column in fact.columns if column.what.is_date and not column.what.is_birth]
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
