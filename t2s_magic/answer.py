"""The value of a cell: a question, its SQL in words, its rows, and what a person can do with them."""

from __future__ import annotations

import contextvars
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cached_property
from threading import Event, RLock, Thread
from time import monotonic
from typing import TYPE_CHECKING, Any

from t2s_magic.database import Rows
from t2s_magic.display import Display
from t2s_magic.errors import NotRunError, Text2SqlError
from t2s_magic.frames import to_pandas, to_polars
from t2s_magic.pipeline import Alternative, Draft, Outcome, Provenance
from t2s_magic.widget import (
    Reading,
    Table,
    View,
    answer_html,
    answer_text,
    csv_text,
    duration,
    tab_separated_text,
    visible,
)

if TYPE_CHECKING:
    import pandas
    import polars

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"

SECONDS_TO_STOP = 5.0
"""How long an interrupt waits for the engine to stop the statement before the cell ends anyway."""

SECONDS_BETWEEN_PIECES = 0.1
"""How often at most the page is told what an LM has written: ten times a second."""

# A wait without a limit cannot be interrupted on Windows.
SECONDS_BETWEEN_LOOKS = 0.2

INTERRUPTED = "Interrupted: the statement was stopped and nothing was changed. Press Run to start it again."
NOT_STOPPING = "Interrupted, but the database has not stopped the statement yet. Its rows will not be waited for."
BROKEN = "The run ended with an error of this program; its traceback is in the log. Nothing was changed."


class Writing:
    """A statement while an LM writes it, in the widget that will be its answer's; nothing where no page is live."""

    def __init__(self, question: str, display: Display) -> None:
        self._question = question
        self._display = display
        self._shown_at = 0.0
        self.widget: Any = None

    def write(self, sql: str) -> None:
        """Show ``sql``, the beginning that there is, if the page has not been told for a while."""
        if not sql or not self._display.is_live or monotonic() - self._shown_at < SECONDS_BETWEEN_PIECES:
            return
        view = View(self._question, sql, sql, is_writing=True)
        if self.widget is None:
            self._open(view)
        else:
            self.widget.show(view)
        self._shown_at = monotonic()

    def close(self) -> None:
        """Take the beginning back, when it will not become an answer."""
        if self.widget is not None:
            self.widget.close()

    def _open(self, view: View) -> None:
        from t2s_magic.widget.answer import AnswerWidget

        self.widget = AnswerWidget(view, {})
        self._display.open(_widget_bundle(self.widget))


