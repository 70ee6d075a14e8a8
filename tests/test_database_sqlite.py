"""SQLite: what the user's own connection keeps, what the engine refuses by itself, and odd data."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import sqlalchemy

from t2s_magic.database import Database, Limits, Rows, connect
from t2s_magic.errors import (
    ConnectionLostError,
    LockedError,
    NoConnectionError,
    QueryError,
    SchemaError,
    TimeLimitError,
)
from t2s_magic.guard import CheckedSql, check
from t2s_magic.guard.checked import _GUARD_ONLY


@pytest.fixture
def user(sqlite_file: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(sqlite_file)
    yield connection
    connection.close()


def ask(database: Database, sql: str, limits: Limits = Limits()) -> Rows:
    return database.run(check(sql, "sqlite"), limits)


def run_unchecked(database: Database, sql: str, limits: Limits = Limits()) -> Rows:
    return database.run(CheckedSql(sql, "sqlite", made_by=_GUARD_ONLY), limits)


def test_the_user_s_transaction_goes_on_and_its_rows_are_named_as_unseen(user: sqlite3.Connection):
    user.execute("INSERT INTO customer VALUES (4, 'New', NULL)")
    database = connect(user)
    assert ask(database, "SELECT count(*) FROM customer").rows == ((3,),)
    assert database.schema().unseen == (("your open transaction", "uncommitted rows"),)
    assert user.in_transaction
    user.commit()
    assert ask(database, "SELECT count(*) FROM customer").rows == ((4,),)
    assert database.schema().unseen == ()


def test_temporary_tables_are_named_and_a_shadow_is_said(user: sqlite3.Connection):
    user.execute("CREATE TEMP TABLE scratch (x)")
    user.execute("CREATE TEMP TABLE customer (x)")
    assert connect(user).schema().unseen == (
        ("scratch", "temporary table"),
        ("customer", "temporary table in front of a table of the same name"),
    )


def test_settings_and_row_factory_of_the_user_s_connection_stay(user: sqlite3.Connection):
    user.row_factory, user.text_factory = sqlite3.Row, bytes
    database = connect(user)
    assert ask(database, "SELECT name FROM customer WHERE id = 1").rows == (("Ada",),)
    assert (user.row_factory, user.text_factory, user.in_transaction) == (sqlite3.Row, bytes, False)
    assert tuple(user.execute("PRAGMA query_only").fetchone()) == (0,)


def test_attached_files_are_read_under_their_own_name(user: sqlite3.Connection, tmp_path: Path):
    with sqlite3.connect(tmp_path / "other.db") as other:
        other.executescript("CREATE TABLE town (name); INSERT INTO town VALUES ('Ulm'); CREATE TABLE customer (y)")
    user.execute("ATTACH ? AS other", (str(tmp_path / "other.db"),))
    database = connect(user)
    schema = database.schema()
    assert schema.find(("town",)).qualifier == ()
    assert schema.find(("other", "customer")).full_name == "other.customer"
    query = check("SELECT name FROM other.town", "sqlite", schema=schema)
    assert database.run(query).rows == (("Ulm",),)


def test_a_database_in_memory_answers_with_what_it_holds_now():
    user = sqlite3.connect(":memory:")
    user.execute("CREATE TABLE t (x)")
    database = connect(user)
    user.execute("INSERT INTO t VALUES (1)")
    assert ask(database, "SELECT x FROM t").rows == ((1,),)
    user.rollback()
    assert ask(database, "SELECT x FROM t").rows == ()
    user.execute("INSERT INTO t VALUES (2)")
    assert ask(database, "SELECT x FROM t").rows == ((2,),)
    assert user.in_transaction


def test_a_database_in_memory_can_be_asked_from_another_thread():
    user = sqlite3.connect(":memory:")
    user.executescript("CREATE TABLE t (x); INSERT INTO t VALUES (1)")
    database = connect(user)
    answers: list[Rows] = []
    thread = threading.Thread(target=lambda: answers.append(ask(database, "SELECT x FROM t")))
    thread.start()
    thread.join()
    assert answers[0].rows == ((1,),)


def test_an_sqlalchemy_database_in_memory_is_read():
    engine = sqlalchemy.create_engine("sqlite://")
    with engine.connect() as connection:
        connection.exec_driver_sql("CREATE TABLE t (x)")
        assert [table.name for table in connect(connection).schema().tables] == ["t"]


def test_a_deleted_file_is_said_and_one_that_is_back_is_read(sqlite_file: Path, tmp_path: Path):
    database = connect(str(sqlite_file))
    sqlite_file.rename(tmp_path / "away")
    with pytest.raises(ConnectionLostError, match=r"'shop.sqlite' is no longer there; nothing was changed"):
        ask(database, "SELECT 1")
    (tmp_path / "away").rename(sqlite_file)
    assert ask(database, "SELECT count(*) FROM customer").rows == ((3,),)


def test_a_file_that_was_replaced_is_read_anew(sqlite_file: Path, tmp_path: Path):
    database = connect(str(sqlite_file))
    with sqlite3.connect(tmp_path / "new") as new:
        new.execute("CREATE TABLE other (x)")
    new.close()
    (tmp_path / "new").replace(sqlite_file)
    assert [table.name for table in database.schema().tables] == ["other"]


def test_a_file_that_is_no_database_is_said(tmp_path: Path):
    (tmp_path / "notes.db").write_text("this is text")
    with pytest.raises(NoConnectionError, match=r"'notes.db' is not an SQLite database"):
        connect(str(tmp_path / "notes.db"))


def test_a_damaged_file_is_a_lost_connection(sqlite_file: Path):
    with sqlite_file.open("r+b") as file:
        file.seek(100)
        file.write(b"\xff" * 2_000)
    with pytest.raises(ConnectionLostError, match="malformed"):
        connect(str(sqlite_file)).schema()


def test_an_empty_database_is_said(tmp_path: Path):
    (tmp_path / "empty.db").touch()
    with pytest.raises(SchemaError, match=r"No table in sqlite · empty.db: it is empty"):
        connect(str(tmp_path / "empty.db")).schema()


def test_a_lock_of_another_session_is_waited_for_and_then_said(sqlite_file: Path, user: sqlite3.Connection):
    database = connect(str(sqlite_file))
    user.isolation_level = None
    user.execute("BEGIN EXCLUSIVE")
    started = time.monotonic()
    with pytest.raises(LockedError, match=r"Another session holds a lock on sqlite · shop\.sqlite"):
        ask(database, "SELECT 1 FROM customer")
    assert 4 < time.monotonic() - started < 25
    user.execute("ROLLBACK")
    assert ask(database, "SELECT count(*) FROM customer").rows == ((3,),)


def test_the_time_limit_ends_a_wait_for_a_lock(sqlite_file: Path, user: sqlite3.Connection):
    database = connect(str(sqlite_file))
    user.isolation_level = None
    user.execute("BEGIN EXCLUSIVE")
    with pytest.raises(TimeLimitError):
        ask(database, "SELECT 1 FROM customer", Limits(seconds=0.3))


def test_a_database_in_wal_mode_is_read_beside_a_writer(sqlite_file: Path, user: sqlite3.Connection):
    user.execute("PRAGMA journal_mode = WAL")
    database = connect(str(sqlite_file))
    user.execute("DELETE FROM customer WHERE id = 3")
    assert ask(database, "SELECT count(*) FROM customer").rows == ((3,),)
    user.commit()
    assert ask(database, "SELECT count(*) FROM customer").rows == ((2,),)


def test_values_come_as_they_are(user: sqlite3.Connection):
    database = connect(user)
    rows = ask(database, "SELECT NULL, 9223372036854775807, 1e300 * 1e300, x'00ff', 'a' || char(0) || 'b', ''")
    assert rows.rows == ((None, 9223372036854775807, float("inf"), b"\x00\xff", "a\x00b", ""),)


def test_text_that_is_no_utf_8_shows_the_replacement_character(user: sqlite3.Connection):
    user.execute("INSERT INTO customer VALUES (4, CAST(x'41ff42' AS TEXT), NULL)")
    user.commit()
    assert ask(connect(user), "SELECT name FROM customer WHERE id = 4").rows == (("A\N{REPLACEMENT CHARACTER}B",),)


def test_full_text_search_and_json_work_under_the_authorizer(user: sqlite3.Connection):
    user.executescript("CREATE VIRTUAL TABLE note USING fts5 (body); INSERT INTO note VALUES ('hello world')")
    database = connect(user)
    schema = database.schema()
    assert [table.name for table in schema.tables] == ["customer", "invoice", "german", "note"]
    assert run_unchecked(database, "SELECT body FROM note WHERE note MATCH 'hello'").rows == (("hello world",),)
    assert ask(database, "SELECT value FROM json_each('[1, 2]')").rows == ((1,), (2,))
    user.executescript("CREATE VIRTUAL TABLE other USING fts5 (body); INSERT INTO other VALUES ('later')")
    assert run_unchecked(database, "SELECT body FROM other WHERE other MATCH 'later'").rows == (("later",),)


def test_a_view_that_no_longer_works_is_named_and_the_rest_is_read(user: sqlite3.Connection):
    user.executescript("CREATE TABLE gone (x); CREATE VIEW broken AS SELECT x FROM gone; DROP TABLE gone")
    schema = connect(user).schema()
    assert schema.find(("customer",)) is not None
    assert schema.unseen == (("broken", "table or view that SQLite cannot read"),)


def test_keys_of_every_form_are_read(user: sqlite3.Connection):
    user.executescript(
        """
        CREATE TABLE pair (a INT, b INT, PRIMARY KEY (b, a)) WITHOUT ROWID;
        CREATE TABLE child (
          a INT, b INT, c INT REFERENCES customer, double INT GENERATED ALWAYS AS (c * 2),
          FOREIGN KEY (a, b) REFERENCES pair (a, b)
        );
        """
    )
    schema = connect(user).schema()
    pair, child = schema.find(("pair",)), schema.find(("child",))
    assert pair.primary_key == ("b", "a")
    assert [(key.columns, key.to_table, key.to_columns) for key in child.foreign_keys] == [
        (("c",), "customer", ("id",)),
        (("a", "b"), "pair", ("a", "b")),
    ]
    assert [(column.name, column.type) for column in child.columns][-1] == ("double", "INT")


def test_a_chain_of_a_thousand_foreign_keys_is_read(tmp_path: Path):
    with sqlite3.connect(tmp_path / "chain.db") as connection:
        connection.execute("BEGIN")
        connection.execute("CREATE TABLE t0 (id INTEGER PRIMARY KEY)")
        for number in range(1, 1_000):
            connection.execute(f"CREATE TABLE t{number} (id INTEGER PRIMARY KEY, up INT REFERENCES t{number - 1})")
    schema = connect(str(tmp_path / "chain.db")).schema()
    assert [table.foreign_keys[0].to_table for table in schema.tables[1:]] == [f"t{number}" for number in range(999)]


WAYS_OUT = [
    "ATTACH 'stolen.db' AS stolen",
    "VACUUM INTO 'copy.db'",
    "CREATE TEMP TABLE t (x)",
    "CREATE TEMP VIEW customer AS SELECT 1",
    "PRAGMA query_only = 0",
    "EXPLAIN PRAGMA query_only = 0",
    "PRAGMA writable_schema = 1",
    "PRAGMA journal_mode = WAL",
    "PRAGMA user_version = 7",
    "SELECT load_extension('x')",
    "SELECT * FROM pragma_table_info('customer')",
    "SELECT fts3_tokenizer('simple')",
    "SAVEPOINT s",
    "DETACH main",
    "ANALYZE",
    "WITH d AS (SELECT 1) DELETE FROM customer",
    "INSERT INTO customer VALUES (9, 'x', 'x') RETURNING id",
]


@pytest.mark.parametrize("sql", WAYS_OUT)
def test_without_the_guard_sqlite_alone_refuses_and_leaves_no_trace(
    sqlite_file: Path, sql: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(sqlite_file.parent)
    content, files = sqlite_file.read_bytes(), set(sqlite_file.parent.iterdir())
    database = connect(str(sqlite_file))
    with pytest.raises(QueryError):
        run_unchecked(database, sql)
    assert ask(database, "SELECT count(*) FROM customer").rows == ((3,),)
    database.close()
    assert sqlite_file.read_bytes() == content
    assert set(sqlite_file.parent.iterdir()) == files


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT replace(hex(zeroblob(60000000)), '0', 'aaaaaaaaaa')",
        "SELECT group_concat(a.name || b.name) FROM customer AS a, customer AS b, (WITH RECURSIVE n (i) AS "
        "(SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000000) SELECT i FROM n) AS c",
        "SELECT printf('%.*c', 900000000, 'x')",
        "WITH RECURSIVE n (s) AS (SELECT 'x' UNION ALL SELECT s || s FROM n) SELECT max(length(s)) FROM n",
    ],
)
def test_a_bomb_in_one_cell_ends_in_bounded_time(sqlite_file: Path, sql: str):
    database = connect(str(sqlite_file))
    started = time.monotonic()
    with suppress(QueryError):
        run_unchecked(database, sql, Limits(seconds=1))
    assert time.monotonic() - started < 25
    assert ask(database, "SELECT 1").rows == ((1,),)
