"""``%t2s optimize`` in a real shell, over a real SQLite file: pairs in, a table and a program out."""

import _thread
import json
import sqlite3

import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from sql.connection import ConnectionManager
from study_server import oracle

from t2s_magic.memory import Pair, Pairs

QUESTIONS = [(f"Which name has number {n}?", f"SELECT name FROM t WHERE number = {n}") for n in range(20)]


@pytest.fixture
def shell(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with sqlite3.connect("shop.sqlite") as connection:
        connection.execute("CREATE TABLE t (number INTEGER, name TEXT)")
        connection.executemany("INSERT INTO t VALUES (?, ?)", [(number, f"name{number}") for number in range(20)])
    shell = InteractiveShell()
    with capture_output():
        shell.run_line_magic("load_ext", "sql")
        shell.run_line_magic("load_ext", "t2s_magic")
        shell.run_line_magic("sql", "sqlite:///shop.sqlite")
    yield shell
    ConnectionManager.close_all()
    ConnectionManager.current = None


@pytest.fixture
def server(monkeypatch):
    known = {question: sql for number, (question, sql) in enumerate(QUESTIONS) if number % 3}
    with oracle(known, "SELECT 'unknown'") as server:
        monkeypatch.setenv("T2S_API_BASE", server.base_url)
        yield server


@pytest.fixture
def pairs(tmp_path):
    pairs = Pairs(tmp_path / "t2s_pairs.jsonl")
    for question, sql in QUESTIONS:
        pairs.add(Pair(question, sql, "sqlite", "", ("t",), "2026-01-01"))
    return pairs


def run(shell: InteractiveShell, cell: str) -> tuple[str, str]:
    with capture_output() as captured:
        result = shell.run_cell(cell)
    assert result.success
    return captured.stdout, captured.stderr


def refusal(shell: InteractiveShell, cell: str) -> str:
    """What a cell says that fails in one line."""
    with capture_output():
        result = shell.run_cell(cell)
    message = str(result.error_in_exec)
    assert "\n" not in message
    return message


def test_pairs_are_divided_compared_and_the_program_is_used_by_the_next_question(shell, server, pairs):
    said, bars = run(shell, "%t2s optimize --optimizers none,LabeledFewShot:k=2")
    assert "approved pairs: 6 learnt from, 4 chosen by, 10 held out." in said
    assert "as %%text2sql uses it, the 8 approved pairs most alike shown with each question." in said
    assert "No program is shown to be better by these 10 held-out questions." in said
    assert "About 28 questions are asked, repairs apart; 2,000 LM calls at most." in bars
    assert f"{server.host} is sent questions, their SQL as demos" in bars
    assert "LabeledFewShot(k=2): testset" in bars
    (command,) = [line.partition(": ")[2] for line in said.splitlines() if line.startswith("To use")]
    assert run(shell, command)[0].startswith("LabeledFewShot(k=2), 2 demos (t2s_studies/approved-pairs-starling-")
    with capture_output():
        answer = shell.run_cell("%%text2sql --no-run\nWhich name has number 1?").result
    assert "LabeledFewShot(k=2)" in repr(answer._repr_mimebundle_()["text/plain"])
    assert "labeled demos" in run(shell, "%t2s program default")[0]


def test_the_same_command_asks_nothing_again(shell, server, pairs):
    run(shell, "%t2s optimize --optimizers none")
    asked = len(server.requests)
    run(shell, "%t2s optimize --optimizers none")
    assert len(server.requests) == asked


@pytest.mark.parametrize("at", [3, 20])
def test_an_interrupt_ends_in_a_sentence_and_the_same_command_goes_on(shell, server, pairs, at):
    """At the third call programs are made, at the twentieth one is measured."""
    server.on_request = lambda number: _thread.interrupt_main() if number == at else None
    command = "%t2s optimize --optimizers BootstrapFewShotWithRandomSearch:candidates=0"
    said, problem = run(shell, command)
    assert "Interrupted" not in problem
    assert said.startswith("Interrupted. What was answered is kept in ")
    asked = len(server.requests)
    said, _ = run(shell, command)
    row = next(line for line in said.splitlines() if line.startswith("BootstrapFewShotWithRandomSearch"))
    assert "kept" in row
    # The interrupt reaches the main thread when it may: by then a quick server may have answered all there is to ask.
    assert len(server.requests) >= asked
    bodies = [json.dumps(request, sort_keys=True) for request in server.requests]
    assert len(bodies) - len(set(bodies)) <= 1  # the call that was under way, at most, is made again


def test_a_spent_budget_is_said_with_how_to_go_on(shell, server, pairs):
    said, _ = run(shell, "%t2s optimize --optimizers none --budget 3")
    assert "stopped: No LM was asked: the budget of 3 calls is spent." in said
    assert "The same command goes on from there." in said


def test_a_budget_in_dollars_is_kept_by_the_price_that_was_told(shell, server, pairs):
    said, bars = run(shell, "%t2s optimize --optimizers none --price 0/1000.0 --budget $0.81 --threads 1")
    assert "About 14 questions are asked, repairs apart; $0.8100 at most." in bars
    assert "the budget of $0.8100 is spent ($0.0120, and a call may cost more)" in said
    assert len(server.requests) == 4


def test_a_judge_and_what_it_is_sent_are_said_before_the_first_call(shell, server, pairs):
    said, bars = run(shell, "%t2s optimize --optimizers none --judge hosted_vllm/judge")
    assert "Each question goes to hosted_vllm/judge with its tables and the SQL written for it." in bars
    assert "none: the judge says 0/10 = 0.0 %" in said
    assert "it agrees with execution on " in said


def test_a_file_of_questions_is_taken_too(shell, server, tmp_path):
    rows = [{"db_id": "shop", "question": question, "sql": sql} for question, sql in QUESTIONS]
    (tmp_path / "mine.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    said, _ = run(shell, "%t2s optimize --data mine.jsonl --optimizers none")
    assert "mine: 6 learnt from, 4 chosen by, 10 held out." in said


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("", "0 approved pairs are too few to learn from and to measure on; 8 is the least. 👍"),
        ("--data nowhere.jsonl", "Cannot read nowhere.jsonl"),
        ("--speed 3", "unrecognized arguments: --speed 3. Options: --data"),
        ("--budget lots", "--budget 'lots' is neither calls, such as 500, nor dollars, such as $2.50."),
        ("--budget $nan", "--budget '$nan' is neither calls"),
        ("--budget 0", "--budget '0' is neither calls"),
        ("--seeds 0", "0 is less than 1"),
        ("--price cheap", "The price 'cheap' cannot be read. Give dollars for a million tokens"),
        ("--price 0/1000", "The price '0/1000' can be read in two ways. Write .../1k for 1,000 tokens"),
        ("--lm 'x", "No closing quotation"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(shell, line, message):
    assert message in refusal(shell, f"%t2s optimize {line}")


def test_a_program_alone_is_measured_and_said_to_be_compared_with_nothing(shell, server, pairs):
    said, _ = run(shell, "%t2s optimize --optimizers LabeledFewShot:k=2")
    assert "Nothing to compare with: name none among --optimizers too." in said


def test_writers_of_instructions_are_refused_with_the_built_in_model(shell, pairs):
    problem = refusal(shell, "%t2s optimize --optimizers MIPROv2 --lm builtin")
    assert problem == "MIPROv2 writes instructions, which the built-in model does not read. Name another --lm."


def test_a_wrong_program_is_refused_at_once_and_the_old_one_stays(shell, tmp_path):
    (tmp_path / "other.json").write_text("{}")
    assert "not a program saved by t2s_magic" in refusal(shell, "%t2s program other.json")
    assert "labeled demos" in run(shell, "%t2s program")[0]


def test_the_program_that_ships_shows_its_card(shell, server):
    said, _ = run(shell, "%t2s program")
    assert said.startswith("labeled demos, 10 demos (ships with t2s_magic)")
    assert "rule: One example for each form of SQL, from short ones, without regard to any score" in said
    assert "measured: The accuracy of this program with Starling was not measured here" in said
    assert "license: CC BY-SA 4.0" in said
