"""PostgreSQL: faults injected from another session, what the server refuses by itself, and its types."""

from __future__ import annotations

import datetime as dt
import os
import signal
import socket
import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import psycopg2
import pytest
import sqlalchemy
from settling import left_over

from t2s_magic.database import Database, Limits, Rows, connect
from t2s_magic.errors import (
    CancelledError,
    ConnectionLostError,
    LockedError,
    NoConnectionError,
    QueryError,
    SchemaError,
    TimeLimitError,
)
from t2s_magic.guard import CheckedSql, check
from t2s_magic.guard.checked import _GUARD_ONLY

OURS = "FROM pg_stat_activity WHERE application_name = 't2s_magic' AND datname = current_database()"
SLEEP = "SELECT pg_sleep(30)"
# What is waited for here goes on for thirty seconds if nothing stops it; what stops it takes a tenth of a second.
SECONDS_TO_STOP = 15


@pytest.fixture
def admin(postgres_url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def database(postgres_url: str) -> Iterator[Database]:
    opened = connect(postgres_url)
    yield opened
    with suppress(QueryError, ConnectionLostError, NoConnectionError):
        opened.close()


def ask(database: Database, sql: str, limits: Limits = Limits()) -> Rows:
    return database.run(check(sql, "postgres"), limits)


def run_unchecked(database: Database, sql: str, limits: Limits = Limits()) -> Rows:
    return database.run(CheckedSql(sql, "postgres", made_by=_GUARD_ONLY), limits)


def active(admin: psycopg.Connection) -> list[Any]:
    """What our sessions are doing: nothing, when all is well."""
    return left_over(lambda: admin.execute(f"SELECT state, query {OURS} AND state <> 'idle'").fetchall())


def terminate_ours(admin: psycopg.Connection) -> None:
    admin.execute(f"SELECT pg_terminate_backend(pid) {OURS}")


@pytest.mark.parametrize("driver", [psycopg.connect, psycopg2.connect], ids=["psycopg", "psycopg2"])
def test_a_connection_of_either_driver_is_read_and_left_alone(postgres_url: str, driver: Any):
    user = driver(postgres_url)
    with user.cursor() as cursor:
        cursor.execute("INSERT INTO customer VALUES (4, 'New', NULL)")
        cursor.execute("CREATE TEMP TABLE scratch (x int)")
    database = connect(user)
    assert ask(database, "SELECT count(*) FROM customer").rows == ((3,),)
    assert database.schema().unseen == (("your open transaction", "uncommitted rows"),)
    user.commit()
    assert ask(database, "SELECT count(*) FROM customer").rows == ((4,),)
    assert database.schema().unseen == (("scratch", "temporary table"),)
    database.close()
    with user.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM scratch")
        assert cursor.fetchall() == [(0,)]
    user.close()


@pytest.mark.parametrize("driver", ["postgresql+psycopg", "postgresql+psycopg2"])
def test_an_engine_or_connection_of_sqlalchemy_is_read(postgres_url: str, driver: str):
    engine = sqlalchemy.create_engine(postgres_url.replace("postgresql", driver, 1))
    with engine.connect() as connection:
        for source in (engine, connection):
            database = connect(source)
            assert ask(database, "SELECT count(*) FROM customer").rows == ((3,),)
            database.close()
        assert not connection.in_transaction()
    engine.dispose()


def test_zone_and_search_path_follow_the_user_s_session(admin: psycopg.Connection):
    admin.execute("CREATE SCHEMA other; CREATE TABLE other.customer AS SELECT 'x' AS only")
    database = connect(admin)
    assert database.schema().find(("customer",)).path == ("public",)
    admin.execute("SET search_path = other, public; SET TimeZone = 'Asia/Tokyo'")
    assert database.schema().find(("customer",)).path == ("other",)
    assert ask(database, "SELECT * FROM customer").rows == (("x",),)
    assert ask(database, "SELECT timestamptz '2025-01-01 00:00+00'::text").rows == (("2025-01-01 09:00:00+09",),)
    database.close()


def test_a_backend_that_dies_in_a_query_is_said_and_the_next_run_connects_anew(
    database: Database, admin: psycopg.Connection
):
    threading.Timer(0.4, terminate_ours, (admin,)).start()
    with pytest.raises(ConnectionLostError, match=r"lost after 0\.\d s \(terminating connection.*nothing was changed"):
        run_unchecked(database, SLEEP)
    assert ask(database, "SELECT count(*) FROM customer").rows == ((3,),)


def test_a_backend_that_died_between_two_questions_is_not_noticed(database: Database, admin: psycopg.Connection):
    terminate_ours(admin)
    time.sleep(0.1)
    assert ask(database, "SELECT count(*) FROM customer").rows == ((3,),)


def test_a_database_that_is_gone_is_said(database: Database, postgres_server: str):
    with psycopg.connect(postgres_server, autocommit=True) as admin:
        admin.execute("DROP DATABASE own_shop WITH (FORCE)")
        with pytest.raises(NoConnectionError, match='database "own_shop" does not exist'):
            ask(database, "SELECT 1")
        admin.execute("CREATE DATABASE own_shop")


def test_cancel_stops_the_statement_on_the_server(database: Database, admin: psycopg.Connection):
    threading.Timer(0.4, database.cancel).start()
    started = time.monotonic()
    with pytest.raises(CancelledError):
        run_unchecked(database, SLEEP)
    assert time.monotonic() - started < SECONDS_TO_STOP
    assert active(admin) == []


def test_the_time_limit_stops_the_statement_on_the_server(database: Database, admin: psycopg.Connection):
    with pytest.raises(TimeLimitError, match=r"Stopped after 0\.3 s"):
        run_unchecked(database, SLEEP, Limits(seconds=0.3))
    assert active(admin) == []


def test_the_kernel_s_interrupt_stops_the_statement_on_the_server(database: Database, admin: psycopg.Connection):
    threading.Timer(0.4, os.kill, (os.getpid(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        run_unchecked(database, SLEEP)
    assert active(admin) == []
    assert ask(database, "SELECT 1").rows == ((1,),)


def test_a_statement_that_another_session_cancels_is_said(database: Database, admin: psycopg.Connection):
    threading.Timer(0.4, admin.execute, (f"SELECT pg_cancel_backend(pid) {OURS}",)).start()
    with pytest.raises(CancelledError, match="canceling statement due to user request"):
        run_unchecked(database, SLEEP)


def test_a_lock_of_another_session_is_waited_for_and_then_said(database: Database, admin: psycopg.Connection):
    with admin.transaction():
        admin.execute("LOCK TABLE customer")
        with pytest.raises(LockedError, match="Waited 5 s for a lock held by another session"):
            ask(database, "SELECT * FROM customer")
    assert ask(database, "SELECT count(*) FROM customer").rows == ((3,),)


def test_the_time_limit_ends_a_wait_for_a_lock(database: Database, admin: psycopg.Connection):
    with admin.transaction():
        admin.execute("LOCK TABLE customer")
        with pytest.raises(TimeLimitError):
            ask(database, "SELECT * FROM customer", Limits(seconds=0.3))


def test_the_schema_is_read_while_a_table_is_locked(database: Database, admin: psycopg.Connection):
    with admin.transaction():
        admin.execute("LOCK TABLE customer")
        assert database.schema().find(("customer",)) is not None


def test_nothing_of_a_statement_outlives_it(database: Database, admin: psycopg.Connection):
    run_unchecked(database, "SELECT set_config('statement_timeout', '0', false), set_config('search_path', 'x', false)")
    run_unchecked(database, "SELECT pg_advisory_lock(42)")
    assert ask(database, "SELECT count(*) FROM customer").rows == ((3,),)
    assert admin.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'").fetchall() == [(0,)]
    assert admin.execute(f"SELECT count(*) {OURS} AND xact_start IS NOT NULL").fetchall() == [(0,)]


def test_comments_partitions_views_and_schemas_are_read(admin: psycopg.Connection, database: Database):
    admin.execute(
        """
        COMMENT ON TABLE customer IS 'who buys'; COMMENT ON COLUMN customer.name IS 'first name';
        CREATE TABLE event (id int, day date, double int GENERATED ALWAYS AS (id * 2) STORED) PARTITION BY RANGE (day);
        CREATE TABLE event_2025 PARTITION OF event FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
        CREATE MATERIALIZED VIEW countries AS SELECT DISTINCT country FROM customer;
        CREATE SCHEMA sales; CREATE TABLE sales.customer (id int REFERENCES public.customer);
        """
    )
    schema = database.schema()
    customer = schema.find(("customer",))
    assert (customer.comment, customer.columns[1].comment) == ("who buys", "first name")
    assert customer.columns[1].type == "character varying(40)"
    assert [column.name for column in schema.find(("event",)).columns] == ["id", "day", "double"]
    assert schema.find(("event_2025",)) is None
    assert schema.find(("countries",)).is_view
    (key,) = schema.find(("sales", "customer")).foreign_keys
    assert (key.to_path, key.to_table, key.to_columns) == (("public",), "customer", ("id",))


def test_a_role_sees_what_it_may_read(admin: psycopg.Connection, postgres_url: str):
    admin.execute(
        "DROP ROLE IF EXISTS reader; CREATE ROLE reader LOGIN; GRANT SELECT ON customer TO reader; "
        "GRANT SELECT (id, day) ON invoice TO reader"
    )
    database = connect(postgres_url.replace("postgres:@", "reader:@"))
    tables = database.schema().tables
    assert [(table.name, [column.name for column in table.columns]) for table in tables] == [
        ("customer", ["id", "name", "country"]),
        ("invoice", ["id", "day"]),
    ]
    with pytest.raises(QueryError, match="permission denied for view german"):
        ask(database, "SELECT * FROM german")
    admin.execute("REVOKE ALL ON customer, invoice FROM reader")
    with pytest.raises(SchemaError, match=r"No readable table in postgres · .*/own_shop\. Its schemas: public"):
        database.schema()
    database.close()
    admin.execute("DROP OWNED BY reader; DROP ROLE reader")


def test_a_comment_that_changes_is_noticed(admin: psycopg.Connection, database: Database):
    before = database.schema()
    admin.execute("COMMENT ON COLUMN customer.country IS 'where'")
    assert database.schema().fingerprint != before.fingerprint


def test_values_come_as_they_are(database: Database):
    rows = run_unchecked(
        database,
        """
        SELECT NULL, 'NaN'::numeric, 1.50::numeric(10, 4), 'infinity'::date, '0044-03-15 BC'::date, '24:00:00'::time,
          '2025-01-01 00:00+00'::timestamptz, '12:00+02'::timetz, interval '1 mon', ARRAY[1, NULL], '{"a": [1]}'::jsonb,
          '\\xff'::bytea, '894953c4-87dc-494d-9e3d-721edd98dd2a'::uuid, '-0'::float8, 'infinity'::float8, B'101',
          'fat & rat'::tsquery, '10.0.0.1'::inet::text""",
    )
    row = rows.rows[0]
    assert row[0] is None
    assert row[1].is_nan()
    assert row[2:6] == (Decimal("1.5000"), "infinity", "0044-03-15 BC", "24:00:00")
    assert row[6] == dt.datetime(2025, 1, 1, tzinfo=dt.UTC)
    assert row[8:13] == (
        dt.timedelta(days=30),
        [1, None],
        {"a": [1]},
        b"\xff",
        UUID("894953c4-87dc-494d-9e3d-721edd98dd2a"),
    )
    assert (str(row[13]), row[14], row[15]) == ("-0.0", float("inf"), "101")
    assert rows.types[2] == "numeric(10,4)"


def test_a_cell_of_a_megabyte_is_kept_and_a_longer_one_cut(database: Database):
    rows = run_unchecked(database, "SELECT repeat('x', 1000000) AS one, repeat('y', 1000001) AS two")
    assert [len(cell) for cell in rows.rows[0]] == [1_000_000, 1_000_000]
    assert rows.notes == ("Row 1 of column 'two' holds 1,000,001 characters or bytes; cells are cut to 1,000,000.",)


def test_billions_of_rows_are_cut_at_once(database: Database, admin: psycopg.Connection):
    started = time.monotonic()
    rows = run_unchecked(database, "SELECT a FROM generate_series(1, 60000) AS a, generate_series(1, 60000) AS b")
    assert (len(rows), rows.is_cut) == (10_000, True)
    assert time.monotonic() - started < 25
    assert active(admin) == []


WAYS_OUT = [
    "COPY customer TO '{file}'",
    "COPY customer TO PROGRAM 'cat > {file}'",
    "SELECT 1; COMMIT; DROP TABLE invoice",
    "WITH d AS (DELETE FROM customer RETURNING *) SELECT * FROM d",
    "SELECT 1 AS a INTO stolen",
    "EXPLAIN ANALYZE SELECT 1 AS a INTO stolen",
    "EXPLAIN ANALYZE DELETE FROM invoice",
    "SELECT nextval('counter')",
    "SELECT lo_create(4242)",
    "SELECT * FROM customer FOR UPDATE",
    "DO $$ BEGIN DELETE FROM invoice; END $$",
    "SELECT sneaky()",
    "SELECT * FROM trap",
    "SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE",
    "SET TRANSACTION READ WRITE",
    "COMMIT AND CHAIN",
    "CREATE TEMP TABLE customer (x int)",
    "PREPARE p AS DELETE FROM customer",
    "LISTEN channel",
    "NOTIFY channel",
]


@pytest.mark.parametrize("sql", WAYS_OUT)
def test_without_the_guard_the_server_leaves_no_trace(
    database: Database, admin: psycopg.Connection, sql: str, tmp_path: Path
):
    admin.execute(
        """
        CREATE SEQUENCE counter;
        CREATE FUNCTION sneaky() RETURNS int LANGUAGE sql AS 'DELETE FROM invoice; SELECT 1';
        CREATE VIEW trap AS SELECT sneaky();
        """
    )
    with suppress(QueryError):
        run_unchecked(database, sql.format(file=tmp_path / "stolen.csv"))
    assert list(tmp_path.iterdir()) == []
    for table, count in {"customer": 3, "invoice": 3, "pg_largeobject_metadata": 0}.items():
        assert admin.execute(f"SELECT count(*) FROM {table}").fetchall() == [(count,)]
    assert admin.execute("SELECT last_value, is_called FROM counter").fetchall() == [(1, False)]
    assert admin.execute("SELECT to_regclass('stolen')").fetchall() == [(None,)]
    assert ask(database, "SELECT count(*) FROM customer").rows == ((3,),)
    with pytest.raises(QueryError, match="read-only transaction"):
        run_unchecked(database, "DELETE FROM invoice RETURNING id")


def test_a_server_that_refuses_us_is_said_without_the_user(postgres_url: str):
    with pytest.raises(NoConnectionError, match=r'role "\*\*\*" does not exist'):
        connect(postgres_url.replace("postgres:@", "nobody:@"))


SETTINGS = """
SELECT current_setting('transaction_read_only'), current_setting('statement_timeout'), current_setting('lock_timeout'),
  current_setting('idle_in_transaction_session_timeout'), current_setting('standard_conforming_strings'),
  current_setting('client_encoding')"""


@pytest.mark.parametrize("driver", [psycopg.connect, psycopg2.connect], ids=["psycopg", "psycopg2"])
def test_a_statement_runs_read_only_with_time_limits_and_plain_literals_whatever_the_user_has_set(
    postgres_url: str, admin: psycopg.Connection, driver: Any
):
    admin.execute("ALTER ROLE postgres SET standard_conforming_strings = off")
    admin.execute("ALTER ROLE postgres SET client_encoding = 'LATIN1'")
    try:
        user = driver(postgres_url, options="-c standard_conforming_strings=off -c statement_timeout=0")
        database = connect(user)
        rows = run_unchecked(database, SETTINGS, Limits(seconds=7))
        assert rows.rows == (("on", "9s", "5s", "1min", "on", "UTF8"),)
        assert ask(database, r"SELECT '\' AS a, 'Zoë' AS b").rows == (("\\", "Zoë"),)
        database.close()
        with user.cursor() as cursor:
            cursor.execute("SHOW standard_conforming_strings")
            assert cursor.fetchone() == ("off",)
        user.close()
    finally:
        admin.execute("ALTER ROLE postgres RESET ALL")


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2", "pg8000", "asyncpg"])
def test_whatever_driver_a_url_names_one_that_can_prepare_is_used(postgres_url: str, driver: str):
    database = connect(postgres_url.replace("postgresql:", f"postgresql+{driver}:"))
    assert ask(database, "SELECT count(*) FROM customer").rows == ((3,),)
    with pytest.raises(QueryError, match="cannot insert multiple commands into a prepared statement"):
        run_unchecked(database, "SELECT 1; SELECT 2")
    database.close()


def interrupt_after(*seconds: float) -> list[threading.Timer]:
    timers = [threading.Timer(delay, os.kill, (os.getpid(), signal.SIGINT)) for delay in seconds]
    for timer in timers:
        timer.start()
    return timers


def held(admin: psycopg.Connection) -> list[Any]:
    """Locks and transactions of our sessions: none, when all is well."""
    locks = admin.execute(f"SELECT locktype, mode FROM pg_locks WHERE pid IN (SELECT pid {OURS})").fetchall()
    return locks + admin.execute(f"SELECT state, query {OURS} AND xact_start IS NOT NULL").fetchall()


def test_an_interrupt_while_connecting_ends_the_wait():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        interrupt_after(0.3)
        started = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            connect(f"postgresql://user@127.0.0.1:{silent.getsockname()[1]}/x")
        assert time.monotonic() - started < SECONDS_TO_STOP


def test_an_interrupt_while_a_plan_waits_for_a_lock_leaves_no_lock(database: Database, admin: psycopg.Connection):
    query = check("SELECT * FROM customer", "postgres")
    with admin.transaction():
        admin.execute("LOCK TABLE customer")
        interrupt_after(0.4)
        started = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            database.explain(query)
        assert time.monotonic() - started < SECONDS_TO_STOP
        assert held(admin) == []
    assert database.explain(query) is None


@contextmanager
def rollback_that_never_arrives(admin: psycopg.Connection) -> Iterator[tuple[int, threading.Event]]:
    """A port to the same server that swallows the first ROLLBACK; the event says that it was sent."""
    arrived = threading.Event()

    class Line(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with socket.socket(socket.AF_UNIX) as server:
                server.connect(f"{admin.info.host}/.s.PGSQL.{admin.info.port}")
                back = threading.Thread(target=_pump, args=(server, self.request))
                back.start()
                while said := self.request.recv(65_536):
                    if b"ROLLBACK" in said and not arrived.is_set():
                        arrived.set()
                        continue
                    server.sendall(said)
                server.shutdown(socket.SHUT_RDWR)
                back.join()

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Line) as between:
        between.daemon_threads = True
        threading.Thread(target=between.serve_forever, daemon=True).start()
        yield between.server_address[1], arrived
        between.shutdown()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while said := source.recv(65_536):
            target.sendall(said)


@pytest.mark.parametrize("stop", ["interrupt", "cancel"])
def test_a_stop_while_it_rolls_back_leaves_nothing_open_and_the_next_question_is_answered(
    admin: psycopg.Connection, stop: str
):
    with rollback_that_never_arrives(admin) as (port, arrived):
        database = connect(f"postgresql://{admin.info.user}@127.0.0.1:{port}/{admin.info.dbname}")
        stops = {"interrupt": lambda: os.kill(os.getpid(), signal.SIGINT), "cancel": database.cancel}
        stopping = threading.Thread(target=lambda: arrived.wait(30) and stops[stop]())
        stopping.start()
        started = time.monotonic()
        with pytest.raises(KeyboardInterrupt if stop == "interrupt" else CancelledError):
            run_unchecked(database, "SELECT pg_advisory_lock(42), count(*) FROM customer")
        stopping.join()
        assert time.monotonic() - started < SECONDS_TO_STOP
        assert left_over(lambda: held(admin), SECONDS_TO_STOP) == []
        assert ask(database, "SELECT count(*) FROM customer").rows == ((3,),)
        assert held(admin) == []
        database.close()


def test_a_cancel_while_a_plan_waits_is_no_complaint_about_the_statement(database: Database, admin: psycopg.Connection):
    with admin.transaction():
        admin.execute("LOCK TABLE customer")
        threading.Timer(0.3, database.cancel).start()
        with pytest.raises(CancelledError):
            database.explain(check("SELECT * FROM customer", "postgres"))


def test_an_interrupt_while_rows_are_fetched_leaves_no_transaction(database: Database, admin: psycopg.Connection):
    interrupt_after(0.4)
    with pytest.raises(KeyboardInterrupt):
        run_unchecked(
            database,
            "SELECT a, b FROM generate_series(1, 60000) AS a, generate_series(1, 60000) AS b",
            Limits(rows=10**9, memory=10**12),
        )
    assert held(admin) == []
    assert ask(database, "SELECT count(*) FROM customer").rows == ((3,),)


def test_impatient_interrupts_leave_no_transaction_either(database: Database, admin: psycopg.Connection):
    timers = interrupt_after(0.3, 0.35, 0.4)
    with suppress(KeyboardInterrupt):
        run_unchecked(database, SLEEP)
    for _ in timers:
        with suppress(KeyboardInterrupt):
            for timer in timers:
                timer.join()
            time.sleep(0.2)
    assert ask(database, "SELECT count(*) FROM customer").rows == ((3,),)
    assert left_over(lambda: held(admin), SECONDS_TO_STOP) == []


def test_a_statement_that_cannot_be_cancelled_is_hung_up_on(database: Database, admin: psycopg.Connection):
    ((pid,),) = admin.execute(f"SELECT pid {OURS}").fetchall()
    threading.Timer(0.3, os.kill, (pid, signal.SIGSTOP)).start()
    try:
        with pytest.raises(TimeLimitError, match="has not stopped yet"):
            run_unchecked(database, SLEEP, Limits(seconds=0.6))
    finally:
        os.kill(pid, signal.SIGCONT)
    assert ask(database, "SELECT count(*) FROM customer").rows == ((3,),)
    assert left_over(lambda: active(admin), SECONDS_TO_STOP) == []
