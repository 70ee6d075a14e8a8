"""Scoring one answer: its rows against the gold's, on the database and on copies with other rows."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from t2s_magic import guard
from t2s_magic.adapters.quick_dspy import dspy
from t2s_magic.errors import Text2SqlError
from t2s_magic.guard import CheckedSql, is_ordered
from t2s_magic.guard.same_form import is_same_form
from t2s_magic.study.databases import WHOLE, Databases, GoldRows
from t2s_magic.study.gold import run_gold
from t2s_magic.study.metric import is_same_result
from t2s_magic.study.questions import Question


@dataclass(frozen=True)
class Score:
    """What became of one answer.

    ``error`` says why there were no rows to compare ("" where there were), so that failing counts apart from being
    wrong. ``same_form`` is exact-set match, a diagnostic. ``right_on_copies`` is None where copies were not asked,
    ``judged`` None where no LM judged.
    """

    db_id: str
    question: str
    gold: str
    sql: str
    correct: bool
    error: str = ""
    same_form: bool = False
    right_on_copies: bool | None = None
    judged: bool | None = None
    seconds: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


class Scorer:
    """Compares rows; each gold statement is run once. With ``judge``, an LM says too what it thinks of each answer.

    Threads may share it.
    """

    def __init__(
        self, databases: Databases, *, copies: int = 0, judge: Callable[[Question, str], bool] | None = None
    ) -> None:
        self._databases = databases
        self._judge = judge
        self._copies = copies
        self._gold: dict[tuple[str, str], GoldRows] = {}
        self._lock = threading.Lock()

    def score(self, question: Question, prediction: Any, seconds: float = 0.0) -> Score:
        """The score of a program's prediction; a prediction without a statement that may run is an error."""
        sql = str(getattr(prediction, "sql", None) or "")
        try:
            checked = self._checked(question.db_id, sql, prediction)
            correct = self._is_right(question, checked)
        except Text2SqlError as problem:
            return self._score(question, sql, seconds, error=problem.message)
        on_copies = correct and self._is_right_on_copies(question, checked) if self._copies else None
        return self._score(question, sql, seconds, correct=correct, right_on_copies=on_copies)

    def failed(self, question: Question, problem: str, seconds: float = 0.0) -> Score:
        """The score of a question to which there was no prediction at all."""
        return self._score(question, "", seconds, error=problem)

    def _score(self, question: Question, sql: str, seconds: float, *, correct: bool = False, **more: Any) -> Score:
        dialect = self._databases.open(question.db_id).dialect
        same_form = bool(sql) and is_same_form(sql, question.sql, dialect)
        judged = self._judge(question, sql) if self._judge else None
        asked = question.db_id, question.question, question.sql
        return Score(*asked, sql, correct, same_form=same_form, judged=judged, seconds=round(seconds, 4), **more)

    def _checked(self, db_id: str, sql: str, prediction: Any) -> CheckedSql:
        given = getattr(prediction, "checked", None)
        if given is not None:
            return given  # type: ignore[no-any-return]
        if getattr(prediction, "problem", None):
            raise Text2SqlError(prediction.problem)
        database = self._databases.open(db_id)
        return guard.check(sql, database.dialect, schema=database.schema())

    def _is_right(self, question: Question, checked: CheckedSql) -> bool:
        database = self._databases.open(question.db_id)
        predicted = database.run(checked, WHOLE).rows
        return is_same_result(predicted, self._gold_rows(question), ordered=_is_ordered(question, database.dialect))

    def _gold_rows(self, question: Question) -> GoldRows:
        key = (question.db_id, question.sql)
        with self._lock:
            if key not in self._gold:
                self._gold[key] = self._databases.gold_rows(*key)
            return self._gold[key]

    def _is_right_on_copies(self, question: Question, checked: CheckedSql) -> bool:
        for path in self._databases.copies(question.db_id, self._copies):
            copy = self._databases.open_copy(path)
            predicted = copy.run(guard.check(checked.sql, copy.dialect, schema=copy.schema()), WHOLE).rows
            gold = run_gold(question.sql, path)
            if not is_same_result(predicted, gold, ordered=_is_ordered(question, copy.dialect)):
                return False
        return True


def _is_ordered(question: Question, dialect: str) -> bool:
    return is_ordered(question.sql, dialect)


def make_metric(scorer: Scorer, on_score: Callable[[Score], None], *, by_judge: bool = False) -> Callable[..., Any]:
    """A metric of dspy's: 1.0 or 0.0, and for an optimizer that reads feedback the reason in words.

    ``by_judge``: where an LM judges, its word counts and not the rows, as in the published study. Its examples have the
    fields of ``students.make_example``.
    """

    def metric(
        example: Any, prediction: Any, trace: Any = None, pred_name: str | None = None, pred_trace: Any = None
    ) -> Any:
        question = Question(0, example.db_id, example.question, example.sql, example.evidence)
        score = scorer.score(question, prediction)
        on_score(score)
        value = float(score.judged if by_judge and score.judged is not None else score.correct)
        return value if pred_name is None else dspy.Prediction(score=value, feedback=feedback(score))

    return metric


def feedback(score: Score) -> str:
    """What was wrong with an answer, for an LM that writes better instructions."""
    if score.correct:
        return "Correct."
    if score.error:
        return f"It did not run: {score.error} A correct statement is: {score.gold}"
    return f"It ran, but gave other rows than this correct statement: {score.gold}"
