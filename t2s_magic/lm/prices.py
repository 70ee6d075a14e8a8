"""What an LM costs: known from LiteLLM's list of prices, which DSPy brings, or told by the user."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from t2s_magic.errors import UsageError

MILLION, THOUSAND, HOUR = 1_000_000, 1_000, 3_600
# A token of English or SQL is three to four characters; a price that must not be exceeded is reckoned with the lower.
CHARACTERS_A_TOKEN = 3
# As long as a call is waited for.
SECONDS_AT_MOST = 60.0
HOW = (
    "Give dollars for a million tokens of prompts and of answers, such as 0.15/0.60, for 1,000 of either, such as "
    "0.0004/1k, or an hour of a server of your own, such as 1.95/h."
)
_FIGURE = r"\d+(?:\.\d+)?|\.\d+"
_PRICE = re.compile(rf"\$?({_FIGURE})\s*/\s*(?:(?P<unit>1k|h)|\$?(?P<second>{_FIGURE}))", re.IGNORECASE)
_UNCLEAR = re.compile(r".*/\s*1,?000", re.DOTALL)


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
    return FREE if lm == "builtin" else listed_price(lm)


def read_price(text: str) -> Price:
    """``"0.15/0.60"``, ``"0.0004/1k"`` or ``"1.95/h"`` as a price. Raises UsageError for anything else."""
    if _UNCLEAR.fullmatch(text.strip()):
        raise UsageError(
            f"The price {text!r} can be read in two ways. Write .../1k for 1,000 tokens, or .../1000.00 for a million "
            "tokens of answers."
        )
    found = _PRICE.fullmatch(text.strip())
    if found is None:
        raise UsageError(f"The price {text!r} cannot be read. {HOW}")
    figure, unit = float(found[1]), (found["unit"] or "").lower()
    if unit == "h":
        return Price(0.0, 0.0, figure)
    if unit == "1k":
        return Price(figure * THOUSAND, figure * THOUSAND)
    return Price(figure, float(found["second"]))


def read_named_price(text: str) -> tuple[str, Price]:
    """An LM's name, "" where none is told, with its price, from ``[NAME=]PRICE``. Raises UsageError."""
    name, _, price = text.rpartition("=")
    return name, read_price(price)


@lru_cache(maxsize=100)  # a name that is not listed is looked for in the whole list, which takes milliseconds
def listed_price(lm: str) -> Price | None:
    """The price of ``provider/model`` in the list that is installed; None where it is not there.

    The list is neither fetched anew nor do its figures change from run to run.
    """
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "true")
    from dspy.clients.model_metadata import model_info

    provider, _, model = lm.partition("/")
    known = model_info(provider, model) if model else {}
    prompt, completion = known.get("input_cost_per_token"), known.get("output_cost_per_token")
    if prompt is None or completion is None:
        return None
    return Price(prompt * MILLION, completion * MILLION)
