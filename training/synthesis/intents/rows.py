"""Questions about rows: lists, counts, totals, single facts."""

from __future__ import annotations

import re

from training.synthesis import phrases
from training.synthesis.asking import Asker
from training.synthesis.intents.parts import (
    Draft,
    asking_verb,
    columns_said,
    conditions_behind,
    imperative,
    ordered_by,
    paths_of,
    where_of,
)
from training.synthesis.said import literal
from training.synthesis.worlds import Col, Tab


def _some_columns(ask: Asker, table: Tab) -> list[Col]:
    plain = [column for column in table.columns if column not in table.display and column.kind != "flag"]
    picked = ask.chance.sample(plain, min(len(plain), ask.chance.choice((0, 1, 1, 2, 2, 3))))
    return [*(table.display if ask.maybe(0.85) or not picked else []), *picked] or table.columns[:2]


def list_rows(ask: Asker) -> Draft:
    table = ask.a_table()
    columns = _some_columns(ask, table)
    filters = ask.filters(table, (25, 55, 20))
    if not columns or (not filters and ask.maybe(0.6)):
        return None
    tail, order = ordered_by(ask, table)
    said = columns_said(ask, columns, table)
    noun = ask.noun(table, filters)
    text = ask.one_of(
        f"{asking_verb(ask)} the {said} of all {noun}{order}",
        f"{asking_verb(ask)} the {said} of {noun}{order}",
        f"{asking_verb(ask)} the {said} for each of the {noun}{order}",
        f"{asking_verb(ask)} {noun} with their {said}{order}",
        f"What is the {said} of the {noun}{order}",
        f"~{noun} {said.replace(' and ', ' ')}{order}",
        f"~{said} of {noun}{order}",
    )
    if text.startswith("What are") and " with their " in text:
        text = text.replace("What are", "List", 1)
    items = [column.full for column in columns]
    if "full name" in said:
        items[:2] = [f"{items[0]} || ' ' || {items[1]}"]
    return text, ask.select(items, table, paths_of(filters), where_of(filters), tail)


def all_details(ask: Asker) -> Draft:
    table = ask.a_table()
    filters = ask.filters(table, (10, 70, 20))
    if any(said.paths for said in filters):
        return None
    noun = ask.noun(table, filters)
    tail, order = ordered_by(ask, table)
    text = ask.one_of(
        f"Show all {noun}{order}",
        f"List all details of {noun}{order}",
        f"Show me everything about {noun}{order}",
        f"all {noun}{order}",
        f"Give me all information on {noun}{order}",
        f"List the {noun} with all columns{order}",
    )
    return text, ask.select(["*"], table, (), where_of(filters), tail)


def count_rows(ask: Asker) -> Draft:
    table = ask.a_table()
    filters = ask.filters(table, (12, 58, 30))
    noun = ask.noun(table, filters)
    text = ask.one_of(
        f"How many {noun} are there",
        f"How many {noun} do we have",
        f"How many {noun} are there in total",
        f"How many {noun}",
        f"What is the number of {noun}",
        f"Count the {noun}",
        f"Give me the count of {noun}",
        f"Count of {noun}",
        f"~number of {noun}",
        f"~count {noun}",
        f"What's the total number of {noun}",
        f"Find the number of {noun}",
    )
    return text, ask.select(["COUNT(*)"], table, paths_of(filters), where_of(filters))


