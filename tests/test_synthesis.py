"""Generated databases and the questions about them."""

import random
import sqlite3
from itertools import islice
from pathlib import Path

import pytest

from t2s_magic.builtin.candidates import find_candidates
from t2s_magic.builtin.encode import encode
from t2s_magic.builtin.literals import Unreachable
from training.sqlite_cells import FileCells, read_sqlite_schema
from training.synthesis.__main__ import HELD_OUT_DOMAINS
from training.synthesis.domains import read_domains
from training.synthesis.questions import Asked, questions
from training.synthesis.worlds import make_world, write_database

DOMAINS = read_domains()


def asked_about(domain: int, count: int, path: Path | None = None) -> list[Asked]:
    chance = random.Random(domain)
    world = make_world(DOMAINS[domain], chance)
    if path:
        write_database(world, path)
    return list(islice(questions(world, chance), count))


def test_there_are_many_domains() -> None:
    assert len(DOMAINS) > 60


@pytest.mark.parametrize("domain", range(0, len(DOMAINS), 10))
def test_every_statement_runs(tmp_path: Path, domain: int) -> None:
    path = tmp_path / "world.sqlite"
    asked = asked_about(domain, 60, path)
    connection = sqlite3.connect(path)
    for one in asked:
        connection.execute(one.sql)
    connection.close()


def test_nearly_every_statement_can_be_said_in_tokens(tmp_path: Path) -> None:
    path = tmp_path / "world.sqlite"
    asked = asked_about(0, 100, path)
    schema, cells = read_sqlite_schema(path), FileCells(path)
    reached = 0
    for one in asked:
        try:
            encode(one.sql, schema, find_candidates(one.question, schema, cells.find(one.question, schema, 5.0)))
        except Unreachable:
            continue
        reached += 1
    assert reached >= 95


def test_the_same_seed_asks_the_same_questions() -> None:
    assert asked_about(3, 30) == asked_about(3, 30)


def test_one_domain_makes_databases_that_are_named_differently() -> None:
    names = {make_world(DOMAINS[0], random.Random(seed)).tables[0].name for seed in range(20)}
    assert len(names) > 8


def test_the_domains_held_out_exist() -> None:
    assert {domain.name for domain in DOMAINS} >= HELD_OUT_DOMAINS


def test_a_word_for_which_the_database_has_a_long_code_is_explained() -> None:
    unexplained = 0
    for domain in range(0, len(DOMAINS), 6):
        chance = random.Random(domain)
        world = make_world(DOMAINS[domain], chance)
        codes = {f"'{code}'" for table in world.tables for column in table.columns for code in column.codes}
        long = {code for code in codes if any(letter.isdigit() for letter in code)}
        for one in islice(questions(world, chance), 80):
            written = {code for code in long if f"= {code}" in one.sql}
            unexplained += any(code.strip("'").lower() not in one.question.lower() for code in written)
    assert unexplained == 0


def test_the_same_question_is_asked_in_many_ways() -> None:
    openings = {
        tuple(one.question.lower().split()[:2]) for domain in range(0, 30, 3) for one in asked_about(domain, 60)
    }
    assert len(openings) > 200


def test_whoever_asks_for_rows_without_a_name_is_shown_their_numbers() -> None:
    for seed in range(5):
        for table in make_world(DOMAINS[0], random.Random(seed)).tables:
            assert table.display or not table.key


def test_a_table_never_has_two_columns_of_one_name() -> None:
    for domain in DOMAINS:
        world = make_world(domain, random.Random(domain.name))
        names = [table.name.lower() for table in world.tables]
        assert len(names) == len(set(names))
        for table in world.tables:
            columns = [table.key, *(column.name for column in table.columns), *(link.name for link in table.links)]
            assert len(columns) == len({name.lower() for name in columns})


def test_a_text_without_a_word_or_letter_is_asked_for_and_so_is_what_compares_with_one_named_row() -> None:
    asked = [one for domain in range(0, 60, 6) for one in asked_about(domain, 300)]
    assert any("NOT LIKE" in one.sql and ("not" in one.question.lower() or "n't" in one.question) for one in asked)
    named = [one for one in asked if one.intent == "than_named"]
    assert {">", "<", "="} <= {one.sql.partition(" (SELECT")[0].rpartition(" ")[2] for one in named}
