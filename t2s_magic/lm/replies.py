"""What an OpenAI-compatible server replied: a completion, or the words for its refusal. No dspy."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx

from t2s_magic.errors import KeyRefusedError, ModelError, ModelUnreachableError, PromptTooLongError
from t2s_magic.schema.names import one_line

SHOWN_CHARACTERS = 200
MODELS_NAMED = 10

SAYS_TOO_LONG = re.compile(
    r"context.{0,20}(length|window|size)|maximum context|max_model_len|prompt (is )?too (long|large)|too many tokens"
    r"|exceeds? the (available|maximum)|longer than the maximum",
    re.IGNORECASE,
)
_STARTING = re.compile(r"load(ing)? model|starting|warming|waking|cold|not ready|no (healthy )?replica", re.IGNORECASE)


# A server that is shut down ends its answers so: what has come of them is no whole answer.
_BROKEN_OFF = {"", "abort", "error", "cancelled"}


class RequestRefusedError(ModelError):
    """The server does not take the request as it is: perhaps it does without one of its fields."""


@dataclass(frozen=True)
class Choice:
    """One of the answers to a request; ``finish_reason`` is the server's word ("stop", "length", …)."""

    text: str
    finish_reason: str


@dataclass(frozen=True)
class Completion:
    """What a request brought: the first answer, and ``others`` where several were asked for.

    Token counts are of all answers together, and None if not told. ``first_token`` are the seconds until the first
    piece of a stream, ``seconds`` those that the request took.
    """

    text: str
    finish_reason: str
    model: str
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cached_tokens: int | None = None
    others: tuple[Choice, ...] = ()
    first_token: float | None = None
    seconds: float = 0.0


def read_completion(response: httpx.Response, host: str) -> Completion:
    """The choices of a chat completion; raises ModelUnreachableError where the reply is something else."""
    try:
        data = json.loads(response.content)
        first, *others = (_choice(each) for each in data["choices"])
        usage = data.get("usage") or {}
        completion = Completion(
            text=first.text,
            finish_reason=first.finish_reason,
            model=str(data.get("model") or "unknown"),
            prompt_tokens=usage.get("prompt_tokens"),
            completion_tokens=usage.get("completion_tokens"),
            cached_tokens=(usage.get("prompt_tokens_details") or {}).get("cached_tokens"),
            others=tuple(others),
        )
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError) as error:
        raise not_a_completion(host, response.headers.get("content-type", "")) from error
    if not all(is_whole(choice.finish_reason) for choice in (first, *others)):
        raise broken(host)
    return completion


def _choice(data: Any) -> Choice:
    message = data.get("message") or {"content": data["text"]}
    return Choice(str(message.get("content") or ""), str(data.get("finish_reason") or "stop"))


def is_whole(finish_reason: str) -> bool:
    """Has the LM itself, or a bound that was set for it, ended the answer?"""
    return finish_reason not in _BROKEN_OFF


def broken(host: str) -> ModelUnreachableError:
    """The error for an answer that ended too early."""
    return ModelUnreachableError(
        f"The connection to {host} broke before the answer was whole; nothing was run. Ask again."
    )


def not_a_completion(host: str, content_type: str) -> ModelUnreachableError:
    """The error for a reply that is something else."""
    kind = one_line(content_type or "no content type")
    return ModelUnreachableError(
        f"{host} answered something that is not a completion ({kind}); nothing was run. Is T2S_API_BASE right?"
    )


def read_models(response: httpx.Response) -> tuple[str, ...]:
    """The names in a list of models; () where the reply is no such list."""
    try:
        return tuple(str(model["id"]) for model in json.loads(response.content)["data"])
    except (ValueError, KeyError, TypeError):
        return ()


