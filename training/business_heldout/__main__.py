"""Builds the databases: ``python -m training.business_heldout DIR``."""

from __future__ import annotations

import argparse
import shutil
import sqlite3
from pathlib import Path

_HERE = Path(__file__).parent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    out = parser.parse_args().out
    for script in sorted(_HERE.glob("*.sql")):
        path = out / script.stem / f"{script.stem}.sqlite"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        connection = sqlite3.connect(path)
        connection.executescript(script.read_text("utf-8"))
        connection.close()
    for questions in _HERE.glob("*.jsonl"):
        shutil.copy(questions, out / questions.name)


if __name__ == "__main__":
    main()
