"""The border to jupysql, and the only importer of its package ``sql``: its connections, snippets and kind of result.

jupysql 0.11 has no public API for these, so its internal names are used here and nowhere else. It takes seconds to
import, so it is never imported before the user has: without ``%load_ext sql`` there is no connection to find.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy.engine import IteratorResult, Row
from sqlalchemy.engine.result import SimpleResultMetaData

from t2s_magic.database import Database, Rows, connect
from t2s_magic.database.base import TakesTables
from t2s_magic.errors import NoConnectionError, UsageError
from t2s_magic.frames import to_pandas, to_polars
from t2s_magic.widget.cells import csv_text, show
from t2s_magic.widget.text import visible_line

if TYPE_CHECKING:
    import pandas
    import polars

NO_CONNECTION = "No database connection. Run %load_ext sql, then %sql <url>."
ROWS_SHOWN = 10


class Connections:
    """The databases behind jupysql's connections, each made once, so that what was read of a schema is kept."""

    def __init__(self) -> None:
        # The connection is kept beside its Database, so that no other object gets its id.
        self._databases: dict[int, tuple[Any, Database]] = {}

    def database(self, alias: str | None = None) -> Database:
        """The Database of jupysql's current connection, or of the one called ``alias``.

        Raises NoConnectionError when jupysql is not loaded or has no connection, UsageError for an unknown alias.
        """
        connection = _connection(alias)
        source = _source(connection)
        if id(source) not in self._databases:
            self._databases[id(source)] = (source, connect(source))
        return self._databases[id(source)][1]

    def use(self, target: str, names: Mapping[str, Any]) -> str:
        """Add a DataFrame of the notebook, or a csv, parquet or json file, to the current connection's tables.

        A file is called by its name without folder and ending. Returns what was added; raises UsageError.
        """
        if "://" in target:  # not repeated: it may hold a password or a token
            raise UsageError("%t2s use takes the name of a DataFrame or a file here, no URL. Download the file first.")
        database = self.database()
        if not isinstance(database, TakesTables):
            raise UsageError(
                f"{database.label} takes no DataFrame or file. Run %sql duckdb://, and then %t2s use {target}."
            )
        found = names.get(target, target)
        name = target if target in names else _table_name(target)
        if isinstance(found, str) and not Path(found).suffix:
            raise UsageError(f"There is no DataFrame {target!r} in this notebook, and it is no file. Check the name.")
        database.add(name, found)
        table = database.schema().find((name,))
        assert table is not None, "add() makes a table of that name"
        columns = ", ".join(visible_line(column.name) for column in table.columns[:ROWS_SHOWN])
        more = ", …" if len(table.columns) > ROWS_SHOWN else ""
        return f"Added {name} ({columns}{more}) as it is now; your own connection does not see it."

    def forget(self) -> None:
        """Close what was opened beside the user's connections, which stay open."""
        for _, database in self._databases.values():
            database.close()
        self._databases.clear()


