"""Builds the databases: ``python -m training.business_heldout DIR``."""

from __future__ import annotations

import argparse
from pathlib import Path

from training.business_heldout import build


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    build(parser.parse_args().out)


if __name__ == "__main__":
    main()
