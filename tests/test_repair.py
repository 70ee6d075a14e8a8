"""Typing errors in a question are set right by the words of the schema."""

from __future__ import annotations

import pytest

from t2s_magic.builtin.repair import Speller
from t2s_magic.database.values import Value
from t2s_magic.schema import Column, Schema, Table

ENGLISH = frozenset("how many are there from the of show me all custom in list".split())
SHOP = Schema(
    "sqlite",
    (Table("customers", (Column("full_name", "TEXT"), Column("category", "TEXT"), Column("deliveryAddress", "TEXT"))),),
)


@pytest.fixture(scope="module")
def speller() -> Speller:
    return Speller(SHOP, ENGLISH.__contains__)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("how many custmers are there", "how many customers are there"),
        ("show the adress of all cusotmers", "show the address of all customers"),
        ("list all catgories", "list all categories"),
        ("averge", "average"),
        ("show all customers", "show all customers"),
        ("show Custmers", "show Custmers"),
        ("show 'custmers' and \"custmers\"", "show 'custmers' and \"custmers\""),
        ("custom", "custom"),
        ("nam", "nam"),
        ("", ""),
    ],
)
def test_a_slip_becomes_the_name_it_is_closest_to(speller: Speller, typed: str, meant: str) -> None:
    assert speller.repaired(typed) == meant


def test_a_word_of_a_cell_stays_as_it_is(speller: Speller) -> None:
    found = Value("Custmer Ltd", "customers", "full_name", "custmer ltd", "folded")

    assert speller.repaired("show custmer ltd", [found]) == "show custmer ltd"
