"""Cells that a question means, found in real databases."""

import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from t2s_magic.database import Database, Limits, Rows, connect
from t2s_magic.database.values import CellIndex, Value, find_values
from t2s_magic.errors import CancelledError, QueryError, TimeLimitError
from t2s_magic.guard import CheckedSql

Found = Callable[[str], list[tuple[str, str, str]]]


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[Database]:
    file = tmp_path / "stores.sqlite"
    with sqlite3.connect(file) as connection:
        connection.executescript("""
            CREATE TABLE "My Store" (id INTEGER, "Store Name" TEXT, city TEXT, rank TEXT, has_wifi TEXT, note TEXT);
            INSERT INTO "My Store" VALUES
              (1, 'Café Zoë', 'New York', 'A', 'Y', 'x'), (2, 'O''Brien''s', 'São Paulo', 'B', 'N', 'x'),
              (3, 'Countries & Co', 'Los Angeles International', 'C', 'Y', NULL);
            CREATE TABLE person (name TEXT, sex TEXT, state TEXT, born TEXT);
            INSERT INTO person VALUES ('John Smith', 'F', 'California', 'Germany'), ('York', 'M', 'Texas', 'USA');
            CREATE TABLE job (status TEXT);
            INSERT INTO job VALUES ('Success'), ('Failed'), ('cancelled');
        """)
    connection.close()
    database = connect(file)
    yield database
    database.close()


@pytest.fixture
def found(stores: Database) -> Found:
    index = CellIndex(stores)

    def find(question: str) -> list[tuple[str, str, str]]:
        return [(value.text, value.column, value.match) for value in index.find(question, stores.schema(), 5.0)]

    return find


def test_a_cell_is_found_in_every_engine(shop: Database) -> None:
    assert find_values("How many customers live in Germany?", shop.schema(), shop, 5.0)[0] == Value(
        "Germany", "customer", "country", "Germany", "exact"
    )


def test_case_and_accents_do_not_matter(found: Found) -> None:
    assert found("who goes to the cafe zoe") == [("Café Zoë", "Store Name", "folded")]


def test_plural_and_singular_are_the_same(found: Found) -> None:
    assert ("Countries & Co", "Store Name", "folded") in found("show country co")


def test_an_apostrophe_is_no_obstacle(found: Found) -> None:
    assert found("how large is O'Brien's shop")[0] == ("O'Brien's", "Store Name", "exact")


def test_a_typing_slip_is_forgiven(found: Found) -> None:
    assert found("people from Calfornia") == [("California", "state", "near")]


def test_two_letters_swapped_are_forgiven(found: Found) -> None:
    assert found("people born in gemrany") == [("Germany", "born", "near")]


def test_the_longest_match_wins_within_a_table_but_another_table_may_hold_a_part(found: Found) -> None:
    assert found("stores in New York") == [("New York", "city", "exact"), ("York", "name", "exact")]


def test_another_number_is_no_typing_slip(tmp_path: Path) -> None:
    file = tmp_path / "gates.sqlite"
    with sqlite3.connect(file) as connection:
        connection.executescript("CREATE TABLE gate (name TEXT); INSERT INTO gate VALUES ('Terminal 12')")
    connection.close()
    database = connect(file)
    found = find_values("flights at terminal 13", database.schema(), database, 5.0)
    database.close()
    assert [value.match for value in found] == ["part"]


def test_forms_of_one_word_meet(found: Found) -> None:
    assert found("successful jobs") == [("Success", "status", "near")]


def test_a_part_of_a_short_cell_leads_to_it(found: Found) -> None:
    assert found("stores at Los Angeles") == [("Los Angeles International", "city", "part")]


def test_a_word_that_names_a_column_does_not_stand_for_cells_that_hold_it(tmp_path: Path) -> None:
    file = tmp_path / "brewery.sqlite"
    with sqlite3.connect(file) as connection:
        connection.executescript("CREATE TABLE beer (fault TEXT); INSERT INTO beer VALUES ('flat beer')")
    connection.close()
    database = connect(file)
    found = find_values("how many beers", database.schema(), database, 5.0)
    database.close()
    assert found == ()


@pytest.mark.parametrize(
    ("question", "cell"),
    [("how many women", ("F", "sex", "code")), ("born in the united states", ("USA", "born", "code"))],
)
def test_common_codes_are_known(found: Found, question: str, cell: tuple[str, str, str]) -> None:
    assert cell in found(question)


