"""What reports show: earnings by something, growth, averages that lead, the parts of a year."""

from __future__ import annotations

from training.synthesis import phrases
from training.synthesis.asking import GROUPING, Asker
from training.synthesis.intents.parts import Draft, child_and_path, only_where, paths_of, where_of
from training.synthesis.intents.talk import money_of
from training.synthesis.said import Dimension, Measure, Said, literal, quarter_of
from training.synthesis.worlds import Col, Tab

_EARNINGS = ("revenue", "sales", "turnover", "total sales", "total revenue", "income", "takings")


def _dates_of(table: Tab) -> list[Col]:
    return [column for column in table.columns if column.what.is_date and not column.what.is_birth]


def _when(ask: Asker, table: Tab, probability: float) -> list[Said]:
    """A period said without a verb: "in 2021"; of the table itself or of what its rows belong to."""
    if not ask.maybe(probability):
        return []
    owners = [((), table), *(((link,), link.parent) for link in table.links)]
    for path, owner in owners:
        dates = _dates_of(owner)
        said = ask.dated(dates[0]) if dates else None
        is_told = not path or any(parent.verb for parent in table.thing.parents)
        if said is not None and "NULL" not in said.sql and is_told:
            period = said.after.removeprefix(said.text).strip()
            return [Said(said.sql, "", "", period, (path,) if path else (), said.column)]
        if dates:
            return []
    return []


def earned_by(ask: Asker) -> Draft:
    """Revenue by country, top 5; total sales per genre; monthly revenue in 2023."""
    fact = ask.a_fact()
    measure = money_of(ask, fact) if fact else None
    if fact is None or measure is None:
        return None
    dimension = ask.dimension(fact)
    if dimension is None:
        return None
    when = [] if dimension.is_time else _when(ask, fact, 0.35)
    filters = when or ask.filters(fact, (80, 20), is_dated=False, apart=dimension)
    said, dim = ask.one_of(*_EARNINGS), dimension.text
    behind = when[0].after if when else f"for {ask.noun(fact, filters)}" if filters else ""
    order, tail, many = "", "", phrases.pluralised(dim)
    number = ask.chance.choice((3, 5, 5, 10)) if not dimension.is_time and ask.maybe(0.3) else 0
    if dimension.is_time:
        tail = f" ORDER BY {dimension.key}"
    elif number:
        tail = f" ORDER BY {measure.sql} DESC LIMIT {number}"
    elif ask.maybe(0.25):
        tail, order = f" ORDER BY {measure.sql} DESC", ask.one_of(", highest first", " descending", ", biggest first")
    sql = ask.select(
        [*dimension.shown, measure.sql],
        fact,
        paths_of(filters, dimension.path, measure.path),
        where_of(filters),
        f"GROUP BY {dimension.key}{tail}",
    )
    if number:
        return ask.one_of(
            f"~{said} by {dim} top {number} {behind}",
            f"~top {number} {many} by {said} {behind}",
            f"~{said} per {dim} {behind}, top {number}",
            f"What are the {number} {many} with the highest {said} {behind}, and how much was it",
            f"Top {number} {many} by {said} {behind}",
        ), sql
    return ask.one_of(
        f"~{said} by {dim} {behind}{order}",
        f"~{said} per {dim} {behind}{order}",
        f"~{dim} {said} {behind}{order}" if not dimension.is_time else f"~{said} each {dim} {behind}",
        f"What is the {said} by {dim} {behind}{order}",
        f"How much {ask.one_of('revenue', 'money')} did each {dim} bring in {behind}{order}",
        f"How much did we sell per {dim} {behind}{order}",
        f"Show {said} for each {dim} {behind}{order}",
        f"Show me what we earned per {dim} {behind}{order}",
    ), sql


