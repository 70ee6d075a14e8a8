"""PostgreSQL: a session of our own beside the user's, one statement by the extended protocol in BEGIN READ ONLY.

The user's session is never used: a transaction, a temporary table or a setting of theirs is not touched. psycopg 3 is
used whatever driver the user has, because psycopg 2 can send several statements where one was meant.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from itertools import islice
from typing import Any

import psycopg
from psycopg import generators
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGresult

from t2s_magic.database.base import Limits, Rows
from t2s_magic.database.fetch import fetch_rows
from t2s_magic.database.labels import scrub
from t2s_magic.database.memory import GIGABYTE
from t2s_magic.database.postgres_schema import change_key, read_tables, schema_names, unseen_of
from t2s_magic.database.postgres_session import LOCK_SECONDS, Server, hang_up, open_session
from t2s_magic.database.supervised import SETUP_SECONDS, SupervisedDatabase
from t2s_magic.errors import (
    CancelledError,
    ConnectionLostError,
    LockedError,
    QueryError,
    SchemaError,
    Text2SqlError,
    TimeLimitError,
)
from t2s_magic.schema import Schema

CANCEL_SECONDS = 0.5
# The server stops a statement by itself a little after we would have, in case we are no longer there.
SERVER_MARGIN_SECONDS = 2.0


class PostgresDatabase(SupervisedDatabase):
    """A PostgreSQL database. ``source`` is the user's connection of psycopg or psycopg2, where there is one."""

    dialect = "postgres"
    is_read_only_enforced = True

    def __init__(self, server: Server, source: Any = None) -> None:
        self._server = server
        self._source = source
        self.label = server.label
        self._session: psycopg.Connection | None = None
        self._busy: psycopg.Connection | None = None
        self._known: tuple[object, Schema] | None = None
        # A cell of a gigabyte is the most that PostgreSQL sends; it is given up while it arrives.
        super().__init__(growth=GIGABYTE)
        self._supervised(self._open)

    @property
    def engine_version(self) -> str:
        return self._supervised(lambda: self._open().info.parameter_status("server_version") or "")

    def _open(self) -> psycopg.Connection:
        """The open session, or another where the server closed it or the user changed zone or search path."""
        if self._source is not None and not self._source.closed:
            server = Server.of_connection(self._source)
            if server != self._server:
                self._disconnect()
                self._server = server
        if self._session is None or self._session.closed:
            self._session = self._supervisor.keep(open_session(self._server))
        return self._session

    def _disconnect(self) -> None:
        session, self._session, self._known = self._session, None, None
        if session:
            session.close()

    def _interrupt(self) -> None:
        if session := self._busy:
            with suppress(psycopg.Error):  # the server is gone, which the statement itself finds out
                session.cancel_safe(timeout=CANCEL_SECONDS)

    def _abandon(self) -> None:
        session, self._session = self._session, None
        if session and not session.closed:
            hang_up(session)

    def _execute(self, sql: str, limits: Limits) -> Rows:
        started = time.monotonic()
        with self._errors(sql), self._read_only(limits.seconds) as session, session.cursor() as cursor:
            rows = self._fetch(cursor, sql, limits)
        return replace(rows, seconds=time.monotonic() - started)

    def _fetch(self, cursor: psycopg.Cursor, sql: str, limits: Limits) -> Rows:
        """Row by row, so that neither the server nor we hold more than what is kept."""
        names, types = _described(cursor.connection, sql)
        with closing(cursor.stream(sql.encode())) as stream:  # type: ignore[type-var]
            return fetch_rows(names, types, lambda count: list(islice(stream, count)), limits, self._supervisor.check)

    def _read_schema(self) -> Schema:
        with self._errors(), self._read_only(SETUP_SECONDS) as session:
            unseen = self._unseen(session)
            key = (change_key(session), unseen)
            if self._known and self._known[0] == key:
                return self._known[1]
            tables = read_tables(session)
            if not tables:
                names = ", ".join(schema_names(session))
                raise SchemaError(
                    f"No readable table in {self.label}. Its schemas: {names or 'none that you may use'}."
                )
            schema = Schema("postgres", tables, unseen)
            self._known = (key, schema)
        return schema

    def _unseen(self, session: psycopg.Connection) -> tuple[tuple[str, str], ...]:
        if self._source is None or self._source.closed:
            return ()
        return unseen_of(session, self._source.info.backend_pid)

    @contextmanager
    def _read_only(self, seconds: float) -> Iterator[psycopg.Connection]:
        session = self._begin(seconds)
        self._busy = session  # a cancel may be sent now, and would do harm before and after
        try:
            self._supervisor.check()
            yield session
        finally:
            if self._busy is session:  # a statement that was left behind ends while another one runs
                self._busy = None
            self._roll_back(session)

    def _begin(self, seconds: float) -> psycopg.Connection:
        milliseconds = round((seconds + SERVER_MARGIN_SECONDS) * 1000)
        begin = (
            f"BEGIN READ ONLY; SET LOCAL statement_timeout = {milliseconds}; SET LOCAL lock_timeout = '{LOCK_SECONDS}s'"
        )
        session = self._open()
        try:
            session.execute(begin)
        except psycopg.OperationalError:
            if not session.closed:
                raise
            # The server closed it while it was idle; nothing of this question has run yet.
            session = self._open()
            session.execute(begin)
        return session

    def _roll_back(self, session: psycopg.Connection) -> None:
        """Undo everything, set_config(…, false) included; only advisory locks of the session outlive a rollback."""
        if session.closed:
            return
        try:
            session.execute("ROLLBACK; SELECT pg_advisory_unlock_all()")
        except psycopg.Error:
            # A late cancel met it: a session in an unknown state is not used again.
            session.close()

    @contextmanager
    def _errors(self, sql: str | None = None) -> Iterator[None]:
        started = time.monotonic()
        try:
            yield
        except Text2SqlError as error:
            error.sql = error.sql or sql
            raise
        except psycopg.Error as error:
            raise self._explained(error, time.monotonic() - started, sql) from error

    def _explained(self, error: psycopg.Error, seconds: float, sql: str | None) -> Text2SqlError:
        said = scrub(error.diag.message_primary or error, self._server.secrets)
        if isinstance(error, psycopg.errors.LockNotAvailable):
            return LockedError(f"Waited {LOCK_SECONDS} s for a lock held by another session. Try again later.", sql=sql)
        if isinstance(error, psycopg.errors.QueryCanceled):
            kind = TimeLimitError if "timeout" in said else CancelledError
            return kind(f"PostgreSQL stopped the statement after {seconds:.1f} s: {said}.", sql=sql)
        if self._session is None or self._session.closed:
            return ConnectionLostError(
                f"The connection to {self.label} was lost after {seconds:.1f} s ({said}); nothing was changed. "
                "Run it again: the next run connects anew.",
                sql=sql,
            )
        hint = f" {error.diag.message_hint}" if error.diag.message_hint else ""
        return QueryError(f"PostgreSQL: {said}.{hint}", sql=sql)


