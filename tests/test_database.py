"""What every database promises, on each engine for real."""

from __future__ import annotations

import os
import signal
import threading
import time
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy

from t2s_magic.database import Database, Limits, connect
from t2s_magic.errors import CancelledError, NoConnectionError, QueryError, TimeLimitError, UsageError
from t2s_magic.guard import CheckedSql, check
from t2s_magic.guard.checked import _GUARD_ONLY

# Runs for hours on each engine, in little memory, and can be stopped at any row.
# A statement here goes on for thirty seconds if nothing stops it; what stops it takes a tenth of a second.
SECONDS_TO_STOP = 15
ENDLESS = """
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
SELECT count(*) FROM n AS a, n AS b, n AS c, n AS d WHERE a.i + b.i + c.i + d.i = 3"""
MANY_ROWS = """
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
SELECT a.i, b.i AS j FROM n AS a, n AS b, n AS c"""


def ask(database: Database, sql: str, limits: Limits = Limits()) -> Any:
    return database.run(check(sql, database.dialect), limits)


def unchecked(database: Database, sql: str) -> CheckedSql:
    """A statement that the guard never saw, to measure the second layer alone."""
    return CheckedSql(sql, database.dialect, made_by=_GUARD_ONLY)


def test_rows_come_with_their_columns(shop: Database):
    rows = ask(shop, "SELECT name, country FROM customer ORDER BY id")
    assert rows.columns == ("name", "country")
    assert rows.rows == (("Ada", "Germany"), ("Grace", "USA"), ("Zoë", None))
    assert not rows.is_cut


def test_a_result_without_rows_still_has_columns(shop: Database):
    rows = ask(shop, "SELECT name, country FROM customer WHERE id = 99")
    assert (rows.columns, rows.rows) == (("name", "country"), ())


def test_columns_of_the_same_name_are_told_apart_and_it_is_said(shop: Database):
    rows = ask(shop, "SELECT c.id, i.id FROM customer AS c JOIN invoice AS i ON i.customer_id = c.id WHERE i.id = 2")
    assert (rows.columns, rows.rows) == (("id", "id_1"), ((1, 2),))
    assert rows.notes == ("Column 2 was called 'id'; it is shown as 'id_1'.",)


def test_the_row_limit_cuts_and_says_so(shop: Database):
    rows = ask(shop, MANY_ROWS, Limits(rows=100))
    assert (len(rows), rows.is_cut) == (100, True)


def test_exactly_as_many_rows_as_the_limit_are_not_cut(shop: Database):
    rows = ask(shop, "SELECT id FROM customer", Limits(rows=3))
    assert (len(rows), rows.is_cut) == (3, False)


def test_a_long_cell_is_cut_with_a_note(shop: Database):
    rows = ask(shop, "SELECT name || ' Lovelace' AS name FROM customer WHERE id = 1", Limits(cell=5))
    assert rows.rows == (("Ada L",),)
    assert rows.notes == ("Row 1 of column 'name' holds 12 characters or bytes; cells are cut to 5.",)


def test_rows_that_take_too_much_memory_are_cut_with_a_note(shop: Database):
    rows = ask(shop, MANY_ROWS, Limits(memory=8_000))
    assert rows.is_cut
    assert len(rows) < 600
    assert "hold more than 8,000 bytes" in rows.notes[0]


def test_an_unknown_column_is_said_in_the_engine_s_words(shop: Database):
    query = check("SELECT nope FROM customer", shop.dialect)
    with pytest.raises(QueryError, match="nope") as raised:
        shop.run(query)
    assert raised.value.sql == query.sql
    assert "\n" not in raised.value.message


def test_explain_complains_without_running(shop: Database):
    assert "nope" in (shop.explain(check("SELECT nope FROM customer", shop.dialect)) or "")
    assert shop.explain(check(ENDLESS, shop.dialect)) is None


def test_explain_of_an_explain_is_no_complaint(shop: Database):
    assert shop.explain(check("EXPLAIN SELECT name FROM customer", shop.dialect)) is None


def test_the_database_answers_after_an_error(shop: Database):
    with pytest.raises(QueryError):
        ask(shop, "SELECT nope FROM customer")
    assert ask(shop, "SELECT 1").rows == ((1,),)


