"""Attacks in every text that a notebook shows: errors, options, commands, prompts, kept questions, results, the answer.

Each is shown as text in a real JupyterLab: no element of it enters the page, no script of it runs, and characters that
deceive are written out.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hostile import ATTACKS, DECEPTIONS, TEMPLATE
from lab import (
    MILLISECONDS_TO_OPEN,
    MILLISECONDS_TO_SHOW,
    Notebook,
    chromium,
    jupyterlab,
    open_notebook,
    write_notebook,
)
from openai_server import OpenAiServer, Reply, refusal
from playwright.sync_api import Locator, expect, sync_playwright

pytestmark = pytest.mark.timeout(600)
expect.set_options(timeout=MILLISECONDS_TO_SHOW)

IMAGE, SCRIPT = ATTACKS[0], ATTACKS[1]
ESCAPES = "\x1b[31m\u202e"
REPLIES = {
    "Do you break?": refusal(400, IMAGE + SCRIPT + ESCAPES),
    "Are you well?": Reply(f"No. {IMAGE}{ESCAPES} {TEMPLATE}"),
    "Is that a name?": Reply(f'SELECT c."{SCRIPT}" FROM customer AS c'),
    "Is that a value?": Reply(f"SELECT '{IMAGE}' AS \"{SCRIPT}\" FROM customer -- {ATTACKS[3]}"),
    "What do they say?": Reply("SELECT * FROM hostile"),
}
CELLS = {
    "set up": "%load_ext sql\n%sql sqlite:///shop.sqlite\n%load_ext t2s_magic",
    "ready": "%t2s status",
    "server": "%%text2sql\nDo you break?",
    "prose": "%%text2sql\nAre you well?",
    "problem": "%%text2sql\nIs that a name?",
    "value": f"%%text2sql --evidence '{IMAGE}'\nIs that a value? {SCRIPT}",
    "prompt": "%t2s prompt",
    "option": f'%%text2sql --connection "{IMAGE}"\nWho?',
    "command": f"%t2s {SCRIPT}",
    "pairs": "%t2s pairs",
    "rows": "%%text2sql found <<\nWhat do they say?",
    "result": "found",
}
CELL = {name: position for position, name in enumerate(CELLS)}
SHOWN = {
    "server": f"{IMAGE}{SCRIPT}\\u001b[31m\\u202e",
    "prose": f"The model said: No. {IMAGE}␛[31m⟨U+202E⟩ {TEMPLATE}",
    "problem": SCRIPT,
    "value": SCRIPT,
    "prompt": IMAGE,
    "option": IMAGE,
    "command": SCRIPT.split()[0],
    "pairs": f"{IMAGE}␛[31m⟨U+202E⟩",
    "rows": IMAGE,
    "result": IMAGE,
}


class ScriptedLM(OpenAiServer):
    """Replies as scripted above to the last question in a prompt."""

    def next_reply(self, body: dict[str, Any], headers: dict[str, str]) -> Reply:
        super().next_reply(body, headers)
        prompt = body["messages"][-1]["content"]
        return next(reply for question, reply in REPLIES.items() if question in prompt)


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Notebook]:
    folder = tmp_path_factory.mktemp("attacks")
    _write_database(folder / "shop.sqlite")
    pair = {"question": IMAGE + ESCAPES, "sql": "SELECT 1", "dialect": "mysql", "schema": "", "tables": [], "date": ""}
    (folder / "t2s_pairs.jsonl").write_text(json.dumps(pair) + "\n")
    write_notebook(folder / "attacks.ipynb", list(CELLS.values()))
    lm = ScriptedLM("")
    lm.start()
    settings = {"T2S_API_BASE": lm.base_url, "T2S_API_KEY": ""}
    with sync_playwright() as playwright, chromium(playwright) as browser, jupyterlab(folder, **settings) as address:
        notebook = open_notebook(browser.new_page(), address, folder / "attacks.ipynb")
        notebook.start(CELL["set up"])
        # The first command waits for the slow imports, which a busy machine draws out.
        notebook.start(CELL["ready"])
        expect(notebook.output(CELL["ready"])).to_contain_text("approved pairs", timeout=MILLISECONDS_TO_OPEN)
        yield notebook
    lm.stop()


def _write_database(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE customer (id INTEGER PRIMARY KEY, name TEXT)")
        connection.execute("INSERT INTO customer VALUES (1, 'Ada')")
        connection.execute(f'CREATE TABLE hostile ("{IMAGE}" TEXT)')
        connection.executemany(
            "INSERT INTO hostile VALUES (?)", [(text,) for text in [*ATTACKS, TEMPLATE, *DECEPTIONS]]
        )
    connection.close()


def holds_text_alone(output: Locator) -> None:
    expect(output.locator("img, iframe, script, details[ontoggle], [onerror], [onload]")).to_have_count(0)
    shown = output.inner_text()
    assert "\x1b" not in shown
    assert "\u202e" not in shown


@pytest.mark.parametrize("cell", SHOWN)
def test_an_attack_is_shown_as_text(notebook: Notebook, cell: str):
    notebook.start(CELL[cell])
    output = notebook.output(CELL[cell])
    expect(output).to_contain_text(SHOWN[cell])
    holds_text_alone(output)


def test_an_attack_in_sql_words_and_names_is_text_in_every_part_of_the_answer(notebook: Notebook):
    answer = notebook.run(CELL["value"])
    expect(answer.locator("textarea")).to_have_value(
        REPLIES["Is that a value?"].text.partition(" --")[0] + f" -- {ATTACKS[3]}"
    )
    expect(answer.locator(".t2s-rows")).to_contain_text(IMAGE)
    holds_text_alone(answer)


def test_an_attack_is_text_in_the_prompt_below_an_answer(notebook: Notebook):
    answer = notebook.run(CELL["value"])
    answer.locator('[data-name="prompt"]').click()
    expect(answer.locator(".t2s-prompt-text")).to_contain_text(f"Hint: {IMAGE}")
    expect(answer.locator(".t2s-prompt-text")).to_contain_text(SCRIPT)
    holds_text_alone(answer)


def test_a_notebook_with_attacks_is_saved_and_opened_again_as_text(notebook: Notebook):
    notebook.run(CELL["rows"])
    notebook.save()
    notebook.page.reload()
    notebook.page.locator(".jp-Notebook .jp-Cell").first.wait_for()
    output = notebook.output(CELL["rows"])
    expect(output).to_contain_text(SCRIPT)
    holds_text_alone(output)
