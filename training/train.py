"""Train the network for a number of minutes; resumes where the last call with the same name stopped.

    python -m training.train NAME --minutes 60 --sources spider spider_syn [--start-from CHECKPOINT]

Figures go to ``training/runs/NAME.jsonl``, weights to ``training/work/runs/NAME.pt``.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from t2s_magic.builtin.grammar import KEYWORDS
from t2s_magic.builtin.vocabulary import Vocabulary
from training.batches import Corpus, Noise
from training.examples import WORK, Databases, held_out, read_examples
from training.minilm import TextStore, load_checkpoint
from training.model import Batch, Network, Shape, loss_of
from training.tuning import UpperLayers

RUNS = Path(__file__).parent / "runs"
SECONDS_BETWEEN_CHECKS = 240
WARM_UP_STEPS = 200
CELLS_A_BATCH = 130_000
UPPER = "upper."


@dataclass
class Progress:
    step: int = 0
    examples: int = 0
    seconds: float = 0.0


class Run:
    """One training run: network, optimizer, averaged weights and their files."""

    def __init__(self, name: str, corpus: Corpus, options: argparse.Namespace) -> None:
        self.log = RUNS / f"{name}.jsonl"
        self.file = WORK / "runs" / f"{name}.pt"
        self.options = options
        self.corpus = corpus
        self.progress = Progress()
        torch.manual_seed(options.seed)
        self.network = Network(Shape(corpus.vocabulary.size, width=options.width, inner=4 * options.width), options.dropout)
        self.upper = UpperLayers(load_checkpoint()) if options.encoder_rate else None
        self.optimizer = torch.optim.AdamW(self._groups(), betas=(0.9, 0.98), weight_decay=0.01, fused=True)
        self.average = {name: value.clone() for name, value in self._weights().items()}
        for path in (self.log, self.file):
            path.parent.mkdir(parents=True, exist_ok=True)
        if self.file.exists():
            self._resume(torch.load(self.file, weights_only=True))
        elif options.start_from:
            self._start_from(torch.load(options.start_from, weights_only=True))

    def _groups(self) -> list[dict[str, Any]]:
        groups = [{"params": list(self.network.parameters()), "base": self.options.rate}]
        if self.upper is not None:
            trained = [one for one in self.upper.parameters() if one.requires_grad]
            groups.append({"params": trained, "base": self.options.encoder_rate})
        return groups

    def _weights(self) -> dict[str, Tensor]:
        """The network's weights, and those of the encoder's upper layers under ``UPPER``."""
        upper = self.upper.state_dict() if self.upper is not None else {}
        return self.network.state_dict() | {UPPER + name: value for name, value in upper.items()}

    def _load_weights(self, weights: dict[str, Tensor]) -> None:
        self.network.load_state_dict({name: value for name, value in weights.items() if not name.startswith(UPPER)})
        upper = {name.removeprefix(UPPER): value for name, value in weights.items() if name.startswith(UPPER)}
        if self.upper is not None and upper:
            self.upper.load_state_dict(upper)

    def train(self, train: Sequence[int], check: Sequence[int]) -> None:
        last_check = time.monotonic()
        epoch = 0
        while not self._is_over():
            chance = random.Random(f"{self.options.seed} {self.progress.step} {epoch}")
            for batch in self.corpus.batches(train, CELLS_A_BATCH, Noise(), chance, self.upper is not None):
                started = time.monotonic()
                figures = self._step(batch)
                self.progress.seconds += time.monotonic() - started
                if self.progress.step % 100 == 0:
                    self._write({"kind": "train", **figures})
                if time.monotonic() - last_check > SECONDS_BETWEEN_CHECKS:
                    self._check(check)
                    last_check = time.monotonic()
                if self._is_over():
                    break
            epoch += 1
        self._check(check)

    def _step(self, batch: Batch) -> dict[str, float]:
        self.network.train()
        for group in self.optimizer.param_groups:
            group["lr"] = group["base"] * self._rate_factor()
        loss, figures = self._loss(batch)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_([one for group in self.optimizer.param_groups for one in group["params"]], 1.0)
        self.optimizer.step()
        self.progress.step += 1
        self.progress.examples += len(batch.mask)
        self._average()
        return ratios(figures)

    def _loss(self, batch: Batch) -> tuple[Tensor, dict[str, float]]:
        if self.upper is not None and batch.texts is not None:
            batch = replace(batch, vectors=self.upper(batch.texts))
        return loss_of(self.network, batch)

    def _rate_factor(self) -> float:
        warm = min(1.0, (self.progress.step + 1) / WARM_UP_STEPS)
        share = min(1.0, self.progress.seconds / (self.options.minutes * 60))
        return warm * (0.03 + 0.97 * 0.5 * (1 + math.cos(math.pi * share)))

    def _average(self) -> None:
        keep = min(0.998, self.progress.step / (self.progress.step + 50))
        with torch.no_grad():
            for name, value in self._weights().items():
                self.average[name].lerp_(value, 1 - keep)

    def _is_over(self) -> bool:
        return self.progress.seconds >= self.options.minutes * 60

    def _check(self, chosen: Sequence[int]) -> None:
        own = {name: value.clone() for name, value in self._weights().items()}
        self._load_weights(self.average)
        self.network.eval()
        total: Counter[str] = Counter()
        with torch.inference_mode():
            for batch in self.corpus.batches(chosen, CELLS_A_BATCH, None, random.Random(0), self.upper is not None):
                total.update(self._loss(batch)[1])
        self._load_weights(own)
        self._write({"kind": "held out", **ratios(total)})
        self._save()

    def _write(self, figures: dict[str, Any]) -> None:
        rounded = {key: round(value, 4) if isinstance(value, float) else value for key, value in figures.items()}
        progress = self.progress
        line = {"minutes": round(progress.seconds / 60, 2), "step": progress.step, "seen": progress.examples, **rounded}
        with self.log.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        print(line, flush=True)

    def _save(self) -> None:
        unfinished = self.file.with_suffix(".unfinished")
        torch.save(
            {
                "keywords": list(self.corpus.vocabulary.keywords),
                "shape": self.network.shape.to_dict(),
                "network": self._weights(),
                "average": self.average,
                "encoder": self._averaged_upper(),
                "optimizer": self.optimizer.state_dict(),
                "progress": vars(self.progress),
            },
            unfinished,
        )
        unfinished.rename(self.file)

    def _averaged_upper(self) -> dict[str, Tensor]:
        """The averaged upper layers under the names of MiniLM's checkpoint, ready to be exported."""
        if self.upper is None:
            return {}
        own = self._weights()
        own = {name: value.clone() for name, value in own.items()}
        self._load_weights(self.average)
        exported = {name: value.clone() for name, value in self.upper.export().items()}
        self._load_weights(own)
        return exported

    def _resume(self, saved: dict[str, Any]) -> None:
        self._load_weights(saved["network"])
        self.average = saved["average"]
        self.optimizer.load_state_dict(saved["optimizer"])
        for group, fresh in zip(self.optimizer.param_groups, self._groups(), strict=True):
            group["base"] = fresh["base"]
        self.progress = Progress(**saved["progress"])

    def _start_from(self, saved: dict[str, Any]) -> None:
        self._load_weights(with_keywords(saved, self.corpus.vocabulary))
        self.average = {name: value.clone() for name, value in self._weights().items()}


