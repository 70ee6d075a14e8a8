"""MiniLM's two upper layers, trained together with the network.

Layers 1 to 3 stay frozen, their states come from the text store, and layer 4 runs forward only. Question, schema items
and values are still encoded apart, so that a schema is encoded once a connection.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from t2s_magic.builtin.encoder import HIDDEN, LAYERS, MIDDLE_LAYER, batches_by_length
from training.minilm import BertLayer, TextStore

PIECES_A_BATCH = 2_048
TRAINED = 2


@dataclass(frozen=True)
class Texts:
    """The distinct texts of a batch, in groups of like length, and the vectors that nodes take from them.

    ``parts`` are (states of layer 3, mask) a group; ``pieces`` are the rows of all groups, flattened one after the
    other, that the vector at ``owners`` sums up with ``weights``; ``node_vectors`` (B, N) are each node's vector.
    """

    parts: list[tuple[Tensor, Tensor]]
    pieces: Tensor
    weights: Tensor
    owners: Tensor
    node_vectors: Tensor


class UpperLayers(nn.Module):
    def __init__(self, weights: dict[str, Tensor]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(BertLayer() for _ in range(LAYERS - MIDDLE_LAYER))
        for number, layer in enumerate(self.layers, start=MIDDLE_LAYER):
            layer.load(weights, number)
        for layer in self.layers[:-TRAINED]:
            layer.requires_grad_(False)

    def export(self) -> dict[str, Tensor]:
        """The layers under the checkpoint's names."""
        weights: dict[str, Tensor] = {}
        for number, layer in enumerate(self.layers, start=MIDDLE_LAYER):
            weights |= layer.export(number)
        return weights

    def forward(self, texts: Texts) -> Tensor:
        """Vectors (B, N, 768) of all nodes: the mean of their pieces in layer 3 and in layer 6."""
        both = torch.cat([self._run(states, mask) for states, mask in texts.parts])
        count = int(texts.owners[-1]) + 1
        weighted = both[texts.pieces] * texts.weights[:, None]
        return torch.zeros(count, 2 * HIDDEN).index_add(0, texts.owners, weighted)[texts.node_vectors]

    def _run(self, states: Tensor, mask: Tensor) -> Tensor:
        bias = torch.zeros(mask.shape).masked_fill(~mask, -1e9)[:, None, None, :]
        upper = states
        for layer in self.layers[:-TRAINED]:
            with torch.no_grad():
                upper = layer(upper, bias)
        for layer in self.layers[-TRAINED:]:
            upper = layer(upper, bias)
        return torch.cat([states, upper], dim=-1).flatten(0, 1)


def gather_texts(rows: Sequence[Sequence[tuple[tuple[str, ...], int, int]]], width: int, store: TextStore) -> Texts:
    """``rows`` holds for each example its nodes, each as (text, first word, word after the last)."""
    distinct = list(dict.fromkeys(text for row in rows for text, _, _ in row))
    stored = {text: store.pieces(text) for text in distinct}
    lengths = [len(stored[text][1]) for text in distinct]
    parts: list[tuple[Tensor, Tensor]] = []
    start_of: dict[tuple[str, ...], int] = {}
    rows_before = 0
    for group in batches_by_length(lengths, PIECES_A_BATCH):
        longest = max(lengths[index] for index in group)
        states = np.zeros((len(group), longest, HIDDEN), np.float32)
        mask = np.zeros((len(group), longest), bool)
        for place, index in enumerate(group):
            states[place, : lengths[index]] = stored[distinct[index]][0][:, :HIDDEN]
            mask[place, : lengths[index]] = True
            start_of[distinct[index]] = rows_before + place * longest
        rows_before += len(group) * longest
        parts.append((torch.from_numpy(states), torch.from_numpy(mask)))
    numbers: dict[tuple[tuple[str, ...], int, int], int] = {}
    pieces: list[NDArray[np.int64]] = []
    weights: list[NDArray[np.float32]] = []
    owners: list[NDArray[np.int64]] = []
    node_vectors = np.zeros((len(rows), width), np.int64)
    for place, row in enumerate(rows):
        for node, key in enumerate(row):
            if key not in numbers:
                text, first, last = key
                numbers[key] = len(numbers)
                word_of = stored[text][1]
                chosen = np.flatnonzero((word_of >= first) & (word_of < last))
                pieces.append(chosen + start_of[text])
                weights.append(_mean_of_words(word_of[chosen]))
                owners.append(np.full(len(chosen), numbers[key]))
            node_vectors[place, node] = numbers[key]
    return Texts(
        parts,
        torch.from_numpy(np.concatenate(pieces)),
        torch.from_numpy(np.concatenate(weights)),
        torch.from_numpy(np.concatenate(owners)),
        torch.from_numpy(node_vectors),
    )


def _mean_of_words(word_of: NDArray[np.int16]) -> NDArray[np.float32]:
    """A weight for each piece, so that words count alike however many pieces they have."""
    counts = np.bincount(word_of)
    return (1 / (counts[word_of] * np.count_nonzero(counts))).astype(np.float32)
