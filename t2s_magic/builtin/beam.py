"""Beam search over the grammar: the likeliest answers the network can write, best first."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from t2s_magic.builtin.encoder import Array
from t2s_magic.builtin.features import Kind, SchemaFeatures, item_token
from t2s_magic.builtin.fitting import Fitting
from t2s_magic.builtin.grammar import COLUMN, TABLE, VALUE, State, kind_of
from t2s_magic.builtin.grammar import END as GRAMMAR_END
from t2s_magic.builtin.network import Read
from t2s_magic.builtin.tokens import Token
from t2s_magic.builtin.vocabulary import BEGIN, END, Vocabulary

WIDTH = 6
LENGTH_POWER = 0.8


@dataclass(frozen=True)
class Answer:
    """A whole token sequence with the network's log-probability of each token; the last of ``steps`` is the end's."""

    tokens: tuple[Token, ...]
    steps: tuple[float, ...]

    @property
    def log_probability(self) -> float:
        return sum(self.steps)


@dataclass(frozen=True)
class _Prefix:
    ids: tuple[int, ...]
    steps: tuple[float, ...]
    log_probability: float
    state: State


class Decoder(Protocol):
    """What a search asks for the next token: the network, or one that has more to say; see ``network.Network``."""

    @property
    def max_tokens(self) -> int: ...

    def start(self) -> Any: ...

    def advance(self, read: Read, prefixes: Any, tokens: Sequence[int]) -> tuple[Any, Array]: ...


class Beam:
    """Searches answers of one question. ``kinds`` are those of its nodes, ``words`` the number of question words."""

    def __init__(
        self,
        network: Decoder,
        vocabulary: Vocabulary,
        schema: SchemaFeatures,
        kinds: NDArray[np.int8],
        words: int,
        fitting: Fitting,
    ) -> None:
        self._network = network
        self._vocabulary = vocabulary
        self._schema = schema
        self._kinds = kinds
        self._words = words
        self._fitting = fitting
        self._masks: dict[frozenset[str], Array] = {}

    def search(self, read: Read, *, width: int = WIDTH, seconds: float = 5.0) -> list[Answer]:
        """At most ``width`` answers; fewer, perhaps none, when ``seconds`` run out first."""
        deadline = time.monotonic() + seconds
        found: list[Answer] = []
        prefixes, log_probabilities = self._network.advance(read, self._network.start(), [BEGIN])
        beam = [_Prefix((), (), 0.0, State())]
        while beam and time.monotonic() < deadline:
            scores = self._scores(beam, log_probabilities)
            rows, tokens = _best(scores, width)
            following: list[_Prefix] = []
            parents: list[int] = []
            for row, token in zip(rows, tokens, strict=True):
                steps = (*beam[row].steps, float(log_probabilities[row, token]))
                if token == END:
                    found.append(Answer(tuple(map(self._token, beam[row].ids)), steps))
                    continue
                state = beam[row].state.advance(self._terminal(token))
                following.append(_Prefix((*beam[row].ids, token), steps, float(scores[row, token]), state))
                parents.append(row)
            beam = following
            if not beam or _is_settled(found, beam, width):
                break
            last = [prefix.ids[-1] for prefix in beam]
            prefixes, log_probabilities = self._network.advance(read, prefixes.chosen(parents), last)
        return sorted(found, key=_per_token, reverse=True)[:width]

    def _scores(self, beam: Sequence[_Prefix], log_probabilities: Array) -> Array:
        """Log-probability of each prefix with each next token; what the grammar or the length forbids is -inf."""
        left = self._network.max_tokens - 1 - len(beam[0].ids)
        rows = []
        for prefix, log_probability in zip(beam, log_probabilities, strict=True):
            scores = prefix.log_probability + log_probability + self._mask(prefix.state.allowed())
            penalties = self._fitting.penalties(prefix.ids)
            if penalties is not None:
                scores += penalties
            if prefix.state.tokens_to_finish() + 8 > left:
                scores = self._without_dead_ends(scores, prefix.state, left)
            rows.append(scores)
        return np.stack(rows)

    def _without_dead_ends(self, scores: Array, state: State, left: int) -> Array:
        """Near the longest length, only tokens after which the answer can still be finished in time."""
        for token in np.flatnonzero(np.isfinite(scores)):
            if token != END and state.advance(self._terminal(int(token))).tokens_to_finish() + 1 > left:
                scores[token] = -np.inf
        return scores

    def _mask(self, allowed: frozenset[str]) -> Array:
        mask = self._masks.get(allowed)
        if mask is None:
            size = self._vocabulary.size
            mask = np.full(size + len(self._kinds), -np.inf, np.float32)
            mask[[self._vocabulary.ids[word] for word in allowed if word in self._vocabulary.ids]] = 0
            if GRAMMAR_END in allowed:
                mask[END] = 0
            for terminal, kind in ((COLUMN, Kind.COLUMN), (TABLE, Kind.TABLE), (VALUE, Kind.VALUE)):
                if terminal in allowed:
                    mask[size:][self._kinds == kind] = 0
            self._masks[allowed] = mask
        return mask

    def _token(self, number: int) -> Token:
        if number < self._vocabulary.size:
            return self._vocabulary.keyword(number)
        return item_token(number - self._vocabulary.size - self._words, self._schema)

    def _terminal(self, number: int) -> str:
        return kind_of(self._token(number))


def _per_token(answer: Answer) -> float:
    """Longer answers are less probable; without this the beam would drop conditions to end early."""
    return answer.log_probability / float((len(answer.tokens) + 1) ** LENGTH_POWER)


def _best(scores: Array, width: int) -> tuple[list[int], list[int]]:
    """Rows and columns of the ``width`` highest finite scores, best first."""
    flat = scores.ravel()
    count = min(width, flat.size)
    top = np.argpartition(-flat, count - 1)[:count]
    top = top[np.isfinite(flat[top])]
    top = top[np.argsort(-flat[top], kind="stable")]
    return (top // scores.shape[1]).tolist(), (top % scores.shape[1]).tolist()


def _is_settled(found: Sequence[Answer], beam: Sequence[_Prefix], width: int) -> bool:
    """No prefix can still displace the answers found: a longer answer only loses probability."""
    if len(found) < width:
        return False
    worst = sorted((answer.log_probability for answer in found), reverse=True)[width - 1]
    return beam[0].log_probability < worst
