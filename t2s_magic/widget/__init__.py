"""What a person sees: views as plain data, their static twins, and the live widgets (anywidget: .py + .js + .css).

The live widgets are imported from their own modules: anywidget takes a second, the twins nothing.
"""

from t2s_magic.widget.cells import csv_text, tab_separated_text
from t2s_magic.widget.render import answer_html, answer_text
from t2s_magic.widget.text import visible
from t2s_magic.widget.view import Reading, Table, View, duration

__all__ = [
    "Reading",
    "Table",
    "View",
    "answer_html",
    "answer_text",
    "csv_text",
    "duration",
    "tab_separated_text",
    "visible",
]
