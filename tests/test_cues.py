"""The words beside a value say how it is compared."""

from __future__ import annotations

import pytest

from t2s_magic.builtin.candidates import find_candidates
from t2s_magic.builtin.cues import misread_comparisons, misread_order, said_operator
from t2s_magic.builtin.tokens import ColumnRef, Token, ValueRef
from t2s_magic.builtin.tree import read
from t2s_magic.builtin.words import split_words
from t2s_magic.schema import Schema

AGE = ColumnRef(0, 0)


@pytest.mark.parametrize(
    ("question", "operator"),
    [
        ("people older than 25", ">"),
        ("orders over 1,200", ">"),
        ("no more than 3 rooms", "<="),
        ("at least two children", ">="),
        ("films since 1999", ">="),
        ("built before 1900", "<"),
        ("3 or more rooms", ">="),
        ("20 years or older", ">="),
        ("people aged 25", None),
        ("the 5 longest films", None),
    ],
)
def test_a_comparison_is_read_from_the_words_around_the_value(question: str, operator: str | None) -> None:
    value = find_candidates(question, Schema("sqlite", ()), ())[0]

    assert said_operator(value, [word.lower() for word in split_words(question)]) == operator


@pytest.mark.parametrize(
    ("question", "answer", "misread"),
    [
        ("people older than 25", (AGE, "where", AGE, ">", ValueRef(0)), 0.0),
        ("people older than 25", (AGE, "where", AGE, "<", ValueRef(0)), 1.0),
        ("people older than 25", (AGE, "where", AGE, "=", ValueRef(0)), 1.0),
        ("people older than 25", (AGE, "where", AGE, ">=", ValueRef(0)), 0.5),
        ("in the last 30 days", (AGE, "where", AGE, ">=", "days_ago", ValueRef(0)), 0.0),
        ("in the last 30 days", (AGE, "where", AGE, ">=", "months_ago", ValueRef(0)), 1.0),
        ("more than 30 days ago", (AGE, "where", AGE, "<", "days_ago", ValueRef(0)), 0.0),
    ],
)
def test_an_answer_that_compares_otherwise_is_noticed(question: str, answer: tuple[Token, ...], misread: float) -> None:
    candidates = find_candidates(question, Schema("sqlite", ()), ())

    assert misread_comparisons(read(answer), candidates, split_words(question)) == misread


@pytest.mark.parametrize(
    ("question", "order", "misread"),
    [
        ("Show the countries with the most customers first.", ("desc", AGE, "limit_1"), 1.0),
        ("people by age, oldest first", ("desc", AGE, "limit_1"), 1.0),
        ("Show the countries with the most customers first.", ("desc", AGE), 0.0),
        ("Which country has the most customers?", ("desc", AGE, "limit_1"), 0.0),
        ("Who signed up first?", ("desc", AGE, "limit_1"), 0.0),
    ],
)
def test_an_order_that_is_asked_for_is_not_a_single_row(
    question: str, order: tuple[Token, ...], misread: float
) -> None:
    assert misread_order(read((AGE, *order)), split_words(question)) == misread
