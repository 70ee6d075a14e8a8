"""Questions about groups, and about when things happened."""

from __future__ import annotations

import re
from collections.abc import Sequence

from training.synthesis import phrases
from training.synthesis.asking import GROUPING, Asker
from training.synthesis.intents.parts import Draft, bare_measure, conditions_behind, imperative, paths_of, where_of
from training.synthesis.said import Dimension, Measure, Said
from training.synthesis.worlds import Tab


def grouped(ask: Asker) -> Draft:
    fact = ask.a_table()
    dimension = ask.dimension(fact)
    found = ask.measures(fact, ask.chance.choices((1, 2, 3), (68, 24, 8))[0])
    if dimension is None or not found:
        return None
    filters = ask.filters(fact, (55, 35, 10), is_dated=not dimension.is_time or ask.maybe(0.5), apart=dimension)
    order, tail, limit = _group_order(ask, dimension, found)
    sql = ask.select(
        [*dimension.shown, *(measure.sql for measure in found)],
        fact,
        paths_of(filters, dimension.path, *(measure.path for measure in found)),
        where_of(filters),
        f"GROUP BY {dimension.key}{tail}",
    )
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
    ways = (
        (
            "highest first",
            "sorted from highest to lowest",
            "in descending order",
            f"sorted by {measure.text} descending",
            "largest first",
            "descending",
        )
        if is_falling
        else ("lowest first", "sorted ascending", "from lowest to highest")
    )
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
    behind = (
        conditions_behind(filters) if own or not filters else f"{ask.one_of('of', 'for')} {ask.noun(fact, filters)}"
    )
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
            f"~top {number} {many} by {said} {behind}",
            f"Show the top {number} {many} by {said} {behind}",
            f"What are the top {number} {many} by {said} {behind}",
            f"~{said} by {dim} top {number} {behind}",
            f"Give me the {number} {many} with the highest {bare_measure(said)} {behind} and the {bare_measure(said)}"
            if len(found) == 1
            else f"List the top {number} {many} by {found[0].text} {behind}, with {said}",
            f"Who are our top {number} {many} by {said} {behind}"
            if _is_people(ask, dimension)
            else f"top {number} {many} in terms of {said} {behind}",
        )
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
        request = ask.one_of("what is", "show", "give", "find")
        return f"{ask.one_of('For each', 'For every')} {dim}, {request} the {said} {behind}{order}"
    return ask.one_of(
        f"~{said} {per} {behind}{order}",
        f"~{said} {per} {behind}{order}",
        f"What is the {said} {per} {behind}{order}",
        f"What is the {said} {behind} {per}{order}",
        f"Show the {said} {per} {behind}{order}",
        f"Show {said} {behind} {per}{order}",
        f"{imperative(ask)} the {said} {per} {behind}{order}",
        f"Break down {said} {per} {behind}{order}",
        f"List each {dim} with its {said} {behind}{order}"
        if not dimension.is_time
        else f"How does {said} develop {per} {behind}{order}",
    )


_PERIODS = {"month": "monthly", "year": "yearly", "quarter": "quarterly", "day": "daily"}


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
        [*one.shown, *other.shown, found[0].sql],
        fact,
        paths_of(filters, one.path, other.path, found[0].path),
        where_of(filters),
        f"GROUP BY {one.key}, {other.key}",
    )
    own = found[0].sql == "COUNT(*)"
    behind = conditions_behind(filters) if own or not filters else f"for {ask.noun(fact, filters)}"
    text = ask.one_of(
        f"~{found[0].text} by {one.text} and {other.text} {behind}",
        f"Show the {found[0].text} per {one.text} and {other.text} {behind}",
        f"What is the {found[0].text} for each {one.text} and {other.text} {behind}",
        f"Break {found[0].text} down by {one.text} and {other.text} {behind}",
    )
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
        [*dimension.shown, *([measure.sql] if shows else [])],
        fact,
        paths_of(filters, dimension.path, measure.path),
        where_of(filters),
        f"GROUP BY {dimension.key} HAVING {measure.sql} {comparison} {bound}",
    )
    many = phrases.pluralised(dimension.text)
    if measure.sql == "COUNT(*)":
        noun = f"{word} {said_bound} {ask.noun(fact, filters)}"
        condition = ask.one_of(f"have {noun}", f"with {noun}", f"that have {noun}")
    else:
        behind = f"for {ask.noun(fact, filters)}" if filters else ""
        condition = ask.one_of(
            f"with {measure.text} {word} {said_bound} {behind}",
            f"with a {measure.text} of {word} {said_bound} {behind}",
            f"where the {measure.text} is {word} {said_bound} {behind}",
        )
    tail = f", and show the {measure.text}" if shows else ""
    text = ask.one_of(
        f"Which {many} {condition}",
        f"List the {many} {condition}",
        f"Find all {many} {condition}",
        f"~{many} {condition}",
    )
    if condition.startswith("have ") or text.startswith("Which "):
        text = f"Which {many} {re.sub('^(that have|with|where the)', 'have', condition)}"
        text = text if not condition.startswith("where") else f"For which {many} {condition.removeprefix('where ')}"
    return text + tail, sql


