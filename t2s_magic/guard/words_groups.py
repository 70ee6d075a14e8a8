"""GROUP BY in words, and which columns have one value in each group."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlglot import exp

from t2s_magic.guard.words_joins import Joined
from t2s_magic.guard.words_names import Source
from t2s_magic.guard.words_parts import Parts, Phrase, TooComplexError, listed
from t2s_magic.guard.words_scope import Place, Scope


@dataclass(frozen=True)
class Key:
    """One key of a GROUP BY: what it means, its expression, and the column that it is, if it is one."""

    meaning: Phrase
    node: exp.Expr
    place: Place | None


@dataclass(frozen=True)
class Groups:
    """The keys, and the columns known from them. ``whole`` is the source whose primary key the keys are, if any."""

    keys: tuple[Key, ...]
    known: frozenset[Place]
    whole: Source | None

    def is_known(self, node: exp.Expr, scope: Scope) -> bool:
        """Whether ``node`` has one value in each group: a key, an aggregate, a constant, or made of such."""
        if any(node == key.node for key in self.keys) or is_aggregate(node):
            return True
        if isinstance(node, exp.Column):
            found = None if isinstance(node.this, exp.Star) else scope.locate(node)
            if found is not None:
                return (found[0].alias, found[1]) in self.known
            alias = scope.aliases.get(node.name.casefold()) if not node.table else None
            # A name from outside, or a text in double quotes, is the same for every row.
            return alias is None or alias == node or self.is_known(alias, scope)
        if isinstance(node, exp.Star):
            return False
        if isinstance(node, exp.Query):
            return not any(self._is_loose(column, scope) for column in node.find_all(exp.Column))
        return all(self.is_known(child, scope) for child in node.iter_expressions())

    def _is_loose(self, column: exp.Column, scope: Scope) -> bool:
        found = scope.locate(column) if column.table else None
        return found is not None and (found[0].alias, found[1]) not in self.known


def is_aggregate(node: exp.Expr) -> bool:
    """A count, a sum, and so on; not a window function, and not the greatest of several values of one row."""
    if isinstance(node, exp.Filter):
        return not isinstance(node.parent, exp.Window)
    if not isinstance(node, exp.AggFunc) or isinstance(node.parent, exp.Window):
        return False
    if isinstance(node.parent, exp.Filter) and isinstance(node.parent.parent, exp.Window):
        return False
    return not (isinstance(node, (exp.Max, exp.Min)) and node.expressions)


def aggregates(node: exp.Expr) -> Iterator[exp.Expr]:
    """The aggregates of this SELECT inside ``node``: those of queries inside it are their own."""
    for inner in node.walk(prune=lambda inner: isinstance(inner, exp.Query)):
        if isinstance(inner, exp.Expr) and is_aggregate(inner):
            yield inner


def read_groups(group: exp.Expr | None, results: Sequence[exp.Expr], scope: Scope, joined: Joined) -> Groups:
    """The keys of GROUP BY; none when the whole table is one group."""
    keys: list[Key] = []
    if group is not None:
        parts = Parts(group)
        scope.said(group, only_this=True)
        nodes = parts.take_all("expressions")
        if parts.take("all"):
            nodes = [node for node in results if next(aggregates(node), None) is None]
        keys = [_key(node, results, scope) for node in nodes]
        parts.close()
    known = _known({key.place for key in keys if key.place is not None}, scope, joined)
    return Groups(tuple(keys), frozenset(known), _whole(keys, scope))


def _key(node: exp.Expr, results: Sequence[exp.Expr], scope: Scope) -> Key:
    scope.said(node)
    if isinstance(node, exp.Literal) and not node.is_string:
        position = int(node.this) if node.this.isdigit() else 0
        if not 1 <= position <= len(results):
            raise TooComplexError("GROUP BY of a number that is no column")
        node = results[position - 1].unalias()
    found = scope.locate(node) if isinstance(node, exp.Column) and not isinstance(node.this, exp.Star) else None
    if found is None and isinstance(node, exp.Column) and not node.table and node.name.casefold() in scope.aliases:
        node = scope.aliases[node.name.casefold()]
        found = scope.locate(node) if isinstance(node, exp.Column) else None
    return Key(scope.value(node), node, (found[0].alias, found[1]) if found else None)


def _known(known: set[Place], scope: Scope, joined: Joined) -> set[Place]:
    """Every column with one value in each group: by equality in joins, and by primary keys."""
    size = -1
    while len(known) != size:
        size = len(known)
        known |= {other for column, other in joined.follows if column in known}
        for source in scope.sources:
            if _has_primary_key(source, known):
                known |= {(source.alias, name) for name in source.columns}
    return known


def _has_primary_key(source: Source, known: set[Place]) -> bool:
    key = source.table.primary_key if source.table else ()
    return bool(key) and all((source.alias, name.casefold()) in known for name in key)


def _whole(keys: Sequence[Key], scope: Scope) -> Source | None:
    places = {key.place for key in keys}
    aliases = {place[0] for place in places if place is not None}
    if None in places or len(aliases) != 1:
        return None
    source = next(source for source in scope.sources if source.alias in aliases)
    return source if _has_primary_key(source, {place for place in places if place}) else None


def groups_text(groups: Groups, shown: Sequence[tuple[exp.Expr, str]], scope: Scope) -> str:
    """``Customer (FirstName, LastName)``, ``BillingCountry``, ``year of InvoiceDate (not shown)``.

    ``shown`` are the results that are no aggregates, keys and what is known from them, each with its words.
    """
    if groups.whole is not None:
        prefix = scope.shown(groups.whole) + "."
        names = [text.removeprefix(prefix) for _, text in shown]
        return scope.introduced(groups.whole) + (f" ({', '.join(names)})" if names else " (not shown)")
    texts = []
    for key in groups.keys:
        said = next((text for node, text in shown if node == key.node), f"{key.meaning.text} (not shown)")
        texts.append(said.removeprefix("the "))
    others = [text for node, text in shown if not any(node == key.node for key in groups.keys)]
    return listed(texts) + (f", showing {listed(others)}" if others else "")
