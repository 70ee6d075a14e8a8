"""Where an answer appears: the output of a notebook's cell, or a terminal."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from IPython.display import DisplayHandle, display

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

CLEAR_LINE = "\r\033[K"


# A widget whose kernel has gone leaves an error message behind in JupyterLab, whatever else its own output could show
# (vscode-jupyter#17518 is the same in VS Code). So the static twins have an output of their own, and these rules show
# one of the two: the twins where there is no living widget, the widget where there is one.
TWIN = """<div class="t2s-twin"><style>
:is(.jp-OutputArea-child, .output_container):has(.t2s-twin):has(~ * .t2s),
.jp-OutputArea-child:has(.t2s-twin) + .jp-OutputArea-child:not(:has(.t2s)) {{ display: none }}
</style>
{html}
</div>"""


class Display(Protocol):
    """The place of one answer, which can change there.

    ``is_live`` says that it does so: in a notebook. Elsewhere IPython prints the cell's value once, at its end.
    """

    @property
    def is_live(self) -> bool: ...

    def tell(self, doing: str) -> None:
        """Say in a few words what is being waited for, until something else is said or shown."""
        ...

    def open(self, widget: Mapping[str, Any]) -> None:
        """Show a widget's mimebundle in the cell that is executing, in place of what was told, until it is cleared."""
        ...

    def show(self, twins: Mapping[str, Any], widget: Mapping[str, Any]) -> None:
        """Show two mimebundles in the cell that is executing, in place of what was told and opened there."""
        ...

    def update(self, twins: Mapping[str, Any]) -> None:
        """Show ``twins`` in place of those before, wherever they were shown."""
        ...

    def clear(self) -> None:
        """Take back what was told, when nothing will be shown."""
        ...

    def cell(self) -> object:
        """What tells the cell that is executing from all others."""
        ...


class NotebookDisplay:
    """Two outputs of a cell: static twins, which later runs update also in the notebook that is saved, and a widget."""

    is_live = True

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell
        self._handle = DisplayHandle()
        self._told_in: object = None
        self._widget_handle: DisplayHandle | None = None

    def tell(self, doing: str) -> None:
        self._put({"text/plain": doing})
        self._told_in = self.cell()

    def open(self, widget: Mapping[str, Any]) -> None:
        self.tell("")
        self._widget_handle = DisplayHandle()
        self._widget_handle.display(widget, raw=True)

    def show(self, twins: Mapping[str, Any], widget: Mapping[str, Any]) -> None:
        self._put(_paired(twins))
        self._told_in = None
        if self._widget_handle is None:
            display(widget, raw=True)
        self._widget_handle = None

    def update(self, twins: Mapping[str, Any]) -> None:
        self._handle.update(_paired(twins), raw=True)

    def clear(self) -> None:
        if self._told_in is not None:
            self._handle.update({"text/plain": ""}, raw=True)
        if self._widget_handle is not None:
            self._widget_handle.update({"text/plain": ""}, raw=True)
            self._widget_handle = None

    def cell(self) -> object:
        return self._shell.execution_count

    def _put(self, bundle: Mapping[str, Any]) -> None:
        if self._told_in == self.cell():
            self._handle.update(bundle, raw=True)
        else:
            self._handle.display(bundle, raw=True)


def _paired(twins: Mapping[str, Any]) -> dict[str, Any]:
    return {**twins, "text/html": TWIN.format(html=twins["text/html"])}


class TerminalDisplay:
    """A terminal: one line that says what is being waited for, where a person is watching."""

    is_live = False

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell

    def tell(self, doing: str) -> None:
        if sys.stderr.isatty():
            sys.stderr.write(CLEAR_LINE + doing)
            sys.stderr.flush()

    def open(self, widget: Mapping[str, Any]) -> None:
        """Nothing: a terminal has no widgets."""

    def show(self, twins: Mapping[str, Any], widget: Mapping[str, Any]) -> None:
        """Nothing yet: IPython prints the cell's value at its end."""
        self.clear()

    def update(self, twins: Mapping[str, Any]) -> None:
        """Nothing: what a terminal has printed stays as it is."""

    def clear(self) -> None:
        if sys.stderr.isatty():
            sys.stderr.write(CLEAR_LINE)
            sys.stderr.flush()

    def cell(self) -> object:
        return self._shell.execution_count
