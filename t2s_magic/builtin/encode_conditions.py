"""Parsed conditions as trees of the built-in model's grammar."""

from __future__ import annotations

from dataclasses import replace

from sqlglot import exp

from t2s_magic.builtin import tree
from t2s_magic.builtin.dialects import BOOLEAN, kind_of_type
from t2s_magic.builtin.encode_expressions import ExpressionEncoder, literal_text
from t2s_magic.builtin.literals import Unreachable, as_number
from t2s_magic.builtin.scope import Scope

_COMPARISONS: dict[type[exp.Expr], str] = {
    exp.EQ: "=",
    exp.NEQ: "!=",
    exp.GT: ">",
    exp.LT: "<",
    exp.GTE: ">=",
    exp.LTE: "<=",
}
_FLIPPED = {"=": "=", "!=": "!=", ">": "<", "<": ">", ">=": "<=", "<=": ">="}
_EXTREMES = {("=", "max"): "is_max", ("=", "min"): "is_min", (">", "avg"): "above_avg", ("<", "avg"): "below_avg"}
_NEGATED = {
    "between": "not_between",
    "in": "not_in",
    "contains": "not_contains",
    "starts": "not_starts",
    "ends": "not_ends",
    "like": "not_like",
    "is_null": "not_null",
    "not_null": "is_null",
    "=": "!=",
    "!=": "=",
}


class ConditionEncoder(ExpressionEncoder):
    """Conditions of WHERE, HAVING, ON, CASE and FILTER."""

    def conditions(self, node: exp.Expr, scope: Scope) -> tree.Conditions:
        node = _without_parentheses(node)
        if isinstance(node, exp.And | exp.Or):
            joiner = "or" if isinstance(node, exp.Or) else "and"
            sides = [self._side(side, joiner, scope) for side in (node.this, node.expression)]
            return tree.Conditions(sides[0].parts + sides[1].parts, (*sides[0].joiners, joiner, *sides[1].joiners))
        return tree.Conditions((self._condition(node, scope),))

    def _side(self, node: exp.Expr, joiner: str, scope: Scope) -> tree.Conditions:
        conditions = self.conditions(node, scope)
        if joiner == "and" and "or" in conditions.joiners:
            return tree.Conditions((tree.Nested(conditions),))
        return conditions

    def _condition(self, node: exp.Expr, scope: Scope) -> tree.Test | tree.Exists | tree.Nested:
        if isinstance(node, exp.Not):
            return self._negated(_without_parentheses(node.this), scope)
        if isinstance(node, exp.Exists):
            return tree.Exists(self.query(node.this, scope), is_negated=False)
        if type(node) in _COMPARISONS:
            return self._comparison(node, scope)
        if isinstance(node, exp.Column | exp.Boolean):
            return tree.Test(self.expression(node, scope), "=", (tree.Constant("true"),))
        return self._test(node, scope)

    def _negated(self, node: exp.Expr, scope: Scope) -> tree.Test | tree.Exists | tree.Nested:
        if isinstance(node, exp.And | exp.Or):
            return tree.Nested(self.conditions(node, scope), is_negated=True)
        inner = self._condition(node, scope)
        match inner:
            case tree.Exists(query, is_negated):
                return tree.Exists(query, not is_negated)
            case tree.Test(left, operator, rights) if operator in _NEGATED:
                return tree.Test(left, _NEGATED[operator], rights)
        return tree.Nested(tree.Conditions((inner,)), is_negated=True)

    def _comparison(self, node: exp.Expr, scope: Scope) -> tree.Test:
        operator, left_node, right_node = _COMPARISONS[type(node)], node.this, node.expression
        if _is_value(left_node, scope) and not _is_value(right_node, scope):
            operator, left_node, right_node = _FLIPPED[operator], right_node, left_node
        left = self._left(left_node, scope)
        right = self._right(right_node, scope, left)
        return _extreme(left, operator, right) or tree.Test(left, operator, (right,))

    def _left(self, node: exp.Expr, scope: Scope) -> tree.Expression:
        left = self.expression(node, scope)
        if isinstance(left, tree.Literal | tree.Constant | tree.Subquery):
            raise Unreachable("a condition on a literal", node.sql())
        return left

    def _right(self, node: exp.Expr, scope: Scope, left: tree.Expression) -> tree.Expression:
        beside = left if isinstance(left, tree.Column) else None
        text = literal_text(node)
        if beside and text in ("0", "1") and self._is_boolean(beside):
            return tree.Constant("true" if text == "1" else "false")
        return self.expression(node, scope, beside)

    def _is_boolean(self, column: tree.Column) -> bool:
        return kind_of_type(self.schema.tables[column.table].columns[column.column].type) == BOOLEAN

    def _test(self, node: exp.Expr, scope: Scope) -> tree.Test:
        if isinstance(node, exp.Is) and isinstance(node.expression, exp.Null):
            return tree.Test(self._left(node.this, scope), "not_null" if node.args.get("negate") else "is_null")
        if isinstance(node, exp.Between):
            return self._between(node, scope)
        if isinstance(node, exp.In):
            return self._membership(node, scope)
        if isinstance(node, exp.Like | exp.ILike | exp.Glob):
            return self._matching(node, scope)
        raise Unreachable("a condition", type(node).__name__)

    def _between(self, node: exp.Between, scope: Scope) -> tree.Test:
        left = self._left(node.this, scope)
        low, high = node.args["low"], node.args["high"]
        try:
            ends = (self._right(low, scope, left), self._right(high, scope, left))
        except Unreachable:
            return self._whole_year(left, literal_text(low), literal_text(high))
        return tree.Test(left, "between", ends)

    def _whole_year(self, left: tree.Expression, low: str | None, high: str | None) -> tree.Test:
        """``d BETWEEN '1997-01-01' AND '1997-12-31'`` where only the year stands in the question."""
        year = (low or "")[:4]
        is_whole = low == f"{year}-01-01" and (high or "")[:10] == f"{year}-12-31"
        if not is_whole or not isinstance(left, tree.Column) or as_number(year) is None:
            raise Unreachable("a literal that is no candidate", f"{low} / {high}")
        return tree.Test(tree.Call("year", (left,)), "=", (self.text(year),))

    def _membership(self, node: exp.In, scope: Scope) -> tree.Test:
        left = self._left(node.this, scope)
        if node.args.get("query"):
            return tree.Test(left, "in", (tree.Subquery(_with_null(self.query(node.args["query"], scope))),))
        members = tuple(self._right(member, scope, left) for member in node.expressions)
        if not members or not all(isinstance(member, tree.Literal | tree.Constant) for member in members):
            raise Unreachable("a list of expressions", node.sql())
        return tree.Test(left, "in", members)

    def _matching(self, node: exp.Expr, scope: Scope) -> tree.Test:
        left = self._left(node.this, scope)
        pattern = node.expression.name if isinstance(node.expression, exp.Column) else literal_text(node.expression)
        if pattern is None:
            raise Unreachable("a pattern that is no literal", node.sql())
        operator, found = self._pattern(pattern, left if isinstance(left, tree.Column) else None)
        return tree.Test(left, _NEGATED[operator] if node.args.get("negate") else operator, (found,))

    def _pattern(self, pattern: str, beside: tree.Column | None) -> tuple[str, tree.Expression]:
        """``%V%`` as contains V, and so on; a pattern that is itself a candidate, or has other marks, as like."""
        bare = pattern.strip("%")
        operator = {(True, True): "contains", (False, True): "starts", (True, False): "ends"}.get(
            (pattern.startswith("%"), pattern.endswith("%")), "like"
        )
        if operator != "like" and bare and "%" not in bare and "_" not in bare:
            found = self.literals.find(bare.strip(), beside, is_case_sensitive=False)
            if found:
                return operator, found
        return "like", self.text(pattern, beside, is_case_sensitive=False)


