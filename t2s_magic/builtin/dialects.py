"""What is spelled differently in SQLite, DuckDB, PostgreSQL and MySQL."""

from __future__ import annotations

from dataclasses import dataclass

from t2s_magic.builtin.names import text

NUMBER, TEXT, DATE, BOOLEAN, UNKNOWN = "number", "text", "date", "boolean", "unknown"
_NUMERIC_PARTS = {"year": 4, "quarter": 1, "month": 2, "week": 2, "day": 2, "weekday": 1, "hour": 2}
_SQLITE_FORMATS = {
    "year": "%Y",
    "month": "%m",
    "week": "%W",
    "day": "%d",
    "weekday": "%w",
    "hour": "%H",
    "year_month": "%Y-%m",
}
_EXTRACTED = {"weekday": "DOW"}
_MYSQL_PARTS = {"year": "YEAR", "quarter": "QUARTER", "month": "MONTH", "week": "WEEK", "day": "DAY", "hour": "HOUR"}
# PostgreSQL stops at the first text that is no number or no date.
_LEADING_NUMBER = "^ *[-+]?[0-9]+[.]?[0-9]*"
_LEADING_MOMENT = "^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[ T][0-9:.]+)?"
_UNITS = {"days_ago": "days", "weeks_ago": "weeks", "months_ago": "months", "years_ago": "years"}


def kind_of_type(declared: str) -> str:
    """NUMBER, TEXT, DATE, BOOLEAN or UNKNOWN, from a type as an engine spells it."""
    name = declared.casefold()
    if "bool" in name or name == "bit" or name == "tinyint(1)":
        return BOOLEAN
    if "date" in name or "time" in name:
        return DATE
    if any(part in name for part in ("int", "real", "num", "dec", "doub", "float", "serial", "money", "long", "year")):
        return TEXT if "interval" in name or "point" in name else NUMBER
    if any(part in name for part in ("char", "text", "clob", "string", "uuid", "enum", "set(")):
        return TEXT
    return UNKNOWN