class Answer:
    """What a question became: ``sql`` in the editor, ``in_words``, and the ``rows`` of the last run.

    It acts through the callables it is given, all of which return instead of raising Text2SqlError unless said so:

    - ``run(sql)`` checks and runs, ``review(sql)`` checks and reads back; ``cancel()`` stops a run from any thread;
    - ``approve(question, sql)`` and ``reject(question, sql)`` return a sentence for the person, or raise;
    - ``for_cell(sql)`` returns the SQL as it may stand in a ``%%sql`` cell, or raises;
    - ``to_result(rows)`` makes what ``.rows`` returns (jupysql's kind of result).

    Without ``run`` the SQL is shown and never run. ``enforcement`` says in a few words who keeps the run read-only.
    With a live ``display`` the answer is a widget beside static twins, HTML and plain text, which follow each run;
    else it is the twins alone. It takes over the widget of ``writing``, where its SQL was seen as it was written.
    """

    def __init__(
        self,
        draft: Draft,
        *,
        run: Callable[[str], Outcome] | None = None,
        review: Callable[[str], Outcome] | None = None,
        cancel: Callable[[], None] | None = None,
        approve: Callable[[str, str], str] | None = None,
        reject: Callable[[str, str], str] | None = None,
        for_cell: Callable[[str], str] | None = None,
        to_result: Callable[[Rows], Any] | None = None,
        enforcement: str = "",
        display: Display | None = None,
        writing: Writing | None = None,
    ) -> None:
        self._draft = draft
        self._writing = writing
        self._run = run
        self._review = review
        self._cancel = cancel
        self._approve = approve
        self._reject = reject
        self._for_cell = for_cell
        self._to_result = to_result
        self._display = display if display is not None and display.is_live else None
        self._shown_in: object = None
        self._outcome: Outcome | None = None
        self._result: tuple[Rows, Any] | None = None
        self._was_interrupted = False
        self._lock = RLock()
        self._is_idle = Event()
        self._is_idle.set()
        self._view = _first_view(draft, enforcement, can_run=run is not None and draft.checked is not None)

    def __repr__(self) -> str:
        return f"<Answer to {self.question!r}>"

    def __str__(self) -> str:
        """The answer as plain text, safe to print in a terminal."""
        return answer_text(self._view)

    @property
    def question(self) -> str:
        return self._draft.question

    @property
    def sql(self) -> str:
        """The SQL as it stands now, with the person's edits."""
        return self._view.sql

    @property
    def in_words(self) -> str:
        """One sentence read back from the SQL; "" where there is none."""
        return self._view.in_words

    @property
    def confidence(self) -> float | None:
        """The probability that the draft's SQL is right, or None where the LM gives none."""
        return self._draft.confidence

    @property
    def prompt(self) -> str:
        """The exact text that the LM was sent last; "" for the built-in model, which reads no text."""
        return self._draft.prompt

    @property
    def problem(self) -> str:
        """Why there are no rows, or ""."""
        return self._view.problem

    @property
    def rows(self) -> Any:
        """The rows of the last run as ``to_result`` makes them. Raises NotRunError when there are none."""
        rows = self._rows()
        if self._to_result is None:
            return rows
        if self._result is None or self._result[0] is not rows:
            self._result = (rows, self._to_result(rows))
        return self._result[1]

    def df(self) -> pandas.DataFrame:
        """The rows of the last run in pandas: waits for one that is under way. Raises NotRunError."""
        return to_pandas(self._rows())

    def polars(self) -> polars.DataFrame:
        """The rows of the last run in polars: waits for one that is under way. Raises NotRunError."""
        return to_polars(self._rows())

    def run_now(self) -> None:
        """Run the SQL and wait for the end, which ``problem`` or ``rows`` tell; no more than one run at a time.

        The kernel's interrupt stops the statement before it goes on its way as KeyboardInterrupt. Raises NotRunError
        where the SQL may not run.
        """
        if not self._view.can_run:
            raise NotRunError(f"This SQL was not run. {self.problem or 'It can only be shown here.'}", sql=self.sql)
        self._start(self.sql)
        try:
            self._wait()
        except KeyboardInterrupt:
            self._interrupt()
            raise

    def show(self) -> None:
        """Show the answer now, in the cell that is executing, where its later states follow; once a cell."""
        if self._display is not None and self._shown_in != self._display.cell():
            self._shown_in = self._display.cell()
            self._display.show(self._twins(), _widget_bundle(self._widget))

    def _ipython_display_(self) -> None:
        if self._display is None:
            raise NotImplementedError("IPython then shows what _repr_mimebundle_ returns.")
        self.show()

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        return self._twins()

    def _rows(self) -> Rows:
        self._wait()
        if self._outcome is None:
            raise NotRunError(_never_ran(self._view), sql=self.sql)
        if self._outcome.rows is None:
            raise NotRunError(f"The last run gave no rows. {self._outcome.problem}", sql=self._outcome.sql)
        return self._outcome.rows

    # Running: one statement at a time, in a thread, so that the kernel stays free and an interrupt is heard at once.

    def _start(self, sql: str) -> None:
        with self._lock:
            if self._run is None or not self._is_idle.is_set():
                return
            self._is_idle.clear()
            self._was_interrupted = False
            self._change(sql=sql, is_running=True)
        _in_thread(self._run_to_its_end, self._run, sql)

    def _run_to_its_end(self, run: Callable[[str], Outcome], sql: str) -> None:
        outcome = Outcome(sql, problem=BROKEN)
        try:
            outcome = run(sql)
        finally:
            self._end(outcome)

    def _end(self, outcome: Outcome) -> None:
        with self._lock:
            if self._was_interrupted and outcome.rows is None:
                outcome = replace(outcome, problem=INTERRUPTED)
            self._outcome = outcome
            self._change(is_running=False, **_ran(self._view, outcome))
            if self._shown_in is not None and self._display is not None:
                self._display.update(self._twins())
        self._is_idle.set()

    def _wait(self) -> None:
        while not self._is_idle.wait(SECONDS_BETWEEN_LOOKS):
            pass

    def _interrupt(self) -> None:
        self._was_interrupted = True
        if self._cancel is not None:
            self._cancel()
        if not self._is_idle.wait(SECONDS_TO_STOP):
            self._change(problem=NOT_STOPPING)

    # The live view: what a person does in the page arrives as messages.

    @cached_property
    def _widget(self) -> Any:
        from t2s_magic.widget.answer import AnswerWidget

        acts = {
            "run": self._on_run,
            "cancel": self._on_cancel,
            "edit": self._on_edit,
            "choose": self._on_choose,
            "approve": self._on_approve,
            "reject": self._on_reject,
            "for_cell": self._on_for_cell,
            "csv": self._on_csv,
            "copy_rows": self._on_copy_rows,
            "prompt": self._on_prompt,
        }
        if self._writing is None or self._writing.widget is None:
            return AnswerWidget(self._view, acts)
        self._writing.widget.hand_over(self._view, acts)
        return self._writing.widget

    def _twins(self) -> dict[str, str]:
        return {"text/plain": answer_text(self._view), "text/html": answer_html(self._view)}

    def _change(self, **changes: Any) -> None:
        with self._lock:
            sql = changes.get("sql", self._view.sql)
            self._view = replace(self._view, **changes, confidence=self._confidence_in(sql))
            if "_widget" in self.__dict__:
                self._widget.show(self._view)

    def _confidence_in(self, sql: str) -> float | None:
        """The LM's confidence in a text that is its own; in a person's edit it has none."""
        readings = self._view.readings or (Reading(self._draft.sql, "", self._draft.confidence),)
        return next((reading.confidence for reading in readings if reading.sql == sql), None)

    def _on_run(self, message: Mapping[str, Any]) -> None:
        self._start(_sql_of(message))

    def _on_cancel(self, _message: Mapping[str, Any]) -> None:
        if self._cancel is not None and not self._is_idle.is_set():
            self._cancel()

    def _on_edit(self, message: Mapping[str, Any]) -> None:
        sql = _sql_of(message)
        self._change(sql=sql)
        self._read(sql)

    def _on_choose(self, message: Mapping[str, Any]) -> None:
        sql = _sql_of(message)
        reading = next((reading for reading in self._view.readings if visible(reading.sql) == sql), None)
        if reading is None:
            return
        self._change(sql=reading.sql, loaded=self._view.loaded + 1)
        self._read(reading.sql)

    def _read(self, sql: str) -> None:
        if self._review is not None:
            _in_thread(self._read_back, self._review, sql)

    def _read_back(self, review: Callable[[str], Outcome], sql: str) -> None:
        outcome = review(sql)
        with self._lock:
            if self._view.sql == sql:
                self._change(can_run=self._run is not None and not outcome.problem, **_read(outcome))

    def _on_approve(self, message: Mapping[str, Any]) -> dict[str, Any] | None:
        return _told(self._approve, self.question, _sql_of(message)) if self._approve else None

    def _on_reject(self, message: Mapping[str, Any]) -> dict[str, Any] | None:
        return _told(self._reject, self.question, _sql_of(message)) if self._reject else None

    def _on_for_cell(self, message: Mapping[str, Any]) -> dict[str, Any] | None:
        reply = _told(self._for_cell, _sql_of(message)) if self._for_cell else None
        return reply if reply is None or reply["isRefused"] else {**reply, "text": f"%%sql\n{reply['text']}"}

    def _on_csv(self, _message: Mapping[str, Any]) -> dict[str, Any] | None:
        return self._exported(csv_text)

    def _on_copy_rows(self, _message: Mapping[str, Any]) -> dict[str, Any] | None:
        return self._exported(tab_separated_text)

    def _on_prompt(self, _message: Mapping[str, Any]) -> dict[str, Any]:
        return {"text": visible(self.prompt)}

    def _exported(self, write: Callable[..., str]) -> dict[str, Any] | None:
        table = self._view.table
        return {"data": write(table.columns, table.rows).encode(errors="replace")} if table else None


