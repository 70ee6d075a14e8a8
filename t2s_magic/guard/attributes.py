"""PostgreSQL reads ``x.f`` as the call ``f(x)`` where ``x`` has no column ``f``: what may stand after a dot.

``('/etc/passwd'::text).pg_read_file`` needs no parenthesis behind the name, so ``calls`` does not see it.
"""

from __future__ import annotations

import re
from typing import Any, NoReturn

from sqlglot import exp

from t2s_magic.guard.forms import span_of
from t2s_magic.guard.functions import function_list
from t2s_magic.guard.names import HIDDEN, Reader, Source
from t2s_magic.guard.text import Statement
from t2s_magic.guard.verdict import refuse
from t2s_magic.schema import Schema

# What functions on the list name the columns of their rows; PostgreSQL names those of ROW and VALUES by numbers.
_FIELDS = re.compile(
    r"key|value|ordinality|lexeme|positions|weights|path|geom|valid|reason|location|center|radius|count"
    r"|f\d{1,3}|column\d{1,3}"
)
# Sections of the list whose names are also those of ordinary columns (name, version, has_children), and that do no harm
# when they are called with one argument.
_HARMLESS_SECTIONS = ("is internal to the engine", "tells about the session, the server or permissions")


def refuse_attribute_calls(trees: tuple[exp.Expr, ...], statement: Statement, schema: Schema | None) -> None:
    """Refuse every name after a dot that may be a function and is not on the list.

    With ``schema`` that is every name which is not surely a column; without, those of functions known to do harm.
    """
    if statement.dialect != "postgres":
        return
    reader = Reader(statement, schema) if schema is not None else None
    for tree in trees:
        for node in tree.find_all(exp.Column, exp.Dot):
            name = _attribute(node)
            if name is None or name.lower() in function_list("postgres").allowed:
                continue
            if reader is None:
                _refuse_harmful(name, node, statement)
            else:
                _check_attribute(name, node, reader)


def _attribute(node: exp.Expr) -> str | None:
    """What stands after the last dot of ``node``, if that is a name."""
    named = _behind_dot(node)
    if isinstance(named, exp.Star | exp.Func) or (isinstance(node, exp.Column) and not node.table):
        return None
    return named.name if isinstance(named, exp.Expr) else None


def _behind_dot(node: exp.Expr) -> Any:
    return node.args.get("expression") if isinstance(node, exp.Dot) else node.this


def _check_attribute(name: str, node: exp.Expr, reader: Reader) -> None:
    if isinstance(node, exp.Column) and not reader.has_named_joins:
        reader.check(node)  # says what it may have meant, where that is known
    owner = reader.source(_owner_name(node), node)
    if owner is None or (owner.columns is None and not owner.is_query):
        is_column = _is_known(name, reader.schema) or (owner is not None and name.casefold() in _own_names(owner))
    elif owner.columns is None:
        # A row of a query is no argument that a function of the catalogue could be called with by mistake.
        _refuse_harmful(name, node, reader.statement)
        return
    else:
        is_column = owner.has(name) or name.casefold() in HIDDEN["postgres"]
    if not is_column:
        _refuse(node, reader.statement)


def _owner_name(node: exp.Expr) -> str:
    """``c`` of ``c.name``, ``public.c.name`` and ``(c).name``; "" where something else stands before the dot."""
    if isinstance(node, exp.Column):
        return node.table
    before = node.this.unnest() if isinstance(node.this, exp.Paren) else None
    return before.name if isinstance(before, exp.Column) and not before.table else ""


def _is_known(name: str, schema: Schema) -> bool:
    return bool(_FIELDS.fullmatch(name)) or any(table.column(name) for table in schema.tables)


def _own_names(owner: Source) -> set[str]:
    """What the statement itself calls a function in FROM, and its columns."""
    alias = owner.item.args.get("alias")
    named = list(alias.find_all(exp.Identifier)) if isinstance(alias, exp.Expr) else []
    # sqlglot keeps the name that WITH ORDINALITY is given apart.
    numbers = [rows.args["offset"] for rows in owner.item.find_all(exp.Unnest) if rows.args.get("offset")]
    defined = list(owner.item.find_all(exp.ColumnDef))
    return {owner.name.casefold(), *(name.name.casefold() for name in (*named, *numbers, *defined) if name is not True)}


def _refuse_harmful(name: str, node: exp.Expr, statement: Statement) -> None:
    refusal = function_list("postgres").refusal(name.lower())
    if refusal and refusal not in _HARMLESS_SECTIONS:
        place = span_of(_behind_dot(node), statement)
        refuse(statement.sql, f"is called as a function where it stands, and {refusal}", place)


def _refuse(node: exp.Expr, statement: Statement) -> NoReturn:
    refuse(
        statement.sql,
        "is no column that is known here; PostgreSQL would call a function of that name",
        span_of(_behind_dot(node), statement),
    )
