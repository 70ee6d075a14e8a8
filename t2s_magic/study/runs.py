"""Running a study: each optimizer in turn, its program measured, everything written down as it happens."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from time import perf_counter
from typing import Any

from t2s_magic.builtin import weights
from t2s_magic.errors import (
    KeyRefusedError,
    ModelBusyError,
    ModelError,
    ModelUnreachableError,
    StudyStoppedError,
    Text2SqlError,
    UsageError,
)
from t2s_magic.files import write_whole
from t2s_magic.lm import Backend, make_backend
from t2s_magic.lm.prices import HOW, price_of
from t2s_magic.program import load_program, save_program, shipped_program
from t2s_magic.study.metering import Meter, Usage
from t2s_magic.study.optimizers import Work, refuse_without_writer
from t2s_magic.study.plan import Job, Plan, Progress, Results, Row, slug
from t2s_magic.study.published import PublishedStudent, as_published, make_judge, make_published_example
from t2s_magic.study.questions import Question
from t2s_magic.study.quiet import quiet
from t2s_magic.study.recording import Record, metered
from t2s_magic.study.scoring import Score, Scorer, make_metric
from t2s_magic.study.students import Student, Surroundings, make_example, tidy_demos

Judge = Callable[[Question, str], bool]

RunJobs = Callable[[Plan, Sequence[Job]], Iterator[Row]]

ANSWERS = "answers.jsonl"
WRITERS_TOKENS = 4_000
MOST_ERRORS = 5
# Settings that may change between two runs of a study; the others make it what it is.
_FREE = ("optimizers", "seeds", "prompt_lm", "versions")
PACKAGES = ("dspy", "t2s-magic", "sqlglot", "numpy")
# Where the LM cannot be asked, a question counts for nothing: neither right nor wrong.
_FATAL = (StudyStoppedError, KeyRefusedError, ModelUnreachableError, ModelBusyError)


class Study:
    """One run of a plan. ``run`` works in the thread that calls it; ``stop`` may come from any other.

    A study that was stopped, interrupted or out of budget goes on where it was when it is run again in its folder:
    finished jobs are read from there, and no paid answer is asked for again. ``on_row`` is told each row as it ends.
    ``elsewhere`` runs jobs on other machines (``machines.spread``); ``stop`` then starts no further one.
    """

    def __init__(
        self,
        plan: Plan,
        on_progress: Callable[[Progress], None] = lambda progress: None,
        on_row: Callable[[Row], None] = lambda row: None,
        *,
        elsewhere: RunJobs | None = None,
    ) -> None:
        self.plan = plan
        self._on_progress, self._on_row = on_progress, on_row
        self._run_jobs = elsewhere or self._run_here
        self.backend = make_backend(plan.lm)
        refuse_without_writer(plan.optimizers, self.backend.name, plan.prompt_lm)
        _must_know_prices(plan, self.backend)
        self._meter = Meter(plan.budget, plan.dollars)
        self._settings = _settings(plan, self.backend)

    def stop(self) -> None:
        """Ask no LM any more; ``run`` returns soon, with what there is."""
        self._meter.stop()

    def run(self) -> Results:
        """All rows, those of earlier runs in the folder included. Raises UsageError for a folder of another study."""
        folder = self.plan.folder
        _claim(folder, self._settings)
        rows = {job.name: row for job in self.plan.jobs if (row := self._finished_before(job)) is not None}
        for row in rows.values():
            self._on_progress(_ended(row))
            self._on_row(row)
        results = self._written(rows)
        missing = [job for job in self.plan.jobs if job.name not in rows]
        for row in self._run_jobs(self.plan, missing):
            rows[row.name] = row
            _write(folder / "scores" / f"{row.name}.json", row.to_dict())
            results = self._written(rows)
            self._on_row(row)
            if self._meter.why_stopped:
                break
        return results

    def _run_here(self, plan: Plan, jobs: Sequence[Job]) -> Iterator[Row]:
        lms = self._lms(Record(plan.folder / ANSWERS))
        for job in jobs:
            yield _Run(plan, job, lms, self._meter, self._on_progress).run()

    def _written(self, rows: Mapping[str, Row]) -> Results:
        """The rows in the plan's order, as they stand in the folder as well."""
        ordered = tuple(rows[job.name] for job in self.plan.jobs if job.name in rows)
        results = Results(self._settings, ordered, Record(self.plan.folder / ANSWERS).spent)
        _write(self.plan.folder / "results.json", results.to_dict())
        return results

    def _finished_before(self, job: Job) -> Row | None:
        path = self.plan.folder / "scores" / f"{job.name}.json"
        row = Row.from_dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else None
        is_same = row is not None and row.status == "finished" and row.prompt_lm == self.plan.writer_of(job)
        return row if is_same else None

    def _lms(self, record: Record) -> _LMs:
        backend = self._metered(self.backend, record)
        return _LMs(
            as_published(backend) if self.plan.is_published else backend,
            self._writer(record),
            self._judge(record),
        )

    def _judge(self, record: Record) -> Judge | None:
        if not self.plan.judge:
            return None
        return make_judge(self._metered(make_backend(self.plan.judge), record), self.plan.split.databases)

    def _writer(self, record: Record) -> Any:
        """The LM that writes instructions: the one named for it, else the one that is optimized."""
        if not any(chosen.optimizer.writes_instructions for chosen in self.plan.optimizers):
            return None
        backend = make_backend(self.plan.prompt_lm) if self.plan.prompt_lm else self.backend
        return self._metered(backend, record, max_tokens=WRITERS_TOKENS, temperature=1.0).lm

    def _metered(self, backend: Backend, record: Record, **settings: Any) -> Backend:
        price = price_of(backend.name, self.plan.prices)
        return metered(backend, price, self._meter, record, self.plan.threads, **settings)


