"""Rules for counts, sums and window functions in words."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from t2s_magic.guard.words_order import order_key
from t2s_magic.guard.words_parts import Parts, Phrase, Rule, Speaker, TooComplexError, listed, literal_text
from t2s_magic.guard.words_values import most_of


def count(parts: Parts, scope: Speaker) -> Phrase:
    counted = parts.take("this")
    parts.take("big_int")
    if (isinstance(counted, exp.Star) and not any(counted.args.values())) or isinstance(counted, exp.Literal):
        scope.said(counted)
        return Phrase("number of rows", "integer", True, may_be_null=False, verb="counts the rows")
    if isinstance(counted, exp.Distinct):
        what = f"different {_distinct(counted, scope)} values"
    else:
        condition = _one_where(counted, scope, default_is_null=True)
        if condition:
            text = f"rows where {condition}"
            return Phrase(f"number of {text}", "integer", True, False, may_be_null=False)
        what = f"{_values(scope.value(counted))} values"
    return Phrase(f"number of {what}", "integer", True, may_be_null=False, verb=f"counts the {what}")


def _distinct(node: exp.Distinct, scope: Speaker) -> str:
    scope.said(node, only_this=True)
    if node.args.get("on"):
        raise TooComplexError("DISTINCT ON in an aggregate")
    return listed([_values(scope.value(value)) for value in node.expressions])


def _values(value: Phrase) -> str:
    return f"({value.text})" if value.is_common or not value.is_single else value.text


def _one_where(node: exp.Expr, scope: Speaker, *, default_is_null: bool) -> str:
    """The condition of ``CASE WHEN condition THEN 1 [ELSE 0] END``, or "" for anything else."""
    is_case = isinstance(node, exp.Case) and node.this is None and len(node.args["ifs"]) == 1
    if not is_case:
        return ""
    branch = node.args["ifs"][0]
    default = node.args.get("default")
    expected_default = default is None or isinstance(default, exp.Null) if default_is_null else _is(default, "0", None)
    one = literal_text(branch.args["true"]) is not None if default_is_null else _is(branch.args["true"], "1")
    if not (expected_default and one):
        return ""
    scope.said(node, only_this=True)
    scope.said(branch, only_this=True)
    scope.said(branch.args["true"], default)
    return scope.condition(branch.this).text


def _is(node: exp.Expr | None, *texts: str | None) -> bool:
    if node is None or isinstance(node, exp.Null):
        return None in texts
    return isinstance(node, exp.Literal) and not node.is_string and node.this in texts


def total(parts: Parts, scope: Speaker) -> Phrase:
    summed = parts.take("this")
    condition = _one_where(summed, scope, default_is_null=False)
    if condition:
        text = f"rows where {condition}"
        return Phrase(f"number of {text}", "integer", True, False)
    if isinstance(summed, exp.Distinct):
        text = f"the different {_distinct(summed, scope)} values"
        return Phrase(f"sum of {text}", "", True, verb=f"sums {text}")
    value = scope.value(summed)
    kind, verb = _summed_kind(value.kind), f"sums {value.inner}"
    return Phrase(f"sum of {value.inner}", kind, True, may_be_null=value.may_be_null, verb=verb)


def _summed_kind(kind: str) -> str:
    return kind if kind in ("integer", "number") else ""


def average(parts: Parts, scope: Speaker) -> Phrase:
    averaged = parts.take("this")
    if isinstance(averaged, exp.Distinct):
        text = f"the different {_distinct(averaged, scope)} values"
        return Phrase(f"average of {text}", "number", True, verb=f"averages {text}")
    value = scope.value(averaged)
    verb = f"averages {value.inner}"
    return Phrase(f"average {value.measured}", "number", True, may_be_null=value.may_be_null, verb=verb)


_LOWEST = {"date": "earliest", "timestamp": "earliest", "text": "first (A to Z)"}
_HIGHEST = {"date": "latest", "timestamp": "latest", "text": "last (A to Z)"}


def lowest(parts: Parts, scope: Speaker) -> Phrase:
    return _extreme(parts, scope, "lowest", _LOWEST)


def highest(parts: Parts, scope: Speaker) -> Phrase:
    return _extreme(parts, scope, "highest", _HIGHEST)


def _extreme(parts: Parts, scope: Speaker, word: str, by_kind: dict[str, str]) -> Phrase:
    first, others = parts.take("this"), parts.take_all("expressions")
    if isinstance(first, exp.Distinct):
        scope.said(first, only_this=True)
        first = first.expressions[0]
    value = scope.value(first)
    if others:
        return most_of(word)([value, *(scope.value(other) for other in others)])
    superlative = by_kind.get(value.kind, word)
    text = f"{superlative} {value.measured}"
    return Phrase(text, value.kind, True, may_be_null=value.may_be_null, verb=f"finds the {text}")


def _simple(words: str, kind: str) -> Rule:
    def rule(parts: Parts, scope: Speaker) -> Phrase:
        value = scope.value(parts.take("this"))
        return Phrase(f"{words} of {value.inner}", kind or value.kind, True, verb=f"finds the {words} of {value.inner}")

    return rule


def joined_texts(parts: Parts, scope: Speaker) -> Phrase:
    value_node, separator = parts.take("this"), parts.take("separator")
    if isinstance(value_node, exp.Distinct):
        values = f"the different {_distinct(value_node, scope)} values"
    else:
        values = f"all {scope.value(value_node).inner} values"
    between = f", separated by {scope.value(separator).the}" if separator is not None else ""
    return Phrase(f"{values} in one text{between}", "text", False, False)


def row_with(word: str) -> Rule:
    """``arg_max(a, b)``: a, where b is highest."""

    def rule(parts: Parts, scope: Speaker) -> Phrase:
        value, ranked = scope.value(parts.take("this")), scope.value(parts.take("expression"))
        return Phrase(f"{value.inner} with the {word} {ranked.inner}", value.kind, True)

    return rule


def filtered(parts: Parts, scope: Speaker) -> Phrase:
    aggregate, where = scope.value(parts.take("this")), parts.take("expression")
    scope.said(where, only_this=True)
    condition = scope.condition(where.this).text
    text = f"{aggregate.text} where {condition}"
    is_count = aggregate.kind == "integer" and not aggregate.may_be_null
    return Phrase(text, aggregate.kind, aggregate.is_common, False, may_be_null=not is_count)


# --- windows ----------------------------------------------------------------------------------------------------

_UP_TO_HERE = "up to and including each row and its ties"
_RANKS: dict[type[exp.Expr], tuple[str, str]] = {
    exp.RowNumber: ("position", ""),
    exp.Rank: ("rank", ", ties sharing a rank with a gap after them"),
    exp.DenseRank: ("rank", ", ties sharing a rank with no gap after them"),
}


def window(parts: Parts, scope: Speaker) -> Phrase:
    function: exp.Expr = parts.take("this")
    parts.take("over")
    partition = parts.take_all("partition_by")
    order, spec = parts.take("order"), parts.take("spec")
    groups = [scope.value(key).inner for key in partition]
    ordering = ordering_text(order, scope)
    if type(function) in _RANKS:
        if spec is not None or any(function.args.values()):
            raise TooComplexError("A rank with a frame")
        return _ranked(function, groups, ordering, scope)
    if isinstance(function, (exp.Lag, exp.Lead)):
        if spec is not None:
            raise TooComplexError("LAG or LEAD with a frame")
        return _neighbour(function, groups, ordering, scope)
    if isinstance(function, (exp.Sum, exp.Count, exp.Avg, exp.Min, exp.Max)):
        return _windowed(scope.value(function), groups, ordering, spec, scope)
    raise TooComplexError(f"Window of {type(function).__name__}")


def _within(groups: Sequence[str]) -> str:
    return f" within each {listed(groups)}" if groups else ""


def _ranked(function: exp.Expr, groups: Sequence[str], ordering: str, scope: Speaker) -> Phrase:
    if not ordering and not isinstance(function, exp.RowNumber):
        raise TooComplexError("A rank without an order")
    scope.said(function)
    noun, note = _RANKS[type(function)]
    by = f" by {ordering}" if ordering else " in no given order"
    return Phrase(f"{noun}{_within(groups)}{by}{note}", "integer", True, False, may_be_null=False)


def _neighbour(function: exp.Expr, groups: Sequence[str], ordering: str, scope: Speaker) -> Phrase:
    parts = Parts(function)
    scope.said(function, only_this=True)
    value, offset, default = scope.value(parts.take("this")), parts.take("offset"), parts.take("default")
    parts.close()
    if not ordering:
        raise TooComplexError("LAG or LEAD without an order")
    steps = literal_text(offset) if offset is not None else "1"
    if steps is None or not steps.isdigit() or steps == "0":
        raise TooComplexError("LAG or LEAD over a computed distance")
    scope.said(offset)
    direction = "before" if isinstance(function, exp.Lag) else "after"
    rows = "one row" if steps == "1" else f"{steps} rows"
    missing = f" ({scope.value(default).the} where there is none)" if default is not None else ""
    text = f"{value.inner} of {rows} {direction}{_within(groups)} by {ordering}{missing}"
    return Phrase(text, value.kind, True, False)


def _windowed(aggregate: Phrase, groups: Sequence[str], ordering: str, spec: exp.Expr | None, scope: Speaker) -> Phrase:
    everything = "all groups" if scope.is_grouped else "all rows"
    if not ordering:
        if spec is not None:
            raise TooComplexError("A frame without an order")
        over = _within(groups) or f" over {everything}"
        return Phrase(f"{aggregate.text}{over}", aggregate.kind, True, False, aggregate.may_be_null)
    # Without a frame SQL takes all rows up to the current one and its ties.
    frame = _frame(spec, scope) if spec is not None else _UP_TO_HERE
    text = f"{aggregate.text}{_within(groups)}, {frame}, by {ordering}"
    return Phrase(f"running {text}", aggregate.kind, True, False, aggregate.may_be_null)


def _frame(spec: exp.Expr, scope: Speaker) -> str:
    parts = Parts(spec)
    scope.said(spec, only_this=True)
    kind = str(parts.take("kind")).upper()
    start, start_side = parts.take("start"), str(parts.take("start_side")).upper()
    end, end_side = parts.take("end"), parts.take("end_side")
    parts.close()
    if (kind, start, start_side, end) == ("RANGE", "UNBOUNDED", "PRECEDING", "CURRENT ROW") and not end_side:
        return _UP_TO_HERE
    if kind != "ROWS" or start_side != "PRECEDING" or end not in (None, "CURRENT ROW") or end_side:
        raise TooComplexError("A frame")
    if start == "UNBOUNDED":
        return "up to and including each row"
    steps = literal_text(start)
    if steps is None:
        raise TooComplexError("A frame of a computed size")
    scope.said(start)
    return f"over each row and the {steps} before it"


def ordering_text(order: exp.Expr | None, scope: Speaker) -> str:
    """An ORDER BY inside a window: ``Total, highest first``; "" without one."""
    if order is None:
        return ""
    parts = Parts(order)
    scope.said(order, only_this=True)
    keys = [order_key(ordered, scope, scope.value(ordered.this)) for ordered in parts.take_all("expressions")]
    parts.close()
    return listed([key.text for key in keys], "then")


AGGREGATE_RULES: dict[type[exp.Expr], Rule] = {
    exp.Count: count,
    exp.Sum: total,
    exp.Avg: average,
    exp.Min: lowest,
    exp.Max: highest,
    exp.Median: _simple("median", "number"),
    exp.Stddev: _simple("standard deviation", "number"),
    exp.StddevSamp: _simple("standard deviation", "number"),
    exp.GroupConcat: joined_texts,
    exp.ArgMax: row_with("highest"),
    exp.ArgMin: row_with("lowest"),
    exp.Filter: filtered,
    exp.Window: window,
}
