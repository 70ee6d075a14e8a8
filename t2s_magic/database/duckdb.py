"""DuckDB: a cursor of our own beside the user's connection, or a read-only connection to a file.

On the user's instance no setting is changed, because DuckDB's settings hold for the whole instance and cannot be taken
back. Where the connection is ours, the file is opened read-only and the ways to files and the network are closed.
"""

from __future__ import annotations

import math
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import duckdb

from t2s_magic.database.base import Limits, Rows
from t2s_magic.database.duckdb_bounds import bound_functions
from t2s_magic.database.duckdb_schema import change_key, read_tables, schema_names
from t2s_magic.database.duckdb_source import (
    DuckDbFile,
    SourceView,
    check_addition,
    check_file,
    close_the_ways_out,
    identity,
    load_addition,
    look_at,
    open_file,
)
from t2s_magic.database.fetch import fetch_rows
from t2s_magic.database.labels import file_label, scrub
from t2s_magic.database.planning import is_explain_analyze
from t2s_magic.database.supervised import SupervisedDatabase
from t2s_magic.errors import ConnectionLostError, QueryError, SchemaError, Text2SqlError
from t2s_magic.schema import Schema

LOADING_SECONDS = 600.0
# COPY_QUERY_NODE and its like; within the texts of a statement the quotes are escaped.
_MODIFYING_NODE = re.compile(r'"type":"(\w+)_QUERY_NODE"')
# PIVOT is MULTI: DuckDB makes it from several steps.
_READING = frozenset({duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN, duckdb.StatementType.MULTI})


