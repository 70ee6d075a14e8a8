"""READ FIRST: how a question becomes checked SQL and rows, step by step.

    question ─▶ schema (live) ─▶ values (local) ─▶ program(LM) ─▶ guard ─▶ Draft
    SQL, as written or edited ─▶ guard ─▶ read-only transaction ─▶ Rows

The magics, the command line, the study and the notebooks all come through here, so what is measured is what ships.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any
from weakref import WeakKeyDictionary

from t2s_magic import guard
from t2s_magic.adapters import sql_so_far
from t2s_magic.database import Database, Limits, Rows, connect
from t2s_magic.database.glances import glances
from t2s_magic.database.values import CellIndex, find_values
from t2s_magic.errors import ModelError, SchemaError, Text2SqlError, UnsafeSqlError, UsageError
from t2s_magic.guard import CheckedSql
from t2s_magic.lm import Constrained, Patience, make_backend
from t2s_magic.lm.prices import read_price
from t2s_magic.lm.usage import Usage, cost_of
from t2s_magic.memory import Pair
from t2s_magic.program import TextToSql, load_program, shipped_program
from t2s_magic.schema import Schema

LOOK_UP = Limits(seconds=0.5, rows=2_000)
SURE_ENOUGH = 0.5
NAMES_SHOWN = 5
ANSWER_SHOWN = 500


@dataclass(frozen=True)
class Provenance:
    """Where a draft comes from: shown in one line under the SQL. ``dollars`` is None where no price is known."""

    lm: str
    program: str
    lm_calls: int = 0
    seconds: float = 0.0
    tables_used: int = 0
    tables_total: int = 0
    host: str = ""
    usage: Usage = field(default_factory=Usage)
    dollars: float | None = None


@dataclass(frozen=True)
class Alternative:
    """Another reading of the question, told apart from the first in words."""

    sql: str
    in_words: str
    confidence: float


@dataclass(frozen=True)
class Draft:
    """SQL written for a question, with what is known about it before it runs.

    ``checked`` is None when there is no SQL or the guard refused it; then ``problem`` says why, and ``span`` bounds the
    part of ``sql`` it is about. Both are there when the engine was locked or gone: run it later. ``confidence`` is a
    probability, or None where the LM gives none. ``prompt`` is the exact text that the LM was sent last ("" for the
    built-in model). ``notices`` are sentences to show once.
    """

    question: str
    sql: str
    dialect: str
    provenance: Provenance
    checked: CheckedSql | None = None
    problem: str = ""
    span: tuple[int, int] | None = None
    in_words: str = ""
    assumptions: tuple[str, ...] = ()
    confidence: float | None = None
    alternatives: tuple[Alternative, ...] = ()
    abstained: bool = False
    prompt: str = ""
    notices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """What became of one Run (or one look at an edit, then ``rows`` is None and ``problem`` is "").

    ``problem`` says why there are no rows; ``why_empty`` explains a result of 0 rows.
    """

    sql: str
    rows: Rows | None = None
    problem: str = ""
    span: tuple[int, int] | None = None
    in_words: str = ""
    assumptions: tuple[str, ...] = ()
    why_empty: str = ""


def ask(question: str, database: Database | Any, *, lm: str | None = None, program: Path | None = None) -> Draft:
    """Write SQL for one question; nothing is run but look-ups. ``database`` is a Database, a URL or a connection.

    ``lm`` is "builtin", "starling" or any dspy.LM name (None: $T2S_LM, else "starling" if $T2S_API_BASE is set, else
    "builtin"). What went wrong once the LM was asked is the draft's ``problem``; raises UsageError for an empty
    question and SchemaError, NoConnectionError or ConnectionLostError where there is nothing to ask. To ask often, keep
    an ``Asker``.
    """
    return Asker(lm=lm, program=program).ask(question, _database(database))


def execute(sql: str, database: Database | Any, *, limits: Limits = Limits()) -> Rows:
    """Run one statement read-only, if the guard takes it, and return its rows.

    Raises UnsafeSqlError before, and a QueryError or ConnectionLostError while it runs.
    """
    database = _database(database)
    return database.run(_check(sql, database.schema()), limits)


def run(sql: str, database: Database, *, limits: Limits = Limits(), known: Draft | None = None) -> Outcome:
    """``execute`` for a person: what went wrong is the outcome's ``problem``, and 0 rows are explained.

    Words and assumptions are those of ``known``, a draft made just now, if it has the same SQL; else read back anew.
    """
    try:
        schema = database.schema()
        rows = database.run(_check(sql, schema), limits)
        if known is not None and known.sql == sql:
            words, assumptions = known.in_words, known.assumptions
        else:
            words, assumptions = _read_back(sql, schema, database)
        why_empty = "" if rows.rows else guard.why_empty(sql, schema, partial(_look_up, database, schema))
    except Text2SqlError as error:
        return _failed(sql, error)
    return Outcome(sql, rows, in_words=words, assumptions=assumptions, why_empty=why_empty)


def review(sql: str, database: Database) -> Outcome:
    """What an edited statement says, or why it cannot run; it is not run."""
    try:
        schema = database.schema()
        _check(sql, schema)
        words, assumptions = _read_back(sql, schema, database)
    except Text2SqlError as error:
        return _failed(sql, error)
    return Outcome(sql, in_words=words, assumptions=assumptions)


class Asker:
    """One LM with its compiled program, and what makes its next question quick: an index of each database's cells."""

    def __init__(
        self,
        *,
        lm: str | None = None,
        program: Path | None = None,
        sample_values: bool = False,
        max_lm_calls: int = 3,
        patience: Patience | None = None,
        on_progress: Callable[[str], None] | None = None,
        on_sql: Callable[[str], None] | None = None,
        constrained: Constrained = "auto",
        price: str = "",
    ) -> None:
        """``on_progress`` is told what is being waited for, ``on_sql`` the statement so far as a server writes it."""
        self._notices: list[str] = []
        self._price = read_price(price) if price.strip() else None
        self.backend = make_backend(
            lm,
            patience=patience,
            on_progress=on_progress,
            on_text=(lambda text: on_sql(sql_so_far(text))) if on_sql is not None else None,
            on_notice=self._notices.append,
            constrained=constrained,
        )
        self.program: TextToSql = load_program(
            program or shipped_program(self.backend.program), max_lm_calls=max_lm_calls
        )
        self._sample_values = sample_values
        self._indexes: WeakKeyDictionary[Database, CellIndex] = WeakKeyDictionary()
        self._schemas: WeakKeyDictionary[Database, Schema] = WeakKeyDictionary()
        self._told: set[str] = set()

    def ask(self, question: str, database: Database, *, evidence: str = "", pairs: Sequence[Pair] = ()) -> Draft:
        """Write SQL for one question; ``pairs`` are approved questions of the same database, shown as demos."""
        started = perf_counter()
        question = _tidy(question)
        schema = _readable(database)
        notices = self._first_use(database) + self._changes(schema, database)
        values = self._values(question, schema, database)
        program = self.program.for_database(partial(_check, schema=schema), database.explain)
        try:
            with self.backend.context(glances(database, schema)):
                prediction = program(
                    question=question,
                    schema=schema.to_dict(),
                    dialect=schema.dialect,
                    values=values,
                    evidence=evidence,
                    pairs=[pair.demo() for pair in pairs],
                )
        except Text2SqlError as error:
            if not (isinstance(error, ModelError) or error.sql):
                raise
            return self._failed(question, schema, error, perf_counter() - started, notices + self._noted())
        return self._draft(question, schema, database, prediction, started, notices + self._noted())

    def forget(self) -> None:
        """Drop the indexes of cells, so that the next question reads the databases anew."""
        self._indexes.clear()

    def _noted(self) -> tuple[str, ...]:
        """What the backend had to say since it was asked last."""
        noted = tuple(self._notices)
        self._notices.clear()
        return noted

    def _dollars(self, usage: Usage) -> float | None:
        return cost_of(usage, self._price) if self._price is not None else usage.dollars

    def _values(self, question: str, schema: Schema, database: Database) -> list[dict[str, Any]]:
        # The privacy rule: cells of the database go to an LM on this machine, or where the user switched it on.
        if not (self.backend.is_local or self._sample_values):
            return []
        index = self._indexes.setdefault(database, CellIndex(database))
        return [vars(value) for value in find_values(question, schema, database, index=index)]

    def _first_use(self, database: Database) -> tuple[str, ...]:
        """What leaves this machine and where it goes, said once for each database."""
        if not self.backend.host or database.label in self._told:
            return ()
        self._told.add(database.label)
        cells = "and matching cells" if self._sample_values else "but no rows"
        return (
            f"{self.backend.host} is sent the question and the names, types, keys and comments of {database.label}, "
            f"{cells}. %t2s prompt shows the exact text.",
        )

    def _changes(self, schema: Schema, database: Database) -> tuple[str, ...]:
        """What has changed in the schema since the last question, said once."""
        before = self._schemas.get(database, schema)
        self._schemas[database] = schema
        if before is schema or before.tables == schema.tables:
            return ()
        return (f"The schema of {database.label} has changed: {_what_changed(before, schema)}. It was read anew.",)

    def _tables_shown(self, prediction: Any) -> tuple[str, ...]:
        """How much of a large schema an LM was shown; the built-in model is handed all of it."""
        sent, total = prediction.tables_sent, prediction.tables_total
        if not self.backend.host or sent >= total:
            return ()
        return (
            f"The schema is larger than a prompt: {self.backend.name} was shown {sent:,} of {total:,} tables, those "
            "nearest to the words of the question. %t2s prompt shows which.",
        )

    def _draft(
        self,
        question: str,
        schema: Schema,
        database: Database,
        prediction: Any,
        started: float,
        notices: tuple[str, ...],
    ) -> Draft:
        checked: CheckedSql | None = prediction.checked
        alternatives = _alternatives(prediction, schema)
        words, assumptions = _read_back(prediction.sql, schema, database) if checked else ("", ())
        return Draft(
            question,
            prediction.sql,
            schema.dialect,
            self._provenance(
                lm_calls=prediction.lm_calls,
                usage=prediction.usage,
                dollars=self._dollars(prediction.usage),
                seconds=perf_counter() - started,
                tables_used=len(checked.tables) if checked else 0,
                tables_total=len(schema.tables),
            ),
            checked=checked,
            problem=prediction.problem,
            span=getattr(prediction.error, "span", None),
            in_words=words,
            assumptions=assumptions,
            confidence=prediction.confidence,
            alternatives=alternatives,
            abstained=prediction.abstained,
            prompt=prediction.prompt,
            notices=notices
            + self._tables_shown(prediction)
            + _asked_about(prediction)
            + _told_apart(prediction.sql, alternatives, schema)
            + _said_instead(prediction.answer),
        )

    def _failed(
        self, question: str, schema: Schema, error: Text2SqlError, seconds: float, notices: tuple[str, ...]
    ) -> Draft:
        """The question and the SQL so far, kept; checked SQL whose engine is locked or gone can be run later."""
        provenance = self._provenance(lm_calls=error.lm_calls, seconds=seconds, tables_total=len(schema.tables))
        return Draft(
            question,
            error.sql or "",
            schema.dialect,
            provenance,
            checked=None if isinstance(error, ModelError) else _check(error.sql or "", schema),
            problem=error.message,
            prompt=error.prompt,
            notices=notices,
        )

    def _provenance(self, **facts: Any) -> Provenance:
        return Provenance(self.backend.name, self.program.label, host=self.backend.host, **facts)


