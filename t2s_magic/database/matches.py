"""Which cells the phrases of a question mean."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from t2s_magic.database import spellings
from t2s_magic.database.cells import FEW_CELLS, SHORTEST_NEAR, STEM, Cell, Cells, folded

_MOST_WORDS = 200
_LONGEST_PHRASE = 8
_LONGEST_LOOSE_PHRASE = 4
_ALL_COUNTRIES = 300
_KEYS_COMPARED = 200
_PARTS_OF_A_PHRASE = 3
_SECONDS_FOR_SLIPS = 0.05
_STOP_WORDS = frozenset(
    "a all also an and any are as at be been being between both but by can count did do does each every find first for "
    "from give had has have her his how i id if in into is it its last list many may me more most much must my name no "
    "not number of off on one only or order our out over per please return same she show so some such sum tell than "
    "that the their them then there these they this those to too total under up use used using was we were what when "
    "where which while who whose why will with within without you your".split()
)


@dataclass(frozen=True)
class Phrase:
    """Words ``first`` to ``end`` of the question, as written and folded; ``before`` is the folded word before them.

    ``is_common`` says that all are small words, ``is_firm`` that neither the first nor the last is one.
    """

    first: int
    end: int
    written: str
    key: str
    before: str
    is_common: bool
    is_firm: bool

    def holds(self, other: Phrase) -> bool:
        return self.first <= other.first and other.end <= self.end and self is not other


@dataclass(frozen=True)
class Match:
    """``kind`` is one of those of ``values.Value.match``."""

    phrase: Phrase
    cell: Cell
    kind: str


def read_phrases(question: str) -> list[Phrase]:
    """All runs of up to eight words, longest first."""
    spans = spellings.word_spans(question)[:_MOST_WORDS]
    keys = [spellings.fold_word(question[start:end]) for start, end in spans]
    small = [question[start:end].lower() in _STOP_WORDS for start, end in spans]
    return [
        Phrase(
            first,
            end,
            question[spans[first][0] : spans[end - 1][1]],
            " ".join(keys[first:end]),
            keys[first - 1] if first else "",
            all(small[first:end]),
            not small[first] and not small[end - 1],
        )
        for length in range(min(_LONGEST_PHRASE, len(spans)), 0, -1)
        for first, end in ((first, first + length) for first in range(len(spans) - length + 1))
    ]


def find_matches(phrases: Sequence[Phrase], cells: Cells) -> list[Match]:
    """Strict matches, and looser ones for the words that these leave over."""
    found = _whole_matches(phrases, cells)
    found += _stem_matches(uncovered(phrases, found), cells)
    found += _near_matches(uncovered(phrases, found), cells)
    found += _part_matches(uncovered(phrases, found), cells)
    return found + _flag_matches(phrases, cells)


def uncovered(phrases: Sequence[Phrase], found: Sequence[Match]) -> list[Phrase]:
    """Phrases of up to four words that share no word with a match and do not begin or end in a small word."""
    taken = {position for match in found for position in range(match.phrase.first, match.phrase.end)}
    return [
        phrase
        for phrase in phrases
        if phrase.is_firm
        and phrase.end - phrase.first <= _LONGEST_LOOSE_PHRASE
        and taken.isdisjoint(range(phrase.first, phrase.end))
    ]


def _whole_matches(phrases: Sequence[Phrase], cells: Cells) -> list[Match]:
    """Cells spelled like a phrase. A phrase inside a longer match ("Ohio" in "Ohio River") only counts elsewhere."""
    found: list[Match] = []
    for phrase in phrases:
        same_key = cells.by_key.get(phrase.key, ())
        around = [match for match in found if match.phrase.holds(phrase)]
        taken = {id(match.cell.source.table) for match in around}
        found += [
            Match(phrase, cell, "exact" if cell.text == phrase.written else "folded")
            for cell in same_key
            if _may_mean(phrase, cell) and id(cell.source.table) not in taken
        ]
        if not around:
            found += _code_matches(phrase, cells)
    return found


def _may_mean(phrase: Phrase, cell: Cell) -> bool:
    """Articles and other small words mean a cell (``A``, ``IN``) only when they are spelled exactly like it.

    Behind the name of the column they may be in lower case: "in building a".
    """
    if len(phrase.written) == 1 and phrase.before in cell.source.words:
        return True
    if len(phrase.written) == 1 or phrase.is_common:
        return phrase.written == cell.text and not phrase.written.islower() and phrase.first > 0
    return True


def _code_matches(phrase: Phrase, cells: Cells) -> list[Match]:
    return [
        Match(phrase, cell, "code")
        for code in spellings.codes_of(phrase.key)
        if code != phrase.key
        for cell in cells.by_key.get(code, ())
        if cells.sizes[cell.source] <= (FEW_CELLS if len(code) == 1 else _ALL_COUNTRIES)
    ]


def _stem_matches(phrases: Sequence[Phrase], cells: Cells) -> list[Match]:
    """Single words of one family, in columns of few cells: "successful" and ``Success``, "professors" and ``PROF``."""
    return [
        Match(phrase, cell, "near")
        for phrase in phrases
        if phrase.end - phrase.first == 1 and len(phrase.key) >= STEM
        for cell in cells.by_stem.get(phrase.key[:STEM], ())
        if spellings.are_of_one_family(phrase.key, spellings.fold_word(cell.text))
    ]


def _near_matches(phrases: Sequence[Phrase], cells: Cells) -> list[Match]:
    """Cells one slip away. A slip leaves the first or the last three letters whole, so those lead to the cell."""
    deadline = time.monotonic() + _SECONDS_FOR_SLIPS
    near: list[Match] = []
    for phrase in phrases:
        if len(phrase.key) < SHORTEST_NEAR or phrase.key.isdigit() or time.monotonic() > deadline:
            continue
        for key in islice(_similar_keys(phrase.key, cells), _KEYS_COMPARED):
            if spellings.is_near(phrase.key, key):
                near += [Match(phrase, cell, "near") for cell in cells.by_key[key]]
    return near


def _similar_keys(key: str, cells: Cells) -> dict[str, None]:
    slips = spellings.allowed_slips(key)
    found: dict[str, None] = {}
    for length in range(len(key) - slips, len(key) + slips + 1):
        for ends in ((key[:3], length), (key[-3:], -length)):
            found.update((other, None) for other in cells.by_ends.get(ends, ()) if other[0] == key[0] and other != key)
    return found


def _part_matches(phrases: Sequence[Phrase], cells: Cells) -> list[Match]:
    """Short cells that hold a phrase of the question: "Gatwick" and ``London Gatwick``, in columns of few cells.

    A word that names a table or a column means that, not every cell that holds it ("beers" and ``flat beer``).
    """
    parts: list[Match] = []
    for phrase in phrases:
        if phrase.key.isdigit() or phrase.key in cells.names or any(part.phrase.holds(phrase) for part in parts):
            continue
        first_word = phrase.key.partition(" ")[0]
        holding = [cell for cell in cells.by_word.get(first_word, ()) if f" {phrase.key} " in f" {folded(cell.text)} "]
        if len(holding) <= _PARTS_OF_A_PHRASE:
            parts += [Match(phrase, cell, "part") for cell in holding]
    return parts


def _flag_matches(phrases: Sequence[Phrase], cells: Cells) -> list[Match]:
    """The cells of a yes-or-no column that the question names: ``has_wifi`` in "cafes without wifi"."""
    words = [phrase for phrase in phrases if phrase.end - phrase.first == 1 and not phrase.is_common]
    return [
        Match(phrase, cell, "code")
        for source, flags in cells.flags.items()
        for name in source.words
        for phrase in words
        if spellings.is_same_or_opposite(phrase.key, name)
        for cell in flags
    ]
