"""An OpenAI-compatible server, spoken to over HTTP: patience, faults and their words live here. No dspy."""

from __future__ import annotations

import logging
import random
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Literal
from urllib.parse import SplitResult, urlsplit

import httpx

from t2s_magic.errors import ModelBusyError, ModelUnreachableError, UsageError
from t2s_magic.lm.replies import (
    Choice,
    Completion,
    RequestRefusedError,
    address_of,
    broken,
    host_of,
    is_on_modal,
    is_starting,
    no_such_model,
    read_completion,
    read_models,
    read_owners,
    refusal,
    retry_after,
    way_on,
)
from t2s_magic.lm.streams import OnText, read_stream
from t2s_magic.lm.wishes import GRAMMAR, SAMPLES, STREAM, blamed, fields, make_wishes

MOST_BYTES = 10_000_000
# A study asks this much at once; httpx alone would keep 20 connections, and make the others anew for each question.
MOST_KEPT_CONNECTIONS = 64
# A local server's key is often a word such as "EMPTY", which an answer may hold for another reason.
SHORTEST_KEY = 8
# Gateways put tokens into paths; "deployments" and "v1" are no tokens.
_TOKEN_IN_PATH = re.compile(r"(?=[^/]*\d)[^/]{12,}")
HIDDEN = "•••"
LOOPBACK = ("127.0.0.1", "localhost", "::1")
# Others have no such field, or take it and do not keep to it.
KEEPS_TO_GRAMMARS = "vllm"
OnProgress = Callable[[str], None]
Constrained = Literal["auto", "on", "off"]


@dataclass(frozen=True)
class Patience:
    """How long to wait, in seconds, and how often to ask again.

    ``total`` bounds the wait for one answer of a server that is awake, ``busy`` that for one which asked to come back
    (429, or a server error that names a time), ``waking`` that for one which is starting (503): the first start
    downloads 14.5 GB. ``held`` bounds a single request to Modal, which holds it for 150 s before it says that the
    container is not there yet. ``pause`` is the first pause after a server error, doubled each time and spread by
    chance so that several kernels do not come back together.
    """

    connect: float = 3.0
    total: float = 60.0
    busy: float = 30.0
    busy_tries: int = 3
    waking: float = 1800.0
    held: float = 160.0
    server_error_retries: int = 2
    pause: float = 0.5


@dataclass
class _Call:
    """One request on its way: where it goes next, and what has become of it so far."""

    method: str
    url: str
    body: Mapping[str, Any] | None
    on_text: OnText | None
    started: float
    busy: int = 0
    failed: int = 0
    is_waking: bool = False

    @property
    def waited(self) -> float:
        return time.monotonic() - self.started


