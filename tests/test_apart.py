"""Two readings are told apart by what differs."""

from __future__ import annotations

import pytest

from t2s_magic.guard.apart import apart


@pytest.mark.parametrize(
    ("one", "other", "differing"),
    [
        (
            "Counts orders of 2025, per country.",
            "Counts customers of 2025, per country.",
            ("Counts orders", "Counts customers"),
        ),
        (
            "Lists name of customers, the 5 with the highest age first.",
            "Lists name of customers, the 5 with the lowest age first.",
            ("the highest", "the lowest"),
        ),
        (
            "Sums total of invoices per country.",
            "Sums total of invoices per country where state is paid.",
            ("country", "country where state is paid"),
        ),
        ("Counts orders.", "Counts customers.", ("Counts orders", "Counts customers")),
        ("Lists everything.", "Averages price per shop.", ("Lists everything", "Averages price per shop")),
        ("", "", ("", "")),
    ],
)
def test_only_what_differs_is_said(one: str, other: str, differing: tuple[str, str]) -> None:
    assert apart(one, other) == differing
