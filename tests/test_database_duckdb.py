"""DuckDB: what the user's own connection keeps, what the engine refuses by itself, and its types."""

from __future__ import annotations

import datetime as dt
import math
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import duckdb
import pandas as pd
import polars as pl
import psutil
import pytest
import sqlalchemy

from t2s_magic.database import Database, Limits, Rows, connect
from t2s_magic.errors import ConnectionLostError, NoConnectionError, QueryError, SchemaError, TimeLimitError, UsageError
from t2s_magic.guard import CheckedSql, check
from t2s_magic.guard.checked import _GUARD_ONLY


@pytest.fixture
def user(duckdb_file: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    connection = duckdb.connect(str(duckdb_file))
    yield connection
    connection.close()


def ask(database: Database, sql: str, limits: Limits = Limits()) -> Rows:
    return database.run(check(sql, "duckdb"), limits)


def run_unchecked(database: Database, sql: str, limits: Limits = Limits()) -> Rows:
    return database.run(CheckedSql(sql, "duckdb", made_by=_GUARD_ONLY), limits)


def test_the_user_s_transaction_goes_on_and_its_rows_are_named_as_unseen(user: duckdb.DuckDBPyConnection):
    database = connect(user)
    user.execute("BEGIN")
    user.execute("INSERT INTO customer VALUES (4, 'New', NULL)")
    assert ask(database, "SELECT count(*) FROM customer").rows == ((3,),)
    assert database.schema().unseen == (("your open transaction", "uncommitted rows"),)
    user.execute("COMMIT")
    assert ask(database, "SELECT count(*) FROM customer").rows == ((4,),)
    assert database.schema().unseen == ()


def test_an_aborted_transaction_of_the_user_is_said_and_left_to_them(user: duckdb.DuckDBPyConnection):
    database = connect(user)
    user.execute("BEGIN")
    with suppress(duckdb.Error):
        user.execute("SELECT nope")
    assert database.schema().unseen == (("your transaction", "aborted: run ROLLBACK"),)
    assert ask(database, "SELECT count(*) FROM customer").rows == ((3,),)
    user.execute("ROLLBACK")


def test_temporary_tables_and_registered_frames_are_named(user: duckdb.DuckDBPyConnection):
    user.execute("CREATE TEMP TABLE scratch (x INT)")
    user.execute("CREATE TEMP VIEW glance AS SELECT 1")
    user.register("frame", pd.DataFrame({"x": [1]}))
    assert connect(user).schema().unseen == (
        ("frame", "DataFrame"),
        ("glance", "temporary view"),
        ("scratch", "temporary table"),
    )


def test_rows_that_the_user_still_fetches_stay_fetchable(user: duckdb.DuckDBPyConnection):
    user.execute("SELECT * FROM range(100000)")
    assert user.fetchone() == (0,)
    database = connect(user)
    assert ask(database, "SELECT count(*) FROM customer").rows == ((3,),)
    assert database.schema().find(("customer",)) is not None
    assert user.fetchone() == (1,)


def test_settings_of_the_user_s_instance_stay(user: duckdb.DuckDBPyConnection):
    settings = user.execute("SELECT name, value FROM duckdb_settings() ORDER BY name").fetchall()
    database = connect(user)
    ask(database, "SELECT count(*) FROM customer")
    database.close()
    assert user.execute("SELECT name, value FROM duckdb_settings() ORDER BY name").fetchall() == settings
    assert user.execute("SELECT count(*) FROM customer").fetchall() == [(3,)]


def test_bare_names_follow_the_user_s_search_path(user: duckdb.DuckDBPyConnection):
    user.execute("CREATE SCHEMA other; CREATE TABLE other.customer AS SELECT 'x' AS only")
    database = connect(user)
    assert database.schema().find(("customer",)).path == ("shop", "main")
    assert database.schema().find(("other", "customer")).qualifier == ("other",)
    user.execute("SET search_path = 'other'")
    assert database.schema().find(("customer",)).path == ("shop", "other")
    assert ask(database, "SELECT * FROM customer").rows == (("x",),)
    user.execute("RESET search_path")
    assert ask(database, "SELECT count(*) FROM customer").rows == ((3,),)


def test_attached_databases_are_read_under_their_own_name(user: duckdb.DuckDBPyConnection):
    user.execute("ATTACH ':memory:' AS lake; CREATE TABLE lake.main.town AS SELECT 'Ulm' AS name")
    database = connect(user)
    schema = database.schema()
    assert schema.find(("lake", "main", "town")).full_name == "lake.main.town"
    for name in ("lake.main.town", "lake.town"):
        assert database.run(check(f"SELECT name FROM {name}", "duckdb", schema=schema)).rows == (("Ulm",),)


@pytest.mark.parametrize(
    "change",
    [
        "CREATE TABLE added (x INT)",
        "ALTER TABLE plain RENAME COLUMN x TO y",
        "COMMENT ON COLUMN plain.x IS 'what it is'",
        "COMMENT ON TABLE plain IS 'what it is'",
        "DROP VIEW german",
    ],
)
def test_a_change_of_the_user_s_is_noticed(user: duckdb.DuckDBPyConnection, change: str):
    user.execute("CREATE TABLE plain (x INT)")
    database = connect(user)
    before = database.schema()
    user.execute(change)
    assert database.schema().fingerprint != before.fingerprint


def test_a_duckdb_engine_of_sqlalchemy_is_read():
    engine = sqlalchemy.create_engine("duckdb:///:memory:")
    with engine.connect() as connection:
        connection.exec_driver_sql("CREATE TABLE t AS SELECT 42 AS x")
        connection.commit()
        assert ask(connect(connection), "FROM t").rows == ((42,),)


def test_an_empty_database_names_its_schemas_and_what_could_be_added(user: duckdb.DuckDBPyConnection):
    empty = duckdb.connect()
    empty.register("df", pd.DataFrame({"x": [1]}))
    with pytest.raises(
        SchemaError, match=r"No table in duckdb · in memory. Its schemas: memory.main.*'df' \(DataFrame\)"
    ):
        connect(empty).schema()


@pytest.mark.parametrize("frame", [pd.DataFrame({"x": [1, 2]}), pl.DataFrame({"x": [1, 2]})], ids=["pandas", "polars"])
def test_a_frame_that_is_added_is_seen_by_us_alone(user: duckdb.DuckDBPyConnection, frame: object):
    database = connect(user)
    database.add("added", frame)
    assert database.schema().find(("added",)).columns[0].name == "x"
    assert ask(database, "SELECT sum(x) FROM added").rows == ((3,),)
    assert user.execute("SELECT count(*) FROM duckdb_tables() WHERE table_name = 'added'").fetchall() == [(0,)]


@pytest.mark.parametrize("ending", ["csv", "parquet", "json"])
def test_a_file_that_is_added_is_read_also_where_the_ways_to_files_are_closed(
    duckdb_file: Path, ending: str, tmp_path: Path
):
    path = tmp_path / f"it's.{ending}"
    duckdb.sql(f"COPY (SELECT 1 AS x) TO '{str(path).replace(chr(39), chr(39) * 2)}'")
    database = connect(str(duckdb_file))
    database.add("added", path)
    assert ask(database, "SELECT x FROM added").rows == ((1,),)
    with pytest.raises(QueryError, match="file system operations are disabled"):
        run_unchecked(database, f"SELECT * FROM read_text('{__file__}')")
    database.close()


def test_what_duckdb_cannot_read_is_said(user: duckdb.DuckDBPyConnection):
    with pytest.raises(UsageError, match=r"'x' is a builtins.int, which DuckDB cannot read"):
        connect(user).add("x", 42)


def test_a_file_that_is_open_in_this_process_asks_for_that_connection(
    user: duckdb.DuckDBPyConnection, duckdb_file: Path
):
    with pytest.raises(NoConnectionError, match=r"'shop.duckdb' is open in this process already, with other settings"):
        connect(str(duckdb_file))


def test_a_file_that_is_no_database_is_said(tmp_path: Path):
    (tmp_path / "notes.duckdb").write_text("this is text")
    with pytest.raises(NoConnectionError, match=r"DuckDB cannot open 'notes.duckdb'"):
        connect(str(tmp_path / "notes.duckdb"))


def test_a_deleted_file_is_said(duckdb_file: Path):
    database = connect(str(duckdb_file))
    duckdb_file.unlink()
    with pytest.raises(ConnectionLostError, match=r"'shop.duckdb' is no longer there"):
        ask(database, "SELECT 1")


def test_a_connection_that_the_user_closed_is_said(user: duckdb.DuckDBPyConnection):
    database = connect(user)
    user.close()
    with pytest.raises(ConnectionLostError, match=r"The DuckDB connection is closed\. Connect again"):
        ask(database, "SELECT 1")


def test_values_come_as_they_are(user: duckdb.DuckDBPyConnection):
    rows = ask(
        connect(user),
        """
        SELECT NULL, 'NaN'::DOUBLE, 170141183460469231731687303715884105727::HUGEINT, 1.5::DECIMAL(38, 10),
          DATE '0044-03-15 (BC)', DATE '9999-12-31', TIMESTAMPTZ '2025-01-01 00:00:00+00', TIME '24:00:00',
          [1, NULL], {'a': [1]}, map {'k': 1}, '\\xFF'::BLOB, UUID '894953c4-87dc-494d-9e3d-721edd98dd2a',
          INTERVAL 2 DAY, '{"a": 1}'::JSON, 'a\0b'""".replace("\0", ""),
    )
    (null, nan, huge, decimal, ancient, late, zoned, midnight, list_, struct, map_, blob, uuid, span, json, _) = (
        rows.rows[0]
    )
    assert (null, huge, decimal) == (None, 2**127 - 1, Decimal("1.5000000000"))
    assert math.isnan(nan)
    assert (ancient, late, midnight) == ("0044-03-15 (BC)", dt.date(9999, 12, 31), "24:00:00")
    assert zoned == dt.datetime(2025, 1, 1, tzinfo=dt.UTC)
    assert (list_, struct, map_, blob) == ([1, None], {"a": [1]}, {"k": 1}, b"\xff")
    assert (uuid, span, json) == (UUID("894953c4-87dc-494d-9e3d-721edd98dd2a"), dt.timedelta(days=2), '{"a": 1}')
    assert rows.types[2:4] == ("HUGEINT", "DECIMAL(38,10)")


def test_three_billion_rows_are_cut_and_memory_stays_flat(user: duckdb.DuckDBPyConnection):
    rows = run_unchecked(connect(user), "SELECT * FROM range(3000000000)")
    assert (len(rows), rows.is_cut) == (10_000, True)


WAYS_OUT = [
    "COPY customer TO 'out.csv'",
    "WITH c AS (COPY (SELECT 1) TO 'out.csv') SELECT 1",
    "WITH d AS (DELETE FROM customer RETURNING *) SELECT * FROM d",
    "ATTACH 'new.duckdb' AS new",
    "ATTACH ':memory:' AS new",
    "EXPORT DATABASE 'out'",
    "INSTALL httpfs",
    "LOAD httpfs",
    "SET memory_limit = '1GB'",
    "SET GLOBAL threads = 1",
    "PRAGMA threads = 1",
    "USE system",
    "CREATE TEMP TABLE customer AS SELECT 1",
    "CREATE TEMP MACRO lower(x) AS 'x'",
    "PREPARE p AS DELETE FROM customer",
    "CALL pragma_version()",
    "CHECKPOINT",
    "FROM 'shop.csv'",
    "SELECT * FROM read_text('shop.csv')",
    "SELECT * FROM glob('*')",
    "SELECT 1; COMMIT; DROP TABLE invoice",
]


# What is closed on a file of ours alone: closing it on the user's instance would close it for the user, too.
OPEN_TO_THE_USER = {"FROM 'shop.csv'", "SELECT * FROM read_text('shop.csv')", "SELECT * FROM glob('*')"}


@pytest.mark.parametrize(
    "sql",
    [
        *(sql for sql in WAYS_OUT if sql not in OPEN_TO_THE_USER),
        "WITH c AS (COPY (SELECT 1) TO 'out.csv') SELECT * FROM c",
        "SELECT * FROM (WITH c AS (COPY (SELECT 1) TO 'out.csv') SELECT 1)",
        "EXPLAIN ANALYZE COPY customer TO 'out.csv'",
        "explain /* x */ (ANALYZE) COPY customer TO 'out.csv'",
        "EXPLAIN ANALYZE DELETE FROM customer",
        "SET VARIABLE mine = 43",
        "CREATE SECRET s (TYPE s3)",
        "SELECT * FROM query('DELETE FROM customer')",
    ],
)
def test_without_the_guard_the_user_s_connection_refuses_and_leaves_no_trace(
    user: duckdb.DuckDBPyConnection, duckdb_file: Path, sql: str, monkeypatch: pytest.MonkeyPatch
):
    def state() -> list[object]:
        queries = (
            "SELECT name, value FROM duckdb_settings() ORDER BY 1",
            "SELECT database_name, path FROM duckdb_databases() ORDER BY 1",
            "SELECT extension_name, loaded FROM duckdb_extensions() ORDER BY 1",
            "SELECT getvariable('mine'), (SELECT count(*) FROM invoice), (SELECT count(*) FROM duckdb_secrets())",
            "SELECT table_name FROM duckdb_tables() ORDER BY 1",
        )
        files = {file.name for file in duckdb_file.parent.iterdir()}
        return [files, *(user.execute(query).fetchall() for query in queries)]

    monkeypatch.chdir(duckdb_file.parent)
    Path("shop.csv").write_text("a\n1\n")
    user.execute("SET VARIABLE mine = 42")
    database = connect(user)
    before = state()
    with pytest.raises(QueryError):
        run_unchecked(database, sql)
    assert state() == before
    assert ask(database, "SELECT count(*) FROM customer").rows == ((3,),)


def test_names_like_those_of_what_modifies_are_read(user: duckdb.DuckDBPyConnection):
    sql = """WITH copy AS (SELECT '"type":"COPY_QUERY_NODE"' AS "analyze") SELECT "analyze" FROM copy"""
    assert run_unchecked(connect(user), sql).rows == (('"type":"COPY_QUERY_NODE"',),)


@pytest.mark.parametrize("sql", WAYS_OUT)
def test_without_the_guard_a_file_of_ours_refuses_and_leaves_no_trace(
    duckdb_file: Path, sql: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(duckdb_file.parent)
    Path("shop.csv").write_text("a\n1\n")
    content, files = duckdb_file.read_bytes(), set(duckdb_file.parent.iterdir())
    database = connect(str(duckdb_file))
    with pytest.raises(QueryError):
        run_unchecked(database, sql)
    assert ask(database, "SELECT count(*) FROM customer").rows == ((3,),)
    database.close()
    assert duckdb_file.read_bytes() == content
    assert set(duckdb_file.parent.iterdir()) == files


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT repeat(name, id * 600000000) FROM customer",
        "SELECT name.repeat(id * 600000000) FROM customer",
        "SELECT lpad(name, id * 600000000, 'x') FROM customer",
        "SELECT rpad(name, id * 600000000, 'x') FROM customer",
        "SELECT range(id * 600000000) FROM customer",
        "SELECT len(generate_series(0, -id * 600000000, -1)) FROM customer",
        "SELECT list_resize([id], id * 600000000) FROM customer",
        "SELECT array_resize([id], id * 600000000, 0) FROM customer",
        "SELECT repeat('x', 4000000000)",
        "SELECT length(repeat('x', 1000000001)) FROM range(100000)",
    ],
)
def test_a_cell_whose_size_comes_from_a_column_is_refused_at_once_and_memory_stays_flat(
    user: duckdb.DuckDBPyConnection, sql: str
):
    database = connect(user)
    before = psutil.Process().memory_info().rss
    with pytest.raises(QueryError, match="would make more than 1,000,000 characters or elements in one value"):
        run_unchecked(database, sql)
    assert psutil.Process().memory_info().rss - before < 100_000_000