def spread(ask: Asker) -> Draft:
    """Average, lowest and highest of one column, for all or for each group."""
    table = ask.a_table()
    columns = [column for column in table.columns if column.what.is_number]
    if not columns:
        return None
    column = ask.chance.choice(columns)
    functions = {"AVG": "average", "MIN": "minimum", "MAX": "maximum", "SUM": "total"}
    usable = [name for name in functions if name != "SUM" or column.what.is_summed]
    chosen = ask.chance.sample(usable, ask.chance.choice((2, 3)))
    said = phrases.joined([functions[name] for name in chosen])
    items = [f"{name}({column.full})" for name in chosen]
    dimension = ask.dimension(table, is_timed=False) if ask.maybe(0.5) else None
    filters = ask.filters(table, (65, 35), apart=dimension)
    noun, way = ask.noun(table, filters), ask.way(column)
    if dimension is None:
        return ask.one_of(
            f"What are the {said} {way} of {noun}", f"~{said} {way} of {noun}", f"Give me the {said} {way} for {noun}"
        ), ask.select(items, table, paths_of(filters), where_of(filters))
    sql = ask.select(
        [*dimension.shown, *items],
        table,
        paths_of(filters, dimension.path),
        where_of(filters),
        f"GROUP BY {dimension.key}",
    )
    behind = f"of {noun}" if filters or ask.maybe(0.4) else ""
    return ask.one_of(
        f"What are the {said} {way} {behind} per {dimension.text}",
        f"~{said} {way} by {dimension.text} {behind}",
        f"For each {dimension.text}, show the {said} {way} {behind}",
    ), sql


def growth(ask: Asker) -> Draft:
    """From one year to another, as a difference, in per cent or side by side."""
    table = ask.a_table()
    dates, measure = _dates_of(table), ask.measure(table, is_total=True)
    if not dates or measure is None or measure.path:
        return None
    years = sorted({str(value)[:4] for value in dates[0].values()})
    if len(years) < 2:
        return None
    place = ask.chance.randrange(len(years) - 1)
    one, other = years[place], years[place + 1]
    before, after = (only_where(measure, f"strftime('%Y', {dates[0].full}) = '{year}'") for year in (one, other))
    said = measure.text
    drawn = ask.chance.random()
    if drawn < 0.35:
        return ask.one_of(
            f"Compare the {said} of {one} and {other} side by side",
            f"~{said} {one} vs {other}",
            f"What was the {said} in {one} and what was it in {other}",
        ), ask.select([before, after], table)
    if drawn < 0.7:
        return ask.one_of(
            f"By how much did the {said} grow from {one} to {other}",
            f"What is the difference in {said} between {one} and {other}",
            f"How much higher was the {said} in {other} than in {one}",
            f"~change in {said} {one} to {other}",
        ), ask.select([f"{after} - {before}"], table)
    return ask.one_of(
        f"By what percentage did the {said} change from {one} to {other}",
        f"What was the growth rate of the {said} from {one} to {other} in percent",
        f"~{said} growth {other} vs {one} in %",
    ), ask.select([f"({after} - {before}) * 100.0 / {before}"], table)


