"""Which columns join the tables of a schema, and the smallest tree of joins that connects given tables."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from t2s_magic.builtin.tokens import ColumnRef
from t2s_magic.builtin.words import split_name
from t2s_magic.schema import Schema, Table

Instance = tuple[int, bool]
"""A table by its position in the schema, and whether it is the second copy of it."""

End = tuple[Instance, int]
"""A column of an instance, by its position."""

Disjoint = Callable[[ColumnRef, ColumnRef], bool]
"""Whether two columns are known to share no value, so that joining them would give nothing."""

# A declared key goes before any guess; a guess by plain name only connects what nothing else connects.
DECLARED, NAMED_AFTER_TABLE, SAME_KEY, NAMED_WITH_ROLE, SAME_KEY_LIKE = 1.0, 1.3, 1.4, 1.6, 3.0
SAME_NAME, SAME_NAME_OF_A_NAME = 7.0, 9.0
_SECOND_COPY_CROSSING = 0.5
_SHORTEST_TABLE_NAME = 4
_MOST_PER_NAME = 64
_MOST_STEPS = 8
_MOST_VISITED = 20_000
_KEY_ENDINGS = ("id", "code", "key", "no", "num", "number", "uuid", "guid", "sku", "isbn")
_PLAIN_NAMES = frozenset(
    "id key code name title type status description date year month day time created_at updated_at created updated "
    "comment comments note notes value amount price quantity total count first_name last_name email phone address "
    "last_update is_active active url rank position details other_details".split()
)


@dataclass(frozen=True)
class Edge:
    """``columns`` of ``table`` (the referring side) equal ``to_columns`` of ``to_table``."""

    table: int
    columns: tuple[int, ...]
    to_table: int
    to_columns: tuple[int, ...]
    weight: float = DECLARED


@dataclass(frozen=True)
class Join:
    """An edge between two instances of tables."""

    edge: Edge
    child: Instance
    parent: Instance

    def pairs(self) -> Iterator[tuple[End, End]]:
        for column, to_column in zip(self.edge.columns, self.edge.to_columns, strict=True):
            yield (self.child, column), (self.parent, to_column)


class NoJoinError(ValueError):
    """Nothing in the schema joins two tables."""


class JoinGraph:
    """All joins that a schema declares or suggests. Build it once for a schema; it never changes."""

    def __init__(self, schema: Schema, *, are_disjoint: Disjoint | None = None) -> None:
        self.schema = schema
        self._are_disjoint = are_disjoint
        self._known_disjoint: dict[Edge, bool] = {}
        self.edges: dict[int, list[Edge]] = defaultdict(list)
        seen: set[frozenset[tuple[int, int]]] = set()
        for edge in (*_declared(schema), *_named_after_table(schema), *_same_names(schema)):
            ends = frozenset(
                end
                for column, to_column in zip(edge.columns, edge.to_columns, strict=True)
                for end in ((edge.table, column), (edge.to_table, to_column))
            )
            if ends in seen:
                continue
            seen.add(ends)
            self.edges[edge.table].append(edge)
            if edge.to_table != edge.table:
                self.edges[edge.to_table].append(edge)

    def is_usable(self, edge: Edge) -> bool:
        """A declared key always; a guess only where its columns are not known to share no value."""
        if edge.weight == DECLARED or self._are_disjoint is None:
            return True
        if edge not in self._known_disjoint:
            self._known_disjoint[edge] = self._are_disjoint(
                ColumnRef(edge.table, edge.columns[0]), ColumnRef(edge.to_table, edge.to_columns[0])
            )
        return not self._known_disjoint[edge]

    def leaving(self, table: int, column: int, wanted: Sequence[int] = ()) -> Edge | None:
        """The edge by which ``column`` refers to another table: to a wanted one first, then the surest."""
        found = [edge for edge in self.edges[table] if edge.table == table and column in edge.columns]
        return min(found, key=lambda edge: (edge.to_table not in wanted, edge.weight), default=None)

    def between(self, table: int, other: int) -> Edge | None:
        """The surest edge between two tables that are neighbours."""
        found = [
            edge for edge in self.edges[table] if {edge.table, edge.to_table} == {table, other} and self.is_usable(edge)
        ]
        return min(found, key=lambda edge: edge.weight, default=None)

    def tree(self, instances: Sequence[Instance], given: Sequence[Join] = ()) -> list[Join]:
        """Joins that connect all ``instances`` (and those of ``given``, which are kept), as few and as sure as can be.

        The first instance is where the tree grows from; each further one is tied by its shortest path, nearest first.
        Raises NoJoinError.
        """
        joins = list(given)
        wanted = list(dict.fromkeys((*instances, *(end for join in given for end in (join.child, join.parent)))))
        connected = _connected(wanted[0], joins)
        while missing := [instance for instance in wanted if instance not in connected]:
            joins += self._shortest_path(connected, missing, joins)
            connected = _connected(wanted[0], joins)
        return joins

    def _shortest_path(self, connected: set[Instance], missing: list[Instance], joins: list[Join]) -> list[Join]:
        taken = {(join.child, join.edge) for join in joins}
        goals = set(missing)
        second_copies = {instance for instance in (*connected, *missing) if instance[1]}
        queue: list[tuple[float, int, Instance, tuple[Join, ...]]] = [
            (0.0, number, instance, ()) for number, instance in enumerate(sorted(connected))
        ]
        order = len(queue)
        done: set[Instance] = set()
        heapq.heapify(queue)
        while queue and order < _MOST_VISITED:
            distance, _, instance, path = heapq.heappop(queue)
            if instance in done:
                continue
            if instance in goals:
                return list(path)
            done.add(instance)
            if len(path) == _MOST_STEPS:
                continue
            for join, further in self._steps(instance, second_copies, taken):
                if further in done or further in connected:
                    continue
                crossing = _SECOND_COPY_CROSSING if join.child[1] != join.parent[1] else 0.0
                heapq.heappush(queue, (distance + join.edge.weight + crossing, order, further, (*path, join)))
                order += 1
        raise self._no_join(connected, missing)

    def _steps(
        self, instance: Instance, second_copies: set[Instance], taken: set[tuple[Instance, Edge]]
    ) -> Iterator[tuple[Join, Instance]]:
        """Joins from ``instance`` to neighbours. A child refers by one edge to one parent only, hence ``taken``."""
        for edge in self.edges[instance[0]]:
            if not self.is_usable(edge):
                continue
            for is_child in (True, False):
                near, far = (edge.table, edge.to_table) if is_child else (edge.to_table, edge.table)
                if near != instance[0]:
                    continue
                for further in ((far, False), (far, True)):
                    if further == instance or (further[1] and further not in second_copies):
                        continue
                    join = Join(edge, instance, further) if is_child else Join(edge, further, instance)
                    if (join.child, edge) not in taken:
                        yield join, further

    def _no_join(self, connected: Iterable[Instance], missing: Iterable[Instance]) -> NoJoinError:
        names = [
            ", ".join(self.schema.tables[table].name for table, _ in sorted(group)) for group in (connected, missing)
        ]
        return NoJoinError(f"Nothing in the schema joins {names[0]} to {names[1]}.")


def _connected(start: Instance, joins: Iterable[Join]) -> set[Instance]:
    neighbours: dict[Instance, list[Instance]] = defaultdict(list)
    for join in joins:
        neighbours[join.child].append(join.parent)
        neighbours[join.parent].append(join.child)
    found, open_ends = {start}, [start]
    while open_ends:
        for further in neighbours[open_ends.pop()]:
            if further not in found:
                found.add(further)
                open_ends.append(further)
    return found


def _position(table: Table, name: str) -> int | None:
    column = table.column(name)
    return None if column is None else table.columns.index(column)


def _declared(schema: Schema) -> Iterator[Edge]:
    positions = {id(table): number for number, table in enumerate(schema.tables)}
    by_name: dict[str, list[Table]] = defaultdict(list)
    for table in schema.tables:
        by_name[table.name.casefold()].append(table)
    for number, table in enumerate(schema.tables):
        for key in table.foreign_keys:
            same_name = by_name[key.to_table.casefold()]
            in_path = (other for other in same_name if other.path == (key.to_path or table.path))
            target = next(in_path, next(iter(same_name), None))
            if target is None:
                continue
            columns = [_position(table, name) for name in key.columns]
            to_columns = [_position(target, name) for name in key.to_columns or target.primary_key]
            if len(columns) == len(to_columns) and None not in columns and None not in to_columns:
                yield Edge(
                    number,
                    tuple(column for column in columns if column is not None),
                    positions[id(target)],
                    tuple(column for column in to_columns if column is not None),
                )


def singular(name: str) -> str:
    """A table's name in the singular, folded and without underscores, for comparing names alone."""
    plain = name.casefold().replace("_", "").replace(" ", "")
    if plain.endswith("ies"):
        return plain[:-3] + "y"
    if plain.endswith(("sses", "xes", "ches", "shes")):
        return plain[:-2]
    return plain[:-1] if plain.endswith("s") and not plain.endswith("ss") else plain


