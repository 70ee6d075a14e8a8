"""The most, the least, and what lies above the average."""

from __future__ import annotations

from collections.abc import Sequence

from training.synthesis import phrases
from training.synthesis.asking import GROUPING, Asker
from training.synthesis.intents.parts import Draft, bare_measure, number_and_category, paths_of, where_of
from training.synthesis.said import Said, literal
from training.synthesis.worlds import Col, Tab


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
    sql = ask.select(items, table, paths_of(filters), where_of(filters), tail)
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
            f"List the {said} {noun} with the {'latest' if is_most else 'earliest'} {way}{plural_tail}",
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
    return ask.one_of(
        f"List the {said} {noun} with the {top} {way}{plural_tail}",
        f"~{word} {said} {noun} by {way}{plural_tail}",
        f"Show the {word} {said} {noun} by {way}{plural_tail}",
        f"Which {said} {noun} have the {top} {way}{plural_tail}",
    )


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
    sql = ask.select(items, fact, paths_of(filters, dimension.path, measure.path), where_of(filters), tail)
    said = phrases.written_number(number, ask.chance)
    noun = ask.noun(fact, filters)
    which = f"Which {dimension.text}" if number == 1 else f"Which {said} {phrases.pluralised(dimension.text)}"
    has = "has" if number == 1 else "have"
    extra = (
        ask.one_of(
            f", and what is the {bare_measure(measure.text)}", " and how much is it", f"? Show the {measure.text} too"
        )
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
    ways: tuple[str, ...] = (
        f"{which} {has} the {top} {measure.text} {behind}{extra}",
        f"Find the {which.removeprefix('Which ')} with the {top} {measure.text} {behind}{extra}",
        f"{which} {has} the {top} {measure.text} {behind}{extra}",
    )
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
        ask.shown(table),
        table,
        (),
        [f"{key.full} = (SELECT {function}({key.sql}) FROM {table.sql})"],
    )
    way = ask.way(key)
    return ask.one_of(
        f"Which {ask.plural(table)} have the {top} {way}, ties included",
        f"List all {ask.plural(table)} that share the {top} {way}",
        f"Find every {ask.singular(table)} whose {way} equals the {top} {way}",
        f"Which {ask.plural(table)} are tied for the {top} {way}",
        f"Names of all {ask.plural(table)} with the {top} {way} (including ties)",
    ), sql


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
    predicate = f"have{condition.removeprefix('with')}" if condition.startswith("with a") else condition
    return ask.one_of(
        f"Which {ask.plural(table)} {predicate}",
        f"List the {ask.plural(table)} {condition}",
        f"~{ask.plural(table)} {condition}",
    ), sql


def above_average_of_group(ask: Asker) -> Draft:
    found = number_and_category(ask)
    if found is None:
        return None
    table, key, group = found
    comparison, word = ask.chance.choice(((">", "above"), (">", "higher than"), ("<", "below"), ("<", "lower than")))
    inner = f"SELECT AVG(x.{key.sql}) FROM {table.sql} AS x WHERE x.{group.sql} = {group.full}"
    condition = f"{key.full} {comparison} ({inner})"
    sql = f"SELECT {', '.join(ask.shown(table))} FROM {table.sql} WHERE {condition}"
    return ask.one_of(
        f"Which {ask.plural(table)} have a {ask.way(key)} {word} the average of their {ask.way(group)}",
        f"List the {ask.plural(table)} whose {ask.way(key)} is {word} the average for the same {ask.way(group)}",
        f"Find {ask.plural(table)} with {ask.way(key)} {word} average within their {ask.way(group)}",
    ), sql


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


def than_named(ask: Asker) -> Draft:
    """Compared with one row that is called by its name: more than that, or the same."""
    table = ask.a_table()
    if len(table.display) != 1:
        return None
    name = table.display[0]
    named = [str(row[name.name]) for row in table.rows if row[name.name] is not None]
    numbers = [column for column in table.columns if column.what.is_number]
    kinds = [column for column in table.columns if column.kind in GROUPING and column is not name]
    if not named or not (numbers or kinds):
        return None
    column = ask.chance.choice([*numbers, *kinds])
    named_one = ask.chance.choice(named)
    one, many, way = ask.value(named_one), ask.plural(table), ask.way(column)
    comparison, word = ask.chance.choice(((">", "higher"), (">", "more"), ("<", "lower"), ("<", "less")))
    if column in kinds:
        comparison, said = "=", f"the same {way} as {one}"
    else:
        said = f"{'a ' if word in ('higher', 'lower') else ''}{word} {way} than {one}"
    inner = f"SELECT {column.sql} FROM {table.sql} WHERE {name.sql} = {literal(named_one)}"
    sql = ask.select(ask.shown(table), table, (), [f"{column.full} {comparison} ({inner})"])
    return ask.one_of(
        f"Which {many} have {said}",
        f"List the {many} with {said}",
        f"Find all {many} that have {said}",
        f"~{many} with {said}",
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
    sql = ask.select([f"MAX({column.full}) - MIN({column.full})"], table, paths_of(filters), where_of(filters))
    return ask.one_of(
        f"What is the difference between the highest and lowest {way} {behind}",
        f"How far apart are the maximum and minimum {way} {behind}",
        f"~range of {way} (max minus min) {behind}",
    ), sql
