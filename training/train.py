"""Train the network for a number of minutes, or of examples; resumes where the last call with the same name stopped.

    python -m training.train NAME --data DATA_FOLDER --minutes 60 --sources spider spider_syn batch1:0.5

A source's share of its questions is drawn anew for each epoch.

Figures go to ``training/runs/NAME.jsonl``, weights to ``training/work/runs/NAME.pt``.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from t2s_magic.builtin.encoder import LAYERS, MIDDLE_LAYER
from t2s_magic.builtin.grammar import KEYWORDS
from t2s_magic.builtin.vocabulary import Vocabulary
from training.batches import Corpus, Noise
from training.examples import HELD_OUT, WORK, databases_of, group_of, held_out, read_examples, spider_questions
from training.minilm import TextStore, load_checkpoint
from training.model import UPPER, Batch, Network, Shape, loss_of
from training.tuning import UpperLayers

RUNS = Path(__file__).parent / "runs"
SECONDS_BETWEEN_CHECKS = 900
SYNTHETIC_QUESTIONS_CHECKED = 400
WARM_UP_STEPS = 200
CELLS_A_BATCH = 100_000
STEPS_BETWEEN_MEETINGS = 8


@dataclass
class Progress:
    step: int = 0
    examples: int = 0
    seconds: float = 0.0


class Team:
    """Processes of one thread each that train copies of one network and meet every few steps to average them.

    On a busy machine this is faster than threads, or processes, that wait for each other within every step.
    """

    def __init__(self, rank: int, size: int, meeting_point: Path) -> None:
        self.rank = rank
        self.size = size
        if size > 1:
            dist.init_process_group("gloo", init_method=f"file://{meeting_point}", rank=rank, world_size=size)

    def meet(self, parameters: Sequence[nn.Parameter], figures: Sequence[float]) -> list[float]:
        """Give every copy the mean of all copies' parameters; the mean of ``figures`` comes back."""
        if self.size == 1:
            return list(map(float, figures))
        together = torch.cat([*(one.data.flatten() for one in parameters), torch.tensor(figures, dtype=torch.float32)])
        dist.all_reduce(together)
        together /= self.size
        offset = 0
        for one in parameters:
            one.data.copy_(together[offset : offset + one.numel()].view_as(one))
            offset += one.numel()
        return [float(figure) for figure in together[offset:]]

    def sum(self, figures: Mapping[str, float]) -> dict[str, float]:
        if self.size == 1:
            return dict(figures)
        together = torch.tensor([figures[name] for name in sorted(figures)], dtype=torch.float64)
        dist.all_reduce(together)
        return dict(zip(sorted(figures), together.tolist(), strict=True))


