"""What a statement takes for granted, looked up in real databases."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from t2s_magic.database import Database
from t2s_magic.errors import QueryError, TimeLimitError
from t2s_magic.guard import assumptions, check
from t2s_magic.schema import Column, ForeignKey, Schema, Table

AIRPORTS = """
CREATE TABLE airport (code TEXT PRIMARY KEY, city TEXT, opened DATETIME, rebuilt DATETIME);
CREATE TABLE flight (id INTEGER PRIMARY KEY, origin TEXT, target TEXT, minutes INTEGER, price REAL);
CREATE TABLE ticket (id INTEGER PRIMARY KEY, flight_id INTEGER, paid REAL);
INSERT INTO airport VALUES ('MUC', 'Munich', '1992-05-17', NULL), ('OSL', 'Oslo', '1998-10-08', '2017-04-27');
INSERT INTO flight VALUES (1, 'MUC', 'OSL', 140, 99.0), (2, 'OSL', 'MUC', NULL, 120.0), (3, 'MUC', NULL, 60, 20.0);
INSERT INTO ticket VALUES (1, 1, 90.0), (2, 1, 99.0), (3, 2, 120.0);
"""


def _columns(text: str) -> tuple[Column, ...]:
    return tuple(Column(*column.split(" ", 1)) for column in text.split(", "))


SCHEMA = Schema(
    "sqlite",
    (
        Table("airport", _columns("code TEXT, city TEXT, opened DATETIME, rebuilt DATETIME"), primary_key=("code",)),
        Table(
            "flight",
            _columns("id INTEGER, origin TEXT, target TEXT, minutes INTEGER, price REAL"),
            primary_key=("id",),
            foreign_keys=(
                ForeignKey(("origin",), "airport", ("code",)),
                ForeignKey(("target",), "airport", ("code",)),
            ),
        ),
        Table(
            "ticket",
            _columns("id INTEGER, flight_id INTEGER, paid REAL"),
            primary_key=("id",),
            foreign_keys=(ForeignKey(("flight_id",), "flight", ("id",)),),
        ),
    ),
)


@dataclass(frozen=True)
class Answered:
    rows: list[tuple[Any, ...]]


LookUp = Callable[[str], Answered]


@pytest.fixture
def look_up() -> Iterator[LookUp]:
    connection = sqlite3.connect(":memory:")
    connection.executescript(AIRPORTS)
    yield lambda sql: Answered(connection.execute(sql).fetchall())
    connection.close()


def test_each_value_says_how_many_rows_it_matches(look_up: LookUp) -> None:
    sql = "SELECT COUNT(*) FROM flight WHERE origin = 'MUC' AND price > 100"
    assert assumptions(sql, SCHEMA, look_up) == (
        "origin is 'MUC': 2 of 3 rows of flight.",
        "price is over 100: 1 of 3 rows of flight.",
    )


def test_a_value_that_is_not_there_names_the_nearest(look_up: LookUp) -> None:
    sql = "SELECT * FROM airport WHERE city = 'MUNICH'"
    assert assumptions(sql, SCHEMA, look_up) == ("city is 'MUNICH': no row of airport; did you mean 'Munich'?",)


def test_each_member_of_a_list_is_looked_up(look_up: LookUp) -> None:
    sql = "SELECT * FROM airport WHERE city IN ('Oslo', 'Munic')"
    assert assumptions(sql, SCHEMA, look_up) == (
        "city is 'Oslo' or 'Munic': 1 of 2 rows of airport.",
        "city is 'Munic': no row of airport; did you mean 'Munich'?",
    )


def test_a_value_in_double_quotes_is_looked_up_too(look_up: LookUp) -> None:
    sql = 'SELECT * FROM airport WHERE city = "oslo"'
    assert assumptions(sql, SCHEMA, look_up) == ("city is 'oslo': no row of airport; did you mean 'Oslo'?",)


def test_a_date_out_of_range_says_the_range(look_up: LookUp) -> None:
    sql = "SELECT code FROM airport WHERE opened > '2031-01-01'"
    assert assumptions(sql, SCHEMA, look_up) == (
        "opened is after '2031-01-01': no row of airport; opened runs from 1992-05-17 to 1998-10-08.",
        "The date used is airport.opened; there is also airport.rebuilt.",
    )


def test_a_range_that_ends_with_a_day_says_that_its_hours_are_left_out(look_up: LookUp) -> None:
    sql = "SELECT code FROM airport WHERE opened BETWEEN '1990-01-01' AND '1999-12-31'"
    assert "opened can hold a time of day: what is later than 00:00 on 1999-12-31 is left out." in assumptions(
        sql, SCHEMA, look_up
    )


def test_the_join_path_names_the_other_foreign_keys(look_up: LookUp) -> None:
    sql = "SELECT f.id, a.city FROM flight f JOIN airport a ON f.origin = a.code"
    assert assumptions(sql, SCHEMA, look_up) == (
        "flight joins airport on origin = code; flight.target would be another way.",
    )


def test_a_sum_over_repeated_rows_is_named(look_up: LookUp) -> None:
    sql = "SELECT SUM(f.price) FROM flight f JOIN ticket t ON t.flight_id = f.id"
    assert assumptions(sql, SCHEMA, look_up)[0] == (
        "Joining ticket repeats a row of flight for each of its rows of ticket: flight.price is added as often."
    )


def test_a_sum_over_the_many_side_is_no_problem(look_up: LookUp) -> None:
    sql = "SELECT f.id, SUM(t.paid) FROM flight f JOIN ticket t ON t.flight_id = f.id GROUP BY f.id"
    assert assumptions(sql, SCHEMA, look_up) == ("flight joins ticket on id = flight_id.",)


def test_a_distinct_count_over_repeated_rows_is_no_problem(look_up: LookUp) -> None:
    sql = "SELECT COUNT(DISTINCT f.id) FROM flight f JOIN ticket t ON t.flight_id = f.id"
    assert assumptions(sql, SCHEMA, look_up) == ("flight joins ticket on id = flight_id.",)


def test_a_count_of_joined_rows_says_what_it_counts(look_up: LookUp) -> None:
    sql = "SELECT COUNT(*) FROM flight f JOIN ticket t ON t.flight_id = f.id"
    assert assumptions(sql, SCHEMA, look_up)[0] == "COUNT(*) counts rows of ticket."


def test_a_count_over_an_outer_join_says_that_it_counts_what_has_none(look_up: LookUp) -> None:
    sql = "SELECT f.id, COUNT(*) FROM flight f LEFT JOIN ticket t ON t.flight_id = f.id GROUP BY f.id"
    assert assumptions(sql, SCHEMA, look_up)[0] == "COUNT(*) counts what has no ticket as one row too."


def test_two_branches_repeat_each_other(look_up: LookUp) -> None:
    sql = """SELECT a.city, COUNT(f.id) FROM airport a JOIN flight f ON f.origin = a.code
             JOIN flight g ON g.target = a.code GROUP BY a.city"""
    assert assumptions(sql, SCHEMA, look_up)[0].startswith("Joining flight repeats a row of flight")


def test_an_average_says_what_it_leaves_out(look_up: LookUp) -> None:
    sql = "SELECT AVG(minutes) FROM flight"
    assert assumptions(sql, SCHEMA, look_up) == ("1 of 3 rows of flight have no minutes; the average leaves them out.",)


def test_a_missing_value_in_a_not_in_list_is_named(look_up: LookUp) -> None:
    sql = "SELECT city FROM airport WHERE code NOT IN (SELECT target FROM flight)"
    assert assumptions(sql, SCHEMA, look_up) == (
        "The list after NOT IN holds a missing value (NULL), so NOT IN passes no row.",
    )


def test_conditions_inside_or_and_not_are_looked_up_one_by_one(look_up: LookUp) -> None:
    sql = "SELECT id FROM flight WHERE origin = 'OSL' OR NOT (price > 50 AND minutes < 100)"
    assert assumptions(sql, SCHEMA, look_up) == (
        "origin is 'OSL': 1 of 3 rows of flight.",
        "price is over 50: 2 of 3 rows of flight.",
        "minutes is under 100: 1 of 3 rows of flight.",
    )


def test_a_subquery_has_its_own_assumptions(look_up: LookUp) -> None:
    sql = "SELECT id FROM flight WHERE origin IN (SELECT code FROM airport WHERE city = 'Oslo')"
    assert assumptions(sql, SCHEMA, look_up) == ("city is 'Oslo': 1 of 2 rows of airport.",)


def test_what_cannot_be_looked_up_is_left_out() -> None:
    asked = []

    def refuse(sql: str) -> Answered:
        asked.append(sql)
        raise TimeLimitError("The statement took longer than 1 s.")

    sql = "SELECT f.id FROM flight f JOIN airport a ON f.origin = a.code WHERE f.price > 1 AND a.city = 'x'"
    assert assumptions(sql, SCHEMA, refuse) == (
        "flight joins airport on origin = code; flight.target would be another way.",
    )
    assert len(asked) == 1


def test_at_most_six_statements_are_asked(look_up: LookUp) -> None:
    asked = []

    def counted(sql: str) -> Answered:
        asked.append(sql)
        return look_up(sql)

    cities = " OR ".join(f"city = 'none {number}'" for number in range(20))
    assumptions(f"SELECT code FROM airport WHERE {cities}", SCHEMA, counted)
    assert len(asked) == 6


@pytest.mark.parametrize("text", ["", "SELECT", "DELETE FROM flight", "SELECT nothing FROM nowhere"])
def test_text_that_cannot_be_read_has_no_assumptions(text: str) -> None:
    def refuse(sql: str) -> Answered:
        raise QueryError(f"Nothing should be asked, but {sql} was.")

    assert assumptions(text, SCHEMA, refuse) == ()


def test_a_value_with_a_quote_is_looked_up_as_text(look_up: LookUp) -> None:
    sql = "SELECT code FROM airport WHERE city = 'O''slo; DROP TABLE airport'"
    found = assumptions(sql, SCHEMA, look_up)
    assert found == ("city is 'O''slo; DROP TABLE airport': no row of airport; city holds 'Munich', 'Oslo'.",)


def test_every_engine_runs_what_is_looked_up_through_the_guard(shop: Database) -> None:
    schema = shop.schema()
    sql = """SELECT c.name, AVG(i.total) FROM customer c LEFT JOIN invoice i ON i.customer_id = c.id
             WHERE c.country IN ('Germany', 'Usa') AND i.day >= '2025-01-01' AND c.country NOT IN
             (SELECT country FROM customer) GROUP BY c.name"""
    found = assumptions(sql, schema, lambda text: shop.run(check(text, shop.dialect, schema=schema)))
    assert found == (
        "customer.country is 'Germany' or 'Usa': 1 of 3 rows of customer.",
        "customer.country is 'Usa': no row of customer; did you mean 'USA'?",
        "invoice.day is at or after '2025-01-01': 3 of 3 rows of invoice.",
        "The list after NOT IN holds a missing value (NULL), so NOT IN passes no row.",
        "customer joins invoice on id = customer_id.",
    )
