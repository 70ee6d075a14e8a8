"""Question sets: JSON lines of ``{"db_id", "question", "sql", "evidence"?}``, databases beside them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from t2s_magic.errors import UsageError


@dataclass(frozen=True)
class Question:
    """A question about database ``db_id`` with its gold SQL; ``index`` is its place in the file, from 0."""

    index: int
    db_id: str
    question: str
    sql: str
    evidence: str = ""


def read_questions(path: Path) -> list[Question]:
    """All questions of a JSON-lines file, in order. Raises UsageError naming the line that is wrong."""
    return [_question(index, line, path) for index, line in enumerate(_lines(path))]


def read_skipped(path: Path, questions: Path) -> set[int]:
    """Places of the questions to leave out, from lines ``{"index", "split"?}``.

    Where lines carry a split, those of the split that the questions' file is named after count (``dev.jsonl``: "dev").
    """
    flags = [_object(line, path, number) for number, line in enumerate(_lines(path), start=1)]
    return {int(flag["index"]) for flag in flags if flag.get("split", questions.stem) == questions.stem}


def database_file(folder: Path, db_id: str) -> Path:
    """``folder/db_id/db_id.sqlite`` or ``folder/db_id.sqlite``. Raises UsageError when neither is there."""
    paths = database_files(folder, db_id)
    found = next((path for path in paths if path.is_file()), None)
    if found is None:
        raise UsageError(f"No database file {paths[0]}. --databases wants a folder of DB_ID/DB_ID.sqlite files.")
    return found


def database_files(folder: Path, db_id: str) -> tuple[Path, Path]:
    """Where a database's file may lie in ``folder``."""
    return folder / db_id / f"{db_id}.sqlite", folder / f"{db_id}.sqlite"


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise UsageError(f"Cannot read {path}: {error.strerror}.") from error


def _question(index: int, line: str, path: Path) -> Question:
    data = _object(line, path, index + 1)
    missing = [field for field in ("db_id", "question", "sql") if not isinstance(data.get(field), str)]
    if missing:
        raise UsageError(f"Line {index + 1} of {path} has no {' and no '.join(missing)}.")
    return Question(index, data["db_id"], data["question"], data["sql"], data.get("evidence") or "")


def _object(line: str, path: Path, number: int) -> dict[str, Any]:
    try:
        data = json.loads(line)
    except json.JSONDecodeError as error:
        raise UsageError(f"Line {number} of {path} is not JSON: {error.msg}.") from error
    if not isinstance(data, dict):
        raise UsageError(f"Line {number} of {path} is not a JSON object.")
    return data
