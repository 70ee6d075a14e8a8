"""What a study found, as tables: every figure comes from results, none is typed; the published figures stand apart."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from t2s_magic.study.compare import (
    BASELINE,
    Flip,
    IsRight,
    Program,
    comparisons,
    count_right,
    flips,
    percent_right,
    programs,
)
from t2s_magic.study.databases import Databases
from t2s_magic.study.optimizers import OPTIMIZERS
from t2s_magic.study.plan import Results, Row
from t2s_magic.study.scoring import Score
from t2s_magic.study.statistics import (
    best_by_chance,
    kappa,
    kappa_interval,
    mcnemar_p,
    questions_needed,
    share_with_interval,
)

DIFFERENCES = (2, 5, 8, 10, 15, 20)
USUAL_FLIPS = 0.25


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


def table(results: Results) -> Table:
    """One line a program: right on the valset it was chosen by and on the held-out questions, and what it cost."""
    compared = {comparison.label: str(comparison) for comparison in comparisons(results)}
    found = programs(results)
    has_copies = any(_has(program, "right_on_copies") for program in found)
    columns = ("program", "valset", "held out", *(["on copies too"] if has_copies else []), "errors", "same form")
    columns += ("LM calls", "tokens", "cost", "s", "demos", f"against {BASELINE}")
    rows = tuple(
        (
            program.label,
            program.share("valset"),
            program.share("testset"),
            *([program.share("testset", is_right_on_copies)] if has_copies else []),
            _number_of(program, lambda score: bool(score.error)),
            _number_of(program, lambda score: score.same_form),
            f"{program.usage.calls:,}" + (f" + {program.usage.repeated:,} kept" if program.usage.repeated else ""),
            f"{program.usage.prompt_tokens + program.usage.completion_tokens:,}",
            money(program.usage.dollars),
            f"{sum(row.seconds for row in program.all_rows):,.0f}",
            _demos(program.chosen),
            program.problem or compared.get(program.label, ""),
        )
        for program in found
    )
    return Table(columns, rows, _notes(results, found))


def _demos(row: Row) -> str:
    known = OPTIMIZERS.get(row.optimizer)
    return "by question" if known is not None and known.is_per_question else str(len(row.demos))


def _notes(results: Results, found: Sequence[Program]) -> tuple[str, ...]:
    is_seeded = any(len(program.all_rows) > 1 for program in found)
    over = " Those of several seeds are over questions and seeds (bootstrap); p flips signs by question." * is_seeded
    return (
        f"Shares with 95 % Wilson intervals; p by McNemar's exact test, corrected by Holm.{over}",
        *paid(results),
        *(_judge_note(program) for program in found if _has(program, "judged")),
    )


def paid(results: Results) -> tuple[str, ...]:
    """What all answers kept in the study's folder took; the built-in model's cost nothing and are not kept."""
    spent = results.spent
    return (f"All answers kept so far: {spent.calls:,} calls, {money(spent.dollars)}.",) if spent.calls else ()


def money(dollars: float | None) -> str:
    """Dollars as a person reads them; an LM whose price nobody told is said so."""
    if dollars is None:
        return "price not known"
    return f"${dollars:,.4f}" if 0 < dollars < 1 else f"${dollars:,.2f}"


def _has(program: Program, measure: str) -> bool:
    return any(getattr(row.testset[0], measure) is not None for row in program.rows)


def _number_of(program: Program, is_counted: IsRight) -> str:
    counted = [each for answers in program.right(is_counted) for each in answers]
    return f"{sum(counted)} of {len(counted)}"


def is_right_on_copies(score: Score) -> bool:
    """Test-suite accuracy: right on the database, and on every copy with other rows."""
    return bool(score.correct and score.right_on_copies)


def _is_judged_right(score: Score) -> bool:
    return bool(score.judged)


def _judge_note(program: Program) -> str:
    """The judge's share, and how far it agrees with execution."""
    right, yes = program.right(), program.right(_is_judged_right)
    pairs = list(zip(chain(*right), chain(*yes), strict=True))
    agreed = sum(one == other for one, other in pairs)
    return (
        f"{program.label}: the judge says {program.share('testset', _is_judged_right)}; "
        f"it agrees with execution on {agreed} of {len(pairs)}, kappa {_kappa(right, yes)}."
    )


def _kappa(right: Sequence[Sequence[bool]], yes: Sequence[Sequence[bool]]) -> str:
    value, interval = kappa(list(chain(*right)), list(chain(*yes))), kappa_interval(right, yes)
    if value is None or interval is None:
        return "not defined: one of the two said the same of every answer"
    return f"{value:.2f} [{interval[0]:.2f}, {interval[1]:.2f}]"


