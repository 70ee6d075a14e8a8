"""The answer in a real JupyterLab and a real Chromium, asked by the real magic of a scripted LM.

One server, one browser and one notebook serve all tests; each test runs the cells it names.
"""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from time import perf_counter
from typing import Any

import pytest
from hostile import ATTACKS, CANARY, DECEPTIONS, TEMPLATE
from lab import MILLISECONDS_TO_SHOW, Notebook, chromium, jupyterlab, open_notebook, write_notebook
from openai_server import OpenAiServer, Reply
from playwright.sync_api import Locator, expect, sync_playwright

pytestmark = pytest.mark.timeout(300)
expect.set_options(timeout=MILLISECONDS_TO_SHOW)

SHOP = """
CREATE TABLE customer (id INTEGER PRIMARY KEY, name TEXT, country TEXT);
CREATE TABLE invoice (id INTEGER PRIMARY KEY, customer_id INTEGER REFERENCES customer (id), total NUMERIC, day DATE);
INSERT INTO customer VALUES (1, 'Ada', 'Germany'), (2, 'Grace', 'USA'), (3, 'Zoë', NULL);
INSERT INTO invoice VALUES (1, 1, 10.50, '2025-01-31'), (2, 1, 2.25, '2025-02-01'), (3, 2, 7.00, '2025-03-15');
"""
SPENT = """SELECT c.name, SUM(i.total) AS spent
FROM customer AS c JOIN invoice AS i ON i.customer_id = c.id
GROUP BY c.id
ORDER BY spent DESC"""
ENDLESS = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT COUNT(*) AS n FROM n"
SLOWLY = "SELECT name FROM customer WHERE country IS NULL ORDER BY name"
NUMBERS = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n LIMIT 20000) SELECT x, x * x AS square FROM n"


REPLIES = {
    "How much did each customer spend?": SPENT,
    "Who has no country yet?": SLOWLY,
    "How many customers are there?": "SELECT COUNT(*) AS customers FROM customer",
    "How far can you count?": ENDLESS,
    "Which countries are there?": "SELECT DISTINCT country FROM customer WHERE country IS NOT NULL",
    "What are the squares?": NUMBERS,
    "Who lives in Gernany?": "SELECT name FROM customer WHERE country = 'Gernany'",
    "Please remove Ada.": "DELETE FROM customer WHERE name = 'Ada'",
    "What do they say?": "SELECT * FROM hostile",
    "Who hides there?": f'SELECT c."{ATTACKS[0]}" AS "{ATTACKS[1]}", c.name FROM customer AS c',
    "Are you well?": f"I cannot answer that. {ATTACKS[0]}",
}
CELLS = {
    "set up": "%load_ext sql\n%sql sqlite:///shop.sqlite\n%load_ext t2s_magic",
    "spent": "%%text2sql\nHow much did each customer spend?",
    "slowly": "%%text2sql\nWho has no country yet?",
    "count": "%%text2sql\nHow many customers are there?",
    "endless": "%%text2sql --no-run\nHow far can you count?",
    "busy?": "print(6 * 7)",
    "approve": "%%text2sql\nWhich countries are there?",
    "numbers": "%%text2sql\nWhat are the squares?",
    "none": "%%text2sql\nWho lives in Gernany?",
    "delete": "%%text2sql\nPlease remove Ada.",
    "hostile rows": f"%%text2sql\nWhat do they say? {' '.join(ATTACKS)} {TEMPLATE}",
    "hostile name": "%%text2sql\nWho hides there?",
    "hostile prose": "%%text2sql\nAre you well?",
}
CELL = {name: position for position, name in enumerate(CELLS)}


