"""SQL to token sequences. Only this part of the built-in model parses SQL; inference without demos never needs it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import reduce

import sqlglot
from sqlglot import exp

from t2s_magic.builtin import tree
from t2s_magic.builtin.encode_conditions import ConditionEncoder
from t2s_magic.builtin.encode_from import Source, read_source
from t2s_magic.builtin.groups import Determination
from t2s_magic.builtin.hints import COUNTED, Joined, add_hints, reached, substitute
from t2s_magic.builtin.joins import Instance, JoinGraph
from t2s_magic.builtin.literals import Literals, Unreachable
from t2s_magic.builtin.plan import exists_link, has_aggregate, plain_items, plan_joins
from t2s_magic.builtin.scope import Scope, item_names
from t2s_magic.builtin.tokens import Candidate, Token
from t2s_magic.guard.stumbles import STUMBLES
from t2s_magic.schema import Schema

_SET_OPERATORS: dict[type[exp.Expr], str] = {
    exp.Union: "union",
    exp.Intersect: "intersect",
    exp.Except: "except",
}


def encode(
    sql: str,
    schema: Schema,
    candidates: Sequence[Candidate],
    *,
    dialect: str = "sqlite",
    graph: JoinGraph | None = None,
) -> list[Token]:
    """The tokens that say ``sql``, its literals as positions in ``candidates``; Unreachable where none do.

    ``graph`` is the schema's JoinGraph: pass it where many statements of one schema are encoded.
    """
    try:
        statement = sqlglot.parse_one(sql.rstrip().rstrip(";"), dialect=dialect)
    except STUMBLES as error:
        raise Unreachable("not parsed", next(iter(str(error).splitlines()), "")) from error
    encoder = _Encoder(schema, Literals(candidates), graph or JoinGraph(schema))
    return tree.write(encoder.query(statement, None))


class _Encoder(ConditionEncoder):
    """Statements and SELECTs; expressions and conditions are in the bases."""

    def query(self, node: exp.Expr, outer: Scope | None) -> tree.Query:
        node = _inlined(_without_wrapping(node))
        if isinstance(node, exp.SetOperation):
            return self._compound(node, outer)
        if not isinstance(node, exp.Select):
            raise Unreachable("not a SELECT", type(node).__name__)
        return tree.Query((self._select(node, outer),))

    def _compound(self, node: exp.SetOperation, outer: Scope | None) -> tree.Query:
        if isinstance(_without_wrapping(node.expression), exp.SetOperation):
            raise Unreachable("set operation on the right of another")
        left, right = self.query(node.this, outer), self.query(node.expression, outer)
        operator = _SET_OPERATORS[type(node)]
        if operator == "union" and not node.args.get("distinct", True):
            operator = "union_all"
        bodies = (*left.bodies, *right.bodies)
        if node.args.get("order") or node.args.get("limit"):
            bodies = (*bodies[:-1], self._ordered_whole(node, bodies))
        elif (bodies[-1].order or bodies[-1].limit) and not any(body.limit for body in bodies[:-1]):
            raise Unreachable("an order of the last part of a set operation only")
        return tree.Query(bodies, (*left.operators, operator))

    def _ordered_whole(self, node: exp.SetOperation, bodies: Sequence[tree.Body]) -> tree.Body:
        """The last SELECT with the order and limit of the whole, its keys said by the last SELECT's items."""
        if any(body.order or body.limit for body in bodies):
            raise Unreachable("orders of parts and of the whole")
        first = node.find(exp.Select)
        assert first is not None
        names = [item.alias_or_name.casefold() for item in first.expressions]
        orders = []
        for ordered in node.args["order"].expressions if node.args.get("order") else ():
            key = ordered.this
            if isinstance(key, exp.Literal) and key.is_int:
                position = int(key.name) - 1
            elif isinstance(key, exp.Column) and key.name.casefold() in names:
                position = names.index(key.name.casefold())
            else:
                raise Unreachable("order of a set operation", key.sql())
            orders.append(tree.Order(bool(ordered.args.get("desc")), bodies[-1].items[position]))
        return replace(bodies[-1], order=tuple(orders), limit=self._limit(node), offset=self._offset(node))

    def _select(self, select: exp.Select, outer: Scope | None) -> tree.Body:
        first = select.args["from_"].this if select.args.get("from_") else None
        if isinstance(first, exp.Subquery):
            return self._of_subquery(select, first, outer)
        if not isinstance(first, exp.Table):
            raise Unreachable("no table in FROM")
        scope = Scope(self.schema, outer=outer, items=dict(item_names(select.expressions)))
        scope.add(first)
        source = read_source(select, scope)
        if set(scope.instances) - reached(scope.instances[0], source.equalities):
            raise Unreachable("tables that are not joined")
        is_exists = isinstance(select.parent, exp.Exists)
        body = tree.Body(
            (COUNTED,) if is_exists else self._items(select, scope),
            is_distinct=select.args.get("distinct") is not None and not is_exists,
            where=self._where(source, scope),
            group=self._group(select, scope),
            having=self.conditions(select.args["having"].this, scope) if select.args.get("having") else None,
            order=self._orders(select, scope),
            limit=self._limit(select),
            offset=self._offset(select),
        )
        body = _plain_having_in_where(body)
        determination = Determination(self.schema, scope.instances, source.equalities if not source.kept else ())
        body = _canonical_group(body, determination, has_group=select.args.get("group") is not None)
        body = _kept_all(body, source, self.schema)
        joined = Joined(scope.instances, tuple(source.equalities))
        return self._correlated(body, source, joined, scope, is_exists=is_exists)

    def _correlated(
        self, body: tree.Body, source: Source, joined: Joined, scope: Scope, *, is_exists: bool
    ) -> tree.Body:
        """``body`` with its joins' hints, and with what ties it to the SELECT around it."""
        same = tuple(inner for inner, around in source.correlations if inner == around)
        others = [(inner, around) for inner, around in source.correlations if inner != around]
        if any(around.instance in joined.instances for _, around in others):
            raise Unreachable("a correlation between two copies of a table")
        body = add_hints(replace(body, same=same), joined, self.graph, outer=scope.outer_instances)
        if is_exists and others and not same and scope.outer is not None:
            plan = plan_joins(body, self.graph)
            if plan is not None and others == exists_link(plan, scope.outer.instances, self.graph):
                return body
        return replace(body, on=(*body.on, *others))

    def _where(self, source: Source, scope: Scope) -> tree.Conditions | None:
        if not source.filters:
            return None
        return self.conditions(reduce(lambda left, right: exp.And(this=left, expression=right), source.filters), scope)

    def _items(self, select: exp.Select, scope: Scope) -> tuple[tree.Expression, ...]:
        items: list[tree.Expression] = []
        for item in select.expressions:
            if isinstance(item, exp.Star):
                items += self._all_columns(scope)
            elif isinstance(item, exp.Column) and isinstance(item.this, exp.Star):
                items.append(tree.AllOf(scope.sources[item.table.casefold()][0]))
            else:
                items.append(self.expression(item, scope))
        if any(isinstance(item, tree.Literal | tree.Constant | tree.Subquery) for item in items):
            raise Unreachable("a literal or subquery as an item")
        return tuple(items)

    def _all_columns(self, scope: Scope) -> list[tree.Expression]:
        if any(is_other for _, is_other in scope.instances):
            raise Unreachable("all columns of a table twice")
        return [tree.AllOf(table) for table, _ in scope.instances]

    def _group(self, select: exp.Select, scope: Scope) -> tuple[tree.Expression, ...]:
        group = select.args.get("group")
        if group is None:
            return ()
        if group.args.get("rollup") or group.args.get("cube") or group.args.get("grouping_sets"):
            raise Unreachable("ROLLUP, CUBE or GROUPING SETS")
        return tuple(self.key(key, scope, select) for key in group.expressions)

    def _orders(self, select: exp.Select, scope: Scope) -> tuple[tree.Order, ...]:
        order = select.args.get("order")
        return tuple(
            tree.Order(bool(ordered.args.get("desc")), self.key(ordered.this, scope, select))
            for ordered in (order.expressions if order else ())
        )

    def _limit(self, node: exp.Expr) -> tree.Expression | None:
        limit = node.args.get("limit")
        if limit is None:
            return None
        text = limit.expression.name if isinstance(limit, exp.Limit) else ""
        if not text.isdigit():
            raise Unreachable("a limit that is no number", limit.sql())
        return tree.ONE if text == "1" else self.text(text)

    def _offset(self, node: exp.Expr) -> tree.Expression | None:
        offset = node.args.get("offset")
        return self.text(offset.expression.name) if offset is not None else None

    def _of_subquery(self, select: exp.Select, subquery: exp.Subquery, outer: Scope | None) -> tree.Body:
        """``SELECT AVG(n) FROM (SELECT COUNT(*) AS n ...)``, the first n of each group, or nothing but a wrapping."""
        if select.args.get("joins"):
            raise Unreachable("a subquery in FROM")
        if numbered := self._numbered(select, subquery, outer):
            return numbered
        extra = [name for name in ("where", "group", "having", "order", "limit") if select.args.get(name)]
        if extra or len(select.expressions) != 1:
            raise Unreachable("a subquery in FROM")
        item = select.expressions[0].unalias()
        if isinstance(item, exp.Star):
            inner = self.query(subquery, outer)
            if len(inner.bodies) > 1:
                raise Unreachable("a subquery in FROM")
            return inner.bodies[0]
        return tree.Body((self._over_subquery(item, subquery, outer),))

    def _over_subquery(self, item: exp.Expr, subquery: exp.Subquery, outer: Scope | None) -> tree.Expression:
        names: dict[type[exp.Expr], str] = {
            exp.Count: "count", exp.Sum: "sum", exp.Avg: "avg", exp.Min: "min", exp.Max: "max",
        }  # fmt: skip
        name = names.get(type(item))
        inner = self.query(subquery, outer)
        if name is None or not isinstance(item.this, exp.Star | exp.Column):
            raise Unreachable("a subquery in FROM")
        if isinstance(item.this, exp.Star):
            return tree.Call("count", (tree.Subquery(inner),))
        select = subquery.this
        aliases = [part.alias_or_name.casefold() for part in select.expressions]
        if len(inner.bodies) > 1 or item.this.name.casefold() not in aliases:
            raise Unreachable("a subquery in FROM")
        body = inner.bodies[0]
        measure = body.items[aliases.index(item.this.name.casefold())]
        group = body.group or (plain_items(body) if has_aggregate(body) else ())
        only = replace(body, items=(measure,), group=group)
        return tree.Call(name, (tree.Subquery(tree.Query((only,))),))

    def _numbered(self, select: exp.Select, subquery: exp.Subquery, outer: Scope | None) -> tree.Body | None:
        """``... FROM (SELECT ..., ROW_NUMBER() OVER (PARTITION BY k ORDER BY x) AS n ...) WHERE n <= 3``."""
        inner = subquery.this
        where = select.args.get("where")
        if not isinstance(inner, exp.Select) or where is None:
            return None
        condition = where.this
        if not isinstance(condition, exp.LTE | exp.LT | exp.EQ) or not isinstance(condition.this, exp.Column):
            return None
        number = next((i for i in inner.expressions if i.alias_or_name == condition.this.name), None)
        window = number.unalias() if number is not None else None
        if not isinstance(window, exp.Window) or not window.args.get("partition_by") or not window.args.get("order"):
            return None
        if isinstance(condition, exp.LT) or (isinstance(condition, exp.EQ) and condition.expression.name != "1"):
            raise Unreachable("a limit within groups", condition.sql())
        names = {i.alias_or_name.casefold() for i in select.expressions} - {condition.this.name.casefold()}
        kept = inner.copy()
        keys = [key.copy() for key in window.args["partition_by"]]
        order = window.args["order"].copy()
        is_all = any(isinstance(i, exp.Star) for i in select.expressions)
        kept.set(
            "expressions",
            [
                i
                for i in kept.expressions
                if i.alias_or_name != condition.this.name and (is_all or i.alias_or_name.casefold() in names)
            ],
        )
        kept.set("order", order)
        body = self._select(kept, outer)
        scope = Scope(self.schema, outer=outer, items=dict(item_names(inner.expressions)))
        scope.add(kept.args["from_"].this)
        read_source(kept, scope)
        text = condition.expression.name
        limit = tree.ONE if text == "1" else self.text(text)
        return replace(body, per=tuple(self.key(key, scope, kept) for key in keys), limit=limit)


