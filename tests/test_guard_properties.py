"""The guard on text that nobody thought of: it answers in time, keeps its verdict, and what passes changes nothing."""

from __future__ import annotations

import hashlib
import random
import sqlite3
import time
from contextlib import closing, suppress
from pathlib import Path

import duckdb
import pytest
from guard_dangers import CALLS, POSITIONS_OF, STATEMENTS, split
from guard_shop import DIALECTS, SETUP, legitimate_statements
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from t2s_magic.errors import UnsafeSqlError
from t2s_magic.guard import check
from t2s_magic.guard.scanner import NUMBER, STRING, SYMBOL, WORD, scan

SECONDS_ALLOWED = 3.0

dialects = st.sampled_from(DIALECTS)
fragments = st.sampled_from(
    """
    SELECT FROM WHERE GROUP BY ORDER LIMIT WITH RECURSIVE AS ( ) [ ] { } , ; . : :: ' " ` $$ -- /* */ * + - / % = <>
    -> ->> || customer name id 1 2.5 'x' "name" NULL DELETE INSERT UPDATE INTO COPY TO PRAGMA ATTACH SET CALL read_csv(
    pg_sleep( load_extension( lower( count(*) CASE WHEN THEN END IN EXISTS UNION ALL JOIN ON USING LATERAL VALUES PIVOT
    FOR UPDATE TABLE EXPLAIN ANALYZE lambda x: @ @@ ? $1 # \\ \n \t {{ }} {% E' U& 0x FILTER OVER WINDOW
    """.split()
)
sql_like = st.lists(fragments, max_size=30).map(" ".join)
any_text = st.one_of(st.text(max_size=200), sql_like, st.text(alphabet="()[]{}'\"`;-/*$ \nSELECT1,.", max_size=300))


@settings(max_examples=200, deadline=None)
@given(dialect=dialects, sql=any_text)
def test_any_text_returns_or_is_refused_in_bounded_time(dialect: str, sql: str) -> None:
    began = time.process_time()
    is_allowed(sql, dialect)

    assert time.process_time() - began < SECONDS_ALLOWED


@pytest.mark.parametrize("dialect", ["duckdb"])
@pytest.mark.parametrize(
    "sql",
    [
        "SELECT " + "(" * 39 + "1" + ")" * 39,
        "SELECT " + "CASE WHEN 1 THEN " * 3000 + "1" + " END" * 3000,
        "SELECT " + "NOT " * 10_000 + "1",
        "SELECT " + "- " * 20_000 + "1",
        "SELECT 1" + " + 1" * 12_000,
        "SELECT a" + ".a" * 24_000,
        "SELECT " + "x," * 24_000 + "x",
        "SELECT 1 " + "UNION SELECT 1 " * 3_000,
        "SELECT 1 " + "/* c */" * 7_000,
        "SELECT " + "'{{'," * 9_000 + "1",
        "SELECT " + "f(" * 39 + "1" + ")" * 39,
        "WITH " + ",".join(f"a{n} AS (SELECT 1)" for n in range(2000)) + " SELECT 1",
        "SELECT * FROM " + ",".join(f"t{n}" for n in range(6_000)),
        "SELECT " + "[" * 39 + "1" + "]" * 39,
        "SELECT * FROM " + "(SELECT * FROM " * 38 + "t" + ")" * 38,
        "SELECT 1 FROM t WHERE " + "a = 1 OR " * 5_000 + "b",
        "SELECT '" + "'" * 49_000,
        "SELECT " + "x::int" * 1 + "::int" * 9_000,
        "SELECT 1 FROM a " + "JOIN b ON 1 = 1 " * 3_000,
    ],
)
def test_large_and_deep_text_is_answered_in_bounded_time(dialect: str, sql: str) -> None:
    began = time.process_time()
    is_allowed(sql, dialect)

    assert time.process_time() - began < 4 * SECONDS_ALLOWED


legitimate = st.one_of(
    *(st.tuples(st.just(dialect), st.sampled_from(legitimate_statements(dialect))) for dialect in DIALECTS)
)
dangerous_calls = st.one_of(
    *(
        st.builds(
            lambda dialect, position, call: (dialect, position.replace("CALL", call)),
            st.just(dialect),
            st.sampled_from(POSITIONS_OF[dialect]),
            st.sampled_from(split(CALLS[dialect])),
        )
        for dialect in DIALECTS
    )
)
dangerous_statements = st.one_of(
    *(
        st.tuples(st.just(dialect), st.sampled_from(split(STATEMENTS["every"]) + split(STATEMENTS[dialect])))
        for dialect in DIALECTS
    )
)
seeds = st.integers(0, 2**32)


@settings(max_examples=120, deadline=None)
@given(statement=legitimate, seed=seeds)
def test_another_spelling_of_a_legitimate_statement_still_passes(statement: tuple[str, str], seed: int) -> None:
    dialect, sql = statement

    assert is_allowed(respelled(sql, dialect, random.Random(seed)), dialect)


