"""Questions about single rows and what they belong to, in the manner of whoever looks something up."""

from __future__ import annotations

from training.synthesis import phrases
from training.synthesis.asking import GROUPING, Asker
from training.synthesis.intents.parts import Draft, asking_verb, conditions_behind, paths_of, where_of
from training.synthesis.intents.shares import predicate
from training.synthesis.said import Path, Said
from training.synthesis.worlds import Col, Tab


def attribute_of_extreme(ask: Asker) -> Draft:
    """The city of the customer with the highest credit limit."""
    table = ask.a_table()
    keys = [column for column in table.columns if column.what.is_number or column.what.is_date]
    if len(keys) < 1:
        return None
    key = ask.chance.choice(keys)
    path = ask.a_path(table, is_named=True) if ask.maybe(0.4) else None
    wanted = _wanted(ask, table, key, path)
    if not wanted:
        return None
    filters = [said for said in ask.filters(table, (70, 30)) if said.column is not key]
    is_most = ask.maybe(0.65)
    number = ask.chance.choice((1, 1, 1, 1, 3, 5))
    direction = " DESC" if is_most else ""
    sql = ask.select(
        [column.full for column in wanted],
        table,
        paths_of(filters, *([path] if path else [])),
        where_of(filters),
        f"ORDER BY {key.full}{direction} LIMIT {number}",
    )
    said = _wanted_said(ask, wanted, table, path)
    ask.notes.append(f"{_top(ask, key, is_most)} {ask.way(key)} refers to {'MAX' if is_most else 'MIN'}({key.name})")
    return _attribute_text(ask, table, key, filters, said, is_most, number), sql


def _wanted(ask: Asker, table: Tab, key: Col, path: Path | None) -> list[Col]:
    if path:
        return list(path[-1].parent.display)
    others = [column for column in table.columns if column is not key and column.kind != "flag" and not column.pair]
    picked = ask.chance.sample(others, min(len(others), ask.chance.choice((1, 1, 1, 2))))
    return [*(table.display if picked and ask.maybe(0.2) else []), *(c for c in picked if c not in table.display)]


def _wanted_said(ask: Asker, wanted: list[Col], table: Tab, path: Path | None) -> str:
    if path:
        called = "id" if wanted[0].kind == "key" else "name"
        return ask.one_of(f"{called} of the {ask.role(path)}", ask.role(path), f"{ask.role(path)} {called}")
    ways = [ask.way(column) for column in wanted if not column.pair]
    if any(column.pair for column in wanted):
        ways.insert(0, ask.one_of("name", "full name", "first and last name"))
    return phrases.joined(ways)


def _top(ask: Asker, key: Col, is_most: bool) -> str:
    if key.what.is_date:
        return ask.one_of("latest", "most recent") if is_most else ask.one_of("earliest", "oldest")
    return ask.one_of("highest", "highest", "largest", "maximum") if is_most else ask.one_of("lowest", "smallest")


def _attribute_text(
    ask: Asker, table: Tab, key: Col, filters: list[Said], said: str, is_most: bool, number: int
) -> str:
    noun, way, top = ask.noun(table, filters), ask.way(key), _top(ask, key, is_most)
    if number > 1:
        count = phrases.written_number(number, ask.chance)
        return ask.one_of(
            f"{asking_verb(ask)} the {said} of the {count} {noun} with the {top} {way}",
            f"{asking_verb(ask)} the {said} of the {'top' if is_most else 'bottom'} {count} {noun} by {way}",
        )
    one = noun.replace(ask.plural(table), ask.singular(table), 1)
    adjective = (key.what.superlatives or ("", ""))[0 if is_most else 1]
    if adjective and ask.maybe(0.4):
        return ask.one_of(f"What is the {said} of the {adjective} {one}", f"~{said} of the {adjective} {one}")
    return ask.one_of(
        f"What is the {said} of the {one} with the {top} {way}",
        f"{asking_verb(ask)} the {said} of the {one} with the {top} {way}".replace("What are", "State"),
        f"For the {one} with the {top} {way}, what is the {said}",
        f"~{said} of {one} with {top} {way}",
        f"Name the {said} of the {one} that has the {top} {way}",
    )


def doer_of_extreme(ask: Asker) -> Draft:
    """Who placed the largest order."""
    fact = ask.a_fact()
    path = ask.a_path(fact, is_named=True) if fact else None
    if fact is None or path is None:
        return None
    keys = [column for column in fact.columns if column.what.is_number or column.what.is_date]
    if not keys or path[-1].parent.display[0].kind == "key":
        return None
    key = ask.chance.choice(keys)
    is_most = ask.maybe(0.75)
    filters = ask.filters(fact, (65, 35))
    shown = ask.shown(path[-1].parent)
    sql = ask.select(
        shown,
        fact,
        paths_of(filters, path),
        where_of(filters),
        f"ORDER BY {key.full}{' DESC' if is_most else ''} LIMIT 1",
    )
    noun = ask.noun(fact, filters)
    one = noun.replace(ask.plural(fact), ask.singular(fact), 1)
    role, way, top = ask.role(path), ask.way(key), _top(ask, key, is_most)
    thing = f"the {one} with the {top} {way}"
    verb = path[-1].verb if len(path) == 1 and not path[-1].verb.endswith((" by", " to", " from", " in", " at")) else ""
    is_person = any(column.kind == "person" for column in path[-1].parent.display)
    ways = [
        f"Which {role} does {thing} belong to",
        f"What is the {role} of {thing}",
        f"Which {role} has {thing}",
        f"~{role} of {thing}",
    ]
    if verb:
        ways += [f"Which {role} {verb} {thing}", f"Which {role} {verb} the {one} with the {top} {way}"]
    if verb and is_person:
        ways += [f"Who {verb} {thing}", f"Who {verb} {thing}"]
    return ask.one_of(*ways), sql