class ResultSet:
    """Rows in memory that behave as jupysql's own result does, and hold nothing of the database any more.

    jupysql's own keeps a live statement, and executes it again on the user's connection in some cases.
    """

    def __init__(self, rows: Rows, shown: int = ROWS_SHOWN) -> None:
        self._rows = rows
        self._shown = shown
        # SQLAlchemy's rows are tuples whose columns are attributes, too, as jupysql's users know them.
        self._results: Sequence[Row[Any]] = IteratorResult(SimpleResultMetaData(rows.columns), iter(rows.rows)).all()

    @property
    def keys(self) -> list[str]:
        """The column names, each once."""
        return list(self._rows.columns)

    @property
    def field_names(self) -> list[str]:
        return self.keys

    def __len__(self) -> int:
        return len(self._results)

    def __iter__(self) -> Iterator[Row[Any]]:
        return iter(self._results)

    def __eq__(self, other: object) -> bool:
        return self._results == (other._results if isinstance(other, ResultSet) else other)

    __hash__ = None  # type: ignore[assignment]  # as a list, which it is equal to

    def __getitem__(self, key: Any) -> Any:
        """A row by its position, rows by a slice, or the one row whose first cell is ``key``."""
        if isinstance(key, (int, slice)):
            return self._results[key]
        found = [row for row in self if row[0] == key]
        if len(found) != 1:
            raise KeyError(f'{len(found)} results for "{key}"' if found else key)
        return found[0]

    def dict(self) -> dict[str, tuple[Any, ...]]:
        """Each column's values under its name."""
        return {name: tuple(row[at] for row in self._rows.rows) for at, name in enumerate(self.keys)}

    def dicts(self) -> Iterator[Mapping[str, Any]]:
        """One dict a row."""
        return (dict(zip(self.keys, row, strict=True)) for row in self._rows.rows)

    def DataFrame(self) -> pandas.DataFrame:  # noqa: N802 - jupysql's name
        """The rows in pandas."""
        return to_pandas(self._rows)

    def PolarsDataFrame(self, **options: Any) -> polars.DataFrame:  # noqa: N802 - jupysql's name
        """The rows in polars; ``options`` are those of ``polars.DataFrame``."""
        return _polars_frame(self._rows, options)

    def csv(self, filename: str | None = None) -> str:
        """The rows as CSV, in which a spreadsheet finds no formula; written to ``filename`` when one is given."""
        text = csv_text(self.keys, self._rows.rows)
        if filename is None:
            return text
        Path(filename).write_text(text, encoding="utf-8", newline="")
        return f"CSV results at {Path(filename).absolute()}"

    def __repr__(self) -> str:
        lines = [" | ".join(map(visible_line, self.keys))]
        lines += [" | ".join(show(cell).text for cell in row) for row in self._rows.rows[: self._shown]]
        return "\n".join([*lines, self._footer()])

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{escape(visible_line(name))}</th>" for name in self.keys)
        rows = (
            "".join(f"<td>{escape(show(cell).text)}</td>" for cell in row) for row in self._rows.rows[: self._shown]
        )
        body = "".join(f"<tr>{row}</tr>" for row in rows)
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table><p>{escape(self._footer())}</p>"

    def _footer(self) -> str:
        count = f"{len(self):,} {'row' if len(self) == 1 else 'rows'}"
        cut = f"the first {count} of more" if self._rows.is_cut else count
        return f"{cut}; {self._shown} shown" if len(self) > self._shown else cut


def result_set(rows: Rows) -> Any:
    """The rows as jupysql's settings ask for them: a ResultSet, or a DataFrame under autopandas or autopolars."""
    settings = _settings()
    if settings is None:
        return ResultSet(rows)
    if settings.autopandas:
        return to_pandas(rows)
    if settings.autopolars:
        return _polars_frame(rows, settings.polars_dataframe_kwargs)
    return ResultSet(rows, settings.displaylimit or len(rows))


def save_snippet(name: str, sql: str) -> None:
    """Keep ``sql`` under ``name`` for ``%%sql --with name``. It has to be text that the guard made for a cell."""
    if not name.isidentifier():
        raise UsageError(f"{name!r} cannot name a snippet. Use letters, digits and underscores, such as top_customers.")
    if _settings() is None:
        raise UsageError("Snippets are kept by jupysql. Run %load_ext sql first.")
    from sql.store import store

    store.store(name, sql)


def _settings() -> Any:
    """jupysql's magic, whose traits are its settings; None where it is not loaded."""
    if "sql" not in sys.modules:
        return None
    from sql import _current

    try:
        return _current._get_sql_magic()
    except RuntimeError:  # the package is imported, its magics are not registered
        return None


def _connection(alias: str | None) -> Any:
    if _settings() is None:
        raise NoConnectionError(NO_CONNECTION)
    from sql.connection import ConnectionManager

    if alias is None:
        if ConnectionManager.current is None:
            raise NoConnectionError(NO_CONNECTION)
        return ConnectionManager.current
    if alias not in ConnectionManager.connections:
        # A connection without an alias is kept under its URL, which may hold secrets.
        known = ", ".join(name for name in ConnectionManager.connections if "://" not in str(name))
        raise UsageError(f"There is no connection {alias!r}. " + (f"Connections: {known}." if known else NO_CONNECTION))
    return ConnectionManager.connections[alias]


def _source(connection: Any) -> Any:
    """What ``connect`` takes: an SQLAlchemy connection, or the driver's own one."""
    if getattr(connection, "is_dbapi_connection", False):
        return connection._connection  # there is no public name for it
    if not hasattr(connection, "connection_sqlalchemy"):
        raise UsageError(f"Cannot read a {type(connection).__name__} of jupysql. Connect by an SQLAlchemy URL.")
    return connection.connection_sqlalchemy


def _polars_frame(rows: Rows, options: Mapping[str, Any]) -> polars.DataFrame:
    frame = to_polars(rows)
    if not options:
        return frame
    import polars

    return polars.DataFrame(frame.to_dict(), **{"schema": frame.schema, **options})


def _table_name(path: str) -> str:
    """``sales_2025`` for ``data/sales-2025.csv``."""
    return "".join(letter if letter.isalnum() else "_" for letter in Path(path).stem) or "file"
