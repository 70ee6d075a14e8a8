"""A small client of the OpenAI dialect for checks and the benchmark: streams, and keeps time."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any

from model_serve.errors import CheckFailedError

# The key goes to the address given, not to where that redirects.
_KEEPS_TO_ADDRESS = type("_NoRedirect", (urllib.request.HTTPRedirectHandler,), {"redirect_request": lambda *_: None})


@dataclass(frozen=True)
class Answer:
    """One streamed answer. Times are in seconds from the sending of the request; token counts are the server's own."""

    text: str
    finish_reason: str
    first_token: float
    total: float
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int

    @property
    def tokens_per_second(self) -> float:
        """Of the tokens after the first one; 0 where there was only one."""
        writing = self.total - self.first_token
        return (self.completion_tokens - 1) / writing if self.completion_tokens > 1 and writing > 0 else 0.0


@dataclass(frozen=True)
class Reply:
    status: int
    body: bytes


@dataclass(frozen=True)
class Client:
    """Asks the server at ``base_url`` (ending in ``/v1``)."""

    base_url: str
    key: str
    timeout: float = 120.0

    @property
    def root(self) -> str:
        return self.base_url.removesuffix("/").removesuffix("/v1")

    def get(self, path: str, *, with_key: bool = True) -> Reply:
        """What the server answers under its root; a refusal is a reply too. Raises OSError if there is no server."""
        request = urllib.request.Request(f"{self.root}{path}", headers=self._headers() if with_key else {})
        try:
            with self._open(request) as response:
                return Reply(response.status, response.read())
        except urllib.error.HTTPError as error:
            with error:
                return Reply(error.code, error.read())

    def ask(
        self,
        model: str,
        messages: Sequence[Mapping[str, str]],
        *,
        max_tokens: int,
        extra: Mapping[str, Any] | None = None,
    ) -> Answer:
        """Stream one greedy completion. Raises CheckFailedError where there is no server, or with its words."""
        body = {
            "model": model,
            "messages": list(messages),
            "max_tokens": max_tokens,
            "temperature": 0.0,
            "stream": True,
            "stream_options": {"include_usage": True},
            **(extra or {}),
        }
        headers = {**self._headers(), "Content-Type": "application/json"}
        url = f"{self.root}/v1/chat/completions"
        started = time.monotonic()
        try:
            with self._open(urllib.request.Request(url, json.dumps(body).encode(), headers)) as response:
                return read_stream(response, started)
        except urllib.error.HTTPError as error:
            with error:
                said = error.read().decode(errors="replace")[:300]
            raise CheckFailedError(f"{url} answered {error.code}: {said}") from error
        except (OSError, HTTPException) as error:
            raise CheckFailedError(f"{url} does not answer ({error}). Is the server running?") from error

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"} if self.key else {}

    def _open(self, request: urllib.request.Request) -> Any:
        return urllib.request.build_opener(_KEEPS_TO_ADDRESS).open(request, timeout=self.timeout)


def read_stream(lines: Iterable[bytes], started: float) -> Answer:
    """An answer from its server-sent events; ``started`` is when the request left, by ``time.monotonic``."""
    parts: list[str] = []
    finish_reason, first_token = "", 0.0
    usage: dict[str, Any] = {}
    for line in lines:
        data = line.strip().removeprefix(b"data: ")
        if not data.startswith(b"{"):
            continue
        event = json.loads(data)
        if "error" in event:
            raise CheckFailedError(f"The server broke off: {event['error']}")
        usage = event.get("usage") or usage
        for choice in event.get("choices", ()):
            text = (choice.get("delta") or {}).get("content") or ""
            if text and not parts:
                first_token = time.monotonic() - started
            parts += [text] if text else []
            finish_reason = choice.get("finish_reason") or finish_reason
    total = time.monotonic() - started
    details = usage.get("prompt_tokens_details") or {}
    return Answer(
        text="".join(parts),
        finish_reason=finish_reason,
        first_token=first_token or total,
        total=total,
        prompt_tokens=int(usage.get("prompt_tokens", 0)),
        completion_tokens=int(usage.get("completion_tokens", 0)),
        cached_tokens=int(details.get("cached_tokens") or 0),
    )