def among(ask: Asker) -> Draft:
    """Among the orders from 2021, how many were cancelled."""
    table = ask.a_table()
    whole = ask.filters(table, (0, 75, 25))
    part = ask.own_filter(table)
    if not whole or part is None or any(said.column is part.column for said in whole):
        return None
    noun, clause = ask.noun(table, whole), predicate(part)
    filters = [*whole, part]
    if ask.maybe(0.65) or not table.display:
        sql = ask.select(["COUNT(*)"], table, paths_of(filters), where_of(filters))
        return ask.one_of(
            f"Among the {noun}, how many {clause}",
            f"Among all {noun}, how many of them {clause}",
            f"Of the {noun}, how many {clause}",
            f"How many of the {noun} {clause}",
            f"How many of our {noun} {clause}",
        ), sql
    sql = ask.select(ask.shown(table), table, paths_of(filters), where_of(filters))
    return ask.one_of(
        f"Among the {noun}, which ones {clause}",
        f"Of the {noun}, which {clause}",
        f"Which of the {noun} {clause}",
        f"Among the {noun}, list those that {clause}",
    ), sql


def happened(ask: Asker) -> Draft:
    """How many orders were placed in 2021; how many customers joined last month."""
    table = ask.a_table()
    dates = [column for column in table.columns if column.what.is_date and not column.what.is_birth]
    if not dates:
        return None
    column = ask.chance.choice(dates)
    when = ask.dated(column)
    if when is None or "NULL" in when.sql or not when.text:
        return None
    filters = [said for said in ask.filters(table, (55, 45), is_dated=False) if said.column is not column]
    noun, verb = ask.noun(table, filters), when.text
    period = when.after.removeprefix(verb).strip()
    if verb.startswith("with ") or not period:
        return None
    was = "" if _is_active(verb) else ask.one_of("were ", "were ", "got ")
    where = [*where_of(filters), when.sql]
    if ask.maybe(0.7):
        return ask.one_of(
            f"How many {noun} {was}{verb} {period}",
            f"How many {noun} {was}{verb} {period}",
            f"How many {noun} do we have that {was}{verb} {period}",
            f"~{noun} {verb} {period} count",
            f"~number of {noun} {verb} {period}",
            f"~how many {noun} {period}",
            f"Count the {noun} that {was}{verb} {period}",
        ), ask.select(["COUNT(*)"], table, paths_of(filters), where)
    if not table.display:
        return None
    return ask.one_of(
        f"Which {noun} {was}{verb} {period}",
        f"What {noun} {was}{verb} {period}",
        f"List the {noun} that {was}{verb} {period}",
        f"~{noun} {verb} {period}",
    ), ask.select(ask.shown(table), table, paths_of(filters), where)


def _is_active(verb: str) -> bool:
    """What the thing does itself: "joined", "began"."""
    return verb.split()[0] in (
        "joined", "signed", "began", "started", "ended", "happened", "opened", "closed", "expired", "left", "arrived",
        "departed", "checked", "took", "became", "graduated", "came", "visited", "enrolled", "went", "died", "due",
    )  # fmt: skip


