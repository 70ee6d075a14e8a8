"""Token sequences as trees: ``read`` turns tokens into a ``Query``, ``write`` turns a ``Query`` into tokens.

The two are inverse, and both follow ``grammar.GRAMMAR`` rule by rule. No SQL text here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields

from t2s_magic.builtin.grammar import State, kind_of
from t2s_magic.builtin.tokens import ColumnRef, TableRef, Token, ValueRef

ARITHMETIC = frozenset("+-*/")
DATE_PARTS = frozenset(("year", "quarter", "month", "week", "day", "weekday", "hour", "year_month", "date"))
AGGREGATES = frozenset(("count", "count_distinct", "sum", "sum_distinct", "avg", "min", "max"))
RANKS = frozenset(("rank_desc", "rank_asc"))
WINDOWS = frozenset(("percent_of_total", "running_total", "previous")) | RANKS
AGO = frozenset(("days_ago", "weeks_ago", "months_ago", "years_ago"))
CONSTANTS = frozenset(("0", "1", "2", "100", "true", "false"))
SET_OPERATORS = frozenset(("union", "union_all", "intersect", "except"))
NO_OPERAND = frozenset(("is_null", "not_null", "is_max", "is_min", "above_avg", "below_avg"))
RANGES = frozenset(("between", "not_between"))
MEMBERSHIP = frozenset(("in", "not_in"))
_ONE_OPERAND = (
    DATE_PARTS | AGGREGATES | WINDOWS | frozenset(("round", "round_int", "abs", "length", "lower", "upper")) | AGO
)
_TWO_OPERANDS = ARITHMETIC | {"concat", "days_between"}


@dataclass(frozen=True)
class Column:
    """A column of the first copy of its table, or of the second (``is_other``)."""

    table: int
    column: int
    is_other: bool = False

    @property
    def instance(self) -> tuple[int, bool]:
        return (self.table, self.is_other)


@dataclass(frozen=True)
class AllOf:
    """A bare table: all its columns as an item, its rows inside ``count``."""

    table: int


@dataclass(frozen=True)
class Literal:
    """The candidate at position ``value``."""

    value: int


@dataclass(frozen=True)
class Constant:
    """A constant of the grammar, or ``now``."""

    text: str


@dataclass(frozen=True)
class Call:
    """Arithmetic, a function, an aggregate, a window or a moment: ``name`` is its keyword."""

    name: str
    operands: tuple[Expression, ...]


@dataclass(frozen=True)
class Only:
    """An aggregate over the rows for which the conditions hold."""

    conditions: Conditions
    aggregate: Expression


@dataclass(frozen=True)
class PercentIf:
    """The percentage of rows for which the conditions hold."""

    conditions: Conditions


@dataclass(frozen=True)
class Within:
    """A window for each value of ``key``."""

    key: Expression
    window: Call


@dataclass(frozen=True)
class Subquery:
    query: Query


@dataclass(frozen=True)
class Test:
    """``left operator rights``; how many rights there are depends on the operator."""

    left: Expression
    operator: str
    rights: tuple[Expression, ...] = ()


@dataclass(frozen=True)
class Exists:
    query: Query
    is_negated: bool


@dataclass(frozen=True)
class Nested:
    """Conditions in parentheses, after ``not`` where negated."""

    conditions: Conditions
    is_negated: bool = False


@dataclass(frozen=True)
class Conditions:
    """``parts`` joined by ``joiners`` ("and", "or"), one fewer; "and" binds tighter."""

    parts: tuple[Test | Exists | Nested, ...]
    joiners: tuple[str, ...] = ()


@dataclass(frozen=True)
class Order:
    is_descending: bool
    key: Expression


@dataclass(frozen=True)
class Body:
    """One SELECT. ``tables``, ``via`` and ``on`` are what the schema alone does not tell about its joins."""

    items: tuple[Expression, ...]
    is_distinct: bool = False
    where: Conditions | None = None
    group: tuple[Expression, ...] = ()
    having: Conditions | None = None
    per: tuple[Expression, ...] = ()
    order: tuple[Order, ...] = ()
    limit: Expression | None = None
    offset: Expression | None = None
    same: tuple[Column, ...] = ()
    keep_all: int | None = None
    tables: tuple[int, ...] = ()
    via: tuple[Column, ...] = ()
    on: tuple[tuple[Column, Column], ...] = ()


@dataclass(frozen=True)
class Query:
    """SELECTs joined by set operators, one fewer."""

    bodies: tuple[Body, ...]
    operators: tuple[str, ...] = ()


Expression = Column | AllOf | Literal | Constant | Call | Only | PercentIf | Within | Subquery
Node = Expression | Test | Exists | Nested | Conditions | Order | Body | Query

ONE = Constant("1")


def walk(node: Node, *, into_subqueries: bool = False) -> Iterator[Node]:
    """``node`` and everything below it, in the order of the tokens; subqueries only where asked for."""
    yield node
    if isinstance(node, Subquery | Exists) and not into_subqueries:
        return
    for field in fields(node):
        yield from _walk_value(getattr(node, field.name), into_subqueries)


def _walk_value(value: object, into_subqueries: bool) -> Iterator[Node]:
    if isinstance(value, tuple):
        for part in value:
            yield from _walk_value(part, into_subqueries)
    elif isinstance(value, Node):
        yield from walk(value, into_subqueries=into_subqueries)


def read(tokens: Sequence[Token]) -> Query:
    """The tree of a whole sequence; ValueError, naming the token, where it does not follow the grammar."""
    state = State()
    for position, token in enumerate(tokens):
        try:
            state = state.advance(kind_of(token))
        except ValueError as error:
            raise ValueError(f"Token {position + 1} of the sequence: {error}") from error
    if "END" not in state.allowed():
        raise ValueError(f"The sequence of {len(tokens)} tokens is not finished.")
    return _Reader(tokens).query()


class _Reader:
    """Recursive descent over tokens that are known to follow the grammar."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self._tokens = tokens
        self._position = 0

    def _peek(self) -> Token | None:
        return self._tokens[self._position] if self._position < len(self._tokens) else None

    def _next(self) -> Token:
        self._position += 1
        return self._tokens[self._position - 1]

    def _take(self, *keywords: str) -> str | None:
        token = self._peek()
        if isinstance(token, str) and token in keywords:
            self._position += 1
            return token
        return None

    def query(self) -> Query:
        bodies, operators = [self._body()], []
        while operator := self._take(*SET_OPERATORS):
            operators.append(operator)
            bodies.append(self._body())
        return Query(tuple(bodies), tuple(operators))

    def _body(self) -> Body:
        is_distinct = self._take("distinct") is not None
        items = [self._expression()]
        while self._starts_expression():
            items.append(self._expression())
        return Body(
            tuple(items),
            is_distinct,
            where=self._conditions() if self._take("where") else None,
            group=self._expressions() if self._take("group") else (),
            having=self._conditions() if self._take("having") else None,
            per=self._expressions() if self._take("per") else (),
            order=self._orders(),
            limit=self._limit(),
            offset=self._expression() if self._take("offset") else None,
            same=self._columns() if self._take("same") else (),
            keep_all=self._table() if self._take("keep_all") else None,
            tables=self._tables() if self._take("from") else (),
            via=self._columns() if self._take("via") else (),
            on=self._equalities() if self._take("on") else (),
        )

    def _starts_expression(self) -> bool:
        token = self._peek()
        if isinstance(token, str):
            return token in _EXPRESSION_STARTS
        return token is not None

    def _expressions(self) -> tuple[Expression, ...]:
        found = [self._expression()]
        while self._starts_expression():
            found.append(self._expression())
        return tuple(found)

    def _expression(self) -> Expression:
        token = self._next()
        if isinstance(token, ColumnRef):
            return Column(token.table, token.column)
        if isinstance(token, TableRef):
            return AllOf(token.table)
        if isinstance(token, ValueRef):
            return Literal(token.value)
        return self._keyword_expression(token)

    def _keyword_expression(self, keyword: str) -> Expression:
        if keyword == "other":
            return self._other()
        if keyword in CONSTANTS or keyword == "now":
            return Constant(keyword)
        if keyword == "(":
            subquery = Subquery(self.query())
            self._next()
            return subquery
        if keyword == "percent_if":
            return PercentIf(self._enclosed())
        if keyword == "only":
            return Only(self._enclosed(), self._expression())
        if keyword == "within":
            key, window = self._expression(), self._expression()
            assert isinstance(window, Call)
            return Within(key, window)
        count = 2 if keyword in _TWO_OPERANDS else 1
        return Call(keyword, tuple(self._expression() for _ in range(count)))

    def _other(self) -> Column:
        token = self._next()
        assert isinstance(token, ColumnRef)
        return Column(token.table, token.column, is_other=True)

    def _columns(self) -> tuple[Column, ...]:
        columns: list[Column] = []
        while isinstance(self._peek(), ColumnRef) or self._peek() == "other":
            column = self._expression()
            assert isinstance(column, Column)
            columns.append(column)
        return tuple(columns)

    def _equalities(self) -> tuple[tuple[Column, Column], ...]:
        columns = self._columns()
        return tuple(zip(columns[::2], columns[1::2], strict=True))

    def _table(self) -> int:
        token = self._next()
        assert isinstance(token, TableRef)
        return token.table

    def _tables(self) -> tuple[int, ...]:
        tables = [self._table()]
        while isinstance(self._peek(), TableRef):
            tables.append(self._table())
        return tuple(tables)

    def _orders(self) -> tuple[Order, ...]:
        orders = []
        while direction := self._take("asc", "desc"):
            orders.append(Order(direction == "desc", self._expression()))
        return tuple(orders)

    def _limit(self) -> Expression | None:
        if self._take("limit_1"):
            return ONE
        return self._expression() if self._take("limit") else None

    def _enclosed(self) -> Conditions:
        self._next()
        conditions = self._conditions()
        self._next()
        return conditions

    def _conditions(self) -> Conditions:
        parts, joiners = [self._condition()], []
        while joiner := self._take("and", "or"):
            joiners.append(joiner)
            parts.append(self._condition())
        return Conditions(tuple(parts), tuple(joiners))

    def _condition(self) -> Test | Exists | Nested:
        if self._take("not"):
            return Nested(self._enclosed(), is_negated=True)
        if self._peek() == "(":
            return Nested(self._enclosed())
        if keyword := self._take("exists", "not_exists"):
            subquery = self._expression()
            assert isinstance(subquery, Subquery)
            return Exists(subquery.query, keyword == "not_exists")
        return self._test()

    def _test(self) -> Test:
        left = self._expression()
        operator = self._next()
        assert isinstance(operator, str)
        if operator in NO_OPERAND:
            return Test(left, operator)
        rights = [self._expression()]
        if operator in RANGES:
            rights.append(self._expression())
        if operator in MEMBERSHIP and not isinstance(rights[0], Subquery):
            while isinstance(self._peek(), ValueRef) or self._peek() in CONSTANTS:
                rights.append(self._expression())
        return Test(left, operator, tuple(rights))


