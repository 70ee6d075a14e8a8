"""``dspy``, imported without the part of its import that nobody here uses.

Where Jupyter is installed, ``import dspy`` spends a third to a half of its time in ``rfc3987_syntax``: dspy imports
jsonschema, whose format checkers import that package, which builds a large grammar at import
(https://github.com/willynilly/rfc3987-syntax). The grammar serves one check, "is this text an IRI?". So while dspy is
imported a stand-in takes the package's place, which builds the grammar at the first check. Nothing else changes: the
check answers the same, and whoever imports the package later gets the package itself.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

GRAMMAR_PACKAGE = "rfc3987_syntax"


@contextmanager
def late_grammar() -> Iterator[None]:
    """Within: importing ``rfc3987_syntax`` costs nothing; its one function loads it when it is first called."""
    if GRAMMAR_PACKAGE in sys.modules or importlib.util.find_spec(GRAMMAR_PACKAGE) is None:
        yield
        return
    stand_in = ModuleType(GRAMMAR_PACKAGE)
    stand_in.is_valid_syntax = _is_valid_syntax  # type: ignore[attr-defined]
    sys.modules[GRAMMAR_PACKAGE] = stand_in
    try:
        yield
    finally:
        if sys.modules.get(GRAMMAR_PACKAGE) is stand_in:
            del sys.modules[GRAMMAR_PACKAGE]


def _is_valid_syntax(term: str, value: str) -> bool:
    return bool(importlib.import_module(GRAMMAR_PACKAGE).is_valid_syntax(term, value))


with late_grammar():
    import dspy

__all__ = ["dspy"]
