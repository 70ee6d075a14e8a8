"""Run a notebook in a real kernel and print its cells and what they answer, as plain text.

python tools/show_notebook.py notebooks/quickstart.ipynb [--save EXECUTED.ipynb]
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

RULE = "─" * 100


def main() -> int:
    arguments = _parser().parse_args()
    notebook = nbformat.read(arguments.notebook, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=300,
        resources={"metadata": {"path": arguments.notebook.parent}},
        extra_arguments=["--log-level=ERROR"],  # its warnings are about its sockets, not about the notebook
    )
    try:
        with client.setup_kernel():
            for index, cell in enumerate(notebook.cells):
                _show(client, index, cell)
    except CellExecutionError as error:
        print(error, file=sys.stderr)
        return 1
    if arguments.save:
        nbformat.write(notebook, arguments.save)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Run a notebook and print what it answers.")
    parser.add_argument("notebook", type=Path)
    parser.add_argument("--save", type=Path, help="also write the executed notebook here")
    return parser


def _show(client: NotebookClient, index: int, cell: Any) -> None:
    if cell.cell_type == "markdown":
        print(f"\n{cell.source}", flush=True)
    if cell.cell_type == "code":
        print(f"\n{RULE}\n{cell.source}\n", flush=True)
        client.execute_cell(cell, index)
        print("".join(_text(output) for output in cell.outputs), flush=True)


def _text(output: Any) -> str:
    if output.output_type == "stream":
        return str(output.text)
    return str(output.get("data", {}).get("text/plain", "")) + "\n"


if __name__ == "__main__":
    sys.exit(main())
