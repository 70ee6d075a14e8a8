"""Glances at the rows of statements that a model considers: on this machine, and only while they are quick."""

from __future__ import annotations

import time
from typing import Any

from t2s_magic.database.base import Database, Limits
from t2s_magic.errors import CancelledError, LockedError, QueryError, TimeLimitError, UnsafeSqlError
from t2s_magic.guard import check, check_names
from t2s_magic.schema import Schema

SECONDS = 0.3
ROWS = 1_000
_ENGINES_HERE = ("sqlite", "duckdb")


class Glances:
    """The first rows of statements about one question, within ``seconds`` for all of them together.

    Each passes the guard and runs read-only, as a person's Run would.
    """

    def __init__(self, database: Database, schema: Schema, seconds: float = SECONDS) -> None:
        self._database = database
        self._schema = schema
        self._left = seconds

    def __call__(self, sql: str) -> tuple[tuple[Any, ...], ...] | None:
        """At most 1,000 rows, or None where the statement is refused or fails; TimeoutError when the time is up.

        Raises ConnectionLostError, and CancelledError when a person cancels.
        """
        if self._left <= 0:
            raise TimeoutError("No time is left to look at rows.")
        started = time.monotonic()
        try:
            query = check(sql, self._database.dialect, schema=self._schema)
            check_names(query, self._schema)
            return self._database.run(query, Limits(seconds=self._left, rows=ROWS)).rows
        except CancelledError:
            raise
        except (TimeLimitError, LockedError) as error:
            self._left = 0
            raise TimeoutError(str(error)) from error
        except (UnsafeSqlError, QueryError):
            return None
        finally:
            self._left -= time.monotonic() - started


def glances(database: Database, schema: Schema) -> Glances | None:
    """Glances where they cost nobody anything: at engines that run in this process and keep to reading."""
    is_here = database.dialect in _ENGINES_HERE and database.is_read_only_enforced
    return Glances(database, schema) if is_here else None