class DuckDbDatabase(SupervisedDatabase):
    """A DuckDB database, read in ``BEGIN TRANSACTION READ ONLY`` that always ends in ROLLBACK.

    ``source`` is the user's connection (or duckdb-engine's wrapper of it), which is asked for its search path, its
    temporary tables and registered DataFrames and whether it is in a transaction; or a file to open.
    """

    dialect = "duckdb"
    is_read_only_enforced = True

    def __init__(self, source: duckdb.DuckDBPyConnection | DuckDbFile) -> None:
        self._source = source
        self._home = threading.get_ident()
        self._added: dict[str, object] = {}
        self._cursor: duckdb.DuckDBPyConnection | None = None
        self._identity: tuple[int, ...] = ()
        self._search_path = ""
        self._view = SourceView()
        self._known: tuple[object, Schema] | None = None
        # What DuckDB keeps of a database in memory has a limit of its own, so only free memory bounds it here.
        super().__init__(growth=math.inf)
        if isinstance(source, DuckDbFile):
            check_file(source)
        self._look()
        self.label = self._supervised(self._read_label)

    @property
    def engine_version(self) -> str:
        return duckdb.__version__

    def add(self, name: str, source: object) -> None:
        """Copy a DataFrame, or a csv, parquet or json file, into a temporary table that only this object sees."""
        check_addition(source)
        self._supervisor.run(lambda: self._add(name, source), LOADING_SECONDS)

    def _look(self) -> None:
        """Ask the user's connection what our cursor cannot see of it.

        Only in the thread that connected: from another one it would come between the user's statement and its rows.
        """
        if not isinstance(self._source, DuckDbFile) and threading.get_ident() == self._home:
            self._view = look_at(self._source, self._view)

    def _open(self) -> duckdb.DuckDBPyConnection:
        current = identity(self._source)
        if self._cursor is None or current != self._identity:
            self._disconnect()
            self._cursor = self._connect()
            self._search_path = ""
            self._identity = current
        return self._cursor

    def _connect(self) -> duckdb.DuckDBPyConnection:
        if not isinstance(self._source, DuckDbFile):
            # duplicate() is cursor() under a name that duckdb-engine's wrapper does not take for its own.
            cursor = self._source.duplicate()
            self._load_added(cursor)
            bound_functions(cursor)
            return cursor
        connection = open_file(self._source)
        self._load_added(connection)
        bound_functions(connection)
        if self._source.is_local or not self._source.path:
            close_the_ways_out(connection, bounds_memory="memory_limit" not in self._source.options)
        return connection

    def _load_added(self, cursor: duckdb.DuckDBPyConnection) -> None:
        for name, source in self._added.items():
            load_addition(cursor, name, source)

    def _add(self, name: str, source: object) -> None:
        with self._errors():
            if isinstance(self._source, DuckDbFile) and isinstance(source, (str, Path)):
                # The ways to files are closed on the connection that is open, for good: another one loads it first.
                self._disconnect()
                self._added[name] = source
                self._open()
            else:
                load_addition(self._open(), name, source)
                self._added[name] = source

    def _disconnect(self) -> None:
        cursor, self._cursor, self._known = self._cursor, None, None
        if cursor:
            cursor.close()

    def _interrupt(self) -> None:
        if cursor := self._cursor:
            cursor.interrupt()

    def _abandon(self) -> None:
        self._cursor = None

    def _read_label(self) -> str:
        with self._errors():
            rows = self._open().execute("SELECT path FROM duckdb_databases() WHERE database_name = current_database()")
            ((path,),) = rows.fetchall()
        return file_label("duckdb", path or "")

    def _execute(self, sql: str, limits: Limits) -> Rows:
        started = time.monotonic()
        with self._errors(sql), self._read_only() as cursor:
            cursor.execute(_only_statement(cursor, sql))
            description = cursor.description or []
            names, types = [part[0] for part in description], [str(part[1]) for part in description]
            rows = fetch_rows(names, types, cursor.fetchmany, limits, self._supervisor.check)
        return replace(rows, seconds=time.monotonic() - started)

    def _read_schema(self) -> Schema:
        with self._errors(), self._read_only() as cursor:
            key = (change_key(cursor), self._view.unseen)
            if self._known and self._known[0] == key:
                return self._known[1]
            tables = read_tables(cursor)
            if not tables:
                raise SchemaError(self._nothing_here(schema_names(cursor)))
            schema = Schema("duckdb", tables, self._view.unseen)
            self._known = (key, schema)
        return schema

    def _nothing_here(self, schemas: list[str]) -> str:
        here = f"No table in {self.label}. Its schemas: {', '.join(schemas) or 'none'}."
        names = ", ".join(f"{name!r} ({kind})" for name, kind in self._view.unseen)
        return f"{here} Only your own connection sees {names}; %t2s use NAME adds one." if names else here

    @contextmanager
    def _read_only(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A transaction on our cursor, with the user's search path, that is rolled back whatever happens."""
        cursor = self._open()
        self._execute_or_drop(cursor, "BEGIN TRANSACTION READ ONLY")
        try:
            self._follow_search_path(cursor)
            self._supervisor.check()
            yield cursor
        finally:
            self._roll_back(cursor)

    def _roll_back(self, cursor: duckdb.DuckDBPyConnection) -> None:
        with suppress(duckdb.InterruptException):  # an interrupt that came late; the cursor's end ends it, too
            self._execute_or_drop(cursor, "ROLLBACK")

    def _execute_or_drop(self, cursor: duckdb.DuckDBPyConnection, sql: str) -> None:
        """Begin or end a transaction; a cursor that fails here may keep an aborted one, so it is not used again."""
        try:
            cursor.execute(sql)
        except duckdb.Error:
            if self._cursor is cursor:
                self._disconnect()
            else:
                cursor.close()
            raise

    def _follow_search_path(self, cursor: duckdb.DuckDBPyConnection) -> None:
        wanted = self._view.search_path
        if wanted != self._search_path:
            quoted = wanted.replace("'", "''")
            # This one setting belongs to our cursor alone; a rollback does not undo it.
            cursor.execute(f"SET search_path = '{quoted}'" if wanted else "RESET search_path")
            self._search_path = wanted

    @contextmanager
    def _errors(self, sql: str | None = None) -> Iterator[None]:
        started = time.monotonic()
        try:
            yield
        except Text2SqlError as error:
            error.sql = error.sql or sql
            raise
        except duckdb.Error as error:
            said = scrub(error, self._secrets)
            if isinstance(error, duckdb.ConnectionException) or "has been invalidated" in said:
                self._cursor = None
                raise ConnectionLostError(
                    f"The DuckDB connection was lost after {time.monotonic() - started:.1f} s ({said}); "
                    "nothing was changed. Connect again.",
                    sql=sql,
                ) from error
            raise QueryError(f"DuckDB: {_with_advice(said)}", sql=sql) from error

    @property
    def _secrets(self) -> tuple[str, ...]:
        return tuple(map(str, self._source.options.values())) if isinstance(self._source, DuckDbFile) else ()


def _only_statement(cursor: duckdb.DuckDBPyConnection, sql: str) -> duckdb.Statement:
    """The one reading statement in ``sql`` as DuckDB itself parses it: ``COMMIT; DROP …`` would leave READ ONLY."""
    statements = cursor.extract_statements(sql)
    if len(statements) != 1 or statements[0].type not in _READING or is_explain_analyze(sql):
        raise QueryError("DuckDB takes this for more than one reading statement; it was not run.", sql=sql)
    if found := _modifying_part(cursor, sql):
        raise QueryError(f"DuckDB finds {found} in this statement; it was not run.", sql=sql)
    return statements[0]


def _modifying_part(cursor: duckdb.DuckDBPyConnection, sql: str) -> str:
    """What DuckDB's own parser finds in a CTE that does not read: READ ONLY stops no COPY to a file there."""
    ((tree,),) = cursor.execute("SELECT json_serialize_sql(?::VARCHAR)", [sql]).fetchall()
    found = _MODIFYING_NODE.search(tree)
    return found[1] if found else ""


def _with_advice(said: str) -> str:
    said = said.partition(" LINE ")[0]  # and a caret under the SQL, which does not survive in one line
    return f"{said} Run pip install pytz." if "pytz" in said else said