def _with_null(query: tree.Query) -> tree.Query:
    """Without the ``x IS NOT NULL`` that ``decode`` writes for NOT IN; to IN it makes no difference."""
    body = query.bodies[0]
    if len(query.bodies) > 1 or body.where is None or "or" in body.where.joiners:
        return query
    kept = tuple(part for part in body.where.parts if part != tree.Test(body.items[0], "not_null"))
    where = tree.Conditions(kept, ("and",) * (len(kept) - 1)) if kept else None
    return tree.Query((replace(body, where=where),))


def _is_value(node: exp.Expr, scope: Scope) -> bool:
    if isinstance(node, exp.Column):
        return scope.own(node) is None and node.name.casefold() not in scope.items
    return isinstance(node, exp.Literal | exp.Neg | exp.Subquery | exp.Select | exp.Boolean)


def _without_parentheses(node: exp.Expr) -> exp.Expr:
    while isinstance(node, exp.Paren):
        node = node.this
    return node


def _extreme(left: tree.Expression, operator: str, right: tree.Expression) -> tree.Test | None:
    """``x = (SELECT MAX(x) FROM its_table)`` and its kin have words of their own."""
    match right:
        case tree.Subquery(tree.Query((tree.Body((tree.Call(name, (operand,)),)) as body,))):
            is_bare = body == tree.Body(body.items) and operand == left
            is_first_copy = isinstance(left, tree.Column) and not left.is_other
            if is_bare and is_first_copy and (operator, name) in _EXTREMES:
                return tree.Test(left, _EXTREMES[operator, name])
    return None
