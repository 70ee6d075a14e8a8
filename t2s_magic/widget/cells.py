"""How the value of one database cell is written for people, and how rows leave for a spreadsheet."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from t2s_magic.widget.text import shortened, visible_line

Kind = Literal["null", "empty", "number", "boolean", "bytes", "nested", "text"]

CELL_WIDTH = 80
"""Characters of a cell shown in a table before it is cut."""

BYTES_SHOWN = 24
ROWS_THAT_DECIDE_ALIGNMENT = 100

# What a spreadsheet takes for the start of a formula, full-width forms included
# (https://owasp.org/www-community/attacks/CSV_Injection). A plain signed number is none.
_FORMULA = re.compile(r"\s*[=+\-@|\t\r＝＋－＠]")
_PLAIN_NUMBER = re.compile(r"[+-]?\d+([.,]\d+)?")


@dataclass(frozen=True)
class Cell:
    """One value as a table shows it: ``is_cut`` says that ``full_text`` has more to show."""

    text: str
    kind: Kind
    is_cut: bool = False


def show(value: Any, width: int = CELL_WIDTH) -> Cell:
    """``value`` on one line of at most ``width`` characters, each odd character visible."""
    kind = kind_of(value)
    if kind == "null":
        return Cell("NULL", kind)
    if kind == "bytes":
        return Cell(_hexadecimal(value, BYTES_SHOWN), kind, len(value) > BYTES_SHOWN)
    whole = full_text(value)
    line = visible_line(whole[: 2 * width])
    return Cell(shortened(line, width), kind, len(whole) > width or "\n" in whole)


def full_text(value: Any) -> str:
    """The whole value as text, character for character; NULL is the empty text."""
    match value:
        case None:
            return ""
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case float():
            return _float_text(value)
        case Decimal():
            return _decimal_text(value)
        case bytes() | bytearray() | memoryview():
            return _hexadecimal(value, len(value))
        case dict() | list() | tuple() | set() | frozenset():
            return json.dumps(_plain(value), ensure_ascii=False)
        case datetime():
            return value.isoformat(sep=" ")
        case _:
            return str(value)


def kind_of(value: Any) -> Kind:
    """What decides how a value looks."""
    match value:
        case None:
            return "null"
        case str():
            return "text" if value else "empty"
        case bool():
            return "boolean"
        case int() | float() | Decimal():
            return "number"
        case bytes() | bytearray() | memoryview():
            return "bytes"
        case dict() | list() | tuple() | set() | frozenset():
            return "nested"
        case _:
            return "text"


def is_numeric(values: Iterable[Any]) -> bool:
    """Whether a column that holds ``values`` reads best aligned to the right."""
    kinds = {kind_of(value) for value in values}
    return "number" in kinds and kinds <= {"number", "null"}


def csv_text(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """The rows as CSV (RFC 4180) that no spreadsheet takes for formulas; NULL is nothing, empty text is ``""``."""
    return "".join(",".join(_csv_field(value) for value in row) + "\r\n" for row in (columns, *rows))


def tab_separated_text(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """The rows as a spreadsheet takes them on paste: one line a row, tabs and newlines inside cells as spaces."""
    return "\n".join("\t".join(_pasted_field(value) for value in row) for row in (columns, *rows))


def _float_text(value: float) -> str:
    """15 significant digits, as SQLite's own shell prints: what is behind them is noise of the binary form."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    text = format(value, ".15g")
    return text if set(text) & set(".e") else text + ".0"


def _decimal_text(value: Decimal) -> str:
    is_written_out = value.is_finite() and abs(value.adjusted()) < CELL_WIDTH
    return format(value, "f") if is_written_out else str(value)


def _hexadecimal(value: bytes | bytearray | memoryview, shown: int) -> str:
    cut = "…" if len(value) > shown else ""
    unit = "byte" if len(value) == 1 else "bytes"
    return f"x'{bytes(value[:shown]).hex()}{cut}' ({len(value):,} {unit})"


def _plain(value: Any) -> Any:
    """A nested value as JSON can hold it; what JSON has no form for becomes its text."""
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return value if math.isfinite(value) else _float_text(value)
        case dict():
            return {full_text(key): _plain(item) for key, item in value.items()}
        case list() | tuple():
            return [_plain(item) for item in value]
        case set() | frozenset():
            return sorted((_plain(item) for item in value), key=str)
        case _:
            return full_text(value)


def _csv_field(value: Any) -> str:
    text = _spreadsheet_text(value)
    # In half of the world a spreadsheet divides at semicolons, and then finds a formula behind one.
    if value is not None and (not text or set(text) & set('",;\t\r\n') or text != text.strip()):
        return '"' + text.replace('"', '""') + '"'
    return text


def _pasted_field(value: Any) -> str:
    return " ".join(re.split(r"[\t\r\n]+", _spreadsheet_text(value)))


def _spreadsheet_text(value: Any) -> str:
    text = full_text(value)
    if isinstance(value, bool | int | float | Decimal) or _PLAIN_NUMBER.fullmatch(text):
        return text
    return "'" + text if _FORMULA.match(text) else text
