"""Questions that only make sense after another one ("and in 2020?"), written out in full.

What the second question names takes the place of what stood there in the first: a value for a value of the same
column, one grouping for another, one table for another. What has no place in the first is added to it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from t2s_magic.builtin.candidates import find_candidates
from t2s_magic.builtin.features import stem
from t2s_magic.builtin.follow_up import core
from t2s_magic.builtin.literals import as_number
from t2s_magic.builtin.recall import Pair
from t2s_magic.builtin.tokens import Candidate, ColumnRef, ValueRef
from t2s_magic.builtin.words import split_name, split_words, word_spans
from t2s_magic.database.values import Value
from t2s_magic.schema import Schema

_ONLY = re.compile(r"^(?:only|just)\s+(?:(?:the|those|these)\s+)?(?P<which>.+?)(?:\s+ones?)?$", re.IGNORECASE)
_RELATIVE = re.compile(r"^(?:that|who|which|whose|from|in|with|without|of|for|at|on|where|having|since)\b", re.I)
_BY = re.compile(r"^(?:grouped\s+)?(?:by|per|for (?:each|every))\s+(?P<key>[\w ]+)$", re.IGNORECASE)
_MEASURES = ("average", "mean", "maximum", "minimum", "total", "sum", "highest", "lowest", "median")
_GROUPING = re.compile(
    r"(?<!sorted )(?<!ordered )\b(?:by|per|(?:for|in|of|on) (?:each|every))\s+[\w ]+?"
    r"(?=$|[,.?!;]|\s(?:in|for|of|with|where|that|who|from|and|sorted|ordered|during|since)\b)",
    re.IGNORECASE,
)
_SMALL = frozenset("only just for in from with of at on the those one and or year month about who are is that".split())


@dataclass(frozen=True)
class Said:
    """A literal of the previous answer: its words in the previous question, and the column it was compared with."""

    phrase: str
    text: str
    column: ColumnRef | None = None


def literals_of(pair: Pair) -> list[Said]:
    """The literals of an approved pair that its question says."""
    words, spans = split_words(pair.question), word_spans(pair.question)
    found, beside = [], None
    for token in pair.tokens:
        if isinstance(token, ColumnRef):
            beside = token
        if isinstance(token, ValueRef):
            one = pair.candidates[token.value]
            if 0 <= one.start < one.end <= len(words):
                phrase = pair.question[spans[one.start][0] : spans[one.end - 1][1]]
                found.append(Said(phrase, one.text, beside))
    return found


def in_full(question: str, previous: str, said: Sequence[Said], schema: Schema, values: Sequence[Value]) -> str:
    """``question``, which follows ``previous``, as one that can be asked alone; ``values`` are its own cells."""
    new = core(question)
    base = previous.rstrip(" ?.!")
    for way in (_other_value, _other_grouping, _other_measure, _other_name):
        written = way(new, base, said, schema, values)
        if written:
            return written
    return f"{base} {_added(new, values)}"


def _other_value(new: str, base: str, said: Sequence[Said], schema: Schema, values: Sequence[Value]) -> str | None:
    """``in 2020``: each value of the question in the place of one of the same column, or else the same kind."""
    if _BY.match(new):
        return None
    candidates = [one for one in find_candidates(new, schema, values) if one.start >= 0]
    spans = word_spans(new)
    taken: set[int] = set()
    for candidate in candidates:
        places = set(range(candidate.start, candidate.end))
        old = _replaced(candidate, said, base)
        if old is None or places & taken:
            continue
        taken |= places
        written = new[spans[candidate.start][0] : spans[candidate.end - 1][1]]
        base = _with(base, old.phrase, written)
        said = [one for one in said if one is not old]
    known = _SMALL | {stem(word) for word in split_words(base)}
    left = [stem(word) for place, word in enumerate(split_words(new)) if place not in taken]
    return base if taken and known.issuperset(left) else None


def _with(base: str, phrase: str, instead: str) -> str:
    before, _, after = re.split(rf"(?<!\w)({re.escape(phrase)})(?!\w)", base, maxsplit=1, flags=re.IGNORECASE)
    return f"{before}{instead}{after}"


def _replaced(candidate: Candidate, said: Sequence[Said], base: str) -> Said | None:
    """The literal of the previous question whose place ``candidate`` takes."""
    known = [one for one in said if re.search(rf"(?<!\w){re.escape(one.phrase)}(?!\w)", base, re.IGNORECASE)]
    places = {ColumnRef(candidate.table, candidate.column), *candidate.others}
    of_column = [one for one in known if one.column in places]
    if of_column:
        return of_column[-1]
    if candidate.table >= 0:
        return None
    return next((one for one in known if _form(one.text) == _form(candidate.text)), None)


def _form(text: str) -> str:
    if as_number(text) is None:
        return "date" if re.match(r"\d{4}-\d\d", text) else "text"
    return "year" if re.fullmatch(r"(?:1[5-9]|20)\d\d", text) else "number"


def _other_grouping(new: str, base: str, said: Sequence[Said], schema: Schema, values: Sequence[Value]) -> str | None:
    """``by month instead``: one grouping for another, or the first one."""
    if not _BY.match(new):
        return None
    return _GROUPING.sub(lambda _: new, base, count=1) if _GROUPING.search(base) else f"{base} {new}"


def _other_measure(new: str, base: str, said: Sequence[Said], schema: Schema, values: Sequence[Value]) -> str | None:
    """``the maximum``: one measure for another."""
    word = new.lower().removeprefix("the ")
    if word not in _MEASURES:
        return None
    known = re.search(rf"\b(?:{'|'.join(_MEASURES)})\b", base, re.IGNORECASE)
    return f"{base[: known.start()]}{word}{base[known.end() :]}" if known else None


def _other_name(new: str, base: str, said: Sequence[Said], schema: Schema, values: Sequence[Value]) -> str | None:
    """``what about suppliers``: the name of a table, or of a column, for another one."""
    words = [word for word in split_words(new) if word.lower() not in ("the", "their", "a", "of")]
    for names in (_names(table.name for table in schema.tables), _names(_column_names(schema))):
        if words and _is_name(words, names):
            for start, end in _spans_of_names(base, names):
                return base[:start] + " ".join(words) + base[end:]
    return None


def _column_names(schema: Schema) -> Iterator[str]:
    return (column.name for table in schema.tables for column in table.columns)


def _names(names: Iterator[str]) -> set[tuple[str, ...]]:
    return {tuple(map(stem, split_name(name))) for name in names}


def _is_name(words: Sequence[str], names: set[tuple[str, ...]]) -> bool:
    stems = tuple(map(stem, words))
    return any(stems in (name, name[-1:]) for name in names)


def _spans_of_names(base: str, names: set[tuple[str, ...]]) -> Iterator[tuple[int, int]]:
    """Where names stand in the question, longer ones first."""
    spans = word_spans(base)
    for length in (3, 2, 1):
        for first in range(len(spans) - length + 1):
            start, end = spans[first][0], spans[first + length - 1][1]
            if _is_name(split_words(base[start:end]), names):
                yield start, end


def _added(new: str, values: Sequence[Value]) -> str:
    """``only the active ones``: said so that it can follow the first question."""
    only = _ONLY.match(new)
    which = only["which"] if only else new
    value = next((one for one in values if one.phrase.casefold() == which.casefold()), None)
    if value is not None:
        return f"where {' '.join(split_name(value.column))} is {value.phrase}"
    return which if only is None or _RELATIVE.match(which) else f"that are {which}"