_EXPRESSION_STARTS = (_ONE_OPERAND | _TWO_OPERANDS | {"other", "only", "percent_if", "within"}) - AGO


def write(query: Query) -> list[Token]:
    """The tokens of a tree; ``read`` gives the same tree back."""
    tokens = _body_tokens(query.bodies[0])
    for operator, body in zip(query.operators, query.bodies[1:], strict=True):
        tokens += [operator, *_body_tokens(body)]
    return tokens


def _body_tokens(body: Body) -> list[Token]:
    tokens: list[Token] = ["distinct"] if body.is_distinct else []
    tokens += _all_tokens(body.items)
    if body.where:
        tokens += ["where", *_condition_tokens(body.where)]
    tokens += _clause("group", body.group)
    if body.having:
        tokens += ["having", *_condition_tokens(body.having)]
    tokens += _clause("per", body.per)
    for order in body.order:
        tokens += ["desc" if order.is_descending else "asc", *_tokens(order.key)]
    if body.limit is not None:
        tokens += ["limit_1"] if body.limit == ONE else ["limit", *_tokens(body.limit)]
    if body.offset is not None:
        tokens += ["offset", *_tokens(body.offset)]
    tokens += _clause("same", body.same)
    if body.keep_all is not None:
        tokens += ["keep_all", TableRef(body.keep_all)]
    tokens += _clause("from", tuple(AllOf(table) for table in body.tables))
    tokens += _clause("via", body.via)
    return tokens + _clause("on", tuple(column for pair in body.on for column in pair))