def read_owners(response: httpx.Response) -> frozenset[str]:
    """Who a list of models says has made them: vLLM says "vllm"; nothing where the reply is no such list."""
    try:
        return frozenset(str(model.get("owned_by") or "") for model in json.loads(response.content)["data"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return frozenset()


def is_starting(response: httpx.Response, host: str) -> bool:
    """Does the reply say that the server is on its way, rather than broken?"""
    if response.status_code != 503:
        return False
    return is_on_modal(host) or "retry-after" in response.headers or bool(_STARTING.search(response.text))


def is_on_modal(host: str) -> bool:
    """Is it one of Modal's addresses, where a container may first have to be started?"""
    return host.partition(":")[0].endswith((".modal.run", ".modal.direct"))


def way_on(response: httpx.Response, url: str) -> str:
    """Where a reply says that the answer will be ("" for nowhere), if that is at the same server: the key is for it.

    Modal sends 303 when a container is still starting, again and again, until it has the answer.
    """
    if response.status_code != 303 or "location" not in response.headers:
        return ""
    target = urljoin(url, response.headers["location"])
    return target if urlsplit(target)[:2] == urlsplit(url)[:2] else ""


def retry_after(response: httpx.Response, default: float) -> float:
    """The server's own Retry-After in seconds, told as a number or as a date; ``default`` where it tells none."""
    told = response.headers.get("retry-after", "")
    try:
        return max(0.0, float(told))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(told).timestamp() - time.time())
    except ValueError:
        return default


def refusal(response: httpx.Response, base_url: str, key: str) -> ModelError:
    """The error for a reply that is no success, in words for people and without the key."""
    status = response.status_code
    host = host_of(base_url)
    said = _shown(response, key)
    if status in {401, 403}:
        do = "Set T2S_API_KEY to a key of that server." if key else "It asks for a key: set T2S_API_KEY."
        return KeyRefusedError(f"{host} refused the key ({status}); nothing was run. {do}")
    if status in {400, 413, 422} and SAYS_TOO_LONG.search(response.text):
        return PromptTooLongError(f"The prompt is too long for the model at {host}: {said}")
    if 300 <= status < 400:
        return ModelUnreachableError(
            f"{host} redirects elsewhere ({status}), which is not followed: the key is for it alone. "
            "Set T2S_API_BASE to the final address."
        )
    if status >= 500:
        return ModelUnreachableError(f"{host} answered {status}: {said.rstrip('.')}. Nothing was run. Ask again later.")
    return RequestRefusedError(f"{host} refused the request ({status}): {said}")


def no_such_model(base_url: str, model: str, models: Sequence[str]) -> ModelError:
    """The error for 404: the model is not there, or the address is wrong."""
    if not models:
        return ModelUnreachableError(
            f"{address_of(base_url)} has no chat/completions there (404), nor a list of models. Is T2S_API_BASE right?"
        )
    names = ", ".join(one_line(each) for each in models[:MODELS_NAMED])
    host = host_of(base_url)
    return ModelError(
        f"{host} has no model {model!r}; it has {names}. Choose one: --lm hosted_vllm/{one_line(models[0])}"
    )


def host_of(url: str) -> str:
    """Host and port of a URL, without user, password or path: ``"127.0.0.1:8000"``."""
    return urlsplit(url).netloc.rpartition("@")[2]


def address_of(url: str) -> str:
    """What may be shown of a server's address: no user, password or path, which may hold a token."""
    return f"{urlsplit(url).scheme}://{host_of(url)}"


def _shown(response: httpx.Response, key: str) -> str:
    """What the server said, on one line, shortened, without the key."""
    text = _message(response)
    if key:
        text = text.replace(key, "•••")
    line = one_line(" ".join(text.split()))
    return f"{line[:SHOWN_CHARACTERS]}…" if len(line) > SHOWN_CHARACTERS else line or "(no text)"


def _message(response: httpx.Response) -> str:
    try:
        said: Any = json.loads(response.content)
    except (ValueError, RecursionError):
        return response.text
    error = said.get("error", said) if isinstance(said, dict) else said
    return str(error.get("message", error) if isinstance(error, dict) else error)
