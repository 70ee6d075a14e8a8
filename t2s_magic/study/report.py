"""What a study found, as tables: every figure comes from results, none is typed; the published figures stand apart."""

from __future__ import annotations

import html
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from t2s_magic.study.runs import Results, Row
from t2s_magic.study.scoring import Score
from t2s_magic.study.statistics import (
    holm,
    mcnemar_p,
    paired_bootstrap,
    questions_needed,
    share_with_interval,
    wilson_interval,
)

BASELINE = "none"
SIGNIFICANT = 0.05


@dataclass(frozen=True)
class Table:
    """Text in rows and columns, with notes under it; a notebook shows it as HTML, a terminal as aligned text."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        lines = [self.columns, *self.rows]
        widths = [max(len(line[place]) for line in lines) for place in range(len(self.columns))]
        shown = ["  ".join(f"{text:<{width}}" for text, width in zip(line, widths, strict=True)) for line in lines]
        shown.insert(1, "  ".join("─" * width for width in widths))
        return "\n".join(line.rstrip() for line in [*shown, *self.notes])

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{html.escape(text)}</th>" for text in self.columns)
        body = "".join(f"<tr>{''.join(f'<td>{html.escape(text)}</td>' for text in row)}</tr>" for row in self.rows)
        notes = "".join(f"<p>{html.escape(note)}</p>" for note in self.notes)
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{notes}"

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return {"text/plain": str(self), "text/html": self._repr_html_()}


@dataclass(frozen=True)
class Comparison:
    """A program against the baseline on the same held-out questions.

    ``gained`` and ``lost`` are questions that just one of the two got right; ``p`` is McNemar's exact one and
    ``p_corrected`` Holm's, over all programs compared; ``low`` and ``high`` bound the difference of the shares (paired
    bootstrap, 95 %).
    """

    label: str
    n: int
    gained: int
    lost: int
    p: float
    p_corrected: float
    low: float
    high: float

    @property
    def is_told(self) -> bool:
        return self.p_corrected < SIGNIFICANT

    @property
    def more_needed(self) -> int | None:
        """How many more held-out questions would tell, if the difference seen is the true one; None without one."""
        if self.gained == self.lost:
            return None
        needed = questions_needed((self.gained + self.lost) / self.n, abs(self.gained - self.lost) / self.n)
        return max(0, needed - self.n)

    def __str__(self) -> str:
        flips = f"{self.gained} gained, {self.lost} lost of {self.n}"
        if self.is_told:
            return f"{'better' if self.gained > self.lost else 'worse'}: {flips}, p = {self.p_corrected:.3f}"
        if self.more_needed is None:
            return f"no difference seen: {flips}"
        return f"too few questions to tell: {flips}, p = {self.p_corrected:.2f}; about {self.more_needed:,} more would"


def table(results: Results) -> Table:
    """One line a program: right on the valset it was chosen by and on the held-out questions, what it cost."""
    compared = {comparison.label: str(comparison) for comparison in comparisons(results)}
    rows = tuple(
        (
            row.label,
            share_with_interval(_right(row.valset), len(row.valset)),
            share_with_interval(_right(row.testset), len(row.testset)),
            str(sum(bool(score.error) for score in row.testset)),
            f"{row.usage.calls:,}" + (f" + {row.usage.repeated:,} kept" if row.usage.repeated else ""),
            f"{row.usage.prompt_tokens + row.usage.completion_tokens:,}",
            f"{row.seconds:,.0f}",
            str(len(row.demos)),
            compared.get(row.label, "") if row.status == "finished" else f"{row.status}: {row.problem}",
        )
        for row in results.rows
    )
    columns = ("program", "valset", "held out", "errors", "LM calls", "tokens", "s", "demos", f"against {BASELINE}")
    copies = [_copies_note(row) for row in results.rows if row.testset and row.testset[0].right_on_copies is not None]
    judged = [_judge_note(row) for row in results.rows if row.testset and row.testset[0].judged is not None]
    return Table(
        columns, rows, ("Shares with 95 % Wilson intervals; p by McNemar, corrected by Holm.", *copies, *judged)
    )


def _judge_note(row: Row) -> str:
    """The judge's share, and how often it agrees with execution (Cohen's kappa beside it)."""
    n = len(row.testset)
    right, yes = _right(row.testset), sum(bool(score.judged) for score in row.testset)
    agreed = sum(score.correct == score.judged for score in row.testset)
    by_chance = (right * yes + (n - right) * (n - yes)) / n**2
    kappa = f"{(agreed / n - by_chance) / (1 - by_chance):.2f}" if by_chance < 1 else "not defined"
    return f"{row.label}: the judge says {share_with_interval(yes, n)}; it agrees on {agreed} of {n}, kappa {kappa}."


def _copies_note(row: Row) -> str:
    lucky = sum(score.correct and not score.right_on_copies for score in row.testset)
    right = _right(row.testset)
    return (
        f"{row.label}: {lucky} of {right} right answers differ on databases with other rows, by luck or by a tie there."
    )


def comparisons(results: Results, baseline: str = BASELINE) -> tuple[Comparison, ...]:
    """Each finished program against the baseline; none where the baseline has not finished."""
    finished = [row for row in results.rows if row.status == "finished" and row.testset]
    base = next((row for row in finished if row.label == baseline), None)
    others = [row for row in finished if row is not base] if base else []
    flips = [_flips(base.testset, row.testset) for row in others if base]
    p_values = [mcnemar_p(lost, gained) for gained, lost in flips]
    found = zip(others, flips, p_values, holm(p_values), strict=True)
    return tuple(
        Comparison(row.label, len(row.testset), *flip, p, corrected, *_difference(base.testset, row.testset))
        for row, flip, p, corrected in found
        if base
    )


def _flips(first: Sequence[Score], second: Sequence[Score]) -> tuple[int, int]:
    pairs = [(one.correct, other.correct) for one, other in zip(first, second, strict=True)]
    return pairs.count((False, True)), pairs.count((True, False))


def _difference(first: Sequence[Score], second: Sequence[Score]) -> tuple[float, float]:
    return paired_bootstrap([score.correct for score in first], [score.correct for score in second])


def flipped(results: Results, first: str, second: str) -> Table:
    """The held-out questions that just one of two programs got right, with both statements."""
    one, other = (next(row for row in results.rows if row.label == label) for label in (first, second))
    rows = tuple(
        (left.question, f"{second if right.correct else first}", _shown(left), _shown(right))
        for left, right in zip(one.testset, other.testset, strict=True)
        if left.correct != right.correct
    )
    return Table(("question", "right", first, second), rows)


def _shown(score: Score) -> str:
    return " ".join(score.sql.split()) or score.error


def optimism(results: Results) -> Table:
    """How far the best of several candidates falls from its score on the questions that chose it to held-out ones."""
    rows = tuple(
        (
            row.label,
            str(len(row.candidates)),
            f"{max(row.candidates):.1f} % of {len(row.valset)}",
            share_with_interval(_right(row.testset), len(row.testset)),
            f"{max(row.candidates) - 100 * _right(row.testset) / len(row.testset):+.1f} points",
        )
        for row in results.rows
        if row.candidates and row.testset
    )
    return Table(("program", "candidates", "best on the valset", "held out", "fell by"), rows)


@dataclass(frozen=True)
class Plot:
    """A matplotlib figure that a notebook shows without pyplot, whose state is the whole process's."""

    figure: Any

    def _repr_png_(self) -> bytes:
        file = io.BytesIO()
        self.figure.savefig(file, format="png", dpi=110)
        return file.getvalue()


