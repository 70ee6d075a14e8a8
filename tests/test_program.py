"""The program: asks, checks, repairs within its calls, and is saved as plain JSON."""

import copy
import json
import os
import signal
import socket
import sqlite3
import threading
import time
from pathlib import Path

import dspy
import pytest
from openai_server import Reply, openai_server, refusal
from scripted_lm import scripted_lm
from scripted_reader import ScriptedReader

from t2s_magic.adapters import SqlAdapter
from t2s_magic.database import connect
from t2s_magic.errors import (
    ConnectionLostError,
    KeyRefusedError,
    NoSqlError,
    ProgramError,
    PromptTooLongError,
    UnknownNameError,
    UnsafeSqlError,
)
from t2s_magic.lm import Patience, make_backend
from t2s_magic.program import (
    SIGNATURE,
    Attempt,
    Reading,
    TextToSql,
    load_program,
    read_program,
    save_program,
    shipped_program,
)
from t2s_magic.schema import Column, Schema, Table

SINGERS = Schema(
    "sqlite",
    (
        Table("singer", (Column("id", "INTEGER"), Column("name", "TEXT"), Column("age", "INTEGER")), path=("main",)),
        Table("concert", (Column("title", "TEXT"), Column("year", "INTEGER")), path=("main",)),
    ),
)
GOOD = "SELECT name FROM singer WHERE age > 30"


def ask(lm, program=None, adapter=None, **more):
    with dspy.context(lm=lm, adapter=adapter or SqlAdapter()):
        return (program or TextToSql())(
            question="Who is older than 30?", schema=SINGERS.to_dict(), dialect="sqlite", **more
        )


def example(question: str, sql: str) -> dspy.Example:
    fields = {"dialect": "sqlite", "schema": SINGERS.to_dict(), "evidence": "", "values": [], "question": question}
    return dspy.Example(**fields, sql=sql).with_inputs(*fields)


def builtin(answer, **more):
    reader = ScriptedReader(answer, **more)
    return make_backend("builtin", load_model=lambda: reader), reader


# Asking and repairing


def test_a_good_answer_takes_one_call_and_is_checked():
    found = ask(scripted_lm(GOOD))
    assert (found.sql, found.checked.tables, found.problem, found.lm_calls) == (GOOD, ("singer",), "", 1)
    assert found.attempts == (Attempt(GOOD),)
    assert (found.confidence, found.readings) == (None, (Reading(GOOD),))
    assert (found.tables_sent, found.tables_total) == (2, 2)


def test_the_prompt_is_the_exact_text_sent_last():
    lm = scripted_lm("SELECT nam FROM singer", GOOD)
    found = ask(lm)
    assert found.prompt == "\n\n".join(f"[{role}]\n{text}" for role, text in lm.engine.requests[-1])


def test_an_unknown_column_is_repaired_with_the_guards_message_at_the_end():
    lm = scripted_lm("SELECT nam FROM singer", GOOD)
    found = ask(lm)
    first, second = lm.engine.requests
    assert (found.sql, found.lm_calls) == (GOOD, 2)
    assert second[: len(first)] == first
    assert second[len(first)] == ("assistant", "SELECT nam FROM singer")
    assert "nam" in second[-1][1]
    assert "name" in second[-1][1]
    assert [attempt.problem == "" for attempt in found.attempts] == [False, True]


def test_what_the_engine_says_of_a_statement_is_repaired_too():
    lm = scripted_lm("SELECT name FROM singer WHERE age > 40", GOOD)
    complaints = iter(["ambiguous column name: age", None])
    found = ask(lm, TextToSql(explain=lambda checked: next(complaints)))
    assert (found.sql, found.lm_calls) == (GOOD, 2)
    assert lm.engine.requests[1][-1] == (
        "user",
        "That fails: ambiguous column name: age\nWrite the corrected statement.",
    )


def test_nothing_is_explained_before_the_guard_has_passed_it():
    explained: list[str] = []
    ask(
        scripted_lm("DELETE FROM singer", "SELECT nam FROM singer", GOOD),
        TextToSql(explain=lambda checked: explained.append(checked.sql)),
    )
    assert explained == [GOOD]


