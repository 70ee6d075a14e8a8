"""What a person can do with an answer, on a real SQLite database; the live view is driven by the page's messages."""

import os
import signal
import sqlite3
import time
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from functools import partial
from threading import Timer
from time import perf_counter

import pandas
import polars
import pytest

from t2s_magic import pipeline
from t2s_magic.answer import Answer, Writing
from t2s_magic.database import Limits, Rows, connect
from t2s_magic.display import TerminalDisplay
from t2s_magic.errors import NotRunError, UnsafeSqlError
from t2s_magic.frames import to_pandas, to_polars
from t2s_magic.lm.usage import Usage
from t2s_magic.pipeline import Alternative, Draft, Outcome, Provenance
from t2s_magic.widget import View
from t2s_magic.widget.answer import AnswerWidget, page_data

ADULTS = "SELECT name, age FROM people WHERE age >= 18 ORDER BY name"
ENDLESS = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) AS n FROM n"
A_MOMENT = 10.0


class Cell:
    """The outputs of a notebook's cells: the twins of each that was shown, as they stand now, and the widgets."""

    is_live = True

    def __init__(self) -> None:
        self.twins: list[dict] = []
        self.widgets: list[dict] = []
        self.opened: list[dict] = []
        self.number = 1

    def tell(self, doing: str) -> None: ...

    def clear(self) -> None: ...

    def open(self, widget) -> None:
        self.opened.append(widget)

    def show(self, twins, widget) -> None:
        self.twins.append(twins)
        self.widgets.append(widget)

    def update(self, twins) -> None:
        self.twins[-1] = twins

    def cell(self) -> int:
        return self.number


@pytest.fixture
def database(tmp_path):
    path = tmp_path / "people.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE people (name TEXT, age INTEGER)")
        connection.executemany("INSERT INTO people VALUES (?, ?)", [("Ada", 36), ("Grace", 85), ("Alan", None)])
    connection.close()
    database = connect(f"sqlite:///{path}")
    yield database
    database.close()


@pytest.fixture
def answer(database):
    """Makes an answer to one question with everything it can do, from its SQL."""

    def make(sql=ADULTS, *, draft=None, **changes):
        known = {
            "run": lambda sql: pipeline.run(sql, database, limits=Limits(seconds=20)),
            "review": partial(pipeline.review, database=database),
            "cancel": database.cancel,
            "enforcement": "read-only, enforced by the engine",
        }
        return Answer(draft or draft_of(sql, database), **{**known, **changes})

    return make


def draft_of(sql, database, **parts):
    look = pipeline.review(sql, database)
    checked = None if look.problem else pipeline._check(sql, database.schema())
    provenance = Provenance("builtin", "labeled demos", seconds=0.084, tables_used=1, tables_total=1)
    known = {"checked": checked, "problem": look.problem, "span": look.span, "in_words": look.in_words}
    return Draft("Who is of age?", sql, "sqlite", provenance, **{**known, **parts})


def page(answer):
    """The live view, and its replies: what the page does goes in by ``page(...)``."""
    widget, replies = answer._widget, []
    widget.send = lambda content, buffers=None: replies.append((content, buffers))

    def do(act, **content):
        widget._handle_custom_msg({"do": act, **content}, [])
        return replies[-1] if replies else None

    return widget, do


def until(is_so):
    ends = perf_counter() + A_MOMENT
    while not is_so() and perf_counter() < ends:
        time.sleep(0.01)
    assert is_so()


# Running.


def test_an_answer_runs_once_and_holds_its_rows(answer):
    adults = answer()
    adults.run_now()
    assert adults.rows.rows == (("Ada", 36), ("Grace", 85))
    assert adults.problem == ""


def test_rows_are_the_kind_of_result_that_was_asked_for(answer):
    made = []
    adults = answer(to_result=lambda rows: made.append(rows) or list(rows.rows))
    adults.run_now()
    assert adults.rows == [("Ada", 36), ("Grace", 85)]
    assert adults.rows is adults.rows
    assert len(made) == 1


