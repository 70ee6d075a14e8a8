"""The adapter for the built-in model, which takes data and not text."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from t2s_magic.adapters.prompt import column_names, is_same_database
from t2s_magic.adapters.quick_dspy import dspy
from t2s_magic.adapters.sql_adapter import writes_sql
from t2s_magic.errors import ModelError, NoSqlError

READINGS = 5

RowsOf = Callable[[str], Sequence[Sequence[Any]] | None]
"""The rows of a statement, or None where it fails; TimeoutError when no time is left to look."""


class BuiltinAdapter(dspy.Adapter):  # type: ignore[misc]
    """Hands question, schema, values and demos of the same database to the built-in model; no prompt is made or read.

    Completions are the model's readings, best first, each with its ``probability`` and with what the model says of the
    question: ``abstained`` and ``nearest_tables``. The model answers the same question the same way, so there is
    nothing to repair.
    """

    can_repair = False

    def __init__(self, rows_of: RowsOf | None = None) -> None:
        """With ``rows_of``, the model also goes by the rows that its likeliest answers give."""
        super().__init__()
        self.rows_of = rows_of

    def __call__(
        self,
        lm: Any,
        lm_kwargs: dict[str, Any],
        signature: Any,
        demos: Sequence[Mapping[str, Any]],
        inputs: Mapping[str, Any],
    ) -> list[dict[str, Any]]:
        if not writes_sql(signature) or not hasattr(lm, "read"):
            raise ModelError(
                "The built-in model writes SQL and nothing else; this step needs an LM that writes text. Name one."
            )
        found = lm.read(
            question=inputs["question"],
            schema=inputs["schema"],
            values=tuple(inputs.get("values") or ()),
            demos=_pairs(demos, inputs["schema"]),
            evidence=inputs.get("evidence") or "",
            count=lm_kwargs.get("n") or READINGS,
            rows_of=self.rows_of,
        )
        if not found.readings:
            nearest = ", ".join(found.nearest_tables)
            about = f" The nearest tables are {nearest}." if nearest else ""
            raise NoSqlError(f"The built-in model found no SQL for this question.{about} Ask in other words.")
        reasoning = {"reasoning": ""} if "reasoning" in signature.output_fields else {}
        return [
            {
                "sql": reading.sql,
                **reasoning,
                "probability": reading.probability,
                "abstained": found.abstained,
                "nearest_tables": found.nearest_tables,
                "tables_sent": len(inputs["schema"]["tables"]),
            }
            for reading in found.readings
        ]


def _pairs(demos: Sequence[Mapping[str, Any]], schema: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Question and SQL of the demos that belong to this database: the model has learned to use no others."""
    names = column_names(schema)
    return tuple(
        (demo["question"], demo["sql"])
        for demo in demos
        if demo.get("question") and demo.get("sql") and is_same_database(demo.get("schema"), names)
    )