def test_calls_are_bounded_and_the_last_problem_is_told():
    lm = scripted_lm("SELECT a FROM singer", "SELECT b FROM singer", "SELECT c FROM singer", GOOD)
    found = ask(lm)
    assert (found.lm_calls, len(lm.engine.requests), found.checked) == (3, 3, None)
    assert found.sql == "SELECT c FROM singer"
    assert found.problem == found.error.message
    assert isinstance(found.error, UnknownNameError)
    assert [turn for turn in lm.engine.requests[2] if turn[0] == "assistant"] == [
        ("assistant", "SELECT a FROM singer"),
        ("assistant", "SELECT b FROM singer"),
    ]


def test_one_call_alone_can_be_asked_for():
    found = ask(scripted_lm("SELECT a FROM singer"), TextToSql(max_lm_calls=1))
    assert (found.lm_calls, found.checked) == (1, None)


def test_a_write_is_refused_shown_and_never_accepted():
    found = ask(scripted_lm("DELETE FROM singer"))
    assert (found.sql, found.checked, type(found.error)) == ("DELETE FROM singer", None, UnsafeSqlError)
    assert found.problem


def test_the_first_of_several_answers_that_passes_is_taken():
    lm = scripted_lm("SELECT nam FROM singer", "I'm sorry.", GOOD, n=3)
    found = ask(lm)
    assert (found.sql, found.lm_calls) == (GOOD, 3)


def test_the_tools_of_one_database_are_used_where_they_are_given():
    def refuse(sql: str):
        raise UnsafeSqlError("Not here.", sql=sql)

    found = ask(scripted_lm(GOOD), TextToSql(check=refuse, max_lm_calls=1))
    assert (found.checked, found.problem) == (None, "Not here.")


def test_pairs_for_one_question_come_after_the_programs_own_demos():
    lm = scripted_lm(GOOD)
    program = TextToSql()
    program.predict.demos = [example("All?", "SELECT * FROM singer")]
    ask(lm, program, pairs=[{"question": "Years?", "sql": "SELECT year FROM concert"}])
    texts = [text for _, text in lm.engine.requests[0]]
    assert texts[1::2] == ["SELECT * FROM singer", "SELECT year FROM concert"]
    assert len(program.predict.demos) == 1


def test_an_interrupt_passes_through_the_program_at_once():
    with openai_server(Reply(GOOD, delay=20.0)) as server:
        backend = make_backend(environ={"T2S_API_BASE": server.base_url})
        threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
        started = time.monotonic()
        with pytest.raises(KeyboardInterrupt), backend.context():
            TextToSql()(question="Who?", schema=SINGERS.to_dict(), dialect="sqlite")
        assert time.monotonic() - started < 15.0
        assert server.hung_up.wait(30)


# Answers that cannot be used


@pytest.mark.parametrize("empty", ["", "  ", "<think>hm</think>"])
def test_an_empty_answer_is_asked_for_once_more(empty):
    found = ask(scripted_lm(empty, GOOD))
    assert (found.sql, found.lm_calls) == (GOOD, 2)


def test_an_answer_that_stays_empty_is_told():
    found = ask(scripted_lm(""))
    assert (found.sql, found.checked, found.lm_calls) == ("", None, 2)
    assert "gave no SQL" in found.problem


def test_an_empty_answer_to_the_only_call_is_told():
    found = ask(scripted_lm(""), TextToSql(max_lm_calls=1))
    assert (found.lm_calls, found.checked) == (1, None)
    assert "gave no SQL" in found.problem


def test_an_engine_that_goes_away_while_it_plans_keeps_the_sql():
    def gone(checked):
        raise ConnectionLostError("The connection was lost; nothing was changed.")

    with pytest.raises(ConnectionLostError) as raised:
        ask(scripted_lm(GOOD), TextToSql(explain=gone))
    assert raised.value.sql == GOOD


def test_prose_is_kept_as_the_models_words_and_counts_as_no_sql():
    found = ask(scripted_lm("Which year do you mean?"))
    assert (found.sql, found.answer, found.lm_calls) == ("", "Which year do you mean?", 1)
    assert isinstance(found.error, NoSqlError)


