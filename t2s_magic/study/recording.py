"""LMs whose paid answers are written down at once, so that a run taken up again asks for none twice."""

from __future__ import annotations

import hashlib
import json
import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from time import monotonic, perf_counter
from typing import Any

from t2s_magic.adapters import SQL_CALL
from t2s_magic.adapters.quick_dspy import dspy
from t2s_magic.errors import ModelBusyError
from t2s_magic.lm import Backend, told
from t2s_magic.lm.builtin_lm import BuiltinLM
from t2s_magic.lm.prices import Price
from t2s_magic.study.metering import Gate, Meter, Usage

_CONFIG = ("temperature", "max_tokens", "top_p", "seed", "stop", "frequency_penalty", "presence_penalty")
# Settings of a connection, which the LM inside keeps; dspy refuses them beside an engine.
_CONNECTION = ("timeout", "api_key", "api_base", "base_url", "rollout_id")
# A pause for a server that is busy is doubled each time.
FIRST_PAUSE, BUSY_SECONDS = 1.0, 300.0


class Record:
    """Answers of LMs by what was asked, one JSON line each in a file beside the study.

    The same request is answered the same way as often as it is made; with a temperature above 0, its second asking
    within one run is given the second answer, whichever thread comes first. ``spent`` is what all answers in the file
    took, those of earlier runs included.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.spent = Usage()
        self._answers: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self._asked: dict[str, int] = defaultdict(int)
        self._under_way: dict[str, threading.Lock] = defaultdict(threading.Lock)
        self._lock = threading.Lock()
        for line in path.read_text(encoding="utf-8").split("\n") if path.exists() else ():
            if (entry := _whole(line)) is not None:
                self._answers[entry["request"]].append(entry["answer"])
                self.spent += Usage(**entry["usage"])

    def __deepcopy__(self, memo: dict[int, Any]) -> Record:
        return self

    def find(self, key: str, *, is_sampled: bool) -> dict[str, Any] | None:
        """The answer kept for this asking, or None where the LM has to be called."""
        with self._lock:
            place = self._asked[key] if is_sampled else 0
            self._asked[key] += 1
            kept = self._answers[key]
            return kept[place] if place < len(kept) else None

    @contextmanager
    def asking(self, key: str) -> Iterator[None]:
        """Within: no other thread asks the same; it waits for this answer."""
        with self._lock:
            lock = self._under_way[key]
        with lock:
            yield

    def keep(self, key: str, answer: Mapping[str, Any], usage: Usage) -> None:
        """Write an answer down, and what it took; it is with the operating system when this returns."""
        entry = {"request": key, "answer": answer, "usage": usage.to_dict()}
        with self._lock:
            self._answers[key].append(dict(answer))
            self.spent += usage
            with self._path.open("a", encoding="utf-8", newline="\n") as file:
                file.write(json.dumps(entry, ensure_ascii=False) + "\n")


def _whole(line: str) -> dict[str, Any] | None:
    """The line's entry; None for an empty line, or one that a killed process left half-written."""
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) and {"request", "answer", "usage"} <= entry.keys() else None


