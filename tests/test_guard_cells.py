"""SQL that leaves for a ``%%sql`` cell: only checked text, which jupysql and SQLAlchemy then read as it was checked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from openai_server import openai_server
from sql.connection import ConnectionManager

from t2s_magic.errors import UnsafeSqlError
from t2s_magic.memory import Pair, demos_for
from t2s_magic.schema import Column, Schema, Table

Ask = Callable[[str, str], Any]


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[InteractiveShell]:
    """A shell with jupysql connected to a DuckDB file."""
    monkeypatch.chdir(tmp_path)
    with duckdb.connect("shop.duckdb") as connection:
        connection.execute(
            "CREATE TABLE item AS SELECT 'Pen' AS name, 2 AS price, TIMESTAMP '2025-01-31 12:30:00' AS sold"
        )
    shell = InteractiveShell()
    with capture_output():
        for line in ("load_ext sql", "load_ext t2s_magic", "sql duckdb:///shop.duckdb"):
            shell.run_line_magic(*line.split(" ", 1))
    shell.user_ns["secret"] = "canary"
    yield shell
    ConnectionManager.close_all()
    ConnectionManager.current = None


@pytest.fixture
def ask(shell: InteractiveShell, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Ask an LM that writes ``sql``: the cell's result, with what it raised."""

    def asked(sql: str, options: str) -> Any:
        with openai_server(sql) as server, capture_output():
            monkeypatch.setenv("T2S_API_BASE", server.base_url)
            return shell.run_cell(f"%%text2sql {options}\nWhat is sold?")

    return asked


def built_on(shell: InteractiveShell, name: str, select: str) -> list[tuple[Any, ...]]:
    """What ``%%sql --with name`` gives, run by jupysql on the user's own connection."""
    with capture_output():
        result = shell.run_cell(f"%%sql --with {name} found <<\n{select} FROM {name}")
    assert result.success
    return [tuple(row) for row in shell.user_ns["found"]]


@pytest.mark.parametrize(
    ("sql", "row"),
    [
        ("SELECT {'price':price} AS x FROM item", ({"price": 2},)),
        ("SELECT name[:2] AS x FROM item", ("Pe",)),
        ("SELECT price::VARCHAR AS x FROM item WHERE sold = '2025-01-31 12:30:00'", ("2",)),
        ("SELECT 'a;b -- c %s 100%' AS x", ("a;b -- c %s 100%",)),
    ],
)
def test_a_saved_answer_gives_the_same_rows_through_with(
    shell: InteractiveShell, ask: Ask, sql: str, row: tuple[Any, ...]
) -> None:
    answer = ask(sql, "--save kept").result

    assert built_on(shell, "kept", "SELECT x") == [row] == [tuple(each) for each in answer.rows]


@pytest.mark.parametrize(
    "literal", ["{{ secret }}", "{% set x = 1 %}", "{# note #}", ":secret", "${secret}", "$secret"]
)
def test_text_that_a_cell_would_replace_runs_here_and_is_not_saved(
    shell: InteractiveShell, ask: Ask, literal: str
) -> None:
    from sql.store import store

    result = ask(f"SELECT '{literal}' AS x FROM item", "--save unsaved")

    assert isinstance(result.error_in_exec, UnsafeSqlError)
    assert "cannot be written as a %%sql cell" in str(result.error_in_exec)
    assert "unsaved" not in list(store)
    again = ask(f"SELECT '{literal}' AS x FROM item", "")
    assert again.success, again.error_in_exec or again.error_before_exec
    answer = again.result
    assert [tuple(row) for row in answer.rows] == [(literal,)]


def test_a_template_outside_of_literals_is_neither_run_nor_saved(shell: InteractiveShell, ask: Ask) -> None:
    from sql.store import store

    ask("SELECT name /* {{ secret }} */ FROM item", "--save unsaved")

    assert "unsaved" not in list(store)


def test_a_copied_cell_and_an_approved_pair_go_through_the_guard_again(shell: InteractiveShell, ask: Ask) -> None:
    answer = ask("SELECT {'price':price} AS x FROM item", "").result

    assert answer._for_cell(answer.sql) == "SELECT {'price': price} AS x FROM item"
    for edited in ("DROP TABLE item", "SELECT '{{ secret }}'", "SELECT * FROM 'x.csv'"):
        with pytest.raises(UnsafeSqlError):
            answer._for_cell(edited)
        with pytest.raises(UnsafeSqlError):
            answer._approve("What?", edited)


def test_a_pair_that_someone_wrote_into_the_file_is_no_demo_unless_the_guard_passes_it() -> None:
    schema = Schema("duckdb", (Table("item", (Column("name"),), ("shop", "main")),))
    sqls = ("SELECT name FROM item", "DROP TABLE item", "SELECT getenv('KEY') FROM item", "FROM 'x.csv'")
    pairs = [Pair("What is sold?", sql, "duckdb", schema.fingerprint, ("item",), "2025-01-31") for sql in sqls]

    assert [pair.sql for pair in demos_for("What is sold?", pairs, schema)] == ["SELECT name FROM item"]
