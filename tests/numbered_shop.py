"""A database of numbered names, and a question with its gold SQL about each."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

QUESTIONS = [(f"Which name has number {n}?", f"SELECT name FROM t WHERE number = {n}") for n in range(24)]


def write_numbered_shop(folder: Path) -> Path:
    """Write ``shop.sqlite`` and ``questions.jsonl`` into ``folder``, which is made; the questions' path."""
    folder.mkdir()
    with sqlite3.connect(folder / "shop.sqlite") as connection:
        connection.execute("CREATE TABLE t (number INTEGER, name TEXT)")
        connection.executemany("INSERT INTO t VALUES (?, ?)", [(number, f"name{number}") for number in range(24)])
    rows = [{"db_id": "shop", "question": question, "sql": sql} for question, sql in QUESTIONS]
    questions = folder / "questions.jsonl"
    questions.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return questions
