"""Execution accuracy of the whole pipeline, as it ships, on a question set."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

from t2s_magic import pipeline
from t2s_magic.database import Database, Limits
from t2s_magic.errors import Text2SqlError
from t2s_magic.guard import is_ordered
from t2s_magic.memory import Pair
from t2s_magic.study.gold import run_gold
from t2s_magic.study.metric import is_same_result
from t2s_magic.study.questions import Question, database_file
from t2s_magic.study.statistics import share_with_interval
from t2s_magic.study.transfer import open_in

# A gold result may be longer than what a person would read; the whole of it is compared.
LIMITS = Limits(seconds=30, rows=1_000_000, cell=100_000_000)


@dataclass(frozen=True)
class Result:
    """What became of one question; ``sql`` is the best reading, also where the pipeline abstained."""

    db_id: str
    question: str
    gold: str
    sql: str
    correct: bool
    error: str | None
    confidence: float | None
    abstained: bool
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def evaluate(
    questions: Sequence[Question],
    databases: Path,
    *,
    lm: str | None = None,
    program: Path | None = None,
    dialect: str = "sqlite",
    server: str = "",
    demos_from: Sequence[Question] = (),
    demo_count: int = 0,
    demos_of_other_sql: bool = False,
    seed: int = 0,
) -> Iterator[Result]:
    """A Result for each question, in order.

    With ``demo_count``, each question is given that many demos of its own database, drawn at random from
    ``demos_from``; never itself, and with ``demos_of_other_sql`` none with the same gold SQL.
    """
    asker = pipeline.Asker(lm=lm, program=program)
    db_id, database = "", None
    try:
        for question in questions:
            if database is None or question.db_id != db_id:
                if database is not None:
                    database.close()
                    asker.forget()
                db_id, database = question.db_id, open_in(dialect, database_file(databases, question.db_id), server)
            pairs = _demos(question, demos_from, demo_count, demos_of_other_sql, seed)
            yield _answer(question, database, database_file(databases, db_id), asker, pairs)
    finally:
        if database is not None:
            database.close()


def _answer(question: Question, database: Database, file: Path, asker: pipeline.Asker, pairs: Sequence[Pair]) -> Result:
    started = perf_counter()
    try:
        draft = asker.ask(question.question, database, evidence=question.evidence, pairs=pairs)
    except Text2SqlError as problem:
        return _result(question, "", False, str(problem), None, False, perf_counter() - started)
    seconds = perf_counter() - started
    correct, error = _judge(draft, question, database, file)
    return _result(question, draft.sql, correct, error, draft.confidence, draft.abstained, seconds)


def _judge(draft: pipeline.Draft, question: Question, database: Database, file: Path) -> tuple[bool, str | None]:
    """Whether the draft's rows are the gold's, and what went wrong where there are no rows to compare."""
    if draft.checked is None:
        return False, draft.problem
    try:
        gold = run_gold(question.sql, file)
        predicted = database.run(draft.checked, LIMITS)
    except Text2SqlError as problem:
        return False, str(problem)
    return is_same_result(predicted.rows, gold, ordered=is_ordered(question.sql, "sqlite")), None


def _result(
    question: Question,
    sql: str,
    correct: bool,
    error: str | None,
    confidence: float | None,
    abstained: bool,
    seconds: float,
) -> Result:
    return Result(
        question.db_id, question.question, question.sql, sql, correct, error, confidence, abstained, round(seconds, 4)
    )


def _demos(
    question: Question, demos_from: Sequence[Question], count: int, is_of_other_sql: bool, seed: int
) -> list[Pair]:
    if count == 0:
        return []
    allowed = [other for other in demos_from if _may_show(other, question, is_of_other_sql)]
    chosen = random.Random(f"{seed} {question.index}").sample(allowed, min(count, len(allowed)))
    return [Pair(other.question, other.sql, "sqlite", schema="", tables=(), date="") for other in chosen]


def _may_show(other: Question, question: Question, is_of_other_sql: bool) -> bool:
    if other.db_id != question.db_id or other.index == question.index:
        return False
    return not is_of_other_sql or _spelling(other.sql) != _spelling(question.sql)


def _spelling(sql: str) -> str:
    return " ".join(sql.casefold().replace(";", " ").split())


def summary(results: Sequence[Result]) -> str:
    """Several lines for people: right, wrong and failed apart, the commonest errors, seconds a question."""
    correct = sum(result.correct for result in results)
    failed = [result.error for result in results if result.error]
    lines = [
        f"right    {share_with_interval(correct, len(results))}",
        f"wrong    {len(results) - correct - len(failed)}",
        f"failed   {len(failed)}",
        *(f"  {count} x {error[:150]}" for error, count in Counter(failed).most_common(5)),
        f"abstained {sum(result.abstained for result in results)}",
    ]
    if results:
        seconds = sorted(result.seconds for result in results)
        lines.append(
            f"seconds a question: p50 {seconds[len(seconds) // 2]:.3f}, p95 {seconds[int(len(seconds) * 0.95)]:.3f}"
        )
    return "\n".join(lines)
