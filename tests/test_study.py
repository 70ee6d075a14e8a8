"""Studies run through real optimizers of dspy's, against a server with known answers, and can be taken up again."""

import json
from dataclasses import replace

import pytest
from numbered_shop import QUESTIONS, write_numbered_shop
from study_server import oracle

from t2s_magic.adapters.quick_dspy import dspy
from t2s_magic.errors import UsageError
from t2s_magic.program import load_program
from t2s_magic.study.optimizers import OPTIMIZERS, Chosen, Optimizer, choose
from t2s_magic.study.plan import Plan, Results, slug
from t2s_magic.study.runs import Study
from t2s_magic.study.splits import load_lines
from t2s_magic.study.students import Surroundings


@pytest.fixture
def split(tmp_path):
    data = tmp_path / "data"
    split = load_lines(write_numbered_shop(data), data, sizes=(8, 4, 8))
    yield split
    split.databases.close()


@pytest.fixture
def server(monkeypatch):
    """Knows two questions of three."""
    known = {question: sql for number, (question, sql) in enumerate(QUESTIONS) if number % 3}
    with oracle(known, "SELECT 'unknown'") as server:
        monkeypatch.setenv("T2S_API_BASE", server.base_url)
        yield server


def plan(split, folder, *names: str, **settings) -> Plan:
    return Plan(split, tuple(choose(name) for name in names), folder, lm="hosted_vllm/tiny", threads=4, **settings)


def known(part) -> int:
    return sum(int(question.sql.rpartition(" ")[2]) % 3 > 0 for question in part)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_ends_in_a_program_and_its_scores(split, server, tmp_path, name):
    small = {"BootstrapFewShotWithRandomSearch": ":candidates=1", "SIMBA": ":steps=1:candidates=2:batch=4"}
    small["GEPA"] = ":rounds=1"
    (row,) = Study(plan(split, tmp_path / "run", name + small.get(name, ""))).run().rows
    assert (row.status, row.problem) == ("finished", "")
    assert [score.correct for score in row.testset].count(True) == known(split.testset)
    assert [score.question for score in row.testset] == [question.question for question in split.testset]
    if not OPTIMIZERS[name].is_per_question:
        assert load_program(tmp_path / "run" / row.program).label in {row.label, "labeled demos"}


def test_only_an_lm_on_this_machine_goes_by_rows_as_it_does_for_a_question_in_a_cell(split):
    sql = QUESTIONS[3][1]
    here = Surroundings(split.databases, with_values=True, looks_at_rows=True)
    elsewhere = Surroundings(split.databases, with_values=True)
    with here.looking("shop"):
        assert dspy.settings.adapter.rows_of(sql) == (("name3",),)
    with elsewhere.looking("shop"):
        assert getattr(dspy.settings.adapter, "rows_of", None) is None


def test_a_saved_program_holds_demos_with_their_tables_and_no_cell(split, server, tmp_path):
    (row,) = Study(plan(split, tmp_path / "run", "LabeledFewShot:k=3")).run().rows
    saved = json.loads((tmp_path / "run" / row.program).read_text())
    demos = saved["predict"]["demos"]
    assert [sorted(demo) for demo in demos] == [["dialect", "evidence", "question", "schema", "sql", "values"]] * 3
    assert all(demo["values"] == [] for demo in demos)
    assert saved["metadata"]["card"]["data"]["hashes"] == split.card.hashes
    assert saved["metadata"]["card"]["measured"] == f"{known(split.testset)} of 8 held-out questions right"
    assert row.label == "LabeledFewShot(k=3)"


def test_a_study_run_again_asks_for_nothing_that_was_answered(split, server, tmp_path):
    first = Study(plan(split, tmp_path / "run", "none")).run()
    asked = len(server.requests)
    again = Study(plan(split, tmp_path / "run", "none", "BootstrapFewShot")).run()
    assert again.rows[0] == first.rows[0]
    # BootstrapFewShot asks the trainset with other demos: those calls are new, and only those.
    assert len(server.requests) - asked == again.rows[1].usage.calls


def test_a_budget_stops_a_study_and_the_next_run_goes_on_from_there(split, server, tmp_path):
    stopped = Study(plan(split, tmp_path / "run", "none", budget=5)).run().rows[0]
    assert stopped.status == "stopped"
    assert "the budget of 5 calls is spent" in stopped.problem
    assert len(server.requests) == 5
    finished = Study(plan(split, tmp_path / "run", "none")).run().rows[0]
    assert finished.status == "finished"
    assert (finished.usage.repeated, finished.usage.calls) == (5, 7)
    assert len(server.requests) == 12


def test_a_study_can_be_stopped_from_outside(split, server, tmp_path):
    study = Study(plan(split, tmp_path / "run", "none"), lambda progress: progress.done == 2 and study.stop())
    row = study.run().rows[0]
    assert row.status == "stopped"
    assert len(server.requests) < 12


def test_an_interrupt_keeps_what_was_answered(split, server, tmp_path):
    def interrupt(progress):
        if progress.doing == "testset" and progress.done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Study(plan(split, tmp_path / "run", "none"), interrupt).run()
    asked = len(server.requests)
    assert asked >= 6
    row = Study(plan(split, tmp_path / "run", "none")).run().rows[0]
    assert row.usage.repeated == asked
    assert len(server.requests) == 12