def test_rows_of_an_answer_that_never_ran_say_what_to_do(answer):
    with pytest.raises(NotRunError, match="Press Run under it, or call its run_now"):
        _ = answer().rows


def test_rows_of_a_refused_answer_say_why(answer):
    refused = answer("DELETE FROM people")
    with pytest.raises(NotRunError, match="This SQL was not run"):
        refused.run_now()
    with pytest.raises(NotRunError, match="This SQL was not run"):
        refused.df()


def test_an_answer_without_run_is_shown_only(answer):
    with pytest.raises(NotRunError, match="Copy it as a %%sql cell"):
        answer(run=None).df()


def test_an_engine_error_is_a_problem_and_not_rows(answer):
    failing = answer("SELECT json_extract('no json', '$.a') AS a FROM people")
    failing.run_now()
    assert "malformed JSON" in failing.problem
    with pytest.raises(NotRunError, match=r"The last run gave no rows\. .*malformed JSON"):
        failing.df()


def test_df_waits_for_a_run_that_is_under_way(answer, database):
    def slowly(sql):
        time.sleep(0.3)
        return pipeline.run(sql, database)

    adults = answer(run=slowly)
    _, do = page(adults)
    do("run", sql=ADULTS)
    assert list(adults.df()["name"]) == ["Ada", "Grace"]


def test_two_runs_at_once_are_one(answer, database):
    started = []

    def slowly(sql):
        started.append(sql)
        time.sleep(0.3)
        return pipeline.run(sql, database)

    adults = answer(run=slowly)
    _, do = page(adults)
    do("run", sql=ADULTS)
    do("run", sql=ADULTS)
    adults.df()
    assert started == [ADULTS]


def test_the_kernels_interrupt_stops_the_statement_and_the_connection_stays_usable(answer, database):
    endless = answer(ENDLESS)
    Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
    started = perf_counter()
    with pytest.raises(KeyboardInterrupt):
        endless.run_now()
    assert perf_counter() - started < 15
    assert endless.problem.startswith("Interrupted: the statement was stopped")
    assert pipeline.run(ADULTS, database).rows.rows == (("Ada", 36), ("Grace", 85))


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_an_unexpected_error_is_said_and_the_answer_can_run_again(answer, database):
    bugs = [ZeroDivisionError("a bug")]

    def broken_at_first(sql):
        if bugs:
            raise bugs.pop()
        return pipeline.run(sql, database)

    failing = answer(run=broken_at_first)
    failing.run_now()
    assert "an error of this program" in failing.problem
    failing.run_now()
    assert list(failing.df()["name"]) == ["Ada", "Grace"]


# Showing.


def test_an_answer_shows_itself_once_a_cell_and_follows_its_runs_there(answer):
    cell = Cell()
    adults = answer(display=cell)
    adults.show()
    adults.run_now()
    adults._ipython_display_()
    [twins], [widget] = cell.twins, cell.widgets
    assert "Ada   |  36" in twins["text/plain"]
    assert '<td align="left" style="text-align: left">Ada</td>' in twins["text/html"]
    assert widget["application/vnd.jupyter.widget-view+json"]["model_id"] == adults._widget.model_id


def test_an_answer_shows_itself_again_in_a_later_cell(answer):
    cell = Cell()
    adults = answer(display=cell)
    adults.show()
    cell.number = 2
    adults._ipython_display_()
    assert len(cell.twins) == 2


def test_without_a_live_display_the_value_of_the_cell_is_its_twins(answer):
    adults = answer()
    adults.run_now()
    with pytest.raises(NotImplementedError):
        adults._ipython_display_()
    assert set(adults._repr_mimebundle_()) == {"text/plain", "text/html"}


def test_the_provenance_line_names_who_guards_and_who_wrote(answer):
    widget, _ = page(answer())
    assert widget.view["provenance"] == [
        "read-only, enforced by the engine",
        "1 of 1 tables",
        "builtin, labeled demos, 84 ms",
    ]