class Run:
    """One training run: network, optimizer, averaged weights and their files."""

    def __init__(self, name: str, corpus: Corpus, options: argparse.Namespace, team: Team) -> None:
        self.log = RUNS / f"{name}.jsonl"
        self.file = checkpoint_file(name)
        self.options = options
        self.team = team
        self.corpus = corpus
        self.progress = Progress()
        torch.manual_seed(options.seed)
        joint_layers = LAYERS - MIDDLE_LAYER if options.joint_rate else 0
        shape = Shape(corpus.vocabulary.size, options.width, inner=4 * options.width, joint_layers=joint_layers)
        self.network = Network(shape, options.dropout)
        self.upper = UpperLayers(load_checkpoint()) if options.encoder_rate or options.joint_rate else None
        self.optimizer = torch.optim.AdamW(self._groups(), betas=(0.9, 0.98), weight_decay=0.01, fused=True)
        self.average = {name: value.clone() for name, value in self._weights().items()}
        for path in (self.log, self.file):
            path.parent.mkdir(parents=True, exist_ok=True)
        if self.file.exists():
            self._resume(torch.load(self.file, weights_only=True))
        elif options.start_from:
            self._start_from(torch.load(options.start_from, weights_only=True))

    def _groups(self) -> list[dict[str, Any]]:
        joint = list(self.network.joint.layer.parameters()) if self.network.joint is not None else []
        known = set(map(id, joint))
        others = [one for one in self.network.parameters() if id(one) not in known]
        upper = list(self.upper.parameters()) if self.upper is not None and self.options.encoder_rate else []
        rates = (self.options.rate, self.options.joint_rate, self.options.encoder_rate)
        groups = [
            {"params": [one for one in params if one.requires_grad], "base": rate}
            for params, rate in zip((others, joint, upper), rates, strict=True)
        ]
        return [group for group in groups if group["params"]]

    def _weights(self) -> dict[str, Tensor]:
        """The network's weights, and those of the encoder's upper layers under ``UPPER``."""
        upper = self.upper.state_dict() if self.upper is not None else {}
        return self.network.state_dict() | {UPPER + name: value for name, value in upper.items()}

    def _load_weights(self, weights: dict[str, Tensor]) -> None:
        self.network.load_state_dict({name: value for name, value in weights.items() if not name.startswith(UPPER)})
        upper = {name.removeprefix(UPPER): value for name, value in weights.items() if name.startswith(UPPER)}
        if self.upper is not None and upper:
            self.upper.load_state_dict(upper)

    def train(self, draw: Callable[[random.Random], list[int]], checks: Mapping[str, Sequence[int]]) -> None:
        """Train on what ``draw`` gives for each epoch until the minutes are over; every member takes its share."""
        if self._share_done() >= 1:
            return
        torch.manual_seed(self.options.seed + 1000 * self.team.rank + self.progress.step)
        last_check = started = time.monotonic()
        seen = 0
        for batch in self._endless_batches(draw):
            figures = self._step(batch)
            seen += len(batch.mask)
            if self.progress.step % STEPS_BETWEEN_MEETINGS:
                continue
            wants_check = time.monotonic() - last_check > SECONDS_BETWEEN_CHECKS
            spent = time.monotonic() - started
            examples, seconds, wishes = self.team.meet(self._parameters(), [seen, spent, wants_check])
            self._average()
            self.progress.examples += round(examples * self.team.size)
            self.progress.seconds += seconds
            seen, started = 0, time.monotonic()
            if self.progress.step % (20 * STEPS_BETWEEN_MEETINGS) == 0:
                self._write({"kind": "train", **ratios(figures)})
            is_over = self._share_done() >= 1
            if wishes > 0 or is_over:
                self._check(checks)
                last_check = started = time.monotonic()
            if is_over:
                return

    def _endless_batches(self, draw: Callable[[random.Random], list[int]]) -> Iterator[Batch]:
        for epoch in itertools.count():
            chance = random.Random(f"{self.options.seed} {self.progress.step} {epoch}")
            shuffled = draw(chance)
            chance.shuffle(shuffled)
            share = shuffled[self.team.rank :: self.team.size]
            noise = Noise(drop_columns=self.options.drop_columns)
            yield from self.corpus.batches(share, CELLS_A_BATCH, noise, chance, self.upper is not None)

    def _step(self, batch: Batch) -> dict[str, float]:
        self._set_training(True)
        for group in self.optimizer.param_groups:
            group["lr"] = group["base"] * self._rate_factor()
        loss, figures = self._loss(batch)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self._parameters(), 1.0)
        self.optimizer.step()
        self.progress.step += 1
        return figures

    def _set_training(self, trains: bool) -> None:
        self.network.train(trains)
        if self.upper is not None:
            self.upper.train(trains)

    def _parameters(self) -> list[nn.Parameter]:
        return [one for group in self.optimizer.param_groups for one in group["params"]]

    def _loss(self, batch: Batch) -> tuple[Tensor, dict[str, float]]:
        if self.upper is not None and batch.texts is not None:
            with torch.set_grad_enabled(torch.is_grad_enabled() and self.options.encoder_rate > 0):
                batch = replace(batch, vectors=self.upper(batch.texts))
        return loss_of(self.network, batch)

    def _rate_factor(self) -> float:
        warm = min(1.0, (self.progress.step + 1) / WARM_UP_STEPS)
        return warm * (0.03 + 0.97 * 0.5 * (1 + math.cos(math.pi * self._share_done())))

    def _share_done(self) -> float:
        """How much of the minutes, or of the examples where they are given, is behind; 1 at the end."""
        if self.options.examples:
            return min(1.0, self.progress.examples / self.options.examples)
        return min(1.0, self.progress.seconds / (self.options.minutes * 60))

    def _average(self) -> None:
        meetings = self.progress.step / STEPS_BETWEEN_MEETINGS
        keep = min(0.99, meetings / (meetings + 10))
        with torch.no_grad():
            for name, value in self._weights().items():
                self.average[name].lerp_(value, 1 - keep)

    def _check(self, checks: Mapping[str, Sequence[int]]) -> None:
        own = {name: value.clone() for name, value in self._weights().items()}
        self._load_weights(self.average)
        self._set_training(False)
        for name, chosen in checks.items():
            total: Counter[str] = Counter()
            share = chosen[self.team.rank :: self.team.size]
            with torch.inference_mode():
                for batch in self.corpus.batches(share, CELLS_A_BATCH, None, random.Random(0), self.upper is not None):
                    total.update(self._loss(batch)[1])
            self._write({"kind": "held out", "source": name, **ratios(self.team.sum(total))})
        self._load_weights(own)
        if self.team.rank == 0:
            self._save()

    def _write(self, figures: dict[str, Any]) -> None:
        if self.team.rank > 0:
            return
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
        """Go on from another run's weights. A run before the joint layers, or over the frozen encoder, has fewer."""
        weights = with_keywords(saved, self.corpus.vocabulary)
        had_joint = bool(saved["shape"].get("joint_layers"))
        if not had_joint:
            weights |= {name: value for name, value in self._weights().items() if name.startswith("joint")}
        self._load_weights(weights)
        if self.network.joint is not None and self.upper is not None and not had_joint:
            self.network.joint.start_from(self.upper.layers, self.corpus.store.sink())
        self.average = {name: value.clone() for name, value in self._weights().items()}


