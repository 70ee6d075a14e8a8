"""Take docs/answer.png, the README's picture: a question to the built-in model in JupyterLab, in headless Chromium.

.venv/bin/python tools/take_picture.py ["Another question"]
"""

import shutil
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tests" / "browser"))

from lab import chromium, jupyterlab, open_notebook, write_notebook  # noqa: E402 - the tests' JupyterLab

QUESTION = "Which five customers spent the most, and in which country do they live?"
PICTURE = ROOT / "docs" / "answer.png"


def main(question: str) -> None:
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        shutil.copy(ROOT / "notebooks" / "data" / "chinook.sqlite", folder)
        notebook_path = folder / "picture.ipynb"
        set_up = "%load_ext sql\n%sql sqlite:///chinook.sqlite\n%load_ext t2s_magic"
        write_notebook(notebook_path, [set_up, f"%%text2sql\n{question}"])
        with jupyterlab(folder) as address, chromium(playwright) as browser:
            page = browser.new_page(viewport={"width": 1000, "height": 1400}, device_scale_factor=1.25)
            notebook = open_notebook(page, address, notebook_path)
            page.keyboard.press("Control+b")
            notebook.start(0)
            notebook.run(1).locator(".t2s-line").wait_for()
            notebook.cell(0).locator(".cm-content").click()
            notebook.cell(1).screenshot(path=PICTURE)


if __name__ == "__main__":
    main(*sys.argv[1:] or [QUESTION])
