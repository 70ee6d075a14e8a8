"""What speaks for and against each answer to a question, before any is run."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from t2s_magic.builtin import tree
from t2s_magic.builtin.alignment import Alignment, alignment_signs
from t2s_magic.builtin.beam import Answer
from t2s_magic.builtin.cues import misread_comparisons, misread_order
from t2s_magic.builtin.joins import JoinGraph, NoJoinError
from t2s_magic.builtin.plan import plan_joins
from t2s_magic.builtin.sense import misplaced_values
from t2s_magic.builtin.tokens import Candidate, ColumnRef, TableRef, Token, ValueRef
from t2s_magic.schema import Schema

Signs = dict[str, float]

# Beyond these, more says nothing more, and would outweigh all other signs.
_LOWEST = -12.0
_MOST_REPEATED = 5
_MOST_LEFT = 5.0
_LIKELY = 0.1


@dataclass(frozen=True)
class Posed:
    """A question as far as it is known before its answers: ``linked`` says how likely each item is to be used."""

    candidates: Sequence[Candidate]
    linked: Mapping[Token, float]
    alignment: Alignment
    graph: JoinGraph

    @property
    def schema(self) -> Schema:
        return self.graph.schema


def all_signs(posed: Posed, answers: Sequence[Answer]) -> list[Signs]:
    """The signs of each answer, by name; ``answers`` are in the order of the search."""
    return [
        {**_of_search(answers, rank), **_of_answer(posed, answer.tokens, tree.read(answer.tokens))}
        for rank, answer in enumerate(answers)
    ]


def _of_search(answers: Sequence[Answer], rank: int) -> Signs:
    """How sure the network was, alone and beside its other answers."""
    answer = answers[rank]
    own = answer.log_probability
    best = max(other.log_probability for other in answers)
    others = [other.log_probability for place, other in enumerate(answers) if place != rank]
    return {
        "probability": math.exp(own),
        "log_probability": max(own, _LOWEST),
        "per_token": max(own / len(answer.steps), _LOWEST / 4),
        "weakest": max(min(answer.steps), _LOWEST),
        "behind_best": max(own - best, _LOWEST),
        "ahead_of_next": max(min(own - max(others, default=own - 10), -_LOWEST), _LOWEST),
        "log_length": math.log(len(answer.steps)),
        "rank": float(rank),
    }


def _of_answer(posed: Posed, tokens: Sequence[Token], query: tree.Query) -> Signs:
    pointers = [token for token in tokens if not isinstance(token, str)]
    return {
        "repeated_items": float(min(len(pointers) - len(set(pointers)), _MOST_REPEATED)),
        "sub_queries": float(sum(token == "(" for token in tokens)),
        "misplaced_values": float(misplaced_values(query, posed.candidates, posed.schema)),
        "misread_comparisons": misread_comparisons(query, posed.candidates, posed.alignment.words)
        + misread_order(query, posed.alignment.words),
        **_unused(tokens, posed.candidates),
        **_linking(set(pointers), posed),
        **alignment_signs(
            posed.alignment, tokens, query, _tables_read(query, posed.graph), posed.candidates, posed.graph
        ),
    }


def _unused(tokens: Sequence[Token], candidates: Sequence[Candidate]) -> Signs:
    """Values that the question names and the answer leaves out, by kind (overlapping ones count once)."""
    used = {token.value for token in tokens if isinstance(token, ValueRef)}
    covered = {word for value in used for word in range(candidates[value].start, candidates[value].end)}
    counts = dict.fromkeys(("number", "text", "cell", "date"), 0.0)
    for place, candidate in enumerate(candidates):
        words = set(range(candidate.start, candidate.end))
        if place not in used and candidate.kind in counts and candidate.start >= 0 and not words & covered:
            counts[candidate.kind] += 1
            covered |= words
    return {f"unused_{kind}s": count for kind, count in counts.items()}


def _linking(used: set[ColumnRef | TableRef | ValueRef], posed: Posed) -> Signs:
    """How likely the network held the items that are used to be used, and those that are not."""
    linked = posed.linked
    tables = {item.table for item in used if not isinstance(item, ValueRef)}
    columns = [item for item in used if isinstance(item, ColumnRef)]
    chances = [linked.get(item, 0.0) for item in used]
    logs = [math.log(chance + 1e-3) for chance in chances]
    left = {item: chance for item, chance in linked.items() if item not in used}
    return {
        "tables": float(len(tables)),
        "least_linked": min(logs, default=0.0),
        "least_linked_column": min((math.log(linked.get(item, 0.0) + 1e-3) for item in columns), default=0.0),
        "mean_linked": sum(logs) / len(logs) if logs else 0.0,
        "used_against_linking": sum(1 - chance for chance in chances),
        "left_out": max(left.values(), default=0.0),
        "left_out_column": _likeliest(left, ColumnRef),
        "left_out_value": _likeliest(left, ValueRef),
        "left_out_table": max(
            (chance for item, chance in left.items() if isinstance(item, TableRef) and item.table not in tables),
            default=0.0,
        ),
        "left_out_in_all": min(sum(chance for chance in left.values() if chance > _LIKELY), _MOST_LEFT),
        "better_namesake": _better_namesake(columns, left, posed),
    }


def _likeliest(left: Mapping[Token, float], kind: type) -> float:
    return max((chance for item, chance in left.items() if isinstance(item, kind)), default=0.0)


def _better_namesake(columns: Sequence[ColumnRef], left: Mapping[Token, float], posed: Posed) -> float:
    """By how much a column of another table with the name of a used one is likelier than that."""
    by_name: dict[str, list[float]] = defaultdict(list)
    for item, chance in left.items():
        if isinstance(item, ColumnRef):
            by_name[_name(item, posed.schema)].append(chance)
    return max(
        (
            chance - posed.linked.get(column, 0.0)
            for column in columns
            for chance in by_name.get(_name(column, posed.schema), ())
        ),
        default=-1.0,
    )


def _name(column: ColumnRef, schema: Schema) -> str:
    return schema.tables[column.table].columns[column.column].name.casefold()


def _tables_read(query: tree.Query, graph: JoinGraph) -> Iterable[int]:
    """Every table that the answer reads, also those that only join others."""
    found: dict[int, None] = {}
    for node in tree.walk(query, into_subqueries=True):
        if isinstance(node, tree.Body):
            try:
                plan = plan_joins(node, graph)
            except NoJoinError:  # the SELECT around it holds the tables that are missing here
                continue
            found |= dict.fromkeys(table for table, _ in plan.instances) if plan else {}
    return found