@settings(max_examples=200, deadline=None)
@given(statement=st.one_of(dangerous_calls, dangerous_statements), seed=seeds)
def test_another_spelling_of_a_dangerous_statement_is_still_refused(statement: tuple[str, str], seed: int) -> None:
    dialect, sql = statement

    assert not is_allowed(respelled(sql, dialect, random.Random(seed)), dialect)


@settings(max_examples=120, deadline=None)
@given(statement=legitimate, danger=st.randoms(use_true_random=False), seed=seeds)
def test_a_dangerous_statement_put_into_a_legitimate_one_is_refused(
    statement: tuple[str, str], danger: random.Random, seed: int
) -> None:
    dialect, sql = statement
    inner = danger.choice(split(STATEMENTS["every"]) + split(STATEMENTS[dialect]))
    # After a whole statement a lone comment is harmless, and (CLOSE x) is a column with an alias to every engine.
    assume(inner[0].isalpha() and len(inner.split()) > 2)
    chance = random.Random(seed)
    inserted = chance.choice(
        [
            f"{sql}; {inner}",
            f"{inner}; {sql}",
            f"WITH evil AS ({inner}) {sql}",
            f"SELECT * FROM ({inner}) t",
            f"SELECT ({inner})",
            f"EXPLAIN {inner}",
            f"EXPLAIN ANALYZE {sql}",
        ]
    )

    assert not is_allowed(inserted, dialect)


@pytest.fixture(scope="module")
def engines(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("engines")
    with sqlite3.connect(folder / "shop.sqlite") as connection:
        connection.executescript(SETUP["sqlite"])
    connection.close()
    with duckdb.connect(str(folder / "shop.duckdb")) as shop:
        shop.execute(SETUP["duckdb"])
    return {"sqlite": folder / "shop.sqlite", "duckdb": folder / "shop.duckdb"}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(dialect=st.sampled_from(["sqlite", "duckdb"]), seed=seeds)
def test_what_passes_leaves_the_database_and_its_folder_byte_identical(
    engines: dict[str, Path], monkeypatch: pytest.MonkeyPatch, dialect: str, seed: int
) -> None:
    monkeypatch.chdir(engines[dialect].parent)
    sql = shuffled_statement(dialect, random.Random(seed))
    if not is_allowed(sql, dialect):
        return
    before = state_of(engines[dialect].parent)
    run(engines[dialect], dialect, sql)

    assert state_of(engines[dialect].parent) == before


def run(file: Path, dialect: str, sql: str) -> None:
    """Run ``sql`` on a connection that could write, whatever the engine thinks of it."""
    if dialect == "sqlite":
        connection = sqlite3.connect(file, isolation_level=None)
        connection.set_progress_handler(lambda: 1, 200_000)
        with closing(connection), suppress(sqlite3.Error):
            connection.execute(sql).fetchmany(100)
        return
    with duckdb.connect(str(file)) as shop, suppress(duckdb.Error, RuntimeError):
        shop.execute(sql).fetchmany(100)


def state_of(folder: Path) -> dict[str, str]:
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(folder.iterdir())}


def shuffled_statement(dialect: str, chance: random.Random) -> str:
    """Tokens of two statements, legitimate or not, mixed: now and then an engine can still run it."""
    pool = legitimate_statements(dialect)
    dangers = split(STATEMENTS["every"]) + split(STATEMENTS[dialect]) + split(CALLS[dialect])
    left = chance.choice(pool)
    right = chance.choice(dangers if chance.random() < 0.5 else pool)
    cut = chance.randrange(len(left) + 1)
    return chance.choice(
        [left, left[:cut] + right, left[:cut] + " " + right + " " + left[cut:], left.replace("name", f"({right})", 1)]
    )


def respelled(sql: str, dialect: str, chance: random.Random) -> str:
    """The same statement with other white space and comments, other case of words, and quoted or bare names."""
    try:
        tokens, _ = scan(sql, dialect)
    except UnsafeSqlError:
        return sql  # a literal or a comment without an end
    spaces = [" ", "\n", "\t", "  ", " /* drop */ ", " -- x\n", "\r\n"]
    pieces: list[str] = []
    end = 0
    for token in tokens:
        gap = sql[end : token.start]
        if gap.isspace() and chance.random() < 0.5:
            gap = chance.choice(spaces)
        text = token.text
        if token.kind == WORD and chance.random() < 0.3:
            text = chance.choice([text.upper(), text.lower(), text.swapcase()]) if text.isascii() else text
        pieces.append(gap + text)
        end = token.end
    assert {token.kind for token in tokens} <= {WORD, NUMBER, STRING, SYMBOL, "quoted"}
    return "".join(pieces) + sql[end:]


def is_allowed(sql: str, dialect: str) -> bool:
    try:
        check(sql, dialect)
    except UnsafeSqlError:
        return False
    return True
