"""What a study does, how far it is and what became of it: plain data, written to its folder as JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from t2s_magic.errors import UsageError
from t2s_magic.lm.prices import Price
from t2s_magic.study.metering import Usage
from t2s_magic.study.optimizers import Chosen
from t2s_magic.study.scoring import Score
from t2s_magic.study.splits import Split


@dataclass(frozen=True)
class Plan:
    """What a study does; equal plans give equal results, up to the LM's own chance.

    Optimizers that draw at random do so once for each of ``seeds``. ``budget`` bounds the LM calls of one run, and
    ``dollars`` what they cost, by ``prices`` of LMs or else those listed. ``threads`` are LM calls under way at once;
    ``copies`` are databases with other rows that an answer is asked on too. Of the trainset ``pair_count`` questions
    are shown with each question, as ``%%text2sql`` shows approved pairs. ``judge`` is an LM that judges answers as in
    the published study; ``is_published`` asks in its layout, and optimizers then choose by the judge's word.
    """

    split: Split
    optimizers: tuple[Chosen, ...]
    folder: Path
    lm: str | None = None
    prompt_lm: str | None = None
    seeds: tuple[int, ...] = (0,)
    budget: int | None = None
    dollars: float | None = None
    prices: Mapping[str, Price] = field(default_factory=dict)
    threads: int = 8
    copies: int = 0
    pair_count: int = 0
    sample_values: bool = False
    max_lm_calls: int = 3
    is_published: bool = False
    judge: str | None = None

    @property
    def jobs(self) -> tuple[Job, ...]:
        """What is done one after the other: each optimizer with each seed, or once where it draws nothing."""
        return tuple(
            Job(chosen, seed)
            for chosen in self.optimizers
            for seed in (self.seeds if chosen.optimizer.is_drawn else self.seeds[:1])
        )

    def writer_of(self, job: Job) -> str | None:
        """The LM named to write a job's instructions, if it has any written."""
        return self.prompt_lm if job.chosen.optimizer.writes_instructions else None


@dataclass(frozen=True)
class Job:
    """An optimizer with one seed; ``name`` names its files."""

    chosen: Chosen
    seed: int

    @property
    def name(self) -> str:
        return _name(self.chosen.label, self.seed)


@dataclass(frozen=True)
class Progress:
    """Where a job is: ``doing`` is compiling, valset, testset, finished, stopped or failed.

    ``done`` of about ``total`` questions of this step, ``right`` of them right; ``usage`` since the optimizer began.
    """

    label: str
    doing: str
    done: int = 0
    total: int = 0
    right: int = 0
    usage: Usage = field(default_factory=Usage)
    seconds: float = 0.0
    seed: int = 0


@dataclass(frozen=True)
class Row:
    """What became of an optimizer with one seed.

    ``status`` is finished, stopped or failed, and then ``problem`` says why.
    ``candidates`` are the valset scores, in percent, of all programs that it chose among. ``program`` is the saved
    program's file in the study's folder, "" where there is none. ``prompt_lm`` wrote its instructions, if any did.
    """

    label: str
    optimizer: str
    settings: Mapping[str, Any]
    status: str
    problem: str = ""
    valset: tuple[Score, ...] = ()
    testset: tuple[Score, ...] = ()
    candidates: tuple[float, ...] = ()
    demos: tuple[Mapping[str, str], ...] = ()
    instructions: str = ""
    program: str = ""
    usage: Usage = field(default_factory=Usage)
    seconds: float = 0.0
    seed: int = 0
    prompt_lm: str | None = None

    @property
    def name(self) -> str:
        """That of the job it came of."""
        return _name(self.label, self.seed)

    def to_dict(self) -> dict[str, Any]:
        scores = {name: [score.to_dict() for score in getattr(self, name)] for name in ("valset", "testset")}
        return {**vars(self), **scores, "usage": self.usage.to_dict()}

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> Row:
        scores = {name: tuple(Score(**score) for score in data[name]) for name in ("valset", "testset")}
        plain = {name: tuple(data[name]) for name in ("candidates", "demos")}
        return Row(**{**data, **scores, **plain, "usage": Usage(**data["usage"])})


@dataclass(frozen=True)
class Results:
    """A study's rows with what is needed to repeat it; ``results.json`` in its folder holds the same.

    ``spent`` is what all answers kept in the folder took, whenever they were asked for.
    """

    settings: Mapping[str, Any]
    rows: tuple[Row, ...]
    spent: Usage = field(default_factory=Usage)

    @staticmethod
    def load(folder: Path) -> Results:
        """Raises UsageError where the folder holds no results."""
        path = folder / "results.json"
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise UsageError(f"{path} holds no results of a study: {error}.") from error
        return Results(data["settings"], tuple(map(Row.from_dict, data["rows"])), Usage(**data["spent"]))

    @staticmethod
    def load_latest(beside: Path) -> Results:
        """The results that were written last in a folder of studies. Raises UsageError where there are none."""
        found = sorted(beside.glob("*/results.json"), key=lambda path: path.stat().st_mtime)
        if not found:
            raise UsageError(f"{beside} holds no study yet. Run notebooks/2_optimize.ipynb, or %t2s optimize.")
        return Results.load(found[-1].parent)

    def to_dict(self) -> dict[str, Any]:
        rows = [row.to_dict() for row in self.rows]
        return {"settings": self.settings, "rows": rows, "spent": self.spent.to_dict()}


def slug(label: str) -> str:
    """A label as a file's name: ``"LabeledFewShot(k=8)"`` becomes ``labeledfewshot-k-8``."""
    return re.sub(r"[^a-z0-9]+", "-", label.lower()).strip("-")


def _name(label: str, seed: int) -> str:
    return slug(label) + (f"-seed-{seed}" if seed else "")
