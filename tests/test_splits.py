"""Question sets are loaded and divided the same way each time, without overlap."""

import json
import sqlite3
from pathlib import Path

import pytest

from t2s_magic.database import connect
from t2s_magic.errors import UsageError
from t2s_magic.memory import Pair
from t2s_magic.study.databases import FileDatabases, ScriptDatabases
from t2s_magic.study.splits import load_gretel, load_lines, load_pairs, load_spider, only_runnable

DATA = Path(__file__).parent.parent / "notebooks" / "data"


def gretel_file(path: Path, first: int, count: int) -> Path:
    rows = [
        {
            "id": number,
            "sql_prompt": f"How many plants grow in garden {number}?",
            "sql_context": f"CREATE TABLE plant (name TEXT); INSERT INTO plant VALUES ('rose'), ('oak {number}');",
            "sql": "SELECT COUNT(*) FROM plant;" if number % 5 else "INSERT INTO plant VALUES ('fern');",
        }
        for number in range(first, first + count)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def lines_file(path: Path, rows: list[tuple[str, str, str]]) -> Path:
    keys = ("db_id", "question", "sql")
    path.write_text("".join(json.dumps(dict(zip(keys, row, strict=True))) + "\n" for row in rows))
    return path


def asked(part) -> list[str]:
    return [question.question for question in part]


def test_gretel_is_divided_as_the_study_did_and_each_context_becomes_a_database(tmp_path):
    train, test = gretel_file(tmp_path / "train.jsonl", 0, 12), gretel_file(tmp_path / "test.jsonl", 100, 5)
    split = load_gretel(train, test, sizes=(6, 3, 4))
    assert {name: len(part) for name, part in split.parts.items()} == {"trainset": 6, "valset": 3, "testset": 4}
    assert not {*asked(split.trainset)} & {*asked(split.valset)}
    assert all(question.db_id.startswith("test-") for question in split.testset)
    first = split.testset[0]
    if first.sql.startswith("SELECT"):
        assert list(split.databases.gold_rows(first.db_id, first.sql)) == [(2,)]
    assert load_gretel(train, test, sizes=(6, 3, 4)).card.hashes == split.card.hashes
    assert load_gretel(train, test, sizes=(6, 3, 4), seed=1).card.hashes != split.card.hashes
    split.databases.close()


def test_gold_sql_that_only_writes_is_counted_and_left_out(tmp_path):
    train, test = gretel_file(tmp_path / "train.jsonl", 0, 10), gretel_file(tmp_path / "test.jsonl", 100, 10)
    split, why = only_runnable(load_gretel(train, test, sizes=(6, 4, 10)))
    assert len(why) == 4
    assert all("readonly database" in reason for reason in why.values())
    assert split.card.notes[-1] == "16 of 20 gold statements run and read; the others were left out."
    assert sum(split.card.sizes.values()) == 16


def test_a_file_with_other_columns_is_refused_by_name(tmp_path):
    other = lines_file(tmp_path / "other.jsonl", [("a", "b", "c")])
    with pytest.raises(UsageError, match="no column sql_prompt"):
        load_gretel(other, other)


def test_spider_is_tested_on_databases_that_nothing_was_learnt_from(tmp_path):
    train = [(f"shop{number % 4}", f"Question {number}?", f"SELECT {number}") for number in range(12)]
    lines_file(tmp_path / "train.jsonl", train)
    lines_file(
        tmp_path / "dev.jsonl", [("farm", f"Question {number} on a farm?", f"SELECT {number}") for number in range(4)]
    )
    split = load_spider(tmp_path, sizes=(6, 3, 4))
    databases = [{question.db_id for question in part} for part in split.parts.values()]
    assert [len(part) for part in split.parts.values()] == [6, 3, 4]
    assert not databases[0] & databases[1]
    assert databases[2] == {"farm"}


def test_spiders_own_file_names_and_fields_are_read_too(tmp_path):
    rows = [{"db_id": "a", "question": f"Q{number}?", "query": f"SELECT {number}"} for number in range(4)]
    (tmp_path / "train_spider.json").write_text(json.dumps(rows))
    (tmp_path / "dev.json").write_text(json.dumps([{**row, "db_id": "b"} for row in rows]))
    assert load_spider(tmp_path, sizes=(3, 0, 4)).testset[0].sql == "SELECT 0"


def test_paraphrases_stay_in_one_set(tmp_path):
    rows = [("a", f"{words} {number}?", f"SELECT {number}") for number in range(10) for words in ("How many", "Count")]
    split = load_lines(lines_file(tmp_path / "q.jsonl", rows), tmp_path, sizes=(8, 4, 8))
    statements = [{question.sql for question in part} for part in split.parts.values()]
    assert not statements[0] & statements[1] | statements[0] & statements[2] | statements[1] & statements[2]


def test_more_questions_than_there_are_is_said(tmp_path):
    file = lines_file(tmp_path / "q.jsonl", [("a", "Q?", "SELECT 1")])
    with pytest.raises(UsageError, match="There are 1 questions, and 3 were asked for"):
        load_lines(file, tmp_path, sizes=(1, 1, 1))


def test_approved_pairs_are_divided_and_their_gold_passes_the_guard(sqlite_file):
    pairs = [
        Pair(f"Question {n}?", f"SELECT name, {n} FROM customer", "sqlite", "", ("customer",), "") for n in range(9)
    ]
    other = Pair("Anders?", "SELECT 1", "duckdb", "", (), "")
    database = connect(f"sqlite:///{sqlite_file}")
    split = load_pairs([*pairs, other], database)
    assert {name: len(part) for name, part in split.parts.items()} == {"trainset": 3, "valset": 2, "testset": 4}
    first = split.testset[0]
    assert len(split.databases.gold_rows(first.db_id, first.sql)) == 3
    database.close()


def test_every_gold_statement_of_the_sample_that_ships_gives_rows():
    split, why = only_runnable(load_lines(DATA / "chinook_questions.jsonl", DATA))
    assert why == {}
    assert {name: len(part) for name, part in split.parts.items()} == {"trainset": 38, "valset": 25, "testset": 63}
    assert "on    1 databases" in str(split.card)


def test_a_script_that_breaks_off_is_kept_as_far_as_it_ran():
    databases = ScriptDatabases({"a": "CREATE TABLE t (x INT); INSERT INTO t VALUES (1); CREATE FUNCTION f;"})
    assert list(databases.gold_rows("a", "SELECT x FROM t")) == [(1,)]
    assert "syntax error" in databases.complaints["a"]


def test_a_script_reaches_no_other_file(tmp_path):
    other = tmp_path / "other.sqlite"
    databases = ScriptDatabases({"a": f"ATTACH '{other}' AS o; CREATE TABLE o.t (x INT);"})
    databases.file("a")
    assert databases.complaints == {"a": "not authorized"}
    assert not other.exists()


def test_copies_have_the_same_tables_and_other_rows(tmp_path):
    with sqlite3.connect(tmp_path / "a.sqlite") as connection:
        connection.execute("CREATE TABLE t (x INTEGER)")
        connection.executemany("INSERT INTO t VALUES (?)", [(number,) for number in range(10)])
    databases = FileDatabases(tmp_path)
    first, second = (sqlite3.connect(path).execute("SELECT x FROM t").fetchall() for path in databases.copies("a", 2))
    assert len(first) == len(second) == 6
    assert first != second
    assert len(databases.gold_rows("a", "SELECT x FROM t")) == 10
    databases.close()
