"""Approved pairs at work: what they would say next is mixed into the search, and answers like theirs count for more.

A pair's token sequence is taken as written by someone who edits: at each step the next token is the pair's own, or
another one that the network prefers. Its values are slots, which the question's own candidates fill. So a question
that was approved with other values, or with another column, is answered by the approved statement, edited.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from t2s_magic.builtin.beam import Answer
from t2s_magic.builtin.encoder import Array
from t2s_magic.builtin.literals import as_number
from t2s_magic.builtin.network import Network, Prefixes, Read
from t2s_magic.builtin.tokens import Candidate, ColumnRef, Token, ValueRef
from t2s_magic.builtin.vocabulary import BEGIN, DEMO_VALUE, END

MOST_PATTERNS = 5
LEAST_CHANCE = 0.1
_LEAST_ODDS = 1e-3
_LEAST_SURE, _MOST_SURE = -6.0, 4.0
SIGNS = ("score", "same", "same_and_sure", "is_same", "near", "likest", "is_added", "bias")
_SUBSTITUTED, _INSERTED, _DELETED = 0.02, 0.01, 0.05
_OTHER_COLUMN = 0.3
_FITS = 0.02
_NEVER = -1e9
_PLAIN_SHARE = 0.6
_PLAIN_LIKENESS = {
    "middle_layer": 8.0,
    "last_layer": 0.0,
    "content": 6.0,
    "words": 0.0,
    "one_word_apart": 0.0,
    "as_many_values": 0.0,
    "bias": -12.0,
}
_PLAIN_WEIGHTS = dict.fromkeys(SIGNS, 0.0) | {"score": 1.0, "same": 4.0, "is_added": -1.0}

Fill = Mapping[int, float]


@dataclass(frozen=True)
class Pattern:
    """An approved statement ready to be edited: for each of its tokens what may stand there, as numbers.

    ``chance`` is the probability that the question wants this very statement but for its values.
    """

    chance: float
    slots: tuple[Fill, ...]


@dataclass(frozen=True)
class Pair:
    """An approved pair as tokens, with its literals."""

    question: str
    tokens: tuple[Token, ...]
    candidates: tuple[Candidate, ...]


class Slots:
    """Fills the values of pairs with the candidates of one question; literals that only pairs have are ``borrowed``."""

    def __init__(self, candidates: Sequence[Candidate], number: Callable[[Token], int]) -> None:
        self._asked = tuple(candidates)
        self._number = number
        self.borrowed: list[Candidate] = []

    def pattern(self, pair: Pair, chance: float) -> Pattern:
        slots: list[Fill] = []
        beside: ColumnRef | None = None
        for token in pair.tokens:
            if isinstance(token, ColumnRef):
                beside = token
            slots.append(self._fill(pair, token, beside) if isinstance(token, ValueRef) else {self._number(token): 1.0})
        return Pattern(chance, (*slots, {END: 1.0}))

    def _fill(self, pair: Pair, token: ValueRef, beside: ColumnRef | None) -> Fill:
        literal = pair.candidates[token.value]
        same = [place for place, one in enumerate(self._asked) if _is_same(one, literal)]
        if same:
            return {self._number(ValueRef(same[0])): 1.0}
        weights = {}
        if literal.text.casefold() in pair.question.casefold():
            weights = {
                self._number(ValueRef(place)): weight
                for place, one in enumerate(self._asked)
                if (weight := _fitness(one, literal, pair.question, beside))
            }
        total = sum(weights.values())
        if not total:  # nothing of the question can stand here: the approved literal is what its words mean
            return {self._borrow(literal): 1.0}
        return {number: weight / total for number, weight in weights.items()}

    def _borrow(self, literal: Candidate) -> int:
        kept = Candidate(literal.text, "constant")
        if kept not in self.borrowed:
            self.borrowed.append(kept)
        return self._number(ValueRef(len(self._asked) + self.borrowed.index(kept)))


def _is_same(one: Candidate, other: Candidate) -> bool:
    return one.text.casefold() == other.text.casefold()


def _fitness(one: Candidate, literal: Candidate, question: str, beside: ColumnRef | None) -> float:
    """How well ``one`` takes the place of ``literal``, which was compared with ``beside``."""
    if _kind(one) != _kind(literal):
        return 0.0
    places = (ColumnRef(one.table, one.column), *one.others)
    of_column = 1.0 if one.table < 0 or beside is None or beside in places else _OTHER_COLUMN
    return of_column * (0.1 if one.text.casefold() in question.casefold() else 1.0)


def _kind(candidate: Candidate) -> str:
    if candidate.kind == "date":
        return "date"
    return "number" if as_number(candidate.text) is not None else "text"


@dataclass(frozen=True)
class RecallingPrefixes:
    """The network's prefixes, with how far each has come in each pattern (prefixes, patterns, positions)."""

    inner: Prefixes
    ids: tuple[tuple[int, ...], ...]
    places: Array

    @property
    def length(self) -> int:
        return self.inner.length

    def chosen(self, rows: Sequence[int]) -> RecallingPrefixes:
        picked = list(rows)
        return RecallingPrefixes(self.inner.chosen(rows), tuple(self.ids[row] for row in picked), self.places[picked])