def without_key_ending(column: str) -> str:
    """``billing_customer_id`` -> ``billing_customer``; the whole name where it has no key ending."""
    parts = split_name(column)
    is_key = len(parts) > 1 and parts[-1] in _KEY_ENDINGS
    return "_".join(parts[:-1] if is_key else parts)


def _stem(column: str) -> str:
    """``customer_id`` -> ``customer``, ``billingCustomerID`` -> ``billingcustomer``, ``custid`` -> ``cust``."""
    plain = column.casefold().replace("_", "").replace(" ", "")
    for ending in _KEY_ENDINGS:
        if plain.endswith(ending) and len(plain) > len(ending):
            return plain[: -len(ending)]
    return plain


def _named_after_table(schema: Schema) -> Iterator[Edge]:
    """``orders.customer_id``, ``.customer`` or ``.billing_customer_id`` refers to the key of ``customers``."""
    by_singular: dict[str, list[int]] = defaultdict(list)
    for number, table in enumerate(schema.tables):
        if len(table.primary_key) <= 1:
            by_singular[singular(table.name)].append(number)
    for number, table in enumerate(schema.tables):
        for position, column in enumerate(table.columns):
            stem = singular(_stem(column.name))
            roles = _endings(stem) if stem != singular(column.name) else ()
            for name, weight in ((stem, NAMED_AFTER_TABLE), *((ending, NAMED_WITH_ROLE) for ending in roles)):
                for target in by_singular.get(name, ())[:2]:
                    key = _key_position(schema.tables[target])
                    if key is not None and (target, key) != (number, position):
                        yield Edge(number, (position,), target, (key,), weight)


