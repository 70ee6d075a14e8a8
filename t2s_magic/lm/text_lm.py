"""An ``Endpoint`` as an engine of dspy's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from t2s_magic.adapters import SQL_CALL
from t2s_magic.adapters.quick_dspy import dspy
from t2s_magic.lm.endpoint import Endpoint
from t2s_magic.lm.replies import Completion
from t2s_magic.lm.streams import OnText

_FINISH_REASONS = {"length": "length", "content_filter": "content_filter", "tool_calls": "tool_call"}


class EndpointEngine:
    """Answers dspy's requests from an OpenAI-compatible server.

    ``model`` is the name the server knows; ``extra`` are fields for every request that the OpenAI dialect does not
    have (``{"stop_token_ids": [32000]}``). A request of ``SqlAdapter``'s may bring a grammar and ask for several
    samples; ``on_text`` is given its answer as it is written.
    """

    takes_sql_calls = True

    def __init__(
        self,
        endpoint: Endpoint,
        model: str,
        extra: Mapping[str, Any] | None = None,
        *,
        on_text: OnText | None = None,
    ) -> None:
        self.endpoint = endpoint
        self.model = model
        self.extra = dict(extra or {})
        self.on_text = on_text

    def __deepcopy__(self, memo: dict[int, Any]) -> EndpointEngine:
        return self

    def complete(self, request: Any) -> Any:
        """One completion. Raises ModelError, which ``lm.failures`` finds again behind dspy's own errors."""
        body = {"model": self.model, **_body(request), **self.extra}
        sql_call = (request.config.extensions or {}).get(SQL_CALL)
        if sql_call is None:
            return _response(self.endpoint.complete(body))
        return _response(
            self.endpoint.complete(body, grammar=sql_call["grammar"], samples=sql_call["samples"], on_text=self.on_text)
        )

    @property
    def takes_grammars(self) -> bool:
        """Is it worth making a grammar for the next request?"""
        return self.endpoint.takes_grammars

    def stream(self, request: Any) -> Iterator[Any]:
        return iter(dspy.lm15.response_to_events(self.complete(request)))

    def close(self) -> None:
        self.endpoint.close()


def _body(request: Any) -> dict[str, Any]:
    config = request.config
    settings = {
        "temperature": config.temperature,
        "max_tokens": config.max_tokens,
        "top_p": config.top_p,
        "seed": config.seed,
        "frequency_penalty": config.frequency_penalty,
        "presence_penalty": config.presence_penalty,
        "stop": list(config.stop) or None,
        "response_format": config.response_format,
    }
    return {"messages": _messages(request), **{name: value for name, value in settings.items() if value is not None}}


def _messages(request: Any) -> list[dict[str, str]]:
    messages = [{"role": message.role, "content": message.text or ""} for message in request.messages]
    if request.system is None:
        return messages
    system = request.system if isinstance(request.system, str) else "".join(part.text for part in request.system)
    return [{"role": "system", "content": system}, *messages]


def _response(completion: Completion) -> Any:
    lm15 = dspy.lm15
    return lm15.Response(
        id=None,
        model=completion.model,
        message=lm15.Message.assistant(completion.text),
        finish_reason=_finish_reason(completion.finish_reason),
        usage=lm15.Usage(
            input_tokens=completion.prompt_tokens,
            output_tokens=completion.completion_tokens,
            cache_read_tokens=completion.cached_tokens,
        ),
        provider_data={
            SQL_CALL: {
                "others": [[choice.text, _finish_reason(choice.finish_reason)] for choice in completion.others],
                "first_token": completion.first_token,
                "seconds": completion.seconds,
            }
        },
    )


def _finish_reason(told: str) -> str:
    return _FINISH_REASONS.get(told, "stop")
