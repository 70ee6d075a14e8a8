"""The live answer in a notebook: shows a view, hands on what a person does. It knows no database and no kernel."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from t2s_magic.widget.cells import full_text, show
from t2s_magic.widget.render import is_right_aligned
from t2s_magic.widget.text import visible, visible_line
from t2s_magic.widget.view import Reading, Table, View, certainty, rows_line

PAGE_ROWS = 100
PAGE_COLUMNS = 50

Message = Mapping[str, Any]
Act = Callable[[Message], dict[str, Any] | None]


class AnswerWidget(anywidget.AnyWidget):  # type: ignore[misc]  # anywidget has no types
    """Shows a View, and the rows of its table a page at a time.

    ``acts`` maps what a person can do ("run", "edit", …) to what happens then; what an act returns is sent back, bytes
    as a buffer. Acts may be called from any thread that the kernel handles messages in.
    """

    _esm = Path(__file__).with_name("answer.js")
    _css = Path(__file__).with_name("answer.css")

    view = traitlets.Dict().tag(sync=True)
    page = traitlets.Dict().tag(sync=True)

    def __init__(self, view: View, acts: Mapping[str, Act]) -> None:
        self._table = view.table
        self._acts = {**acts, "page": self._turn_page, "cell": self._whole_cell}
        super().__init__(view=view_data(view), page=page_data(view.table))
        self.on_msg(self._receive)

    def hand_over(self, view: View, acts: Mapping[str, Act]) -> None:
        """Show ``view``, and do from now on what ``acts`` say: the statement that was being written is there."""
        self._acts = {**self._acts, **acts}
        self.show(view)

    def show(self, view: View) -> None:
        """Show ``view``; new rows begin at their first page. May be called from any thread."""
        if view.table is not self._table:
            self._table = view.table
            self.page = page_data(view.table)
        self.view = view_data(view)

    def _receive(self, _widget: object, message: Message, _buffers: object) -> None:
        do = message.get("do")
        act = self._acts.get(do) if isinstance(do, str) else None
        reply = act(message) if act else None
        if reply is not None:
            plain = {name: value for name, value in reply.items() if not isinstance(value, bytes)}
            self.send({**plain, "did": do}, [value for value in reply.values() if isinstance(value, bytes)])

    def _turn_page(self, message: Message) -> None:
        self.page = page_data(self._table, _count(message.get("row")), _count(message.get("column")))

    def _whole_cell(self, message: Message) -> dict[str, Any] | None:
        row, column = _count(message.get("row")), _count(message.get("column"))
        if self._table is None or row >= len(self._table.rows) or column >= len(self._table.columns):
            return None
        return {"row": row, "column": column, "text": visible(full_text(self._table.rows[row][column]))}


def view_data(view: View) -> dict[str, Any]:
    """``view`` as JSON for the page: each text visible, ``span`` in UTF-16 units, as JavaScript counts."""
    return {
        "question": visible(view.question),
        "sql": visible(view.sql),
        "readSql": visible(view.read_sql),
        "isRunning": view.is_running,
        "isWriting": view.is_writing,
        "words": visible(view.in_words),
        "assumptions": [visible(assumption) for assumption in view.assumptions],
        "problem": visible(view.problem),
        "span": _span_in_page(view),
        "certainty": certainty(view.confidence),
        "isAbstained": view.is_abstained,
        "readings": [_reading_data(reading) for reading in view.readings],
        "notices": [visible(notice) for notice in view.notices],
        "provenance": [visible(part) for part in view.provenance],
        "hasPrompt": view.has_prompt,
        "canRun": view.can_run,
        "loaded": view.loaded,
        "tableSql": visible(view.table_sql),
    }


def page_data(table: Table | None, first_row: int = 0, first_column: int = 0) -> dict[str, Any]:
    """A page of ``table`` as JSON; nothing where there is no table."""
    if table is None:
        return {}
    first_row = min(first_row, max(0, len(table.rows) - 1)) // PAGE_ROWS * PAGE_ROWS
    first_column = min(first_column, max(0, len(table.columns) - 1)) // PAGE_COLUMNS * PAGE_COLUMNS
    columns = range(first_column, min(first_column + PAGE_COLUMNS, len(table.columns)))
    rows = table.rows[first_row : first_row + PAGE_ROWS]
    return {
        "line": rows_line(table),
        "notes": [visible(note) for note in (table.why_empty, *table.notes) if note],
        "isOneValue": table.is_one_value,
        "pageRows": PAGE_ROWS,
        "pageColumns": PAGE_COLUMNS,
        "rowCount": len(table.rows),
        "columnCount": len(table.columns),
        "firstRow": first_row,
        "firstColumn": first_column,
        "columns": [_column_data(table, column) for column in columns],
        "rows": [[_cell_data(row[column]) for column in columns] for row in rows],
    }


def _column_data(table: Table, column: int) -> dict[str, Any]:
    return {
        "name": visible_line(table.columns[column]),
        "type": visible_line(table.types[column]) if table.types else "",
        "isNumeric": is_right_aligned(table, column),
    }


def _cell_data(value: Any) -> list[Any]:
    cell = show(value)
    return [cell.text, cell.kind, cell.is_cut]


def _reading_data(reading: Reading) -> dict[str, str]:
    return {
        "sql": visible(reading.sql),
        "words": visible(reading.in_words),
        "certainty": certainty(reading.confidence),
    }


def _span_in_page(view: View) -> list[int] | None:
    if view.span is None:
        return None
    return [_utf16_length(visible(view.read_sql[:offset])) for offset in view.span]


def _utf16_length(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def _count(value: object) -> int:
    """A number that a page sent, or 0 for anything that is none."""
    return max(0, value) if isinstance(value, int) else 0