def _clause(keyword: str, nodes: tuple[Expression, ...]) -> list[Token]:
    return [keyword, *_all_tokens(nodes)] if nodes else []


def _all_tokens(nodes: Sequence[Expression]) -> list[Token]:
    return [token for node in nodes for token in _tokens(node)]


def _tokens(node: Expression) -> list[Token]:
    match node:
        case Column(table, column, is_other):
            return [*(["other"] if is_other else []), ColumnRef(table, column)]
        case AllOf(table):
            return [TableRef(table)]
        case Literal(value):
            return [ValueRef(value)]
        case Constant(text):
            return [text]
        case Call(name, operands):
            return [name, *_all_tokens(operands)]
        case Only(conditions, aggregate):
            return ["only", "(", *_condition_tokens(conditions), ")", *_tokens(aggregate)]
        case PercentIf(conditions):
            return ["percent_if", "(", *_condition_tokens(conditions), ")"]
        case Within(key, window):
            return ["within", *_tokens(key), *_tokens(window)]
        case Subquery(query):
            return ["(", *write(query), ")"]


def _condition_tokens(conditions: Conditions) -> list[Token]:
    tokens = _part_tokens(conditions.parts[0])
    for joiner, part in zip(conditions.joiners, conditions.parts[1:], strict=True):
        tokens += [joiner, *_part_tokens(part)]
    return tokens


def _part_tokens(part: Test | Exists | Nested) -> list[Token]:
    match part:
        case Test(left, operator, rights):
            return [*_tokens(left), operator, *_all_tokens(rights)]
        case Exists(query, is_negated):
            return ["not_exists" if is_negated else "exists", "(", *write(query), ")"]
        case Nested(conditions, is_negated):
            return [*(["not"] if is_negated else []), "(", *_condition_tokens(conditions), ")"]
