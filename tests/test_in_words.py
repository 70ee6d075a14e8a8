"""SQL read back in words: true, or honestly too complex."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from t2s_magic.errors import QueryError
from t2s_magic.guard.assumptions import assumptions
from t2s_magic.guard.in_words import TOO_COMPLEX, in_words, tell_apart
from t2s_magic.guard.look_ups import Found
from t2s_magic.guard.ordering import is_ordered
from t2s_magic.guard.same_form import is_same_form
from t2s_magic.guard.why_empty import why_empty
from t2s_magic.schema import Column, ForeignKey, Schema, Table


def _table(name: str, columns: str, *keys: tuple[str, str, str]) -> Table:
    """A table from ``"Id integer, Name text"``; the first column is its primary key."""
    pairs = [column.strip().split(" ", 1) for column in columns.split(",")]
    return Table(
        name,
        tuple(Column(column, type_) for column, type_ in pairs),
        primary_key=(pairs[0][0],),
        foreign_keys=tuple(ForeignKey((column,), table, (to,)) for column, table, to in keys),
    )


TABLES = (
    _table("Artist", "ArtistId integer, Name text"),
    _table("Album", "AlbumId integer, Title text, ArtistId integer", ("ArtistId", "Artist", "ArtistId")),
    _table("Genre", "GenreId integer, Name text"),
    _table(
        "Track",
        "TrackId integer, Name text, AlbumId integer, GenreId integer, Composer text, Milliseconds integer, "
        "UnitPrice numeric",
        ("AlbumId", "Album", "AlbumId"),
        ("GenreId", "Genre", "GenreId"),
    ),
    _table("Employee", "EmployeeId integer, LastName text, ReportsTo integer", ("ReportsTo", "Employee", "EmployeeId")),
    _table("Customer", "CustomerId integer, FirstName text, LastName text, Company text, Country text"),
    _table(
        "Invoice",
        "InvoiceId integer, CustomerId integer, InvoiceDate datetime, BillingCountry text, Total numeric",
        ("CustomerId", "Customer", "CustomerId"),
    ),
    _table("InvoiceLine", "InvoiceLineId integer, InvoiceId integer, UnitPrice numeric, Quantity integer"),
)
SQLITE, DUCKDB, POSTGRES = (Schema(dialect, TABLES) for dialect in ("sqlite", "duckdb", "postgres"))


BY_DIALECT = {schema.dialect: schema for schema in (SQLITE, DUCKDB, POSTGRES)}


def _pairs() -> Iterator[tuple[str, str, str]]:
    """Dialect, statement, sentence: each read by a person and found true."""
    for block in (Path(__file__).parent / "in_words.txt").read_text().split("\n\n"):
        asked, sentence = block.strip().split("\n  ")
        dialects, sql = asked.split(": ", 1)
        for dialect in BY_DIALECT if dialects == "all" else dialects.split():
            yield dialect, sql, sentence


@pytest.mark.parametrize(("dialect", "sql", "sentence"), list(_pairs()))
def test_a_statement_is_told_in_one_true_sentence(dialect: str, sql: str, sentence: str) -> None:
    assert in_words(sql, BY_DIALECT[dialect]) == sentence


def test_the_best_customers_are_told_in_one_sentence() -> None:
    sql = """SELECT c.FirstName, c.LastName, SUM(i.Total) AS spent FROM Customer c
             JOIN Invoice i ON c.CustomerId = i.CustomerId WHERE strftime('%Y', i.InvoiceDate) = '2025'
             GROUP BY c.CustomerId ORDER BY spent DESC LIMIT 5"""
    assert in_words(sql, SQLITE) == (
        "Sums Invoice.Total per Customer (FirstName, LastName), pairing each Invoice with its Customer, "
        "where Invoice.InvoiceDate is in 2025, only the 5 with the highest sum of Invoice.Total."
    )


def test_what_no_rule_says_is_honestly_too_complex() -> None:
    assert in_words("SELECT Name FROM Track TABLESAMPLE (10 ROWS)", DUCKDB) == TOO_COMPLEX


@pytest.mark.parametrize(
    "text", ["", "SELECT", "SELECT FROM WHERE", "what is this?", "SELECT 'open", "SELECT 1; SELECT 2"]
)
def test_text_that_is_no_statement_gives_no_sentence(text: str) -> None:
    assert in_words(text, SQLITE) == ""


def test_two_readings_are_told_apart() -> None:
    told = tell_apart("SELECT COUNT(*) FROM Track", "SELECT COUNT(DISTINCT Composer) FROM Track", SQLITE)
    assert told == "One reading: Counts the rows. Another: Counts the different Composer values."


_WORDS = (
    "SELECT FROM WHERE GROUP BY HAVING ORDER LIMIT JOIN ON AND OR NOT IN AS COUNT ( ) , . = < * 1 'a' Name Track t"
).split()


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(_WORDS), max_size=14), st.sampled_from(sorted(BY_DIALECT)))
def test_any_text_is_answered_without_an_error(words: list[str], dialect: str) -> None:
    assert isinstance(in_words(" ".join(["SELECT", *words]), BY_DIALECT[dialect]), str)


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=40))
def test_any_characters_are_answered_without_an_error(text: str) -> None:
    assert isinstance(in_words(text, SQLITE), str)


def test_a_statement_nested_too_deep_is_too_complex_or_no_statement() -> None:
    assert in_words("SELECT " + "(" * 3000 + "1" + ")" * 3000, SQLITE) in ("", TOO_COMPLEX)


def test_a_long_chain_of_conditions_is_read_without_an_error() -> None:
    sql = "SELECT Name FROM Track WHERE " + " OR ".join(f"GenreId = {number}" for number in range(2000))
    assert in_words(sql, SQLITE) == TOO_COMPLEX


# Each line changes one thing; a sentence that stays the same would have left that thing unsaid.
CHANGES = [
    ("SELECT Name FROM Track WHERE GenreId = 1", "SELECT Name FROM Track WHERE GenreId = 2"),
    ("SELECT Name FROM Track WHERE GenreId = 1", "SELECT Name FROM Track WHERE NOT GenreId = 1"),
    ("SELECT Name FROM Track WHERE GenreId > 1", "SELECT Name FROM Track WHERE GenreId >= 1"),
    ("SELECT Name FROM Track ORDER BY Name", "SELECT Name FROM Track ORDER BY Name DESC"),
    ("SELECT Name FROM Track ORDER BY GenreId LIMIT 3", "SELECT Name FROM Track ORDER BY GenreId LIMIT 3 OFFSET 1"),
    ("SELECT COUNT(Name) FROM Track", "SELECT COUNT(DISTINCT Name) FROM Track"),
    ("SELECT Name FROM Track", "SELECT DISTINCT Name FROM Track"),
    ("SELECT SUM(UnitPrice) FROM Track", "SELECT AVG(UnitPrice) FROM Track"),
    ("SELECT SUM(UnitPrice) * 2 FROM Track", "SELECT SUM(UnitPrice * 2) FROM Track"),
    ("SELECT (UnitPrice + 1) * 2 FROM Track", "SELECT UnitPrice + 1 * 2 FROM Track"),
    (
        "SELECT a.Name FROM Artist a JOIN Album b ON a.ArtistId = b.ArtistId",
        "SELECT a.Name FROM Artist a LEFT JOIN Album b ON a.ArtistId = b.ArtistId",
    ),
    (
        "SELECT a.Name FROM Artist a LEFT JOIN Album b ON a.ArtistId = b.ArtistId AND b.Title = 'x'",
        "SELECT a.Name FROM Artist a LEFT JOIN Album b ON a.ArtistId = b.ArtistId WHERE b.Title = 'x'",
    ),
    (
        "SELECT Name FROM Track WHERE GenreId = 1 AND AlbumId = 2 OR Milliseconds = 3",
        "SELECT Name FROM Track WHERE GenreId = 1 AND (AlbumId = 2 OR Milliseconds = 3)",
    ),
    (
        "SELECT Country FROM Customer EXCEPT SELECT BillingCountry FROM Invoice",
        "SELECT BillingCountry FROM Invoice EXCEPT SELECT Country FROM Customer",
    ),
]


@pytest.mark.parametrize(("first", "second"), CHANGES)
def test_a_small_change_of_the_statement_changes_its_sentence(first: str, second: str) -> None:
    sentences = {in_words(first, SQLITE), in_words(second, SQLITE)}
    assert len(sentences) == 2
    assert TOO_COMPLEX not in sentences


# What the fuzzer found sqlglot to raise IndexError, TypeError, AttributeError and RecursionError on.
ODD_TEXTS = (
    "SELECT interval '1-2' year to month",
    "SELECT DATE_ADD()",
    "SELECT x[",
    "SELECT 1 FROM t GROUP BY",
    "WITH a AS (",
    "PIVOT t ON",
    "SELECT CAST(",
    "SELECT " + "(" * 3_000,
    "SELECT " + "NOT " * 9_000 + "1",
    "SELECT 1" + " + 1" * 9_000,
    "SELECT JSON_TABLE(",
    "SELECT * FROM t MATCH_RECOGNIZE (",
    "SELECT STRUCT_EXTRACT()",
    "SELECT DATE_TRUNC()",
    "SELECT {",
    "SELECT TRIM(BOTH",
    "FROM",
    "\\",
)


@pytest.mark.parametrize("dialect", ["sqlite", "duckdb", "postgres", "mysql", "nobodys"])
def test_text_that_sqlglot_stumbles_over_says_nothing_and_raises_nothing(dialect: str) -> None:
    schema = Schema(dialect, TABLES)
    for sql in ODD_TEXTS:
        in_words(sql, schema)
        tell_apart(sql, "SELECT Name FROM Artist", schema)
        assert assumptions(sql, schema, _nothing) == ()
        assert why_empty(sql, schema, _nothing) == ""
        assert not is_ordered(sql, dialect)
        assert not is_same_form(sql, "SELECT Name FROM Artist", dialect)


def test_a_table_that_is_made_of_functions_is_too_complex() -> None:
    schema = Schema("postgres", TABLES)
    assert in_words("SELECT * FROM ROWS FROM (generate_series(1, 3), unnest(ARRAY[1])) AS x", schema) == TOO_COMPLEX


def _nothing(sql: str) -> Found:
    raise QueryError("nothing is looked up here", sql=sql)


WORDS = st.sampled_from(
    """
    SELECT FROM WHERE GROUP BY ORDER LIMIT WITH AS ( ) [ ] { } , . : :: * + - = < Name Artist Track 1 'x' NULL CASE WHEN
    THEN END IN EXISTS UNION JOIN ON USING LATERAL VALUES PIVOT UNPIVOT INTERVAL YEAR TO MONTH CAST EXTRACT TRIM
    DATE_ADD DATE_TRUNC STRPTIME JSON_TABLE MATCH_RECOGNIZE count( sum( x -> OVER PARTITION ROWS BETWEEN FOR lambda
    MAP STRUCT ARRAY AT TIME ZONE COLLATE FILTER WITHIN FETCH FIRST OFFSET SAMPLE TABLESAMPLE QUALIFY WINDOW HAVING
    """.split()
)


@settings(max_examples=300, deadline=None)
@given(dialect=st.sampled_from(["sqlite", "duckdb", "postgres", "mysql"]), words=st.lists(WORDS, max_size=14))
def test_any_words_in_any_order_are_read_back_or_said_to_be_too_complex(dialect: str, words: list[str]) -> None:
    schema, sql = Schema(dialect, TABLES), "SELECT " + " ".join(words)
    assert isinstance(in_words(sql, schema), str)
    assert isinstance(why_empty(sql, schema, _nothing), str)
    assert isinstance(assumptions(sql, schema, _nothing), tuple)
    assert is_ordered(sql, dialect) in (True, False)
    assert is_same_form(sql, sql.swapcase(), dialect) in (True, False)
