"""How a refusal reads: what part, where it stands, why, and that nothing was run."""

from __future__ import annotations

from typing import NoReturn

from t2s_magic.errors import UnsafeSqlError


def refuse(
    sql: str, reason: str, span: tuple[int, int], *, do: str = "Nothing was run.", part: str | None = None
) -> NoReturn:
    """Raise UnsafeSqlError: what part, where, why, in a person's words."""
    start, end = span
    part = sql[start:end] if part is None else part
    line = sql.count("\n", 0, start) + 1
    where = f" at line {line}" if "\n" in sql else ""
    raise UnsafeSqlError(f"Only reading is allowed: {shown(part)}{where} {reason}. {do}", sql=sql, part=part, span=span)


def shown(part: str) -> str:
    """``part`` in one short line, odd characters spelled out."""
    one_line = " ".join(part.split()) or repr(part)
    visible = "".join(mark if mark.isprintable() else f"\\u{ord(mark):04x}" for mark in one_line)
    return visible if len(visible) <= 60 else visible[:57] + "..."
