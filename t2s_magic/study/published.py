"""The published study as it was: its fields, its prompt layout and settings, and its LM as judge.

DSPy 2.4 wrote one prompt of "Field: value" blocks, and asked again for a field that ``stop="\\n\\n"`` had cut off, with
half of the tokens. That is done here over today's DSPy, so that what is compared with the printed figures is what was
printed. Source: https://github.com/jjovalle99/DSPy-Text2SQL (prompts as its notebook shows them).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from t2s_magic.adapters.quick_dspy import dspy
from t2s_magic.errors import NoSqlError
from t2s_magic.lm import Backend, told
from t2s_magic.schema.render import render_schema
from t2s_magic.study.databases import Databases, ScriptDatabases
from t2s_magic.study.questions import Question
from t2s_magic.study.students import INPUTS

STEP_BY_STEP = "Reasoning: Let's think step by step in order to"
RULE = "\n\n---\n\n"
MAX_TOKENS = 500
# The others are called by their names: sql_prompt is "Sql Prompt:".
_NAMES = {"reasoning": STEP_BY_STEP, "correct": "Yes/No:"}

_QUESTION = (str, dspy.InputField(desc="Natural language query"))
_CONTEXT = (str, dspy.InputField(desc="Context for the query"))
TEXT_TO_SQL = dspy.Signature(
    {"sql_prompt": _QUESTION, "sql_context": _CONTEXT, "sql": (str, dspy.OutputField(desc="SQL query"))},
    "Transform a natural language query into a SQL query.",
)
CORRECTNESS = dspy.Signature(
    {
        "sql_prompt": _QUESTION,
        "sql_context": _CONTEXT,
        "sql": (str, dspy.InputField(desc="SQL query")),
        "correct": (
            str,
            dspy.OutputField(
                desc="Indicate whether the SQL query correctly answers the natural language query based on the given "
                "context",
            ),
        ),
    },
    "Assess if the SQL query accurately answers the given natural language query based on the provided context.",
)


class PublishedAdapter(dspy.Adapter):  # type: ignore[misc]
    """Puts a call as one text of "Field: value" blocks, and reads each output field up to the next one's name."""

    can_repair = False

    def __call__(
        self,
        lm: Any,
        lm_kwargs: dict[str, Any],
        signature: Any,
        demos: Sequence[Mapping[str, Any]],
        inputs: Mapping[str, Any],
    ) -> list[dict[str, Any]]:
        names = list(signature.output_fields)
        values: dict[str, str] = {}
        tokens = MAX_TOKENS
        while missing := [name for name in names if name not in values]:
            text = write_prompt(signature, demos, {**inputs, **values}, missing[0])
            values |= _read(signature, missing, _ask(lm, text, tokens))
            if missing[0] not in values:
                raise NoSqlError("The model's answer was empty.")
            tokens = max(75, tokens // 2)
        return [values]


def write_prompt(signature: Any, demos: Sequence[Mapping[str, Any]], values: Mapping[str, Any], wanted: str) -> str:
    """The whole prompt, ending with the name of the field ``wanted``.

    Labeled demos come before the format and in single lines, those with reasoning after it, as DSPy 2.4 had them.
    """
    fields = list(signature.fields)
    labeled = [_block(signature, fields, demo, "\n") for demo in demos if not demo.get("augmented")]
    reasoned = [_block(signature, fields, demo, "\n\n") for demo in demos if demo.get("augmented")]
    form = "\n\n".join(f"{_name(signature, field)} {_description(signature, field)}" for field in fields)
    given = _block(signature, fields[: fields.index(wanted)], values, "\n\n")
    query = f"{given}\n\n{_name(signature, wanted)}"
    parts = [signature.instructions, "\n\n".join(labeled), f"Follow the following format.\n\n{form}", *reasoned, query]
    return RULE.join(part.strip() for part in parts if part)


def _block(signature: Any, fields: Sequence[str], values: Mapping[str, Any], between: str) -> str:
    lines = [f"{_name(signature, name)} {' '.join(str(values[name]).split())}" for name in fields if values.get(name)]
    return between.join(lines)


def _name(signature: Any, field: str) -> str:
    return _NAMES.get(field, str(signature.fields[field].json_schema_extra["prefix"]))


def _description(signature: Any, field: str) -> str:
    if field == "reasoning":
        return f"${{produce the {list(signature.fields)[-1]}}}. We ..."
    return str(signature.fields[field].json_schema_extra["desc"])


def _ask(lm: Any, text: str, max_tokens: int) -> str:
    lm15 = dspy.lm15
    config = lm15.Config(temperature=0.0, max_tokens=max_tokens, stop=("\n\n",))
    with told():
        response = lm(lm15.Request(model=lm.model, messages=(lm15.Message.user(text),), config=config))
    return response.message.text or ""


def _read(signature: Any, names: Sequence[str], text: str) -> dict[str, str]:
    """The fields that ``text``, which begins within the first of ``names``, holds."""
    values: dict[str, str] = {}
    for name, following in zip(names, [*names[1:], ""], strict=True):
        value, mark, text = text.partition(f"\n{_name(signature, following)}") if following else (text, "", "")
        if value.strip():
            values[name] = value.strip().rstrip("-").strip()
        if not mark:
            break
    return values


class PublishedStudent(dspy.Module):  # type: ignore[misc]
    """ChainOfThought over question and context, as published; the context is the script, or else the schema."""

    def __init__(self, databases: Databases) -> None:
        super().__init__()
        self.context_of = _Contexts(databases)
        self.chain = dspy.ChainOfThought(TEXT_TO_SQL)

    def forward(self, db_id: str, question: str, evidence: str = "") -> Any:
        return self.chain(sql_prompt=question, sql_context=self.context_of(db_id))


class _Contexts:
    def __init__(self, databases: Databases) -> None:
        self._databases = databases

    def __deepcopy__(self, memo: dict[int, Any]) -> _Contexts:
        return self

    def __call__(self, db_id: str) -> str:
        if isinstance(self._databases, ScriptDatabases):
            return self._databases.scripts[db_id]
        return render_schema(self._databases.open(db_id).schema())


def make_published_example(question: Question, student: PublishedStudent) -> Any:
    """A labeled example with the published field names."""
    return dspy.Example(
        db_id=question.db_id,
        question=question.question,
        evidence=question.evidence,
        sql_prompt=question.question,
        sql_context=student.context_of(question.db_id),
        sql=question.sql,
    ).with_inputs(*INPUTS)


def as_published(backend: Backend) -> Backend:
    """The backend, spoken to in the published layout."""
    return replace(backend, adapter=PublishedAdapter())


def make_judge(backend: Backend, databases: Databases) -> Callable[[Question, str], bool]:
    """The published metric: another LM says Yes, and nothing else, of question, context and SQL."""
    judged, contexts = dspy.Predict(CORRECTNESS), _Contexts(databases)
    speaking = as_published(backend)

    def is_correct(question: Question, sql: str) -> bool:
        if not sql:
            return False
        context = contexts(question.db_id)
        with speaking.context(), suppress(NoSqlError):  # an empty answer is no Yes
            return bool(judged(sql_prompt=question.question, sql_context=context, sql=sql).correct == "Yes")
        return False

    return is_correct