class Endpoint:
    """A server at ``base_url`` (with or without ``/v1``). The key goes to it alone, wherever it redirects.

    Nothing that it says, raises or logs shows the key or the path of the address, which may hold a token.

    ``constrained`` says whether to ask it to hold answers to a grammar: "auto" where it is a vLLM. What it turns out
    not to take is not asked of it again; ``on_notice`` is told so once, in a sentence for people.
    """

    def __init__(
        self,
        base_url: str,
        key: str = "",
        *,
        patience: Patience | None = None,
        on_progress: OnProgress | None = None,
        on_notice: OnProgress | None = None,
        constrained: Constrained = "auto",
    ) -> None:
        self.base_url = _checked_base(base_url)
        self.host = host_of(self.base_url)
        self.patience = patience or Patience()
        self.on_progress = on_progress
        self.on_notice = on_notice
        self._key = _checked_key(key)
        self._secrets = _secrets(self.base_url, key)
        self._does_without: set[str] = {GRAMMAR} if constrained == "off" else set()
        self._is_known_to_constrain = constrained == "on"
        is_here = urlsplit(self.base_url).hostname in LOOPBACK
        self._client = httpx.Client(
            headers={"Authorization": f"Bearer {key}"} if key else {},
            timeout=httpx.Timeout(self.patience.total, connect=self.patience.connect),
            limits=httpx.Limits(max_keepalive_connections=MOST_KEPT_CONNECTIONS),
            follow_redirects=False,
            # A proxy from the environment cannot reach this machine's own loopback address.
            trust_env=not is_here,
        )

    def __deepcopy__(self, memo: dict[int, Any]) -> Endpoint:
        """A connection is shared by the copies that optimizers make of a program and its LM."""
        return self

    @property
    def takes_grammars(self) -> bool:
        """Is it worth sending a grammar: nothing speaks against it so far."""
        return GRAMMAR not in self._does_without

    def complete(
        self, body: Mapping[str, Any], *, grammar: str = "", samples: int = 1, on_text: OnText | None = None
    ) -> Completion:
        """Ask for one chat completion, or ``samples`` of it that share the reading of the prompt.

        ``grammar`` (EBNF) is what the answer shall keep to; with ``on_text`` the answer is streamed, and the function
        is given the text so far, each time that it has grown. A server that does not know one of these is asked
        without. Raises a ModelError that says what happened and what to do; a stream that breaks is an error.
        """
        started = time.monotonic()
        completion = self._with_wishes(body, grammar, samples, on_text)
        while len(completion.others) < samples - 1:
            self._does_without.add(SAMPLES)
            completion = _joined(completion, self._with_wishes(body, grammar, 1, None))
        return replace(self._without_secrets_in(completion), seconds=time.monotonic() - started)

    def models(self) -> tuple[str, ...]:
        """The names of the models that the server says it has; () where it does not say."""
        listing = self._listing()
        return read_models(listing) if listing is not None else ()

    def close(self) -> None:
        self._client.close()

    def _listing(self) -> httpx.Response | None:
        try:
            with _logged_without_path(self.base_url):
                return self._client.get(f"{self.base_url}/models", timeout=self.patience.connect)
        except httpx.HTTPError:
            return None

    # What a server may not know.

    def _with_wishes(self, body: Mapping[str, Any], grammar: str, samples: int, on_text: OnText | None) -> Completion:
        """Ask with all that is wished for; where that is refused, without what the refusal is about."""
        wished = make_wishes(grammar, samples, is_streamed=on_text is not None)
        wishes = {wish: asked for wish, asked in wished.items() if wish not in self._does_without}
        first_refusal: RequestRefusedError | None = None
        left_out: set[str] = set()
        while True:
            try:
                completion = self._post({**body, **fields(wishes)}, on_text if STREAM in wishes else None)
            except RequestRefusedError as error:
                first_refusal = first_refusal or error
                if not wishes:
                    raise first_refusal from None
                left_out |= blamed(error.message, wishes)
                wishes = {wish: asked for wish, asked in wishes.items() if wish not in left_out}
                continue
            self._do_without(left_out)
            if GRAMMAR in wishes and not self._is_known_to_constrain:
                self._look_who_it_is()
            return completion

    def _look_who_it_is(self) -> None:
        """Stop sending grammars to a server that would ignore them silently; one too busy to say is asked again."""
        listing = self._listing()
        if listing is None:
            return
        if KEEPS_TO_GRAMMARS in read_owners(listing):
            self._is_known_to_constrain = True
        else:
            self._do_without({GRAMMAR})

    def _do_without(self, wishes: set[str]) -> None:
        if GRAMMAR in wishes - self._does_without and self.on_notice is not None:
            self.on_notice(
                f"{self.host} does not hold answers to a grammar: its SQL is written freely, and checked as always."
            )
        self._does_without |= wishes

    # One request, with patience.

    def _post(self, body: Mapping[str, Any], on_text: OnText | None) -> Completion:
        call = _Call("POST", f"{self.base_url}/chat/completions", body, on_text, time.monotonic())
        while True:
            response = self._send(call)
            if isinstance(response, Completion):
                return response
            if response.status_code == 200:
                completion = read_completion(response, self.host)
                if on_text is not None:
                    on_text(completion.text)
                return completion
            self._wait_after(response, call)

    def _wait_after(self, response: httpx.Response, call: _Call) -> None:
        """Wait as the reply asks for, so that the call can be made again; raise what it means where it cannot."""
        status, patience = response.status_code, self.patience
        target = way_on(response, call.url)
        if target or is_starting(response, self.host):
            if call.waited >= patience.waking:
                raise self._still_starting(response)
            if target:
                call.method, call.url, call.body = "GET", target, None
            call.is_waking = True
            pause = max(retry_after(response, default=0.0 if target else 2.0), patience.pause)
            self._pause(min(_spread(pause), patience.waking - call.waited), "waking the model", since=call.started)
        elif status == 404:
            raise no_such_model(self.base_url, str((call.body or {}).get("model", "")), self.models())
        elif status == 429:
            call.busy += 1
            pause = retry_after(response, default=2.0**call.busy)
            if call.busy >= patience.busy_tries or call.waited + pause > patience.busy:
                raise self._busy(pause)
            self._pause(_spread(pause), f"{self.host} is busy: asking again", counts_down=True)
        elif status in {500, 502, 503, 504} and call.failed < patience.server_error_retries:
            pause = retry_after(response, default=patience.pause * 2**call.failed * random.uniform(0.5, 1.5))
            if pause > patience.busy:
                raise refusal(response, self.base_url, self._key)
            call.failed += 1
            self._pause(pause, f"{self.host} answered {status}: asking again", counts_down=True)
        else:
            raise refusal(response, self.base_url, self._key)

    def _send(self, call: _Call) -> httpx.Response | Completion:
        """Make the call once. Leaving it by an exception, an interrupt included, closes the connection: the server
        sees it, and stops writing."""
        may_be_held = call.is_waking or is_on_modal(self.host)
        limit = max(self.patience.total, self.patience.held) if may_be_held else self.patience.total
        deadline = time.monotonic() + limit
        timeout = httpx.Timeout(limit, connect=self.patience.connect)
        content = None if call.body is None else dict(call.body)
        try:
            with (
                self._waiting(call) as stop_telling,
                _logged_without_path(self.base_url),
                self._client.stream(call.method, call.url, json=content, timeout=timeout) as response,
            ):
                chunks = self._chunks(response, deadline, limit)
                if call.on_text is not None and response.status_code == 200 and _is_stream(response):
                    tell = call.on_text
                    on_text = _after(stop_telling, lambda text: tell(self._hidden(text)))
                    return read_stream(chunks, self.host, on_text, since=call.started)
                return self._reply(response, b"".join(chunks))
        except httpx.ConnectTimeout as error:
            raise self._unreachable(f"did not answer in {self.patience.connect:g} s") from error
        except httpx.TimeoutException as error:
            raise self._too_slow(limit) from error
        except httpx.ConnectError as error:
            raise self._unreachable(_reason(error)) from error
        except httpx.HTTPError as error:
            raise broken(self.host) from error

    def _chunks(self, response: httpx.Response, deadline: float, limit: float) -> Iterator[bytes]:
        left = MOST_BYTES
        for chunk in response.iter_bytes():
            left -= len(chunk)
            if time.monotonic() > deadline:
                raise self._too_slow(limit)
            if left < 0:
                raise ModelUnreachableError(f"{self.host} sent more than a completion can be; nothing was run.")
            yield self._without_secrets(chunk)

    # A server may repeat the key or its path in whatever it says; nothing that is made of that shall show it.

    def _reply(self, response: httpx.Response, content: bytes) -> httpx.Response:
        headers = [
            (name.encode(), self._without_key(value.encode()))  # as bytes: httpx takes only ASCII as text
            for name, value in response.headers.multi_items()
            if name != "content-encoding"
        ]
        return httpx.Response(response.status_code, headers=headers, content=self._without_secrets(content))

    def _without_key(self, said: bytes) -> bytes:
        """A header may be the way on, whose path has to stay."""
        return said.replace(self._key.encode(), HIDDEN.encode()) if len(self._key) >= SHORTEST_KEY else said

    def _without_secrets(self, said: bytes) -> bytes:
        for secret in self._secrets:
            said = said.replace(secret.encode(), HIDDEN.encode())
        return said

    def _hidden(self, said: str) -> str:
        for secret in self._secrets:
            said = said.replace(secret, HIDDEN)
        return said

    def _without_secrets_in(self, completion: Completion) -> Completion:
        others = tuple(replace(other, text=self._hidden(other.text)) for other in completion.others)
        return replace(completion, text=self._hidden(completion.text), others=others)

    # What a person is told meanwhile.

    @contextmanager
    def _waiting(self, call: _Call) -> Iterator[Callable[[], None]]:
        """Tell how long the answer takes, once a second, from a thread: this one is blocked in a read.

        Yields a function that ends the telling early.
        """
        done = threading.Event()
        if self.on_progress is None:
            yield done.set
            return
        ticker = threading.Thread(target=self._tick, args=(self.on_progress, call, done), daemon=True)
        ticker.start()
        try:
            yield done.set
        finally:
            done.set()
            ticker.join()

    def _tick(self, on_progress: OnProgress, call: _Call, done: threading.Event) -> None:
        sent = time.monotonic()
        while not done.wait(1.0):
            if call.is_waking:
                on_progress(f"waking the model ({call.waited:.0f} s)")
            else:
                on_progress(f"waiting for {self.host} ({time.monotonic() - sent:.0f} s)")

    def _pause(self, seconds: float, doing: str, *, since: float | None = None, counts_down: bool = False) -> None:
        """Sleep, telling each second how long it takes yet (``counts_down``) or has taken since ``since``."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            shown = left if counts_down or since is None else time.monotonic() - since
            if self.on_progress is not None:
                self.on_progress(f"{doing} ({'in ' if counts_down else ''}{shown:.0f} s)")
            time.sleep(min(left, 1.0))

    def _unreachable(self, reason: str) -> ModelUnreachableError:
        address = address_of(self.base_url)
        return ModelUnreachableError(
            f"No model at {address} ({reason}); nothing was run. Start the server or correct T2S_API_BASE."
        )

    def _too_slow(self, limit: float) -> ModelUnreachableError:
        return ModelUnreachableError(
            f"No answer from {self.host} in {limit:g} s; nothing was run. Ask again, or for less, "
            "or allow more with %config Text2SQL.lm_time_limit."
        )

    def _still_starting(self, response: httpx.Response) -> ModelUnreachableError:
        return ModelUnreachableError(
            f"{self.host} was still starting after {self.patience.waking:g} s (it answered {response.status_code}); "
            "nothing was run. Ask again, or wait longer with %config Text2SQL.lm_waking_limit."
        )

    def _busy(self, pause: float) -> ModelBusyError:
        return ModelBusyError(
            f"{self.host} is busy: it asked to come back in {pause:.0f} s; nothing was run. Ask again later."
        )


def _is_stream(response: httpx.Response) -> bool:
    content_type: str = response.headers.get("content-type", "")
    return content_type.startswith("text/event-stream")


def _after(stop_telling: Callable[[], None], on_text: OnText) -> OnText:
    """``on_text``, which from its first call on is all that is told."""

    def tell(text: str) -> None:
        stop_telling()
        on_text(text)

    return tell


def _spread(pause: float) -> float:
    """A pause that a server asked for, up to a tenth longer: several kernels were asked to come back at once."""
    return pause * random.uniform(1.0, 1.1)


def _joined(first: Completion, more: Completion) -> Completion:
    """Two completions of the same prompt as one."""
    others = (*first.others, Choice(more.text, more.finish_reason), *more.others)
    return replace(
        first,
        others=others,
        prompt_tokens=_sum(first.prompt_tokens, more.prompt_tokens),
        completion_tokens=_sum(first.completion_tokens, more.completion_tokens),
        cached_tokens=_sum(first.cached_tokens, more.cached_tokens),
    )


def _sum(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else one + other


def _checked_base(base_url: str) -> str:
    parts = urlsplit(base_url.strip())
    if parts.scheme not in {"http", "https"} or not parts.hostname or not _has_port(parts):
        raise UsageError("T2S_API_BASE is no address. Set it to one like http://127.0.0.1:8000/v1.")
    if "@" in parts.netloc or parts.query:
        raise UsageError("T2S_API_BASE holds a user, a password or a query. Put the key in T2S_API_KEY instead.")
    path = parts.path.rstrip("/").removesuffix("/chat/completions")
    return f"{parts.scheme}://{parts.netloc}{path or '/v1'}"


def _secrets(base_url: str, key: str) -> tuple[str, ...]:
    """What no message may show: the key, and what in the path of the address may be a token."""
    path = urlsplit(base_url).path.removesuffix("/v1")
    texts = [key, path, *_TOKEN_IN_PATH.findall(path)]
    return tuple(text for text in texts if len(text) >= SHORTEST_KEY)


@contextmanager
def _logged_without_path(base_url: str) -> Iterator[None]:
    """Within: what httpx logs of requests to that server names its address alone."""
    host, address = urlsplit(base_url).hostname, address_of(base_url)
    logger = logging.getLogger("httpx")

    def shorten(record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(
                address if isinstance(given, httpx.URL) and given.host == host else given for given in record.args
            )
        return True

    logger.addFilter(shorten)
    try:
        yield
    finally:
        logger.removeFilter(shorten)


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