def test_several_statements_are_shown_and_none_is_accepted():
    found = ask(scripted_lm("SELECT 1; SELECT 2"))
    assert (found.sql, found.checked) == ("SELECT 1;\nSELECT 2", None)
    assert "2 statements" in found.problem


def test_an_answer_that_was_cut_is_shown_and_not_accepted():
    found = ask(scripted_lm(GOOD, finish_reason="length", max_tokens=800))
    assert (found.sql, found.checked, found.lm_calls) == (GOOD, None, 1)
    assert "cut at max_tokens (800)" in found.problem


def test_when_a_repair_brings_no_sql_the_statement_and_its_problem_stay():
    found = ask(scripted_lm("SELECT nam FROM singer", "I'm sorry."))
    assert (found.sql, found.checked) == ("SELECT nam FROM singer", None)
    assert "nam" in found.problem


def test_a_server_that_fails_in_a_repair_keeps_the_sql_so_far():
    with openai_server("SELECT nam FROM singer", refusal(401, "no")) as server:
        backend = make_backend(environ={"T2S_API_BASE": server.base_url}, patience=Patience(pause=0.01))
        with pytest.raises(KeyRefusedError) as raised, backend.context():
            TextToSql()(question="Who?", schema=SINGERS.to_dict(), dialect="sqlite")
    assert (raised.value.sql, raised.value.lm_calls) == ("SELECT nam FROM singer", 2)
    assert raised.value.prompt.endswith("Write the corrected statement.")


def test_a_prompt_that_is_too_long_is_sent_once_more_with_fewer_tables():
    with openai_server(refusal(400, "maximum context length is 8192 tokens"), GOOD) as server:
        backend = make_backend(environ={"T2S_API_BASE": server.base_url})
        with backend.context():
            found = TextToSql()(question="Oldest singer?", schema=SINGERS.to_dict(), dialect="sqlite")
        sent = server.requests[1]["messages"][0]["content"]
    assert (found.sql, found.tables_sent, found.tables_total, found.lm_calls) == (GOOD, 1, 2, 2)
    assert "CREATE TABLE singer" in sent
    assert "concert" not in sent


@pytest.mark.parametrize(
    ("words", "most"),
    [
        ("maximum context length is 8192 tokens. However, your request has 9005 input tokens", 760),
        ("request (20,000 tokens) exceeds the available context size (8,192 tokens)", 300),
        ("prompt is too long", 505),
    ],
)
def test_as_many_tables_are_left_out_as_the_server_counted(words, most):
    many = Schema("sqlite", tuple(Table(f"log_{n}", (Column("x", "TEXT"),)) for n in range(1_000)))
    with openai_server(refusal(400, words), "SELECT x FROM log_1") as server:
        backend = make_backend("hosted_vllm/tiny", environ={"T2S_API_BASE": server.base_url})
        with backend.context():
            found = TextToSql()(question="Who?", schema=many.to_dict(), dialect="sqlite")
    assert most * 0.8 < found.tables_sent <= most


def test_a_prompt_that_is_too_long_for_the_only_call_is_told():
    with openai_server(refusal(400, "maximum context length is 8192 tokens")) as server:
        backend = make_backend(environ={"T2S_API_BASE": server.base_url})
        with pytest.raises(PromptTooLongError, match="2 of 2 tables were sent"), backend.context():
            TextToSql(max_lm_calls=1)(question="Who?", schema=SINGERS.to_dict(), dialect="sqlite")


def test_a_schema_that_never_fits_is_told_with_its_numbers():
    many = Schema("sqlite", tuple(Table(f"log_{n}", (Column("x", "TEXT"),)) for n in range(5_000)))
    with openai_server(refusal(400, "maximum context length is 8192 tokens")) as server:
        backend = make_backend(environ={"T2S_API_BASE": server.base_url})
        too_long = pytest.raises(
            PromptTooLongError, match=r"of 5,000 tables does not fit: \d+ of 5,000 tables were sent"
        )
        with too_long, backend.context():
            TextToSql()(question="Who?", schema=many.to_dict(), dialect="sqlite")
        assert len(server.requests) == 2


