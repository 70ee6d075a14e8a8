"""Token sequences to SQL text. No parser is needed here, so that answering a question stays quick."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from functools import partial

from t2s_magic.builtin import names, tree
from t2s_magic.builtin.decode_conditions import ConditionWriter
from t2s_magic.builtin.dialects import UNKNOWN, Dialect
from t2s_magic.builtin.frames import Frame, UndecodableError, labels_for
from t2s_magic.builtin.groups import Determination
from t2s_magic.builtin.item_names import item_names
from t2s_magic.builtin.joins import Instance, Join, JoinGraph
from t2s_magic.builtin.plan import JoinPlan, exists_link, has_aggregate, plain_items, plan_joins
from t2s_magic.builtin.tokens import Candidate, Token
from t2s_magic.schema import Schema

_ONE_LINE = 78
_LONG_LINE = 110
_INDENT = "  "
_SET_WORDS = {"union": "UNION", "union_all": "UNION ALL", "intersect": "INTERSECT", "except": "EXCEPT"}
_POSITION = "position_in_group"


def decode(
    tokens: Sequence[Token],
    schema: Schema,
    candidates: Sequence[Candidate],
    dialect: str = "sqlite",
    *,
    graph: JoinGraph | None = None,
) -> str:
    """The SQL that ``tokens`` say, for ``dialect``: sqlite, duckdb, postgres or mysql.

    ``graph`` is the schema's JoinGraph: pass it where many sequences are decoded. Raises UndecodableError where the
    sequence breaks the grammar, names what is not there, or where nothing joins its tables.
    """
    try:
        query = tree.read(tokens)
        return _QueryWriter(candidates, Dialect(dialect), graph or JoinGraph(schema)).statement(query)
    except UndecodableError:
        raise
    except ValueError as error:
        raise UndecodableError(str(error)) from error


class _QueryWriter(ConditionWriter):
    """Whole SELECTs; expressions and conditions are in the base."""

    def statement(self, query: tree.Query) -> str:
        return "\n".join(self._lines(query, None, is_named=True))

    def subquery(self, query: tree.Query, frame: Frame) -> str:
        return _enclosed(self._lines(query, frame))

    def exists(self, query: tree.Query, frame: Frame) -> str:
        body = query.bodies[0]
        if len(query.bodies) > 1:
            raise UndecodableError("EXISTS has a set operation.")
        inner = self._frame(body, frame, is_exists=True)
        assert inner.plan is not None
        conditions = self._correlations(inner, frame, is_exists=True)
        lines = ["SELECT 1", *self._from(inner), *self._where(inner, conditions)]
        if body.group or body.having:
            lines += [*self._group(inner), *self._having(inner)]
        return _enclosed(lines)

    def over_subquery(self, call: tree.Call, query: tree.Query, frame: Frame) -> str:
        return _enclosed(self._over_subquery(call, query, frame))

    def _over_subquery(self, call: tree.Call, query: tree.Query, outer: Frame | None) -> list[str]:
        lines = self._lines(query, outer, is_named=True)
        first = query.bodies[0]
        function = "COUNT(*)"
        if call.name != "count":
            inner = self._frame(first, outer)
            name = self._output_names(first, inner)[0]
            if name is None:
                raise UndecodableError("An aggregate over all columns of a subquery.")
            function = f"{call.name.upper()}({names.quote(name, self.dialect.name)})"
        return [f"SELECT {function}", "FROM (", *_indented(lines), ") AS parts"]

    def _lines(self, query: tree.Query, outer: Frame | None, *, is_named: bool = False) -> list[str]:
        if len(query.bodies) == 1:
            return self._body_lines(query.bodies[0], outer, is_named=is_named)
        return self._compound_lines(query, outer, is_named=is_named)

    def _compound_lines(self, query: tree.Query, outer: Frame | None, *, is_named: bool) -> list[str]:
        if self.dialect.is_strict:
            query = self._with_like_columns(query, outer)
        first, last = query.bodies[0], query.bodies[-1]
        if len({self._width(body) for body in query.bodies}) > 1:
            raise UndecodableError("The parts of a set operation have different numbers of columns.")
        has_own_orders = any(body.order or body.limit for body in query.bodies[:-1])
        lines: list[str] = []
        for number, body in enumerate(query.bodies):
            if number:
                lines.append(_SET_WORDS[query.operators[number - 1]])
            is_last = body is last and number == len(query.bodies) - 1
            if is_last and not has_own_orders and not body.per:
                body = replace(body, order=(), limit=None, offset=None)
            part = self._body_lines(body, outer, is_named=is_named and not number)
            lines += self._separate(part) if body.order or body.limit else part
        if not has_own_orders and not last.per:
            lines += self._whole_order(first, last, outer, is_named=is_named)
        return lines

    def _with_like_columns(self, query: tree.Query, outer: Frame | None) -> tree.Query:
        """The columns of a set operation cast to text where a strict engine would not put them under one another."""
        kinds = [[self.kind(item, self._frame(body, outer)) for item in body.items] for body in query.bodies]
        unlike = {place for place, found in enumerate(zip(*kinds, strict=False)) if len({*found} - {UNKNOWN}) > 1}
        return replace(query, bodies=tuple(_as_text(body, unlike) for body in query.bodies)) if unlike else query

    def _width(self, body: tree.Body) -> int:
        tables = self.graph.schema.tables
        return sum(len(tables[item.table].columns) if isinstance(item, tree.AllOf) else 1 for item in body.items)

    def _separate(self, lines: list[str]) -> list[str]:
        """A part of a set operation with an order of its own: SQLite takes no parentheses there."""
        if self.dialect.name == "sqlite":
            return ["SELECT *", "FROM (", *_indented(lines), ")"]
        return ["(", *_indented(lines), ")"]

    def _whole_order(self, first: tree.Body, last: tree.Body, outer: Frame | None, *, is_named: bool) -> list[str]:
        if not last.order:
            return self._limit(last)
        output = self._output_names(first, self._frame(first, outer), is_named=is_named)
        keys = []
        for order in last.order:
            if order.key not in last.items:
                raise UndecodableError("A set operation is ordered by something that is no item of it.")
            position = last.items.index(order.key)
            name = output[position] if position < len(output) else None
            key = names.quote(name, self.dialect.name) if name else str(position + 1)
            keys.append(f"{key} DESC" if order.is_descending else key)
        return [f"ORDER BY {', '.join(keys)}", *self._limit(last)]

    def _output_names(self, body: tree.Body, frame: Frame, *, is_named: bool = True) -> list[str | None]:
        aliases = item_names(body.items, frame, self.candidates) if is_named else [None] * len(body.items)
        return [
            frame.column(item).name if isinstance(item, tree.Column) else alias
            for item, alias in zip(body.items, aliases, strict=True)
        ]

    def _body_lines(self, body: tree.Body, outer: Frame | None, *, is_named: bool = False) -> list[str]:
        match body.items:
            case (tree.Call(name, (tree.Subquery(query),)) as call,) if name in tree.AGGREGATES:
                if plan_joins(body, self.graph) is None:
                    return self._over_subquery(call, query, outer)
        frame = self._frame(body, outer)
        if body.per:
            return self._numbered(frame)
        body = frame.body
        aliases = item_names(body.items, frame, self.candidates) if is_named else [None] * len(body.items)
        select = "SELECT DISTINCT " if body.is_distinct and not self._orders_outside(body) else "SELECT "
        return [
            select + self._items(body.items, aliases, frame),
            *self._from(frame),
            *self._where(frame, self._correlations(frame, outer)),
            *self._group(frame),
            *self._having(frame),
            *self._order(body, aliases, frame),
            *self._limit(body),
        ]

    def _frame(self, body: tree.Body, outer: Frame | None, *, is_exists: bool = False) -> Frame:
        around = _instances_around(outer)
        plan = plan_joins(body, self.graph, outer=around)
        is_correlated = bool(body.same or is_exists or any(self._is_correlation(pair, plan) for pair in body.on))
        taken = frozenset(label.casefold() for label in _labels_around(outer)) if is_correlated else frozenset()
        instances = plan.instances if plan else ()
        schema = self.graph.schema
        labels = labels_for(plan, schema, taken, self.dialect.name)
        is_qualified = is_correlated or len(instances) > 1
        return Frame(schema, self.dialect.name, body, plan, labels, is_qualified, outer)

    @staticmethod
    def _is_correlation(pair: tuple[tree.Column, tree.Column], plan: JoinPlan | None) -> bool:
        return plan is not None and any(column.instance not in plan.instances for column in pair)

    def _items(self, items: Sequence[tree.Expression], aliases: Sequence[str | None], frame: Frame) -> str:
        written = [
            self.expression(item, frame) + (f" AS {alias}" if alias else "")
            for item, alias in zip(items, aliases, strict=True)
        ]
        line = ", ".join(written)
        return line if len(line) + len("SELECT ") <= _LONG_LINE else (",\n" + _INDENT).join(written)

    def _from(self, frame: Frame) -> list[str]:
        plan = frame.plan
        if plan is None:
            raise UndecodableError("The sequence names no table.")
        lines = [f"FROM {self._source(plan.root, frame)}"]
        word = "LEFT JOIN" if frame.body.keep_all is not None else "JOIN"
        for instance, ties in _in_order(plan):
            conditions = [self._tie(ends, frame) for join in ties for ends in join.pairs()]
            conditions += self._optional(instance, frame)
            lines.append(f"{word} {self._source(instance, frame)} ON {' AND '.join(dict.fromkeys(conditions))}")
        return lines

    def _source(self, instance: Instance, frame: Frame) -> str:
        written, label = self.table_name(instance[0], frame), frame.label(instance)
        is_own_name = frame.labels[instance] == frame.table(instance[0]).name
        return written if is_own_name or not frame.is_qualified else f"{written} AS {label}"

    def _tie(self, ends: tuple[tuple[Instance, int], tuple[Instance, int]], frame: Frame) -> str:
        columns = [tree.Column(table, column, is_other) for (table, is_other), column in ends]
        written = [frame.write_column(column) for column in columns]
        kinds = {frame.kind(column) for column in columns} - {UNKNOWN}
        if self.dialect.is_strict and len(kinds) > 1:
            written = [self.dialect.as_text(one) for one in written]
        return " = ".join(written)

    def _optional(self, instance: Instance, frame: Frame) -> list[str]:
        """Conditions on a table whose match may be missing: in WHERE they would drop the rows that are kept."""
        return [self.condition(part, frame) for part in _optional_parts(frame.body) if _instance_of(part) == instance]

    def _correlations(self, frame: Frame, outer: Frame | None, *, is_exists: bool = False) -> list[str]:
        """What ties a subquery to the SELECT around it."""
        body, plan = frame.body, frame.plan
        conditions = []
        for column in body.same:
            around = frame.around(column.table)
            if around is None:
                raise UndecodableError(f"No SELECT around reads {frame.table(column.table).name}.")
            conditions.append(f"{frame.write_column(column)} = {_outer_column(column, *around)}")
        for pair in body.on:
            if self._is_correlation(pair, plan):
                inner, further = pair if frame.plan and pair[0].instance in frame.plan.instances else pair[::-1]
                around = frame.around(further.table)
                if around is None:
                    raise UndecodableError(f"No SELECT around reads {frame.table(further.table).name}.")
                conditions.append(f"{frame.write_column(inner)} = {_outer_column(further, *around)}")
        if is_exists and not conditions and outer is not None and plan is not None:
            conditions += self._link(plan, frame, outer)
        return conditions

    def _link(self, plan: JoinPlan, frame: Frame, outer: Frame) -> list[str]:
        links = exists_link(plan, tuple(outer.labels), self.graph)
        if not links:
            raise UndecodableError("Nothing joins the tables of EXISTS to the tables around it.")
        return [
            f"{frame.write_column(inner)} = {_outer_column(around, outer, around.instance)}" for inner, around in links
        ]

    def _where(self, frame: Frame, correlations: Sequence[str]) -> list[str]:
        where = frame.body.where
        if where is not None:
            where = _without(where, _optional_parts(frame.body))
        written = self.conditions(where, frame) if where else ""
        if where and correlations and "or" in where.joiners:
            written = f"({written})"
        parts = [*correlations, *([written] if written else [])]
        if not parts:
            return []
        line = "WHERE " + " AND ".join(parts)
        return (
            [line]
            if len(line) <= _ONE_LINE or "or" in (where.joiners if where else ())
            else self._wrapped(where, correlations, frame)
        )

    def _wrapped(self, where: tree.Conditions | None, correlations: Sequence[str], frame: Frame) -> list[str]:
        parts = [*correlations, *(self.condition(part, frame) for part in (where.parts if where else ()))]
        return [f"WHERE {parts[0]}", *(f"{_INDENT}AND {part}" for part in parts[1:])]

    def _group(self, frame: Frame) -> list[str]:
        keys = self._group_keys(frame)
        return [f"GROUP BY {', '.join(self.expression(key, frame) for key in keys)}"] if keys else []

    def _group_keys(self, frame: Frame) -> list[tree.Expression]:
        """The keys; strict engines need every plain item among them."""
        body = frame.body
        plain = [part for item in plain_items(body) for part in self._columns_of(item, frame)]
        if not body.group:
            aggregated = has_aggregate(body)
            keys = list(dict.fromkeys(plain)) if aggregated or self._orders_outside(body) else []
        else:
            keys = list(body.group)
        if not keys:
            return []
        determined = partial(self._determination(frame).holds, [*keys, *plain])
        ordering = [order.key for order in body.order if not _is_computed(order.key)]
        wanted = [*plain, *filter(determined, ordering)]
        if self._orders_outside(body) and not has_aggregate(body):
            wanted = plain
        if not self.dialect.is_strict:
            return list(self._determination(frame).least(keys))
        return keys + [part for part in dict.fromkeys(wanted) if part not in keys]

    def _determination(self, frame: Frame) -> Determination:
        plan = frame.plan
        is_inner = frame.body.keep_all is None
        pairs = [pair for join in (plan.joins if plan and is_inner else ()) for pair in join.pairs()]
        return Determination(frame.schema, plan.instances if plan else (), pairs)

    def _columns_of(self, item: tree.Expression, frame: Frame) -> list[tree.Expression]:
        """An item as keys of a group: of a bare table its key, or all columns where that is not enough."""
        if not isinstance(item, tree.AllOf):
            return [item]
        table = frame.table(item.table)
        has_key = bool(table.primary_key) and not self.dialect.is_strict
        return [
            tree.Column(item.table, number)
            for number, column in enumerate(table.columns)
            if not has_key or column.name in table.primary_key
        ]

    def _having(self, frame: Frame) -> list[str]:
        having = frame.body.having
        return [f"HAVING {self.conditions(having, frame)}"] if having else []

    def _orders_outside(self, body: tree.Body) -> bool:
        """DISTINCT ordered by what is no item: strict engines refuse it, so it is written as a group."""
        return (
            self.dialect.is_strict
            and body.is_distinct
            and not body.group
            and any(order.key not in body.items for order in body.order)
        )

    def _order(self, body: tree.Body, aliases: Sequence[str | None], frame: Frame) -> list[str]:
        orders = [order for order in body.order if not self._is_moot(order, body)]
        if not orders:
            return []
        groups = self._group_keys(frame) if self.dialect.is_strict else []
        keys = []
        for order in orders:
            alias = aliases[body.items.index(order.key)] if order.key in body.items else None
            key = alias or self.expression(order.key, frame)
            if groups and order.key not in groups and not _is_computed(order.key):
                key = f"{'MAX' if order.is_descending else 'MIN'}({key})"
            keys.append(f"{key} DESC" if order.is_descending else key)
        return [f"ORDER BY {', '.join(keys)}"]

    def _is_moot(self, order: tree.Order, body: tree.Body) -> bool:
        """An order by a plain column of the one row that an aggregate leaves: strict engines refuse it."""
        is_one_row = has_aggregate(body) and not body.group and not plain_items(body)
        return self.dialect.is_strict and is_one_row and not _is_computed(order.key)

    def _limit(self, body: tree.Body) -> list[str]:
        if body.limit is None:
            return []
        line = f"LIMIT {self.digits(body.limit)}"
        return [line if body.offset is None else f"{line} OFFSET {self.digits(body.offset)}"]

    def _numbered(self, frame: Frame) -> list[str]:
        """The first rows of each group: numbered within it, then cut."""
        body = frame.body
        aliases = item_names(body.items, frame, self.candidates)
        output = _distinct(self._output_names(body, frame))
        if any(isinstance(item, tree.AllOf) for item in body.items):
            raise UndecodableError("All columns of a table cannot be numbered within groups.")
        orders = ", ".join(
            self.expression(order.key, frame) + (" DESC" if order.is_descending else "") for order in body.order
        )
        keys = ", ".join(self.expression(key, frame) for key in body.per)
        number = f"ROW_NUMBER() OVER (PARTITION BY {keys} ORDER BY {orders}) AS {_POSITION}"
        named = [alias if alias else (name if name != self._plain_name(item, frame) else None)
                 for item, alias, name in zip(body.items, aliases, output, strict=True)]  # fmt: skip
        assert body.limit is not None
        first = self.digits(body.offset) if body.offset is not None else None
        last = str(int(self.digits(body.limit)) + int(first or 0))
        cut = f"{_POSITION} <= {last}" + (f" AND {_POSITION} > {first}" if first else "")
        inner = [
            f"SELECT {self._items(body.items, named, frame)},",
            f"{_INDENT}{number}",
            *self._from(frame),
            *self._where(frame, self._correlations(frame, frame.outer)),
            *self._group(frame),
            *self._having(frame),
        ]
        shown = [names.quote(name, self.dialect.name) for name in output]
        keyed = [shown[body.items.index(key)] for key in body.per if key in body.items]
        return [
            f"SELECT {', '.join(shown)}",
            "FROM (",
            *_indented(inner),
            ") AS numbered",
            f"WHERE {cut}",
            f"ORDER BY {', '.join([*keyed, _POSITION])}",
        ]

    @staticmethod
    def _plain_name(item: tree.Expression, frame: Frame) -> str | None:
        return frame.column(item).name if isinstance(item, tree.Column) else None


def _as_text(body: tree.Body, places: Collection[int]) -> tree.Body:
    """``body`` with the items at ``places`` cast to text, also where it is ordered by them."""
    items = tuple(tree.Call("as_text", (item,)) if place in places else item for place, item in enumerate(body.items))
    cast = dict(zip(body.items, items, strict=True))
    orders = tuple(replace(order, key=cast.get(order.key, order.key)) for order in body.order)
    return replace(body, items=items, order=orders)


def _in_order(plan: JoinPlan) -> Iterator[tuple[Instance, list[Join]]]:
    """Each further table with the joins that tie it to those before it."""
    placed, left = {plan.root}, list(plan.joins)
    while left:
        join = next(join for join in left if (join.child in placed) != (join.parent in placed))
        instance = join.parent if join.child in placed else join.child
        ties = [
            other
            for other in left
            if instance in (other.child, other.parent) and {other.child, other.parent} <= placed | {instance}
        ]
        placed.add(instance)
        left = [other for other in left if other not in ties]
        yield instance, ties


def _instance_of(part: tree.Node) -> Instance | None:
    """The one table that a condition reads, if it is one."""
    found = {node.instance for node in tree.walk(part) if isinstance(node, tree.Column)}
    return found.pop() if len(found) == 1 else None


def _optional_parts(body: tree.Body) -> list[tree.Test | tree.Exists | tree.Nested]:
    if body.keep_all is None or body.where is None or "or" in body.where.joiners:
        return []
    return [
        part
        for part in body.where.parts
        if isinstance(part, tree.Test)
        and part.operator != "is_null"
        and _instance_of(part) not in (None, (body.keep_all, False))
    ]


def _without(where: tree.Conditions, parts: Sequence[tree.Test | tree.Exists | tree.Nested]) -> tree.Conditions | None:
    kept = tuple(part for part in where.parts if part not in parts)
    if len(kept) == len(where.parts):
        return where
    return tree.Conditions(kept, ("and",) * (len(kept) - 1)) if kept else None


def _is_computed(node: tree.Expression) -> bool:
    return has_aggregate(node) or any(
        isinstance(part, tree.Call) and part.name in tree.WINDOWS for part in tree.walk(node)
    )


def _outer_column(column: tree.Column, frame: Frame, instance: Instance) -> str:
    name = names.quote(frame.column(column).name, frame.dialect)
    return f"{frame.label(instance)}.{name}"


def _instances_around(frame: Frame | None) -> tuple[Instance, ...]:
    return () if frame is None else (*frame.labels, *_instances_around(frame.outer))


def _labels_around(frame: Frame | None) -> tuple[str, ...]:
    return () if frame is None else (*frame.labels.values(), *_labels_around(frame.outer))


def _enclosed(lines: Sequence[str]) -> str:
    line = " ".join(lines)
    if len(line) <= _ONE_LINE and "\n" not in line:
        return f"({line})"
    return "\n".join(("(", *_indented(lines), ")"))


def _indented(lines: Sequence[str]) -> list[str]:
    return [_INDENT + line for part in lines for line in part.split("\n")]


def _distinct(output: Sequence[str | None]) -> list[str]:
    found: list[str] = []
    for position, name in enumerate(output, start=1):
        base = name or f"column_{position}"
        found.append(base if base not in found else f"{base}_{position}")
    return found
