"""FROM, JOIN and the equalities of WHERE that are joins."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from sqlglot import exp

from t2s_magic.builtin import tree
from t2s_magic.builtin.hints import reached
from t2s_magic.builtin.joins import End, Instance
from t2s_magic.builtin.literals import Unreachable
from t2s_magic.builtin.scope import Scope


@dataclass
class Source:
    """What the tables of a SELECT are tied by, and what is left to be filters.

    ``correlations`` pair a column of this SELECT with one of the SELECT around it. ``kept`` is the table whose rows
    LEFT JOIN keeps.
    """

    equalities: list[tuple[End, End]] = field(default_factory=list)
    filters: list[exp.Expr] = field(default_factory=list)
    correlations: list[tuple[tree.Column, tree.Column]] = field(default_factory=list)
    kept: Instance | None = None


def read_source(select: exp.Select, scope: Scope) -> Source:
    """Take all tables of FROM into ``scope`` and sort the conditions of ON and WHERE."""
    source = Source()
    joins = select.args.get("joins") or []
    sides = {join.side for join in joins}
    if sides - {"", "LEFT"} or any(join.method for join in joins):
        raise Unreachable("RIGHT, FULL or NATURAL JOIN")
    if len(sides) > 1:
        raise Unreachable("LEFT JOIN beside JOIN")
    source.kept = scope.instances[0] if "LEFT" in sides else None
    for join in joins:
        if not isinstance(join.this, exp.Table):
            raise Unreachable("a subquery in FROM")
        scope.add(join.this)
    for join in joins:
        _read_using(join, scope, source)
        for condition in _conjuncts(join.args.get("on")):
            _read_on(condition, scope, source)
    where = select.args.get("where")
    for condition in _conjuncts(where.this if where else None):
        if source.kept and _drops_kept(condition, scope, source.kept):
            source.kept = None
        _read_filter(condition, scope, source)
    return source


def _read_on(condition: exp.Expr, scope: Scope, source: Source) -> None:
    if ends := _equality(condition, scope):
        source.equalities.append(ends)
    elif not isinstance(condition, exp.Boolean):
        if source.kept in _instances_of(condition, scope):
            raise Unreachable("LEFT JOIN with a condition on the kept table")
        source.filters.append(condition)


def _instances_of(condition: exp.Expr, scope: Scope) -> set[Instance]:
    columns = (scope.own(column) for column in condition.find_all(exp.Column))
    return {column.instance for column in columns if column}


def _drops_kept(condition: exp.Expr, scope: Scope, kept: Instance) -> bool:
    """Whether a condition of WHERE holds for no row that LEFT JOIN kept without a match, so that it is a plain JOIN."""
    is_null_test = isinstance(condition, exp.Is) and not condition.args.get("negate")
    return bool(_instances_of(condition, scope) - {kept}) and not is_null_test


def _read_using(join: exp.Join, scope: Scope, source: Source) -> None:
    for name in join.args.get("using") or ():
        right = scope.sources[join.alias_or_name.casefold()]
        ends = [
            (instance, position)
            for instance in scope.instances
            if (position := scope.position(instance[0], name.name)) is not None
        ]
        left = next((end for end in ends if end[0] != right), None)
        own = next((end for end in ends if end[0] == right), None)
        if left is None or own is None:
            raise Unreachable("unknown column", name.name)
        source.equalities.append((left, own))


def _read_filter(condition: exp.Expr, scope: Scope, source: Source) -> None:
    ends = _equality(condition, scope)
    if ends and ends[1][0] not in reached(ends[0][0], source.equalities):
        source.equalities.append(ends)
    elif correlation := _correlation(condition, scope):
        source.correlations.append(correlation)
    else:
        source.filters.append(condition)


def _conjuncts(node: exp.Expr | None) -> Iterator[exp.Expr]:
    while isinstance(node, exp.Paren):
        node = node.this
    if isinstance(node, exp.And):
        yield from _conjuncts(node.this)
        yield from _conjuncts(node.expression)
    elif node is not None:
        yield node


def _equality(node: exp.Expr, scope: Scope) -> tuple[End, End] | None:
    """The two ends of ``a.x = b.y`` between two tables of this SELECT."""
    if not isinstance(node, exp.EQ):
        return None
    left, right = (_uncast(side) for side in (node.this, node.expression))
    if not isinstance(left, exp.Column) or not isinstance(right, exp.Column):
        return None
    own_left, own_right = scope.own(left), scope.own(right)
    if own_left is None or own_right is None or own_left.instance == own_right.instance:
        return None
    return (own_left.instance, own_left.column), (own_right.instance, own_right.column)


def _uncast(node: exp.Expr) -> exp.Expr:
    """Without the cast that ``decode`` writes where two keys are of different types."""
    return node.this if isinstance(node, exp.Cast) and isinstance(node.this, exp.Column) else node


def _correlation(node: exp.Expr, scope: Scope) -> tuple[tree.Column, tree.Column] | None:
    if not isinstance(node, exp.EQ) or scope.outer is None:
        return None
    sides = (node.this, node.expression)
    if not all(isinstance(side, exp.Column) for side in sides):
        return None
    for inner, outer in (sides, sides[::-1]):
        own, around = scope.own(inner), scope.of_outer(outer)
        if own and around and not scope.own(outer):
            return own, around
    return None
