"""Joins that repeat rows: a sum over a table whose rows appear once for each row of another counts too much."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from t2s_magic.guard.look_ups import Column, column_of, columns_in
from t2s_magic.guard.words_names import Source
from t2s_magic.guard.words_scope import Place, SelectRead


def repeated_sums(select: SelectRead) -> Iterator[str]:
    """A sentence for each SUM, AVG or COUNT of a column whose rows a join repeats."""
    for aggregate in select.node.find_all(exp.Sum, exp.Avg, exp.Count):
        if aggregate.parent_select is not select.node or isinstance(aggregate.parent, exp.Window):
            continue
        columns = [column_of(node, select.scope) for node in columns_in(aggregate)]
        sources = {column.source.alias: column for column in columns if column is not None}
        if len(sources) != 1 or isinstance(aggregate.this, exp.Distinct) or None in columns:
            continue
        (column,) = sources.values()
        by = _repeated_by(column.source, select)
        if by is not None:
            yield _sentence(aggregate, column, by)


def counted_rows(select: SelectRead) -> Iterator[str]:
    """What one row is that COUNT(*) counts, where several tables are joined."""
    stars = (node for node in select.node.find_all(exp.Count) if isinstance(node.this, exp.Star))
    sources = select.scope.sources
    if len(sources) < 2 or not any(node.parent_select is select.node for node in stars):
        return
    finest = next((source for source in sources if _meets_one_of_each(source, select)), None)
    if finest is None:
        return
    if finest.is_optional:
        yield f"COUNT(*) counts what has no {finest.name} as one row too."
    else:
        yield f"COUNT(*) counts rows of {finest.name}."


def _meets_one_of_each(start: Source, select: SelectRead) -> bool:
    """Whether a row of ``start`` meets at most one row of each other source."""
    reached, pending = {start.alias}, [start.alias]
    while pending:
        alias = pending.pop()
        for other in select.scope.sources:
            columns = _columns_between(alias, other.alias, select)
            key = {name.casefold() for name in other.table.primary_key} if other.table is not None else set()
            if other.alias not in reached and columns and key and key <= columns:
                reached.add(other.alias)
                pending.append(other.alias)
    return len(reached) == len(select.scope.sources)


def _sentence(aggregate: exp.Expr, column: Column, by: Source) -> str:
    name = f"{column.source.name}.{column.name}"
    repeats = f"Joining {by.name} repeats a row of {column.source.name} for each of its rows of {by.name}"
    if isinstance(aggregate, exp.Count):
        return f"{repeats}: {name} is counted as often; COUNT(DISTINCT …) would count it once."
    if isinstance(aggregate, exp.Avg):
        return f"{repeats}: the average of {name} weighs it as often."
    return f"{repeats}: {name} is added as often."


def _repeated_by(start: Source, select: SelectRead) -> Source | None:
    """The first table, walking the joins from ``start``, of which one row so far may meet several rows."""
    sources = {source.alias: source for source in select.scope.sources}
    grouped = _group_places(select)
    reached, pending = {start.alias}, [start.alias]
    while pending:
        alias = pending.pop(0)
        for other in sources:
            columns = _columns_between(alias, other, select)
            if not columns or other in reached:
                continue
            reached.add(other)
            if not _is_unique(sources[other], columns) and not _is_grouped_by(sources[other], grouped):
                return sources[other]
            pending.append(other)
    return None


def _columns_between(alias: str, other: str, select: SelectRead) -> set[str]:
    """The columns of ``other`` that a join makes equal to some of ``alias``."""
    return {right for (one, _), (two, right) in select.links if (one, two) == (alias, other)}


def _is_unique(source: Source, columns: set[str]) -> bool:
    """Whether one value of these columns finds at most one row. A result without a key is taken to be unique."""
    if source.table is None:
        return True
    key = {name.casefold() for name in source.table.primary_key}
    return not key or key <= columns


def _is_grouped_by(source: Source, grouped: set[Place]) -> bool:
    key = source.table.primary_key if source.table is not None else ()
    return bool(key) and all((source.alias, name.casefold()) in grouped for name in key)


def _group_places(select: SelectRead) -> set[Place]:
    group = select.node.args.get("group")
    nodes = group.expressions if group is not None else []
    found = [select.scope.locate(node) for node in nodes if isinstance(node, exp.Column)]
    return {(place[0].alias, place[1]) for place in found if place is not None}
