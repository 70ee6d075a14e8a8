"""Literals found in questions, before any model is asked."""

import pytest

from t2s_magic.builtin.candidates import find_candidates
from t2s_magic.builtin.tokens import Candidate, ColumnRef
from t2s_magic.builtin.words import split_words
from t2s_magic.database.values import Value
from t2s_magic.schema import Column, Schema, Table

SCHEMA = Schema(
    "sqlite",
    (
        Table("customer", (Column("id", "INTEGER"), Column("name", "TEXT"), Column("country", "TEXT"))),
        Table("supplier", (Column("id", "INTEGER"), Column("country", "TEXT"))),
    ),
)


def texts(question: str, *values: Value) -> list[str]:
    return [candidate.text for candidate in find_candidates(question, SCHEMA, values)]


@pytest.mark.parametrize(
    ("question", "number"),
    [
        ("orders above 1,200", "1200"),
        ("orders above 5k", "5000"),
        ("companies with 2.5 million in revenue", "2500000"),
        ("more than two million", "2000000"),
        ("more than two and a half million", "2500000"),
        ("more than half a million", "500000"),
        ("half a dozen items", "6"),
        ("at least a dozen items", "12"),
        ("more than one hundred and twenty five", "125"),
        ("older than twenty-one", "21"),
        ("sold at least twice", "2"),
        ("students in third grade", "3"),
        ("temperature below -5", "-5"),
        ("the 5th customer", "5"),
        ("discount of 20%", "20"),
        ("discount of 20%", "0.2"),
        ("in 1997", "1997"),
    ],
)
def test_numbers_are_found_in_every_usual_writing(question: str, number: str) -> None:
    assert number in texts(question)


@pytest.mark.parametrize(
    ("question", "date"),
    [
        ("orders since 2019-05-01", "2019-05-01"),
        ("orders since May 1st, 2019", "2019-05-01"),
        ("orders since the 1st of May 2019", "2019-05-01"),
        ("orders since 1 May 2019", "2019-05-01"),
        ("orders since 5/1/2019", "2019-05-01"),
        ("orders since 25/12/2019", "2019-12-25"),
        ("orders since 1.5.2019", "2019-05-01"),
        ("logged at 2019-05-01 10:30:00", "2019-05-01 10:30:00"),
    ],
)
def test_days_become_iso_dates(question: str, date: str) -> None:
    assert date in texts(question)


def test_a_day_is_also_offered_as_it_was_written() -> None:
    assert texts("orders on 5/1/2019") == ["2019-05-01", "5/1/2019"]


@pytest.mark.parametrize(
    ("question", "first", "after"),
    [
        ("sales in March 2021", "2021-03-01", "2021-04-01"),
        ("sales in dec 2021", "2021-12-01", "2022-01-01"),
        ("sales in Q3 2020", "2020-07-01", "2020-10-01"),
        ("sales in the first quarter of 2020", "2020-01-01", "2020-04-01"),
        ("sales in 2020 Q4", "2020-10-01", "2021-01-01"),
        ("sales in H1 2022", "2022-01-01", "2022-07-01"),
        ("sales in the second half of 2022", "2022-07-01", "2023-01-01"),
        ("sales in 2022 H2", "2022-07-01", "2023-01-01"),
    ],
)
def test_a_period_gives_its_first_day_and_the_day_after_it(question: str, first: str, after: str) -> None:
    assert texts(question)[:2] == [first, after]


def test_a_month_gives_its_year_and_number_too() -> None:
    assert {"2021-03", "2021", "3"} <= set(texts("sales in March 2021"))


def test_a_decade_gives_its_years() -> None:
    assert {"1990", "1999"} <= set(texts("films of the 1990s"))


def test_an_impossible_day_is_no_date() -> None:
    assert "2019-02-30" not in [c.text for c in find_candidates("on 2/30/2019", SCHEMA, ()) if c.kind == "date"]


def test_both_ends_of_a_range_of_years_are_found() -> None:
    assert texts("orders between 2001 and 2004") == ["2001", "2004"]


@pytest.mark.parametrize(
    ("question", "ends"),
    [
        ("orders between March and May 2021", {"2021-03", "2021-05"}),
        ("orders from Jan - Mar 2020", {"2020-01", "2020-03"}),
        ("orders from 3 to 7 May 2021", {"2021-05-03", "2021-05-07"}),
        ("orders between 28 March and 3 April 2022", {"2022-03-28", "2022-04-03"}),
        ("orders from May 3 to June 7, 2021", {"2021-05-03", "2021-06-07"}),
    ],
)
def test_a_range_that_names_its_year_once_has_it_at_both_ends(question: str, ends: set[str]) -> None:
    assert ends <= set(texts(question))


def test_quoted_text_is_taken_as_it_is() -> None:
    assert texts("Who wrote 'It's a Wonderful Life'?") == ["It's a Wonderful Life"]


def test_a_full_stop_inside_the_quotes_may_belong_to_either() -> None:
    assert texts('Which titles contain "Dr."') == ["Dr", "Dr."]


def test_names_in_capitals_are_found_without_the_opening_word() -> None:
    assert texts("Show Peter Mertens and Dina Barbian") == [
        "Peter Mertens and Dina Barbian",
        "Peter Mertens",
        "Dina Barbian",
    ]


@pytest.mark.parametrize("code", ["ada@example.com", "AB-123", "B0032", "(415) 555-0199", "report.pdf", "USD"])
def test_addresses_and_codes_are_found_whole(code: str) -> None:
    assert code in texts(f"who uses {code} now")


@pytest.mark.parametrize(
    ("question", "fragment"),
    [
        ("products containing cheese", "cheese"),
        ("names that start with the letter a in the list", "a"),
        ("titles that have the substring ana", "ana"),
        ("customers whose name ends with son", "son"),
    ],
)
def test_what_a_text_should_contain_is_found(question: str, fragment: str) -> None:
    assert fragment in texts(question)


def test_a_cell_of_several_columns_is_one_candidate_that_knows_them_all() -> None:
    values = (Value("France", "customer", "country", "france"), Value("France", "supplier", "country", "france"))
    assert find_candidates("customers from france", SCHEMA, values) == [
        Candidate("France", "cell", 0, 2, start=2, end=3, others=(ColumnRef(1, 1),))
    ]


def test_the_span_counts_the_words_of_the_question() -> None:
    question = "Who's in New York, now?"
    (candidate, *_) = find_candidates(question, SCHEMA, (Value("New York", "customer", "country", "New York"),))
    assert split_words(question)[candidate.start : candidate.end] == ["New", "York"]


def test_no_constant_comes_from_nowhere() -> None:
    assert texts("how many customers are there") == []


def test_there_are_never_more_than_thirty() -> None:
    assert len(texts(" or ".join(str(number) for number in range(10, 99)))) == 30


def test_the_empty_question_has_none() -> None:
    assert texts("") == []
