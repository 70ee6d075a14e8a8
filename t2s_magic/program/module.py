"""The program: a question, a schema and an LM become one checked statement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from t2s_magic import guard
from t2s_magic.adapters.quick_dspy import dspy
from t2s_magic.errors import Text2SqlError
from t2s_magic.guard import CheckedSql
from t2s_magic.program.signature import SIGNATURE
from t2s_magic.program.work import Check, Explain, Work
from t2s_magic.schema import Schema


@dataclass(frozen=True)
class _Tools:
    """What is asked about a statement before it is accepted: shared by the copies that optimizers make."""

    check: Check | None
    explain: Explain | None

    def __deepcopy__(self, memo: dict[int, Any]) -> _Tools:
        return self


class TextToSql(dspy.Module):  # type: ignore[misc]
    """Asks the LM, checks what it wrote, and lets it repair what fails, within ``max_lm_calls`` calls in all.

    ``check`` is the guard for one database (by default ``guard.check`` and ``check_names`` by the schema of each call);
    ``explain`` lets the engine plan a statement without running it and returns its complaint. Neither is saved, and
    copies share both. Nothing is explained before the guard has passed it, and nothing is run here at all.
    """

    def __init__(
        self, check: Check | None = None, explain: Explain | None = None, *, max_lm_calls: int = 3, label: str = ""
    ) -> None:
        super().__init__()
        self.predict = dspy.Predict(SIGNATURE)
        self.tools = _Tools(check, explain)
        self.max_lm_calls = max_lm_calls
        self.label = label

    def for_database(self, check: Check | None, explain: Explain | None) -> TextToSql:
        """The same program, sharing its predictor, for another database."""
        other = TextToSql(check, explain, max_lm_calls=self.max_lm_calls, label=self.label)
        other.predict = self.predict
        return other

    def forward(
        self,
        question: str,
        schema: Mapping[str, Any],
        dialect: str,
        values: Sequence[Mapping[str, Any]] = (),
        evidence: str = "",
        pairs: Sequence[Mapping[str, Any]] = (),
    ) -> Any:
        """A ``dspy.Prediction`` with the fields of ``Work.prediction``; ``schema`` is ``Schema.to_dict()``.

        ``pairs`` are demos for this question alone, shown after the program's own. Raises ModelError when the LM
        cannot be asked; an answer that cannot be used is a prediction with a ``problem``.
        """
        inputs = {
            "dialect": dialect,
            "schema": schema,
            "evidence": evidence,
            "values": list(values),
            "question": question,
        }
        work = Work(
            self.predict,
            inputs,
            pairs,
            check=self.tools.check or partial(_check, schema=Schema.from_dict(schema)),
            explain=self.tools.explain,
            max_lm_calls=self.max_lm_calls,
        )
        # Optimizers are shown one step, the question with the statement accepted at last, and none that failed.
        with dspy.context(trace=[], callbacks=[*(dspy.settings.callbacks or ()), work.log]):
            try:
                work.run()
            except Text2SqlError as error:
                error.sql = error.sql or work.sql or None
                error.prompt, error.lm_calls = work.log.prompt, work.calls
                raise
        _trace(self.predict, inputs, work.sql)
        return work.prediction()


def _check(sql: str, schema: Schema) -> CheckedSql:
    checked = guard.check(sql, schema.dialect, schema=schema)
    guard.check_names(checked, schema)
    return checked


def _trace(predict: Any, inputs: Mapping[str, Any], sql: str) -> None:
    """One step in dspy's trace, as ``Predict`` itself would leave it."""
    trace, most = dspy.settings.trace, dspy.settings.max_trace_size
    if trace is None or most <= 0:
        return
    if len(trace) >= most:
        trace.pop(0)
    trace.append((predict, dict(inputs), dspy.Prediction(sql=sql)))
