"""A grammar that a server can hold an LM to: the adapter's output format around one SELECT over one schema.

It is written in EBNF as xgrammar reads it, which vLLM takes in ``structured_outputs``. A grammar cannot know which
names a statement has declared, so it draws the line where it can: a SELECT that reads tables alone names only tables
and columns of the schema. A name of the statement's own may stand after AS, as a table's alias, before the point of a
column, in GROUP BY, HAVING, QUALIFY and ORDER BY, and wherever a derived table is read; a statement that begins with
WITH may also read from names of its own. The guard checks every name afterwards, as it does without a grammar.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from t2s_magic.adapters.grammar_rules import BESIDE, COMMON, DIALECTS, EXPRESSION, SELECT, STATEMENT, WORDS
from t2s_magic.guard.functions import function_list
from t2s_magic.schema.names import quote_if_needed
from t2s_magic.schema.tables import Schema, Table

# A server compiles a grammar before the first token, the longer the more names it holds (docs/serving.md has figures).
# A schema of more columns is held to its tables alone, one of more tables to neither.
MOST_NAMES = 500

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# The marks that may stand around any name.
_MARKS = {"mysql": (("`", "`"),), "sqlite": (('"', '"'), ("`", "`"), ("[", "]"))}
# Each mode, and the one in which names of the statement's own may stand.
_MODES = (("-k", "-d"), ("-d", "-d"), ("-w", "-w"))
# Rules of their own spell these, or they open no call at all.
_NO_CALLS = frozenset("all any case cast exists extract interval some try_cast values".split())
# Called without arguments, and those whose arguments may be put in order.
_CONSTANTS = frozenset(
    """
    now today random rand pi uuid gen_random_uuid curdate curtime sysdate utc_date utc_time utc_timestamp
    clock_timestamp row_number rank dense_rank percent_rank cume_dist
    """.split()
)
_COLLECTING = frozenset("string_agg group_concat array_agg list first last json_agg jsonb_agg json_group_array".split())
# What SQLite cannot read as a name; the rest of what others reserve it can ("range", "position").
_NEVER_BARE = frozenset(
    """
    all alter and as between by case check collate create cross default delete distinct drop else escape except exists
    foreign from full glob group having in index inner insert intersect into is isnull join left like limit natural not
    notnull null of offset on or order outer primary references regexp right select set table then to union unique
    update using values when where with
    """.split()
)
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|\[(?:[^\]\\]|\\.)*\]|(?P<word>\b[A-Z_][A-Z_]+\b)')


def select_grammar(schema: Schema, *, has_reasoning: bool = False) -> str:
    """The grammar of an answer to a question about ``schema``, as text; "" for a dialect that none is written for.

    With ``has_reasoning`` free text comes before the statement, which then stands in a fence.
    """
    if schema.dialect not in DIALECTS:
        return ""
    own = _rules_of(schema.dialect)
    text = "\n".join(
        [
            _answer(has_reasoning),
            STATEMENT.strip(),
            _in_modes(SELECT + EXPRESSION + own["@"], _MODES),
            _in_modes(BESIDE, _MODES[1:]),
            WORDS.strip(),
            own[""],
        ]
    )
    functions = function_list(schema.dialect).allowed
    names = {
        "function": _either(functions - _NO_CALLS - _CONSTANTS),
        "constant": _either(functions & _CONSTANTS),
        "collecting": _either(functions & _COLLECTING),
        "known-table": _known_tables(schema),
        "known-column": _known_columns(schema),
    }
    return "\n".join([text, *_keywords(text), *(f"{name} ::= {body}" for name, body in names.items())])


def _answer(has_reasoning: bool) -> str:
    fenced = '"```" [a-zA-Z]* "\\n" o statement (o ";")? o "```"'
    return f"root ::= [^`]* {fenced}" if has_reasoning else f'root ::= o (statement (o ";")? | {fenced})'


def _rules_of(dialect: str) -> dict[str, str]:
    """The dialect's own rules: under "@" those that stand for three, under "" the rest."""
    own = DIALECTS[dialect]
    bodies = {name: " | ".join(filter(None, (COMMON.get(name), own.get(name)))) for name in {**COMMON, **own}}
    return {
        end: "\n".join(f"{name} ::= {body}" for name, body in bodies.items() if name.endswith("@") == bool(end))
        for end in ("@", "")
    }


def _in_modes(rules: str, modes: Iterable[tuple[str, str]]) -> str:
    """The rules once for each mode, as their names say."""
    copies = (re.sub(r"(?<=[a-z])@", mode, re.sub(r"(?<=[a-z])@@", own, rules.strip())) for mode, own in modes)
    return "\n".join(copies)


def _keywords(text: str) -> list[str]:
    """A rule for each word in capitals outside of quotes and classes: the word in any case."""
    words = {match["word"] for match in _TOKEN.finditer(text) if match["word"]}
    return [f"{word} ::= {_in_any_case(word)}" for word in sorted(words)]


def _known_tables(schema: Schema) -> str:
    if len(schema.tables) > MOST_NAMES:
        return '(name o "." o)* name'
    return " | ".join(dict.fromkeys(way for table in schema.tables for way in _table(table, schema.dialect))) or "name"


def _table(table: Table, dialect: str) -> Iterable[str]:
    """The table by its name, and with as much of its path as SQL may write."""
    shortest = len(table.path) - len(table.qualifier)
    for start in range(shortest, -1, -1) if table.path else [0]:
        parts = (*(table.path[start:] if table.path else table.qualifier), table.name)
        yield ' "." '.join(_spelled(part, dialect) for part in parts)


def _known_columns(schema: Schema) -> str:
    names = dict.fromkeys(column.name for table in schema.tables for column in table.columns)
    if len(names) > MOST_NAMES:
        return "name"
    rowid = [_in_any_case("rowid")] if schema.dialect == "sqlite" else []
    return " | ".join([*(_spelled(name, schema.dialect) for name in names), *rowid]) or "name"


def _spelled(name: str, dialect: str) -> str:
    """``name`` as it may be written: bare, in any case, where that reaches it; else in quotation marks.

    SQLite and MySQL take marks around any name. Elsewhere a text in the wrong marks (``city = "Paris"``) would be led
    astray to a column, so they are left out where the prompt has none.
    """
    is_bare = quote_if_needed(name, dialect) == name
    if dialect == "sqlite":
        is_bare = is_bare or (bool(_PLAIN.fullmatch(name)) and name.lower() not in _NEVER_BARE)
    marks = _MARKS.get(dialect, () if is_bare else (('"', '"'),))
    quoted = [_literal(f"{opened}{name.replace(closed, closed * 2)}{closed}") for opened, closed in marks]
    return f"({' | '.join([_in_any_case(name), *quoted] if is_bare else quoted)})"


def _either(words: Iterable[str]) -> str:
    return " | ".join(_in_any_case(word) for word in sorted(words) if _PLAIN.fullmatch(word))


def _in_any_case(word: str) -> str:
    return "".join(f"[{letter.lower()}{letter.upper()}]" if letter.isalpha() else f"[{letter}]" for letter in word)


def _literal(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else f"\\U{ord(c):08x}" for c in escaped) + '"'
