"""Parsed expressions as trees of the built-in model's grammar."""

from __future__ import annotations

from abc import ABC, abstractmethod

from sqlglot import exp

from t2s_magic.builtin import tree
from t2s_magic.builtin.hints import COUNTED
from t2s_magic.builtin.joins import JoinGraph
from t2s_magic.builtin.literals import Literals, Unreachable, as_number
from t2s_magic.builtin.scope import Scope
from t2s_magic.schema import Schema

_ARITHMETIC: dict[type[exp.Expr], str] = {exp.Add: "+", exp.Sub: "-", exp.Mul: "*", exp.Div: "/"}
_AGGREGATES: dict[type[exp.Expr], str] = {
    exp.Count: "count",
    exp.Sum: "sum",
    exp.Avg: "avg",
    exp.Min: "min",
    exp.Max: "max",
}
_FUNCTIONS: dict[type[exp.Expr], str] = {
    exp.Abs: "abs",
    exp.Length: "length",
    exp.Lower: "lower",
    exp.Upper: "upper",
    exp.Year: "year",
    exp.Quarter: "quarter",
    exp.Month: "month",
    exp.Week: "week",
    exp.WeekOfYear: "week",
    exp.Day: "day",
    exp.DayOfMonth: "day",
    exp.DayOfWeek: "weekday",
    exp.Hour: "hour",
    exp.Date: "date",
    exp.TsOrDsToDate: "date",
}
_FORMATS = {
    "%Y": "year",
    "%m": "month",
    "%d": "day",
    "%W": "week",
    "%w": "weekday",
    "%H": "hour",
    "%Y-%m": "year_month",
    "%Y-%m-%d": "date",
}
_EXTRACTED = {"DOW": "weekday", "DAYOFWEEK": "weekday"}
_NOW = (exp.CurrentDate, exp.CurrentTimestamp)
_RANKS = (exp.RowNumber, exp.Rank, exp.DenseRank)
_DATE_TYPES = {exp.DataType.Type.DATE}
_TIME_TYPES = {exp.DataType.Type.TIMESTAMP, exp.DataType.Type.DATETIME, exp.DataType.Type.TIMESTAMPTZ}
_WHOLE = tree.Constant("100")
_ONE = tree.Constant("1")


