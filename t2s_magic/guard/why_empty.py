"""Why a result has no rows: the filter, the join or the HAVING that removed them, and what there is instead."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from t2s_magic.guard.filters import Counted, count_filters, read_filter, terms_of, what_there_is
from t2s_magic.guard.in_words import parse, selects_of
from t2s_magic.guard.look_ups import NULL_IN_LIST, LookUp, LookUps, from_table, missing_in, shown
from t2s_magic.guard.words_groups import aggregates
from t2s_magic.guard.words_parts import TooComplexError, listed
from t2s_magic.guard.words_scope import SelectRead
from t2s_magic.schema import Schema

_MOST_LOOK_UPS = 8


def why_empty(sql: str, schema: Schema, look_up: LookUp) -> str:
    """One or two sentences that name what removed every row of ``sql``, or "" where that cannot be told.

    ``look_up`` runs one small read-only statement of ours and may raise Text2SqlError. At most 8 are asked.
    """
    statement = parse(sql, schema.dialect)
    if statement is None:
        return ""
    look_ups = LookUps(look_up, schema.dialect, _MOST_LOOK_UPS)
    selects = selects_of(statement, schema)
    while isinstance(statement, exp.Subquery):
        statement = statement.this
    if isinstance(statement, (exp.Intersect, exp.Except)):
        return _of_two(statement, look_ups)
    select = next((select for select in selects if select.node is statement), None)
    if select is None:
        return ""
    return (
        _empty_table(select, look_ups)
        or _lonely_filter(select, look_ups)
        or _null_in_list(select, look_ups)
        or _join_without_pairs(select, look_ups)
        or _filters_together(select, look_ups)
        or _having(select, look_ups)
        or _offset(select)
    )


def _of_two(statement: exp.Expr, look_ups: LookUps) -> str:
    """INTERSECT and EXCEPT: which side is empty."""
    for side, name in ((statement.this, "first"), (statement.args["expression"], "second")):
        is_needed = name == "first" or isinstance(statement, exp.Intersect)
        if is_needed and _count(exp.Select(), side, look_ups) == 0:
            return f"The {name} of the two lists has no rows."
    if isinstance(statement, exp.Intersect):
        return "Both lists have rows, but none that is in both."
    return "Every row of the first list is in the second too."


def _count(outer: exp.Select, query: exp.Expr, look_ups: LookUps) -> int | None:
    """How many rows ``query`` has."""
    alias = exp.TableAlias(this=exp.to_identifier("counted", quoted=True))
    counts = look_ups.counts(outer.from_(exp.Subquery(this=query.copy(), alias=alias)), [])
    return counts[0] if counts else None


# --- one table, one filter ----------------------------------------------------------------------------------------


def _empty_table(select: SelectRead, look_ups: LookUps) -> str:
    """A table that has to have rows and has none. One statement asks for all of them."""
    sources = [source for source in select.scope.sources if source.table is not None and not source.is_optional]
    if not sources:
        return ""
    one = exp.Literal.number(1)
    asked = [exp.Exists(this=from_table(source, source.table).select(one.copy())) for source in sources if source.table]
    flags = [exp.Case(ifs=[exp.If(this=exists, true=one.copy())], default=exp.Literal.number(0)) for exists in asked]
    found = look_ups.rows(exp.Select().select(*flags))
    empty = [source.name for source, flag in zip(sources, found[0], strict=True) if not flag] if found else []
    return f"{listed(list(dict.fromkeys(empty)))} {'has' if len(empty) == 1 else 'have'} no rows." if empty else ""


def _lonely_filter(select: SelectRead, look_ups: LookUps) -> str:
    """A filter that no row of its own table passes."""
    filters = [found for term in _terms(select) if (found := read_filter(term, select.scope)) is not None]
    # A filter on the side of an outer join that may be missing asks something else than its table does.
    filters = [item for item in filters if not item.source.is_optional]
    removing = [counted for counted in count_filters(filters, look_ups) if not counted.passing]
    return " ".join(_of_filter(counted, look_ups) for counted in removing[:2])


def _of_filter(counted: Counted, look_ups: LookUps) -> str:
    item = counted.filter
    hint = what_there_is(item, look_ups)
    ending = f"; {hint}" if hint else ""
    text = f"No row of {item.source.name} passes the filter: {item.text}{ending}"
    return text if text.endswith("?") else f"{text}."


def _terms(select: SelectRead) -> list[exp.Expr]:
    """What each row has to pass: the terms of WHERE and of inner joins, without the equalities that join."""
    where = select.node.args.get("where")
    joins: Sequence[exp.Expr] = select.node.args.get("joins") or []
    inner = [join.args.get("on") for join in joins if not join.args.get("side")]
    conditions = [*inner, where.this if where is not None else None]
    return [term for condition in conditions for term in terms_of(condition) if not _is_join(term)]


def _is_join(term: exp.Expr) -> bool:
    is_equal = (
        isinstance(term, exp.EQ) and isinstance(term.this, exp.Column) and isinstance(term.expression, exp.Column)
    )
    return is_equal and term.this.table != term.expression.table


def _null_in_list(select: SelectRead, look_ups: LookUps) -> str:
    """NOT IN passes nothing when its query gives a NULL."""
    for term in _terms(select):
        member = term.this.unnest() if isinstance(term, exp.Not) else None
        query = member.args.get("query") if isinstance(member, exp.In) else None
        if query is None or not isinstance(query.this, exp.Select) or len(query.this.expressions) != 1:
            continue
        if missing_in(query.this, look_ups):
            return NULL_IN_LIST
    return ""


# --- joins and filters together -----------------------------------------------------------------------------------


def _bare(select: SelectRead) -> exp.Select:
    """FROM and JOIN of a SELECT, and the named queries that they use."""
    kept = {name: select.node.args.get(name) for name in ("with_", "from_", "joins")}
    bare = exp.Select()
    for name, part in kept.items():
        if part:
            bare.set(name, [join.copy() for join in part] if isinstance(part, list) else part.copy())
    return bare


def _join_without_pairs(select: SelectRead, look_ups: LookUps) -> str:
    joins = select.node.args.get("joins")
    joining = [term for term in terms_of(_where(select)) if _is_join(term)]
    if not joins:
        return ""
    query = _bare(select)
    if joining:
        query = query.where(*(term.copy() for term in joining))
    counts = look_ups.counts(query, [])
    if counts is None or counts[0]:
        return ""
    sources = select.scope.sources
    names = [select.scope.introduced(source) for source in sources]
    # Each equality stands in both directions; the one that follows the order of the sources reads best.
    order = [source.alias for source in sources]
    pairs = [(left, right) for left, right in select.links if order.index(left[0]) < order.index(right[0])]
    texts = [f"{_name(select, *left)} equals {_name(select, *right)}" for left, right in dict.fromkeys(pairs)]
    on = f" where {listed(texts)}" if texts else ""
    return f"Joining {listed(names)} finds no row{on}."


def _name(select: SelectRead, alias: str, column: str) -> str:
    source = next(source for source in select.scope.sources if source.alias == alias)
    return f"{select.scope.shown(source)}.{source.columns[column].text}"


def _where(select: SelectRead) -> exp.Expr | None:
    where = select.node.args.get("where")
    return where.this if where is not None else None


def _filters_together(select: SelectRead, look_ups: LookUps) -> str:
    """Filters that pass rows each, but none together: which of them, dropped alone, would leave rows."""
    all_terms = terms_of(_where(select))
    joining = [term for term in all_terms if _is_join(term)]
    terms = [term for term in all_terms if not _is_join(term)]
    if not terms or _count_where(select, all_terms, look_ups) != 0:
        return ""
    if len(terms) == 1:
        is_found = bool(select.node.args.get("joins")) and read_filter(terms[0], select.scope) is not None
        text = _text(terms[0], select)
        return f"There are rows where {text}, but the join keeps none." if is_found else f"No row passes: {text}."
    texts = []
    for dropped in terms:
        rest = [term for term in terms if term is not dropped]
        left = _count_where(select, [*joining, *rest], look_ups)
        if left:
            rows = "1 row" if left == 1 else f"{left} rows"
            texts.append(f"without “{_text(dropped, select)}” there would be {rows}")
    if texts:
        return f"No row passes all filters together: {listed(texts)}."
    return "No row passes all filters together, and dropping one of them is not enough."


def _count_where(select: SelectRead, terms: Sequence[exp.Expr], look_ups: LookUps) -> int | None:
    query = _bare(select)
    if terms:
        query = query.where(*(term.copy() for term in terms))
    counts = look_ups.counts(query, [])
    return counts[0] if counts else None


def _text(term: exp.Expr, select: SelectRead) -> str:
    try:
        return select.scope.condition_with_aliases(term).text
    except TooComplexError:
        return term.sql(dialect=select.scope.dialect)


# --- groups and cuts ----------------------------------------------------------------------------------------------


def _having(select: SelectRead, look_ups: LookUps) -> str:
    """No group passes HAVING: how far the highest and lowest are."""
    having, group = select.node.args.get("having"), select.node.args.get("group")
    if having is None or group is None:
        return ""
    measured = list(dict.fromkeys(aggregates(having.this)))
    if len(measured) != 1:
        return f"No group passes: {_text(having.this, select)}."
    name = exp.to_identifier("measured", quoted=True)
    groups = _bare(select)
    for clause in ("where", "group"):
        if select.node.args.get(clause) is not None:
            groups.set(clause, select.node.args[clause].copy())
    groups = groups.select(exp.alias_(measured[0].copy(), name))
    source = exp.Subquery(this=groups, alias=exp.TableAlias(this=exp.to_identifier("groups", quoted=True)))
    value = exp.Column(this=name.copy())
    found = look_ups.rows(exp.Select().select(exp.Min(this=value), exp.Max(this=value.copy())).from_(source))
    text = f"No group passes: {_text(having.this, select)}"
    if not found or found[0][0] is None:
        return f"{text}."
    lowest, highest = (shown(value) for value in found[0])
    return f"{text}; it is always {lowest}." if lowest == highest else f"{text}; it runs from {lowest} to {highest}."


def _offset(select: SelectRead) -> str:
    offset, limit = select.node.args.get("offset"), select.node.args.get("limit")
    if limit is not None and isinstance(limit, exp.Limit) and limit.expression.name == "0":
        return "LIMIT 0 asks for no rows."
    return "OFFSET skips all the rows there are." if offset is not None else ""