# The built-in model


def test_the_first_reading_that_passes_is_taken_without_another_call():
    backend, reader = builtin(lambda question, demos: ["SELECT nam FROM singer", GOOD, "SELECT 1"])
    with backend.context():
        found = TextToSql()(question="Who?", schema=SINGERS.to_dict(), dialect="sqlite")
    assert (found.sql, found.confidence, found.lm_calls, found.prompt) == (GOOD, 0.4, 1, "")
    assert found.readings == (Reading("SELECT nam FROM singer", 0.8), Reading(GOOD, 0.4), Reading("SELECT 1", 0.2))
    assert len(reader.asked) == 1


def test_readings_that_all_fail_are_not_asked_for_again():
    backend, reader = builtin(lambda question, demos: ["SELECT nam FROM singer", "SELECT nom FROM singer"])
    with backend.context():
        found = TextToSql()(question="Who?", schema=SINGERS.to_dict(), dialect="sqlite")
    assert (found.sql, found.checked, len(reader.asked)) == ("SELECT nam FROM singer", None, 1)
    assert "nam" in found.problem


def test_what_the_model_thinks_of_the_question_is_handed_on():
    backend, _ = builtin(lambda question, demos: [GOOD], abstained=True)
    with backend.context():
        found = TextToSql()(question="Who?", schema=SINGERS.to_dict(), dialect="sqlite")
    assert (found.abstained, found.nearest_tables, found.sql) == (True, ("singer",), GOOD)


def test_with_the_built_in_model_no_socket_is_opened(monkeypatch):
    def refuse(*arguments):
        raise AssertionError("A socket was opened.")

    backend, _ = builtin(lambda question, demos: [GOOD])
    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    with backend.context():
        found = TextToSql()(question="Who?", schema=SINGERS.to_dict(), dialect="sqlite")
    assert found.sql == GOOD


# Under dspy


def same_sql(gold, predicted, trace=None) -> bool:
    return gold.sql == predicted.sql


def learner():
    """A built-in model that knows the answers of its demos and guesses wrong otherwise."""
    return builtin(lambda question, demos: [next((d.sql for d in demos if d.question == question), "SELECT 1")])


TRAINSET = [example(f"Question {n}?", f"SELECT {n + 10} FROM singer") for n in range(4)]


def test_a_program_is_evaluated_by_threads():
    backend, _ = learner()
    program = TextToSql()
    program.predict.demos = TRAINSET[:2]
    with backend.context():
        result = dspy.Evaluate(devset=TRAINSET, metric=same_sql, num_threads=4, display_progress=False)(program)
    assert result.score == 50.0


def test_labeled_demos_change_the_answers_of_the_built_in_model():
    backend, _ = learner()
    with backend.context():
        compiled = dspy.LabeledFewShot(k=4).compile(TextToSql(), trainset=TRAINSET)
        result = dspy.Evaluate(devset=TRAINSET, metric=same_sql, display_progress=False)(compiled)
    assert result.score == 100.0


def test_bootstrapping_learns_the_statement_that_was_accepted_at_last():
    question = "Who is older than 30?"
    lm = scripted_lm("SELECT nam FROM singer", GOOD)
    with dspy.context(lm=lm, adapter=SqlAdapter()):
        optimizer = dspy.BootstrapFewShot(metric=same_sql, max_bootstrapped_demos=1, max_labeled_demos=0)
        compiled = optimizer.compile(TextToSql(), trainset=[example(question, GOOD)])
    assert [(demo["question"], demo["sql"]) for demo in compiled.predict.demos] == [(question, GOOD)]


def test_random_search_over_demos_runs_on_the_built_in_model():
    backend, _ = learner()
    with backend.context():
        optimizer = dspy.BootstrapFewShotWithRandomSearch(
            metric=same_sql, max_bootstrapped_demos=1, max_labeled_demos=4, num_candidate_programs=2, num_threads=1
        )
        compiled = optimizer.compile(TextToSql(), trainset=TRAINSET, valset=TRAINSET)
        result = dspy.Evaluate(devset=TRAINSET, metric=same_sql, display_progress=False)(compiled)
    assert result.score == 100.0


