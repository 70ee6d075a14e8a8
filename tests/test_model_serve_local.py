"""``python -m model_serve local``: the life of the process it starts. tests/serve tests what vLLM itself does."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from model_serve.client import Client
from model_serve.errors import ServeError, ServerDiedError
from model_serve.revision import newest_revision
from model_serve.server import is_healthy, start_server, stop_server, wait_until_ready

ROOT = Path(__file__).parent.parent
FAKE = ROOT / "tests" / "fake_vllm"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environ(story: str, **more: str) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if name != "VLLM_API_KEY"}
    return {**inherited, "PYTHONPATH": str(FAKE), "FAKE_VLLM": story, **more}


def local(story: str, *options: str, port: int, **more: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "model_serve", "local", "--port", str(port), *options],
        cwd=ROOT,
        env=environ(story, **more),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@contextmanager
def serving(story: str = "serves", *options: str, **more: str) -> Iterator[tuple[subprocess.Popen[str], str, int]]:
    """The running command, what it said until it was ready, and its port."""
    port = free_port()
    running = local(story, *options, port=port, **more)
    said = ""
    try:
        assert running.stdout is not None
        while "Ctrl+C" not in said:
            line = running.stdout.readline()
            assert line, said + (running.stderr.read() if running.stderr else "")
            said += line
        yield running, said, port
    finally:
        running.send_signal(signal.SIGINT)
        running.wait(30)


def pasted(said: str) -> dict[str, str]:
    """What the line to paste sets, by running it."""
    line = next(line for line in said.splitlines() if line.startswith("import os;"))
    code = f"{line}\nimport json; print(json.dumps(dict(os.environ)))"
    return dict(json.loads(subprocess.check_output([sys.executable, "-c", code], text=True)))


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "zombie" not in Path(f"/proc/{pid}/status").read_text(encoding="utf-8")


def test_the_line_to_paste_leads_to_a_server_that_wants_the_key():
    with serving() as (_, said, port):
        told = pasted(said)
        assert told["T2S_API_BASE"] == f"http://127.0.0.1:{port}/v1"
        assert Client(told["T2S_API_BASE"], told["T2S_API_KEY"]).get("/v1/models").status == 200
        assert Client(told["T2S_API_BASE"], "").get("/v1/models").status == 401


def test_the_line_for_a_terminal_sets_the_same():
    with serving("serves", "--profile", "omnisql-7b", VLLM_API_KEY="it's") as (_, said, _port):
        line = next(line for line in said.splitlines() if line.startswith("export "))
        shown = subprocess.check_output(["bash", "-c", f'{line}; echo "$T2S_API_BASE $T2S_API_KEY $T2S_LM"'], text=True)
        told = pasted(said)
        assert shown.split() == [told["T2S_API_BASE"], "it's", "hosted_vllm/seeklhy/OmniSQL-7B"]


def test_another_profile_names_its_model_in_the_line():
    with serving("serves", "--profile", "omnisql-7b") as (_, said, _port):
        assert pasted(said)["T2S_LM"] == "hosted_vllm/seeklhy/OmniSQL-7B"


def test_a_key_of_your_own_is_kept_and_every_start_else_has_a_new_one():
    with serving(VLLM_API_KEY="mine") as (_, said, _port):
        assert pasted(said)["T2S_API_KEY"] == "mine"
    with serving() as (_, said, _port):
        first = pasted(said)["T2S_API_KEY"]
    with serving() as (_, said, _port):
        assert len(first) >= 40
        assert first != pasted(said)["T2S_API_KEY"]


@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_ctrl_c_sigterm_and_a_closed_terminal_stop_the_server_with_its_workers(signal_number: signal.Signals):
    with serving() as (running, said, port):
        log = re.search(r"it writes to (\S+)", said)
        assert log
        worker = int(re.search(r"worker (\d+)", Path(log[1]).read_text(encoding="utf-8"))[1])  # type: ignore[index]
        assert is_running(worker)
        running.send_signal(signal_number)
        assert running.wait(30) == 0
        assert not is_running(worker)
        assert not is_healthy(port)
        assert not Path(log[1]).exists()


def test_a_terminal_that_is_gone_cannot_keep_the_server_from_being_stopped():
    ours, theirs = os.openpty()
    port = free_port()
    command = [sys.executable, "-m", "model_serve", "local", "--port", str(port)]
    with subprocess.Popen(command, cwd=ROOT, env=environ("serves"), stdout=theirs, stderr=theirs) as running:
        os.close(theirs)
        said = b""
        while b"Ctrl+C" not in said:
            said += os.read(ours, 1000)
        (server,) = children(running.pid)
        os.close(ours)
        running.send_signal(signal.SIGHUP)
        running.wait(30)
    assert not is_running(server)
    log = re.search(rb"it writes to (\S+)/vllm.log", said)
    assert log
    shutil.rmtree(log[1].decode())


def whole_log(errors: str) -> str:
    """What the log holds that ``errors`` ends by naming; it is removed."""
    kept = Path(errors.rstrip().rpartition("\nAll that it wrote stands in ")[2])
    text = kept.read_text(encoding="utf-8")
    kept.unlink()
    kept.parent.rmdir()
    return text


def test_a_server_that_dies_at_the_start_is_reported_at_once_with_its_last_lines():
    started = time.monotonic()
    out, errors = local("dies at once", port=free_port()).communicate(timeout=30)
    assert time.monotonic() - started < 25
    assert "vLLM ended with exit code 1 before it was ready. Its last lines:" in errors
    assert "torch.OutOfMemoryError: CUDA out of memory.\nAll that it wrote" in errors
    assert "torch.OutOfMemoryError" in whole_log(errors)
    assert "Traceback" not in errors
    assert "Ready" not in out


def test_of_a_server_whose_worker_dies_the_first_error_is_told_and_not_its_echo_alone():
    _, errors = local("a worker dies", port=free_port()).communicate(timeout=30)
    assert "The first error that it wrote:\ntorch.OutOfMemoryError: CUDA out of memory.\nIts last lines:" in errors
    assert "RuntimeError: Engine core initialization failed. See root cause above.\nAll that it wrote" in errors
    assert "OSError" in whole_log(errors)


def test_a_server_that_dies_while_it_serves_is_reported_at_once():
    with serving("dies while serving") as (running, _, _port):
        assert running.wait(30) == 1
        assert running.stderr is not None
        errors = running.stderr.read()
    assert "vLLM ended with exit code 3 while it served" in errors
    assert "EngineDeadError\nAll that it wrote" in errors
    assert "EngineDeadError" in whole_log(errors)


def test_a_server_that_refuses_to_stop_is_ended_by_force(tmp_path: Path):
    port = free_port()
    command = [sys.executable, "-m", "vllm.entrypoints.openai.api_server", "--port", str(port)]
    log = tmp_path / "log"
    server = start_server(command, key="key", port=port, environ=environ("refuses to stop"), log=log)
    wait_until_ready(server, patience=30)
    stop_server(server, grace=0.2)
    assert server.process.poll() == -signal.SIGKILL


def test_a_server_that_is_never_ready_is_given_up_with_its_last_lines(tmp_path: Path):
    command = [sys.executable, "-c", "import time; print('loading', flush=True); time.sleep(60)"]
    log = tmp_path / "log"
    server = start_server(command, key="key", port=free_port(), environ=os.environ, log=log)
    try:
        with pytest.raises(ServerDiedError, match="not ready in 2 s"):
            wait_until_ready(server, patience=2)
    finally:
        stop_server(server)


def test_the_key_is_on_no_command_line_and_in_no_log(tmp_path: Path):
    with serving(VLLM_API_KEY="a-secret-key") as (running, said, _port):
        log = re.search(r"it writes to (\S+)", said)
        assert log
        assert "a-secret-key" not in Path(log[1]).read_text(encoding="utf-8")
        for pid in (running.pid, *children(running.pid)):
            assert b"a-secret-key" not in Path(f"/proc/{pid}/cmdline").read_bytes()


def children(pid: int) -> list[int]:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8")
    return [int(child) for child in text.split()]


def test_a_port_that_is_taken_is_named_and_whoever_has_it_is_left_alone():
    with serving() as (_, _said, port):
        out, errors = local("serves", port=port).communicate(timeout=30)
        assert f"Port {port} is taken by another program" in errors
        assert f"--port {port + 1}" in errors
        assert "Starting" not in out
        assert is_healthy(port)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--profile", "llama"], "No profile is called 'llama'"),
        (["--context", "9000"], "longer than Nexusflow/Starling-LM-7B-beta has: 8192"),
        (["--tensor-parallel", "3"], "3 GPUs cannot share evenly"),
        (["--tensor-parallel", "0"], "argument --tensor-parallel: '0' is no whole number above 0"),
        (["--data-parallel", "-1"], "argument --data-parallel: '-1' is no whole number above 0"),
        (["--context", "0"], "argument --context: '0' is no whole number above 0"),
        (["--context", "100"], "A context of 100 tokens holds no schema"),
        (["--port", "99999"], "argument --port: 99999 is no port"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_before_anything_starts(options: list[str], words: str):
    out, errors = local("serves", *options, port=free_port()).communicate(timeout=30)
    assert words in errors
    assert "Starting" not in out


def test_an_environment_without_vllm_is_told_how_to_get_it():
    command = [sys.executable, "-m", "model_serve", "local", "--port", str(free_port())]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 1
    assert "This Python has no vLLM" in done.stderr


@contextmanager
def hub(body: bytes) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/api/models/a/b/revision/main" else 404)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            return

    server = HTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def test_the_newest_revision_is_what_the_hub_says():
    with hub(b'{"sha": "0123456789abcdef0123456789abcdef01234567"}') as address:
        assert newest_revision("a/b", address) == "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize("body", [b'{"sha": "main"}', b"{}", b"<html>"])
def test_a_hub_that_tells_no_commit_is_not_believed(body: bytes):
    with hub(body) as address, pytest.raises(ServeError, match="/api/models/a/b/revision/main"):
        newest_revision("a/b", address)
