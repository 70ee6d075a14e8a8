"""Answers are right by their rows; errors, forms and lucky answers are told apart."""

import sqlite3
from types import SimpleNamespace

import pytest

from t2s_magic.guard.same_form import is_same_form
from t2s_magic.study.databases import FileDatabases
from t2s_magic.study.questions import Question
from t2s_magic.study.scoring import Scorer, feedback


@pytest.fixture
def databases(tmp_path):
    with sqlite3.connect(tmp_path / "a.sqlite") as connection:
        connection.execute("CREATE TABLE t (x INTEGER, y INTEGER)")
        connection.executemany("INSERT INTO t VALUES (?, ?)", [(number, number % 3) for number in range(30)])
    databases = FileDatabases(tmp_path)
    yield databases
    databases.close()


def question(gold: str) -> Question:
    return Question(0, "a", "What?", gold)


def answer(sql: str) -> SimpleNamespace:
    return SimpleNamespace(sql=sql)


def test_other_sql_with_the_same_rows_is_right(databases):
    score = Scorer(databases).score(question("SELECT COUNT(*) FROM t"), answer("SELECT SUM(1) FROM t"))
    assert (score.correct, score.error, score.same_form, score.right_on_copies) == (True, "", False, None)


def test_a_lucky_answer_is_found_out_on_copies_with_other_rows(databases):
    scorer = Scorer(databases, copies=2)
    lucky = scorer.score(question("SELECT COUNT(*) FROM t"), answer("SELECT 30"))
    assert (lucky.correct, lucky.right_on_copies) == (True, False)
    real = scorer.score(question("SELECT COUNT(*) FROM t"), answer("SELECT SUM(1) FROM t"))
    assert (real.correct, real.right_on_copies) == (True, True)


def test_answers_in_another_dialect_are_asked_on_copies_in_that_dialect(tmp_path, databases):
    scorer = Scorer(FileDatabases(tmp_path, "duckdb"), copies=2)
    only_duckdb = answer("SELECT COUNT(*) FROM t WHERE x >= ALL (SELECT 0)")
    score = scorer.score(question("SELECT COUNT(*) FROM t"), only_duckdb)
    assert (score.correct, score.error, score.right_on_copies) == (True, "", True)
    assert scorer.score(question("SELECT COUNT(*) FROM t"), answer("SELECT 30")).right_on_copies is False


def test_a_statement_that_cannot_run_is_an_error_and_not_merely_wrong(databases):
    score = Scorer(databases).score(question("SELECT x FROM t"), answer("DELETE FROM t"))
    assert not score.correct
    assert "DELETE" in score.error
    assert feedback(score).startswith("It did not run")


def test_wrong_rows_are_wrong_and_say_the_gold(databases):
    score = Scorer(databases).score(question("SELECT x FROM t"), answer("SELECT y FROM t"))
    assert (score.correct, score.error) == (False, "")
    assert feedback(score) == "It ran, but gave other rows than this correct statement: SELECT x FROM t"


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("SELECT a, b FROM t", "select T.b, T.a from t as T", False),
        ("SELECT t.a, t.b FROM t", "select x.b, x.a from t as x", True),
        ("SELECT a FROM t WHERE b = 1 AND c = 2", "SELECT a FROM t WHERE (c = 2) AND 1 = b", True),
        ("SELECT a FROM t WHERE b = 1", "SELECT a FROM t WHERE b = 2", False),
        ("SELECT a FROM t ORDER BY a", "SELECT a FROM t", False),
        ("SELECT a AS x FROM t", "SELECT a FROM t", True),
        ("no sql here (", "no sql here (", False),
    ],
)
def test_exact_set_match_ignores_the_order_of_parts_and_nothing_else(first, second, same):
    assert is_same_form(first, second, "sqlite") is same
