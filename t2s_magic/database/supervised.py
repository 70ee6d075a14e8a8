"""What the databases of all engines have in common: a statement is handed over to be watched while it runs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from t2s_magic.database.base import SECOND, Limits, Rows
from t2s_magic.database.memory import MOST_GROWTH
from t2s_magic.database.planning import as_explain
from t2s_magic.database.supervise import Supervisor
from t2s_magic.errors import CancelledError, LockedError, QueryError, TimeLimitError
from t2s_magic.guard import CheckedSql
from t2s_magic.schema import Schema

T = TypeVar("T")

# For what is no statement of the user's: to connect, to read the schema, to plan.
SETUP_SECONDS = 60 * SECOND


class SupervisedDatabase(ABC):
    """The methods of ``Database`` that are the same for every engine, over five steps in which the engines differ.

    ``plan_rows`` are the rows of a plan that are fetched; ``growth`` is the Supervisor's.
    """

    plan_rows = 1

    def __init__(self, *, growth: float = MOST_GROWTH) -> None:
        self._supervisor = Supervisor(self._interrupt, self._abandon, growth=growth)

    def schema(self) -> Schema:
        self._look()
        return self._supervised(self._read_schema)

    def run(self, query: CheckedSql, limits: Limits = Limits()) -> Rows:
        self._look()
        return self._supervisor.run(lambda: self._execute(query.sql, limits), limits.seconds, query.sql)

    def explain(self, query: CheckedSql) -> str | None:
        self._look()
        plan = partial(self._execute, as_explain(query.sql), Limits(rows=self.plan_rows))
        try:
            self._supervised(plan, query.sql)
        except (LockedError, TimeLimitError, CancelledError):
            raise  # no complaint about the statement
        except QueryError as error:
            return error.message
        return None

    def cancel(self) -> None:
        self._supervisor.cancel()

    def close(self) -> None:
        self._supervisor.cancel()
        self._supervised(self._disconnect)

    def _supervised(self, work: Callable[[], T], sql: str | None = None) -> T:
        return self._supervisor.run(work, SETUP_SECONDS, sql)

    def _look(self) -> None:  # noqa: B027 - most engines need not
        """Ask the user's own connection what there is to know, in the thread of the caller."""

    @abstractmethod
    def _read_schema(self) -> Schema:
        """The schema as it is now. Raises SchemaError."""

    @abstractmethod
    def _execute(self, sql: str, limits: Limits) -> Rows:
        """Run one statement read-only and undo it. Raises a QueryError."""

    @abstractmethod
    def _disconnect(self) -> None:
        """Close what was opened here."""

    @abstractmethod
    def _interrupt(self) -> None:
        """Tell the engine to stop what it does now; from any thread."""

    @abstractmethod
    def _abandon(self) -> None:
        """Leave the connection to a statement that does not stop."""
