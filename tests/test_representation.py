"""SQL to tokens and back, on real databases."""

from __future__ import annotations

import random
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import cache

import duckdb
import pytest
import sqlglot
from sqlglot import exp

from t2s_magic.builtin.names import quote
from t2s_magic.builtin.representation import (
    KEYWORDS,
    JoinGraph,
    State,
    UndecodableError,
    Unreachable,
    decode,
    encode,
    next_allowed,
)
from t2s_magic.builtin.tokens import Candidate, ColumnRef, TableRef, Token, ValueRef
from t2s_magic.guard import quote_name
from t2s_magic.schema import Column, ForeignKey, Schema, Table

SHOP = """
CREATE TABLE customers (customer_id INTEGER PRIMARY KEY, first_name TEXT, last_name TEXT, country TEXT, joined DATE);
CREATE TABLE categories (category_id INTEGER PRIMARY KEY, category_name TEXT);
CREATE TABLE products (product_id INTEGER PRIMARY KEY, product_name TEXT, category_id INTEGER, price DOUBLE,
    stock INTEGER, is_sold BOOLEAN, code TEXT);
CREATE TABLE employees (employee_id INTEGER PRIMARY KEY, name TEXT, manager_id INTEGER, salary INTEGER);
CREATE TABLE orders (order_id INTEGER PRIMARY KEY, customer_id INTEGER, employee_id INTEGER, order_date DATE,
    shipped DATE, status TEXT);
CREATE TABLE order_items (order_id INTEGER, product_id INTEGER, unit_price DOUBLE, quantity INTEGER, discount DOUBLE,
    PRIMARY KEY (order_id, product_id));
"""
FOREIGN_KEYS = {
    "products": [("category_id", "categories", "category_id")],
    "employees": [("manager_id", "employees", "employee_id")],
    "orders": [("customer_id", "customers", "customer_id"), ("employee_id", "employees", "employee_id")],
    "order_items": [("order_id", "orders", "order_id"), ("product_id", "products", "product_id")],
}
STATEMENTS = """
SELECT COUNT(*) FROM customers
SELECT country, COUNT(*) FROM customers GROUP BY country ORDER BY COUNT(*) DESC, country
SELECT DISTINCT country FROM customers ORDER BY country LIMIT 2
SELECT country FROM customers GROUP BY country HAVING COUNT(*) > 4
SELECT first_name || ' ' || last_name FROM customers WHERE country IN ('France', 'Peru')
SELECT * FROM categories
SELECT p.*, c.category_name FROM products p JOIN categories c ON p.category_id = c.category_id
SELECT product_name FROM products WHERE product_name LIKE '%t 1%' AND price BETWEEN 10 AND 90 OR stock = 0
SELECT product_name FROM products WHERE NOT (stock > 3 OR price < 20)
SELECT product_name FROM products WHERE code IS NULL
SELECT product_name, price FROM products ORDER BY price DESC LIMIT 1 OFFSET 1
SELECT product_name FROM products WHERE price = (SELECT MAX(price) FROM products)
SELECT product_name FROM products WHERE price > (SELECT AVG(price) FROM products)
SELECT product_name FROM products WHERE price > (SELECT AVG(price) FROM products WHERE stock > 3)
SELECT p.product_name FROM products p WHERE p.price > (SELECT AVG(q.price) FROM products q WHERE q.category_id = p.category_id)
SELECT MAX(price) - MIN(price) FROM products
SELECT SUM(unit_price * quantity * (1 - discount)) FROM order_items
SELECT 100.0 * SUM(CASE WHEN status = 'paid' THEN 1 ELSE 0 END) / COUNT(*) FROM orders
SELECT status, COUNT(*) FILTER (WHERE shipped IS NULL) FROM orders GROUP BY status
SELECT SUM(CASE WHEN status = 'paid' THEN order_id ELSE 0 END) FROM orders
SELECT COUNT(DISTINCT customer_id), COUNT(customer_id) FROM orders
SELECT c.country, SUM(i.quantity) FROM customers c JOIN orders o ON c.customer_id = o.customer_id JOIN order_items i ON i.order_id = o.order_id GROUP BY c.country
SELECT c.category_name, 100.0 * SUM(i.quantity) / SUM(SUM(i.quantity)) OVER () FROM categories c JOIN products p ON p.category_id = c.category_id JOIN order_items i ON i.product_id = p.product_id GROUP BY c.category_name
SELECT c.last_name, COUNT(o.order_id) FROM customers c LEFT JOIN orders o ON o.customer_id = c.customer_id GROUP BY c.customer_id, c.last_name
SELECT c.last_name FROM customers c LEFT JOIN orders o ON o.customer_id = c.customer_id WHERE o.order_id IS NULL
SELECT last_name FROM customers WHERE customer_id NOT IN (SELECT customer_id FROM orders)
SELECT last_name FROM customers c WHERE NOT EXISTS (SELECT 1 FROM orders o WHERE o.customer_id = c.customer_id AND o.status = 'paid')
SELECT last_name FROM customers WHERE customer_id IN (SELECT customer_id FROM orders GROUP BY customer_id HAVING COUNT(*) > 4)
SELECT e.name, m.name FROM employees e JOIN employees m ON e.manager_id = m.employee_id
SELECT AVG(n) FROM (SELECT COUNT(*) AS n FROM orders GROUP BY customer_id)
WITH counts AS (SELECT customer_id, COUNT(*) AS n FROM orders GROUP BY customer_id) SELECT MAX(n) FROM counts
SELECT COUNT(*) FROM (SELECT DISTINCT customer_id, status FROM orders)
SELECT country FROM customers EXCEPT SELECT c.country FROM customers c JOIN orders o ON o.customer_id = c.customer_id WHERE o.status = 'paid'
SELECT first_name FROM customers UNION SELECT name FROM employees ORDER BY first_name
SELECT category_id, product_name FROM (SELECT category_id, product_name, ROW_NUMBER() OVER (PARTITION BY category_id ORDER BY price DESC) AS n FROM products) AS numbered WHERE n <= 2
SELECT product_name, RANK() OVER (ORDER BY price DESC) FROM products
SELECT category_id, product_name, RANK() OVER (PARTITION BY category_id ORDER BY price DESC) FROM products
"""  # noqa: E501 - a statement a line
DATES = """
SELECT strftime('%Y', order_date), COUNT(*) FROM orders GROUP BY strftime('%Y', order_date)
SELECT strftime('%Y-%m', order_date), COUNT(*) FROM orders WHERE strftime('%Y', order_date) = '2024' GROUP BY 1 ORDER BY 1
SELECT COUNT(*) FROM orders WHERE CAST(strftime('%m', order_date) AS INTEGER) = 3
SELECT (CAST(strftime('%m', order_date) AS INTEGER) + 2) / 3, COUNT(*) FROM orders GROUP BY 1
SELECT AVG(julianday(shipped) - julianday(order_date)) FROM orders
SELECT COUNT(*) FROM orders WHERE order_date >= date('now', '-30 days')
SELECT COUNT(*) FROM orders WHERE strftime('%Y-%m', order_date) = strftime('%Y-%m', 'now', '-1 months')
SELECT strftime('%Y', order_date), COUNT(*), SUM(COUNT(*)) OVER (ORDER BY strftime('%Y', order_date)) FROM orders GROUP BY 1
SELECT strftime('%Y', order_date), COUNT(*), LAG(COUNT(*)) OVER (ORDER BY strftime('%Y', order_date)) FROM orders GROUP BY 1
"""  # noqa: E501 - a statement a line