def test_a_refused_part_is_marked_in_the_units_of_the_page(answer, database):
    sql = "SELECT '😀\x1b', nam FROM people"
    draft = draft_of(sql, database, checked=None, problem="No column nam.", span=(13, 16))
    widget, _ = page(answer(draft=draft))
    start, end = widget.view["span"]
    units = widget.view["sql"].encode("utf-16-le")
    assert units[2 * start : 2 * end].decode("utf-16-le") == "nam"


def test_the_provenance_line_says_what_the_lm_took(answer, database):
    usage = Usage(1240, 85, first_token=0.12, seconds=1.9)
    used = Provenance("starling", "labeled demos", 1, 2.4, 1, 1, host="gpu:8000", usage=usage, dollars=0.000412)
    widget, _ = page(answer(draft=replace(draft_of(ADULTS, database), provenance=used)))
    assert widget.view["provenance"][2:] == [
        "starling at gpu:8000, labeled demos, 2.4 s",
        "1,240 tokens read, 85 written, the first after 120 ms, about $0.00041",
    ]


# While the LM writes.


def test_sql_is_seen_as_it_is_written_in_the_widget_that_becomes_the_answer(answer):
    cell = Cell()
    writing = Writing("Who?", cell)
    writing.write("SELECT")
    assert (writing.widget.view["sql"], writing.widget.view["isWriting"]) == ("SELECT", True)
    adults = answer(display=cell, writing=writing)
    adults.show()
    assert (writing.widget.view["sql"], writing.widget.view["isWriting"]) == (ADULTS, False)
    assert cell.opened == cell.widgets
    assert adults._widget is writing.widget


def test_the_page_is_told_of_what_is_written_ten_times_a_second_at_most():
    cell = Cell()
    writing = Writing("Who?", cell)
    seen: list[str] = []
    started = perf_counter()
    for number in range(1, 3_000):
        writing.write("SELECT " + "x" * number)
        if writing.widget.view["sql"] not in seen:
            seen.append(writing.widget.view["sql"])
    assert len(seen) <= 1 + 10 * (perf_counter() - started)


def test_a_terminal_shows_nothing_of_what_is_half_written():
    writing = Writing("Who?", TerminalDisplay(None))
    writing.write("SELECT")
    assert writing.widget is None


def test_a_statement_that_comes_to_nothing_is_taken_back():
    writing = Writing("Who?", Cell())
    writing.write("SELECT")
    writing.close()
    assert writing.widget.comm is None


# What a person does in the page.


def test_run_in_the_page_leaves_the_kernel_free_and_updates_the_twins(answer):
    cell = Cell()
    adults = answer(display=cell)
    adults.show()
    widget, do = page(adults)
    do("run", sql="SELECT name FROM people WHERE age > 40")
    assert adults.df().to_dict("list") == {"name": ["Grace"]}
    assert adults.sql == "SELECT name FROM people WHERE age > 40"
    assert widget.page["rows"] == [[["Grace", "text", False]]]
    assert "Grace" in cell.twins[-1]["text/html"]


def test_cancel_in_the_page_stops_the_statement(answer):
    endless = answer(ENDLESS)
    widget, do = page(endless)
    do("run", sql=ENDLESS)
    assert widget.view["isRunning"]
    do("cancel")
    until(lambda: not widget.view["isRunning"])
    assert "Interrupted" not in endless.problem
    assert endless.problem


def test_an_edit_is_read_back_and_not_run(answer):
    adults = answer()
    widget, do = page(adults)
    do("edit", sql="SELECT count(*) FROM people")
    until(lambda: widget.view["readSql"] == "SELECT count(*) FROM people")
    assert adults.sql == "SELECT count(*) FROM people"
    assert adults.in_words.startswith("Counts ")
    with pytest.raises(NotRunError):
        _ = adults.rows


def test_an_edit_that_is_not_allowed_shows_its_problem_and_cannot_run(answer):
    adults = answer()
    widget, do = page(adults)
    do("edit", sql="DROP TABLE people")
    until(lambda: widget.view["problem"])
    assert not widget.view["canRun"]
    do("run", sql="DROP TABLE people")
    until(lambda: not widget.view["isRunning"])
    assert adults.problem
    with pytest.raises(NotRunError):
        _ = adults.rows


