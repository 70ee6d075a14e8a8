"""The comparison of programs in a real JupyterLab and a real Chromium, over approved pairs and a known LM."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
from lab import MILLISECONDS_TO_SHOW, chromium, jupyterlab, open_notebook, write_notebook
from playwright.sync_api import expect, sync_playwright
from study_server import oracle

from t2s_magic.memory import Pair, Pairs

pytestmark = pytest.mark.timeout(300)
expect.set_options(timeout=MILLISECONDS_TO_SHOW)

QUESTIONS = [(f"Which name has number {n}?", f"SELECT name FROM t WHERE number = {n}") for n in range(20)]
CELLS = [
    "%load_ext sql\n%sql sqlite:///shop.sqlite\n%load_ext t2s_magic",
    "%t2s optimize --optimizers none,LabeledFewShot:k=2",
    "print(6 * 7)",
    "%t2s program",
]


def prepare(folder: Path) -> None:
    with sqlite3.connect(folder / "shop.sqlite") as connection:
        connection.execute("CREATE TABLE t (number INTEGER, name TEXT)")
        connection.executemany("INSERT INTO t VALUES (?, ?)", [(number, f"name{number}") for number in range(20)])
    pairs = Pairs(folder / "t2s_pairs.jsonl")
    for question, sql in QUESTIONS:
        pairs.add(Pair(question, sql, "sqlite", "", ("t",), "2026-01-01"))
    write_notebook(folder / "compare.ipynb", CELLS)


def known_share(folder: Path) -> float:
    (results,) = folder.glob("t2s_studies/*/results.json")
    scores = json.loads(results.read_text())["rows"][0]["testset"]
    return sum(score["correct"] for score in scores) / len(scores)


def test_programs_are_compared_live_and_one_is_used_by_a_click(tmp_path):
    prepare(tmp_path)
    known = {question: sql for number, (question, sql) in enumerate(QUESTIONS) if number % 3}
    with (
        oracle(known, "SELECT 'unknown'") as server,
        sync_playwright() as playwright,
        chromium(playwright) as browser,
        jupyterlab(tmp_path, T2S_API_BASE=server.base_url) as address,
    ):
        notebook = open_notebook(browser.new_page(), address, tmp_path / "compare.ipynb")
        notebook.start(0)
        compared = notebook.run(1)
        expect(compared.get_by_role("row")).to_have_count(3)
        expect(compared).to_contain_text("No program is shown to be better by these 10 held-out questions.")
        expect(compared.get_by_role("row").nth(1)).to_contain_text("/10 = ")
        right = known_share(tmp_path)
        expect(compared.locator(".t2s-point").first).to_have_attribute("style", f"left: {100 * right:.0f}%;")
        expect(notebook.output(1).locator(".t2s-twin")).to_be_hidden()
        compared.get_by_role("row").nth(2).get_by_role("button", name="Use this program").click()
        expect(compared.get_by_role("row").nth(2).get_by_role("button", name="In use")).to_be_disabled()
        notebook.start(3)
        expect(notebook.output(3)).to_contain_text("LabeledFewShot(k=2), 2 demos")
        twin = str(notebook.save().cells[1].outputs)
        assert "against none" in twin
