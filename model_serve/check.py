"""Does a deployment do what it should? Asked of the real thing over HTTP, one line an answer."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable

from model_serve.client import Answer, Client
from model_serve.errors import CheckFailedError
from model_serve.profiles import Profile
from model_serve.prompts import QUESTIONS, messages

Say = Callable[[str], None]
MAX_TOKENS = 200
CLOSED_PATHS = ("/v1/models", "/metrics")


def check_deployment(
    client: Client, profile: Profile, *, say: Say, patience: float = 900.0, pause: float = 5.0
) -> None:
    """Wait until the server is awake, then check key, model and one real answer. Raises CheckFailedError.

    ``patience`` and ``pause`` are in seconds: a cold container answers 503 for minutes, which is no error.
    """
    waited = wait_until_awake(client, patience=patience, pause=pause, say=say)
    say(f"awake        after {waited:.0f} s")
    for path in CLOSED_PATHS:
        check_is_closed(client, path)
    say(f"closed       {', '.join(CLOSED_PATHS)} refuse to answer without the key")
    check_has_model(client, profile.model)
    say(f"model        {profile.model}")
    question = QUESTIONS[0]
    answer = client.ask(
        profile.model, messages(question), max_tokens=MAX_TOKENS, extra={"stop_token_ids": list(profile.stop_token_ids)}
    )
    check_is_sql(answer)
    say(f"question     {question}")
    say(f"answer       {' '.join(answer.text.split())}")
    say(
        f"speed        first token after {answer.first_token * 1000:.0f} ms, "
        f"then {answer.tokens_per_second:.0f} tokens/s "
        f"({answer.prompt_tokens} tokens read, {answer.completion_tokens} written)"
    )


def wait_until_awake(client: Client, *, patience: float, pause: float, say: Say) -> float:
    """The seconds until ``/health`` answered 200. A refused connection is none that wakes: Modal always answers."""
    started = time.monotonic()
    seen = ""
    while (waited := time.monotonic() - started) < patience:
        try:
            status = client.get("/health", with_key=False).status
        except OSError as error:
            if isinstance(getattr(error, "reason", error), ConnectionRefusedError):
                raise CheckFailedError(
                    f"No server listens at {client.root}. Start it or correct the address."
                ) from error
            seen = f"does not answer ({error})"
        else:
            if status == 200:
                return waited
            if status not in {502, 503, 504}:
                raise CheckFailedError(f"{client.root}/health answered {status}; that is no sleeping server.")
            seen = f"answers {status}"
        say(f"waking the model ({waited:.0f} s)")
        time.sleep(pause)
    raise CheckFailedError(f"{client.root} {seen} after {patience:.0f} s. Its log says why (modal app logs t2s-serve).")


def check_is_closed(client: Client, path: str) -> None:
    status = client.get(path, with_key=False).status
    if status not in {401, 403}:
        raise CheckFailedError(
            f"{client.root}{path} answered {status} without a key: anyone can use it. "
            "Stop it (modal app stop t2s-serve)."
        )


def check_has_model(client: Client, model: str) -> None:
    reply = client.get("/v1/models")
    if reply.status in {401, 403}:
        do = "It is not this server's: set T2S_API_KEY again." if client.key else "Set T2S_API_KEY to this server's."
        raise CheckFailedError(f"{client.root} refused the key ({reply.status}). {do}")
    try:
        names = [entry["id"] for entry in json.loads(reply.body)["data"]]
    except (ValueError, KeyError, TypeError) as error:
        raise CheckFailedError(f"{client.root}/v1/models answered {reply.status}, but no list of models.") from error
    if model not in names:
        raise CheckFailedError(
            f"{client.root} serves {', '.join(names)}, not {model}. Name its profile, or serve that one."
        )


def check_is_sql(answer: Answer) -> None:
    """A SELECT somewhere is all that is asked: whether it is right is for an evaluation to say."""
    if not re.search(r"\bselect\b", answer.text, re.IGNORECASE):
        shown = " ".join(answer.text.split())[:200]
        raise CheckFailedError(
            f"The model answered, but not with SQL: {shown!r}. Is the chat template the model's own?"
        )
