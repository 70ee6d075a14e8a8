"""How the built-in model splits text into words; training and inference share it."""

from __future__ import annotations

import re

_WORD = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_]+(?:['’][^\W\d_]+)?|[^\w\s]|_")
_PART = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-zß-ÿ]+|[A-Z]+|\d+|[^\W\d_]+")


def split_words(text: str) -> list[str]:
    """The words of a question, punctuation apart, as written: ``"Who's in NYC?" -> ["Who's", "in", "NYC", "?"]``."""
    return _WORD.findall(text)


def word_spans(text: str) -> list[tuple[int, int]]:
    """Where each of ``split_words(text)`` stands: (start, end) offsets of characters."""
    return [match.span() for match in _WORD.finditer(text)]


def split_name(name: str) -> list[str]:
    """The parts of an identifier, in lower case: ``"ordAmt_USD" -> ["ord", "amt", "usd"]``."""
    return [part.lower() for part in _PART.findall(name)]
