"""A real kernel, as a notebook starts it: interrupts in each phase, time limits, a file that goes away."""

import os
import sqlite3
import time
from collections.abc import Iterator

import pytest
from jupyter_client.manager import KernelManager
from openai_server import Reply, openai_server

ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
SECONDS_TO_END = 10


class Kernel:
    """Runs cells in a kernel process and collects what they show."""

    def __init__(self, manager: KernelManager) -> None:
        self.manager = manager
        self.client = manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=60)

    def run(self, cell: str, *, interrupt_when: str = "") -> tuple[str, float]:
        """All text the cell showed, twins included; interrupted once a message holds ``interrupt_when``.

        Also the seconds from the interrupt (or the start) to the cell's end.
        """
        started = time.monotonic()
        request, shown = self.client.execute(cell), []
        while True:
            message = self.client.get_iopub_msg(timeout=60)
            if message["parent_header"].get("msg_id") != request:
                continue
            kind, content = message["msg_type"], message["content"]
            if kind == "status" and content["execution_state"] == "idle":
                return "\n".join(shown), time.monotonic() - started
            shown.append(_text(kind, content))
            if interrupt_when and interrupt_when in shown[-1]:
                interrupt_when = ""
                time.sleep(0.5)
                started = time.monotonic()
                self.manager.interrupt_kernel()


def _text(kind: str, content: dict) -> str:
    if kind == "stream":
        return content["text"]
    if kind == "error":
        return "ERROR " + "\n".join(content["traceback"])
    return str(content.get("data", {}).get("text/plain", ""))


@pytest.fixture(scope="module")
def kernel(tmp_path_factory) -> Iterator[Kernel]:
    folder = tmp_path_factory.mktemp("notebook")
    with sqlite3.connect(folder / "people.sqlite") as connection:
        connection.executescript("CREATE TABLE person (name TEXT); INSERT INTO person VALUES ('Ada'), ('Alan');")
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel(cwd=str(folder), env={name: value for name, value in os.environ.items() if name[:4] != "T2S_"})
    kernel = Kernel(manager)
    kernel.run("%load_ext sql\n%load_ext t2s_magic\n%sql sqlite:///people.sqlite")
    yield kernel
    kernel.client.stop_channels()
    manager.shutdown_kernel(now=True)


def ask(kernel: Kernel, base_url: str, question: str = "Who?", **options: str) -> tuple[str, float]:
    kernel.run(f"import os; os.environ['T2S_API_BASE'] = {base_url!r}\n%t2s clear")
    return kernel.run(f"%%text2sql\n{question}", **options)


def test_an_interrupt_while_the_lm_thinks_ends_the_cell_at_once(kernel):
    with openai_server(Reply("SELECT 1", delay=30)) as server:
        shown, seconds = ask(kernel, server.base_url, interrupt_when=f"waiting for {server.host}")
        assert server.hung_up.wait(5)
    assert "Interrupted" in shown
    assert "ERROR" not in shown
    assert seconds < SECONDS_TO_END


def test_an_interrupt_while_the_statement_runs_stops_it_and_the_next_one_works(kernel):
    with openai_server(ENDLESS, "SELECT name FROM person") as server:
        shown, seconds = ask(kernel, server.base_url, interrupt_when="WITH RECURSIVE")
        assert "Interrupted" in shown
        assert "ERROR" not in shown
        assert seconds < SECONDS_TO_END
        shown, _ = kernel.run("%%text2sql\nWho?")
    assert "Ada" in shown


def test_the_time_limit_stops_a_runaway_and_names_its_setting(kernel):
    kernel.run("%config Text2SQL.time_limit = 1")
    with openai_server(ENDLESS) as server:
        shown, seconds = ask(kernel, server.base_url)
    kernel.run("%config Text2SQL.time_limit = 30")
    assert "Text2SQL.time_limit" in shown
    assert seconds < SECONDS_TO_END


def test_a_deleted_database_file_is_one_clear_message(kernel, tmp_path):
    with sqlite3.connect(tmp_path / "short_lived.sqlite") as connection:
        connection.execute("CREATE TABLE person (name TEXT)")
    with openai_server("SELECT name FROM person") as server:
        kernel.run(f"%sql sqlite:///{tmp_path}/short_lived.sqlite --alias short")
        ask(kernel, server.base_url)
        (tmp_path / "short_lived.sqlite").unlink()
        shown, _ = kernel.run("%%text2sql\nWho?")
        kernel.run("%sql sqlite:///people.sqlite")
        assert "short_lived.sqlite" in shown
        assert "ERROR" not in shown
        assert "Ada" in kernel.run("%%text2sql\nWho?")[0]