def test_the_last_of_quick_edits_wins(answer):
    adults = answer(review=lambda sql: time.sleep(0.2 if sql == "SELECT 1" else 0) or Outcome(sql, in_words=sql))
    widget, do = page(adults)
    do("edit", sql="SELECT 1")
    do("edit", sql="SELECT 12")
    until(lambda: widget.view["words"] == "SELECT 12")
    time.sleep(0.3)
    assert widget.view["words"] == "SELECT 12"


def test_an_edit_while_it_runs_is_not_overwritten(answer, database):
    def slowly(sql):
        time.sleep(0.3)
        return pipeline.run(sql, database)

    adults = answer(run=slowly)
    widget, do = page(adults)
    do("run", sql=ADULTS)
    do("edit", sql="SELECT name FROM people")
    adults.df()
    assert (widget.view["sql"], widget.view["tableSql"]) == ("SELECT name FROM people", ADULTS)


def test_another_reading_can_be_chosen(answer, database):
    other = Alternative("SELECT count(*) FROM people", "Counts people.", 0.3)
    draft = draft_of(ADULTS, database, alternatives=(other,), confidence=0.4)
    adults = answer(draft=draft)
    widget, do = page(adults)
    assert [reading["certainty"] for reading in widget.view["readings"]] == ["40 % sure", "30 % sure"]
    do("choose", sql=other.sql)
    until(lambda: widget.view["readSql"] == other.sql)
    assert (adults.sql, widget.view["loaded"]) == (other.sql, 1)
    assert widget.view["certainty"] == "30 % sure"


def test_an_edit_has_no_confidence_of_the_lms(answer, database):
    adults = answer(draft=draft_of(ADULTS, database, confidence=0.4))
    widget, do = page(adults)
    do("edit", sql="SELECT name FROM people")
    assert widget.view["certainty"] == ""
    do("edit", sql=ADULTS)
    assert widget.view["certainty"] == "40 % sure"


def test_approval_and_its_refusal_are_told_in_a_sentence(answer):
    def refuse(question, sql):
        raise UnsafeSqlError("Only SQL that passes the guard is kept.")

    _, do = page(answer(approve=lambda question, sql: f"Kept: {question}", reject=refuse))
    assert do("approve", sql=ADULTS)[0] == {"text": "Kept: Who is of age?", "isRefused": False, "did": "approve"}
    assert do("reject", sql=ADULTS)[0]["isRefused"]


def test_a_cell_to_copy_is_made_by_the_kernel(answer):
    _, do = page(answer(for_cell=lambda sql: f"{sql} -- escaped"))
    assert do("for_cell", sql=ADULTS)[0]["text"] == f"%%sql\n{ADULTS} -- escaped"


def test_rows_leave_as_csv_in_a_buffer(answer):
    adults = answer()
    adults.run_now()
    _, do = page(adults)
    assert do("csv") == ({"did": "csv"}, [b"name,age\r\nAda,36\r\nGrace,85\r\n"])
    assert do("copy_rows") == ({"did": "copy_rows"}, [b"name\tage\nAda\t36\nGrace\t85"])


@pytest.mark.parametrize(
    "message", [{}, {"do": 1}, {"do": "run"}, {"do": "edit", "sql": 5}, {"do": "page", "row": "x"}]
)
def test_a_message_that_our_page_never_sends_does_no_harm(answer, message):
    adults = answer()
    widget, _ = page(adults)
    widget._handle_custom_msg(message, [])
    adults._wait()


# Pages of rows.


def widget_of(table_rows, columns):
    answer = Answer(
        Draft("q", "SELECT 1", "sqlite", Provenance("builtin", "")),
        run=lambda sql: Outcome(sql, Rows(columns, table_rows)),
    )
    answer._start("SELECT 1")
    answer._wait()
    return page(answer)