def statements(text: str) -> list[str]:
    return text.strip().splitlines()


def shop_rows() -> dict[str, list[tuple[object, ...]]]:
    chance = random.Random(3)
    days = [f"202{3 + n % 3}-{1 + n % 12:02}-{1 + n % 28:02}" for n in range(90)]
    orders = [
        (n, 1 + n * 7 % 20, 1 + n % 6, days[n], None if n % 9 == 0 else days[n][:8] + "28", ("paid", "open")[n % 2])
        for n in range(1, 80)
    ]
    items = [
        (order, product, 2.5 * product, chance.randint(1, 9), (0, 0.5)[product % 2])
        for order in range(1, 80)
        for product in chance.sample(range(1, 13), 2)
    ]
    return {
        "customers": [
            (n, f"First{n % 5}", f"Last{n}", ("France", "Peru", "Mali")[n % 3], days[n]) for n in range(1, 26)
        ],
        "categories": [(1, "Toys"), (2, "Food"), (3, "Empty")],
        "products": [
            (n, f"Part {n}", 1 + n % 2, 8.5 * n, n * 3 % 7, n % 2 == 0, None if n == 4 else str(n * 9))
            for n in range(1, 16)
        ],
        "employees": [(n, f"Name{n}", None if n == 1 else n // 2, 1000 * n) for n in range(1, 8)],
        "orders": orders,
        "order_items": items,
    }


@cache
def shop_schema(dialect: str) -> Schema:
    tables = []
    for create in sqlglot.parse(SHOP, dialect="duckdb"):
        if create is None:
            continue
        name = create.this.this.name
        columns = tuple(Column(one.name, one.kind.sql()) for one in create.find_all(exp.ColumnDef))
        key = ("order_id", "product_id") if name == "order_items" else (columns[0].name,)
        links = tuple(ForeignKey((column,), to, (to_column,)) for column, to, to_column in FOREIGN_KEYS.get(name, ()))
        tables.append(Table(name, columns, ("main",), primary_key=key, foreign_keys=links))
    return Schema(dialect, tuple(tables))


@pytest.fixture(scope="module")
def sqlite() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:")
    connection.executescript(SHOP)
    for table, rows in shop_rows().items():
        connection.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(rows[0]))})", rows)
    yield connection
    connection.close()


