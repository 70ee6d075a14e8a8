"""Jobs of a study run in other processes, and come back as if they had run here."""

from functools import partial
from importlib.util import find_spec

import pytest
from numbered_shop import QUESTIONS, write_numbered_shop
from study_server import oracle

from t2s_magic.database import connect
from t2s_magic.errors import UsageError
from t2s_magic.memory import Pair
from t2s_magic.program import load_program
from t2s_magic.study.machines import pack, read_machines, spread, work
from t2s_magic.study.optimizers import choose
from t2s_magic.study.plan import Plan
from t2s_magic.study.runs import Study
from t2s_magic.study.splits import load_lines, load_pairs


@pytest.fixture
def split(tmp_path):
    data = tmp_path / "data"
    split = load_lines(write_numbered_shop(data), data, sizes=(8, 4, 8))
    yield split
    split.databases.close()


@pytest.fixture
def server(monkeypatch):
    known = {question: sql for number, (question, sql) in enumerate(QUESTIONS) if number % 3}
    with oracle(known, "SELECT 'unknown'") as server:
        monkeypatch.setenv("T2S_API_BASE", server.base_url)
        monkeypatch.setenv("T2S_API_KEY", "secret-key")
        yield server


def plan(split, folder, **settings) -> Plan:
    return Plan(split, (choose("none"), choose("LabeledFewShot:k=2")), folder, lm="hosted_vllm/tiny", **settings)


def scores(results) -> list[list[bool]]:
    return [[score.correct for score in row.testset] for row in results.rows]


def test_jobs_in_other_processes_give_what_they_give_here(split, server, tmp_path):
    there = plan(split, tmp_path / "there", seeds=(0, 1), budget=90)
    results = Study(there, elsewhere=partial(spread, "processes:2")).run()
    assert [(row.name, row.status) for row in results.rows] == [
        ("none", "finished"),
        ("labeledfewshot-k-2", "finished"),
        ("labeledfewshot-k-2-seed-1", "finished"),
    ]
    assert results.spent.calls == len(server.requests) == 36
    assert load_program(there.folder / results.rows[2].program).label == "LabeledFewShot(k=2)"
    here = Study(plan(split, tmp_path / "here", seeds=(0, 1))).run()
    assert scores(here) == scores(results)
    assert [row.demos for row in here.rows] == [row.demos for row in results.rows]
    asked = len(server.requests)
    again = Study(there, elsewhere=partial(spread, "processes:2")).run()
    assert again.rows == results.rows
    assert len(server.requests) == asked


def test_a_job_takes_its_share_of_the_budget_and_the_answers_that_are_kept(split, server, tmp_path):
    stopped = Study(plan(split, tmp_path / "run", budget=5)).run()
    assert [row.status for row in stopped.rows] == ["stopped"]
    job = plan(split, tmp_path / "run").jobs[0]
    parcel = work(pack(plan(split, tmp_path / "run", budget=8), job, among=2))
    assert parcel.row["status"] == "stopped"
    assert parcel.row["usage"]["repeated"] == 5
    assert len(parcel.answers) == 4


def test_a_package_does_not_show_the_key_that_it_carries(split, server, tmp_path):
    package = pack(plan(split, tmp_path / "run"), plan(split, tmp_path / "run").jobs[0], among=1)
    assert package.environ["T2S_API_KEY"] == "secret-key"
    assert "secret-key" not in repr(package)


def test_a_database_that_is_open_here_does_not_travel(sqlite_file, server, tmp_path):
    database = connect(f"sqlite:///{sqlite_file}")
    pairs = [Pair(f"Question {n}?", f"SELECT name, {n} FROM customer", "sqlite", "", (), "") for n in range(9)]
    own = plan(load_pairs(pairs, database), tmp_path / "run")
    with pytest.raises(UsageError, match="Name a file of questions with --data"):
        pack(own, own.jobs[0], among=1)
    database.close()


@pytest.mark.parametrize("text", ["cloud:3", "processes", "processes:0", "ray:many"])
def test_engines_that_are_not_there_are_refused(text):
    with pytest.raises(UsageError, match=f"--machines '{text}' is neither processes:N nor ray:N"):
        read_machines(text)


@pytest.mark.skipif(find_spec("ray") is not None, reason="Ray is here")
def test_without_ray_one_line_says_how_to_come_by_it():
    with pytest.raises(UsageError, match=r"needs Ray\. Install it here and on the cluster: pip install ray"):
        read_machines("ray:8")


def test_jobs_on_ray_give_what_they_give_here(split, server, tmp_path):
    ray = pytest.importorskip("ray")
    results = Study(plan(split, tmp_path / "there", seeds=(0, 1)), elsewhere=partial(spread, "ray:2")).run()
    ray.shutdown()
    here = Study(plan(split, tmp_path / "here", seeds=(0, 1))).run()
    assert scores(here) == scores(results)
    assert [row.demos for row in here.rows] == [row.demos for row in results.rows]
