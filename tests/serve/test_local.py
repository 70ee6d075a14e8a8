"""From ``python -m model_serve local`` to rows and back to an empty machine, as a person would, with a real vLLM.

The tiny model answers one statement to whatever it is asked, so that there are rows to see.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from on_a_cpu import ENVIRON, FLAGS, make_tiny
from settling import left_over

pytestmark = pytest.mark.timeout(1800)

ROOT = Path(__file__).parent.parent.parent
CHINOOK = f"sqlite:///{ROOT / 'notebooks' / 'data' / 'chinook.sqlite'}"
ANSWER = "SELECT count(*) FROM Customer"
CUSTOMERS = 59
SECONDS_TO_DIE = 30


@contextmanager
def local(python: Path, model: Path, port: int) -> Iterator[tuple[subprocess.Popen[str], dict[str, str]]]:
    """The running command, and an environment with what its line for a terminal sets."""
    serving = subprocess.Popen(
        [python, "-m", "model_serve", "local", "--port", str(port), "--", "--model", model, *FLAGS],
        cwd=ROOT,
        env={**os.environ, **ENVIRON},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert serving.stdout is not None
        line = next((line for line in serving.stdout if line.startswith("export ")), "")
        assert line, serving.communicate()[1]
        yield serving, {**os.environ, **dict(word.split("=", 1) for word in line.split()[1:])}
    finally:
        serving.send_signal(signal.SIGINT)
        serving.wait(60)


def command(*arguments: object, environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *map(str, arguments)],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def lives(process: psutil.Process) -> bool:
    """A process that ended may wait for a while until the machine's first one takes note of it."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def command_line(process: psutil.Process) -> str:
    """All its arguments; "" if it has just ended."""
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return ""


def test_a_person_serves_asks_checks_measures_and_stops(serve_python: Path, tmp_path: Path):
    make_tiny(serve_python, tmp_path, ANSWER)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with local(serve_python, tmp_path, port) as (serving, environ):
        asked = command(
            *("t2s_magic", "ask", "--db", CHINOOK, "--json", "How many customers are there?"), environ=environ
        )
        answer = json.loads(asked.stdout)
        assert (answer["sql"], answer["rows"]) == (ANSWER, [[CUSTOMERS]])
        checked = command("model_serve", "check", environ["T2S_API_BASE"], environ=environ)
        assert f"answer       {ANSWER}" in checked.stdout, checked.stderr
        out = tmp_path / "bench.json"
        bench = ("model_serve", "bench", environ["T2S_API_BASE"], "--levels", "1", "4", "--out", out)
        measured = command(*bench, environ=environ)
        assert "Prefix cache since the server started" in measured.stdout, measured.stderr
        assert [level["questions"] for level in json.loads(out.read_text(encoding="utf-8"))["levels"]] == [16, 16]
        refused = command(*bench, environ={**environ, "T2S_API_KEY": "wrong"})
        assert "refused the key (401)" in refused.stderr
        workers = psutil.Process(serving.pid).children(recursive=True)
        lines = " ".join(map(command_line, workers))
        assert "vllm" in lines
        assert environ["T2S_API_KEY"] not in lines
        serving.send_signal(signal.SIGINT)
        said, errors = serving.communicate(timeout=60)
        assert (serving.returncode, said.splitlines()[-2:], errors) == (0, ["Stopping ...", "Stopped."], "")
        # A process that was killed ends when it is given time to, which on a busy machine takes a while.
        assert left_over(lambda: list(filter(lives, workers)), SECONDS_TO_DIE) == []
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0
