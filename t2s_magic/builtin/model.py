"""The built-in model: a question and a schema go in, the likeliest SQL comes out, with a probability.

Inference needs numpy and tokenizers: no torch, no server, no network. ``training/`` makes the weights.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from threadpoolctl import ThreadpoolController

from t2s_magic.builtin import weights
from t2s_magic.builtin.abstention import Abstention, Strangeness, abstention_signs, strangeness
from t2s_magic.builtin.alignment import align
from t2s_magic.builtin.alike import Sketch, chance_of_same, question_key, sketch
from t2s_magic.builtin.beam import WIDTH, Answer, Beam
from t2s_magic.builtin.candidates import find_candidates
from t2s_magic.builtin.confidence import Confidence, signs_of, with_looks
from t2s_magic.builtin.encoder import Array, TextEncoder
from t2s_magic.builtin.features import (
    MAX_QUESTION_WORDS,
    Kind,
    QuestionFeatures,
    item_position,
    item_token,
    read_question_features,
)
from t2s_magic.builtin.fitting import Fitting
from t2s_magic.builtin.follow_up import is_follow_up
from t2s_magic.builtin.in_full import Said, in_full, literals_of
from t2s_magic.builtin.looks import Look, RowsOf, look_at
from t2s_magic.builtin.network import Network, Read
from t2s_magic.builtin.prepared import Library, PreparedDemo, PreparedSchema
from t2s_magic.builtin.recall import (
    LEAST_CHANCE,
    MOST_PATTERNS,
    SIGNS,
    Pattern,
    Recall,
    RecallingNetwork,
    Slots,
    log_odds,
    recall_signs,
)
from t2s_magic.builtin.representation import UndecodableError, decode
from t2s_magic.builtin.signs import Posed, Signs
from t2s_magic.builtin.tokens import Candidate, TableRef, Token
from t2s_magic.builtin.vocabulary import Vocabulary
from t2s_magic.builtin.words import split_words
from t2s_magic.database.values import Value
from t2s_magic.errors import SchemaError
from t2s_magic.schema import Schema

MOST_DEMOS = 64
NEAREST_TABLES = 5
SECONDS_TO_SEARCH = 5.0
FAR_BY_NAME = 1e-3
AS_APPROVED = 0.99
LIKELY = 0.5


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
class Links:
    """How likely an answer needs each table, by full name, and each column, by the table's full name and its own."""

    tables: Mapping[str, float]
    columns: Mapping[tuple[str, str], float]


@dataclass(frozen=True)
class Asked:
    """A question as the network understood it, and the answers it would give, in the order of the search.

    The ``candidates`` that the network saw come first, then literals of approved pairs. ``patterns`` are the pairs
    nearest to the question. The ``own`` first answers are the network's, the others were found by pairs alone; ``ids``
    are the answers as numbers of the decoder, ``sqls`` as SQL.
    """

    prepared: PreparedSchema
    candidates: tuple[Candidate, ...]
    features: QuestionFeatures
    read: Read
    strangeness: Strangeness
    sketch: Sketch
    answers: tuple[Answer, ...] = ()
    sqls: tuple[str, ...] = ()
    patterns: tuple[Pattern, ...] = ()
    ids: tuple[tuple[int, ...], ...] = ()
    own: int = 0

    def linked(self) -> dict[Token, float]:
        """For each column, table and value: the probability that the answer names it."""
        used = self.read.used[len(self.features.words) :]
        return {item_token(place, self.prepared.features): float(chance) for place, chance in enumerate(used)}

    @cached_property
    def signs(self) -> list[Signs | None]:
        """What speaks for and against each answer; None for one that makes no sense."""
        alignment = align(self.features, self.prepared.features)
        posed = Posed(self.candidates, self.linked(), alignment, self.prepared.graph)
        own = signs_of(posed, self.answers[: self.own])
        # Pairs must not change what the network's own answers are held for beside one another.
        return own if self.own == len(self.answers) else own + signs_of(posed, self.answers)[self.own :]

    def abstention_signs(self, probability: float) -> tuple[float, ...]:
        """What ``Abstention`` goes by, when the best answer has ``probability``."""
        likeliest = max(self.linked().values(), default=0.0)
        return abstention_signs(probability, self.strangeness, likeliest)

    def recall_signs(self, probabilities: Sequence[float]) -> list[tuple[float, ...]]:
        """What ``Recall`` goes by, for each answer with its probability without pairs."""
        return [
            recall_signs(score, ids, self.patterns, is_added=place >= self.own)
            for place, (score, ids) in enumerate(zip(log_odds(probabilities), self.ids, strict=True))
        ]

    def column_scores(self) -> dict[tuple[str, str], float]:
        """For each column that the network saw: the probability that the answer names it."""
        tables = self.prepared.schema.tables
        columns = self.prepared.features.columns
        used = self.read.used[len(self.features.words) :][: len(columns)]
        return {
            (tables[ref.table].full_name, tables[ref.table].columns[ref.column].name): float(chance)
            for ref, chance in zip(columns, used, strict=True)
        }

    def table_scores(self) -> dict[str, float]:
        """For each table that the network saw: the highest probability that it or a column of it is used."""
        used = self.read.used[len(self.features.words) :]
        scores: dict[str, float] = {}
        for place, table in enumerate(self.prepared.features.table_of):
            name = self.prepared.schema.tables[table].full_name
            scores[name] = max(scores.get(name, 0.0), float(used[place]))
        return scores