def test_a_runaway_is_stopped_at_the_time_limit(shop: Database):
    started = time.monotonic()
    with pytest.raises(TimeLimitError, match=r"Stopped after 0.5 s \(Text2SQL.time_limit\)"):
        ask(shop, ENDLESS, Limits(seconds=0.5))
    assert time.monotonic() - started < SECONDS_TO_STOP
    assert ask(shop, "SELECT 1").rows == ((1,),)


def test_cancel_from_another_thread_stops_the_statement(shop: Database):
    started = time.monotonic()
    threading.Timer(0.5, shop.cancel).start()
    with pytest.raises(CancelledError, match="nothing was changed"):
        ask(shop, ENDLESS)
    assert time.monotonic() - started < SECONDS_TO_STOP
    assert ask(shop, "SELECT 1").rows == ((1,),)


def test_cancel_without_a_statement_does_nothing(shop: Database):
    shop.cancel()
    assert ask(shop, "SELECT 1").rows == ((1,),)


def test_the_kernel_s_interrupt_stops_the_statement_and_leaves_the_database_usable(shop: Database):
    started = time.monotonic()
    threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        ask(shop, ENDLESS)
    assert time.monotonic() - started < SECONDS_TO_STOP
    assert ask(shop, "SELECT 1").rows == ((1,),)


def test_the_interrupt_while_rows_are_fetched_leaves_the_database_usable(shop: Database):
    threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        ask(shop, MANY_ROWS, Limits(rows=100_000_000, memory=10**12))
    assert ask(shop, "SELECT 1").rows == ((1,),)


