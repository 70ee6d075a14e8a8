"""The few small statements that assumptions and empty results are looked up with: counts, ranges, nearest values."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sqlglot import exp

from t2s_magic.errors import Text2SqlError
from t2s_magic.guard.stumbles import STUMBLES
from t2s_magic.guard.words_names import Source
from t2s_magic.guard.words_parts import TooComplexError, kind_of_type
from t2s_magic.guard.words_scope import Scope
from t2s_magic.schema import Table

_MOST_VALUES = 2_000  # distinct values of a column that are compared with one that is not there
_NEAREST = 3
_MOST_COUNTS = 20  # conditions counted by one statement
_LONGEST_VALUE = 60  # characters of a value that are shown
NULL_IN_LIST = "The list after NOT IN holds a missing value (NULL), so NOT IN passes no row."


class Found(Protocol):
    """Rows, as ``database.Rows`` has them."""

    @property
    def rows(self) -> Sequence[tuple[Any, ...]]: ...


LookUp = Callable[[str], Found]


class LookUps:
    """At most ``budget`` statements through ``look_up``. What is over budget or fails gives None: not known.

    After a failure nothing more is asked: the next one would most likely run into the same time limit.
    """

    def __init__(self, look_up: LookUp, dialect: str, budget: int) -> None:
        self._look_up = look_up
        self._dialect = dialect
        self._left = budget

    def rows(self, query: exp.Expr) -> Sequence[tuple[Any, ...]] | None:
        if not self._left:
            return None
        self._left -= 1
        try:
            return self._look_up(query.sql(dialect=self._dialect)).rows
        except (Text2SqlError, *STUMBLES):
            # A person sees the sentence without this figure; the statement itself is not concerned.
            self._left = 0
            return None

    def counts(self, query: exp.Select, conditions: Sequence[exp.Expr]) -> list[int] | None:
        """How many rows of ``query`` there are, then how many pass each condition."""
        asked = conditions[:_MOST_COUNTS]
        found = self.rows(query.select(exp.Count(this=exp.Star()), *map(count_of, asked), append=False))
        return [int(value) for value in found[0]] if found else None


@dataclass(frozen=True)
class Column:
    """A column of a table, under the alias that a statement gives the table."""

    source: Source
    table: Table
    name: str

    @property
    def node(self) -> exp.Column:
        return exp.column(exp.to_identifier(self.name, quoted=True), exp.to_identifier(self.source.alias, quoted=True))

    @property
    def kind(self) -> str:
        column = self.table.column(self.name)
        return kind_of_type(column.type) if column else ""


def from_table(source: Source, table: Table) -> exp.Select:
    """``FROM table AS alias``, names quoted."""
    qualifier = [exp.to_identifier(part, quoted=True) for part in table.qualifier]
    node = exp.Table(
        this=exp.to_identifier(table.name, quoted=True),
        db=qualifier[-1] if qualifier else None,
        catalog=qualifier[-2] if len(qualifier) > 1 else None,
        alias=exp.TableAlias(this=exp.to_identifier(source.alias, quoted=True)),
    )
    return exp.Select().from_(node)


def count_of(condition: exp.Expr) -> exp.Expr:
    one = exp.Literal.number(1)
    return exp.Count(this=exp.Case(ifs=[exp.If(this=condition.copy(), true=one)]))


def column_of(node: exp.Expr, scope: Scope) -> Column | None:
    """The column of a table of this SELECT that ``node`` is, or None."""
    if not isinstance(node, exp.Column) or isinstance(node.this, exp.Star):
        return None
    try:
        found = scope.locate(node)
    except TooComplexError:
        return None
    if found is None or found[0].table is None:
        return None
    table = found[0].table
    column = table.column(found[1])
    return Column(found[0], table, column.name) if column else None


def missing_in(query: exp.Select, look_ups: LookUps) -> int:
    """How many NULLs a query of one column gives; 0 where that is not known."""
    name = exp.to_identifier("found", quoted=True)
    values = query.copy()
    values.set("expressions", [exp.alias_(query.expressions[0].unalias().copy(), name)])
    source = exp.Subquery(this=values, alias=exp.TableAlias(this=exp.to_identifier("listed", quoted=True)))
    is_missing = exp.Is(this=exp.Column(this=name.copy()), expression=exp.Null())
    counts = look_ups.counts(exp.Select().from_(source), [is_missing])
    return counts[1] if counts else 0


def columns_in(node: exp.Expr) -> Iterator[exp.Column]:
    """The columns that ``node`` names itself, not those of queries inside it."""
    for inner in node.walk(prune=lambda inner: isinstance(inner, exp.Query)):
        if isinstance(inner, exp.Column):
            yield inner


def range_of(column: Column, look_ups: LookUps) -> str:
    """``InvoiceDate runs from 2021-01-01 to 2025-12-22``, or "" where that is not known."""
    found = look_ups.rows(
        from_table(column.source, column.table).select(exp.Min(this=column.node), exp.Max(this=column.node))
    )
    if not found or found[0][0] is None:
        return ""
    lowest, highest = (shown(value) for value in found[0])
    return (
        f"{column.name} is always {lowest}" if lowest == highest else f"{column.name} runs from {lowest} to {highest}"
    )


def nearest_to(text: str, column: Column, look_ups: LookUps) -> str:
    """``did you mean 'Manhattan'``, or what the column holds, or "" where that is not known."""
    values = look_ups.rows(
        from_table(column.source, column.table)
        .select(column.node)
        .distinct()
        .where(exp.Not(this=exp.Is(this=column.node, expression=exp.Null())))
        .limit(_MOST_VALUES)
    )
    if not values:
        return ""
    texts = {str(value): str(value).strip().casefold() for (value,) in values}
    folded = text.strip().casefold()
    near = [value for value, other in texts.items() if other == folded]
    near = near or difflib.get_close_matches(text, list(texts), _NEAREST)
    near = near or [value for value, other in texts.items() if folded in other]
    if near:
        return f"did you mean {_either([repr_of(value) for value in near[:_NEAREST]])}?"
    if len(texts) <= 2 * _NEAREST:
        return f"{column.name} holds {', '.join(sorted(map(repr_of, texts)))}"
    return ""


def repr_of(value: str) -> str:
    return f"'{shown(value)}'"


def shown(value: Any) -> str:
    text = str(value)
    return text if len(text) <= _LONGEST_VALUE else text[: _LONGEST_VALUE - 1] + "…"


def _either(items: Sequence[str]) -> str:
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} or {items[-1]}"
