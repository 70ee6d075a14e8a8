"""Shares with their intervals as a figure: ours, and apart from them the published ones."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from t2s_magic.study.compare import programs
from t2s_magic.study.plan import Results
from t2s_magic.study.printed import PUBLISHED, PUBLISHED_N
from t2s_magic.study.statistics import wilson_interval

Line = tuple[str, float, float, float]


@dataclass(frozen=True)
class Plot:
    """A matplotlib figure that a notebook shows without pyplot, whose state is the whole process's."""

    figure: Any

    def _repr_png_(self) -> bytes:
        file = io.BytesIO()
        self.figure.savefig(file, format="png", dpi=110)
        return file.getvalue()


def plot(results: Results) -> Plot:
    """Each program's held-out share with its interval."""
    lines = [(program.label, *program.interval()) for program in programs(results) if program.rows]
    return _drawn(lines, "held-out questions right, %, with 95 % interval")


def published_plot() -> Plot:
    """The published test shares, with the intervals that were not printed."""
    shares = [(row, *wilson_interval(row.testset, PUBLISHED_N)) for row in PUBLISHED]
    lines = [(f"{row.lm}, {row.optimizer}", low, row.testset / PUBLISHED_N, high) for row, low, high in shares]
    return _drawn(lines, f"judged right by an LM, % of {PUBLISHED_N}, with 95 % interval")


def _drawn(lines: Sequence[Line], meaning: str) -> Plot:
    """Lines of label, low, share and high, the first on top."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 0.5 * len(lines) + 1), layout="constrained")
    axes = figure.subplots()
    for place, (_, low, share, high) in enumerate(reversed(lines)):
        axes.plot([100 * low, 100 * high], [place, place], color="0.6", linewidth=3)
        axes.plot(100 * share, place, "o", color="C0")
    axes.set_yticks(range(len(lines)), [label for label, *_ in reversed(lines)])
    axes.set_xlim(0, 100)
    axes.set_xlabel(meaning)
    return Plot(figure)
