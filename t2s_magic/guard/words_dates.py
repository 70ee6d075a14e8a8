"""Rules for dates and times in words: the same sentence for strftime, EXTRACT, date_trunc and year()."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from sqlglot import exp

from t2s_magic.guard.words_parts import Parts, Phrase, Rule, Speaker, TooComplexError, literal_text

_FORMATS = {
    "%Y": "year",
    "%m": "month number",
    "%d": "day of the month",
    "%H": "hour",
    "%M": "minute",
    "%w": "weekday number (0 is Sunday)",
    "%j": "day of the year",
    "%Y-%m": "year and month",
    "%Y-%m-%d": "date",
}
_NUMBERS = {
    "YEAR": "year",
    "QUARTER": "quarter number",
    "MONTH": "month number",
    "WEEK": "week number",
    "DAY": "day of the month",
    "DOW": "weekday number (0 is Sunday)",
    "DOY": "day of the year",
    "HOUR": "hour",
    "MINUTE": "minute",
    "EPOCH": "seconds since 1970",
}
_STARTS = {
    "YEAR": "year",
    "QUARTER": "year and quarter",
    "MONTH": "year and month",
    "WEEK": "week",
    "DAY": "date",
    "HOUR": "date and hour",
    "MINUTE": "date, hour and minute",
}
_STEP = re.compile(r"([+-]?)(\d+) (day|month|year|hour|minute)s?", re.IGNORECASE)


def formatted(parts: Parts, scope: Speaker) -> Phrase:
    moment, pattern = _moment(parts.take("this"), scope), parts.take("format")
    scope.said(pattern)
    text = literal_text(pattern)
    if text is None:
        raise TooComplexError("A computed date format")
    words = _FORMATS.get(text)
    if words is None:
        return Phrase(f"{moment.inner} written as '{text}'", "text")
    if text in ("%Y", "%m", "%d", "%H", "%M", "%w", "%j") and isinstance(parts.node.parent, exp.Cast):
        return Phrase(f"{words} of {moment.inner}", "digits", True)
    # The text "2025-03" sorts as the date does, the text "03" as the number.
    return Phrase(f"{words} of {moment.inner}", "date" if text.startswith("%Y") else "number", True)


def _moment(node: exp.Expr, scope: Speaker) -> Phrase:
    """A date, without the conversion that sqlglot writes around the argument of strftime."""
    if isinstance(node, (exp.TsOrDsToTimestamp, exp.TsOrDsToDate)):
        converted = Parts(node)
        scope.said(node, only_this=True)
        node = converted.take("this")
        converted.close()
    if scope.dialect == "sqlite" and literal_text(node) == "now":
        scope.said(node)
        return Phrase("now", "timestamp", may_be_null=False)
    return scope.value(node)


def extracted(parts: Parts, scope: Speaker) -> Phrase:
    unit, moment = parts.take("this"), scope.value(parts.take("expression"))
    scope.said(unit)
    return _number(unit.name, moment)


def _number(unit: str, moment: Phrase) -> Phrase:
    words = _NUMBERS.get(unit.upper().rstrip("S") if unit.upper() != "DOW" else "DOW")
    if words is None:
        raise TooComplexError(f"Date part {unit}")
    return Phrase(f"{words} of {moment.inner}", "integer", True, may_be_null=moment.may_be_null)


def _number_of(unit: str) -> Rule:
    def rule(parts: Parts, scope: Speaker) -> Phrase:
        return _number(unit, _moment(parts.take("this"), scope))

    return rule


def _name_of(words: str) -> Rule:
    def rule(parts: Parts, scope: Speaker) -> Phrase:
        moment = scope.value(parts.take("this"))
        return Phrase(f"{words} of {moment.inner}", "text", True, may_be_null=moment.may_be_null)

    return rule


def truncated(parts: Parts, scope: Speaker) -> Phrase:
    moment, unit = scope.value(parts.take("this")), parts.take("unit")
    scope.said(unit)
    words = _STARTS.get(unit.name.upper())
    if words is None:
        raise TooComplexError(f"Dates cut to {unit.name}")
    return Phrase(f"{words} of {moment.inner}", "date", True, may_be_null=moment.may_be_null)


def date_of(parts: Parts, scope: Speaker) -> Phrase:
    node = parts.take("this")
    moment = _moment(node, scope)
    if moment.text == "now":
        return Phrase("today", "date", may_be_null=False)
    if moment.kind == "date" or moment.literal is not None:
        return moment.of_kind("date")
    return Phrase(f"date of {moment.inner}", "date", True, may_be_null=moment.may_be_null)


def _fixed(words: str, kind: str) -> Rule:
    def rule(parts: Parts, scope: Speaker) -> Phrase:
        parts.take("sysdate")
        return Phrase(words, kind, may_be_null=False)

    return rule


def interval(parts: Parts, scope: Speaker) -> Phrase:
    amount, unit = parts.take("this"), parts.take("unit")
    scope.said(amount, unit)
    number = literal_text(amount)
    if number is None or not number.isdigit() or unit is None or unit.name.upper() not in _PLURALS:
        raise TooComplexError("A computed interval")
    return Phrase(_amount(number, _PLURALS[unit.name.upper()]), "interval", may_be_null=False)


_PLURALS = {
    name: unit
    for unit in ("second", "minute", "hour", "day", "week", "month", "quarter", "year")
    for name in (unit.upper(), unit.upper() + "S")
}


def _amount(number: str, unit: str) -> str:
    return f"{number} {unit}" if number == "1" else f"{number} {unit}s"


def days_between(parts: Parts, scope: Speaker) -> Phrase:
    later, earlier = scope.value(parts.take("this")), scope.value(parts.take("expression"))
    unit = parts.take("unit")
    scope.said(unit)
    counts_changes = bool(parts.take("date_part_boundary"))
    name = _PLURALS.get(unit.name.upper() if unit is not None else "DAY")
    if name is None:
        raise TooComplexError("A difference of dates in an unknown unit")
    what = f"{name} changes" if counts_changes and name != "day" else f"{name}s"
    return Phrase(f"number of {what} from {earlier.inner} to {later.inner}", "integer", True)


# --- functions that sqlglot does not know -------------------------------------------------------------------------


def unknown_function(parts: Parts, scope: Speaker) -> Phrase:
    name, arguments = parts.take("this"), parts.take_all("expressions")
    said = _FUNCTIONS.get((scope.dialect, str(name).casefold()))
    if said is None:
        raise TooComplexError(f"The function {name}")
    return said(arguments, scope)


def _sqlite_date(arguments: Sequence[exp.Expr], scope: Speaker) -> Phrase:
    return _shifted(arguments, scope, is_day=True)


def _sqlite_datetime(arguments: Sequence[exp.Expr], scope: Speaker) -> Phrase:
    return _shifted(arguments, scope, is_day=False)


def _shifted(arguments: Sequence[exp.Expr], scope: Speaker, *, is_day: bool) -> Phrase:
    """SQLite's ``date(moment, '-30 days', 'start of month')``."""
    if not arguments:
        raise TooComplexError("A date of nothing")
    moment = _moment(arguments[0], scope)
    text, is_common = moment.inner, False
    for modifier in arguments[1:]:
        scope.said(modifier)
        text = _modified(text, literal_text(modifier) or "")
        is_common = True
    if is_day and text == "now":
        return Phrase("today", "date", may_be_null=False)
    if is_day and not is_common and moment.kind == "date":
        return moment
    text = text.replace("now", "today", 1) if is_day and moment.text == "now" else text
    if is_day and moment.text != "now":
        return Phrase(f"date of {text}" if not is_common else f"date of ({text})", "date", True)
    return Phrase(text, "date" if is_day else "timestamp", is_single=not is_common)


