"""What a text LM is sent: the part that stays the same first, the question last.

Turns alternate between user and assistant and there is no system turn, which templates such as Starling's do not have.
The first turn opens with instructions and schema; each demo is a turn of each side. A demo of the same database shows
its question only, one of another database brings its own tables. Nothing here depends on time or chance, so a server's
prefix cache finds each session's prompts again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from t2s_magic.schema.names import one_line, quote_if_needed
from t2s_magic.schema.render import render_schema
from t2s_magic.schema.tables import Schema

DIALECT_NAMES = {"sqlite": "SQLite", "duckdb": "DuckDB", "postgres": "PostgreSQL", "mysql": "MySQL"}
DIALECT_RULES = {
    "sqlite": (
        "Dates are text: take parts with strftime('%Y', column), and compare with 'YYYY-MM-DD'.",
        "There is no ILIKE, no DATE_TRUNC and no EXTRACT. Divide with 1.0 * a / b, since integers divide to integers.",
    ),
    "duckdb": (
        "Take parts of dates with year(column) or date_trunc('month', column).",
        "Every selected column that is not aggregated stands in GROUP BY.",
    ),
    "postgres": (
        'Names with capitals or spaces stand in double quotes, as in the schema: "CustomerId".',
        "Take parts of dates with EXTRACT(YEAR FROM column). Cast to numeric before ROUND(value, digits).",
        "Every selected column that is not aggregated stands in GROUP BY.",
    ),
    "mysql": (
        "Take parts of dates with YEAR(column). Every selected column that is not aggregated stands in GROUP BY.",
    ),
}
ANSWER_RULE = "Answer with one SQL statement and nothing else."
REASONED_ANSWER_RULE = "Reason in a few sentences, then give one SQL statement in a ```sql fence."


@dataclass(frozen=True)
class Turn:
    """What one side says: ``role`` is "user" or "assistant"."""

    role: str
    content: str


@dataclass(frozen=True)
class Failure:
    """A statement that was written for the question, and why it cannot be used."""

    sql: str
    problem: str


def write_turns(
    instructions: str,
    schema: Schema,
    demos: Sequence[Mapping[str, Any]],
    inputs: Mapping[str, Any],
    *,
    failures: Sequence[Failure] = (),
    has_reasoning: bool = False,
) -> list[Turn]:
    """The conversation for one question. Failures come after everything else, so that the prefix stays the same."""
    opening = _opening(instructions, schema, has_reasoning)
    names = column_names(schema.to_dict())
    turns: list[Turn] = []
    is_elsewhere = False
    for demo in demos:
        is_elsewhere = not is_same_database(demo.get("schema"), names)
        turns.append(Turn("user", opening + _asked(demo, schema.dialect, is_elsewhere)))
        turns.append(Turn("assistant", _answered(demo, has_reasoning)))
        opening = ""
    back = "Back to the first schema.\n" if is_elsewhere else ""
    turns.append(Turn("user", opening + back + _hints(inputs, schema.dialect) + _question(inputs)))
    for failure in failures:
        turns.append(Turn("assistant", _answered({"sql": failure.sql}, has_reasoning)))
        turns.append(Turn("user", f"That fails: {one_line(failure.problem)}\nWrite the corrected statement."))
    return turns


def is_same_database(demo_schema: Mapping[str, Any] | None, names: Mapping[tuple[str, ...], frozenset[str]]) -> bool:
    """Does a demo belong to the database asked: has it no schema of its own, or only tables that stand there too?

    ``names`` are the ``column_names`` of the schema asked.
    """
    if not demo_schema:
        return True
    own = column_names(demo_schema)
    return bool(own) and all(columns <= names.get(table, frozenset()) for table, columns in own.items())


def column_names(schema: Mapping[str, Any]) -> dict[tuple[str, ...], frozenset[str]]:
    """The column names of each table of a schema as plain data, by qualifier and name."""
    return {
        (*table.get("qualifier", ()), table["name"]): frozenset(column["name"] for column in table["columns"])
        for table in schema["tables"]
    }


def _opening(instructions: str, schema: Schema, has_reasoning: bool) -> str:
    dialect = schema.dialect
    rules = DIALECT_RULES.get(dialect, ())
    lines = [
        instructions.strip(),
        f"The dialect is {DIALECT_NAMES.get(dialect, dialect)}.",
        *rules,
        REASONED_ANSWER_RULE if has_reasoning else ANSWER_RULE,
        "",
        "Schema:",
        render_schema(schema),
    ]
    return "\n".join(lines) + "\n\n"


def _asked(demo: Mapping[str, Any], dialect: str, is_elsewhere: bool) -> str:
    tables = ""
    if is_elsewhere:
        tables = f"Another database:\n{render_schema(Schema.from_dict(demo['schema']))}\n"
    return tables + _hints(demo, dialect) + _question(demo)


def _question(inputs: Mapping[str, Any]) -> str:
    return f"Question: {one_line(str(inputs['question']).strip())}"


def _hints(inputs: Mapping[str, Any], dialect: str) -> str:
    evidence = str(inputs.get("evidence") or "").strip()
    values = inputs.get("values") or ()
    lines = [f"Hint: {one_line(evidence)}"] if evidence else []
    if values:
        lines.append("Cells in the database: " + "; ".join(_cell(value, dialect) for value in values))
    return "".join(f"{line}\n" for line in lines)


def _cell(value: Mapping[str, Any], dialect: str) -> str:
    parts = (*str(value["table"]).split("."), value["column"])
    column = ".".join(quote_if_needed(one_line(part), dialect) for part in parts)
    text = one_line(str(value["text"])).replace("'", "''")
    return f"{column} = '{text}'"


def _answered(demo: Mapping[str, Any], has_reasoning: bool) -> str:
    sql = str(demo["sql"]).strip()
    if not has_reasoning:
        return sql
    reasoning = str(demo.get("reasoning") or "").strip()
    return f"{reasoning}\n```sql\n{sql}\n```".lstrip()


def as_text(turns: Sequence[Turn]) -> str:
    """The turns as one text for people, each under its role."""
    return "\n\n".join(f"[{turn.role}]\n{turn.content}" for turn in turns)
