"""Execution accuracy of the shipped files on Spider's dev, on the databases held out of train, or on any question set.

    python -m training.evaluate DATA_FOLDER [held_out|dev|QUESTIONS.jsonl] [--databases DIR] [--limit N] [--demos K]

The first reading that the engine can plan counts, as in the product. Runs on dev are logged in ``dev_runs.jsonl``.
"""

from __future__ import annotations

import argparse
import json
import random
import sqlite3
import subprocess
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import sqlglot

from t2s_magic.builtin import weights
from t2s_magic.builtin.looks import RowsOf
from t2s_magic.builtin.model import BuiltinModel, Demo
from t2s_magic.database import glances
from training.examples import Databases, Question, held_out, read_questions, spider_questions

SECONDS_A_QUERY = 5.0
MOST_ROWS = 20_000
DEV_RUNS = Path(__file__).parent / "dev_runs.jsonl"


@dataclass(frozen=True)
class Result:
    """One question answered: ``right`` for the product's choice, ``right_at`` for the first right reading (or -1)."""

    db_id: str
    question: str
    gold: str
    sql: str
    probability: float
    abstained: bool
    right: bool
    right_at: int
    error: str
    seconds: float


def evaluate(model: BuiltinModel, questions: Sequence[Question], databases: Databases, demos: int = 0) -> list[Result]:
    """Answers and marks each question; ``demos`` pairs come from the other questions of the same database."""
    chance = random.Random(0)
    results = []
    for number, question in enumerate(questions):
        others = [
            Demo(other.question, other.sql)
            for place, other in enumerate(questions)
            if other.db_id == question.db_id and place != number
        ]
        shown = chance.sample(others, min(demos, len(others)))
        results.append(_answer(model, question, databases, shown))
    return results


def _answer(model: BuiltinModel, question: Question, databases: Databases, demos: Sequence[Demo]) -> Result:
    schema = databases.schema(question.db_id)
    connection = connect(databases.path(question.db_id))
    started = time.perf_counter()
    values = databases.cells(question.db_id).find(question.question, schema)
    readings = model.read(question.question, schema, values=values, demos=demos, rows_of=glancing(connection))
    seconds = time.perf_counter() - started
    gold = run(connection, question.sql)
    is_ordered = orders_its_rows(question.sql)
    runnable = [reading for reading in readings.readings if explains(connection, reading.sql) is None]
    chosen = (runnable or readings.readings)[0]
    right = [same_rows(gold, run(connection, reading.sql), is_ordered) for reading in readings.readings]
    return Result(
        question.db_id,
        question.question,
        question.sql,
        chosen.sql,
        chosen.probability,
        readings.abstained,
        right[readings.readings.index(chosen)],
        right.index(True) if True in right else -1,
        explains(connection, chosen.sql) or "",
        seconds,
    )


def connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)
    connection.text_factory = lambda data: data.decode("utf-8", "replace")
    return connection


def explains(connection: sqlite3.Connection, sql: str) -> str | None:
    """The engine's complaint, or None."""
    try:
        connection.execute(f"EXPLAIN {sql}").fetchall()
    except (sqlite3.Error, sqlite3.Warning) as error:
        return str(error)
    return None


def run(connection: sqlite3.Connection, sql: str, seconds: float = SECONDS_A_QUERY) -> list[tuple[Any, ...]] | None:
    """The rows, or None when the statement fails or takes longer than ``seconds``."""
    deadline = time.monotonic() + seconds
    connection.set_progress_handler(lambda: time.monotonic() > deadline, 10_000)
    try:
        return connection.execute(sql).fetchmany(MOST_ROWS)
    except (sqlite3.Error, sqlite3.Warning):
        return None


def glancing(connection: sqlite3.Connection) -> RowsOf:
    """What the product's glances give for a file that needs no guard."""

    def rows_of(sql: str) -> list[tuple[Any, ...]] | None:
        if explains(connection, sql) is not None:
            return None
        rows = run(connection, sql, glances.SECONDS)
        if rows is None:
            raise TimeoutError(f"No rows within {glances.SECONDS} s.")
        return rows[: glances.ROWS]

    return rows_of


def orders_its_rows(sql: str) -> bool:
    return sqlglot.parse_one(sql, dialect="sqlite").args.get("order") is not None


def same_rows(gold: Sequence[tuple[Any, ...]] | None, found: Sequence[tuple[Any, ...]] | None, ordered: bool) -> bool:
    if gold is None or found is None or len(gold) != len(found):
        return False
    one, other = [tuple(map(_comparable, row)) for row in gold], [tuple(map(_comparable, row)) for row in found]
    return one == other if ordered else Counter(one) == Counter(other)


def _comparable(cell: Any) -> Any:
    return round(float(cell), 4) if isinstance(cell, int | float) else cell


