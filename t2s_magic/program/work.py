"""The work on one question: asking, judging and asking again, until a statement is accepted or no call is left."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from t2s_magic.adapters.prompt import Failure, Turn, as_text
from t2s_magic.adapters.quick_dspy import dspy
from t2s_magic.errors import NoSqlError, PromptTooLongError, Text2SqlError, UnsafeSqlError
from t2s_magic.guard import CheckedSql
from t2s_magic.lm import told
from t2s_magic.lm.usage import Usage, add_up, usage_of
from t2s_magic.program.signature import FAILURES
from t2s_magic.schema import Schema
from t2s_magic.schema.link import LinkedSchema
from t2s_magic.schema.render import render_schema

MARGIN = 0.15
_TOKENS = re.compile(r"(\d[\d,]{2,})\s+(?:\w+\s+){0,2}tokens", re.IGNORECASE)

Check = Callable[[str], CheckedSql]
Explain = Callable[[CheckedSql], str | None]


@dataclass(frozen=True)
class Attempt:
    """A statement the LM wrote, and what the guard or the engine's planner said of it ("" when both took it)."""

    sql: str
    problem: str = ""


@dataclass(frozen=True)
class Reading:
    """One way to read the question; ``confidence`` is the LM's own probability, or None where it gives none."""

    sql: str
    confidence: float | None = None


@dataclass(frozen=True)
class _Judged:
    """A statement with its verdict: ``checked`` if it was accepted, else ``problem``, and ``error`` if the guard's."""

    sql: str
    checked: CheckedSql | None = None
    problem: str = ""
    error: UnsafeSqlError | None = None


class CallLog(dspy.utils.callback.BaseCallback):  # type: ignore[misc]
    """Counts the calls of an LM and what they took, and keeps the text that was sent last.

    ``prompt`` is "" to the built-in model, which reads no text.
    """

    def __init__(self) -> None:
        self.calls = 0
        self.prompt = ""
        self.usages: list[Usage] = []
        self._under_way: dict[str, tuple[str, float]] = {}

    def on_lm_start(self, call_id: str, instance: Any, inputs: dict[str, Any]) -> None:
        self.calls += 1
        self._under_way[call_id] = (str(getattr(instance, "model", "")), perf_counter())
        request = inputs.get("prompt")
        if isinstance(request, dspy.lm15.Request):
            self.prompt = as_text([Turn(message.role, message.text or "") for message in request.messages])
        elif inputs.get("messages"):
            self.prompt = as_text([Turn(turn["role"], str(turn["content"])) for turn in inputs["messages"]])

    def on_lm_end(self, call_id: str, outputs: Any, exception: Exception | None = None) -> None:
        model, started = self._under_way.pop(call_id)
        if isinstance(outputs, dspy.lm15.Response):
            self.usages.append(usage_of(outputs, model, perf_counter() - started))


