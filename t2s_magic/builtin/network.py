"""The trained network in numpy: the twin of ``training/model.py``, for one question at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from t2s_magic.builtin.encoder import HEADS, HIDDEN, Array, bert_layer, gelu, layer_norm, linear, softmax
from t2s_magic.builtin.features import Kind

Ids = NDArray[np.int64]


@dataclass(frozen=True)
class Read:
    """A question as the network understood it. ``used`` is, for each node, the probability that the answer names it."""

    states: Array
    used_logits: Array
    used: Array
    is_item: NDArray[np.bool_]
    tokens: Array
    pointer_keys: Array
    memory: tuple[Memory, ...]


@dataclass(frozen=True)
class Memory:
    """What one decoder layer looks back at: keys and values (heads, nodes, ·), and a bias (heads, 1, nodes)."""

    keys: Array
    values: Array
    bias: Array


@dataclass(frozen=True)
class Demos:
    """Tokens of approved pairs, each with the token before it and how like its question is to the one asked."""

    previous: Ids
    tokens: Ids
    likeness: Array


@dataclass(frozen=True)
class Prefixes:
    """Unfinished answers of equal length, with what their tokens left in each decoder layer (keys and values)."""

    past: tuple[tuple[Array, Array], ...]
    length: int

    def chosen(self, rows: Sequence[int]) -> Prefixes:
        """The prefixes at ``rows``, in that order; one may stand several times."""
        picked = list(rows)
        return Prefixes(tuple((keys[picked], values[picked]) for keys, values in self.past), self.length)


class Network:
    """Joint layers, relation-aware encoder and pointing decoder; ``weights`` are named as in ``training/model.py``."""

    def __init__(self, weights: Mapping[str, Array], heads: int) -> None:
        self._weights = weights
        self._heads = heads
        self._joint_layers = _count(weights, "joint.layer")
        self._encoder_layers = _count(weights, "encoder")
        self._decoder_layers = _count(weights, "decoder")
        self.max_tokens = len(weights["place.weight"])

    def read(
        self, vectors: Array, kinds: NDArray[np.int8], flags: Array, relations: NDArray[np.int8], demos: Demos | None
    ) -> Read:
        """Encode the nodes of one question (rows of ``vectors``) and prepare the decoder's memory."""
        weights = self._weights
        planes = link_planes(vectors, kinds)
        states = self._linear("input", vectors) + weights["kind.weight"][kinds] + flags @ weights["flag.weight"].T
        if self._joint_layers:
            states += self._linear("joint_input", self._read_together(vectors[:, :HIDDEN], relations, planes))
        states = self._normalize("input_norm", states)
        biases = self._biases("", relations, planes)
        for layer in range(self._encoder_layers):
            bias = biases[layer * self._heads : (layer + 1) * self._heads]
            states = self._encoder_layer(f"encoder.{layer}.", states, bias)
        states = self._normalize("encoder_norm", states)
        logits = self._linear("used", states)[:, 0]
        tokens = np.concatenate([weights["keyword.weight"], self._linear("pointer_input", states)])
        return Read(
            states,
            logits,
            np.asarray(1 / (1 + np.exp(-logits)), np.float32),
            kinds != Kind.WORD,
            tokens,
            self._linear("pointer_key", states),
            self._memory(states, tokens, demos),
        )

    def start(self) -> Prefixes:
        """The one empty prefix."""
        width = self._weights["place.weight"].shape[1]
        empty = np.zeros((1, self._heads, 0, width // self._heads), np.float32)
        return Prefixes(((empty, empty),) * self._decoder_layers, 0)

    def advance(self, read: Read, prefixes: Prefixes, tokens: Sequence[int]) -> tuple[Prefixes, Array]:
        """Append one token to each prefix; log-probabilities (prefixes, keywords + nodes) of the next one."""
        weights = self._weights
        hidden = read.tokens[list(tokens)] + weights["place.weight"][prefixes.length]
        hidden = self._normalize("decoder_norm", hidden)
        past = []
        for layer, (keys, values) in enumerate(prefixes.past):
            hidden, keys, values = self._decoder_layer(f"decoder.{layer}.", hidden, keys, values, read.memory[layer])
            past.append((keys, values))
        hidden = self._normalize("output_norm", hidden)
        to_keywords = hidden @ weights["keyword.weight"].T + weights["keyword_bias"]
        to_items = self._linear("pointer_query", hidden) @ read.pointer_keys.T
        to_items = to_items / np.float32(np.sqrt(hidden.shape[1])) + weights["used_weight"] * read.used_logits
        to_items = np.where(read.is_item, to_items, np.float32(-1e9))
        logits = np.concatenate([to_keywords, to_items], axis=1)
        logits -= logits.max(1, keepdims=True)
        return Prefixes(tuple(past), prefixes.length + 1), logits - np.log(np.exp(logits).sum(1, keepdims=True))

    def _read_together(self, vectors: Array, relations: NDArray[np.int8], planes: Array) -> Array:
        """All nodes through layers that began as MiniLM's upper ones, behind a sink to look at in want of another."""
        states = np.concatenate([self._weights["joint.sink"], vectors])
        biases = np.pad(self._biases("joint.", relations, planes), ((0, 0), (1, 0), (1, 0)))
        states = states[None]
        for layer in range(self._joint_layers):
            bias = biases[layer * HEADS : (layer + 1) * HEADS]
            states = bert_layer(self._weights, f"joint.layer.{layer}.", states, bias[None])
        return states[0, 1:]

    def _biases(self, prefix: str, relations: NDArray[np.int8], planes: Array) -> Array:
        """(heads of all layers, N, N)"""
        weights = self._weights
        biases = weights[f"{prefix}relation.weight"][relations] + planes @ weights[f"{prefix}link_bias.weight"].T
        return np.ascontiguousarray(biases.transpose(2, 0, 1))

    def _encoder_layer(self, prefix: str, states: Array, bias: Array) -> Array:
        normed = self._normalize(prefix + "attention_norm", states)
        query = self._split(self._linear(prefix + "attention.query", normed))
        keys, values = self._keys_and_values(prefix + "attention.", normed)
        scores = query @ keys.transpose(0, 2, 1) / np.float32(np.sqrt(query.shape[-1])) + bias
        mixed = (softmax(scores) @ values).transpose(1, 0, 2).reshape(states.shape)
        states = states + self._linear(prefix + "attention.output", mixed)
        return states + self._feed_forward(prefix, states)

    def _decoder_layer(
        self, prefix: str, states: Array, keys: Array, values: Array, memory: Memory
    ) -> tuple[Array, Array, Array]:
        rows, width = states.shape
        normed = self._normalize(prefix + "self_norm", states)
        query = self._linear(prefix + "self_attention.query", normed).reshape(rows, self._heads, 1, -1)
        key, value = np.split(self._linear(prefix + "self_attention.key_value", normed), 2, axis=-1)
        keys = np.concatenate([keys, key.reshape(rows, self._heads, 1, -1)], axis=2)
        values = np.concatenate([values, value.reshape(rows, self._heads, 1, -1)], axis=2)
        scale = np.float32(np.sqrt(width // self._heads))
        mixed = softmax(query @ keys.transpose(0, 1, 3, 2) / scale) @ values
        states = states + self._linear(prefix + "self_attention.output", mixed.reshape(rows, width))

        normed = self._normalize(prefix + "cross_norm", states)
        query = self._split(self._linear(prefix + "cross_attention.query", normed))
        mixed = softmax(query @ memory.keys.transpose(0, 2, 1) / scale + memory.bias) @ memory.values
        states = states + self._linear(prefix + "cross_attention.output", mixed.transpose(1, 0, 2).reshape(rows, width))
        return states + self._feed_forward(prefix, states), keys, values

    def _memory(self, states: Array, tokens: Array, demos: Demos | None) -> tuple[Memory, ...]:
        bias = np.zeros((self._decoder_layers * self._heads, len(states)), np.float32)
        if demos is not None and len(demos.tokens):
            likeness = demos.likeness[:, None]
            pairs = np.concatenate([tokens[demos.previous], tokens[demos.tokens]], axis=1)
            shown = self._linear("demo_input", pairs) + likeness @ self._weights["demo_likeness.weight"].T
            states = np.concatenate([states, shown])
            bias = np.concatenate([bias, self._linear("demo_bias", likeness).T], axis=1)
        layers = []
        for layer in range(self._decoder_layers):
            keys, values = self._keys_and_values(f"decoder.{layer}.cross_attention.", states)
            of_layer = bias[layer * self._heads : (layer + 1) * self._heads]
            layers.append(Memory(keys, values, of_layer[:, None, :]))
        return tuple(layers)

    def _keys_and_values(self, prefix: str, states: Array) -> tuple[Array, Array]:
        keys, values = np.split(self._linear(prefix + "key_value", states), 2, axis=-1)
        return self._split(keys), self._split(values)

    def _feed_forward(self, prefix: str, states: Array) -> Array:
        inner = gelu(self._linear(prefix + "feed_forward.inner", self._normalize(prefix + "forward_norm", states)))
        return self._linear(prefix + "feed_forward.output", inner)

    def _split(self, states: Array) -> Array:
        return states.reshape(len(states), self._heads, -1).transpose(1, 0, 2)

    def _linear(self, name: str, states: Array) -> Array:
        return linear(states, self._weights[name + ".weight"], self._weights[name + ".bias"])

    def _normalize(self, name: str, states: Array) -> Array:
        return layer_norm(states, self._weights[name + ".weight"], self._weights[name + ".bias"])


def link_planes(vectors: Array, kinds: NDArray[np.int8]) -> Array:
    """(N, N, 6): for word-item pairs the cosines of layers 3 and 6 and how far each is below the best."""
    across = (kinds == Kind.WORD)[:, None] & (kinds != Kind.WORD)[None, :]
    planes = []
    for part in (vectors[:, :HIDDEN], vectors[:, HIDDEN:]):
        unit = part / np.maximum(np.linalg.norm(part, axis=1, keepdims=True), np.float32(1e-12))
        cosine = np.where(across, unit @ unit.T, np.float32(-1))
        below_item = np.where(across, cosine - cosine.max(1, keepdims=True), np.float32(0))
        below_word = np.where(across, cosine - cosine.max(0, keepdims=True), np.float32(0))
        cosine = np.where(across, cosine, np.float32(0))
        planes += [cosine + cosine.T, below_item + below_item.T, below_word + below_word.T]
    return np.stack(planes, axis=-1)


def _count(weights: Mapping[str, Array], part: str) -> int:
    prefix = f"{part}."
    return len({name.removeprefix(prefix).split(".")[0] for name in weights if name.startswith(prefix)})
