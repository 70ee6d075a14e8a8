"""Measure the representation: gold SQL -> tokens -> SQL, run both, compare rows.

    python training/round_trip.py train [--show 5] [--limit 1000]

Literals come from the gold itself, so that only the representation is measured, not the finding of values.
"""

from __future__ import annotations

import argparse
import re
import sqlite3
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import sqlglot
from sqlglot import exp

sys.path.insert(0, str(Path(__file__).parent.parent))

from t2s_magic.builtin.decode import decode
from t2s_magic.builtin.encode import encode
from t2s_magic.builtin.frames import UndecodableError
from t2s_magic.builtin.joins import JoinGraph
from t2s_magic.builtin.literals import Unreachable
from t2s_magic.builtin.tokens import Candidate
from training import spider

_MOST_STEPS = 5_000_000


def literals_of(sql: str) -> list[Candidate]:
    """The literals of a statement as candidates, patterns also without their per cent signs."""
    texts: dict[str, str] = {}
    for node in sqlglot.parse_one(sql.rstrip("; "), dialect="sqlite").find_all(exp.Literal, exp.Column, exp.Neg):
        if isinstance(node, exp.Column) and (node.table or not node.this.args.get("quoted")):
            continue
        is_number = isinstance(node, exp.Neg) or (isinstance(node, exp.Literal) and not node.is_string)
        text = f"-{node.this.name}" if isinstance(node, exp.Neg) else node.name
        for found in (text, text.strip("%").strip(), *re.findall(r"^-(\d+) \w+$", text)):
            texts.setdefault(found, "number" if is_number else "text")
    return [Candidate(text, kind) for text, kind in texts.items()]


def rows_of(connection: sqlite3.Connection, sql: str) -> list[tuple[Any, ...]] | str:
    """The rows, or the complaint of the engine."""
    steps = 0

    def stop() -> int:
        nonlocal steps
        steps += 1
        return int(steps > _MOST_STEPS // 10_000)

    connection.set_progress_handler(stop, 10_000)
    try:
        return connection.execute(sql).fetchall()
    except sqlite3.Error as error:
        return f"{type(error).__name__}: {error}"


def are_same(gold: Sequence[tuple[Any, ...]], rows: Sequence[tuple[Any, ...]], *, is_ordered: bool) -> bool:
    left, right = [[tuple(map(_rounded, row)) for row in part] for part in (gold, rows)]
    return left == right if is_ordered else Counter(left) == Counter(right)


def _rounded(cell: Any) -> Any:
    return round(cell, 6) if isinstance(cell, float) else cell


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("split", choices=("train", "train_others", "dev"))
    parser.add_argument("--show", type=int, default=2)
    parser.add_argument("--limit", type=int, default=None)
    arguments = parser.parse_args()
    outcomes: dict[str, list[str]] = defaultdict(list)
    lengths, seconds, count = [], [0.0, 0.0], 0
    connections: dict[str, sqlite3.Connection] = {}
    graphs: dict[str, JoinGraph] = {}
    for example in spider.examples(arguments.split)[: arguments.limit]:
        if not example["is_scored"]:
            continue
        count += 1
        name, gold = example["db_id"], example["sql"]
        schema = spider.schema(name)
        graph = graphs.setdefault(name, JoinGraph(schema)) if name not in graphs else graphs[name]
        connection = connections[name] if name in connections else connections.setdefault(name, spider.connect(name))
        candidates = literals_of(gold)
        try:
            start = time.perf_counter()
            tokens = encode(gold, schema, candidates, graph=graph)
            middle = time.perf_counter()
            sql = decode(tokens, schema, candidates, graph=graph)
            seconds[0] += middle - start
            seconds[1] += time.perf_counter() - middle
        except Unreachable as error:
            outcomes[f"unreachable: {error.reason}"].append(f"{name}: {gold}\n      {error.detail}")
            continue
        except UndecodableError as error:
            outcomes["undecodable"].append(f"{name}: {gold}\n      {error}")
            continue
        lengths.append(len(tokens))
        expected, rows = rows_of(connection, gold), rows_of(connection, sql)
        is_ordered = sqlglot.parse_one(gold.rstrip("; "), dialect="sqlite").args.get("order") is not None
        if isinstance(expected, str):
            outcome = "the gold does not run"
        elif isinstance(rows, str):
            outcome = "the rebuilt SQL does not run"
        elif are_same(expected, rows, is_ordered=is_ordered):
            outcome = "same rows"
        elif are_same(expected, rows, is_ordered=False):
            outcome = "same rows in another order"
        else:
            outcome = "other rows"
        outcomes[outcome].append(
            f"{name}: {gold}\n      {' '.join(sql.split())}\n      {rows if isinstance(rows, str) else ''}"
        )
    same = len(outcomes["same rows"])
    print(f"{arguments.split}: {same} of {count} = {same / count:.1%}; mean length {sum(lengths) / len(lengths):.1f};")
    print(f"encode {seconds[0] / count * 1000:.2f} ms, decode {seconds[1] / count * 1000:.2f} ms")
    for outcome, found in sorted(outcomes.items(), key=lambda item: -len(item[1])):
        print(f"{len(found):5} {outcome}")
        if outcome != "same rows":
            for one in found[: arguments.show]:
                print(f"    {one}")


if __name__ == "__main__":
    main()
