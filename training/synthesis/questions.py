"""The questions themselves: one function an intent, each a question with its SQL, or None where the tables do not fit."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from training.synthesis import phrases
from training.synthesis.asking import GROUPING, Asker, Dimension, Measure, Path, Said, literal
from training.synthesis.worlds import Col, Tab, World


@dataclass(frozen=True)
class Asked:
    """A question as typed, its SQL for SQLite, and the name of its intent."""

    question: str
    sql: str
    intent: str


Draft = tuple[str, str] | None


def questions(world: World, chance: random.Random) -> Iterator[Asked]:
    """Questions without end, about all that the database holds."""
    ask = Asker(world, chance)
    intents = [intent for intent, weight in INTENTS for _ in range(weight)]
    while True:
        ask.begin()
        intent = chance.choice(intents)
        draft = intent(ask)
        if draft is None:
            continue
        text, sql = draft
        is_keywords = text.startswith("~")
        typed = phrases.as_keywords(text[1:], chance) if is_keywords else phrases.asked(text, chance)
        yield Asked(typed, sql, intent.__name__)


def _where(filters: Sequence[Said]) -> list[str]:
    return [said.sql for said in filters]


def _paths(filters: Sequence[Said], *more: Path) -> list[Path]:
    return [*more, *(path for said in filters for path in said.paths)]


def _show(ask: Asker) -> str:
    return ask.one_of(
        "List", "Show", "Give me", "Find", "Show me", "Display", "Return", "Get", "What are", "What are", "List"
    )


def _names(ask: Asker, table: Tab) -> str:
    """What is shown of a thing when somebody asks which one."""
    display = table.display
    way = ask.way(display[0]) if len(display) == 1 else ask.one_of("names", "first and last names", "full names")
    return way if way.endswith("s") else phrases.pluralised(way)


def _columns_said(ask: Asker, columns: Sequence[Col], table: Tab) -> str:
    if len(columns) > 1 and columns[0].pair == "first" and ask.maybe(0.75):
        name = ask.one_of("first and last name", "name", "full name", "first name, last name")
        return phrases.joined([name, *(ask.way(column) for column in columns[2:])])
    return phrases.joined([ask.way(column) for column in columns])


def _some_columns(ask: Asker, table: Tab) -> list[Col]:
    plain = [column for column in table.columns if column not in table.display and column.kind != "flag"]
    picked = ask.chance.sample(plain, min(len(plain), ask.chance.choice((0, 1, 1, 2, 2, 3))))
    return [*(table.display if ask.maybe(0.85) or not picked else []), *picked] or table.columns[:2]


# Rows


def list_rows(ask: Asker) -> Draft:
    table = ask.a_table()
    columns = _some_columns(ask, table)
    filters = ask.filters(table, (25, 55, 20))
    if not columns or (not filters and ask.maybe(0.6)):
        return None
    tail, order = _ordered(ask, table)
    said = _columns_said(ask, columns, table)
    noun = ask.noun(table, filters)
    text = ask.one_of(
        f"{_show(ask)} the {said} of all {noun}{order}", f"{_show(ask)} the {said} of {noun}{order}",
        f"{_show(ask)} the {said} for each of the {noun}{order}", f"{_show(ask)} {noun} with their {said}{order}",
        f"What is the {said} of the {noun}{order}", f"~{noun} {said.replace(' and ', ' ')}{order}",
        f"~{said} of {noun}{order}",
    )  # fmt: skip
    if text.startswith("What are") and " with their " in text:
        text = text.replace("What are", "List", 1)
    items = [column.full for column in columns]
    if "full name" in said:
        items[:2] = [f"{items[0]} || ' ' || {items[1]}"]
    return text, ask.select(items, table, _paths(filters), _where(filters), tail)


def _ordered(ask: Asker, table: Tab) -> tuple[str, str]:
    keys = [
        column for column in table.columns if column.what.is_number or column.what.is_date or column in table.display
    ]
    if not keys or ask.maybe(0.65):
        return "", ""
    key = ask.chance.choice(keys)
    way = ask.way(key)
    is_falling = ask.maybe(0.5)
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


def all_details(ask: Asker) -> Draft:
    table = ask.a_table()
    filters = ask.filters(table, (10, 70, 20))
    if any(said.paths for said in filters):
        return None
    noun = ask.noun(table, filters)
    tail, order = _ordered(ask, table)
    text = ask.one_of(
        f"Show all {noun}{order}", f"List all details of {noun}{order}", f"Show me everything about {noun}{order}",
        f"all {noun}{order}", f"Give me all information on {noun}{order}", f"List the {noun} with all columns{order}",
    )  # fmt: skip
    return text, ask.select(["*"], table, (), _where(filters), tail)


def count_rows(ask: Asker) -> Draft:
    table = ask.a_table()
    filters = ask.filters(table, (12, 58, 30))
    noun = ask.noun(table, filters)
    text = ask.one_of(
        f"How many {noun} are there", f"How many {noun} do we have", f"How many {noun} are there in total", f"How many {noun}",
        f"What is the number of {noun}", f"Count the {noun}", f"Give me the count of {noun}", f"Count of {noun}",
        f"~number of {noun}", f"~count {noun}", f"What's the total number of {noun}", f"Find the number of {noun}",
    )  # fmt: skip
    return text, ask.select(["COUNT(*)"], table, _paths(filters), _where(filters))


def measures(ask: Asker) -> Draft:
    table = ask.a_table()
    found = ask.measures(table, ask.chance.choices((1, 2, 3), (60, 28, 12))[0])
    filters = ask.filters(table, (30, 50, 20))
    if not found:
        return None
    noun = ask.noun(table, filters)
    said = phrases.joined([measure.text for measure in found])
    own = any(measure.sql == "COUNT(*)" for measure in found)
    behind = _behind(filters) if own else f"of {ask.one_of('', 'all ', 'the ')}{noun}"
    text = ask.one_of(
        f"What is the {said} {behind}", f"What is the {said} {behind}", f"Calculate the {said} {behind}",
        f"{_imperative(ask)} the {said} {behind}", f"What's the {said} {behind}", f"~{said} {behind}",
    )  # fmt: skip
    if own and filters and not behind:
        return None
    items = [measure.sql for measure in found]
    if len(found) == 1 and found[0].sql.startswith("AVG(") and ask.maybe(0.12):
        items = [f"ROUND({found[0].sql}, 2)"]
        text += ask.one_of(", rounded to two decimals", ", rounded to 2 decimal places", " rounded to 2 decimals")
    sql = ask.select(items, table, _paths(filters, *(m.path for m in found)), _where(filters))
    if len(found) == 1 and found[0].sql.startswith("SUM(") and ask.maybe(0.25):
        text = (
            f"How much {found[0].text.replace('total ', '').replace('sum of ', '').replace('overall ', '').replace('combined ', '')} did the {noun} have"
            if ask.maybe(0.4)
            else text
        )
    return text, sql


def _imperative(ask: Asker) -> str:
    return ask.one_of("Show", "Give me", "Find", "Compute", "Calculate", "Return", "Get", "Show me")


def _behind(filters: Sequence[Said]) -> str:
    """Conditions behind a measure that already names its rows; adjectives become clauses."""
    parts = [said.after or f"that are {said.before}" for said in filters]
    return " ".join(parts)


# Groups


def grouped(ask: Asker) -> Draft:
    fact = ask.a_table()
    dimension = ask.dimension(fact)
    found = ask.measures(fact, ask.chance.choices((1, 2, 3), (68, 24, 8))[0])
    if dimension is None or not found:
        return None
    filters = ask.filters(fact, (55, 35, 10), is_dated=not dimension.is_time or ask.maybe(0.5), apart=dimension)
    order, tail, limit = _group_order(ask, dimension, found)
    sql = ask.select(
        [*dimension.shown, *(measure.sql for measure in found)], fact,
        _paths(filters, dimension.path, *(measure.path for measure in found)), _where(filters),
        f"GROUP BY {dimension.key}{tail}",
    )  # fmt: skip
    return _group_text(ask, fact, dimension, found, filters, order, limit), sql


def _group_order(ask: Asker, dimension: Dimension, found: Sequence[Measure]) -> tuple[str, str, str]:
    if dimension.is_time:
        return (
            (", in order of time", f" ORDER BY {dimension.key}", "")
            if ask.maybe(0.2)
            else ("", f" ORDER BY {dimension.key}", "")
        )
    if ask.maybe(0.5):
        return "", "", ""
    measure = found[0]
    is_falling = ask.maybe(0.8)
    tail = f" ORDER BY {measure.sql}{' DESC' if is_falling else ''}"
    if is_falling and ask.maybe(0.45):
        number = ask.chance.choice((3, 5, 5, 10, 2, 4, 15, 20))
        return "", f"{tail} LIMIT {number}", str(number)
    ways = ("highest first", "sorted from highest to lowest", "in descending order", f"sorted by {measure.text} descending",
            "largest first", "descending") if is_falling else ("lowest first", "sorted ascending", "from lowest to highest")  # fmt: skip
    return f", {ask.one_of(*ways)}", tail, ""


def _group_text(
    ask: Asker,
    fact: Tab,
    dimension: Dimension,
    found: Sequence[Measure],
    filters: Sequence[Said],
    order: str,
    limit: str,
) -> str:
    said = phrases.joined([measure.text for measure in found])
    own = any(measure.sql == "COUNT(*)" for measure in found)
    behind = _behind(filters) if own or not filters else f"{ask.one_of('of', 'for')} {ask.noun(fact, filters)}"
    dim = dimension.text
    if dim in _PERIODS and ask.maybe(0.4):
        period = _PERIODS[dim]
        return ask.one_of(
            f"~{period} {said} {behind}", f"Show the {period} {said} {behind}", f"What is the {period} {said} {behind}"
        )
    if limit:
        number = ask.one_of(limit, phrases.written_number(int(limit), ask.chance))
        many = phrases.pluralised(dim)
        return ask.one_of(
            f"~top {number} {many} by {said} {behind}", f"Show the top {number} {many} by {said} {behind}",
            f"What are the top {number} {many} by {said} {behind}", f"~{said} by {dim} top {number} {behind}",
            f"Give me the {number} {many} with the highest {_bare(said)} {behind} and the {_bare(said)}"
            if len(found) == 1
            else f"List the top {number} {many} by {found[0].text} {behind}, with {said}",
            f"Who are our top {number} {many} by {said} {behind}" if _is_people(ask, dimension) else f"top {number} {many} in terms of {said} {behind}",
        )  # fmt: skip
    per = ask.one_of(
        f"by {dim}",
        f"by {dim}",
        f"per {dim}",
        f"for each {dim}",
        f"for every {dim}",
        f"grouped by {dim}",
        f"in each {dim}" if dimension.is_time else f"per {dim}",
    )
    if said.startswith("number of") and len(found) == 1 and ask.maybe(0.5):
        noun = said.removeprefix("number of ")
        many = ask.one_of(
            f"How many {noun} {behind} {per}",
            f"How many {noun} {behind} are there {per}",
            f"Count the {noun} {behind} {per}",
        )
        return f"{many}{order}"
    if not dimension.is_time and ask.maybe(0.2):
        return f"{ask.one_of('For each', 'For every')} {dim}, {ask.one_of('what is', 'show', 'give', 'find')} the {said} {behind}{order}"
    return ask.one_of(
        f"~{said} {per} {behind}{order}", f"~{said} {per} {behind}{order}", f"What is the {said} {per} {behind}{order}",
        f"What is the {said} {behind} {per}{order}", f"Show the {said} {per} {behind}{order}", f"Show {said} {behind} {per}{order}",
        f"{_imperative(ask)} the {said} {per} {behind}{order}", f"Break down {said} {per} {behind}{order}",
        f"List each {dim} with its {said} {behind}{order}" if not dimension.is_time else f"How does {said} develop {per} {behind}{order}",
    )  # fmt: skip


_PERIODS = {"month": "monthly", "year": "yearly", "quarter": "quarterly", "day": "daily"}


def _bare(text: str) -> str:
    return text.removeprefix("highest ").removeprefix("maximum ").removeprefix("lowest ")


def _is_people(ask: Asker, dimension: Dimension) -> bool:
    return bool(dimension.path) and any(
        column.kind in ("person", "company") for column in dimension.path[-1].parent.display
    )


def grouped_twice(ask: Asker) -> Draft:
    fact = ask.a_fact()
    if fact is None:
        return None
    one, other = ask.dimension(fact, is_timed=False), ask.dimension(fact)
    found = ask.measures(fact, 1)
    if one is None or other is None or not found or one.text == other.text or one.key == other.key:
        return None
    filters = ask.filters(fact, (75, 25), apart=one)
    sql = ask.select(
        [*one.shown, *other.shown, found[0].sql], fact, _paths(filters, one.path, other.path, found[0].path), _where(filters),
        f"GROUP BY {one.key}, {other.key}",
    )  # fmt: skip
    own = found[0].sql == "COUNT(*)"
    behind = _behind(filters) if own or not filters else f"for {ask.noun(fact, filters)}"
    text = ask.one_of(
        f"~{found[0].text} by {one.text} and {other.text} {behind}", f"Show the {found[0].text} per {one.text} and {other.text} {behind}",
        f"What is the {found[0].text} for each {one.text} and {other.text} {behind}", f"Break {found[0].text} down by {one.text} and {other.text} {behind}",
    )  # fmt: skip
    return text, sql


def having(ask: Asker) -> Draft:
    fact = ask.a_table()
    dimension = ask.dimension(fact, is_timed=False)
    measure = ask.measure(fact, is_total=ask.maybe(0.8))
    if dimension is None or measure is None:
        return None
    filters = ask.filters(fact, (70, 30), apart=dimension)
    bound, said_bound = _bound(ask, measure)
    comparison, word = ask.chance.choice(
        (
            (">", "more than"),
            (">", "over"),
            (">=", "at least"),
            ("<", "less than"),
            ("<", "fewer than" if measure.sql == "COUNT(*)" else "under"),
        )
    )
    shows = ask.maybe(0.3)
    sql = ask.select(
        [*dimension.shown, *([measure.sql] if shows else [])], fact, _paths(filters, dimension.path, measure.path), _where(filters),
        f"GROUP BY {dimension.key} HAVING {measure.sql} {comparison} {bound}",
    )  # fmt: skip
    many = phrases.pluralised(dimension.text)
    if measure.sql == "COUNT(*)":
        noun = f"{word} {said_bound} {ask.noun(fact, filters)}"
        condition = ask.one_of(f"have {noun}", f"with {noun}", f"that have {noun}")
    else:
        behind = f"for {ask.noun(fact, filters)}" if filters else ""
        condition = ask.one_of(f"with {measure.text} {word} {said_bound} {behind}", f"with a {measure.text} of {word} {said_bound} {behind}",
                               f"where the {measure.text} is {word} {said_bound} {behind}")  # fmt: skip
    tail = f", and show the {measure.text}" if shows else ""
    text = ask.one_of(
        f"Which {many} {condition}",
        f"List the {many} {condition}",
        f"Find all {many} {condition}",
        f"~{many} {condition}",
    )
    if condition.startswith("have "):
        text = f"Which {many} {condition}"
    return text + tail, sql


def _bound(ask: Asker, measure: Measure) -> tuple[int, str]:
    bound = (
        ask.chance.choice((2, 3, 5, 8, 10))
        if measure.sql == "COUNT(*)"
        else ask.chance.choice((10, 20, 50, 100, 500, 1000, 5000, 10000, 100000))
    )
    return bound, phrases.written_number(bound, ask.chance)


# The most and the least


def superlative_of_rows(ask: Asker) -> Draft:
    table = ask.a_table()
    keys = [column for column in table.columns if column.what.is_number or column.what.is_date]
    if not keys or not table.display:
        return None
    key = ask.chance.choice(keys)
    is_most = ask.maybe(0.65)
    filters = ask.filters(table, (65, 30, 5))
    number = ask.chance.choice((1, 1, 1, 3, 5, 10, 2))
    shows = ask.maybe(0.3)
    items = [*ask.shown(table), *([key.full] if shows else [])]
    tail = f"ORDER BY {key.full}{' DESC' if is_most else ''} LIMIT {number}"
    sql = ask.select(items, table, _paths(filters), _where(filters), tail)
    return _superlative_text(ask, table, key, is_most, filters, number, shows), sql


def _superlative_text(
    ask: Asker, table: Tab, key: Col, is_most: bool, filters: Sequence[Said], number: int, shows: bool
) -> str:
    way = ask.way(key)
    noun = ask.noun(table, filters)
    adjective = (key.what.superlatives or ("", ""))[0 if is_most else 1]
    one = noun.replace(ask.plural(table), ask.singular(table), 1)
    tail = ask.one_of(f" and what is its {way}", f", and its {way}", f" with the {way}") if shows else ""
    plural_tail = ask.one_of(f" and their {way}", f" with their {way}") if shows else ""
    said = phrases.written_number(number, ask.chance)
    if key.what.is_date:
        adjective = (
            ask.one_of("most recent", "latest", "newest") if is_most else ask.one_of("earliest", "oldest", "first")
        )
        if number == 1:
            return ask.one_of(
                f"What is the {adjective} {one} by {way}{tail}",
                f"Which {one} has the {ask.one_of('latest', 'most recent') if is_most else 'earliest'} {way}{tail}",
            )
        return ask.one_of(
            f"~{said} {adjective} {noun} by {way}{plural_tail}",
            f"List the {said} {noun} with the {ask.one_of('latest', 'most recent') if is_most else 'earliest'} {way}{plural_tail}",
        )
    if number == 1:
        top = ask.one_of("highest", "largest", "greatest", "biggest") if is_most else ask.one_of("lowest", "smallest")
        if adjective and ask.maybe(0.6):
            return ask.one_of(
                f"Which {one} is the {adjective}{tail}",
                f"What is the {adjective} {one}{tail}",
                f"~{adjective} {one}{tail}",
            )
        return ask.one_of(
            f"Which {one} has the {top} {way}{tail}",
            f"What is the {one} with the {top} {way}{tail}",
            f"Find the {one} with the {top} {way}{tail}",
            f"~{one} with {top} {way}{tail}",
        )
    top = "highest" if is_most else "lowest"
    if adjective and ask.maybe(0.5):
        return ask.one_of(
            f"What are the {said} {adjective} {noun}{plural_tail}",
            f"~{said} {adjective} {noun}{plural_tail}",
            f"List the {said} {adjective} {noun}{plural_tail}",
        )
    word = "top" if is_most else "bottom"
    return ask.one_of(f"List the {said} {noun} with the {top} {way}{plural_tail}", f"~{word} {said} {noun} by {way}{plural_tail}", f"Show the {word} {said} {noun} by {way}{plural_tail}",
                      f"Which {said} {noun} have the {top} {way}{plural_tail}")  # fmt: skip


def superlative_of_groups(ask: Asker) -> Draft:
    """Which customer placed the most orders, which country has the highest revenue: the name alone is asked."""
    fact = ask.a_fact() or ask.a_table()
    dimension = ask.dimension(fact)
    measure = ask.measure(fact, is_total=ask.maybe(0.8))
    if dimension is None or measure is None or measure.sql.startswith(("MAX", "MIN")):
        return None
    is_most = ask.maybe(0.8)
    filters = ask.filters(fact, (60, 35, 5), is_dated=not dimension.is_time or ask.maybe(0.4), apart=dimension)
    number = ask.chance.choice((1, 1, 1, 3, 5, 2))
    shows = ask.maybe(0.25)
    items = [*dimension.shown, *([measure.sql] if shows else [])]
    tail = f"GROUP BY {dimension.key} ORDER BY {measure.sql}{' DESC' if is_most else ''} LIMIT {number}"
    sql = ask.select(items, fact, _paths(filters, dimension.path, measure.path), _where(filters), tail)
    said = phrases.written_number(number, ask.chance)
    noun = ask.noun(fact, filters)
    which = f"Which {dimension.text}" if number == 1 else f"Which {said} {phrases.pluralised(dimension.text)}"
    has = "has" if number == 1 else "have"
    extra = (
        ask.one_of(f", and what is the {_bare(measure.text)}", " and how much is it", f"? Show the {measure.text} too")
        if shows
        else ""
    )
    if measure.sql == "COUNT(*)":
        verb = dimension.path[-1].verb if len(dimension.path) == 1 else ""
        active = (
            verb and not verb.endswith((" by", " to", " from", " in", " at", " for")) and verb not in ("contained",)
        )
        does = verb if active and ask.maybe(0.6) else has
        quantity = "most" if is_most else "fewest"
        text = f"{which} {does} the {quantity} {noun}{extra}"
        if not active and number == 1 and ask.maybe(0.3):
            text = f"What is the {dimension.text} with the {quantity} {noun}{extra}"
        if ask.maybe(0.15):
            text = f"~{dimension.text} with the {quantity} {noun}{extra}" if number == 1 else text
        return text, sql
    top = (
        ask.one_of("highest", "highest", "largest", "biggest", "most")
        if is_most
        else ask.one_of("lowest", "smallest", "least")
    )
    behind = f"{ask.one_of('from', 'for', 'on')} {noun}" if filters else ""
    ways = (f"{which} {has} the {top} {measure.text} {behind}{extra}", f"Find the {which.removeprefix('Which ')} with the {top} {measure.text} {behind}{extra}",
            f"{which} {has} the {top} {measure.text} {behind}{extra}")  # fmt: skip
    if dimension.is_time and number == 1:
        ways = (
            f"In which {dimension.text} was the {measure.text} {behind} {'highest' if is_most else 'lowest'}{extra}",
            *ways,
        )
    return ask.one_of(*ways), sql


def ties(ask: Asker) -> Draft:
    table = ask.a_table()
    keys = [column for column in table.columns if column.what.is_number]
    if not keys or not table.display:
        return None
    key = ask.chance.choice(keys)
    is_most = ask.maybe(0.6)
    function, top = (
        ("MAX", ask.one_of("highest", "maximum", "largest"))
        if is_most
        else ("MIN", ask.one_of("lowest", "minimum", "smallest"))
    )
    sql = ask.select(
        ask.shown(table), table, (),
        [f"{key.full} = (SELECT {function}({key.sql}) FROM {table.sql})"],
    )  # fmt: skip
    way = ask.way(key)
    return ask.one_of(
        f"Which {ask.plural(table)} have the {top} {way}, ties included", f"List all {ask.plural(table)} that share the {top} {way}",
        f"Find every {ask.singular(table)} whose {way} equals the {top} {way}", f"Which {ask.plural(table)} are tied for the {top} {way}",
        f"Names of all {ask.plural(table)} with the {top} {way} (including ties)",
    ), sql  # fmt: skip


def above_average(ask: Asker) -> Draft:
    table = ask.a_table()
    keys = [column for column in table.columns if column.what.is_number]
    if not keys or not table.display:
        return None
    key = ask.chance.choice(keys)
    comparison, word = ask.chance.choice(
        ((">", "above"), (">", "higher than"), (">", "more than"), ("<", "below"), ("<", "less than"))
    )
    is_count = ask.maybe(0.3)
    items = ["COUNT(*)"] if is_count else ask.shown(table)
    sql = ask.select(items, table, (), [f"{key.full} {comparison} (SELECT AVG({key.sql}) FROM {table.sql})"])
    way = ask.way(key)
    condition = ask.one_of(
        f"with {word} average {way}" if word in ("above", "below") else f"whose {way} is {word} the average",
        f"whose {way} is {word} the average",
        f"with a {way} {word} average",
    )
    if is_count:
        return f"How many {ask.plural(table)} {condition} {ask.one_of('are there', '')}", sql
    return ask.one_of(
        f"Which {ask.plural(table)} {condition.replace('with', 'have', 1) if condition.startswith('with a') else condition}",
        f"List the {ask.plural(table)} {condition}",
        f"~{ask.plural(table)} {condition}",
    ), sql


def above_average_of_group(ask: Asker) -> Draft:
    table = ask.a_table()
    keys = [column for column in table.columns if column.what.is_number]
    groups = [column for column in table.columns if column.kind in GROUPING]
    if not keys or not groups or not table.display:
        return None
    key, group = ask.chance.choice(keys), ask.chance.choice(groups)
    comparison, word = ask.chance.choice(((">", "above"), (">", "higher than"), ("<", "below"), ("<", "lower than")))
    inner = f"SELECT AVG(x.{key.sql}) FROM {table.sql} AS x WHERE x.{group.sql} = {group.full}"
    condition = f"{key.full} {comparison} ({inner})"
    sql = f"SELECT {', '.join(ask.shown(table))} FROM {table.sql} WHERE {condition}"
    return ask.one_of(
        f"Which {ask.plural(table)} have a {ask.way(key)} {word} the average of their {ask.way(group)}",
        f"List the {ask.plural(table)} whose {ask.way(key)} is {word} the average for the same {ask.way(group)}",
        f"Find {ask.plural(table)} with {ask.way(key)} {word} average within their {ask.way(group)}",
    ), sql  # fmt: skip


# Those with and without


def without(ask: Asker) -> Draft:
    fact, path = _child_and_path(ask)
    if fact is None or path is None:
        return None
    parent = path[-1].parent
    filters = [said for said in ask.filters(fact, (55, 45)) if not said.paths]
    inner = f"SELECT 1 FROM {fact.sql} WHERE {' AND '.join([path[0].join, *_where(filters)])}"
    is_count = ask.maybe(0.3)
    items = ["COUNT(*)"] if is_count else ask.shown(parent)
    own = [said for said in ask.filters(parent, (80, 20)) if not said.paths]
    sql = f"SELECT {', '.join(items)} FROM {parent.sql} WHERE {' AND '.join([*_where(own), f'NOT EXISTS ({inner})'])}"
    noun, outer = ask.noun(fact, filters), ask.noun(parent, own)
    verb = _active_verb(path)
    conditions = [
        f"without any {noun}",
        f"that have no {noun}",
        f"with no {noun}",
        f"that don't have any {noun}",
        f"that have never had {noun}",
    ]
    if verb:
        conditions += [f"who never {verb} {noun}", f"that have not {_participle(verb)} any {noun}"]
    condition = ask.one_of(*conditions)
    if is_count:
        return ask.one_of(
            f"How many {outer} are there {condition}", f"Count the {outer} {condition}", f"How many {outer} {condition}"
        ), sql
    return ask.one_of(
        f"Which {outer} {condition.replace('that have', 'have', 1).replace('who ', '', 1)}",
        f"List the {outer} {condition}",
        f"~{outer} {condition}",
        f"Find all {outer} {condition}",
    ), sql


def _child_and_path(ask: Asker) -> tuple[Tab | None, Path | None]:
    options = [(table, (link,)) for table in ask.world.tables for link in table.links
               if link.parent.display and sum(other.parent is link.parent for other in table.links) == 1]  # fmt: skip
    return ask.chance.choice(options) if options else (None, None)


def _active_verb(path: Path) -> str:
    verb = path[-1].verb
    return (
        ""
        if not verb or verb.endswith((" by", " to", " from", " in", " at", " for")) or verb in ("contained", "manages")
        else verb
    )


def _participle(verb: str) -> str:
    return {"took": "taken", "took out": "taken out", "wrote": "written", "gave": "given", "saw": "seen"}.get(
        verb, verb
    )


def with_some(ask: Asker) -> Draft:
    """Things that have something fitting: each once."""
    fact = ask.a_fact()
    path = ask.a_path(fact, is_named=True) if fact else None
    if fact is None or path is None:
        return None
    parent = path[-1].parent
    filters = [said for said in ask.filters(fact, (0, 80, 20)) if path not in said.paths]
    if not filters:
        return None
    noun, many = ask.noun(fact, filters), ask.plural(parent)
    verb = _active_verb(path) if len(path) == 1 else ""
    condition = ask.one_of(
        f"{verb} {noun}" if verb else f"have {noun}",
        f"have {noun}",
        f"had at least one of the {noun}" if not verb else f"{verb} {noun}",
    )
    if ask.maybe(0.3):
        sql = ask.select([f"COUNT(DISTINCT {parent.key_full})"], fact, _paths(filters, path), _where(filters))
        return ask.one_of(
            f"How many {many} {condition}",
            f"How many different {many} {condition}",
            f"Count the {many} that {condition}",
        ), sql
    sql = ask.select([f"DISTINCT {', '.join(ask.shown(parent))}"], fact, _paths(filters, path), _where(filters))
    return ask.one_of(
        f"Which {many} {condition}",
        f"List the {many} that {condition}",
        f"What are the {_names(ask, parent)} of {many} that {condition}",
    ), sql


def including_none(ask: Asker) -> Draft:
    fact, path = _child_and_path(ask)
    if fact is None or path is None:
        return None
    parent = path[-1].parent
    link = path[0]
    sums = [column for column in fact.columns if column.what.is_summed]
    shown = ask.shown(parent)
    if sums and ask.maybe(0.3):
        column = ask.chance.choice(sums)
        measure, said = f"SUM({column.full})", f"total {ask.way(column)}"
    else:
        measure, said = f"COUNT({fact.key_full})", f"number of {ask.plural(fact)}"
    order = ask.maybe(0.3)
    sql = (
        f"SELECT {', '.join(shown)}, {measure} FROM {parent.sql} LEFT JOIN {fact.sql} ON {link.join} "
        f"GROUP BY {parent.key_full if any(c.kind == 'person' for c in parent.display) else ', '.join(shown)}"
        f"{f' ORDER BY {measure} DESC' if order else ''}"
    )
    ending = ", highest first" if order else ""
    one, many, facts = ask.singular(parent), ask.plural(parent), ask.plural(fact)
    return ask.one_of(
        f"Show the {said} for every {one}, including {many} without any {facts}{ending}",
        f"For each {one}, what is the {said}? Include those with none{ending}",
        f"List all {many} with their {said}, also those that have no {facts}{ending}",
        f"~{said} per {one} including those without {facts}{ending}",
        f"{said} by {one}, also for {many} without {facts}{ending}",
    ), sql  # fmt: skip


def both(ask: Asker) -> Draft:
    """Both one thing and another, or one but not the other: sets of rows."""
    fact, path = _child_and_path(ask)
    if fact is None or path is None:
        return None
    parent = path[-1].parent
    one, other = _two_alike(ask, fact)
    if one is None or other is None:
        return None
    shown = ask.shown(parent)
    first = ask.select(shown, fact, [path, *one.paths], [one.sql])
    second = ask.select(shown, fact, [path, *other.paths], [other.sql])
    facts, many = ask.plural(fact), ask.plural(parent)
    verb = _active_verb(path) or "have"
    left, right = one.text, other.text
    if ask.maybe(0.6):
        text = ask.one_of(f"Which {many} {verb} {facts} both {left} and {right}", f"List {many} that {verb} {facts} {left} and also {facts} {right}",
                          f"Find the {many} with {facts} {left} as well as {facts} {right}")  # fmt: skip
        return text, f"{first} INTERSECT {second}"
    text = ask.one_of(f"Which {many} {verb} {facts} {left} but not {right}", f"List {many} with {facts} {left} but none {right}",
                      f"Find {many} that {verb} {facts} {left}, but no {facts} {right}")  # fmt: skip
    return text, f"{first} EXCEPT {second}"


def _two_alike(ask: Asker, fact: Tab) -> tuple[Said | None, Said | None]:
    categories = [column for column in fact.columns if column.kind == "category" and len(column.values()) > 1]
    dates = [column for column in fact.columns if column.what.is_date and len(column.values()) > 5]
    if dates and (not categories or ask.maybe(0.5)):
        column = ask.chance.choice(dates)
        years = sorted({str(value)[:4] for value in column.values()})
        if len(years) < 2:
            return None, None
        pair = ask.chance.sample(years, 2)
        one, other = (Said(f"strftime('%Y', {column.full}) = '{year}'", f"in {year}") for year in pair)
        return one, other
    if not categories:
        return None, None
    column = ask.chance.choice(categories)
    way = ask.way(column)
    pair = ask.chance.sample([str(value) for value in column.values()[:5]], 2)
    one, other = (Said(f"{column.full} = {literal(value)}", f"with {way} {value}") for value in pair)
    return one, other


# Shares and ratios


def share_of_rows(ask: Asker) -> Draft:
    table = ask.a_table()
    said = ask.own_filter(table)
    if said is None:
        return None
    dimension = ask.dimension(table) if ask.maybe(0.35) else None
    share = ask.one_of(
        f"100.0 * SUM(CASE WHEN {said.sql} THEN 1 ELSE 0 END) / COUNT(*)",
        f"AVG(CASE WHEN {said.sql} THEN 100.0 ELSE 0 END)",
    )
    clause, plural = _predicate(said), ask.plural(table)
    if dimension is None:
        text = ask.one_of(
            f"What percentage of {plural} {clause}", f"What share of {plural} {clause}", f"What percent of {plural} {clause}",
            f"~percentage of {ask.noun(table, [said])}", f"Calculate the percentage of {plural} that {clause}",
            f"What proportion of the {plural} {clause}, in percent", f"~% of {plural} that {clause}",
        )  # fmt: skip
        return text, ask.select([share], table)
    if any(shown in said.sql for shown in dimension.shown):
        return None
    text = ask.one_of(
        f"What percentage of {plural} {clause} by {dimension.text}", f"~% of {ask.noun(table, [said])} per {dimension.text}",
        f"For each {dimension.text}, what percentage of {plural} {clause}",
        f"Show the share of {plural} that {clause} by {dimension.text} in percent",
    )  # fmt: skip
    return text, ask.select([*dimension.shown, share], table, [dimension.path], (), f"GROUP BY {dimension.key}")


def _predicate(said: Said) -> str:
    """A condition as what is said of the rows: "are cancelled", "have status open", "were placed in 2021"."""
    if said.before:
        return f"are {said.before}"
    first, _, rest = said.after.partition(" ")
    if first == "whose":
        way, _, value = rest.partition(" is ")
        return f"have a {way} that is {value}" if value else f"have a {rest}"
    if first == "where":
        way, _, value = rest.partition(" is ")
        return f"have {way} {value}"
    if first in ("with", "without"):
        return f"have {rest}" if first == "with" else f"have no {rest.removeprefix('a ')}"
    if first in ("that", "which"):
        return rest
    return (
        f"are {said.after}"
        if first in ("from", "in", "not", "based", "located", "on", "outside", "of", "excluding")
        else f"were {said.after}"
    )


def share_of_total(ask: Asker) -> Draft:
    fact = ask.a_table()
    dimension = ask.dimension(fact)
    measure = ask.measure(fact, is_total=True)
    if dimension is None or measure is None:
        return None
    filters = ask.filters(fact, (75, 25), apart=dimension)
    share = f"100.0 * {measure.sql} / SUM({measure.sql}) OVER ()"
    shows = ask.maybe(0.25)
    items = [*dimension.shown, *([measure.sql] if shows else []), share]
    sql = ask.select(
        items, fact, _paths(filters, dimension.path, measure.path), _where(filters), f"GROUP BY {dimension.key}"
    )
    bare = measure.text.replace("total ", "", 1)
    own = measure.sql == "COUNT(*)"
    behind = _behind(filters) if own or not filters else f"for {ask.noun(fact, filters)}"
    if shows:
        text = ask.one_of(
            f"Show the {measure.text} by {dimension.text} and its percentage of the total {behind}",
            f"~{measure.text} per {dimension.text} with share of total {behind}",
        )
    else:
        text = ask.one_of(f"What share of the total {bare} does each {dimension.text} have {behind}", f"~share of total {bare} by {dimension.text} {behind}", f"What percentage of {measure.text} comes from each {dimension.text} {behind}",
                          f"~{bare} share by {dimension.text} in percent {behind}", f"Show each {dimension.text}'s percentage of the overall {bare} {behind}")  # fmt: skip
    return text, sql


def average_per(ask: Asker) -> Draft:
    """A total per something: average order value, orders per customer."""
    fact = ask.a_fact()
    path = ask.a_path(fact) if fact else None
    if fact is None or path is None:
        return None
    measure = ask.measure(fact, is_total=True)
    filters = ask.filters(fact, (60, 40))
    if measure is None:
        return None
    link = path[-1]
    bare = measure.text.replace("total ", "", 1)
    one = ask.role(path)
    foreign = link.column
    paths = [path[:-1]] if len(path) > 1 else []
    behind = _behind(filters) if measure.sql == "COUNT(*)" else (f"for {ask.noun(fact, filters)}" if filters else "")
    if ask.maybe(0.5):
        sql = ask.select(
            [f"{measure.sql} * 1.0 / COUNT(DISTINCT {foreign})"],
            fact,
            _paths(filters, *paths, measure.path),
            _where(filters),
        )
        return ask.one_of(f"What is the {bare} per {one} {behind}", f"What is the average {bare} per {one} {behind}", f"~{bare} per {one} on average {behind}",
                          f"On average, what is the {bare} per {one} {behind}"), sql  # fmt: skip
    function, word = ask.chance.choice((("AVG", "average"), ("AVG", "average"), ("MAX", "highest"), ("MIN", "lowest")))
    inner = ask.select(
        [f"{measure.sql} AS n"], fact, _paths(filters, *paths, measure.path), _where(filters), f"GROUP BY {foreign}"
    )
    return ask.one_of(f"What is the {word} {measure.text} per {one} {behind}", f"What is the {word} of the {measure.text} for each {one} {behind}",
                      f"~{word} {measure.text} per {one} {behind}"), f"SELECT {function}(n) FROM ({inner})"  # fmt: skip


def ratio(ask: Asker) -> Draft:
    table = ask.a_table()
    sums = [column for column in table.columns if column.what.is_summed]
    if len(sums) < 2:
        return None
    one, other = ask.chance.sample(sums, 2)
    dimension = ask.dimension(table) if ask.maybe(0.5) else None
    filters = ask.filters(table, (65, 35), apart=dimension)
    is_percent = ask.maybe(0.35)
    value = f"{'100.0 * ' if is_percent else ''}SUM({one.full}){'' if is_percent else ' * 1.0'} / SUM({other.full})"
    left, right = ask.way(one), ask.way(other)
    said = ask.one_of(f"{left} as a percentage of {right}", f"total {left} as percent of total {right}") if is_percent else ask.one_of(
        f"ratio of {left} to {right}", f"ratio of total {left} to total {right}", f"{left} per {right}", f"{left} to {right} ratio")  # fmt: skip
    behind = f"for {ask.noun(table, filters)}" if filters else ""
    if dimension is None:
        return ask.one_of(
            f"What is the {said} {behind}", f"~{said} {behind}", f"Compute the {said} {behind}"
        ), ask.select([value], table, _paths(filters), _where(filters))
    sql = ask.select(
        [*dimension.shown, value], table, _paths(filters, dimension.path), _where(filters), f"GROUP BY {dimension.key}"
    )
    return ask.one_of(
        f"What is the {said} by {dimension.text} {behind}",
        f"~{said} per {dimension.text} {behind}",
        f"Show the {said} for each {dimension.text} {behind}",
    ), sql


def difference(ask: Asker) -> Draft:
    """Two columns of one row, or the highest and the lowest of one."""
    table = ask.a_table()
    numbers = [column for column in table.columns if column.what.is_number]
    if not numbers:
        return None
    column = ask.chance.choice(numbers)
    filters = ask.filters(table, (65, 35))
    way = ask.way(column)
    behind = f"{ask.one_of('of', 'among')} {ask.noun(table, filters)}"
    sql = ask.select([f"MAX({column.full}) - MIN({column.full})"], table, _paths(filters), _where(filters))
    return ask.one_of(f"What is the difference between the highest and lowest {way} {behind}", f"How far apart are the maximum and minimum {way} {behind}",
                      f"~range of {way} (max minus min) {behind}"), sql  # fmt: skip


def compare_two(ask: Asker) -> Draft:
    """Two kinds of rows beside each other, as columns or as rows."""
    table = ask.a_table()
    categories = [column for column in table.columns if column.kind in GROUPING and len(column.values()) > 1]
    measure = ask.measure(table, is_total=True)
    if not categories or measure is None or measure.path:
        return None
    column = ask.chance.choice(categories)
    one, other = (str(value) for value in ask.chance.sample(column.values()[:5], 2))
    way = ask.way(column)
    if ask.maybe(0.35):
        sql = ask.select(
            [column.full, measure.sql],
            table,
            (),
            [f"{column.full} IN ({literal(one)}, {literal(other)})"],
            f"GROUP BY {column.full}",
        )
        return ask.one_of(
            f"Compare the {measure.text} of {way} {one} and {other}",
            f"~{measure.text} {one} vs {other}",
            f"What is the {measure.text} for {way} {one} compared with {other}",
        ), sql
    columns = [_only(measure, f"{column.full} = {literal(value)}") for value in (one, other)]
    if ask.maybe(0.4):
        sql = ask.select([f"{columns[0]} - {columns[1]}"], table)
        return ask.one_of(
            f"What is the difference in {measure.text} between {way} {one} and {other}",
            f"How much higher is the {measure.text} for {one} than for {other}",
        ), sql
    dimension = ask.dimension(table) if ask.maybe(0.6) else None
    if dimension is None or dimension.key == column.full:
        return ask.one_of(
            f"Show the {measure.text} for {one} and for {other} side by side",
            f"What is the {measure.text} with {way} {one} and with {way} {other} in one row",
        ), ask.select(columns, table)
    sql = ask.select([*dimension.shown, *columns], table, [dimension.path], (), f"GROUP BY {dimension.key}")
    return ask.one_of(f"For each {dimension.text}, show the {measure.text} for {way} {one} and for {other} in separate columns", f"~{measure.text} {one} and {other} per {dimension.text} side by side",
                      f"Show per {dimension.text} the {measure.text} of {one} next to that of {other}"), sql  # fmt: skip


def _only(measure: Measure, condition: str) -> str:
    inner = measure.sql.removeprefix("SUM(").removesuffix(")")
    return f"SUM(CASE WHEN {condition} THEN {'1' if measure.sql == 'COUNT(*)' else inner} ELSE 0 END)"


# Windows


def top_of_each_group(ask: Asker) -> Draft:
    fact = ask.a_fact()
    if fact is None or ask.maybe(0.4):
        return _top_rows_of_each_group(ask)
    outer = ask.dimension(fact, is_timed=False)
    path = ask.a_path(fact, is_named=True)
    measure = ask.measure(fact, is_total=True)
    if outer is None or path is None or measure is None or measure.path or len(outer.shown) > 1 or outer.path == path:
        return None
    inner = ask.thing_dimension(path)
    if inner.text == outer.text:
        return None
    number = ask.chance.choice((1, 2, 3, 3, 5))
    key = outer.shown[0]
    names = [f"c{position}" for position in range(len(inner.shown) + 2)]
    items = [f"{sql} AS {name}" for sql, name in zip([key, *inner.shown, measure.sql], names, strict=True)]
    window = f"ROW_NUMBER() OVER (PARTITION BY {key} ORDER BY {measure.sql} DESC) AS n"
    body = ask.select([*items, window], fact, [outer.path, path], (), f"GROUP BY {key}, {inner.key}")
    sql = f"SELECT {', '.join(names)} FROM ({body}) WHERE n <= {number}"
    many = phrases.pluralised(inner.text)
    said = phrases.written_number(number, ask.chance)
    if number == 1:
        return ask.one_of(
            f"Which {inner.text} has the highest {measure.text} for each {outer.text}? Show the {measure.text}",
            f"~best {inner.text} by {measure.text} for each {outer.text}",
            f"For each {outer.text}, show the {inner.text} with the highest {measure.text}, and the {measure.text}",
        ), sql
    return ask.one_of(
        f"What are the top {said} {many} by {measure.text} for each {outer.text}",
        f"~top {said} {many} per {outer.text} by {measure.text}",
        f"For every {outer.text}, list the {said} {many} with the highest {measure.text}, with the {measure.text}",
    ), sql


def _top_rows_of_each_group(ask: Asker) -> Draft:
    table = ask.a_table()
    keys = [column for column in table.columns if column.what.is_number]
    groups = [column for column in table.columns if column.kind in GROUPING]
    if not keys or not groups or not table.display:
        return None
    key, group = ask.chance.choice(keys), ask.chance.choice(groups)
    number = ask.chance.choice((1, 2, 3, 3, 5))
    is_most = ask.maybe(0.8)
    shown = [group, *table.display, key]
    order = f"ORDER BY {key.sql}{' DESC' if is_most else ''}"
    columns = ", ".join(column.sql for column in shown)
    sql = (
        f"SELECT {columns} FROM (SELECT {columns}, ROW_NUMBER() OVER (PARTITION BY {group.sql} {order}) AS n FROM {table.sql}) "
        f"WHERE n <= {number}"
    )
    way, top = ask.way(key), "highest" if is_most else "lowest"
    said = phrases.written_number(number, ask.chance)
    if number == 1:
        return ask.one_of(
            f"For each {ask.way(group)}, which {ask.singular(table)} has the {top} {way}? Show the {way} too",
            f"~{ask.singular(table)} with the {top} {way} per {ask.way(group)} and its {way}",
        ), sql
    return ask.one_of(
        f"List the {said} {ask.plural(table)} with the {top} {way} in each {ask.way(group)}, with their {way}",
        f"~{'top' if is_most else 'bottom'} {said} {ask.plural(table)} by {way} for each {ask.way(group)}",
    ), sql


def ranked(ask: Asker) -> Draft:
    fact = ask.a_table()
    dimension = ask.dimension(fact, is_timed=False)
    measure = ask.measure(fact, is_total=True)
    if dimension is None or measure is None:
        return None
    sql = ask.select(
        [*dimension.shown, measure.sql, f"RANK() OVER (ORDER BY {measure.sql} DESC)"], fact, [dimension.path, measure.path], (),
        f"GROUP BY {dimension.key}",
    )  # fmt: skip
    many = phrases.pluralised(dimension.text)
    return ask.one_of(
        f"Rank the {many} by {measure.text}",
        f"Show the {many} with their {measure.text} and rank",
        f"~rank {many} by {measure.text}",
        f"Give each {dimension.text} a rank by {measure.text}, with the {measure.text}",
    ), sql


def over_time(ask: Asker) -> Draft:
    fact = ask.a_fact() or ask.a_table()
    time = ask.time_dimension(fact, is_ordered=True)
    measure = ask.measure(fact, is_total=True)
    if time is None or measure is None:
        return None
    filters = ask.filters(fact, (70, 30), is_dated=False)
    is_running = ask.maybe(0.55)
    window = (
        f"SUM({measure.sql}) OVER (ORDER BY {time.key})"
        if is_running
        else f"LAG({measure.sql}) OVER (ORDER BY {time.key})"
    )
    if not is_running and ask.maybe(0.4):
        items, kind = [time.key, f"{measure.sql} - {window}"], "change"
    elif is_running and ask.maybe(0.5):
        items, kind = [time.key, window], "running only"
    else:
        items, kind = [time.key, measure.sql, window], "running" if is_running else "previous"
    sql = ask.select(
        items, fact, _paths(filters, measure.path), _where(filters), f"GROUP BY {time.key} ORDER BY {time.key}"
    )
    own = measure.sql == "COUNT(*)"
    behind = _behind(filters) if own or not filters else f"for {ask.noun(fact, filters)}"
    bare, unit = measure.text.replace("total ", "", 1), time.text
    texts = {
        "change": (f"How did the {measure.text} change from {unit} to {unit} {behind}", f"~change in {measure.text} versus the previous {unit} {behind}", f"Show the difference in {measure.text} to the previous {unit} per {unit} {behind}"),
        "running only": (f"What is the running total of {bare} by {unit} {behind}", f"~cumulative {bare} per {unit} {behind}", f"Show the cumulative {bare} over the {unit}s {behind}"),
        "running": (f"Show the {measure.text} per {unit} and the running total {behind}", f"~{measure.text} by {unit} with cumulative total {behind}"),
        "previous": (f"Show the {measure.text} per {unit} next to that of the previous {unit} {behind}", f"~{measure.text} by {unit} and previous {unit} {behind}", f"Compare each {unit}'s {measure.text} with the {unit} before {behind}"),
    }  # fmt: skip
    return ask.one_of(*texts[kind]), sql


# Dates and single facts


def first_or_last(ask: Asker) -> Draft:
    table = ask.a_table()
    dates = [column for column in table.columns if column.what.is_date]
    if not dates:
        return None
    column = ask.chance.choice(dates)
    filters = ask.filters(table, (45, 50, 5), is_dated=False)
    noun = ask.noun(table, filters)
    one = noun.replace(ask.plural(table), ask.singular(table), 1)
    verb = ask.chance.choice(column.what.ways)
    chosen = ask.chance.random()
    if chosen < 0.2:
        sql = ask.select([f"MIN({column.full})", f"MAX({column.full})"], table, _paths(filters), _where(filters))
        return ask.one_of(
            f"What are the earliest and latest {column.what.words} of {noun}",
            f"~first and last {column.what.words} of {noun}",
            f"Over what period were {noun} {verb}",
        ), sql
    is_last = chosen < 0.65
    sql = ask.select([f"{'MAX' if is_last else 'MIN'}({column.full})"], table, _paths(filters), _where(filters))
    word = ask.one_of("last", "latest", "most recent") if is_last else ask.one_of("first", "earliest")
    return ask.one_of(
        f"When was the {word} {one} {verb}",
        f"What is the {word} {column.what.words} of {noun}",
        f"~{word} {column.what.words} of {noun}",
        f"When was the {word} of the {noun} {verb}",
    ), sql


def latest_per_group(ask: Asker) -> Draft:
    fact = ask.a_fact()
    if fact is None:
        return None
    dates = [column for column in fact.columns if column.what.is_date]
    dimension = ask.dimension(fact, is_timed=False)
    if not dates or dimension is None:
        return None
    is_last = ask.maybe(0.65)
    word = ask.one_of("last", "latest", "most recent") if is_last else ask.one_of("first", "earliest")
    sql = ask.select(
        [*dimension.shown, f"{'MAX' if is_last else 'MIN'}({dates[0].full})"],
        fact,
        [dimension.path],
        (),
        f"GROUP BY {dimension.key}",
    )
    words = dates[0].what.words
    return ask.one_of(
        f"What is the {word} {words} of the {ask.plural(fact)} for each {dimension.text}",
        f"~{word} {ask.singular(fact)} {words} per {dimension.text}",
        f"Show the {word} {words} by {dimension.text}",
    ), sql


def duration(ask: Asker) -> Draft:
    table = ask.a_table()
    dates = [
        column
        for column in table.columns
        if column.what.is_date and not column.what.words.startswith(("birth", "born"))
    ]
    if len(dates) < 2:
        return None
    begin, end = dates[0], dates[1]
    days = f"julianday({end.full}) - julianday({begin.full})"
    filters = ask.filters(table, (60, 40), is_dated=False)
    noun = ask.noun(table, filters)
    between = ask.one_of(
        f"between {begin.what.words} and {end.what.words}",
        f"from {begin.what.words} to {end.what.words}",
        f"between being {begin.what.ways[0]} and {end.what.ways[0]}",
    )
    chosen = ask.chance.random()
    if chosen < 0.3:
        number = ask.chance.choice((3, 5, 7, 10, 14, 30))
        counted = ask.select(["COUNT(*)"], table, _paths(filters), [*_where(filters), f"{days} > {number}"])
        return ask.one_of(
            f"How many {noun} took more than {number} days {between}",
            f"~number of {noun} with more than {number} days {between}",
        ), counted
    dimension = ask.dimension(table, is_timed=False) if chosen < 0.65 else None
    if dimension is None:
        function, word = ask.chance.choice(
            (("AVG", "average"), ("AVG", "average"), ("MAX", "longest"), ("MIN", "shortest"))
        )
        sql = ask.select([f"{function}({days})"], table, _paths(filters), _where(filters))
        return ask.one_of(
            f"What is the {word} number of days {between} for {noun}",
            f"~{word} days {between} of {noun}",
            f"How many days does it take on average {between} for {noun}"
            if function == "AVG"
            else f"What is the {word} time in days {between} for {noun}",
        ), sql
    sql = ask.select(
        [*dimension.shown, f"AVG({days})"],
        table,
        _paths(filters, dimension.path),
        _where(filters),
        f"GROUP BY {dimension.key}",
    )
    return ask.one_of(
        f"What is the average number of days {between} per {dimension.text} for {noun}",
        f"~average days {between} by {dimension.text}" + (f" for {noun}" if filters else ""),
    ), sql


def distinct_values(ask: Asker) -> Draft:
    table = ask.a_table()
    columns = [
        column for column in table.columns if column.kind in ("category", "city", "country", "region", "company")
    ]
    if not columns:
        return None
    column = ask.chance.choice(columns)
    way = ask.way(column)
    many = phrases.pluralised(way)
    filters = [said for said in ask.filters(table, (65, 35)) if column.full not in said.sql]
    noun = ask.noun(table, filters)
    if ask.maybe(0.4):
        sql = ask.select([f"COUNT(DISTINCT {column.full})"], table, _paths(filters), _where(filters))
        return ask.one_of(
            f"How many different {many} do the {noun} have",
            f"How many distinct {many} are there among {noun}",
            f"~number of distinct {many} of {noun}",
            f"In how many different {many} are there {noun}",
            f"Count the unique {many} of {noun}",
        ), sql
    sql = ask.select([f"DISTINCT {column.full}"], table, _paths(filters), _where(filters))
    return ask.one_of(
        f"What are the different {many} of {noun}",
        f"List all distinct {many} of {noun}",
        f"~unique {many} of {noun}",
        f"Which {many} do {noun} have",
        f"What {many} are there for {noun}",
        f"Show the possible {many} of {noun}, each once",
    ), sql


def distinct_per_group(ask: Asker) -> Draft:
    fact = ask.a_fact()
    path = ask.a_path(fact) if fact else None
    if fact is None or path is None:
        return None
    dimension = ask.dimension(fact)
    if dimension is None or dimension.path == path:
        return None
    filters = ask.filters(fact, (75, 25), apart=dimension)
    link = path[-1]
    sql = ask.select(
        [*dimension.shown, f"COUNT(DISTINCT {link.column})"],
        fact,
        _paths(filters, path[:-1], dimension.path),
        _where(filters),
        f"GROUP BY {dimension.key}",
    )
    many = phrases.pluralised(ask.role(path))
    behind = f"with {ask.noun(fact, filters)}" if filters else f"with {ask.plural(fact)}"
    return ask.one_of(
        f"How many different {many} {behind} are there per {dimension.text}",
        f"~number of distinct {many} {behind} by {dimension.text}",
        f"For each {dimension.text}, count the unique {many} {behind}",
        f"Number of unique {many} by {dimension.text}"
        if not filters
        else f"~unique {many} {behind} per {dimension.text}",
    ), sql


def lookup(ask: Asker) -> Draft:
    table = ask.a_table()
    if not table.display:
        return None
    others = [column for column in table.columns if column not in table.display and column.kind != "flag"]
    parents = [
        (link, column) for link in table.links for column in link.parent.display if len(link.parent.display) == 1
    ]
    row = ask.chance.choice(table.rows)
    written = " ".join(str(row[column.name]) for column in table.display)
    where = [f"{column.full} = {literal(row[column.name])}" for column in table.display]
    value = ask.value(written)
    if parents and ask.maybe(0.35):
        link, column = ask.chance.choice(parents)
        if sum(other.parent is link.parent for other in table.links) > 1:
            return None
        sql = ask.select([column.full], table, [(link,)], where)
        return ask.one_of(
            f"Which {link.role} does {value} belong to",
            f"What is the {link.role} of {ask.singular(table)} {value}",
            f"~{link.role} of {value}",
        ), sql
    if not others:
        return None
    picked = ask.chance.sample(others, min(len(others), ask.chance.choice((1, 1, 2))))
    said = phrases.joined([ask.way(column) for column in picked])
    sql = ask.select([column.full for column in picked], table, (), where)
    return ask.one_of(
        f"What is the {said} of {value}",
        f"What is the {said} of {ask.singular(table)} {value}",
        f"~{said} of {value}",
        f"Show the {said} for {value}",
        f"Give me {value}'s {said}",
    ), sql


def most_common(ask: Asker) -> Draft:
    table = ask.a_table()
    columns = [column for column in table.columns if column.kind in GROUPING]
    if not columns:
        return None
    column = ask.chance.choice(columns)
    is_most = ask.maybe(0.8)
    filters = [said for said in ask.filters(table, (65, 35)) if column.full not in said.sql]
    sql = ask.select(
        [column.full],
        table,
        _paths(filters),
        _where(filters),
        f"GROUP BY {column.full} ORDER BY COUNT(*){' DESC' if is_most else ''} LIMIT 1",
    )
    word = ask.one_of("most common", "most frequent") if is_most else ask.one_of("least common", "rarest")
    way, noun = ask.way(column), ask.noun(table, filters)
    return ask.one_of(
        f"What is the {word} {way} of {noun}",
        f"Which {way} is the {word} among {noun}",
        f"~{word} {way} of {noun}",
        f"Which {way} do {'most' if is_most else 'the fewest'} {noun} have",
    ), sql


def rows_with_parent(ask: Asker) -> Draft:
    """Columns of a table beside the names of what they belong to."""
    fact = ask.a_fact()
    path = ask.a_path(fact, is_named=True) if fact else None
    if fact is None or path is None:
        return None
    parent = path[-1].parent
    columns = [column for column in fact.columns if column.kind != "flag"]
    picked = ask.chance.sample(columns, min(len(columns), ask.chance.choice((1, 2, 2))))
    if not picked:
        return None
    filters = ask.filters(fact, (20, 65, 15))
    noun, one = ask.noun(fact, filters), ask.role(path)
    tail, order = _ordered(ask, fact)
    said = phrases.joined([ask.way(column) for column in picked])
    sql = ask.select(
        [*(column.full for column in picked), *ask.shown(parent)], fact, _paths(filters, path), _where(filters), tail
    )
    name = ask.one_of(f"the name of the {one}", f"the {one} name", f"the {one}")
    return ask.one_of(
        f"List the {said} and {name} of {noun}{order}",
        f"Show {said} together with {name} for {noun}{order}",
        f"~{said} and {one} of {noun}{order}",
        f"For {noun}, show the {said} and {name}{order}",
    ), sql


def either(ask: Asker) -> Draft:
    table = ask.a_table()
    one, other = ask.own_filter(table), ask.own_filter(table)
    if one is None or other is None or one.text == other.text or one.sql == other.sql or not table.display:
        return None
    if not one.after or not other.after:
        return None
    text = f"{ask.plural(table)} {one.after} or {other.after}"
    condition = f"{one.sql} OR {other.sql}"
    if ask.maybe(0.5):
        return ask.one_of(f"How many {text} are there", f"Count the {text}"), ask.select(
            ["COUNT(*)"], table, (), [condition]
        )
    return ask.one_of(f"List the {text}", f"Which {text} are there", f"~{text}"), ask.select(
        ask.shown(table), table, (), [condition]
    )


def more_than_another(ask: Asker) -> Draft:
    """Compared with the number of one named row, or with all rows of a kind."""
    table = ask.a_table()
    keys = [column for column in table.columns if column.what.is_number]
    if not keys or not table.display:
        return None
    key = ask.chance.choice(keys)
    comparison, word = ask.chance.choice(((">", "higher"), (">", "larger"), ("<", "lower")))
    way = ask.way(key)
    said = ask.own_filter(table)
    if said is None:
        return None
    function, top = ("MAX", "highest") if comparison == ">" else ("MIN", "lowest")
    if ask.maybe(0.5):
        function, top = "AVG", "average"
    inner = ask.select([f"{function}({key.full})"], table, (), [said.sql])
    outer = ask.select(ask.shown(table), table)
    sql = f"{outer} WHERE {key.sql} {comparison} ({inner})"
    noun = f"{said.before} {ask.plural(table)} {said.after}".strip()
    return ask.one_of(
        f"Which {ask.plural(table)} have a {word} {way} than the {top} {way} of {noun}",
        f"List the {ask.plural(table)} with {way} {word} than the {top} {way} of {noun}",
    ), sql


# How people in a business talk


def takings(ask: Asker) -> Draft:
    """How much was made, spent or sold, without naming a column."""
    fact = ask.a_fact()
    measure = _money_of(ask, fact) if fact else None
    if fact is None or measure is None:
        return None
    path = ask.a_path(fact, is_named=True)
    dates = [column for column in fact.columns if column.what.is_date]
    when = ask.own_filter(fact) if dates else None
    filters = [when] if when and when.column in dates and ask.maybe(0.7) else []
    period = filters[0].after if filters else ""
    period = (
        period.split(" ", 1)[1] if " " in period and not period.startswith(("with", "not", "that", "where")) else ""
    )
    filters = filters if period else []
    if path and ask.maybe(0.5) and _is_buyer(path):
        row = ask.chance.choice(path[-1].parent.rows)
        display = path[-1].parent.display
        name = " ".join(str(row[column.name]) for column in display)
        where = [f"{column.full} = {literal(row[column.name])}" for column in display]
        sql = ask.select([measure.sql], fact, _paths(filters, path, measure.path), [*where, *_where(filters)])
        return ask.one_of(
            f"How much did {ask.value(name)} spend {period}",
            f"What did {ask.value(name)} spend in total {period}",
            f"~total spend of {ask.value(name)} {period}",
        ), sql
    sql = ask.select([measure.sql], fact, _paths(filters, measure.path), _where(filters))
    word = ask.one_of("revenue", "money", "turnover", "income", "sales")
    return ask.one_of(
        f"How much {word} did we make {period}", f"How much did we earn {period}", f"What was our total revenue {period}",
        f"What were total sales {period}", f"~total revenue {period}", f"How much {word} did we generate {period}",
    ), sql  # fmt: skip


_EARNED = (
    "amount", "total", "total price", "total charge", "paid price", "sale price", "total value", "net amount", "fare",
    "premium", "price", "bill", "invoice total", "basket value", "hammer price", "mrr", "contract value",
)  # fmt: skip


def _money_of(ask: Asker, fact: Tab) -> Measure | None:
    """What rows of ``fact`` bring in: its computed revenue, else its one amount."""
    for derived in fact.derived:
        if derived.ways[0] in ("revenue", "box office", "trade value"):
            terms = {term: fact.find(term) for term in derived.terms if term not in "*-+/()1"}
            if all(terms.values()):
                words = [getattr(terms.get(term), "full", term) for term in derived.terms]
                return Measure(f"SUM({' '.join(words).replace('( ', '(').replace(' )', ')')})", "revenue")
    amounts = [column for column in fact.columns if column.kind == "amt" and column.what.words in _EARNED]
    return Measure(f"SUM({amounts[0].full})", "revenue") if len(amounts) == 1 else None


def _is_buyer(path: Path) -> bool:
    words = path[-1].parent.thing.words
    return words in (
        "customer",
        "client",
        "buyer",
        "guest",
        "traveler",
        "user",
        "renter",
        "donor",
        "passenger",
        "account",
        "learner",
        "owner",
    )


def spenders(ask: Asker) -> Draft:
    fact = ask.a_fact()
    measure = _money_of(ask, fact) if fact else None
    paths = [path for path in ask.paths(fact) if _is_buyer(path) and path[-1].parent.display] if fact else []
    if fact is None or measure is None or not paths:
        return None
    path = ask.chance.choice(paths)
    dimension = ask.thing_dimension(path)
    filters = ask.filters(fact, (60, 40), apart=dimension)
    number = ask.chance.choice((1, 3, 5, 10))
    sql = ask.select(
        list(dimension.shown),
        fact,
        _paths(filters, path, measure.path),
        _where(filters),
        f"GROUP BY {dimension.key} ORDER BY {measure.sql} DESC LIMIT {number}",
    )
    said = phrases.written_number(number, ask.chance)
    behind = f"on {ask.noun(fact, filters)}" if filters else ""
    one, many = ask.singular(path[-1].parent), ask.plural(path[-1].parent)
    if number == 1:
        return ask.one_of(
            f"Which {one} spent the most {behind}",
            f"Who is our best {one} by money spent {behind}",
            f"Who spent the most {behind}",
            f"~biggest spender {behind}",
        ), sql
    return ask.one_of(
        f"Which {said} {many} spent the most {behind}",
        f"Who are our {said} best {many} by money spent {behind}",
        f"~{said} {many} who spent the most {behind}",
    ), sql


def popular(ask: Asker) -> Draft:
    fact = ask.a_fact()
    path = ask.a_path(fact, is_named=True) if fact else None
    if fact is None or path is None:
        return None
    dimension = ask.thing_dimension(path)
    filters = ask.filters(fact, (65, 35), apart=dimension)
    quantities = [
        column
        for column in fact.columns
        if column.what.words in ("quantity", "units", "tickets", "tickets sold", "pieces")
    ]
    number = ask.chance.choice((1, 1, 3, 5, 10))
    said = phrases.written_number(number, ask.chance)
    parent = path[-1].parent
    noun = ask.role(path) if number == 1 else phrases.pluralised(ask.role(path))
    behind = f"{ask.one_of('for', 'among', 'considering')} {ask.noun(fact, filters)}" if filters else ""
    is_sold = (
        bool(quantities)
        and parent.find("name") is not None
        and not any(column.kind in ("person", "company") for column in parent.display)
    )
    key = f"SUM({quantities[0].full})" if is_sold else "COUNT(*)"
    way = ask.way(quantities[0]) if is_sold else ask.plural(fact)
    adjective = (
        ask.one_of("best-selling", "best selling", "top-selling")
        if is_sold
        else ask.one_of("most popular", "busiest", "most active")
    )
    if ask.maybe(0.2):
        adjective = "worst-selling" if is_sold else "least popular"
    direction = "" if adjective.startswith(("worst", "least")) else " DESC"
    sql = ask.select(
        list(dimension.shown),
        fact,
        _paths(filters, path),
        _where(filters),
        f"GROUP BY {dimension.key} ORDER BY {key}{direction} LIMIT {number}",
    )
    tail = f"by {way}" if is_sold else f"by number of {way}"
    if number == 1:
        return ask.one_of(
            f"What is the {adjective} {noun} {tail} {behind}",
            f"Which {noun} is the {adjective} {tail} {behind}",
            f"~{adjective} {noun} {tail} {behind}",
        ), sql
    return ask.one_of(
        f"What are the {said} {adjective} {noun} {tail} {behind}",
        f"~{said} {adjective} {noun} {tail} {behind}",
        f"List our {said} {adjective} {noun} {tail} {behind}",
    ), sql


def busiest(ask: Asker) -> Draft:
    fact = ask.a_table()
    time = ask.time_dimension(fact)
    if time is None:
        return None
    filters = ask.filters(fact, (65, 35), is_dated=False)
    is_most = ask.maybe(0.75)
    sql = ask.select(
        list(time.shown),
        fact,
        _paths(filters),
        _where(filters),
        f"GROUP BY {time.key} ORDER BY COUNT(*){' DESC' if is_most else ''} LIMIT 1",
    )
    noun = ask.noun(fact, filters)
    word = "busiest" if is_most else "slowest"
    quantity = ask.one_of("most", "largest number of") if is_most else ask.one_of("fewest", "smallest number of")
    return ask.one_of(
        f"What was the {word} {time.text} for {noun}",
        f"Which {time.text} was the {word} by number of {noun}",
        f"In which {time.text} did we have the {quantity} {noun}",
        f"~{time.text} with the {quantity} {noun}",
    ), sql


def how_many_units(ask: Asker) -> Draft:
    """A sum that is asked like a count."""
    table = ask.a_table()
    columns = [column for column in table.columns if column.what.kind == "qty" and ask.way(column).endswith("s")]
    if not columns:
        return None
    column = ask.chance.choice(columns)
    way = ask.way(column)
    filters = ask.filters(table, (20, 60, 20))
    noun = ask.noun(table, filters)
    sql = ask.select([f"SUM({column.full})"], table, _paths(filters), _where(filters))
    return ask.one_of(
        f"How many {way} are there in total for {noun}",
        f"How many {way} do the {noun} add up to",
        f"How many {way} do the {noun} have altogether",
        f"~total {way} for {noun}",
    ), sql


def deeds(ask: Asker) -> Draft:
    """What one named person or company did: how often, when first, when last."""
    options = [
        (table, link)
        for table in ask.world.tables
        for link in table.links
        if _active_verb((link,)) and link.parent.display
    ]
    if not options:
        return None
    fact, link = ask.chance.choice(options)
    if sum(other.parent is link.parent for other in fact.links) > 1:
        return None
    row = ask.chance.choice(link.parent.rows)
    display = link.parent.display
    name = ask.value(" ".join(str(row[column.name]) for column in display))
    where = [f"{column.full} = {literal(row[column.name])}" for column in display]
    base = {
        "placed": "place",
        "made": "make",
        "took": "take",
        "wrote": "write",
        "gave": "give",
        "had": "have",
        "sent": "send",
    }.get(link.verb)
    dates = [column for column in fact.columns if column.what.is_date]
    if dates and base and ask.maybe(0.35):
        is_last = ask.maybe(0.5)
        sql = ask.select([f"{'MAX' if is_last else 'MIN'}({dates[0].full})"], fact, [(link,)], where)
        return (
            f"When did {name} {base} {ask.one_of('their', 'the')} {'last' if is_last else 'first'} {ask.singular(fact)}",
            sql,
        )
    filters = [said for said in ask.filters(fact, (45, 55)) if not said.paths]
    sql = ask.select(["COUNT(*)"], fact, _paths(filters, (link,)), [*where, *_where(filters)])
    noun = ask.noun(fact, filters)
    ways = [
        f"How many {noun} has {name} {_participle(link.verb)}",
        f"How many {noun} does {name} have",
        f"~number of {noun} of {name}",
    ]
    return ask.one_of(*ways, *([f"How many {noun} did {name} {base}"] if base else [])), sql


def by_number(ask: Asker) -> Draft:
    """A row named by its key: order 17."""
    table = ask.a_table()
    number = ask.chance.randint(1, len(table.rows))
    one = ask.singular(table)
    which = ask.one_of(
        f"{one} {number}", f"{one} number {number}", f"{one} with id {number}", f"{one} #{number}", f"{one} id {number}"
    )
    where = [f"{table.key_full} = {number}"]
    children = [
        link for link in ask.world.children(table) if sum(other.parent is table for other in link.child.links) == 1
    ]
    if children and ask.maybe(0.35):
        child = ask.chance.choice(children).child
        link = next(link for link in child.links if link.parent is table)
        measure = ask.measure(child, is_total=True) if ask.maybe(0.6) else None
        item = measure.sql if measure and not measure.path else "COUNT(*)"
        said = measure.text if measure and not measure.path else f"number of {ask.plural(child)}"
        return ask.one_of(f"What is the {said} for {which}", f"~{said} of {which}"), ask.select(
            [item], child, (), [f"{link.column} = {number}"]
        )
    columns = [column for column in table.columns if column.kind != "flag"]
    if not columns:
        return None
    picked = ask.chance.sample(columns, min(len(columns), ask.chance.choice((1, 1, 2))))
    said = phrases.joined([ask.way(column) for column in picked])
    if ask.maybe(0.15):
        return ask.one_of(f"Show {which}", f"Give me all details of {which}"), ask.select(["*"], table, (), where)
    return ask.one_of(
        f"What is the {said} of {which}", f"~{said} of {which}", f"Show the {said} for {which}"
    ), ask.select([column.full for column in picked], table, (), where)


def superiors(ask: Asker) -> Draft:
    """A table that refers to itself: who leads whom."""
    tables = [table for table in ask.world.tables if table.superior and table.display]
    if not tables:
        return None
    table = ask.chance.choice(tables)
    assert table.superior is not None
    names = {side: [f"{side}.{column.sql}" for column in table.display] for side in ("a", "b")}
    tie = f"a.{table.superior.column.removeprefix(table.sql + '.')}"
    key = f"b.{table.key_full.removeprefix(table.sql + '.')}"
    source = f"{table.sql} AS a JOIN {table.sql} AS b ON {tie} = {key}"
    one, many, leader = ask.singular(table), ask.plural(table), table.superior.role
    drawn = ask.chance.random()
    if drawn < 0.35:
        sql = f"SELECT {', '.join(names['a'] + names['b'])} FROM {source}"
        return ask.one_of(
            f"List each {one} with the name of their {leader}",
            f"Show all {many} and who their {leader} is",
            f"~{many} and their {phrases.pluralised(leader)}",
        ), sql
    row = ask.chance.choice(table.rows[:4])
    is_named = [f"b.{column.sql} = {literal(row[column.name])}" for column in table.display]
    name = ask.value(" ".join(str(row[column.name]) for column in table.display))
    if drawn < 0.55:
        sql = f"SELECT {', '.join(names['a'])} FROM {source} WHERE {' AND '.join(is_named)}"
        return ask.one_of(
            f"Which {many} report to {name}", f"Who works under {name}", f"List the {many} whose {leader} is {name}"
        ), sql
    if drawn < 0.75:
        sql = f"SELECT {', '.join(names['b'])}, COUNT(*) FROM {source} GROUP BY {key}"
        return ask.one_of(
            f"How many {many} report to each {leader}",
            f"~number of {many} per {leader}",
            f"Show each {leader} with the number of their {many}",
        ), sql
    if drawn < 0.87:
        sql = f"SELECT {', '.join(names['b'])} FROM {source} GROUP BY {key} ORDER BY COUNT(*) DESC LIMIT 1"
        return ask.one_of(
            f"Which {leader} has the most {many} below them",
            f"Who leads the most {many}",
            f"~{leader} with the most direct reports",
        ), sql
    sql = f"SELECT {', '.join(column.sql for column in table.display)} FROM {table.sql} WHERE {table.superior.column.removeprefix(table.sql + '.')} IS NULL"
    return ask.one_of(
        f"Which {many} have no {leader}", f"List {many} without a {leader}", f"Who does not report to anybody"
    ), sql


INTENTS: tuple[tuple[Callable[[Asker], Draft], int], ...] = (
    (list_rows, 9), (all_details, 2), (count_rows, 9), (measures, 9), (grouped, 26), (grouped_twice, 3), (having, 5),
    (superlative_of_rows, 7), (superlative_of_groups, 9), (ties, 1), (above_average, 3), (above_average_of_group, 2),
    (without, 6), (with_some, 5), (including_none, 3), (both, 3), (share_of_rows, 5), (share_of_total, 4),
    (average_per, 5), (ratio, 3), (difference, 2), (compare_two, 4), (top_of_each_group, 4), (ranked, 2), (over_time, 3),
    (first_or_last, 4), (latest_per_group, 2), (duration, 3), (distinct_values, 3), (distinct_per_group, 3), (lookup, 4),
    (most_common, 3), (rows_with_parent, 5), (either, 2), (more_than_another, 2),
    (takings, 5), (spenders, 3), (popular, 4), (busiest, 2), (how_many_units, 2), (deeds, 3), (by_number, 4), (superiors, 2),
)  # fmt: skip