class RecallingNetwork:
    """A network into whose next token patterns are mixed; ``Beam`` searches it like the network itself."""

    def __init__(self, network: Network, patterns: Sequence[Pattern], size: int, share: float) -> None:
        """``size`` counts keywords, nodes and borrowed literals; ``share`` is how much of the next token is theirs."""
        self._network = network
        self._share = share
        self._said = _emissions(patterns, size)
        self._start = np.zeros((1, *self._said.shape[:2]), np.float32)
        chances = np.array([pattern.chance for pattern in patterns], np.float32)
        self._start[0, :, 0] = chances / chances.sum()
        positions = np.arange(self._said.shape[1])
        skipped = positions[None, :] - positions[:, None]
        self._skips = np.where(skipped >= 0, _DELETED ** np.maximum(skipped, 0.0), 0).astype(np.float32)
        self._plain: dict[tuple[int, ...], Array] = {}
        self._mixed: dict[tuple[int, ...], Array] = {}

    @property
    def max_tokens(self) -> int:
        return self._network.max_tokens

    def start(self) -> RecallingPrefixes:
        return RecallingPrefixes(self._network.start(), ((),), self._start)

    def advance(
        self, read: Read, prefixes: RecallingPrefixes, tokens: Sequence[int]
    ) -> tuple[RecallingPrefixes, Array]:
        """Like ``Network.advance``; the log-probabilities also cover borrowed literals."""
        known = [token if token < len(read.tokens) else DEMO_VALUE for token in tokens]
        inner, plain = self._network.advance(read, prefixes.inner, known)
        places, ids = prefixes.places, prefixes.ids
        if tokens[0] != BEGIN:
            places = self._moved(places, tokens)
            ids = tuple((*before, token) for before, token in zip(ids, tokens, strict=True))
        more = self._said.shape[2] - plain.shape[1]
        plain = np.pad(plain, ((0, 0), (0, more)), constant_values=_NEVER)
        said = np.einsum("pdj,djv->pv", places, self._said)
        mixed = np.log((1 - self._share) * np.exp(plain) + self._share * said + 1e-30)
        for row, prefix in enumerate(ids):
            self._plain[prefix], self._mixed[prefix] = plain[row], mixed[row]
        return RecallingPrefixes(inner, ids, places), mixed

    def _moved(self, places: Array, tokens: Sequence[int]) -> Array:
        """Each prefix one token longer: it is the next one of a pattern, replaces that, or was put in between."""
        fits = self._said[:, :, list(tokens)].transpose(2, 0, 1) + _SUBSTITUTED
        moved = _INSERTED * places
        moved[:, :, 1:] += places[:, :, :-1] * fits[:, :, :-1]
        moved = moved @ self._skips
        return np.asarray(moved / moved.sum((1, 2), keepdims=True), np.float32)

    def as_network_says(self, answer: Answer, ids: Sequence[int]) -> Answer:
        """``answer``, found by a search of this, with the network's own log-probabilities."""
        steps = []
        for place, token in enumerate((*ids, END)):
            before = tuple(ids[:place])
            plain = float(self._plain[before][token])
            steps.append(plain if plain > _NEVER else float(self._mixed[before][token]))
        return Answer(answer.tokens, tuple(steps))


def _emissions(patterns: Sequence[Pattern], size: int) -> Array:
    """(patterns, positions, tokens): how likely each token stands at each position."""
    said = np.zeros((len(patterns), max(len(pattern.slots) for pattern in patterns) + 1, size), np.float32)
    for row, pattern in zip(said, patterns, strict=True):
        for position, fill in enumerate(pattern.slots):
            row[position, list(fill)] = list(fill.values())
    return said


def recall_signs(score: float, ids: Sequence[int], patterns: Sequence[Pattern], *, is_added: bool) -> tuple[float, ...]:
    """``SIGNS`` of an answer with the log-odds ``score`` without pairs; ``is_added`` says that only they found it."""
    distances = [_distance((*ids, END), pattern.slots) for pattern in patterns]
    same = max((p.chance for p, apart in zip(patterns, distances, strict=True) if apart == 0), default=0.0)
    near = [p.chance * (1 - apart / len(p.slots)) for p, apart in zip(patterns, distances, strict=True)]
    likest = max((pattern.chance for pattern in patterns), default=0.0)
    sure = max(_LEAST_SURE, min(_MOST_SURE, score))
    return (score, same, same * sure, float(same > 0), max(near, default=0.0), likest, float(is_added), 1.0)


def log_odds(probabilities: Sequence[float]) -> list[float]:
    """Of each answer against none of them being right."""
    none = max(1 - sum(probabilities), _LEAST_ODDS)
    return [math.log(max(one, _LEAST_ODDS) / none) for one in probabilities]


def _distance(ids: Sequence[int], slots: Sequence[Fill]) -> int:
    """The least number of tokens to replace, put in or leave out."""
    row = list(range(len(slots) + 1))
    for count, token in enumerate(ids, start=1):
        before, row = row, [count]
        for position, fill in enumerate(slots):
            differs = fill.get(token, 0.0) < _FITS
            row.append(min(before[position] + differs, before[position + 1] + 1, row[position] + 1))
    return row[-1]


class Recall:
    """How much pairs count. ``settings`` holds ``likeness``, ``share`` and ``weights`` (see training/fit_demos.py)."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self.likeness: Mapping[str, float] = settings.get("likeness", _PLAIN_LIKENESS)
        self._share: float = settings.get("share", _PLAIN_SHARE)
        self._weights: Mapping[str, float] = settings.get("weights", _PLAIN_WEIGHTS)

    def share(self, patterns: Sequence[Pattern]) -> float:
        """How much of each next token is the patterns': more, the liker the likest is."""
        return self._share * math.sqrt(max(pattern.chance for pattern in patterns))

    def probabilities(self, signs: Sequence[Sequence[float]]) -> list[float]:
        """The probability of each answer of a question by its ``recall_signs``; together at most 1."""
        scores = [
            sum(self._weights.get(name, 0.0) * sign for name, sign in zip(SIGNS, one, strict=True)) for one in signs
        ]
        odds = [math.exp(max(-30.0, min(30.0, score))) for score in scores]
        return [one / (1 + sum(odds)) for one in odds]
