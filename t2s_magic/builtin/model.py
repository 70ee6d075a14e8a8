"""The built-in model: a question and a schema go in, the likeliest SQL comes out, with a probability.

Inference needs numpy and tokenizers: no torch, no server, no network. ``training/`` makes the weights.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from threadpoolctl import ThreadpoolController

from t2s_magic.builtin import weights
from t2s_magic.builtin.beam import WIDTH, Answer, Beam
from t2s_magic.builtin.candidates import find_candidates
from t2s_magic.builtin.confidence import Confidence
from t2s_magic.builtin.encoder import Array, TextEncoder
from t2s_magic.builtin.features import (
    MAX_QUESTION_WORDS,
    Flag,
    QuestionFeatures,
    item_position,
    item_token,
    read_question_features,
)
from t2s_magic.builtin.network import Demos, Network, Read
from t2s_magic.builtin.prepared import Library, PreparedDemo, PreparedSchema
from t2s_magic.builtin.representation import UndecodableError, decode
from t2s_magic.builtin.tokens import Candidate, TableRef, Token, ValueRef
from t2s_magic.builtin.vocabulary import DEMO_VALUE, Vocabulary, demo_memory, likeness, likeness_vector
from t2s_magic.builtin.words import split_words
from t2s_magic.database.values import Value
from t2s_magic.errors import SchemaError
from t2s_magic.schema import Schema

MOST_DEMOS = 64
NEAREST_TABLES = 5
SECONDS_TO_SEARCH = 5.0
FAR_BY_NAME = 1e-3


@dataclass(frozen=True)
class Demo:
    """An approved pair of the same database."""

    question: str
    sql: str


@dataclass(frozen=True)
class Reading:
    """One way to understand the question; ``probability`` is that of its rows being the ones asked for."""

    sql: str
    probability: float


@dataclass(frozen=True)
class Readings:
    """What the model made of a question, best first; at least one reading, distinct in SQL, in the schema's dialect.

    ``abstained`` says that even the best is too unsure to be shown as the answer. ``nearest_tables`` are the full names
    of the tables that come closest to the question.
    """

    readings: tuple[Reading, ...]
    abstained: bool
    nearest_tables: tuple[str, ...]


@dataclass(frozen=True)
class Asked:
    """A question as the network understood it, and the answers it would give, in the order of the search."""

    prepared: PreparedSchema
    candidates: tuple[Candidate, ...]
    features: QuestionFeatures
    read: Read
    answers: tuple[Answer, ...]

    def linked(self) -> dict[Token, float]:
        """For each column, table and value: the probability that the answer names it."""
        used = self.read.used[len(self.features.words) :]
        return {item_token(place, self.prepared.features): float(chance) for place, chance in enumerate(used)}

    def table_scores(self) -> dict[str, float]:
        """For each table that the network saw: the highest probability that it or a column of it is used."""
        used = self.read.used[len(self.features.words) :]
        scores: dict[str, float] = {}
        for place, table in enumerate(self.prepared.features.table_of):
            name = self.prepared.schema.tables[table].full_name
            scores[name] = max(scores.get(name, 0.0), float(used[place]))
        return scores


class BuiltinModel:
    """Reads questions against schemas. Threads may share it; they are served one after another."""

    def __init__(self, loaded: weights.Weights) -> None:
        self._encoder = TextEncoder(loaded.encoder, loaded.pieces, loaded.tokenizer)
        self._network = Network(loaded.network, loaded.settings["shape"]["heads"])
        self._vocabulary = Vocabulary(tuple(loaded.settings["keywords"]))
        self._confidence = Confidence(loaded.settings.get("confidence", {}))
        self._library = Library(self._encoder)
        self._lock = threading.Lock()
        # Two BLAS threads on a busy machine made a question ten times slower than one.
        self._threads = ThreadpoolController()

    def read(
        self,
        question: str,
        schema: Schema,
        *,
        values: Sequence[Value] = (),
        demos: Sequence[Demo] = (),
        evidence: str = "",
        count: int = 5,
    ) -> Readings:
        """At most ``count`` readings of ``question``. ``values`` are cells of the database found for it.

        Raises SchemaError when the schema has no table with columns.
        """
        asked = self.ask(f"{question} {evidence}".strip(), schema, values, demos, width=max(WIDTH, count))
        readings = self._readings(asked)[:count]
        scores = asked.table_scores()
        nearest = sorted(scores, key=lambda name: -scores[name])[:NEAREST_TABLES]
        return Readings(readings, self._confidence.abstains(readings[0].probability), tuple(nearest))

    def link(self, question: str, schema: Schema) -> dict[str, float]:
        """How likely the answer needs each table, by full name: between 0 and 1, comparable within one question.

        Of a schema too large for the network, tables that are far by name score below all others.
        """
        asked = self.ask(question, schema, (), (), width=0)
        with self._lock:
            by_name = self._library.name_scores(schema, asked.features.words)
        return {name: FAR_BY_NAME * score for name, score in by_name.items()} | asked.table_scores()

    def ask(
        self, question: str, schema: Schema, values: Sequence[Value], demos: Sequence[Demo], *, width: int
    ) -> Asked:
        """Encode the question and search ``width`` answers as tokens."""
        if not any(table.columns for table in schema.tables):
            raise SchemaError("The database has no table with columns, so there is nothing to ask.")
        with self._lock, self._threads.limit(limits=1, user_api="blas"):
            words = split_words(question)[:MAX_QUESTION_WORDS] or ["?"]
            prepared = self._library.schema(schema, words, question, values)
            candidates = tuple(find_candidates(question, prepared.schema, values))
            features = read_question_features(words, prepared.features, candidates)
            vectors = self._vectors(features, prepared)
            shown = self._demos(demos, prepared, likeness_vector(vectors[: len(words)]))
            flags = _with_demos(features, prepared, shown)
            read = self._network.read(
                vectors, features.kinds, flags, features.relations, self._memory(shown, features, prepared)
            )
            answers = self._search(read, features, prepared, width) if width else []
        return Asked(prepared, candidates, features, read, tuple(answers))

    def _search(self, read: Read, features: QuestionFeatures, prepared: PreparedSchema, width: int) -> list[Answer]:
        beam = Beam(self._network, self._vocabulary, prepared.features, features.kinds, len(features.words))
        return beam.search(read, width=width, seconds=SECONDS_TO_SEARCH)

    def _readings(self, asked: Asked) -> tuple[Reading, ...]:
        """Distinct SQL with its probability; where no answer can be said, the rows of the likeliest table at 0."""
        probabilities = self._confidence.probabilities(
            asked.answers, asked.candidates, asked.linked(), asked.prepared.schema
        )
        readings: dict[str, Reading] = {}
        for answer, probability in zip(asked.answers, probabilities, strict=True):
            try:
                sql = write_sql(answer.tokens, asked)
            except UndecodableError:
                continue
            known = readings.get(sql)
            together = probability + (known.probability if known else 0.0)
            readings[sql] = Reading(sql, min(together, 1.0))
        if not readings:
            return (Reading(_first_rows(asked), 0.0),)
        return tuple(sorted(readings.values(), key=lambda reading: -reading.probability))

    def _vectors(self, features: QuestionFeatures, prepared: PreparedSchema) -> Array:
        """Vectors of all nodes: question words, columns and tables, values."""
        words, *values = self._encoder.encode([features.words, *features.value_texts])
        return np.concatenate([words, prepared.vectors, *(value.mean(0, keepdims=True) for value in values)])

    def _demos(
        self, demos: Sequence[Demo], prepared: PreparedSchema, vector: Array
    ) -> list[tuple[float, PreparedDemo]]:
        """Pairs that the alphabet can say, each with how like its question is to this one, the likest first."""
        made = [self._library.demo(demo.question, demo.sql, prepared) for demo in demos[:MOST_DEMOS]]
        likened = [(likeness(vector, demo.vector), demo) for demo in made if demo.tokens]
        return sorted(likened, key=lambda pair: -pair[0])

    def _memory(
        self, shown: Sequence[tuple[float, PreparedDemo]], features: QuestionFeatures, prepared: PreparedSchema
    ) -> Demos | None:
        if not shown:
            return None
        first_item = self._vocabulary.size + len(features.words)

        def number(token: Token) -> int:
            if isinstance(token, str):
                return self._vocabulary.ids[token]
            if isinstance(token, ValueRef):
                return DEMO_VALUE
            return first_item + item_position(token, prepared.features)

        memory = demo_memory([(like, [number(token) for token in demo.tokens]) for like, demo in shown])
        previous, tokens, likenesses = zip(*memory, strict=True)
        return Demos(np.array(previous), np.array(tokens), np.array(likenesses, np.float32))


def load_model() -> BuiltinModel:
    """The model with the weights that the package ships."""
    return BuiltinModel(weights.load())


def write_sql(tokens: Sequence[Token], asked: Asked) -> str:
    """An answer of ``asked`` as SQL in the schema's dialect; UndecodableError where its joins cannot be made."""
    schema = asked.prepared.schema
    return decode(tokens, schema, asked.candidates, schema.dialect, graph=asked.prepared.graph)


def _first_rows(asked: Asked) -> str:
    scores = asked.table_scores()
    tables = asked.prepared.schema.tables
    best = max(range(len(tables)), key=lambda table: scores[tables[table].full_name])
    return write_sql((TableRef(best),), asked)


def _with_demos(
    features: QuestionFeatures, prepared: PreparedSchema, shown: Sequence[tuple[float, PreparedDemo]]
) -> Array:
    flags = features.flags.copy()
    for like, demo in shown:
        for token in demo.tokens:
            if not isinstance(token, str | ValueRef):
                row = flags[len(features.words) + item_position(token, prepared.features)]
                row[Flag.USED_IN_DEMO] = 1
                row[Flag.USED_IN_LIKE_DEMO] = max(row[Flag.USED_IN_LIKE_DEMO], like)
    return flags
