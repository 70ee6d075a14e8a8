"""Pieces that questions of several kinds share."""

from __future__ import annotations

from collections.abc import Sequence

from training.synthesis import phrases
from training.synthesis.asking import GROUPING, Asker
from training.synthesis.said import Measure, Path, Said
from training.synthesis.worlds import Col, Tab

Draft = tuple[str, str] | None


def where_of(filters: Sequence[Said]) -> list[str]:
    return [said.sql for said in filters]


def paths_of(filters: Sequence[Said], *more: Path) -> list[Path]:
    return [*more, *(path for said in filters for path in said.paths)]


def conditions_behind(filters: Sequence[Said]) -> str:
    """Conditions behind a measure that already names its rows; adjectives become clauses."""
    parts = [said.after or f"that are {said.before}" for said in filters]
    return " ".join(parts)


def asking_verb(ask: Asker) -> str:
    return ask.one_of(
        "List", "Show", "Give me", "Find", "Show me", "Display", "Return", "Get", "What are", "What are", "List"
    )


def imperative(ask: Asker) -> str:
    return ask.one_of("Show", "Give me", "Find", "Compute", "Calculate", "Return", "Get", "Show me")


def names_of(ask: Asker, table: Tab) -> str:
    """What is shown of a thing when somebody asks which one."""
    display = table.display
    way = ask.way(display[0]) if len(display) == 1 else ask.one_of("names", "first and last names", "full names")
    return way if way.endswith("s") else phrases.pluralised(way)


def columns_said(ask: Asker, columns: Sequence[Col], table: Tab) -> str:
    if len(columns) > 1 and columns[0].pair == "first" and ask.maybe(0.75):
        name = ask.one_of("first and last name", "name", "full name", "first name, last name")
        return phrases.joined([name, *(ask.way(column) for column in columns[2:])])
    return phrases.joined([ask.way(column) for column in columns])


def ordered_by(ask: Asker, table: Tab) -> tuple[str, str]:
    keys = [
        column for column in table.columns if column.what.is_number or column.what.is_date or column in table.display
    ]
    if not keys or ask.maybe(0.65):
        return "", ""
    key = ask.chance.choice(keys)
    way = ask.way(key)
    is_falling = ask.maybe(0.5)
    ways: tuple[str, ...]
    if key.what.is_date:
        ways = (
            ("from newest to oldest", "newest first", "latest first")
            if is_falling
            else ("in order of {}", "oldest first", "by {}")
        )
    elif key.what.is_number:
        ways = (
            ("from highest to lowest {}", "sorted by {} descending", "by descending {}", "in descending order of {}")
            if is_falling
            else ("from lowest to highest {}", "sorted by {}", "ordered by {}", "in ascending order of {}")
        )
    else:
        ways = (
            ("in reverse alphabetical order of {}",)
            if is_falling
            else ("in alphabetical order", "sorted by {}", "ordered by {}")
        )
    tail = f"ORDER BY {key.full}{' DESC' if is_falling else ''}"
    return tail, ", " + ask.one_of(*ways).format(way)


def bare_measure(text: str) -> str:
    return text.removeprefix("highest ").removeprefix("maximum ").removeprefix("lowest ")


def active_verb(path: Path) -> str:
    verb = path[-1].verb
    return (
        ""
        if not verb or verb.endswith((" by", " to", " from", " in", " at", " for")) or verb in ("contained", "manages")
        else verb
    )


def participle(verb: str) -> str:
    return {"took": "taken", "took out": "taken out", "wrote": "written", "gave": "given", "saw": "seen"}.get(
        verb, verb
    )


def child_and_path(ask: Asker) -> tuple[Tab | None, Path | None]:
    options = [
        (table, (link,))
        for table in ask.world.tables
        for link in table.links
        if link.parent.display and sum(other.parent is link.parent for other in table.links) == 1
    ]
    return ask.chance.choice(options) if options else (None, None)


def number_and_category(ask: Asker) -> tuple[Tab, Col, Col] | None:
    """A table whose rows have names, with a number that compares them and a category that groups them."""
    table = ask.a_table()
    numbers = [column for column in table.columns if column.what.is_number]
    categories = [column for column in table.columns if column.kind in GROUPING]
    if not numbers or not categories or not table.display:
        return None
    return table, ask.chance.choice(numbers), ask.chance.choice(categories)


def only_where(measure: Measure, condition: str) -> str:
    inner = measure.sql.removeprefix("SUM(").removesuffix(")")
    return f"SUM(CASE WHEN {condition} THEN {'1' if measure.sql == 'COUNT(*)' else inner} ELSE 0 END)"