def test_ten_thousand_rows_of_two_thousand_columns_come_in_pages():
    columns = tuple(f"c{n}" for n in range(2_000))
    row = tuple(range(2_000))
    widget, do = widget_of((row,) * 10_000, columns)
    started = perf_counter()
    do("page", row=9_950, column=1_999)
    assert perf_counter() - started < 10
    assert (widget.page["firstRow"], widget.page["firstColumn"]) == (9_900, 1_950)
    assert (len(widget.page["rows"]), len(widget.page["rows"][0])) == (100, 50)
    assert widget.page["columnCount"] == 2_000


def test_a_whole_cell_comes_when_it_is_asked_for():
    _, do = widget_of((("x" * 1_000_000 + "\x1b",),), ("text",))
    reply, _ = do("cell", row=0, column=0)
    assert reply["text"] == "x" * 1_000_000 + "␛"
    assert do("cell", row=7, column=0) == (reply, [])


def test_no_table_has_no_page():
    assert page_data(None) == {}


def test_a_page_names_types_and_sides():
    widget = AnswerWidget(View("q", "SELECT 1", "SELECT 1"), {})
    assert widget.page == {}


# DataFrames.

ZURICH = timezone(timedelta(hours=1))


def rows(*values):
    return Rows(("a",), tuple((value,) for value in values))


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        ((1, 2), "int64"),
        ((1, None), "Int64"),
        ((2**70, None), "object"),
        ((True, None), "boolean"),
        ((1.5, 2), "float64"),
        ((1.5, None, float("nan")), "Float64"),
        ((1.5, 2**60), "object"),
        (("x", None), "object"),
        ((Decimal("1.10"), None), "object"),
        ((date(2025, 1, 2), None), "object"),
        ((datetime(1, 1, 1), datetime(9999, 12, 31), None), "datetime64[us]"),
        ((datetime(2025, 1, 2, tzinfo=UTC), None), "datetime64[us, UTC]"),
        ((datetime(2025, 1, 2, tzinfo=UTC), datetime(2025, 7, 2, tzinfo=ZURICH)), "object"),
        ((b"x", None), "object"),
        (([1], {"a": 1}), "object"),
        ((None, None), "object"),
        ((), "object"),
    ],
)
def test_pandas_keeps_what_the_database_said(values, dtype):
    column = to_pandas(rows(*values))["a"]
    assert str(column.dtype) == dtype
    assert [value for value in column if not _is_missing(value)] == [v for v in values if not _is_missing(v)]
    assert [_is_null(value) for value in column] == [value is None for value in values]


def _is_missing(value):
    return _is_null(value) or value != value


def _is_null(value):
    return value is None or value is pandas.NA or value is pandas.NaT


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        ((1, None), polars.Int64),
        ((1.5, None, 2), polars.Float64),
        ((True, None), polars.Boolean),
        (("x", None), polars.String),
        ((b"x", None), polars.Binary),
        ((Decimal("1.10"), Decimal("2.123456789012345678901234567"), None), polars.Decimal(38, 27)),
        ((Decimal("NaN"), None), polars.Object),
        ((Decimal("1E+50"), None), polars.Object),
        ((date(2025, 1, 2), None), polars.Date),
        ((datetime(2025, 1, 2, tzinfo=UTC), None), polars.Datetime("us", "UTC")),
        ((1, "mixed", None), polars.Object),
        (([1, 2], None), polars.List(polars.Int64)),
        (({"a": 1}, None), polars.Struct({"a": polars.Int64})),
        (("lone \ud800", None), polars.Object),
        ((2**200,), polars.Object),
        ((None,), polars.Null),
    ],
)
def test_polars_keeps_what_the_database_said(values, dtype):
    column = to_polars(rows(*values))["a"]
    assert column.dtype == dtype
    assert [value for value in column.to_list() if value == value] == [value for value in values if value == value]


def test_a_result_without_rows_still_has_its_columns():
    empty = Rows(("a", "b"), ())
    assert list(to_pandas(empty).columns) == ["a", "b"]
    assert to_polars(empty).columns == ["a", "b"]
