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
    assert all("14 calls, price not known, " in row["cost"] for row in state["rows"])
    assert [len(row["demos"]) for row in state["rows"]] == [10, 2]
    assert all(row["instructions"].startswith("Write the SQL query") for row in state["rows"])
    low, middle, high = state["rows"][0]["share"]
    assert 0 < low < middle < high < 1
    assert state["notes"][0] == "No program is shown to be better by these 10 held-out questions."
    assert "sent questions" in output.twins[0]["text/plain"]
    assert "<table>" in output.twins[-1]["text/html"]
    assert output.twins[-1]["text/html"].count("All answers kept so far: 28 calls") == 1


def test_flipped_questions_show_both_statements_and_what_they_return(session, server):  # noqa: F811
    """The server knows nothing of what it is asked without demos, and everything with the two."""
    knows = dict(server.answers)
    server.answers = knows | dict.fromkeys(knows, "SELECT name FROM t")
    server.on_request = lambda number: server.answers.update(knows) if number == 15 else None
    output = Output()
    live = LiveStudy(session, f"{LINE} --threads 1", output)
    live.start()
    live.wait()
    (flipped,) = live.widget.state["flips"]
    first = flipped["questions"][0]
    assert flipped["label"] == "LabeledFewShot(k=2)"
    assert first["first"] == {"sql": "SELECT name FROM t", "result": "name0; name1; name2 … 20 rows", "isRight": False}
    number = first["question"].split()[-1].rstrip("?")
    assert first["second"]["result"] == first["gold"]["result"] == f"name{number}"
    assert "name0; name1; name2 … 20 rows" in output.twins[-1]["text/html"]


def test_the_share_so_far_is_shown_with_its_interval_while_a_program_is_measured(session):
    live = LiveStudy(session, LINE, Output())
    seen = []
    live.widget.observe(lambda change: seen.extend(row["valset"] for row in change["new"]["rows"]), "state")
    live.start()
    live.wait()
    assert any("/4 = " in share and "[" in share for share in seen)


def test_several_seeds_are_one_line_of_the_widget(session):
    live = LiveStudy(session, f"{LINE} --seeds 2", Output())
    live.start()
    live.wait()
    assert [row["label"] for row in live.widget.state["rows"]] == ["none", "LabeledFewShot(k=2)"]
    assert "2 seeds" in live.widget.state["rows"][1]["heldOut"]


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


def test_what_keeps_a_study_from_going_on_is_said_in_the_widget(session, server):  # noqa: F811
    live = LiveStudy(session, LINE, Output())
    server.on_request = lambda number: click(live, "stop") if number == 5 else None
    live.start()
    live.wait()
    for _ in range(15):
        session.pairs().remove(1)
    click(live, "resume")
    assert live.widget.state["notes"][0].startswith("5 approved pairs are too few to learn from")
    assert live.widget.state["canResume"]
    assert not live.widget.state["isRunning"]


def test_too_few_pairs_are_said_at_once(session):
    for _ in range(15):
        session.pairs().remove(1)
    with pytest.raises(UsageError, match="too few"):
        LiveStudy(session, LINE, Output())


def test_what_an_lm_wrote_is_made_visible():
    assert "\u202e" not in state_data({"rows": [{"label": "a\u202eb"}]})["rows"][0]["label"]
