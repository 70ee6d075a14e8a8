"""FROM and JOIN in words: "each Invoice with its Customer" by a foreign key, the condition in words elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from sqlglot import exp

from t2s_magic.guard.words_conditions import listed_conditions
from t2s_magic.guard.words_names import Source, name_text
from t2s_magic.guard.words_parts import Parts, TooComplexError, listed
from t2s_magic.guard.words_scope import Place, Scope
from t2s_magic.guard.words_sources import read_source
from t2s_magic.schema import ForeignKey, Table


@dataclass
class Joined:
    """``pairings`` in words; ``filters`` are what is left of inner joins' conditions, to be said with WHERE.

    ``links`` are all pairs of columns that joins make equal, in both directions; ``follows`` those (a, b) in which each
    row's b is known from its a: the kept side of an outer join does not follow from the other.
    """

    pairings: list[str] = field(default_factory=list)
    filters: list[exp.Expr] = field(default_factory=list)
    links: list[tuple[Place, Place]] = field(default_factory=list)
    follows: list[tuple[Place, Place]] = field(default_factory=list)
    lifted: set[int] = field(default_factory=set)


@dataclass
class _Link:
    """What ties two sources: pairs of columns that have to be equal, the first source's on the left."""

    first: Source
    second: Source
    pairs: list[tuple[str, str]] = field(default_factory=list)


def read_from(parts: Parts, scope: Scope) -> Joined:
    """Fill ``scope.sources`` from FROM and JOIN, and say how they are paired."""
    joined = Joined()
    start = parts.take("from_")
    joins: Sequence[exp.Expr] = parts.take_all("joins")
    if start is None:
        return joined
    scope.said(start, only_this=True)
    scope.sources.append(read_source(start.this, scope))
    inner: list[exp.Expr] = []
    is_open = False
    for join in joins:
        how = _JoinParts(join, scope)
        source = read_source(how.source, scope)
        if how.side:
            _read_outer_join(how, source, scope, joined, is_only=len(joins) == 1)
            continue
        scope.sources.append(source)
        is_open = is_open or not (how.on or how.using)
        if how.on is not None:
            inner += _conjuncts(how.on, scope)
        _merge(how.using, source, scope, inner)
    scope.check_names()
    where = parts.node.args.get("where")
    lifted = list(_conjuncts(where.this, scope)) if is_open and where is not None else []
    _say_inner_joins(inner, lifted, scope, joined)
    return joined


class _JoinParts:
    """The parts of one JOIN, all taken."""

    def __init__(self, join: exp.Expr, scope: Scope) -> None:
        parts = Parts(join)
        scope.said(join, only_this=True)
        self.source: exp.Expr = parts.take("this")
        self.side = str(parts.take("side") or "").upper()
        self.on: exp.Expr | None = _condition(parts.take("on"), scope)
        self.using = [name.name for name in parts.take_all("using")]
        scope.said(*(parts.node.args.get("using") or []))
        kind, method = str(parts.take("kind") or "").upper(), str(parts.take("method") or "").upper()
        parts.close()
        if kind not in ("", "INNER", "CROSS", "OUTER") or method not in ("", "NATURAL"):
            raise TooComplexError(f"{method} {kind} JOIN")
        if method == "NATURAL":
            source = read_source(self.source, scope)
            self.using = [name for name in source.columns if any(name in other.columns for other in scope.sources)]


def _condition(node: exp.Expr | None, scope: Scope) -> exp.Expr | None:
    """The condition of a JOIN; sqlglot writes ON TRUE where there is none, which asks nothing."""
    if isinstance(node, exp.Boolean) and node.this:
        scope.said(node)
        return None
    return node


def _conjuncts(node: exp.Expr, scope: Scope) -> Iterator[exp.Expr]:
    """The terms of an AND, brackets around it taken off. Nothing is marked as said here but the ANDs."""
    pending = [node]
    while pending:
        term = pending.pop()
        if isinstance(term, (exp.And, exp.Paren)):
            scope.said(term, only_this=True)
            pending += [term.args["expression"], term.this] if isinstance(term, exp.And) else [term.this]
        else:
            yield term


