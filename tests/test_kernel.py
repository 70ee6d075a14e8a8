"""A real kernel, as a notebook starts it: interrupts in each phase, time limits, a file that goes away, Run All."""

import os
import sqlite3
import time
from collections.abc import Iterator

import nbformat
import pytest
from fault_table import read_faults
from jupyter_client.manager import KernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from openai_server import Reply, openai_server

ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
SECONDS_TO_END = 25  # what is interrupted or stopped here would take thirty
FAULTS = read_faults()


class Kernel:
    """Runs cells in a kernel process and collects what they show."""

    def __init__(self, manager: KernelManager) -> None:
        self.manager = manager
        self.client = manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=60)

    def run(self, cell: str, *, interrupt_when: str = "") -> tuple[str, float]:
        """All text the cell showed, twins included; interrupted once a message holds ``interrupt_when``.

        Also the seconds from the interrupt (or the start) to the cell's end. ``status`` is then "ok" or "error", by
        which Run All goes on or stops.
        """
        started = time.monotonic()
        request, shown = self.client.execute(cell), []
        while True:
            message = self.client.get_iopub_msg(timeout=60)
            if message["parent_header"].get("msg_id") != request:
                continue
            kind, content = message["msg_type"], message["content"]
            if kind == "status" and content["execution_state"] == "idle":
                self.status = self._status_of(request)
                return "\n".join(shown), time.monotonic() - started
            shown.append(_text(kind, content))
            if interrupt_when and interrupt_when in shown[-1]:
                interrupt_when = ""
                time.sleep(0.5)
                started = time.monotonic()
                self.manager.interrupt_kernel()

    def _status_of(self, request: str) -> str:
        while (reply := self.client.get_shell_msg(timeout=60))["parent_header"].get("msg_id") != request:
            pass
        return reply["content"]["status"]


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
        assert server.hung_up.wait(30)
    assert FAULTS[16].is_told_in(shown, 1)
    assert "Traceback" not in shown
    assert kernel.status == "error"
    assert seconds < SECONDS_TO_END


def test_an_interrupt_while_the_statement_runs_stops_it_and_the_next_one_works(kernel):
    with openai_server(ENDLESS, "SELECT name FROM person") as server:
        shown, seconds = ask(kernel, server.base_url, interrupt_when="WITH RECURSIVE")
        assert FAULTS[16].is_told_in(shown)
        assert "Traceback" not in shown
        assert kernel.status == "error"
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
        assert kernel.status == "error"
        assert "short_lived.sqlite" in shown
        assert "Traceback" not in shown
        kernel.run("%sql sqlite:///people.sqlite")
        assert "Ada" in kernel.run("%%text2sql\nWho?")[0]


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("%%text2sql\nWho?", "Only reading is allowed: DROP changes the database. Nothing was run."),
        ("%text2sql --lm nobody Who?", "No LM is called 'nobody'"),
        ("%t2s nonsense", "There is no command 'nonsense'."),
        ("%%text2sql --no-run names <<\nWho?", "Only reading is allowed: DROP changes the database."),
    ],
)
def test_run_all_stops_at_a_question_without_rows_in_one_line(tmp_path, monkeypatch, cell, said):
    sqlite3.connect(tmp_path / "a.sqlite").execute("CREATE TABLE person (name TEXT)").connection.close()
    sources = ["%load_ext sql\n%load_ext t2s_magic\n%sql sqlite:///a.sqlite", cell, "print('went on')"]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
    with openai_server("DROP TABLE person") as server:
        monkeypatch.setenv("T2S_API_BASE", server.base_url)
        client = NotebookClient(
            notebook, timeout=100, resources={"metadata": {"path": tmp_path}}, kernel_name="python3"
        )
        with pytest.raises(CellExecutionError) as stopped:
            client.execute()
    assert said in str(stopped.value)
    assert "Traceback" not in str(stopped.value)
    (error,) = [output for output in notebook.cells[1].outputs if output.output_type == "error"]
    assert said in "".join(error.traceback)
    assert notebook.cells[2].outputs == []


def test_an_unsure_answer_waits_for_run_and_run_all_goes_on(tmp_path, monkeypatch):
    monkeypatch.delenv("T2S_API_BASE", raising=False)
    sqlite3.connect(tmp_path / "a.sqlite").execute("CREATE TABLE t (x TEXT)").connection.close()
    asked = "\nWhich chess openings did my grandmother's parrots prefer before the war of the roses?"
    sources = [
        "%load_ext sql\n%load_ext t2s_magic\n%sql sqlite:///a.sqlite",
        f"%%text2sql{asked}",
        f"%%text2sql --run{asked}",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
    NotebookClient(notebook, timeout=100, resources={"metadata": {"path": tmp_path}}, kernel_name="python3").execute()
    waiting, ran = (cell.outputs[0].data["text/plain"] for cell in notebook.cells[1:])
    assert "So it was not run: press Run, or ask again with --run." in waiting
    assert " column" not in waiting
    assert "0 rows · 1 column" in ran