def highest_average(ask: Asker) -> Draft:
    """Which department has the highest average salary."""
    fact = ask.a_table()
    dimension = ask.dimension(fact, is_timed=ask.maybe(0.2))
    columns = [column for column in fact.columns if column.what.is_number]
    if dimension is None or not columns:
        return None
    column = ask.chance.choice(columns)
    is_most = ask.maybe(0.7)
    filters = ask.filters(fact, (75, 25), apart=dimension)
    shows, number = ask.maybe(0.2), ask.chance.choice((1, 1, 1, 3, 5))
    measure = f"AVG({column.full})"
    sql = ask.select(
        [*dimension.shown, *([measure] if shows else [])],
        fact,
        paths_of(filters, dimension.path),
        where_of(filters),
        f"GROUP BY {dimension.key} ORDER BY {measure}{' DESC' if is_most else ''} LIMIT {number}",
    )
    top = ask.one_of("highest", "highest", "largest", "best") if is_most else ask.one_of("lowest", "lowest", "smallest")
    way, dim = ask.way(column), dimension.text
    behind = f"for {ask.noun(fact, filters)}" if filters else ""
    ask.notes.append(f"{top} average {way} refers to {'MAX' if is_most else 'MIN'}(AVG({column.name}))")
    tail = ask.one_of(", and what is it", f"? Also show the average {way}", " and its value") if shows else ""
    if number > 1:
        many, count = phrases.pluralised(dim), phrases.written_number(number, ask.chance)
        return ask.one_of(
            f"Which {count} {many} have the {top} average {way} {behind}{tail}",
            f"~{'top' if is_most else 'bottom'} {count} {many} by average {way} {behind}{tail}",
        ), sql
    return ask.one_of(
        f"Which {dim} has the {top} average {way} {behind}{tail}",
        f"What {dim} has the {top} average {way} {behind}{tail}",
        f"On average, which {dim} has the {top} {way} {behind}{tail}",
        f"~{dim} with {top} average {way} {behind}{tail}",
    ), sql


def versus(ask: Asker) -> Draft:
    """Those with a mark against those without, as two rows."""
    table = ask.a_table()
    flags = [column for column in table.columns if column.kind == "flag"]
    found = ask.measures(table, ask.chance.choice((1, 1, 2)))
    if not flags or not found or any(measure.path for measure in found):
        return None
    flag = ask.chance.choice(flags)
    yes, no = flag.what.ways[0], flag.what.ways[-1]
    no = f"not {yes}" if no == yes else no
    filters = [said for said in ask.filters(table, (75, 25)) if said.column is not flag]
    sql = ask.select(
        [flag.full, *(measure.sql for measure in found)],
        table,
        paths_of(filters),
        where_of(filters),
        f"GROUP BY {flag.full}",
    )
    said, noun = phrases.joined([measure.text for measure in found]), ask.noun(table, filters)
    of = "" if any(measure.sql == "COUNT(*)" for measure in found) else f"of {noun}"
    if filters and not of:
        return None
    if " " in yes or " " in no:
        return ask.one_of(
            f"~{said} {of} by whether they are {yes}",
            f"Compare the {said} {of} that are {yes} with those {no}",
            f"What is the {said} {of} {yes} versus {no}",
        ), sql
    return ask.one_of(
        f"~{said} {of}: {yes} versus {no}",
        f"What is the {said} of {yes} versus {no} {noun}",
        f"Compare {yes} and {no} {noun} by {said}",
        f"How do {yes} and {no} {noun} differ in {said}",
    ), sql


def units_of(ask: Asker) -> Draft:
    """How many units of one named thing were sold, a sum that is asked like a count."""
    options = [
        (table, column)
        for table in ask.facts()
        for column in table.columns
        if column.what.kind == "qty" and column.what.words.split()[-1].endswith(("s", "quantity"))
    ]
    if not options:
        return None
    fact, column = ask.chance.choice(options)
    path = ask.a_path(fact, is_named=True)
    if path is None or path[-1].parent.display[0].kind == "key":
        return None
    parent = path[-1].parent
    row = ask.chance.choice(parent.rows[: max(1, int(len(parent.rows) * 0.8))])
    name = ask.value(" ".join(str(row[one.name]) for one in parent.display))
    where = [f"{one.full} = {literal(row[one.name])}" for one in parent.display]
    when = _when(ask, fact, 0.5)
    period = when[0].after if when else ""
    sql = ask.select([f"SUM({column.full})"], fact, paths_of(when, path), [*where, *where_of(when)])
    way = ask.way(column)
    way = way if way.endswith("s") else column.what.words
    way = "units" if way == "quantity" else way
    ways = [
        f"How many {way} does {name} have in total {period}",
        f"How many {way} do the {ask.plural(fact)} of {name} add up to {period}",
        f"~total {way} {name} {period}",
        f"~{way} of {name} {period}",
    ]
    is_priced = parent.display[0].kind == "name" and any(column.kind == "money" for column in parent.columns)
    if is_priced and column.what.words in ("quantity", "units", "pieces", "tickets", "copies"):
        ways += [f"How many {way} of {name} were sold {period}", f"How many {name} did we sell {period}"] * 2
    return ask.one_of(*ways), sql