def test_bounded_functions_give_what_duckdb_s_own_give(user: duckdb.DuckDBPyConnection):
    sql = """
        SELECT repeat(name, 2), name.repeat(id), repeat([id], 2), repeat('ab'::BLOB, 2), repeat(NULL, 2),
          lpad(name, 5, '.'), rpad(name, 5, '.'), list_resize([1], 2), array_resize([1], 3, 0), range(id), range(1, 3),
          generate_series(5, 1, -2), range(1, 0, 0), [x * 2 for x in range(3)], len(range(1000000)),
          generate_series(DATE '2025-01-01', DATE '2025-01-03', INTERVAL 1 DAY)
        FROM customer ORDER BY id"""
    rows = run_unchecked(connect(user), sql)
    own = user.execute(sql)
    assert rows.rows == tuple(own.fetchall())
    assert [part[0] for part in own.description] == list(rows.columns)
    assert user.execute("SELECT count(*) FROM duckdb_functions() WHERE database_name = 'temp'").fetchall() == [(0,)]


def test_an_aggregate_that_outgrows_a_file_of_ours_is_refused_and_memory_stays_flat(duckdb_file: Path):
    database = connect(f"duckdb:///{duckdb_file}?memory_limit=200MB")
    before = psutil.Process().memory_info().rss
    with pytest.raises(QueryError, match="Out of Memory"):
        run_unchecked(database, "SELECT list(i) FROM range(3000000000) AS t (i)")
    assert psutil.Process().memory_info().rss - before < 500_000_000
    assert ask(database, "SELECT count(*) FROM customer").rows == ((3,),)
    database.close()


