"""Text that shows what it holds: control, bidirectional and invisible characters made visible."""

from __future__ import annotations

import re
import unicodedata

# Escape codes move a terminal's cursor, bidirectional marks reorder a line and zero-width characters hide in it: each
# can make a text read as something it is not. A joiner between two letters of a script that needs it (Persian, emoji)
# is left alone.
_DECEPTIVE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
    "|(?<![^\x00-\x7f])[\u200c\u200d]|[\u200c\u200d](?![^\x00-\x7f])"
)
_CONTROL_PICTURES = 0x2400
_DELETE = 0x7F


def visible(text: str) -> str:
    """``text`` with every character that could deceive a reader written out; newlines and tabs stay.

    ``ESC`` becomes ``␛``, a right-to-left override ``⟨U+202E⟩``, and a Windows line end a newline.
    """
    return _DECEPTIVE.sub(lambda found: _spelled(ord(found.group())), text.replace("\r\n", "\n"))


def visible_line(text: str) -> str:
    """``visible``, on one line: a newline becomes ``⏎`` and a tab ``⇥``."""
    return visible(text).replace("\n", "⏎").replace("\t", "⇥")


def shortened(text: str, width: int) -> str:
    """At most ``width`` characters of ``text``, the last of them ``…`` where something is missing."""
    return text if len(text) <= width else text[: width - 1] + "…"


def display_width(text: str) -> int:
    """Columns that ``text`` takes in a terminal: two for East Asian wide characters, none for combining marks."""
    return sum(_character_width(character) for character in text)


def _spelled(code: int) -> str:
    if code < ord(" "):
        return chr(_CONTROL_PICTURES + code)
    if code == _DELETE:
        return "␡"
    return f"⟨U+{code:04X}⟩"


def _character_width(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
