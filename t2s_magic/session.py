"""What one notebook keeps between its cells: connections, LMs, approved pairs, the last answer. No IPython here."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol
from weakref import WeakSet

from t2s_magic import guard, pipeline
from t2s_magic.answer import Answer, Writing
from t2s_magic.database import Database, Limits
from t2s_magic.display import Display
from t2s_magic.errors import UsageError
from t2s_magic.jupysql import Connections, result_set, save_snippet
from t2s_magic.lm import Constrained, Patience
from t2s_magic.memory import Pair, Pairs, Thread, demos_for, make_pair

# Set or changed by %env between two questions, they count from the next one on.
LM_VARIABLES = ("T2S_LM", "T2S_API_BASE", "T2S_API_KEY")
ENFORCED = "read-only, enforced by the engine"
CHECKED_ONLY = "checked; read-only is not enforced by this engine, so it waits for your Run"
SHOWN_ONLY = "shown and never run: the guard has no list for {dialect}"

WAITS = "So it was not run: press Run, or ask again with --run."

Progress = Callable[[str], None]


class Settings(Protocol):
    """The traits of ``%config Text2SQL``."""

    lm: str
    program: str
    time_limit: float
    row_limit: int
    cell_limit: int
    lm_time_limit: float
    lm_waking_limit: float
    lm_price: str
    constrained: Constrained
    max_lm_calls: int
    sample_values: bool
    pairs: str
    demos: int


class Session:
    """Asks, and keeps what the next question needs.

    ``settings`` are read at each question anew; ``names`` are the notebook's own names, for ``%t2s use``; ``folder`` is
    where the notebook lies, and its pairs.
    """

    def __init__(self, settings: Settings, names: Mapping[str, Any], folder: Path) -> None:
        self.settings = settings
        self.names = names
        self.folder = folder
        self.connections = Connections()
        self.last: Answer | None = None
        self._thread = Thread()
        self._askers: dict[tuple[object, ...], pipeline.Asker] = {}
        self._versions_told: WeakSet[Database] = WeakSet()
        self._on_progress: Progress = _ignore
        self._on_sql: Progress = _ignore

    def ask(
        self,
        question: str,
        *,
        lm: str | None = None,
        connection: str | None = None,
        evidence: str = "",
        display: Display,
        autorun: bool,
        even_if_unsure: bool = False,
    ) -> Answer:
        """Ask, show the answer in ``display``, and run its SQL if ``autorun`` and the engine enforces read-only.

        A draft on which the model abstained runs by itself only with ``even_if_unsure``. ``display`` is told meanwhile
        what is being waited for. Raises KeyboardInterrupt with the statement stopped and the answer shown.
        """
        self._on_progress = display.tell
        database = self.connections.database(connection)
        asker = self.asker(lm)
        schema = database.schema()
        newer = self._newer_engine(database)
        before = self._thread.before(question, database)
        pairs = (*demos_for(question, self.pairs().load(), schema, self.settings.demos), *before)
        with self._written(question, display) as writing:
            draft = asker.ask(question, database, evidence=evidence, pairs=pairs)
        draft = replace(draft, notices=(*newer, *_goes_on_from(before), *draft.notices))
        if draft.checked is not None:
            self._thread.add(make_pair(question, draft.checked, schema), database)
        runs = autorun and draft.checked is not None and not draft.problem and database.is_read_only_enforced
        if runs and draft.abstained and not even_if_unsure:
            runs, draft = False, replace(draft, notices=(*draft.notices, WAITS))
        self.last = answer = self._answer(draft, database, display, writing, known=draft if runs else None)
        answer.show()
        if runs:
            answer.run_now()
        return answer

    def asker(self, lm: str | None = None) -> pipeline.Asker:
        """The asker for ``lm`` (None: the setting) under today's settings; the same one as long as they stay."""
        settings = self.settings
        name = lm or settings.lm or None
        environ = tuple(os.environ.get(variable) for variable in LM_VARIABLES)
        patience = Patience(total=settings.lm_time_limit, waking=settings.lm_waking_limit)
        more = (settings.sample_values, settings.max_lm_calls, settings.constrained, settings.lm_price)
        key = (name, environ, settings.program, patience, *more)
        if key not in self._askers:
            self._askers[key] = pipeline.Asker(
                lm=name,
                program=Path(settings.program) if settings.program else None,
                sample_values=settings.sample_values,
                max_lm_calls=settings.max_lm_calls,
                patience=patience,
                on_progress=lambda doing: self._on_progress(doing),
                on_sql=lambda sql: self._on_sql(sql),
                constrained=settings.constrained,
                price=settings.lm_price,
            )
        return self._askers[key]

    @contextmanager
    def _written(self, question: str, display: Display) -> Iterator[Writing]:
        """Within: what the LM writes is shown; taken back if no draft comes of it."""
        writing = Writing(question, display)
        self._on_sql = writing.write
        try:
            yield writing
        except BaseException:
            writing.close()
            raise
        finally:
            self._on_sql = _ignore

    def pairs(self) -> Pairs:
        """The approved pairs beside the notebook."""
        return Pairs(self.folder / self.settings.pairs)

    def limits(self) -> Limits:
        settings = self.settings
        return Limits(seconds=settings.time_limit, rows=settings.row_limit, cell=settings.cell_limit)

    def save(self, name: str, answer: Answer) -> None:
        """Keep an answer's SQL as a snippet of jupysql's, for ``%%sql --with name``. Raises UnsafeSqlError."""
        if answer.problem:
            raise UsageError(f"{name} was not saved: {answer.problem}")
        save_snippet(name, self._for_cell(self.connections.database(None), answer.sql))

    def forget(self) -> None:
        """Drop what was read of databases and the last answer; approved pairs stay."""
        self.last = None
        self._thread = Thread()
        self.connections.forget()
        for asker in self._askers.values():
            asker.forget()

    def _newer_engine(self, database: Database) -> tuple[str, ...]:
        """That the engine is newer than the guard's lists: said once a connection."""
        if database in self._versions_told:
            return ()
        self._versions_told.add(database)
        told = guard.newer_engine(database.dialect, database.engine_version)
        return (told,) if told else ()

    def _answer(
        self,
        draft: pipeline.Draft,
        database: Database,
        display: Display,
        writing: Writing,
        *,
        known: pipeline.Draft | None,
    ) -> Answer:
        """The answer; its first run takes over what is ``known`` of the draft, which was read back a moment ago."""
        pairs = self.pairs()
        fresh = iter([known])
        return Answer(
            draft,
            run=lambda sql: pipeline.run(sql, database, limits=self.limits(), known=next(fresh, None)),
            review=partial(pipeline.review, database=database),
            cancel=database.cancel,
            approve=partial(self._approve, pairs, database),
            reject=partial(self._reject, pairs),
            for_cell=partial(self._for_cell, database),
            to_result=result_set,
            enforcement=enforcement_of(database),
            display=display,
            writing=writing,
        )

    def _approve(self, pairs: Pairs, database: Database, question: str, sql: str) -> str:
        schema = database.schema()
        checked = guard.check(sql, schema.dialect, schema=schema)
        guard.for_cell(checked)  # a pair may be copied into a cell one day
        pairs.add(make_pair(question, checked, schema))
        return f"Kept in {pairs.path.name}: the next related questions learn from it."

    def _reject(self, pairs: Pairs, question: str, _sql: str) -> str:
        numbers = [number for number, pair in enumerate(pairs.load(), start=1) if pair.question == question]
        for number in reversed(numbers):
            pairs.remove(number)
        forgotten = "The pair kept for it was removed. " if numbers else ""
        return f"{forgotten}Correct the SQL and press 👍, and the next related questions learn from it."

    def use(self, target: str) -> str:
        """Add a DataFrame of the notebook, or a file, to the current database; returns what was added."""
        return self.connections.use(target, self.names)

    def _for_cell(self, database: Database, sql: str) -> str:
        return guard.for_cell(guard.check(sql, database.dialect, schema=database.schema()))


def enforcement_of(database: Database) -> str:
    """In a few words: who keeps a run on ``database`` read-only, and whether anything runs there at all."""
    if database.is_read_only_enforced:
        return ENFORCED
    return CHECKED_ONLY if database.dialect in guard.DIALECTS else SHOWN_ONLY.format(dialect=database.dialect)


def _goes_on_from(before: Sequence[Pair]) -> tuple[str, ...]:
    """That a short question was taken as going on from another."""
    return (f"Understood as going on from: {before[-1].question}",) if before else ()


def _ignore(_: str) -> None:
    """Tell nobody."""