# --- inner joins --------------------------------------------------------------------------------------------------


def _merge(names: Sequence[str], source: Source, scope: Scope, conditions: list[exp.Expr]) -> None:
    """USING and NATURAL: the columns become one, equal on both sides."""
    for name in names:
        folded = name.casefold()
        partners = [other for other in scope.sources[:-1] if folded in other.columns]
        if not partners or folded not in source.columns or any(other.is_optional for other in partners):
            raise TooComplexError(f"USING {name}")
        scope.merged.add(folded)
        conditions.append(_equality(partners[0].alias, source.alias, name))


def _equality(first: str, second: str, name: str) -> exp.Expr:
    return exp.EQ(this=exp.column(name, first, quoted=True), expression=exp.column(name, second, quoted=True))


def _say_inner_joins(inner: Sequence[exp.Expr], from_where: Sequence[exp.Expr], scope: Scope, joined: Joined) -> None:
    links: dict[frozenset[str], _Link] = {}
    for term in (*inner, *from_where):
        places = _equal_places(term, scope)
        if places is None:
            joined.filters += [] if any(term is other for other in from_where) else [term]
            continue
        (first, left), (second, right) = places
        key = frozenset((first.alias, second.alias))
        link = links.setdefault(key, _Link(first, second))
        link.pairs.append((left, right) if link.first is first else (right, left))
        there, back = ((first.alias, left), (second.alias, right)), ((second.alias, right), (first.alias, left))
        joined.links += [there, back]
        joined.follows += [there, back]
        scope.said(term)
        joined.lifted.add(id(term))
    if any(source.is_optional for link in links.values() for source in (link.first, link.second)):
        raise TooComplexError("An inner join to what an outer join may have left out")
    joined.pairings[:0] = [_pairing(link, scope) for link in links.values()]
    _say_unlinked(list(links.values()), scope, joined)


def _equal_places(term: exp.Expr, scope: Scope) -> tuple[tuple[Source, str], tuple[Source, str]] | None:
    """Both sides of ``a.x = b.y``, where a and b are two sources of this SELECT."""
    if not (isinstance(term, exp.EQ) and isinstance(term.this, exp.Column) and isinstance(term.expression, exp.Column)):
        return None
    left, right = scope.locate(term.this), scope.locate(term.expression)
    if left is None or right is None or left[0] is right[0]:
        return None
    if {left[0].alias.casefold()} == {right[0].alias.casefold()}:
        raise TooComplexError("Two sources of one name")
    return left, right


def _pairing(link: _Link, scope: Scope) -> str:
    family = _family(link.first, link.second, link.pairs)
    if family is not None:
        child, parent, key = family
        by = f" by {listed([name_text(name) for name in key.columns])}" if _needs_key(child, parent, key) else ""
        return f"each {scope.introduced(child)} with its {scope.introduced(parent)}{by}"
    first, second = scope.introduced(link.first), scope.introduced(link.second)
    if all(left == right for left, right in link.pairs):
        return f"each {first} with every {second} of the same {_same(link)}"
    return f"each {first} with every {second} (where {_equalities(link, scope)})"


def _same(link: _Link) -> str:
    return listed([link.first.columns[name].text for name, _ in link.pairs])


def _equalities(link: _Link, scope: Scope) -> str:
    return " and ".join(
        f"{scope.text_of(link.first, left).text} equals {scope.text_of(link.second, right).text}"
        for left, right in link.pairs
    )


def _family(
    first: Source, second: Source, pairs: Sequence[tuple[str, str]]
) -> tuple[Source, Source, ForeignKey] | None:
    """Child, parent and the foreign key that the pairs of columns are, or None."""
    for child, parent, ordered in (
        (first, second, set(pairs)),
        (second, first, {(right, left) for left, right in pairs}),
    ):
        for key in child.table.foreign_keys if child.table and parent.table else ():
            if _leads_to(key, parent.table) and _columns_of(key, parent.table) == ordered:
                return child, parent, key
    return None


def _leads_to(key: ForeignKey, table: Table | None) -> bool:
    return table is not None and key.to_table.casefold() == table.name.casefold() and key.to_path in ((), table.path)


