"""What a study may take and took: calls, tokens, dollars, and how many calls may be under way at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from time import monotonic
from typing import Any

from t2s_magic.errors import StudyStoppedError


@dataclass(frozen=True)
class Usage:
    """What was asked of LMs: ``calls`` made, answers ``repeated`` from the record, tokens as servers count them.

    ``seconds`` are those that calls took, added up over threads. ``dollars`` is None where an LM's price is not known.
    """

    calls: int = 0
    repeated: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    seconds: float = 0.0
    dollars: float | None = 0.0

    def __add__(self, other: Usage) -> Usage:
        return self._with(other, 1)

    def __sub__(self, other: Usage) -> Usage:
        return self._with(other, -1)

    def _with(self, other: Usage, sign: int) -> Usage:
        counted = {
            field.name: getattr(self, field.name) + sign * getattr(other, field.name)
            for field in fields(Usage)
            if field.name != "dollars"
        }
        are_known = self.dollars is not None and other.dollars is not None
        return Usage(**counted, dollars=(self.dollars or 0.0) + sign * (other.dollars or 0.0) if are_known else None)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


class Meter:
    """Counts the calls of all LMs of a study, and refuses the next one when it is told to stop or nothing is left.

    ``budget`` bounds the calls made and ``dollars`` what they cost; answers from the record cost nothing. The bound on
    dollars holds however many calls are under way: each is admitted with the most that it can cost. ``has_refused``
    says that a call was wanted and not made. Threads may share it.
    """

    def __init__(
        self,
        budget: int | None = None,
        dollars: float | None = None,
        on_call: Callable[[Usage], None] | None = None,
    ) -> None:
        self.budget, self.dollars = budget, dollars
        self.usage = Usage()
        self.has_refused = False
        self._stop = threading.Event()
        self._is_spent = False
        self._started = 0
        self._reserved: list[float] = []
        self._changed = threading.Condition()
        self._on_call = on_call

    def __deepcopy__(self, memo: dict[int, Any]) -> Meter:
        return self

    @property
    def why_stopped(self) -> str:
        """Why no further call is made, or ""."""
        if self._stop.is_set():
            return "stopped"
        if self._is_spent:
            return f"the budget of ${self.dollars:,.4f} is spent (${self.usage.dollars:,.4f}, and a call may cost more)"
        if self.budget is not None and self._started >= self.budget:
            return f"the budget of {self.budget:,} calls is spent"
        return ""

    def stop(self) -> None:
        """Refuse every call from now on; those under way end as they do."""
        self._stop.set()
        with self._changed:
            self._changed.notify_all()

    def pause(self, seconds: float) -> None:
        """Wait, but no longer than until the study is stopped."""
        self._stop.wait(seconds)

    def admit(self, at_most: float = 0.0) -> None:
        """Count a call that is about to be made and may cost ``at_most`` dollars; ``made`` has to follow.

        Waits where only the calls under way leave too little. Raises StudyStoppedError where it must not be made.
        """
        with self._changed:
            while self._reserved and self._is_too_dear(at_most) and not self.why_stopped:
                self._changed.wait()
            self._is_spent = self._is_spent or self._is_too_dear(at_most)
            if not self.why_stopped:
                self._started += 1
                self._reserved.append(at_most)
                return
            self.has_refused = True
        raise self._refusal()

    def repeat(self) -> None:
        """Count an answer from the record. A study that was stopped stops here too."""
        if self._stop.is_set():
            self.has_refused = True
            raise self._refusal()
        with self._changed:
            self.usage += Usage(repeated=1)
        self._tell()

    def made(self, usage: Usage, at_most: float = 0.0) -> None:
        """Count what a call took that was admitted with ``at_most``."""
        with self._changed:  # one step: else the next call would find neither its reservation nor its cost
            self._reserved.remove(at_most)
            self.usage += usage
            self._changed.notify_all()
        self._tell()

    def _is_too_dear(self, at_most: float) -> bool:
        spent = self.usage.dollars or 0.0
        return self.dollars is not None and spent + sum(self._reserved) + at_most > self.dollars

    def _refusal(self) -> StudyStoppedError:
        return StudyStoppedError(
            f"No LM was asked: {self.why_stopped}. What was answered is kept; run it again to go on."
        )

    def _tell(self) -> None:
        if self._on_call:
            self._on_call(self.usage)


class Gate:
    """Lets at most ``most`` calls be under way at once: fewer after a server said that it is busy, more again later."""

    def __init__(self, most: int) -> None:
        self.most = self.limit = most
        self.under_way = 0
        self._narrowed_at = 0.0
        self._answered = 0
        self._changed = threading.Condition()

    @contextmanager
    def passed(self) -> Iterator[None]:
        with self._changed:
            self._changed.wait_for(lambda: self.under_way < self.limit)
            self.under_way += 1
        try:
            yield
        finally:
            with self._changed:
                self.under_way -= 1
                self._changed.notify_all()

    def narrow(self, asked_at: float) -> None:
        """Halve the limit; once only for all calls that were under way together."""
        with self._changed:
            if asked_at >= self._narrowed_at:
                self.limit, self._narrowed_at, self._answered = max(1, self.limit // 2), monotonic(), 0

    def widen(self) -> None:
        """One more at once, after as many answers in a row as the limit is."""
        with self._changed:
            self._answered += 1
            if self._answered >= self.limit and self.limit < self.most:
                self.limit, self._answered = self.limit + 1, 0
                self._changed.notify_all()
