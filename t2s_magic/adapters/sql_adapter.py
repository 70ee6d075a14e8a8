"""The adapter for LMs that read and write text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from t2s_magic.adapters.contract import read_sql
from t2s_magic.adapters.grammar import select_grammar
from t2s_magic.adapters.prompt import Failure, Turn, write_turns
from t2s_magic.adapters.quick_dspy import dspy
from t2s_magic.errors import NoSqlError
from t2s_magic.schema.link import LinkedSchema
from t2s_magic.schema.tables import Schema

# What a call may set of an LM's settings; the rest (number of samples, rollouts, clients) is not the LM's to read.
_REQUEST_SETTINGS = ("temperature", "max_tokens", "top_p", "seed", "stop", "frequency_penalty", "presence_penalty")


# Under this name a request of ours says what an engine of ours may add to it, and its response what came of that.
SQL_CALL = "t2s_magic"


def writes_sql(signature: Any) -> bool:
    """Is it our signature, or one that an optimizer or a module made of it?"""
    return {"question", "schema"} <= set(signature.input_fields) and "sql" in signature.output_fields


class SqlAdapter(dspy.ChatAdapter):  # type: ignore[misc]
    """Renders text-to-SQL calls as in ``prompt`` and reads answers by ``contract``; other signatures as ChatAdapter.

    ``schema_characters`` bounds the schema in a prompt: a larger one is cut to the tables whose words the question
    shares. Each completion carries ``tables_sent``. Where the LM's engine passes them on, a grammar of the answer goes
    with the request, and several samples are one request.
    """

    can_repair = True

    def __init__(self, schema_characters: int = 60_000) -> None:
        # ChatAdapter's fallback is a second call of the LM that nobody sees.
        super().__init__(use_json_adapter_fallback=False)
        self.schema_characters = schema_characters
        self._last: tuple[Mapping[str, Any], LinkedSchema] | None = None
        self._last_grammar: tuple[Schema, bool, str] | None = None

    def __call__(
        self,
        lm: Any,
        lm_kwargs: dict[str, Any],
        signature: Any,
        demos: Sequence[Mapping[str, Any]],
        inputs: Mapping[str, Any],
    ) -> list[dict[str, Any]]:
        if not writes_sql(signature):
            completions: list[dict[str, Any]] = super().__call__(lm, lm_kwargs, signature, demos, inputs)
            return completions
        settings = {**lm.kwargs, **lm_kwargs}
        schema = self.fitted_schema(inputs)
        turns = self._turns(signature, schema, demos, inputs)
        samples = settings.get("n") or 1
        rollout = {"rollout_id": settings["rollout_id"]} if settings.get("rollout_id") is not None else {}
        engine = getattr(lm, "engine", None)
        if getattr(engine, "takes_sql_calls", False):
            sql_call = {"samples": samples, "grammar": self._grammar(signature, schema, engine)}
            samples_given = _samples(lm(_request(lm.model, turns, settings, sql_call), **rollout))
        else:
            request = _request(lm.model, turns, settings)
            samples_given = [sample for _ in range(samples) for sample in _samples(lm(request, **rollout))]
        answers = _answers(signature, samples_given, settings.get("max_tokens"))
        return [{**answer, "tables_sent": len(schema.tables)} for answer in answers]

    def _grammar(self, signature: Any, schema: Schema, engine: Any) -> str:
        """The grammar of an answer; "" where the engine's server takes none. The last one is kept."""
        if not engine.takes_grammars:
            return ""
        has_reasoning = "reasoning" in signature.output_fields
        if self._last_grammar is None or self._last_grammar[:2] != (schema, has_reasoning):
            self._last_grammar = (schema, has_reasoning, select_grammar(schema, has_reasoning=has_reasoning))
        return self._last_grammar[2]

    def fitted_schema(self, inputs: Mapping[str, Any]) -> Schema:
        """The part of the schema that the prompt for ``inputs`` shows."""
        words = f"{inputs['question']} {inputs.get('evidence') or ''}"
        return self._linked(inputs["schema"]).fit(self.schema_characters, words)

    def _linked(self, data: Mapping[str, Any]) -> LinkedSchema:
        """The schema in an input; the work on it is kept for the next question if that has the same data."""
        last = self._last
        if last is None or last[0] is not data:
            last = self._last = (data, LinkedSchema(Schema.from_dict(data)))
        return last[1]

    def format(
        self, signature: Any, demos: Sequence[Mapping[str, Any]], inputs: Mapping[str, Any]
    ) -> list[dict[str, str]]:
        """The messages for a call, as every adapter of dspy gives them."""
        if not writes_sql(signature):
            messages: list[dict[str, str]] = super().format(signature, demos, inputs)
            return messages
        turns = self._turns(signature, self.fitted_schema(inputs), demos, inputs)
        return [{"role": turn.role, "content": turn.content} for turn in turns]

    def parse(self, signature: Any, completion: str) -> dict[str, Any]:
        """The output fields in one answer. Raises NoSqlError where it holds no single statement."""
        if not writes_sql(signature):
            fields: dict[str, Any] = super().parse(signature, completion)
            return fields
        return _fields(signature, completion, is_cut=False, max_tokens=None)

    def _turns(
        self, signature: Any, schema: Schema, demos: Sequence[Mapping[str, Any]], inputs: Mapping[str, Any]
    ) -> list[Turn]:
        usable = [demo for demo in demos if demo.get("question") and demo.get("sql")]
        return write_turns(
            signature.instructions,
            schema,
            usable,
            inputs,
            failures=[Failure(**failure) for failure in inputs.get("failures") or ()],
            has_reasoning="reasoning" in signature.output_fields,
        )