def test_an_interrupt_that_meets_the_rollback_leaves_the_database_usable(user: duckdb.DuckDBPyConnection):
    database = connect(user)
    for _ in range(5):
        with pytest.raises(TimeLimitError):
            run_unchecked(
                database, "SELECT string_agg('xxxxxxxxxxxx', ',') FROM range(1000000000000)", Limits(seconds=0.2)
            )
        assert ask(database, "SELECT count(*) FROM customer").rows == ((3,),)


def test_time_that_runs_out_at_any_moment_leaves_the_database_usable(user: duckdb.DuckDBPyConnection):
    database = connect(user)
    for step in range(80):
        with suppress(QueryError):
            run_unchecked(database, "SELECT count(*) FROM range(100000)", Limits(seconds=step % 20 * 0.0002))
        assert ask(database, "SELECT count(*) FROM customer").rows == ((3,),)


def test_a_bomb_in_one_cell_is_left_behind_and_the_next_question_is_answered():
    # DuckDB cannot interrupt one function call, of some seconds here; the guard refuses those that are long by intent.
    database = connect(duckdb.connect())
    started = time.monotonic()
    with pytest.raises(TimeLimitError, match="has not stopped yet"):
        ask(database, "SELECT levenshtein(lpad('a', 50000, 'a'), lpad('b', 50000, 'b'))", Limits(seconds=0.2))
    assert time.monotonic() - started < 20
    assert ask(database, "SELECT 1").rows == ((1,),)


def test_many_threads_share_a_database(user: duckdb.DuckDBPyConnection):
    database = connect(user)
    threads = [threading.Thread(target=ask, args=(database, "SELECT count(*) FROM customer")) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ask(database, "SELECT count(*) FROM customer").rows == ((3,),)


def test_a_sort_that_does_not_end_in_time_is_stopped(user: duckdb.DuckDBPyConnection):
    with pytest.raises(TimeLimitError):
        run_unchecked(
            connect(user),
            "SELECT * FROM range(200000000) AS t (i) ORDER BY hash(i) LIMIT 5 OFFSET 100000000",
            Limits(seconds=0.3),
        )