def _widget_bundle(widget: Any) -> dict[str, Any]:
    data, _metadata = widget._repr_mimebundle_()
    return {WIDGET_VIEW: data[WIDGET_VIEW], "text/plain": ""}


def _first_view(draft: Draft, enforcement: str, *, can_run: bool) -> View:
    return View(
        question=draft.question,
        sql=draft.sql,
        read_sql=draft.sql,
        in_words=draft.in_words,
        assumptions=draft.assumptions,
        problem=draft.problem,
        span=draft.span,
        confidence=draft.confidence,
        is_abstained=draft.abstained,
        readings=_readings(draft),
        notices=draft.notices,
        provenance=tuple(part for part in (enforcement, *_provenance(draft.provenance)) if part),
        can_run=can_run,
        has_prompt=bool(draft.prompt),
    )


def _readings(draft: Draft) -> tuple[Reading, ...]:
    """The draft and its alternatives, to choose from; nothing where there is no choice."""
    if not draft.alternatives:
        return ()
    return (Reading(draft.sql, draft.in_words, draft.confidence), *map(_reading, draft.alternatives))


def _reading(alternative: Alternative) -> Reading:
    return Reading(alternative.sql, alternative.in_words, alternative.confidence)


def _provenance(provenance: Provenance) -> list[str]:
    """``["2 of 14 tables", "starling at gpu:8000, labeled demos, 2.4 s", "1,240 tokens read, 85 written"]``."""
    tables = f"{provenance.tables_used:,} of {provenance.tables_total:,} tables" if provenance.tables_total else ""
    calls = f"{provenance.lm_calls} LM calls" if provenance.lm_calls > 1 else ""
    lm = f"{provenance.lm} at {provenance.host}" if provenance.host else provenance.lm
    asked = ", ".join(part for part in (lm, provenance.program, calls, duration(provenance.seconds)) if part)
    return [tables, asked, _used(provenance)]