def _without_wrapping(node: exp.Expr) -> exp.Expr:
    while isinstance(node, exp.Subquery | exp.Paren) and not (
        isinstance(node, exp.Subquery) and any(node.args.get(name) for name in ("order", "limit"))
    ):
        node = node.this
    return node


def _inlined(node: exp.Expr) -> exp.Expr:
    """Without WITH: each name of it replaced by its query."""
    if not node.args.get("with_"):
        return node
    node = node.copy()
    clause = node.args["with_"].pop()
    if clause.args.get("recursive"):
        raise Unreachable("WITH RECURSIVE")
    parts: dict[str, exp.Expr] = {}
    for part in clause.expressions:
        parts[part.alias.casefold()] = _with_parts(part.this, parts)
    return _with_parts(node, parts)


def _with_parts(node: exp.Expr, parts: dict[str, exp.Expr]) -> exp.Expr:
    for table in list(node.find_all(exp.Table)):
        part = None if table.db else parts.get(table.name.casefold())
        if part is not None:
            table.replace(
                exp.Subquery(this=part.copy(), alias=exp.TableAlias(this=exp.to_identifier(table.alias_or_name)))
            )
    return node


def _canonical_group(body: tree.Body, determination: Determination, *, has_group: bool) -> tree.Body:
    """The fewest keys, and none where the plain items are the same groups; a group without aggregates as distinct."""
    plain = plain_items(body)
    if not has_group:
        return _checked_bare(body, plain)
    if has_aggregate(body):
        keys = determination.least([determination.primary(key, plain) for key in body.group])
        is_told = set(keys) <= set(plain) and all(determination.holds(keys, item) for item in plain)
        return replace(body, group=() if is_told else keys)
    if set(plain) == set(body.group) and len(plain) == len(body.items) and not body.order:
        return replace(body, group=(), is_distinct=True)
    return body


