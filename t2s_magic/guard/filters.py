"""The single conditions of a statement, each with the one table that it is about."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlglot import exp

from t2s_magic.guard.look_ups import Column, LookUps, column_of, from_table, nearest_to, range_of
from t2s_magic.guard.words_names import Source
from t2s_magic.guard.words_parts import TooComplexError
from t2s_magic.guard.words_scope import Scope, SelectRead

_SPANS = (exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Between)


@dataclass(frozen=True)
class Filter:
    """A condition on one table: "Country is 'Brazil'". ``column`` is the one it compares, where it is one."""

    node: exp.Expr
    text: str
    source: Source
    column: Column | None


@dataclass(frozen=True)
class Counted:
    """A filter with the rows of its table, and how many of them pass it."""

    filter: Filter
    passing: int
    all_rows: int


def terms_of(node: exp.Expr | None) -> list[exp.Expr]:
    """The terms of an AND, brackets taken off."""
    terms: list[exp.Expr] = []
    pending = [node] if node is not None else []
    while pending:
        term = pending.pop()
        if isinstance(term, exp.And):
            pending += [term.expression, term.this]
        elif isinstance(term, exp.Paren):
            pending.append(term.this)
        else:
            terms.append(term)
    return terms


def filters_of(select: SelectRead) -> list[Filter]:
    """Every condition on one table in WHERE and ON, those inside OR and NOT too."""
    joins: Sequence[exp.Expr] = select.node.args.get("joins") or []
    where = select.node.args.get("where")
    conditions = [join.args.get("on") for join in joins] + [where.this if where is not None else None]
    leaves = (leaf for condition in conditions if condition is not None for leaf in _leaves(condition))
    return [found for leaf in leaves if (found := read_filter(leaf, select.scope)) is not None]


def _leaves(node: exp.Expr) -> Iterator[exp.Expr]:
    pending = [node]
    while pending:
        term = pending.pop()
        inside_not = term.this.unnest() if isinstance(term, exp.Not) else None
        if isinstance(term, (exp.And, exp.Or)):
            pending += [term.expression, term.this]
        elif isinstance(term, exp.Paren):
            pending.append(term.this)
        elif isinstance(inside_not, (exp.And, exp.Or)):
            pending.append(inside_not)
        else:
            yield term


def read_filter(node: exp.Expr, scope: Scope) -> Filter | None:
    """A condition that compares columns of one table with literals; None for any other."""
    has_literal = node.find(exp.Literal) is not None
    if node.find(exp.Query, exp.AggFunc, exp.Window) is not None:
        return None
    columns = []
    for inner in node.find_all(exp.Column):
        column = column_of(inner, scope)
        if column is not None:
            columns.append(column)
        elif _is_text(inner, scope):
            has_literal = True
        else:
            return None
    sources = {column.source.alias: column.source for column in columns}
    if len(sources) != 1 or not has_literal:
        return None
    try:
        text = scope.condition(node).text
    except TooComplexError:
        return None
    names = {column.name for column in columns}
    return Filter(node, text, columns[0].source, columns[0] if len(names) == 1 else None)


def _is_text(column: exp.Column, scope: Scope) -> bool:
    """A text in double quotes, which SQLite reads where there is no such column."""
    if scope.dialect != "sqlite" or column.table or not column.this.args.get("quoted"):
        return False
    return scope.locate(column) is None and column.name.casefold() not in scope.aliases


def count_filters(filters: Sequence[Filter], look_ups: LookUps) -> list[Counted]:
    """Count all filters of a table with one statement; those of a table that cannot be looked up are left out."""
    counted: list[Counted] = []
    by_alias: dict[str, list[Filter]] = {}
    for item in filters:
        by_alias.setdefault(item.source.alias, []).append(item)
    for same in by_alias.values():
        table = same[0].source.table
        assert table is not None, "a filter is about a table"
        found = look_ups.counts(from_table(same[0].source, table), [item.node for item in same])
        if found is not None:
            counted += [Counted(item, passing, found[0]) for item, passing in zip(same, found[1:], strict=False)]
    return counted


def what_there_is(item: Filter, look_ups: LookUps) -> str:
    """For a filter that no row passes: the nearest values of its column, or the range that it runs over."""
    if item.column is None:
        return ""
    text = text_sought(item.node)
    is_span = isinstance(item.node, _SPANS) or item.column.kind not in ("text", "")
    if text is None or is_span or _is_number(text):
        return range_of(item.column, look_ups)
    return nearest_to(text, item.column, look_ups)


def text_sought(node: exp.Expr) -> str | None:
    """The text that a column is compared with by =, IN or LIKE; None for other conditions."""
    if isinstance(node, (exp.EQ, exp.Like, exp.ILike)):
        sides = (node.this, node.expression)
    elif isinstance(node, exp.In) and len(node.expressions) == 1:
        sides = (node.this, node.expressions[0])
    else:
        return None
    if not any(isinstance(side, exp.Column) for side in sides):
        return None
    texts = [side.name for side in sides if isinstance(side, exp.Literal) and side.is_string]
    quoted = [side.name for side in sides[1:] if isinstance(side, exp.Column) and side.this.args.get("quoted")]
    return next((text.strip("%") for text in (*texts, *quoted)), None)


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).replace("-", "").isdigit()