class ScriptedLM(OpenAiServer):
    """Replies as scripted above to the last question in a prompt; those before it are demos."""

    def next_reply(self, body: dict[str, Any], headers: dict[str, str]) -> Reply:
        super().next_reply(body, headers)
        prompt = "".join(message["content"] for message in body["messages"])
        sql = REPLIES[max(REPLIES, key=prompt.rfind)]
        return Reply(sql, pause=0.5 if sql == SLOWLY else 0.0)


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Notebook]:
    folder = tmp_path_factory.mktemp("notebook")
    _write_database(folder / "shop.sqlite")
    write_notebook(folder / "shop.ipynb", list(CELLS.values()))
    lm = ScriptedLM("")
    lm.start()
    settings = {"T2S_API_BASE": lm.base_url, "T2S_API_KEY": CANARY}
    with sync_playwright() as playwright, chromium(playwright) as browser, jupyterlab(folder, **settings) as address:
        context = browser.new_context(
            viewport={"width": 1200, "height": 1000}, permissions=["clipboard-read", "clipboard-write"]
        )
        notebook = open_notebook(context.new_page(), address, folder / "shop.ipynb")
        notebook.start(CELL["set up"])
        yield notebook
    lm.stop()


def _write_database(path: Path) -> None:
    column = ATTACKS[0].replace('"', '""')
    with sqlite3.connect(path) as connection:
        connection.executescript(f'{SHOP}; CREATE TABLE hostile ("{column}" TEXT)')
        connection.executemany(
            "INSERT INTO hostile VALUES (?)", [(text,) for text in [*ATTACKS, TEMPLATE, *DECEPTIONS]]
        )
    connection.close()


def rows_of(answer: Locator) -> list[list[str]]:
    return [row.locator("td").all_inner_texts() for row in answer.locator("tbody tr").all()]


def test_sql_is_seen_as_it_is_written_and_cannot_run_before_it_is_whole(notebook):
    notebook.start(CELL["slowly"])
    answer = notebook.cell(CELL["slowly"]).locator(".t2s-is-writing")
    answer.wait_for()
    expect(answer.locator(".t2s-words")).to_have_text("Writing the SQL …")
    expect(answer.locator(".t2s-editor")).to_have_value(re.compile("^SELECT name( FROM| FROM customer)?"))
    expect(answer.locator(".t2s-editor")).to_have_attribute("readonly", "")
    expect(answer.locator(".t2s-run")).to_be_hidden()
    done = notebook.answer(CELL["slowly"])
    expect(done).to_contain_text("Zoë")
    expect(done.locator(".t2s-editor")).to_have_value(SLOWLY)
    expect(done.locator(".t2s-provenance")).to_contain_text("7 tokens read, 3 written, the first after ")
    expect(notebook.cell(CELL["slowly"]).locator(".t2s")).to_have_count(1)


def test_a_question_becomes_words_sql_provenance_and_rows(notebook: Notebook):
    answer = notebook.run(CELL["spent"])
    expect(answer.locator("tbody tr")).to_have_count(2)
    assert rows_of(answer) == [["Ada", "12.75"], ["Grace", "7"]]
    assert "invoice.total" in answer.locator(".t2s-words").inner_text()
    assert answer.locator("textarea").input_value() == SPENT
    assert "enforced by the engine · 2 of 3 tables · starling" in answer.locator(".t2s-provenance").inner_text()
    assert answer.locator("th").nth(1).evaluate("head => getComputedStyle(head).textAlign") == "right"


def test_one_value_stands_alone_and_large(notebook: Notebook):
    value = notebook.run(CELL["count"]).locator(".t2s-value")
    expect(value).to_have_text("3")
    assert value.evaluate("node => parseFloat(getComputedStyle(node).fontSize)") > 24


def test_an_edit_is_read_back_and_runs_from_the_keyboard(notebook: Notebook):
    page = notebook.page
    answer = notebook.run(CELL["count"])
    editor = answer.locator("textarea")
    editor.click()
    page.keyboard.press("Control+End")
    page.keyboard.type(" WHERE country = 'USA'")
    expect(answer.locator(".t2s-words")).to_contain_text("USA")
    expect(answer.locator(".t2s-stale-note")).to_be_visible()
    page.keyboard.press("Control+Enter")
    expect(answer.locator(".t2s-value")).to_have_text("1")
    expect(answer.locator(".t2s-stale-note")).to_be_hidden()
    expect(answer.locator("textarea")).to_be_focused()


