"""Typing errors in a question, set right where the schema or the language of questions says what was meant."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from t2s_magic.builtin.features import stem
from t2s_magic.builtin.words import split_name, word_spans
from t2s_magic.database.spellings import is_near
from t2s_magic.database.values import Value
from t2s_magic.schema import Schema

SHORTEST = 4
_ASKING_WORDS = (
    "about above according after ascending average before below between biggest country customer database date "
    "descending different distinct during earliest employee every fewest greater greatest highest largest latest least "
    "list longest lowest maximum minimum month monthly name newest number oldest order ordered percentage product "
    "quantity quarter revenue sales shortest show smallest sorted than total unique value where which without year "
    "yearly youngest"
).split()

IsWord = Callable[[str], bool]


class Speller:
    """Knows the words of one schema; built once a schema. ``is_word`` says whether a text is a common English word."""

    def __init__(self, schema: Schema, is_word: IsWord) -> None:
        self._is_word = is_word
        names = (name for table in schema.tables for name in (table.name, *(column.name for column in table.columns)))
        parts = dict.fromkeys(part for name in names for part in split_name(name) if part.isalpha())
        self._names = [part for part in parts if len(part) >= SHORTEST]
        self._stems = {stem(part) for part in parts}

    def repaired(self, question: str, values: Sequence[Value] = ()) -> str:
        """``question`` with each unknown word replaced by the name or word that it is a slip of.

        Left alone are words of cells that were found for it, words in quotes and capitalised ones: they may be data.
        """
        found = " ".join(value.phrase for value in values)
        parts, end = [], 0
        for start, stop in word_spans(question):
            word = question[start:stop]
            is_quoted = bool(question[:start].count('"') % 2) or question[max(start - 1, 0)] in "'‘“`"
            is_data = word in found or is_quoted or (start > 0 and word[0].isupper())
            instead = None if is_data else self._meant(word.lower())
            if instead:
                parts += [question[end:start], instead]
                end = stop
        return "".join([*parts, question[end:]])

    def _meant(self, word: str) -> str | None:
        if len(word) < SHORTEST or not word.isalpha() or stem(word) in self._stems or self._is_word(word):
            return None
        known = [name for name in (*self._names, *_ASKING_WORDS) if name[0] == word[0] or sorted(name) == sorted(word)]
        plurals = [_plural(name) for name in known] if word.endswith("s") else []
        near = [form for form in (*plurals, *known) if is_near(word, form)]
        return min(near, key=lambda form: abs(len(form) - len(word)), default=None)


def _plural(name: str) -> str:
    """``"city" -> "cities"``; a name that is in the plural stays."""
    if name.endswith("y") and name[-2] not in "aeiou":
        return name[:-1] + "ies"
    if name.endswith(("x", "ch", "sh", "ss")):
        return name + "es"
    return name if name.endswith("s") else name + "s"
