"""Percentages, ratios, averages per something, two kinds beside each other."""

from __future__ import annotations

import re

from training.synthesis.asking import GROUPING, Asker
from training.synthesis.intents.parts import Draft, conditions_behind, only_where, paths_of, where_of
from training.synthesis.said import Said, literal

_PERIOD_WORDS = (
    "in ",
    "during ",
    "between ",
    "from ",
    "since ",
    "before ",
    "after ",
    "on ",
    "over ",
    "within ",
    "last ",
    "this ",
)


def share_of_rows(ask: Asker) -> Draft:
    table = ask.a_table()
    said = ask.own_filter(table)
    if said is None:
        return None
    dimension = ask.dimension(table) if ask.maybe(0.35) else None
    whole = [] if dimension else [one for one in ask.filters(table, (60, 40)) if one.column is not said.column]
    share = ask.one_of(
        f"100.0 * SUM(CASE WHEN {said.sql} THEN 1 ELSE 0 END) / COUNT(*)",
        f"AVG(CASE WHEN {said.sql} THEN 100.0 ELSE 0 END)",
    )
    clause, plural = predicate(said), ask.plural(table)
    if dimension is None and whole:
        noun = ask.noun(table, whole)
        text = ask.one_of(
            f"Among the {noun}, what percentage {clause}",
            f"Of the {noun}, what share {clause}",
            f"What percentage of the {noun} {clause}",
            f"Of all {noun}, how many percent {clause}",
        )
        return text, ask.select([share], table, paths_of(whole), where_of(whole))
    if dimension is None:
        text = ask.one_of(
            f"What percentage of {plural} {clause}",
            f"What share of {plural} {clause}",
            f"What percent of {plural} {clause}",
            f"~percentage of {ask.noun(table, [said])}",
            f"Calculate the percentage of {plural} that {clause}",
            f"What proportion of the {plural} {clause}, in percent",
            f"~% of {plural} that {clause}",
        )
        return text, ask.select([share], table)
    if any(shown in said.sql for shown in dimension.shown):
        return None
    text = ask.one_of(
        f"What percentage of {plural} {clause} by {dimension.text}",
        f"~% of {ask.noun(table, [said])} per {dimension.text}",
        f"For each {dimension.text}, what percentage of {plural} {clause}",
        f"Show the share of {plural} that {clause} by {dimension.text} in percent",
    )
    return text, ask.select([*dimension.shown, share], table, [dimension.path], (), f"GROUP BY {dimension.key}")


def predicate(said: Said) -> str:
    """A condition as what is said of the rows: "are cancelled", "have status open", "were placed in 2021"."""
    if said.before:
        return f"are {said.before}"
    first, _, rest = said.after.partition(" ")
    if said.column is not None and said.column.what.is_date and said.after.startswith(_PERIOD_WORDS):
        return f"were {said.column.what.ways[0]} {said.after}"
    if first == "whose":
        if matched := re.match("(.*?) (contains|includes|starts|begins|ends) ", rest):
            return f"have a {matched[1]} that {rest.removeprefix(matched[1] + ' ')}"
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
        if first in ("from", "in", "not", "based", "located", "on", "outside", "of", "for", "excluding")
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
        items, fact, paths_of(filters, dimension.path, measure.path), where_of(filters), f"GROUP BY {dimension.key}"
    )
    bare = measure.text.replace("total ", "", 1)
    own = measure.sql == "COUNT(*)"
    behind = conditions_behind(filters) if own or not filters else f"for {ask.noun(fact, filters)}"
    if shows:
        text = ask.one_of(
            f"Show the {measure.text} by {dimension.text} and its percentage of the total {behind}",
            f"~{measure.text} per {dimension.text} with share of total {behind}",
        )
    else:
        text = ask.one_of(
            f"What share of the total {bare} does each {dimension.text} have {behind}",
            f"~share of total {bare} by {dimension.text} {behind}",
            f"What percentage of {measure.text} comes from each {dimension.text} {behind}",
            f"~{bare} share by {dimension.text} in percent {behind}",
            f"Show each {dimension.text}'s percentage of the overall {bare} {behind}",
        )
    return text, sql


def average_per(ask: Asker) -> Draft:
    """A total per something: average order value, orders per customer."""
    fact = ask.a_fact()
    path = ask.a_path(fact) if fact else None
    if fact is None or path is None:
        return None
    measure = ask.measure(fact, is_total=True)
    filters = [said for said in ask.filters(fact, (60, 40)) if path not in said.paths]
    if measure is None:
        return None
    link = path[-1]
    bare = measure.text.replace("total ", "", 1)
    one = ask.role(path)
    foreign = link.column
    paths = [path[:-1]] if len(path) > 1 else []
    behind = (
        conditions_behind(filters)
        if measure.sql == "COUNT(*)"
        else (f"for {ask.noun(fact, filters)}" if filters else "")
    )
    if ask.maybe(0.5):
        sql = ask.select(
            [f"{measure.sql} * 1.0 / COUNT(DISTINCT {foreign})"],
            fact,
            paths_of(filters, *paths, measure.path),
            where_of(filters),
        )
        value = [f"What is the average {one} value {behind}"] * 3 if bare in ("revenue", "sales", "turnover") else []
        return ask.one_of(
            *value,
            f"What is the average {bare} per {one} {behind}",
            f"~{bare} per {one} on average {behind}",
            f"On average, what is the {bare} per {one} {behind}",
        ), sql
    function, word = ask.chance.choice((("AVG", "average"), ("AVG", "average"), ("MAX", "highest"), ("MIN", "lowest")))
    inner = ask.select(
        [f"{measure.sql} AS n"], fact, paths_of(filters, *paths, measure.path), where_of(filters), f"GROUP BY {foreign}"
    )
    return ask.one_of(
        f"What is the {word} {measure.text} per {one} {behind}",
        f"What is the {word} of the {measure.text} for each {one} {behind}",
        f"~{word} {measure.text} per {one} {behind}",
    ), f"SELECT {function}(n) FROM ({inner})"


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
    said = (
        ask.one_of(f"{left} as a percentage of {right}", f"total {left} as percent of total {right}")
        if is_percent
        else ask.one_of(
            f"ratio of {left} to {right}",
            f"ratio of total {left} to total {right}",
            f"{left} per {right}",
            f"{left} to {right} ratio",
        )
    )
    behind = f"for {ask.noun(table, filters)}" if filters else ""
    if dimension is None:
        return ask.one_of(
            f"What is the {said} {behind}", f"~{said} {behind}", f"Compute the {said} {behind}"
        ), ask.select([value], table, paths_of(filters), where_of(filters))
    sql = ask.select(
        [*dimension.shown, value],
        table,
        paths_of(filters, dimension.path),
        where_of(filters),
        f"GROUP BY {dimension.key}",
    )
    return ask.one_of(
        f"What is the {said} by {dimension.text} {behind}",
        f"~{said} per {dimension.text} {behind}",
        f"Show the {said} for each {dimension.text} {behind}",
    ), sql


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
    columns = [only_where(measure, f"{column.full} = {literal(value)}") for value in (one, other)]
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
    return ask.one_of(
        f"For each {dimension.text}, show the {measure.text} for {way} {one} and for {other} in separate columns",
        f"~{measure.text} {one} and {other} per {dimension.text} side by side",
        f"Show per {dimension.text} the {measure.text} of {one} next to that of {other}",
    ), sql