def test_nearest_demos_are_retrieved_for_each_question():
    backend, reader = learner()
    with backend.context():
        optimizer = dspy.KNNFewShot(k=1, trainset=TRAINSET, vectorizer=dspy.Embedder(_letters), metric=same_sql)
        compiled = optimizer.compile(TextToSql())
        found = compiled(**TRAINSET[2].inputs())
    assert found.sql == TRAINSET[2].sql
    assert len(reader.asked[-1]["demos"]) == 1


def test_a_copy_keeps_the_tools_and_has_demos_of_its_own(tmp_path):
    database = sqlite3.connect(tmp_path / "x.sqlite")  # a connection cannot be copied
    program = TextToSql(explain=lambda checked: database.execute(f"EXPLAIN {checked.sql}") and None)
    for other in (program.deepcopy(), copy.deepcopy(program), program.reset_copy()):
        assert other.tools is program.tools
        other.predict.demos.append(TRAINSET[0])
    assert program.predict.demos == []


def test_a_method_of_a_connected_database_survives_a_copy(tmp_path):
    path = tmp_path / "s.sqlite"
    with sqlite3.connect(path) as made:
        made.execute("CREATE TABLE singer (id INTEGER, name TEXT, age INTEGER)")
    database = connect(path)
    try:
        found = ask(scripted_lm(GOOD), TextToSql(explain=database.explain).deepcopy())
    finally:
        database.close()
    assert found.checked.sql == GOOD


def test_another_database_is_asked_with_the_same_predictor():
    program = TextToSql(label="labeled demos", max_lm_calls=2)
    other = program.for_database(None, lambda checked: None)
    assert other.predict is program.predict
    assert (other.label, other.max_lm_calls, other.tools is program.tools) == ("labeled demos", 2, False)


def test_an_lm_set_on_the_program_is_used_and_not_saved(tmp_path):
    program = TextToSql()
    program.set_lm(scripted_lm(GOOD, api_note="canary-7d"))
    with dspy.context(adapter=SqlAdapter()):
        found = program(question="Who?", schema=SINGERS.to_dict(), dialect="sqlite")
    save_program(program, tmp_path / "p.json")
    assert found.sql == GOOD
    assert "canary-7d" not in (tmp_path / "p.json").read_text()


def test_dspys_own_adapter_can_run_the_program_too():
    answer = "[[ ## sql ## ]]\n{}\n\n[[ ## completed ## ]]"
    lm = scripted_lm(answer.format("SELECT nam FROM singer"), answer.format(GOOD))
    found = ask(lm, adapter=dspy.ChatAdapter())
    assert (found.sql, found.lm_calls) == (GOOD, 2)
    assert "SELECT nam FROM singer" in lm.engine.requests[1][-1][1]


# Files


def test_a_saved_program_is_loaded_again(tmp_path):
    program = TextToSql()
    program.predict.demos = TRAINSET[:2]
    program.predict.signature = SIGNATURE.with_instructions("Be terse.")
    save_program(program, tmp_path / "p.json", {"label": "mine", "card": {"n": 2}})
    loaded = load_program(tmp_path / "p.json")
    assert (loaded.label, loaded.predict.signature.instructions) == ("mine", "Be terse.")
    assert [demo["sql"] for demo in loaded.predict.demos] == [demo.sql for demo in TRAINSET[:2]]
    assert read_program(tmp_path / "p.json").metadata["card"] == {"n": 2}


