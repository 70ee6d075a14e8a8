"""Examples as padded tensors: features computed once, tables and demos drawn anew for each epoch."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from t2s_magic.builtin.encoder import WORD_VECTOR
from t2s_magic.builtin.features import (
    FLAGS,
    RELATIONS,
    Flag,
    QuestionFeatures,
    Relation,
    SchemaFeatures,
    item_position,
    read_question_features,
    read_schema_features,
)
from t2s_magic.builtin.tokens import Token, ValueRef
from t2s_magic.builtin.vocabulary import BEGIN, DEMO_VALUE, END, Vocabulary, demo_memory, likeness, likeness_vector
from t2s_magic.builtin.words import split_words
from t2s_magic.schema import Schema
from training.examples import Example
from training.minilm import TextStore
from training.model import Batch
from training.tuning import gather_texts

Floats = NDArray[np.float32]

QUESTIONS_A_DATABASE = 12

_WITHOUT_MATCH = np.arange(RELATIONS, dtype=np.int8)
for _plain, _matched in {
    Relation.WORD_COLUMN: (Relation.WORD_COLUMN_PART, Relation.WORD_COLUMN_WHOLE, Relation.WORD_COLUMN_SHORT),
    Relation.COLUMN_WORD: (Relation.COLUMN_WORD_PART, Relation.COLUMN_WORD_WHOLE, Relation.COLUMN_WORD_SHORT),
    Relation.WORD_TABLE: (Relation.WORD_TABLE_PART, Relation.WORD_TABLE_WHOLE, Relation.WORD_TABLE_SHORT),
    Relation.TABLE_WORD: (Relation.TABLE_WORD_PART, Relation.TABLE_WORD_WHOLE, Relation.TABLE_WORD_SHORT),
}.items():
    _WITHOUT_MATCH[list(_matched)] = _plain


@dataclass(frozen=True)
class Ready:
    """An example with its features, and the vector that tells how like two questions are."""

    example: Example
    database: str
    schema: SchemaFeatures
    features: QuestionFeatures
    likeness_vector: Floats


@dataclass(frozen=True)
class Noise:
    """How much an epoch varies its examples."""

    drop_tables: float = 0.5
    drop_columns: float = 0.0
    hide_names: float = 0.1
    with_demos: float = 0.5
    most_demos: int = 8


class Corpus:
    """All examples of a run, ready to be drawn in batches."""

    def __init__(self, vocabulary: Vocabulary, store: TextStore) -> None:
        self.vocabulary = vocabulary
        self.store = store
        self.ready: list[Ready] = []
        self._by_database: dict[str, list[int]] = defaultdict(list)
        self._schemas: dict[str, tuple[SchemaFeatures, Floats]] = {}

    def add(self, examples: Sequence[Example], schemas: Mapping[str, Schema], group: str) -> list[int]:
        """Read features for ``examples``; ``schemas`` by the examples' db_id. Returns their places in ``ready``.

        Databases of the same name are one within a ``group`` only.
        """
        new = {
            f"{group}/{db_id}": read_schema_features(schema)
            for db_id, schema in schemas.items()
            if f"{group}/{db_id}" not in self._schemas
        }
        self.store.add(text for features in new.values() for text in features.texts)
        self._schemas |= {name: (features, self._item_vectors(features)) for name, features in new.items()}
        read = [
            read_question_features(
                split_words(example.question), self._schemas[f"{group}/{example.db_id}"][0], example.candidates
            )
            for example in examples
        ]
        self.store.add(text for features in read for text in (features.words, *features.value_texts))
        places = []
        for example, features in zip(examples, read, strict=True):
            database = f"{group}/{example.db_id}"
            places.append(len(self.ready))
            self._by_database[database].append(len(self.ready))
            schema, _ = self._schemas[database]
            like = likeness_vector(self.store.words(features.words))
            self.ready.append(Ready(example, database, schema, features, like))
        return places

    def _item_vectors(self, features: SchemaFeatures) -> Floats:
        return np.stack(
            [
                self.store.words(text)[start:].mean(0)
                for text, start in zip(features.texts, features.starts, strict=True)
            ]
        )

    def batches(
        self,
        chosen: Sequence[int],
        most_cells: int,
        noise: Noise | None,
        chance: random.Random,
        with_texts: bool = False,
    ) -> Iterator[Batch]:
        """Batches of examples of like size, in random order; a batch has at most ``most_cells`` node pairs.

        With texts, a batch holds several questions of each of its databases, so that few schema texts are encoded.
        """
        runs = self._runs(chosen, QUESTIONS_A_DATABASE if with_texts else 1, chance)
        groups: list[list[int]] = [[]]
        widest = 0
        for run in runs:
            widest = max(widest, self._widest(run))
            if groups[-1] and widest**2 * (len(groups[-1]) + len(run)) > most_cells:
                groups.append([])
                widest = self._widest(run)
            groups[-1] += run
        chance.shuffle(groups)
        for group in groups:
            yield self.collate([self._instance(index, noise, chance) for index in group], with_texts)

    def _runs(self, chosen: Sequence[int], length: int, chance: random.Random) -> list[list[int]]:
        """The chosen examples as short runs of one database each, runs of like size next to each other."""
        by_database: dict[str, list[int]] = defaultdict(list)
        for index in chosen:
            by_database[self.ready[index].database].append(index)
        runs = []
        for indices in by_database.values():
            chance.shuffle(indices)
            runs += [indices[start : start + length] for start in range(0, len(indices), length)]
        return sorted(runs, key=lambda run: self._widest(run) * chance.uniform(0.9, 1.1))

    def _widest(self, run: Sequence[int]) -> int:
        return max(len(self.ready[index].features.kinds) for index in run)

    def _instance(self, index: int, noise: Noise | None, chance: random.Random) -> Instance:
        ready = self.ready[index]
        kept = np.arange(len(ready.features.kinds))
        flags, relations = ready.features.flags, ready.features.relations
        demos: list[Ready] = []
        if noise is not None:
            if chance.random() < noise.hide_names:
                flags, relations = _without_some_matches(ready, chance)
            if chance.random() < noise.drop_tables:
                kept = _without_some_tables(ready, chance)
            if chance.random() < noise.drop_columns:
                kept = _without_some_columns(ready, kept, chance)
            if chance.random() < noise.with_demos:
                demos = self._draw_demos(index, chance.randint(1, noise.most_demos), chance)
        if demos:
            flags = _with_demo_flags(ready, demos, flags.copy())
        return Instance(ready, kept, flags, relations, demos)

    def _draw_demos(self, index: int, count: int, chance: random.Random) -> list[Ready]:
        """Pairs of the same database; those with the target's very SQL are hidden half of the time."""
        target = self.ready[index]
        hides_same = chance.random() < 0.7
        others = [other for other in self._by_database[target.database] if other != index]
        drawn = [self.ready[other] for other in chance.sample(others, min(count, len(others)))]
        return [
            demo
            for demo in drawn
            if demo.example.question != target.example.question
            and not (hides_same and demo.example.tokens == target.example.tokens)
        ]

    def collate(self, instances: Sequence[Instance], with_texts: bool = False) -> Batch:
        width = max(len(one.kept) for one in instances)
        length = max(len(one.ready.example.tokens) for one in instances) + 1
        rows = len(instances)
        vectors = np.zeros((rows, 0 if with_texts else width, WORD_VECTOR), np.float32)
        kinds = np.zeros((rows, width), np.int8)
        flags = np.zeros((rows, width, FLAGS), np.float32)
        relations = np.zeros((rows, width, width), np.int8)
        mask = np.zeros((rows, width), bool)
        previous = np.zeros((rows, length), np.int64)
        targets = np.full((rows, length), -100, np.int64)
        used = np.zeros((rows, width), np.float32)
        for row, one in enumerate(instances):
            size, features = len(one.kept), one.ready.features
            if not with_texts:
                vectors[row, :size] = self._node_vectors(one.ready)[one.kept]
            kinds[row, :size] = features.kinds[one.kept]
            flags[row, :size] = one.flags[one.kept]
            relations[row, :size, :size] = one.relations[np.ix_(one.kept, one.kept)]
            mask[row, :size] = True
            ids = one.token_ids(one.ready.example.tokens, self.vocabulary)
            previous[row, : len(ids) + 1] = [BEGIN, *ids]
            targets[row, : len(ids) + 1] = [*ids, END]
            used[row, [place - self.vocabulary.size for place in ids if place >= self.vocabulary.size]] = 1
        batch = Batch(
            vectors=torch.from_numpy(vectors),
            kinds=torch.from_numpy(kinds),
            flags=torch.from_numpy(flags),
            relations=torch.from_numpy(relations),
            mask=torch.from_numpy(mask),
            previous=torch.from_numpy(previous),
            targets=torch.from_numpy(targets),
            used=torch.from_numpy(used),
            texts=gather_texts([one.node_texts() for one in instances], width, self.store) if with_texts else None,
        )
        if any(one.demos for one in instances):
            self._add_demos(batch, instances)
        return batch

    def _add_demos(self, batch: Batch, instances: Sequence[Instance]) -> None:
        memories = [one.demo_memory(self.vocabulary) for one in instances]
        width = max(len(memory) for memory in memories)
        previous, tokens = (np.zeros((len(instances), width), np.int64) for _ in range(2))
        likeness, mask = np.zeros((len(instances), width), np.float32), np.zeros((len(instances), width), bool)
        for row, memory in enumerate(memories):
            for place, (before, token, like) in enumerate(memory):
                previous[row, place], tokens[row, place], likeness[row, place] = before, token, like
                mask[row, place] = True
        batch.demo_previous, batch.demo_tokens = torch.from_numpy(previous), torch.from_numpy(tokens)
        batch.demo_likeness, batch.demo_mask = torch.from_numpy(likeness), torch.from_numpy(mask)

    def _node_vectors(self, ready: Ready) -> Floats:
        words = self.store.words(ready.features.words)
        items = self._schemas[ready.database][1]
        values = [self.store.words(text).mean(0, keepdims=True) for text in ready.features.value_texts]
        return np.concatenate([words, items, *values])