@dataclass(frozen=True)
class _InFull:
    """A question that can be asked alone, with the cells it means. ``previous`` is the SQL that it must not repeat."""

    question: str
    values: Sequence[Value]
    previous: str = ""


class BuiltinModel:
    """Reads questions against schemas. Threads may share it; they are served one after another."""

    def __init__(self, loaded: weights.Weights, *, recall: Mapping[str, Any] | None = None) -> None:
        """``recall`` stands in for the shipped settings of how pairs count, while those are fitted."""
        self._encoder = TextEncoder(loaded.encoder, loaded.pieces, loaded.tokenizer)
        self._network = Network(loaded.network, loaded.settings["shape"]["heads"])
        self._vocabulary = Vocabulary(tuple(loaded.settings["keywords"]))
        self._confidence = Confidence(loaded.settings.get("confidence", {}))
        self._abstention = Abstention(loaded.settings.get("abstention", {}))
        self._recall = Recall(loaded.settings.get("recall", {}) if recall is None else recall)
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
        rows_of: RowsOf | None = None,
    ) -> Readings:
        """At most ``count`` readings of ``question``. ``values`` are cells of the database found for it.

        With ``rows_of``, the likeliest answers are run and told apart by their rows as well; readings with the same
        rows count as one. Raises SchemaError when the schema has no table with columns.
        """
        full = self._in_full(question, schema, values, demos)
        asked = self.ask(f"{full.question} {evidence}".strip(), schema, full.values, demos, width=max(WIDTH, count))
        found = _with_approved(question, demos, _without(full.previous, self._readings(asked, rows_of)))
        readings = self._offered(asked, found, count)
        scores = asked.table_scores()
        nearest = sorted(scores, key=lambda name: -scores[name])[:NEAREST_TABLES]
        return Readings(readings, self._abstains(asked, readings[0]), tuple(nearest))

    def link(self, question: str, schema: Schema) -> dict[str, float]:
        """How likely the answer needs each table, by full name: ``links(…).tables``."""
        return dict(self.links(question, schema).tables)

    def links(self, question: str, schema: Schema, values: Sequence[Value] = ()) -> Links:
        """How likely the answer needs each table and column: between 0 and 1, comparable within one question.

        Of a schema too large for the network, tables that are far by name score below all others.
        """
        asked = self.understand(question, schema, values)
        with self._lock:
            by_name = self._library.name_scores(schema, asked.features.words)
        tables = {name: FAR_BY_NAME * score for name, score in by_name.items()} | asked.table_scores()
        columns = {
            (name, column.name): FAR_BY_NAME * score
            for (name, score), table in zip(by_name.items(), schema.tables, strict=True)
            for column in table.columns
        }
        return Links(tables, columns | asked.column_scores())

    def ask(
        self, question: str, schema: Schema, values: Sequence[Value], demos: Sequence[Demo], *, width: int
    ) -> Asked:
        """Read the question and search ``width`` answers, in the light of ``demos``."""
        return self.answered(self.understand(question, schema, values), demos, width)

    def understand(self, question: str, schema: Schema, values: Sequence[Value]) -> Asked:
        """Read the question, without an answer yet."""
        if not any(table.columns for table in schema.tables):
            raise SchemaError("The database has no table with columns, so there is nothing to ask.")
        with self._lock, self._threads.limit(limits=1, user_api="blas"):
            question = self._library.repaired(question, schema, values)
            words = split_words(question)[:MAX_QUESTION_WORDS] or ["?"]
            prepared = self._library.schema(schema, words, question, values)
            candidates = tuple(find_candidates(question, prepared.schema, values))
            features = read_question_features(words, prepared.features, candidates)
            vectors = self._vectors(features, prepared)
            read = self._network.read(vectors, features.kinds, features.flags, features.relations, None)
            return Asked(
                prepared,
                candidates,
                features,
                read,
                strangeness(features, prepared.features, vectors, candidates, self._abstention.common),
                sketch(question, words, vectors[: len(words)], candidates),
            )

    def answered(self, asked: Asked, demos: Sequence[Demo], width: int) -> Asked:
        """``asked`` with at most ``width`` answers, and as many found by pairs that are likely about the same.

        Answers that ``asked`` has without pairs are not searched again.
        """
        with self._lock, self._threads.limit(limits=1, user_api="blas"):
            shown = [self._library.demo(demo.question, demo.sql, asked.prepared) for demo in demos[-MOST_DEMOS:]]
            return self._searched(asked, [demo for demo in shown if demo.tokens], width)

    def _in_full(self, question: str, schema: Schema, values: Sequence[Value], demos: Sequence[Demo]) -> _InFull:
        """A question that goes on from the last pair, written out."""
        if not demos or not is_follow_up(question):
            return _InFull(question, values)
        # The one before may itself go on from another.
        previous = Demo(self._in_full(demos[-1].question, schema, (), demos[:-1]).question, demos[-1].sql)
        with self._lock, self._threads.limit(limits=1, user_api="blas"):
            words = split_words(f"{previous.question} {question}")
            prepared = self._library.schema(schema, words, previous.question, ())
            pair = self._library.demo(previous.question, previous.sql, prepared).pair
        said = literals_of(pair)
        full = in_full(question, previous.question, said, prepared.schema, values)
        sql = (
            decode(pair.tokens, prepared.schema, pair.candidates, schema.dialect, graph=prepared.graph)
            if pair.tokens
            else ""
        )
        return _InFull(full, (*values, *_cells(said, full, prepared.schema)), sql)

    def _searched(self, asked: Asked, demos: Sequence[PreparedDemo], width: int) -> Asked:
        """The answers of the network alone, then those that only pairs find."""
        number = self._numbering(asked.features, asked.prepared)
        slots = Slots(asked.candidates, number)
        chances = ((chance_of_same(asked.sketch, demo.sketch, self._recall.likeness), demo) for demo in demos)
        likest = sorted((pair for pair in chances if pair[0] >= LEAST_CHANCE), key=lambda pair: -pair[0])
        patterns = tuple(slots.pattern(demo.pair, chance) for chance, demo in likest[:MOST_PATTERNS])
        answers = list(asked.answers) or self._search(asked, self._network, width)
        own = len(answers)
        asked = replace(asked, candidates=(*asked.candidates, *slots.borrowed), patterns=patterns)
        if patterns:
            size = self._vocabulary.size + len(asked.features.kinds) + len(slots.borrowed)
            network = RecallingNetwork(self._network, patterns, size, self._recall.share(patterns))
            known = {answer.tokens for answer in answers}
            answers += [
                network.as_network_says(answer, tuple(map(number, answer.tokens)))
                for answer in self._search(asked, network, width)
                if answer.tokens not in known
            ]
        return _with_answers(asked, answers, [tuple(map(number, answer.tokens)) for answer in answers], own)

    def _search(self, asked: Asked, network: Network | RecallingNetwork, width: int) -> list[Answer]:
        features, schema = asked.features, asked.prepared.features
        borrowed = len(features.words) + schema.size + len(asked.candidates) - len(features.kinds)
        kinds = np.concatenate([features.kinds, np.full(borrowed, Kind.VALUE, np.int8)])
        fitting = Fitting(self._vocabulary, schema, asked.prepared.graph, asked.candidates, len(features.words))
        beam = Beam(network, self._vocabulary, schema, kinds, len(features.words), fitting)
        return beam.search(asked.read, width=width, seconds=SECONDS_TO_SEARCH)

    def _readings(self, asked: Asked, rows_of: RowsOf | None) -> tuple[Reading, ...]:
        """Distinct SQL with its probability; where no answer can be said, the rows of the likeliest table at 0."""
        if not asked.answers:
            return (Reading(_first_rows(asked), 0.0),)
        readings = _distinct(asked.sqls, self._aided(asked, self.unaided(asked)))
        looks = look_at((reading.sql for reading in readings), rows_of) if rows_of else {}
        if looks:
            signs = with_looks(asked.signs, asked.answers, [looks.get(sql) for sql in asked.sqls])
            seen = self._aided(asked, self._confidence.probabilities_with_rows(signs))
            readings = _by_rows(_distinct(asked.sqls, seen), looks)
        return tuple(readings)

    def _offered(self, asked: Asked, readings: tuple[Reading, ...], count: int) -> tuple[Reading, ...]:
        """The first ``count``; the last of them makes room for what a pair that is likely about the same would say."""
        same = SIGNS.index("same")
        signs = asked.recall_signs(self.unaided(asked)) if asked.patterns else []
        said = {sql for sql, one in zip(asked.sqls, signs, strict=False) if one[same] >= LIKELY}
        first = readings[:count]
        if any(reading.sql in said for reading in first):
            return first
        left = [reading for reading in readings[count:] if reading.sql in said]
        return (*first[:-1], left[0]) if left else first

    def _aided(self, asked: Asked, probabilities: list[float]) -> list[float]:
        """The probability of each answer, approved pairs considered."""
        if not asked.patterns:
            return probabilities
        return [
            aided if probability else 0.0
            for probability, aided in zip(
                probabilities, self._recall.probabilities(asked.recall_signs(probabilities)), strict=True
            )
        ]

    def judged(
        self, question: str, schema: Schema, values: Sequence[Value], rows_of: RowsOf | None = None
    ) -> tuple[tuple[float, ...], tuple[Reading, ...]]:
        """The signs by which to abstain or not, and the readings."""
        asked = self.ask(question, schema, values, (), width=WIDTH)
        readings = self._readings(asked, rows_of)
        return asked.abstention_signs(readings[0].probability), readings

    def unaided(self, asked: Asked) -> list[float]:
        """The probability of each answer, whatever pairs or rows say of it."""
        return self._confidence.probabilities(asked.signs)

    def _abstains(self, asked: Asked, best: Reading) -> bool:
        """Whether even the best reading is too unsure; one that a person approved for this question never is."""
        return best.probability < AS_APPROVED and self._abstention.abstains(asked.abstention_signs(best.probability))

    def prepare_demos(self, demos: Sequence[Demo], schema: Schema) -> list[PreparedDemo]:
        """Pairs as they are compared with questions about ``schema``, which has to fit the network whole."""
        with self._lock:
            prepared = self._library.schema(schema, (), "", ())
            return [self._library.demo(demo.question, demo.sql, prepared) for demo in demos]

    def _vectors(self, features: QuestionFeatures, prepared: PreparedSchema) -> Array:
        """Vectors of all nodes: question words, columns and tables, values."""
        words, *values = self._encoder.encode([features.words, *features.value_texts])
        return np.concatenate([words, prepared.vectors, *(value.mean(0, keepdims=True) for value in values)])

    def _numbering(self, features: QuestionFeatures, prepared: PreparedSchema) -> Callable[[Token], int]:
        """What number the decoder knows a token by."""
        first_item = self._vocabulary.size + len(features.words)

        def number(token: Token) -> int:
            if isinstance(token, str):
                return self._vocabulary.ids[token]
            return first_item + item_position(token, prepared.features)

        return number


