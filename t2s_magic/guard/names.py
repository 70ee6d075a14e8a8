"""Does every column that a statement names exist? Answered from the schema, without the engine and without an LM.

Silent wherever it is not sure: a wrong "no such column" would cost more than the engine's own message does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise, starmap

from sqlglot import exp

from t2s_magic.errors import UnknownNameError
from t2s_magic.guard.checked import CheckedSql
from t2s_magic.guard.forms import parse, span_of
from t2s_magic.guard.nearest import nearest_names
from t2s_magic.guard.spellings import is_inner_description, join_aliases
from t2s_magic.guard.tables import cte_of
from t2s_magic.guard.text import Statement, read_statement
from t2s_magic.guard.verdict import shown
from t2s_magic.schema import Schema

# Columns that no catalogue lists.
HIDDEN = {
    "sqlite": frozenset({"rowid", "oid", "_rowid_", "rank"}),
    "duckdb": frozenset({"rowid", "filename", "file_row_number"}),
    "postgres": frozenset({"ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"}),
    "mysql": frozenset[str](),
}
# Inside these, a bare name may be a parameter, a key or a column that the construct itself makes.
_OWN_NAMES = (
    exp.Lambda,
    exp.Comprehension,
    exp.Pivot,
    exp.Columns,
    exp.Kwarg,
    exp.PropertyEQ,
    exp.JSONTable,
    exp.Partition,
)


@dataclass(frozen=True)
class Source:
    """What FROM or JOIN brings in: the name it goes by, and its columns, or None where they are not known."""

    name: str
    columns: tuple[str, ...] | None
    shown_as: str
    item: exp.Expr

    @property
    def is_query(self) -> bool:
        """Whether it is rows of a table or of a query, and not what a function returns."""
        return isinstance(self.item, exp.Subquery | exp.Values) or (
            isinstance(self.item, exp.Table | exp.Lateral) and isinstance(self.item.this, exp.Identifier | exp.Subquery)
        )

    def has(self, column: str) -> bool:
        return self.columns is None or column.casefold() in {name.casefold() for name in self.columns}


def check_names(query: CheckedSql, schema: Schema) -> None:
    """Raise UnknownNameError for the first column in ``query`` that ``schema`` surely does not have where it stands."""
    statement = read_statement(query.sql, query.dialect)
    if query.dialect == "duckdb" and any(starmap(is_inner_description, pairwise(statement.tokens))):
        return  # (DESCRIBE orders) has columns of its own, column_name and others
    reader = Reader(statement, schema)
    if reader.has_named_joins:
        return
    for tree in parse(statement):
        for column in tree.find_all(exp.Column):
            reader.check(column)


class Reader:
    """One statement with the schema it is read against."""

    def __init__(self, statement: Statement, schema: Schema) -> None:
        self.statement = statement
        self.schema = schema
        self._sources: dict[int, tuple[Source, ...]] = {}

    @cached_property
    def has_named_joins(self) -> bool:
        """Whether a name may be one that PostgreSQL's ``JOIN … USING (id) AS j`` makes, as in ``j.id``."""
        return self.statement.dialect == "postgres" and any(join_aliases(self.statement.tokens))

    def source(self, name: str, node: exp.Expr) -> Source | None:
        """What FROM calls ``name`` where ``node`` stands, the innermost first."""
        selects = (select for select in _ancestors(node) if isinstance(select, exp.Select))
        sources = (source for select in selects for source in self.sources(select))
        return next((source for source in sources if source.name.casefold() == name.casefold()), None)

    def check(self, column: exp.Column) -> None:
        """Raise UnknownNameError where ``column`` surely does not exist."""
        selects = [select for select in _ancestors(column) if isinstance(select, exp.Select)]
        if not selects or any(isinstance(node, _OWN_NAMES) for node in _ancestors(column)):
            return
        sources = [source for select in selects for source in self.sources(select)]
        if column.table:
            self._check_qualified(column, sources)
        elif not isinstance(column.this, exp.Star):
            self._check_bare(column, sources, selects)

    def _check_bare(self, column: exp.Column, sources: list[Source], selects: list[exp.Select]) -> None:
        name = column.name.casefold()
        is_text_in_sqlite = self.statement.dialect == "sqlite" and column.this.args.get("quoted")
        known = HIDDEN[self.statement.dialect] | {source.name.casefold() for source in sources} | _aliases(selects)
        if not sources or is_text_in_sqlite or name in known or name == "all":
            return
        if not any(source.has(name) for source in sources):
            self._refuse(column, sources)

    def _check_qualified(self, column: exp.Column, sources: list[Source]) -> None:
        parts = [part.name for part in column.parts]
        owner = next((source for source in sources if source.name.casefold() == parts[0].casefold()), None)
        if owner is not None:
            if len(parts) > 1 and not isinstance(column.parts[1], exp.Star):
                self._check_owned(column, parts[1], owner)
            return
        owner = next((source for source in sources if source.name.casefold() == column.table.casefold()), None)
        if owner is not None and len(parts) > 2:
            self._check_owned(column, column.name, owner)
        elif len(parts) == 2 and not any(source.has(parts[0]) for source in sources):
            self._refuse_owner(column, sources)

    def _check_owned(self, column: exp.Column, name: str, owner: Source) -> None:
        hidden = HIDDEN[self.statement.dialect]
        if name != "*" and not owner.has(name) and name.casefold() not in hidden:
            self._refuse(column, [owner])

    def sources(self, select: exp.Select) -> tuple[Source, ...]:
        """What ``select`` reads from, in order; remembered, since every column of it asks."""
        if id(select) not in self._sources:
            # A recursive CTE asks for itself while it is being read: then its columns are not known yet.
            self._sources[id(select)] = (Source("", None, "", select),)
            self._sources[id(select)] = tuple(self._source(item) for item in _from_items(select))
        return self._sources[id(select)]

    def _source(self, item: exp.Expr) -> Source:
        alias = item.args.get("alias")
        name = item.alias_or_name
        columns = self._columns_of(item)
        listed = (
            [column.name for column in alias.args.get("columns") or ()] if isinstance(alias, exp.TableAlias) else []
        )
        if columns is not None and listed:
            columns = (*listed, *columns[len(listed) :])
        shown_as = item.name if isinstance(item, exp.Table) else name
        return Source(name, None if item.args.get("pivots") else columns, shown_as or name, item)

    def _columns_of(self, item: exp.Expr) -> tuple[str, ...] | None:
        if isinstance(item, exp.Subquery):
            return self._outputs(item.this)
        if not isinstance(item, exp.Table) or not isinstance(item.this, exp.Identifier):
            return None
        if len(item.parts) == 1 and (cte := cte_of(item, self.statement.dialect)):
            if isinstance(cte.parent, exp.With) and cte.parent.args.get("search"):
                return None
            listed = [column.name for column in cte.args["alias"].args.get("columns") or ()]
            return tuple(listed) or self._outputs(cte.this)
        table = self.schema.find([part.name for part in item.parts])
        return tuple(column.name for column in table.columns) if table else None

    def _outputs(self, query: exp.Expr) -> tuple[str, ...] | None:
        """Names of the columns that ``query`` gives; None where an engine chooses one of them."""
        if isinstance(query, exp.Subquery):
            return self._outputs(query.this)
        if isinstance(query, exp.SetOperation):
            return None if query.args.get("by_name") else self._outputs(query.this)
        if not isinstance(query, exp.Select):
            return None
        names: list[str] = []
        for projection in query.expressions:
            given = self._output(projection, query)
            if given is None:
                return None
            names.extend(given)
        return tuple(names)

    def _output(self, projection: exp.Expr, query: exp.Select) -> tuple[str, ...] | None:
        if isinstance(projection, exp.Star) and not any(projection.args.values()):
            columns = [source.columns for source in self.sources(query)]
        elif isinstance(projection, exp.Column) and isinstance(projection.this, exp.Star):
            if any(projection.this.args.values()):
                return None
            owner = projection.table.casefold()
            columns = [source.columns for source in self.sources(query) if source.name.casefold() == owner]
        else:
            name = projection.alias_or_name if isinstance(projection, exp.Alias | exp.Column) else ""
            return (name,) if name else None
        if any(names is None for names in columns):
            return None
        return tuple(name for names in columns for name in names or ())

    def _refuse(self, column: exp.Column, sources: list[Source]) -> None:
        owners = list(dict.fromkeys(source.shown_as for source in sources))
        here = list(dict.fromkeys(name for source in sources for name in source.columns or ()))
        nearest = nearest_names(column.name, here)
        elsewhere = [table.full_name for table in self.schema.tables if table.column(column.name)]
        if elsewhere:
            hint = f' "{shown(column.name)}" is in {_listed(elsewhere[:3])}.'
            nearest = (*(f"{owner}.{column.name}" for owner in elsewhere[:3]), *nearest)[:3]
        else:
            hint = f' Did you mean "{shown(nearest[0])}"?' if nearest else ""
        self._raise(f'No column "{shown(column.name)}" in {_listed(owners)}.{hint}', column, nearest)

    def _refuse_owner(self, column: exp.Column, sources: list[Source]) -> None:
        names = [source.name for source in sources]
        renamed = [source.name for source in sources if source.shown_as.casefold() == column.table.casefold()]
        nearest = tuple(renamed) or nearest_names(column.table, names)
        here = f" Here are {_listed(names)}." if names else ""
        hint = f' Did you mean "{shown(nearest[0])}"?' if nearest else here
        self._raise(f'No table or alias "{shown(column.table)}" in this part of the query.{hint}', column, nearest)

    def _raise(self, message: str, column: exp.Column, nearest: tuple[str, ...]) -> None:
        start, end = span_of(column, self.statement)
        sql = self.statement.sql
        raise UnknownNameError(message, sql=sql, part=sql[start:end], span=(start, end), nearest=nearest)


def _ancestors(node: exp.Expr) -> Iterator[exp.Expr]:
    above = node.parent
    while above is not None:
        yield above
        above = above.parent


def _from_items(select: exp.Select) -> Iterator[exp.Expr]:
    from_ = select.args.get("from_")
    if from_ is not None:
        yield from _joined(from_.this)
    for join in select.args.get("joins") or ():
        yield from _joined(join.this)
    yield from select.args.get("laterals") or ()


def _joined(item: exp.Expr) -> Iterator[exp.Expr]:
    """``item`` and what is joined to it inside its own parentheses."""
    if isinstance(item, exp.Paren | exp.Subquery) and isinstance(item.this, exp.Table) and not item.alias:
        yield from _joined(item.this)
    else:
        yield item
    for join in item.args.get("joins") or ():
        yield from _joined(join.this)


def _aliases(selects: Iterable[exp.Select]) -> set[str]:
    return {
        projection.alias.casefold()
        for select in selects
        for projection in select.expressions
        if isinstance(projection, exp.Alias)
    }


def _listed(names: list[str]) -> str:
    return ", ".join(shown(name) for name in names[:5]) + (" and others" if len(names) > 5 else "")
