"""A statement that eats memory is stopped before the kernel is."""

from __future__ import annotations

import threading

import pytest

from t2s_magic.database.memory import MEGABYTE
from t2s_magic.database.supervise import Supervisor
from t2s_magic.errors import QueryError


def test_work_that_outgrows_its_share_of_memory_is_stopped_and_it_is_said():
    stopped = threading.Event()
    supervisor = Supervisor(stopped.set, lambda: None, growth=200 * MEGABYTE)
    held: list[bytes] = []

    def work() -> None:
        while not stopped.wait(0.01):
            held.append(b"x" * 20 * MEGABYTE)

    with pytest.raises(QueryError, match=r"Stopped: the statement took more than 0\.2 GB of memory, and nothing was"):
        supervisor.run(work, seconds=60)
    assert sum(map(len, held)) < 1_000 * MEGABYTE
    held.clear()
    assert supervisor.run(lambda: 42, seconds=5) == 42


def test_work_that_stays_small_is_left_alone():
    supervisor = Supervisor(lambda: None, lambda: None, growth=200 * MEGABYTE)
    assert supervisor.run(lambda: threading.Event().wait(0.2), seconds=5) is False
