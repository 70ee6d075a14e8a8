"""A double of the built-in model for tests: it answers from a script and keeps what it was given."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from t2s_magic.builtin.looks import RowsOf
from t2s_magic.builtin.model import Demo, Reading, Readings
from t2s_magic.database.values import Value
from t2s_magic.schema import Schema


class ScriptedReader:
    """``answer`` makes the SQL readings of a question, best first, given the demos it may learn from."""

    def __init__(self, answer: Callable[[str, Sequence[Demo]], Sequence[str]], *, abstained: bool = False) -> None:
        self.answer = answer
        self.abstained = abstained
        self.asked: list[dict[str, Any]] = []

    def read(
        self,
        question: str,
        schema: Schema,
        *,
        values: Sequence[Value] = (),
        demos: Sequence[Demo] = (),
        evidence: str = "",
        count: int = 5,
        rows_of: RowsOf | None = None,
    ) -> Readings:
        self.asked.append(
            {"question": question, "schema": schema, "values": values, "demos": demos, "evidence": evidence}
        )
        statements = list(self.answer(question, demos))[:count]
        readings = tuple(Reading(sql, 0.8 / 2**place) for place, sql in enumerate(statements))
        return Readings(readings, self.abstained, tuple(table.full_name for table in schema.tables[:1]))
