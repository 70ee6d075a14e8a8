"""Ask a database questions from a notebook, in plain words: SQL you can read, check, edit and run, and the rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from t2s_magic.database import connect
    from t2s_magic.pipeline import ask, execute

__version__ = "0.1.0"
__all__ = ["__version__", "ask", "connect", "execute", "load_ipython_extension"]

_HOMES = {"ask": "t2s_magic.pipeline", "execute": "t2s_magic.pipeline", "connect": "t2s_magic.database"}


def __getattr__(name: str) -> Any:
    # Imported on first use: the pipeline brings dspy and sqlglot, seconds that `%load_ext t2s_magic` must not cost.
    if name not in _HOMES:
        raise AttributeError(f"module 't2s_magic' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Register ``%%text2sql``, ``%text2sql`` and ``%t2s``; called by ``%load_ext t2s_magic``."""
    from t2s_magic.magic import register

    register(shell)
