"""What a study found, in sentences: each figure in them is read from the results."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from t2s_magic.study.compare import BASELINE, Comparison, Program, comparisons, percent_right, programs
from t2s_magic.study.plan import Results
from t2s_magic.study.report import money


@dataclass(frozen=True)
class Findings:
    """Sentences, one a line; a notebook shows them as a list."""

    sentences: tuple[str, ...]

    def __str__(self) -> str:
        return "\n".join(f"- {sentence}" for sentence in self.sentences)

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        return {"text/plain": str(self), "text/markdown": str(self)}


def findings(results: Results) -> Findings:
    """Which program was best, whether that is more than chance, what choosing and luck had to do with it, and costs."""
    measured = [program for program in programs(results) if program.rows]
    if not measured:
        return Findings(("No program was measured yet.",))
    return Findings(tuple(_sentences(results, measured)))


def _sentences(results: Results, measured: list[Program]) -> Iterator[str]:
    best = max(measured, key=lambda program: program.interval()[1])
    yield f"Most held-out questions were right with {best.label}: {best.share('testset')}."
    yield from (_compared(comparison) for comparison in comparisons(results))
    base = next((program for program in measured if program.label == BASELINE), None)
    yield from (_fell(program, base) for program in measured if any(row.candidates for row in program.rows))
    yield from (_lucky(program) for program in measured if program.rows[0].testset[0].right_on_copies is not None)
    if results.spent.calls:
        yield f"All answers together took {results.spent.calls:,} calls and cost {money(results.spent.dollars)}."


def _compared(comparison: Comparison) -> str:
    within = f"the difference lies within {100 * comparison.low:+.0f} to {100 * comparison.high:+.0f} points"
    label, wrote = comparison.label, f"{comparison.label} wrote another statement for {comparison.rewritten:.3g}"
    if not comparison.gained and not comparison.lost:
        return f"{wrote} of {comparison.n} held-out questions, and none flipped against no optimizer; {within}."
    if comparison.is_told:
        better = "better" if comparison.gained > comparison.lost else "worse"
        return f"{label} is {better} than no optimizer: {within} (p = {comparison.p_corrected:.3f})."
    flipped = f"{comparison.gained:.3g} were gained and {comparison.lost:.3g} lost"
    if comparison.more_needed is None:
        return f"{wrote} of {comparison.n} held-out questions: {flipped} against no optimizer; {within}."
    return (
        f"Whether {label} is better than no optimizer is not settled: of {comparison.n} held-out questions it wrote "
        f"another statement for {comparison.rewritten:.3g}, {flipped}; {within}, and about "
        f"{comparison.more_needed:,} more would tell."
    )


def _fell(program: Program, base: Program | None) -> str:
    rows = [row for row in program.rows if row.candidates]
    best, held_out = sum(max(row.candidates) for row in rows) / len(rows), 100 * program.interval()[1]
    beside = "" if base is None else f" No optimizer, which nothing chose, showed {_both_shares(base)}."
    return (
        f"{program.label} chose the best of {len(rows[0].candidates)} programs, which showed {best:.1f} % on the "
        f"{len(rows[0].valset)} questions that chose it, and {held_out:.1f} % on held-out ones.{beside}"
    )


def _both_shares(program: Program) -> str:
    row = program.chosen
    return f"{percent_right(row.valset):.1f} % and {percent_right(row.testset):.1f} %"


def _lucky(program: Program) -> str:
    right = [score for row in program.rows for score in row.testset if score.correct]
    lucky = sum(not score.right_on_copies for score in right)
    return f"Right by luck with {program.label}: of {len(right)} right answers, {lucky} were wrong on other rows."