@pytest.fixture(scope="module")
def duck() -> Iterator[duckdb.DuckDBPyConnection]:
    connection = duckdb.connect()
    connection.execute(SHOP)
    for table, rows in shop_rows().items():
        connection.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(rows[0]))})", rows)
    yield connection
    connection.close()


def literals(sql: str) -> list[Candidate]:
    """The literals of a statement as candidates: what a question would have named."""
    texts: dict[str, str] = {}
    for node in sqlglot.parse_one(sql, dialect="sqlite").find_all(exp.Literal):
        text = node.name.strip("%").removeprefix("-").split(" days")[0].split(" months")[0]
        texts.setdefault(text, "text" if node.is_string and not text.isdigit() else "number")
    return [Candidate(text, kind) for text, kind in texts.items()]


def written(sql: str, dialect: str = "sqlite") -> str:
    """``sql`` through tokens and back."""
    candidates = literals(sql)
    tokens = encode(sql, shop_schema("sqlite"), candidates)
    return decode(tokens, shop_schema(dialect), candidates, dialect)


def same(rows: Sequence[tuple[object, ...]]) -> Counter[tuple[str, ...]]:
    """Rows to compare between engines: numbers rounded, SQLite's digits as numbers."""
    return Counter(tuple(_cell(cell) for cell in row) for row in rows)


def _cell(cell: object) -> str:
    try:
        return str(round(float(int(cell) if isinstance(cell, bool) else str(cell)), 6))
    except ValueError:
        return str(cell)


@pytest.mark.parametrize("sql", statements(STATEMENTS) + statements(DATES))
def test_a_statement_gives_the_same_rows_after_tokens(sql: str, sqlite: sqlite3.Connection) -> None:
    rows = sqlite.execute(written(sql)).fetchall()

    assert same(rows) == same(sqlite.execute(sql).fetchall())


@pytest.mark.parametrize("sql", statements(STATEMENTS) + statements(DATES))
def test_duckdb_gives_the_rows_that_sqlite_gives(
    sql: str, sqlite: sqlite3.Connection, duck: duckdb.DuckDBPyConnection
) -> None:
    rows = duck.execute(written(sql, "duckdb")).fetchall()

    assert same(rows) == same(sqlite.execute(sql).fetchall())


@pytest.mark.parametrize("dialect", ["postgres", "mysql"])
@pytest.mark.parametrize("sql", statements(STATEMENTS) + statements(DATES))
def test_other_dialects_parse_what_is_written_for_them(sql: str, dialect: str) -> None:
    sqlglot.parse_one(written(sql, dialect), dialect=dialect)


def ref(name: str) -> Token:
    """``orders`` or ``orders.status`` as a pointer into the shop."""
    table, _, column = name.partition(".")
    tables = shop_schema("sqlite").tables
    number = next(n for n, one in enumerate(tables) if one.name == table)
    if not column:
        return TableRef(number)
    return ColumnRef(number, next(n for n, one in enumerate(tables[number].columns) if one.name == column))


def tokens(text: str) -> list[Token]:
    """``orders.status count orders where orders.status = $0``."""
    found: list[Token] = []
    for word in text.split():
        if word.startswith("$"):
            found.append(ValueRef(int(word[1:])))
        else:
            found.append(word if word in KEYWORDS else ref(word))
    return found