def test_an_edit_that_is_refused_shows_where(notebook: Notebook):
    answer = notebook.run(CELL["spent"])
    answer.locator("textarea").fill("SELECT nme FROM customer")
    expect(answer.locator("mark")).to_have_text("nme")
    expect(answer.locator(".t2s-problem")).to_contain_text("name")
    expect(answer.locator(".t2s-run")).to_be_disabled()


def test_a_slow_statement_is_cancelled_and_the_kernel_stays_free(notebook: Notebook):
    answer = notebook.run(CELL["endless"])
    answer.locator(".t2s-run").click()
    expect(answer.locator(".t2s-elapsed")).to_have_text(re.compile("[1-9] s"))
    notebook.start(CELL["busy?"])
    expect(notebook.output(CELL["busy?"])).to_have_text("42")
    expect(answer.locator(".t2s-run")).to_be_disabled()
    started = perf_counter()
    answer.locator(".t2s-cancel").click()
    expect(answer.locator(".t2s-problem")).to_contain_text("ancelled")
    assert perf_counter() - started < 15
    expect(answer.locator(".t2s-cancel")).to_be_hidden()


def test_an_approved_answer_is_kept_beside_the_notebook(notebook: Notebook):
    answer = notebook.run(CELL["approve"])
    answer.locator(".t2s-approve").click()
    expect(answer.locator(".t2s-said")).to_be_visible()
    expect(answer.locator(".t2s-approve")).to_have_attribute("aria-pressed", "true")
    [pair] = (notebook.path.parent / "t2s_pairs.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(pair)["sql"].startswith("SELECT DISTINCT country")


def test_the_sql_is_copied_as_a_cell(notebook: Notebook):
    answer = notebook.run(CELL["approve"])
    answer.locator(".t2s-copy").click()
    expect(answer.locator(".t2s-said")).to_contain_text("clipboard")
    assert notebook.page.evaluate("navigator.clipboard.readText()").startswith("%%sql\nSELECT DISTINCT country")


def test_many_rows_come_in_pages_and_leave_as_csv(notebook: Notebook):
    answer = notebook.run(CELL["numbers"])
    expect(answer.locator(".t2s-line")).to_contain_text("10,000 rows fetched of more")
    expect(answer.locator("tbody tr")).to_have_count(100)
    answer.get_by_title("Next rows").click()
    expect(answer.locator("tbody td").first).to_have_text("101")
    with notebook.page.expect_download() as download:
        answer.locator(".t2s-csv").click()
    lines = Path(download.value.path()).read_text(encoding="utf-8").splitlines()
    assert (len(lines), lines[:2], lines[-1]) == (10_001, ["x,square", "1,1"], "10000,100000000")


def test_no_rows_say_why(notebook: Notebook):
    answer = notebook.run(CELL["none"])
    expect(answer.locator(".t2s-line")).to_contain_text("0 rows")
    expect(answer.locator(".t2s-note").first).to_contain_text("Germany")


def test_a_statement_that_writes_is_shown_and_not_run(notebook: Notebook):
    answer = notebook.run(CELL["delete"])
    expect(answer.locator(".t2s-problem")).to_contain_text("Nothing was run")
    expect(answer.locator(".t2s-run")).to_be_disabled()
    assert rows_of(answer) == []


def test_hostile_values_and_names_stay_text(notebook: Notebook):
    answer = notebook.run(CELL["hostile rows"])
    expect(answer.locator("th")).to_have_text(ATTACKS[0])
    shown = [text for [text] in rows_of(answer)]
    assert shown == [*ATTACKS, TEMPLATE, *DECEPTIONS.values()]
    assert answer.locator("img, script, iframe, svg, a").count() == 0


def test_a_hostile_name_in_sql_words_and_problem_stays_text(notebook: Notebook):
    answer = notebook.run(CELL["hostile name"])
    expect(answer.locator(".t2s-problem")).to_contain_text(ATTACKS[0])
    assert answer.locator("img, script, iframe, svg, a").count() == 0


def test_a_model_that_gives_no_sql_is_said_to(notebook: Notebook):
    answer = notebook.run(CELL["hostile prose"])
    expect(answer.locator(".t2s-problem")).to_contain_text("without SQL")
    expect(answer.locator(".t2s-run")).to_be_disabled()
    assert answer.locator("img, script, iframe, svg, a").count() == 0


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_every_text_can_be_read_in_both_themes(notebook: Notebook, theme: str):
    answer = notebook.run(CELL["spent"])
    notebook.use_theme(theme)
    poor = answer.evaluate(POOR_CONTRASTS)
    notebook.use_theme("JupyterLab Light")
    assert poor == []


def test_a_narrow_window_cuts_nothing_off(notebook: Notebook):
    answer = notebook.run(CELL["spent"])
    notebook.page.set_viewport_size({"width": 700, "height": 900})
    wide = answer.evaluate("node => [node.clientWidth, node.scrollWidth]")
    notebook.page.set_viewport_size({"width": 1200, "height": 1000})
    assert wide[0] <= 600
    assert wide[1] <= wide[0]


def test_the_tab_key_walks_through_an_answer_in_reading_order(notebook: Notebook):
    answer = notebook.run(CELL["spent"])
    answer.locator("textarea").focus()
    walked = []
    for _ in range(7):
        walked.append(notebook.page.evaluate("document.activeElement.dataset.name"))
        notebook.page.keyboard.press("Tab")
    assert walked == ["editor", "run", "copy", "approve", "reject", "prompt", "rows"]


def test_the_saved_notebook_holds_the_rows_and_no_secret(notebook: Notebook):
    expect(notebook.run(CELL["spent"]).locator("tbody tr")).to_have_count(2)
    saved = notebook.save()
    twins, _widget = (output["data"] for output in saved.cells[CELL["spent"]].outputs)
    assert "<td" in twins["text/html"]
    assert "Grace |     7" in twins["text/plain"]
    assert CANARY not in json.dumps(saved)


def test_a_notebook_opened_again_shows_the_static_twin_alone(notebook: Notebook):
    expect(notebook.run(CELL["spent"]).locator("tbody tr")).to_have_count(2)
    expect(notebook.output(CELL["spent"]).locator(".t2s-twin")).to_be_hidden()
    notebook.save()
    path = shutil.copy(notebook.path, notebook.path.with_name("again.ipynb"))
    with closing(notebook.page.context.new_page()) as page:
        again = open_notebook(page, notebook.address, path).output(CELL["spent"])
        expect(again.locator(".t2s-twin td", has_text="Grace")).to_be_visible()
        expect(again.get_by_text("widget")).to_be_hidden()


# Each text node's color against the nearest ground behind it, by WCAG 2's formula; disabled controls are exempt there.
POOR_CONTRASTS = """root => {
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const rgba = (color) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const luminance = (color) => {
    const linear = (part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    const [r, g, b] = rgba(color).map((part) => linear(part / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const groundOf = (node) => {
    for (; node; node = node.parentElement) {
      const ground = getComputedStyle(node).backgroundColor;
      if (rgba(ground)[3] === 255) return ground;
    }
    return "white";
  };
  const poor = [];
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode.parentElement;
    const color = getComputedStyle(node).color;
    if (!walker.currentNode.data.trim() || rgba(color)[3] === 0 || !node.checkVisibility() || node.disabled) continue;
    const [dim, bright] = [luminance(color), luminance(groundOf(node))].sort((a, b) => a - b);
    if ((bright + 0.05) / (dim + 0.05) < 4.5) poor.push([node.className, color, groundOf(node)]);
  }
  return poor;
}"""
