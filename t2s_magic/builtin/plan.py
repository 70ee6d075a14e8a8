"""The joins of one SELECT: what its tokens name, joined by the schema and by the hints of the body."""

from __future__ import annotations

from dataclasses import dataclass

from t2s_magic.builtin import tree
from t2s_magic.builtin.joins import Edge, Instance, Join, JoinGraph, NoJoinError


@dataclass(frozen=True)
class JoinPlan:
    """FROM begins at ``root``; each join of ``joins`` adds ties. ``instances`` are all tables read, root first."""

    root: Instance
    joins: tuple[Join, ...]

    @property
    def instances(self) -> tuple[Instance, ...]:
        ends = (end for join in self.joins for end in (join.child, join.parent))
        return tuple(dict.fromkeys((self.root, *ends)))


def named_instances(body: tree.Body, *, outer: tuple[Instance, ...] = ()) -> tuple[Instance, ...]:
    """Tables that the tokens of ``body`` name outside its subqueries, in order. ``on`` may also name outer ones."""
    found: dict[Instance, None] = {}
    parts = (*body.items, body.where, *body.group, body.having, *body.per, *body.order, *body.same)
    for part in parts:
        for node in tree.walk(part) if part is not None else ():
            if isinstance(node, tree.Column):
                found[node.instance] = None
            elif isinstance(node, tree.AllOf):
                found[(node.table, False)] = None
    if body.keep_all is not None:
        found[(body.keep_all, False)] = None
    found |= dict.fromkeys((table, False) for table in body.tables)
    for pair in body.on:
        found |= dict.fromkeys(column.instance for column in pair if column.instance not in outer)
    return tuple(found)


def plan_joins(body: tree.Body, graph: JoinGraph, *, outer: tuple[Instance, ...] = ()) -> JoinPlan | None:
    """How to join the tables of ``body``; None where it names none. Raises NoJoinError."""
    named = named_instances(body, outer=outer)
    if not named:
        return None
    given = [_via(graph, column, named) for column in body.via]
    given += [_on(pair) for pair in body.on if all(column.instance in named for column in pair)]
    root = (body.keep_all, False) if body.keep_all is not None else named[0]
    return JoinPlan(root, tuple(graph.tree([root, *named], given)))


def _via(graph: JoinGraph, column: tree.Column, named: tuple[Instance, ...]) -> Join:
    edge = graph.leaving(column.table, column.column, [table for table, _ in named])
    if edge is None:
        table = graph.schema.tables[column.table]
        raise NoJoinError(f"{table.name}.{table.columns[column.column].name} leads to no other table.")
    is_other = column.is_other or edge.table == edge.to_table
    return Join(edge, (edge.table, False), (edge.to_table, is_other))


def _on(pair: tuple[tree.Column, tree.Column]) -> Join:
    left, right = pair
    if left.instance == right.instance:
        raise NoJoinError("Two columns of one table do not join it to another.")
    edge = Edge(left.table, (left.column,), right.table, (right.column,))
    return Join(edge, left.instance, right.instance)


def exists_link(plan: JoinPlan, outer: tuple[Instance, ...], graph: JoinGraph) -> list[tuple[tree.Column, tree.Column]]:
    """What ties an EXISTS subquery to the SELECT around it: (inner, outer) columns of the surest join between them."""
    links = [
        (edge, inner, around)
        for inner in plan.instances
        for around in outer
        if inner[0] != around[0] and (edge := graph.between(inner[0], around[0]))
    ]
    if not links:
        return []
    edge, inner, around = min(links, key=lambda link: link[0].weight)
    inner_columns, outer_columns = edge.columns, edge.to_columns
    if edge.table != inner[0]:
        inner_columns, outer_columns = outer_columns, inner_columns
    return [
        (tree.Column(inner[0], column, inner[1]), tree.Column(around[0], further, around[1]))
        for column, further in zip(inner_columns, outer_columns, strict=True)
    ]


def has_aggregate(node: tree.Node) -> bool:
    """Whether ``node`` aggregates outside its subqueries."""
    return any(
        isinstance(part, tree.Only | tree.PercentIf) or (isinstance(part, tree.Call) and part.name in tree.AGGREGATES)
        for part in tree.walk(node)
    )


def plain_items(body: tree.Body) -> tuple[tree.Expression, ...]:
    """The items that a row gives without aggregating: the keys of an implied GROUP BY."""
    return tuple(item for item in body.items if not has_aggregate(item) and not _is_window(item))


def _is_window(item: tree.Expression) -> bool:
    return any(isinstance(part, tree.Call) and part.name in tree.WINDOWS for part in tree.walk(item))
