import numpy as np
import pytest

from t2s_magic.study.statistics import (
    best_by_chance,
    crossed_bootstrap,
    differences_needed,
    holm,
    kappa,
    kappa_interval,
    mcnemar_p,
    questions_needed,
    share_with_interval,
    sign_flip_p,
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


def test_the_bootstrap_covers_the_difference_and_repeats_itself():
    first, second = [True] * 50 + [False] * 50, [True] * 70 + [False] * 30
    low, high = crossed_bootstrap([first], [second])
    assert low < 0.2 < high
    assert (low, high) == crossed_bootstrap([first], [second])


def test_seeds_that_differ_widen_the_interval_and_equal_ones_do_not():
    answers = [True] * 60 + [False] * 40
    one = crossed_bootstrap([answers])
    assert crossed_bootstrap([answers] * 3) == pytest.approx(one, abs=0.02)
    low, high = crossed_bootstrap([answers, [not answer for answer in answers], answers])
    assert high - low > 1.2 * (one[1] - one[0])


def test_intervals_of_few_questions_are_wide_even_where_none_was_wrong_or_flipped():
    assert crossed_bootstrap([[True] * 12]) == pytest.approx(wilson_interval(12, 12), abs=0.1)
    low, high = crossed_bootstrap([[True] * 32], [[True] * 32])
    # With none of 32 questions flipped, up to one in eleven may: 1 - 0.05 ** (1 / 32).
    assert -low == high == pytest.approx(0.09, abs=0.03)


def test_the_interval_of_a_difference_that_few_flips_show_holds_it_as_often_as_it_says():
    chance, held = np.random.default_rng(0), 0
    for _ in range(200):
        first = [True] * 40
        second = [drawn > 0.05 for drawn in chance.random(40)]
        low, high = crossed_bootstrap([first], [second], samples=500)
        held += low <= -0.05 <= high
    assert held >= 190


def test_answers_of_several_seeds_to_a_question_are_no_new_questions_to_a_judge():
    first, second = [True] * 12 + [False] * 8, ([True] * 9 + [False] * 3) + ([True] * 3 + [False] * 5)
    assert kappa_interval([first] * 3, [second] * 3) == kappa_interval([first], [second])


def test_programs_that_answered_different_questions_are_not_paired():
    with pytest.raises(ValueError, match=r"\[1, 2\] questions"):
        crossed_bootstrap([[True, False]], [[True]])


@pytest.mark.parametrize(("gained", "lost"), [(0, 0), (9, 1), (5, 5), (14, 8), (40, 3)])
def test_flipping_signs_is_mcnemars_test_for_one_seed(gained, lost):
    differences = [1] * gained + [-1] * lost + [0] * 10
    assert sign_flip_p(differences) == pytest.approx(mcnemar_p(gained, lost))


def test_several_seeds_of_the_same_questions_are_no_new_questions():
    # Six questions gained with each of three seeds are six questions, and not eighteen.
    assert sign_flip_p([3] * 6) == pytest.approx(mcnemar_p(6, 0))
    # Of the eight ways to sign 3, 1 and 1, two sum to 5 either way.
    assert sign_flip_p([3, 1, 1]) == pytest.approx(2 / 8)


def test_kappa_is_the_agreement_beyond_chance():
    # 20 yes-yes, 15 no-no, 5 and 10 apart: 0.7 agreed, 0.5 by chance (Wikipedia's example, after Cohen 1960).
    first = [True] * 25 + [False] * 25
    second = [True] * 20 + [False] * 5 + [True] * 10 + [False] * 15
    assert kappa(first, second) == pytest.approx(0.4)
    low, high = kappa_interval([first], [second])
    assert 0.1 < low < 0.4 < high < 0.7


def test_kappa_is_not_defined_where_one_word_was_given_throughout():
    assert kappa([True, True], [True, True]) is None
    assert kappa_interval([[True, True]], [[True, True]]) is None


def test_the_best_of_many_on_few_questions_looks_better_than_it_is():
    assert best_by_chance(0.5, 1, 10) == pytest.approx(0.5)
    # Two coins thrown once each: the better shows heads three times of four.
    assert best_by_chance(0.5, 2, 1) == pytest.approx(0.75)
    assert best_by_chance(0.68, 11, 25) > 0.8


def test_holm_corrects_the_smallest_most():
    assert holm([0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.03, 0.06])


def test_a_stricter_test_and_smaller_differences_need_more_questions():
    assert questions_needed(0.2, 0.1, significance=0.025) > questions_needed(0.2, 0.1)
    assert differences_needed(0.2, 0.1) == questions_needed(0.2, 0.1)
    assert differences_needed(1 / 9, 1 / 3) < 20


def test_a_small_difference_needs_many_questions():
    assert questions_needed(0.2, 0.05) == pytest.approx(626, abs=3)
    with pytest.raises(ValueError, match="above 0"):
        questions_needed(0.1, 0.2)