def _database(database: Database | Any) -> Database:
    return database if hasattr(database, "run") and hasattr(database, "schema") else connect(database)


def _tidy(question: str) -> str:
    tidy = question.strip()
    if not any(character.isalnum() for character in tidy):
        raise UsageError("The question is empty. Ask something about the data, such as: How many customers are there?")
    return tidy


def _readable(database: Database) -> Schema:
    schema = database.schema()
    if not schema.tables:
        raise SchemaError(f"{database.label} has no table to ask about. Create one, or connect to another database.")
    return schema


def _what_changed(before: Schema, after: Schema) -> str:
    """``"new: bonus; changed: person"``, each with the first few names."""
    old, new = ({table.full_name: table for table in schema.tables} for schema in (before, after))
    names = {
        "new": [name for name in new if name not in old],
        "gone": [name for name in old if name not in new],
        "changed": [name for name in new if name in old and new[name] != old[name]],
    }
    return "; ".join(f"{what}: {_first_few(found)}" for what, found in names.items() if found)


def _first_few(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMES_SHOWN:,} more" if len(names) > NAMES_SHOWN else ""
    return ", ".join(names[:NAMES_SHOWN]) + more


def _check(sql: str, schema: Schema) -> CheckedSql:
    """The whole check before anything runs: form, functions, tables, then every column's name."""
    checked = guard.check(sql, schema.dialect, schema=schema)
    guard.check_names(checked, schema)
    return checked


