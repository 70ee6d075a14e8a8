"""Paid answers are kept and never paid for twice; budgets in calls and in money hold; busy servers are spared."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time

import pytest
from numbered_shop import QUESTIONS, write_numbered_shop
from openai_server import refusal
from study_server import Oracle, oracle

from t2s_magic.errors import StudyStoppedError, UsageError
from t2s_magic.lm.prices import Price, price_of, read_named_price, read_price
from t2s_magic.study.metering import Gate, Meter, Usage
from t2s_magic.study.optimizers import choose
from t2s_magic.study.plan import Plan
from t2s_magic.study.recording import Record
from t2s_magic.study.runs import Study
from t2s_magic.study.splits import load_lines

# The test's server counts three tokens for each answer; 800 is what it may have at most.
PRICE = Price(0.0, 1_000.0)
COST, COST_AT_MOST = PRICE.of(7, 3), PRICE.of(0, 800)


@pytest.fixture
def data(tmp_path):
    data = tmp_path / "data"
    write_numbered_shop(data)
    return data


@pytest.fixture
def split(data):
    split = load_lines(data / "questions.jsonl", data, sizes=(8, 4, 8))
    yield split
    split.databases.close()


@pytest.fixture
def server(monkeypatch):
    with oracle(dict(QUESTIONS[::2]), "SELECT 'unknown'") as server:
        monkeypatch.setenv("T2S_API_BASE", server.base_url)
        yield server


def plan(split, folder, *names: str, **settings) -> Plan:
    return Plan(split, tuple(map(choose, names or ("none",))), folder, lm="hosted_vllm/tiny", **settings)


def bodies(server: Oracle) -> list[str]:
    return [json.dumps(request, sort_keys=True) for request in server.requests]


def test_what_calls_cost_is_counted_and_kept_with_the_answers(split, server, tmp_path):
    results = Study(plan(split, tmp_path / "run", prices={"hosted_vllm/tiny": PRICE})).run()
    assert results.rows[0].usage.dollars == pytest.approx(12 * COST)
    again = Study(plan(split, tmp_path / "run", prices={"hosted_vllm/tiny": PRICE})).run()
    assert (again.spent.calls, again.spent.dollars) == (12, pytest.approx(12 * COST))
    assert len(server.requests) == 12


def test_a_budget_in_dollars_is_never_exceeded_and_stops_with_a_sentence(split, server, tmp_path):
    budget = COST_AT_MOST + 6.5 * COST
    prices = {"hosted_vllm/tiny": PRICE}
    stopped = Study(plan(split, tmp_path / "run", dollars=budget, prices=prices)).run().rows[0]
    assert stopped.status == "stopped"
    assert stopped.problem.startswith("No LM was asked: the budget of $0.8195 is spent ($0.0210, and a call may cost")
    assert len(server.requests) == 7
    finished = Study(plan(split, tmp_path / "run", dollars=budget, prices=prices)).run().rows[0]
    assert (finished.status, finished.usage.repeated) == ("finished", 7)
    assert len(server.requests) == 12


def test_a_budget_in_dollars_needs_a_price(split, tmp_path, monkeypatch):
    monkeypatch.setenv("T2S_API_BASE", "http://127.0.0.1:9/v1")
    message = r"No price is known for hosted_vllm/tiny.*: tell it with --price\. .*0\.15/0\.60"
    with pytest.raises(UsageError, match=message):
        Study(plan(split, tmp_path / "run", dollars=1.0))


def test_prices_are_listed_or_told():
    assert price_of("openai/gpt-4o-mini", {}) == Price(0.15, 0.60)
    assert price_of("builtin", {}) == Price(0.0, 0.0)
    assert price_of("starling", {}) is None
    assert read_named_price("openai/gpt-4o=1/2") == ("openai/gpt-4o", Price(1.0, 2.0))
    assert read_named_price("1.95/h") == ("", Price(0.0, 0.0, 1.95))


@pytest.mark.parametrize(
    ("text", "price"),
    [
        ("0.2/0.4", Price(0.2, 0.4)),
        ("$0/1000.0", Price(0.0, 1_000.0)),
        ("0.0004/1k", Price(0.4, 0.4)),
        (" $3.60 / H ", Price(0.0, 0.0, 3.6)),
    ],
)
def test_a_price_has_one_spelling_wherever_it_is_told(text, price):
    assert read_price(text) == price


def test_an_hour_of_a_server_costs_by_the_second():
    assert read_price("3.60/h").of(100, 100, seconds=10) == pytest.approx(0.01)


@pytest.mark.parametrize("text", ["cheap", "", "-1/2", "1/-2", "nan/1", "inf/h", "1e3/1k", "0.4", "1.95/hour"])
def test_a_price_that_cannot_be_read_is_refused(text):
    with pytest.raises(UsageError, match=r"cannot be read\. Give dollars for a million tokens .* 1\.95/h"):
        read_price(text)


@pytest.mark.parametrize("text", ["0/1000", "0.0004/1,000", "$5 / 1000"])
def test_a_price_that_could_mean_two_things_is_refused(text):
    with pytest.raises(UsageError, match=r"two ways\. Write \.\.\./1k for 1,000 tokens, or \.\.\./1000\.00"):
        read_price(text)


def test_a_dear_call_waits_for_those_under_way_before_it_is_refused():
    meter = Meter(dollars=1.0)
    meter.admit(0.6)
    admitted = threading.Event()
    thread = threading.Thread(target=lambda: (meter.admit(0.6), admitted.set()), daemon=True)
    thread.start()
    assert not admitted.wait(0.1)
    meter.made(Usage(1, dollars=0.1), 0.6)
    assert admitted.wait(5)
    meter.made(Usage(1, dollars=0.5), 0.6)
    with pytest.raises(StudyStoppedError, match=r"the budget of \$1\.0000 is spent \(\$0\.6000"):
        meter.admit(0.6)


SCRIPT = """
    import sys
    from pathlib import Path
    from t2s_magic.study.optimizers import choose
    from t2s_magic.study.plan import Plan
    from t2s_magic.study.runs import Study
    from t2s_magic.study.splits import load_lines

    data = Path(sys.argv[1])
    split = load_lines(data / "questions.jsonl", data, sizes=(8, 4, 8))
    optimizers = choose("none"), choose("BootstrapFewShotWithRandomSearch:candidates=1")
    Study(Plan(split, optimizers, Path(sys.argv[2]), lm="hosted_vllm/tiny", threads=4)).run()
