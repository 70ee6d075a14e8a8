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


def answers(notebook: nbformat.NotebookNode) -> dict[str, nbformat.NotebookNode]:
    """What each question's cell shows: first the static twins, then the live answer."""
    asked = [cell for cell in notebook.cells if cell.source.startswith("%%text2sql")]
    return {cell.source: [one for one in cell.outputs if one.output_type == "display_data"] for cell in asked}


def test_every_question_of_the_quickstart_is_answered_with_words_sql_and_rows(quickstart):
    shown = answers(quickstart)
    assert len(shown) >= 6
    for question, (twins, _) in shown.items():
        text = twins["data"]["text/plain"]
        assert "SELECT" in text, question
        assert "read-only, enforced by the engine" in text, question
        assert " column" in text, question
        assert "Problem:" not in text, question


def test_an_answer_is_kept_as_static_twins_beside_the_live_widget(quickstart):
    for twins, live in answers(quickstart).values():
        assert "<table" in twins["data"]["text/html"]
        assert "application/vnd.jupyter.widget-view+json" in live["data"]


def test_notebooks_tell_and_call_and_define_nothing():
    for file in FOLDER.glob("*.ipynb"):
        for cell in nbformat.read(file, as_version=4).cells:
            assert "def " not in cell.source, file.name
            assert "class " not in cell.source or cell.cell_type == "markdown", file.name
