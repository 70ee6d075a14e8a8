"""What the tests of a notebook in a browser share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from lab import Notebook


@pytest.fixture
def notebook(opened: Notebook) -> Iterator[Notebook]:
    """The notebook of a file's ``opened``; whatever a test shows in it, no text of it may have run as script."""
    yield opened
    assert opened.page.evaluate("window.hacked") is None
    assert opened.dialogs == []
