"""Silence for code that prints: only what the threads of a study write is swallowed."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

LOGGERS = ("dspy", "optuna", "gepa")


class _Muted:
    """A stream without the words of some threads."""

    def __init__(self, stream: Any, threads: set[int]) -> None:
        self._stream, self._threads = stream, threads

    def write(self, text: str) -> int:
        return len(text) if threading.get_ident() in self._threads else int(self._stream.write(text) or 0)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def quiet() -> Iterator[Callable[[], None]]:
    """Within: optimizers, which print and log as they go, are not heard; other threads of the notebook are.

    Gives a function that silences the thread that calls it as well: the initializer of a pool.
    """
    threads = {threading.get_ident()}
    streams = sys.stdout, sys.stderr
    levels = {name: logging.getLogger(name).level for name in LOGGERS}
    sys.stdout, sys.stderr = _Muted(sys.stdout, threads), _Muted(sys.stderr, threads)
    for name in LOGGERS:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        yield lambda: threads.add(threading.get_ident())
    finally:
        sys.stdout, sys.stderr = streams
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
