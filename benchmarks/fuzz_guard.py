"""Fuzz the guard for as long as you like: splices of real and dangerous statements, judged by the engines themselves.

    python benchmarks/fuzz_guard.py --minutes 60 --seed 1

Three things are looked for. A crash: anything but a CheckedSql or an UnsafeSqlError, or an answer that takes too long,
from the check without and with a schema and from what reads a checked statement on (names, words, cells).
A trace: a statement that the guard passed changes a byte of the database or of its folder. A reach: SQLite's authorizer
or DuckDB without external access sees it reach for more than tables and functions. Every find is printed as it is met;
the exit status is 1 if there was one.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import sqlite3
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import closing, suppress
from pathlib import Path

import duckdb

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from guard_dangers import CALLS, POSITIONS_OF, STATEMENTS, TEXTS, more_calls, more_statements, split
from guard_shop import DIALECTS, SETUP, legitimate_statements, shop_schema

from t2s_magic.errors import UnsafeSqlError
from t2s_magic.guard import CheckedSql, check, check_names, for_cell, in_words
from t2s_magic.guard.scanner import scan

MINUTE = 60.0
SCHEMAS = {dialect: shop_schema(dialect) for dialect in DIALECTS}
SLOW = 5.0
LONGEST_RUN = 2.0
HARMLESS = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}
MARKS = "( ) , ; . ' \" ` [ ] { } -- /* */ $$ :: @ ? : # \\ \x00 \u200b \u00a0 \ufeff é".split(" ")


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--minutes", type=float, default=1.0)
    arguments.add_argument("--seed", type=int, default=0)
    chosen = arguments.parse_args()
    chance = random.Random(chosen.seed)
    ends = time.monotonic() + chosen.minutes * MINUTE
    tally: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        engines = make_engines(Path(folder))
        while time.monotonic() < ends:
            dialect = chance.choice(DIALECTS)
            tally.update(try_one(mutated(dialect, chance), dialect, engines))
    print(
        ", ".join(f"{count:,} {what}" for what, count in tally.most_common()), f"in {time.process_time():.0f} s of CPU"
    )
    return 1 if tally["finds"] else 0


def try_one(sql: str, dialect: str, engines: dict[str, Path]) -> list[str]:
    """What happened, for the tally; prints a find."""
    began = time.process_time()
    try:
        checked = check(sql, dialect)
        with suppress(UnsafeSqlError):
            read_on(checked)
    except UnsafeSqlError:
        verdict = ["refused"]
    except Exception as error:  # noqa: BLE001 - the whole point: nothing else may come out
        return found("crash", f"{type(error).__name__}: {error}", sql, dialect)
    else:
        verdict = ["passed"]
    if time.process_time() - began > SLOW:
        return found("crash", "slow", sql, dialect)
    if verdict == ["passed"] and dialect in engines:
        problem = what_it_touched(sql, dialect, engines[dialect])
        return found("trace", problem, sql, dialect) if problem else [*verdict, "run"]
    return verdict


def read_on(checked: CheckedSql) -> None:
    """What follows the check of a statement before it runs."""
    schema = SCHEMAS[checked.dialect]
    in_words(checked.sql, schema)
    check_names(check(checked.sql, checked.dialect, schema=schema), schema)
    for_cell(checked)


def found(kind: str, what: str, sql: str, dialect: str) -> list[str]:
    print(f"{kind}: {what} | {dialect} | {sql!r}", flush=True)
    return ["finds"]


def what_it_touched(sql: str, dialect: str, file: Path) -> str:
    before = state_of(file.parent)
    reached = run_on_sqlite(sql, file) if dialect == "sqlite" else run_on_duckdb(sql, file)
    return reached or ("changed bytes" if state_of(file.parent) != before else "")


def run_on_sqlite(sql: str, file: Path) -> str:
    reached: list[str] = []

    def watch(action: int, *details: str | None) -> int:
        # json_each and its like declare themselves the first time they are used.
        if action not in HARMLESS and not (details[0] or "").startswith(("json_", "sqlite_master")):
            reached.append(f"action {action} {details}")
        return sqlite3.SQLITE_OK

    ends = time.monotonic() + LONGEST_RUN
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 10_000_000)
        connection.set_authorizer(watch)
        connection.set_progress_handler(lambda: time.monotonic() > ends, 10_000)
        with suppress(sqlite3.Error):
            connection.execute(sql).fetchmany(10)
    return "; ".join(reached)


def run_on_duckdb(sql: str, file: Path) -> str:
    with duckdb.connect(str(file), config={"enable_external_access": "false", "memory_limit": "500MB"}) as connection:
        timer = threading.Timer(LONGEST_RUN, connection.interrupt)
        timer.start()
        try:
            connection.execute(sql).fetchmany(10)
        except duckdb.PermissionException as error:
            return f"permission: {error}"
        except (duckdb.Error, RuntimeError):
            return ""
        finally:
            timer.cancel()
    return ""


def make_engines(folder: Path) -> dict[str, Path]:
    files = {"sqlite": folder / "sqlite" / "shop.db", "duckdb": folder / "duckdb" / "shop.db"}
    for file in files.values():
        file.parent.mkdir()
    with closing(sqlite3.connect(files["sqlite"])) as connection:
        connection.executescript(SETUP["sqlite"])
    with duckdb.connect(str(files["duckdb"])) as shop:
        shop.execute(SETUP["duckdb"])
    return files


def state_of(folder: Path) -> dict[str, str]:
    """Every file of the engine's folder and of the working folder above it, by its bytes."""
    files = [file for file in sorted(folder.parent.rglob("*")) if file.is_file()]
    return {str(file): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def mutated(dialect: str, chance: random.Random) -> str:
    """A statement made of others: spliced, nested, re-spelled, with tokens dropped, doubled or swapped."""
    text = seed_statement(dialect, chance)
    for _ in range(chance.randrange(4)):
        text = chance.choice([spliced, nested, shuffled, marked])(text, dialect, chance)
    return text


def seed_statement(dialect: str, chance: random.Random) -> str:
    kind = chance.random()
    if kind < 0.5:
        return chance.choice(legitimate_statements(dialect))
    if kind < 0.8:
        call = chance.choice([*split(CALLS[dialect]), *more_calls(dialect)])
        return chance.choice(POSITIONS_OF[dialect]).replace("CALL", call)
    return chance.choice([*split(STATEMENTS["every"]), *split(STATEMENTS[dialect]), *more_statements(dialect), *TEXTS])


def spliced(text: str, dialect: str, chance: random.Random) -> str:
    left, right = tokens_of(text, dialect), tokens_of(seed_statement(dialect, chance), dialect)
    start = chance.randrange(len(right) + 1)
    piece = right[start : start + chance.randrange(1, 12)]
    place = chance.randrange(len(left) + 1)
    return " ".join(left[:place] + piece + left[place + chance.randrange(2) :])


def nested(text: str, dialect: str, chance: random.Random) -> str:
    return chance.choice(POSITIONS_OF[dialect]).replace("CALL", f"({text})")


def shuffled(text: str, dialect: str, chance: random.Random) -> str:
    tokens = tokens_of(text, dialect)
    if len(tokens) < 2:
        return text
    first, second = chance.randrange(len(tokens)), chance.randrange(len(tokens))
    tokens[first], tokens[second] = tokens[second], chance.choice([tokens[first], tokens[second]])
    return chance.choice([" ", "\n", "/**/", " -- x\n"]).join(tokens)


def marked(text: str, dialect: str, chance: random.Random) -> str:
    place = chance.randrange(len(text) + 1)
    return text[:place] + chance.choice(MARKS) + text[place:]


def tokens_of(text: str, dialect: str) -> list[str]:
    try:
        return [token.text for token in scan(text, dialect)[0]]
    except UnsafeSqlError:
        return text.split()


if __name__ == "__main__":
    sys.exit(main())
