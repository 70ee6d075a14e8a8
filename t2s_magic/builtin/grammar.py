"""The grammar of the built-in model's token sequences, and a state that tells which token may come next.

``GRAMMAR`` is the one source: the keyword alphabet, the mask used while decoding and the documentation in
``representation`` come from it. It is LL(1): one token decides every step, so a state is a stack of symbols.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from t2s_magic.builtin.tokens import ColumnRef, TableRef, Token, ValueRef

GRAMMAR = """
Query        : Body Compound*
Compound     : SetOperator Body
SetOperator  : union | union_all | intersect | except
Body         : distinct? Item+ Where? Group? Having? Ending Joining
Inner        : InnerBody InnerNext*
InnerNext    : SetOperator InnerBody
InnerBody    : distinct? Item+ Where? Group? Having? Ending Same? Joining

Item         : TABLE | Expr
Where        : where Conditions
Group        : group Scalar+
Having       : having GroupConditions
Ending       : Per | Sorted
Per          : per Scalar+ Order+ Limit
Sorted       : Order* Limit?
Order        : asc Expr | desc Expr
Limit        : limit_1 Offset? | limit Amount Offset?
Offset       : offset Amount
Same         : same Column+
Joining      : KeepAll? From? Via? On?
KeepAll      : keep_all TABLE
From         : from TABLE+
Via          : via Column+
On           : on JoinOn+
JoinOn       : Column Column

Column       : COLUMN | other COLUMN
Amount       : VALUE | 1 | 2 | 100
Number       : VALUE | 0 | 1 | 2 | 100
Literal      : Number | true | false
Moment       : now | Ago Amount
Ago          : days_ago | weeks_ago | months_ago | years_ago
Sub          : ( Inner )

Expr         : Column | Aggregate | Window | Arithmetic Pair | Rounding Expr | Texts | DateExpr
Pair         : Dated Operand | Free Dated
Dated        : Column | Aggregate | Window | Arithmetic Pair | Rounding Expr | Texts | Date
Operand      : Dated | Free
Free         : Number | Moment | Sub
Scalar       : Column | Computed
Computed     : Arithmetic ScalarPair | Rounding Scalar | Texts | DateExpr
ScalarPair   : ScalarDated Part | Free ScalarDated
ScalarDated  : Column | Arithmetic ScalarPair | Rounding Scalar | Texts | Date
Part         : ScalarDated | Free
Arithmetic   : + | - | * | /
Rounding     : round | round_int | abs
Texts        : concat Scalar Scalar | TextFunction Scalar
TextFunction : length | lower | upper
DateExpr     : DatePart Column | days_between DateOperand DateOperand
Date         : DatePart DateOperand | days_between DateOperand DateOperand
DatePart     : year | quarter | month | week | day | weekday | hour | year_month | date
DateOperand  : Column | Moment

Aggregate    : Measure | Total Totalled | percent_if ( Conditions )
Measure      : count Counted | count_distinct Scalar | sum_distinct Scalar | only ( Conditions ) Filtered
Filtered     : count FilterCount | count_distinct Scalar | sum_distinct Scalar | Total Scalar
Counted      : TABLE | Totalled
FilterCount  : TABLE | Scalar
Total        : sum | avg | min | max
Totalled     : Scalar | Sub
Window       : OverGroup | within Scalar OverGroup
OverGroup    : Series Windowed | rank_desc Ranked | rank_asc Ranked
Series       : percent_of_total | running_total | previous
Windowed     : Filtered | only ( Conditions ) Filtered
Ranked       : Windowed | Scalar

Conditions   : Condition Further*
Further      : and Condition | or Condition
Condition    : ( Conditions ) | not ( Conditions ) | exists Sub | not_exists Sub | Column ColumnTest | Computed Test
ColumnTest   : Compare Right | Within | is_max | is_min | above_avg | below_avg
Test         : Compare Right | Within
Right        : Part | true | false
Compare      : = | != | > | < | >= | <=
Within       : Between RangeEnd RangeEnd | Membership Members | Matching Literal | is_null | not_null
Between      : between | not_between
RangeEnd     : Part
Membership   : in | not_in
Members      : Sub | Literal+
Matching     : contains | not_contains | starts | not_starts | ends | not_ends | like | not_like

GroupConditions : GroupCondition GroupFurther*
GroupFurther    : and GroupCondition | or GroupCondition
GroupCondition  : ( GroupConditions ) | not ( GroupConditions ) | Grouped GroupTest
Grouped         : Aggregate | Arithmetic Pair | Rounding Aggregate
GroupTest       : Compare Operand | Within
"""

COLUMN, TABLE, VALUE, END = "COLUMN", "TABLE", "VALUE", "END"
_POINTERS = frozenset((COLUMN, TABLE, VALUE))


def kind_of(token: Token) -> str:
    """The token's terminal in the grammar: a keyword itself, or COLUMN, TABLE or VALUE for a pointer."""
    if isinstance(token, str):
        return token
    return {ColumnRef: COLUMN, TableRef: TABLE, ValueRef: VALUE}[type(token)]


