"""An OpenAI-compatible server, spoken to over HTTP: patience, faults and their words live here. No dspy."""

from __future__ import annotations

import json
import random
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import httpx

from t2s_magic.errors import (
    KeyRefusedError,
    ModelBusyError,
    ModelError,
    ModelUnreachableError,
    PromptTooLongError,
    UsageError,
)
from t2s_magic.schema.names import one_line

SHOWN_CHARACTERS = 200
LOOPBACK = ("127.0.0.1", "localhost", "::1")
OnProgress = Callable[[str], None]

_TOO_LONG = re.compile(
    r"context.{0,20}(length|window|size)|maximum context|max_model_len|prompt (is )?too (long|large)|too many tokens"
    r"|exceeds? the (available|maximum)|longer than the maximum",
    re.IGNORECASE,
)
_STARTING = re.compile(r"load(ing)? model|starting|warming|waking|cold|not ready|no (healthy )?replica", re.IGNORECASE)


@dataclass(frozen=True)
class Patience:
    """How long to wait, in seconds, and how often to ask again.

    ``total`` bounds the wait for one answer, ``busy`` and ``waking`` that for a server which asked to come back (429)
    or is starting (503); ``pause`` is the first pause after a server error, doubled each time and spread by chance so
    that several kernels do not come back together.
    """

    connect: float = 3.0
    total: float = 60.0
    busy: float = 30.0
    busy_tries: int = 3
    waking: float = 180.0
    server_error_retries: int = 2
    pause: float = 0.5


@dataclass(frozen=True)
class Completion:
    """One answer: ``finish_reason`` is the server's word ("stop", "length", …); token counts are None if not told."""

    text: str
    finish_reason: str
    model: str
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cached_tokens: int | None = None


