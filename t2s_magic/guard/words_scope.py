"""What names mean inside one SELECT, and how other rules are called: the ``Speaker`` of ``words_parts``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace

from sqlglot import exp

from t2s_magic.guard.words_aggregates import AGGREGATE_RULES
from t2s_magic.guard.words_conditions import CONDITION_RULES, say_condition
from t2s_magic.guard.words_dates import DATE_RULES
from t2s_magic.guard.words_names import Source, Told, name_text
from t2s_magic.guard.words_parts import Condition, Parts, Phrase, Rule, TooComplexError, quoted
from t2s_magic.guard.words_texts import TEXT_RULES
from t2s_magic.guard.words_values import VALUE_RULES
from t2s_magic.schema import Schema

RULES: Mapping[type[exp.Expr], Rule] = {**VALUE_RULES, **TEXT_RULES, **AGGREGATE_RULES, **DATE_RULES}


@dataclass
class Reading:
    """One reading of one statement. ``steps`` are the named queries it builds on, in order, each said once.

    ``read`` reads a query inside the one being read; ``selects`` collects what was read. ``aliased`` are tables that
    occur more than once where they could be mixed up: their aliases are said.
    """

    schema: Schema
    read: ReadQuery
    selects: list[SelectRead]
    aliased: set[str] = field(default_factory=set)
    said: set[int] = field(default_factory=set)
    steps: dict[str, str] = field(default_factory=dict)


Place = tuple[str, str]  # (alias of the source, folded column)
ReadQuery = Callable[[exp.Expr, Reading, Mapping[str, "Source"], "Scope | None"], "Told"]


@dataclass(frozen=True)
class SelectRead:
    """One SELECT with the scope in which it was read, and the columns that its joins make equal (``Joined.links``)."""

    node: exp.Select
    scope: Scope
    links: tuple[tuple[Place, Place], ...]


class AliasNeededError(Exception):
    """A table occurs twice where the two could be mixed up; the statement is read again with its aliases said."""

    def __init__(self, table: str) -> None:
        super().__init__(table)
        self.table = table


class Scope:
    """One SELECT: its sources, the names of its results, and the SELECT around it."""

    def __init__(
        self,
        reading: Reading,
        results: Mapping[str, Source],
        outer: Scope | None = None,
        *,
        is_qualified: bool = False,
    ) -> None:
        self.reading = reading
        self.results = dict(results)
        self.outer = outer
        self.sources: list[Source] = []
        self.aliases: dict[str, exp.Expr] = {}
        self.merged: set[str] = set()
        self.is_qualified = is_qualified
        self.is_grouped = False
        self.reaches_out = False
        self._may_use_aliases = False

    @property
    def dialect(self) -> str:
        return self.reading.schema.dialect

    # --- what rules call ---------------------------------------------------------------------------------------

    def value(self, node: exp.Expr) -> Phrase:
        if type(node) in CONDITION_RULES and not isinstance(node, exp.Paren):
            return Phrase(f"(whether {self.condition(node).text})", "boolean")
        if isinstance(node, exp.Subquery):
            return self._scalar(node)
        rule = RULES.get(type(node))
        if rule is None:
            raise TooComplexError(f"No rule for {type(node).__name__}")
        parts = Parts(node)
        self.said(node, only_this=True)
        phrase = rule(parts, self)
        parts.close()
        return phrase

    def condition(self, node: exp.Expr) -> Condition:
        return say_condition(node, self)

    def query(self, node: exp.Expr) -> str:
        return self._read_inner(node).noun

    def rows(self, node: exp.Expr) -> str:
        rows = self._read_inner(node).rows
        if not rows:
            raise TooComplexError("Whether a count of all rows exists")
        return rows

    def said(self, *nodes: exp.Expr | None, only_this: bool = False) -> None:
        for node in nodes:
            if node is not None:
                self.reading.said.update([id(node)] if only_this else map(id, node.walk()))

    def _scalar(self, node: exp.Subquery) -> Phrase:
        parts = Parts(node)
        self.said(node, only_this=True)
        told = self._read_inner(parts.take("this"))
        parts.close()
        kind = told.outputs[0].meaning.kind if told.outputs else ""
        return Phrase(f"({told.noun})", kind)

    def _read_inner(self, node: exp.Expr) -> Told:
        return self.reading.read(node, self.reading, self.results, self)

    # --- names -------------------------------------------------------------------------------------------------

    def resolve(self, column: exp.Expr) -> Phrase:
        """What a column means. An engine looks in this SELECT, among its aliases, then in the SELECT around it."""
        assert isinstance(column, exp.Column)
        if isinstance(column.this, exp.Star):
            raise TooComplexError("A star inside an expression")
        found = self.locate(column)
        if found is not None:
            return self.text_of(*found)
        if not column.table and self._may_use_aliases and column.name.casefold() in self.aliases:
            return self._of_alias(column.name)
        if self.outer is not None and (phrase := self._from_outside(column)) is not None:
            return phrase
        # SQLite reads a name in double quotes that is no column as a text.
        if self.dialect == "sqlite" and not column.table and column.this.args.get("quoted"):
            return Phrase(quoted(column.name), "text", may_be_null=False, literal=column.name)
        raise TooComplexError(f"Unknown column {column.name}")

    def _from_outside(self, column: exp.Column) -> Phrase | None:
        scope: Scope | None = self.outer
        passed = [self]
        while scope is not None:
            found = scope.locate(column)
            if found is not None:
                for inner in passed:
                    inner.reaches_out = True
                return scope.text_of(*found, is_qualified=True)
            passed.append(scope)
            scope = scope.outer
        return None

    def locate(self, column: exp.Column) -> tuple[Source, str] | None:
        """The source of this SELECT that a column belongs to, and its folded name; None when it is not one of ours."""
        name = column.name.casefold()
        if column.table:
            wanted = column.table.casefold()
            sources = [source for source in self.sources if source.alias.casefold() == wanted]
        else:
            sources = [source for source in self.sources if name in source.columns]
        if len(sources) > 1 and (column.table or name not in self.merged):
            raise TooComplexError(f"More than one {column.name}")
        if not sources or name not in sources[0].columns:
            return None
        return sources[0], name

    def text_of(self, source: Source, name: str, *, is_qualified: bool = False) -> Phrase:
        """A column as it is said here: with its table where there is more than one."""
        column = source.columns[name]
        if source.is_optional:
            column = replace(column, may_be_null=True)
        if not (is_qualified or self.is_qualified or len(self.sources) > 1):
            return column
        return replace(column, text=f"{self.shown(source)}.{column.text}")

    def shown(self, source: Source) -> str:
        """How a source is called in columns; its alias where its table occurs more than once."""
        if source.name in self.reading.aliased and source.alias.casefold() != source.name.casefold():
            return name_text(source.alias)
        return source.name

    def introduced(self, source: Source) -> str:
        """How a source is called where it first appears."""
        shown = self.shown(source)
        return source.name if shown == source.name else f"{source.name} ({shown})"

    def check_names(self) -> None:
        """Refuse a sentence in which two sources would be called the same."""
        visible = list(self.sources)
        shown = [self.shown(source).casefold() for source in self.sources]
        scope = self.outer if self.is_qualified else None
        while scope is not None:
            visible += scope.sources
            shown += [scope.shown(source).casefold() for source in scope.sources]
            scope = scope.outer
        for position, name in enumerate(shown):
            if name in shown[:position]:
                table = visible[position].name
                if table in self.reading.aliased:
                    raise TooComplexError(f"{table} twice without aliases")
                raise AliasNeededError(table)

    # --- aliases of results ------------------------------------------------------------------------------------

    def with_aliases(self, node: exp.Expr) -> Phrase:
        """``node`` in ORDER BY, where every engine knows the aliases of the SELECT list."""
        with self._aliases_open():
            return self.value(node)

    def condition_with_aliases(self, node: exp.Expr) -> Condition:
        """``node`` in WHERE, HAVING or QUALIFY, where PostgreSQL does not know the aliases."""
        with self.using_aliases():
            return self.condition(node)

    def check_aliases(self, node: exp.Expr) -> None:
        """Refuse a name that is a column and the alias of something else: engines take one or the other."""
        for column in node.find_all(exp.Column):
            alias = self.aliases.get(column.name.casefold())
            if not column.table and alias is not None and self.locate(column) is not None and alias != column:
                raise TooComplexError(f"{column.name} is a column and a result")

    def using_aliases(self) -> AbstractContextManager[None]:
        return nullcontext() if self.dialect == "postgres" else self._aliases_open()

    @contextmanager
    def _aliases_open(self) -> Iterator[None]:
        self._may_use_aliases = True
        try:
            yield
        finally:
            self._may_use_aliases = False

    def _of_alias(self, name: str) -> Phrase:
        self._may_use_aliases = False
        try:
            phrase = self.value(self.aliases[name.casefold()])
        finally:
            self._may_use_aliases = True
        return phrase
