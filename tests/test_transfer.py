"""A SQLite database copied into other engines keeps its tables, keys and rows."""

import sqlite3
from pathlib import Path

import pytest

import t2s_magic
from t2s_magic.errors import UsageError
from t2s_magic.study.transfer import open_in


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    file = tmp_path / "shop.sqlite"
    with sqlite3.connect(file) as connection:
        connection.executescript(
            """
            CREATE TABLE customer (id INTEGER PRIMARY KEY, name TEXT, since DATE, note TEXT);
            CREATE TABLE "order" (id INTEGER PRIMARY KEY, customer_id INTEGER REFERENCES customer (id), total REAL);
            CREATE TABLE spare (id INTEGER, name TEXT);
            INSERT INTO customer VALUES (1, 'Ada, the "first"', '2021-03-01', NULL), (2, 'Grace', '2022-01-05', 'two
            lines; x|y');
            INSERT INTO "order" VALUES (1, 1, 2.5), (2, 1, 4), (3, 2, NULL);
            """
        )
    return file


@pytest.fixture(params=["duckdb", "postgres"])
def dialect(request) -> str:
    return request.param


def test_rows_and_keys_are_the_same_in_the_other_engine(shop, dialect, postgres_url):
    database = open_in(dialect, shop, postgres_url)
    rows = t2s_magic.execute('SELECT id, total FROM "order" ORDER BY id', database)
    assert rows.rows == ((1, 2.5), (2, 4.0), (3, None))
    names = t2s_magic.execute("SELECT name, note FROM customer ORDER BY id", database).rows
    with sqlite3.connect(shop) as connection:
        assert list(names) == connection.execute("SELECT name, note FROM customer ORDER BY id").fetchall()
    assert t2s_magic.execute("SELECT count(*) FROM spare", database).rows == ((0,),)
    order = database.schema().find(("order",))
    assert [(key.columns, key.to_table) for key in order.foreign_keys] == [(("customer_id",), "customer")]
    database.close()


def test_dates_become_dates(shop, dialect, postgres_url):
    database = open_in(dialect, shop, postgres_url)
    rows = t2s_magic.execute("SELECT name FROM customer WHERE extract(year FROM since) = 2022", database)
    assert rows.rows == (("Grace",),)
    database.close()


def test_an_engine_that_is_not_there_is_named_with_those_that_are(shop):
    with pytest.raises(UsageError, match=r"No dialect 'oracle'.*sqlite, duckdb and postgres"):
        open_in("oracle", shop)


def test_postgres_without_a_server_says_what_to_set(shop):
    with pytest.raises(UsageError, match="T2S_POSTGRES"):
        open_in("postgres", shop)