@dataclass(frozen=True)
class Instance:
    """One drawing of an example: the nodes kept, flags with demos, and the demos."""

    ready: Ready
    kept: NDArray[np.int64]
    flags: Floats
    relations: NDArray[np.int8]
    demos: list[Ready]

    def node_texts(self) -> list[tuple[tuple[str, ...], int, int]]:
        """For each kept node its text and the words that its vector averages."""
        features, schema = self.ready.features, self.ready.schema
        nodes = [(features.words, word, word + 1) for word in range(len(features.words))]
        nodes += [(text, start, len(text)) for text, start in zip(schema.texts, schema.starts, strict=True)]
        nodes += [(text, 0, len(text)) for text in features.value_texts]
        return [nodes[node] for node in self.kept]

    def token_ids(self, tokens: Sequence[Token], vocabulary: Vocabulary) -> list[int]:
        """Keyword ids; for pointers the vocabulary's size + their place among the kept nodes."""
        words = len(self.ready.features.words)
        place_of = {int(node): place for place, node in enumerate(self.kept)}
        return [
            vocabulary.ids[token]
            if isinstance(token, str)
            else vocabulary.size + place_of[words + item_position(token, self.ready.schema)]
            for token in tokens
        ]

    def demo_memory(self, vocabulary: Vocabulary) -> list[tuple[int, int, float]]:
        words = len(self.ready.features.words)
        place_of = {int(node): vocabulary.size + place for place, node in enumerate(self.kept)}

        def number(token: Token) -> int:
            if isinstance(token, str):
                return vocabulary.ids[token]
            if isinstance(token, ValueRef):
                return DEMO_VALUE
            return place_of.get(words + item_position(token, self.ready.schema), DEMO_VALUE)

        return demo_memory(
            [
                (like, [number(token) for token in demo.example.tokens])
                for like, demo in _likened(self.ready, self.demos)
            ]
        )


