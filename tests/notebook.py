"""A notebook in this process: a real IPython shell with jupysql and the magics, and what its cells show."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from sql.connection import ConnectionManager


@dataclass(frozen=True)
class Seen:
    """What a person sees of a cell: its text (the answer's plain twin included), for how long it ran, how it ended."""

    text: str
    seconds: float
    value: Any
    error: BaseException | None


class Notebook:
    """Runs cells; ``connect`` makes jupysql's connection."""

    def __init__(self) -> None:
        self.shell = InteractiveShell()
        self.run("%load_ext sql\n%load_ext t2s_magic")

    def connect(self, url: str, alias: str = "db") -> None:
        seen = self.run(f"%sql {url} --alias {alias}")
        assert seen.error is None, seen.text

    def ask(self, question: str = "How many customers are there?", options: str = "") -> Seen:
        return self.run(f"%%text2sql {options}\n{question}")

    def run(self, cell: str) -> Seen:
        started = time.monotonic()
        with capture_output() as captured:
            result = self.shell.run_cell(cell)
        seconds = time.monotonic() - started
        return Seen(captured.stdout + captured.stderr, seconds, result.result, result.error_in_exec)


@contextmanager
def open_notebook() -> Iterator[Notebook]:
    """A notebook whose connections are closed at the end."""
    try:
        yield Notebook()
    finally:
        ConnectionManager.close_all()
        ConnectionManager.current = None