class ExpressionEncoder(ABC):
    """Expressions; what stands in parentheses goes back up to ``query`` and ``conditions``."""

    def __init__(self, schema: Schema, literals: Literals, graph: JoinGraph) -> None:
        self.schema = schema
        self.literals = literals
        self.graph = graph

    @abstractmethod
    def query(self, node: exp.Expr, outer: Scope | None) -> tree.Query: ...

    @abstractmethod
    def conditions(self, node: exp.Expr, scope: Scope) -> tree.Conditions: ...

    def key(self, node: exp.Expr, scope: Scope, select: exp.Select) -> tree.Expression:
        """A key of GROUP BY or ORDER BY: an expression, or an item by its position or alias."""
        if isinstance(node, exp.Literal) and node.is_int:
            return self.expression(select.expressions[int(node.name) - 1], scope)
        if isinstance(node, exp.Column) and not node.table and node.name.casefold() in scope.items:
            return self.expression(scope.items[node.name.casefold()], scope)
        return self.expression(node, scope)

    def expression(self, node: exp.Expr, scope: Scope, beside: tree.Column | None = None) -> tree.Expression:
        """The tree of ``node``; a literal is looked for as one compared with the column ``beside``."""
        node = _without_casts(node)
        if isinstance(node, exp.Column):
            return self._column(node, scope, beside)
        if isinstance(node, exp.Literal | exp.Neg | exp.Boolean):
            return self._literal(node, beside)
        if isinstance(node, exp.Subquery | exp.Select):
            return tree.Subquery(self.query(node, scope))
        if moment := self._moment(node):
            return moment
        if type(node) in _ARITHMETIC:
            return self._arithmetic(node, scope)
        if isinstance(node, exp.Filter):
            return tree.Only(self.conditions(node.args["expression"].this, scope), self.expression(node.this, scope))
        if isinstance(node, exp.Window):
            return self._window(node, scope)
        if type(node) in _AGGREGATES:
            return self._aggregate(node, scope)
        return self._function(node, scope)

    def _column(self, node: exp.Column, scope: Scope, beside: tree.Column | None) -> tree.Expression:
        if found := scope.own(node):
            return found
        if not node.table and node.name.casefold() in scope.items:
            return self.expression(scope.items[node.name.casefold()], scope)
        # SQLite takes a double-quoted name that is no column as a string, and Spider's gold relies on it.
        if not node.table and isinstance(node.this, exp.Identifier) and node.this.quoted:
            return self.text(node.name, beside)
        if scope.of_outer(node):
            raise Unreachable("a column of the outer query", node.sql())
        raise Unreachable("unknown column", node.sql())

    def text(self, text: str, beside: tree.Column | None = None, *, is_case_sensitive: bool = True) -> tree.Expression:
        found = self.literals.find(text, beside, is_case_sensitive=is_case_sensitive)
        if found is None:
            raise Unreachable("a literal that is no candidate", text)
        return found

    def _literal(self, node: exp.Expr, beside: tree.Column | None) -> tree.Expression:
        if isinstance(node, exp.Boolean):
            return tree.Constant("true" if node.this else "false")
        text = literal_text(node)
        if text is None:
            raise Unreachable("negation", node.sql())
        return self.text(text, beside)

    def _arithmetic(self, node: exp.Expr, scope: Scope) -> tree.Expression:
        if days := self._days_between(node, scope):
            return days
        if quarter := self._quarter(node, scope):
            return quarter
        if isinstance(node, exp.Sub) and isinstance(node.this, exp.DayOfWeek) and literal_text(node.expression) == "1":
            return self.expression(node.this, scope)  # MySQL counts the days of the week from 1
        name = _ARITHMETIC[type(node)]
        left, right = self._operand(node.this, scope), self._operand(node.expression, scope)
        if name == "*" and _ONE in (left, right):
            return right if left == _ONE else left
        return _part_of_whole(tree.Call(name, (left, right)))

    def _quarter(self, node: exp.Expr, scope: Scope) -> tree.Expression | None:
        """``(month + 2) / 3``, as SQLite has no function for it."""
        if not isinstance(node, exp.Div) or literal_text(node.expression) != "3":
            return None
        match self.expression(node.this, scope):
            case tree.Call("+", (tree.Call("month", date), tree.Constant("2"))):
                return tree.Call("quarter", date)
        return None

    def _operand(self, node: exp.Expr, scope: Scope) -> tree.Expression:
        text = literal_text(_without_casts(node))
        number = None if text is None else as_number(text)
        if number in (0.0, 1.0, 2.0, 100.0):
            return tree.Constant(str(int(number or 0)))
        return self.expression(node, scope)

    def _days_between(self, node: exp.Expr, scope: Scope) -> tree.Expression | None:
        """``julianday(a) - julianday(b)``."""
        sides = (node.this, node.expression)
        if not isinstance(node, exp.Sub) or not all(
            isinstance(side, exp.Anonymous) and side.name.casefold() == "julianday" for side in sides
        ):
            return None
        return tree.Call("days_between", tuple(self._date(side.expressions[0], scope) for side in sides))

    def _date(self, node: exp.Expr, scope: Scope) -> tree.Expression:
        if isinstance(node, exp.Literal) and node.name == "now":
            return tree.Constant("now")
        found = self.expression(node, scope)
        if isinstance(found, tree.Call) and found.name == "date" and isinstance(found.operands[0], tree.Column):
            found = found.operands[0]
        if isinstance(found, tree.Column | tree.Constant) or (isinstance(found, tree.Call) and found.name in tree.AGO):
            return found
        raise Unreachable("a date function of an expression", node.sql())

    def _moment(self, node: exp.Expr) -> tree.Expression | None:
        if isinstance(node, _NOW) or (isinstance(node, exp.Date) and node.this and node.this.name == "now"):
            return tree.Constant("now")
        if isinstance(node, exp.Anonymous) and node.name.casefold() in ("date", "datetime") and node.expressions:
            return self._modified_now([part.name for part in node.expressions])
        interval = node.args.get("expression")
        if isinstance(node, exp.Sub) and isinstance(interval, exp.Interval) and self._moment(node.this):
            return self._ago(interval.this.name, interval.text("unit"))
        if isinstance(node, exp.DateSub) and interval is not None and self._moment(node.this):
            amount = interval.this if isinstance(interval, exp.Interval) else interval
            return self._ago(amount.name, node.text("unit"))
        return None

    def _modified_now(self, parts: list[str]) -> tree.Expression | None:
        """SQLite's ``date('now', '-30 days')``."""
        if parts[0] != "now" or len(parts) > 2:
            return None
        amount, _, unit = parts[1].partition(" ") if len(parts) == 2 else ("", "", "")
        return self._ago(amount.lstrip("-"), unit) if amount.startswith("-") else None

    def _ago(self, amount: str, unit: str) -> tree.Expression:
        name = f"{unit.casefold().rstrip('s')}s_ago"
        if name not in tree.AGO:
            raise Unreachable("an interval", f"{amount} {unit}")
        return tree.Call(name, (self.text(amount),))

    def _window(self, node: exp.Window, scope: Scope) -> tree.Expression:
        partition, order = node.args.get("partition_by") or (), node.args.get("order")
        window = self._window_call(node.this, order, scope)
        if not partition:
            return window
        if len(partition) > 1 or not isinstance(window, tree.Call) or window.name not in tree.WINDOWS:
            raise Unreachable("a window", node.sql())
        return tree.Within(self.expression(partition[0], scope), window)

    def _window_call(self, function: exp.Expr, order: exp.Order | None, scope: Scope) -> tree.Expression:
        if isinstance(function, _RANKS) and order and len(order.expressions) == 1:
            key = order.expressions[0]
            name = "rank_desc" if key.args.get("desc") else "rank_asc"
            return tree.Call(name, (self.expression(key.this, scope),))
        if isinstance(function, exp.Lag):
            return tree.Call("previous", (self.expression(function.this, scope),))
        if isinstance(function, exp.Sum) and function.this.find(*_AGGREGATES):
            inner = self.expression(function.this, scope)
            # Without an order it is the total, of which _part_of_whole makes percent_of_total.
            return tree.Call("running_total" if order else "sum", (inner,))
        raise Unreachable("a window", function.sql())

    def _aggregate(self, node: exp.Expr, scope: Scope) -> tree.Expression:
        name, inner = _AGGREGATES[type(node)], node.this
        if isinstance(inner, exp.Distinct):
            if len(inner.expressions) > 1:
                raise Unreachable("COUNT DISTINCT of several columns")
            inner = inner.expressions[0]
            if name == "avg":
                raise Unreachable("AVG of distinct values")
            name = {"count": "count_distinct", "sum": "sum_distinct"}.get(name, name)
        if isinstance(inner, exp.Star) or (name == "count" and isinstance(inner, exp.Literal)):
            return tree.Call("count", (COUNTED,))
        if isinstance(inner, exp.Case | exp.If):
            return self._filtered_aggregate(name, inner, scope)
        if isinstance(inner, exp.Predicate) and name == "sum":
            return tree.Only(self.conditions(inner, scope), tree.Call("count", (COUNTED,)))
        operand = self.expression(inner, scope)
        if isinstance(operand, tree.Literal | tree.Constant):
            raise Unreachable("an aggregate of a literal", node.sql())
        return tree.Call(name, (operand,))

    def _filtered_aggregate(self, name: str, case: exp.Expr, scope: Scope) -> tree.Expression:
        """``SUM(CASE WHEN c THEN x ELSE 0 END)`` and its kin."""
        branches = case.args["ifs"] if isinstance(case, exp.Case) else [case]
        if len(branches) != 1 or (isinstance(case, exp.Case) and case.this):
            raise Unreachable("CASE with several branches")
        otherwise = case.args.get("default" if isinstance(case, exp.Case) else "false")
        is_nothing = otherwise is None or isinstance(otherwise, exp.Null)
        is_zero = otherwise is not None and as_number(literal_text(otherwise) or "") == 0
        conditions, kept = self.conditions(branches[0].this, scope), branches[0].args["true"]
        number = as_number(literal_text(kept) or "")
        if name == "avg" and is_zero and number in (1, 100):
            percentage = tree.PercentIf(conditions)
            return percentage if number == 100 else tree.Call("/", (percentage, _WHOLE))
        if (name == "sum" and number == 1) or (name == "count" and literal_text(kept) is not None and is_nothing):
            return tree.Only(conditions, tree.Call("count", (COUNTED,)))
        if is_nothing or (name == "sum" and is_zero):
            return tree.Only(conditions, tree.Call(name, (self.expression(kept, scope),)))
        raise Unreachable("CASE", case.sql())

    def _function(self, node: exp.Expr, scope: Scope) -> tree.Expression:
        if isinstance(node, exp.Round):
            decimals = node.args.get("decimals")
            name = "round_int" if decimals is None or decimals.name == "0" else "round"
            return tree.Call(name, (self.expression(node.this, scope),))
        if isinstance(node, exp.DPipe | exp.Concat | exp.ConcatWs):
            return self._concatenation(node, scope)
        if isinstance(node, exp.TimeToStr) and node.args["format"].name in _FORMATS:
            return tree.Call(_FORMATS[node.args["format"].name], (self._date(_date_operand(node.this), scope),))
        if isinstance(node, exp.Anonymous) and node.name.casefold() == "strftime" and len(node.expressions) == 3:
            moment = self._modified_now([part.name for part in node.expressions[1:]])
            if moment and node.expressions[0].name in _FORMATS:
                return tree.Call(_FORMATS[node.expressions[0].name], (moment,))
        if isinstance(node, exp.Extract):
            unit = node.name.upper()
            return self._date_part(_EXTRACTED.get(unit, unit.casefold()), node.expression, scope)
        if isinstance(node, exp.Cast) and node.to.this in _DATE_TYPES:
            return self._date_part("date", node.this, scope)
        if isinstance(node, exp.DateDiff) and node.text("unit").upper() in ("", "DAY"):
            return tree.Call("days_between", (self._date(node.this, scope), self._date(node.expression, scope)))
        if type(node) in _FUNCTIONS:
            name = _FUNCTIONS[type(node)]
            if name in tree.DATE_PARTS:
                return self._date_part(name, node.this, scope)
            return tree.Call(name, (self.expression(node.this, scope),))
        raise Unreachable("a function", type(node).__name__ if not isinstance(node, exp.Anonymous) else node.name)

    def _date_part(self, name: str, node: exp.Expr, scope: Scope) -> tree.Expression:
        if name not in tree.DATE_PARTS:
            raise Unreachable("a date part", name)
        return tree.Call(name, (self._date(_date_operand(node), scope),))

    def _concatenation(self, node: exp.Expr, scope: Scope) -> tree.Expression:
        parts = list(node.flatten()) if isinstance(node, exp.DPipe) else list(node.expressions)
        kept = [part for part in parts if not (isinstance(part, exp.Literal) and part.name == " ")]
        if len(kept) != 2:
            raise Unreachable("concatenation", node.sql())
        return tree.Call("concat", tuple(self.expression(part, scope) for part in kept))


