"""Approved pairs of question and SQL: a readable file beside the notebook, one JSON line a pair."""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from itertools import islice
from pathlib import Path
from typing import Any

from t2s_magic.builtin.follow_up import is_follow_up
from t2s_magic.errors import PairsError, UnsafeSqlError
from t2s_magic.files import write_whole
from t2s_magic.guard import CheckedSql, check
from t2s_magic.schema import Schema
from t2s_magic.schema.link import stems

FILE_NAME = "t2s_pairs.jsonl"
LOCK_SECONDS = 5.0
LOCK_POLL_SECONDS = 0.05
MOST_IN_A_THREAD = 6


@dataclass(frozen=True)
class Pair:
    """A question and the statement a person approved for it.

    ``schema`` is the fingerprint of the schema at that time, ``tables`` the full names of what the statement reads,
    ``date`` the day of approval (ISO 8601).
    """

    question: str
    sql: str
    dialect: str
    schema: str
    tables: tuple[str, ...]
    date: str

    def demo(self) -> dict[str, Any]:
        """The pair as a demo for a question about the same database: without a schema, which stands there already."""
        return {"dialect": self.dialect, "evidence": "", "values": [], "question": self.question, "sql": self.sql}


class Pairs:
    """The pairs in one file, in its order; the file is made by the first ``add``.

    Several kernels may write at once: each waits for the other. The file is replaced whole, and left as it is when it
    holds a line that cannot be read: then every method raises PairsError, which names that line.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    def load(self) -> tuple[Pair, ...]:
        """All pairs; none where there is no file."""
        return tuple(_read(self.path))

    def add(self, pair: Pair) -> None:
        """Append ``pair``; it takes the place of one with the same question: a correction replaces what was wrong."""
        with _locked(self.path):
            _write(self.path, [*(each for each in _read(self.path) if not _is_same_question(each, pair)), pair])

    def remove(self, number: int) -> Pair:
        """Take out and return the pair listed as ``number``, counted from 1."""
        with _locked(self.path):
            pairs = _read(self.path)
            if not 1 <= number <= len(pairs):
                raise PairsError(f"There is no pair {number}; {self.path.name} holds {len(pairs)}. List them first.")
            _write(self.path, pairs[: number - 1] + pairs[number:])
            return pairs[number - 1]


class Thread:
    """The last question answered about a database, and those that went on from it ("and in 2020?"), in their order."""

    def __init__(self) -> None:
        self._about: object = None
        self._pairs: tuple[Pair, ...] = ()

    def before(self, question: str, about: object) -> tuple[Pair, ...]:
        """What ``question`` goes on from, the latest last; nothing where it can be asked alone or is ``about`` another.

        ``about`` is whatever tells databases apart.
        """
        return self._pairs if about is self._about and is_follow_up(question) else ()

    def add(self, pair: Pair, about: object) -> None:
        """``pair`` was answered: the next question may go on from it."""
        self._pairs = (*self.before(pair.question, about), pair)[-MOST_IN_A_THREAD:]
        self._about = about


def make_pair(question: str, checked: CheckedSql, schema: Schema, on: datetime.date | None = None) -> Pair:
    """The pair of ``question`` with a statement that the guard has passed, approved ``on`` a day (today)."""
    day = (on or datetime.date.today()).isoformat()
    return Pair(question.strip(), checked.sql, checked.dialect, schema.fingerprint, checked.tables, day)


def demos_for(question: str, pairs: Sequence[Pair], schema: Schema, k: int = 5) -> tuple[Pair, ...]:
    """The ``k`` pairs of this dialect whose questions share most words with ``question``, the most alike last.

    That is next to the question in a prompt. Stale pairs are left out, and those that the guard does not pass: the
    file may have come from anywhere.
    """
    asked = stems(question)
    related = [pair for pair in pairs if pair.dialect == schema.dialect]
    ranked = sorted(related, key=lambda pair: _overlap(asked, stems(pair.question)), reverse=True)
    usable = islice((pair for pair in ranked if _is_current(pair, schema) and _is_checked(pair, schema)), k)
    return tuple(reversed(tuple(usable)))


def stale_pairs(pairs: Sequence[Pair], schema: Schema) -> tuple[Pair, ...]:
    """The pairs of this dialect that read a table which ``schema`` does not have, or not any more."""
    return tuple(pair for pair in pairs if pair.dialect == schema.dialect and not _is_current(pair, schema))


def _is_current(pair: Pair, schema: Schema) -> bool:
    return all(schema.find(name.split(".")) or schema.find((name,)) for name in pair.tables)


def _is_checked(pair: Pair, schema: Schema) -> bool:
    try:
        check(pair.sql, pair.dialect, schema=schema)
    except UnsafeSqlError:
        return False
    return True


def _overlap(asked: set[str], other: set[str]) -> float:
    return len(asked & other) / (len(asked | other) or 1)


def _is_same_question(one: Pair, other: Pair) -> bool:
    return one.dialect == other.dialect and _folded(one.question) == _folded(other.question)


def _folded(question: str) -> str:
    return " ".join(question.casefold().split()).rstrip(" ?.!")


def _read(path: Path) -> list[Pair]:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise PairsError(f"{path} cannot be read: {error}. Correct it or move it away; nothing was changed.") from error
    # Not splitlines(): a question may hold one of the other characters that it takes for line ends.
    lines = text.split("\n")
    return [_pair(line, path, number) for number, line in enumerate(lines, start=1) if line.strip()]


def _pair(line: str, path: Path, number: int) -> Pair:
    try:
        data = json.loads(line)
        pair = Pair(**{**data, "tables": tuple(data["tables"])})
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise _unreadable(path, number, str(error)) from error
    for field in fields(Pair):
        value = getattr(pair, field.name)
        texts = value if field.name == "tables" else (value,)
        if not all(isinstance(text, str) for text in texts):
            raise _unreadable(path, number, f"{field.name} is no text")
    return pair


def _unreadable(path: Path, number: int, reason: str) -> PairsError:
    return PairsError(f"Line {number} of {path} is no pair ({reason}). Correct or delete it; nothing was changed.")


def _write(path: Path, pairs: Sequence[Pair]) -> None:
    lines = [json.dumps(_as_data(pair), ensure_ascii=False) for pair in pairs]
    try:
        write_whole(path, "".join(f"{line}\n" for line in lines))
    except OSError as error:
        raise PairsError(f"The pair was not saved to {path}: {error.strerror}. The file is as it was.") from error


def _as_data(pair: Pair) -> Mapping[str, Any]:
    return {**asdict(pair), "tables": list(pair.tables)}


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Alone among the kernels that write to ``path``.

    The lock is the operating system's, on a hidden file beside it, so it ends with the process that held it.
    """
    try:
        handle = os.open(path.with_name(f".{path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise PairsError(f"No pairs can be saved in {path.absolute().parent}: {error.strerror}.") from error
    try:
        _wait_for(handle, path)
        yield
    finally:
        os.close(handle)


def _wait_for(handle: int, path: Path) -> None:
    until = time.monotonic() + LOCK_SECONDS
    while not _take(handle):
        if time.monotonic() > until:
            raise PairsError(f"Another program holds {path}; the pair was not saved. Try again.")
        time.sleep(LOCK_POLL_SECONDS)


if sys.platform == "win32":
    import msvcrt

    def _take(handle: int) -> bool:
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _take(handle: int) -> bool:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True
