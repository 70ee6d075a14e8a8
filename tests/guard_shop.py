"""The shop that the statements in ``guard_statements`` read, for the engines and as a schema."""

from __future__ import annotations

from pathlib import Path

from t2s_magic.schema import Column, Schema, Table

DIALECTS = ("sqlite", "duckdb", "postgres", "mysql")

_EVERYWHERE = """
CREATE TABLE customer (
  id INTEGER PRIMARY KEY, name VARCHAR, city VARCHAR, country VARCHAR, joined DATE, email VARCHAR
);
CREATE TABLE product (id INTEGER PRIMARY KEY, name VARCHAR, category VARCHAR, price DOUBLE PRECISION);
CREATE TABLE orders (
  id INTEGER PRIMARY KEY, customer_id INTEGER, product_id INTEGER, ordered_at TIMESTAMP, status VARCHAR,
  total DOUBLE PRECISION
);
CREATE TABLE item (order_id INTEGER, product_id INTEGER, quantity INTEGER, price DOUBLE PRECISION);
CREATE TABLE "update" (id INTEGER, "drop" VARCHAR);
INSERT INTO customer VALUES
  (1, 'Ada', 'Paris', 'France', '2020-01-01', 'a@x.org'), (2, 'Bob', 'Berlin', 'Germany', '2021-01-01', NULL);
INSERT INTO orders VALUES
  (1, 1, 1, '2024-01-05 10:00:00', 'open', 20.5), (2, 1, 2, '2024-02-05 10:00:00', 'shipped', 70);
INSERT INTO item VALUES (1, 1, 2, 10);
INSERT INTO product VALUES (1, 'Pen', 'office', 1.5), (2, 'Desk', 'office', 150);
"""
_PAYLOAD = '{"a": {"b": 1}, "list": [1, 2]}'
SETUP = {
    "sqlite": f"""{_EVERYWHERE}
        CREATE INDEX customer_city ON customer (city);
        CREATE TABLE event (id INTEGER, payload TEXT);
        INSERT INTO event VALUES (1, '{_PAYLOAD}');
    """,
    "duckdb": f"""{_EVERYWHERE}
        CREATE TABLE event (
          id INTEGER, kind VARCHAR, seen TIMESTAMP, ordered_at TIMESTAMP, payload JSON, tags VARCHAR[],
          props STRUCT(width INT, label VARCHAR)
        );
        INSERT INTO event VALUES
          (1, 'click', '2024-01-01', '2024-01-01', '{_PAYLOAD}', ['a', 'b'], {{'width': 1, 'label': 'x'}});
    """,
    "postgres": f"""{_EVERYWHERE}
        CREATE TABLE event (id INTEGER, kind VARCHAR, payload JSONB, tags TEXT[]);
        INSERT INTO event VALUES (1, 'click', '{_PAYLOAD}', ARRAY['a', 'b']);
    """,
}

_COLUMNS = {
    "customer": "id name city country joined email",
    "product": "id name category price",
    "orders": "id customer_id product_id ordered_at status total",
    "item": "order_id product_id quantity price",
    "update": "id drop",
    "event": "id kind seen ordered_at payload tags props",
}
_PATHS = {"sqlite": ("main",), "duckdb": ("memory", "main"), "postgres": ("public",), "mysql": ("shop",)}


def shop_schema(dialect: str) -> Schema:
    """The shop as ``database.schema()`` would describe it."""
    tables = (
        Table(name, tuple(Column(column) for column in columns.split()), _PATHS[dialect])
        for name, columns in _COLUMNS.items()
    )
    return Schema(dialect, tuple(tables))


def legitimate_statements(dialect: str) -> tuple[str, ...]:
    """Statements that analysts write, in the words of ``dialect``; each ends in a semicolon at the end of a line."""
    text = Path(__file__).with_name("guard_statements").joinpath(f"{dialect}.sql").read_text("utf-8")
    return tuple(statement for statement in text.split(";\n") if statement.strip())


def reads_catalogue(statement: str) -> bool:
    """Such statements are fine by their form, and refused once a schema says which tables there are."""
    return any(name in statement for name in ("information_schema", "sqlite_master", "pg_catalog.pg_class"))
