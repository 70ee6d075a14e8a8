"""``%t2s optimize`` in a notebook: the study runs in a thread, the widget follows it, the kernel stays free."""

from __future__ import annotations

import html
import threading
from time import monotonic
from typing import Any

from t2s_magic.display import Display
from t2s_magic.errors import Text2SqlError
from t2s_magic.optimize import announcement, make_study, program, summary, verdict
from t2s_magic.session import Session
from t2s_magic.study.compare import BASELINE, Flip, Program, comparisons, flips, programs
from t2s_magic.study.metering import Usage
from t2s_magic.study.plan import Progress, Results, Row
from t2s_magic.study.report import flip_table, money, paid, table
from t2s_magic.study.runs import Study
from t2s_magic.study.scoring import Score
from t2s_magic.study.statistics import share_with_interval
from t2s_magic.widget.compare import CompareWidget

SECONDS_BETWEEN_UPDATES = 0.25
NOT_MEASURED: dict[str, Any] = {"share": None, "verdict": "", "program": "", "instructions": "", "demos": []}


class LiveStudy:
    """A study that a person watches, stops and takes up again; ``start`` returns at once.

    Raises UsageError at its making where there is nothing to compare.
    """

    def __init__(self, session: Session, line: str, display: Display) -> None:
        self._session, self._line, self._display = session, line, display
        self._study = self._made()
        self._steps: dict[str, Progress] = {}
        self._valsets: dict[str, Progress] = {}
        self._ended: list[Row] = []
        self._measured: dict[str, dict[str, Any]] = {}
        self._flips: dict[str, tuple[Flip, ...]] = {}
        self._results: Results | None = None
        self._notes = [announcement(self._study)]
        self._used = ""
        self._shown_at = 0.0
        self._later: threading.Timer | None = None
        self._thread: threading.Thread | None = None
        self.widget = CompareWidget(self._state(), {"stop": self._stop, "resume": self._resume, "use": self._use})

    def start(self) -> None:
        """Show the widget in the cell that executes, and begin."""
        widget, _metadata = self.widget._repr_mimebundle_()
        self._display.show(self._twins(), widget)
        self._begin()

    def wait(self) -> None:
        """Until the run that is under way has ended."""
        if self._thread is not None:
            self._thread.join()

    @property
    def is_running(self) -> bool:
        return self._thread is not None and self._results is None

    def _made(self) -> Study:
        return make_study(self._session, self._line, self._follow, self._end)

    def _begin(self) -> None:
        self._results, self._ended, self._measured = None, [], {}
        self._thread = threading.Thread(target=self._run, name="t2s_magic study", daemon=True)
        self._thread.start()
        self._show()

    def _run(self) -> None:
        results = Results({}, ())
        try:
            results = self._study.run()
            self._notes = [*verdict(results, self._study.plan), *paid(results)]
            self._flips = self._flipped(results)
        except Text2SqlError as problem:
            self._notes = [problem.message]
        finally:
            self._results = results
            self._show()
            self._display.update(self._twins())

    def _stop(self, _label: str) -> None:
        self._study.stop()

    def _resume(self, _label: str) -> None:
        if self.is_running:
            return
        try:
            self._study = self._made()
        except Text2SqlError as problem:  # pairs, server or connection may be gone since
            self._notes = [problem.message]
            self._show()
            return
        self._begin()

    def _use(self, label: str) -> None:
        row = next((each.chosen for each in self._programs if each.label == label), None)
        if row is None or not row.program:
            return
        try:
            self._notes = [f"In use from the next question on: {program(self._session, self._file(row))}"]
            self._used = label
        except Text2SqlError as problem:
            self._notes = [problem.message]
        self._show()

    def _file(self, row: Row) -> str:
        return str(self._study.plan.folder / row.program).replace(" ", "\\ ")

    def _follow(self, progress: Progress) -> None:
        self._steps[progress.label] = progress
        if progress.doing == "valset":
            self._valsets[progress.label] = progress
        wait = self._shown_at + SECONDS_BETWEEN_UPDATES - monotonic()
        if progress.total == 0 or wait <= 0:
            self._show()
        elif self._later is None:  # what came too soon after the last update is shown once the pause is over
            self._later = threading.Timer(wait, self._show)
            self._later.daemon = True
            self._later.start()

    def _end(self, row: Row) -> None:
        self._ended.append(row)
        found = {each.label: str(each) for each in comparisons(Results({}, tuple(self._ended)))}
        self._measured = {each.label: _measured(each, found.get(each.label, "")) for each in self._programs}
        self._show()

    def _show(self) -> None:
        self._shown_at, self._later = monotonic(), None
        self.widget.show(self._state())

    @property
    def _programs(self) -> tuple[Program, ...]:
        return programs(Results({}, tuple(self._ended)))

    def _state(self) -> dict[str, Any]:
        plan = self._study.plan
        sizes = ", ".join(f"{part} {size}" for part, size in plan.split.card.sizes.items())
        return {
            "title": f"{plan.split.card.name}: {sizes}",
            "isRunning": self.is_running,
            "canResume": sum(row.status == "finished" for row in self._ended) < len(plan.jobs),
            "notes": self._notes,
            "used": self._used,
            "rows": [self._row_data(chosen.label) for chosen in plan.optimizers],
            "flips": [
                {"label": label, "questions": [_flip_data(flip) for flip in found]}
                for label, found in self._flips.items()
            ],
        }

    def _row_data(self, label: str) -> dict[str, Any]:
        under_way = _under_way(self._steps.get(label), self._valsets.get(label))
        return {"label": label, **NOT_MEASURED, **under_way, **self._measured.get(label, {})}

    def _flipped(self, results: Results) -> dict[str, tuple[Flip, ...]]:
        """The questions that flipped, with what both statements return: asked of the database once, at the end."""
        measured = [program.label for program in programs(results) if program.is_finished]
        if BASELINE not in measured:
            return {}
        databases = self._study.plan.split.databases
        found = {label: flips(results, BASELINE, label, databases) for label in measured if label != BASELINE}
        return {label: flipped for label, flipped in found.items() if flipped}

    def _twins(self) -> dict[str, str]:
        if self._results is None:
            return {"text/plain": "\n".join(self._notes), "text/html": f"<p>{html.escape(' '.join(self._notes))}</p>"}
        shown = table(self._results)
        notes = "".join(f"<p>{html.escape(note)}</p>" for note in self._notes if note not in shown.notes)
        flipped = "".join(
            f"<p>Held-out questions that flipped with {html.escape(label)}:</p>"
            + flip_table(found, BASELINE, label)._repr_html_()
            for label, found in self._flips.items()
        )
        text = summary(self._results, self._study.plan)
        return {"text/plain": text, "text/html": f"{shown._repr_html_()}{notes}{flipped}"}


