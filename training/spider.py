"""Spider's questions and databases, for training and for measuring the representation."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from t2s_magic.schema import Column, ForeignKey, Schema, Table

# Spider's folder, unless a caller names another.
SPIDER = Path(os.environ.get("SPIDER", "data/spider"))


def examples(split: str, folder: Path = SPIDER) -> list[dict[str, Any]]:
    """Lines of ``train``, ``train_others`` or ``dev``; ``is_scored`` is False where a table of the gold is empty."""
    flags = [json.loads(line) for line in (folder / "empty_table_flags.jsonl").read_text().splitlines()]
    empty = {flag["index"] for flag in flags if flag["split"] == split}
    lines = (folder / f"{split}.jsonl").read_text().splitlines()
    return [{**json.loads(line), "is_scored": number not in empty} for number, line in enumerate(lines)]


def connect(database: str, folder: Path = SPIDER) -> sqlite3.Connection:
    path = folder / "database" / database / f"{database}.sqlite"
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, check_same_thread=False)
    connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
    return connection


@lru_cache(maxsize=256)
def schema(database: str, folder: Path = SPIDER) -> Schema:
    """The schema as the file declares it: names, types, keys."""
    connection = connect(database, folder)
    names = [
        name
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY rowid")
        if not name.startswith("sqlite_")
    ]
    return Schema("sqlite", tuple(_table(connection, name) for name in names))


def _table(connection: sqlite3.Connection, name: str) -> Table:
    info = connection.execute(f'PRAGMA table_info("{name}")').fetchall()
    keys = sorted((row[5], row[1]) for row in info if row[5])
    return Table(
        name,
        tuple(Column(row[1], row[2], nullable=not row[3]) for row in info),
        ("main",),
        primary_key=tuple(column for _, column in keys),
        foreign_keys=tuple(_foreign_keys(connection, name)),
    )


def _foreign_keys(connection: sqlite3.Connection, name: str) -> Iterator[ForeignKey]:
    rows: dict[int, list[Any]] = {}
    for row in connection.execute(f'PRAGMA foreign_key_list("{name}")'):
        rows.setdefault(row[0], []).append(row)
    for number in sorted(rows, reverse=True):  # SQLite lists the last declared key first
        key = sorted(rows[number], key=lambda row: row[1])
        to_columns = tuple(row[4] for row in key if row[4])
        yield ForeignKey(tuple(row[3] for row in key), key[0][2], to_columns)
