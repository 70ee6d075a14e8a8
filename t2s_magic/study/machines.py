"""A study's jobs on several processes of this machine, or on the machines of a Ray cluster.

A job is an optimizer with one seed. It travels as plain data, with the databases that it asks and the answers that are
kept already, runs there as a study of its own, and comes back as its row, its program and the new answers.
"""

from __future__ import annotations

import multiprocessing
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, field
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from t2s_magic.errors import UsageError
from t2s_magic.files import write_whole
from t2s_magic.study.databases import Databases, FileDatabases, ScriptDatabases
from t2s_magic.study.optimizers import choose
from t2s_magic.study.plan import Job, Plan, Row
from t2s_magic.study.questions import Question
from t2s_magic.study.runs import ANSWERS, Study
from t2s_magic.study.splits import Card, Split

# What of a plan goes with a job as it is.
_SETTINGS = (
    "lm",
    "prompt_lm",
    "prices",
    "threads",
    "copies",
    "pair_count",
    "sample_values",
    "max_lm_calls",
    "is_published",
    "judge",
)


@dataclass(frozen=True)
class Package:
    """A job with all that another machine needs for it.

    ``files`` are SQLite databases by name, ``scripts`` what others are built from; ``answers`` are the lines of the
    study's record. ``environ`` holds how LMs are reached, keys included, and is never shown.
    """

    optimizer: str
    seed: int
    settings: Mapping[str, Any]
    parts: Mapping[str, Sequence[Mapping[str, Any]]]
    card: Mapping[str, Any]
    files: Mapping[str, bytes]
    scripts: Mapping[str, str]
    answers: Sequence[str]
    environ: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True)
class Parcel:
    """What comes back: a row, its program's file ("" where it has none), and the answers that are new."""

    row: Mapping[str, Any]
    program: str
    answers: Sequence[str]


Engine = Callable[[Callable[[Package], Parcel], Sequence[Package], int], Iterator[Parcel]]


def spread(machines: str, plan: Plan, jobs: Sequence[Job]) -> Iterator[Row]:
    """The rows of ``jobs`` as they end, with their programs and answers written to the plan's folder.

    ``machines`` is ``"processes:4"`` or ``"ray:8"``, with so many jobs at once. A budget is divided among the jobs.
    Raises UsageError.
    """
    engine, most = read_machines(machines)
    packages = [pack(plan, job, among=len(jobs)) for job in jobs]
    for parcel in engine(work, packages, most) if packages else ():
        yield _unpack(parcel, plan.folder)


def read_machines(text: str) -> tuple[Engine, int]:
    """The engine that is meant, and how many jobs it may run at once. Raises UsageError, for lack of Ray too."""
    name, _, count = text.partition(":")
    if name not in ENGINES or not count.isdigit() or int(count) < 1:
        raise UsageError(f"--machines {text!r} is neither processes:N nor ray:N, with N jobs at once.")
    if name == "ray" and find_spec("ray") is None:
        raise UsageError("--machines ray needs Ray. Install it here and on the cluster: pip install ray")
    return ENGINES[name], int(count)


def pack(plan: Plan, job: Job, *, among: int) -> Package:
    """The job as data, with its share of the budget. Raises UsageError for a database that is open here only."""
    parts = {name: [asdict(question) for question in part] for name, part in plan.split.parts.items()}
    files, scripts = _contents(plan.split.databases, {each["db_id"] for part in parts.values() for each in part})
    shares = {
        "budget": None if plan.budget is None else plan.budget // among,
        "dollars": None if plan.dollars is None else plan.dollars / among,
    }
    record = plan.folder / ANSWERS
    return Package(
        job.chosen.text,
        job.seed,
        {**{name: getattr(plan, name) for name in _SETTINGS}, **shares},
        parts,
        plan.split.card.to_dict(),
        files,
        scripts,
        record.read_text(encoding="utf-8").splitlines() if record.exists() else [],
        {name: value for name, value in os.environ.items() if name.startswith("T2S_") or name.endswith("_API_KEY")},
    )


def _contents(databases: Databases, db_ids: set[str]) -> tuple[dict[str, bytes], dict[str, str]]:
    if isinstance(databases, ScriptDatabases):
        return {}, {db_id: databases.scripts[db_id] for db_id in db_ids}
    if isinstance(databases, FileDatabases):
        return {db_id: databases.file(db_id).read_bytes() for db_id in db_ids}, {}
    raise UsageError(
        "--machines needs databases that can travel: approved pairs ask a database that is open here. "
        "Name a file of questions with --data."
    )


def work(package: Package) -> Parcel:
    """Run a package where it arrived."""
    os.environ.update(package.environ)
    with tempfile.TemporaryDirectory(prefix="t2s-job-") as name:
        folder = Path(name) / "study"
        folder.mkdir()
        record = folder / ANSWERS
        record.write_text("".join(f"{line}\n" for line in package.answers), encoding="utf-8")
        split = _split(package, Path(name))
        plan = Plan(split, (choose(package.optimizer),), folder, seeds=(package.seed,), **package.settings)
        (row,) = Study(plan).run().rows
        split.databases.close()
        program = (folder / row.program).read_text(encoding="utf-8") if row.program else ""
        return Parcel(row.to_dict(), program, record.read_text(encoding="utf-8").splitlines()[len(package.answers) :])


def _split(package: Package, folder: Path) -> Split:
    for db_id, content in package.files.items():
        (folder / f"{db_id}.sqlite").write_bytes(content)
    databases = ScriptDatabases(package.scripts) if package.scripts else FileDatabases(folder)
    parts = {name: tuple(Question(**each) for each in part) for name, part in package.parts.items()}
    return Split(**parts, databases=databases, card=Card(**package.card))


def _unpack(parcel: Parcel, folder: Path) -> Row:
    row = Row.from_dict(parcel.row)
    with (folder / ANSWERS).open("a", encoding="utf-8", newline="\n") as record:
        record.writelines(f"{line}\n" for line in parcel.answers)
    if row.program:
        (folder / row.program).parent.mkdir(exist_ok=True)
        write_whole(folder / row.program, parcel.program)
    return row


def _on_processes(function: Callable[[Package], Parcel], packages: Sequence[Package], most: int) -> Iterator[Parcel]:
    # Spawned, since a fork would copy the locks of this process's threads as they stand.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(most, len(packages)), mp_context=context) as pool:
        futures = [pool.submit(function, package) for package in packages]
        try:
            for future in as_completed(futures):
                yield future.result()
        finally:
            pool.shutdown(cancel_futures=True)


def _on_ray(function: Callable[[Package], Parcel], packages: Sequence[Package], most: int) -> Iterator[Parcel]:
    """On the cluster that ``RAY_ADDRESS`` names, or on this machine where it names none."""
    ray: Any = import_module("ray")
    if not ray.is_initialized():
        ray.init(log_to_driver=False)
    remote = ray.remote(max_retries=0)(function)  # a second try would pay for the same answers again
    waiting, under_way = list(packages), list[Any]()
    while waiting or under_way:
        while waiting and len(under_way) < most:
            under_way.append(remote.remote(waiting.pop(0)))
        (ended,), under_way = ray.wait(under_way)
        yield ray.get(ended)


ENGINES: dict[str, Engine] = {"processes": _on_processes, "ray": _on_ray}