def _under_way(step: Progress | None, valset: Progress | None) -> dict[str, Any]:
    """What a program's line says of the step that it is at, and of its valset, which may be behind it."""
    if step is None:
        return {"doing": "waits", "done": 0, "total": 0, "right": 0, "valset": "", "heldOut": "", "cost": ""}
    return {
        "doing": f"seed {step.seed}: {step.doing}" if step.seed else step.doing,
        "done": step.done,
        "total": step.total,
        "right": step.right,
        "valset": _so_far(valset),
        "heldOut": _so_far(step) if step.doing == "testset" else "",
        "cost": f"{_paid(step.usage)}, {step.seconds:,.0f} s",
    }


def _so_far(step: Progress | None) -> str:
    """The share with the interval of what was answered yet."""
    return share_with_interval(step.right, step.done) if step is not None and step.done else ""


def _measured(program: Program, verdict: str) -> dict[str, Any]:
    """What a program's line says of what has ended."""
    chosen = program.chosen
    return {
        "valset": program.share("valset"),
        "heldOut": program.share("testset"),
        "share": list(program.interval()) if program.rows else None,
        "cost": f"{_paid(program.usage)}, {sum(row.seconds for row in program.all_rows):,.0f} s",
        "verdict": program.problem or verdict,
        "program": chosen.program,
        "instructions": chosen.instructions,
        "demos": [[demo["question"], demo["sql"]] for demo in chosen.demos],
    }


def _paid(usage: Usage) -> str:
    return f"{usage.calls:,} calls, {money(usage.dollars)}"


def _flip_data(flip: Flip) -> dict[str, Any]:
    first, second, gold = flip.results
    return {
        "question": flip.question,
        "gold": {"sql": flip.gold, "result": gold},
        "first": _answer_data(flip.first, first),
        "second": _answer_data(flip.second, second),
    }


def _answer_data(score: Score, result: str) -> dict[str, Any]:
    return {"sql": score.sql, "result": result, "isRight": score.correct}
