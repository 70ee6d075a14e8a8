"""Start-up and answers: what t2s_magic adds to a fresh kernel, in fresh processes on this machine.

    python benchmarks/start_up.py [--repeat 5]

Prints %load_ext's own time, the first answer against the time of importing dspy alone, and later answers.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
from pathlib import Path

CHINOOK = Path(__file__).parent.parent / "notebooks" / "data" / "chinook.sqlite"
QUESTIONS = (
    "How many customers do we have?",
    "List the names of all genres",
    "Which five artists have the most albums?",
    "How many invoices are there for each billing country?",
    "What is the average length of tracks in milliseconds?",
)

IMPORT_DSPY = "import time; t = time.perf_counter(); import dspy; print(time.perf_counter() - t)"

LOAD_EXTENSION = """
import time
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
t = time.perf_counter()
shell.run_line_magic("load_ext", "t2s_magic")
print(time.perf_counter() - t)
"""

FIRST_ANSWER = f"""
import time
t = time.perf_counter()
import t2s_magic
database = t2s_magic.connect("sqlite:///{CHINOOK}")
draft = t2s_magic.ask({QUESTIONS[0]!r}, database)
print(time.perf_counter() - t)
"""

LATER_ANSWERS = f"""
import time
import t2s_magic
from t2s_magic.pipeline import Asker
database, asker = t2s_magic.connect("sqlite:///{CHINOOK}"), Asker()
questions = {QUESTIONS!r}
asker.ask(questions[0], database)
for question in questions * 6:
    t = time.perf_counter()
    asker.ask(question, database)
    print(time.perf_counter() - t)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure start-up and answers.")
    parser.add_argument("--repeat", type=int, default=5, help="fresh processes a figure")
    repeat = parser.parse_args().repeat
    dspy_alone = _median(IMPORT_DSPY, repeat)
    first = _median(FIRST_ANSWER, repeat)
    later = sorted(_seconds(LATER_ANSWERS))
    print(
        f"%load_ext t2s_magic        {1000 * _median(LOAD_EXTENSION, repeat):8.1f} ms   (median of {repeat} processes)"
    )
    print(f"import dspy alone          {dspy_alone:8.2f} s")
    print(f"first answer, all imports  {first:8.2f} s    {first / dspy_alone:.2f} x importing dspy")
    print(f"later answers, p50         {1000 * statistics.median(later):8.1f} ms   (n = {len(later)})")
    print(f"later answers, p95         {1000 * later[int(0.95 * len(later))]:8.1f} ms")


def _median(code: str, repeat: int) -> float:
    return statistics.median(_seconds(code)[0] for _ in range(repeat))


def _seconds(code: str) -> list[float]:
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return [float(line) for line in run.stdout.split()]


if __name__ == "__main__":
    main()