def _likened(target: Ready, demos: Sequence[Ready]) -> list[tuple[float, Ready]]:
    return [(likeness(target.likeness_vector, demo.likeness_vector), demo) for demo in demos]


def _with_demo_flags(target: Ready, demos: Sequence[Ready], flags: Floats) -> Floats:
    words = len(target.features.words)
    for like, demo in _likened(target, demos):
        for token in demo.example.tokens:
            if isinstance(token, str | ValueRef):
                continue
            row = flags[words + item_position(token, target.schema)]
            row[Flag.USED_IN_DEMO] = 1
            row[Flag.USED_IN_LIKE_DEMO] = max(row[Flag.USED_IN_LIKE_DEMO], like)
    return flags


def _without_some_matches(ready: Ready, chance: random.Random) -> tuple[Floats, NDArray[np.int8]]:
    """Flags and relations as if some names were synonyms: the network has to go by the words' vectors."""
    flags, relations = ready.features.flags.copy(), ready.features.relations.copy()
    words = len(ready.features.words)
    hidden = [words + item for item in range(ready.schema.size) if chance.random() < 0.5]
    relations[hidden, :words] = _WITHOUT_MATCH[relations[hidden, :words]]
    relations[:words, hidden] = _WITHOUT_MATCH[relations[:words, hidden]]
    for flag in (Flag.WHOLE_NAME_IN_QUESTION, Flag.PART_OF_NAME_IN_QUESTION, Flag.SHARE_OF_NAME_IN_QUESTION):
        flags[hidden, flag] = 0
    return flags, relations


def _without_some_tables(ready: Ready, chance: random.Random) -> NDArray[np.int64]:
    """Nodes without a random part of the tables that the gold SQL does not name."""
    schema, words = ready.schema, len(ready.features.words)
    named = {token.table for token in ready.example.tokens if not isinstance(token, str | ValueRef)}
    share = chance.random()
    dropped = {table for table in range(len(schema.schema.tables)) if table not in named and chance.random() < share}
    nodes = np.arange(len(ready.features.kinds))
    is_dropped = np.zeros(len(nodes), bool)
    is_dropped[words : words + schema.size] = np.isin(schema.table_of, list(dropped))
    return nodes[~is_dropped]


def _without_some_columns(ready: Ready, kept: NDArray[np.int64], chance: random.Random) -> NDArray[np.int64]:
    """``kept`` without a random part of the columns that the gold SQL does not name, half of them at most."""
    schema, words = ready.schema, len(ready.features.words)
    named = {token for token in ready.example.tokens if not isinstance(token, str)}
    share = 0.5 * chance.random()
    dropped = [
        words + place for place, column in enumerate(schema.columns) if column not in named and chance.random() < share
    ]
    return kept[~np.isin(kept, dropped)]