@dataclass(frozen=True)
class Dialect:
    """Spelling of one engine. ``is_strict``: it refuses to compare or add values of different kinds."""

    name: str

    @property
    def is_strict(self) -> bool:
        return self.name in ("postgres", "duckdb")

    @property
    def takes_first_row(self) -> bool:
        """Whether a subquery of several rows may stand for a value: its first."""
        return self.name == "sqlite"

    @property
    def has_filter(self) -> bool:
        return self.name != "mysql"

    @property
    def divides_integers(self) -> bool:
        """Whether ``1 / 2`` is 0."""
        return self.name in ("sqlite", "postgres")

    def like(self, is_negated: bool) -> str:
        """LIKE without regard to case, as SQLite and MySQL understand LIKE itself."""
        word = "ILIKE" if self.is_strict else "LIKE"
        return f"NOT {word}" if is_negated else word

    def boolean(self, is_true: bool) -> str:
        return ("TRUE" if is_true else "FALSE") if self.name != "sqlite" else ("1" if is_true else "0")

    def as_number(self, value: str) -> str:
        """Text as a number: what it begins with in SQLite, MySQL and PostgreSQL; NULL for what is none elsewhere."""
        return {
            "duckdb": f"TRY_CAST({value} AS DOUBLE)",
            "postgres": f"CAST(SUBSTRING({value} FROM '{_LEADING_NUMBER}') AS NUMERIC)",
            "sqlite": f"CAST({value} AS REAL)",
        }.get(self.name, value)

    def as_text(self, value: str) -> str:
        return f"CAST({value} AS CHAR)" if self.name == "mysql" else f"CAST({value} AS TEXT)"

    def as_integer(self, value: str) -> str:
        return f"CAST({value} AS INTEGER)"

    def as_date(self, value: str) -> str:
        return {"sqlite": f"date({value})", "mysql": f"DATE({value})"}.get(self.name, f"CAST({value} AS DATE)")

    def as_time(self, value: str) -> str:
        """Text as something that has date parts, where the engine asks for it; NULL for what is no date."""
        return {
            "duckdb": f"TRY_CAST({value} AS TIMESTAMP)",
            "postgres": f"CAST(SUBSTRING({value} FROM '{_LEADING_MOMENT}') AS TIMESTAMP)",
        }.get(self.name, value)

    def concatenated(self, left: str, right: str) -> str:
        return f"CONCAT({left}, ' ', {right})" if self.name == "mysql" else f"{left} || ' ' || {right}"

    def length(self, value: str) -> str:
        return f"CHAR_LENGTH({value})" if self.name == "mysql" else f"LENGTH({value})"

    def rounded(self, value: str, decimals: int) -> str:
        if self.name == "postgres":  # it rounds only NUMERIC to a number of places
            value = f"CAST({value} AS NUMERIC)"
        return f"ROUND({value}, {decimals})" if decimals else f"ROUND({value})"

    def now(self) -> str:
        return "date('now')" if self.name == "sqlite" else "CURRENT_DATE"

    def ago(self, unit: str, amount: str) -> str:
        """``amount`` days, weeks, months or years before today; ``amount`` is digits."""
        return f"date({self.ago_arguments(unit, amount)})" if self.name == "sqlite" else self._minus(unit, amount)

    def ago_arguments(self, unit: str, amount: str) -> str:
        """SQLite's arguments of a date function for a moment in the past."""
        if unit == "weeks_ago":  # SQLite has no weeks
            unit, amount = "days_ago", str(7 * int(amount))
        return f"'now', '-{amount} {_UNITS[unit]}'"

    def _minus(self, unit: str, amount: str) -> str:
        if self.name == "mysql":
            return f"CURRENT_DATE - INTERVAL {amount} {_UNITS[unit].rstrip('s').upper()}"
        return f"CURRENT_DATE - INTERVAL '{amount} {_UNITS[unit]}'"

    def date_part(self, part: str, moment: str) -> str:
        """A part of a date. SQLite gives text (``'1997'``, ``'03'``), the others numbers; ``year_month`` is text."""
        if part == "date":
            return self.as_date(moment)
        if self.name == "sqlite":
            if part == "quarter":
                return f"(CAST(strftime('%m', {moment}) AS INTEGER) + 2) / 3"
            return f"strftime({text(_SQLITE_FORMATS[part], 'sqlite')}, {moment})"
        if self.name == "mysql":
            return self._mysql_part(part, moment)
        if part == "year_month":
            return f"strftime({moment}, '%Y-%m')" if self.name == "duckdb" else f"to_char({moment}, 'YYYY-MM')"
        return f"EXTRACT({_EXTRACTED.get(part, part.upper())} FROM {moment})"

    @staticmethod
    def _mysql_part(part: str, moment: str) -> str:
        if part == "year_month":
            return f"DATE_FORMAT({moment}, '%Y-%m')"
        if part == "weekday":
            return f"DAYOFWEEK({moment}) - 1"
        return f"{_MYSQL_PARTS[part]}({moment})"

    def has_text_parts(self, part: str) -> bool:
        """Whether ``date_part`` gives the digits of a number as text."""
        return self.name == "sqlite" and part in _NUMERIC_PARTS and part != "quarter"

    @staticmethod
    def padded(part: str, number: str) -> str:
        """``'3'`` as SQLite writes that part: ``'03'``."""
        return number.zfill(_NUMERIC_PARTS[part])

    def days_between(self, later: str, earlier: str) -> str:
        return {
            "sqlite": f"julianday({later}) - julianday({earlier})",
            "duckdb": f"date_diff('day', {earlier}, {later})",
            "postgres": f"{self.as_date(later)} - {self.as_date(earlier)}",
        }.get(self.name, f"DATEDIFF({later}, {earlier})")