"""


def test_a_study_whose_process_is_killed_repeats_no_answer_that_it_was_given(data, server, tmp_path):
    def start() -> subprocess.Popen:
        return subprocess.Popen([sys.executable, "-c", textwrap.dedent(SCRIPT), data, tmp_path / "run"])

    killed = threading.Event()
    server.on_request = lambda number: killed.wait(60) if number > 20 else None
    process = start()
    asked = 0
    while asked <= 20 or len(server.requests) > asked:  # until all that are under way wait, and the twenty are kept
        assert process.poll() is None
        asked = len(server.requests)
        time.sleep(2)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    under_way = set(bodies(server)[20:])
    killed.set()
    first = set(bodies(server))
    server.on_request = lambda number: None
    asked = len(server.requests)
    assert start().wait() == 0
    repeated = first & set(bodies(server)[asked:])
    assert repeated <= under_way
    assert len(under_way) <= 4
    rows = json.loads((tmp_path / "run" / "results.json").read_text())["rows"]
    assert [row["status"] for row in rows] == ["finished", "finished"]
    assert len(set(bodies(server))) == len(server.requests) - len(repeated)


def test_a_server_that_dies_midway_fails_the_row_and_is_not_asked_again_for_what_it_answered(
    split, tmp_path, monkeypatch
):
    with oracle(dict(QUESTIONS), "") as server:
        monkeypatch.setenv("T2S_API_BASE", server.base_url)
        down = refusal(500, "out of memory")
        server.on_request = lambda number: server.fail(down) if number > 6 else None
        row = Study(plan(split, tmp_path / "run", threads=1)).run().rows[0]
        assert row.status == "failed"
        assert "out of memory" in row.problem
        answered = set(bodies(server)[:6])
        asked = len(server.requests)
        server.on_request = lambda number: server.fail(None)
        row = Study(plan(split, tmp_path / "run", threads=1)).run().rows[0]
    assert (row.status, row.usage.repeated, row.usage.calls) == ("finished", 6, 6)
    assert not answered & set(bodies(server)[asked:])


def test_a_server_that_takes_three_at_once_is_asked_by_no_more_and_the_study_ends(split, tmp_path, monkeypatch):
    with oracle(dict(QUESTIONS), "") as server:
        server.most_at_once, server.seconds = 3, 0.3
        monkeypatch.setenv("T2S_API_BASE", server.base_url)
        row = Study(plan(split, tmp_path / "run", threads=12)).run().rows[0]
    assert (row.status, row.usage.calls) == ("finished", 12)
    assert server.refused > 0


def test_a_gate_narrows_once_for_calls_under_way_together_and_widens_again():
    gate = Gate(8)
    asked_at = time.monotonic()
    for _ in range(5):
        gate.narrow(asked_at)
    assert gate.limit == 4
    for _ in range(4):
        gate.widen()
    assert gate.limit == 5


def test_the_same_request_from_many_threads_is_asked_once(tmp_path):
    record, asked = Record(tmp_path / "answers.jsonl"), []

    def ask() -> None:
        with record.asking("key"):
            if record.find("key", is_sampled=False) is None:
                asked.append(1)
                time.sleep(0.05)
                record.keep("key", {"text": "SELECT 1"}, Usage(1))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert asked == [1]


def test_a_line_that_a_killed_process_left_half_written_is_passed_over(tmp_path):
    file = tmp_path / "answers.jsonl"
    Record(file).keep("whole", {"text": "SELECT 1"}, Usage(1, dollars=0.5))
    with file.open("a") as broken:
        broken.write('{"request": "half", "ans')
    record = Record(file)
    assert record.find("whole", is_sampled=False) == {"text": "SELECT 1"}
    assert record.find("half", is_sampled=False) is None
    assert record.spent == Usage(1, dollars=0.5)
