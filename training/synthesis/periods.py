"""Stretches of time as questions name them."""

from __future__ import annotations

from datetime import date

from training.synthesis import phrases
from training.synthesis.said import Said, quarter_of
from training.synthesis.speaking import Speaker
from training.synthesis.worlds import Col


class Periods(Speaker):
    """Conditions on dates."""

    def period(self, column: Col, day: date) -> Said:
        """A stretch of time around ``day``: a year, month, quarter, open or closed range, or one that ends today."""
        makers = [self._year] * 8 + [self._month] * 4 + [self._range] * 6 + [self._quarter] * 2 + [self._recent] * 3
        makers += [self._years, self._month_of_any_year] + [self._months] * 2
        return self.chance.choice(makers)(column.full, column.kind == "datetime", day)

    def _year(self, full: str, is_timed: bool, day: date) -> Said:
        text = self.one_of(f"in {day.year}", f"in {day.year}", f"during {day.year}", f"in the year {day.year}")
        return Said(f"strftime('%Y', {full}) = '{day.year}'", text)

    def _years(self, full: str, is_timed: bool, day: date) -> Said:
        last = day.year + self.chance.randint(1, 2)
        text = self.one_of(f"between {day.year} and {last}", f"from {day.year} to {last}")
        return Said(f"strftime('%Y', {full}) BETWEEN '{day.year}' AND '{last}'", text)

    def _month(self, full: str, is_timed: bool, day: date) -> Said:
        month = phrases.MONTHS[day.month - 1]
        text = self.one_of(
            f"in {month} {day.year}",
            f"in {month} {day.year}",
            f"in {month[:3]} {day.year}",
            f"during {month} of {day.year}",
        )
        return Said(f"strftime('%Y-%m', {full}) = '{day:%Y-%m}'", text)

    def _months(self, full: str, is_timed: bool, day: date) -> Said:
        last = min(12, day.month + self.chance.randint(1, 4))
        first, end = phrases.MONTHS[day.month - 1], phrases.MONTHS[last - 1]
        if first == end:
            return self._month(full, is_timed, day)
        text = self.one_of("between {} and {} {}", "from {} to {} {}", "from {} through {} {}", "in {} to {} {}")
        month = f"strftime('%Y-%m', {full})"
        return Said(f"{month} BETWEEN '{day:%Y-%m}' AND '{day.year}-{last:02}'", text.format(first, end, day.year))

    def _month_of_any_year(self, full: str, is_timed: bool, day: date) -> Said:
        text = self.one_of(f"in {phrases.MONTHS[day.month - 1]}", f"in the month of {phrases.MONTHS[day.month - 1]}")
        return Said(f"strftime('%m', {full}) = '{day:%m}'", text)

    def _quarter(self, full: str, is_timed: bool, day: date) -> Said:
        quarter = (day.month + 2) // 3
        names = ("first", "second", "third", "fourth")
        text = self.one_of(f"in Q{quarter} {day.year}", f"in the {names[quarter - 1]} quarter of {day.year}")
        return Said(f"strftime('%Y', {full}) = '{day.year}' AND {quarter_of(full)} = {quarter}", text)

    def _range(self, full: str, is_timed: bool, day: date) -> Said:
        written = phrases.written_day(day, self.chance)
        chosen = self.chance.randint(0, 7)
        if chosen == 7:
            return Said(f"date({full}) = '{day}'" if is_timed else f"{full} = '{day}'", f"on {written}")
        if chosen == 0:
            text = self.one_of(f"after {day.year}", f"after the year {day.year}")
            return Said(f"strftime('%Y', {full}) > '{day.year}'", text)
        if chosen == 1:
            return Said(f"strftime('%Y', {full}) < '{day.year}'", f"before {day.year}")
        if chosen == 2:
            return Said(
                f"strftime('%Y', {full}) >= '{day.year}'", self.one_of(f"since {day.year}", f"from {day.year} on")
            )
        if chosen == 3:
            return Said(f"{full} < '{day}'", f"before {written}")
        if chosen == 4:
            return Said(
                f"{full} >= '{day}'", self.one_of(f"since {written}", f"on or after {written}", f"from {written} on")
            )
        if chosen == 5 and not is_timed:
            return Said(f"{full} > '{day}'", f"after {written}")
        end = date.fromordinal(day.toordinal() + self.chance.randint(20, 400))
        text = self.one_of("between {} and {}", "from {} to {}").format(written, phrases.written_day(end, self.chance))
        return Said(f"{f'date({full})' if is_timed else full} BETWEEN '{day}' AND '{end}'", text)

    def _recent(self, full: str, is_timed: bool, day: date) -> Said:
        number = self.chance.choice((7, 14, 30, 60, 90, 3, 6, 12))
        unit = "days" if number in (7, 14, 30, 60, 90) else "months"
        now = "CAST(strftime('%Y', 'now') AS INTEGER)"
        year = f"CAST(strftime('%Y', {full}) AS INTEGER)"
        return self.chance.choice(
            (
                Said(
                    f"{full} >= date('now', '-{number} {unit}')",
                    self.one_of(
                        f"in the last {number} {unit}",
                        f"in the past {number} {unit}",
                        f"within the last {number} {unit}",
                    ),
                ),
                Said(f"{full} >= date('now', '-{number} {unit}')", f"over the last {number} {unit}"),
                Said(f"{year} = {now} - 1", "last year"),
                Said(f"{year} = {now}", "this year"),
                Said(f"strftime('%Y-%m', {full}) = strftime('%Y-%m', date('now', '-1 month'))", "last month"),
                Said(f"strftime('%Y-%m', {full}) = strftime('%Y-%m', 'now')", "this month"),
            )
        )
