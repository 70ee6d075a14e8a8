"""One statement at a time, in a thread of its own, stopped at a limit, on cancel() or by the kernel's interrupt.

Engines differ in what they notice while they compute: psycopg 2 sees a KeyboardInterrupt only when the query ends,
sqlite3 swallows it, DuckDB looks in the main thread alone. A thread that waits and interrupts from outside is the same
for all of them.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Generic, Protocol, TypeVar

from t2s_magic.database.memory import GIGABYTE, MOST_GROWTH, MemoryWatch
from t2s_magic.errors import CancelledError, QueryError, TimeLimitError


class _Closable(Protocol):
    def close(self) -> Any: ...


T = TypeVar("T")
C = TypeVar("C", bound=_Closable)

# An interrupt that arrives between two steps of an engine is lost, so it is repeated until the statement ends.
REPEAT_SECONDS = 0.05
# How often the memory of the process is looked at while a statement runs.
LOOK_SECONDS = 0.05
# What a statement may take to stop after it was told to; then it is left behind and its connection given up.
GRACE_SECONDS = 1.5


class Stopped(Exception):  # noqa: N818 - not an error a person sees: work raises it when it finds itself stopped
    """The work noticed between two of its steps that it was told to stop."""


class Supervisor:
    """Runs the work of one connection, one piece after another.

    ``interrupt`` tells the engine to stop what it does now, from any thread. ``abandon`` is called when it did not stop
    within ``GRACE_SECONDS``: the connection is lost to that statement, and the next one needs another. ``growth`` is by
    how many bytes this process may grow while a piece of work runs.
    """

    def __init__(
        self, interrupt: Callable[[], None], abandon: Callable[[], None], *, growth: float = MOST_GROWTH
    ) -> None:
        self._interrupt = interrupt
        self._abandon = abandon
        self._growth = growth
        self._turn = threading.Lock()
        self._current: _Work[Any] | None = None

    def run(self, work: Callable[[], T], seconds: float, sql: str | None = None) -> T:
        """What ``work`` returns or raises.

        When it was stopped, a TimeLimitError, a CancelledError, a QueryError (memory) or KeyboardInterrupt.
        """
        deadline = time.monotonic() + seconds
        with self._one_at_a_time(seconds, sql):
            current: _Work[T] = _Work(work)
            self._current = current
            try:
                return self._finish(current, deadline, seconds, sql)
            finally:
                self._current = None

    def cancel(self) -> None:
        """Ask the work that runs now, if any, to stop; returns at once."""
        if current := self._current:
            current.stop("cancel")

    def check(self) -> None:
        """Called by the work itself before each step that takes long: raises Stopped once it was told to stop.

        A work that was left behind is stopped, too: by then another one has its place.
        """
        current = self._current
        if current is None or current.reason or not current.is_here:
            raise Stopped

    def keep(self, opened: C) -> C:
        """A connection that the work has opened; closed again, and Stopped raised, where that came too late."""
        try:
            self.check()
        except Stopped:
            opened.close()
            raise
        return opened

    @contextmanager
    def _one_at_a_time(self, seconds: float, sql: str | None) -> Iterator[None]:
        if not self._turn.acquire(timeout=seconds):
            raise TimeLimitError(
                f"Waited {seconds:g} s for another statement of this connection. Cancel it or try again.", sql=sql
            )
        try:
            yield
        finally:
            self._turn.release()

    def _finish(self, current: _Work[T], deadline: float, seconds: float, sql: str | None) -> T:
        memory = MemoryWatch(self._growth)
        try:
            current.start()
            _wait(current, deadline, memory)
        except KeyboardInterrupt:
            current.stop("interrupt")
            self._stop(current)
            raise
        if current.reason and not current.done.is_set():
            self._stop(current)
        if current.reason:
            raise _why_stopped(current, seconds, memory, sql) from current.error
        return current.result()

    def _stop(self, current: _Work[T]) -> None:
        """Interrupt until the work ends; a second KeyboardInterrupt gives up waiting."""
        last = time.monotonic() + GRACE_SECONDS
        try:
            while not current.done.is_set() and time.monotonic() < last:
                self._interrupt()
                current.done.wait(REPEAT_SECONDS)
        except KeyboardInterrupt:
            self._interrupt()  # the one before may have been cut short
            raise
        finally:
            if not current.done.is_set():
                self._abandon()


class _Work(Generic[T]):
    """One call in its thread; ``woken`` is set when it is done or when somebody wants it to stop."""

    def __init__(self, work: Callable[[], T]) -> None:
        self._work = work
        self._value: T | None = None
        self.error: BaseException | None = None
        self.done = threading.Event()
        self.woken = threading.Event()
        self.reason = ""
        # A daemon, so that a statement which cannot be stopped does not keep the kernel from ending.
        self._thread = threading.Thread(target=self._call, name="t2s-statement", daemon=True)

    @property
    def is_here(self) -> bool:
        """Whether this is the work of the thread that asks."""
        return threading.current_thread() is self._thread

    def start(self) -> None:
        self._thread.start()

    def stop(self, reason: str) -> None:
        if not self.done.is_set():
            self.reason = self.reason or reason
            self.woken.set()

    def result(self) -> T:
        if self.error is not None:
            raise self.error
        return self._value  # type: ignore[return-value]  # set by _call, whose type is that of the work

    def _call(self) -> None:
        try:
            self._value = self._work()
        except BaseException as error:  # noqa: BLE001 - handed over to the waiting thread, which raises it
            self.error = error
        finally:
            self.done.set()
            self.woken.set()


def _wait(current: _Work[T], deadline: float, memory: MemoryWatch) -> None:
    """Return when the work is done or somebody wants it to stop."""
    while not current.woken.wait(min(LOOK_SECONDS, max(0.0, deadline - time.monotonic()))):
        if time.monotonic() >= deadline:
            current.stop("time")
        elif memory.is_exceeded():
            current.stop("memory")


def _why_stopped(current: _Work[T], seconds: float, memory: MemoryWatch, sql: str | None) -> QueryError:
    still = "" if current.done.is_set() else " The engine has not stopped yet; the next run opens a new connection."
    if current.reason == "time":
        return TimeLimitError(
            f"Stopped after {seconds:g} s (Text2SQL.time_limit). "
            f"Narrow the question, or raise the limit with %config Text2SQL.time_limit.{still}",
            sql=sql,
        )
    if current.reason == "memory":
        return QueryError(
            f"Stopped: the statement took more than {memory.growth / GIGABYTE:.1f} GB of memory, and nothing was "
            f"changed. Ask for fewer rows, or for a total of them.{still}",
            sql=sql,
        )
    return CancelledError(f"Cancelled; nothing was changed.{still}", sql=sql)
