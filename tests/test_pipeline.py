import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from openai_server import Reply, openai_server, refusal

import t2s_magic
from t2s_magic import pipeline
from t2s_magic.database import connect
from t2s_magic.errors import SchemaError, UnknownNameError, UnsafeSqlError, UsageError

COUNT = "SELECT count(*) AS n FROM person"


@pytest.fixture
def people(tmp_path: Path):
    file = tmp_path / "people.sqlite"
    with sqlite3.connect(file) as connection:
        connection.executescript(
            """
            CREATE TABLE person (name TEXT, age INTEGER, city TEXT);
            INSERT INTO person VALUES ('Ada', 36, 'London'), ('Grace', 85, 'New York'), ('Alan', 41, 'London');
            """
        )
    database = connect(f"sqlite:///{file}")
    yield database
    database.close()


@pytest.fixture
def answering(monkeypatch):
    """A starter of OpenAI-compatible servers that ``T2S_API_BASE`` then points to."""
    servers = []

    def start(*script):
        context = openai_server(*script)
        servers.append(context)
        server = context.__enter__()
        monkeypatch.setenv("T2S_API_BASE", server.base_url)
        monkeypatch.delenv("T2S_LM", raising=False)
        return server

    yield start
    for context in servers:
        context.__exit__(None, None, None)


def test_a_question_becomes_checked_sql_in_words_with_its_provenance(people, answering):
    server = answering(COUNT)
    draft = pipeline.ask("How many people are there?", people)
    assert (draft.sql, draft.problem) == (COUNT, "")
    assert draft.checked is not None
    assert draft.in_words == "Counts the rows of person."
    assert (draft.provenance.lm, draft.provenance.lm_calls, draft.provenance.host) == ("starling", 1, server.host)
    assert (draft.provenance.tables_used, draft.provenance.tables_total) == (1, 1)
    assert "How many people are there?" in draft.prompt


def test_sql_is_told_as_it_is_written_and_the_draft_says_what_that_took(people, answering):
    server = answering(Reply(f"```sql\n{COUNT}\n```", pause=0.02))
    so_far: list[str] = []
    draft = pipeline.Asker(on_sql=so_far.append, price="3.6/h").ask("How many people are there?", people)
    usage = draft.provenance.usage
    assert [text for text in dict.fromkeys(so_far) if text] == [
        "SELECT",
        "SELECT count(*)",
        "SELECT count(*) AS",
        "SELECT count(*) AS n",
        "SELECT count(*) AS n FROM",
        COUNT,
    ]
    assert draft.sql == COUNT
    assert (usage.prompt_tokens, usage.completion_tokens) == (7, 3)
    assert 0 < usage.first_token < usage.seconds
    assert draft.provenance.dollars == pytest.approx(3.6 * usage.seconds / 3600)
    assert server.requests[0]["stream"]


def test_half_a_stream_is_a_problem_and_never_the_answer(people, answering):
    answering(Reply("SELECT name FROM person WHERE age > 40", cut=500))
    draft = pipeline.Asker(on_sql=lambda sql: None).ask("Who is older than 40?", people)
    assert (draft.sql, draft.checked) == ("", None)
    assert "broke before the answer was whole" in draft.problem


def test_an_lm_that_is_not_streamed_costs_what_its_tokens_cost(people, answering):
    answering(COUNT)
    assert pipeline.Asker(price="0.5/1k").ask("How many?", people).provenance.dollars == pytest.approx(0.005)
    assert pipeline.Asker().ask("How many?", people).provenance.dollars is None


def test_a_price_that_cannot_be_read_is_refused_with_examples():
    with pytest.raises(UsageError, match=r"'cheap' cannot be read\. Give dollars .* 1\.95/h"):
        pipeline.Asker(price="cheap")


def test_a_server_that_keeps_to_no_grammar_is_told_once(people, answering):
    server = answering(COUNT)
    server.owner = "llamacpp"
    asker = pipeline.Asker()
    first, second = (asker.ask("How many people are there?", people) for _ in range(2))
    assert [notice for notice in first.notices if "grammar" in notice] == [
        f"{server.host} does not hold answers to a grammar: its SQL is written freely, and checked as always."
    ]
    assert not any("grammar" in notice for notice in second.notices)


def test_rows_come_from_the_statement_as_it_was_written(people):
    rows = t2s_magic.execute("SELECT name FROM person WHERE age > 40 ORDER BY name", people)
    assert (rows.columns, rows.rows) == (("name",), (("Alan",), ("Grace",)))


def test_execute_takes_a_url(tmp_path):
    with sqlite3.connect(tmp_path / "a.db") as connection:
        connection.execute("CREATE TABLE t AS SELECT 1 AS a")
    assert t2s_magic.execute("SELECT a FROM t", f"sqlite:///{tmp_path}/a.db").rows == ((1,),)


def test_what_writes_is_refused_before_it_reaches_the_engine(people):
    with pytest.raises(UnsafeSqlError, match="DELETE"):
        t2s_magic.execute("DELETE FROM person", people)
    assert t2s_magic.execute(COUNT, people).rows == ((3,),)


def test_an_unknown_column_is_named_with_the_nearest(people):
    with pytest.raises(UnknownNameError, match='"nmae"') as refused:
        t2s_magic.execute("SELECT nmae FROM person", people)
    assert refused.value.nearest == ("name",)