def _described(session: psycopg.Connection, sql: str) -> tuple[list[str], list[str]]:
    """The columns that a statement will have and their types, by parsing it and not running it.

    The extended protocol, here and in ``stream``, takes one statement only (``COMMIT; DROP …`` would leave READ ONLY),
    and a statement without columns does not read: COPY TO PROGRAM, SET and DO end here, also for a superuser.
    """
    session.pgconn.send_prepare(b"", sql.encode())
    _answer(session)
    session.pgconn.send_describe_prepared(b"")
    columns = _answer(session)
    if not columns.nfields:
        raise QueryError("PostgreSQL says that this statement gives no rows; it was not run.", sql=sql)
    names = [(columns.fname(position) or b"").decode() for position in range(columns.nfields)]
    return names, [_type_name(session, columns, position) for position in range(columns.nfields)]


def _answer(session: psycopg.Connection) -> PGresult:
    """What the server says to what was just sent. libpq's own calls that wait for it would hold all of Python still."""
    results: list[PGresult] = session.wait(generators.execute(session.pgconn))
    (result,) = results
    if result.status == ExecStatus.FATAL_ERROR:
        raise psycopg.errors.error_from_result(result)
    return result


def _type_name(session: psycopg.Connection, columns: PGresult, position: int) -> str:
    known = session.adapters.types.get(columns.ftype(position))
    return known.get_type_display(columns.ftype(position), columns.fmod(position)) if known else ""
