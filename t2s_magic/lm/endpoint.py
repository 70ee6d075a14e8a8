"""An OpenAI-compatible server, spoken to over HTTP: patience, faults and their words live here. No dspy."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, urlsplit

import httpx

from t2s_magic.errors import ModelBusyError, ModelUnreachableError, UsageError
from t2s_magic.lm.replies import (
    Completion,
    host_of,
    is_starting,
    no_such_model,
    read_completion,
    read_models,
    refusal,
    retry_after,
)

MOST_BYTES = 10_000_000
LOOPBACK = ("127.0.0.1", "localhost", "::1")
OnProgress = Callable[[str], None]


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


class Endpoint:
    """A server at ``base_url`` (with or without ``/v1``). The key goes to it alone: redirects are not followed."""

    def __init__(
        self, base_url: str, key: str = "", *, patience: Patience | None = None, on_progress: OnProgress | None = None
    ) -> None:
        self.base_url = _checked_base(base_url)
        self.host = host_of(self.base_url)
        self.patience = patience or Patience()
        self.on_progress = on_progress
        self._key = _checked_key(key)
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
        return read_completion(response, self.host)

    def models(self) -> tuple[str, ...]:
        """The names of the models that the server says it has; () where it does not say."""
        try:
            return read_models(self._client.get(f"{self.base_url}/models", timeout=self.patience.connect))
        except httpx.HTTPError:
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
            if status == 404:
                raise no_such_model(self.base_url, str(body.get("model", "")), self.models())
            if status == 429:
                busy += 1
                pause = retry_after(response, default=2.0**busy)
                if busy >= self.patience.busy_tries or waited + pause > self.patience.busy:
                    raise self._busy(pause)
                self._pause(pause, f"{self.host} is busy: asking again", counts_down=True)
            elif status == 503 and is_starting(response) and waited < self.patience.waking:
                pause = max(retry_after(response, default=2.0), self.patience.pause)
                self._pause(min(pause, self.patience.waking - waited), "waking the model", since=started)
            elif status in {500, 502, 503, 504} and failed < self.patience.server_error_retries:
                pause = self.patience.pause * 2**failed * random.uniform(0.5, 1.5)
                failed += 1
                self._pause(pause, f"{self.host} answered {status}: asking again", counts_down=True)
            else:
                raise refusal(response, self.base_url, self._key)

    def _send(self, path: str, body: Mapping[str, Any]) -> httpx.Response:
        """One request. Leaving it by an exception, an interrupt included, closes the connection: the server sees it."""
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
        left = MOST_BYTES
        for chunk in response.iter_bytes():
            left -= len(chunk)
            if time.monotonic() > deadline:
                raise self._too_slow()
            if left < 0:
                raise ModelUnreachableError(f"{self.host} sent more than a completion can be; nothing was run.")
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


def _checked_base(base_url: str) -> str:
    parts = urlsplit(base_url.strip())
    if parts.scheme not in {"http", "https"} or not parts.hostname or not _has_port(parts):
        raise UsageError("T2S_API_BASE is no address. Set it to one like http://127.0.0.1:8000/v1.")
    if "@" in parts.netloc or parts.query:
        raise UsageError("T2S_API_BASE holds a user, a password or a query. Put the key in T2S_API_KEY instead.")
    path = parts.path.rstrip("/").removesuffix("/chat/completions")
    return f"{parts.scheme}://{parts.netloc}{path or '/v1'}"


def _has_port(parts: SplitResult) -> bool:
    try:
        return parts.port is None or parts.port > 0
    except ValueError:
        return False


def _checked_key(key: str) -> str:
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise UsageError("T2S_API_KEY holds a space, a line break or another character that no key has. Set it again.")
    return key


def _reason(error: httpx.ConnectError) -> str:
    text = str(error).lower()
    if "refused" in text:
        return "refused"
    if "name or service" in text or "getaddrinfo" in text or "nodename" in text or "resolution" in text:
        return "no such host"
    return "certificate not trusted" if "certificate" in text else "no connection"
