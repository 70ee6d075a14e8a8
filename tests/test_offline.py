"""With the built-in model nothing leaves the machine and nothing is written: Python's audit events tell of each try."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

CHINOOK = Path(__file__).parent.parent / "notebooks" / "data" / "chinook.sqlite"

ASKING = """
import os, sys

# urllib3, which dspy's import brings, binds a socket of its own to ::1 to see whether there is IPv6.
HARMLESS = {"socket.__new__", "socket.bind", "socket.gethostname"}
touched, written = [], []

def audit(event, arguments):
    if event.startswith("socket."):
        touched.append(event)
    if event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+"):
        written.append(str(arguments[0]))

sys.addaudithook(audit)
sys.dont_write_bytecode = True

import t2s_magic

database = t2s_magic.connect("sqlite:///" + sys.argv[1])
draft = t2s_magic.ask("How many customers are there?", database)
rows = t2s_magic.execute(draft.sql, database)
print(draft.provenance.lm, rows.rows, sorted(set(touched) - HARMLESS))
print([file for file in written if file != os.devnull])
"""


@pytest.fixture(scope="module")
def printed() -> list[str]:
    """What a session prints that has no home to write to."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("T2S_")}
    nowhere = dict.fromkeys(("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "TMPDIR"), "/dev/null/home")
    command = [sys.executable, "-c", ASKING, str(CHINOOK)]
    run = subprocess.run(command, capture_output=True, text=True, env=environ | nowhere)
    assert run.returncode == 0, run.stderr
    return run.stdout.splitlines()


def test_the_built_in_model_answers_without_a_look_at_the_network(printed):
    assert printed[0] == "builtin ((59,),) []"


def test_nothing_is_written_to_the_home_folder_and_none_is_needed(printed):
    """No cache on disk, so none can be corrupt, full or shared; dspy's own, a folder of pickles, is never made."""
    assert printed[1] == "[]"
