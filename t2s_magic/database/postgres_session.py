"""A PostgreSQL session of our own, read-only, made from what the user's connection or URL says about the server."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg.adapt import Loader
from psycopg.conninfo import make_conninfo
from sqlalchemy.engine import URL

from t2s_magic.database.labels import scrub, server_label
from t2s_magic.errors import NoConnectionError

CONNECT_SECONDS = 10
LOCK_SECONDS = 5
_IDLE_SECONDS = 60
# What may be repeated to people; any other parameter can hold a secret, a user's name among them.
_PLAIN_PARAMETERS = frozenset(
    "host hostaddr port dbname sslmode gssencmode channel_binding connect_timeout client_encoding application_name "
    "target_session_attrs".split()
)
# Values that psycopg refuses to make a Python object of: infinity, year 0, BC, 24:00:00, a JSON nested too deep.
_WIDER_THAN_PYTHON = ("date", "timestamp", "timestamptz", "time", "timetz", "interval", "json", "jsonb")


@dataclass(frozen=True)
class Server:
    """Where to connect. ``settings`` are the user's session settings that change what a query means."""

    parameters: dict[str, str] = field(repr=False)
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def label(self) -> str:
        return server_label("postgres", self.parameters.get("host"), self.parameters.get("dbname"))

    @property
    def secrets(self) -> tuple[str, ...]:
        return tuple(value for name, value in self.parameters.items() if value and name not in _PLAIN_PARAMETERS)

    @staticmethod
    def of_url(url: URL) -> Server:
        """Raises NoConnectionError for an option that PostgreSQL's library does not know."""
        parts = {"host": url.host, "port": url.port, "user": url.username, "password": url.password}
        given = {name: str(value) for name, value in {**parts, "dbname": url.database}.items() if value is not None}
        options = {name: value if isinstance(value, str) else ",".join(value) for name, value in url.query.items()}
        try:
            make_conninfo(**options)
        except psycopg.ProgrammingError as error:
            names = ", ".join(options)
            raise NoConnectionError(f"PostgreSQL does not know an option of the URL: {names}. Remove it.") from error
        return Server({**given, **options})

    @staticmethod
    def of_connection(connection: Any) -> Server:
        """The same server, database and user as a connection of psycopg or psycopg2; nothing is sent on it."""
        info = connection.info
        parameters = info.get_parameters() if hasattr(info, "get_parameters") else info.dsn_parameters
        given = {name: value for name, value in parameters.items() if value}
        if info.password:
            given["password"] = info.password
        # PostgreSQL tells its clients these settings unasked, the search path from version 18 on.
        told = {name: info.parameter_status(name) for name in ("TimeZone", "search_path")}
        return Server(given, {name: value for name, value in told.items() if value})


def open_session(server: Server) -> psycopg.Connection:
    """Raises NoConnectionError, with the server's words but for what could be secret in them."""
    parameters = {"connect_timeout": str(CONNECT_SECONDS), **server.parameters}
    parameters |= {"application_name": "t2s_magic", "client_encoding": "utf8"}
    try:
        session = psycopg.connect(**parameters, autocommit=True)  # type: ignore[arg-type]
    except psycopg.Error as error:
        said = scrub(error, server.secrets)
        raise NoConnectionError(f"No read-only connection to {server.label}: {said}") from None  # it names the user
    _set_up(session, server)
    return session


def hang_up(session: psycopg.Connection) -> None:
    """End the connection under a statement that cannot be stopped: what waits for the server's next word gets none."""
    with suppress(OSError), socket.socket(fileno=os.dup(session.fileno())) as line:  # it may have ended by itself
        line.shutdown(socket.SHUT_RDWR)


def _set_up(session: psycopg.Connection, server: Server) -> None:
    # After connecting, because a pooler in between refuses the startup option that would do the same.
    session.execute("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY")
    settings = {
        "idle_in_transaction_session_timeout": f"{_IDLE_SECONDS}s",
        "lock_timeout": f"{LOCK_SECONDS}s",
        "DateStyle": "ISO",
        "IntervalStyle": "postgres",
        **server.settings,
        # The server has to read literals as the guard has read them, whatever the role or the URL sets.
        "standard_conforming_strings": "on",
        "client_encoding": "UTF8",
    }
    for name, value in settings.items():
        session.execute("SELECT set_config(%s, %s, false)", (name, value))
    for name in _WIDER_THAN_PYTHON:
        session.adapters.register_loader(name, _forgiving(session, name))


def _forgiving(session: psycopg.Connection, name: str) -> type[Loader]:
    """psycopg's own loader of a type, or the text as PostgreSQL writes it where Python has no such value."""
    found = session.adapters.get_loader(session.adapters.types[name].oid, psycopg.pq.Format.TEXT)
    assert found is not None, f"psycopg loads {name}"
    usual = found

    class Forgiving(Loader):
        def __init__(self, oid: int, context: Any = None) -> None:
            super().__init__(oid, context)
            self._usual = usual(oid, context)

        def load(self, data: Any) -> Any:
            try:
                return self._usual.load(data)
            except (psycopg.DataError, ValueError, OverflowError, RecursionError):
                return bytes(data).decode()

    return Forgiving
