"""A newer engine than the one whose functions were reviewed says so, once a connection, in a real shell."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from openai_server import openai_server
from sql.connection import ConnectionManager

from t2s_magic.guard import newer_engine, reviewed_version

NEWER = "SQLite 99.1.2 is newer than 3.51.0, whose functions were reviewed: what it added is refused."


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[InteractiveShell]:
    """A shell with jupysql connected to one of two files, and an LM behind real HTTP."""
    monkeypatch.chdir(tmp_path)
    for name in ("first", "second"):
        with sqlite3.connect(f"{name}.sqlite") as connection:
            connection.execute("CREATE TABLE person (name TEXT)")
        connection.close()
    shell = InteractiveShell()
    with capture_output(), openai_server("SELECT name FROM person") as server:
        monkeypatch.setenv("T2S_API_BASE", server.base_url)
        shell.run_line_magic("load_ext", "sql")
        shell.run_line_magic("load_ext", "t2s_magic")
        shell.run_line_magic("sql", "sqlite:///first.sqlite")
        yield shell
    ConnectionManager.close_all()
    ConnectionManager.current = None


def asked(shell: InteractiveShell) -> str:
    """All that a person sees of one answer, as plain text."""
    with capture_output() as captured:
        result = shell.run_cell("%text2sql Who is there?")
    assert result.success
    return "".join(
        [captured.stdout, *(output.data.get("text/plain", "") for output in captured.outputs), str(result.result)]
    )


def test_a_newer_engine_says_so_once_a_connection(shell: InteractiveShell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version", "99.1.2")

    first, second = asked(shell), asked(shell)
    with capture_output():
        shell.run_line_magic("sql", "sqlite:///second.sqlite")
    elsewhere = asked(shell)

    assert NEWER in first
    assert NEWER not in second
    assert NEWER in elsewhere


def test_the_engine_that_was_reviewed_says_nothing(shell: InteractiveShell) -> None:
    assert "is newer than" not in asked(shell)


@pytest.mark.parametrize(
    ("dialect", "version", "engine"),
    [
        ("duckdb", "2.1.0.dev12", "DuckDB 2.1.0"),
        ("postgres", "19beta1", "PostgreSQL 19"),
        ("mysql", "9.4.0", "MySQL 9.4.0"),
        ("mysql", "11.8.2-MariaDB-ubu2404", "MariaDB 11.8.2"),
    ],
)
def test_the_sentence_names_the_engine_and_its_version(dialect: str, version: str, engine: str) -> None:
    assert newer_engine(dialect, version).startswith(f"{engine} is newer than ")


@pytest.mark.parametrize(
    ("dialect", "version"),
    [
        ("sqlite", "3.40.1"),
        ("duckdb", reviewed_version("duckdb")),
        ("postgres", "18.9 (Debian 18.9-1)"),
        ("postgres", "9.6.24"),
        ("mysql", "8.4.99"),
        ("mysql", "10.11.99-MariaDB"),
        ("oracle", "23.5"),
        ("sqlite", ""),
    ],
)
def test_older_engines_and_mere_mendings_are_silent(dialect: str, version: str) -> None:
    assert newer_engine(dialect, version) == ""
