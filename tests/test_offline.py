"""With the built-in model nothing leaves the machine: Python's audit events tell of every connection."""

import os
import subprocess
import sys
from pathlib import Path

CHINOOK = Path(__file__).parent.parent / "notebooks" / "data" / "chinook.sqlite"

ASKING = """
import sys

# urllib3, which dspy's import brings, binds a socket of its own to ::1 to see whether there is IPv6.
HARMLESS = {"socket.__new__", "socket.bind", "socket.gethostname"}
touched = []
sys.addaudithook(lambda event, _: touched.append(event) if event.startswith("socket.") else None)

import t2s_magic

database = t2s_magic.connect("sqlite:///" + sys.argv[1])
draft = t2s_magic.ask("How many customers are there?", database)
rows = t2s_magic.execute(draft.sql, database)
print(draft.provenance.lm, rows.rows, sorted(set(touched) - HARMLESS))
"""


def test_the_built_in_model_answers_without_a_look_at_the_network():
    environ = {name: value for name, value in os.environ.items() if not name.startswith("T2S_")}
    run = subprocess.run([sys.executable, "-c", ASKING, CHINOOK], capture_output=True, text=True, env=environ)
    assert run.stdout == "builtin ((59,),) []\n", run.stderr
