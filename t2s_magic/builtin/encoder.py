"""MiniLM in numpy: a vector for each word of a text.

all-MiniLM-L6-v2 (Apache-2.0) is a BERT of six layers and 384 dimensions. Question, schema names and values are encoded
apart, so that a schema is encoded once a connection. A word's vector is the mean of its word pieces in layer 3 and in
layer 6, one after the other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

Array = NDArray[np.float32]

HIDDEN = 384
HEADS = 12
LAYERS = 6
MIDDLE_LAYER = 3
WORD_VECTOR = 2 * HIDDEN
MAX_PIECES = 160
PIECES_A_BATCH = 2_048
_EPSILON = 1e-12


class TextEncoder:
    """Encodes texts that are split into words; ``weights`` are named as in the checkpoint of MiniLM."""

    def __init__(
        self, weights: Mapping[str, Array], word_pieces: Mapping[str, NDArray[Any]], tokenizer: Tokenizer
    ) -> None:
        self._weights = weights
        self._pieces = word_pieces["values"]
        self._piece_scales = word_pieces["scales"]
        self._tokenizer = tokenizer

    def encode(self, texts: Sequence[Sequence[str]]) -> list[Array]:
        """For each text an array of one row a word (``WORD_VECTOR`` wide); words beyond the window are zeros."""
        encodings = tokenize(self._tokenizer, texts)
        vectors: list[Array] = [np.zeros((len(words), WORD_VECTOR), np.float32) for words in texts]
        for batch in batches_by_length([len(pieces) for pieces, _ in encodings], PIECES_A_BATCH):
            middle, last = self._forward([encodings[index][0] for index in batch])
            for row, index in enumerate(batch):
                word_of = encodings[index][1]
                both = np.concatenate([middle[row, : len(word_of)], last[row, : len(word_of)]], axis=1)
                mean_per_word(both, word_of, vectors[index])
        return vectors

    def is_word(self, word: str) -> bool:
        """Whether ``word``, in lower case, is common enough to be one piece."""
        return self._tokenizer.token_to_id(word) is not None

    def word_vectors(self, words: Sequence[str]) -> Array:
        """A unit vector a word without its context: the mean of its pieces. Quick, and rough."""
        vectors = np.zeros((len(words), HIDDEN), np.float32)
        for row, encoding in zip(
            vectors, self._tokenizer.encode_batch(list(words), add_special_tokens=False), strict=True
        ):
            ids = np.array(encoding.ids or [0])
            row[:] = (self._pieces[ids] * self._piece_scales[ids]).mean(0)
        return np.asarray(vectors / (np.linalg.norm(vectors, axis=1, keepdims=True) + 1e-6), np.float32)

    def _forward(self, pieces: Sequence[Sequence[int]]) -> tuple[Array, Array]:
        width = max(map(len, pieces))
        ids = np.zeros((len(pieces), width), np.int64)
        bias = np.full((len(pieces), 1, 1, width), -1e9, np.float32)
        for row, piece_ids in enumerate(pieces):
            ids[row, : len(piece_ids)] = piece_ids
            bias[row, :, :, : len(piece_ids)] = 0.0
        states = self._embed(ids)
        middle = states
        for layer in range(LAYERS):
            states = bert_layer(self._weights, f"encoder.layer.{layer}.", states, bias)
            if layer + 1 == MIDDLE_LAYER:
                middle = states
        return middle, states

    def _embed(self, ids: NDArray[np.int64]) -> Array:
        weights = self._weights
        states = self._pieces[ids].astype(np.float32) * self._piece_scales[ids]
        states += weights["embeddings.position_embeddings.weight"][: ids.shape[1]]
        states += weights["embeddings.token_type_embeddings.weight"][0]
        return self._normalize("embeddings.LayerNorm", states)

    def _normalize(self, name: str, states: Array) -> Array:
        return layer_norm(states, self._weights[name + ".weight"], self._weights[name + ".bias"], _EPSILON)


def bert_layer(weights: Mapping[str, Array], prefix: str, states: Array, bias: Array) -> Array:
    """One layer over ``states`` (rows, width, HIDDEN); ``bias`` is added to the attention's scores."""

    def project(name: str, rows: Array) -> Array:
        return linear(rows, weights[f"{prefix}{name}.weight"], weights[f"{prefix}{name}.bias"])

    def add(name: str, new: Array) -> Array:
        norm = f"{prefix}{name}.LayerNorm"
        return layer_norm(
            states + project(f"{name}.dense", new), weights[norm + ".weight"], weights[norm + ".bias"], _EPSILON
        )

    query, key, value = (_split_heads(project(f"attention.self.{name}", states)) for name in ("query", "key", "value"))
    scores = query @ key.transpose(0, 1, 3, 2) / np.float32(np.sqrt(HIDDEN / HEADS)) + bias
    mixed = softmax(scores) @ value
    states = add("attention.output", mixed.transpose(0, 2, 1, 3).reshape(states.shape))
    return add("output", gelu(project("intermediate.dense", states)))


def tokenize(tokenizer: Tokenizer, texts: Sequence[Sequence[str]]) -> list[tuple[list[int], list[int]]]:
    """For each text the ids of its word pieces and, as long, the word each belongs to (-1 for marks of the window)."""
    encodings = tokenizer.encode_batch([list(words) for words in texts], is_pretokenized=True)
    return [
        (encoding.ids[:MAX_PIECES], [-1 if word is None else word for word in encoding.word_ids][:MAX_PIECES])
        for encoding in encodings
    ]


def batches_by_length(lengths: Sequence[int], budget: int) -> Iterator[list[int]]:
    """Positions of ``lengths`` in groups of like length, each at most ``budget`` long when padded (or one text)."""
    batch: list[int] = []
    for index in sorted(range(len(lengths)), key=lengths.__getitem__):
        if batch and lengths[index] * (len(batch) + 1) > budget:
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch


def mean_per_word(states: Array, word_of: Sequence[int], out: Array) -> None:
    """Write into ``out`` the mean of the rows of ``states`` that belong to each word; words without rows stay zero."""
    owner = np.asarray(word_of)
    inside = (owner >= 0) & (owner < len(out))
    counts = np.bincount(owner[inside], minlength=len(out))
    np.add.at(out, owner[inside], states[inside])
    out /= np.maximum(counts, 1)[:, None]


def linear(states: Array, weight: Array, bias: Array) -> Array:
    """``weight`` is stored (out, in), as torch does."""
    flat = states.reshape(-1, states.shape[-1]) @ weight.T
    flat += bias
    return flat.reshape(*states.shape[:-1], weight.shape[0])


def layer_norm(states: Array, weight: Array, bias: Array, epsilon: float = 1e-5) -> Array:
    centred: Array = states - states.mean(-1, keepdims=True)
    centred *= 1.0 / np.sqrt(np.square(centred).mean(-1, keepdims=True) + epsilon)
    centred *= weight
    centred += bias
    return centred


def gelu(states: Array) -> Array:
    """The tanh form, in training as well as here."""
    inner = np.tanh(np.float32(0.7978845608) * (states + np.float32(0.044715) * states * states * states))
    return np.asarray(np.float32(0.5) * states * (1 + inner), np.float32)


def softmax(scores: Array) -> Array:
    scores = scores - scores.max(-1, keepdims=True)
    np.exp(scores, out=scores)
    scores /= scores.sum(-1, keepdims=True)
    return scores


def _split_heads(states: Array) -> Array:
    rows, width, _ = states.shape
    return states.reshape(rows, width, HEADS, HIDDEN // HEADS).transpose(0, 2, 1, 3)
