"""From the data folder to the shipped weights, in one command that resumes where it was stopped.

    python -m training.build --data DATA_FOLDER

Each step is a command of its own (printed before it runs) and leaves files that the next call finds: synthetic
questions, examples, checkpoints in ``training/work``, curves in ``training/runs``. With two free cores it takes about
six hours.
"""

from __future__ import annotations

import argparse
import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from training.examples import WORK
from training.train import checkpoint_file

SYNTHESIS = WORK / "synthesis"
# Databases of each batch of synthetic questions, by seed.
BATCHES = {1: 366, 2: 366, 3: 366, 4: 366, 5: 400, 6: 200, 8: 400}
# Questions over Spider's own training databases: the folder, its seed, and how many are asked about each.
ASKED = (("spider_asked", 5, 50), ("spider_asked5", 7, 50), ("spider_asked7", 9, 60))
SPIDER = ("spider", "spider_others", "spider_syn")
SECOND = (*SPIDER, "spider_asked:0.6", "batch1:0.2", "batch2:0.3", "batch3:0.3", "batch3_held_out")
THIRD = (
    *(*SPIDER, "spider_asked:0.3", "spider_asked5:0.4"),
    *("batch3:0.15", "batch4:0.2", "batch5:0.4", "batch6:0.2", "batch5_held_out"),
)
JOINT = (
    *(*SPIDER, "spider_asked:0.2", "spider_asked5:0.5"),
    *("batch3:0.08", "batch4:0.12", "batch5:0.3", "batch6:0.6", "batch5_held_out"),
)
FIFTH = (
    *(*SPIDER, "spider_asked5:0.3", "spider_asked7:0.45"),
    *("batch5:0.15", "batch6:0.3", "batch8:0.4", "batch8_held_out"),
)


@dataclass(frozen=True)
class Step:
    """A module of ``training`` with its arguments; ``makes`` is there once it is done, if a file can tell."""

    module: str
    arguments: tuple[str, ...]
    makes: Path | None = None

    def run(self) -> None:
        if self.makes is not None and self.makes.exists():
            print(f"{self.makes} is there.", flush=True)
            return
        command = [sys.executable, "-m", f"training.{self.module}", *self.arguments]
        print("$", shlex.join(command), flush=True)
        subprocess.run(command, check=True)


@dataclass(frozen=True)
class Run:
    """One call of ``train``; it starts from the checkpoint of the run before."""

    name: str
    sources: Sequence[str]
    options: str
    before: str = ""

    def step(self, data: Path, minutes: float) -> Step:
        start = ("--start-from", str(checkpoint_file(self.before))) if self.before else ()
        options = ("--minutes", str(minutes), *self.options.split(), *start)
        return Step("train", (self.name, "--data", str(data), *options, "--sources", *self.sources))


RUNS = (
    Run("first", SPIDER, "--rate 7e-4"),
    Run("second", SECOND, "--rate 4e-4 --encoder-rate 5e-5 --dropout 0.15", "first"),
    Run("third", THIRD, "--rate 4e-4 --encoder-rate 6e-5 --dropout 0.2", "second"),
    Run("fourth", JOINT, "--rate 4e-4 --joint-rate 1e-4 --dropout 0.22", "third"),
    Run("fifth", FIFTH, "--rate 3e-4 --joint-rate 8e-5 --dropout 0.22 --drop-columns 0.3", "fourth"),
    Run("sixth", FIFTH, "--rate 1e-4 --joint-rate 3e-5 --dropout 0.22 --drop-columns 0.3 --last", "fifth"),
)


def steps(data: Path, minutes: Sequence[float], share: float = 1.0) -> Iterator[Step]:
    """Data, six training runs, what ships and its figures; ``share`` is that of the synthetic databases.

    Everything is chosen and fitted after the fifth run; the sixth, short and slow, also sees the held-out databases.
    """
    spider = data / "spider"
    for seed, databases in BATCHES.items():
        out = SYNTHESIS / f"batch{seed}"
        options = ("--out", str(out), "--seed", str(seed), "--databases", str(round(share * databases)))
        yield Step("synthesis", options, out / "train.jsonl")
    for name, seed, questions in ASKED:
        out = SYNTHESIS / name
        over = ("--over", str(spider / "database"), "--like", str(spider / "train.jsonl"))
        options = ("--out", str(out), *over, "--seed", str(seed), "--questions", str(questions))
        yield Step("synthesis", options, out / "train.jsonl")
    yield Step("examples", (str(data),))
    for run, share in zip(RUNS[:-1], minutes, strict=False):
        yield run.step(data, share)
    yield Step("export", (str(checkpoint_file(RUNS[-2].name)),))
    for module in ("calibrate", "fit_demos", "fit_abstention"):
        yield Step(module, (str(data),))
    yield Step("evaluate", (str(data), "held_out"))
    yield RUNS[-1].step(data, minutes[-1])
    yield Step("export", (str(checkpoint_file(RUNS[-1].name)),))
    yield Step("evaluate", (str(data), "dev", "--note", "training.build"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--minutes", type=float, nargs=6, default=(28, 53, 97, 76, 36, 24), help="of each training run")
    parser.add_argument("--share", type=float, default=1.0, help="of the synthetic databases; a rehearsal needs few")
    options = parser.parse_args()
    for step in steps(options.data, options.minutes, options.share):
        step.run()


if __name__ == "__main__":
    main()
