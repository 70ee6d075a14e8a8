"""The fields of a text-to-SQL call."""

from __future__ import annotations

import warnings
from typing import Any

from t2s_magic.adapters.quick_dspy import dspy

INSTRUCTIONS = """\
Write the SQL query that answers the question about the database below.
Use only its tables and columns, spelled as there. Join along its keys. Return only the columns that are asked for."""

_INPUTS: dict[str, tuple[type, Any]] = {
    "dialect": (str, dspy.InputField(desc="the SQL dialect: sqlite, duckdb, postgres or mysql")),
    "schema": (dict[str, Any], dspy.InputField(desc="tables, columns, keys and comments")),
    "evidence": (str, dspy.InputField(desc="a hint that comes with the question, or nothing")),
    "values": (list[dict[str, Any]], dspy.InputField(desc="cells of the database that the question may mean")),
    "question": (str, dspy.InputField(desc="what a person wants to know")),
}
_OUTPUTS: dict[str, tuple[type, Any]] = {"sql": (str, dspy.OutputField(desc="one read-only SQL statement"))}

# pydantic's base class has a deprecated method called schema, and warns of each signature that has such a field.
warnings.filterwarnings("ignore", message='Field name "schema" in .* shadows', category=UserWarning)

SIGNATURE = dspy.Signature({**_INPUTS, **_OUTPUTS}, INSTRUCTIONS)
FAILURES = dspy.InputField(desc="statements written before, and why each cannot be used; write a corrected one")
