"""The first of each group, ranks, running totals."""

from __future__ import annotations

from training.synthesis import phrases
from training.synthesis.asking import Asker
from training.synthesis.intents.parts import Draft, conditions_behind, number_and_category, paths_of, where_of


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
    found = number_and_category(ask)
    if found is None:
        return None
    table, key, group = found
    number = ask.chance.choice((1, 2, 3, 3, 5))
    is_most = ask.maybe(0.8)
    shown = [group, *table.display, key]
    order = f"ORDER BY {key.sql}{' DESC' if is_most else ''}"
    columns = ", ".join(column.sql for column in shown)
    numbered = f"SELECT {columns}, ROW_NUMBER() OVER (PARTITION BY {group.sql} {order}) AS n FROM {table.sql}"
    sql = f"SELECT {columns} FROM ({numbered}) WHERE n <= {number}"
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
        [*dimension.shown, measure.sql, f"RANK() OVER (ORDER BY {measure.sql} DESC)"],
        fact,
        [dimension.path, measure.path],
        (),
        f"GROUP BY {dimension.key}",
    )
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
        items, fact, paths_of(filters, measure.path), where_of(filters), f"GROUP BY {time.key} ORDER BY {time.key}"
    )
    own = measure.sql == "COUNT(*)"
    behind = conditions_behind(filters) if own or not filters else f"for {ask.noun(fact, filters)}"
    bare, unit = measure.text.replace("total ", "", 1), time.text
    texts = {
        "change": (
            f"How did the {measure.text} change from {unit} to {unit} {behind}",
            f"~change in {measure.text} versus the previous {unit} {behind}",
            f"Show the difference in {measure.text} to the previous {unit} per {unit} {behind}",
        ),
        "running only": (
            f"What is the running total of {bare} by {unit} {behind}",
            f"~cumulative {bare} per {unit} {behind}",
            f"Show the cumulative {bare} over the {unit}s {behind}",
        ),
        "running": (
            f"Show the {measure.text} per {unit} and the running total {behind}",
            f"~{measure.text} by {unit} with cumulative total {behind}",
        ),
        "previous": (
            f"Show the {measure.text} per {unit} next to that of the previous {unit} {behind}",
            f"~{measure.text} by {unit} and previous {unit} {behind}",
            f"Compare each {unit}'s {measure.text} with the {unit} before {behind}",
        ),
    }
    return ask.one_of(*texts[kind]), sql
