"""The least hints (``from``, ``via``, ``on``, the table of ``count``) that rebuild the joins of a given statement."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, TypeVar

from t2s_magic.builtin import tree
from t2s_magic.builtin.joins import End, Instance, Join, JoinGraph, NoJoinError
from t2s_magic.builtin.literals import Unreachable
from t2s_magic.builtin.plan import named_instances, plan_joins

COUNTED = tree.AllOf(-1)
"""Stands for the table of COUNT(*) until it is known which one says the joins best."""

Hint = TypeVar("Hint")


@dataclass(frozen=True)
class Joined:
    """What a statement joins: its tables, in order, and the equalities between their columns."""

    instances: tuple[Instance, ...]
    equalities: tuple[tuple[End, End], ...]


def add_hints(body: tree.Body, joined: Joined, graph: JoinGraph, *, outer: tuple[Instance, ...] = ()) -> tree.Body:
    """``body`` with COUNTED replaced and the hints added that make ``plan_joins`` give ``joined``.

    Raises Unreachable where no hints do.
    """
    options = [
        hinted
        for counted in _counted_options(body, joined, graph)
        if (hinted := _hinted(body if counted is None else substitute(body, COUNTED, counted), joined, graph, outer))
    ]
    if not options:
        raise Unreachable("joins that no hints give")
    return min(options, key=_hint_count)


def substitute(node: Any, old: tree.Expression, new: tree.Expression) -> Any:
    """The tree with ``old`` replaced by ``new`` outside of subqueries."""
    if node == old:
        return new
    if isinstance(node, tuple):
        return tuple(substitute(part, old, new) for part in node)
    if not isinstance(node, tree.Node) or isinstance(node, tree.Subquery | tree.Exists):
        return node
    changed = {field.name: substitute(getattr(node, field.name), old, new) for field in fields(node)}
    return type(node)(**changed)


def _counted_options(body: tree.Body, joined: Joined, graph: JoinGraph) -> list[tree.AllOf | None]:
    """Tables that COUNT(*) may name: first those named by nothing else, among them those that refer to others."""
    if all(node != COUNTED for node in tree.walk(body)):
        return [None]
    others = set(named_instances(substitute(body, COUNTED, tree.AllOf(-2))))
    referred = {
        parent[0] for ends in joined.equalities for child, parent in (ends, ends[::-1]) if _refers(child, parent, graph)
    }
    first_copies = [instance for instance in joined.instances if not instance[1]]
    ranked = sorted(first_copies, key=lambda instance: (instance in others, instance in referred))
    return [tree.AllOf(table) for table, _ in ranked]


def _refers(child: End, parent: End, graph: JoinGraph) -> bool:
    edge = graph.leaving(child[0][0], child[1], [parent[0][0]])
    return edge is not None and (edge.to_table, edge.to_columns[0]) == (parent[0][0], parent[1])


def _hint_count(body: tree.Body) -> int:
    return len(body.tables) + len(body.via) + 2 * len(body.on)


def _hinted(body: tree.Body, joined: Joined, graph: JoinGraph, outer: tuple[Instance, ...]) -> tree.Body | None:
    if _gives(body, joined, graph, outer):
        return body
    missing = [instance for instance in joined.instances if instance not in named_instances(body, outer=outer)]
    tables = tuple(sorted(table for table, is_other in missing if not is_other))
    for count in range(1, len(tables) + 1):
        with_tables = replace(body, tables=tables[:count])
        if _gives(with_tables, joined, graph, outer):
            return _pruned(with_tables, joined, graph, outer)
    for full in _fully_hinted(replace(body, tables=tables), joined, graph):
        if _gives(full, joined, graph, outer):
            return _pruned(full, joined, graph, outer)
    return None


def _fully_hinted(body: tree.Body, joined: Joined, graph: JoinGraph) -> Iterator[tree.Body]:
    """Every equality of the statement as a hint: foreign keys by ``via``, or else all by ``on``."""
    via, on = list(body.via), list(body.on)
    for left, right in joined.equalities:
        for child, parent in ((left, right), (right, left)):
            (table, is_second), column = child
            edge = graph.leaving(table, column, [instance[0] for instance in joined.instances])
            if edge and not is_second and (edge.to_table, edge.to_columns[0]) == (parent[0][0], parent[1]):
                via.append(tree.Column(table, column, parent[0][1]))
                break
        else:
            on.append((_column(left), _column(right)))
    yield replace(body, via=tuple(sorted(dict.fromkeys(via), key=_place)), on=tuple(dict.fromkeys(on)))
    yield replace(body, on=(*body.on, *((_column(left), _column(right)) for left, right in joined.equalities)))


def _place(column: tree.Column) -> tuple[int, int, bool]:
    return (column.table, column.column, column.is_other)


def _column(end: End) -> tree.Column:
    (table, is_other), column = end
    return tree.Column(table, column, is_other)


def _pruned(body: tree.Body, joined: Joined, graph: JoinGraph, outer: tuple[Instance, ...]) -> tree.Body:
    """Without the hints that are not needed: the longest kinds go first."""
    for pair in body.on:
        body = _first_that_gives((replace(body, on=_but(body.on, pair)), body), joined, graph, outer)
    for column in body.via:
        body = _first_that_gives((replace(body, via=_but(body.via, column)), body), joined, graph, outer)
    for table in body.tables:
        body = _first_that_gives((replace(body, tables=_but(body.tables, table)), body), joined, graph, outer)
    return body


def _first_that_gives(
    bodies: tuple[tree.Body, tree.Body], joined: Joined, graph: JoinGraph, outer: tuple[Instance, ...]
) -> tree.Body:
    fewer, given = bodies
    return fewer if _gives(fewer, joined, graph, outer) else given


def _but(hints: tuple[Hint, ...], dropped: Hint) -> tuple[Hint, ...]:
    return tuple(hint for hint in hints if hint != dropped)


def _gives(body: tree.Body, joined: Joined, graph: JoinGraph, outer: tuple[Instance, ...]) -> bool:
    try:
        plan = plan_joins(body, graph, outer=outer)
    except NoJoinError:
        return False
    if plan is None or set(plan.instances) != set(joined.instances):
        return False
    return _classes(_join_ends(plan.joins)) == _classes(joined.equalities)


def _join_ends(joins: Sequence[Join]) -> list[tuple[End, End]]:
    return [pair for join in joins for pair in join.pairs()]


def _classes(equalities: Sequence[tuple[End, End]]) -> set[frozenset[End]]:
    """Columns that are equal to one another, directly or through others."""
    groups: dict[End, set[End]] = {}
    for left, right in equalities:
        merged = groups.get(left, {left}) | groups.get(right, {right})
        for end in merged:
            groups[end] = merged
    return {frozenset(group) for group in groups.values()}


def reached(start: Instance, equalities: Sequence[tuple[End, End]]) -> set[Instance]:
    """The tables that equalities tie to ``start``, itself included."""
    found = {start}
    while True:
        more = {
            far[0] for left, right in equalities for near, far in ((left, right), (right, left)) if near[0] in found
        }
        if more <= found:
            return found
        found |= more
