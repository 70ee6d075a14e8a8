"""The live comparison of programs: shows a state, hands on what a person does. It knows no study and no kernel."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from t2s_magic.widget.text import visible

Act = Callable[[str], None]


class CompareWidget(anywidget.AnyWidget):  # type: ignore[misc]  # anywidget has no types
    """Shows a comparison's state, plain data as ``state_data`` takes it.

    ``acts`` maps what a person can do ("stop", "resume", "use") to what happens then; it is given the program's label.
    """

    _esm = Path(__file__).with_name("compare.js")
    _css = Path(__file__).with_name("compare.css")

    state = traitlets.Dict().tag(sync=True)

    def __init__(self, state: Mapping[str, Any], acts: Mapping[str, Act]) -> None:
        self._acts = dict(acts)
        super().__init__(state=state_data(state))
        self.on_msg(self._receive)

    def show(self, state: Mapping[str, Any]) -> None:
        """Show ``state`` in place of the one before; from any thread."""
        self.state = state_data(state)

    def _receive(self, _widget: object, message: Mapping[str, Any], _buffers: object) -> None:
        do, label = message.get("do"), message.get("label")
        act = self._acts.get(do) if isinstance(do, str) else None
        if act is not None:
            act(label if isinstance(label, str) else "")


def state_data(value: Any) -> Any:
    """``value`` with every text in it made visible: what an LM wrote may hold characters that deceive."""
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, Mapping):
        return {name: state_data(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [state_data(each) for each in value]
    return value
