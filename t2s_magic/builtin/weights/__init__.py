"""The shipped weights, and how they are packed: rows of small integers with a scale each."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

Array = NDArray[np.float32]

FOLDER = Path(__file__).parent
PIECES = "encoder/embeddings.word_embeddings.weight"
_SMALLEST_PACKED = 4_096
_MOST = 127
# A third of all weights: six bits lose as little of them as can be measured, and a wheel, being compressed, is the
# smaller by what is left unused of the eight.
_MOST_OF_PIECES = 31


@dataclass(frozen=True)
class Weights:
    """All that the built-in model needs; the word pieces stay packed, since a question looks up only a few rows."""

    encoder: Mapping[str, Array]
    pieces: Mapping[str, NDArray[Any]]
    network: Mapping[str, Array]
    settings: Mapping[str, Any]
    tokenizer: Tokenizer


def pack(arrays: Mapping[str, Array]) -> dict[str, NDArray[Any]]:
    """Large matrices as 8-bit integers (``name:values``) with a scale a row (``name:scales``); the rest unchanged.

    Word pieces use six of the eight bits.
    """
    packed: dict[str, NDArray[Any]] = {}
    for name, array in arrays.items():
        if array.ndim != 2 or array.size < _SMALLEST_PACKED:
            packed[name] = array.astype(np.float32)
            continue
        most = _MOST_OF_PIECES if name == PIECES else _MOST
        scales = np.maximum(np.abs(array).max(1, keepdims=True) / most, 1e-12).astype(np.float32)
        packed[f"{name}:values"] = np.rint(array / scales).astype(np.int8)
        packed[f"{name}:scales"] = scales
    return packed


def load(folder: Path = FOLDER) -> Weights:
    """Read ``model.npz``, ``model.json`` and ``tokenizer.json``."""
    encoder: dict[str, Array] = {}
    network: dict[str, Array] = {}
    with np.load(folder / "model.npz", allow_pickle=False) as file:
        pieces = {part: file[f"{PIECES}:{part}"] for part in ("values", "scales")}
        for name in file.files:
            base, _, part = name.partition(":")
            if base == PIECES or part == "scales":
                continue
            array = file[name] if not part else file[name].astype(np.float32) * file[f"{base}:scales"]
            group, _, own_name = base.partition("/")
            (encoder if group == "encoder" else network)[own_name] = array
    settings = json.loads((folder / "model.json").read_text("utf-8"))
    return Weights(encoder, pieces, network, settings, Tokenizer.from_file(str(folder / "tokenizer.json")))