class _RecordedEngine:
    """Answers dspy's requests from the record, and else from ``lm``, through the gate and within the meter's budget.

    A server that is busy is asked again with fewer calls at once, for ``BUSY_SECONDS`` beyond the LM's own patience.
    """

    def __init__(self, lm: Any, price: Price | None, meter: Meter, record: Record, gate: Gate) -> None:
        self._lm, self._price, self._meter, self._record, self._gate = lm, price, meter, record, gate

    def __deepcopy__(self, memo: dict[int, Any]) -> _RecordedEngine:
        return self

    @property
    def takes_sql_calls(self) -> bool:
        """Does the LM's own engine take grammars and several samples? A study asks as ``%%text2sql`` does."""
        return getattr(self._lm.engine, "takes_sql_calls", False)

    @property
    def takes_grammars(self) -> bool:
        return bool(self._lm.engine.takes_grammars)

    def complete(self, request: Any) -> Any:
        key, is_sampled = _key(request), bool(request.config.temperature)
        with nullcontext() if is_sampled else self._record.asking(key):
            kept = self._record.find(key, is_sampled=is_sampled)
            if kept is None:
                return self._paid(request, key)
        self._meter.repeat()
        return _response(request.model, kept)

    def _paid(self, request: Any, key: str) -> Any:
        with self._gate.passed():
            at_most = self._at_most(request)
            self._meter.admit(at_most)
            # A call that fails is not billed.
            usage, started = Usage(1, dollars=0.0 if self._price else None), perf_counter()
            try:
                response = self._answered(request)
                usage = self._usage(response, perf_counter() - started, at_most)
                self._record.keep(key, _answer(response), usage)
            finally:
                self._meter.made(replace(usage, seconds=perf_counter() - started), at_most)
        return response

    def _at_most(self, request: Any) -> float:
        if self._price is None:
            return 0.0
        characters = len(request.system or "") + sum(len(message.text or "") for message in request.messages)
        max_tokens = request.config.max_tokens or self._lm.kwargs.get("max_tokens") or 0
        return self._price.at_most(characters, max_tokens * _samples(request))

    def _answered(self, request: Any) -> Any:
        pause, waited = FIRST_PAUSE, 0.0
        while True:
            asked_at = monotonic()
            try:
                # The call was announced to callbacks already, by the LM that this engine serves.
                with told(), dspy.context(callbacks=[]):
                    response = self._lm(request)
            except ModelBusyError:
                self._gate.narrow(asked_at)
                if waited >= BUSY_SECONDS or self._meter.why_stopped == "stopped":
                    raise
                self._meter.pause(pause)
                waited, pause = waited + pause, 2 * pause
            else:
                self._gate.widen()
                return response

    def _usage(self, response: Any, seconds: float, at_most: float) -> Usage:
        """Tokens as the server counted them, and their price; ``at_most`` where it does not count.

        The seconds of a server are shared among the calls that are under way.
        """
        usage = response.usage
        if usage is None or usage.input_tokens is None or usage.output_tokens is None:
            return Usage(1, seconds=seconds, dollars=at_most if self._price else None)
        tokens = usage.input_tokens, usage.output_tokens
        dollars = self._price.of(*tokens, seconds / self._gate.under_way) if self._price else None
        return Usage(1, 0, *tokens, seconds, dollars)


def _key(request: Any) -> str:
    """What was asked. A grammar is no part of it: a server that takes none shall not be asked all over again."""
    messages = [(message.role, message.text) for message in request.messages]
    config = {name: getattr(request.config, name, None) for name in _CONFIG}
    what = [request.model, request.system, messages, config, _samples(request)]
    return hashlib.sha256(json.dumps(what, ensure_ascii=False, default=str).encode()).hexdigest()


def _samples(request: Any) -> int:
    return int(((request.config.extensions or {}).get(SQL_CALL) or {}).get("samples", 1))


def _answer(response: Any) -> dict[str, Any]:
    told = (response.provider_data or {}).get(SQL_CALL) or {}
    others = {"others": told["others"]} if told.get("others") else {}
    return {"text": response.message.text or "", "finish_reason": response.finish_reason, **others}


def _response(model: str, kept: Mapping[str, Any]) -> Any:
    lm15 = dspy.lm15
    return lm15.Response(
        id=None,
        model=model,
        message=lm15.Message.assistant(kept["text"]),
        finish_reason=kept["finish_reason"],
        usage=lm15.Usage(),
        provider_data={SQL_CALL: {"others": kept.get("others", [])}},
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
            self.meter.made(Usage(1, seconds=perf_counter() - started))


def metered(
    backend: Backend, price: Price | None, meter: Meter, record: Record, at_once: int, **settings: Any
) -> Backend:
    """The same backend, counted and recorded, asked ``at_once`` at most.

    ``settings`` replace those of its LM (``max_tokens``, ``stop``).
    """
    if isinstance(backend.lm, BuiltinLM):
        return replace(backend, lm=_MeteredBuiltinLM(backend.lm, meter))
    kwargs = {name: value for name, value in backend.lm.kwargs.items() if name not in _CONNECTION}
    engine = _RecordedEngine(backend.lm, price, meter, record, Gate(at_once))
    lm = dspy.LM(backend.lm.model, engine=engine, cache=False, num_retries=0, **{**kwargs, **settings})
    return replace(backend, lm=lm)