class Work:
    """Which calls were made for a question, what was written and what became of it."""

    def __init__(
        self,
        predict: Any,
        inputs: dict[str, Any],
        pairs: Sequence[Mapping[str, Any]],
        *,
        check: Check,
        explain: Explain | None,
        max_lm_calls: int,
    ) -> None:
        self.predict = predict
        self.inputs = inputs
        self.sent = inputs
        self.pairs = pairs
        self.check = check
        self.explain = explain
        self.max_lm_calls = max_lm_calls
        self.log = CallLog()
        self.rounds: list[list[_Judged]] = []
        self.completions: list[dict[str, Any]] = []
        self.accepted: _Judged | None = None
        self.refusal: NoSqlError | None = None
        self.times_asked = 0
        self.has_asked_again = False

    @property
    def calls(self) -> int:
        """How often the LM was called: as it reports itself, and at least as often as it was asked."""
        return max(self.log.calls, self.times_asked)

    @property
    def has_calls_left(self) -> bool:
        return self.calls < self.max_lm_calls

    def run(self) -> None:
        """Ask, judge, and ask again with what was wrong, until a statement is accepted or no call is left."""
        while self.accepted is None and self.has_calls_left:
            self.times_asked += 1
            try:
                self.completions = self._ask()
            except PromptTooLongError as error:
                self._cut_schema(error)
                continue
            except NoSqlError as error:
                self.refusal = error
                if not self._may_ask_again(error):
                    return
                continue
            self._judge()
            if not getattr(dspy.settings.adapter, "can_repair", True):
                return

    def _ask(self) -> list[dict[str, Any]]:
        repair: dict[str, Any] = {}
        if self.rounds:
            failures = [Failure(judged[0].sql, judged[0].problem) for judged in self.rounds]
            repair = {
                "signature": self.predict.signature.append("failures", FAILURES, list[dict[str, str]]),
                "failures": [vars(failure) for failure in failures],
            }
        with told():
            predicted = self.predict(demos=[*self.predict.demos, *self.pairs], **self.sent, **repair)
        columns = dict(predicted.completions.items())
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]

    def _judge(self) -> None:
        judged: list[_Judged] = []
        for sql in dict.fromkeys(completion["sql"] or "" for completion in self.completions):
            verdict = self._verdict(sql)
            judged.append(verdict)
            if verdict.checked is not None:
                self.accepted = verdict
                break
        self.rounds.append(judged)

    def _verdict(self, sql: str) -> _Judged:
        try:
            checked = self.check(sql)
        except UnsafeSqlError as error:
            return _Judged(sql, problem=error.message, error=error)
        if self.explain is None:
            return _Judged(sql, checked)
        try:
            complaint = self.explain(checked)
        except Text2SqlError as error:
            error.sql = sql  # not the EXPLAIN that was sent
            raise
        return _Judged(sql, problem=complaint) if complaint else _Judged(sql, checked)

    def _may_ask_again(self, error: NoSqlError) -> bool:
        """An empty answer is asked for once more; prose or half an answer would only come back."""
        may = not error.answer and not self.has_asked_again and getattr(dspy.settings.adapter, "can_repair", True)
        self.has_asked_again = True
        return may

    def _cut_schema(self, error: PromptTooLongError) -> None:
        """Send fewer tables in the next call, once; raise where there is no next call or no table to leave out."""
        total, sent = len(self.inputs["schema"]["tables"]), self.tables_sent
        if self.sent is not self.inputs or sent < 2 or not self.has_calls_left:
            raise PromptTooLongError(
                f"A schema of {total:,} tables does not fit: {sent:,} of {total:,} tables were sent, and the model's "
                f"window was still too small. {error.message}"
            ) from error
        shown = getattr(dspy.settings.adapter, "fitted_schema", _whole)(self.inputs)
        size = len(render_schema(shown))
        words = f"{self.inputs['question']} {self.inputs['evidence']}"
        fewer = LinkedSchema(shown).fit(size - _excess(error.message, size, len(self.log.prompt)), words)
        self.sent = {**self.inputs, "schema": fewer.to_dict()}

    @property
    def tables_sent(self) -> int:
        """How many tables the LM was shown last."""
        told_by_adapter = next((completion.get("tables_sent") for completion in self.completions), None)
        return told_by_adapter or len(self.sent["schema"]["tables"])

    @property
    def sql(self) -> str:
        """The accepted statement, else the best of those that failed last, else what an unusable answer held."""
        if self.accepted is not None:
            return self.accepted.sql
        if self.rounds:
            return self.rounds[-1][0].sql
        return (self.refusal.sql or "") if self.refusal is not None else ""

    def prediction(self) -> Any:
        """What is known at the end; without a statement to run ``checked`` is None and ``problem`` says why."""
        failed = self.rounds[-1][0] if self.rounds and self.accepted is None else None
        first = next((each for each in self.completions if each["sql"] == self.sql), {})
        refusal = self.refusal if not self.rounds else None
        return dspy.Prediction(
            sql=self.sql,
            checked=self.accepted.checked if self.accepted else None,
            problem=failed.problem if failed else refusal.message if refusal else "",
            error=failed.error if failed else refusal,
            answer=refusal.answer if refusal else "",
            attempts=tuple(Attempt(each.sql, each.problem) for judged in self.rounds for each in judged),
            lm_calls=self.calls,
            prompt=self.log.prompt,
            usage=add_up(self.log.usages),
            confidence=first.get("probability"),
            readings=tuple(Reading(each["sql"], each.get("probability")) for each in self.completions),
            abstained=bool(first.get("abstained")),
            nearest_tables=tuple(first.get("nearest_tables", ())),
            tables_sent=self.tables_sent,
            tables_total=len(self.inputs["schema"]["tables"]),
        )


def _excess(message: str, schema_characters: int, prompt_characters: int) -> int:
    """How many characters of the schema have to go: as the server counted the tokens, or else half.

    Servers say both the window and what was asked of it ("maximum context length is 8192 tokens … you requested 9005
    tokens"). The margin covers the answer, and names being cut into more tokens than words are.
    """
    counts = [int(count.replace(",", "")) for count in _TOKENS.findall(message)]
    if not counts or min(counts) == max(counts):
        return schema_characters // 2
    too_much = 1 - min(counts) / max(counts)
    return min(int((too_much + MARGIN) * prompt_characters), schema_characters * 9 // 10)


def _whole(inputs: Mapping[str, Any]) -> Schema:
    return Schema.from_dict(inputs["schema"])
