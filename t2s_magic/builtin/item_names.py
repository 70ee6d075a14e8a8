"""Names for computed columns: ``COUNT(*)`` of orders becomes ``number_of_orders``."""

from __future__ import annotations

from collections.abc import Sequence

from t2s_magic.builtin import names, tree
from t2s_magic.builtin.dialects import DATE
from t2s_magic.builtin.frames import Frame
from t2s_magic.builtin.joins import singular
from t2s_magic.builtin.tokens import Candidate
from t2s_magic.builtin.words import split_name

_PREFIXES = {
    "sum": "total",
    "sum_distinct": "total",
    "avg": "average",
    "min": "lowest",
    "max": "highest",
    "count": "count",
    "count_distinct": "distinct",
    "length": "length",
    "rank_desc": "rank_by",
    "rank_asc": "rank_by",
    "running_total": "running",
    "previous": "previous",
    "percent_of_total": "percent_of",
}
_ARITHMETIC = {"+": "sum", "-": "difference", "*": "product", "/": "ratio"}
_TRANSPARENT = frozenset(("round", "round_int", "abs", "lower", "upper"))
_LONGEST = 40


def item_names(items: Sequence[tree.Expression], frame: Frame, candidates: Sequence[Candidate]) -> list[str | None]:
    """A name for each computed item, None for plain columns; distinct, and no column's name."""
    taken = {column.name.casefold() for table, _ in frame.labels for column in frame.table(table).columns}
    found: list[str | None] = []
    output: set[str] = set()
    for item in items:
        if isinstance(item, tree.AllOf) or (isinstance(item, tree.Column) and _is_new(item, frame, output)):
            found.append(None)
            continue
        base = _name(item, frame)
        if isinstance(item, tree.Only):
            base = f"{base}_{_value_of(item.conditions, candidates)}"
        if isinstance(item, tree.Column) and not item.is_other:
            base = f"{_singular(_snake(frame.labels[item.instance]))}_{base}"
        if len(base) > _LONGEST or names.quote(base, "postgres") != base:
            base = "value"
        name, number = base, 2
        while name in taken:
            name, number = f"{base}_{number}", number + 1
        taken.add(name)
        found.append(name)
    return found


def _is_new(item: tree.Column, frame: Frame, output: set[str]) -> bool:
    """Whether no column of that name came before; takes it up."""
    name = frame.column(item).name.casefold()
    is_new = name not in output
    output.add(name)
    return is_new


def _name(node: tree.Expression, frame: Frame) -> str:
    match node:
        case tree.Column():
            name = _snake(frame.column(node).name)
            return f"{_snake(frame.labels[node.instance])}_{name}" if node.is_other else name
        case tree.PercentIf():
            return "percentage"
        case tree.Only(_, aggregate):
            return _name(aggregate, frame)
        case tree.Call("count" | "count_distinct", (tree.Column() as column,)) if _is_key(column, frame):
            return f"number_of_{_snake(frame.table(column.table).name)}"
        case tree.Call("min" | "max" as name, (tree.Column() as column,)) if frame.kind(column) == DATE:
            return f"{'first' if name == 'min' else 'last'}_{_name(column, frame)}"
        case tree.Call("sum", (tree.Call(),)):
            return "total"
        case tree.Within(_, window):
            return _name(window, frame)
        case tree.Call("count", (tree.AllOf(table),)):
            return f"number_of_{_snake(frame.table(table).name)}" if table >= 0 else "number"
        case tree.Call(name, (operand,)) if name in _TRANSPARENT:
            return _name(operand, frame)
        case tree.Call(name, (operand, *_)) if name in _PREFIXES:
            return _prefixed(_PREFIXES[name], _name(operand, frame))
        case tree.Call("concat", (left, right)):
            return "full_name" if "name" in _name(left, frame) and "name" in _name(right, frame) else "text"
        case tree.Call("days_between", _):
            return "days"
        case tree.Call("year_month", _):
            return "month"
        case tree.Call(name, _):
            return _ARITHMETIC.get(name, name)
        case _:
            return "value"


def _prefixed(prefix: str, name: str) -> str:
    """``total_quantity``; but ``sum_of_total``, not ``total_total``."""
    return f"sum_of_{name}" if prefix == "total" and name.startswith("total") else f"{prefix}_{name}"


def _value_of(conditions: tree.Conditions, candidates: Sequence[Candidate]) -> str:
    """``paid`` for ``status = 'paid'``; "if" for anything longer."""
    match conditions:
        case tree.Conditions((tree.Test(_, "=", (tree.Literal(value),)),)) if value < len(candidates):
            return _snake(candidates[value].text)
    return "if"


def _is_key(column: tree.Column, frame: Frame) -> bool:
    return frame.table(column.table).primary_key == (frame.column(column).name,)


def _singular(name: str) -> str:
    """``order_items`` -> ``order_item``."""
    first, _, last = name.rpartition("_")
    return f"{first}_{singular(last)}" if first else singular(last)


def _snake(name: str) -> str:
    return "_".join(split_name(name)) or "value"
