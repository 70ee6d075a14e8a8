"""A schema as text for an LM: one table a line, and cut to what a window can hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from t2s_magic.schema.names import one_line, quote_if_needed
from t2s_magic.schema.tables import Column, ForeignKey, Schema, Table

COMMENT_CHARACTERS = 200
NEIGHBOUR_SHARE = 0.5


def render_schema(schema: Schema) -> str:
    """The tables of ``schema``, one a line, in their order: names, types, keys and comments; no cell of any row."""
    return "\n".join(render_table(table, schema.dialect) for table in schema.tables)


def render_table(table: Table, dialect: str) -> str:
    """One table as a ``CREATE`` statement on one line, with comments in ``/* */`` and names quoted as needed."""
    keys = _single_references(table)
    parts = [_column(column, table, keys.get(column.name), dialect) for column in table.columns]
    if len(table.primary_key) > 1:
        parts.append(f"PRIMARY KEY ({_names(table.primary_key, dialect)})")
    parts += [_foreign_key(key, dialect) for key in table.foreign_keys if len(key.columns) > 1]
    kind = "VIEW" if table.is_view else "TABLE"
    name = ".".join(quote_if_needed(one_line(part), dialect) for part in (*table.qualifier, table.name))
    return f"CREATE {kind} {name} ({', '.join(parts)});{_comment(table.comment)}"


def table_sizes(schema: Schema) -> tuple[int, ...]:
    """The characters that each table takes in ``render_schema``, its line break included."""
    return tuple(len(render_table(table, schema.dialect)) + 1 for table in schema.tables)


def fit_schema(
    schema: Schema, budget_characters: int, scores: Mapping[str, float], *, sizes: Sequence[int] = ()
) -> Schema:
    """``schema`` cut to the tables that render within ``budget_characters``, the best of ``scores`` first.

    ``scores`` go by ``Table.full_name``; a table also earns half of its best neighbour's along foreign keys, so that
    what joins two good tables stays. The best table is always there, if need be with its keys and as many other columns
    as fit; the others are there whole or not at all. Tables keep their order. ``sizes`` are the schema's
    ``table_sizes``, for those who ask of one schema often.
    """
    sizes = sizes or table_sizes(schema)
    if sum(sizes) <= budget_characters:
        return schema
    best, *others = _ranked(schema, scores)
    if sizes[best] > budget_characters:
        narrowed = _narrowed(schema.tables[best], budget_characters, schema.dialect)
        return Schema(schema.dialect, (narrowed,), schema.unseen)
    kept = {best}
    left = budget_characters - sizes[best]
    for position in others:
        if sizes[position] <= left:
            kept.add(position)
            left -= sizes[position]
    return schema.only([schema.tables[position] for position in kept])


def _ranked(schema: Schema, scores: Mapping[str, float]) -> list[int]:
    """The positions of the tables, the one with the highest score first."""
    own = {table.full_name: scores.get(table.full_name, 0.0) for table in schema.tables}
    total = dict(own)
    for table in schema.tables:
        for key in table.foreign_keys:
            neighbour = schema.find((key.to_table,)) or schema.find((*key.to_path, key.to_table))
            if neighbour is None:
                continue
            here, there = table.full_name, neighbour.full_name
            total[here] = max(total[here], own[here] + NEIGHBOUR_SHARE * own[there])
            total[there] = max(total[there], own[there] + NEIGHBOUR_SHARE * own[here])
    return sorted(range(len(schema.tables)), key=lambda position: -total[schema.tables[position].full_name])


def _narrowed(table: Table, budget_characters: int, dialect: str) -> Table:
    keys = {*table.primary_key, *(name for key in table.foreign_keys for name in key.columns)}
    columns = [column for column in table.columns if column.name in keys]
    left = budget_characters - len(render_table(replace(table, columns=tuple(columns)), dialect))
    for column in table.columns:
        size = len(_column(column, table, None, dialect)) + 2
        if column.name not in keys and size <= left:
            columns.append(column)
            left -= size
    kept = {column.name for column in columns}
    return replace(table, columns=tuple(column for column in table.columns if column.name in kept))


def _single_references(table: Table) -> dict[str, ForeignKey]:
    return {key.columns[0]: key for key in reversed(table.foreign_keys) if len(key.columns) == 1}


def _column(column: Column, table: Table, reference: ForeignKey | None, dialect: str) -> str:
    words = [quote_if_needed(one_line(column.name), dialect), one_line(column.type)]
    if table.primary_key == (column.name,):
        words.append("PRIMARY KEY")
    if reference is not None:
        words.append(_references(reference, dialect))
    return " ".join(word for word in words if word) + _comment(column.comment)


def _foreign_key(key: ForeignKey, dialect: str) -> str:
    return f"FOREIGN KEY ({_names(key.columns, dialect)}) {_references(key, dialect)}"


def _references(key: ForeignKey, dialect: str) -> str:
    target = quote_if_needed(one_line(key.to_table), dialect)
    return f"REFERENCES {target}({_names(key.to_columns, dialect)})" if key.to_columns else f"REFERENCES {target}"


def _names(names: Sequence[str], dialect: str) -> str:
    return ", ".join(quote_if_needed(one_line(name), dialect) for name in names)


def _comment(text: str) -> str:
    if not text.strip():
        return ""
    line = one_line(text.strip()).replace("*/", "* /")
    cut = line if len(line) <= COMMENT_CHARACTERS else f"{line[:COMMENT_CHARACTERS]}…"
    return f" /* {cut} */"