def first_of_each_parent(ask: Asker) -> Draft:
    """The cheapest room of each location: one row of each, told by the name of what they belong to."""
    fact, path = child_and_path(ask)
    if fact is None or path is None or not fact.display or fact.display[0].kind == "key":
        return None
    keys = [column for column in fact.columns if column.what.is_number or column.what.is_date]
    if not keys:
        return None
    key = ask.chance.choice(keys)
    parent, is_most = path[-1].parent, ask.maybe(0.65)
    if any(column.kind == "person" for column in parent.display):
        return None
    number = ask.chance.choice((1, 1, 1, 2, 3))
    shows = ask.maybe(0.5)
    group = parent.display[0]
    names = ["a", "b1", "b2", "c"]
    columns = [group.full, *ask.shown(fact), *([key.full] if shows else [])]
    items = ", ".join(f"{sql} AS {name}" for sql, name in zip(columns, names, strict=False))
    order = f"{key.full}{' DESC' if is_most else ''}"
    window = f"ROW_NUMBER() OVER (PARTITION BY {group.full} ORDER BY {order}) AS n"
    sql = (
        f"SELECT {', '.join(names[: len(columns)])} FROM (SELECT {items}, {window} "
        f"FROM {ask.source(fact, [path])}) WHERE n <= {number}"
    )
    adjective = (key.what.superlatives or ("", ""))[0 if is_most else 1]
    way, one, each = ask.way(key), ask.singular(fact), ask.role(path)
    top = ("latest" if is_most else "earliest") if key.what.is_date else "highest" if is_most else "lowest"
    extra = f", and show its {way}" if shows else ""
    if number > 1:
        count = phrases.written_number(number, ask.chance)
        many = ask.plural(fact)
        return ask.one_of(
            f"For each {each}, list the {count} {many} with the {top} {way}{extra.replace('its', 'their')}",
            f"~{count} {many} with the {top} {way} per {each}{extra.replace('its', 'their')}",
        ), sql
    named = f"{adjective} {one}" if adjective and ask.maybe(0.6) else f"{one} with the {top} {way}"
    return ask.one_of(
        f"~{named} per {each}{extra}",
        f"What is the {named} of each {each}{extra}",
        f"For every {each}, which is the {named}{extra}",
        f"Show the {named} in each {each}{extra}",
    ), sql


def kinds_in_ratio(ask: Asker) -> Draft:
    """How many of one kind there are for each of another, or how many more."""
    table = ask.a_table()
    columns = [column for column in table.columns if column.kind in GROUPING or column.kind == "flag"]
    if not columns:
        return None
    column = ask.chance.choice(columns)
    values = column.values()[:5]
    if len(values) < 2:
        return None
    one, other = ask.chance.sample(values, 2)
    filters = [said for said in ask.filters(table, (70, 30)) if said.column is not column]
    many, way = ask.plural(table), ask.way(column)
    count = Measure("COUNT(*)", f"number of {many}")
    first, second = (only_where(count, f"{column.full} = {literal(value)}") for value in (one, other))
    left, right = (_kind_said(column, value) for value in (one, other))
    if column.codes:
        ask.conditions += [
            Said(f"{column.full} = {literal(value)}", column.codes[value], is_coded=True) for value in (one, other)
        ]
    noun = ask.noun(table, filters)
    of = f"among {noun}" if filters else ""
    if ask.maybe(0.45):
        sql = ask.select([f"{first} - {second}"], table, paths_of(filters), where_of(filters))
        return ask.one_of(
            f"How many more {left} {many} than {right} {many} are there {of}",
            f"What is the difference between the number of {left} and {right} {many} {of}",
        ), sql
    sql = ask.select([f"{first} * 1.0 / {second}"], table, paths_of(filters), where_of(filters))
    return ask.one_of(
        f"What is the ratio of {left} to {right} {many} {of}",
        f"What is the ratio between {many} with {way} {left} and {many} with {way} {right} {of}"
        if column.kind != "flag"
        else f"How many {left} {many} are there for each one that is {right} {of}",
        f"~ratio {left} to {right} {many} {of}",
    ), sql


