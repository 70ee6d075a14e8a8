"""A SELECT, or several put together, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlglot import exp

from t2s_magic.guard.words_conditions import listed_conditions
from t2s_magic.guard.words_cut import order_and_cut
from t2s_magic.guard.words_groups import Groups, aggregates, read_groups
from t2s_magic.guard.words_heads import grouped_main, heads_of, plain_main
from t2s_magic.guard.words_joins import Joined, read_from
from t2s_magic.guard.words_names import Output, Source, Told, name_text, source_of_result
from t2s_magic.guard.words_parts import Parts, Phrase, TooComplexError, listed
from t2s_magic.guard.words_periods import say_terms
from t2s_magic.guard.words_scope import Reading, Scope, SelectRead
from t2s_magic.guard.words_sources import add_step


def read_query(node: exp.Expr, reading: Reading, results: Mapping[str, Source], outer: Scope | None) -> Told:
    """A query in words; ``results`` are the named queries that it can select from, by folded name."""
    if isinstance(node, (exp.Subquery, exp.Paren)):
        parts = Parts(node)
        reading.said.add(id(node))
        told = read_query(parts.take("this"), reading, results, outer)
        parts.close()
        return told
    if isinstance(node, exp.SetOperation):
        return _set_operation(node, reading, results, outer)
    if not isinstance(node, exp.Select):
        raise TooComplexError(f"No rule for {type(node).__name__}")
    scope = Scope(reading, results, outer)
    told = _select(node, scope)
    if scope.reaches_out:
        # A name from outside makes every bare name doubtful: say it again with tables.
        scope = Scope(reading, results, outer, is_qualified=True)
        told = _select(node, scope)
    return told


def _read_results(parts: Parts, scope: Scope) -> None:
    """WITH: each named query is a step that later ones can use."""
    clause = parts.take("with_")
    if clause is None:
        return
    with_parts = Parts(clause)
    scope.said(clause, only_this=True)
    for result in with_parts.take_all("expressions"):
        result_parts = Parts(result)
        scope.said(result, only_this=True)
        alias = result_parts.take("alias")
        result_parts.take("materialized")
        scope.said(alias)
        told = scope.reading.read(result_parts.take("this"), scope.reading, scope.results, None)
        result_parts.close()
        if alias.args.get("columns"):
            raise TooComplexError("New names for the columns of a named query")
        add_step(alias.name, told.step, scope)
        scope.results[alias.name.casefold()] = source_of_result(alias.name, told.outputs)
    with_parts.close()


# --- one SELECT ---------------------------------------------------------------------------------------------------


def _select(node: exp.Select, scope: Scope) -> Told:
    parts = Parts(node)
    scope.said(node, only_this=True)
    _read_results(parts, scope)
    joined = read_from(parts, scope)
    scope.reading.selects.append(SelectRead(node, scope, tuple(joined.links)))
    nodes = parts.take_all("expressions")
    _note_aliases(nodes, scope)
    scope.is_grouped = _is_grouped(node)
    where = _where(parts.take("where"), joined, scope)
    results = [result.unalias() for result in nodes]
    groups = read_groups(parts.take("group"), results, scope, joined) if scope.is_grouped else None
    heads = heads_of(nodes, scope)
    outputs = tuple(output for head in heads for output in head.outputs)
    is_distinct = _is_distinct(parts.take("distinct"), scope)
    kept = _kept(parts.take("having"), groups, scope) + _qualified(parts.take("qualify"), scope)
    cut = order_and_cut(parts.take("order"), parts.take("limit"), parts.take("offset"), outputs, groups, scope)
    parts.close()
    if groups is None:
        main, per, step_per = plain_main(heads, is_distinct), "", ""
    else:
        main, per, step_per = grouped_main(heads, groups, scope, node)
    pairing = f", pairing {listed(joined.pairings)}" if joined.pairings else ""
    condition = f"{',' if pairing or per else ''} where {where}" if where else ""
    repeat = ", each different row once" if is_distinct and groups is not None else ""
    of, tail = _of(scope), f"{pairing}{condition}{kept}{repeat}{cut}"
    # Without a key there is always exactly one row, whatever the table holds: no words for "rows".
    is_one_row = groups is not None and not groups.keys
    return Told(
        sentence=f"{main.sentence}{of}{per}{tail}",
        noun=f"{main.noun}{of}{per}{tail}",
        step=f"{main.step}{of}{step_per}{tail}",
        rows="" if is_one_row else f"{of.removeprefix(' of ') or 'rows'}{per}{tail}",
        outputs=outputs,
    )


def _note_aliases(nodes: Sequence[exp.Expr], scope: Scope) -> None:
    aliased = [node for node in nodes if isinstance(node, exp.Alias)]
    scope.aliases = {node.alias.casefold(): node.this for node in aliased}
    scope.said(*aliased, only_this=True)
    scope.said(*(node.args["alias"] for node in aliased))


def _is_grouped(node: exp.Select) -> bool:
    """By GROUP BY, or as one group by an aggregate anywhere."""
    clauses = [*node.expressions, node.args.get("having"), node.args.get("order")]
    has_aggregate = any(next(aggregates(clause), None) is not None for clause in clauses if clause is not None)
    return has_aggregate or node.args.get("group") is not None


def _of(scope: Scope) -> str:
    """The table, where there is one: columns of several carry its name."""
    if len(scope.sources) != 1:
        return ""
    return f" of {scope.introduced(scope.sources[0])}"


def _is_distinct(node: exp.Expr | None, scope: Scope) -> bool:
    if node is None:
        return False
    parts = Parts(node)
    scope.said(node)
    parts.close()
    return True


def _where(node: exp.Expr | None, joined: Joined, scope: Scope) -> str:
    """WHERE, with what is left of the conditions of inner joins and without those that are said as pairings."""
    terms = list(joined.filters)
    if node is not None:
        scope.said(node, only_this=True)
        pending = [node.this]
        while pending:
            term = pending.pop()
            if isinstance(term, exp.And):
                scope.said(term, only_this=True)
                pending += [term.expression, term.this]
            elif id(term) not in joined.lifted:
                terms.append(term)
    with scope.using_aliases():
        return listed_conditions(say_terms(terms, scope), "and")


# --- tails --------------------------------------------------------------------------------------------------------


def _kept(having: exp.Expr | None, groups: Groups | None, scope: Scope) -> str:
    if having is None:
        return ""
    if groups is None or not groups.keys:
        raise TooComplexError("HAVING without GROUP BY")
    if not groups.is_known(having.this, scope):
        raise TooComplexError("HAVING with a column of any one row")
    scope.check_aliases(having.this)
    scope.said(having, only_this=True)
    return f", keeping only groups where {scope.condition_with_aliases(having.this).text}"


def _qualified(qualify: exp.Expr | None, scope: Scope) -> str:
    if qualify is None:
        return ""
    scope.said(qualify, only_this=True)
    return f", keeping only rows where {scope.condition_with_aliases(qualify.this).text}"


# --- several put together -----------------------------------------------------------------------------------------


def _set_operation(
    node: exp.SetOperation, reading: Reading, results: Mapping[str, Source], outer: Scope | None
) -> Told:
    parts = Parts(node)
    reading.said.add(id(node))
    scope = Scope(reading, results, outer)
    _read_results(parts, scope)
    left = read_query(parts.take("this"), reading, scope.results, outer)
    right = read_query(parts.take("expression"), reading, scope.results, outer)
    if len(left.outputs) != len(right.outputs):
        raise TooComplexError("A different number of columns on each side")
    is_distinct = bool(parts.take("distinct"))
    outputs = tuple(
        Output(one.name, Phrase(name_text(one.name), one.meaning.kind if one.meaning.kind == two.meaning.kind else ""))
        for one, two in zip(left.outputs, right.outputs, strict=True)
    )
    order, limit, offset = parts.take("order"), parts.take("limit"), parts.take("offset")
    cut = order_and_cut(order, limit, offset, outputs, None, scope)
    parts.close()
    both = f"({left.noun})", f"({right.noun})"
    once = ", each different row once" if is_distinct else ", repeats kept"
    text = {
        exp.Union: f"{both[0]} together with {both[1]}",
        exp.Intersect: f"what is both in {both[0]} and in {both[1]}",
        exp.Except: f"what is in {both[0]} but not in {both[1]}",
    }[type(node)]
    tail = text + once + cut
    return Told(f"lists {tail}", tail, tail, tail, outputs)
