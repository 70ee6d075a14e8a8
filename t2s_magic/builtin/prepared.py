"""Schemas and demos made ready for the network, and kept: the second question about a database costs less."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np

from t2s_magic.builtin.alike import Sketch, sketch
from t2s_magic.builtin.candidates import find_candidates
from t2s_magic.builtin.encoder import Array, TextEncoder
from t2s_magic.builtin.features import MAX_QUESTION_WORDS, SchemaFeatures, read_schema_features, stem
from t2s_magic.builtin.joins import JoinGraph
from t2s_magic.builtin.literals import Unreachable
from t2s_magic.builtin.preselect import Preselector
from t2s_magic.builtin.recall import Pair
from t2s_magic.builtin.repair import Speller
from t2s_magic.builtin.representation import encode
from t2s_magic.builtin.tokens import Candidate, Token
from t2s_magic.builtin.words import split_words
from t2s_magic.database.values import Value
from t2s_magic.schema import Schema

SCHEMAS_KEPT = 32
ITEMS_KEPT = 20_000
DEMOS_KEPT = 1_024

_LITERAL = re.compile(r"'((?:[^']|'')*)'|(?<![\w.\"])(\d+(?:\.\d+)?)(?![\w.\"])")

Key = TypeVar("Key", bound=Hashable)
Kept = TypeVar("Kept")


class Shelf(Generic[Key, Kept]):
    """Keeps what was made for the last ``size`` keys asked for."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._kept: OrderedDict[Key, Kept] = OrderedDict()

    def get(self, key: Key, make: Callable[[], Kept]) -> Kept:
        found = self.find(key)
        if found is None:
            found = make()
            self.put(key, found)
        return found

    def find(self, key: Key) -> Kept | None:
        if key in self._kept:
            self._kept.move_to_end(key)
        return self._kept.get(key)

    def put(self, key: Key, value: Kept) -> None:
        self._kept[key] = value
        while len(self._kept) > self._size:
            self._kept.popitem(last=False)


@dataclass(frozen=True)
class PreparedSchema:
    """A schema, or the part of it that fits the network, with its items' vectors."""

    features: SchemaFeatures
    vectors: Array
    graph: JoinGraph

    @property
    def schema(self) -> Schema:
        return self.features.schema


@dataclass(frozen=True)
class PreparedDemo:
    """An approved pair: a sketch of its question, and its SQL as tokens where the model's alphabet can say it."""

    sketch: Sketch
    pair: Pair

    @property
    def tokens(self) -> tuple[Token, ...]:
        return self.pair.tokens


class Library:
    """Prepares schemas and demos with one encoder; not safe for use by several threads at once."""

    def __init__(self, encoder: TextEncoder) -> None:
        self._encoder = encoder
        self._preselectors: Shelf[str, Preselector] = Shelf(SCHEMAS_KEPT)
        self._schemas: Shelf[str, PreparedSchema] = Shelf(SCHEMAS_KEPT)
        self._items: Shelf[tuple[tuple[str, ...], int], Array] = Shelf(ITEMS_KEPT)
        self._spellers: Shelf[str, Speller] = Shelf(SCHEMAS_KEPT)
        self._demos: Shelf[tuple[str, str, str], PreparedDemo] = Shelf(DEMOS_KEPT)

    def schema(self, schema: Schema, words: Sequence[str], question: str, values: Sequence[Value]) -> PreparedSchema:
        """``schema`` whole, or cut to the tables whose names or cells are nearest to the question."""
        preselector = self._preselector(schema)
        if preselector.is_needed:
            schema = preselector.choose(preselector.scores(words, find_candidates(question, schema, values)))
        return self._schemas.get(schema.fingerprint, lambda: self._prepare(schema))

    def repaired(self, question: str, schema: Schema, values: Sequence[Value]) -> str:
        """``question`` without typing errors in what names the schema; see ``repair``."""
        speller = self._spellers.get(schema.fingerprint, lambda: Speller(schema, self._encoder.is_word))
        return speller.repaired(question, values)

    def name_scores(self, schema: Schema, words: Sequence[str]) -> dict[str, float]:
        """For every table by full name, how much of the question its names hold: between 0 and 1."""
        scores = self._preselector(schema).scores(words)
        highest = max(scores, default=0.0) or 1.0
        return {table.full_name: score / highest for table, score in zip(schema.tables, scores, strict=True)}

    def _preselector(self, schema: Schema) -> Preselector:
        return self._preselectors.get(schema.fingerprint, lambda: Preselector(schema, self._encoder.word_vectors))

    def demo(self, question: str, sql: str, prepared: PreparedSchema) -> PreparedDemo:
        key = (prepared.schema.fingerprint, question, sql)
        return self._demos.get(key, lambda: self._prepare_demo(question, sql, prepared))

    def _prepare(self, schema: Schema) -> PreparedSchema:
        features = read_schema_features(schema)
        keys = list(zip(features.texts, features.starts, strict=True))
        vectors = {key: vector for key in keys if (vector := self._items.find(key)) is not None}
        new = [key for key in dict.fromkeys(keys) if key not in vectors]
        for key, encoded in zip(new, self._encoder.encode([text for text, _ in new]), strict=True):
            vectors[key] = encoded[key[1] :].mean(0)
            self._items.put(key, vectors[key])
        return PreparedSchema(features, np.stack([vectors[key] for key in keys]), JoinGraph(schema))

    def _prepare_demo(self, question: str, sql: str, prepared: PreparedSchema) -> PreparedDemo:
        words = split_words(question)[:MAX_QUESTION_WORDS] or ["?"]
        (encoded,) = self._encoder.encode([words])
        candidates = [*find_candidates(question, prepared.schema, ()), *_literals(sql, words)]
        try:
            tokens = encode(sql, prepared.schema, candidates, dialect=prepared.schema.dialect, graph=prepared.graph)
        except Unreachable:  # more than our alphabet can say: such a pair teaches nothing
            tokens = []
        return PreparedDemo(
            sketch(question, words, encoded, candidates), Pair(question, tuple(tokens), tuple(candidates))
        )


def _literals(sql: str, words: Sequence[str]) -> Iterator[Candidate]:
    """The literals of a statement, with the words of the question that say them."""
    stems = [stem(word) for word in words]
    for text, number in _LITERAL.findall(sql):
        literal = text.replace("''", "'") or number
        said = [stem(word) for word in split_words(literal)]
        starts = (place for place in range(len(stems)) if said and stems[place : place + len(said)] == said)
        start = next(starts, -1)
        end = start + len(said) if start >= 0 else -1
        yield Candidate(literal, "number" if number else "text", start=start, end=end)
