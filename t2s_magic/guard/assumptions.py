"""What a statement takes for granted, said under its sentence: joins, dates, what each value finds, repeated rows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from sqlglot import exp

from t2s_magic.guard.filters import Filter, count_filters, filters_of, read_filter, what_there_is
from t2s_magic.guard.in_words import parse, selects_of
from t2s_magic.guard.look_ups import (
    NULL_IN_LIST,
    Column,
    LookUp,
    LookUps,
    column_of,
    columns_in,
    from_table,
    missing_in,
)
from t2s_magic.guard.repeats import counted_rows, repeated_sums
from t2s_magic.guard.words_names import Source
from t2s_magic.guard.words_parts import kind_of_type, listed
from t2s_magic.guard.words_scope import SelectRead
from t2s_magic.schema import Schema, Table

_MOST_LOOK_UPS = 6
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_DATE_NAME = re.compile(r"date|_at$|_time$|(?<![a-z])dob(?![a-z])")


def assumptions(sql: str, schema: Schema, look_up: LookUp) -> tuple[str, ...]:
    """Short sentences about what ``sql`` takes for granted; what cannot be looked up is left out.

    ``look_up`` runs one small read-only statement of ours and may raise Text2SqlError. At most 6 are asked.
    """
    statement = parse(sql, schema.dialect)
    if statement is None:
        return ()
    selects = selects_of(statement, schema)
    look_ups = LookUps(look_up, schema.dialect, _MOST_LOOK_UPS)
    found: list[str] = []
    for select in reversed(selects):
        found += [*repeated_sums(select), *counted_rows(select)]
    for select in reversed(selects):
        found += _matches(select, look_ups)
    for select in reversed(selects):
        found += [*_left_out(select, look_ups), *_missing_members(select, look_ups)]
    for select in reversed(selects):
        found += [*_other_dates(select), *_end_of_day(select), *_joins(select)]
    return tuple(dict.fromkeys(found))


# --- what each value finds ----------------------------------------------------------------------------------------


def _matches(select: SelectRead, look_ups: LookUps) -> Iterator[str]:
    filters = [part for item in filters_of(select) for part in _with_members(item, select)]
    for counted in count_filters(filters, look_ups):
        item, table = counted.filter, counted.filter.source.name
        if counted.passing:
            if not _is_member(item):
                yield f"{item.text}: {counted.passing} of {counted.all_rows} rows of {table}."
        elif counted.all_rows:
            hint = what_there_is(item, look_ups)
            ending = hint if hint.endswith("?") else f"{hint}."
            yield f"{item.text}: no row of {table}{'; ' + ending if hint else '.'}"
        else:
            yield f"{table} has no rows."


def _with_members(item: Filter, select: SelectRead) -> list[Filter]:
    """A filter, and one for each member of its list: each of them may be misspelled."""
    if not isinstance(item.node, exp.In) or len(item.node.expressions) < 2:
        return [item]
    nodes = [exp.In(this=item.node.this.copy(), expressions=[member.copy()]) for member in item.node.expressions]
    return [item, *(part for node in nodes if (part := read_filter(node, select.scope)) is not None)]


def _is_member(item: Filter) -> bool:
    return isinstance(item.node, exp.In) and item.node.parent is None


# --- values that are missing --------------------------------------------------------------------------------------


def _left_out(select: SelectRead, look_ups: LookUps) -> Iterator[str]:
    """Averages leave rows without a value out."""
    for average in select.node.find_all(exp.Avg):
        column = column_of(average.this, select.scope)
        if average.parent_select is not select.node or column is None or not _may_be_missing(column):
            continue
        counts = look_ups.counts(from_table(column.source, column.table), [_is_missing(column.node)])
        if counts is not None and counts[1]:
            where = f"{counts[1]} of {counts[0]} rows of {column.source.name} have no {column.name}"
            yield f"{where}; the average leaves them out."


def _may_be_missing(column: Column) -> bool:
    known = column.table.column(column.name)
    return known is not None and known.nullable and column.table.primary_key != (column.name,)


def _is_missing(node: exp.Expr) -> exp.Expr:
    return exp.Is(this=node, expression=exp.Null())


def _missing_members(select: SelectRead, look_ups: LookUps) -> Iterator[str]:
    """NOT IN passes no row at all when the query in it gives a NULL."""
    for node in select.node.find_all(exp.Not):
        member = node.this.unnest()
        query = member.args.get("query") if isinstance(member, exp.In) else None
        inner = query.this if isinstance(query, exp.Subquery) else None
        if node.parent_select is not select.node or not isinstance(inner, exp.Select) or len(inner.expressions) != 1:
            continue
        if missing_in(inner, look_ups):
            yield NULL_IN_LIST


# --- dates --------------------------------------------------------------------------------------------------------


def _other_dates(select: SelectRead) -> Iterator[str]:
    """Which date is used, where the tables have others too."""
    used = _dates_used(select)
    all_dates = {
        (source.alias, column.name): f"{source.name}.{column.name}"
        for source in select.scope.sources
        if source.table is not None
        for column in source.table.columns
        if _is_date(source.table, column.name)
    }
    others = [text for place, text in all_dates.items() if place not in used]
    if used and others:
        texts = list(dict.fromkeys(used.values()))
        yield f"The date used is {listed(texts)}; there is also {listed(list(dict.fromkeys(others)))}."


def _dates_used(select: SelectRead) -> dict[tuple[str, str], str]:
    """Dates that filter, group or order; one that is only listed decides nothing."""
    clauses = [select.node.args.get(name) for name in ("where", "group", "order")]
    used = {}
    for clause in clauses:
        for node in columns_in(clause) if clause is not None else ():
            column = column_of(node, select.scope)
            if column is not None and _is_date(column.table, column.name):
                used[column.source.alias, column.name] = f"{column.source.name}.{column.name}"
    return used


def _is_date(table: Table, name: str) -> bool:
    column = table.column(name)
    kind = kind_of_type(column.type) if column else ""
    # SQLite has no date type: dates are texts, known by their names.
    return kind in ("date", "timestamp") or (kind in ("text", "") and bool(_DATE_NAME.search(name.casefold())))


def _end_of_day(select: SelectRead) -> Iterator[str]:
    """A day as the end of a range of moments is its first instant."""
    for item in filters_of(select):
        last = item.node.args.get("high") if isinstance(item.node, exp.Between) else None
        last = item.node.expression if isinstance(item.node, exp.LTE) else last
        day = last.find(exp.Literal) if last is not None else None
        is_plain = isinstance(item.node.this, exp.Column)
        if day is None or item.column is None or item.column.kind != "timestamp" or not is_plain:
            continue
        if _DAY.fullmatch(day.name):
            yield f"{item.column.name} can hold a time of day: what is later than 00:00 on {day.name} is left out."


# --- joins --------------------------------------------------------------------------------------------------------


def _joins(select: SelectRead) -> Iterator[str]:
    """On which columns tables are joined, and by which other foreign keys they could be."""
    sources = select.scope.sources
    for position, first in enumerate(sources):
        for second in sources[position + 1 :]:
            pairs = [
                (left, right)
                for (one, left), (other, right) in dict.fromkeys(select.links)
                if (one, other) == (first.alias, second.alias)
            ]
            if pairs and first.table is not None and second.table is not None:
                others = _other_keys(first.table, second.table, {frozenset(pair) for pair in pairs})
                also = f"; {listed(others)} would be another way" if others else ""
                yield f"{first.name} joins {second.name} on {_columns_text(first, second, pairs)}{also}."


def _columns_text(first: Source, second: Source, pairs: Sequence[tuple[str, str]]) -> str:
    texts = []
    for left, right in pairs:
        left_text, right_text = first.columns[left].text, second.columns[right].text
        texts.append(left_text if left_text == right_text else f"{left_text} = {right_text}")
    return listed(texts)


def _other_keys(first: Table, second: Table, used: set[frozenset[str]]) -> list[str]:
    others = []
    for child, parent in ((first, second), (second, first))[: 1 if first is second else 2]:
        for key in child.foreign_keys:
            targets = key.to_columns or parent.primary_key
            pairs = {
                frozenset((left.casefold(), right.casefold()))
                for left, right in zip(key.columns, targets, strict=False)
            }
            if key.to_table == parent.name and not pairs <= used:
                others.append(f"{child.name}.{listed(key.columns)}")
    return others
