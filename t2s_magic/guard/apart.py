"""What two statements in words say differently, so that a person can choose between them."""

from __future__ import annotations

from difflib import SequenceMatcher

_ALIKE = 0.45
_ALL_BUT = 0.8
_BEGINNING = 3


def apart(one: str, other: str) -> tuple[str, str]:
    """The parts of two sentences that differ, from the word before: ``("Counts orders", "Counts customers")``.

    A sentence that differs near its beginning is told from there, so that the verb is heard.
    Sentences that have little in common, or differ nearly everywhere, come back whole.
    """
    words, others = one.rstrip(".").split(), other.rstrip(".").split()
    matcher = SequenceMatcher(a=words, b=others, autojunk=False)
    changes = [change for change in matcher.get_opcodes() if change[0] != "equal"]
    whole = one.rstrip("."), other.rstrip(".")
    if not changes or matcher.ratio() < _ALIKE:
        return whole
    first = min(changes[0][1], changes[0][3]) - 1
    first = 0 if first < _BEGINNING else first
    parts = words[first : changes[-1][2]], others[first : changes[-1][4]]
    if len(parts[0]) > _ALL_BUT * len(words) or len(parts[1]) > _ALL_BUT * len(others) or not all(parts):
        return whole
    return " ".join(parts[0]).rstrip(",;"), " ".join(parts[1]).rstrip(",;")
