"""Gold SQL, run as it is on the SQLite file it was written for."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from time import monotonic
from typing import Any

from t2s_magic.errors import QueryError

OPCODES_BETWEEN_LOOKS = 10_000


def run_gold(sql: str, path: Path, seconds: float = 30.0) -> list[tuple[Any, ...]]:
    """All rows of a question set's own SQL, on a read-only connection. Raises QueryError.

    It does not pass the guard: it was written by people and has spellings that only SQLite takes. Bytes that are not
    UTF-8 become replacement characters, as they do in our own rows.
    """
    deadline = monotonic() + seconds
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        connection.text_factory = lambda data: data.decode(errors="replace")
        connection.set_progress_handler(lambda: monotonic() > deadline, OPCODES_BETWEEN_LOOKS)
        return connection.execute(sql).fetchall()
    except sqlite3.Error as error:
        raise QueryError(f"The gold SQL does not run: {error}.", sql=sql) from error
    finally:
        connection.close()
