"""LMs within a budget: each paid answer is written down at once, so that a run taken up again asks for none twice."""

from __future__ import annotations

import hashlib
import json
import threading
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from time import perf_counter
from typing import Any

from t2s_magic.adapters.quick_dspy import dspy
from t2s_magic.errors import StudyStoppedError
from t2s_magic.lm import Backend
from t2s_magic.lm.builtin_lm import BuiltinLM

_CONFIG = ("temperature", "max_tokens", "top_p", "seed", "stop", "frequency_penalty", "presence_penalty")
# Settings of a connection, which the LM inside keeps; dspy refuses them beside an engine.
_CONNECTION = ("timeout", "api_key", "api_base", "base_url", "rollout_id")


@dataclass(frozen=True)
class Usage:
    """What was asked of LMs: ``calls`` made, answers ``repeated`` from the record, tokens as servers count them.

    ``seconds`` are those that calls took, added up over threads.
    """

    calls: int = 0
    repeated: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    seconds: float = 0.0

    def __sub__(self, other: Usage) -> Usage:
        return Usage(*(getattr(self, field.name) - getattr(other, field.name) for field in fields(Usage)))

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


class Meter:
    """Counts the calls of all LMs of a study, and refuses the next one when it is told to stop or nothing is left.

    ``budget`` bounds the calls made; answers from the record cost nothing. ``has_refused`` says that a call was wanted
    and not made. Threads may share it.
    """

    def __init__(self, budget: int | None = None, on_call: Callable[[Usage], None] | None = None) -> None:
        self.budget = budget
        self.usage = Usage()
        self.has_refused = False
        self._stop = threading.Event()
        self._started = 0
        self._lock = threading.Lock()
        self._on_call = on_call

    def __deepcopy__(self, memo: dict[int, Any]) -> Meter:
        return self

    @property
    def why_stopped(self) -> str:
        """Why no further call is made, or ""."""
        if self._stop.is_set():
            return "stopped"
        return (
            f"the budget of {self.budget:,} calls is spent"
            if self.budget is not None and self._started >= self.budget
            else ""
        )

    def stop(self) -> None:
        """Refuse every call from now on; those under way end as they do."""
        self._stop.set()

    def admit(self) -> None:
        """Count a call that is about to be made. Raises StudyStoppedError instead when it must not be."""
        with self._lock:
            if not self.why_stopped:
                self._started += 1
                return
            self.has_refused = True
        raise self._refusal()

    def repeat(self) -> None:
        """Count an answer from the record. A study that was stopped stops here too."""
        if self._stop.is_set():
            self.has_refused = True
            raise self._refusal()
        self._add(Usage(repeated=1))

    def made(self, seconds: float, prompt_tokens: int = 0, completion_tokens: int = 0) -> None:
        """Count what a call took."""
        self._add(Usage(1, 0, prompt_tokens, completion_tokens, seconds))

    def _refusal(self) -> StudyStoppedError:
        return StudyStoppedError(
            f"No LM was asked: {self.why_stopped}. What was answered is kept; run it again to go on."
        )

    def _add(self, more: Usage) -> None:
        with self._lock:
            old = self.usage
            self.usage = Usage(*(getattr(old, field.name) + getattr(more, field.name) for field in fields(Usage)))
        if self._on_call:
            self._on_call(self.usage)