def measures(ask: Asker) -> Draft:
    table = ask.a_table()
    found = ask.measures(table, ask.chance.choices((1, 2, 3), (60, 28, 12))[0])
    filters = ask.filters(table, (30, 50, 20))
    if not found:
        return None
    noun = ask.noun(table, filters)
    said = phrases.joined([measure.text for measure in found])
    own = any(measure.sql == "COUNT(*)" for measure in found)
    behind = conditions_behind(filters) if own else f"of {ask.one_of('', 'all ', 'the ')}{noun}"
    text = ask.one_of(
        f"What is the {said} {behind}",
        f"What is the {said} {behind}",
        f"Calculate the {said} {behind}",
        f"{imperative(ask)} the {said} {behind}",
        f"What's the {said} {behind}",
        f"~{said} {behind}",
    )
    if own and filters and not behind:
        return None
    items = [measure.sql for measure in found]
    if len(found) == 1 and found[0].sql.startswith("AVG(") and ask.maybe(0.12):
        items = [f"ROUND({found[0].sql}, 2)"]
        text += ask.one_of(", rounded to two decimals", ", rounded to 2 decimal places", " rounded to 2 decimals")
    sql = ask.select(items, table, paths_of(filters, *(m.path for m in found)), where_of(filters))
    if len(found) == 1 and found[0].sql.startswith("SUM(") and ask.maybe(0.1):
        bare = re.sub("^(total|sum of|overall|combined) ", "", found[0].text)
        text = f"How much {bare} did the {noun} have"
    return text, sql


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
    tail, order = ordered_by(ask, fact)
    said = phrases.joined([ask.way(column) for column in picked])
    sql = ask.select(
        [*(column.full for column in picked), *ask.shown(parent)],
        fact,
        paths_of(filters, path),
        where_of(filters),
        tail,
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
        sql = ask.select([f"COUNT(DISTINCT {column.full})"], table, paths_of(filters), where_of(filters))
        return ask.one_of(
            f"How many different {many} do the {noun} have",
            f"How many distinct {many} are there among {noun}",
            f"~number of distinct {many} of {noun}",
            f"In how many different {many} are there {noun}",
            f"Count the unique {many} of {noun}",
        ), sql
    sql = ask.select([f"DISTINCT {column.full}"], table, paths_of(filters), where_of(filters))
    return ask.one_of(
        f"What are the different {many} of {noun}",
        f"List all distinct {many} of {noun}",
        f"~unique {many} of {noun}",
        f"Which {many} do {noun} have",
        f"What {many} are there for {noun}",
        f"Show the possible {many} of {noun}, each once",
    ), sql


def by_number(ask: Asker) -> Draft:
    """A row named by its key: order 17."""
    table = ask.a_table()
    if not table.key:
        return None
    number = ask.chance.choice(table.rows)[table.key]
    one = ask.singular(table)
    which = ask.one_of(
        f"{one} {number}", f"{one} number {number}", f"{one} with id {number}", f"{one} #{number}", f"{one} id {number}"
    )
    where = [f"{table.key_full} = {literal(number)}"]
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
            [item], child, (), [f"{link.column} = {literal(number)}"]
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


def two_columns(ask: Asker) -> Draft:
    """Rows in which one column is compared with another: shipped after it was due, produced less than planned."""
    table = ask.a_table()
    one, other = _alike(ask, table)
    if one is None or other is None:
        return None
    comparison, word = ask.chance.choice(((">", "later than") if one.what.is_date else (">", "higher than"), ("<", "")))
    word = word or ("before" if one.what.is_date else ask.one_of("lower than", "below", "less than"))
    filters = [said for said in ask.filters(table, (75, 25)) if said.column not in (one, other)]
    noun = ask.noun(table, filters)
    condition = ask.one_of(
        f"whose {ask.way(one)} is {word} the {ask.way(other)}", f"where {ask.way(one)} is {word} {ask.way(other)}",
        f"with a {ask.way(one)} {word} the {ask.way(other)}",
    )  # fmt: skip
    where = [*where_of(filters), f"{one.full} {comparison} {other.full}"]
    if ask.maybe(0.5) or not table.display:
        text = ask.one_of(
            f"How many {noun} are there {condition}", f"Count the {noun} {condition}", f"~{noun} {condition} count"
        )
        return text, ask.select(["COUNT(*)"], table, paths_of(filters), where)
    text = ask.one_of(f"List the {noun} {condition}", f"~{noun} {condition}", f"Find all {noun} {condition}")
    return text, ask.select(ask.shown(table), table, paths_of(filters), where)


def _alike(ask: Asker, table: Tab) -> tuple[Col | None, Col | None]:
    """Two dates that follow each other, or two numbers of one kind."""
    dates = [column for column in table.columns if column.what.is_date and not column.what.is_birth]
    kinds = [[column for column in table.columns if column.kind == kind] for kind in ("amt", "qty", "money")]
    options = [columns for columns in (dates, *kinds) if len(columns) > 1]
    if not options:
        return None, None
    one, other = ask.chance.sample(ask.chance.choice(options), 2)
    return one, other


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
    sql = ask.select(ask.shown(table), table, (), [f"{table.superior.column} IS NULL"])
    return ask.one_of(
        f"Which {many} have no {leader}", f"List {many} without a {leader}", "Who does not report to anybody"
    ), sql