@pytest.mark.parametrize("name", ["builtin", "starling", "default"])
def test_a_shipped_program_has_demos_with_their_own_tables_and_a_card(name):
    saved = read_program(shipped_program(name))
    card = saved.metadata["card"]
    assert saved.metadata["label"] == "labeled demos"
    assert "CC BY-SA 4.0" in card["license"]
    assert "not measured here" in card["measured"] or name == "builtin"
    lm = scripted_lm(GOOD)
    found = ask(lm, load_program(shipped_program(name)))
    assert found.sql == GOOD
    assert sum("Another database:" in text for _, text in lm.engine.requests[0]) == len(saved.state["demos"])


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ('{"format": "t2s_magic pro', "is not whole JSON"),
        ("[]", "not a program saved by t2s_magic"),
        ('{"predict": {}}', "not a program saved by t2s_magic"),
        ('{"format": "t2s_magic program", "version": 99}', "has version 99; this t2s_magic reads up to 1"),
        ('{"format": "t2s_magic program", "version": 1}', "holds another program than ours"),
        ('{"format": "t2s_magic program", "version": 1, "predict": {"signature": 1, "demos": []}}', "another program"),
        ("[" * 100_000, "is not whole JSON"),
        ("\x00\ufffe", "is not whole JSON"),
    ],
)
def test_a_file_that_is_no_program_is_refused_with_the_reason(tmp_path, content, reason):
    path = tmp_path / "p.json"
    path.write_text(content)
    with pytest.raises(ProgramError, match=reason):
        load_program(path)


def test_a_program_with_other_fields_is_refused(tmp_path):
    save_program(TextToSql(), tmp_path / "p.json")
    content = json.loads((tmp_path / "p.json").read_text())
    content["predict"]["fields"][0] = "context"
    (tmp_path / "p.json").write_text(json.dumps(content))
    with pytest.raises(ProgramError, match="Its fields have to be dialect, schema"):
        load_program(tmp_path / "p.json")


def test_what_an_optimizer_wrote_about_a_field_is_kept(tmp_path):
    program = TextToSql()
    program.predict.signature = SIGNATURE.with_updated_fields("sql", prefix="The SQL is:", desc="short")
    save_program(program, tmp_path / "p.json")
    assert load_program(tmp_path / "p.json").predict.signature.dump_state()["fields"][-1] == {
        "prefix": "The SQL is:",
        "description": "short",
    }


def test_what_a_file_adds_to_the_state_of_the_predictor_is_left_aside(tmp_path):
    save_program(TextToSql(), tmp_path / "p.json")
    content = json.loads((tmp_path / "p.json").read_text())
    content["predict"] |= {"forward": "x", "config": {"api_base": "http://evil"}, "lm": {"model": "evil/evil"}}
    (tmp_path / "p.json").write_text(json.dumps(content))
    program = load_program(tmp_path / "p.json")
    assert (program.predict.lm, program.predict.config) == (None, {})
    assert callable(program.predict.forward)


@pytest.mark.parametrize("name", ["p.pkl", "p.pickle", "p", "p.json.pkl"])
def test_only_json_is_loaded_and_saved(tmp_path, name):
    (tmp_path / name).write_bytes(b"cos\nsystem\n(S'touch /tmp/t2s_pwned'\ntR.")
    for act in (load_program, lambda path: save_program(TextToSql(), path)):
        with pytest.raises(ProgramError, match="can run code when loaded"):
            act(tmp_path / name)


def test_a_link_is_neither_followed_nor_replaced(tmp_path):
    (tmp_path / "real.json").write_text("{}")
    (tmp_path / "p.json").symlink_to(tmp_path / "real.json")
    for act in (load_program, lambda path: save_program(TextToSql(), path)):
        with pytest.raises(ProgramError, match="is a link"):
            act(tmp_path / "p.json")


def test_a_file_that_is_not_there_or_is_a_pipe_is_told(tmp_path):
    os.mkfifo(tmp_path / "pipe.json")
    for name in ("none.json", "pipe.json"):
        with pytest.raises(ProgramError, match="No program at"):
            load_program(tmp_path / name)


def test_a_save_that_fails_leaves_the_old_file(tmp_path):
    path = tmp_path / "p.json"
    save_program(TextToSql(), path)
    before = path.read_bytes()
    program = TextToSql()
    program.predict.demos = [dspy.Example(question="?", sql=threading.Lock())]
    with pytest.raises(ProgramError, match="cannot be saved"):
        save_program(program, path)
    assert path.read_bytes() == before
    assert [file.name for file in Path(tmp_path).iterdir()] == ["p.json"]


def _letters(texts: list[str]) -> list[list[float]]:
    """A vector of the digits in each text: enough to tell the questions of TRAINSET apart."""
    return [[float(text.count(f"Question {digit}")) for digit in range(4)] for text in texts]
