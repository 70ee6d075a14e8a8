"""Which columns determine which: by the primary keys of the tables and by the equalities that join them."""

from __future__ import annotations

from collections.abc import Sequence

from t2s_magic.builtin import tree
from t2s_magic.builtin.joins import End, Instance
from t2s_magic.schema import Schema


class Determination:
    """Functional dependencies inside one SELECT, for GROUP BY."""

    def __init__(self, schema: Schema, instances: Sequence[Instance], equalities: Sequence[tuple[End, End]]) -> None:
        self._equalities = equalities
        self._keys: dict[Instance, set[End]] = {}
        for instance in instances:
            table = schema.tables[instance[0]]
            if table.primary_key:
                self._keys[instance] = {
                    (instance, position)
                    for position, column in enumerate(table.columns)
                    if column.name in table.primary_key
                }

    def holds(self, keys: Sequence[tree.Expression], expression: tree.Expression) -> bool:
        """Whether rows that agree in ``keys`` agree in ``expression``."""
        if expression in keys:
            return True
        known, tables = self._closure(keys)
        if isinstance(expression, tree.AllOf):
            return (expression.table, False) in tables
        columns = [node for node in tree.walk(expression) if isinstance(node, tree.Column)]
        return bool(columns) and all(
            column.instance in tables or (column.instance, column.column) in known for column in columns
        )

    def _closure(self, keys: Sequence[tree.Expression]) -> tuple[set[End], set[Instance]]:
        """The columns known from ``keys``, and the tables of which every column is."""
        known: set[End] = {(key.instance, key.column) for key in keys if isinstance(key, tree.Column)}
        tables: set[Instance] = {(key.table, False) for key in keys if isinstance(key, tree.AllOf)}
        while True:
            size = (len(known), len(tables))
            tables |= {instance for instance, key in self._keys.items() if key <= known}
            for left, right in self._equalities:
                if any(end in known or end[0] in tables for end in (left, right)):
                    known |= {left, right}
            if size == (len(known), len(tables)):
                return known, tables

    def least(self, keys: Sequence[tree.Expression]) -> tuple[tree.Expression, ...]:
        """``keys`` without those that the others determine; primary keys are kept rather than what they determine."""
        kept = list(dict.fromkeys(keys))
        for key in sorted(kept, key=self._is_primary):
            others = [other for other in kept if other != key]
            if others and self.holds(others, key):
                kept = others
        return tuple(kept)

    def _is_primary(self, key: tree.Expression) -> bool:
        return isinstance(key, tree.Column) and {(key.instance, key.column)} == self._keys.get(key.instance)

    def primary(self, key: tree.Expression, preferred: Sequence[tree.Expression]) -> tree.Expression:
        """A column that equals ``key`` by a join: one of ``preferred``, else a primary key, else ``key`` itself."""
        if not isinstance(key, tree.Column) or key in preferred:
            return key
        equal: set[End] = {(key.instance, key.column)}
        for _ in self._equalities:
            for left, right in self._equalities:
                if {left, right} & equal:
                    equal |= {left, right}
        columns = [tree.Column(table, column, is_other) for (table, is_other), column in sorted(equal)]
        wanted = [column for column in columns if column in preferred] or [
            column for column in (key, *columns) if self._is_primary(column)
        ]
        return wanted[0] if wanted else key