def _used(provenance: Provenance) -> str:
    """``"1,240 tokens read, 85 written, the first after 120 ms, about $0.0004"``: what is known of it."""
    usage = provenance.usage
    parts = [
        f"{usage.prompt_tokens:,} tokens read" if usage.prompt_tokens is not None else "",
        f"{usage.completion_tokens:,} written" if usage.completion_tokens is not None else "",
        f"the first after {duration(usage.first_token)}" if usage.first_token is not None else "",
        f"about ${provenance.dollars:.2g}" if provenance.dollars is not None else "",
    ]
    return ", ".join(part for part in parts if part)


def _ran(view: View, outcome: Outcome) -> dict[str, Any]:
    """What a run changes in ``view``; the words stay where the run brings none, or the text was edited meanwhile."""
    table = None if outcome.rows is None else _table(outcome.rows, outcome.why_empty)
    changes: dict[str, Any] = {"table": table, "table_sql": outcome.sql, "can_run": True}
    if view.sql != outcome.sql:
        return {**changes, "problem": outcome.problem, "span": None}
    if outcome.in_words or view.read_sql != outcome.sql:
        return {**changes, **_read(outcome)}
    return {**changes, "problem": outcome.problem, "span": outcome.span}


def _read(outcome: Outcome) -> dict[str, Any]:
    return {
        "read_sql": outcome.sql,
        "in_words": outcome.in_words,
        "assumptions": outcome.assumptions,
        "problem": outcome.problem,
        "span": outcome.span,
    }


def _table(rows: Rows, why_empty: str) -> Table:
    return Table(rows.columns, rows.rows, rows.types, rows.is_cut, rows.seconds, rows.notes, why_empty)


def _never_ran(view: View) -> str:
    if view.problem:
        return f"This SQL was not run. {view.problem}"
    if not view.can_run:
        return "This SQL was not run: it can only be shown here. Copy it as a %%sql cell to run it yourself."
    if view.is_abstained:
        return "This answer was not run, since the model is not sure of it. Press Run under it, or ask with --run."
    return "This answer has not run yet. Press Run under it, or call its run_now()."


def _told(act: Callable[..., str], *arguments: str) -> dict[str, Any]:
    """What ``act`` says to the person, or why it would not."""
    try:
        return {"text": act(*arguments), "isRefused": False}
    except Text2SqlError as error:
        return {"text": visible(error.message), "isRefused": True}


def _sql_of(message: Mapping[str, Any]) -> str:
    """The text in the page's editor; a message without one, which our page never sends, is an empty text."""
    sql = message.get("sql")
    return sql if isinstance(sql, str) else ""


def _in_thread(act: Callable[..., None], *arguments: object) -> None:
    """Start ``act``; what it displays goes to the cell or message that started it."""
    context = contextvars.copy_context()
    Thread(target=context.run, args=(act, *arguments), daemon=True, name=f"t2s{act.__name__}").start()
