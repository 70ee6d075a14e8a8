"""The table that the published study printed: never set in one table with what is measured here."""

from __future__ import annotations

from dataclasses import dataclass

from t2s_magic.study.report import Table
from t2s_magic.study.statistics import mcnemar_p, questions_needed, share_with_interval


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


def published_differences(flip_share: float = 0.25) -> Table:
    """What can be said of the differences printed, though which questions flipped was not.

    ``flip_share`` of the questions are supposed to have flipped; the smallest p that could be is that of no question
    lost.
    """
    pairs = ((1, 2), (2, 3), (1, 3), (3, 0))
    rows = tuple(_difference(PUBLISHED[first], PUBLISHED[second], flip_share) for first, second in pairs)
    columns = ("from", "to", "difference", "smallest p", f"p if {100 * flip_share:.0f} % flipped", "questions to tell")
    return Table(columns, rows, ("p by McNemar's exact test, uncorrected.",))


def _difference(first: Published, second: Published, flip_share: float) -> tuple[str, ...]:
    gained = second.testset - first.testset
    flips = max(abs(gained), round(flip_share * PUBLISHED_N))
    flips += (flips - gained) % 2
    usual = mcnemar_p((flips - gained) // 2, (flips + gained) // 2)
    return (
        f"{first.lm}, {first.optimizer}",
        f"{second.lm}, {second.optimizer}",
        f"{100 * gained / PUBLISHED_N:+.1f} points",
        f"{mcnemar_p(0, abs(gained)):.3f}",
        f"{usual:.3f}",
        f"{questions_needed(max(flip_share, abs(gained) / PUBLISHED_N), gained / PUBLISHED_N):,}",
    )
