"""Identifiers and comments as text: quoted as a dialect wants them, and safe to show on one line."""

from __future__ import annotations

import re
import unicodedata

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_FOLDED_TO_LOWER = re.compile(r"[a-z_][a-z0-9_]*")

# Reserved in at least one of the four dialects; quoting one that is free elsewhere does no harm.
_RESERVED = frozenset(
    """
    all alter and any array as asc between binary both by case cast check collate column condition constraint create
    cross current current_date current_time current_timestamp database default delete desc describe distinct div drop
    else end escape except exists explain false fetch filter for foreign from full function glob grant group groups
    having if ignore in index inner insert intersect interval into is isnull join key keys lateral leading left like
    limit localtime localtimestamp lock match mod natural not notnull null of offset on only or order outer over
    partition pivot placing primary procedure qualify range rank read recursive references regexp rename repeat replace
    returning right row rows schema schemas select set show similar some summarize symmetric system table then to
    trailing trigger true union unique unpivot unsigned update usage use user using values variadic verbose view when
    where window with write
    """.split()
)


def quote_if_needed(name: str, dialect: str) -> str:
    """``name`` as SQL of ``dialect`` has to spell it: bare where that reaches the same thing, quoted otherwise."""
    bare = _FOLDED_TO_LOWER if dialect == "postgres" else _PLAIN
    if bare.fullmatch(name) and name.lower() not in _RESERVED:
        return name
    mark = "`" if dialect == "mysql" else '"'
    return f"{mark}{name.replace(mark, mark * 2)}{mark}"


def one_line(text: str) -> str:
    """``text`` with everything that is not plainly visible escaped: it stays on its line and shows what it holds.

    Line breaks, control characters, bidirectional and zero-width marks and lone surrogates become ``\\u202e``; spaces
    of any kind become one plain space.
    """
    if text.isascii() and text.isprintable():
        return text
    spaced = re.sub(r"[^\S\n\r\v\f\x1c-\x1f\x85\u2028\u2029]+", " ", text)
    return "".join(character if _is_visible(character) else _escaped(character) for character in spaced)


def _is_visible(character: str) -> bool:
    return character == " " or unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Zl", "Zp", "Cn"}


def _escaped(character: str) -> str:
    code = ord(character)
    return {"\n": "\\n", "\r": "\\r"}.get(character) or (f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}")
