"""The command line, as a process: over real SQLite files and an LM behind real HTTP."""

import io
import json
import sqlite3
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from openai_server import openai_server, refusal
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

from t2s_magic.cli import main


@pytest.fixture
def databases(tmp_path: Path) -> Path:
    folder = tmp_path / "databases" / "people"
    folder.mkdir(parents=True)
    with sqlite3.connect(folder / "people.sqlite") as connection:
        connection.executescript(
            """
            CREATE TABLE person (name TEXT, age INTEGER, paid NUMERIC);
            INSERT INTO person VALUES ('Ada', 36, 1.5), ('Alan', 41, NULL);
            """
        )
    return folder.parent


@dataclass(frozen=True)
class Run:
    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def t2s(capsys, monkeypatch):
    """``python -m t2s_magic`` with these arguments, in this process: its imports take seconds."""

    def run(*arguments: object, base_url: str = "") -> Run:
        monkeypatch.delenv("T2S_LM", raising=False)
        monkeypatch.setenv("T2S_API_BASE", base_url)
        code = main([str(argument) for argument in arguments])
        return Run(code, *capsys.readouterr())

    return run


def test_the_module_runs_as_a_process():
    run = subprocess.run([sys.executable, "-m", "t2s_magic", "--help"], capture_output=True, text=True)
    assert run.returncode == 0
    assert "ask one question" in run.stdout


def url(databases: Path) -> str:
    return f"sqlite:///{databases}/people/people.sqlite"


def test_ask_prints_the_answer(t2s, databases):
    with openai_server("SELECT name FROM person ORDER BY name") as server:
        run = t2s("ask", "Who is there?", "--db", url(databases), base_url=server.base_url)
    assert run.returncode == 0, run.stderr
    for part in ("SELECT name FROM person ORDER BY name", "Ada", "Alan", "Lists name of person"):
        assert part in run.stdout


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_ask_tells_a_terminal_that_the_model_wakes_and_a_file_nothing(t2s, databases, monkeypatch):
    waking = refusal(503, "Loading model", Retry_After="0.1")
    with openai_server(waking, "SELECT name FROM person", waking, "SELECT name FROM person") as server:
        in_file = t2s("ask", "Who is there?", "--db", url(databases), base_url=server.base_url)
        terminal = Terminal()
        monkeypatch.setattr(sys, "stderr", terminal)
        t2s("ask", "Who is there?", "--db", url(databases), base_url=server.base_url)
    assert in_file.stderr == ""
    assert terminal.getvalue().startswith("\r\x1b[Kwaking the model (0 s)")
    assert terminal.getvalue().endswith("\r\x1b[K")


def test_ask_as_json_is_one_object(t2s, databases):
    with openai_server("SELECT name, paid FROM person ORDER BY name") as server:
        run = t2s("ask", "Who paid?", "--db", url(databases), "--json", base_url=server.base_url)
    told = json.loads(run.stdout)
    assert [notice for notice in told.pop("notices") if "is sent the question" not in notice] == []
    assert told == {
        "question": "Who paid?",
        "sql": "SELECT name, paid FROM person ORDER BY name",
        "in_words": "Lists name and paid of person, ordered by name (A to Z).",
        "columns": ["name", "paid"],
        "rows": [["Ada", 1.5], ["Alan", None]],
        "confidence": None,
        "error": None,
    }


def test_a_refused_statement_is_an_error_in_the_json_and_in_the_exit_code(t2s, databases):
    with openai_server("DELETE FROM person") as server:
        run = t2s("ask", "Forget all", "--db", url(databases), "--json", base_url=server.base_url)
    told = json.loads(run.stdout)
    assert (run.returncode, told["sql"], told["rows"]) == (1, "DELETE FROM person", [])
    assert "DELETE" in told["error"]


def test_what_the_model_is_not_sure_of_is_printed_and_run_only_when_told_to(t2s, tmp_path):
    with sqlite3.connect(tmp_path / "a.sqlite") as connection:
        connection.execute("CREATE TABLE t (x TEXT)")
    asked = ("Which chess openings did my grandmother's parrots prefer before the war of the roses?", "--db")
    waiting = t2s("ask", *asked, f"sqlite:///{tmp_path}/a.sqlite")
    ran = t2s("ask", *asked, f"sqlite:///{tmp_path}/a.sqlite", "--run")
    assert (waiting.returncode, ran.returncode) == (0, 0)
    for part in ("SELECT", "not sure", "So it was not run. Read it, and ask again with --run"):
        assert part in waiting.stdout
    assert "0 rows" not in waiting.stdout
    assert "0 rows" in ran.stdout
    assert "was not run" not in ran.stdout


class _Cockroach(SQLiteDialect_pysqlite):
    """An engine whose dialect the guard knows, and that nobody holds to reading."""

    name = "cockroachdb"
    supports_statement_cache = True


def test_an_engine_that_enforces_nothing_runs_only_what_it_is_told_to(t2s, databases, monkeypatch):
    monkeypatch.setitem(registry.impls, "cockroachdb", lambda: _Cockroach)
    other = url(databases).replace("sqlite:", "cockroachdb:")
    with openai_server("SELECT name FROM person ORDER BY name") as server:
        waiting = t2s("ask", "Who?", "--db", other, "--json", base_url=server.base_url)
        ran = t2s("ask", "Who?", "--db", other, "--run", base_url=server.base_url)
    told = json.loads(waiting.stdout)
    assert (told["sql"], told["rows"], told["error"]) == ("SELECT name FROM person ORDER BY name", [], None)
    assert "Read-only is not enforced by this engine, so it was not run." in told["notices"][-1]
    assert "Alan" in ran.stdout


