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


STUDY = ("1_dataset", "2_optimize", "3_results")


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> dict[str, nbformat.NotebookNode]:
    """The three parts of the study, run in order in a folder of their own, on fewer questions than they ask by hand."""
    folder = tmp_path_factory.mktemp("study")
    (folder / "data").symlink_to(FOLDER / "data")
    notebooks = {}
    for name in STUDY:
        notebook = nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)
        for cell in notebook.cells:
            cell.source = cell.source.replace("(16, 8, 24)", "(4, 2, 4)").replace(":candidates=2", ":candidates=1")
        NotebookClient(notebook, timeout=300, resources={"metadata": {"path": folder}}).execute()
        notebooks[name] = notebook
    return notebooks


def printed(notebook: nbformat.NotebookNode) -> str:
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    return "\n".join(output.get("text") or output["data"]["text/plain"] for output in outputs)


@pytest.mark.timeout(400)
def test_the_study_runs_offline_from_questions_to_results(study):
    assert "10 of 10 gold statements run" in printed(study["1_dataset"])
    assert "SELECT 59                                right: True   on all copies too: False" in printed(
        study["1_dataset"]
    )
    programs = [line for line in printed(study["2_optimize"]).splitlines() if "/4 = " in line]
    assert [line.split()[0] for line in programs] == [
        "none",
        "LabeledFewShot(k=8)",
        "BootstrapFewShotWithRandomSearch(candidates=1)",
    ]
    results = printed(study["3_results"])
    assert programs[0] in results
    assert "53/75 is 70.67 %" in results


def test_notebooks_tell_and_call_and_define_nothing():
    for file in FOLDER.glob("*.ipynb"):
        for cell in nbformat.read(file, as_version=4).cells:
            assert "def " not in cell.source, file.name
            assert "class " not in cell.source or cell.cell_type == "markdown", file.name
