"""Why a result has no rows, looked up in real databases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from t2s_magic.database import Database, connect
from t2s_magic.errors import TimeLimitError
from t2s_magic.guard import check, why_empty

REASONS = [
    (
        "SELECT name FROM customer WHERE country = 'germany'",
        "No row of customer passes the filter: country is 'germany'; did you mean 'Germany'?",
    ),
    (
        "SELECT * FROM invoice WHERE day >= '2031-01-01'",
        "No row of invoice passes the filter: day is at or after '2031-01-01'; day runs from 2025-01-31 to 2025-03-15.",
    ),
    (
        "SELECT c.name FROM customer c JOIN invoice i ON i.customer_id = c.id WHERE c.country = 'USA' AND i.total > 9",
        "No row passes all filters together: without “customer.country is 'USA'” there would be 1 row and "
        "without “invoice.total is over 9” there would be 1 row.",
    ),
    (
        "SELECT c.name FROM customer c JOIN invoice i ON i.customer_id = c.id WHERE c.name = 'Zoë'",
        "There are rows where customer.name is 'Zoë', but the join keeps none.",
    ),
    (
        "SELECT c.name FROM customer c JOIN invoice i ON c.name = CAST(i.total AS VARCHAR(40)) || 'x'",
        "Joining customer and invoice finds no row.",
    ),
    (
        "SELECT a.name FROM customer a JOIN customer b ON a.name = b.country",
        "Joining customer (a) and customer (b) finds no row where a.name equals b.country.",
    ),
    (
        "SELECT country, COUNT(*) FROM customer GROUP BY country HAVING COUNT(*) > 5",
        "No group passes: the number of rows is over 5; it is always 1.",
    ),
    (
        "SELECT customer_id FROM invoice GROUP BY customer_id HAVING COUNT(*) > 5",
        "No group passes: the number of rows is over 5; it runs from 1 to 2.",
    ),
    (
        "SELECT name FROM customer WHERE country NOT IN (SELECT country FROM customer WHERE id = 3)",
        "The list after NOT IN holds a missing value (NULL), so NOT IN passes no row.",
    ),
    (
        "SELECT name FROM customer INTERSECT SELECT country FROM customer",
        "Both lists have rows, but none that is in both.",
    ),
    ("SELECT name FROM customer EXCEPT SELECT name FROM customer", "Every row of the first list is in the second too."),
    (
        "SELECT name FROM customer WHERE id = 9 INTERSECT SELECT name FROM customer",
        "The first of the two lists has no rows.",
    ),
    ("SELECT name FROM customer LIMIT 0", "LIMIT 0 asks for no rows."),
    ("SELECT name FROM customer ORDER BY name LIMIT 2 OFFSET 10", "OFFSET skips all the rows there are."),
]


@pytest.fixture
def sqlite_shop(sqlite_file: Path) -> Iterator[Any]:
    database: Any = connect(f"sqlite:///{sqlite_file}")
    yield database
    database.close()


def _ask(sql: str, database: Database) -> str:
    schema = database.schema()
    return why_empty(sql, schema, lambda text: database.run(check(text, database.dialect, schema=schema)))


@pytest.mark.parametrize("sql", [sql for sql, _ in REASONS])
def test_what_removed_the_rows_is_named(sqlite_shop: Database, sql: str) -> None:
    assert _rows(sqlite_shop, sql) == ()
    assert _ask(sql, sqlite_shop) == dict(REASONS)[sql]


def test_every_engine_gives_the_same_reasons(shop: Database) -> None:
    assert {sql: _ask(sql, shop) for sql, _ in REASONS} == dict(REASONS)


def _rows(database: Database, sql: str) -> tuple[object, ...]:
    return database.run(check(sql, database.dialect, schema=database.schema())).rows


def test_nothing_is_said_when_nothing_can_be_looked_up(sqlite_shop: Database) -> None:
    def refuse(sql: str) -> None:
        raise TimeLimitError("The statement took longer than 1 s.")

    assert why_empty("SELECT name FROM customer WHERE id = 9", sqlite_shop.schema(), refuse) == ""


def test_text_that_is_no_statement_has_no_reason(sqlite_shop: Database) -> None:
    assert _ask("SELECT FROM", sqlite_shop) == ""