def plot(results: Results, published: bool = False) -> Plot:
    """Each program's held-out share with its interval; with ``published`` those of the published table instead."""
    from matplotlib.figure import Figure

    measured = [(row.label, _right(row.testset), len(row.testset)) for row in results.rows if row.testset]
    printed = [(f"{row.lm}, {row.optimizer} (published)", row.testset, PUBLISHED_N) for row in PUBLISHED]
    lines = list(reversed(printed if published else measured))
    figure = Figure(figsize=(7, 0.5 * len(lines) + 1), layout="constrained")
    axes = figure.subplots()
    for place, (_, right, n) in enumerate(lines):
        low, high = wilson_interval(right, n)
        axes.plot([100 * low, 100 * high], [place, place], color="0.6", linewidth=3)
        axes.plot(100 * right / n, place, "o", color="C0")
    axes.set_yticks(range(len(lines)), [label for label, _, _ in lines])
    axes.set_xlim(0, 100)
    axes.set_xlabel("held-out questions right, % (95 % Wilson interval)")
    return Plot(figure)


def _right(scores: Sequence[Score]) -> int:
    return sum(score.correct for score in scores)


@dataclass(frozen=True)
class Published:
    """A line of the published table: questions judged right of 25 and of 75."""

    lm: str
    optimizer: str
    valset: int
    testset: int


# https://github.com/jjovalle99/DSPy-Text2SQL: gretelai/synthetic_text_to_sql, judged by gpt-4-0125-preview.
PUBLISHED = (
    Published("GPT-3.5 Turbo", "none", 20, 53),
    Published("Starling-7B", "none", 18, 38),
    Published("Starling-7B", "LabeledFewShot(k=4)", 16, 45),
    Published("Starling-7B", "BootstrapFewShotWithRandomSearch(2, 8)", 20, 51),
)
PUBLISHED_VALSET_N, PUBLISHED_N = 25, 75


def published_table() -> Table:
    """The published figures, with the intervals that were not printed. Their metric is another one than ours."""
    rows = tuple(
        (
            row.lm,
            row.optimizer,
            share_with_interval(row.valset, PUBLISHED_VALSET_N),
            share_with_interval(row.testset, PUBLISHED_N),
        )
        for row in PUBLISHED
    )
    notes = (
        "Source: github.com/jjovalle99/DSPy-Text2SQL. An LM judged each answer yes or no; nothing was executed.",
        f"GPT-3.5's test share was printed as 70.07 %, which no k of {PUBLISHED_N} gives: "
        f"{PUBLISHED[0].testset}/{PUBLISHED_N} is {100 * PUBLISHED[0].testset / PUBLISHED_N:.2f} %.",
        f"One question is {100 / PUBLISHED_N:.2f} points.",
    )
    return Table(("LM", "optimizer", "valset", "testset"), rows, notes)
