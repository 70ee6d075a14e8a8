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
from t2s_magic.study.report import BASELINE, comparisons, flipped, table
from t2s_magic.study.runs import Progress, Results, Row
from t2s_magic.study.statistics import share_with_interval, wilson_interval
from t2s_magic.widget.compare import CompareWidget

SECONDS_BETWEEN_UPDATES = 0.25


class LiveStudy:
    """A study that a person watches, stops and takes up again; ``start`` returns at once.

    Raises UsageError at its making where there is nothing to compare.
    """

    def __init__(self, session: Session, line: str, display: Display) -> None:
        self._session, self._line, self._display = session, line, display
        self._study = make_study(session, line, self._follow)
        self._steps: dict[str, Progress] = {}
        self._results: Results | None = None
        self._notes = [announcement(self._study)]
        self._used = ""
        self._shown_at = 0.0
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

    def _begin(self) -> None:
        self._results = None
        self._thread = threading.Thread(target=self._run, name="t2s_magic study", daemon=True)
        self._thread.start()
        self._show()

    def _run(self) -> None:
        results = Results({}, ())
        try:
            results = self._study.run()
            self._notes = verdict(results, self._study.plan.folder)
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
        self._study = make_study(self._session, self._line, self._follow)
        self._begin()

    def _use(self, label: str) -> None:
        row = next((row for row in self._rows if row.label == label and row.program), None)
        if row is None:
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
        if progress.total == 0 or monotonic() - self._shown_at > SECONDS_BETWEEN_UPDATES:
            self._show()

    def _show(self) -> None:
        self._shown_at = monotonic()
        self.widget.show(self._state())

    @property
    def _rows(self) -> tuple[Row, ...]:
        return self._results.rows if self._results is not None else ()

    def _state(self) -> dict[str, Any]:
        card, sizes = self._study.plan.split.card, self._study.plan.split.card.sizes
        title = f"{card.name}: " + ", ".join(f"{part} {size}" for part, size in sizes.items())
        found = {each.label: str(each) for each in comparisons(self._results)} if self._results else {}
        labels = [chosen.label for chosen in self._study.plan.optimizers]
        rows = {row.label: row for row in self._rows}
        return {
            "title": title,
            "isRunning": self.is_running,
            "canResume": any(row.status == "stopped" for row in self._rows) or len(rows) < len(labels),
            "notes": self._notes,
            "used": self._used,
            "rows": [
                _row_data(label, self._steps.get(label), rows.get(label), found.get(label, "")) for label in labels
            ],
            "flips": self._flips(),
        }

    def _flips(self) -> list[dict[str, Any]]:
        finished = [row.label for row in self._rows if row.status == "finished"]
        if self._results is None or BASELINE not in finished:
            return []
        tables = {label: flipped(self._results, BASELINE, label).rows for label in finished if label != BASELINE}
        return [
            {
                "label": label,
                "questions": [[asked, first, second, right == label] for asked, right, first, second in rows],
            }
            for label, rows in tables.items()
            if rows
        ]

    def _twins(self) -> dict[str, str]:
        if self._results is None:
            return {"text/plain": "\n".join(self._notes), "text/html": f"<p>{html.escape(' '.join(self._notes))}</p>"}
        notes = "".join(f"<p>{html.escape(note)}</p>" for note in self._notes)
        text = summary(self._results, self._study.plan)
        return {"text/plain": text, "text/html": f"{table(self._results)._repr_html_()}{notes}"}


def _row_data(label: str, step: Progress | None, row: Row | None, verdict: str) -> dict[str, Any]:
    right = sum(score.correct for score in row.testset) if row else 0
    has_score = bool(row and row.testset)
    usage = step.usage if step else None
    return {
        "label": label,
        "doing": step.doing if step else "waits",
        "done": step.done if step else 0,
        "total": step.total if step else 0,
        "right": step.right if step else 0,
        "valset": share_with_interval(sum(score.correct for score in row.valset), len(row.valset)) if row else "",
        "heldOut": share_with_interval(right, len(row.testset)) if row and has_score else "",
        "share": _share(right, len(row.testset)) if row and has_score else None,
        "cost": f"{usage.calls:,} calls, {step.seconds:,.0f} s" if usage and step else "",
        "verdict": row.problem if row and row.problem else verdict,
        "program": row.program if row else "",
    }


def _share(right: int, n: int) -> list[float]:
    low, high = wilson_interval(right, n)
    return [low, right / n, high]
