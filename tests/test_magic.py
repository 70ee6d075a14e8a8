"""The magics in a real IPython shell, with real jupysql, over a real SQLite file and an LM behind real HTTP."""

import json
import sqlite3
from pathlib import Path

import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from openai_server import openai_server
from sql.connection import ConnectionManager
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

from t2s_magic.answer import Answer
from t2s_magic.errors import NotRunError, Text2SqlError

NAMES = "SELECT name, age FROM person ORDER BY age"


@pytest.fixture
def shell(tmp_path: Path, monkeypatch):
    """A shell with jupysql connected to a small database, and the magics loaded; its folder is the notebook's."""
    monkeypatch.chdir(tmp_path)
    with sqlite3.connect("people.sqlite") as connection:
        connection.executescript(
            """
            CREATE TABLE person (name TEXT, age INTEGER, city TEXT);
            INSERT INTO person VALUES ('Ada', 36, 'London'), ('Grace', 85, 'New York'), ('Alan', 41, 'London');
            """
        )
    shell = InteractiveShell()
    with capture_output():
        shell.run_line_magic("load_ext", "sql")
        shell.run_line_magic("load_ext", "t2s_magic")
        shell.run_line_magic("sql", "sqlite:///people.sqlite")
    yield shell
    ConnectionManager.close_all()
    ConnectionManager.current = None


@pytest.fixture
def server(monkeypatch):
    with openai_server(NAMES) as server:
        monkeypatch.setenv("T2S_API_BASE", server.base_url)
        yield server


def run(shell: InteractiveShell, cell: str):
    """The value of a cell, and what it wrote to stdout and stderr."""
    with capture_output() as captured:
        result = shell.run_cell(cell)
    assert result.success, result.error_in_exec or result.error_before_exec
    return result.result, captured.stdout, captured.stderr


def fail(shell: InteractiveShell, cell: str):
    """What a cell that fails raises, and what it shows."""
    with capture_output() as captured:
        result = shell.run_cell(cell)
    assert not result.success
    return result.error_in_exec, captured.stdout + captured.stderr


def test_a_cell_becomes_an_answer_with_its_rows(shell, server):
    answer, _, _ = run(shell, "%%text2sql\nWho is how old?")
    assert isinstance(answer, Answer)
    assert (answer.question, answer.sql) == ("Who is how old?", NAMES)
    assert list(answer.rows) == [("Ada", 36), ("Alan", 41), ("Grace", 85)]
    assert answer.df().age.tolist() == [36, 41, 85]
    assert answer.polars()["name"].to_list() == ["Ada", "Alan", "Grace"]


def test_a_line_takes_a_question_with_an_apostrophe(shell, server):
    answer, _, stderr = run(shell, "%text2sql Who's the oldest?")
    assert stderr == ""
    assert answer.question == "Who's the oldest?"


@pytest.mark.parametrize(
    "cell", ["%text2sql who is oldest?", "answer = %text2sql who is oldest?", "%%text2sql who is oldest?"]
)
def test_a_question_mark_is_no_call_for_help(shell, server, cell):
    run(shell, cell)
    assert "who is oldest?" in server.requests[-1]["messages"][-1]["content"]


def test_no_run_waits(shell, server):
    answer, _, _ = run(shell, "%%text2sql --no-run\nWho is how old?")
    with pytest.raises(Exception, match="has not run yet") as not_run:
        answer.df()
    assert type(not_run.value).__name__ == "NotRunError"
    answer.run_now()
    assert len(answer.rows) == 3


def test_autorun_can_be_switched_off(shell, server):
    run(shell, "%config Text2SQL.autorun = False")
    answer, _, _ = run(shell, "%%text2sql\nWho is how old?")
    assert "Press Run" in repr(_problem(answer))


def test_a_question_can_be_run_although_autorun_is_off(shell, server):
    run(shell, "%config Text2SQL.autorun = False")
    answer, _, _ = run(shell, "%%text2sql --run\nWho is how old?")
    assert len(answer.rows) == 3


def _problem(answer: Answer) -> Exception:
    with pytest.raises(Exception, match="Press Run") as caught:
        _ = answer.rows
    return caught.value


def test_a_name_takes_the_rows_as_jupysql_does(shell, server):
    run(shell, "%%text2sql people <<\nWho is how old?")
    assert shell.user_ns["people"].DataFrame().name.tolist() == ["Ada", "Alan", "Grace"]
    run(shell, "%config SqlMagic.autopandas = True")
    run(shell, "%%text2sql frame <<\nWho is how old?")
    assert type(shell.user_ns["frame"]).__name__ == "DataFrame"
    run(shell, "%config SqlMagic.autopandas = False")


def test_a_saved_answer_can_be_built_on(shell, server):
    run(shell, "%%text2sql --save ages\nWho is how old?")
    run(shell, "%%sql --with ages oldest <<\nSELECT max(age) FROM ages")
    assert list(shell.user_ns["oldest"]) == [(85,)]


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("%%text2sql\n\n", "The question is empty"),
        ("%text2sql", "The question is empty"),
        ("%%text2sql --no-rum\nWho?", "There is no option --no-rum. Did you mean --no-run?"),
        ("%%text2sql --connection other\nWho?", "There is no connection 'other'"),
        ("%%text2sql --run --no-run\nWho?", "--run and --no-run exclude each other"),
        ("%%text2sql --lm nonsense\nWho?", "No LM is called 'nonsense'"),
        ("%t2s stauts", "There is no command 'stauts'. Did you mean status?"),
        ("%t2s pairs remove 3", "There is no pair 3"),
        ("%t2s prompt", "No question was asked yet"),
        ("%t2s use", "Name a DataFrame"),
        ("%t2s use https://me:secret@host/x.csv", "takes the name of a DataFrame or a file here, no URL."),
    ],
)
def test_wrong_use_fails_the_cell_in_one_clear_line(shell, cell, message):
    error, shown = fail(shell, cell)
    assert isinstance(error, Text2SqlError)
    assert message in shown
    assert shown.count("\n") == 1
    assert "Traceback" not in shown


