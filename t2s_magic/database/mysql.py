"""MySQL and MariaDB: a connection of our own from the engine's settings, in START TRANSACTION READ ONLY."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, CursorResult, Engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from t2s_magic.database.base import Limits, Rows
from t2s_magic.database.fetch import fetch_rows
from t2s_magic.database.labels import scrub, secrets_of, server_label
from t2s_magic.database.mysql_schema import make_tables, read_catalogue, schema_names
from t2s_magic.database.planning import begins_as_reading
from t2s_magic.database.supervise import Stopped
from t2s_magic.database.supervised import SETUP_SECONDS, SupervisedDatabase
from t2s_magic.errors import (
    CancelledError,
    ConnectionLostError,
    LockedError,
    NoConnectionError,
    QueryError,
    SchemaError,
    Text2SqlError,
    TimeLimitError,
)
from t2s_magic.schema import Schema

LOCK_SECONDS = 5
# The server stops a statement by itself a little after we would have, in case we are no longer there.
SERVER_MARGIN_SECONDS = 2
_LOCK_ERRORS = (1205, 3572)
_INTERRUPTED = 1317
_TIME_ERRORS = (1969, 3024)
_GONE_ERRORS = (1927, 2006, 2013, 2055)
# Modes in which the server reads literals and names otherwise than the guard, and those that bring them along.
_READ_OTHERWISE = frozenset("ANSI_QUOTES NO_BACKSLASH_ESCAPES ANSI DB2 MAXDB MSSQL ORACLE POSTGRESQL".split())
# Character sets in which a backslash can be the second half of a letter.
_AMBIGUOUS = frozenset("big5 cp932 gb18030 gbk sjis".split())


class MySqlDatabase(SupervisedDatabase):
    """A MySQL or MariaDB database, asked on a connection that is made as ``engine`` makes its own."""

    dialect = "mysql"
    is_read_only_enforced = True
    plan_rows = 1_000  # all of a plan, so that nothing has to be killed

    def __init__(self, engine: Engine) -> None:
        # The user's pool may have no connection to spare, and ours must not come back to it.
        self._engine = Engine(engine.pool.recreate(), engine.dialect, engine.url)
        self.label = server_label("mysql", engine.url.host, engine.url.database)
        self._secrets = secrets_of(engine.url)
        self._connection: Connection | None = None
        self._busy_number = 0
        self._known: tuple[object, Schema] | None = None
        super().__init__()
        self._supervised(self._open)

    @property
    def engine_version(self) -> str:
        asked = self._supervised(lambda: self._open().exec_driver_sql("SELECT version()").scalar_one())
        return str(asked)

    def _open(self) -> Connection:
        if self._connection is None:
            try:
                self._connection = self._supervisor.keep(self._connect())
            except SQLAlchemyError as error:
                said = scrub(getattr(error, "orig", None) or error, self._secrets)
                # Not from the error, which names the user.
                raise NoConnectionError(f"No read-only connection to {self.label}: {said}") from None
        return self._connection

    def _connect(self) -> Connection:
        connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        if set_option := getattr(connection.connection.dbapi_connection, "set_server_option", None):
            set_option(1)  # MYSQL_OPTION_MULTI_STATEMENTS_OFF: mysqlclient, unlike the others, has them on
        connection.exec_driver_sql("SET SESSION TRANSACTION READ ONLY")
        connection.exec_driver_sql(
            f"SET SESSION lock_wait_timeout = {LOCK_SECONDS}, innodb_lock_wait_timeout = {LOCK_SECONDS}"
        )
        self._settle_reading(connection)
        return connection

    def _settle_reading(self, connection: Connection) -> None:
        """Have the server read literals as the guard has read them, whatever its defaults or the URL say."""
        asked = connection.exec_driver_sql("SELECT @@SESSION.sql_mode, @@SESSION.character_set_client")
        modes, characters = asked.one()
        if characters in _AMBIGUOUS:
            connection.close()
            raise NoConnectionError(
                f"{self.label} is connected in the character set {characters}, in which the end of a literal is not "
                "sure. Connect with ?charset=utf8mb4."
            )
        kept = ",".join(mode for mode in modes.split(",") if mode not in _READ_OTHERWISE)
        connection.exec_driver_sql(f"SET SESSION sql_mode = '{kept}'")

    def _disconnect(self) -> None:
        self._known = None
        if self._connection:
            self._give_up(self._connection)
        self._engine.dispose()

    def _interrupt(self) -> None:
        """MySQL stops a statement on the word of another connection."""
        if number := self._busy_number:
            with suppress(SQLAlchemyError), self._engine.connect() as other:  # it may have ended in between
                other.exec_driver_sql(f"KILL QUERY {number}")

    def _abandon(self) -> None:
        self._connection = None

    def _execute(self, sql: str, limits: Limits) -> Rows:
        started = time.monotonic()
        with self._read_only(sql, limits.seconds) as connection:
            if not begins_as_reading(sql):  # SET GLOBAL, KILL and FLUSH work in READ ONLY, too
                raise QueryError("This does not begin as a reading statement does; it was not run.", sql=sql)
            result = connection.execution_options(stream_results=True, no_parameters=True).exec_driver_sql(sql)
            if not result.returns_rows:
                self._give_up(connection)  # what it has set in this session goes with it
                raise QueryError("MySQL says that this statement gives no rows.", sql=sql)
            try:
                rows = fetch_rows(list(result.keys()), (), result.fetchmany, limits, self._supervisor.check)
            except (Stopped, SQLAlchemyError):
                self._let_go(result)
                raise
            self._let_go(result) if rows.is_cut else result.close()
        return replace(rows, seconds=time.monotonic() - started)

    def _let_go(self, result: CursorResult[Any]) -> None:
        """Have no more rows sent. The driver reads those that are on their way, so the server has to stop first."""
        self._interrupt()
        with suppress(self._engine.dialect.loaded_dbapi.Error):  # by which the server says that it has stopped
            result.cursor.close()
        result.close()

    def _read_schema(self) -> Schema:
        with self._read_only(None, SETUP_SECONDS) as connection:
            catalogue = read_catalogue(connection)
            if self._known and self._known[0] == catalogue:
                return self._known[1]
            if not catalogue[0]:
                names = ", ".join(schema_names(connection))
                raise SchemaError(
                    f"No readable table in {self.label}. Its schemas: {names or 'none that you may use'}."
                )
            schema = Schema("mysql", make_tables(*catalogue))
            self._known = (catalogue, schema)
        return schema

    @contextmanager
    def _read_only(self, sql: str | None, seconds: float) -> Iterator[Connection]:
        started = time.monotonic()
        connection = self._answering()
        number = 0
        try:
            number = self._busy_number = self._begin(connection, seconds)
            self._supervisor.check()
            yield connection
        except SQLAlchemyError as error:
            raise self._explained(error, connection, time.monotonic() - started, sql) from error
        finally:
            if self._busy_number == number:  # a statement that was left behind ends while another one runs
                self._busy_number = 0
            self._roll_back(connection)

    def _answering(self) -> Connection:
        """The open connection, or another where the server closed it while it was idle."""
        connection = self._open()
        try:
            connection.exec_driver_sql("SELECT 1").close()
        except SQLAlchemyError:
            self._give_up(connection)
            connection = self._open()
        return connection

    def _begin(self, connection: Connection, seconds: float) -> int:
        """Begin, and return the number by which the server knows the connection."""
        limit = seconds + SERVER_MARGIN_SECONDS
        is_mariadb = getattr(connection.dialect, "is_mariadb", False)
        setting = f"max_statement_time = {limit}" if is_mariadb else f"max_execution_time = {round(limit * 1000)}"
        connection.exec_driver_sql(f"SET SESSION {setting}")
        number = connection.exec_driver_sql("SELECT CONNECTION_ID()").scalar_one()
        connection.exec_driver_sql("START TRANSACTION READ ONLY")
        return int(number)

    def _roll_back(self, connection: Connection) -> None:
        if connection.closed:
            return
        try:
            connection.exec_driver_sql("ROLLBACK")
            connection.exec_driver_sql("DO RELEASE_ALL_LOCKS()")
        except SQLAlchemyError:
            # A late KILL met one of these two, or rows are still on their way: it is not used again.
            self._give_up(connection)

    def _give_up(self, connection: Connection) -> None:
        if self._connection is connection:
            self._connection = None
        with suppress(SQLAlchemyError):  # it is gone already
            connection.invalidate()  # close() would roll back first, and read all rows that are still on their way

    def _explained(
        self, error: SQLAlchemyError, connection: Connection, seconds: float, sql: str | None
    ) -> Text2SqlError:
        original = getattr(error, "orig", None) or error
        code = original.args[0] if original.args and isinstance(original.args[0], int) else 0
        said = scrub(original.args[1] if code and len(original.args) > 1 else original, self._secrets)
        if code in _LOCK_ERRORS:
            return LockedError(f"Waited {LOCK_SECONDS} s for a lock held by another session. Try again later.", sql=sql)
        if code in _TIME_ERRORS:
            return TimeLimitError(f"MySQL stopped the statement after {seconds:.1f} s: {said}.", sql=sql)
        if code == _INTERRUPTED:
            return CancelledError(f"MySQL stopped the statement after {seconds:.1f} s: {said}.", sql=sql)
        if code in _GONE_ERRORS or (isinstance(error, DBAPIError) and error.connection_invalidated):
            self._give_up(connection)
            return ConnectionLostError(
                f"The connection to {self.label} was lost after {seconds:.1f} s ({said}); nothing was changed. "
                "Run it again: the next run connects anew.",
                sql=sql,
            )
        return QueryError(f"MySQL: {said}.", sql=sql)