def _kind_said(column: Col, value: object) -> str:
    if column.kind != "flag":
        return str(column.codes.get(value, value))
    word = column.what.ways[0 if value == column.yes else -1]
    return f"not {word}" if value != column.yes and len(column.what.ways) == 1 else word


def periods_of_a_year(ask: Asker) -> Draft:
    """Each month or quarter of one year."""
    fact = ask.a_table()
    dates = _dates_of(fact)
    found = ask.measures(fact, ask.chance.choice((1, 1, 1, 2)))
    if not dates or not found:
        return None
    full = dates[0].full
    year = str(ask.chance.choice(dates[0].values()))[:4]
    is_quarter = ask.maybe(0.3)
    key = quarter_of(full) if is_quarter else f"strftime('%Y-%m', {full})"
    unit = "quarter" if is_quarter else "month"
    dimension = Dimension((key,), key, unit, is_time=True)
    filters = ask.filters(fact, (75, 25), is_dated=False)
    noun = ask.noun(fact, filters)
    own = any(measure.sql == "COUNT(*)" for measure in found)
    if own and filters:
        found = [Measure("COUNT(*)", f"number of {noun}")]
    of = f"of {noun}" if filters and not own else ""
    sql = ask.select(
        [key, *(measure.sql for measure in found)],
        fact,
        paths_of(filters, *(measure.path for measure in found)),
        [*where_of(filters), f"strftime('%Y', {full}) = '{year}'"],
        f"GROUP BY {dimension.key} ORDER BY {dimension.key}",
    )
    said = phrases.joined([measure.text for measure in found])
    short = noun if [measure.sql for measure in found] == ["COUNT(*)"] else said
    return ask.one_of(
        f"~{said} {of} per {unit} in {year}",
        f"~{said} {of} per {unit} of {year}",
        f"~{short} {of} by {unit} {year}",
        f"~{unit}ly {short} {of} {year}",
        f"~{short} {of} per {unit} in {year}",
        f"What was the {said} {of} in each {unit} of {year}",
        f"Show the {unit}ly {said} {of} for {year}",
        f"How did the {said} {of} develop by {unit} in {year}",
    ), sql


def busy_ones(ask: Asker) -> Draft:
    """How many customers have more than three orders: groups that are counted."""
    fact = ask.a_fact()
    path = ask.a_path(fact, is_named=True) if fact else None
    if fact is None or path is None or len(path) > 1:
        return None
    link = path[0]
    filters = [said for said in ask.filters(fact, (60, 40)) if all(other[0] is not link for other in said.paths)]
    number = ask.chance.choice((1, 2, 3, 5, 10))
    many, noun = ask.plural(link.parent), ask.noun(fact, filters)
    inner = ask.select(
        [link.column],
        fact,
        paths_of(filters),
        [*where_of(filters), f"{link.column} IS NOT NULL"],
        f"GROUP BY {link.column} HAVING COUNT(*) > {number}",
    )
    condition = ask.one_of(f"have more than {number} {noun}", f"had more than {number} {noun}")
    key = f"{link.parent.key_full} IN ({inner})"
    sql = ask.select(["COUNT(*)"], link.parent, (), [key])
    if ask.maybe(0.4):
        return ask.one_of(f"Which {many} {condition}", f"List {many} that {condition}"), ask.select(
            ask.shown(link.parent), link.parent, (), [key]
        )
    return ask.one_of(f"How many {many} {condition}", f"Count the {many} that {condition}"), sql