def test_statements_of_two_threads_run_one_after_another(shop: Database):
    answers: list[Any] = []
    threads = [
        threading.Thread(target=lambda n=number: answers.append(ask(shop, f"SELECT {n} AS n").rows))
        for number in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [((number,),) for number in range(8)]


def test_the_schema_holds_tables_views_types_and_keys(shop: Database):
    schema = shop.schema()
    customer, invoice, german = (schema.find((name,)) for name in ("customer", "invoice", "german"))
    assert customer
    assert invoice
    assert german
    assert [column.name for column in customer.columns] == ["id", "name", "country"]
    assert [column.nullable for column in customer.columns[1:]] == [False, True]
    assert (customer.primary_key, customer.qualifier, customer.is_view) == (("id",), (), False)
    (key,) = invoice.foreign_keys
    assert (key.columns, key.to_table, key.to_columns, key.to_path) == (
        ("customer_id",),
        "customer",
        ("id",),
        customer.path,
    )
    assert (german.is_view, [column.name for column in german.columns]) == (True, ["id", "name", "country"])


def test_an_unchanged_schema_is_not_read_twice(shop: Database):
    assert shop.schema() is shop.schema()


@pytest.mark.parametrize(
    "change",
    [
        "CREATE TABLE added (x INTEGER)",
        "ALTER TABLE customer ADD COLUMN age INTEGER",
        "ALTER TABLE customer RENAME COLUMN country TO land",
        "DROP TABLE invoice",
        "CREATE VIEW two AS SELECT 2 AS two",
    ],
)
def test_a_change_between_two_questions_is_noticed(sqlite_file: Path, postgres_url: str, change: str):
    # DuckDB lets nobody write to a file that is open for reading; its own test has the user's connection change it.
    for url in (f"sqlite:///{sqlite_file}", postgres_url.replace("postgresql:", "postgresql+psycopg:")):
        engine = sqlalchemy.create_engine(url)
        with engine.begin() as connection:
            connection.exec_driver_sql("DROP VIEW german")
        database = connect(url)
        before = database.schema()
        with engine.begin() as connection:
            connection.exec_driver_sql(change)
        engine.dispose()
        assert database.schema().fingerprint != before.fingerprint
        database.close()


def test_quoted_reserved_and_foreign_names_are_read_and_reached(own_shop_url: str):
    names = ["select", "Ünïcode 表", 'with"quote', "a.b", "two\nlines", "UPPER", "ünïcode ..."]
    engine = sqlalchemy.create_engine(own_shop_url)
    quoted = ['"' + name.replace('"', '""') + '"' for name in names]
    with engine.begin() as connection:
        for name in quoted:
            connection.exec_driver_sql(f"CREATE TABLE {name} ({name} INTEGER)")
    engine.dispose()
    database = connect(own_shop_url)
    schema = database.schema()
    found = [schema.find((name,)) for name in names]
    assert [(table.name, table.columns[0].name) for table in found if table] == [(name, name) for name in names]
    for name in quoted:
        query = check(f"SELECT {name} FROM {name}", database.dialect, schema=schema)
        assert database.run(query).rows == ()
    database.close()


def test_percent_and_colon_reach_the_engine_unchanged(shop: Database):
    rows = ask(
        shop, "SELECT '100%' AS a, '%s %(x)s' AS b, ':name 12:30' AS c, '?' AS d FROM customer WHERE name LIKE 'A%'"
    )
    assert rows.rows == (("100%", "%s %(x)s", ":name 12:30", "?"),)


def test_two_thousand_columns_are_fetched(shop: Database):
    count = 1_600 if shop.dialect == "postgres" else 2_000  # PostgreSQL itself has no more than 1,664
    columns = ", ".join(f"{number} AS c{number}" for number in range(count))
    assert ask(shop, f"SELECT {columns}").rows == (tuple(range(count)),)


def test_a_comment_at_the_end_does_no_harm(shop: Database):
    assert ask(shop, "SELECT 1 AS one -- the end").rows == ((1,),)


WRITES = [
    "DELETE FROM customer",
    "UPDATE customer SET name = 'x'",
    "INSERT INTO customer VALUES (9, 'x', 'x')",
    "DROP TABLE invoice",
    "CREATE TABLE t (x INTEGER)",
    "ALTER TABLE customer ADD COLUMN x INTEGER",
    "SELECT 1; DROP TABLE invoice",
    "COMMIT; DROP TABLE invoice",
    "ROLLBACK; DROP TABLE invoice; COMMIT",
    "END; DROP TABLE invoice",
    "COMMIT",
    "BEGIN",
    "VACUUM",
]


@pytest.mark.parametrize("sql", WRITES)
def test_without_the_guard_the_engine_alone_keeps_the_data(shop: Database, sql: str):
    schema, rows = shop.schema(), ask(shop, "SELECT * FROM customer ORDER BY id").rows
    with suppress(QueryError):
        shop.run(unchecked(shop, sql))
    assert ask(shop, "SELECT * FROM customer ORDER BY id").rows == rows
    assert shop.schema().fingerprint == schema.fingerprint


def test_closing_leaves_the_database_usable_for_others(shop_url: str):
    first, second = connect(shop_url), connect(shop_url)
    first.close()
    assert ask(second, "SELECT count(*) FROM customer").rows == ((3,),)
    second.close()


@pytest.mark.parametrize(
    ("source", "error", "message"),
    [
        ("sqlite:///nope.sqlite", NoConnectionError, "There is no file 'nope.sqlite'"),
        ("duckdb:///nope.duckdb", NoConnectionError, "There is no file 'nope.duckdb'"),
        ("nope.db", NoConnectionError, "None was created"),
        ("nosuch://user:canary@host/x", NoConnectionError, "no dialect 'nosuch'"),
        (
            "postgresql://user:canary@127.0.0.1:1/x",
            NoConnectionError,
            "No read-only connection to postgres · 127.0.0.1/x",
        ),
        ("postgresql://127.0.0.1:1/x?password=canary", NoConnectionError, "No read-only connection"),
        ("postgresql://127.0.0.1:1/x?nope=canary", NoConnectionError, "does not know an option of the URL: nope"),
        ("duckdb:///shop.duckdb?motherduck_token=canary", NoConnectionError, "There is no file"),
        ("canary://", NoConnectionError, "no dialect 'canary'"),
        ("://canary", UsageError, "not a database URL"),
        (42, UsageError, "Cannot connect to a builtins.int"),
    ],
)
def test_what_cannot_be_connected_is_said_without_a_secret(
    source: object, error: type[Exception], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error, match=message) as raised:
        connect(source)
    assert "user:canary" not in str(raised.value)
    assert "=canary" not in str(raised.value)
    assert list(tmp_path.iterdir()) == []


def test_a_label_names_no_secret(postgres_shop: str):
    url = postgres_shop.replace("postgres:@", "postgres:canary@")
    database = connect(url)
    assert "canary" not in database.label
    assert "canary" not in repr(vars(database))
    database.close()


def test_decimals_keep_their_digits_where_the_engine_does(shop: Database):
    (total,) = ask(shop, "SELECT total FROM invoice WHERE id = 1").rows[0]
    assert total == (10.5 if shop.dialect == "sqlite" else Decimal("10.50"))