@dataclass(frozen=True)
class _LMs:
    """The LM that is optimized, the one that writes instructions, and the one that judges."""

    backend: Backend
    writer: Any
    judge: Judge | None


def _ended(row: Row) -> Progress:
    return Progress(row.label, row.status, usage=row.usage, seconds=row.seconds, seed=row.seed)


def _must_know_prices(plan: Plan, backend: Backend) -> None:
    names = [name for name in (backend.name, plan.prompt_lm, plan.judge) if name]
    unknown = [name for name in names if price_of(name, plan.prices) is None]
    if plan.dollars is not None and unknown:
        raise UsageError(
            f"No price is known for {unknown[0]}, so no budget in dollars can be kept: tell it with --price. {HOW}"
        )


class _Run:
    """One job: its program made, chosen and measured."""

    def __init__(
        self,
        plan: Plan,
        job: Job,
        lms: _LMs,
        meter: Meter,
        on_progress: Callable[[Progress], None],
    ) -> None:
        self.plan, self.job, self.chosen, self.meter = plan, job, job.chosen, meter
        self.backend, self.writer = lms.backend, lms.writer
        self.threads = 1 if self.backend.is_local else plan.threads
        self.scorer = Scorer(plan.split.databases, copies=plan.copies, judge=lms.judge)
        self.before, self.started = meter.usage, perf_counter()
        self._on_progress = on_progress
        self.around = Surroundings(
            plan.split.databases,
            with_values=self.backend.is_local or plan.sample_values,
            looks_at_rows=self.backend.is_local,
            pairs=plan.split.trainset,
            pair_count=plan.pair_count,
        )
        self.student: Any = PublishedStudent(plan.split.databases) if plan.is_published else self._shipped()

    def _shipped(self) -> Student:
        program = shipped_program(self.backend.program)
        return Student(load_program(program, max_lm_calls=self.plan.max_lm_calls), self.around)

    def _example(self, question: Question) -> Any:
        if self.plan.is_published:
            return make_published_example(question, self.student)
        return make_example(question, self.around)

    def run(self) -> Row:
        writer = self.plan.writer_of(self.job)
        names = self.chosen.label, self.chosen.optimizer.name, self.chosen.settings
        row = Row(*names, "finished", seed=self.job.seed, prompt_lm=writer)
        try:
            student, candidates = self._compile()
            row = self._with_program(replace(row, candidates=candidates), student)
            row = replace(row, valset=self._measure(student, "valset"))
            row = replace(row, testset=self._measure(student, "testset"))
            row = self._saved(row, student)
        except StudyStoppedError as stopped:
            row = replace(row, status="stopped", problem=stopped.message)
        except Text2SqlError as problem:
            row = replace(row, status="failed", problem=problem.message)
        self._tell(row.status)
        return replace(row, usage=self._usage, seconds=round(perf_counter() - self.started, 3))

    def _compile(self) -> tuple[Any, tuple[float, ...]]:
        self._tell("compiling", total=self._asks)
        try:
            with self.backend.context(), quiet() as silence:
                student = self.chosen.compile(self._work(silence))
        # What an optimizer raises is its own affair; the reason is the last question that could not be asked, if any.
        except Exception as error:
            raise self._why(error) from error
        if self.meter.has_refused:
            raise self._why(None)
        candidates = tuple(each["score"] for each in vars(student).pop("candidate_programs", ()))
        if not (self.chosen.optimizer.is_per_question or self.plan.is_published):
            tidy_demos(student)
        return student, candidates

    def _work(self, silence: Callable[[], None]) -> Work:
        split, count = self.plan.split, self._counter("compiling", self._asks)
        trainset, valset = ([self._example(question) for question in part] for part in (split.trainset, split.valset))
        return Work(
            self.student,
            trainset,
            valset,
            make_metric(self.scorer, count, by_judge=self.plan.is_published),
            self.writer,
            self.job.seed,
            self.threads,
            MOST_ERRORS,
            partial(self._at_once, silence),
        )

    def _at_once(self, silence: Callable[[], None], function: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
        """``function`` of each item, in their order, in threads that keep dspy's context and are not heard."""
        with ThreadPoolExecutor(self.threads, initializer=silence) as pool:
            futures = [pool.submit(copy_context().run, function, item) for item in items]
            try:
                return [future.result() for future in futures]
            except (KeyboardInterrupt, *_FATAL):
                # Else those under way would go on asking until they end.
                self.meter.stop()
                raise

    def _why(self, error: Exception | None) -> Text2SqlError:
        if self.around.last_error is not None and isinstance(self.around.last_error, _FATAL):
            return self.around.last_error
        if isinstance(error, Text2SqlError):
            return error
        if self.meter.has_refused:
            return StudyStoppedError(f"No LM was asked: {self.meter.why_stopped}.")
        return ModelError(f"{self.chosen.label} gave up: {type(error).__name__}: {error}")

    @property
    def _asks(self) -> int:
        return self.chosen.asks(len(self.plan.split.trainset), len(self.plan.split.valset))

    def _measure(self, student: Any, part: str) -> tuple[Score, ...]:
        """Scores in the order of the questions, whichever was answered first."""
        questions = self.plan.split.parts[part]
        count = self._counter(part, len(questions))
        self._tell(part, total=len(questions))
        with quiet() as silence, ThreadPoolExecutor(self.threads, initializer=silence) as pool:
            return tuple(_counted(pool.map(partial(self._answer, student), questions), count, self.meter))

    def _answer(self, student: Any, question: Question) -> Score:
        started = perf_counter()
        try:
            with self.backend.context():
                prediction = student(db_id=question.db_id, question=question.question, evidence=question.evidence)
        except _FATAL:
            raise
        except Text2SqlError as problem:
            return self.scorer.failed(question, problem.message, perf_counter() - started)
        return self.scorer.score(question, prediction, perf_counter() - started)

    def _with_program(self, row: Row, student: Any) -> Row:
        (predict,) = student.predictors()
        demos = tuple({"question": _asked(demo), "sql": demo["sql"]} for demo in predict.demos)
        return replace(row, demos=demos, instructions=predict.signature.instructions)

    def _saved(self, row: Row, student: Any) -> Row:
        """The row with its program's file; a program that depends on each question, or is not ours, has none."""
        if self.chosen.optimizer.is_per_question or self.plan.is_published:
            return row
        file = f"programs/{self.job.name}.json"
        student.text_to_sql.label = row.label if row.optimizer != "none" else student.text_to_sql.label
        right = sum(score.correct for score in row.testset)
        card = {
            "optimizer": row.label,
            "settings": dict(row.settings),
            "lm": self.backend.name,
            "seed": row.seed,
            "data": self.plan.split.card.to_dict(),
            "measured": f"{right} of {len(row.testset)} held-out questions right",
        }
        save_program(student.text_to_sql, self.plan.folder / file, {"backend": self.backend.program, "card": card})
        return replace(row, program=file)

    def _counter(self, doing: str, total: int) -> Callable[[Score], None]:
        done: list[bool] = []

        def count(score: Score) -> None:
            done.append(score.correct)
            self._tell(doing, len(done), total, sum(done))

        return count

    def _tell(self, doing: str, done: int = 0, total: int = 0, right: int = 0) -> None:
        seconds = perf_counter() - self.started
        progress = Progress(self.chosen.label, doing, done, total, right, self._usage, seconds, self.job.seed)
        self._on_progress(progress)

    @property
    def _usage(self) -> Usage:
        used = self.meter.usage - self.before
        return replace(used, seconds=round(used.seconds, 3))


def _asked(demo: Mapping[str, Any]) -> str:
    """The question of a demo, whose field the published study called otherwise."""
    return str(demo.get("question") or demo.get("sql_prompt"))


def _counted(scores: Iterator[Score], count: Callable[[Score], None], meter: Meter) -> Iterator[Score]:
    """The scores, counted as they come; an interrupt stops the questions that were not asked yet."""
    try:
        for score in scores:
            count(score)
            yield score
    except BaseException:
        meter.stop()
        raise


def folder_for(plan: Plan, beside: Path) -> Path:
    """A folder for the plan in ``beside``: the same one each time for the same data, LM and settings."""
    fixed = _fixed(_settings(plan, make_backend(plan.lm)))
    digest = hashlib.sha256(json.dumps(fixed, sort_keys=True).encode()).hexdigest()[:8]
    return beside / f"{slug(plan.split.card.name)}-{slug(fixed['lm'])}-{digest}"


def _settings(plan: Plan, backend: Backend) -> dict[str, Any]:
    return {
        "lm": backend.name,
        "weights": _hash_of_weights() if backend.is_local else "",
        "prompt_lm": plan.prompt_lm,
        "optimizers": [chosen.label for chosen in plan.optimizers],
        "data": plan.split.card.to_dict(),
        "seeds": list(plan.seeds),
        "copies": plan.copies,
        "pair_count": plan.pair_count,
        "sample_values": plan.sample_values,
        "max_lm_calls": plan.max_lm_calls,
        "is_published": plan.is_published,
        "judge": plan.judge,
        "versions": {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}},
    }


def _hash_of_weights() -> str:
    with (weights.FOLDER / "model.npz").open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _fixed(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that make a study what it is."""
    return {name: value for name, value in settings.items() if name not in _FREE}


def _claim(folder: Path, settings: Mapping[str, Any]) -> None:
    """Make the folder this study's; one of another LM or data is refused, further optimizers and seeds are welcome."""
    path = folder / "settings.json"
    if path.exists():
        old = json.loads(path.read_text(encoding="utf-8"))
        changed = [name for name, value in _fixed(settings).items() if json.loads(json.dumps(value)) != old.get(name)]
        if changed:
            raise UsageError(f"{folder} holds a study with other {', '.join(changed)}. Name another folder.")
    _write(path, settings)


def _write(path: Path, data: Any) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, json.dumps(data, ensure_ascii=False, indent=1) + "\n")
    except OSError as error:
        raise UsageError(f"The study cannot be written to {path}: {error.strerror}.") from error
