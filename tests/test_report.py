"""Tables come from results, say how sure they are, and keep published figures apart."""

import pytest

from t2s_magic.study.metering import Usage
from t2s_magic.study.report import Table, comparisons, flipped, optimism, plot, published_table, table
from t2s_magic.study.runs import Results, Row
from t2s_magic.study.scoring import Score


def row(label: str, right: str, *, valset: str = "++", **more) -> Row:
    """A row whose testset is right where ``right`` has a plus."""

    def scores(marks: str) -> tuple[Score, ...]:
        return tuple(
            Score("db", f"Question {place}?", "SELECT 1", f"SELECT '{label}'", mark == "+", "boom" * (mark == "!"))
            for place, mark in enumerate(marks)
        )

    usage = Usage(len(right), 0, 100, 10)
    return Row(label, label, {}, "finished", valset=scores(valset), testset=scores(right), usage=usage, **more)


def results(*rows: Row) -> Results:
    return Results({}, rows)


def test_a_table_shows_shares_with_intervals_errors_and_costs():
    shown = str(table(results(row("none", "++--"), row("Labeled", "+++!"))))
    assert "2/4 = 50.0 % [15.0, 85.0]" in shown
    assert "3/4 = 75.0 % [30.1, 95.4]" in shown
    labeled = next(line for line in shown.splitlines() if line.startswith("Labeled"))
    assert labeled.split("  ")[-1] == "too few questions to tell: 1 gained, 0 lost of 4, p = 1.00; about 25 more would"
    assert [word for word in labeled.split() if word.isdigit()][:3] == ["1", "4", "110"]


def test_a_clear_difference_is_told_after_correction():
    clear, unclear = comparisons(results(row("none", "-" * 20), row("a", "+" * 12 + "-" * 8), row("b", "+" + "-" * 19)))
    assert str(clear) == "better: 12 gained, 0 lost of 20, p = 0.001"
    assert (clear.p_corrected, clear.is_told) == (pytest.approx(2 * 2 / 2**12), True)
    assert not unclear.is_told
    assert clear.low > 0


def test_no_difference_is_said_so():
    (same,) = comparisons(results(row("none", "+-+"), row("a", "-++")))
    assert str(same) == "no difference seen: 1 gained, 1 lost of 3"


def test_without_a_baseline_nothing_is_compared():
    assert comparisons(results(row("a", "+-"))) == ()


def test_questions_that_flipped_stand_side_by_side():
    shown = flipped(results(row("none", "+-+"), row("a", "-++")), "none", "a")
    assert shown.rows == (
        ("Question 0?", "none", "SELECT 'none'", "SELECT 'a'"),
        ("Question 1?", "a", "SELECT 'none'", "SELECT 'a'"),
    )


def test_the_optimism_of_choosing_is_shown_against_held_out_questions():
    shown = optimism(results(row("none", "++"), row("search", "+-+-", candidates=(50.0, 100.0))))
    assert shown.rows == (("search", "2", "100.0 % of 2", "2/4 = 50.0 % [15.0, 85.0]", "+50.0 points"),)


def test_a_stopped_row_says_why():
    stopped = Row("a", "a", {}, "stopped", "the budget of 5 calls is spent")
    assert "stopped: the budget of 5 calls is spent" in str(table(results(stopped)))


def test_html_is_escaped():
    assert "<b>" not in Table(("a",), (("<b>x</b>",),))._repr_html_()


def test_the_published_table_has_its_misprint_noted():
    shown = str(published_table())
    assert "53/75 = 70.7 %" in shown
    assert "printed as 70.07 %, which no k of 75 gives: 53/75 is 70.67 %" in shown
    assert "nothing was executed" in shown


def test_a_plot_has_a_point_for_each_program():
    shown = plot(results(row("none", "+-"), row("a", "++")))
    assert shown._repr_png_().startswith(b"\x89PNG")
    assert [label.get_text() for label in shown.figure.axes[0].get_yticklabels()] == ["a", "none"]