def _bound(ask: Asker, measure: Measure) -> tuple[int, str]:
    bound = (
        ask.chance.choice((2, 3, 5, 8, 10))
        if measure.sql == "COUNT(*)"
        else ask.chance.choice((10, 20, 50, 100, 500, 1000, 5000, 10000, 100000))
    )
    return bound, phrases.written_number(bound, ask.chance)


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
        paths_of(filters),
        where_of(filters),
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
        paths_of(filters, path[:-1], dimension.path),
        where_of(filters),
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
    words = ask.way(dates[0])
    return ask.one_of(
        f"What is the {word} {words} of the {ask.plural(fact)} for each {dimension.text}",
        f"~{word} {ask.singular(fact)} {words} per {dimension.text}",
        f"Show the {word} {words} by {dimension.text}",
    ), sql


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
        sql = ask.select([f"MIN({column.full})", f"MAX({column.full})"], table, paths_of(filters), where_of(filters))
        return ask.one_of(
            f"What are the earliest and latest {ask.way(column)} of {noun}",
            f"~first and last {ask.way(column)} of {noun}",
            f"Over what period were {noun} {verb}",
        ), sql
    is_last = chosen < 0.65
    sql = ask.select([f"{'MAX' if is_last else 'MIN'}({column.full})"], table, paths_of(filters), where_of(filters))
    word = ask.one_of("last", "latest", "most recent") if is_last else ask.one_of("first", "earliest")
    return ask.one_of(
        f"When was the {word} {one} {verb}",
        f"What is the {word} {ask.way(column)} of {noun}",
        f"~{word} {ask.way(column)} of {noun}",
        f"When was the {word} of the {noun} {verb}",
    ), sql


def duration(ask: Asker) -> Draft:
    table = ask.a_table()
    dates = [column for column in table.columns if column.what.is_date and not column.what.is_birth]
    if len(dates) < 2:
        return None
    begin, end = dates[0], dates[1]
    days = f"julianday({end.full}) - julianday({begin.full})"
    filters = ask.filters(table, (60, 40), is_dated=False)
    noun = ask.noun(table, filters)
    between = ask.one_of(
        f"between {ask.way(begin)} and {ask.way(end)}",
        f"from {ask.way(begin)} to {ask.way(end)}",
        f"between being {begin.what.ways[0]} and {end.what.ways[0]}",
    )
    chosen = ask.chance.random()
    if chosen < 0.3:
        number = ask.chance.choice((3, 5, 7, 10, 14, 30))
        counted = ask.select(["COUNT(*)"], table, paths_of(filters), [*where_of(filters), f"{days} > {number}"])
        return ask.one_of(
            f"How many {noun} took more than {number} days {between}",
            f"~number of {noun} with more than {number} days {between}",
        ), counted
    dimension = ask.dimension(table, is_timed=False) if chosen < 0.65 else None
    if dimension is None:
        function, word = ask.chance.choice(
            (("AVG", "average"), ("AVG", "average"), ("MAX", "longest"), ("MIN", "shortest"))
        )
        sql = ask.select([f"{function}({days})"], table, paths_of(filters), where_of(filters))
        return ask.one_of(
            f"What is the {word} number of days {between} for {noun}",
            f"~{word} days {between} of {noun}",
            f"On average, how many days pass {between} for {noun}"
            if function == "AVG" and ask.maybe(0.5)
            else f"How many days does it take on average {between} for {noun}"
            if function == "AVG"
            else f"What is the {word} time in days {between} for {noun}",
        ), sql
    sql = ask.select(
        [*dimension.shown, f"AVG({days})"],
        table,
        paths_of(filters, dimension.path),
        where_of(filters),
        f"GROUP BY {dimension.key}",
    )
    return ask.one_of(
        f"What is the average number of days {between} per {dimension.text} for {noun}",
        f"~average days {between} by {dimension.text}" + (f" for {noun}" if filters else ""),
    ), sql
