"""The comparison widget follows a study in a thread; a person stops it, resumes it and uses a program."""

import pytest
from test_optimize import pairs, server, shell  # noqa: F401 - fixtures

from t2s_magic.errors import UsageError
from t2s_magic.live_study import LiveStudy
from t2s_magic.widget.compare import state_data

LINE = "--optimizers none,LabeledFewShot:k=2"


class Output:
    """A cell's output, kept: a double of the display, which has an IPython kernel behind it."""

    is_live = True

    def __init__(self):
        self.twins = []

    def show(self, twins, widget):
        self.twins.append(twins)

    def update(self, twins):
        self.twins.append(twins)


@pytest.fixture
def session(shell, server, pairs):  # noqa: F811
    return shell.magics_manager.registry["Text2SQL"].session


def click(live: LiveStudy, act: str, label: str = "") -> None:
    live.widget._handle_custom_msg({"do": act, "label": label}, [])


def test_a_study_runs_beside_the_kernel_and_ends_in_table_plot_and_twin(session):
    output = Output()
    live = LiveStudy(session, LINE, output)
    live.start()
    assert live.widget.state["isRunning"]
    live.wait()
    state = live.widget.state
    assert not state["isRunning"]
    assert [row["label"] for row in state["rows"]] == ["none", "LabeledFewShot(k=2)"]
    assert all(row["doing"] == "finished" and "/10 = " in row["heldOut"] for row in state["rows"])
    low, middle, high = state["rows"][0]["share"]
    assert 0 < low < middle < high < 1
    assert state["notes"][0] == "No program is shown to be better by these 10 held-out questions."
    assert "sent questions" in output.twins[0]["text/plain"]
    assert "<table>" in output.twins[-1]["text/html"]


def test_a_program_is_used_by_a_click(session):
    live = LiveStudy(session, LINE, Output())
    live.start()
    live.wait()
    click(live, "use", "LabeledFewShot(k=2)")
    assert live.widget.state["used"] == "LabeledFewShot(k=2)"
    assert session.asker().program.label == "LabeledFewShot(k=2)"
    click(live, "use", "no such program")
    assert session.asker().program.label == "LabeledFewShot(k=2)"


def test_stop_and_resume_ask_for_nothing_twice(session, server):  # noqa: F811
    live = LiveStudy(session, LINE, Output())
    server.on_request = lambda number: click(live, "stop") if number == 5 else None
    live.start()
    live.wait()
    assert live.widget.state["canResume"]
    assert live.widget.state["rows"][0]["doing"] == "stopped"
    click(live, "resume")
    live.wait()
    assert [row["doing"] for row in live.widget.state["rows"]] == ["finished", "finished"]
    assert len(server.requests) == 28


def test_too_few_pairs_are_said_at_once(session):
    for _ in range(15):
        session.pairs().remove(1)
    with pytest.raises(UsageError, match="too few"):
        LiveStudy(session, LINE, Output())


def test_what_an_lm_wrote_is_made_visible():
    assert "\u202e" not in state_data({"rows": [{"label": "a\u202eb"}]})["rows"][0]["label"]
