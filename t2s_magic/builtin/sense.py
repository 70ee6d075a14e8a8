"""What can be seen from an answer alone to be wrong, or likely so."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from t2s_magic.builtin import tree
from t2s_magic.builtin.features import Flag, type_flag
from t2s_magic.builtin.joins import JoinGraph
from t2s_magic.builtin.literals import as_number
from t2s_magic.builtin.tokens import Candidate, ColumnRef
from t2s_magic.schema import Schema

_ISO_DATE = re.compile(r"\d{4}-\d\d")
_ONE_SIDED = ("except", "intersect", "union")


def is_senseless(query: tree.Query, candidates: Sequence[Candidate]) -> bool:
    """No question asks for this: a column twice, a set against itself, a condition twice, a range turned round."""
    return (
        _sets_against_itself(query)
        or any(_repeats(body.items) for body in query.bodies)
        or any(_repeats_a_test(conditions) for body in query.bodies for conditions in _conditions(body))
        or any(_is_turned_round(test, candidates) for test in _tests(query))
    )


def misplaced_values(query: tree.Query, candidates: Sequence[Candidate], schema: Schema) -> int:
    """Values set equal to a column that does not hold them though others do, and texts set equal to numbers."""
    return sum(
        is_misplaced(ColumnRef(test.left.table, test.left.column), candidates[right.value], schema)
        for test in _tests(query)
        if test.operator in ("=", "!=", "in", "not_in") and isinstance(test.left, tree.Column)
        for right in test.rights
        if isinstance(right, tree.Literal)
    )


def is_misplaced(column: ColumnRef, candidate: Candidate, schema: Schema) -> bool:
    """Whether only other columns hold the value, or it is a text beside a column of numbers."""
    kind = type_flag(schema.tables[column.table].columns[column.column].type)
    if as_number(candidate.text) is not None and kind != Flag.TEXT:
        return False
    if candidate.table >= 0:
        return column not in (ColumnRef(candidate.table, candidate.column), *candidate.others)
    return kind == Flag.NUMBER


def are_alike(left: ColumnRef, right: ColumnRef, graph: JoinGraph) -> bool:
    """Whether two columns have their name or a key in common."""
    names = [graph.schema.tables[one.table].columns[one.column].name.casefold() for one in (left, right)]
    ends = {(left.table, left.column), (right.table, right.column)}
    return names[0] == names[1] or any(
        {(edge.table, edge.columns[0]), (edge.to_table, edge.to_columns[0])} == ends for edge in graph.edges[left.table]
    )


def _tests(query: tree.Query) -> Iterator[tree.Test]:
    return (node for node in tree.walk(query, into_subqueries=True) if isinstance(node, tree.Test))


def _conditions(body: tree.Body) -> Iterator[tree.Conditions]:
    return (node for node in tree.walk(body) if isinstance(node, tree.Conditions))


def _repeats(parts: Sequence[object]) -> bool:
    return len(set(parts)) < len(parts)


def _repeats_a_test(conditions: tree.Conditions) -> bool:
    """The same condition twice, or one value compared twice with the same column."""
    tests = [part for part in conditions.parts if isinstance(part, tree.Test) and part.rights]
    return _repeats(conditions.parts) or _repeats([(test.left, test.rights) for test in tests])


def _sets_against_itself(query: tree.Query) -> bool:
    return bool(query.operators) and query.operators[0] in _ONE_SIDED and _repeats(query.bodies)


def _is_turned_round(test: tree.Test, candidates: Sequence[Candidate]) -> bool:
    if test.operator not in ("between", "not_between"):
        return False
    texts = [candidates[end.value].text for end in test.rights if isinstance(end, tree.Literal)]
    ends = [as_number(text) for text in texts]
    if len(ends) < 2:
        return False
    if ends[0] is not None and ends[1] is not None:
        return ends[0] >= ends[1]
    return all(map(_ISO_DATE.match, texts)) and texts[0] >= texts[1]