def _columns_of(key: ForeignKey, parent: Table | None) -> set[tuple[str, str]]:
    """The pairs of columns of a foreign key; one that names no columns leads to the primary key."""
    targets = key.to_columns or (parent.primary_key if parent else ())
    return {(left.casefold(), right.casefold()) for left, right in zip(key.columns, targets, strict=False)}


def _needs_key(child: Source, parent: Source, key: ForeignKey) -> bool:
    """Whether "its" alone could mean several things: other keys lead there too, or the table leads to itself."""
    if child.name == parent.name:
        return True
    keys = child.table.foreign_keys if child.table else ()
    return any(other is not key and other.to_table == key.to_table for other in keys)


def _say_unlinked(links: Sequence[_Link], scope: Scope, joined: Joined) -> None:
    """Sources that nothing ties to the others are combined row by row."""
    groups = [{source.alias} for source in scope.sources if not source.is_optional]
    for link in links:
        tied = [group for group in groups if link.first.alias in group or link.second.alias in group]
        groups = [group for group in groups if group not in tied] + [set().union(*tied)]
    if len(groups) < 2:
        return
    firsts = [next(source for source in scope.sources if source.alias in group) for group in groups]
    firsts.sort(key=scope.sources.index)
    names = [scope.introduced(source) for source in firsts]
    joined.pairings.append(f"every {names[0]} with {listed([f'every {name}' for name in names[1:]])}")


# --- outer joins --------------------------------------------------------------------------------------------------


def _read_outer_join(how: _JoinParts, source: Source, scope: Scope, joined: Joined, *, is_only: bool) -> None:
    if how.side == "LEFT":
        scope.sources.append(source)
        kept, added = None, source
    elif how.side in ("RIGHT", "FULL") and is_only:
        scope.sources.append(source)
        kept, added = source, scope.sources[0]
    else:
        raise TooComplexError(f"{how.side} JOIN among others")
    conditions = list(_conjuncts(how.on, scope)) if how.on is not None else []
    if how.using:
        _merge(how.using, source, scope, conditions)
    partner = kept or _partner(conditions, added, scope)
    scope.check_names()
    joined.pairings.append(_optional_pairing(partner, added, conditions, scope, joined, is_full=how.side == "FULL"))
    added.is_optional = True
    if how.side == "FULL":
        source.is_optional = True
    if how.side != "LEFT":
        # A merged column of these joins is the first that is given, which a single name would not say.
        scope.merged.clear()


def _partner(conditions: Sequence[exp.Expr], added: Source, scope: Scope) -> Source:
    """The one earlier source that the condition of an outer join speaks about."""
    partners = {}
    for condition in conditions:
        for column in condition.find_all(exp.Column):
            found = scope.locate(column)
            if found is not None and found[0] is not added:
                partners[found[0].alias] = found[0]
    if len(partners) != 1:
        raise TooComplexError("An outer join to several sources")
    return next(iter(partners.values()))


def _optional_pairing(
    kept: Source, added: Source, conditions: Sequence[exp.Expr], scope: Scope, joined: Joined, *, is_full: bool
) -> str:
    link, others = _Link(kept, added), []
    for condition in conditions:
        places = _equal_places(condition, scope)
        if places is None:
            others.append(condition)
            continue
        (first, left), (_, right) = places
        link.pairs.append((left, right) if first is kept else (right, left))
    there = [((kept.alias, left), (added.alias, right)) for left, right in link.pairs]
    joined.links += [*there, *((right, left) for left, right in there)]
    names = f"each {scope.introduced(kept)}", scope.introduced(added)
    ending = " (keeping those of both without a match)" if is_full else " (if any)"
    if not others:
        scope.said(*conditions)
        if not is_full:
            joined.follows += there
        family = _family(kept, added, link.pairs)
        if family is not None and not _needs_key(*family):
            its = f"its {names[1]}" if family[0] is kept else f"each of its {names[1]} rows"
            return f"{names[0]} with {its}{ending}"
    text = listed_conditions([scope.condition(condition) for condition in conditions], "and")
    if not text:
        raise TooComplexError("An outer join without a condition")
    return f"{names[0]} with every {names[1]} (where {text}){ending}"