def load_model() -> BuiltinModel:
    """The model with the weights that the package ships."""
    return BuiltinModel(weights.load())


def write_sql(tokens: Sequence[Token], asked: Asked) -> str:
    """An answer of ``asked`` as SQL in the schema's dialect; UndecodableError where its joins cannot be made."""
    schema = asked.prepared.schema
    return decode(tokens, schema, asked.candidates, schema.dialect, graph=asked.prepared.graph)


def _cells(said: Sequence[Said], question: str, schema: Schema) -> Iterator[Value]:
    """Literals of the previous answer that ``question`` still says."""
    for one in said:
        if one.column is not None and one.phrase.casefold() in question.casefold():
            table = schema.tables[one.column.table]
            yield Value(one.text, table.full_name, table.columns[one.column.column].name, one.phrase, "folded")


def _with_approved(question: str, demos: Sequence[Demo], readings: tuple[Reading, ...]) -> tuple[Reading, ...]:
    """First of all what was approved for this very question, as it was written; the latest where there are several."""
    key = question_key(question)
    approved = [demo.sql for demo in demos if key and question_key(demo.question) == key]
    if not approved:
        return readings
    others = (reading for reading in readings if reading.sql != approved[-1])
    left = 1 - AS_APPROVED
    return (
        Reading(approved[-1], AS_APPROVED),
        *(replace(other, probability=left * other.probability) for other in others),
    )


