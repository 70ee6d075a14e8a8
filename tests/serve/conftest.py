"""What the tests of serving need: the Python of their own environment, with vLLM and Modal."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="session")
def serve_python() -> Path:
    """The Python with vLLM and Modal. A test that has none fails: these tests ran only if they ran for real."""
    python = Path(os.environ.get("T2S_SERVE_PYTHON", ROOT / ".venv-serve" / "bin" / "python"))
    if not python.exists():
        pytest.fail(f"There is no {python}. Run these tests with: make test-serve")
    return python