def _modified(text: str, modifier: str) -> str:
    step = _STEP.fullmatch(modifier)
    if step:
        sign, number, unit = step.groups()
        return f"{text} {'−' if sign == '-' else '+'} {_amount(number, unit.lower())}"
    if modifier in ("start of month", "start of year", "start of day"):
        return f"the {modifier} of {text if text.count(' ') == 0 else f'({text})'}"
    raise TooComplexError(f"The date modifier {modifier!r}")


def _julian_day(arguments: Sequence[exp.Expr], scope: Speaker) -> Phrase:
    if len(arguments) != 1:
        raise TooComplexError("julianday with modifiers")
    moment = _moment(arguments[0], scope)
    return Phrase(f"{moment.text} in days" if moment.text == "now" else f"{moment.inner} in days", "number")


def _date_part(arguments: Sequence[exp.Expr], scope: Speaker) -> Phrase:
    if len(arguments) != 2 or literal_text(arguments[0]) is None:
        raise TooComplexError("A computed date part")
    scope.said(arguments[0])
    return _number(arguments[0].name, scope.value(arguments[1]))


_FUNCTIONS: dict[tuple[str, str], Callable[[Sequence[exp.Expr], Speaker], Phrase]] = {
    ("sqlite", "date"): _sqlite_date,
    ("sqlite", "datetime"): _sqlite_datetime,
    ("sqlite", "julianday"): _julian_day,
    ("duckdb", "date_part"): _date_part,
}

DATE_RULES: dict[type[exp.Expr], Rule] = {
    exp.TimeToStr: formatted,
    exp.Extract: extracted,
    exp.Year: _number_of("YEAR"),
    exp.Month: _number_of("MONTH"),
    exp.Day: _number_of("DAY"),
    exp.Quarter: _number_of("QUARTER"),
    exp.Dayname: _name_of("weekday name"),
    exp.Monthname: _name_of("month name"),
    exp.TimestampTrunc: truncated,
    exp.DateTrunc: truncated,
    exp.Date: date_of,
    exp.TsOrDsToDate: date_of,
    exp.CurrentDate: _fixed("today", "date"),
    exp.CurrentTimestamp: _fixed("now", "timestamp"),
    exp.Interval: interval,
    exp.DateDiff: days_between,
    exp.Anonymous: unknown_function,
}