def sql_of(text: str, *values: str, dialect: str = "sqlite", kind: str = "text") -> str:
    candidates = [Candidate(value, "number" if value.isdigit() else kind) for value in values]
    return decode(tokens(text), shop_schema(dialect), candidates, dialect)


def test_from_is_rebuilt_over_tables_that_no_token_names() -> None:
    assert sql_of("customers.country sum order_items.quantity") == (
        "SELECT customers.country, SUM(order_items.quantity) AS total_quantity\n"
        "FROM customers\n"
        "JOIN orders ON orders.customer_id = customers.customer_id\n"
        "JOIN order_items ON order_items.order_id = orders.order_id\n"
        "GROUP BY customers.country"
    )


def test_a_table_read_twice_is_named_by_its_role() -> None:
    assert sql_of("employees.name other employees.name") == (
        "SELECT employees.name, manager.name AS manager_name\n"
        "FROM employees\n"
        "JOIN employees AS manager ON employees.manager_id = manager.employee_id"
    )


def test_conditions_on_tables_without_a_match_stand_in_on() -> None:
    assert sql_of("customers.last_name count orders where orders.status = $0 keep_all customers", "paid") == (
        "SELECT customers.last_name, COUNT(orders.order_id) AS number_of_orders\n"
        "FROM customers\n"
        "LEFT JOIN orders ON orders.customer_id = customers.customer_id AND orders.status = 'paid'\n"
        "GROUP BY customers.last_name"
    )


def test_the_first_of_each_group_are_numbered_within_it() -> None:
    assert sql_of(
        "products.category_id products.product_name per products.category_id desc products.price limit $0", "3"
    ) == (
        "SELECT category_id, product_name\n"
        "FROM (\n"
        "  SELECT category_id, product_name,\n"
        "    ROW_NUMBER() OVER (PARTITION BY category_id ORDER BY price DESC) AS position_in_group\n"
        "  FROM products\n"
        ") AS numbered\n"
        "WHERE position_in_group <= 3\n"
        "ORDER BY category_id, position_in_group"
    )


def test_null_is_kept_out_of_not_in() -> None:
    assert sql_of("customers.last_name where customers.customer_id not_in ( orders.customer_id )").splitlines()[-1] == (
        "WHERE customer_id NOT IN (SELECT customer_id FROM orders WHERE customer_id IS NOT NULL)"
    )


@pytest.mark.parametrize(
    ("dialect", "condition"),
    [
        ("sqlite", "WHERE first_name LIKE '%ann%'"),
        ("duckdb", "WHERE first_name ILIKE '%ann%'"),
        ("postgres", "WHERE first_name ILIKE '%ann%'"),
        ("mysql", "WHERE first_name LIKE '%ann%'"),
    ],
)
def test_contains_disregards_case_in_every_dialect(dialect: str, condition: str) -> None:
    text = "customers.last_name where customers.first_name contains $0"

    assert sql_of(text, "ann", dialect=dialect).splitlines()[-1] == condition


@pytest.mark.parametrize(
    ("dialect", "condition"),
    [
        ("sqlite", "WHERE strftime('%m', order_date) = '03'"),
        ("duckdb", "WHERE EXTRACT(MONTH FROM order_date) = 3"),
        ("postgres", "WHERE EXTRACT(MONTH FROM order_date) = 3"),
        ("mysql", "WHERE MONTH(order_date) = 3"),
    ],
)
def test_date_parts_are_spelled_for_the_dialect(dialect: str, condition: str) -> None:
    assert sql_of("count orders where month orders.order_date = $0", "3", dialect=dialect).splitlines()[-1] == condition


@pytest.mark.parametrize(
    ("dialect", "ratio"),
    [
        ("sqlite", "1.0 * COUNT(*) / COUNT(DISTINCT customer_id)"),
        ("duckdb", "COUNT(*) / NULLIF(COUNT(DISTINCT customer_id), 0)"),
        ("postgres", "1.0 * COUNT(*) / NULLIF(COUNT(DISTINCT customer_id), 0)"),
        ("mysql", "COUNT(*) / COUNT(DISTINCT customer_id)"),
    ],
)
def test_division_is_never_of_integers(dialect: str, ratio: str) -> None:
    text = "/ count orders count_distinct orders.customer_id"

    assert sql_of(text, dialect=dialect).splitlines()[0] == f"SELECT {ratio} AS ratio"