class Record:
    """Answers of LMs by what was asked, one JSON line each in a file beside the study.

    The same request is answered the same way as often as it is made; with a temperature above 0, its second asking
    within one run is given the second answer, whichever thread comes first.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._answers: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self._asked: dict[str, int] = defaultdict(int)
        self._lock = threading.Lock()
        for line in path.read_text(encoding="utf-8").split("\n") if path.exists() else ():
            if (entry := _whole(line)) is not None:
                self._answers[entry["request"]].append(entry["answer"])

    def __deepcopy__(self, memo: dict[int, Any]) -> Record:
        return self

    def find(self, key: str, *, is_sampled: bool) -> dict[str, Any] | None:
        """The answer kept for this asking, or None where the LM has to be called."""
        with self._lock:
            place = self._asked[key] if is_sampled else 0
            self._asked[key] += 1
            kept = self._answers[key]
            return kept[place] if place < len(kept) else None

    def keep(self, key: str, answer: Mapping[str, Any]) -> None:
        """Write an answer down; it is on the disk when this returns."""
        with self._lock:
            self._answers[key].append(dict(answer))
            with self._path.open("a", encoding="utf-8", newline="\n") as file:
                file.write(json.dumps({"request": key, "answer": answer}, ensure_ascii=False) + "\n")


def _whole(line: str) -> dict[str, Any] | None:
    """The line's entry; None for an empty line, or one that a killed process left half-written."""
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) and {"request", "answer"} <= entry.keys() else None


class _RecordedEngine:
    """Answers dspy's requests from the record, and else from ``lm``, within the meter's budget."""

    def __init__(self, lm: Any, meter: Meter, record: Record) -> None:
        self._lm, self._meter, self._record = lm, meter, record

    def __deepcopy__(self, memo: dict[int, Any]) -> _RecordedEngine:
        return self

    def complete(self, request: Any) -> Any:
        key, is_sampled = _key(request), bool(request.config.temperature)
        kept = self._record.find(key, is_sampled=is_sampled)
        if kept is not None:
            self._meter.repeat()
            return _response(request.model, kept)
        self._meter.admit()
        started = perf_counter()
        try:
            # The call was announced to callbacks already, by the LM that this engine serves.
            with dspy.context(callbacks=[]):
                response = self._lm(request)
        except BaseException:
            self._meter.made(perf_counter() - started)
            raise
        usage = response.usage
        tokens = (usage.input_tokens or 0, usage.output_tokens or 0) if usage is not None else (0, 0)
        self._meter.made(perf_counter() - started, *tokens)
        self._record.keep(key, {"text": response.message.text or "", "finish_reason": response.finish_reason})
        return response


def _key(request: Any) -> str:
    messages = [(message.role, message.text) for message in request.messages]
    config = {name: getattr(request.config, name, None) for name in _CONFIG}
    asked = json.dumps([request.model, request.system, messages, config], ensure_ascii=False, default=str)
    return hashlib.sha256(asked.encode()).hexdigest()


def _response(model: str, kept: Mapping[str, Any]) -> Any:
    lm15 = dspy.lm15
    return lm15.Response(
        id=None,
        model=model,
        message=lm15.Message.assistant(kept["text"]),
        finish_reason=kept["finish_reason"],
        usage=lm15.Usage(),
    )


class _MeteredBuiltinLM(BuiltinLM):
    """The built-in model within a budget. Its answers cost nothing and are not recorded."""

    def __init__(self, lm: BuiltinLM, meter: Meter) -> None:
        super().__init__(lambda: lm.loaded.model)
        self.meter = meter

    def read(self, **asked: Any) -> Any:
        self.meter.admit()
        started = perf_counter()
        try:
            return super().read(**asked)
        finally:
            self.meter.made(perf_counter() - started)


def metered(backend: Backend, meter: Meter, record: Record, **settings: Any) -> Backend:
    """The same backend, counted and recorded; ``settings`` replace those of its LM (``max_tokens``, ``stop``)."""
    if isinstance(backend.lm, BuiltinLM):
        return replace(backend, lm=_MeteredBuiltinLM(backend.lm, meter))
    kwargs = {name: value for name, value in backend.lm.kwargs.items() if name not in _CONNECTION}
    engine = _RecordedEngine(backend.lm, meter, record)
    lm = dspy.LM(backend.lm.model, engine=engine, cache=False, num_retries=0, **{**kwargs, **settings})
    return replace(backend, lm=lm)
