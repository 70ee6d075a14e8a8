"""Any other engine through SQLAlchemy: its rows are shown, but nobody but the guard holds it to reading."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Engine, inspect
from sqlalchemy.engine.interfaces import ReflectedColumn, ReflectedForeignKeyConstraint
from sqlalchemy.engine.reflection import ObjectKind
from sqlalchemy.exc import DBAPIError, NoSuchTableError, SQLAlchemyError

from t2s_magic.database.base import Limits, Rows
from t2s_magic.database.fetch import fetch_rows
from t2s_magic.database.labels import scrub, secrets_of, server_label
from t2s_magic.database.supervised import SupervisedDatabase
from t2s_magic.errors import ConnectionLostError, NoConnectionError, QueryError, SchemaError, Text2SqlError
from t2s_magic.schema import Column, ForeignKey, Schema, Table

# sqlglot's names of the dialects whose name in SQLAlchemy differs.
_SQLGLOT_NAMES = {"mssql": "tsql", "mariadb": "mysql", "cockroachdb": "postgres", "postgresql": "postgres"}


class GenericDatabase(SupervisedDatabase):
    """A database behind an SQLAlchemy engine, asked on a connection of our own from the engine's pool.

    The transaction is rolled back, but whether that undoes a statement is up to the engine, so
    ``is_read_only_enforced`` is false and only a person's Run runs anything.
    """

    is_read_only_enforced = False
    engine_version = ""

    def __init__(self, engine: Engine, *, owns_engine: bool = False) -> None:
        self._engine = engine
        self._owns_engine = owns_engine
        self.dialect = _SQLGLOT_NAMES.get(engine.dialect.name, engine.dialect.name)
        self.label = server_label(self.dialect, engine.url.host, engine.url.database)
        self._secrets = secrets_of(engine.url)
        self._connection: Connection | None = None
        self._known: Schema | None = None
        super().__init__()
        self._supervised(self._open)

    def _open(self) -> Connection:
        if self._connection is None or self._connection.closed or self._connection.invalidated:
            try:
                self._connection = self._supervisor.keep(self._engine.connect())
            except SQLAlchemyError as error:
                said = scrub(getattr(error, "orig", None) or error, self._secrets)
                # Not from the error, which may name the user and more.
                raise NoConnectionError(f"No connection to {self.label}: {said}") from None
        return self._connection

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection:
            connection.close()
        if self._owns_engine:
            self._engine.dispose()

    def _interrupt(self) -> None:
        """Ask the driver, where it can be asked: DB-API has no common way to stop a statement."""
        driver: Any = self._connection.connection.dbapi_connection if self._connection else None
        if cancel := getattr(driver, "cancel", None):
            cancel()

    def _abandon(self) -> None:
        self._connection = None

    def _execute(self, sql: str, limits: Limits) -> Rows:
        started = time.monotonic()
        with self._rolled_back(sql) as connection:
            result = connection.execution_options(stream_results=True, no_parameters=True).exec_driver_sql(sql)
            names = list(result.keys())
            rows = fetch_rows(names, (), result.fetchmany, limits, self._supervisor.check)
            result.close()
        return replace(rows, seconds=time.monotonic() - started)

    def _read_schema(self) -> Schema:
        """Read anew each time: what tells of a change differs from engine to engine."""
        with self._rolled_back() as connection:
            tables = _read_tables(connection)
        if not tables:
            raise SchemaError(f"No readable table in {self.label}. Create one, or connect to another database.")
        schema = Schema(self.dialect, tables)
        if self._known is None or schema != self._known:
            self._known = schema
        return self._known

    @contextmanager
    def _rolled_back(self, sql: str | None = None) -> Iterator[Connection]:
        started = time.monotonic()
        connection = self._open()
        try:
            self._supervisor.check()
            yield connection
        except Text2SqlError:
            raise
        except SQLAlchemyError as error:
            raise self._explained(error, time.monotonic() - started, sql) from error
        finally:
            if not connection.invalidated and not connection.closed:
                connection.rollback()

    def _explained(self, error: SQLAlchemyError, seconds: float, sql: str | None) -> Text2SqlError:
        said = scrub(getattr(error, "orig", None) or error, self._secrets)
        if isinstance(error, DBAPIError) and error.connection_invalidated:
            return ConnectionLostError(
                f"The connection to {self.label} was lost after {seconds:.1f} s ({said}). Run it again to reconnect.",
                sql=sql,
            )
        return QueryError(f"{self.dialect}: {said}", sql=sql)


def _read_tables(connection: Connection) -> tuple[Table, ...]:
    """The tables and views of the default schema, by SQLAlchemy's bulk reflection."""
    inspector = inspect(connection)
    columns = inspector.get_multi_columns(kind=ObjectKind.ANY)
    comments = _optional(inspector, "get_multi_table_comment")
    primary = inspector.get_multi_pk_constraint()
    foreign = inspector.get_multi_foreign_keys()
    views = set(inspector.get_view_names())
    schema = inspector.default_schema_name
    return tuple(
        Table(
            key[1],
            tuple(_column(column) for column in found),
            (schema,) if schema else (),
            primary_key=tuple((primary.get(key) or {}).get("constrained_columns") or ()),  # type: ignore[call-overload]
            foreign_keys=tuple(_foreign_key(part) for part in foreign.get(key) or ()),
            comment=(comments.get(key) or {}).get("text") or "",
            is_view=key[1] in views,
        )
        for key, found in columns.items()
    )


def _optional(inspector: Any, name: str) -> dict[Any, Any]:
    """Some engines have no comments, and their dialects say so by an error."""
    try:
        return dict(getattr(inspector, name)(kind=ObjectKind.ANY))
    except (NotImplementedError, NoSuchTableError):
        return {}


def _column(column: ReflectedColumn) -> Column:
    return Column(column["name"], str(column["type"]), column.get("comment") or "", bool(column.get("nullable", True)))


def _foreign_key(key: ReflectedForeignKeyConstraint) -> ForeignKey:
    path = (key["referred_schema"],) if key["referred_schema"] else ()
    return ForeignKey(tuple(key["constrained_columns"]), key["referred_table"], tuple(key["referred_columns"]), path)
