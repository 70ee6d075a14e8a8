"""How the words of a question lie on the items of an answer: what it leaves out, brings in, or turns round."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from t2s_magic.builtin import tree
from t2s_magic.builtin.encoder import Array
from t2s_magic.builtin.features import QuestionFeatures, Relation, SchemaFeatures
from t2s_magic.builtin.joins import JoinGraph
from t2s_magic.builtin.sense import are_alike
from t2s_magic.builtin.tokens import Candidate, ColumnRef, Token, ValueRef

_WHOLE, _PART, _SHORT = 1.0, 0.6, 0.4
_STRENGTHS = {
    Relation.WORD_COLUMN_WHOLE: _WHOLE,
    Relation.WORD_COLUMN_PART: _PART,
    Relation.WORD_COLUMN_CELL_PART: _PART,
    Relation.WORD_COLUMN_SHORT: _SHORT,
    Relation.WORD_TABLE_WHOLE: _WHOLE,
    Relation.WORD_TABLE_PART: _PART,
    Relation.WORD_TABLE_SHORT: _SHORT,
}
_MOST = 5.0
_FARTHEST = 8
_SAYS = {
    "count": "many number numbers count often",
    "count_distinct": "many number numbers count",
    "avg": "average mean avg",
    "sum": "total sum amount",
    "max": "maximum max highest largest most greatest latest oldest longest biggest last high",
    "min": "minimum min lowest smallest least earliest youngest shortest fewest first cheapest",
}
_AGGREGATE_WORDS = {name: frozenset(words.split()) for name, words in _SAYS.items()}


@dataclass(frozen=True)
class Alignment:
    """``strength[word, item]`` says how well a word of the question names a column or table: 0 to 1."""

    words: tuple[str, ...]
    schema: SchemaFeatures
    strength: Array

    def of(self, column: tree.Column) -> Array:
        """How well each word names ``column``."""
        named: Array = self.strength[:, self.schema.positions[ColumnRef(column.table, column.column)]]
        return named

    def of_table(self, table: int) -> Array:
        named: Array = self.strength[:, len(self.schema.columns) + table]
        return named


def align(features: QuestionFeatures, schema: SchemaFeatures) -> Alignment:
    of_relation = np.zeros(max(Relation) + 1, np.float32)
    for relation, strength in _STRENGTHS.items():
        of_relation[relation] = strength
    count = len(features.words)
    relations = features.relations[:count, count : count + schema.size]
    return Alignment(tuple(word.lower() for word in features.words), schema, of_relation[relations])


def alignment_signs(
    alignment: Alignment,
    tokens: Sequence[Token],
    query: tree.Query,
    tables: Iterable[int],
    candidates: Sequence[Candidate],
    graph: JoinGraph,
) -> dict[str, float]:
    """Signs of one answer; ``tables`` are those that it reads."""
    body = query.bodies[0]
    places = [_place(item, alignment) for item in body.items]
    known = [place for place in places if place is not None]
    turned = sum(first > later for number, first in enumerate(known) for later in known[number + 1 :])
    return {
        **_left_out(alignment, tokens, tables, candidates),
        "items_turned_round": float(min(turned, 3)),
        "items_without_place": float(len(places) - len(known)),
        "items_without_words": float(
            sum(not alignment.of(item).any() for item in body.items if isinstance(item, tree.Column))
        ),
        **_of_tests(alignment, query, candidates),
        "unlike_members": float(
            sum(_is_unlike_member(node, graph) for node in _all(query) if isinstance(node, tree.Test))
        ),
        "unlike_sets": float(any(_are_unlike(body.items, other.items, graph) for other in query.bodies[1:])),
    }


def _left_out(
    alignment: Alignment, tokens: Sequence[Token], tables: Iterable[int], candidates: Sequence[Candidate]
) -> dict[str, float]:
    """Words that name something the answer does not use, and columns and tables that no word names."""
    strength, width = alignment.strength, len(alignment.schema.columns)
    columns = [alignment.schema.positions[token] for token in set(tokens) if isinstance(token, ColumnRef)]
    read = [width + table for table in tables]
    outside = np.ones(len(alignment.words), bool)
    for token in tokens:
        if isinstance(token, ValueRef):
            candidate = candidates[token.value]
            outside[max(candidate.start, 0) : max(candidate.end, 0)] = False
    best, mine = _strongest(strength), _strongest(strength[:, columns + read])
    by_column, mine_by_column = _strongest(strength[:, :width]), _strongest(strength[:, columns])
    by_table = _strongest(strength[:, width:])
    supports = [float(strength[:, column].max(initial=0)) for column in columns]
    named_tables = {
        alignment.schema.table_of[column] for column, support in zip(columns, supports, strict=True) if support
    }
    return {
        "words_left_out": _bounded((best - mine)[outside].sum()),
        "whole_names_left_out": _bounded((outside & (best == _WHOLE) & (mine < _WHOLE)).sum()),
        "matched_words_left_out": _bounded((outside & (best > 0) & (mine == 0)).sum()),
        "columns_left_out": _bounded((by_column - mine_by_column)[outside & (by_table < by_column)].sum()),
        "tables_left_out": _bounded((by_table - mine)[outside & (by_column <= by_table)].sum()),
        "columns_without_words": float(sum(not support for support in supports)),
        "support": float(np.mean(supports)) if supports else 1.0,
        "tables_without_words": float(
            sum(not strength[:, item].any() and item - width not in named_tables for item in read)
        ),
    }


def _strongest(strength: Array) -> Array:
    strongest: Array = strength.max(1, initial=0)
    return strongest


def _bounded(amount: float) -> float:
    return float(min(amount, _MOST))


def _place(item: tree.Expression, alignment: Alignment) -> int | None:
    """The word of the question that an item of SELECT answers to."""
    node: tree.Expression = item.window if isinstance(item, tree.Within) else item
    node = node.aggregate if isinstance(node, tree.Only) else node
    column = node if isinstance(node, tree.Column) else None
    if isinstance(node, tree.Call):
        wanted = _AGGREGATE_WORDS.get(node.name, frozenset())
        place = next((number for number, word in enumerate(alignment.words) if word in wanted), None)
        if place is not None:
            return place
        column = next((part for part in tree.walk(node) if isinstance(part, tree.Column)), None)
    if column is None:
        return None
    for strength in (alignment.of(column), alignment.of_table(column.table)):
        if strength.any():
            return int(strength.argmax())
    return None


def _all(query: tree.Query) -> list[tree.Node]:
    return list(tree.walk(query, into_subqueries=True))


def _of_tests(alignment: Alignment, query: tree.Query, candidates: Sequence[Candidate]) -> dict[str, float]:
    """How far values stand from the words of their columns; whether the two words of a name fall on two tables."""
    compared = [
        (node, node.left, candidates[right.value])
        for node in _all(query)
        if isinstance(node, tree.Test) and isinstance(node.left, tree.Column)
        for right in node.rights
        if isinstance(right, tree.Literal)
    ]
    distances = [
        int(np.abs(np.flatnonzero(alignment.of(column)) - value.start).min(initial=_FARTHEST))
        for _, column, value in compared
        if value.start >= 0
    ]
    equals = [(value, column.table) for node, column, value in compared if node.operator == "="]
    return {
        "value_far_from_column": float(max(distances, default=0)),
        "name_on_two_tables": float(
            any(
                0 < value.end == further.start and table != other
                for value, table in equals
                for further, other in equals
            )
        ),
    }


def _is_unlike_member(test: tree.Test, graph: JoinGraph) -> bool:
    """``city_id IN (SELECT county_id …)``"""
    if test.operator not in tree.MEMBERSHIP or not isinstance(test.rights[0], tree.Subquery):
        return False
    return _are_unlike((test.left,), test.rights[0].query.bodies[0].items[:1], graph)


def _are_unlike(lefts: Sequence[tree.Expression], rights: Sequence[tree.Expression], graph: JoinGraph) -> bool:
    """Columns that have neither their name nor a key in common."""
    return any(
        isinstance(left, tree.Column)
        and isinstance(right, tree.Column)
        and not are_alike(ColumnRef(left.table, left.column), ColumnRef(right.table, right.column), graph)
        for left, right in zip(lefts, rights, strict=False)
    )