def _request(
    model: str, turns: Sequence[Turn], settings: Mapping[str, Any], sql_call: Mapping[str, Any] | None = None
) -> Any:
    roles = {"user": dspy.lm15.Message.user, "assistant": dspy.lm15.Message.assistant}
    given = {name: settings[name] for name in _REQUEST_SETTINGS if settings.get(name) is not None}
    if settings.get("max_completion_tokens") is not None:
        given["max_tokens"] = settings["max_completion_tokens"]
    if sql_call is not None:
        given["extensions"] = {SQL_CALL: sql_call}
    return dspy.lm15.Request(
        model=model,
        messages=tuple(roles[turn.role](turn.content) for turn in turns),
        config=dspy.lm15.Config(**given),
    )


def _samples(response: Any) -> list[tuple[str, str]]:
    """Text and finish reason of each answer that a response brings."""
    others = ((response.provider_data or {}).get(SQL_CALL) or {}).get("others", ())
    return [(_text(response), response.finish_reason), *((text, reason) for text, reason in others)]


def _answers(signature: Any, samples: Sequence[tuple[str, str]], max_tokens: int | None) -> list[dict[str, Any]]:
    """The fields of each answer that holds them; where none does, the first one's error."""
    read: list[dict[str, Any]] = []
    refused: list[NoSqlError] = []
    for text, finish_reason in samples:
        is_cut = finish_reason == "length"
        try:
            read.append(_fields(signature, text, is_cut=is_cut, max_tokens=max_tokens))
        except NoSqlError as error:
            refused.append(error)
    if not read:
        raise refused[0]
    return read


def _text(response: Any) -> str:
    return "".join(part.text for part in response.message.parts if isinstance(part, dspy.lm15.TextPart))


def _fields(signature: Any, answer: str, *, is_cut: bool, max_tokens: int | None) -> dict[str, Any]:
    fields = {"sql": read_sql(answer, is_cut=is_cut, max_tokens=max_tokens)}
    if "reasoning" in signature.output_fields:
        fields["reasoning"] = answer.partition("```")[0].strip()
    return fields