def _without(previous: str, readings: tuple[Reading, ...]) -> tuple[Reading, ...]:
    """``readings`` with ``previous`` last: who asks on wants something else."""
    others = [reading for reading in readings if reading.sql != previous]
    repeated = [replace(reading, probability=0.0) for reading in readings if reading.sql == previous]
    return (*others, *repeated)


def _with_answers(asked: Asked, answers: Sequence[Answer], ids: Sequence[tuple[int, ...]], own: int) -> Asked:
    """``asked`` with those answers that can be said in SQL."""
    said = []
    for answer, numbers in zip(answers, ids, strict=True):
        try:
            said.append((answer, write_sql(answer.tokens, asked), numbers))
        except UndecodableError:
            continue
    if not said:
        return asked
    kept, sqls, numbered = zip(*said, strict=True)
    still_own = sum(answer in answers[:own] for answer in kept)
    return replace(asked, answers=kept, sqls=sqls, ids=numbered, own=still_own)


def _distinct(sqls: Sequence[str], probabilities: Sequence[float]) -> list[Reading]:
    """Each SQL once, the likeliest first."""
    sums: dict[str, float] = {}
    for sql, probability in zip(sqls, probabilities, strict=True):
        sums[sql] = sums.get(sql, 0.0) + probability
    return sorted((Reading(sql, min(chance, 1.0)) for sql, chance in sums.items()), key=lambda one: -one.probability)


def _by_rows(readings: Sequence[Reading], looks: Mapping[str, Look]) -> list[Reading]:
    """Of readings with the same rows the likeliest, which stands for all of them; the likeliest rows first."""
    best: dict[object, Reading] = {}
    for reading in readings:
        found = looks.get(reading.sql)
        key = reading.sql if found is None or found.same is None else found.same
        known = best.get(key)
        best[key] = Reading(known.sql, min(known.probability + reading.probability, 1.0)) if known else reading
    return sorted(best.values(), key=lambda one: -one.probability)


def _first_rows(asked: Asked) -> str:
    scores = asked.table_scores()
    tables = asked.prepared.schema.tables
    best = max(range(len(tables)), key=lambda table: scores[tables[table].full_name])
    return write_sql((TableRef(best),), asked)