def seeds(results: Results) -> Table:
    """One line a program and seed: what each draw of demos gave, and McNemar's p against the baseline, uncorrected."""
    base = next((row for row in results.rows if row.label == BASELINE and row.testset), None)
    rows = tuple(
        (
            row.label,
            str(row.seed),
            share_with_interval(count_right(row.valset), len(row.valset)),
            share_with_interval(count_right(row.testset), len(row.testset)),
            _against(base, row) if base is not None and row is not base else "",
        )
        for row in results.rows
        if row.testset
    )
    return Table(("program", "seed", "valset", "held out", f"against {BASELINE}"), rows)


def _against(base: Row, row: Row) -> str:
    pairs = [(one.correct, other.correct) for one, other in zip(base.testset, row.testset, strict=True)]
    gained, lost = pairs.count((False, True)), pairs.count((True, False))
    return f"{gained} gained, {lost} lost, p = {mcnemar_p(gained, lost):.2f}"


def flipped(results: Results, first: str, second: str, databases: Databases) -> Table:
    """The held-out questions that just one of two programs got right, with both statements and what they returned."""
    return flip_table(flips(results, first, second, databases), first, second)


def flip_table(found: Sequence[Flip], first: str, second: str) -> Table:
    """Flips of two programs as a table, with what the gold SQL returns beside them."""
    rows = tuple(
        (
            flip.question,
            second if flip.second.correct else first,
            _shown(flip.first, flip.results[0]),
            _shown(flip.second, flip.results[1]),
            flip.results[2],
        )
        for flip in found
    )
    notes = () if rows else ("No question flipped.",)
    return Table(("question", "right", first, second, "what is right"), rows, notes)


def _shown(score: Score, result: str) -> str:
    statement = " ".join(score.sql.split()) or score.error
    return f"{statement} → {result}" if result and score.sql else statement


def optimism(results: Results) -> Table:
    """How far the best of several candidates falls from its score on the questions that chose it to held-out ones.

    Beside it, how far the baseline fell, which nothing chose; and what the best of so many would show on so few
    questions by chance alone, were each of them as good as the held-out share says.
    """
    base = next((row for row in results.rows if row.label == BASELINE and row.testset), None)
    rows = tuple(_fall(row, base) for row in results.rows if row.candidates and row.testset)
    columns = ("program", "seed", "candidates", "best on the valset", "held out", "fell by", f"{BASELINE} fell by")
    return Table((*columns, "best by chance"), rows)


def differences(results: Results) -> Table:
    """Each program against no optimizer: statements that changed, questions that flipped, how sure that is."""
    rows = tuple(
        (
            each.label,
            f"{each.rewritten:.3g}",
            f"{each.gained:.3g}",
            f"{each.lost:.3g}",
            str(each.n),
            f"{100 * each.low:+.0f} to {100 * each.high:+.0f} points",
            f"{each.p:.3f}",
            f"{each.p_corrected:.3f}",
            "" if each.is_told or each.more_needed is None else f"{each.more_needed:,} more",
        )
        for each in comparisons(results)
    )
    columns = ("program", "other SQL", "gained", "lost", "of", "difference (95 %)", "p", "p, corrected")
    notes = (
        "Other SQL, gained and lost are means over seeds; p is exact, for the seeds drawn, and Holm's where corrected.",
        "Differences with 95 % intervals by a bootstrap over questions and seeds, uncorrected.",
    )
    return Table((*columns, "questions to tell"), rows, notes)


def sample_sizes(results: Results) -> Table:
    """How many held-out questions it takes to be sure of a difference, if as many flip as did here on average.

    Fewer than the difference itself cannot flip: where fewer did, as many are supposed to.
    """
    found = comparisons(results)
    flipped = sum(each.gained + each.lost for each in found) / sum(each.n for each in found) if found else 0.0
    share = flipped or USUAL_FLIPS
    needed = [(points, questions_needed(max(share, points / 100), points / 100)) for points in DIFFERENCES]
    where = "as here, and more where the difference alone is more" if flipped else "for example: none did here"
    note = f"At 5 %, two-sided, with a chance of 80 % to find it, if {100 * share:.0f} % of questions flip, {where}."
    return Table(("difference", "questions"), tuple((f"{points} points", f"{n:,}") for points, n in needed), (note,))


def _fall(row: Row, base: Row | None) -> tuple[str, ...]:
    best, right, n = max(row.candidates), count_right(row.testset), len(row.testset)
    return (
        row.label,
        str(row.seed),
        str(len(row.candidates)),
        f"{best:.1f} % of {len(row.valset)}",
        share_with_interval(right, n),
        _points(best - 100 * right / n),
        _points(percent_right(base.valset) - percent_right(base.testset)) if base is not None else "",
        f"{100 * best_by_chance(right / n, len(row.candidates), len(row.valset)):.1f} %",
    )


def _points(fall: float) -> str:
    """How far a share fell; what rose has a minus."""
    return f"{fall:+.1f} points"
