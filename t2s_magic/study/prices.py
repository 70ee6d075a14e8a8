"""What an LM costs: known from LiteLLM's list of prices, which DSPy brings, or told by the user."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from t2s_magic.errors import UsageError

MILLION, THOUSAND, HOUR = 1_000_000, 1_000, 3_600
# A token of English or SQL is three to four characters; a price that must not be exceeded is reckoned with the lower.
CHARACTERS_A_TOKEN = 3
# As long as a call is waited for.
SECONDS_AT_MOST = 60.0
HOW = (
    "Give dollars for a million tokens of prompts and of answers, such as --price 0.15/0.60, for 1,000 of either, such "
    "as 0.0004/1k, or an hour of a server of your own, such as 1.95/h."
)


@dataclass(frozen=True)
class Price:
    """US dollars for a million tokens of prompts, for a million tokens of answers, and for an hour of the server."""

    prompt: float
    completion: float
    hour: float = 0.0

    def of(self, prompt_tokens: float, completion_tokens: float, seconds: float = 0.0) -> float:
        """Dollars for so many tokens, and so many seconds of the server."""
        tokens = self.prompt * prompt_tokens + self.completion * completion_tokens
        return tokens / MILLION + self.hour * seconds / HOUR

    def at_most(self, characters: int, max_tokens: int) -> float:
        """Dollars that a call can cost whose prompt has so many characters and whose answer is bounded."""
        return self.of(characters / CHARACTERS_A_TOKEN, max_tokens, SECONDS_AT_MOST)

    def __str__(self) -> str:
        if self.hour:
            return f"${self.hour:,.2f} an hour of the server"
        return f"${self.prompt:,.2f} and ${self.completion:,.2f} for a million tokens of prompts and of answers"


FREE = Price(0.0, 0.0)


def price_of(lm: str, told: Mapping[str, Price]) -> Price | None:
    """The price of the LM called ``lm``: as ``told``, else as listed for its provider; None where neither knows it."""
    if lm in told:
        return told[lm]
    return FREE if lm == "builtin" else _listed(lm)


def read_price(text: str) -> tuple[str, Price]:
    """An LM's name, "" where none is told, with its price, from ``[NAME=]PRICE``. Raises UsageError."""
    name, _, figures = text.rpartition("=")
    first, _, second = figures.strip().removeprefix("$").partition("/")
    try:
        if second in ("h", "hour"):
            price = Price(0.0, 0.0, float(first))
        elif second in ("1k", "1000", "1,000"):
            price = Price(float(first) * THOUSAND, float(first) * THOUSAND)
        else:
            price = Price(float(first), float(second))
    except ValueError as error:
        raise UsageError(f"--price {text!r} is no price. {HOW}") from error
    if not all(0 <= figure < float("inf") for figure in (price.prompt, price.completion, price.hour)):
        raise UsageError(f"--price {text!r} is below nothing. {HOW}")
    return name, price


def _listed(lm: str) -> Price | None:
    # The copy of the list that is installed: a study neither fetches it nor changes its figures from run to run.
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "true")
    from dspy.clients.model_metadata import model_info

    provider, _, model = lm.partition("/")
    known = model_info(provider, model) if model else {}
    prompt, completion = known.get("input_cost_per_token"), known.get("output_cost_per_token")
    if prompt is None or completion is None:
        return None
    return Price(prompt * MILLION, completion * MILLION)
