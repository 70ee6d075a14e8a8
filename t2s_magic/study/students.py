"""What optimizers are given: the program as it ships, asking each example's own database; and the examples."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from t2s_magic.adapters import BuiltinAdapter
from t2s_magic.adapters.quick_dspy import dspy
from t2s_magic.database.glances import glances
from t2s_magic.database.values import CellIndex, find_values
from t2s_magic.errors import Text2SqlError, UnsafeSqlError
from t2s_magic.guard import check
from t2s_magic.memory import Pair, demos_for
from t2s_magic.program import TextToSql
from t2s_magic.schema import Schema
from t2s_magic.study.databases import Databases
from t2s_magic.study.questions import Question

INPUTS = ("db_id", "question", "evidence")


class Surroundings:
    """What a question needs beside its words: schema, cells and approved pairs of its database.

    Cells are looked up only ``with_values``: for an LM on this machine, or where the user switched that on. Only one on
    this machine ``looks_at_rows``, those of its likeliest answers, as it does for ``%%text2sql``. Of ``pairs`` the
    ``pair_count`` most alike are shown with each question, never the question itself. ``last_error`` is the last one
    that kept a question from being asked: optimizers swallow it.
    """

    def __init__(
        self,
        databases: Databases,
        *,
        with_values: bool,
        looks_at_rows: bool = False,
        pairs: Sequence[Question] = (),
        pair_count: int = 0,
    ) -> None:
        self.databases = databases
        self._with_values = with_values
        self._looks_at_rows = looks_at_rows
        self._pairs = pairs
        self._pair_count = pair_count
        self._schemas: dict[str, tuple[Schema, dict[str, Any]]] = {}
        self._indexes: dict[str, CellIndex] = {}
        self._lock = threading.Lock()
        self.last_error: Text2SqlError | None = None

    def __deepcopy__(self, memo: dict[int, Any]) -> Surroundings:
        return self

    def schema(self, db_id: str) -> Schema:
        return self._read(db_id)[0]

    def schema_data(self, db_id: str) -> dict[str, Any]:
        """The schema as plain data: the same object each time, so that adapters read it once."""
        return self._read(db_id)[1]

    def values(self, question: str, db_id: str) -> list[dict[str, Any]]:
        if not self._with_values:
            return []
        database, schema = self.databases.open(db_id), self.schema(db_id)
        with self._lock:
            index = self._indexes.setdefault(db_id, CellIndex(database))
        return [vars(value) for value in find_values(question, schema, database, index=index)]

    def looking(self, db_id: str) -> AbstractContextManager[None]:
        """Within: an LM that may looks at rows of this database."""
        if not self._looks_at_rows:
            return nullcontext()
        adapter = BuiltinAdapter(glances(self.databases.open(db_id), self.schema(db_id)))
        context: AbstractContextManager[None] = dspy.context(adapter=adapter)
        return context

    def pairs(self, question: str, db_id: str) -> list[dict[str, Any]]:
        """The approved pairs that ``%%text2sql`` would show with this question."""
        if not self._pair_count:
            return []
        schema = self.schema(db_id)
        others = [each for each in self._pairs if each.db_id == db_id and each.question != question]
        pairs = [Pair(each.question, each.sql, schema.dialect, "", (), "") for each in others]
        return [pair.demo() for pair in demos_for(question, pairs, schema, self._pair_count)]

    def _read(self, db_id: str) -> tuple[Schema, dict[str, Any]]:
        with self._lock:
            if db_id not in self._schemas:
                schema = self.databases.open(db_id).schema()
                self._schemas[db_id] = (schema, schema.to_dict())
            return self._schemas[db_id]


class Student(dspy.Module):  # type: ignore[misc]
    """The program as it ships, over many databases: what optimizers change is ``text_to_sql.predict``."""

    def __init__(self, program: TextToSql, around: Surroundings) -> None:
        super().__init__()
        self.text_to_sql = program
        self.around = around

    def forward(self, db_id: str, question: str, evidence: str = "") -> Any:
        try:
            return self._ask(db_id, question, evidence)
        except Text2SqlError as error:
            self.around.last_error = error
            raise

    def _ask(self, db_id: str, question: str, evidence: str) -> Any:
        database = self.around.databases.open(db_id)
        with self.around.looking(db_id):
            return self.text_to_sql.for_database(None, database.explain)(
                question=question,
                schema=self.around.schema_data(db_id),
                dialect=database.dialect,
                values=self.around.values(question, db_id),
                evidence=evidence,
                pairs=self.around.pairs(question, db_id),
            )


def make_example(question: Question, around: Surroundings) -> Any:
    """A labeled example of dspy's: the program's fields, of which ``INPUTS`` are what the student is called with."""
    return dspy.Example(
        db_id=question.db_id,
        question=question.question,
        evidence=question.evidence,
        dialect=around.databases.open(question.db_id).dialect,
        schema=around.schema_data(question.db_id),
        values=[],
        sql=question.sql,
    ).with_inputs(*INPUTS)


def tidy_demos(student: Student) -> None:
    """Leave of each demo what a saved program may hold: its fields and the tables it reads, and no looked-up cell.

    Demos that the guard refuses, and second ones of a question, are dropped.
    """
    predict = student.text_to_sql.predict
    tidied = [_tidy(demo) for demo in _distinct(predict.demos)]
    predict.demos = [demo for demo in tidied if demo is not None]


def _distinct(demos: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    by_question: dict[str, Mapping[str, Any]] = {}
    for demo in demos:
        by_question.setdefault(demo["question"], demo)
    return list(by_question.values())


def _tidy(demo: Mapping[str, Any]) -> Any:
    schema = Schema.from_dict(demo["schema"])
    try:
        read = check(demo["sql"], schema.dialect, schema=schema).tables
    except UnsafeSqlError:
        return None
    own = schema.only([table for table in schema.tables if table.full_name in read])
    fields = {name: demo[name] for name in ("dialect", "evidence", "question", "sql")}
    return dspy.Example(**fields, schema=own.to_dict(), values=[])
