"""The published study's prompts are written as its notebook shows them, and its judge as well."""

import json

import dspy
import pytest
from scripted_lm import scripted_lm
from study_server import oracle
from test_splits import gretel_file

from t2s_magic.study.optimizers import choose
from t2s_magic.study.plan import Plan
from t2s_magic.study.published import CORRECTNESS, TEXT_TO_SQL, PublishedAdapter
from t2s_magic.study.report import table
from t2s_magic.study.runs import Study
from t2s_magic.study.splits import load_gretel

PROMPT = """\
Transform a natural language query into a SQL query.

---

Sql Prompt: How many?
Sql Context: CREATE TABLE t (x INT);
Sql: SELECT COUNT(*) FROM t

---

Follow the following format.

Sql Prompt: Natural language query

Sql Context: Context for the query

Reasoning: Let's think step by step in order to ${produce the sql}. We ...

Sql: SQL query

---

Sql Prompt: Which?

Sql Context: CREATE TABLE u (y INT);

Reasoning: Let's think step by step in order to list them.

Sql: SELECT y FROM u

---

Sql Prompt: What is the largest?

Sql Context: CREATE TABLE v (z INT);

Reasoning: Let's think step by step in order to"""


def ask(lm):
    chain = dspy.ChainOfThought(TEXT_TO_SQL)
    chain.predict.demos = [
        {"sql_prompt": "How many?", "sql_context": "CREATE TABLE t (x INT);", "sql": "SELECT COUNT(*)\nFROM t"},
        {
            "augmented": True,
            "sql_prompt": "Which?",
            "sql_context": "CREATE TABLE u (y INT);",
            "reasoning": "list them.",
            "sql": "SELECT y FROM u",
        },
    ]
    with dspy.context(lm=lm, adapter=PublishedAdapter()):
        return chain(sql_prompt="What is the largest?", sql_context="CREATE TABLE v (z INT);")


def test_a_prompt_is_one_text_of_field_blocks():
    lm = scripted_lm(" produce the sql. We take the maximum.\nSql: SELECT MAX(z)\nFROM v")
    answer = ask(lm)
    assert lm.engine.requests == [[("user", PROMPT)]]
    assert (answer.reasoning, answer.sql) == ("produce the sql. We take the maximum.", "SELECT MAX(z)\nFROM v")


def test_a_field_that_the_stop_cut_off_is_asked_for_with_what_came_before():
    lm = scripted_lm(" take the maximum.", " SELECT MAX(z) FROM v")
    assert ask(lm).sql == "SELECT MAX(z) FROM v"
    assert lm.engine.requests[1][0][1] == f"{PROMPT} take the maximum.\n\nSql:"


def test_the_judge_is_asked_for_yes_or_no():
    lm = scripted_lm(" Yes")
    with dspy.context(lm=lm, adapter=PublishedAdapter()):
        said = dspy.Predict(CORRECTNESS)(sql_prompt="How many?", sql_context="CREATE TABLE t (x INT);", sql="SELECT 1")
    assert said.correct == "Yes"
    assert lm.engine.requests[0][0][1].endswith("Sql: SELECT 1\n\nYes/No:")


@pytest.fixture
def split(tmp_path):
    train, test = gretel_file(tmp_path / "train.jsonl", 1, 4), gretel_file(tmp_path / "test.jsonl", 101, 4)
    split = load_gretel(train, test, sizes=(2, 2, 4))
    yield split
    split.databases.close()


def test_published_rows_are_measured_by_rows_and_by_the_judge(split, tmp_path, monkeypatch):
    with oracle({}, "") as server:
        server.prose = "SELECT COUNT(*) FROM plant"
        monkeypatch.setenv("T2S_API_BASE", server.base_url)
        plan = Plan(split, (choose("none"), choose("LabeledFewShot:k=2")), tmp_path / "run", lm="hosted_vllm/tiny")
        plan = Plan(**{**vars(plan), "is_published": True, "judge": "hosted_vllm/judge"})
        results = Study(plan).run()
        bodies = server.requests
    assert [row.status for row in results.rows] == ["finished", "finished"]
    first = bodies[0]
    assert (first["temperature"], first["max_tokens"], first["stop"]) == (0.0, 500, ["\n\n"])
    assert {body["model"] for body in bodies} == {"tiny", "judge"}
    assert all(score.judged is False for score in results.rows[0].testset)
    assert "the judge says 0/4" in str(table(results))
    assert json.loads((tmp_path / "run" / "settings.json").read_text())["judge"] == "hosted_vllm/judge"
