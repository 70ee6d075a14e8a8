"""What a request may ask for beyond the plain OpenAI dialect, each a thing that a server may not know. No dspy."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

GRAMMAR = "grammar"
SAMPLES = "samples"
STREAM = "stream"

# How servers name the field that they do not take, in their refusals.
_NAMED = {
    GRAMMAR: re.compile(r"structured.?outputs|grammar|guided|ebnf", re.IGNORECASE),
    SAMPLES: re.compile(r"\bn\b|best_of|greedy|samples|choices"),
    STREAM: re.compile(r"stream", re.IGNORECASE),
}

Wishes = Mapping[str, Mapping[str, Any]]


def make_wishes(grammar: str, samples: int, *, is_streamed: bool) -> dict[str, dict[str, Any]]:
    """The fields of a request for each wish that there is."""
    wishes: dict[str, dict[str, Any]] = {}
    if grammar:
        wishes[GRAMMAR] = {"structured_outputs": {"grammar": grammar}}
    if samples > 1:
        wishes[SAMPLES] = {"n": samples}
    if is_streamed:
        wishes[STREAM] = {"stream": True, "stream_options": {"include_usage": True}}
    return wishes


def fields(wishes: Wishes) -> dict[str, Any]:
    """All fields of ``wishes`` together."""
    return {name: value for each in wishes.values() for name, value in each.items()}


def blamed(refusal: str, wishes: Wishes) -> set[str]:
    """Which wishes a refusal is about: those it names, else all of them."""
    return {wish for wish in wishes if _NAMED[wish].search(refusal)} or set(wishes)