def with_keywords(saved: dict[str, Any], vocabulary: Vocabulary) -> dict[str, Tensor]:
    """The averaged weights of a checkpoint with its keywords in this vocabulary's order; new ones start at zero."""
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


def checkpoint_file(name: str) -> Path:
    return WORK / "runs" / f"{name}.pt"


def vocabulary_of(name: str) -> Vocabulary:
    """That of the run's checkpoint if it has one, else the grammar's."""
    if checkpoint_file(name).exists():
        return Vocabulary(tuple(torch.load(checkpoint_file(name), weights_only=True)["keywords"]))
    return Vocabulary(tuple(sorted(KEYWORDS)))


@dataclass
class Material:
    """What a run trains on and is checked on, as places in ``corpus.ready``."""

    corpus: Corpus
    train: dict[str, list[int]]
    checks: dict[str, list[int]]

    def drawer(self, shares: Mapping[str, float]) -> Callable[[random.Random], list[int]]:
        """Draws an epoch: of each source its share, anew each time."""

        def draw(chance: random.Random) -> list[int]:
            drawn = []
            for source, places in self.train.items():
                drawn += chance.sample(places, round(len(places) * shares[source]))
            return drawn

        return draw


def load_material(sources: Sequence[str], data: Path, vocabulary: Vocabulary, *, is_last: bool) -> Material:
    """All examples. Held out are 20 databases of Spider, in its own wording, and domains that synthesis sets apart.

    The last run trains on the former too.
    """
    material = Material(Corpus(vocabulary, TextStore(WORK / "texts")), {}, {})
    outside = held_out([question.db_id for question in spider_questions(data, "train")]) if not is_last else set()
    for source in sources:
        examples = list(read_examples(WORK / "examples" / f"{source}.jsonl"))
        databases = databases_of(source, data)
        schemas = {db_id: databases.schema(db_id) for db_id in {example.db_id for example in examples}}
        places = material.corpus.add(examples, schemas, group_of(source))
        if source.endswith(HELD_OUT):
            material.checks[source] = places[:: max(1, len(places) // SYNTHETIC_QUESTIONS_CHECKED)]
            continue
        is_spider = group_of(source) == "spider"
        is_outside = [is_spider and example.db_id in outside for example in examples]
        material.train[source] = [place for place, out in zip(places, is_outside, strict=True) if not out]
        if source == "spider" and outside:
            material.checks[source] = [place for place, out in zip(places, is_outside, strict=True) if out]
    return material


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--sources", nargs="+", default=["spider", "spider_others", "spider_syn"])
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--examples", type=int, help="ends after so many, whatever time they take")
    parser.add_argument("--rate", type=float, default=6e-4)
    parser.add_argument("--encoder-rate", type=float, default=0.0, help="trains MiniLM's upper layers when above 0")
    parser.add_argument("--joint-rate", type=float, default=0.0, help="adds layers over all nodes when above 0")
    parser.add_argument("--width", type=int, default=256)
    parser.add_argument("--dropout", type=float, default=0.1)
    parser.add_argument("--drop-columns", type=float, default=0.0, help="share of examples that lose some columns")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--start-from", type=Path)
    parser.add_argument("--last", action="store_true", help="trains on held-out databases too, once all is chosen")
    parser.add_argument("--rank", type=int, default=0, help="set by the first process for the others")
    parser.add_argument("--meeting-point", type=Path)
    options = parser.parse_args()
    others = _start_others(options)
    _work(options)
    for process in others:
        process.wait()


def _start_others(options: argparse.Namespace) -> list[subprocess.Popen[bytes]]:
    """The other members of the team: the same command with ranks of their own."""
    if options.rank > 0 or options.processes == 1:
        return []
    options.meeting_point = Path(tempfile.mkdtemp()) / "meeting"
    command = [sys.executable, "-m", "training.train", *sys.argv[1:], "--meeting-point", str(options.meeting_point)]
    return [subprocess.Popen([*command, "--rank", str(rank)]) for rank in range(1, options.processes)]


def _work(options: argparse.Namespace) -> None:
    torch.set_num_threads(1)
    shares = {source: float(share or 1) for source, _, share in (one.partition(":") for one in options.sources)}
    material = load_material(list(shares), options.data, vocabulary_of(options.name), is_last=options.last)
    print({source: len(places) for source, places in (material.train | material.checks).items()}, flush=True)
    team = Team(options.rank, options.processes, options.meeting_point)
    Run(options.name, material.corpus, options, team).train(material.drawer(shares), material.checks)


if __name__ == "__main__":
    main()
