"""Questions that go on from the one before are written out in full."""

from __future__ import annotations

import pytest

from t2s_magic.builtin.follow_up import is_follow_up
from t2s_magic.builtin.in_full import Said, in_full
from t2s_magic.builtin.tokens import ColumnRef
from t2s_magic.database.values import Value
from t2s_magic.schema import Column, Schema, Table

LIBRARY = Schema(
    "sqlite",
    (
        Table("author", (Column("name", "TEXT"), Column("country", "TEXT"), Column("age", "INTEGER"))),
        Table("book", (Column("title", "TEXT"), Column("price", "REAL"), Column("printed", "DATE"))),
    ),
)
PERU = Said("Peru", "Peru", ColumnRef(0, 1))


@pytest.mark.parametrize(
    ("previous", "said", "question", "full"),
    [
        (
            "How many books were printed in 2019?",
            [Said("2019", "2019")],
            "and in 2020?",
            "How many books were printed in 2020",
        ),
        ("How many authors are from Peru?", [PERU], "What about Chile?", "How many authors are from Chile"),
        (
            "How many authors are from Peru?",
            [PERU],
            "and older than 30?",
            "How many authors are from Peru older than 30",
        ),
        (
            "Show authors older than 30",
            [Said("30", "30", ColumnRef(0, 2))],
            "and older than 40?",
            "Show authors older than 40",
        ),
        ("Show all authors", [], "only the living ones", "Show all authors that are living"),
        ("Show all authors", [], "only those from Chile", "Show all authors from Chile"),
        ("total price of books per country", [], "by month instead", "total price of books by month"),
        ("total price of books", [], "by month", "total price of books by month"),
        ("How many authors are there?", [], "and the books?", "How many books are there"),
        ("What is the average age of authors?", [], "what about the price?", "What is the average price of authors"),
        ("What is the average age of authors?", [], "and the maximum?", "What is the maximum age of authors"),
        ("Show all authors", [], "only Chile", "Show all authors where country is Chile"),
        ("List books by price", [], "top 5 only", "List books by price top 5"),
    ],
)
def test_what_is_new_takes_the_place_of_what_stood_there(
    previous: str, said: list[Said], question: str, full: str
) -> None:
    values = [Value("Chile", "author", "country", "Chile")] if "Chile" in question else []

    assert is_follow_up(question)
    assert in_full(question, previous, said, LIBRARY, values) == full


@pytest.mark.parametrize(
    "question",
    [
        "How many books are there?",
        "and how many authors are there?",
        "In which country do most authors live?",
        "For each country, show the number of authors and their average age",
        "Only show authors from Peru",
        "books",
        "",
        "and?",
    ],
)
def test_a_question_that_can_be_asked_alone_is_none(question: str) -> None:
    assert not is_follow_up(question)