def test_numbers_kept_as_text_are_compared_as_numbers() -> None:
    assert sql_of("count products where products.code > $0", "50").splitlines()[-1] == "WHERE CAST(code AS REAL) > 50"
    assert sql_of("count products where products.code = $0", "50").splitlines()[-1] == "WHERE code = '50'"


def test_text_that_is_no_number_or_date_stops_no_engine() -> None:
    more = "count products where products.code > $0"
    of_month = "count orders where month orders.status = $0"

    assert sql_of(more, "50", dialect="duckdb").splitlines()[-1] == "WHERE TRY_CAST(code AS DOUBLE) > 50"
    assert sql_of(more, "50", dialect="postgres").splitlines()[-1] == (
        "WHERE CAST(SUBSTRING(code FROM '^ *[-+]?[0-9]+[.]?[0-9]*') AS NUMERIC) > 50"
    )
    assert "TRY_CAST(status AS TIMESTAMP)" in sql_of(of_month, "3", dialect="duckdb")
    assert "SUBSTRING(status FROM '^[0-9]{4}" in sql_of(of_month, "3", dialect="postgres")


def test_a_date_is_compared_with_what_is_no_date_as_text_where_the_engine_is_strict() -> None:
    text = "count orders where orders.order_date = $0"

    assert sql_of(text, "Monday", dialect="postgres").splitlines()[-1] == "WHERE CAST(order_date AS TEXT) = 'Monday'"
    assert sql_of(text, "2024-01-31", dialect="postgres").splitlines()[-1] == "WHERE order_date = '2024-01-31'"
    assert sql_of(text, "Monday").splitlines()[-1] == "WHERE order_date = 'Monday'"


def test_an_order_by_what_a_group_does_not_determine_splits_no_group_where_the_engine_is_strict() -> None:
    text = "customers.country count customers group customers.country desc customers.joined"

    assert sql_of(text, dialect="duckdb").splitlines()[-2:] == ["GROUP BY country", "ORDER BY MAX(joined) DESC"]
    assert sql_of(text).splitlines()[-2:] == ["GROUP BY country", "ORDER BY joined DESC"]


@pytest.mark.parametrize(
    ("dialect", "condition"),
    [("sqlite", "customer_id = ("), ("duckdb", "customer_id IN ("), ("postgres", "customer_id IN (")],
)
def test_a_subquery_of_several_rows_is_a_list_where_the_engine_wants_one_row(dialect: str, condition: str) -> None:
    text = "count orders where orders.customer_id = ( customers.customer_id where customers.country = $0 )"

    assert condition in sql_of(text, "Peru", dialect=dialect)


def test_of_a_subquery_that_is_compared_by_size_strict_engines_are_given_the_first_row() -> None:
    text = "products.product_name where products.price > ( avg products.price group products.category_id )"

    assert sql_of(text, dialect="duckdb").count("LIMIT 1") == 1
    assert sql_of(text).count("LIMIT 1") == 0


def test_columns_of_a_set_operation_become_text_where_a_strict_engine_would_refuse_them() -> None:
    text = "customers.last_name union products.price"

    assert "SELECT CAST(price AS TEXT)" in sql_of(text, dialect="postgres")
    assert "CAST" not in sql_of(text)


def test_quotes_and_pattern_signs_in_a_value_stay_text() -> None:
    last = sql_of("count products where products.product_name contains $0", "50% O'Neil").splitlines()[-1]

    assert last == "WHERE product_name LIKE '%50!% O''Neil%' ESCAPE '!'"


def test_distinct_rows_ordered_by_another_column_become_groups_where_the_engine_is_strict() -> None:
    text = "distinct customers.country desc customers.joined"

    assert sql_of(text) == "SELECT DISTINCT country\nFROM customers\nORDER BY joined DESC"
    assert sql_of(text, dialect="postgres") == (
        "SELECT country\nFROM customers\nGROUP BY country\nORDER BY MAX(joined) DESC"
    )


