"""Other engines through SQLAlchemy, with SQLite in their place: any dialect is treated alike."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

from t2s_magic.database import Limits, connect
from t2s_magic.database.generic import GenericDatabase
from t2s_magic.errors import QueryError, SchemaError, UnsafeSqlError
from t2s_magic.guard import CheckedSql, check
from t2s_magic.guard.checked import _GUARD_ONLY
from t2s_magic.pipeline import ask, execute, run


@pytest.fixture
def database(sqlite_file: Path) -> GenericDatabase:
    return GenericDatabase(sqlalchemy.create_engine(f"sqlite:///{sqlite_file}"), owns_engine=True)


def test_rows_are_read_but_read_only_is_not_claimed(database: GenericDatabase):
    rows = database.run(check("SELECT name FROM customer WHERE name LIKE 'A%'", "sqlite"), Limits(rows=5))
    assert (rows.columns, rows.types, rows.rows) == (("name",), ("",), (("Ada",),))
    assert not database.is_read_only_enforced


def test_what_a_statement_writes_is_rolled_back_where_the_engine_can(database: GenericDatabase):
    with pytest.raises(QueryError):
        database.run(CheckedSql("DELETE FROM invoice", "sqlite", made_by=_GUARD_ONLY))
    assert database.run(check("SELECT count(*) FROM invoice", "sqlite")).rows == ((3,),)


def test_the_schema_holds_tables_views_and_keys(database: GenericDatabase):
    schema = database.schema()
    invoice = schema.find(("invoice",))
    assert invoice is not None
    assert [(key.columns, key.to_table, key.to_columns) for key in invoice.foreign_keys] == [
        (("customer_id",), "customer", ("id",))
    ]
    assert [table.name for table in schema.tables if table.is_view] == ["german"]
    assert database.schema() is schema


def test_a_database_without_tables_is_said(tmp_path: Path):
    engine = sqlalchemy.create_engine(f"sqlite:///{tmp_path}/empty.db")
    with pytest.raises(SchemaError, match="No readable table"):
        GenericDatabase(engine).schema()


def test_the_engine_s_words_end_in_one_line(database: GenericDatabase):
    assert database.explain(check("SELECT nope FROM customer", "sqlite")) == "sqlite: no such column: nope"


class _Acme(SQLiteDialect_pysqlite):
    """A dialect that neither the guard nor sqlglot knows."""

    name = "acme"
    supports_statement_cache = True


def test_sql_for_an_engine_that_the_guard_has_no_list_for_is_shown_and_never_run(
    sqlite_file: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(registry.impls, "acme", lambda: _Acme)
    database = connect(f"acme:///{sqlite_file}")
    outcome = run("SELECT count(*) FROM customer", database)
    assert (outcome.rows, outcome.problem) == (
        None,
        "The guard has no list for 'acme', so this SQL is shown and not run.",
    )
    with pytest.raises(UnsafeSqlError, match="shown and not run"):
        execute("SELECT count(*) FROM customer", database)
    assert ask("How many customers are there?", database).problem == outcome.problem
    database.close()
