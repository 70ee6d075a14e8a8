"""How much memory a statement takes of this process: an engine that runs inside it would take the kernel down, too."""

from __future__ import annotations

import psutil

MEGABYTE = 1_000_000
GIGABYTE = 1_000 * MEGABYTE
# Sorting millions of rows in memory is fine; a runaway passes this within seconds.
MOST_GROWTH = 4 * GIGABYTE
_SHARE_OF_FREE = 0.8


def free_memory() -> int:
    """The bytes that this machine can give without swapping."""
    return int(psutil.virtual_memory().available)


class MemoryWatch:
    """Tells when the process has grown by more than ``growth`` bytes, or most of what was free, since it was made."""

    def __init__(self, growth: float) -> None:
        self.growth = min(growth, _SHARE_OF_FREE * free_memory())
        self._process = psutil.Process()
        self._most = self._process.memory_info().rss + self.growth

    def is_exceeded(self) -> bool:
        return bool(self._process.memory_info().rss > self._most)
