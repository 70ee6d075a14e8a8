"""Where an answer appears: the output of a notebook's cell, or a terminal."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from IPython.display import DisplayHandle

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

CLEAR_LINE = "\r\033[K"


class Display(Protocol):
    """One output that can change in place.

    ``is_live`` says that it does so: in a notebook. Elsewhere IPython prints the cell's value once, at its end.
    """

    @property
    def is_live(self) -> bool: ...

    def tell(self, doing: str) -> None:
        """Say in a few words what is being waited for, until something else is said or shown."""
        ...

    def show(self, bundle: Mapping[str, Any]) -> None:
        """Show a mimebundle in the cell that is executing, in place of what was told there."""
        ...

    def update(self, bundle: Mapping[str, Any]) -> None:
        """Show ``bundle`` in place of the one before, wherever that was shown."""
        ...

    def clear(self) -> None:
        """Take back what was told, when nothing will be shown."""
        ...

    def cell(self) -> object:
        """What tells the cell that is executing from all others."""
        ...


class NotebookDisplay:
    """The output of a cell in a kernel; what changes there later also changes in the notebook that is saved."""

    is_live = True

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell
        self._handle = DisplayHandle()
        self._told_in: object = None

    def tell(self, doing: str) -> None:
        self._put({"text/plain": doing})
        self._told_in = self.cell()

    def show(self, bundle: Mapping[str, Any]) -> None:
        self._put(bundle)
        self._told_in = None

    def update(self, bundle: Mapping[str, Any]) -> None:
        self._handle.update(bundle, raw=True)

    def clear(self) -> None:
        if self._told_in is not None:
            self.update({"text/plain": ""})

    def cell(self) -> object:
        return self._shell.execution_count

    def _put(self, bundle: Mapping[str, Any]) -> None:
        if self._told_in == self.cell():
            self.update(bundle)
        else:
            self._handle.display(bundle, raw=True)


class TerminalDisplay:
    """A terminal: one line that says what is being waited for, where a person is watching."""

    is_live = False

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell

    def tell(self, doing: str) -> None:
        if sys.stderr.isatty():
            sys.stderr.write(CLEAR_LINE + doing)
            sys.stderr.flush()

    def show(self, bundle: Mapping[str, Any]) -> None:
        """Nothing yet: IPython prints the cell's value at its end."""
        self.clear()

    def update(self, bundle: Mapping[str, Any]) -> None:
        """Nothing: what a terminal has printed stays as it is."""

    def clear(self) -> None:
        if sys.stderr.isatty():
            sys.stderr.write(CLEAR_LINE)
            sys.stderr.flush()

    def cell(self) -> object:
        return self._shell.execution_count
