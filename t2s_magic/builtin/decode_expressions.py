"""Expressions of the grammar as SQL text."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from t2s_magic.builtin import names, tree
from t2s_magic.builtin.dialects import BOOLEAN, DATE, NUMBER, TEXT, UNKNOWN, Dialect
from t2s_magic.builtin.frames import Frame, UndecodableError
from t2s_magic.builtin.joins import JoinGraph
from t2s_magic.builtin.literals import as_number
from t2s_magic.builtin.plan import plain_items
from t2s_magic.builtin.tokens import Candidate

_PRECEDENCE = {"+": 1, "-": 1, "*": 2, "/": 2}
TRUTHS = dict.fromkeys(("1", "true", "t", "yes", "y"), True) | dict.fromkeys(("0", "false", "f", "no", "n"), False)


class ExpressionWriter(ABC):
    """SQL text of expressions; conditions and whole queries are written by the classes that extend it."""

    def __init__(self, candidates: Sequence[Candidate], dialect: Dialect, graph: JoinGraph) -> None:
        self.candidates = candidates
        self.dialect = dialect
        self.graph = graph

    @abstractmethod
    def subquery(self, query: tree.Query, frame: Frame) -> str:
        """``query`` in parentheses, inside ``frame``."""

    @abstractmethod
    def conditions(self, conditions: tree.Conditions, frame: Frame) -> str: ...

    @abstractmethod
    def over_subquery(self, call: tree.Call, query: tree.Query, frame: Frame) -> str:
        """An aggregate over the rows of a subquery, in parentheses."""

    def expression(self, node: tree.Expression, frame: Frame) -> str:
        match node:
            case tree.Column():
                return frame.write_column(node)
            case tree.Literal() | tree.Constant():
                return self.literal(node, UNKNOWN)
            case tree.Call():
                return self._call(node, frame)
            case tree.Only(conditions, aggregate):
                return self._only(conditions, aggregate, frame)
            case tree.PercentIf(conditions):
                counted = self._only(conditions, tree.Call("count", (tree.AllOf(-1),)), frame)
                return f"100.0 * {counted} / COUNT(*)"
            case tree.Within(key, window):
                return self._window(window, frame, key)
            case tree.Subquery(query):
                return self.subquery(query, frame)
            case tree.AllOf(table):
                return f"{frame.label((table, False))}.*" if len(frame.labels) > 1 else "*"

    def kind(self, node: tree.Expression, frame: Frame) -> str:
        """The kind of value that ``node`` gives."""
        match node:
            case tree.Column():
                return frame.kind(node)
            case tree.Literal(value):
                candidate = self.candidate(value)
                return NUMBER if candidate.kind == "number" else UNKNOWN
            case tree.Constant(text):
                return {"now": DATE, "true": BOOLEAN, "false": BOOLEAN}.get(text, NUMBER)
            case tree.Call("min" | "max" | "previous", (operand,)):
                return self.kind(operand, frame)
            case tree.Call(name, _):
                return self._kind_of_call(name)
            case tree.Only(_, aggregate):
                return self.kind(aggregate, frame)
            case tree.Subquery(query):
                return self.kind(query.bodies[0].items[0], frame)
            case _:
                return NUMBER if isinstance(node, tree.PercentIf | tree.Within) else UNKNOWN

    @staticmethod
    def _kind_of_call(name: str) -> str:
        if name in ("lower", "upper", "concat", "year_month", "as_text"):
            return TEXT
        return DATE if name == "date" or name in tree.AGO else NUMBER

    def candidate(self, position: int) -> Candidate:
        if position >= len(self.candidates):
            raise UndecodableError(f"The sequence names value {position}; there are {len(self.candidates)}.")
        return self.candidates[position]

    def literal(self, node: tree.Literal | tree.Constant, beside: str) -> str:
        """A literal as something of kind ``beside`` is written."""
        if isinstance(node, tree.Constant):
            return self._constant(node.text, beside)
        candidate = self.candidate(node.value)
        number = as_number(candidate.text)
        is_number = number is not None and number == number and abs(number) != float("inf")
        if beside == BOOLEAN and self.dialect.is_strict and candidate.text.casefold() in TRUTHS:
            return self.dialect.boolean(TRUTHS[candidate.text.casefold()])
        if is_number and (beside == NUMBER or (beside != TEXT and candidate.kind in ("number", "constant"))):
            return candidate.text.replace("_", "").strip()
        return names.text(candidate.text, self.dialect.name)

    def _constant(self, text: str, beside: str) -> str:
        if text == "now":
            return self.dialect.now()
        if text in ("true", "false"):
            is_true = text == "true"
            return self.dialect.boolean(is_true) if beside != NUMBER else str(int(is_true))
        if beside == BOOLEAN and self.dialect.is_strict and text in ("0", "1"):
            return self.dialect.boolean(text == "1")
        return names.text(text, self.dialect.name) if beside == TEXT else text

    def _call(self, call: tree.Call, frame: Frame) -> str:
        name, operands = call.name, call.operands
        if name in tree.AGGREGATES:
            return self._aggregate(call, frame)
        if name in tree.WINDOWS:
            return self._window(call, frame, None)
        if name in tree.ARITHMETIC:
            return self._arithmetic(call, frame)
        if name in tree.DATE_PARTS:
            return self._date_part(call, frame)
        if name in tree.AGO:
            return self.dialect.ago(name, self.digits(operands[0]))
        if name == "days_between":
            later, earlier = (self._moment(operand, frame) for operand in operands)
            return self.dialect.days_between(later, earlier)
        return self._function(name, operands, frame)

    def _function(self, name: str, operands: tuple[tree.Expression, ...], frame: Frame) -> str:
        if name == "as_text":  # made for strict engines, not by the grammar
            return self.dialect.as_text(self.expression(operands[0], frame))
        if name == "concat":
            return self.dialect.concatenated(*(self.expression(operand, frame) for operand in operands))
        if name in ("round", "round_int", "abs"):
            value = self.as_number(operands[0], frame)
            return f"ABS({value})" if name == "abs" else self.dialect.rounded(value, 2 if name == "round" else 0)
        value = self.as_text(operands[0], frame)
        return self.dialect.length(value) if name == "length" else f"{name.upper()}({value})"

    def digits(self, node: tree.Expression) -> str:
        text = node.text if isinstance(node, tree.Constant) else ""
        if isinstance(node, tree.Literal):
            text = self.candidate(node.value).text
        number = as_number(text)
        if number is None or not number.is_integer() or number < 0:
            raise UndecodableError(f"{text!r} is no count of days, rows or months.")
        return str(int(number))

    def _aggregate(self, call: tree.Call, frame: Frame) -> str:
        name, operand = call.name, call.operands[0]
        if isinstance(operand, tree.Subquery):
            return self.over_subquery(call, operand.query, frame)
        if isinstance(operand, tree.AllOf):
            return f"COUNT({self._counted(operand, frame)})"
        if name in ("count_distinct", "sum_distinct"):
            return f"{name.partition('_')[0].upper()}(DISTINCT {self.expression(operand, frame)})"
        if name in ("sum", "avg") and self.dialect.is_strict and self.kind(operand, frame) == DATE:
            raise UndecodableError(f"Dates have no {name}.")
        value = self.as_number(operand, frame) if name in ("sum", "avg") else self.expression(operand, frame)
        written = f"{name.upper()}({value})"
        return f"COALESCE({written}, 0)" if name == "sum" and self._is_of_matches(operand, frame) else written

    @staticmethod
    def _is_of_matches(operand: tree.Expression, frame: Frame) -> bool:
        """Whether a total is taken beside rows that are kept without a match: it is 0 for those."""
        kept = frame.body.keep_all
        return kept is not None and any(
            isinstance(node, tree.Column) and node.instance != (kept, False) for node in tree.walk(operand)
        )

    @staticmethod
    def _counted(operand: tree.AllOf, frame: Frame) -> str:
        """``*``; beside rows that are kept without a match, a column that tells whether there is one."""
        body, plan = frame.body, frame.plan
        if body.keep_all is None or plan is None or operand.table in (body.keep_all, -1):
            return "*"
        table = frame.table(operand.table)
        if len(table.primary_key) == 1:
            key = next(number for number, column in enumerate(table.columns) if column.name == table.primary_key[0])
            return frame.write_column(tree.Column(operand.table, key))
        for join in plan.joins:
            for ends in join.pairs():
                for instance, column in ends:
                    if instance == (operand.table, False):
                        return frame.write_column(tree.Column(operand.table, column))
        return "*"

    def as_number(self, node: tree.Expression, frame: Frame) -> str:
        written = self.expression(node, frame)
        is_text = isinstance(node, tree.Column) and frame.kind(node) in (TEXT, UNKNOWN)
        if self.dialect.is_strict and is_text and self.kind(node, frame) == TEXT:
            return self.dialect.as_number(written)
        if self.dialect.is_strict and self.kind(node, frame) == BOOLEAN and isinstance(node, tree.Column):
            return self.dialect.as_integer(written)
        return written

    def as_text(self, node: tree.Expression, frame: Frame) -> str:
        written = self.expression(node, frame)
        is_untyped = self.kind(node, frame) == UNKNOWN and not (
            isinstance(node, tree.Column) and frame.column(node).type
        )
        if self.dialect.is_strict and self.kind(node, frame) != TEXT and not is_untyped:
            return self.dialect.as_text(written)
        return written

    def _arithmetic(self, call: tree.Call, frame: Frame) -> str:
        name = call.name
        left, right = (self._operand(operand, call, frame) for operand in call.operands)
        if self._precedence(call.operands[0]) < _PRECEDENCE[name]:
            left = f"({left})"
        right_precedence = self._precedence(call.operands[1])
        if right_precedence < _PRECEDENCE[name] or (right_precedence == _PRECEDENCE[name] and name in "-/"):
            right = f"({right})"
        if name == "/":
            left, right = self._real(call, left, frame), self._not_zero(call.operands[1], right)
        return f"{left} {name} {right}"

    def _operand(self, node: tree.Expression, call: tree.Call, frame: Frame) -> str:
        if node == tree.Constant("100") and call.name == "*":
            return "100.0"
        if isinstance(node, tree.Call) and node.name in tree.DATE_PARTS and self.dialect.has_text_parts(node.name):
            return self.dialect.as_integer(self.expression(node, frame))
        return self.as_number(node, frame)

    def _real(self, call: tree.Call, left: str, frame: Frame) -> str:
        """The dividend, made a real number where the engine would divide integers."""
        if not self.dialect.divides_integers or any(self._is_real(operand, frame) for operand in call.operands):
            return left
        return f"1.0 * {left}"

    def _is_real(self, node: tree.Expression, frame: Frame) -> bool:
        match node:
            case tree.Column():
                declared = frame.column(node).type.casefold()
                return any(part in declared for part in ("real", "doub", "float")) or (
                    self.dialect.name == "postgres" and ("num" in declared or "dec" in declared)
                )
            case tree.Call("avg" | "/", _) | tree.PercentIf():
                return True
            case tree.Call("*", operands) if tree.Constant("100") in operands:
                return True
            case tree.Call(name, operands) if name in tree.ARITHMETIC or name in ("sum", "min", "max"):
                return any(self._is_real(operand, frame) for operand in operands)
            case tree.Only(_, aggregate):
                return self._is_real(aggregate, frame)
            case _:
                return False

    def _not_zero(self, node: tree.Expression, written: str) -> str:
        """PostgreSQL and DuckDB stop or give infinity where SQLite and MySQL give NULL."""
        if not self.dialect.is_strict or isinstance(node, tree.Constant | tree.Literal):
            return written
        bare = written[1:-1] if written.startswith("(") and isinstance(node, tree.Call) else written
        return f"NULLIF({bare}, 0)"

    @staticmethod
    def _precedence(node: tree.Expression) -> int:
        if isinstance(node, tree.PercentIf):
            return _PRECEDENCE["*"]
        if isinstance(node, tree.Call):
            if node.name in ("days_between", "concat", "weekday") or node.name in tree.AGO:
                return _PRECEDENCE["+"]
            return _PRECEDENCE["*"] if node.name in ("percent_of_total", "quarter") else _PRECEDENCE.get(node.name, 3)
        return 3

    def _moment(self, node: tree.Expression, frame: Frame) -> str:
        """Something with date parts; inside SQLite's functions a moment is their arguments: ``'now', '-1 days'``."""
        if self.dialect.name == "sqlite":
            if node == tree.Constant("now"):
                return "'now'"
            if isinstance(node, tree.Call) and node.name in tree.AGO:
                return self.dialect.ago_arguments(node.name, self.digits(node.operands[0]))
        written = self.expression(node, frame)
        if isinstance(node, tree.Column) and frame.kind(node) in (TEXT, UNKNOWN):
            return self.dialect.as_time(written)
        return written

    def _date_part(self, call: tree.Call, frame: Frame) -> str:
        operand = call.operands[0]
        if isinstance(operand, tree.Column) and frame.kind(operand) == NUMBER:
            return frame.write_column(operand)  # a year kept as a number is its own year
        moment = self._moment(operand, frame)
        if "," in moment and self.dialect.name == "sqlite" and call.name == "date":
            return f"date({moment})"
        return self.dialect.date_part(call.name, moment)

    def _only(self, conditions: tree.Conditions, aggregate: tree.Expression, frame: Frame) -> str:
        if isinstance(aggregate, tree.Only | tree.PercentIf):
            raise UndecodableError("An aggregate is filtered twice.")
        assert isinstance(aggregate, tree.Call)
        condition = self.conditions(conditions, frame)
        if aggregate.name == "sum":  # a total over no rows is 0 to a reader, and NULL to FILTER
            return f"SUM(CASE WHEN {condition} THEN {self.as_number(aggregate.operands[0], frame)} ELSE 0 END)"
        if self.dialect.has_filter:
            return f"{self.expression(aggregate, frame)} FILTER (WHERE {condition})"
        operand = aggregate.operands[0]
        if isinstance(operand, tree.Subquery):
            raise UndecodableError("An aggregate over a subquery is filtered.")
        kept = "1" if isinstance(operand, tree.AllOf) else self.expression(operand, frame)
        name, _, distinct = aggregate.name.partition("_")
        return f"{name.upper()}({'DISTINCT ' if distinct else ''}CASE WHEN {condition} THEN {kept} END)"

    def _window(self, window: tree.Call, frame: Frame, key: tree.Expression | None) -> str:
        partition = f"PARTITION BY {self.expression(key, frame)}" if key is not None else ""
        value = self.expression(window.operands[0], frame)
        if window.name == "percent_of_total":
            return f"100.0 * {value} / SUM({value}) OVER ({partition})"
        if window.name in tree.RANKS:
            direction = " DESC" if window.name == "rank_desc" else ""
            return f"RANK() OVER ({' '.join(filter(None, (partition, f'ORDER BY {value}{direction}')))})"
        keys = [
            self.expression(item, frame)
            for item in plain_items(frame.body)
            if item != key and not isinstance(item, tree.AllOf)
        ]
        if not keys:
            raise UndecodableError(f"{window.name} needs an item to go along, such as a month.")
        function = f"SUM({value})" if window.name == "running_total" else f"LAG({value})"
        return f"{function} OVER ({' '.join(filter(None, (partition, 'ORDER BY ' + ', '.join(keys))))})"

    def table_name(self, number: int, frame: Frame) -> str:
        table = frame.table(number)
        return ".".join(names.quote(part, self.dialect.name) for part in (*table.qualifier, table.name))
