"""Columns that do not exist are found without the engine; columns that may exist are left alone."""

from __future__ import annotations

import pytest
from guard_shop import DIALECTS, legitimate_statements, reads_catalogue, shop_schema

from t2s_magic.errors import UnknownNameError
from t2s_magic.guard import check, check_names
from t2s_magic.guard.nearest import nearest_names

WITHOUT_CATALOGUES = [
    (dialect, sql) for dialect in DIALECTS for sql in legitimate_statements(dialect) if not reads_catalogue(sql)
]


@pytest.mark.parametrize(("dialect", "sql"), WITHOUT_CATALOGUES)
def test_what_runs_on_the_engine_has_no_unknown_name(dialect: str, sql: str) -> None:
    schema = shop_schema(dialect)

    check_names(check(sql, dialect, schema=schema), schema)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    ("sql", "part", "message", "nearest"),
    [
        ("SELECT nmae FROM customer", "nmae", 'No column "nmae" in customer. Did you mean "name"?', ("name",)),
        ("SELECT c.nmae FROM customer c", "c.nmae", 'No column "nmae" in customer. Did you mean "name"?', ("name",)),
        ("SELECT city FROM orders", "city", 'No column "city" in orders. "city" is in customer.', ("customer.city",)),
        (
            "SELECT customer.name FROM customer c",
            "customer.name",
            'No table or alias "customer" in this part of the query. Did you mean "c"?',
            ("c",),
        ),
        (
            "SELECT x.name FROM customer",
            "x.name",
            'No table or alias "x" in this part of the query. Here are customer.',
            (),
        ),
        (
            "SELECT sum(totl) FROM orders o JOIN customer c ON c.id = o.customer_id",
            "totl",
            'No column "totl" in orders, customer. Did you mean "total"?',
            ("total",),
        ),
        (
            "WITH x AS (SELECT id, total AS t FROM orders) SELECT x.amount FROM x",
            "x.amount",
            'No column "amount" in x.',
            (),
        ),
        ("SELECT n2 FROM (SELECT name AS n FROM customer) t", "n2", 'No column "n2" in t. Did you mean "n"?', ("n",)),
        (
            "SELECT 1 FROM customer WHERE EXISTS (SELECT 1 FROM orders WHERE ident = customer.id)",
            "ident",
            'No column "ident" in orders, customer.',
            (),
        ),
        ("SELECT name FROM customer ORDER BY lenth", "lenth", 'No column "lenth" in customer.', ()),
    ],
)
def test_an_unknown_column_is_named_with_its_place_and_the_nearest(
    dialect: str, sql: str, part: str, message: str, nearest: tuple[str, ...]
) -> None:
    schema = shop_schema(dialect)

    with pytest.raises(UnknownNameError) as error:
        check_names(check(sql, dialect, schema=schema), schema)

    start, end = error.value.span or (0, 0)
    assert (error.value.message, error.value.nearest, sql[start:end]) == (message, nearest, part)


@pytest.mark.parametrize(
    ("dialect", "sql"),
    [
        ("sqlite", 'SELECT * FROM customer WHERE country = "France"'),
        ("sqlite", "SELECT rowid FROM customer"),
        ("sqlite", "SELECT key FROM json_each('[1]')"),
        ("duckdb", "SELECT props.width.anything FROM event"),
        ("duckdb", "SELECT list_transform(tags, lambda tag: upper(tag)) FROM event"),
        ("duckdb", "SELECT open FROM (PIVOT orders ON status USING count(*))"),
        ("duckdb", "SELECT length(name) AS n, n + 1 FROM customer WHERE n > 1"),
        ("postgres", "SELECT max FROM (SELECT max(total) FROM orders) t"),
        ("postgres", "SELECT c FROM customer c"),
        ("postgres", "SELECT value FROM event, jsonb_each(payload)"),
        ("postgres", "WITH RECURSIVE n AS (SELECT 1 AS x UNION ALL SELECT x + 1 FROM n) SELECT x FROM n"),
        ("postgres", "SELECT name AS n FROM customer UNION SELECT name FROM product ORDER BY n"),
    ],
)
def test_a_name_that_may_exist_is_left_to_the_engine(dialect: str, sql: str) -> None:
    schema = shop_schema(dialect)

    check_names(check(sql, dialect, schema=schema), schema)


@pytest.mark.parametrize(
    ("name", "names", "nearest"),
    [
        ("custmer", ["customer", "orders"], ("customer",)),
        ("artist", ["Artist", "AlbumArtist", "Album"], ("Artist", "AlbumArtist")),
        ("order_items", ["sales.order_item", "sales.invoice"], ("sales.order_item",)),
        ("zzz", ["customer"], ()),
    ],
)
def test_the_nearest_names_come_best_first(name: str, names: list[str], nearest: tuple[str, ...]) -> None:
    assert nearest_names(name, names) == nearest
