"""The user's own connection is as it was, after an answer, an error and an interrupt, on each engine."""

from __future__ import annotations

import os
import signal
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import psycopg2
import pytest
from psycopg.rows import dict_row
from test_database import ENDLESS, unchecked

from t2s_magic.database import connect
from t2s_magic.errors import QueryError

ANSWER, ERROR, INTERRUPT = "SELECT count(*) FROM customer", "SELECT nope FROM customer", ENDLESS
ENDINGS = pytest.mark.parametrize("sql", [ANSWER, ERROR, INTERRUPT], ids=["answer", "error", "interrupt"])


def work_beside(user: Any, sql: str) -> None:
    """Read the schema, plan and run ``sql`` beside the user's connection; an endless one is interrupted."""
    database = connect(user)
    database.schema()
    database.explain(unchecked(database, sql))
    if sql == INTERRUPT:
        threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
    with suppress(QueryError, KeyboardInterrupt):
        database.run(unchecked(database, sql))
    database.close()


@pytest.fixture
def sqlite_user(sqlite_file: Path) -> Iterator[sqlite3.Connection]:
    user = sqlite3.connect(sqlite_file)
    user.executescript("PRAGMA foreign_keys = ON; PRAGMA cache_size = -777; PRAGMA temp_store = FILE")
    user.row_factory, user.text_factory = sqlite3.Row, bytes
    user.isolation_level = "IMMEDIATE"
    user.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 77_777_777)
    user.create_function("mine", 0, lambda: 42)
    user.execute("CREATE TEMP TABLE scratch (x)")
    yield user
    user.close()


def sqlite_state(user: sqlite3.Connection) -> list[Any]:
    names = "foreign_keys cache_size temp_store query_only trusted_schema busy_timeout journal_mode".split()
    pragmas = [tuple(user.execute(f"PRAGMA {name}").fetchone()) for name in names]
    limits = [user.getlimit(number) for number in range(12)]
    settings = [user.row_factory, user.text_factory, user.isolation_level, user.in_transaction, user.total_changes]
    rows = [tuple(row) for row in user.execute("SELECT mine(), (SELECT count(*) FROM scratch), count(*) FROM customer")]
    databases = [tuple(row) for row in user.execute("PRAGMA database_list")]
    return [*pragmas, *limits, *settings, *rows, *databases]


@ENDINGS
@pytest.mark.parametrize("is_writing", [False, True], ids=["idle", "in a transaction"])
def test_a_connection_of_sqlite_is_as_it_was(sqlite_user: sqlite3.Connection, sql: str, is_writing: bool):
    if is_writing:
        sqlite_user.execute("INSERT INTO customer VALUES (4, 'New', NULL)")
    state = sqlite_state(sqlite_user)
    work_beside(sqlite_user, sql)
    assert sqlite_state(sqlite_user) == state
    sqlite_user.execute("DELETE FROM invoice")  # no lock of ours is in the way
    sqlite_user.rollback()


@pytest.fixture
def duckdb_user(duckdb_file: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    user = duckdb.connect(str(duckdb_file))
    user.execute("CREATE SCHEMA other; SET search_path = 'other,main'; SET threads = 1; SET VARIABLE mine = 42")
    user.execute("CREATE TEMP TABLE scratch (x INT); CREATE TEMP MACRO lower(x) AS 'mine'")
    yield user
    user.close()


def duckdb_state(user: duckdb.DuckDBPyConnection) -> list[Any]:
    queries = (
        "SELECT name, value FROM duckdb_settings() ORDER BY name",
        "SELECT database_name, path, readonly FROM duckdb_databases() ORDER BY 1",
        "SELECT getvariable('mine'), lower('X'), (SELECT count(*) FROM scratch), (SELECT count(*) FROM customer)",
        "SELECT function_name FROM duckdb_functions() WHERE database_name = 'temp'",
    )
    return [user.execute(query).fetchall() for query in queries]


@ENDINGS
@pytest.mark.parametrize("is_writing", [False, True], ids=["idle", "in a transaction"])
def test_a_connection_of_duckdb_is_as_it_was(duckdb_user: duckdb.DuckDBPyConnection, sql: str, is_writing: bool):
    if is_writing:
        duckdb_user.execute("BEGIN; INSERT INTO customer VALUES (4, 'New', NULL)")
        ((transaction,),) = duckdb_user.execute("SELECT txid_current()").fetchall()
    state = duckdb_state(duckdb_user)
    work_beside(duckdb_user, sql)
    assert duckdb_state(duckdb_user) == state
    if is_writing:
        assert duckdb_user.execute("SELECT txid_current()").fetchall() == [(transaction,)]
        duckdb_user.execute("ROLLBACK")
    duckdb_user.execute("DELETE FROM invoice; CHECKPOINT")


def psycopg_user(url: str) -> psycopg.Connection:
    user = psycopg.connect(url, row_factory=dict_row, prepare_threshold=2)
    user.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    return user


def psycopg2_user(url: str) -> Any:
    user = psycopg2.connect(url)
    user.set_session(isolation_level="REPEATABLE READ")
    return user


def postgres_state(user: Any) -> list[Any]:
    queries = (
        "SELECT name, setting FROM pg_settings ORDER BY name",
        "SELECT pg_backend_pid(), txid_current(), now(), (SELECT count(*) FROM scratch), count(*) FROM customer",
        "SELECT relation, mode FROM pg_locks WHERE pid = pg_backend_pid() AND relation > 16384 ORDER BY 1, 2",
    )
    told = [user.isolation_level, user.autocommit, getattr(user, "row_factory", None), user.info.transaction_status]
    with user.cursor() as cursor:
        for query in queries:
            cursor.execute(query)
            told.append(cursor.fetchall())
    return told


@ENDINGS
@pytest.mark.parametrize("connect_as_user", [psycopg_user, psycopg2_user])
def test_a_session_of_postgres_is_as_it_was(postgres_url: str, sql: str, connect_as_user: Callable[[str], Any]):
    user = connect_as_user(postgres_url)
    with user.cursor() as cursor:
        cursor.execute("SET search_path = public, pg_temp; SET statement_timeout = '77s'; SET TimeZone = 'Asia/Tokyo'")
        cursor.execute("CREATE TEMP TABLE scratch (x int); INSERT INTO customer VALUES (4, 'New', NULL)")
    postgres_state(user)
    state = postgres_state(user)
    work_beside(user, sql)
    assert postgres_state(user) == state
    user.rollback()
    user.close()
