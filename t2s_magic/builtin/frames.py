"""The tables of one SELECT under the names that its SQL gives them."""

from __future__ import annotations

from dataclasses import dataclass

from t2s_magic.builtin import names, tree
from t2s_magic.builtin.dialects import kind_of_type
from t2s_magic.builtin.joins import Instance, singular, without_key_ending
from t2s_magic.builtin.plan import JoinPlan
from t2s_magic.builtin.words import split_name
from t2s_magic.schema import Column, Schema, Table

_LONGEST_LABEL = 12


class UndecodableError(ValueError):
    """A sequence that follows the grammar but says nothing that is SQL; the message says why."""


@dataclass(frozen=True)
class Frame:
    """One SELECT while it is written: its body, its joins, its tables' labels, and the SELECT around it."""

    schema: Schema
    dialect: str
    body: tree.Body
    plan: JoinPlan | None
    labels: dict[Instance, str]
    is_qualified: bool
    outer: Frame | None = None

    def table(self, number: int) -> Table:
        return self.schema.tables[number]

    def column(self, column: tree.Column) -> Column:
        return self.schema.tables[column.table].columns[column.column]

    def kind(self, column: tree.Column) -> str:
        return kind_of_type(self.column(column).type)

    def write_column(self, column: tree.Column) -> str:
        name = names.quote(self.column(column).name, self.dialect)
        if not self.is_qualified:
            return name
        return f"{self.label(column.instance)}.{name}"

    def label(self, instance: Instance) -> str:
        found = self.labels.get(instance)
        if found is None:
            raise UndecodableError(f"No table {self.table(instance[0]).name} in this SELECT.")
        return names.quote(found, self.dialect)

    def around(self, table: int) -> tuple[Frame, Instance] | None:
        """The nearest SELECT around this one that reads ``table``, and its copy there."""
        frame = self.outer
        while frame is not None:
            if (table, False) in frame.labels:
                return frame, (table, False)
            frame = frame.outer
        return None


def labels_for(plan: JoinPlan | None, schema: Schema, taken: frozenset[str], dialect: str) -> dict[Instance, str]:
    """A name for each table: its own where short and free, the role of one that is read twice, else its initials."""
    labels: dict[Instance, str] = {}
    used = set(taken)
    instances = plan.instances if plan else ()
    roles = _roles(plan, schema, dialect) if plan else {}
    for instance in instances:
        table = schema.tables[instance[0]]
        is_plain = names.quote(table.name, dialect) == table.name and not table.qualifier
        is_short = len(table.name) <= _LONGEST_LABEL and is_plain and not instance[1]
        label = table.name if len(instances) == 1 or is_short else _initials(table.name)
        label = roles.get(instance, label)
        if label.casefold() in used:
            label = _initials(table.name)
        labels[instance] = _free(label, used)
        used.add(labels[instance].casefold())
    return labels


def _roles(plan: JoinPlan, schema: Schema, dialect: str) -> dict[Instance, str]:
    """``manager`` for the employees that ``manager_id`` refers to, where the SELECT reads employees twice."""
    roles: dict[Instance, str] = {}
    for join in plan.joins:
        table, is_other = join.parent
        if (table, not is_other) not in plan.instances or len(join.edge.columns) > 1:
            continue
        role = without_key_ending(schema.tables[join.child[0]].columns[join.edge.columns[0]].name)
        is_telling = singular(role) != singular(schema.tables[table].name) and len(role) > 2
        if (
            is_telling
            and role.casefold() not in map(str.casefold, roles.values())
            and names.quote(role, dialect) == role
        ):
            roles[join.parent] = role
    return roles


def _initials(name: str) -> str:
    parts = [part[0] for part in split_name(name) if part[0].isascii() and part[0].isalpha()]
    return "".join(parts) or "t"


def _free(label: str, used: set[str]) -> str:
    number, free = 2, label
    while free.casefold() in used or names.is_reserved(free):
        free, number = f"{label}{number}", number + 1
    return free