def _endings(stem: str) -> Iterator[str]:
    """``startstation`` ends in ``station``: a role before the name of a table."""
    for start in range(1, len(stem) - _SHORTEST_TABLE_NAME + 1):
        yield stem[start:]


def _key_position(table: Table) -> int | None:
    if table.primary_key:
        return _position(table, table.primary_key[0])
    return _position(table, "id")


def _same_names(schema: Schema) -> Iterator[Edge]:
    """Columns of one name in two tables, where the name says more than "id" or "date"."""
    holders: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for number, table in enumerate(schema.tables):
        for position, column in enumerate(table.columns):
            if column.name.casefold() not in _PLAIN_NAMES:
                holders[column.name.casefold()].append((number, position))
    for name, ends in holders.items():
        yield from islice(_edges_of_name(schema, name, ends), _MOST_PER_NAME)


def _edges_of_name(schema: Schema, name: str, ends: list[tuple[int, int]]) -> Iterator[Edge]:
    keys = [end for end in ends if _is_sole_key(schema.tables[end[0]], name)]
    for target, to_column in keys:
        for number, column in ends:
            if number != target:
                yield Edge(number, (column,), target, (to_column,), SAME_KEY)
    weight = SAME_KEY_LIKE if name.endswith(_KEY_ENDINGS) else SAME_NAME
    if name.endswith("name"):
        weight = SAME_NAME_OF_A_NAME
    for index, (number, column) in enumerate(ends):
        for target, to_column in ends[index + 1 :]:
            if number != target:
                yield Edge(number, (column,), target, (to_column,), weight)


def _is_sole_key(table: Table, name: str) -> bool:
    return len(table.primary_key) == 1 and table.primary_key[0].casefold() == name
