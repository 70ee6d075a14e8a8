"""What each source of training data, and each way of varying it, brings on databases not seen.

    python -m training.ablation DATA_FOLDER [--examples 20000] [--at-once 2]

One network over the frozen encoder learns from Spider alone; from there each arm goes on for equally many examples. Its
answers are marked as ``calibrate`` marks those of the shipped weights: the first answer that runs, and the one that a
choice fitted to this arm on other databases takes. Figures go to ``training/runs/ablation.json``; it resumes.
"""

from __future__ import annotations

import argparse
import json
import shlex
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from t2s_magic.builtin import weights
from t2s_magic.builtin.model import BuiltinModel
from training import business_heldout
from training.evaluate import evaluate, report
from training.examples import WORK, Databases, read_questions
from training.train import RUNS, checkpoint_file

BASE = "ablation_base"
BASE_EXAMPLES = 20_000
RATE = "7e-4"
SPIDER = ("spider",)


@dataclass(frozen=True)
class Arm:
    """What it trains on from the base on, and how where that differs from the others."""

    sources: tuple[str, ...]
    options: tuple[str, ...] = ()


# Half of what an arm sees is Spider, half the source that it is named after; ``spider_others`` is smaller than that.
ARMS = {
    "spider": Arm(SPIDER),
    "spider_others": Arm((*SPIDER, "spider_others")),
    "spider_syn": Arm((*SPIDER, "spider_syn")),
    "spider_asked": Arm((*SPIDER, "spider_asked5")),
    "synthetic": Arm((*SPIDER, "batch5:0.28", "batch6:0.28")),
    "all": Arm((*SPIDER, "spider_others", "spider_syn", "spider_asked5:0.5", "batch5:0.3", "batch6:0.4")),
    "columns_dropped": Arm(SPIDER, ("--drop-columns", "0.3")),
}
FIGURES = RUNS / "ablation.json"


def train_base(data: Path) -> None:
    if not checkpoint_file(BASE).exists():
        _run("train", BASE, "--data", data, "--examples", BASE_EXAMPLES, "--rate", RATE, "--sources", *SPIDER)


def train_arm(data: Path, examples: int, arm: str) -> None:
    options = ("--examples", examples, "--rate", RATE, "--processes", 1, "--start-from", checkpoint_file(BASE))
    _run("train", f"ablation_{arm}", "--data", data, *options, *ARMS[arm].options, "--sources", *ARMS[arm].sources)


def measure_arm(data: Path, arm: str) -> dict[str, Any]:
    """EX in per cent on Spider's held-out databases, on synthetic domains held out, and on the business questions."""
    folder = WORK / "ablation" / arm
    _run("export", checkpoint_file(f"ablation_{arm}"), "--folder", folder)
    _run("calibrate", data, "--weights", folder, "--processes", 1)
    marked = json.loads((folder / "model.json").read_text("utf-8"))["confidence"]["report"]
    return {kind: marked[kind] for kind in ("spider", "synthetic")} | {"business": _business(folder)}


def _business(folder: Path) -> dict[str, Any]:
    databases = folder / "business"
    business_heldout.build(databases)
    questions = [question for name in business_heldout.QUESTIONS for question in read_questions(databases / name)]
    figures = report(evaluate(BuiltinModel(weights.load(folder)), questions, Databases(databases)))
    return {key: figures[key] for key in ("n", "right", "accuracy", "interval")}


def _run(module: str, *arguments: object) -> None:
    command = [sys.executable, "-m", f"training.{module}", *map(str, arguments)]
    print("$", shlex.join(command), flush=True)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def work_on(data: Path, examples: int, arm: str) -> dict[str, Any]:
    train_arm(data, examples, arm)
    return {arm: {**asdict(ARMS[arm]), "examples": examples, **measure_arm(data, arm)}}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--examples", type=int, default=20_000, help="that each arm sees")
    parser.add_argument("--at-once", type=int, default=2, help="arms, one process each")
    options = parser.parse_args()
    train_base(options.data)
    figures: dict[str, Any] = json.loads(FIGURES.read_text("utf-8")) if FIGURES.exists() else {}
    with ThreadPoolExecutor(options.at_once) as pool:
        arms = [pool.submit(work_on, options.data, options.examples, arm) for arm in ARMS if arm not in figures]
        for done in as_completed(arms):
            print(json.dumps(done.result()), flush=True)
            figures |= done.result()
            FIGURES.write_text(json.dumps(figures, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
