"""What names mean inside one SELECT of a parsed statement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlglot import exp

from t2s_magic.builtin import tree
from t2s_magic.builtin.joins import Instance
from t2s_magic.builtin.literals import Unreachable
from t2s_magic.schema import Schema


@dataclass
class Scope:
    """The tables of one SELECT by alias, its item names, and the scope around it."""

    schema: Schema
    sources: dict[str, Instance] = field(default_factory=dict)
    items: dict[str, exp.Expr] = field(default_factory=dict)
    outer: Scope | None = None

    @property
    def instances(self) -> tuple[Instance, ...]:
        return tuple(self.sources.values())

    @property
    def outer_instances(self) -> tuple[Instance, ...]:
        return self.outer.instances + self.outer.outer_instances if self.outer else ()

    def add(self, name: exp.Table) -> None:
        """Take up a table of FROM. The second occurrence of a table is its second copy; a third cannot be said."""
        parts = [part.name for part in name.parts]
        table = self.schema.find(parts) or self.schema.find(parts[-1:])
        if table is None:
            raise Unreachable("unknown table", name.sql())
        number = next(number for number, other in enumerate(self.schema.tables) if other is table)
        copies = sum(instance[0] == number for instance in self.instances)
        if copies > 1:
            raise Unreachable("a table three times", table.name)
        alias = name.alias_or_name.casefold()
        if alias in self.sources:
            raise Unreachable("an alias twice", alias)
        self.sources[alias] = (number, copies == 1)

    def own(self, column: exp.Column) -> tree.Column | None:
        """The column of this SELECT's own tables that ``column`` names."""
        if column.table:
            instance = self.sources.get(column.table.casefold())
            instances: Sequence[Instance] = () if instance is None else (instance,)
        else:
            instances = self.instances
        for table, is_other in instances:
            position = self.position(table, column.name)
            if position is not None:
                return tree.Column(table, position, is_other)
        return None

    def of_outer(self, column: exp.Column) -> tree.Column | None:
        """The column of a SELECT around this one."""
        scope = self.outer
        while scope is not None:
            if found := scope.own(column):
                return found
            scope = scope.outer
        return None

    def position(self, table: int, name: str) -> int | None:
        found = self.schema.tables[table].column(name)
        return None if found is None else self.schema.tables[table].columns.index(found)


def item_names(items: Sequence[exp.Expr]) -> Mapping[str, exp.Expr]:
    """Aliased items by their alias, folded."""
    return {item.alias.casefold(): item.this for item in items if isinstance(item, exp.Alias)}
