"""Things with and without something, in one set and not in another."""

from __future__ import annotations

from training.synthesis.asking import Asker
from training.synthesis.intents.parts import (
    Draft,
    active_verb,
    child_and_path,
    names_of,
    participle,
    paths_of,
    where_of,
)
from training.synthesis.said import Said, literal
from training.synthesis.worlds import Tab


def without(ask: Asker) -> Draft:
    fact, path = child_and_path(ask)
    if fact is None or path is None:
        return None
    parent = path[-1].parent
    filters = [said for said in ask.filters(fact, (55, 45)) if not said.paths]
    inner = f"SELECT 1 FROM {fact.sql} WHERE {' AND '.join([path[0].join, *where_of(filters)])}"
    is_count = ask.maybe(0.3)
    items = ["COUNT(*)"] if is_count else ask.shown(parent)
    own = [said for said in ask.filters(parent, (80, 20)) if not said.paths]
    sql = f"SELECT {', '.join(items)} FROM {parent.sql} WHERE {' AND '.join([*where_of(own), f'NOT EXISTS ({inner})'])}"
    noun, outer = ask.noun(fact, filters), ask.noun(parent, own)
    verb = active_verb(path)
    conditions = [
        f"without any {noun}",
        f"that have no {noun}",
        f"with no {noun}",
        f"that don't have any {noun}",
        f"that have never had {noun}",
    ]
    if verb:
        conditions += [f"who never {verb} {noun}", f"that have not {participle(verb)} any {noun}"]
    condition = ask.one_of(*conditions)
    if is_count:
        return ask.one_of(
            f"How many {outer} are there {condition}", f"Count the {outer} {condition}", f"How many {outer} {condition}"
        ), sql
    return ask.one_of(
        f"Which {outer} {_as_predicate(condition)}",
        f"List the {outer} {condition}",
        f"~{outer} {condition}",
        f"Find all {outer} {condition}",
    ), sql


def _as_predicate(condition: str) -> str:
    for beginning, verb in (("that ", ""), ("who ", ""), ("without any ", "have no "), ("with no ", "have no ")):
        if condition.startswith(beginning):
            return verb + condition.removeprefix(beginning)
    return condition


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
    verb = active_verb(path) if len(path) == 1 else ""
    condition = ask.one_of(
        f"{verb} {noun}" if verb else f"have {noun}",
        f"have {noun}",
        f"had at least one of the {noun}" if not verb else f"{verb} {noun}",
    )
    if ask.maybe(0.3):
        sql = ask.select([f"COUNT(DISTINCT {parent.key_full})"], fact, paths_of(filters, path), where_of(filters))
        return ask.one_of(
            f"How many {many} {condition}",
            f"How many different {many} {condition}",
            f"Count the {many} that {condition}",
        ), sql
    sql = ask.select([f"DISTINCT {', '.join(ask.shown(parent))}"], fact, paths_of(filters, path), where_of(filters))
    return ask.one_of(
        f"Which {many} {condition}",
        f"List the {many} that {condition}",
        f"What are the {names_of(ask, parent)} of {many} that {condition}",
    ), sql


def including_none(ask: Asker) -> Draft:
    fact, path = child_and_path(ask)
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
        measure, said = f"COUNT({link.column})", f"number of {ask.plural(fact)}"
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
    ), sql


def both(ask: Asker) -> Draft:
    """Both one thing and another, or one but not the other: sets of rows."""
    fact, path = child_and_path(ask)
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
    verb = active_verb(path) or "have"
    left, right = one.text, other.text
    if ask.maybe(0.6):
        text = ask.one_of(
            f"Which {many} {verb} {facts} both {left} and {right}",
            f"List {many} that {verb} {facts} {left} and also {facts} {right}",
            f"Find the {many} with {facts} {left} as well as {facts} {right}",
        )
        return text, f"{first} INTERSECT {second}"
    text = ask.one_of(
        f"Which {many} {verb} {facts} {left} but not {right}",
        f"List {many} with {facts} {left} but none {right}",
        f"Find {many} that {verb} {facts} {left}, but no {facts} {right}",
    )
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
