"""The table of faults in docs/faults.md, read so that tests hold its words: number, messages, seconds, tests."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

TABLE = Path(__file__).parent.parent / "docs" / "faults.md"
# What a machine that is busy with other things may add.
SECONDS_OF_OTHERS = 20.0


@dataclass(frozen=True)
class Fault:
    """One row: ``messages`` stand there in backticks, with ``…`` for what differs; ``tests`` are ``file::test``."""

    number: int
    messages: tuple[str, ...]
    seconds: float
    tests: tuple[str, ...]

    def is_told_in(self, text: str, message: int = 0) -> bool:
        """Whether a person reads the row's message (the first, or that number) in ``text``."""
        words = re.escape(self.messages[message]).replace("…", ".+?")
        return re.search(words, text, re.DOTALL) is not None

    def is_in_time(self, seconds: float) -> bool:
        return seconds < self.seconds + SECONDS_OF_OTHERS


def read_faults() -> dict[int, Fault]:
    """All rows by their numbers."""
    lines = TABLE.read_text(encoding="utf-8").splitlines()
    faults = [_fault(line.split(" | ")) for line in lines if re.match(r"\| \d+ \|", line)]
    return {fault.number: fault for fault in faults}


def _fault(row: list[str]) -> Fault:
    number, _, seen, at_most, _, tests = row
    return Fault(
        int(number.strip("| ")),
        tuple(re.findall(r"`([^`]+)`", seen)),
        float(re.findall(r"[\d.]+", at_most)[0]),
        tuple(re.findall(r"`([^`]+)`", tests)),
    )
