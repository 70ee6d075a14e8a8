"""Approved pairs survive edits, corrections, two kernels and a schema that changed."""

import datetime
import json
import subprocess
import sys
from pathlib import Path

import pytest

from t2s_magic.errors import PairsError
from t2s_magic.guard import check
from t2s_magic.memory import Pair, Pairs, Thread, demos_for, make_pair, stale_pairs
from t2s_magic.schema import Column, Schema, Table

SCHEMA = Schema(
    "sqlite",
    (
        Table("singer", (Column("name", "TEXT"), Column("age", "INTEGER")), path=("main",)),
        Table("concert", (Column("year", "INTEGER"), Column("title", "TEXT")), path=("main",)),
    ),
)


def pair(question: str, sql: str, schema: Schema = SCHEMA) -> Pair:
    return make_pair(question, check(sql, "sqlite", schema=schema), schema, datetime.date(2026, 11, 22))


@pytest.fixture
def pairs(tmp_path: Path) -> Pairs:
    return Pairs(tmp_path / "t2s_pairs.jsonl")


def test_a_pair_says_what_it_is_for(pairs):
    pairs.add(pair("How many singers?", "SELECT count(*) FROM singer"))
    assert json.loads(pairs.path.read_text()) == {
        "question": "How many singers?",
        "sql": "SELECT count(*) FROM singer",
        "dialect": "sqlite",
        "schema": SCHEMA.fingerprint,
        "tables": ["singer"],
        "date": "2026-11-22",
    }


def test_what_was_added_is_loaded_again(pairs):
    approved = (
        pair("Wie heißen\u2028die Sänger 🎤?", "SELECT name FROM singer"),
        pair("Years?", "SELECT year FROM concert"),
    )
    for each in approved:
        pairs.add(each)
    assert pairs.load() == approved


def test_without_a_file_there_are_no_pairs(pairs):
    assert pairs.load() == ()


def test_a_correction_takes_the_place_of_the_wrong_pair(pairs):
    pairs.add(pair("How many singers?", "SELECT count(age) FROM singer"))
    right = pair("how  many Singers", "SELECT count(*) FROM singer")
    pairs.add(right)
    assert pairs.load() == (right,)


def test_a_pair_is_removed_by_its_number_and_returned(pairs):
    first, second = pair("A?", "SELECT name FROM singer"), pair("B?", "SELECT age FROM singer")
    pairs.add(first)
    pairs.add(second)
    assert pairs.remove(1) == first
    assert pairs.load() == (second,)


@pytest.mark.parametrize("number", [0, 2, -1])
def test_a_number_that_is_not_listed_is_told(pairs, number):
    pairs.add(pair("A?", "SELECT name FROM singer"))
    with pytest.raises(PairsError, match=f"no pair {number}; .* holds 1"):
        pairs.remove(number)


@pytest.mark.parametrize(
    "line",
    [
        '{"question": "half',
        "[]",
        "null",
        '{"question": "A?"}',
        '{"question": 1, "sql": 2, "dialect": 3}',
        "[" * 100_000,
    ],
)
def test_a_line_that_is_no_pair_is_named_and_nothing_is_lost(pairs, line):
    pairs.add(pair("A?", "SELECT name FROM singer"))
    pairs.path.write_text(pairs.path.read_text() + line + "\n")
    before = pairs.path.read_bytes()
    with pytest.raises(PairsError, match=r"Line 2 of .*t2s_pairs.jsonl is no pair"):
        pairs.load()
    with pytest.raises(PairsError, match="Line 2"):
        pairs.add(pair("B?", "SELECT age FROM singer"))
    assert pairs.path.read_bytes() == before


def test_a_file_that_is_no_text_is_told(pairs):
    pairs.path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(PairsError, match="cannot be read"):
        pairs.load()


def test_a_folder_that_is_not_there_is_told(tmp_path):
    with pytest.raises(PairsError, match="No pairs can be saved in"):
        Pairs(tmp_path / "nowhere" / "t2s_pairs.jsonl").add(pair("A?", "SELECT name FROM singer"))


def test_kernels_that_write_at_once_lose_nothing(pairs):
    code = (
        "import sys; from t2s_magic.memory import Pair, Pairs\n"
        "for i in range(20):\n"
        "    Pairs(sys.argv[1]).add(Pair(f'{sys.argv[2]} {i}', 'SELECT 1', 'sqlite', 'f', (), '2026-11-22'))"
    )
    kernels = [subprocess.Popen([sys.executable, "-c", code, str(pairs.path), name]) for name in ("a", "b", "c")]
    assert [kernel.wait(60) for kernel in kernels] == [0, 0, 0]
    assert {each.question for each in pairs.load()} == {f"{name} {i}" for name in "abc" for i in range(20)}
    assert [file.name for file in pairs.path.parent.glob("*.part")] == []


def test_the_pair_most_alike_stands_last():
    titles = pair("List the concert titles", "SELECT title FROM concert")
    older = pair("How many singers are older than 30?", "SELECT count(*) FROM singer WHERE age > 30")
    years = pair("How many years had concerts?", "SELECT count(DISTINCT year) FROM concert")
    assert demos_for("How many singers are older than 50?", [titles, older, years], SCHEMA, k=2) == (years, older)


def test_a_pair_is_a_demo_of_the_same_database():
    assert pair("Titles?", "SELECT title FROM concert").demo() == {
        "dialect": "sqlite",
        "evidence": "",
        "values": [],
        "question": "Titles?",
        "sql": "SELECT title FROM concert",
    }


def test_a_pair_whose_table_is_gone_is_left_out_and_named():
    old = pair("Titles?", "SELECT title FROM concert")
    today = Schema("sqlite", SCHEMA.tables[:1])
    assert (demos_for("Titles?", [old], today), stale_pairs([old], today)) == ((), (old,))


def test_pairs_of_another_dialect_are_neither_demos_nor_stale():
    other = Schema("duckdb", ())
    names = [pair("A?", "SELECT name FROM singer")]
    assert (demos_for("A?", names, other), stale_pairs(names, other)) == ((), ())


def test_a_table_with_a_dot_in_its_name_is_found_again():
    dotted = Schema("sqlite", (Table("a.b", (Column("x", "TEXT"),), path=("main",)),))
    assert stale_pairs([pair("A?", 'SELECT x FROM "a.b"', dotted)], dotted) == ()


def test_a_question_that_goes_on_is_shown_what_it_goes_on_from() -> None:
    thread, shop, other = Thread(), object(), object()
    first, second = (
        Pair(question, "SELECT 1", "sqlite", "", (), "") for question in ("How many in 2019?", "and in 2020?")
    )

    thread.add(first, shop)
    thread.add(second, shop)

    assert thread.before("and in 2021?", shop) == (first, second)
    assert thread.before("and in 2021?", other) == ()
    assert thread.before("How many customers are there?", shop) == ()


def test_a_question_that_can_be_asked_alone_begins_anew() -> None:
    thread, shop = Thread(), object()
    pairs = [Pair(question, "SELECT 1", "sqlite", "", (), "") for question in ("How many in 2019?", "List all shops.")]

    for pair in pairs:
        thread.add(pair, shop)

    assert thread.before("only the open ones", shop) == (pairs[1],)