def _look_up(database: Database, schema: Schema, sql: str) -> Rows:
    return database.run(guard.check(sql, schema.dialect, schema=schema), LOOK_UP)


def _read_back(sql: str, schema: Schema, database: Database) -> tuple[str, tuple[str, ...]]:
    """The statement in words, and what it takes for granted; looked up only where the engine keeps it read-only."""
    words, not_seen = guard.in_words(sql, schema), _not_seen(schema)
    if not database.is_read_only_enforced:
        return words, not_seen
    return words, (*guard.assumptions(sql, schema, partial(_look_up, database, schema)), *not_seen)


def _not_seen(schema: Schema) -> tuple[str, ...]:
    """What the user may expect in the rows and our view does not have."""
    if not schema.unseen:
        return ()
    named = [f"{name} ({kind})" for name, kind in schema.unseen]
    return (f"Not seen from this read-only view: {_first_few(named)}.",)


def _failed(sql: str, error: Text2SqlError) -> Outcome:
    span = error.span if isinstance(error, UnsafeSqlError) else None
    return Outcome(sql, problem=error.message, span=span)


def _alternatives(prediction: Any, schema: Schema) -> tuple[Alternative, ...]:
    """The next reading that the guard takes, where the first is not sure enough."""
    if prediction.confidence is None or prediction.confidence >= SURE_ENOUGH:
        return ()
    first = guard.in_words(prediction.sql, schema)
    for reading in prediction.readings:
        words = guard.in_words(reading.sql, schema)
        if reading.sql != prediction.sql and words != first and _passes(reading.sql, schema):
            return (Alternative(reading.sql, words, reading.confidence or 0.0),)
    return ()


def _told_apart(sql: str, alternatives: Sequence[Alternative], schema: Schema) -> tuple[str, ...]:
    """For each alternative, what differs between it and the statement shown."""
    told = (guard.tell_apart(sql, alternative.sql, schema) for alternative in alternatives)
    return tuple(sentence for sentence in told if sentence)


def _passes(sql: str, schema: Schema) -> bool:
    try:
        _check(sql, schema)
    except UnsafeSqlError:
        return False
    return True


def _said_instead(answer: str) -> tuple[str, ...]:
    """What the LM wrote where SQL was asked for: text of its own, so it is labelled and bounded."""
    if not answer.strip():
        return ()
    cut = " …" if len(answer) > ANSWER_SHOWN else ""
    return (f"The model said: {answer.strip()[:ANSWER_SHOWN]}{cut}",)


def _asked_about(prediction: Any) -> tuple[str, ...]:
    if not prediction.abstained:
        return ()
    tables = ", ".join(prediction.nearest_tables[:3])
    nearest = f" The nearest tables are {tables}." if tables else ""
    return (f"The model is not sure that this database can answer the question; below is its best reading.{nearest}",)
