"""A double of a text LM for tests: dspy's own LM over an engine that answers from a script."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import dspy


class ScriptedEngine:
    """Answers in turn, the last one again and again; a callable answer is given the prompt's last turn.

    ``requests`` holds each request's turns as (role, text).
    """

    def __init__(self, *answers: str | Callable[[str], str] | Exception, finish_reason: str = "stop") -> None:
        self.answers = list(answers)
        self.finish_reason = finish_reason
        self.requests: list[list[tuple[str, str]]] = []

    def __deepcopy__(self, memo: dict[int, Any]) -> ScriptedEngine:
        return self

    def complete(self, request: Any) -> Any:
        self.requests.append([(message.role, message.text) for message in request.messages])
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        text = answer(request.messages[-1].text) if callable(answer) else answer
        return dspy.lm15.Response(
            id=None,
            model="scripted",
            message=dspy.lm15.Message.assistant(text),
            finish_reason=self.finish_reason,
            usage=dspy.lm15.Usage(),
        )


def scripted_lm(*answers: str | Callable[[str], str] | Exception, finish_reason: str = "stop", **settings: Any) -> Any:
    """An LM that gives these answers."""
    engine = ScriptedEngine(*answers, finish_reason=finish_reason)
    return dspy.LM("scripted", engine=engine, cache=False, num_retries=0, **settings)
