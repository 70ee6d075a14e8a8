"""What a server still does or holds once it had a moment to let go."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

SECONDS_TO_SETTLE = 2

Found = TypeVar("Found")


def left_over(look: Callable[[], list[Found]], seconds: float = SECONDS_TO_SETTLE) -> list[Found]:
    """Nothing, as soon as ``look`` finds nothing; what it still finds after so many seconds otherwise."""
    deadline = time.monotonic() + seconds
    while (found := look()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return found
