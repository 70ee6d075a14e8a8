"""What a question may say beside itself: what its words refer to in the database."""

from __future__ import annotations

import re

from training.synthesis.asking import Asker
from training.synthesis.said import Said

_SHARE = 0.16
_SHARE_OF_INITIALS_WITHOUT = 0.3


def hinted(ask: Asker, text: str, sql: str) -> str:
    """``text`` with hints where it speaks of codes in words, and now and then elsewhere."""
    coded = [said for said in ask.conditions if said.is_coded and _bare(said.sql) in _bare(sql)]
    is_wanted = ask.maybe(_SHARE)
    if coded and all(map(_is_guessed, coded)) and ask.maybe(_SHARE_OF_INITIALS_WITHOUT):
        return text
    if not coded and not is_wanted:
        return text
    hints = [_condition_hint(ask, said) for said in coded]
    if is_wanted:
        hints += _further_hints(ask, text, sql, coded)
    return _beside(ask, text, list(dict.fromkeys(hints))) if hints else text


def _further_hints(ask: Asker, text: str, sql: str, coded: list[Said]) -> list[str]:
    bare = _bare(sql)
    conditions = [said for said in ask.conditions if said not in coded and _bare(said.sql) in bare]
    measures = {
        measure.sql: measure
        for measure in ask.computed
        if measure.text.lower() in text.lower() and _bare(measure.sql) in bare and measure.sql != "COUNT(*)"
    }
    hints = [_condition_hint(ask, said) for said in conditions]
    hints += [
        ask.one_of(f"{measure.text} = {_bare(measure.sql)}", f"{measure.text} refers to {_bare(measure.sql)}")
        for measure in measures.values()
    ]
    return [*hints, *ask.notes]


def _is_guessed(said: Said) -> bool:
    """The code is the word's beginning."""
    code = said.sql.rpartition(" = ")[2].strip("'")
    return said.text.lower().startswith(code.lower())


def _condition_hint(ask: Asker, said: Said) -> str:
    words = (
        said.text if said.is_coded else said.before or re.sub("^(with|whose|that are|where|which are) ", "", said.after)
    )
    condition = _bare(said.sql)
    plain = condition.replace(" = '", " is '") if condition.count("=") == 1 else condition
    return ask.one_of(
        f"{words} refers to {condition}",
        f"{words} refers to {condition}",
        f"{words} means that {condition}",
        f"'{words}' refers to {condition}",
        f"{words}: {condition}",
        f"{words} means {plain}",
    )


def _bare(sql: str) -> str:
    """Without the names of tables before those of columns."""
    return re.sub(r'(?:"[^"]+"|\b[A-Za-z_]\w*)\.(?=["A-Za-z_])', "", sql)


def _beside(ask: Asker, text: str, hints: list[str]) -> str:
    joined = "; ".join(hints)
    text = text.rstrip()
    if ask.maybe(0.5):
        return f"{text} {joined}"
    text = text.rstrip(".")
    return ask.one_of(
        f"{text} ({joined})",
        f"{text}, where {joined}",
        f"{text} Hint: {joined}",
        f"{text} Evidence: {joined}",
        f"{text}\n{joined}",
        f"{text} Note that {joined}.",
    )
