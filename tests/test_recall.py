"""Approved pairs change what the built-in model answers, where they are about the same."""

from __future__ import annotations

import sqlite3

import pytest

from t2s_magic.builtin.model import BuiltinModel, Demo, load_model
from t2s_magic.database.values import Value
from t2s_magic.schema import Column, ForeignKey, Schema, Table

SHOP = Schema(
    "sqlite",
    (
        Table(
            "customer",
            (Column("id", "INTEGER"), Column("name", "TEXT"), Column("country", "TEXT"), Column("state", "TEXT")),
            primary_key=("id",),
        ),
        Table(
            "purchase",
            (Column("id", "INTEGER"), Column("customer_id", "INTEGER"), Column("total", "REAL"), Column("day", "DATE")),
            primary_key=("id",),
            foreign_keys=(ForeignKey(("customer_id",), "customer", ("id",)),),
        ),
    ),
)
ACTIVE = Demo("How many active customers are there?", "SELECT COUNT(*) FROM customer WHERE state = 'A'")
BIG = Demo(
    "Which customers from Peru are big?",
    "SELECT name FROM customer JOIN purchase ON purchase.customer_id = "
    "customer.id WHERE country = 'Peru' GROUP BY customer.id HAVING SUM(total) > 1000",
)


@pytest.fixture(scope="module")
def model() -> BuiltinModel:
    return load_model()


def best(model: BuiltinModel, question: str, demos: list[Demo], values: tuple[Value, ...] = ()) -> str:
    return " ".join(model.read(question, SHOP, demos=demos, values=values).readings[0].sql.split())


@pytest.mark.parametrize(
    "question", [ACTIVE.question, "how many ACTIVE customers are there", "How many active customer are there ?"]
)
def test_a_question_asked_again_gets_the_very_statement_that_was_approved(model: BuiltinModel, question: str) -> None:
    reading = model.read(question, SHOP, demos=[BIG, ACTIVE]).readings[0]

    assert reading.sql == ACTIVE.sql
    assert reading.probability > 0.95


def test_the_latest_of_two_statements_for_one_question_counts(model: BuiltinModel) -> None:
    corrected = Demo(ACTIVE.question, "SELECT COUNT(*) FROM customer WHERE state = 'ACT'")

    assert best(model, ACTIVE.question, [ACTIVE, corrected]) == corrected.sql


def test_what_a_word_means_here_is_learned_from_a_pair(model: BuiltinModel) -> None:
    sql = best(model, "How many active customers do we have?", [ACTIVE])

    assert "state = 'A'" in sql


def test_the_same_question_about_another_value_is_offered_the_statement_with_that_value(model: BuiltinModel) -> None:
    chile = Value("Chile", "customer", "country", "Chile")

    readings = model.read("Which customers from Chile are big?", SHOP, demos=[BIG], values=(chile,)).readings

    (adapted,) = [reading.sql for reading in readings if "SUM(purchase.total) > 1000" in reading.sql]
    assert "'Chile'" in adapted
    assert all("'Peru'" not in reading.sql for reading in readings)


def test_a_pair_about_something_else_changes_no_answer(model: BuiltinModel) -> None:
    question = "What is the average total of purchases?"

    assert best(model, question, [ACTIVE, BIG]) == best(model, question, [])


def test_a_follow_up_is_answered_from_the_pair_before(model: BuiltinModel) -> None:
    before = Demo(
        "How many purchases were made in 2019?", "SELECT COUNT(*) FROM purchase WHERE strftime('%Y', day) = '2019'"
    )

    sql = best(model, "and in 2020?", [before])

    assert sqlite3.complete_statement(sql + ";")
    assert "COUNT(*)" in sql
    assert "'2020'" in sql


def test_a_typing_error_changes_no_answer(model: BuiltinModel) -> None:
    assert best(model, "averge total of purchasses per custmer", []) == best(
        model, "average total of purchases per customer", []
    )
