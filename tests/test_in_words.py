"""SQL read back in words: true, or honestly too complex."""

from __future__ import annotations

import pytest

from t2s_magic.guard.in_words import TOO_COMPLEX, in_words, tell_apart
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


def test_the_best_customers_are_told_in_one_sentence() -> None:
    sql = """SELECT c.FirstName, c.LastName, SUM(i.Total) AS spent FROM Customer c
             JOIN Invoice i ON c.CustomerId = i.CustomerId WHERE strftime('%Y', i.InvoiceDate) = '2025'
             GROUP BY c.CustomerId ORDER BY spent DESC LIMIT 5"""
    assert in_words(sql, SQLITE) == (
        "Sums Invoice.Total per Customer (FirstName, LastName), pairing each Invoice with its Customer, "
        "where the year of Invoice.InvoiceDate is '2025', only the 5 with the highest sum of Invoice.Total."
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
    assert told == ("One reading: Counts the rows of Track. Another: Counts the different Composer values of Track.")
