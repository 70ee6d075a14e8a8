"""What calls of an LM took: tokens, seconds and, where a price is known, dollars."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from t2s_magic.adapters import SQL_CALL
from t2s_magic.errors import UsageError

SECONDS_AN_HOUR = 3600
_PRICE = re.compile(r"\$?\s*(\d+(?:\.\d+)?|\.\d+)\s*/\s*(h|hour|1k|1,?000)", re.IGNORECASE)


@dataclass(frozen=True)
class Usage:
    """Of one or several calls; None is what the server does not tell.

    ``first_token`` are the seconds until the first piece of the first answer, ``dollars`` what the provider's list
    price, as litellm knows it, comes to.
    """

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    first_token: float | None = None
    seconds: float = 0.0
    dollars: float | None = None


@dataclass(frozen=True)
class Price:
    """Dollars an hour of a server at work, or for 1,000 tokens, read or written."""

    dollars: float
    is_hourly: bool

    def of(self, usage: Usage) -> float | None:
        """What ``usage`` costs; None where its tokens are not known."""
        if self.is_hourly:
            return self.dollars * usage.seconds / SECONDS_AN_HOUR
        if usage.prompt_tokens is None or usage.completion_tokens is None:
            return None
        return self.dollars * (usage.prompt_tokens + usage.completion_tokens) / 1000


def read_price(text: str) -> Price | None:
    """``"1.95/h"`` or ``"0.0004/1k"`` as a price; None for "". Raises UsageError for anything else."""
    if not text.strip():
        return None
    found = _PRICE.fullmatch(text.strip())
    if found is None:
        raise UsageError(
            f"The price {text!r} cannot be read. Write dollars an hour of the server, such as 1.95/h, or for 1,000 "
            "tokens, such as 0.0004/1k."
        )
    return Price(float(found[1]), is_hourly=found[2].lower().startswith("h"))


def usage_of(response: Any, model: str, seconds: float) -> Usage:
    """What dspy's ``response`` says of its call, which took ``seconds``."""
    # Imported here, after dspy itself: quick_dspy has to import that first.
    from dspy.clients.costs import estimate_cost

    told = ((response.provider_data or {}).get(SQL_CALL)) or {}
    provider, _, name = model.partition("/")
    # dspy's own estimate, from the prices that litellm keeps; it answers None rather than guess.
    dollars, _why = estimate_cost(response, provider=provider, requested_model=name) if name else (None, None)
    usage = response.usage
    return Usage(usage.input_tokens, usage.output_tokens, told.get("first_token"), seconds, dollars)


def add_up(usages: Sequence[Usage]) -> Usage:
    """The calls of one question together."""
    if not usages:
        return Usage()
    return Usage(
        _sum([usage.prompt_tokens for usage in usages]),
        _sum([usage.completion_tokens for usage in usages]),
        usages[0].first_token,
        sum(usage.seconds for usage in usages),
        _sum([usage.dollars for usage in usages]),
    )


def _sum(values: Sequence[Any]) -> Any:
    return None if None in values else sum(values)
