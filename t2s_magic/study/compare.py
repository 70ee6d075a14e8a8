"""Programs beside each other: their shares over seeds, paired tests on the same questions, and what flipped."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from t2s_magic.study.databases import Databases
from t2s_magic.study.metering import Usage
from t2s_magic.study.plan import Results, Row
from t2s_magic.study.previews import gold_preview, preview
from t2s_magic.study.scoring import Score
from t2s_magic.study.statistics import (
    crossed_bootstrap,
    differences_needed,
    holm,
    share_with_interval,
    sign_flip_p,
    wilson_interval,
)

BASELINE = "none"
SIGNIFICANT = 0.05

IsRight = Callable[[Score], bool]


def _is_correct(score: Score) -> bool:
    return score.correct


@dataclass(frozen=True)
class Program:
    """All rows of one label, one a seed; ``rows`` are those with held-out scores, which is what is compared."""

    label: str
    all_rows: tuple[Row, ...]

    @property
    def rows(self) -> tuple[Row, ...]:
        return tuple(row for row in self.all_rows if row.testset)

    @property
    def is_finished(self) -> bool:
        return all(row.status == "finished" and row.testset for row in self.all_rows)

    @property
    def problem(self) -> str:
        """Why not every seed has finished, or ""."""
        return next((f"{row.status}: {row.problem}" for row in self.all_rows if row.status != "finished"), "")

    @property
    def chosen(self) -> Row:
        """The row whose program is used: the best on the valset, for the held-out questions must not choose."""
        return max(self.all_rows, key=lambda row: count_right(row.valset) / len(row.valset) if row.valset else -1.0)

    @property
    def usage(self) -> Usage:
        return sum((row.usage for row in self.all_rows), Usage())

    def right(self, is_right: IsRight = _is_correct) -> list[list[bool]]:
        """For each seed, which of the held-out questions its program got right."""
        return [[is_right(score) for score in row.testset] for row in self.rows]

    def interval(self) -> tuple[float, float, float]:
        """Held-out share with its 95 % interval, by Wilson for one seed, else over questions and seeds."""
        answers = self.right()
        k, n = sum(map(sum, answers)), sum(map(len, answers))
        low, high = wilson_interval(k, n) if len(answers) == 1 else crossed_bootstrap(answers)
        return low, k / n, high

    def share(self, part: str, is_right: IsRight = _is_correct) -> str:
        """``"145/216 = 67.1 % [60.2, 73.9], 3 seeds"``; the part is ``valset`` or ``testset``."""
        parts = [getattr(row, part) for row in self.all_rows if getattr(row, part)]
        answers = [[is_right(score) for score in scores] for scores in parts]
        k, n = sum(map(sum, answers)), sum(map(len, answers))
        if len(answers) < 2:
            return share_with_interval(k, n)
        low, high = crossed_bootstrap(answers)
        return f"{k}/{n} = {100 * k / n:.1f} % [{100 * low:.1f}, {100 * high:.1f}], {len(answers)} seeds"


def programs(results: Results) -> tuple[Program, ...]:
    """The rows of a study by label, in their order."""
    labels = dict.fromkeys(row.label for row in results.rows)
    return tuple(Program(label, tuple(row for row in results.rows if row.label == label)) for label in labels)


@dataclass(frozen=True)
class Comparison:
    """A program against the baseline on the same ``n`` held-out questions, over ``seeds`` draws of it.

    ``gained`` and ``lost`` are questions that just one of the two got right, for a mean seed, and ``rewritten`` those
    for which it wrote another statement, right or not. ``p`` is exact, by
    flipping signs question by question, which for one seed is McNemar's; ``p_corrected`` is Holm's, over all programs
    compared. ``low`` and ``high`` bound the difference of the shares over questions and seeds (bootstrap, 95 %),
    uncorrected.
    ``more_needed`` says how many more held-out questions would tell with a chance of 80 %, if the difference seen is
    the true one; None where none is seen.
    """

    label: str
    n: int
    seeds: int
    gained: float
    lost: float
    rewritten: float
    p: float
    p_corrected: float
    low: float
    high: float
    more_needed: int | None

    @property
    def is_told(self) -> bool:
        return self.p_corrected < SIGNIFICANT

    def __str__(self) -> str:
        over = f" (mean of {self.seeds} seeds)" if self.seeds > 1 else ""
        flips = f"{self.gained:.3g} gained, {self.lost:.3g} lost of {self.n}{over}"
        if self.is_told:
            return f"{'better' if self.gained > self.lost else 'worse'}: {flips}, p = {self.p_corrected:.3f}"
        if self.more_needed is None:
            return f"no difference seen: {flips}"
        return f"too few questions to tell: {flips}, p = {self.p_corrected:.2f}; about {self.more_needed:,} more would"


def comparisons(results: Results, baseline: str = BASELINE) -> tuple[Comparison, ...]:
    """Each finished program against the baseline; none where the baseline has not finished."""
    finished = [program for program in programs(results) if program.is_finished]
    base = next((program for program in finished if program.label == baseline), None)
    if base is None:
        return ()
    others = [program for program in finished if program is not base]
    differences = [_differences(base.right(), program.right()) for program in others]
    p_values = [sign_flip_p(each) for each in differences]
    corrected = holm(p_values)
    return tuple(
        _comparison(base, program, each, p, p_corrected, SIGNIFICANT / len(others))
        for program, each, p, p_corrected in zip(others, differences, p_values, corrected, strict=True)
    )


def _differences(first: Sequence[Sequence[bool]], second: Sequence[Sequence[bool]]) -> list[int]:
    """For each question, how often the second got it right beyond the first, over all pairs of their seeds."""
    ones, others = ([sum(answers) for answers in zip(*each, strict=True)] for each in (first, second))
    return [other * len(first) - one * len(second) for one, other in zip(ones, others, strict=True)]


def _comparison(
    base: Program, program: Program, differences: Sequence[int], p: float, p_corrected: float, significance: float
) -> Comparison:
    n, pairs = len(differences), len(base.rows) * len(program.rows)
    flips = [
        (not one[place] and other[place], one[place] and not other[place])
        for one in base.right()
        for other in program.right()
        for place in range(n)
    ]
    gained, lost = (sum(kind) / pairs for kind in zip(*flips, strict=True))
    mean, mean_square = sum(differences) / pairs / n, sum(each**2 for each in differences) / pairs**2 / n
    needed = differences_needed(mean_square, mean, significance=significance) if mean else None
    return Comparison(
        program.label,
        n,
        len(program.rows),
        gained,
        lost,
        _rewritten(base, program),
        p,
        p_corrected,
        *crossed_bootstrap(base.right(), program.right()),
        None if needed is None else max(1, needed - n),
    )


def _rewritten(base: Program, program: Program) -> float:
    """For how many questions the statement is another, for a mean pair of seeds; white space apart."""
    pairs = [(one, other) for one in base.rows for other in program.rows]
    others = [
        left.sql.split() != right.sql.split()
        for one, other in pairs
        for left, right in zip(one.testset, other.testset, strict=True)
    ]
    return sum(others) / len(pairs)


@dataclass(frozen=True)
class Flip:
    """A held-out question that just one of two programs got right.

    ``results`` are the first rows of both statements and of the gold one, as text.
    """

    question: str
    gold: str
    first: Score
    second: Score
    results: tuple[str, str, str]


def flips(results: Results, first: str, second: str, databases: Databases) -> tuple[Flip, ...]:
    """The questions that flipped between two programs, each the draw that its valset chose.

    Their statements are run again for their rows, which are kept nowhere.
    """
    one, other = (next(each.chosen for each in programs(results) if each.label == name) for name in (first, second))
    return tuple(
        Flip(left.question, left.gold, left, right, _results_of(left, right, databases))
        for left, right in zip(one.testset, other.testset, strict=True)
        if left.correct != right.correct
    )


def _results_of(first: Score, second: Score, databases: Databases) -> tuple[str, str, str]:
    one, other = (preview(databases, score.db_id, score.sql) if score.sql else score.error for score in (first, second))
    return one, other, gold_preview(databases, first.db_id, first.gold)


def count_right(scores: Sequence[Score]) -> int:
    """How many of the answers are right."""
    return sum(score.correct for score in scores)


def percent_right(scores: Sequence[Score]) -> float:
    """Their share of all answers, in percent; 0 of none."""
    return 100 * count_right(scores) / len(scores) if scores else 0.0