class Endpoint:
    """A server at ``base_url`` (with or without ``/v1``). The key goes to it alone: redirects are not followed."""

    def __init__(
        self, base_url: str, key: str = "", *, patience: Patience | None = None, on_progress: OnProgress | None = None
    ) -> None:
        self.base_url = _checked_base(base_url)
        self.host = host_of(self.base_url)
        self.patience = patience or Patience()
        self.on_progress = on_progress
        self._key = key
        is_here = urlsplit(self.base_url).hostname in LOOPBACK
        self._client = httpx.Client(
            headers={"Authorization": f"Bearer {key}"} if key else {},
            timeout=httpx.Timeout(self.patience.total, connect=self.patience.connect),
            follow_redirects=False,
            # A proxy from the environment cannot reach this machine's own loopback address.
            trust_env=not is_here,
        )

    def __deepcopy__(self, memo: dict[int, Any]) -> Endpoint:
        """A connection is shared by the copies that optimizers make of a program and its LM."""
        return self

    def complete(self, body: Mapping[str, Any]) -> Completion:
        """Ask for one chat completion. Raises a ModelError that says what happened and what to do."""
        response = self._post("chat/completions", body)
        return _completion(self._json(response), response, self.host)

    def models(self) -> tuple[str, ...]:
        """The names of the models that the server says it has; () where it does not say."""
        try:
            response = self._client.get(f"{self.base_url}/models", timeout=self.patience.connect)
            return tuple(str(model["id"]) for model in response.json()["data"])
        except (httpx.HTTPError, ValueError, KeyError, TypeError):
            return ()

    def close(self) -> None:
        self._client.close()

    def _post(self, path: str, body: Mapping[str, Any]) -> httpx.Response:
        started = time.monotonic()
        busy = failed = 0
        while True:
            response = self._send(path, body)
            status = response.status_code
            waited = time.monotonic() - started
            if status == 200:
                return response
            if status == 429:
                busy += 1
                pause = _retry_after(response, default=2.0**busy)
                if busy >= self.patience.busy_tries or waited + pause > self.patience.busy:
                    raise self._busy(pause)
                self._pause(pause, f"{self.host} is busy: asking again", counts_down=True)
            elif status == 503 and _is_starting(response) and waited < self.patience.waking:
                self._pause(_retry_after(response, default=2.0), "waking the model", since=started)
            elif status in {500, 502, 503, 504} and failed < self.patience.server_error_retries:
                pause = self.patience.pause * 2**failed * random.uniform(0.5, 1.5)
                failed += 1
                self._pause(pause, f"{self.host} answered {status}: asking again", counts_down=True)
            else:
                raise self._refusal(response, body)

    def _send(self, path: str, body: Mapping[str, Any]) -> httpx.Response:
        """One request. Leaving it by any exception, an interrupt included, closes its connection: the server sees it."""
        deadline = time.monotonic() + self.patience.total
        try:
            with (
                self._waiting(),
                self._client.stream("POST", f"{self.base_url}/{path}", json=dict(body)) as response,
            ):
                content = b"".join(self._chunks(response, deadline))
                return httpx.Response(
                    response.status_code,
                    headers=[(k, v) for k, v in response.headers.multi_items() if k != "content-encoding"],
                    content=content,
                )
        except httpx.ConnectTimeout as error:
            raise self._unreachable(f"did not answer in {self.patience.connect:g} s") from error
        except httpx.TimeoutException as error:
            raise self._too_slow() from error
        except httpx.ConnectError as error:
            raise self._unreachable(_reason(error)) from error
        except httpx.HTTPError as error:
            raise ModelUnreachableError(
                f"The connection to {self.host} broke before the answer was whole; nothing was run. Ask again."
            ) from error

    def _chunks(self, response: httpx.Response, deadline: float) -> Iterator[bytes]:
        for chunk in response.iter_bytes():
            if time.monotonic() > deadline:
                raise self._too_slow()
            yield chunk

    @contextmanager
    def _waiting(self) -> Iterator[None]:
        """Tell how long the answer takes, once a second, from a thread: this one is blocked in a read."""
        if self.on_progress is None:
            yield
            return
        done = threading.Event()
        ticker = threading.Thread(target=self._tick, args=(self.on_progress, done), daemon=True)
        ticker.start()
        try:
            yield
        finally:
            done.set()
            ticker.join()

    def _tick(self, on_progress: OnProgress, done: threading.Event) -> None:
        seconds = 0
        while not done.wait(1.0):
            seconds += 1
            on_progress(f"waiting for {self.host} ({seconds} s)")

    def _pause(self, seconds: float, doing: str, *, since: float | None = None, counts_down: bool = False) -> None:
        """Sleep, telling each second how long it takes yet (``counts_down``) or has taken since ``since``."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            shown = left if counts_down or since is None else time.monotonic() - since
            if self.on_progress is not None:
                self.on_progress(f"{doing} ({'in ' if counts_down else ''}{shown:.0f} s)")
            time.sleep(min(left, 1.0))

    def _json(self, response: httpx.Response) -> Any:
        try:
            return json.loads(response.content)
        except ValueError as error:
            raise _not_a_completion(response, self.host) from error

    def _unreachable(self, reason: str) -> ModelUnreachableError:
        return ModelUnreachableError(
            f"No model at {self.base_url} ({reason}); nothing was run. Start the server or correct T2S_API_BASE."
        )

    def _too_slow(self) -> ModelUnreachableError:
        limit = f"{self.patience.total:g} s"
        return ModelUnreachableError(f"No answer from {self.host} in {limit}; nothing was run. Ask again, or for less.")

    def _busy(self, pause: float) -> ModelBusyError:
        return ModelBusyError(
            f"{self.host} is busy: it asked to come back in {pause:.0f} s; nothing was run. Ask again later."
        )

    def _refusal(self, response: httpx.Response, body: Mapping[str, Any]) -> ModelError:
        status = response.status_code
        said = self._shown(response)
        if status in {401, 403}:
            do = "Set T2S_API_KEY to a key of that server." if self._key else "It asks for a key: set T2S_API_KEY."
            return KeyRefusedError(f"{self.host} refused the key ({status}); nothing was run. {do}")
        if status == 404:
            return self._no_model(str(body.get("model", "")))
        if status in {400, 413, 422} and _TOO_LONG.search(response.text):
            return PromptTooLongError(f"The prompt is too long for the model at {self.host}: {said}")
        if 300 <= status < 400:
            return ModelUnreachableError(
                f"{self.host} redirects elsewhere ({status}), which is not followed: the key is for it alone. "
                "Set T2S_API_BASE to the final address."
            )
        if status >= 500:
            return ModelUnreachableError(f"{self.host} answered {status}: {said} Nothing was run. Ask again later.")
        return ModelError(f"{self.host} refused the request ({status}): {said}")

    def _no_model(self, name: str) -> ModelError:
        models = self.models()
        if not models:
            return ModelUnreachableError(
                f"{self.base_url}/chat/completions is not there (404), nor a list of models. Is T2S_API_BASE right?"
            )
        names = ", ".join(one_line(model) for model in models[:10])
        return ModelError(f"{self.host} has no model {name!r}; it has {names}. Choose one: --lm openai/{models[0]}")

    def _shown(self, response: httpx.Response) -> str:
        """What the server said, on one line, shortened, without the key."""
        text = response.text
        try:
            said = json.loads(text)
            error = said.get("error", said) if isinstance(said, dict) else said
            text = str(error.get("message", error) if isinstance(error, dict) else error)
        except ValueError:
            pass
        if self._key:
            text = text.replace(self._key, "•••")
        line = one_line(" ".join(text.split()))
        return f"{line[:SHOWN_CHARACTERS]}…" if len(line) > SHOWN_CHARACTERS else line or "(no text)"


def host_of(url: str) -> str:
    """Host and port of a URL, without user, password or path: ``"127.0.0.1:8000"``."""
    return urlsplit(url).netloc.rpartition("@")[2]


def _checked_base(base_url: str) -> str:
    parts = urlsplit(base_url.strip())
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise UsageError("T2S_API_BASE is no address. Set it to one like http://127.0.0.1:8000/v1.")
    if "@" in parts.netloc or parts.query:
        raise UsageError("T2S_API_BASE holds a user, a password or a query. Put the key in T2S_API_KEY instead.")
    path = parts.path.rstrip("/").removesuffix("/chat/completions")
    return f"{parts.scheme}://{parts.netloc}{path or '/v1'}"


def _completion(data: Any, response: httpx.Response, host: str) -> Completion:
    try:
        choice = data["choices"][0]
        message = choice.get("message") or {"content": choice["text"]}
        usage = data.get("usage") or {}
        return Completion(
            text=str(message.get("content") or ""),
            finish_reason=str(choice.get("finish_reason") or "stop"),
            model=str(data.get("model") or "unknown"),
            prompt_tokens=usage.get("prompt_tokens"),
            completion_tokens=usage.get("completion_tokens"),
            cached_tokens=(usage.get("prompt_tokens_details") or {}).get("cached_tokens"),
        )
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise _not_a_completion(response, host) from error


def _not_a_completion(response: httpx.Response, host: str) -> ModelError:
    kind = one_line(response.headers.get("content-type") or "no content type")
    return ModelUnreachableError(
        f"{host} answered something that is not a completion ({kind}); nothing was run. Is T2S_API_BASE right?"
    )


def _is_starting(response: httpx.Response) -> bool:
    return "retry-after" in response.headers or bool(_STARTING.search(response.text))


def _retry_after(response: httpx.Response, default: float) -> float:
    """The server's own Retry-After in seconds, given as a number or a date; ``default`` where it gives none."""
    told = response.headers.get("retry-after", "")
    try:
        return max(0.0, float(told))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(told).timestamp() - time.time())
    except ValueError:
        return default


def _reason(error: httpx.ConnectError) -> str:
    text = str(error).lower()
    if "refused" in text:
        return "refused"
    if "name or service" in text or "getaddrinfo" in text or "nodename" in text or "resolution" in text:
        return "no such host"
    return "certificate not trusted" if "certificate" in text else "no connection"
