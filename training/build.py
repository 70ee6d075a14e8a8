"""From the data folder to the shipped weights, in one command that resumes where it was stopped.

    python -m training.build --data DATA_FOLDER

Each step is a command of its own (printed before it runs) and leaves files that the next call finds: synthetic
questions, examples, checkpoints in ``training/work``, curves in ``training/runs``. With two free cores it takes about
two and a half hours.
"""

from __future__ import annotations

import argparse
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from training.examples import WORK
from training.train import checkpoint_file

SYNTHESIS = WORK / "synthesis"
SEEDS = (1, 2, 3)
SHARES = ("spider", "spider_others", "spider_syn", "spider_asked:0.6", "batch1:0.2", "batch2:0.3", "batch3:0.3")


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


def steps(data: Path, first_minutes: float, second_minutes: float) -> Iterator[Step]:
    """Data, then the network over a frozen encoder, then both together, then the files that ship and their figures."""
    spider = data / "spider"
    for seed in SEEDS:
        out = SYNTHESIS / f"batch{seed}"
        yield Step("synthesis", ("--out", str(out), "--seed", str(seed), "--databases", "366"), out / "train.jsonl")
    asked = SYNTHESIS / "spider_asked"
    over = ("--over", str(spider / "database"), "--like", str(spider / "train.jsonl"))
    yield Step("synthesis", ("--out", str(asked), *over, "--seed", "5", "--questions", "50"), asked / "train.jsonl")
    yield Step("examples", (str(data),))
    common = ("--data", str(data), "--sources")
    yield Step("train", ("first", "--minutes", str(first_minutes), "--rate", "7e-4", *common, *SHARES[:3]))
    yield Step(
        "train",
        (
            "second",
            *("--minutes", str(second_minutes), "--rate", "4e-4", "--encoder-rate", "5e-5", "--dropout", "0.15"),
            *("--start-from", str(checkpoint_file("first"))),
            *(*common, *SHARES, "batch3_held_out"),
        ),
    )
    yield Step("export", (str(checkpoint_file("second")),))
    yield Step("calibrate", (str(data),))
    yield Step("fit_demos", (str(data),))
    yield Step("fit_abstention", (str(data),))
    yield Step("evaluate", (str(data), "held_out"))
    yield Step("evaluate", (str(data), "dev", "--note", "training.build"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--first-minutes", type=float, default=28)
    parser.add_argument("--second-minutes", type=float, default=53)
    options = parser.parse_args()
    for step in steps(options.data, options.first_minutes, options.second_minutes):
        step.run()


if __name__ == "__main__":
    main()
