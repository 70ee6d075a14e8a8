"""A server that knows the answers to some questions, and writes instructions when asked for them."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from openai_server import OpenAiServer, Reply, refusal


class Oracle(OpenAiServer):
    """Answers the question that stands last in a prompt from ``answers``, and others with ``otherwise``.

    A prompt for other fields than SQL gets each of the fields that it names, filled with ``prose``. ``on_request`` is
    told the number of each request, from 1. Every answer takes ``seconds``; one beyond ``most_at_once`` is refused as
    too many, and all are by the reply given to ``fail``.
    """

    def __init__(self, answers: Mapping[str, str], otherwise: str, prose: str = "Write careful SQL.") -> None:
        super().__init__("unused")
        self.answers, self.otherwise, self.prose = answers, otherwise, prose
        self.on_request: Callable[[int], object] = lambda number: None
        self.seconds = 0.0
        self.most_at_once = 1_000
        self.refused = 0
        self._failure: Reply | None = None
        self._under_way = 0
        self._counting = threading.Lock()

    def fail(self, reply: Reply | None) -> None:
        self._failure = reply

    def next_reply(self, body: dict[str, Any], headers: dict[str, str]) -> Reply:
        with self._counting:
            if self._under_way >= self.most_at_once:
                self.refused += 1
                return refusal(429, "too many", Retry_After="0")
            self._under_way += 1
            super().next_reply(body, headers)
            number = len(self.requests)
        try:
            self.on_request(number)
            time.sleep(self.seconds)
            return self._failure or self._answer(body)
        finally:
            with self._counting:
                self._under_way -= 1

    def _answer(self, body: dict[str, Any]) -> Reply:
        text = "\n".join(turn["content"] for turn in body["messages"])
        if "Schema:" in body["messages"][0]["content"][:900]:
            asked = re.findall(r"^Question: (.+)$", text, re.MULTILINE)[-1]
            return Reply(self.answers.get(asked, self.otherwise))
        wanted = text.rpartition("Respond with")[2]
        fields = re.findall(r"`?\[\[ ## (\w+) ## \]\]`?", wanted)
        if not fields:
            return Reply(f"```\n{self.prose}\n```")
        return Reply("\n\n".join(f"[[ ## {name} ## ]]\n{'' if name == 'completed' else self.prose}" for name in fields))


@contextmanager
def oracle(answers: Mapping[str, str], otherwise: str) -> Iterator[Oracle]:
    server = Oracle(answers, otherwise)
    server.start()
    try:
        yield server
    finally:
        server.stop()
