"""A real JupyterLab on this machine, and a notebook open in it in a real Chromium."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Browser, Locator, Page, Playwright

# Generous, for a machine that is busy with other things; none of it is waited for without need.
SECONDS_TO_START = 120
MILLISECONDS_TO_OPEN = 120_000
MILLISECONDS_TO_SHOW = 60_000

HOW_TO_INSTALL = (
    "Chromium was not found, and the answer has to be tested in a browser. Install it with `apt-get install chromium` "
    "or `.venv/bin/playwright install chromium`, or set T2S_CHROMIUM=/path/to/it."
)

# No news from the network, every cell in the page at all times, nothing that closes a bracket while a test types.
SETTINGS = {
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "notebook-extension/tracker": {"windowingMode": "none"},
}
CHROMIUM_OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


class Notebook:
    """A notebook open in JupyterLab, with a kernel; cells are counted from 0."""

    def __init__(self, page: Page, path: Path, address: str) -> None:
        self.page = page
        self.path = path
        self.address = address
        self.dialogs: list[str] = []
        page.on("dialog", self._dismiss)

    def run(self, cell: int) -> Locator:
        """Run a cell and return the answer under it, once it is drawn."""
        self.start(cell)
        return self.answer(cell)

    def start(self, cell: int) -> None:
        self.cell(cell).locator(".cm-content").click()
        self.cell(cell).and_(self.page.locator(".jp-mod-active")).wait_for()
        self._command("notebook:run-cell")
        # The kernel has it; until then the command would run whatever cell is active next.
        self.cell(cell).locator(".jp-InputPrompt", has_text=re.compile(r"\[[*\d]+\]")).wait_for()

    def answer(self, cell: int) -> Locator:
        found = self.cell(cell).locator(".t2s").last
        found.wait_for(timeout=MILLISECONDS_TO_SHOW)
        return found

    def output(self, cell: int) -> Locator:
        return self.cell(cell).locator(".jp-OutputArea")

    def save(self) -> nbformat.NotebookNode:
        """Save, and read the file as whoever opens it next would."""
        self.page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save').then(() => null)")
        return nbformat.read(self.path, as_version=4)

    def use_theme(self, name: str) -> None:
        """``"JupyterLab Light"`` or ``"JupyterLab Dark"``, as by the menu."""
        self._command("apputils:change-theme", theme=name)
        self.page.wait_for_selector(f'body[data-jp-theme-name="{name}"]', state="attached")

    def _command(self, name: str, **arguments: str) -> None:
        call = "([name, options]) => void window.jupyterapp.commands.execute(name, options)"
        self.page.evaluate(call, [name, arguments])

    def cell(self, cell: int) -> Locator:
        return self.page.locator(".jp-Notebook .jp-Cell").nth(cell)

    def _dismiss(self, dialog: object) -> None:
        self.dialogs.append(dialog.message)  # type: ignore[attr-defined]
        dialog.dismiss()  # type: ignore[attr-defined]


@contextmanager
def jupyterlab(folder: Path, **environment: str) -> Iterator[str]:
    """A JupyterLab that serves ``folder`` on 127.0.0.1; yields the address of NOTEBOOK in it, with token."""
    home = folder / "home"
    settings = home / "settings"
    for name, values in SETTINGS.items():
        file = settings / "@jupyterlab" / f"{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(values))
    port, token = _free_port(), secrets.token_hex(16)
    command = [sys.executable, "-m", "jupyter", "lab", "--no-browser", "--allow-root", "--ip=127.0.0.1"]
    command += [f"--port={port}", "--ServerApp.port_retries=0", f"--ServerApp.root_dir={folder}"]
    command += ["--expose-app-in-browser"]
    variables = {
        **os.environ,
        **environment,
        "HOME": str(home),
        "IPYTHONDIR": str(home / "ipython"),
        "JUPYTER_TOKEN": token,
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(settings),
    }
    log = (folder / "jupyterlab.log").open("wb")
    with closing(log), subprocess.Popen(command, env=variables, cwd=folder, stdout=log, stderr=log) as server:
        try:
            _wait_for(f"http://127.0.0.1:{port}/api/status?token={token}", server, Path(log.name))
            yield f"http://127.0.0.1:{port}/lab/tree/NOTEBOOK?token={token}"
        finally:
            server.terminate()


@contextmanager
def chromium(playwright: Playwright) -> Iterator[Browser]:
    browser = playwright.chromium.launch(executable_path=_chromium_path(playwright), args=CHROMIUM_OPTIONS)
    with closing(browser):
        yield browser


def open_notebook(page: Page, address: str, path: Path) -> Notebook:
    """Open ``path`` in JupyterLab and wait until it has a kernel."""
    page.set_default_timeout(MILLISECONDS_TO_SHOW)
    page.goto(address.replace("NOTEBOOK", path.name), timeout=MILLISECONDS_TO_OPEN)
    page.locator(".jp-Notebook .jp-Cell").first.wait_for(timeout=MILLISECONDS_TO_OPEN)
    kernel = "window.jupyterapp.shell.currentWidget?.sessionContext?.session?.kernel"
    page.wait_for_function(f"{kernel}?.info && {kernel}.info.then(() => true)", timeout=MILLISECONDS_TO_OPEN)
    return Notebook(page, path, address)


def write_notebook(path: Path, sources: list[str]) -> None:
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), path)


def _chromium_path(playwright: Playwright) -> str:
    candidates = [
        os.environ.get("T2S_CHROMIUM"),
        playwright.chromium.executable_path,
        *map(shutil.which, ("chromium", "chromium-browser", "google-chrome")),
    ]
    found = next((path for path in candidates if path and Path(path).exists()), None)
    if found is None and os.environ.get("T2S_REQUIRE_BROWSER"):
        raise FileNotFoundError(HOW_TO_INSTALL)
    return found or pytest.skip(HOW_TO_INSTALL)


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(address: str, server: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < until and server.poll() is None:
        try:
            urllib.request.urlopen(address, timeout=1).close()
        except (urllib.error.URLError, TimeoutError):
            time.sleep(0.2)
        else:
            return
    raise RuntimeError(f"JupyterLab did not start. Its log ends:\n{log.read_text()[-2000:]}")
