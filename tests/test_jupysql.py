"""The border to jupysql, in a real IPython shell with jupysql loaded."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pytest
from IPython.core.interactiveshell import InteractiveShell

from t2s_magic.database import Rows
from t2s_magic.errors import NoConnectionError, UsageError
from t2s_magic.guard import check
from t2s_magic.jupysql import Connections, ResultSet, result_set, save_snippet

ROWS = Rows(("name", "age"), (("Ada", 36), ("Zoë", None)))


@pytest.fixture(scope="module")
def loaded_shell() -> Iterator[InteractiveShell]:
    shell = InteractiveShell.instance()
    shell.run_line_magic("load_ext", "sql")
    yield shell
    InteractiveShell.clear_instance()


@pytest.fixture
def shell(loaded_shell: InteractiveShell) -> Iterator[InteractiveShell]:
    yield loaded_shell
    from sql.connection import ConnectionManager

    ConnectionManager.close_all()
    ConnectionManager.current = None
    for setting in ("autopandas", "autopolars"):
        loaded_shell.run_line_magic("config", f"SqlMagic.{setting} = False")


def run(database: Any, sql: str) -> Rows:
    return database.run(check(sql, database.dialect))


def test_no_connection_is_one_clear_sentence(shell: InteractiveShell):
    with pytest.raises(NoConnectionError, match=r"Run %load_ext sql, then %sql <url>"):
        Connections().database()


def test_an_unknown_alias_names_the_known_ones_but_no_url(shell: InteractiveShell, sqlite_file: Path):
    shell.run_line_magic("sql", f"sqlite:///{sqlite_file} --alias shop")
    shell.run_line_magic("sql", "duckdb://")
    with pytest.raises(UsageError, match=r"no connection 'nope'. Connections: shop\.$"):
        Connections().database("nope")


def test_each_engine_is_read_through_the_current_connection(shell: InteractiveShell, shop_url: str):
    shell.run_line_magic("sql", shop_url)
    database = Connections().database()
    assert run(database, "SELECT name FROM customer ORDER BY id").rows == (("Ada",), ("Grace",), ("Zoë",))


def test_an_alias_chooses_another_connection(shell: InteractiveShell, sqlite_file: Path):
    shell.run_line_magic("sql", f"sqlite:///{sqlite_file} --alias shop")
    shell.run_line_magic("sql", "duckdb://")
    connections = Connections()
    assert [connections.database().dialect, connections.database("shop").dialect] == ["duckdb", "sqlite"]


def test_a_connection_keeps_its_database_between_two_cells(shell: InteractiveShell, sqlite_file: Path):
    shell.run_line_magic("sql", f"sqlite:///{sqlite_file}")
    connections = Connections()
    assert connections.database() is connections.database()


def test_a_native_duckdb_connection_is_read(shell: InteractiveShell):
    shell.user_ns["con"] = duckdb.connect()
    shell.user_ns["con"].execute("CREATE TABLE t AS SELECT 42 AS x")
    shell.run_line_magic("sql", "con")
    assert run(Connections().database(), "SELECT x FROM t").rows == ((42,),)


def test_a_database_in_memory_that_a_cell_has_filled_is_read(shell: InteractiveShell):
    shell.run_line_magic("sql", "sqlite://")
    shell.run_cell_magic("sql", "", "CREATE TABLE t (x)")
    shell.run_cell_magic("sql", "", "INSERT INTO t VALUES (1)")
    database = Connections().database()
    assert run(database, "SELECT x FROM t").rows == ((1,),)
    shell.run_cell_magic("sql", "", "INSERT INTO t VALUES (2)")
    assert run(database, "SELECT x FROM t").rows == ((1,), (2,))


def test_a_result_of_more_rows_than_jupysql_shows_stays_readable_beside_ours(shell: InteractiveShell):
    shell.run_line_magic("sql", "duckdb://")
    result = shell.run_cell_magic("sql", "", "SELECT * FROM range(100) AS t(x)")
    shell.run_cell_magic("sql", "", "CREATE TABLE t AS SELECT 1 AS y")
    assert run(Connections().database(), "SELECT y FROM t").rows == ((1,),)
    assert len(result) == 100


def test_a_dataframe_of_the_notebook_can_be_used_by_name(shell: InteractiveShell):
    shell.run_line_magic("sql", "duckdb://")
    connections = Connections()
    told = connections.use("df", {"df": pd.DataFrame({"x": [1, 2]})})
    assert told.startswith("Added df (x)")
    assert run(connections.database(), "SELECT sum(x) FROM df").rows == ((3,),)


def test_a_file_can_be_used_under_its_own_name(shell: InteractiveShell, tmp_path: Path):
    (tmp_path / "sales-2025.csv").write_text("country,total\nGermany,3\n")
    shell.run_line_magic("sql", "duckdb://")
    connections = Connections()
    connections.use(str(tmp_path / "sales-2025.csv"), {})
    assert run(connections.database(), "SELECT * FROM sales_2025").rows == (("Germany", 3),)


@pytest.mark.parametrize(
    ("target", "message"),
    [("nope", "no DataFrame 'nope'"), ("nope.csv", "no file 'nope.csv'"), ("x.exe", "Cannot read 'x.exe'")],
)
def test_what_cannot_be_used_is_said(shell: InteractiveShell, target: str, message: str):
    shell.run_line_magic("sql", "duckdb://")
    with pytest.raises(UsageError, match=message):
        Connections().use(target, {})


def test_only_duckdb_takes_a_dataframe(shell: InteractiveShell, sqlite_file: Path):
    shell.run_line_magic("sql", f"sqlite:///{sqlite_file}")
    with pytest.raises(UsageError, match=r"shop\.sqlite takes no DataFrame or file. Run %sql duckdb://"):
        Connections().use("df", {"df": pd.DataFrame({"x": [1]})})


def test_a_result_set_does_what_jupysql_s_users_expect(tmp_path: Path):
    result = ResultSet(ROWS)
    assert list(result) == [("Ada", 36), ("Zoë", None)]
    assert (len(result), result[0], result[0].name, result["Zoë"]) == (2, ("Ada", 36), "Ada", ("Zoë", None))
    assert result.keys == ["name", "age"]
    assert result.dict() == {"name": ("Ada", "Zoë"), "age": (36, None)}
    assert list(result.dicts()) == [{"name": "Ada", "age": 36}, {"name": "Zoë", "age": None}]
    assert result.DataFrame().shape == (2, 2)
    assert result.PolarsDataFrame().shape == (2, 2)
    assert result.csv().splitlines()[0] == "name,age"
    result.csv(str(tmp_path / "out.csv"))
    assert (tmp_path / "out.csv").read_text(encoding="utf-8").count("\n") == 3


def test_markup_in_names_and_values_stays_text_in_a_result_set():
    page = ResultSet(Rows(("<img onerror=1>",), (("<script>",),)))._repr_html_()
    assert "<img" not in page
    assert "<script" not in page


def test_autopandas_and_autopolars_are_followed(shell: InteractiveShell):
    assert isinstance(result_set(ROWS), ResultSet)
    shell.run_line_magic("config", "SqlMagic.autopandas = True")
    assert isinstance(result_set(ROWS), pd.DataFrame)
    shell.run_line_magic("config", "SqlMagic.autopolars = True")
    assert isinstance(result_set(ROWS), pl.DataFrame)


def test_a_saved_snippet_serves_with(shell: InteractiveShell, sqlite_file: Path):
    shell.run_line_magic("sql", f"sqlite:///{sqlite_file}")
    save_snippet("germans", "SELECT name FROM customer WHERE country = 'Germany'")
    result = shell.run_cell_magic("sql", "--with germans", "SELECT count(*) FROM germans")
    assert list(result) == [(1,)]


def test_a_snippet_needs_a_name_that_sql_can_use(shell: InteractiveShell):
    with pytest.raises(UsageError, match="letters, digits and underscores"):
        save_snippet("top-customers", "SELECT 1")


def test_nothing_runs_on_the_user_s_connection_when_a_result_is_used(shell: InteractiveShell, sqlite_file: Path):
    shell.run_line_magic("sql", f"sqlite:///{sqlite_file}")
    from sql.connection import ConnectionManager

    driver: sqlite3.Connection = ConnectionManager.current.connection_sqlalchemy.connection.dbapi_connection
    database = Connections().database()
    rows = run(database, "SELECT total FROM invoice ORDER BY id")
    statements: list[str] = []
    driver.set_trace_callback(statements.append)
    result = result_set(rows)
    frame = result.DataFrame()
    assert (list(result), len(frame), result.csv().count("\n")) == ([(10.5,), (2.25,), (7,)], 3, 4)
    assert statements == []
    driver.set_trace_callback(None)


def test_decimals_of_duckdb_keep_their_digits_in_a_result_set(shell: InteractiveShell, duckdb_file: Path):
    shell.run_line_magic("sql", f"duckdb:///{duckdb_file}")
    rows = run(Connections().database(), "SELECT total FROM invoice ORDER BY id")
    assert [row.total for row in result_set(rows)] == [Decimal("10.50"), Decimal("2.25"), Decimal("7.00")]
