import pytest

from t2s_magic.study.statistics import (
    holm,
    mcnemar_p,
    paired_bootstrap,
    questions_needed,
    share_with_interval,
    wilson_interval,
)


def test_wilson_interval_matches_a_published_example():
    # 81 of 263: Newcombe, Statistics in Medicine 17 (1998), table I, method 3.
    low, high = wilson_interval(81, 263)
    assert (round(low, 4), round(high, 4)) == (0.2553, 0.3662)


def test_a_share_is_written_with_its_interval():
    assert share_with_interval(15, 20) == "15/20 = 75.0 % [53.1, 88.8]"
    assert share_with_interval(0, 0) == "0/0"


def test_mcnemar_is_the_binomial_test_of_the_questions_that_flipped():
    # Ten flips, one of them the other way: 2 * (1 + 10) / 1024.
    assert mcnemar_p(1, 9) == pytest.approx(22 / 1024)
    assert mcnemar_p(0, 0) == 1.0
    assert mcnemar_p(5, 5) == 1.0


def test_the_published_difference_is_not_significant():
    # Starling, 60 % against 68 % of 75 questions: six more, which 8 flips one way and 14 the other would give.
    assert mcnemar_p(8, 14) > 0.2


def test_the_paired_bootstrap_covers_the_difference_and_repeats_itself():
    first, second = [True] * 50 + [False] * 50, [True] * 70 + [False] * 30
    low, high = paired_bootstrap(first, second)
    assert low < 0.2 < high
    assert (low, high) == paired_bootstrap(first, second)


def test_programs_that_answered_different_questions_are_not_paired():
    with pytest.raises(ValueError, match="2 and 1 questions"):
        paired_bootstrap([True, False], [True])


def test_holm_corrects_the_smallest_most():
    assert holm([0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.03, 0.06])


def test_a_small_difference_needs_many_questions():
    assert questions_needed(0.2, 0.05) == pytest.approx(626, abs=3)
    with pytest.raises(ValueError, match="above 0"):
        questions_needed(0.1, 0.2)
