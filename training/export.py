"""Pack a training checkpoint into the files that the package ships.

python -m training.export training/work/runs/NAME.pt [--folder t2s_magic/builtin/weights]
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from t2s_magic.builtin import weights as packing
from t2s_magic.builtin.encoder import MAX_PIECES
from training.minilm import load_checkpoint, load_tokenizer
from training.model import UPPER

NOT_SHIPPED = "embeddings.position_ids"


def export(checkpoint: Path, folder: Path) -> None:
    """Write ``model.npz``, ``model.json`` and ``tokenizer.json``; settings that the checkpoint lacks are kept."""
    saved = torch.load(checkpoint, weights_only=True)
    arrays = {f"encoder/{name}": array for name, array in _encoder(saved).items()}
    network = {name: value for name, value in saved["average"].items() if not name.startswith(UPPER)}
    arrays |= {f"network/{name}": value.float().numpy() for name, value in network.items()}
    folder.mkdir(parents=True, exist_ok=True)
    np.savez(folder / "model.npz", **packing.pack(arrays))
    load_tokenizer().save(str(folder / "tokenizer.json"), pretty=False)
    settings_file = folder / "model.json"
    settings = json.loads(settings_file.read_text("utf-8")) if settings_file.exists() else {}
    settings |= {"keywords": saved["keywords"], "shape": saved["shape"], "training": saved["progress"]}
    settings_file.write_text(json.dumps(settings, indent=1) + "\n", "utf-8")
    size = sum(path.stat().st_size for path in folder.iterdir() if path.suffix in (".npz", ".json"))
    print(f"{folder}: {size / 1e6:.1f} MB")


def _encoder(saved: dict[str, Any]) -> dict[str, NDArray[np.float32]]:
    """MiniLM with the layers that training changed in place of its own."""
    arrays = {name: tensor.numpy() for name, tensor in (load_checkpoint() | saved.get("encoder", {})).items()}
    arrays.pop(NOT_SHIPPED, None)
    arrays["embeddings.position_embeddings.weight"] = arrays["embeddings.position_embeddings.weight"][:MAX_PIECES]
    return arrays


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--folder", type=Path, default=packing.FOLDER)
    options = parser.parse_args()
    export(options.checkpoint, options.folder)


if __name__ == "__main__":
    main()