def literal_text(node: exp.Expr) -> str | None:
    """The text of a literal, a negative number included; None for anything else."""
    if isinstance(node, exp.Neg):
        inner = literal_text(node.this)
        return None if inner is None else f"-{inner}"
    if isinstance(node, exp.Literal):
        return str(node.name)
    return None


def _without_casts(node: exp.Expr) -> exp.Expr:
    """Without parentheses, aliases, casts to numbers or text, and ``NULLIF(x, 0)``: ``decode`` adds its own."""
    while (
        isinstance(node, exp.Paren | exp.Alias)
        or (isinstance(node, exp.Cast) and node.to.this not in _DATE_TYPES)
        or (isinstance(node, exp.Nullif | exp.Coalesce) and _is_zero_guard(node))
    ):
        node = node.this
    return node


def _is_zero_guard(node: exp.Expr) -> bool:
    others = [node.expression] if isinstance(node, exp.Nullif) else node.expressions
    text = literal_text(others[0]) if len(others) == 1 else None
    return text == "" or as_number(text or "") == 0


def _date_operand(node: exp.Expr) -> exp.Expr:
    while isinstance(node, exp.TsOrDsToTimestamp | exp.TsOrDsToDate | exp.Paren) or (
        isinstance(node, exp.Cast) and node.to.this in _DATE_TYPES | _TIME_TYPES
    ):
        node = node.this
    return node


def _part_of_whole(call: tree.Call) -> tree.Expression:
    """``100 * COUNT(*) FILTER (...) / COUNT(*)`` and ``100 * SUM(x) / SUM(SUM(x)) OVER ()`` have words of their own."""
    match call:
        case tree.Call("/", (tree.Call("*", (left, right)), whole)) if _WHOLE in (left, right):
            part = right if left == _WHOLE else left
        case tree.Call("*", (tree.Call("/", (part, whole)), other)) if other == _WHOLE:
            pass
        case tree.Call("*", (other, tree.Call("/", (part, whole)))) if other == _WHOLE:
            pass
        case _:
            return call
    if isinstance(part, tree.Only) and part.aggregate == whole == tree.Call("count", (COUNTED,)):
        return tree.PercentIf(part.conditions)
    if whole == tree.Call("sum", (part,)):  # the aggregate over an aggregate that _window leaves behind
        return tree.Call("percent_of_total", (part,))
    return call