def test_names_are_quoted_only_where_they_have_to_be() -> None:
    table = Table("Order", (Column("Group", "TEXT"), Column("unit price", "REAL"), Column("note", "TEXT")))
    read = [ColumnRef(0, 0), ColumnRef(0, 1), ColumnRef(0, 2)]

    assert decode(read, Schema("sqlite", (table,)), []) == 'SELECT "Group", "unit price", note\nFROM "Order"'
    assert decode(read, Schema("mysql", (table,)), [], "mysql") == "SELECT `Group`, `unit price`, note\nFROM `Order`"


def test_upper_case_names_are_quoted_in_postgres() -> None:
    table = Table("Track", (Column("Name", "text"),), ("public",))

    assert decode([ColumnRef(0, 0)], Schema("postgres", (table,)), [], "postgres") == 'SELECT "Name"\nFROM "Track"'


def test_a_table_outside_the_search_path_is_written_with_its_qualifier() -> None:
    table = Table("orders", (Column("id", "integer"),), ("sales",), qualifier=("sales",))

    assert decode(["count", TableRef(0)], Schema("postgres", (table,)), [], "postgres") == (
        "SELECT COUNT(*) AS number_of_orders\nFROM sales.orders"
    )


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("SELECT country FROM customers WHERE country = 'Chad'", "a literal that is no candidate"),
        ("SELECT c.country FROM customers c, products p", "tables that are not joined"),
        ("SELECT CASE WHEN stock > 1 THEN 2 ELSE 1 END FROM products", "a function"),
        ("SELECT nothing FROM customers", "unknown column"),
        ("SELECT * FROM nowhere", "unknown table"),
        ("SELECT country, COUNT(*) FROM customers", "a bare column beside an aggregate"),
        ("DELETE FROM customers", "not a SELECT"),
        ("SELECT FROM WHERE", "not parsed"),
    ],
)
def test_what_no_tokens_say_is_refused_with_a_reason(sql: str, reason: str) -> None:
    with pytest.raises(Unreachable) as caught:
        encode(sql, shop_schema("sqlite"), [])

    assert caught.value.reason == reason


def test_a_double_quoted_name_that_is_no_column_is_a_string() -> None:
    found = encode(
        'SELECT last_name FROM customers WHERE country = "Peru"', shop_schema("sqlite"), [Candidate("Peru", "cell")]
    )

    assert found == tokens("customers.last_name where customers.country = $0")


def test_the_candidate_found_in_the_compared_column_is_preferred() -> None:
    country, name = ref("customers.country"), ref("customers.last_name")
    assert isinstance(country, ColumnRef)
    assert isinstance(name, ColumnRef)
    cells = [Candidate("Mali", "cell", one.table, one.column) for one in (name, country)]

    found = encode("SELECT last_name FROM customers WHERE country = 'Mali'", shop_schema("sqlite"), cells)

    assert found[-1] == ValueRef(1)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("count", "not finished"),
        ("where orders", "Token 1"),
        ("orders.status union orders", "different numbers of columns"),
        ("orders.status where orders.status = $7", "names value 7"),
        ("running_total count orders", "needs an item"),
        ("orders.status via orders.status", "leads to no other table"),
        ("orders.status limit $0", "no count"),
    ],
)
def test_a_sequence_without_a_meaning_is_refused_with_a_reason(text: str, message: str) -> None:
    with pytest.raises(UndecodableError, match=message):
        sql_of(text, "paid")


def test_tables_that_nothing_joins_are_refused() -> None:
    schema = Schema("sqlite", (Table("a", (Column("x"),)), Table("b", (Column("y"),))))

    with pytest.raises(UndecodableError, match=r"Nothing in the schema joins a to b\."):
        decode([ColumnRef(0, 0), ColumnRef(1, 0)], schema, [])


def test_columns_known_to_share_no_value_are_not_joined() -> None:
    tables = (Table("a", (Column("ref_code"), Column("x"))), Table("b", (Column("ref_code"), Column("y"))))
    schema = Schema("sqlite", tables)
    read: list[Token] = [ColumnRef(0, 1), ColumnRef(1, 1)]

    assert "ON a.ref_code = b.ref_code" in decode(read, schema, [])
    with pytest.raises(UndecodableError, match="joins"):
        decode(read, schema, [], graph=JoinGraph(schema, are_disjoint=lambda _left, _right: True))


def test_columns_named_after_a_table_and_its_role_are_joined_without_a_declared_key() -> None:
    trips = Table("trips", (Column("id"), Column("end_station_id")), primary_key=("id",))
    stations = Table("stations", (Column("id"), Column("name")), primary_key=("id",))

    sql = decode(["count", TableRef(0), ColumnRef(1, 1)], Schema("sqlite", (trips, stations)), [])

    assert "ON trips.end_station_id = stations.id" in sql


