"""What calls of an LM took: tokens, seconds and, where a price is known, dollars."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from t2s_magic.adapters import SQL_CALL
from t2s_magic.lm.prices import Price, listed_price


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


def usage_of(response: Any, model: str, seconds: float) -> Usage:
    """What dspy's ``response`` says of its call, which took ``seconds``."""
    told = ((response.provider_data or {}).get(SQL_CALL)) or {}
    usage = response.usage
    dollars = _estimate(response, model)
    return Usage(usage.input_tokens, usage.output_tokens, told.get("first_token"), seconds, dollars)


def _estimate(response: Any, model: str) -> float | None:
    """dspy's own estimate, from the prices that litellm keeps; it answers None rather than guess."""
    # Imported here, after dspy itself: quick_dspy has to import that first.
    from dspy.clients.costs import estimate_cost

    provider, _, name = model.partition("/")
    if listed_price(model) is None and listed_price(f"{provider}/{response.model}") is None:
        return None
    dollars: float | None = estimate_cost(response, provider=provider, requested_model=name)[0]
    return dollars


def cost_of(usage: Usage, price: Price) -> float | None:
    """What ``usage`` costs in dollars; None where it is paid by tokens that are not known."""
    if price.hour:
        return price.of(0, 0, usage.seconds)
    if usage.prompt_tokens is None or usage.completion_tokens is None:
        return None
    return price.of(usage.prompt_tokens, usage.completion_tokens)


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
