"""Glances: the rows of statements that a model considers, quickly and only where it costs nobody anything."""

from __future__ import annotations

from pathlib import Path

import dspy
import pytest
from scripted_reader import ScriptedReader

from t2s_magic.database import connect
from t2s_magic.database.glances import Glances, glances
from t2s_magic.lm import make_backend

ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT COUNT(*) FROM n"


@pytest.mark.parametrize("engine", ["sqlite", "duckdb"])
def test_the_rows_of_a_statement_are_seen(engine: str, request: pytest.FixtureRequest) -> None:
    database = connect(f"{engine}:///{request.getfixturevalue(f'{engine}_file')}")
    rows_of = glances(database, database.schema())

    assert rows_of is not None
    assert rows_of("SELECT name FROM customer ORDER BY id LIMIT 2") == (("Ada",), ("Grace",))
    database.close()


@pytest.mark.parametrize("sql", ["DELETE FROM customer", "SELECT nothing FROM customer", "SELECT 1 FROM nowhere"])
def test_what_is_refused_or_fails_has_no_rows(sql: str, sqlite_file: Path) -> None:
    database = connect(f"sqlite:///{sqlite_file}")

    assert Glances(database, database.schema())(sql) is None
    assert len(Glances(database, database.schema())("SELECT id FROM customer") or ()) == 3
    database.close()


def test_all_glances_of_a_question_share_one_time_limit(sqlite_file: Path) -> None:
    database = connect(f"sqlite:///{sqlite_file}")
    rows_of = Glances(database, database.schema(), seconds=0.2)

    with pytest.raises(TimeoutError):
        rows_of(ENDLESS)
    with pytest.raises(TimeoutError):
        rows_of("SELECT 1")
    database.close()


def test_a_server_is_not_asked_for_rows_that_nobody_asked_for(postgres_shop: str) -> None:
    database = connect(postgres_shop)

    assert glances(database, database.schema()) is None
    database.close()


def test_only_the_model_in_this_process_is_shown_rows() -> None:
    def rows_of(sql: str) -> None:
        return None

    builtin = make_backend("builtin", load_model=lambda: ScriptedReader(lambda question, demos: ["SELECT 1"]))
    hosted = make_backend("openai/gpt-4o-mini", environ={})

    for backend, is_shown in ((builtin, True), (hosted, False)):
        with backend.context(rows_of):
            assert (getattr(dspy.settings.adapter, "rows_of", None) is rows_of) == is_shown
