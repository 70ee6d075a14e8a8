"""Questions by hand over business databases of our own: see README.md."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

QUESTIONS = ("questions.jsonl", "second.jsonl")
_HERE = Path(__file__).parent


def build(out: Path) -> None:
    """Write ``out/<db_id>/<db_id>.sqlite`` and, beside them, the files of ``QUESTIONS``."""
    for script in sorted(_HERE.glob("*.sql")):
        path = out / script.stem / f"{script.stem}.sqlite"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        connection = sqlite3.connect(path)
        connection.executescript(script.read_text("utf-8"))
        connection.close()
    for questions in QUESTIONS:
        shutil.copy(_HERE / questions, out / questions)
