"""Conditions on rows and the noun phrases that say them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from training.synthesis import cells, phrases
from training.synthesis.periods import Periods
from training.synthesis.said import Dimension, Path, Said, literal
from training.synthesis.worlds import Col, Tab

_FULL_COUNTRY = {code: country for country, code in cells.COUNTRY_CODES.items()}


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


_COMPARISONS = (
    (">", ("above", "over", "greater than", "more than", "higher than", "exceeding")),
    (">", ("above", "over", "greater than", "more than")),
    ("<", ("below", "under", "less than", "lower than")),
    (">=", ("of at least", "at least", "no less than")),
    ("<=", ("of at most", "at most", "no more than", "up to")),
)


class Conditions(Periods):
    """What rows a question is about: "cancelled orders of customers from Germany placed in 2021"."""

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

    def own_filter(self, table: Tab, *, is_dated: bool = True) -> Said | None:
        columns = [column for column in table.columns if not column.pair and (is_dated or not column.what.is_date)]
        weighted = [column for column in columns for _ in range(_WEIGHTS.get(column.kind, 1))]
        if not weighted:
            return None
        column = self.chance.choice(weighted)
        makers = {
            "category": self._category,
            "flag": self._flag,
            "city": self._place,
            "country": self._place,
            "region": self._place,
            "date": self.dated,
            "datetime": self.dated,
        }
        if column.kind in makers:
            said = makers[column.kind](column)
        elif column.what.is_number or column.kind == "year":
            said = self._number(column)
        else:
            said = self._missing(column) or self._text(column)
        if said is None:
            return None
        said = replace(said, column=column)
        self.conditions.append(said)
        return said

    def _missing(self, column: Col) -> Said | None:
        """Now and then, where some cells are empty: "without an email address"."""
        if self.maybe(0.5) or all(row[column.name] is not None for row in column.table.rows):
            return None
        way = self.way(column)
        if self.maybe(0.25):
            return Said(
                f"{column.full} IS NOT NULL", way, after=self.one_of(f"with a known {way}", f"that have a {way}")
            )
        return Said(
            f"{column.full} IS NULL",
            way,
            after=self.one_of(
                f"without a {way}",
                f"that have no {way}",
                f"with no {way} on file",
                f"whose {way} is missing",
                f"whose {way} is not known",
                f"where no {way} is given",
            ),
        )

    def _category(self, column: Col) -> Said | None:
        values = column.values()
        if len(values) < 2:
            return None
        if column.codes and self.maybe(0.8):
            return self._coded(column)
        one, other = self.chance.sample(values[:5], 2)
        way = self.way(column)
        said = self.value(str(one))
        chosen = self.chance.random()
        if chosen < 0.12:
            after = self.one_of(
                f"with {way} {said} or {self.value(str(other))}",
                f"whose {way} is {said} or {other}",
                f"whose {way} is either {said} or {other}",
            )
            return Said(f"{column.full} IN ({literal(one)}, {literal(other)})", way, after=after)
        if chosen < 0.22:
            after = self.one_of(
                f"whose {way} is not {said}", f"with a {way} other than {said}", f"excluding {way} {said}"
            )
            return Said(f"{column.full} <> {literal(one)}", way, after=after)
        sql = f"{column.full} = {literal(one)}"
        if isinstance(one, str) and column.what.is_adjective and not column.codes and self.maybe(0.6):
            return Said(sql, way, before=one.lower() if self.maybe(0.8) else one)
        if self.maybe(0.3) and not column.codes:
            return Said(sql, way, before=said)
        after = self.one_of(
            f"with {way} {said}",
            f"whose {way} is {said}",
            f"where {way} is {said}",
            f"of {way} {said}",
            f"with {said} {way}",
        )
        return Said(sql, way, after=after)

    def _coded(self, column: Col) -> Said:
        """The word for which the database has a code."""
        code = self.chance.choice(column.values()[:5])
        word, way = column.codes[code], self.way(column)
        sql = f"{column.full} = {literal(code)}"
        if column.what.is_adjective or self.maybe(0.4):
            return Said(sql, word, before=word.lower(), is_coded=True)
        after = self.one_of(f"with {way} {word}", f"whose {way} is {word}", f"of the {way} {word}")
        return Said(sql, word, after=after, is_coded=True)

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
            years[">="] = self.one_of(years[">="], f"{way} in or after {bound}", f"{way} {bound} or after")
            years["<="] = self.one_of(
                f"{way} in {bound} or earlier", f"{way} {bound} or before", f"{way} up to {bound}"
            )
            return Said(sql, way, after=years[comparison])
        if self.maybe(0.15):
            other = _round(bound * self.chance.choice((1.5, 2, 3)) + (1 if bound < 2 else 0))
            other = round(other) if column.kind in ("int", "qty") else other
            after = f"with {way} between {said} and {phrases.written_number(other, self.chance)}"
            return Said(f"{column.full} BETWEEN {bound} AND {other}", way, after=after)
        if column.what.kind == "qty" and self.maybe(0.5):
            counted = {">": "more than", "<": "fewer than", ">=": "at least", "<=": "at most"}
            return Said(f"{column.full} {comparison} {bound}", way, after=f"with {counted[comparison]} {said} {way}")
        compared = _comparatives(column)[0 if comparison == ">" else 1] if comparison in "<>" else ""
        if compared and self.maybe(0.5):
            return Said(f"{column.full} {comparison} {bound}", way, after=f"that are {compared} than {said}")
        if comparison in (">=", "<=") and self.maybe(0.3):
            more = self.one_of("or more", "or higher", "or above") if comparison == ">=" else "or less"
            return Said(f"{column.full} {comparison} {bound}", way, after=f"with {way} of {said} {more}")
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
        return Said(
            f"{column.full} = {literal(value)}",
            way,
            after=self.one_of(
                f"with {way} {self.value(value)}",
                f"whose {way} is {self.value(value)}",
                f"with the {way} {self.value(value)}",
            ),
        )

    def _pattern(self, column: Col, way: str, value: str) -> Said:
        value = value.replace("'", "")
        word = self.chance.choice([part for part in value.split() if part.isalpha()] or [value[:4]])
        chosen = self.chance.random()
        if chosen < 0.5:
            said = self.one_of(
                f"whose {way} contains '{word}'",
                f"with '{word}' in the {way}",
                f"with {word} in their {way}",
                f"whose {way} includes the word {word}",
            )
            return Said(f"{column.full} LIKE '%{word}%'", way, after=said)
        if chosen < 0.65:
            return self._other_pattern(column, way, word)
        letters = value[: self.chance.randint(1, 3)].strip()
        said = self.one_of(
            f"whose {way} starts with '{letters}'",
            f"whose {way} begins with {letters}",
            f"with a {way} starting with {letters}",
        )
        if chosen < 0.9:
            return Said(f"{column.full} LIKE '{letters}%'", way, after=said)
        ending = value[-2:].strip()
        return Said(f"{column.full} LIKE '%{ending}'", way, after=f"whose {way} ends with '{ending}'")

    def _other_pattern(self, column: Col, way: str, word: str) -> Said:
        """A text that does not hold a word, or that holds a letter, or does not."""
        letter = word[0]
        if self.maybe(0.3):
            after = self.one_of(f"with the letter {letter} in their {way}", f"whose {way} has the letter '{letter}'")
            return Said(f"{column.full} LIKE '%{letter}%'", way, after=after)
        part = word if self.maybe(0.6) else letter
        the_part = f"the letter {part}" if len(part) == 1 else f"'{part}'"
        after = self.one_of(
            f"whose {way} does not contain {the_part}",
            f"whose {way} doesn't include {the_part}",
            f"without {the_part} in their {way}",
            f"that do not have {the_part} in the {way}",
            f"with no {the_part} in the {way}".replace("no the letter", "no letter"),
        )
        return Said(f"{column.full} NOT LIKE '%{part}%'", way, after=after)

    def dated(self, column: Col) -> Said | None:
        """A condition on a date; its text is the verb, its end the period."""
        days = sorted(str(value)[:10] for value in column.values())
        if len(days) < 4:
            return None
        verb = self.chance.choice(column.what.ways)
        if column.what.words == verb:
            verb = f"with {verb}"
        if len(days) < len(column.table.rows) * 0.97 and any(row[column.name] is None for row in column.table.rows):
            if self.maybe(0.15):
                return Said(
                    f"{column.full} IS NULL",
                    verb,
                    after=self.one_of(
                        f"that are not {verb} yet",
                        f"not yet {verb}",
                        f"without a {column.what.words}",
                        f"with no {column.what.words}",
                        f"where {column.what.words} is missing",
                    ),
                )
            if self.maybe(0.06):
                return Said(f"{column.full} IS NOT NULL", verb, after=f"that have a {column.what.words}")
        is_first = (
            column is next(other for other in column.table.columns if other.what.is_date) and not column.what.is_birth
        )
        if is_first and self.maybe(0.35):
            verb = ""
        period = self.period(
            column, date.fromisoformat(self.chance.choice(days[len(days) // 10 : -max(1, len(days) // 10)]))
        )
        return Said(period.sql, verb, after=f"{verb} {period.text}".strip())

    def noun(self, table: Tab, filters: Sequence[Said]) -> str:
        """``cancelled orders of customers from Germany placed in 2021``."""
        before = " ".join(said.before for said in filters if said.before)
        after = [said.after for said in filters if said.after]
        glue = " and " if len(after) > 1 and all(part.startswith("whose") for part in after) else " "
        return f"{before} {self.plural(table)} {glue.join(after)}".strip()

    @staticmethod
    def _noun(said: Said, plural: str) -> str:
        return f"{said.before} {plural} {said.after}".strip()


def _comparatives(column: Col) -> tuple[str, str]:
    """``("taller", "shorter")`` from its superlatives; empty where there is none or it has another form."""
    highest, lowest = (_comparative(word.strip()) for word in column.what.superlatives or ("", ""))
    return highest, lowest


def _comparative(superlative: str) -> str:
    first, _, rest = superlative.partition(" ")
    if rest:
        return f"{'more' if first == 'most' else 'less'} {rest}" if first in ("most", "least") else ""
    return first.removesuffix("est") + "er" if first.endswith("est") and first not in ("best",) else ""


def _round(number: float) -> float | int:
    """A number as people ask for it."""
    if number > 1000:
        return round(number, -2 if number < 10_000 else -3)
    if number > 20 or number == int(number):
        return round(number)
    return round(number, 1)
