import datetime
from decimal import Decimal

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


def test_lists_and_missing_numbers_can_be_compared():
    assert is_same_result([([1, 2], float("nan"))], [([1, 2], float("nan"))], ordered=False)