def test_results_are_read_again_as_they_were_written(split, server, tmp_path):
    results = Study(plan(split, tmp_path / "run", "none", copies=1)).run()
    assert Results.load(tmp_path / "run").rows == results.rows
    assert all(score.right_on_copies is not None for score in results.rows[0].testset)
    with pytest.raises(UsageError, match="holds no results"):
        Results.load(tmp_path)


def test_a_folder_of_another_study_is_refused(split, server, tmp_path):
    Study(plan(split, tmp_path / "run", "none")).run()
    with pytest.raises(UsageError, match="a study with other copies"):
        Study(replace(plan(split, tmp_path / "run", "none"), copies=2)).run()


def test_a_server_that_is_gone_fails_the_row_and_scores_nothing(split, tmp_path, monkeypatch):
    monkeypatch.setenv("T2S_API_BASE", "http://127.0.0.1:9/v1")
    (row,) = Study(plan(split, tmp_path / "run", "none")).run().rows
    assert row.status == "failed"
    assert "127.0.0.1:9" in row.problem
    assert row.testset == ()


def test_optimizers_that_write_instructions_are_refused_with_the_built_in_model(split, tmp_path):
    with pytest.raises(UsageError, match="MIPROv2 writes instructions, which the built-in model does not read"):
        Study(replace(plan(split, tmp_path, "MIPROv2"), lm="builtin"))
    with pytest.raises(UsageError, match="the built-in model writes SQL only"):
        Study(replace(plan(split, tmp_path, "GEPA"), prompt_lm="builtin"))


def test_an_optimizer_of_ones_own_is_a_function_and_an_entry(split, server, tmp_path):
    def first_few(work, trainset, *, k):
        return dspy.LabeledFewShot(k=k).compile(work.student, trainset=trainset, sample=False)

    mine = Optimizer("FirstFew", "the first k as demos", first_few, lambda train, val, k: 0, {"k": 2}, is_drawn=False)
    own = replace(plan(split, tmp_path / "run", "none"), optimizers=(Chosen(mine, {"k": 3}),))
    (row,) = Study(own).run().rows
    assert (row.label, row.status) == ("FirstFew(k=3)", "finished")
    assert [demo["question"] for demo in row.demos] == [question.question for question in split.trainset[:3]]


def test_seeds_draw_other_demos_and_what_draws_nothing_runs_once(split, server, tmp_path):
    names = "none", "KNNFewShot", "LabeledFewShot:k=2"
    rows = Study(plan(split, tmp_path / "run", *names, seeds=(0, 1, 2))).run().rows
    assert [row.name for row in rows][:2] == ["none", "knnfewshot"]
    assert [row.seed for row in rows[2:]] == [0, 1, 2]
    assert len({str(row.demos) for row in rows[2:]}) == 3
    more = Study(plan(split, tmp_path / "run", *names, seeds=(0, 1, 2, 3))).run().rows
    assert more[:5] == rows


@pytest.mark.parametrize("name", ["BootstrapFewShot:labeled=4", "BootstrapFewShotWithRandomSearch:candidates=2"])
def test_programs_and_scores_do_not_depend_on_how_many_are_asked_at_once(split, server, tmp_path, name):
    one = Study(replace(plan(split, tmp_path / "one", name), threads=1)).run().rows[0]
    asked = len(server.requests)
    server.seconds = 0.01
    many = Study(replace(plan(split, tmp_path / "many", name), threads=16)).run().rows[0]
    assert many.demos == one.demos
    assert many.candidates == one.candidates
    assert [score.correct for score in many.testset] == [score.correct for score in one.testset]
    assert len(server.requests) == 2 * asked


def test_random_search_finds_what_dspys_own_loop_finds(split, server, tmp_path):
    def dspys(work, trainset):
        optimizer = dspy.BootstrapFewShotWithRandomSearch(
            metric=work.metric, max_bootstrapped_demos=2, num_candidate_programs=2, num_threads=work.threads
        )
        return optimizer.compile(work.student, trainset=trainset, valset=work.valset)

    theirs = Optimizer("theirs", "dspy's loop", dspys, lambda train, val: 0)
    own = replace(plan(split, tmp_path / "theirs", "none"), optimizers=(Chosen(theirs, {}),))
    found = Study(plan(split, tmp_path / "ours", "BootstrapFewShotWithRandomSearch:candidates=2")).run().rows[0]
    expected = Study(own).run().rows[0]
    assert found.demos == expected.demos
    assert sorted(found.candidates) == sorted(expected.candidates)


def test_another_writer_of_instructions_is_asked_anew(split, server, tmp_path):
    small = plan(split, tmp_path / "run", "GEPA:rounds=1")
    Study(replace(small, prompt_lm="hosted_vllm/one")).run()
    row = Study(replace(small, prompt_lm="hosted_vllm/other")).run().rows[0]
    assert row.prompt_lm == "hosted_vllm/other"
    assert {body["model"] for body in server.requests} == {"tiny", "one", "other"}


def test_wrong_names_and_settings_are_told_with_the_nearest():
    with pytest.raises(UsageError, match="Did you mean LabeledFewShot"):
        choose("labelledfewshot")
    with pytest.raises(UsageError, match="no setting 'n'"):
        choose("KNNFewShot:n=3")
    with pytest.raises(UsageError, match="has to be a number"):
        choose("KNNFewShot:k=many")
    assert slug(choose("labeledfewshot:k=8").label) == "labeledfewshot-k-8"
