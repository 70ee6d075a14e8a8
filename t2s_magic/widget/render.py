"""The static twins of an answer: HTML without script, and plain text.

They are what GitHub, nbconvert, a closed notebook and a terminal show. GitHub strips style attributes, so the HTML
says what it means in tags and old attributes (``align``), and takes its colours from the page.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from t2s_magic.widget.cells import ROWS_THAT_DECIDE_ALIGNMENT, Cell, full_text, is_numeric, kind_of, show
from t2s_magic.widget.text import display_width, shortened, visible, visible_line
from t2s_magic.widget.view import Table, View, certainty, rows_line

ROWS_SHOWN = 20
COLUMNS_SHOWN = 20
TEXT_CELL_WIDTH = 40
TEXT_WIDTH = 120
NAME_WIDTH = 60


def answer_html(view: View) -> str:
    """The answer as one self-contained piece of HTML, every value escaped."""
    return "\n".join(["<div>", *_html_parts(view), "</div>"])


def answer_text(view: View) -> str:
    """The answer as plain text, safe to print in a terminal."""
    return "\n".join(_text_lines(view))


def is_right_aligned(table: Table, column: int) -> bool:
    """Whether ``column`` of ``table`` holds numbers."""
    return is_numeric(row[column] for row in table.rows[:ROWS_THAT_DECIDE_ALIGNMENT])


def _html_parts(view: View) -> Iterable[str]:
    if view.in_words:
        sure = f" <em>({_html(certainty(view.confidence))})</em>" if view.confidence is not None else ""
        yield f"<p><strong>{_html(view.in_words)}</strong>{sure}</p>"
    yield from (f"<p><em>{_html(notice)}</em></p>" for notice in view.notices)
    if view.assumptions:
        yield "<ul>" + "".join(f"<li>{_html(assumption)}</li>" for assumption in view.assumptions) + "</ul>"
    if view.sql:
        yield f'<pre style="text-align: left"><code>{_html_sql(view)}</code></pre>'
    if view.problem:
        yield f"<p>⚠ <strong>{_html(view.problem)}</strong></p>"
    if view.provenance:
        yield f"<p><small>{_html(' · '.join(view.provenance))}</small></p>"
    if view.table is not None:
        yield from _html_table(view.table)


def _html(text: str) -> str:
    return escape(visible(text))


def _html_sql(view: View) -> str:
    if view.span is None or view.read_sql != view.sql:
        return _html(view.sql)
    start, end = view.span
    return f"{_html(view.sql[:start])}<u>{_html(view.sql[start:end])}</u>{_html(view.sql[end:])}"


def _html_table(table: Table) -> Iterable[str]:
    if table.rows:
        columns = range(min(len(table.columns), COLUMNS_SHOWN))
        sides = ["right" if is_right_aligned(table, column) else "left" for column in columns]
        heads = (
            f'<th align="{side}" style="text-align: {side}">{escape(_column_name(table.columns[column]))}</th>'
            for column, side in zip(columns, sides, strict=True)
        )
        yield f"<table>\n<thead><tr>{''.join(heads)}</tr></thead>\n<tbody>"
        for row in table.rows[:ROWS_SHOWN]:
            yield f"<tr>{''.join(_html_cell(show(row[column]), sides[column]) for column in columns)}</tr>"
        yield "</tbody>\n</table>"
    yield from (f"<p>{_html(line)}</p>" for line in _lines_under(table, ROWS_SHOWN, COLUMNS_SHOWN))


def _html_cell(cell: Cell, side: str) -> str:
    text = escape(cell.text)
    content = {"null": f"<em>{text}</em>", "empty": "<em>''</em>"}.get(cell.kind, text)
    return f'<td align="{side}" style="text-align: {side}">{content}</td>'


def _text_lines(view: View) -> Iterable[str]:
    if view.in_words:
        yield visible(view.in_words) + (f" ({certainty(view.confidence)})" if view.confidence is not None else "")
    yield from (visible(notice) for notice in view.notices)
    yield from (f"  - {visible(assumption)}" for assumption in view.assumptions)
    if view.sql:
        yield ""
        yield from ("    " + line for line in visible(view.sql).split("\n"))
    if view.problem:
        yield ""
        yield f"Problem: {visible(view.problem)}"
    if view.provenance:
        yield ""
        yield visible(" · ".join(view.provenance))
    if view.table is not None:
        yield ""
        yield from _text_table(view.table)


def _text_table(table: Table) -> Iterable[str]:
    shown = 0
    if table.rows:
        blocks = _fitting_columns(table)
        shown = len(blocks)
        yield from (" | ".join(cells).rstrip() for cells in zip(*blocks, strict=True))
    yield from _lines_under(table, ROWS_SHOWN, shown)


def _fitting_columns(table: Table) -> list[list[str]]:
    """The columns, each a list of padded lines (name, rule, cells), as many as fit beside each other."""
    blocks: list[list[str]] = []
    used = 0
    for column, name in enumerate(table.columns):
        cells = [_text_cell(row[column]) for row in table.rows[:ROWS_SHOWN]]
        block = _padded([_column_name(name), *cells], to_the_right=is_right_aligned(table, column))
        used += display_width(block[0]) + len(" | ")
        if blocks and used > TEXT_WIDTH:
            break
        blocks.append([block[0], "-" * display_width(block[0]), *block[1:]])
    return blocks


def _padded(lines: Sequence[str], *, to_the_right: bool) -> list[str]:
    width = max(display_width(line) for line in lines)
    padding = [" " * (width - display_width(line)) for line in lines]
    pairs = zip(lines, padding, strict=True)
    return [space + line if to_the_right else line + space for line, space in pairs]


def _text_cell(value: object) -> str:
    """As in the HTML, but a text that would read as NULL or as nothing stands in quotes."""
    cell = show(value, TEXT_CELL_WIDTH)
    return f"'{cell.text}'" if kind_of(value) == "empty" or full_text(value) == "NULL" else cell.text


def _column_name(name: str) -> str:
    return shortened(visible_line(name), NAME_WIDTH)


def _lines_under(table: Table, rows_shown: int, columns_shown: int) -> Iterable[str]:
    yield rows_line(table)
    hidden_rows = len(table.rows) - rows_shown
    hidden_columns = len(table.columns) - columns_shown
    if hidden_rows > 0:
        yield f"… {hidden_rows:,} more rows not shown here."
    if table.rows and hidden_columns > 0:
        yield f"… {hidden_columns:,} more columns not shown here: {_names(table.columns[columns_shown:])}"
    if table.why_empty:
        yield visible(table.why_empty)
    yield from (visible(note) for note in table.notes)


def _names(names: Sequence[str]) -> str:
    few = 5
    return ", ".join(_column_name(name) for name in names[:few]) + (", …" if len(names) > few else "")