def random_tokens(chance: random.Random, longest: int, values: int) -> list[Token]:
    """A sequence that follows the grammar, as a model would write one that has learned nothing else."""
    tables = shop_schema("sqlite").tables
    found: list[Token] = []
    state = State()
    while True:
        allowed = sorted(state.allowed())
        if len(found) + state.tokens_to_finish() >= longest:
            if "END" in allowed:
                return found
            allowed = [min(allowed, key=lambda terminal: (state.advance(terminal).tokens_to_finish(), terminal))]
        terminal = chance.choice(allowed + [one for one in allowed if one in ("COLUMN", "TABLE", "VALUE", "END")] * 4)
        if terminal == "END":
            return found
        state = state.advance(terminal)
        table = chance.randrange(len(tables))
        pointers = {
            "COLUMN": ColumnRef(table, chance.randrange(len(tables[table].columns))),
            "TABLE": TableRef(table),
            "VALUE": ValueRef(chance.randrange(values)),
        }
        found.append(pointers.get(terminal, terminal))


def test_what_the_grammar_allows_is_sql_or_is_refused_with_a_reason(sqlite: sqlite3.Connection) -> None:
    chance = random.Random(1)
    values = [Candidate("5", "number"), Candidate("Peru", "cell"), Candidate("2024-03-01", "date")]
    graphs = {name: JoinGraph(shop_schema(name)) for name in ("sqlite", "duckdb", "postgres", "mysql")}
    outcomes: Counter[str] = Counter()
    for _ in range(400):
        sequence = random_tokens(chance, chance.choice((6, 12, 24)), len(values))
        for dialect, graph in graphs.items():
            try:
                sql = decode(sequence, graph.schema, values, dialect, graph=graph)
            except UndecodableError:
                outcomes["refused"] += 1
                continue
            if dialect == "sqlite":
                outcomes[_explained(sqlite, sql)] += 1

    assert outcomes["runs"] > 30 * outcomes["fails"]


def _explained(connection: sqlite3.Connection, sql: str) -> str:
    try:
        connection.execute(f"EXPLAIN {sql}")
    except sqlite3.Error:
        return "fails"
    return "runs"


def test_the_next_token_is_known_after_any_prefix() -> None:
    assert "where" in next_allowed(tokens("customers.country"))
    assert next_allowed(tokens("customers.country where customers.country contains")) == {
        "VALUE", "0", "1", "2", "100", "true", "false",
    }  # fmt: skip
    assert "END" not in next_allowed(tokens("customers.country where"))


def test_joins_over_a_thousand_tables_are_found_in_a_moment() -> None:
    chance = random.Random(2)
    tables = [Table("table_0", (Column("id"), Column("name")), primary_key=("id",))]
    for number in range(1, 1000):
        link = ForeignKey(("parent_id",), f"table_{chance.randrange(number)}", ("id",))
        columns = (Column("id"), Column("name"), Column("parent_id"))
        tables.append(Table(f"table_{number}", columns, primary_key=("id",), foreign_keys=(link,)))
    schema = Schema("sqlite", tuple(tables))
    start = time.process_time()

    decode(["count", TableRef(7), ColumnRef(3, 1)], schema, [], graph=JoinGraph(schema))

    assert time.process_time() - start < 60.0


@pytest.mark.parametrize("quoted", [quote, quote_name], ids=["of the model", "of the guard"])
def test_every_keyword_can_be_the_name_of_a_column(quoted: Callable[[str, str], str]) -> None:
    engines = {"sqlite": sqlite3.connect(":memory:"), "duckdb": duckdb.connect()}
    keywords = [word for (word,) in engines["duckdb"].execute("SELECT keyword_name FROM duckdb_keywords()").fetchall()]
    words = sorted({*keywords, "autoincrement", "commit", "isnull", "nothing", "raise", "transaction"})
    for dialect, engine in engines.items():
        names = [quoted(word, dialect) for word in words]
        engine.execute(f"CREATE TABLE one ({', '.join(f'{name} INTEGER' for name in names)})")

        assert engine.execute(f"SELECT {', '.join(f'{name}, one.{name}' for name in names)} FROM one").fetchall() == []
