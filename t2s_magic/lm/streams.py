"""A chat completion that arrives piece by piece, as server-sent events. No dspy."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from t2s_magic.errors import ModelUnreachableError
from t2s_magic.lm.replies import Choice, Completion, broken, is_whole, not_a_completion
from t2s_magic.schema.names import one_line

OnText = Callable[[str], None]
_DONE = b"[DONE]"
SHOWN_CHARACTERS = 200


class _Pieces:
    """What has come of each choice so far."""

    def __init__(self, on_text: OnText, since: float) -> None:
        self.texts: dict[int, str] = {}
        self.finished: dict[int, str] = {}
        self.usage: dict[str, Any] = {}
        self.model = "unknown"
        self.since = since
        self.first_token: float | None = None
        self._on_text = on_text

    def take(self, event: dict[str, Any]) -> None:
        self.usage = event.get("usage") or self.usage
        self.model = str(event.get("model") or self.model)
        for choice in event.get("choices") or ():
            number = int(choice.get("index") or 0)
            self._write(number, str((choice.get("delta") or {}).get("content") or choice.get("text") or ""))
            if choice.get("finish_reason"):
                self.finished[number] = str(choice["finish_reason"])

    def _write(self, number: int, text: str) -> None:
        self.texts[number] = self.texts.get(number, "") + text
        if not text:
            return
        if self.first_token is None:
            self.first_token = time.monotonic() - self.since
        if number == 0:
            self._on_text(self.texts[0])


def read_stream(chunks: Iterable[bytes], host: str, on_text: OnText, *, since: float) -> Completion:
    """The whole completion; ``on_text`` is given the first choice's text so far, each time that it has grown.

    Raises ModelUnreachableError where the stream ends before every choice has its finish reason: half a statement may
    be a statement too. ``since`` is when the request was first made, by ``time.monotonic``.
    """
    pieces = _Pieces(on_text, since)
    for data in _events(chunks):
        if data == _DONE:
            break
        pieces.take(_event(data, host))
    if not pieces.texts or any(not is_whole(pieces.finished.get(number, "")) for number in pieces.texts):
        raise broken(host)
    first, *others = (Choice(pieces.texts[number], pieces.finished[number]) for number in sorted(pieces.texts))
    return Completion(
        first.text,
        first.finish_reason,
        pieces.model,
        prompt_tokens=pieces.usage.get("prompt_tokens"),
        completion_tokens=pieces.usage.get("completion_tokens"),
        cached_tokens=(pieces.usage.get("prompt_tokens_details") or {}).get("cached_tokens"),
        others=tuple(others),
        first_token=pieces.first_token,
    )


def _events(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The data of each event. Lines end at a line feed alone: JSON may hold the other line ends of Unicode as text."""
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            if line.startswith(b"data:"):
                yield line[len(b"data:") :].strip()


def _event(data: bytes, host: str) -> dict[str, Any]:
    try:
        event = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise not_a_completion(host, "text/event-stream") from error
    if not isinstance(event, dict):
        raise not_a_completion(host, "text/event-stream")
    if event.get("error"):
        said = event["error"].get("message") if isinstance(event["error"], dict) else event["error"]
        raise ModelUnreachableError(
            f"{host} broke off; nothing was run. It said: {one_line(str(said))[:SHOWN_CHARACTERS]}"
        )
    return event
