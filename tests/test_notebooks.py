"""The notebooks run from top to bottom, offline, as ``make demo`` and Run All run them."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

FOLDER = Path(__file__).parent.parent / "notebooks"


@pytest.fixture(scope="module")
def quickstart() -> nbformat.NotebookNode:
    notebook = nbformat.read(FOLDER / "quickstart.ipynb", as_version=4)
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": FOLDER}}).execute()
    return notebook


def answers(notebook: nbformat.NotebookNode) -> dict[str, str]:
    """The last text shown under each question."""
    asked = [cell for cell in notebook.cells if cell.source.startswith("%%text2sql")]
    return {cell.source: str(cell.outputs[-1]["data"]["text/plain"]) for cell in asked}


def test_every_question_of_the_quickstart_is_answered_with_words_sql_and_rows(quickstart):
    shown = answers(quickstart)
    assert len(shown) >= 6
    for question, text in shown.items():
        assert "SELECT" in text, question
        assert "read-only, enforced by the engine" in text, question
        assert " column" in text, question
        assert "Problem:" not in text, question


def test_a_question_shows_one_output_with_its_static_twin(quickstart):
    for cell in quickstart.cells:
        if cell.source.startswith("%%text2sql"):
            (output,) = [output for output in cell.outputs if output.output_type == "display_data"]
            assert {"text/plain", "text/html"} <= output["data"].keys()


def test_notebooks_tell_and_call_and_define_nothing():
    for file in FOLDER.glob("*.ipynb"):
        for cell in nbformat.read(file, as_version=4).cells:
            assert "def " not in cell.source, file.name
            assert "class " not in cell.source or cell.cell_type == "markdown", file.name