def test_a_yes_or_no_column_that_is_named_gives_its_cells(found: Found) -> None:
    assert {("Y", "has_wifi", "code"), ("N", "has_wifi", "code")} <= set(found("stores without wifi"))


def test_an_article_is_no_cell(found: Found) -> None:
    assert found("is there a store") == []


@pytest.mark.parametrize("question", ["stores of rank a", "which are A stores"])
def test_a_letter_is_a_cell_when_it_is_written_as_one(found: Found, question: str) -> None:
    assert ("A", "rank", "exact" if "A" in question else "folded") in found(question)


def test_a_question_without_words_finds_nothing(found: Found) -> None:
    assert found("") == found("???") == []


class Watched:
    """A real database that counts its statements and may refuse them."""

    def __init__(self, database: Database, *, error: Exception | None = None, pause: float = 0.0) -> None:
        self._database = database
        self._error = error
        self._pause = pause
        self.dialect = database.dialect
        self.statements: list[str] = []

    def run(self, query: CheckedSql, limits: Limits = Limits()) -> Rows:
        self.statements.append(query.sql)
        time.sleep(self._pause)
        if self._error:
            raise self._error
        return self._database.run(query, limits)


def test_each_column_is_read_once(stores: Database) -> None:
    watched = Watched(stores)
    index = CellIndex(watched)  # type: ignore[arg-type]
    for _ in range(3):
        index.find("stores in New York", stores.schema(), 5.0)
    assert len(watched.statements) == len(set(watched.statements)) == 10


def test_a_small_budget_is_kept_and_later_calls_read_on(stores: Database) -> None:
    watched = Watched(stores, pause=0.05)
    index = CellIndex(watched)  # type: ignore[arg-type]
    index.find("who", stores.schema(), 0.15)
    first = len(watched.statements)
    index.find("who", stores.schema(), 5.0)
    assert 0 < first < 10 == len(watched.statements)


def test_columns_that_the_question_names_are_read_first(stores: Database) -> None:
    watched = Watched(stores)
    CellIndex(watched).find("which status", stores.schema(), 5.0)  # type: ignore[arg-type]
    assert '"status"' in watched.statements[0]


def test_a_column_that_cannot_be_read_is_left_out(stores: Database) -> None:
    watched = Watched(stores, error=QueryError("The view is broken."))
    assert CellIndex(watched).find("stores in New York", stores.schema()) == ()  # type: ignore[arg-type]


def test_a_column_too_slow_to_read_is_tried_with_fewer_rows_and_then_given_up(stores: Database) -> None:
    watched = Watched(stores, error=TimeLimitError("Too slow."))
    index = CellIndex(watched)  # type: ignore[arg-type]
    for _ in range(5):
        index.find("stores in New York", stores.schema(), 5.0)
    of_status = [statement for statement in watched.statements if '"status"' in statement]
    assert [statement.split("LIMIT ")[1].split(")")[0] for statement in of_status] == ["100000", "10000", "1000", "100"]


def test_a_cancelled_reading_is_not_hidden(stores: Database) -> None:
    watched = Watched(stores, error=CancelledError("Stopped."))
    with pytest.raises(CancelledError):
        CellIndex(watched).find("stores in New York", stores.schema())  # type: ignore[arg-type]


def test_a_name_beyond_the_indexed_cells_is_asked_of_the_database(tmp_path: Path) -> None:
    file = tmp_path / "many.sqlite"
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE customer (name TEXT)")
        names = [(f"Customer {number}",) for number in range(6_000)] + [("Zenobia Quill",)]
        connection.executemany("INSERT INTO customer VALUES (?)", names)
    connection.close()
    database = connect(file)
    found = find_values("orders of Zenobia Quill", database.schema(), database, 5.0)
    database.close()
    assert found == (Value("Zenobia Quill", "customer", "name", "Zenobia Quill", "exact"),)


def test_a_new_schema_is_read_anew(tmp_path: Path) -> None:
    file = tmp_path / "new.sqlite"
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE city (name TEXT)")
        database = connect(file)
        index = CellIndex(database)
        assert index.find("Oslo", database.schema()) == ()
        connection.executescript("CREATE TABLE port (name TEXT); INSERT INTO port VALUES ('Oslo')")
        assert [value.table for value in index.find("Oslo", database.schema())] == ["port"]
    connection.close()
    database.close()
