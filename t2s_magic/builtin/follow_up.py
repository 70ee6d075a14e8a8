"""Whether a question only makes sense after another one ("and in 2020?", "by month instead")."""

from __future__ import annotations

import re

from t2s_magic.builtin.words import split_words

MOST_WORDS = 9
_OPENING = re.compile(
    r"^\W*(?:(?:and|but|or|now|then|ok|okay|also|so)\b[\s,]*)*"
    r"(?:(?:what|how)\s+about\b|what\s+if\b|(?:the\s+)?same\b(?:\s+(?:thing|question|one))?(?:\s+but)?)?[\s,]*",
    re.IGNORECASE,
)
_CLOSING = re.compile(r"[\s,]*(?:\b(?:instead|as well|too|rather|please|then|only)\b)?[\s?.!]*$", re.IGNORECASE)
_BEGINS_IN_THE_MIDDLE = re.compile(
    r"^(?:only|just|in|for|from|by|per|with|without|since|before|after|until|between|sorted|ordered|grouped|excluding|"
    r"except|including|during|on|at|of|as|(?:the )?(?:top|bottom|first|last) \w+)\b",
    re.IGNORECASE,
)
_ASKS = re.compile(
    r"\b(?:how|what|which|who|whose|where|when|show|list|find|give|count|get|return|tell|are|is|do|does)\b", re.I
)


def is_follow_up(question: str) -> bool:
    """Whether ``question`` is short and begins like the end of another: a conjunction, "what about", "only", "in"."""
    opening = _OPENING.match(question)
    rest = core(question)
    words = split_words(rest)
    if not rest or len(words) > MOST_WORDS or _ASKS.search(rest):
        return False
    has_opening = opening is not None and any(character.isalpha() for character in opening[0])
    has_closing = question.rstrip(" ?.!").lower().endswith(("instead", "too", "as well", "rather"))
    return has_opening or has_closing or _BEGINS_IN_THE_MIDDLE.match(rest) is not None


def core(question: str) -> str:
    """What a follow-up says, without the words that only tie it to the question before."""
    opening = _OPENING.match(question)
    rest = question[opening.end() if opening else 0 :]
    closing = _CLOSING.search(rest)
    return rest[: closing.start() if closing else len(rest)].strip(" ,")
