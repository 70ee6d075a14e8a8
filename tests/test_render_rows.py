"""Values, names and sentences as people see them: in the static twins, and on their way to a spreadsheet."""

import csv
import io
import uuid
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from html.parser import HTMLParser

import pytest

from t2s_magic.widget import Table, View, answer_html, answer_text, csv_text, tab_separated_text, visible
from t2s_magic.widget.cells import full_text, show
from t2s_magic.widget.view import Reading, certainty, duration, rows_line

ATTACKS = [
    "<img src=x onerror=alert(1)>",
    "</script><script>alert(1)</script>",
    "</code></pre><iframe src='javascript:alert(1)'>",
    '" onmouseover="alert(1)',
    "<a href='javascript:alert(1)'>x</a>",
    "{{ cycler.__init__.__globals__.os.getcwd() }}",
    "<!--",
    "&lt;b&gt;",
]
TAGS = {"div", "p", "strong", "em", "small", "ul", "li", "pre", "code", "u"}
TABLE_TAGS = {"table", "thead", "tbody", "tr", "th", "td"}


class Page(HTMLParser):
    """The tags, attributes and text of a piece of HTML."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[tuple[str, str | None]] = set()
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes.update(attrs)

    def handle_data(self, data: str) -> None:
        self.text += data


def view(table: Table | None = None, **parts: object) -> View:
    known = {"question": "How many?", "sql": "SELECT 1", "read_sql": "SELECT 1"}
    return View(**{**known, "table": table, **parts})


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "NULL"),
        ("", ""),
        ("NULL", "NULL"),
        (True, "true"),
        (0, "0"),
        (2**70, "1180591620717411303424"),
        (2328.6000000000004, "2328.6"),
        (3.0, "3.0"),
        (-0.0, "-0.0"),
        (1e300, "1e+300"),
        (float("nan"), "NaN"),
        (float("-inf"), "-Infinity"),
        (Decimal("12345678901234567890.1234567890"), "12345678901234567890.1234567890"),
        (Decimal("1E+3"), "1000"),
        (Decimal("NaN"), "NaN"),
        (b"", "x'' (0 bytes)"),
        (b"\x00\xff", "x'00ff' (2 bytes)"),
        (memoryview(b"a"), "x'61' (1 byte)"),
        (bytes(1000), "x'" + "00" * 24 + "…' (1,000 bytes)"),
        (date(1, 1, 1), "0001-01-01"),
        (datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC), "2025-01-02 03:04:05+00:00"),
        (time(12, 30), "12:30:00"),
        (timedelta(days=1, hours=2), "1 day, 2:00:00"),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        ([1, None, "é"], '[1, null, "é"]'),
        ({"day": date(2025, 1, 2), 1: float("nan")}, '{"day": "2025-01-02", "1": "NaN"}'),
        ("two\nlines\tand a tab", "two⏎lines⇥and a tab"),
        ("\x1b[31mred\x00", "␛[31mred␀"),
        ("abc\u202edcba", "abc⟨U+202E⟩dcba"),
        ("zero\u200bwidth", "zero⟨U+200B⟩width"),
        ("lone \ud800", "lone ⟨U+D800⟩"),
        ("می‌خواهم 👩‍🚀", "می‌خواهم 👩‍🚀"),
    ],
)
def test_a_value_is_shown_as_what_it_is(value, text):
    assert show(value).text == text


def test_null_empty_text_and_the_word_null_are_told_apart():
    assert [show(value).kind for value in (None, "", "NULL")] == ["null", "empty", "text"]


def test_a_long_cell_is_cut_and_says_so():
    cell = show("x" * 1_000_000)
    assert (len(cell.text), cell.text[-1], cell.is_cut) == (80, "…", True)


def test_the_whole_value_stays_at_hand():
    assert full_text("two\nlines") == "two\nlines"


@pytest.mark.parametrize("attack", ATTACKS)
def test_nothing_in_an_answer_becomes_html(attack):
    table = Table((attack,), ((attack,), ([attack],)), notes=(attack,))
    html = answer_html(
        view(
            table,
            sql=attack,
            read_sql=attack,
            span=(0, 3),
            in_words=attack,
            assumptions=(attack,),
            problem=attack,
            notices=(attack,),
            provenance=(attack,),
        )
    )
    page = Page(html)
    assert page.tags <= TAGS | TABLE_TAGS
    assert page.attributes <= {("align", "left"), ("style", "text-align: left")}
    assert page.text.count(attack) >= 9


def test_escape_codes_do_not_reach_the_terminal():
    table = Table(("\x1b]0;title\x07",), (("\x1b[2J",),))
    text = answer_text(view(table, problem="\x1b[1A", in_words="\u202e"))
    assert "\x1b" not in text
    assert "\x07" not in text
    assert "\u202e" not in text


def test_a_plain_text_answer_reads_like_a_page():
    table = Table(("Country", "Customers"), (("USA", 13), (None, 2), ("", 1), ("NULL", 0)), seconds=0.012)
    text = answer_text(
        view(
            table,
            in_words="Counts Customer per Country.",
            assumptions=("Every customer counts once.",),
            confidence=0.874,
            provenance=("read-only, enforced by the engine", "1 of 14 tables"),
        )
    )
    assert text == (
        "Counts Customer per Country. (87 % sure)\n"
        "  - Every customer counts once.\n"
        "\n"
        "    SELECT 1\n"
        "\n"
        "read-only, enforced by the engine · 1 of 14 tables\n"
        "\n"
        "Country | Customers\n"
        "------- | ---------\n"
        "USA     |        13\n"
        "NULL    |         2\n"
        "''      |         1\n"
        "'NULL'  |         0\n"
        "4 rows · 2 columns · 12 ms"
    )


def test_wide_characters_keep_the_columns_straight():
    lines = answer_text(view(Table(("a", "b"), (("東京", 1), ("é", 2))))).splitlines()[-4:-1]
    assert lines == ["---- | -", "東京 | 1", "é    | 2"]


def test_numbers_stand_on_the_right_and_null_in_italics():
    html = answer_html(view(Table(("n", "t"), ((1, None), (None, "a")))))
    assert '<td align="right" style="text-align: right">1</td>' in html
    assert '<td align="left" style="text-align: left"><em>NULL</em></td>' in html


def test_many_rows_are_cut_and_counted():
    html = answer_html(view(Table(("n",), tuple((n,) for n in range(10_000)), is_cut=True)))
    assert "<td" in html
    assert html.count("<tr>") == 21
    assert "10,000 rows fetched of more" in html
    assert "… 9,980 more rows not shown here." in html


def test_many_columns_are_cut_and_named():
    table = Table(tuple(f"c{n}" for n in range(2_000)), (tuple(range(2_000)),))
    assert "… 1,980 more columns not shown here: c20, c21, c22, c23, c24, …" in answer_html(view(table))
    assert max(map(len, answer_text(view(table)).splitlines())) <= 130


def test_no_rows_say_so_and_why():
    text = answer_text(view(Table(("n",), (), why_empty="No Customer.Country is 'Swizerland'.")))
    assert text.endswith("0 rows · 1 column · under 1 ms\nNo Customer.Country is 'Swizerland'.")


def test_the_part_that_is_refused_is_underlined():
    html = answer_html(view(sql="DROP <b>", read_sql="DROP <b>", span=(5, 8), problem="Only reading is allowed."))
    assert "DROP <u>&lt;b&gt;</u>" in html
    assert "Only reading is allowed." in html


def test_other_readings_do_not_clutter_the_twins():
    assert "SELECT 2" not in answer_text(view(readings=(Reading("SELECT 2", "Two."),)))


def test_csv_keeps_null_apart_from_empty_text():
    assert csv_text(("a", "b", "c"), [(None, "", "x,y")]) == 'a,b,c\r\n,"","x,y"\r\n'


@pytest.mark.parametrize("text", ["=1+1", "+A1", "-A1", "@SUM(A1)", "\t=1", "\r=1", " =1", "＝1", "|calc"])
def test_no_spreadsheet_takes_a_text_for_a_formula(text):
    assert list(csv.reader(io.StringIO(csv_text((text,), [(text,)]), newline=""))) == [["'" + text], ["'" + text]]
    assert all(field.startswith("'") for field in tab_separated_text((text,), [(text,)]).split("\n"))


@pytest.mark.parametrize("text", ["x;=1+1", "x\t=1+1", "x,=1+1"])
def test_no_spreadsheet_divides_a_text_before_a_formula(text):
    assert csv_text(("a",), [(text,)]) == f'a\r\n"{text}"\r\n'


@pytest.mark.parametrize("value", [-5, -5.5, Decimal("-5"), "-5", "+41"])
def test_a_negative_number_stays_a_number(value):
    assert csv_text(("n",), [(value,)]) == f"n\r\n{value}\r\n"


def test_pasted_cells_keep_their_places():
    assert tab_separated_text(("a", "b"), [("x\ty", "1\n2")]) == "a\tb\nx y\t1 2"


def test_a_probability_is_never_a_certainty():
    assert [certainty(p) for p in (None, 0.0, 0.5, 0.999)] == ["", "1 % sure", "50 % sure", "99 % sure"]


def test_durations_are_short_to_read():
    assert [duration(s) for s in (0, 0.0841, 2.44)] == ["under 1 ms", "84 ms", "2.4 s"]


def test_a_cut_result_is_called_one():
    assert rows_line(Table(("a",), ((1,),), is_cut=True, seconds=2)) == "1 row fetched of more · 1 column · 2.0 s"


def test_windows_line_ends_are_line_ends():
    assert visible("a\r\nb\rc") == "a\nb␍c"
