"""Two conditions that together are a year, a month or a day: "InvoiceDate is in March 2025"."""

from __future__ import annotations

import calendar
from collections.abc import Sequence
from datetime import date, timedelta

from sqlglot import exp

from t2s_magic.guard.words_parts import Condition, Phrase, Speaker


def say_terms(terms: Sequence[exp.Expr], scope: Speaker) -> list[Condition]:
    """Each term of an AND; ``at or after`` the start and ``before`` the end of one period are said as one."""
    conditions: list[Condition] = []
    pending = list(terms)
    while pending:
        term = pending.pop(0)
        partner = next((other for other in pending if isinstance(term, exp.GTE) and _is_end(other, term)), None)
        said = _period(term, partner, scope) if partner is not None else None
        if partner is not None and said is not None:
            pending.remove(partner)
        conditions.append(said or scope.condition(term))
    return conditions


def _is_end(term: exp.Expr, start: exp.Expr) -> bool:
    return isinstance(term, exp.LT) and isinstance(term.this, exp.Column) and term.this == start.this


def _period(start: exp.Expr, end: exp.Expr, scope: Speaker) -> Condition | None:
    moment = scope.value(start.this)
    first, last = (_day(scope.value(term.args["expression"])) for term in (start, end))
    if moment.kind not in ("date", "timestamp") or first is None or last is None:
        return None
    name = _name(first, last)
    if name is None:
        return None
    scope.said(start, end)
    return Condition(f"{moment.the} is {name}")


def _day(phrase: Phrase) -> date | None:
    text = (phrase.literal or "").removesuffix(" 00:00:00")
    try:
        return date.fromisoformat(text) if len(text) == len("2025-01-01") else None
    except ValueError:
        return None


def _name(first: date, last: date) -> str | None:
    """The period from ``first`` up to and without ``last``, if it is a whole one."""
    if last == first + timedelta(days=1):
        return f"on {first.isoformat()}"
    if first.day != 1 or last.day != 1:
        return None
    if first.month == last.month == 1 and last.year == first.year + 1:
        return f"in {first.year}"
    if (last.year - first.year) * 12 + last.month - first.month == 1:
        return f"in {calendar.month_name[first.month]} {first.year}"
    return None
