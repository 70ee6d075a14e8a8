"""The built-in model as an LM of dspy's, so that optimizers, callbacks and ``set_lm`` treat it like any other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, Protocol

from t2s_magic.adapters.builtin_adapter import RowsOf
from t2s_magic.adapters.quick_dspy import dspy
from t2s_magic.database.values import Value
from t2s_magic.errors import ModelError
from t2s_magic.schema import Schema


class Reader(Protocol):
    """What the built-in model offers: see ``t2s_magic.builtin``."""

    def read(
        self,
        question: str,
        schema: Schema,
        *,
        values: Sequence[Value] = (),
        demos: Sequence[Any] = (),
        evidence: str = "",
        count: int = 5,
        rows_of: RowsOf | None = None,
    ) -> Any: ...


class _Loaded:
    """The model, loaded at its first question and shared by every copy of the LM: optimizers copy programs deeply."""

    def __init__(self, load: Callable[[], Reader]) -> None:
        self._load = load
        self._last: tuple[Mapping[str, Any], Schema] | None = None

    def __deepcopy__(self, memo: dict[int, Any]) -> _Loaded:
        return self

    def schema(self, data: Mapping[str, Any]) -> Schema:
        """``data`` as a Schema; the same one as for the question before if it is the same data."""
        last = self._last
        if last is None or last[0] is not data:
            last = self._last = (data, Schema.from_dict(data))
        return last[1]

    def complete(self, request: Any) -> Any:
        raise ModelError(
            "The built-in model writes SQL and nothing else; this step needs an LM that writes text. Name one."
        )

    @cached_property
    def model(self) -> Reader:
        return self._load()


class BuiltinLM(dspy.LM):  # type: ignore[misc]
    """Reads questions by ``read``, with schema, values and demos as data; a prompt in words is refused."""

    def __init__(self, load: Callable[[], Reader]) -> None:
        self.loaded = _Loaded(load)
        super().__init__("builtin", engine=self.loaded, cache=False, num_retries=0)

    @dspy.utils.callback.with_callbacks  # type: ignore[untyped-decorator]
    def read(
        self,
        *,
        question: str,
        schema: Mapping[str, Any],
        values: Sequence[Mapping[str, Any]],
        demos: Sequence[tuple[str, str]],
        evidence: str,
        count: int,
        rows_of: RowsOf | None,
    ) -> Any:
        """``Readings`` of a question; ``schema`` and ``values`` are the program's plain inputs, ``demos`` are pairs."""
        from t2s_magic.builtin.model import Demo

        return self.loaded.model.read(
            question,
            self.loaded.schema(schema),
            values=[_value(value) for value in values],
            demos=[Demo(asked, sql) for asked, sql in demos],
            evidence=evidence,
            count=count,
            rows_of=rows_of,
        )


def _value(value: Mapping[str, Any]) -> Value:
    text = str(value["text"])
    return Value(text, value["table"], value["column"], value.get("phrase", text), value.get("match", "exact"))