def test_an_engine_that_is_newer_than_the_guard_s_lists_is_said_once(t2s, databases, monkeypatch):
    monkeypatch.setattr(sqlite3, "sqlite_version", "3.999.0")
    with openai_server("SELECT name FROM person") as server:
        run = t2s("ask", "Who?", "--db", url(databases), base_url=server.base_url)
    assert run.stdout.count("SQLite 3.999.0 is newer than") == 1


def test_a_missing_database_is_one_line_on_stderr(t2s, tmp_path):
    run = t2s("ask", "Who?", "--db", f"sqlite:///{tmp_path}/nothing.sqlite")
    assert (run.returncode, run.stdout) == (1, "")
    assert run.stderr.startswith("t2s_magic: ")
    assert "nothing.sqlite" in run.stderr
    assert run.stderr.count("\n") == 1
    assert not (tmp_path / "nothing.sqlite").exists()


QUESTIONS = [
    {"db_id": "people", "question": "How many?", "sql": "SELECT count(*) FROM person"},
    {"db_id": "people", "question": "Who?", "sql": "SELECT name FROM person"},
    {"db_id": "people", "question": "How old?", "sql": "SELECT age FROM person"},
]


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    file = tmp_path / "dev.jsonl"
    file.write_text("".join(json.dumps(question) + "\n" for question in QUESTIONS))
    return file


SCRIPT = ("SELECT count(*) FROM person", "SELECT name FROM person WHERE age > 40", "DROP TABLE person")


def test_eval_counts_right_wrong_and_failed_apart(t2s, databases, questions, tmp_path):
    out = tmp_path / "predictions.jsonl"
    with openai_server(*SCRIPT) as server:
        run = t2s("eval", questions, "--databases", databases, "--out", out, base_url=server.base_url)
    assert run.stdout.splitlines()[-1] == "execution accuracy 1/3 = 33.3%"
    assert "right    1/3" in run.stderr
    assert "wrong    1" in run.stderr
    assert "failed   1" in run.stderr
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    keys = ["db_id", "question", "gold", "sql", "correct", "error", "confidence", "abstained", "seconds"]
    assert [list(line) for line in lines] == [keys] * 3
    assert [(line["sql"], line["correct"]) for line in lines] == list(zip(SCRIPT, (True, False, False), strict=True))
    assert [bool(line["error"]) for line in lines] == [False, False, True]


def test_eval_leaves_out_flagged_questions_and_stops_at_the_limit(t2s, databases, questions, tmp_path):
    flags = tmp_path / "flags.jsonl"
    flags.write_text('{"split": "dev", "index": 0}\n{"split": "train", "index": 1}\n')
    with openai_server("SELECT name FROM person") as server:
        run = t2s("eval", questions, "--databases", databases, "--skip", flags, "--limit", 1, base_url=server.base_url)
    assert run.stdout.splitlines()[-1] == "execution accuracy 1/1 = 100.0%"


def test_eval_gives_demos_of_the_same_database_but_never_the_question_itself(t2s, databases, questions):
    with openai_server("SELECT count(*) FROM person") as server:
        t2s("eval", questions, "--databases", databases, "--demos", "same-db:5", "--limit", 1, base_url=server.base_url)
    *demos, question = server.requests[0]["messages"]
    assert "How old?" in str(demos)
    assert "How many?" not in str(demos)
    assert "How many?" in question["content"]


def test_eval_leaves_out_demos_of_the_same_sql_where_asked_to(t2s, databases, tmp_path):
    questions = tmp_path / "asked_twice.jsonl"
    count = {"db_id": "people", "question": "How many?", "sql": "SELECT count(*) FROM person"}
    again = {**count, "question": "What is their number?"}
    age = {"db_id": "people", "question": "How old?", "sql": "SELECT age FROM person"}
    questions.write_text("".join(json.dumps(line) + "\n" for line in (count, again, age)))
    shown = {}
    for kind in ("same-db:5", "other-sql:5"):
        with openai_server("SELECT count(*) FROM person") as server:
            t2s("eval", questions, "--databases", databases, "--demos", kind, "--limit", 1, base_url=server.base_url)
        shown[kind] = str(server.requests[0]["messages"][:-1])
    assert "What is their number?" in shown["same-db:5"]
    assert "What is their number?" not in shown["other-sql:5"]
    assert "How old?" in shown["other-sql:5"]


def test_eval_asks_on_another_engine(t2s, databases, questions):
    with openai_server("SELECT count(*) FROM person", "FROM person SELECT name", "SELECT age FROM person") as server:
        run = t2s("eval", questions, "--databases", databases, "--dialect", "duckdb", base_url=server.base_url)
    assert run.stdout.splitlines()[-1] == "execution accuracy 3/3 = 100.0%", run.stderr


@pytest.mark.parametrize(
    ("line", "message"), [("{nonsense", "Line 1 of"), ('{"db_id": "people"}', "no question and no sql")]
)
def test_a_broken_question_set_names_its_line(t2s, databases, tmp_path, line, message):
    file = tmp_path / "broken.jsonl"
    file.write_text(line)
    run = t2s("eval", file, "--databases", databases)
    assert run.returncode == 1
    assert message in run.stderr


def test_a_missing_folder_says_what_is_wanted(t2s, questions, tmp_path):
    run = t2s("eval", questions, "--databases", tmp_path / "nowhere")
    assert run.returncode == 1
    assert "--databases wants a folder" in run.stderr
