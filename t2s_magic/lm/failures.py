"""What dspy raises, told to people: the one place where its errors become ours."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from t2s_magic.adapters.quick_dspy import dspy
from t2s_magic.errors import (
    KeyRefusedError,
    ModelBusyError,
    ModelError,
    ModelUnreachableError,
    NoSqlError,
    PromptTooLongError,
    Text2SqlError,
)
from t2s_magic.lm.replies import SAYS_TOO_LONG
from t2s_magic.schema.names import one_line

SHOWN_CHARACTERS = 200
SHORTEST_KEY = 8
_KEPT_SECRET = ("_KEY", "_TOKEN", "_SECRET", "_API_BASE", "_BASE_URL")  # the path of an address may hold a token
dspys = dspy.utils.exceptions

# Specific classes stand before their parents.
_TOLD = (
    (dspys.ContextWindowExceededError, PromptTooLongError, "The prompt is too long for {lm}"),
    (dspys.LMAuthError, KeyRefusedError, "{lm} refused the key; set the key its provider wants"),
    (dspys.LMNotConfiguredError, KeyRefusedError, "{lm} has no key; set the key its provider wants"),
    (dspys.LMBillingError, KeyRefusedError, "{lm} refused for its billing or quota"),
    (dspys.LMRateLimitError, ModelBusyError, "{lm} is busy; ask again later"),
    (dspys.LMTimeoutError, ModelUnreachableError, "No answer from {lm} in time"),
    (dspys.LMTransportError, ModelUnreachableError, "No connection to {lm}"),
    (dspys.LMServerError, ModelUnreachableError, "{lm} failed"),
    (dspys.LMUnsupportedModelError, ModelError, "{lm} is not a model its provider has"),
    (dspys.LMConfigurationError, ModelError, "{lm} cannot be used as it is set"),
    (dspys.AdapterParseError, NoSqlError, "{lm} gave an answer without the fields asked for"),
    (dspys.LMError, ModelError, "{lm} cannot be used"),
)


@contextmanager
def told() -> Iterator[None]:
    """Within: what an LM call raises is a ModelError, whoever made the LM. Interrupts pass as they are."""
    try:
        yield
    except (dspys.LMError, dspys.AdapterParseError) as error:
        ours = _ours_behind(error)
        # Not from the error: providers repeat the key in what they say, and a traceback would show it.
        raise ours if ours is not None else _as_model_error(error) from None


def _ours_behind(error: BaseException) -> Text2SqlError | None:
    """Our own error, which dspy wraps as an unexpected one when an engine raises it."""
    cause = error.__cause__
    while cause is not None and not isinstance(cause, Text2SqlError):
        cause = cause.__cause__
    return cause


def _as_model_error(error: Exception) -> ModelError:
    lm = getattr(error, "model", None) or getattr(dspy.settings.lm, "model", None) or "The LM"
    kind, words = next((kind, words) for dspys_kind, kind, words in _TOLD if isinstance(error, dspys_kind))
    if kind is ModelError and SAYS_TOO_LONG.search(str(error)):
        kind, words = PromptTooLongError, "The prompt is too long for {lm}"
    happened = f"{words.format(lm=lm)}; nothing was run."
    # Providers repeat the key, or a part of it, when they refuse it.
    return kind(happened) if kind is KeyRefusedError else kind(f"{happened} It said: {_said(error)}")


def _said(error: Exception) -> str:
    """The error's own words, on one line, shortened, without dspy's advice, keys or addresses of the environment."""
    text = " ".join(str(error).partition("To fix:")[0].split())
    text = text.removeprefix(f"[{getattr(error, 'model', None)}] ")
    for name, value in os.environ.items():
        if name.endswith(_KEPT_SECRET) and len(value) >= SHORTEST_KEY:
            text = text.replace(value, "•••")
    return one_line(text)[:SHOWN_CHARACTERS]
