"""The literals that an answer may use, found before decoding: what the question names, and the cells it means.

A literal that is neither in the question nor in the database is never offered: small constants are keywords of the
representation.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from t2s_magic.builtin.dates import dates
from t2s_magic.builtin.numbers import numbers
from t2s_magic.builtin.spans import Span
from t2s_magic.builtin.tokens import Candidate, ColumnRef
from t2s_magic.builtin.words import word_spans
from t2s_magic.database.values import Value
from t2s_magic.schema import Schema

MOST_CANDIDATES = 30

_QUOTED = re.compile(
    r"\"([^\"]+)\"|(?<!\w)'((?:[^']|'(?=\w))+)'(?!\w)|“([^”]+)”|‘([^’]+)’|``(.+?)''|`([^`]+)`|«([^»]+)»"
)
_CODE = re.compile(
    r"[\w.+-]+@[\w-]+\.[\w.-]*\w"  # an e-mail address
    r"|\b(?:https?://|www\.)\S*[\w/]"
    r"|\b[\w-]+\.(?:com|org|net|io|de|jpg|png|pdf|csv|txt|doc|xml|html?)\b"
    r"|(?<![\w-])(?=[\w./-]*\d)(?=[\w./-]*[A-Za-z])[A-Za-z0-9]+(?:[-_/.][A-Za-z0-9]+)*(?![\w-])"  # AB-123, 4x4
    r"|(?<![\w(])\+?\(?\d[\d()-]*(?:[ -]\(?\d[\d()-]*)+\b"  # a telephone number
    r"|\b[A-Z]{1,5}\d?\b"
)
_CAPITALISED = re.compile(
    r"(?<![\w'’])[A-ZÀ-Þ][\w'’.&+-]*(?:[ ,]+(?:(?:of|the|and|de|la|le|du|van|von|der|for|in|on|to|a|&|-)[ ]+){0,2}"
    r"[A-ZÀ-Þ\d][\w'’.&+-]*)*"
)
_SAYS_CONTENT = re.compile(
    r"\b(?:contain(?:s|ing|ed)?|includ(?:es?|ing)|starts?(?:ing)? with|begins?(?:ning)? with|ends?(?:ing)? (?:with|in)|"
    r"sub-?string|letters?|phrases?|words?|prefix(?:ed with)?|suffix|like|named|called|titled|matching|initials?|"
    r"keyword|have|has|having|with|mention(?:s|ing)?)\s+"
    r"(?:(?:in|of|the|an?(?!\s+(?:in|as|at)\b)|is|by|word|letters?|sub-?string|phrase|string|keyword|prefix|suffix|"
    r"character)\s+)*"
    r"(?P<content>[^\s,.?!;]+(?:\s+[^\s,.?!;]+)?)",
    re.IGNORECASE,
)
_JOINT = re.compile(r",?\s+(?:and|&)\s+|,\s+")
_OPENERS = frozenset(
    "a all and are can compute count could did display do does each every find for from get give group has have how i "
    "in is list me name of on order please report retrieve return select show sort tell that the there to use was we "
    "were what what's when where whether which who whom whose will with you your id ids".split()
)


def find_candidates(question: str, schema: Schema, values: Sequence[Value]) -> list[Candidate]:
    """Literals for ``question``, the surest first, each text once; at most 30.

    ``values`` are the cells found in the database (``database.find_values``).
    """
    cells = list(_cells(question, schema, values))
    quoted = list(_quoted(question))
    days = list(dates(question))
    told = [
        *quoted,
        *days,
        *_outside(numbers(question), [span for span in days if span.kind != "number"]),
        *_codes(question, [*quoted, *days]),
        *_capitalised(question, quoted, cells),
        *_content(question, quoted),
    ]
    words = word_spans(question)
    found = chain(
        (cell.candidate for cell in cells if cell.is_sure),
        (_candidate(span, words) for span in told),
        (cell.candidate for cell in cells if not cell.is_sure),
    )
    return _distinct(found)[:MOST_CANDIDATES]


@dataclass(frozen=True)
class _Cell:
    """A cell as a candidate, with the characters of the question that it answers to."""

    candidate: Candidate
    span: Span
    is_sure: bool


def _cells(question: str, schema: Schema, values: Sequence[Value]) -> Iterator[_Cell]:
    wanted = {value.table for value in values}
    places = {
        (table.full_name, column.name): ColumnRef(number, position)
        for number, table in enumerate(schema.tables)
        if table.full_name in wanted
        for position, column in enumerate(table.columns)
    }
    words = word_spans(question)
    for value in values:
        place = places.get((value.table, value.column))
        if place is None:
            continue
        start = max(question.find(value.phrase), 0)
        span = Span(value.text, "cell", start, start + len(value.phrase))
        candidate = replace(_candidate(span, words), table=place.table, column=place.column)
        yield _Cell(candidate, span, value.match in ("exact", "folded"))


def _quoted(question: str) -> Iterator[Span]:
    for match in _QUOTED.finditer(question):
        group = match.lastindex or 0
        text = match[group].strip()
        if text:
            start = match.start(group)
            end = start + len(match[group])
            # American English puts the sentence's comma and full stop inside the quotes.
            yield from (Span(form, "text", start, end) for form in dict.fromkeys((text.rstrip(",.?") or text, text)))


def _codes(question: str, known: Sequence[Span]) -> Iterator[Span]:
    spans = (Span(match[0], "text", *match.span()) for match in _CODE.finditer(question))
    return (span for span in _outside(spans, known) if not (span.start == 0 and span.text in ("A", "I")))


def _capitalised(question: str, quoted: Sequence[Span], cells: Sequence[_Cell]) -> Iterator[Span]:
    """Names: runs of capitalised words, without the word that opens a sentence, and not where a cell is spelled so."""
    known = [*quoted, *(cell.span for cell in cells if cell.span.text == question[cell.span.start : cell.span.end])]
    for match in _CAPITALISED.finditer(question):
        start, end = match.span()
        words = match[0].split()
        while words and words[0].strip(",.").lower() in _OPENERS:
            start += len(words[0])
            start += len(question[start:end]) - len(question[start:end].lstrip())
            words = words[1:]
        text = question[start:end].rstrip(".,'’-& ")
        text = text.removesuffix("'s").removesuffix("’s")
        span = Span(text, "text", start, start + len(text))
        if text and not any(span.is_inside(other) for other in known) and not _is_only_opener(span, question):
            yield span
            yield from _joined_names(span)


def _joined_names(span: Span) -> Iterator[Span]:
    """``Peter Mertens`` and ``Dina Barbian`` out of "Peter Mertens and Dina Barbian"."""
    names = _JOINT.split(span.text)
    for name in names if len(names) > 1 else ():
        start = span.start + span.text.index(name)
        yield Span(name, "text", start, start + len(name))


def _is_only_opener(span: Span, question: str) -> bool:
    return span.start == 0 and " " not in span.text and span.text.istitle()


def _content(question: str, quoted: Sequence[Span]) -> Iterator[Span]:
    """What a text should contain or begin with: the one or two words after such a verb."""
    for match in _SAYS_CONTENT.finditer(question):
        content = match["content"].strip("'\"“”‘’`()")
        span = Span(content, "text", match.start("content"), match.end("content"))
        if not content or any(span.overlaps(other) for other in quoted):
            continue
        first = content.split()[0].strip("'\"“”‘’`()")
        yield Span(first, "text", span.start, span.start + len(first))


def _outside(spans: Iterable[Span], known: Sequence[Span]) -> Iterator[Span]:
    return (span for span in spans if not any(span.is_inside(other) for other in known))


def _candidate(span: Span, words: Sequence[tuple[int, int]]) -> Candidate:
    first = bisect_right([end for _, end in words], span.start)
    last = bisect_left([start for start, _ in words], span.end)
    return Candidate(span.text, span.kind, start=first, end=max(last, first + 1))


def _distinct(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Each text once, as it came first; further columns that hold it are kept in ``others``."""
    by_text: dict[str, Candidate] = {}
    for candidate in candidates:
        known = by_text.get(candidate.text)
        if known is None:
            by_text[candidate.text] = candidate
        elif candidate.table >= 0:
            by_text[candidate.text] = _with_place(known, ColumnRef(candidate.table, candidate.column))
    return list(by_text.values())


def _with_place(candidate: Candidate, place: ColumnRef) -> Candidate:
    if candidate.table < 0:
        return replace(candidate, table=place.table, column=place.column)
    if place == ColumnRef(candidate.table, candidate.column) or place in candidate.others:
        return candidate
    return replace(candidate, others=(*candidate.others, place))
