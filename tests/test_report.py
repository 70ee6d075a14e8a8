"""Tables come from results, say how sure they are, and keep published figures apart."""

import re
import sqlite3
from dataclasses import replace

import pytest

from t2s_magic.study.compare import comparisons, programs
from t2s_magic.study.databases import FileDatabases
from t2s_magic.study.metering import Usage
from t2s_magic.study.plan import Results, Row
from t2s_magic.study.plots import plot, published_plot
from t2s_magic.study.printed import published_table
from t2s_magic.study.report import Table, flipped, optimism, sample_sizes, seeds, table
from t2s_magic.study.scoring import Score


def row(label: str, right: str, *, valset: str = "++", **more) -> Row:
    """A row whose testset is right where ``right`` has a plus."""

    def scores(marks: str) -> tuple[Score, ...]:
        return tuple(
            Score("db", f"Question {place}?", "SELECT 1", f"SELECT '{label}' AS x", mark == "+", "boom" * (mark == "!"))
            for place, mark in enumerate(marks)
        )

    usage = Usage(len(right), 0, 100, 10, dollars=0.0012)
    return Row(label, "none", {}, "finished", valset=scores(valset), testset=scores(right), usage=usage, **more)


def results(*rows: Row) -> Results:
    return Results({}, rows)


@pytest.fixture
def databases(tmp_path):
    sqlite3.connect(tmp_path / "db.sqlite").execute("CREATE TABLE t (x)").connection.close()
    databases = FileDatabases(tmp_path)
    yield databases
    databases.close()


def test_a_table_shows_shares_with_intervals_errors_and_costs():
    shown = str(table(results(row("none", "++--"), row("Labeled", "+++!"))))
    assert "2/4 = 50.0 % [15.0, 85.0]" in shown
    assert "3/4 = 75.0 % [30.1, 95.4]" in shown
    labeled = next(line for line in shown.splitlines() if line.startswith("Labeled"))
    assert labeled.split("  ")[-1] == "too few questions to tell: 1 gained, 0 lost of 4, p = 1.00; about 25 more would"
    assert "1 of 4  0 of 4     4         110" in labeled
    assert "$0.0012" in labeled


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


def test_questions_that_flipped_stand_side_by_side_with_what_they_return(databases):
    shown = flipped(results(row("none", "+-+"), row("a", "-++")), "none", "a", databases)
    assert shown.rows == (
        ("Question 0?", "none", "SELECT 'none' AS x → none", "SELECT 'a' AS x → a", "1"),
        ("Question 1?", "a", "SELECT 'none' AS x → none", "SELECT 'a' AS x → a", "1"),
    )


def test_a_statement_that_does_not_run_says_why_in_place_of_rows(databases):
    wrong = replace(row("a", "-"), testset=tuple(replace(score, sql="DROP TABLE t") for score in row("a", "-").testset))
    (shown,) = flipped(results(row("none", "+"), wrong), "none", "a", databases).rows
    assert shown[3].startswith("DROP TABLE t → Only reading")


def test_several_seeds_are_one_line_with_an_interval_over_both():
    found = results(row("none", "++--"), row("a", "+++-"), row("a", "++++", seed=1))
    shown = str(table(found))
    assert shown.count("\na ") == 1
    assert re.search(r"7/8 = 87\.5 % \[\d\d\.\d, \d+\.\d\], 2 seeds", shown)
    assert "1.5 gained, 0 lost of 4 (mean of 2 seeds)" in shown
    assert "p flips signs by question" in shown
    assert [line[:2] for line in seeds(found).rows] == [("none", "0"), ("a", "0"), ("a", "1")]
    assert seeds(found).rows[2][4] == "2 gained, 0 lost, p = 0.50"


def test_the_seed_that_is_used_is_chosen_by_its_valset_and_not_by_held_out_questions():
    lucky, chosen = row("a", "++++", valset="+-"), row("a", "----", valset="++", seed=1)
    (program,) = programs(results(lucky, chosen))
    assert program.chosen.seed == 1


def test_lucky_answers_are_a_column_of_their_own():
    scores = row("none", "++-").testset
    checked = tuple(replace(score, right_on_copies=place > 0) for place, score in enumerate(scores))
    assert "1/3 = 33.3 %" in str(table(results(replace(row("none", "++-"), testset=checked))))


def test_a_judge_is_shown_with_its_agreement():
    scores = row("none", "++--" * 5).testset
    judged = tuple(replace(score, judged=place % 2 == 0) for place, score in enumerate(scores))
    shown = str(table(results(replace(row("none", "++--" * 5), testset=judged))))
    assert (
        "none: the judge says 10/20 = 50.0 % [29.9, 70.1]; it agrees with execution on 10 of 20, kappa 0.00 [" in shown
    )


def test_what_all_kept_answers_cost_is_said_and_an_unknown_price_too():
    paid = replace(results(row("none", "+")), spent=Usage(12, dollars=1.5))
    assert "All answers kept so far: 12 calls, $1.50." in str(table(paid))
    unpriced = replace(row("none", "+"), usage=Usage(1, dollars=None))
    assert "price not known" in str(table(results(unpriced)))


def test_the_optimism_of_choosing_is_shown_against_held_out_questions():
    shown = optimism(results(row("none", "+++-"), row("search", "+-+-", candidates=(50.0, 100.0))))
    # The better of two programs that are right one time in two shows, on two questions, 69 %: 11/16.
    fall = ("search", "0", "2", "100.0 % of 2", "2/4 = 50.0 % [15.0, 85.0]", "+50.0 points", "+25.0 points", "68.8 %")
    assert shown.rows == (fall,)


def test_sample_sizes_are_told_even_where_hardly_a_question_flipped():
    shown = sample_sizes(results(row("none", "+" * 50), row("a", "+" * 49 + "-")))
    assert [difference for difference, _ in shown.rows] == [f"{points} points" for points in (2, 5, 8, 10, 15, 20)]
    assert "if 2 % of questions flip, as here" in shown.notes[0]


def test_lucky_answers_of_several_seeds_are_no_new_questions():
    scores = tuple(replace(score, right_on_copies=True) for score in row("a", "+" * 8 + "-" * 8).testset)
    seeded = [replace(row("a", "", seed=seed), testset=scores) for seed in (0, 1, 2)]
    _, _, held_out, on_copies, *_ = table(results(*seeded)).rows[0]
    assert on_copies == held_out
    assert re.fullmatch(r"24/48 = 50\.0 % \[[23]\d\.\d, [67]\d\.\d\], 3 seeds", on_copies)


def test_a_stopped_row_says_why():
    stopped = Row("a", "none", {}, "stopped", "the budget of 5 calls is spent")
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
    assert "judged right by an LM" in published_plot().figure.axes[0].get_xlabel()
