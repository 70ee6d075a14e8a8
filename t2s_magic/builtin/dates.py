"""Days and periods as questions write them, as ISO text: ``May 1st, 2019``, ``1.5.2019``, ``Q3 2020``, ``H1 2022``.

A day gives one date. A period gives its first day and the first day after it, so that both ``>=`` and ``<`` have what
they need, and its year and month as numbers. What was written is kept too: many databases store dates as odd text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

from t2s_magic.builtin.spans import Span

_MONTHS = (
    "january february march april may june july august september october november december".split(),
    "jan feb mar apr may jun jul aug sep oct nov dec".split(),
)
_MONTH = (
    r"(?P<month>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|"
    r"oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\b\.?"
)
_YEAR = r"(?P<year>1[5-9]\d\d|20\d\d)"
_DAY = r"(?P<day>[0-3]?\d)(?:st|nd|rd|th)?"
_OTHER_MONTH = _MONTH.replace("?P<month>", "?:")
_OTHER_DAY = _DAY.replace("?P<day>", "?:")
_TIME = r"(?:[ T](?P<time>\d{1,2}:\d\d(?::\d\d)?))?"
_ORDINALS = {"first": 1, "second": 2, "third": 3, "fourth": 4, "1st": 1, "2nd": 2, "3rd": 3, "4th": 4}

_ISO_DAY = re.compile(rf"\b{_YEAR}[-/.](?P<month>\d\d?)[-/.](?P<day>\d\d?){_TIME}\b")
_NUMBERED_DAY = re.compile(rf"\b(?P<one>\d\d?)(?P<mark>[-/.])(?P<two>\d\d?)(?P=mark)(?P<year>\d{{4}}|\d\d){_TIME}\b")
_MONTH_DAY_YEAR = re.compile(rf"\b{_MONTH}\s+(?:the\s+)?{_DAY},?\s+(?:of\s+|in\s+)?{_YEAR}\b", re.IGNORECASE)
_DAY_MONTH_YEAR = re.compile(rf"\b{_DAY}\s+(?:of\s+)?{_MONTH},?\s+(?:of\s+|in\s+)?{_YEAR}\b", re.IGNORECASE)
_MONTH_YEAR = re.compile(rf"\b{_MONTH},?\s+(?:of\s+|in\s+)?(?:the\s+year\s+)?{_YEAR}\b", re.IGNORECASE)
_YEAR_MONTH = re.compile(rf"\b{_YEAR}[-/](?P<month>0[1-9]|1[0-2])\b(?![-/]\d)")
_QUARTER_YEAR = re.compile(
    rf"\b(?:q(?P<quarter>[1-4])|(?P<named>first|second|third|fourth|last|1st|2nd|3rd|4th)\s+quarter)"
    rf"(?:\s+of|\s+in)?[\s,/-]*{_YEAR}\b",
    re.IGNORECASE,
)
_YEAR_QUARTER = re.compile(rf"\b{_YEAR}[\s,/-]*q(?P<quarter>[1-4])\b", re.IGNORECASE)
_HALF_YEAR = re.compile(
    rf"\b(?:h(?P<half>[12])|(?P<named>first|second|last|1st|2nd)\s+half)(?:\s+of|\s+in)?[\s,/-]*{_YEAR}\b",
    re.IGNORECASE,
)
_YEAR_HALF = re.compile(rf"\b{_YEAR}[\s,/-]*h(?P<half>[12])\b", re.IGNORECASE)
_DECADE = re.compile(r"\b(?P<decade>(?:1[5-9]|20)\d)0'?s\b|(?<!\w)['’]?(?P<short>[2-9])0'?s\b")
_MONTH_ALONE = re.compile(
    rf"\b(?:in|during|for|of|since|until|before|after|every|each|from|to|and|by)\s+{_MONTH}", re.I
)
# The beginning of a range whose year, or month and year, stands at its end: "March to May 2021", "3 and 7 May 2021".
_RANGE = r"\s*(?:and|to|till|until|through|-|–)\s*"
_MONTH_OF_RANGE = re.compile(rf"\b{_MONTH}(?={_RANGE}{_OTHER_MONTH},?\s+(?:of\s+)?{_YEAR}\b)", re.IGNORECASE)
_DAY_OF_RANGE = re.compile(
    rf"\b{_DAY}(?={_RANGE}{_OTHER_DAY}\s+(?:of\s+)?{_MONTH},?\s+(?:of\s+)?{_YEAR}\b)", re.IGNORECASE
)
_DAY_MONTH_OF_RANGE = re.compile(
    rf"\b{_DAY}\s+(?:of\s+)?{_MONTH}(?={_RANGE}{_OTHER_DAY}\s+(?:of\s+)?{_OTHER_MONTH},?\s+{_YEAR}\b)", re.IGNORECASE
)
_MONTH_DAY_OF_RANGE = re.compile(
    rf"\b{_MONTH}\s+{_DAY}(?={_RANGE}{_OTHER_MONTH}\s+{_OTHER_DAY},?\s+{_YEAR}\b)", re.IGNORECASE
)
_CLOCK = re.compile(r"\b\d{1,2}:\d\d(?::\d\d)?\b")


def dates(question: str) -> Iterator[Span]:
    """Literals for every day and period in ``question``; of readings that overlap, the longest only."""
    taken: list[tuple[int, int]] = []
    for pattern, literals in _READINGS:
        for match in pattern.finditer(question):
            start, end = match.span()
            if any(start < other_end and other_start < end for other_start, other_end in taken):
                continue
            texts = list(literals(match))
            if texts:
                taken.append((start, end))
                yield from (Span(text, kind, start, end) for text, kind in texts)


_Literals = Iterator[tuple[str, str]]


def _iso_day(match: re.Match[str]) -> _Literals:
    yield from _day(int(match["year"]), int(match["month"]), int(match["day"]), match["time"])
    yield match[0], "text"


def _numbered_day(match: re.Match[str]) -> _Literals:
    """Month first as in the US with slashes, day first with dots, and the other way round where only that is a date."""
    year = int(match["year"]) if len(match["year"]) == 4 else _four_digits(int(match["year"]))
    one, two = int(match["one"]), int(match["two"])
    month, day = (two, one) if (match["mark"] == "." and two <= 12) or one > 12 else (one, two)
    yield from _day(year, month, day, match["time"])
    yield match[0], "text"


def _four_digits(year: int) -> int:
    return 1900 + year if year >= 50 else 2000 + year


def _spelled_day(match: re.Match[str]) -> _Literals:
    yield from _day(int(match["year"]), _month_number(match["month"]), int(match["day"]), None)
    yield match[0], "text"


def _day(year: int, month: int, day: int, time: str | None) -> _Literals:
    if not _is_date(year, month, day):
        return
    iso = f"{year:04}-{month:02}-{day:02}"
    if time:
        yield f"{iso} {time}", "date"
    yield iso, "date"


def _is_date(year: int, month: int, day: int) -> bool:
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True


def _month_of_year(match: re.Match[str]) -> _Literals:
    month = match["month"]
    number = int(month) if month.isdigit() else _month_number(month)
    yield from _period(int(match["year"]), number, months=1)
    yield str(number), "number"
    yield match["year"], "number"


def _quarter_of_year(match: re.Match[str]) -> _Literals:
    quarter = _number_of_period(match, "quarter", last=4)
    yield from _period(int(match["year"]), 3 * quarter - 2, months=3)
    yield str(quarter), "number"
    yield match["year"], "number"


def _half_of_year(match: re.Match[str]) -> _Literals:
    half = _number_of_period(match, "half", last=2)
    yield from _period(int(match["year"]), 6 * half - 5, months=6)
    yield match["year"], "number"


def _number_of_period(match: re.Match[str], kind: str, last: int) -> int:
    """1 for ``Q1``, ``H1`` and ``first``; ``last`` for ``last``."""
    return int(match[kind]) if match[kind] else {**_ORDINALS, "last": last}[match["named"].lower()]


def _period(year: int, month: int, months: int) -> _Literals:
    following = year * 12 + month - 1 + months
    yield f"{year:04}-{month:02}-01", "date"
    yield f"{following // 12:04}-{following % 12 + 1:02}-01", "date"
    if months == 1:
        yield f"{year:04}-{month:02}", "date"


def _decade(match: re.Match[str]) -> _Literals:
    first = int(match["decade"]) * 10 if match["decade"] else 1900 + int(match["short"]) * 10
    for year in (first, first + 9, first + 10):
        yield str(year), "number"


def _month_alone(match: re.Match[str]) -> _Literals:
    number = _month_number(match["month"])
    yield str(number), "number"
    yield match["month"].capitalize(), "text"


def _clock(match: re.Match[str]) -> _Literals:
    yield match[0], "text"


def _month_number(name: str) -> int:
    return _MONTHS[1].index(name[:3].lower()) + 1


# The longest readings first, so that "March 2021" is not read inside "1 March 2021".
_READINGS = (
    (_ISO_DAY, _iso_day),
    (_NUMBERED_DAY, _numbered_day),
    (_MONTH_DAY_YEAR, _spelled_day),
    (_DAY_MONTH_YEAR, _spelled_day),
    (_DAY_MONTH_OF_RANGE, _spelled_day),
    (_MONTH_DAY_OF_RANGE, _spelled_day),
    (_DAY_OF_RANGE, _spelled_day),
    (_QUARTER_YEAR, _quarter_of_year),
    (_YEAR_QUARTER, _quarter_of_year),
    (_HALF_YEAR, _half_of_year),
    (_YEAR_HALF, _half_of_year),
    (_MONTH_YEAR, _month_of_year),
    (_MONTH_OF_RANGE, _month_of_year),
    (_YEAR_MONTH, _month_of_year),
    (_DECADE, _decade),
    (_MONTH_ALONE, _month_alone),
    (_CLOCK, _clock),
)