def _read_grammar(text: str) -> dict[str, tuple[tuple[str, ...], ...]]:
    """Productions by name; ``X?``, ``X*`` and ``X+`` become productions of their own."""
    rules: dict[str, tuple[tuple[str, ...], ...]] = {}
    for line in filter(None, text.splitlines()):
        name, _, right = line.partition(":")
        rules[name.strip()] = tuple(tuple(part.split()) for part in right.split(" | "))
    for symbol in {symbol for parts in rules.values() for part in parts for symbol in part}:
        base, mark = symbol[:-1], symbol[-1]
        if base and mark == "?":
            rules[symbol] = ((base,), ())
        if base and mark in "*+":
            rules[f"{base}*"] = ((base, f"{base}*"), ())
        if base and mark == "+":
            rules[symbol] = ((base, f"{base}*"),)
    return rules


_RULES = _read_grammar(GRAMMAR)
KEYWORDS: tuple[str, ...] = tuple(
    sorted(
        {symbol for parts in _RULES.values() for part in parts for symbol in part if symbol not in _RULES} - _POINTERS
    )
)


def _nullable() -> frozenset[str]:
    found: set[str] = set()
    while True:
        more = {
            name for name, parts in _RULES.items() if any(all(symbol in found for symbol in part) for part in parts)
        }
        if more <= found:
            return frozenset(found)
        found |= more


_NULLABLE = _nullable()


def _first(part: Iterable[str], first: dict[str, frozenset[str]]) -> frozenset[str]:
    """The terminals that ``part`` can begin with."""
    found: frozenset[str] = frozenset()
    for symbol in part:
        found |= first.get(symbol, frozenset()) if symbol in _RULES else frozenset((symbol,))
        if symbol not in _NULLABLE:
            break
    return found


def _first_sets() -> dict[str, frozenset[str]]:
    first: dict[str, frozenset[str]] = {}
    while True:
        new = {name: frozenset().union(*(_first(part, first) for part in parts)) for name, parts in _RULES.items()}
        if new == first:
            return first
        first = new


_FIRST = _first_sets()


def _choices() -> dict[str, dict[str, tuple[str, ...]]]:
    """For each production, which right side the next terminal chooses; a conflict is a fault of the grammar."""
    table: dict[str, dict[str, tuple[str, ...]]] = {}
    for name, parts in _RULES.items():
        chosen = table.setdefault(name, {})
        for part in parts:
            for terminal in _first(part, _FIRST):
                assert terminal not in chosen, f"{name} is ambiguous at {terminal}"
                chosen[terminal] = part
    return table


_CHOICES = _choices()


def _shortest() -> dict[str, int]:
    """The least number of tokens that finishes each symbol."""
    lengths = dict.fromkeys((*KEYWORDS, *_POINTERS), 1)
    while True:
        known = dict(lengths)
        for name, parts in _RULES.items():
            sums = [sum(known[symbol] for symbol in part) for part in parts if all(symbol in known for symbol in part)]
            if sums:
                lengths[name] = min(sums)
        if known == lengths:
            return lengths


_SHORTEST = _shortest()


@dataclass(frozen=True)
class State:
    """Where a sequence stands in the grammar; ``State()`` is before its first token. Immutable, so beams may share it.

    Every sequence that follows ``allowed()`` can be read by ``tree.read``.
    """

    stack: tuple[str, ...] = ("Query",)

    def allowed(self) -> frozenset[str]:
        """Keywords, ``COLUMN``, ``TABLE``, ``VALUE`` or ``END`` that may come next."""
        return _allowed(self.stack)

    def advance(self, terminal: str) -> State:
        """The state after a keyword, ``COLUMN``, ``TABLE`` or ``VALUE``; ValueError where it is not allowed."""
        return _advance(self.stack, terminal)

    def wants_amount(self) -> bool:
        """Whether VALUE here is a count (of rows, days, months), so that only whole numbers make sense."""
        return bool(self.stack) and self.stack[-1] == "Amount"

    def tokens_to_finish(self) -> int:
        """The least number of further tokens (END not counted): keeps a beam within its length."""
        return sum(_SHORTEST[symbol] for symbol in self.stack)


@lru_cache(maxsize=16_384)
def _allowed(stack: tuple[str, ...]) -> frozenset[str]:
    found: frozenset[str] = frozenset()
    for symbol in reversed(stack):
        found |= _FIRST[symbol] if symbol in _RULES else frozenset((symbol,))
        if symbol not in _NULLABLE:
            return found
    return found | {END}


@lru_cache(maxsize=16_384)
def _advance(stack: tuple[str, ...], terminal: str) -> State:
    left = list(stack)
    while left:
        symbol = left.pop()
        if symbol == terminal:
            return State(tuple(left))
        part = _CHOICES.get(symbol, {}).get(terminal)
        if part is not None:
            left.extend(reversed(part))
        elif symbol not in _NULLABLE:
            break
    raise ValueError(f"{terminal!r} cannot come here; allowed: {', '.join(sorted(_allowed(stack)))}.")


def next_allowed(prefix: Iterable[Token]) -> frozenset[str]:
    """What may follow ``prefix``; see ``State`` for the incremental form."""
    state = State()
    for token in prefix:
        state = state.advance(kind_of(token))
    return state.allowed()