def wilson(right: int, total: int) -> tuple[float, float]:
    """The 95 % interval of a share, in per cent."""
    z, share = 1.96, right / total
    centre = share + z * z / (2 * total)
    half = z * np.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    return tuple(float(round(100 * (centre + sign * half) / (1 + z * z / total), 1)) for sign in (-1, 1))  # type: ignore[return-value]


def report(results: Sequence[Result]) -> dict[str, Any]:
    total, right = len(results), sum(result.right for result in results)
    seconds = np.array([result.seconds for result in results])
    surest = sorted(results, key=lambda result: -result.probability)
    return {
        "right": right,
        "n": total,
        "accuracy": round(100 * right / total, 1),
        "interval": wilson(right, total),
        "among_top": {k: round(100 * sum(0 <= r.right_at < k for r in results) / total, 1) for k in (1, 3, 5)},
        "surest": {
            share: round(100 * np.mean([r.right for r in surest[: total * share // 100]]), 1)
            for share in (20, 40, 60, 80)
        },
        "calibration_error": calibration_error(results),
        "abstained": sum(result.abstained for result in results),
        "errors": sum(bool(result.error) for result in results),
        "ms_p50": round(1000 * float(np.percentile(seconds, 50)), 1),
        "ms_p95": round(1000 * float(np.percentile(seconds, 95)), 1),
    }


def calibration_error(results: Sequence[Result], bins: int = 10) -> float:
    """Expected calibration error over bins of equal size."""
    ordered = sorted(results, key=lambda result: result.probability)
    gaps = [
        abs(sum(r.right for r in part) - sum(r.probability for r in part))
        for part in (ordered[len(ordered) * i // bins : len(ordered) * (i + 1) // bins] for i in range(bins))
    ]
    return round(sum(gaps) / len(ordered), 4)


def scored_questions(data: Path, part: str) -> list[Question]:
    """Dev, or the held-out databases of train; without the questions whose gold reads a table that is empty."""
    split = "dev" if part == "dev" else "train"
    flags = map(json.loads, (data / "spider" / "empty_table_flags.jsonl").read_text().splitlines())
    empty = {flag["index"] for flag in flags if flag["split"] == split}
    questions = spider_questions(data, split)
    outside = held_out([question.db_id for question in questions]) if part != "dev" else frozenset()
    return [
        question
        for number, question in enumerate(questions)
        if number not in empty and (part == "dev" or question.db_id in outside)
    ]


def _evaluate_part(weights_folder: Path, folder: Path, demos: int, questions: Sequence[Question]) -> list[Result]:
    model = BuiltinModel(weights.load(weights_folder))
    return evaluate(model, questions, Databases(folder), demos)


def evaluate_in_parallel(
    questions: Sequence[Question], folder: Path, weights_folder: Path, demos: int, processes: int
) -> list[Result]:
    """Databases are spread over processes; results come database by database."""
    names = sorted({question.db_id for question in questions})
    groups = [
        [question for question in questions if question.db_id in names[place::processes]] for place in range(processes)
    ]
    work = partial(_evaluate_part, weights_folder, folder, demos)
    if processes == 1:
        return work(questions)
    with ProcessPoolExecutor(processes) as pool:
        return [result for part in pool.map(work, groups) for result in part]


def log_dev_run(figures: dict[str, Any], note: str) -> None:
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True).stdout
    line = {"date": datetime.now(UTC).isoformat(timespec="minutes"), "commit": commit.strip(), "note": note, **figures}
    with DEV_RUNS.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


def write_results(results: Iterable[Result], path: Path) -> None:
    path.write_text("".join(json.dumps(vars(result), ensure_ascii=False) + "\n" for result in results), "utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("part", nargs="?", default="held_out", help="held_out, dev, or a file of questions")
    parser.add_argument("--databases", type=Path, help="of a file of questions: DIR/<db_id>/<db_id>.sqlite")
    parser.add_argument("--weights", type=Path, default=weights.FOLDER)
    parser.add_argument("--limit", type=int)
    parser.add_argument("--demos", type=int, default=0)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--note", default="")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    is_spider = options.part in ("held_out", "dev")
    questions = scored_questions(options.data, options.part) if is_spider else read_questions(Path(options.part))
    folder = options.data / "spider" / "database" if is_spider else options.databases
    if options.limit:
        questions = random.Random(0).sample(questions, options.limit)
    results = evaluate_in_parallel(questions, folder, options.weights, options.demos, options.processes)
    figures = report(results)
    print(json.dumps(figures, indent=1))
    if options.part == "dev":
        log_dev_run(figures | {"demos": options.demos}, options.note)
    if options.out:
        write_results(results, options.out)


if __name__ == "__main__":
    main()
