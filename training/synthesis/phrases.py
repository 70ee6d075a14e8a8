"""How a question's words are put together: number and case of nouns, styles of asking, slips of the keyboard."""

from __future__ import annotations

import random
import re
from datetime import date

_IRREGULAR = {
    "people": "person", "staff": "staff member", "salespeople": "salesperson", "series": "series",
    "aircraft": "aircraft",
    "premises": "premises", "ordered dishes": "ordered dish", "items sold": "item sold", "parts used": "part used",
    "check-ins": "check-in", "movies": "movie", "batches": "batch", "cafes": "cafe", "policies": "policy",
    "leave requests": "leave request", "houses": "house", "auction houses": "auction house", "warehouses": "warehouse",
    "courses": "course", "purchases": "purchase", "in-app purchases": "in-app purchase", "nurses": "nurse",
    "leases": "lease", "causes": "cause", "judges": "judge", "responses": "response",
}  # fmt: skip
_DEMONYMS = {
    "Germany": "German", "France": "French", "Spain": "Spanish", "Italy": "Italian", "Austria": "Austrian",
    "Switzerland": "Swiss", "United Kingdom": "British", "Ireland": "Irish", "Norway": "Norwegian",
    "Sweden": "Swedish", "Finland": "Finnish", "Poland": "Polish", "Portugal": "Portuguese", "Greece": "Greek",
    "United States": "American", "Canada": "Canadian", "Mexico": "Mexican", "Brazil": "Brazilian",
    "Japan": "Japanese", "Australia": "Australian", "India": "Indian", "Turkey": "Turkish", "Egypt": "Egyptian",
}  # fmt: skip
MONTHS = ("January February March April May June July August September October November December").split()


def singular(plural: str) -> str:
    if plural in _IRREGULAR:
        return _IRREGULAR[plural]
    if plural.endswith(("us", "ss", "is")):
        return plural
    if plural.endswith("ies"):
        return plural[:-3] + "y"
    if re.search("(ss|x|ch|sh)es$", plural):
        return plural[:-2]
    return plural.removesuffix("s")


def pluralised(noun: str) -> str:
    if noun.endswith(("us", "ss")):
        return noun + "es"
    if noun.endswith("s"):
        return noun
    if noun.endswith("y") and noun[-2] not in "aeiou":
        return noun[:-1] + "ies"
    return noun + ("es" if noun.endswith(("x", "ch", "sh")) else "s")


def demonym(country: str) -> str | None:
    return _DEMONYMS.get(country)


def joined(parts: list[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]


def written_day(day: date, chance: random.Random) -> str:
    month = MONTHS[day.month - 1]
    return chance.choice(
        (
            day.isoformat(),
            day.isoformat(),
            f"{month} {day.day}, {day.year}",
            f"{day.day} {month} {day.year}",
            f"{month[:3]} {day.day} {day.year}",
            f"{day.month}/{day.day}/{day.year}",
        )
    )


_NUMBER_WORDS = "zero one two three four five six seven eight nine ten eleven twelve".split()


def written_number(number: float, chance: random.Random) -> str:
    if number == int(number):
        whole = int(number)
        if 2 <= whole <= 10 and chance.random() < 0.3:
            return _NUMBER_WORDS[whole]
        if whole >= 1000 and whole % 1000 == 0 and chance.random() < 0.25:
            return f"{whole // 1000}k"
        return f"{whole:,}" if whole >= 1000 and chance.random() < 0.4 else str(whole)
    return f"{number:g}"


def asked(text: str, chance: random.Random) -> str:
    """``text`` as somebody types it: with or without capitals and marks, now and then with a slip."""
    text = re.sub(r"\s+", " ", text).strip()
    text = re.sub(r"\b[Aa] (?=[aeio])", lambda match: match[0][0] + "n ", text)
    first = text.split()[0].lower()
    is_question = first.rstrip(",'s") in (
        "what",
        "which",
        "who",
        "how",
        "when",
        "where",
        "is",
        "are",
        "do",
        "does",
        "did",
        "has",
        "can",
        "could",
        "in",
        "on",
    )
    if first in ("list", "show", "give", "find", "display", "return", "get", "calculate", "compute", "count"):
        opening = chance.choice(
            ("", "", "", "", "", "", "please ", "can you ", "could you please ", "I'd like you to ")
        )
        text = opening + (text[0].lower() + text[1:] if opening else text)
        is_question = opening.startswith(("can", "could"))
    text = text[0].upper() + text[1:]
    text += chance.choice(("?", "?", "?", " ?", "")) if is_question else chance.choice((".", ".", "", ""))
    if chance.random() < 0.04:
        text = _slipped(text, chance)
    if chance.random() < 0.16:
        text = text.lower()
    return text


def as_keywords(text: str, chance: random.Random) -> str:
    text = re.sub(r"\s+", " ", text).strip()
    if chance.random() < 0.03:
        text = _slipped(text, chance)
    return text.lower() if chance.random() < 0.6 else text[0].upper() + text[1:]


def _slipped(text: str, chance: random.Random) -> str:
    """One long lower-case word with two letters swapped, one lost or one doubled."""
    words = text.split(" ")
    places = [place for place, word in enumerate(words) if len(word) > 4 and word.isalpha() and word.islower()]
    if not places:
        return text
    place = chance.choice(places)
    word = words[place]
    at = chance.randint(1, len(word) - 2)
    words[place] = chance.choice(
        (
            word[:at] + word[at + 1] + word[at] + word[at + 2 :],
            word[:at] + word[at + 1 :],
            word[:at] + word[at] + word[at:],
        )
    )
    return " ".join(words)
