"""The comparison of programs in a real JupyterLab and a real Chromium, over approved pairs and a known LM."""

from __future__ import annotations

import json
import sqlite3
import threading
from pathlib import Path
from typing import Any

import pytest
from lab import MILLISECONDS_TO_SHOW, Notebook, chromium, jupyterlab, open_notebook, write_notebook
from playwright.sync_api import Locator, expect, sync_playwright
from study_server import Oracle, oracle

from t2s_magic.memory import Pair, Pairs

pytestmark = pytest.mark.timeout(300)
expect.set_options(timeout=MILLISECONDS_TO_SHOW)

QUESTIONS = [(f"Which name has number {n}?", f"SELECT name FROM t WHERE number = {n}") for n in range(20)]
CELLS = [
    "%load_ext sql\n%sql sqlite:///shop.sqlite\n%load_ext t2s_magic",
    "%t2s optimize --optimizers none,LabeledFewShot:k=2 --threads 1",
    "print(6 * 7)",
    f"%%text2sql\n{QUESTIONS[3][0]}",
]
# The first program knows the even numbers; the second one's calls begin after these, and it knows all.
FIRST_PROGRAMS_CALLS = 14


def prepare(folder: Path) -> None:
    with sqlite3.connect(folder / "shop.sqlite") as connection:
        connection.execute("CREATE TABLE t (number INTEGER, name TEXT)")
        connection.executemany("INSERT INTO t VALUES (?, ?)", [(number, f"name{number}") for number in range(20)])
    pairs = Pairs(folder / "t2s_pairs.jsonl")
    for question, sql in QUESTIONS:
        pairs.add(Pair(question, sql, "sqlite", "", ("t",), "2026-01-01"))
    write_notebook(folder / "compare.ipynb", CELLS)


def results(folder: Path) -> dict[str, Any]:
    (file,) = folder.glob("t2s_studies/*/results.json")
    found: dict[str, Any] = json.loads(file.read_text())
    return found


def test_programs_are_compared_live_stopped_resumed_and_one_is_used(tmp_path):
    prepare(tmp_path)
    with (
        oracle(dict(QUESTIONS[::2]), "SELECT name FROM t") as server,
        sync_playwright() as playwright,
        chromium(playwright) as browser,
        jupyterlab(tmp_path, T2S_API_BASE=server.base_url) as address,
    ):
        notebook = open_notebook(browser.new_page(), address, tmp_path / "compare.ipynb")
        notebook.start(0)
        compared = stopped_in_the_middle(notebook, server)
        resumed(compared, server)
        assert len(server.requests) == 2 * FIRST_PROGRAMS_CALLS
        assert len({json.dumps(request) for request in server.requests}) == len(server.requests)
        shares_are_drawn(compared, results(tmp_path))
        flips_stand_side_by_side(compared)
        programs_show_what_they_hold(compared)
        expect(notebook.output(1).locator(".t2s-twin")).to_be_hidden()
        compared.get_by_role("row").nth(2).get_by_role("button", name="Use this program").click()
        expect(compared.get_by_role("row").nth(2).get_by_role("button", name="In use")).to_be_disabled()
        expect(notebook.run(3)).to_contain_text("LabeledFewShot(k=2)")
        twin = str(notebook.save().cells[1].outputs)
        assert "against none" in twin
        assert "Held-out questions that flipped with LabeledFewShot(k=2)" in twin


def stopped_in_the_middle(notebook: Notebook, server: Oracle) -> Locator:
    """The sixth call waits until Stop was pressed; meanwhile the kernel answers another cell."""
    go = threading.Event()
    server.on_request = lambda number: go.wait(120) if number == 6 else None
    compared = notebook.run(1)
    expect(compared.get_by_role("row").nth(1).get_by_role("progressbar")).to_be_visible()
    expect(compared.get_by_role("row").nth(1)).to_contain_text("testset 1 of 10")
    notebook.start(2)
    expect(notebook.output(2)).to_contain_text("42")
    compared.get_by_role("button", name="Stop").click()
    go.set()
    expect(compared.get_by_role("row").nth(1)).to_contain_text("stopped")
    return compared


def resumed(compared: Locator, server: Oracle) -> None:
    def learn(number: int) -> None:
        if number > FIRST_PROGRAMS_CALLS:
            server.answers = dict(QUESTIONS)

    server.on_request = learn
    compared.get_by_role("button", name="Resume").click()
    expect(compared.get_by_role("row").nth(2)).to_contain_text("finished")
    expect(compared.locator("[role=status]")).to_contain_text("held-out questions")


def shares_are_drawn(compared: Locator, found: dict[str, Any]) -> None:
    for place, row in enumerate(found["rows"]):
        right, n = sum(score["correct"] for score in row["testset"]), len(row["testset"])
        expect(compared.get_by_role("row").nth(place + 1)).to_contain_text(f"{right}/{n} = ")
        point = compared.locator(".t2s-point").nth(place)
        expect(point).to_have_attribute("style", f"left: {100 * right / n:.0f}%;")


def flips_stand_side_by_side(compared: Locator) -> None:
    flips = compared.locator("details", has_text="flipped with LabeledFewShot(k=2)")
    flips.locator("summary").click()
    first = flips.locator("tbody tr").first
    number = first.locator("td").first.inner_text().split()[-1].rstrip("?")
    wrong, right = first.locator("td.t2s-wrong"), first.locator("td.t2s-right")
    expect(wrong).to_contain_text("SELECT name FROM tname0; name1; name2 … 20 rows")
    expect(right).to_contain_text(f"SELECT name FROM t WHERE number = {number}name{number}")


def programs_show_what_they_hold(compared: Locator) -> None:
    holds = compared.locator("details", has_text="What LabeledFewShot(k=2) shows the LM: instructions and 2 demos")
    holds.locator("summary").click()
    expect(holds).to_contain_text("Write the SQL query that answers the question")
    expect(holds.locator("tbody tr")).to_have_count(2)