def missing(ask: Asker) -> Draft:
    """What has no end, no payment, no reference yet."""
    table = ask.a_table()
    links = [link for link in table.links if any(row[link.name] is None for row in table.rows)]
    dates = [
        column
        for column in table.columns
        if column.what.is_date and any(row[column.name] is None for row in table.rows) and not column.what.is_birth
    ]
    plain = [
        column
        for column in table.columns
        if not column.what.is_date and column.kind != "flag" and any(row[column.name] is None for row in table.rows)
    ]
    filters = [said for said in ask.filters(table, (70, 30), is_dated=False) if not said.paths]
    many, is_known = ask.noun(table, filters), ask.maybe(0.2)
    if plain and ask.maybe(0.5):
        column = ask.chance.choice(plain)
        filters = [said for said in filters if said.column is not column]
        many, way = ask.noun(table, filters), ask.way(column)
        condition = f"{column.full} IS {'NOT ' if is_known else ''}NULL"
        phrase = (
            ask.one_of(f"have a {way}", f"have a known {way}")
            if is_known
            else ask.one_of(
                f"have no {way}", f"have no {way} on file", f"are without a {way}", f"lack a {way}", f"miss the {way}"
            )
        )
    elif links and (not dates or ask.maybe(0.5)):
        link = ask.chance.choice(links)
        condition = f"{link.column} IS {'NOT ' if is_known else ''}NULL"
        phrase = (
            ask.one_of(f"have a {link.role}", f"are tied to a {link.role}")
            if is_known
            else ask.one_of(
                f"have no {link.role}", f"are without a {link.role}", f"are not assigned to any {link.role}"
            )
        )
    elif dates:
        column = ask.chance.choice(dates)
        verb = ask.chance.choice(column.what.ways)
        condition = f"{column.full} IS {'NOT ' if is_known else ''}NULL"
        be = "have" if _is_active(verb) else "have been"
        phrase = (
            ask.one_of(f"{be} already {verb}", f"{be} {verb}", f"have a {ask.way(column)}")
            if is_known
            else ask.one_of(
                f"{be.replace('have', 'have not', 1)} {verb} yet",
                f"{be.replace('have', 'have not', 1)} {verb}",
                f"have no {ask.way(column)}",
                f"are still not {verb}" if not _is_active(verb) else f"have never {verb}",
                f"are still open (no {ask.way(column)})",
            )
        )
    else:
        return None
    where = [*where_of(filters), condition]
    if ask.maybe(0.5) or not table.display:
        return ask.one_of(
            f"How many {many} {phrase}", f"How many of our {many} {phrase}", f"Count the {many} that {phrase}"
        ), ask.select(["COUNT(*)"], table, paths_of(filters), where)
    return ask.one_of(
        f"Which {many} {phrase}", f"List the {many} that {phrase}", f"Show all {many} that {phrase}"
    ), ask.select(ask.shown(table), table, paths_of(filters), where)


def ages(ask: Asker) -> Draft:
    """Years since a birth or another day."""
    table = ask.a_table()
    dates = [column for column in table.columns if column.what.is_birth] or [
        column for column in table.columns if column.what.is_date and column.what.words.startswith(("hire", "launch"))
    ]
    if not dates or not table.display:
        return None
    column = dates[0]
    years = f"CAST(strftime('%Y', 'now') AS INTEGER) - CAST(strftime('%Y', {column.full}) AS INTEGER)"
    filters = [said for said in ask.filters(table, (60, 40)) if said.column is not column]
    noun, is_birth = ask.noun(table, filters), column.what.is_birth
    drawn = ask.chance.random()
    if drawn < 0.4:
        age = "age" if is_birth else f"number of years since the {ask.way(column)}"
        return ask.one_of(f"What is the average {age} of {noun}", f"~average {age} of {noun}"), ask.select(
            [f"AVG({years})"], table, paths_of(filters), where_of(filters)
        )
    if drawn < 0.7:
        bound = ask.chance.choice((25, 30, 40, 50, 60)) if is_birth else ask.chance.choice((2, 3, 5, 10))
        where = [*where_of(filters), f"{years} > {bound}"]
        phrase = f"are older than {bound}" if is_birth else f"have their {ask.way(column)} more than {bound} years ago"
        if ask.maybe(0.5):
            return f"How many {noun} {phrase}", ask.select(["COUNT(*)"], table, paths_of(filters), where)
        return f"Which {noun} {phrase}", ask.select(ask.shown(table), table, paths_of(filters), where)
    is_oldest = ask.maybe(0.5)
    sql = ask.select(
        ask.shown(table),
        table,
        paths_of(filters),
        where_of(filters),
        f"ORDER BY {column.full}{'' if is_oldest else ' DESC'} LIMIT 1",
    )
    one = noun.replace(ask.plural(table), ask.singular(table), 1)
    word = "oldest" if is_oldest else "youngest" if is_birth else "newest"
    return ask.one_of(f"Who is the {word} {one}" if is_birth else f"What is the {word} {one}", f"~{word} {one}"), sql


def names_of_rows(ask: Asker) -> Draft:
    """Which of them: the answer is what they are called, whatever the condition is about."""
    table = ask.a_table()
    filters = ask.filters(table, (0, 65, 35))
    if not filters or not table.display:
        return None
    noun, many = ask.noun(table, filters), ask.plural(table)
    paths, where = paths_of(filters), where_of(filters)
    is_person = any(column.kind == "person" for column in table.display)
    clause = " and ".join(predicate(said) for said in filters)
    ways = [f"Which {noun} are there", f"What are the {noun}", f"~{noun}", f"List all {noun}", f"Name the {noun}"]
    ways += [f"Which {many} {clause}"] * 3
    if is_person:
        ways += [f"Who are the {noun}", f"Who are the {noun}", f"Names of the {noun}", f"Which {many} {clause}"]
    if conditions_behind(filters).startswith(("from", "in ", "based", "located")):
        ways += [f"Which {many} are {conditions_behind(filters)}"]
    groups = [column for column in table.columns if column.kind in GROUPING and column not in table.display]
    items = ask.shown(table)
    tail = ""
    if groups and ask.maybe(0.12):
        column = ask.chance.choice(groups)
        if all(said.column is not column for said in filters):
            items.append(column.full)
            tail = f", with their {ask.way(column)}"
    return ask.one_of(*ways) + tail, ask.select(items, table, paths, where)
