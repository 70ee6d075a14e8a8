"""A vLLM process: started, waited for, watched, stopped. Standard library only; runs on Modal and on your machine."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from model_serve.errors import ServerDiedError
from model_serve.settings import KEY_NAME

ROOT = Path(__file__).parent.parent
LAST_LINES = 20
# A line that begins with an error's name, perhaps after the process and the place that vLLM logs it with.
ERROR_LINE = re.compile(r"(?:\([^)]*\) )?(?:ERROR [^\]]*\] )?((?:\w+\.)*\w*(?:Error|Exception)\b.*)")
POLL_SECONDS = 0.5
MINUTE = 60.0


@dataclass(frozen=True)
class Server:
    """A running vLLM. ``log`` holds what it writes; None where it writes to where we do.

    It leads a process group of its own, so that all its workers stop together and a Ctrl+C reaches us first.
    """

    process: subprocess.Popen[bytes]
    port: int
    log: Path | None

    def last_words(self) -> str:
        """What it wrote, for the person who has to know why it died: the first error, and the last lines."""
        if self.log is None:
            return "Its last lines stand above."
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        end = "\n".join(lines[-LAST_LINES:]) or "(it wrote nothing)"
        return f"{_first_error(lines[:-LAST_LINES])}Its last lines:\n{end}"


def start_server(
    command: Sequence[str], *, key: str, port: int, environ: Mapping[str, str], log: Path | None = None
) -> Server:
    """Start ``command``; the key travels in its environment, which other users of the machine cannot read."""
    path = os.pathsep.join(filter(None, [str(ROOT), environ.get("PYTHONPATH", "")]))
    quiet = {"VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1"}
    with log.open("wb") if log else nullcontext() as output:
        process = subprocess.Popen(
            command,
            env={**quiet, **environ, KEY_NAME: key, "PYTHONPATH": path},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT if log else None,
            start_new_session=True,
        )
    return Server(process, port, log)


def wait_until_ready(
    server: Server, *, patience: float = 15 * MINUTE, on_wait: Callable[[float], None] = lambda seconds: None
) -> None:
    """Return when ``/health`` answers. Raises ServerDiedError as soon as the process ends, or after ``patience`` s.

    ``on_wait`` is told the seconds waited, at each look.
    """
    started = time.monotonic()
    while not is_healthy(server.port):
        waited = time.monotonic() - started
        code = server.process.poll()
        if code is not None:
            raise ServerDiedError(f"vLLM ended {_how(code)} before it was ready. {server.last_words()}")
        if waited > patience:
            raise ServerDiedError(f"vLLM was not ready in {patience:.0f} s. {server.last_words()}")
        on_wait(waited)
        time.sleep(POLL_SECONDS)


def is_healthy(port: int) -> bool:
    """Does a server at this port of this machine answer ``/health`` with 200?"""
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def wait_for_end(server: Server) -> None:
    """Block while the server runs, then raise ServerDiedError."""
    code = server.process.wait()
    raise ServerDiedError(f"vLLM ended {_how(code)} while it served. {server.last_words()}")


def stop_server(server: Server, *, grace: float = 20.0) -> None:
    """End the server with all its workers: politely, and by force after ``grace`` seconds or a second Ctrl+C."""
    try:
        if server.process.poll() is None:
            _signal_group(server, signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                server.process.wait(grace)
    finally:
        # Also after a clean end: a worker of a server that died may live on and hold the GPU's memory.
        _signal_group(server, signal.SIGKILL)
        server.process.wait()


def _signal_group(server: Server, signal_number: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(server.process.pid, signal_number)


def _first_error(lines: Sequence[str]) -> str:
    """The cause, most often: what a worker of vLLM dies of, its parents follow with pages that only point at it."""
    found = next(filter(None, map(ERROR_LINE.match, lines)), None)
    return f"The first error that it wrote:\n{found[1]}\n" if found else ""


def _how(code: int) -> str:
    if code >= 0:
        return f"with exit code {code}"
    return f"by signal {signal.Signals(-code).name}"