def test_a_wrong_column_is_repaired_with_the_message(people, answering):
    server = answering("SELECT nmae FROM person", "SELECT name FROM person")
    draft = pipeline.ask("names", people)
    assert (draft.sql, draft.provenance.lm_calls) == ("SELECT name FROM person", 2)
    assert "nmae" in str(server.requests[1]["messages"][-1])


def test_a_refused_draft_is_kept_and_says_why(people, answering):
    answering("DROP TABLE person")
    draft = pipeline.ask("forget everyone", people)
    assert (draft.sql, draft.checked) == ("DROP TABLE person", None)
    assert "DROP" in draft.problem
    assert draft.provenance.lm_calls == 3
    assert t2s_magic.execute(COUNT, people).rows == ((3,),)


def test_a_model_that_is_down_is_said_in_the_draft_and_the_question_is_kept(people, monkeypatch):
    monkeypatch.setenv("T2S_API_BASE", "http://127.0.0.1:9/v1")
    draft = pipeline.ask("How many people?", people)
    assert (draft.question, draft.sql, draft.checked) == ("How many people?", "", None)
    assert "127.0.0.1:9" in draft.problem


def test_a_refused_key_is_not_printed(people, answering, monkeypatch):
    answering(refusal(401, "Unknown key canary-key"))
    monkeypatch.setenv("T2S_API_KEY", "canary-key")
    draft = pipeline.ask("How many people?", people)
    assert "key" in draft.problem
    assert "canary-key" not in repr(draft)


def test_no_cell_of_the_database_reaches_a_remote_lm_unless_switched_on(people, answering):
    server = answering(COUNT)
    pipeline.Asker().ask("How many people live in new york?", people)
    assert "New York" not in str(server.requests[0])
    pipeline.Asker(sample_values=True).ask("How many people live in new york?", people)
    assert "New York" in str(server.requests[1])


def test_what_leaves_the_machine_is_said_once_for_a_database(people, answering):
    server = answering(COUNT)
    asker = pipeline.Asker()
    first, second = (asker.ask("How many people?", people) for _ in range(2))
    assert first.notices[0].startswith(f"{server.host} is sent the question and the names")
    assert second.notices == ()


@pytest.mark.parametrize("question", ["", "  \n", "???"])
def test_an_empty_question_asks_for_one(people, question):
    with pytest.raises(UsageError, match="question is empty"):
        pipeline.ask(question, people)


def test_a_database_without_tables_says_so(tmp_path, answering):
    answering(COUNT)
    sqlite3.connect(tmp_path / "empty.db").close()
    (tmp_path / "empty.db").touch()
    with pytest.raises(SchemaError, match="table"):
        pipeline.ask("How many people?", connect(f"sqlite:///{tmp_path}/empty.db"))


def test_an_edit_is_read_back_without_running(people):
    outcome = pipeline.review("SELECT max(age) FROM person", people)
    assert (outcome.rows, outcome.problem) == (None, "")
    assert outcome.in_words == "Finds the highest age of person."
    assert "nmae" in pipeline.review("SELECT nmae FROM person", people).problem


def test_the_run_of_a_draft_looks_nothing_up_that_the_draft_has_looked_up(people, answering):
    answering("SELECT name FROM person WHERE city = 'London'")
    draft = replace(pipeline.ask("Who lives in London?", people), assumptions=("known from the draft",))
    assert pipeline.run(draft.sql, people, known=draft).assumptions == ("known from the draft",)
    edited = pipeline.run("SELECT name FROM person WHERE city = 'Paris'", people, known=draft)
    assert "known from the draft" not in edited.assumptions


def test_what_changed_in_the_schema_is_said_once(people, answering, tmp_path):
    answering(COUNT)
    asker = pipeline.Asker()
    asker.ask("How many people?", people)
    with sqlite3.connect(tmp_path / "people.sqlite") as connection:
        connection.execute("CREATE TABLE bonus (id INTEGER)")
    connection.close()
    changed, unchanged = (asker.ask("How many people?", people) for _ in range(2))
    assert changed.notices == ("The schema of sqlite · people.sqlite has changed: new: bonus. It was read anew.",)
    assert unchanged.notices == ()


def test_no_rows_are_explained_by_the_filter_that_removed_them(people):
    outcome = pipeline.run("SELECT name FROM person WHERE city = 'LONDON'", people)
    assert outcome.rows is not None
    assert outcome.rows.rows == ()
    assert "'London'" in outcome.why_empty


def test_what_the_read_only_view_cannot_see_is_said_by_name(tmp_path):
    with sqlite3.connect(tmp_path / "a.db") as connection:
        connection.execute("CREATE TABLE t (a INTEGER)")
    connection.execute("CREATE TEMP TABLE mine (a INTEGER)")
    connection.execute("INSERT INTO t VALUES (1)")
    outcome = pipeline.run("SELECT count(*) FROM t", connect(connection))
    assert outcome.rows is not None
    assert outcome.rows.rows == ((0,),)
    assert "mine (temporary table)" in outcome.assumptions[-1]
    assert "your open transaction (uncommitted rows)" in outcome.assumptions[-1]
    connection.close()


def test_prose_instead_of_sql_is_shown_as_what_the_model_said(people, answering):
    answering("I am sorry, I cannot look into databases.")
    draft = pipeline.ask("How many people?", people)
    assert (draft.checked, draft.sql) == (None, "")
    assert draft.problem
    assert draft.notices[-1] == "The model said: I am sorry, I cannot look into databases."
