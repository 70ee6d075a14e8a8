"""How people in a business talk: revenue, best sellers, the busiest month."""

from __future__ import annotations

from training.synthesis import phrases
from training.synthesis.asking import Asker
from training.synthesis.intents.parts import Draft, active_verb, participle, paths_of, where_of
from training.synthesis.said import Measure, Path, literal
from training.synthesis.worlds import Tab

_TIME_WORDS = ("in ", "during ", "between ", "from ", "since ", "before ", "after ", "on ", "over ", "last ", "this ")
_EARNED = (
    "amount",
    "total",
    "total price",
    "total charge",
    "paid price",
    "sale price",
    "total value",
    "net amount",
    "fare",
    "premium",
    "price",
    "bill",
    "invoice total",
    "basket value",
    "hammer price",
    "mrr",
    "contract value",
)


def takings(ask: Asker) -> Draft:
    """How much was made, spent or sold, without naming a column."""
    fact = ask.a_fact()
    measure = money_of(ask, fact) if fact else None
    if fact is None or measure is None:
        return None
    path = ask.a_path(fact, is_named=True)
    dates = [column for column in fact.columns if column.what.is_date]
    when = ask.own_filter(fact) if dates else None
    filters = [when] if when and when.column in dates and ask.maybe(0.7) else []
    period = filters[0].after if filters else ""
    if not period.startswith(_TIME_WORDS):
        period = period.partition(" ")[2]
    period = period if period.startswith(_TIME_WORDS) else ""
    filters = filters if period else []
    if path and ask.maybe(0.5) and is_buyer(path):
        row = ask.chance.choice(path[-1].parent.rows)
        display = path[-1].parent.display
        name = " ".join(str(row[column.name]) for column in display)
        where = [f"{column.full} = {literal(row[column.name])}" for column in display]
        sql = ask.select([measure.sql], fact, paths_of(filters, path, measure.path), [*where, *where_of(filters)])
        return ask.one_of(
            f"How much did {ask.value(name)} spend {period}",
            f"What did {ask.value(name)} spend in total {period}",
            f"~total spend of {ask.value(name)} {period}",
        ), sql
    sql = ask.select([measure.sql], fact, paths_of(filters, measure.path), where_of(filters))
    word = ask.one_of("revenue", "money", "turnover", "income", "sales")
    return ask.one_of(
        f"How much {word} did we make {period}",
        f"How much did we earn {period}",
        f"What was our total revenue {period}",
        f"What were total sales {period}",
        f"~total revenue {period}",
        f"How much {word} did we generate {period}",
    ), sql


_NOT_SOLD = ("bid", "quote", "claim", "grant", "opportunity")


def money_of(ask: Asker, fact: Tab) -> Measure | None:
    """What rows of ``fact`` bring in: its computed revenue, else its one amount."""
    for derived in fact.derived:
        if derived.ways[0] in ("revenue", "box office", "trade value"):
            terms = {term: fact.find(term) for term in derived.terms if term not in "*-+/()1"}
            if all(terms.values()):
                words = [getattr(terms.get(term), "full", term) for term in derived.terms]
                return Measure(f"SUM({' '.join(words).replace('( ', '(').replace(' )', ')')})", "revenue")
    is_offer = fact.thing.words in _NOT_SOLD
    amounts = [
        column for column in fact.columns if column.what.words in _EARNED and column.kind == "amt" and not is_offer
    ]
    if not amounts and not is_offer:
        return _units_at_price(ask, fact)
    return Measure(f"SUM({amounts[0].full})", "revenue") if len(amounts) == 1 else None


def _units_at_price(ask: Asker, fact: Tab) -> Measure | None:
    """What was sold here at the price that stands one step up."""
    units = [
        column for column in fact.columns if column.what.words in ("quantity", "units", "tickets", "nights", "hours")
    ]
    prices = [
        (column, (link,))
        for link in fact.links
        for column in link.parent.columns
        if column.kind == "money" and column.what.words.split()[-1] in ("price", "rate", "fee")
    ]
    if not units or len(prices) != 1:
        return None
    price, path = prices[0]
    return Measure(f"SUM({units[0].full} * {price.full})", "revenue", path, is_total=True)


def is_buyer(path: Path) -> bool:
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
    measure = money_of(ask, fact) if fact else None
    paths = [path for path in ask.paths(fact) if is_buyer(path) and path[-1].parent.display] if fact else []
    if fact is None or measure is None or not paths:
        return None
    path = ask.chance.choice(paths)
    dimension = ask.thing_dimension(path)
    filters = ask.filters(fact, (60, 40), apart=dimension)
    number = ask.chance.choice((1, 3, 5, 10))
    sql = ask.select(
        list(dimension.shown),
        fact,
        paths_of(filters, path, measure.path),
        where_of(filters),
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
        paths_of(filters, path),
        where_of(filters),
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
        paths_of(filters),
        where_of(filters),
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
    sql = ask.select([f"SUM({column.full})"], table, paths_of(filters), where_of(filters))
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
        if active_verb((link,)) and link.parent.display
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
            f"When did {name} {base} their {'last' if is_last else 'first'} {ask.singular(fact)}",
            sql,
        )
    filters = [said for said in ask.filters(fact, (45, 55)) if not said.paths]
    sql = ask.select(["COUNT(*)"], fact, paths_of(filters, (link,)), [*where, *where_of(filters)])
    noun = ask.noun(fact, filters)
    ways = [
        f"How many {noun} has {name} {participle(link.verb)}",
        f"How many {noun} does {name} have",
        f"~number of {noun} of {name}",
    ]
    return ask.one_of(*ways, *([f"How many {noun} did {name} {base}"] if base else [])), sql