def _plain_having_in_where(body: tree.Body) -> tree.Body:
    """Conditions of HAVING on plain columns are conditions on rows where the columns are keys, as gold means them."""
    if body.having is None or "or" in body.having.joiners:
        return body
    plain = tuple(part for part in body.having.parts if not has_aggregate(part))
    if not plain:
        return body
    kept = tuple(part for part in body.having.parts if part not in plain)
    before = (tree.Nested(body.where),) if body.where and "or" in body.where.joiners else ()
    where = (*(before or (body.where.parts if body.where else ())), *plain)
    return replace(body, where=_all_of(where), having=_all_of(kept) if kept else None)


def _all_of(parts: tuple[tree.Test | tree.Exists | tree.Nested, ...]) -> tree.Conditions:
    return tree.Conditions(parts, ("and",) * (len(parts) - 1))


def _checked_bare(body: tree.Body, plain: tuple[tree.Expression, ...]) -> tree.Body:
    """Without GROUP BY an aggregate leaves one row; beside MAX or MIN SQLite takes bare columns from its row."""
    if not has_aggregate(body) or not plain:
        return body
    extremes = [item for item in body.items if item not in plain]
    match extremes:
        case [tree.Call("max" | "min" as name, (tree.Column() as operand,))] if not body.order and not body.having:
            items = tuple(operand if item in extremes else item for item in body.items)
            return replace(body, items=items, order=(tree.Order(name == "max", operand),), limit=tree.ONE)
    raise Unreachable("a bare column beside an aggregate")


def _kept_all(body: tree.Body, source: Source, schema: Schema) -> tree.Body:
    """LEFT JOIN as keep_all: COUNT(*) counts the kept rows, COUNT of another table's key the matches."""
    if source.kept is None:
        return body
    table, is_other = source.kept
    if is_other:
        raise Unreachable("LEFT JOIN from a second copy")
    body = substitute(body, COUNTED, tree.AllOf(table))
    for instance in {end[0] for ends in source.equalities for end in ends} - {source.kept}:
        if key := _sole_key(schema, instance):
            matches = tree.Call("count", (tree.AllOf(instance[0]),))
            body = substitute(body, tree.Call("count", (key,)), matches)
    return replace(body, keep_all=table)


def _sole_key(schema: Schema, instance: Instance) -> tree.Column | None:
    table = schema.tables[instance[0]]
    if instance[1] or len(table.primary_key) != 1:
        return None
    return next(
        (tree.Column(instance[0], i) for i, column in enumerate(table.columns) if column.name == table.primary_key[0]),
        None,
    )