def test_no_connection_says_what_to_run(shell, server):
    ConnectionManager.close_all()
    ConnectionManager.current = None
    assert fail(shell, "%%text2sql\nWho is how old?")[1] == (
        "No database connection. Run %load_ext sql, then %sql <url>.\n"
    )


def test_a_question_without_rows_shows_its_answer_and_fails_the_cell(shell, monkeypatch):
    with openai_server("DROP TABLE person") as server:
        monkeypatch.setenv("T2S_API_BASE", server.base_url)
        error, shown = fail(shell, "answer = %text2sql Forget everyone?")
    assert isinstance(error, NotRunError)
    assert "DROP TABLE person" in shown
    assert shown.endswith(f"{error.message}\n")
    assert "Traceback" not in shown
    assert "answer" not in shell.user_ns


def test_debug_shows_the_traceback(shell):
    _, shown = fail(shell, "%%text2sql --debug --connection other\nWho?")
    assert "Traceback" in shown
    assert "There is no connection 'other'" in shown


def test_deceptive_characters_in_what_a_command_tells_are_made_visible(shell, tmp_path):
    pair = {
        "question": "Who \x1b[31m\u202eis?",
        "sql": NAMES,
        "dialect": "sqlite",
        "schema": "",
        "tables": [],
        "date": "",
    }
    (tmp_path / "t2s_pairs.jsonl").write_text(json.dumps(pair))
    _, stdout, _ = run(shell, "%t2s pairs")
    assert stdout.startswith("1  Who ␛[31m⟨U+202E⟩is?\n")


def test_status_says_what_is_in_use_and_what_leaves_the_machine(shell, server):
    _, stdout, _ = run(shell, "%t2s status")
    assert f"starling at {server.host}" in stdout
    assert "sqlite · people.sqlite · 1 table · read-only, enforced by the engine" in stdout
    assert f"questions, names, types, keys and comments; no rows go to {server.host}" in stdout


class _Acme(SQLiteDialect_pysqlite):
    """A dialect that the guard has no list for."""

    name = "acme"
    supports_statement_cache = True


def test_status_says_that_nothing_runs_on_an_engine_without_a_list(shell, server, tmp_path, monkeypatch):
    monkeypatch.setitem(registry.impls, "acme", lambda: _Acme)
    with sqlite3.connect(tmp_path / "a.db") as connection:
        connection.execute("CREATE TABLE t (x)")
    run(shell, f"%sql acme:///{tmp_path}/a.db --alias other")
    _, stdout, _ = run(shell, "%t2s status")
    assert "shown and never run: the guard has no list for acme" in stdout
    assert "waits for your Run" not in stdout


def test_status_with_the_built_in_model_says_that_nothing_leaves(shell, monkeypatch):
    monkeypatch.delenv("T2S_API_BASE", raising=False)
    _, stdout, _ = run(shell, "%t2s status")
    assert "leaves this machine  nothing" in stdout


def test_the_prompt_shows_the_exact_text(shell, server):
    run(shell, "%%text2sql\nWho is how old?")
    _, stdout, _ = run(shell, "%t2s prompt")
    assert "Who is how old?" in stdout
    assert "person" in stdout


def test_an_lm_is_changed_in_one_line_and_a_wrong_name_is_said_at_once(shell, server):
    run(shell, "%t2s lm starling")
    _, stdout, _ = run(shell, "%t2s lm")
    assert stdout.startswith(f"starling at {server.host}")
    assert "No LM is called 'nonsense'" in fail(shell, "%t2s lm nonsense")[1]


def test_an_approved_answer_is_kept_listed_and_removed(shell, server, tmp_path):
    answer, _, _ = run(shell, "%%text2sql\nWho is how old?")
    assert "t2s_pairs.jsonl" in answer._approve(answer.question, answer.sql)
    _, stdout, _ = run(shell, "%t2s pairs")
    assert stdout == f"1  Who is how old?\n   {NAMES}\n"
    run(shell, "%%text2sql\nWho is how young?")
    assert NAMES in str(server.requests[-1]["messages"][:-1])
    _, stdout, _ = run(shell, "%t2s pairs remove 1")
    assert stdout == "Removed: Who is how old?\n"


def test_options_and_commands_complete(shell):
    assert "--no-run" in shell.complete("--no", "%%text2sql --no", len("%%text2sql --no"))[1]
    assert "status" in shell.complete("st", "%t2s st", len("%t2s st"))[1]


def test_help_tells_the_options(shell):
    help_text = shell.find_line_magic("text2sql").__doc__
    assert "--no-run" in help_text
    assert "plain words" in help_text


def test_settings_refuse_what_makes_no_sense(shell, caplog):
    run(shell, "%config Text2SQL.time_limit = -1")
    assert "Text2SQL.time_limit has to be more than 0." in caplog.text
    assert "30" in str(shell.run_cell("%config Text2SQL.time_limit").result)


def test_loading_the_extension_imports_nothing_slow():
    import subprocess
    import sys

    code = (
        "import sys; from IPython.core.interactiveshell import InteractiveShell; import t2s_magic.magic; "
        "print(sorted({'dspy', 'sqlglot', 'pandas', 'anywidget', 'duckdb', 'numpy'} & sys.modules.keys()))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "[]\n"
