"""From whatever names a database to the Database of its engine."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from sqlalchemy.engine import URL, Connection, Engine, create_engine, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, ResourceClosedError

from t2s_magic.database.base import Database
from t2s_magic.database.generic import GenericDatabase
from t2s_magic.database.mysql import MySqlDatabase
from t2s_magic.database.sqlite import SqliteDatabase
from t2s_magic.errors import NoConnectionError, UsageError

_DUCKDB_ENDINGS = (".duckdb", ".ddb")
_SQLITE_ENDINGS = (".sqlite", ".sqlite3", ".db", ".db3")
# Of modules whose package has another name.
_PACKAGES = {"MySQLdb": "mysqlclient", "mysql": "mysql-connector-python"}
_KINDS = "an SQLAlchemy URL, engine or connection, a connection of sqlite3, duckdb or psycopg, or a path to a file"


def connect(source: object) -> Database:
    """The database that ``source`` names, to be read and nothing else.

    ``source`` is an SQLAlchemy URL (``"sqlite:///chinook.sqlite"``), engine or connection, a connection of sqlite3,
    duckdb, psycopg or psycopg2, or the path of an SQLite or DuckDB file. A connection of the user's stays theirs:
    ``close()`` does not close it. Raises NoConnectionError (no such file or server, driver missing) or UsageError.
    """
    if isinstance(source, (Engine, Connection)):
        return _from_sqlalchemy(source)
    if isinstance(source, sqlite3.Connection):
        return SqliteDatabase(source=source)
    if isinstance(source, (URL, str, Path)):
        return _from_url(source) if _is_url(source) else _from_file(Path(str(source)))
    if type(source).__name__ == "DuckDBPyConnection":
        return _duckdb(source)
    if type(source).__module__.partition(".")[0] in ("psycopg", "psycopg2"):
        return _postgres_connection(source)
    raise UsageError(f"Cannot connect to a {type(source).__module__}.{type(source).__name__}. Give {_KINDS}.")


def _is_url(source: URL | str | Path) -> bool:
    return isinstance(source, URL) or (isinstance(source, str) and "://" in source)


def _from_file(file: Path) -> Database:
    if file.suffix.lower() in _SQLITE_ENDINGS or _starts_with(file, 0, b"SQLite format 3"):
        return SqliteDatabase(str(file))
    if file.suffix.lower() in _DUCKDB_ENDINGS or _starts_with(file, 8, b"DUCK"):
        return _duckdb_file(str(file), {})
    if not file.exists():
        raise NoConnectionError(f"There is no file {file.name!r} in {file.absolute().parent}. Give {_KINDS}.")
    raise UsageError(f"{file.name!r} is neither an SQLite nor a DuckDB file. Give {_KINDS}.")


def _starts_with(file: Path, offset: int, mark: bytes) -> bool:
    if not file.is_file():
        return False
    with file.open("rb") as opened:
        return opened.read(offset + len(mark)).endswith(mark)


def _duckdb(source: Any) -> Database:
    from t2s_magic.database.duckdb import DuckDbDatabase  # imports duckdb, which only its users have

    return DuckDbDatabase(source)


def _duckdb_file(path: str, options: Mapping[str, Any]) -> Database:
    try:
        from t2s_magic.database.duckdb_source import DuckDbFile
    except ModuleNotFoundError as error:
        raise NoConnectionError("DuckDB is not installed. Run pip install duckdb duckdb-engine pytz.") from error
    return _duckdb(DuckDbFile(path, options))


def _from_url(source: URL | str | Path) -> Database:
    try:
        url = make_url(source)  # type: ignore[arg-type]  # a Path is no URL
    except (ArgumentError, ValueError):
        # The text may hold a password, so neither it nor the error, which quotes it, is repeated.
        raise UsageError("This is not a database URL. Write dialect://user@host/name or sqlite:///file.") from None
    if url.get_backend_name() == "sqlite":
        return SqliteDatabase(_sqlite_file(url))
    if url.get_backend_name() == "duckdb":
        path = url.database or ""
        return _duckdb_file("" if path == ":memory:" else path, url.query)
    if url.get_backend_name() == "postgresql":
        return _postgres(url)
    if url.get_backend_name() in ("mysql", "mariadb"):
        return MySqlDatabase(_engine(url))
    return GenericDatabase(_engine(url), owns_engine=True)


def _postgres(url: URL) -> Database:
    postgres, session = _postgres_modules()
    database: Database = postgres.PostgresDatabase(session.Server.of_url(url))
    return database


def _postgres_connection(source: Any) -> Database:
    if not hasattr(source, "info") or "Async" in type(source).__name__:
        raise UsageError(f"Cannot connect to a {type(source).__name__}. Give {_KINDS}.")
    postgres, session = _postgres_modules()
    database: Database = postgres.PostgresDatabase(session.Server.of_connection(source), source)
    return database


def _postgres_modules() -> tuple[ModuleType, ModuleType]:
    try:
        from t2s_magic.database import postgres, postgres_session  # import psycopg, which only its users have
    except ImportError as error:
        raise NoConnectionError(
            "Reading PostgreSQL needs psycopg 3, also beside psycopg2. Run pip install 'psycopg[binary]'."
        ) from error
    return postgres, postgres_session


def _sqlite_file(url: URL) -> str:
    """The file of ``sqlite:///path`` or ``sqlite:///file:path?mode=ro&uri=true``; "" for a database in memory."""
    file = url.database or ""
    if file.startswith("file:"):
        file = file.removeprefix("file:").partition("?")[0]
    return "" if file == ":memory:" else file


def _from_sqlalchemy(source: Engine | Connection) -> Database:
    engine = source if isinstance(source, Engine) else source.engine
    dialect, driver = engine.dialect.name, engine.dialect.driver
    if dialect == "sqlite" and engine is source and (file := _sqlite_file(engine.url)):
        return SqliteDatabase(file)  # no connection of the pool's is the user's own
    if dialect == "sqlite":
        return SqliteDatabase(source=_driver_connection(source))
    if dialect == "duckdb":
        return _duckdb(_driver_connection(source))
    if dialect == "postgresql" and driver in ("psycopg", "psycopg2") and engine is not source:
        return _postgres_connection(_driver_connection(source))
    if dialect == "postgresql":
        return _postgres(engine.url)
    if dialect in ("mysql", "mariadb"):
        return MySqlDatabase(engine)
    return GenericDatabase(engine)


def _engine(url: URL) -> Engine:
    try:
        return create_engine(url)
    except NoSuchModuleError as error:
        raise NoConnectionError(
            f"SQLAlchemy has no dialect {url.drivername!r}. Check the URL, or install the package that brings it."
        ) from error
    except ModuleNotFoundError as error:
        package = _PACKAGES.get(error.name or "", error.name)
        raise NoConnectionError(
            f"The driver of {url.drivername!r} is not installed. Run pip install {package}."
        ) from error


def _driver_connection(source: Engine | Connection) -> Any:
    """The driver's own connection under an SQLAlchemy one, without beginning a transaction on it."""
    try:
        held = source.connection if isinstance(source, Connection) else source.raw_connection()
    except ResourceClosedError as error:
        raise NoConnectionError("This SQLAlchemy connection is closed. Connect again.") from error
    return held.dbapi_connection
