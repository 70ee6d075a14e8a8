"""The built-in model with the weights that ship: it answers, stays in bounds, and learns from pairs shown to it."""

from __future__ import annotations

import sqlite3
import threading
import time

import pytest

from t2s_magic.builtin.model import BuiltinModel, Demo, Readings, load_model
from t2s_magic.database.values import Value
from t2s_magic.errors import SchemaError
from t2s_magic.schema import Column, ForeignKey, Schema, Table

SHOP = Schema(
    "sqlite",
    (
        Table(
            "customer",
            (Column("id", "INTEGER"), Column("name", "TEXT"), Column("country", "TEXT"), Column("age", "INTEGER")),
            path=("main",),
            primary_key=("id",),
        ),
        Table(
            "purchase",
            (Column("id", "INTEGER"), Column("customer_id", "INTEGER"), Column("total", "REAL"), Column("day", "DATE")),
            path=("main",),
            primary_key=("id",),
            foreign_keys=(ForeignKey(("customer_id",), "customer", ("id",)),),
        ),
    ),
)


@pytest.fixture(scope="module")
def model() -> BuiltinModel:
    return load_model()


@pytest.fixture(scope="module")
def shop() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:")
    connection.executescript(
        "CREATE TABLE customer (id INTEGER PRIMARY KEY, name TEXT, country TEXT, age INTEGER);"
        "CREATE TABLE purchase (id INTEGER PRIMARY KEY, customer_id INTEGER REFERENCES customer, total REAL, day DATE);"
        "INSERT INTO customer VALUES (1, 'Ada', 'France', 36), (2, 'Bo', 'Peru', 51), (3, 'Cy', 'Peru', 28);"
        "INSERT INTO purchase VALUES (1, 1, 10.0, '2025-01-02'), (2, 2, 5.0, '2025-03-04');"
    )
    return connection


def rows(connection: sqlite3.Connection, readings: Readings) -> list[tuple[object, ...]]:
    return connection.execute(readings.readings[0].sql).fetchall()


def test_a_count_of_a_table_is_answered(model: BuiltinModel, shop: sqlite3.Connection) -> None:
    readings = model.read("How many customers are there?", SHOP)

    assert rows(shop, readings) == [(3,)]


def test_a_cell_found_in_the_database_is_used_as_it_is_spelled_there(
    model: BuiltinModel, shop: sqlite3.Connection
) -> None:
    found = Value("Peru", "customer", "country", "peru", "folded")

    readings = model.read("What are the names of the customers from peru?", SHOP, values=[found])

    assert sorted(rows(shop, readings)) == [("Bo",), ("Cy",)]


def test_readings_are_distinct_and_come_with_falling_probabilities(model: BuiltinModel) -> None:
    readings = model.read("Show the name and age of each customer, oldest first.", SHOP, count=4).readings

    assert 1 <= len(readings) <= 4
    assert len({reading.sql for reading in readings}) == len(readings)
    assert [r.probability for r in readings] == sorted((r.probability for r in readings), reverse=True)
    assert all(0 <= reading.probability <= 1 for reading in readings)


@pytest.mark.parametrize("question", ["", "   ", "?", "🙂", "x" * 5_000, "why " * 400, "'; DROP TABLE customer; --"])
def test_any_text_gets_a_statement_that_runs(model: BuiltinModel, shop: sqlite3.Connection, question: str) -> None:
    readings = model.read(question, SHOP)

    assert shop.execute(f"EXPLAIN {readings.readings[0].sql}").fetchall()


@pytest.mark.parametrize("dialect", ["sqlite", "duckdb", "postgres", "mysql"])
def test_the_answer_is_written_for_the_dialect_of_the_schema(model: BuiltinModel, dialect: str) -> None:
    readings = model.read("How many customers are there?", Schema(dialect, SHOP.tables))

    assert readings.readings[0].sql.lower().startswith("select count(*)")


def test_a_database_without_tables_is_told_as_such(model: BuiltinModel) -> None:
    with pytest.raises(SchemaError, match="no table with columns"):
        model.read("How many customers are there?", Schema("sqlite", ()))


def test_pairs_that_the_alphabet_cannot_say_are_passed_over(model: BuiltinModel, shop: sqlite3.Connection) -> None:
    demos = [Demo("Which day is it?", "SELECT load_extension('x')"), Demo("Broken", "SELEC nothing")]

    readings = model.read("How many customers are there?", SHOP, demos=demos)

    assert rows(shop, readings) == [(3,)]


def test_the_same_question_gets_the_same_answer_again(model: BuiltinModel) -> None:
    question = "What is the total of the purchases of each customer?"

    assert model.read(question, SHOP) == model.read(question, SHOP)


def test_threads_share_a_model(model: BuiltinModel) -> None:
    questions = ["How many customers are there?", "List all purchases.", "What is the average age of the customers?"]
    alone = [model.read(question, SHOP) for question in questions]
    together: dict[int, Readings] = {}

    def ask(number: int) -> None:
        together[number] = model.read(questions[number], SHOP)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(len(questions))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [together[number] for number in range(len(questions))] == alone


def test_the_tables_that_a_question_needs_score_highest(model: BuiltinModel) -> None:
    scores = model.link("How many customers are there?", SHOP)

    assert set(scores) == {"customer", "purchase"}
    assert scores["customer"] > scores["purchase"]


def test_hundreds_of_tables_are_cut_to_those_near_the_question(model: BuiltinModel) -> None:
    columns = tuple(Column(f"field_{number}", "TEXT") for number in range(20))
    many = Schema("sqlite", (*SHOP.tables, *(Table(f"log_{number}", columns) for number in range(300))))
    started = time.monotonic()

    readings = model.read("What is the average age of the customers?", many)

    assert "customer" in readings.nearest_tables
    assert time.monotonic() - started < 120
