import datetime
from decimal import Decimal

import pytest

from t2s_magic.study.metric import is_same_result


def test_rows_in_another_order_are_the_same_unless_the_gold_orders_them():
    assert is_same_result([(1,), (2,)], [(2,), (1,)], ordered=False)
    assert not is_same_result([(1,), (2,)], [(2,), (1,)], ordered=True)


def test_a_row_that_comes_twice_counts_twice():
    assert not is_same_result([(1,), (1,), (2,)], [(1,), (2,), (2,)], ordered=False)


def test_columns_in_another_order_are_another_answer():
    assert not is_same_result([("Ada", 36)], [(36, "Ada")], ordered=False)


def test_numbers_compare_by_value_across_engines():
    assert is_same_result([(Decimal("1.50"), 2, True)], [(1.5, 2.0, 1)], ordered=True)
    assert is_same_result([(0.1 + 0.2,)], [(0.3,)], ordered=True)


def test_a_number_is_not_its_text_and_null_is_not_empty():
    assert not is_same_result([("1",)], [(1,)], ordered=False)
    assert not is_same_result([(None,)], [("",)], ordered=False)


def test_a_date_is_its_iso_text_as_sqlite_keeps_it():
    assert is_same_result([(datetime.date(2021, 3, 1),)], [("2021-03-01",)], ordered=False)
    assert is_same_result([(datetime.datetime(2021, 3, 1, 12, 30),)], [("2021-03-01 12:30:00",)], ordered=False)


@pytest.mark.parametrize(
    ("theirs", "text"),
    [
        (datetime.datetime(2020, 1, 1), "2020-01-01 00:00:00"),
        (datetime.date(2020, 1, 1), "2020-01-01 00:00:00"),
        (datetime.datetime(2020, 1, 1), "2020-01-01"),
        (datetime.datetime(2020, 1, 1, 12, 30, 0, 500_000), "2020-01-01T12:30:00.5"),
    ],
)
def test_a_moment_that_sqlite_keeps_as_text_is_that_of_another_engine(theirs, text):
    assert is_same_result([(theirs,)], [(text,)], ordered=False)
    assert is_same_result([(text,)], [(theirs,)], ordered=False)


def test_two_texts_are_compared_as_they_are_and_a_day_that_is_none_stays_text():
    assert not is_same_result([("2020-01-01 00:00:00",)], [("2020-01-01",)], ordered=False)
    assert not is_same_result([(datetime.date(2020, 3, 2),)], [("2020-02-31 00:00:00",)], ordered=False)
    assert not is_same_result([(datetime.datetime(2020, 1, 1, 8),)], [("2020-01-01 00:00:00",)], ordered=False)


def test_lists_and_missing_numbers_can_be_compared():
    assert is_same_result([([1, 2], float("nan"))], [([1, 2], float("nan"))], ordered=False)
