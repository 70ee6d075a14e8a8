"""What a database holds, as plain data: no connection, no engine, no SQL text is parsed here."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any


@dataclass(frozen=True)
class Column:
    """A column; ``type`` is spelled as the engine spells it (``"VARCHAR(40)"``)."""

    name: str
    type: str = ""
    comment: str = ""
    nullable: bool = True


def column_maker() -> Callable[..., Column]:
    """``Column``, but one object for all that are equal: a large schema repeats its columns, and each takes time."""
    return cache(Column)


@dataclass(frozen=True)
class ForeignKey:
    """``columns`` of the owning table refer to ``to_columns`` of the table ``to_table`` at ``to_path``."""

    columns: tuple[str, ...]
    to_table: str
    to_columns: tuple[str, ...]
    to_path: tuple[str, ...] = ()


@dataclass(frozen=True)
class Table:
    """A table or view.

    ``path`` is where it lives, outermost first: ``("main",)`` in SQLite, ``("public",)`` in PostgreSQL,
    ``("sales", "main")`` in DuckDB. ``qualifier`` is the part of it that SQL has to write: ``()`` when the bare name
    reaches this table.
    """

    name: str
    columns: tuple[Column, ...]
    path: tuple[str, ...] = ()
    qualifier: tuple[str, ...] = ()
    primary_key: tuple[str, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    comment: str = ""
    is_view: bool = False

    @property
    def full_name(self) -> str:
        """The name as SQL has to write it, unquoted: ``"sales.orders"``."""
        return ".".join((*self.qualifier, self.name))

    def column(self, name: str) -> Column | None:
        """The column called ``name``, exactly or else in any case."""
        return self._columns.get(name) or self._columns_folded.get(name.casefold())

    @cached_property
    def _columns(self) -> dict[str, Column]:
        return {column.name: column for column in self.columns}

    @cached_property
    def _columns_folded(self) -> dict[str, Column]:
        return {column.name.casefold(): column for column in reversed(self.columns)}


@dataclass(frozen=True)
class Schema:
    """All tables that the connection can read, in the engine's order.

    ``unseen`` names what the user may expect but our read-only view cannot see (temporary tables, registered
    DataFrames), each with its kind: ``(("df", "DataFrame"), ("tmp", "temporary table"))``.
    """

    dialect: str
    tables: tuple[Table, ...]
    unseen: tuple[tuple[str, str], ...] = ()

    @cached_property
    def fingerprint(self) -> str:
        """16 hexadecimal digits that change when any name, type, key or comment does."""
        return hashlib.sha256(json.dumps(self.to_dict(), ensure_ascii=False).encode()).hexdigest()[:16]

    def find(self, parts: Sequence[str]) -> Table | None:
        """The one table that ``parts`` (``("orders",)``, ``("sales", "orders")``) names in SQL, or None.

        A bare name reaches only tables without a qualifier; an exact spelling goes before another case.
        """
        *qualifier, name = parts
        same_name = self._by_folded_name.get(name.casefold(), ())
        reached = [table for table in same_name if _reaches(qualifier, table)]
        exact = [table for table in reached if table.name == name]
        return next(iter(exact or reached), None)

    def only(self, tables: Sequence[Table]) -> Schema:
        """The same schema, cut to ``tables``, in their original order."""
        kept = {id(table) for table in tables}
        return Schema(self.dialect, tuple(table for table in self.tables if id(table) in kept), self.unseen)

    @cached_property
    def _by_folded_name(self) -> dict[str, tuple[Table, ...]]:
        index: dict[str, list[Table]] = {}
        for table in self.tables:
            index.setdefault(table.name.casefold(), []).append(table)
        return {name: tuple(tables) for name, tables in index.items()}

    @cached_property
    def _as_dict(self) -> dict[str, Any]:
        # By hand: dataclasses.asdict copies every text of it, and takes ten times as long.
        return {"dialect": self.dialect, "tables": tuple(map(_as_dict, self.tables)), "unseen": self.unseen}

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON; the inverse of ``from_dict``. Shared between calls: not to be changed."""
        return self._as_dict

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> Schema:
        make_column = column_maker()
        return Schema(
            data["dialect"],
            tuple(_table(table, make_column) for table in data["tables"]),
            tuple((name, kind) for name, kind in data.get("unseen", ())),
        )


def _reaches(qualifier: Sequence[str], table: Table) -> bool:
    if not qualifier:
        return not table.qualifier
    wanted = tuple(part.casefold() for part in qualifier)
    path = tuple(part.casefold() for part in table.path)
    # DuckDB reaches lake.main.orders as lake.orders, too.
    shorter = path[:-1] if path[-1:] == ("main",) else ()
    return wanted in (path[-len(wanted) :], shorter[-len(wanted) :])


def _as_dict(table: Table) -> dict[str, Any]:
    return {
        "name": table.name,
        "columns": tuple(dict(vars(column)) for column in table.columns),
        "path": table.path,
        "qualifier": table.qualifier,
        "primary_key": table.primary_key,
        "foreign_keys": tuple(dict(vars(key)) for key in table.foreign_keys),
        "comment": table.comment,
        "is_view": table.is_view,
    }


def _table(data: Mapping[str, Any], make_column: Callable[..., Column]) -> Table:
    return Table(
        data["name"],
        tuple(make_column(**column) for column in data["columns"]),
        tuple(data.get("path", ())),
        tuple(data.get("qualifier", ())),
        tuple(data.get("primary_key", ())),
        tuple(_foreign_key(key) for key in data.get("foreign_keys", ())),
        data.get("comment", ""),
        data.get("is_view", False),
    )


def _foreign_key(data: Mapping[str, Any]) -> ForeignKey:
    return ForeignKey(
        tuple(data["columns"]), data["to_table"], tuple(data["to_columns"]), tuple(data.get("to_path", ()))
    )
