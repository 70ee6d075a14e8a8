"""Numbers as questions write them, as SQL writes them: ``1,200``, ``5k``, ``two million``, ``a dozen``, ``20%``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

from t2s_magic.builtin.spans import Span

_UNITS = {
    word: number
    for number, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
        "seventeen eighteen nineteen".split()
    )
}
_TENS = {
    word: 10 * number for number, word in enumerate("twenty thirty forty fifty sixty seventy eighty ninety".split(), 2)
}
_SCALES = {"hundred": 100, "thousand": 1_000, "million": 1_000_000, "billion": 1_000_000_000}
_ALONE: dict[str, int | Decimal] = {
    "once": 1,
    "twice": 2,
    "thrice": 3,
    "couple": 2,
    "pair": 2,
    "dozen": 12,
    "half": Decimal("0.5"),
}
_ORDINALS = {
    word: number for number, word in enumerate("second third fourth fifth sixth seventh eighth ninth tenth".split(), 2)
}
_SUFFIXES = {"k": 1_000, "m": 1_000_000, "mn": 1_000_000, "mm": 1_000_000, "b": 1_000_000_000, "bn": 1_000_000_000}

_DIGITS = re.compile(
    r"(?<![\w.])(?P<sign>[-+−])?(?P<number>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)"
    r"(?:(?P<suffix>k|mn|mm|m|bn|b)\b|(?P<ordinal>st|nd|rd|th)\b)?(?P<percent>\s?%|\s?percent\b)?"
    r"(?:\s+(?P<scale>hundred|thousand|million|billion|dozen)\b)?",
    re.IGNORECASE,
)
_NUMBER_WORD = "|".join((*_UNITS, *_TENS, *_SCALES, *_ALONE, *_ORDINALS))
_BETWEEN = r"[\s-]|\sand\s(?:an?\s)?|\san?\s(?=dozen|hundred|thousand|million|billion)"
_WORDS = re.compile(rf"\b(?:{_NUMBER_WORD})(?:(?:{_BETWEEN})(?:{_NUMBER_WORD}))*\b", re.IGNORECASE)


def numbers(question: str) -> Iterator[Span]:
    """Every number in ``question`` as plain digits; a percentage also as its fraction; in order of appearance."""
    yield from sorted((*_digit_numbers(question), *_word_numbers(question)), key=lambda span: span.start)


def _digit_numbers(question: str) -> Iterator[Span]:
    for match in _DIGITS.finditer(question):
        number = Decimal(match["number"].replace(",", ""))
        scale = (match["scale"] or "").lower()
        number *= _SUFFIXES.get((match["suffix"] or "").lower(), 1) * _SCALES.get(scale, 12 if scale == "dozen" else 1)
        if match["sign"] in ("-", "−"):
            yield Span(plain(-number), "number", *match.span())
        yield Span(plain(number), "number", *match.span())
        if match["percent"]:
            yield Span(plain(number / 100), "number", *match.span())


def _word_numbers(question: str) -> Iterator[Span]:
    for match in _WORDS.finditer(question):
        words = re.split(r"[\s-]+", match[0].lower())
        number = _value([word for word in words if word not in ("and", "a", "an")])
        yield Span(plain(number), "number", *match.span())


def _value(words: list[str]) -> Decimal:
    """``["two", "hundred", "fifty"] -> 250``, ``["half", "million"] -> 500000``."""
    total = Decimal(0)
    group = Decimal(0)
    for word in words:
        if word == "hundred":
            group = (group or Decimal(1)) * 100
        elif word in _SCALES:
            total += (group or Decimal(1)) * _SCALES[word]
            group = Decimal(0)
        elif word == "dozen":
            group = (group or Decimal(1)) * 12
        else:
            group += _UNITS.get(word, _TENS.get(word, _ALONE.get(word, _ORDINALS.get(word, 0))))
    return total + group


def plain(number: Decimal) -> str:
    """Digits without exponent and without trailing zeros: ``Decimal("1.50E3") -> "1500"``."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
