"""MySQL's promises, on a MariaDB server where one is installed."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from decimal import Decimal
from pathlib import Path

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
    TimeLimitError,
)
from t2s_magic.guard import CheckedSql, check
from t2s_magic.guard.checked import _GUARD_ONLY

pytest.importorskip("pymysql")
pytestmark = pytest.mark.skipif(shutil.which("mariadbd") is None, reason="no MariaDB server is installed here")

# What is waited for here goes on for thirty seconds if nothing stops it; what stops it takes a tenth of a second.
SECONDS_TO_STOP = 15
SHOP = """
CREATE TABLE customer (id INT PRIMARY KEY, name VARCHAR(40) NOT NULL COMMENT 'first name', country VARCHAR(20));
CREATE TABLE invoice (
  id INT PRIMARY KEY, customer_id INT, total DECIMAL(10, 2), FOREIGN KEY (customer_id) REFERENCES customer (id)
);
CREATE VIEW german AS SELECT * FROM customer WHERE country = 'Germany';
INSERT INTO customer VALUES (1, 'Ada', 'Germany'), (2, 'Grace', 'USA'), (3, 'Zoë', NULL);
INSERT INTO invoice VALUES (1, 1, 10.50)
"""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="t2s-mariadb-", ignore_cleanup_errors=True) as folder:
        shutil.chown(folder, "mysql") if os.getuid() == 0 else None
        as_user = ["--user=mysql"] if os.getuid() == 0 else []
        data, socket = Path(folder) / "data", Path(folder) / "socket"
        install = [
            "mariadb-install-db",
            "--no-defaults",
            f"--datadir={data}",
            "--auth-root-authentication-method=normal",
        ]
        subprocess.run([*install, *as_user], check=True, capture_output=True)
        server = subprocess.Popen(
            ["mariadbd", "--no-defaults", *as_user, f"--datadir={data}", f"--socket={socket}", "--skip-networking"],
            stderr=subprocess.DEVNULL,
        )
        address = f"mysql+pymysql://root@localhost/{{}}?unix_socket={socket}&charset=utf8mb4"
        _wait_for(sqlalchemy.create_engine(address.format("")))
        yield address.format("shop")
        server.terminate()
        server.wait(30)


def _wait_for(engine: sqlalchemy.Engine) -> None:
    for _ in range(300):
        with suppress(sqlalchemy.exc.OperationalError), engine.begin() as connection:
            connection.exec_driver_sql("CREATE DATABASE shop CHARACTER SET utf8mb4")
            connection.exec_driver_sql("USE shop")
            for statement in SHOP.split(";"):
                connection.exec_driver_sql(statement)
            return
        time.sleep(0.2)
    raise TimeoutError("MariaDB did not start")


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    opened = connect(url)
    yield opened
    opened.close()


@pytest.fixture
def admin(url: str) -> Iterator[sqlalchemy.Connection]:
    engine = sqlalchemy.create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def ask(database: Database, sql: str, limits: Limits = Limits()) -> Rows:
    return database.run(check(sql, "mysql"), limits)


def run_unchecked(database: Database, sql: str, limits: Limits = Limits()) -> Rows:
    return database.run(CheckedSql(sql, "mysql", made_by=_GUARD_ONLY), limits)


def active(admin: sqlalchemy.Connection) -> list[str]:
    """What other sessions are doing: nothing, when all is well and rollbacks are over."""
    listed = "SELECT info FROM information_schema.processlist WHERE id <> CONNECTION_ID() AND info <> ''"
    return left_over(lambda: [info for (info,) in admin.exec_driver_sql(listed)])


def test_rows_schema_and_keys_are_read(database: Database):
    assert ask(database, "SELECT name, country FROM customer ORDER BY id").rows[2] == ("Zoë", None)
    assert ask(database, "SELECT total FROM invoice").rows == ((Decimal("10.50"),),)
    schema = database.schema()
    customer, invoice, german = (schema.find((name,)) for name in ("customer", "invoice", "german"))
    assert (customer.primary_key, customer.columns[1].comment, customer.columns[1].type) == (
        ("id",),
        "first name",
        "varchar(40)",
    )
    (key,) = invoice.foreign_keys
    assert (key.columns, key.to_table, key.to_columns) == (("customer_id",), "customer", ("id",))
    assert german.is_view
    assert database.schema() is schema


def test_a_change_is_noticed(database: Database, admin: sqlalchemy.Connection):
    before = database.schema()
    admin.exec_driver_sql("CREATE OR REPLACE TABLE added (x INT)")
    assert database.schema().fingerprint != before.fingerprint
    admin.exec_driver_sql("DROP TABLE added")


def test_an_engine_of_the_user_s_is_read_and_their_transaction_untouched(url: str):
    engine = sqlalchemy.create_engine(url)
    with engine.connect() as user:
        user.exec_driver_sql("INSERT INTO customer VALUES (4, 'New', NULL)")
        database = connect(user)
        assert ask(database, "SELECT count(*) FROM customer").rows == ((3,),)
        database.close()
        assert user.exec_driver_sql("SELECT count(*) FROM customer").scalar_one() == 4
    engine.dispose()


def test_percent_and_colon_reach_the_server_unchanged(database: Database):
    rows = ask(database, "SELECT '100%' AS a, '%s' AS b, ':name' AS c FROM customer WHERE name LIKE 'A%'")
    assert rows.rows == (("100%", "%s", ":name"),)


def test_explain_complains_without_running(database: Database):
    assert "nope" in (database.explain(check("SELECT nope FROM customer", "mysql")) or "")
    assert database.explain(check("SELECT name FROM customer", "mysql")) is None


@pytest.mark.parametrize("sql", ["DESCRIBE customer", "desc customer", "EXPLAIN customer", "SHOW FIELDS FROM customer"])
def test_a_table_can_be_described(database: Database, sql: str):
    assert "name" in {row[0] for row in ask(database, sql).rows}
    assert database.explain(check(sql, "mysql")) is None


def test_the_time_limit_stops_the_statement_on_the_server(database: Database, admin: sqlalchemy.Connection):
    with pytest.raises(TimeLimitError, match=r"Stopped after 0\.3 s"):
        run_unchecked(database, "SELECT SLEEP(30)", Limits(seconds=0.3))
    assert active(admin) == []
    assert ask(database, "SELECT 1").rows == ((1,),)


def test_cancel_stops_the_statement_on_the_server(database: Database, admin: sqlalchemy.Connection):
    threading.Timer(0.4, database.cancel).start()
    with pytest.raises(CancelledError):
        run_unchecked(database, "SELECT BENCHMARK(1000000000000, 1)")
    assert active(admin) == []


def test_the_kernel_s_interrupt_stops_the_statement_on_the_server(database: Database, admin: sqlalchemy.Connection):
    threading.Timer(0.4, os.kill, (os.getpid(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        run_unchecked(database, "SELECT SLEEP(30)")
    assert active(admin) == []
    assert ask(database, "SELECT 1").rows == ((1,),)


def test_an_interrupt_while_connecting_ends_the_wait():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
        started = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            connect(f"mysql+pymysql://user@127.0.0.1:{silent.getsockname()[1]}/x")
        assert time.monotonic() - started < SECONDS_TO_STOP


def test_an_interrupt_while_a_plan_waits_for_a_lock_leaves_no_lock(database: Database, admin: sqlalchemy.Connection):
    query = check("SELECT * FROM customer", "mysql")
    admin.exec_driver_sql("LOCK TABLES customer WRITE")
    threading.Timer(0.4, os.kill, (os.getpid(), signal.SIGINT)).start()
    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        database.explain(query)
    assert time.monotonic() - started < SECONDS_TO_STOP
    assert active(admin) == []
    admin.exec_driver_sql("UNLOCK TABLES")
    assert database.explain(query) is None


def test_an_interrupt_while_rows_are_fetched_leaves_no_transaction(database: Database, admin: sqlalchemy.Connection):
    threading.Timer(0.4, os.kill, (os.getpid(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        run_unchecked(database, "SELECT seq FROM seq_1_to_1000000000", Limits(rows=10**9, memory=10**12))
    assert active(admin) == []
    open_transactions = "SELECT count(*) FROM information_schema.innodb_trx"
    assert admin.exec_driver_sql(open_transactions).scalar_one() == 0
    assert ask(database, "SELECT 1").rows == ((1,),)


def test_millions_of_rows_are_cut_and_the_connection_stays_usable(database: Database, admin: sqlalchemy.Connection):
    rows = run_unchecked(database, "SELECT seq FROM seq_1_to_100000000", Limits(rows=100))
    assert (len(rows), rows.is_cut) == (100, True)
    assert ask(database, "SELECT 1").rows == ((1,),)
    assert active(admin) == []


@pytest.mark.parametrize("mode", ["ANSI_QUOTES", "NO_BACKSLASH_ESCAPES", "ANSI", "ORACLE,NO_BACKSLASH_ESCAPES"])
def test_literals_are_read_as_the_guard_reads_them_whatever_the_server_is_set_to(
    url: str, admin: sqlalchemy.Connection, mode: str
):
    usual = admin.exec_driver_sql("SELECT @@GLOBAL.sql_mode").scalar_one()
    admin.exec_driver_sql(f"SET GLOBAL sql_mode = '{mode}'")
    engine = sqlalchemy.create_engine(url)
    with engine.connect() as user:
        database = connect(user)
        rows = ask(database, r"""SELECT "customer" AS a, 'it\'s' AS b, '\\' AS c""")
        assert rows.rows == (("customer", "it's", "\\"),)
        database.close()
        users = user.exec_driver_sql("SELECT @@SESSION.sql_mode").scalar_one()
        assert set(mode.split(",")) <= set(users.split(","))
    engine.dispose()
    admin.exec_driver_sql(f"SET GLOBAL sql_mode = '{usual}'")


def test_the_server_s_other_modes_stay(url: str):
    strict = connect(url + "&init_command=SET sql_mode='PIPES_AS_CONCAT,ANSI_QUOTES,STRICT_ALL_TABLES'")
    assert run_unchecked(strict, "SELECT @@SESSION.sql_mode").rows == (("PIPES_AS_CONCAT,STRICT_ALL_TABLES",),)
    strict.close()


def test_a_character_set_in_which_literals_have_no_sure_end_is_not_used(url: str):
    with pytest.raises(NoConnectionError, match=r"in the character set gbk.*Connect with \?charset=utf8mb4"):
        connect(url.replace("utf8mb4", "gbk"))


def test_rows_that_are_cut_leave_no_warning_behind(database: Database, recwarn: pytest.WarningsRecorder):
    for _ in range(3):
        run_unchecked(database, "SELECT seq FROM seq_1_to_100000000", Limits(rows=10))
    assert [str(warning.message) for warning in recwarn] == []


def test_a_pool_of_one_connection_is_enough(url: str, admin: sqlalchemy.Connection):
    engine = sqlalchemy.create_engine(url, pool_size=1, max_overflow=0, pool_timeout=1)
    with engine.connect() as user:
        database = connect(user)
        with pytest.raises(TimeLimitError):
            run_unchecked(database, "SELECT SLEEP(30)", Limits(seconds=0.3))
        assert active(admin) == []
        database.close()
    engine.dispose()


def test_a_connection_that_is_killed_is_said_and_the_next_run_connects_anew(
    database: Database, admin: sqlalchemy.Connection
):
    def kill() -> None:
        query = "SELECT id FROM information_schema.processlist WHERE info LIKE '%%SLEEP(30)' AND id <> CONNECTION_ID()"
        admin.exec_driver_sql(f"KILL {admin.exec_driver_sql(query).scalar_one()}")

    threading.Timer(0.4, kill).start()
    with pytest.raises(ConnectionLostError, match="nothing was changed"):
        run_unchecked(database, "SELECT SLEEP(30)")
    assert ask(database, "SELECT 1").rows == ((1,),)


def test_a_connection_that_was_killed_between_two_questions_is_not_noticed(
    database: Database, admin: sqlalchemy.Connection
):
    ask(database, "SELECT 1")
    query = "SELECT id FROM information_schema.processlist WHERE id <> CONNECTION_ID()"
    for (number,) in admin.exec_driver_sql(query).fetchall():
        admin.exec_driver_sql(f"KILL {number}")
    assert ask(database, "SELECT 1").rows == ((1,),)


def test_a_lock_of_another_session_is_waited_for_and_then_said(database: Database, admin: sqlalchemy.Connection):
    admin.exec_driver_sql("LOCK TABLES customer WRITE")
    with pytest.raises(LockedError, match="Waited 5 s for a lock"):
        ask(database, "SELECT * FROM customer")
    admin.exec_driver_sql("UNLOCK TABLES")


WAYS_OUT = [
    "DELETE FROM invoice",
    "DROP TABLE invoice",
    "CREATE TABLE stolen (x INT)",
    "SELECT 1; COMMIT; DROP TABLE invoice",
    "COMMIT",
    "SET autocommit = 1",
    "SELECT GET_LOCK('x', 1)",
    "SELECT * FROM customer FOR UPDATE",
    "TRUNCATE invoice",
    "DO SLEEP(0)",
    "SET GLOBAL max_connections = 77",
    "/*!50000 SET GLOBAL max_connections = 77 */",
    "/*M!100000 SET GLOBAL max_connections = 77 */",
    "-- a\n/* b */ SET GLOBAL max_connections = 77",
    "SET SESSION TRANSACTION READ WRITE",
    "START TRANSACTION READ WRITE",
    "USE mysql",
    "CREATE TEMPORARY TABLE customer (x INT)",
    "SELECT name INTO @x FROM customer LIMIT 1",
    "HANDLER customer OPEN",
    "FLUSH TABLES WITH READ LOCK",
    "LOCK TABLES customer WRITE",
    "SET STATEMENT sql_mode = '' FOR DELETE FROM invoice",
    "EXECUTE IMMEDIATE 'DELETE FROM invoice'",
    "BEGIN NOT ATOMIC DELETE FROM invoice; END",
    "XA START 'x'",
    "GRANT ALL ON shop.* TO evil",
    "CREATE USER evil",
    "SELECT sneaky()",
    "CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO DELETE FROM invoice",
]


SESSION = "SELECT database(), @x, @@SESSION.sql_mode, @@SESSION.autocommit, (SELECT count(*) FROM customer)"


@pytest.mark.parametrize("sql", WAYS_OUT)
def test_without_the_guard_the_server_leaves_no_trace(database: Database, admin: sqlalchemy.Connection, sql: str):
    admin.exec_driver_sql("CREATE OR REPLACE FUNCTION sneaky() RETURNS INT BEGIN DELETE FROM invoice; RETURN 1; END")
    variables = "SELECT variable_name, global_value FROM information_schema.system_variables WHERE default_value <> ''"
    state = admin.exec_driver_sql(variables).fetchall()
    session = run_unchecked(database, SESSION).rows
    with suppress(QueryError):
        run_unchecked(database, sql)
    assert run_unchecked(database, SESSION).rows == session
    assert admin.exec_driver_sql(variables).fetchall() == state
    assert admin.exec_driver_sql("SELECT count(*) FROM invoice").scalar_one() == 1
    assert admin.exec_driver_sql("SHOW TABLES LIKE 'stolen'").fetchall() == []
    assert admin.exec_driver_sql("SELECT count(*) FROM mysql.user WHERE user = 'evil'").scalar_one() == 0
    assert admin.exec_driver_sql("SELECT IS_FREE_LOCK('x')").scalar_one() == 1
    with pytest.raises(QueryError, match="READ ONLY"):
        run_unchecked(database, "EXPLAIN DELETE FROM invoice")


@pytest.mark.parametrize("sql", ["SELECT 1", "SELECT nope", "SELECT SLEEP(30)"], ids=["answer", "error", "interrupt"])
def test_the_user_s_session_is_as_it_was(url: str, sql: str):
    engine = sqlalchemy.create_engine(url)
    with engine.connect() as user:
        user.exec_driver_sql("SET SESSION sql_mode = 'ANSI_QUOTES', lock_wait_timeout = 77, @mine = 42")
        user.exec_driver_sql("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
        user.exec_driver_sql("CREATE TEMPORARY TABLE scratch (x INT)")
        user.exec_driver_sql("INSERT INTO customer VALUES (4, 'New', NULL)")
        state = _session_of(user)
        database = connect(user)
        database.schema()
        threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start() if "SLEEP" in sql else None
        with suppress(QueryError, KeyboardInterrupt):
            run_unchecked(database, sql)
        database.close()
        assert _session_of(user) == state
    engine.dispose()


def _session_of(user: sqlalchemy.Connection) -> list[object]:
    queries = (
        "SHOW SESSION VARIABLES WHERE variable_name NOT IN ('timestamp', 'rand_seed1', 'rand_seed2', 'warning_count')",
        "SELECT CONNECTION_ID(), @mine, database(), (SELECT count(*) FROM customer), (SELECT count(*) FROM scratch)",
        "SELECT trx_started FROM information_schema.innodb_trx WHERE trx_mysql_thread_id = CONNECTION_ID()",
    )
    time.sleep(0.2)  # the table of transactions is renewed every tenth of a second, when nobody reads it
    return [user.exec_driver_sql(query.replace("%", "%%")).fetchall() for query in queries]


def test_a_server_that_is_not_there_is_said_without_the_password():
    with pytest.raises(NoConnectionError, match=r"No read-only connection to mysql · 127.0.0.1/x") as raised:
        connect("mysql+pymysql://user:canary@127.0.0.1:1/x")
    assert "canary" not in str(raised.value)
