"""How many of the tables and columns that a question needs are kept when a schema is cut for it.

    python -m training.link_recall DATA_FOLDER [--split held_out|dev] [--limit N] [--weights FOLDER]

Measured on each question's own database and on the schemas of all databases of Spider merged into one; then the time
that 1,000 tables of 20 columns take.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import sqlglot
from sqlglot import exp

from t2s_magic.builtin import weights
from t2s_magic.builtin.model import BuiltinModel
from t2s_magic.schema import Column, Schema, Table
from t2s_magic.schema.render import fit_schema
from training.evaluate import scored_questions
from training.examples import Databases, Question

TABLES = (1, 3, 5, 10, 20, 40)
COLUMNS = (5, 10, 20, 40, 80)
CHARACTERS = (4_000, 8_000, 16_000, 32_000)


@dataclass(frozen=True)
class Needed:
    """The tables of a gold statement by full name, and its columns as (table, column)."""

    tables: frozenset[str]
    columns: frozenset[tuple[str, str]]


def needed(question: Question, schema: Schema) -> Needed:
    """``schema`` is that of the question's own database."""
    statement = sqlglot.parse_one(question.sql, dialect="sqlite")
    tables: dict[str, Table] = {}
    by_alias: dict[str, Table] = {}
    for node in statement.find_all(exp.Table):
        table = schema.find((node.name,))
        if table is not None:
            tables[table.full_name] = table
            by_alias[(node.alias or node.name).casefold()] = table
    columns = {
        (table.full_name, column.name)
        for node in statement.find_all(exp.Column)
        for table in _owners(node, by_alias, list(tables.values()))
        for column in table.columns
        if column.name.casefold() == node.name.casefold()
    }
    return Needed(frozenset(tables), frozenset(columns))


def _owners(node: exp.Column, by_alias: Mapping[str, Table], tables: Sequence[Table]) -> list[Table]:
    """The table that a column is of: the one it is qualified with, or the first that has such a column."""
    if node.table.casefold() in by_alias:
        return [by_alias[node.table.casefold()]]
    named = [table for table in tables if any(one.name.casefold() == node.name.casefold() for one in table.columns)]
    return named[:1]


def merged(databases: Mapping[str, Schema]) -> Schema:
    """All tables in one schema, each in a namespace named after its database."""
    tables = []
    for db_id, schema in databases.items():
        for table in schema.tables:
            keys = tuple(replace(key, to_path=(db_id,)) for key in table.foreign_keys)
            tables.append(replace(table, path=(db_id,), qualifier=(db_id,), foreign_keys=keys))
    return Schema("sqlite", tuple(tables))


def in_merged(need: Needed, db_id: str, schema: Schema, whole: Schema) -> Needed:
    """``need`` by the names that the merged schema gives."""
    names = {}
    for table in schema.tables:
        found = whole.find((db_id, table.name))
        assert found is not None
        names[table.full_name] = found.full_name
    return Needed(
        frozenset(names[table] for table in need.tables),
        frozenset((names[table], column) for table, column in need.columns),
    )


@dataclass(frozen=True)
class Rank:
    """For one question: the places of the last needed table and column in the order of scores; what budgets keep."""

    table: int
    column: int
    kept: tuple[bool, ...]
    seconds: float


def rank(model: BuiltinModel, question: str, schema: Schema, need: Needed) -> Rank:
    started = time.perf_counter()
    links = model.links(question, schema)
    seconds = time.perf_counter() - started
    kept = []
    for budget in CHARACTERS:
        cut = fit_schema(schema, budget, links.tables)
        kept.append(need.tables <= {table.full_name for table in cut.tables})
    return Rank(_last(links.tables, need.tables), _last(links.columns, need.columns), tuple(kept), seconds)


def _last(scores: Mapping[Any, float], wanted: frozenset[Any]) -> int:
    order = {name: place for place, name in enumerate(sorted(scores, key=lambda name: -scores[name]))}
    return max((order[name] for name in wanted), default=-1)


def recall(ranks: Sequence[Rank]) -> dict[str, Any]:
    """The share of questions of which all needed tables, or columns, are kept, in per cent."""
    seconds = [one.seconds for one in ranks]
    return {
        "n": len(ranks),
        "all tables among the first": {k: _percent(one.table < k for one in ranks) for k in TABLES},
        "all columns among the first": {k: _percent(one.column < k for one in ranks) for k in COLUMNS},
        "all tables in characters": {
            budget: _percent(one.kept[place] for one in ranks) for place, budget in enumerate(CHARACTERS)
        },
        "ms_p50": round(1000 * float(np.median(seconds)), 1),
        "ms_p95": round(1000 * float(np.percentile(seconds, 95)), 1),
    }


def _percent(marks: Iterator[bool]) -> float:
    return round(100 * float(np.mean(list(marks))), 1)


def large_schema(tables: int = 1_000, columns: int = 20) -> Schema:
    """Names as business databases have them, drawn at random."""
    chance = random.Random(0)
    nouns = (
        "customer order invoice product supplier payment shipment employee store region account contract ticket asset "
        "campaign lead warehouse item price budget project task vendor claim policy branch agent visit event channel"
    ).split()
    facts = "id name code status date amount total quantity type created updated owner email city rate note".split()
    return Schema(
        "duckdb",
        tuple(
            Table(
                f"{chance.choice(nouns)}_{chance.choice(nouns)}_{number}",
                tuple(Column(f"{chance.choice(nouns)}_{chance.choice(facts)}_{c}", "INTEGER") for c in range(columns)),
            )
            for number in range(tables)
        ),
    )


def time_of_large_schema(model: BuiltinModel) -> dict[str, float]:
    schema, question = large_schema(), "What is the total amount of the invoices of each customer in 2023?"
    started = time.perf_counter()
    model.links(question, schema)
    first = time.perf_counter() - started
    later = []
    for noun in ("supplier", "store", "employee", "project", "ticket"):
        started = time.perf_counter()
        model.links(question.replace("customer", noun), schema)
        later.append(time.perf_counter() - started)
    return {"first_s": round(first, 2), "later_s": round(float(np.median(later)), 3)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--split", choices=("held_out", "dev"), default="held_out")
    parser.add_argument("--limit", type=int, default=200)
    parser.add_argument("--weights", type=Path, default=weights.FOLDER)
    options = parser.parse_args()
    folder = options.data / "spider" / "database"
    databases = Databases(folder)
    questions = scored_questions(options.data, options.split)
    questions = random.Random(5).sample(questions, min(options.limit, len(questions)))
    model = BuiltinModel(weights.load(options.weights))
    needs = [needed(question, databases.schema(question.db_id)) for question in questions]
    own = [
        rank(model, question.question, databases.schema(question.db_id), need)
        for question, need in zip(questions, needs, strict=True)
    ]
    print(json.dumps({"own database": recall(own)}, indent=1), flush=True)
    names = sorted(path.name for path in folder.iterdir() if (path / f"{path.name}.sqlite").exists())
    whole = merged({db_id: databases.schema(db_id) for db_id in names})
    together = [
        rank(model, one.question, whole, in_merged(need, one.db_id, databases.schema(one.db_id), whole))
        for one, need in zip(questions, needs, strict=True)
    ]
    size = {"tables": len(whole.tables), "columns": sum(len(table.columns) for table in whole.tables)}
    print(json.dumps({f"{len(names)} databases merged": size | recall(together)}, indent=1), flush=True)
    print(json.dumps({"1,000 tables of 20 columns": time_of_large_schema(model)}, indent=1))


if __name__ == "__main__":
    main()