def with_keywords(saved: dict[str, Any], vocabulary: Vocabulary) -> dict[str, Tensor]:
    """The averaged weights of a checkpoint, its keywords brought into this vocabulary's order; new ones start at zero."""
    old = Vocabulary(tuple(saved["keywords"]))
    weights: dict[str, Tensor] = dict(saved["average"])
    for name in ("keyword.weight", "keyword_bias"):
        before = weights[name]
        after = torch.zeros(vocabulary.size, *before.shape[1:])
        marks = vocabulary.size - len(vocabulary.keywords)
        after[:marks] = before[:marks]
        for keyword, number in vocabulary.ids.items():
            if keyword in old.ids:
                after[number] = before[old.ids[keyword]]
        weights[name] = after
    return weights


def ratios(figures: dict[str, float]) -> dict[str, float]:
    return {
        "loss": figures["loss"] / figures["tokens"],
        "token": figures["right_tokens"] / figures["tokens"],
        "whole": figures["whole"] / figures["examples"],
        "examples": figures["examples"],
    }


def load_corpus(sources: Sequence[str], data: Path) -> tuple[Corpus, list[int], list[int]]:
    """All examples, and which of them are trained on and which are held out (Spider's own wording only)."""
    corpus = Corpus(Vocabulary(tuple(sorted(KEYWORDS))), TextStore(WORK / "texts"))
    spider = list(read_examples(WORK / "examples" / "spider.jsonl"))
    outside = held_out([example.db_id for example in spider])
    train: list[int] = []
    check: list[int] = []
    for source in sources:
        examples = list(read_examples(WORK / "examples" / f"{source}.jsonl"))
        databases = Databases(databases_folder(source, data))
        schemas = {db_id: databases.schema(db_id) for db_id in {example.db_id for example in examples}}
        first = len(corpus.ready)
        corpus.add(examples, schemas)
        for index, example in enumerate(examples, start=first):
            if example.db_id not in outside:
                train.append(index)
            elif source == "spider":
                check.append(index)
    return corpus, train, check


def databases_folder(source: str, data: Path) -> Path:
    if source.startswith("spider"):
        return data / "spider" / "database"
    return WORK / "synthesis" / source / "database"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--sources", nargs="+", default=["spider", "spider_others", "spider_syn"])
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--rate", type=float, default=6e-4)
    parser.add_argument("--encoder-rate", type=float, default=0.0, help="trains MiniLM's upper layers when above 0")
    parser.add_argument("--width", type=int, default=256)
    parser.add_argument("--dropout", type=float, default=0.1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--start-from", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    corpus, train, check = load_corpus(options.sources, options.data)
    print(f"{len(train)} examples to train on, {len(check)} held out", flush=True)
    Run(options.name, corpus, options).train(train, check)


if __name__ == "__main__":
    main()
