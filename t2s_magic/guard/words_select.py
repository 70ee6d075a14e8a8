"""A SELECT, or several put together, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlglot import exp

from t2s_magic.guard.words_conditions import listed_conditions
from t2s_magic.guard.words_groups import Groups, aggregates, groups_text, read_groups
from t2s_magic.guard.words_joins import Joined, add_step, read_from
from t2s_magic.guard.words_order import order_key
from t2s_magic.guard.words_parts import Parts, Phrase, TooComplexError, listed, literal_text
from t2s_magic.guard.words_scope import Output, Reading, Scope, Source, Told, name_text, source_of_result


def read_query(node: exp.Expr, reading: Reading, results: Mapping[str, Source], outer: Scope | None) -> Told:
    """A query in words; ``results`` are the named queries that it can select from, by folded name."""
    if isinstance(node, (exp.Subquery, exp.Paren)):
        parts = Parts(node)
        reading.said.add(id(node))
        told = read_query(parts.take("this"), reading, results, outer)
        parts.close()
        return told
    if isinstance(node, exp.SetOperation):
        return _set_operation(node, reading, results, outer)
    if not isinstance(node, exp.Select):
        raise TooComplexError(f"No rule for {type(node).__name__}")
    scope = Scope(reading, results, outer)
    told = _select(node, scope)
    if scope.reaches_out:
        # A name from outside makes every bare name doubtful: say it again with tables.
        scope = Scope(reading, results, outer, is_qualified=True)
        told = _select(node, scope)
    return told


def _read_results(parts: Parts, scope: Scope) -> None:
    """WITH: each named query is a step that later ones can use."""
    clause = parts.take("with_")
    if clause is None:
        return
    with_parts = Parts(clause)
    scope.said(clause, only_this=True)
    for result in with_parts.take("expressions"):
        result_parts = Parts(result)
        scope.said(result, only_this=True)
        alias = result_parts.take("alias")
        result_parts.take("materialized")
        scope.said(alias)
        told = scope.reading.read(result_parts.take("this"), scope.reading, scope.results, None)
        result_parts.close()
        if alias.args.get("columns"):
            raise TooComplexError("New names for the columns of a named query")
        add_step(alias.name, told.step, scope)
        scope.results[alias.name.casefold()] = source_of_result(alias.name, told.outputs)
    with_parts.close()


# --- one SELECT ---------------------------------------------------------------------------------------------------


def _select(node: exp.Select, scope: Scope) -> Told:
    parts = Parts(node)
    scope.said(node, only_this=True)
    _read_results(parts, scope)
    joined = read_from(parts, scope)
    nodes: list[exp.Expr] = parts.take("expressions")
    scope.aliases = {node.alias.casefold(): node.this for node in nodes if isinstance(node, exp.Alias)}
    results = [result.unalias() for result in nodes]
    scope.said(*(result for result in nodes if isinstance(result, exp.Alias)), only_this=True)
    scope.said(*(result.args["alias"] for result in nodes if isinstance(result, exp.Alias)))
    group, having, qualify = parts.take("group"), parts.take("having"), parts.take("qualify")
    order, limit, offset = parts.take("order"), parts.take("limit"), parts.take("offset")
    scope.is_grouped = group is not None or any(next(aggregates(part), None) for part in (*results, having) if part)
    where = _where(parts.take("where"), joined, scope)
    groups = read_groups(group, results, scope, joined) if scope.is_grouped else None
    heads = _heads_of(nodes, scope)
    outputs = tuple(output for head in heads for output in head.outputs)
    distinct = _is_distinct(parts.take("distinct"), scope)
    kept = _kept(having, groups, scope) + _qualified(qualify, scope)
    cut = _order_and_cut(order, limit, offset, outputs, groups, scope)
    parts.close()
    of = _of(scope)
    pairing = f", pairing {listed(joined.pairings)}" if joined.pairings else ""
    if groups is None:
        main, per = _plain(heads, distinct), ""
    else:
        main, per = _grouped(heads, groups, scope, node)
    condition = f"{',' if pairing or per else ''} where {where}" if where else ""
    repeat = ", each different row once" if distinct and groups is not None else ""
    rest = f"{of}{per}{pairing}{condition}{kept}{repeat}{cut}"
    rows = f"{of.removeprefix(' of ') or 'rows'}{per}{pairing}{condition}{kept}{cut}"
    return Told(main.sentence + rest, main.noun + rest, main.step + rest, rows, outputs)


def _of(scope: Scope) -> str:
    """The table, where there is one: columns of several carry its name."""
    if len(scope.sources) != 1:
        return ""
    return f" of {scope.introduced(scope.sources[0])}"


def _is_distinct(node: exp.Expr | None, scope: Scope) -> bool:
    if node is None:
        return False
    parts = Parts(node)
    scope.said(node)
    parts.close()
    return True


def _where(node: exp.Expr | None, joined: Joined, scope: Scope) -> str:
    """WHERE, with what is left of the conditions of inner joins and without those that are said as pairings."""
    terms = list(joined.filters)
    if node is not None:
        scope.said(node, only_this=True)
        pending = [node.this]
        while pending:
            term = pending.pop()
            if isinstance(term, exp.And):
                scope.said(term, only_this=True)
                pending += [term.expression, term.this]
            elif id(term) not in joined.lifted:
                terms.append(term)
    return listed_conditions([scope.condition_with_aliases(term) for term in terms], "and")


@dataclass(frozen=True)
class _Head:
    """One item of the SELECT list: its expression, the columns it gives, and how it is said."""

    node: exp.Expr
    outputs: tuple[Output, ...]
    text: str

    @property
    def named(self) -> str:
        """With the new name of the column, if it has one."""
        if len(self.outputs) != 1:
            return self.text
        name = name_text(self.outputs[0].name) if self.outputs[0].name else ""
        return f"{self.text} (called {name})" if name and name != self.text.rpartition(".")[2] else self.text

    @property
    def verb(self) -> str:
        return self.outputs[0].meaning.verb if len(self.outputs) == 1 else ""


def _heads_of(nodes: Sequence[exp.Expr], scope: Scope) -> tuple[_Head, ...]:
    return tuple(_head(node, scope) for node in nodes)


def _head(node: exp.Expr, scope: Scope) -> _Head:
    result = node.unalias()
    if isinstance(result, exp.Star) or (isinstance(result, exp.Column) and isinstance(result.this, exp.Star)):
        outputs = _all_columns(result, scope)
        of = f" of {scope.shown(_wanted(result, scope)[0])}" if isinstance(result, exp.Column) else ""
        return _Head(result, tuple(outputs), f"all columns{of if len(scope.sources) > 1 else ''}")
    meaning = scope.value(result)
    return _Head(result, (Output(node.alias_or_name, meaning),), meaning.inner)


def _wanted(node: exp.Expr, scope: Scope) -> list[Source]:
    """The sources that ``*`` or ``t.*`` stands for."""
    wanted = node.table.casefold() if isinstance(node, exp.Column) else ""
    sources = [source for source in scope.sources if wanted in ("", source.alias.casefold())]
    if not sources or (wanted and node.args.get("db")):
        raise TooComplexError(f"All columns of {wanted}")
    return sources


def _all_columns(node: exp.Expr, scope: Scope) -> list[Output]:
    star = node.this if isinstance(node, exp.Column) else node
    Parts(star).close()
    scope.said(node)
    outputs: list[Output] = []
    for source in _wanted(node, scope):
        for name, column in source.columns.items():
            if name in scope.merged and any(output.name.casefold() == name for output in outputs):
                continue
            spelled = column.text[1:-1].replace('""', '"') if column.text.startswith('"') else column.text
            outputs.append(Output(spelled, scope.text_of(source, name)))
    return outputs


# --- what is listed, counted or summed ----------------------------------------------------------------------------


@dataclass(frozen=True)
class _Main:
    """The beginning of ``Told``'s texts."""

    sentence: str
    noun: str
    step: str


def _main(verb: str, heads: Sequence[_Head], prefix: str = "") -> _Main:
    noun = prefix + listed([head.text for head in heads])
    return _Main(f"{verb} {noun}", noun, prefix + listed([head.named for head in heads]))


def _plain(heads: Sequence[_Head], is_distinct: bool) -> _Main:
    """A SELECT without groups."""
    return _main("lists", heads, _each_different(heads) if is_distinct else "")


def _each_different(heads: Sequence[_Head]) -> str:
    is_one = len(heads) == 1 and len(heads[0].outputs) == 1
    return "each different " if is_one else "each different combination of "


def _grouped(heads: Sequence[_Head], groups: Groups, scope: Scope, node: exp.Select) -> tuple[_Main, str]:
    """A SELECT with groups, and "per what"."""
    computed = [head for head in heads if _is_computed(head.node, groups)]
    plain = [head for head in heads if head not in computed]
    known = [head.node for head in plain if groups.is_known(head.node, scope)]
    loose = [head for head in plain if head.node not in known]
    extra = _loose_text(loose, groups, scope, node)
    if not computed and groups.keys:
        return _only_keys(heads, groups, scope, extra)
    per = (f" per {groups_text(groups, known, scope)}" if groups.keys else "") + extra
    if len(computed) == 1 and computed[0].verb:
        main = _main("finds", computed)
        return _Main(computed[0].verb, main.noun, main.step), per
    return _main("finds", computed or heads), per


def _is_computed(result: exp.Expr, groups: Groups) -> bool:
    if any(result == key.node for key in groups.keys):
        return False
    has_columns = any(True for _ in result.find_all(exp.Column))
    return next(aggregates(result), None) is not None or bool(list(result.find_all(exp.Window))) or not has_columns


def _only_keys(heads: Sequence[_Head], groups: Groups, scope: Scope, extra: str) -> tuple[_Main, str]:
    """GROUP BY without an aggregate in the results: one row for each group."""
    is_key = [any(head.node == key.node for key in groups.keys) for head in heads]
    if all(is_key) and len(heads) == len(groups.keys):
        return _main("lists", heads, _each_different(heads)), ""
    whole = groups.whole
    keys = scope.introduced(whole) if whole is not None else listed([key.meaning.text for key in groups.keys])
    return _main("lists", heads), f", one row per {keys}{extra}"


def _loose_text(loose: Sequence[_Head], groups: Groups, scope: Scope, node: exp.Select) -> str:
    """Columns that can have several values in a group. Engines other than SQLite and MySQL refuse them."""
    if not loose:
        return ""
    names = listed([head.text for head in loose])
    group = "each group" if groups.keys else "all"
    clauses = [*node.expressions, node.args.get("having"), node.args.get("order")]
    found = [inner for clause in clauses if clause is not None for inner in aggregates(clause)]
    extremes = {inner for inner in found if isinstance(inner, (exp.Max, exp.Min))}
    # With one MAX or MIN, SQLite takes the other columns from the row that has it.
    if scope.dialect == "sqlite" and len(extremes) == 1:
        extreme = scope.value(extremes.pop()).text
        return f", with {names} from a row with the {extreme}{' in each group' if groups.keys else ''}"
    return f", with {names} from any one row of {group}"


# --- tails --------------------------------------------------------------------------------------------------------


def _kept(having: exp.Expr | None, groups: Groups | None, scope: Scope) -> str:
    if having is None:
        return ""
    if groups is None or not groups.keys:
        raise TooComplexError("HAVING without GROUP BY")
    if not groups.is_known(having.this, scope):
        raise TooComplexError("HAVING with a column of any one row")
    scope.said(having, only_this=True)
    return f", keeping only groups where {scope.condition_with_aliases(having.this).text}"


def _qualified(qualify: exp.Expr | None, scope: Scope) -> str:
    if qualify is None:
        return ""
    scope.said(qualify, only_this=True)
    return f", keeping only rows where {scope.condition_with_aliases(qualify.this).text}"


def _order_and_cut(
    order: exp.Expr | None,
    limit: exp.Expr | None,
    offset: exp.Expr | None,
    outputs: Sequence[Output],
    groups: Groups | None,
    scope: Scope,
) -> str:
    keys = []
    if order is not None:
        parts = Parts(order)
        scope.said(order, only_this=True)
        for ordered in parts.take("expressions"):
            keys.append(order_key(ordered, scope, _ordered_by(ordered.this, outputs, groups, scope)))
        parts.close()
    count, skipped = _count(limit, scope), _number(offset, scope)
    texts = [f"{key.text[:-1]}, {key.missing})" if key.missing and count else key.text for key in keys]
    by = listed(texts, "then")
    if skipped:
        ordered_text = f", ordered by {by}" if by else ""
        return f"{ordered_text}, skipping the first {skipped}" + (f" and taking the next {count}" if count else "")
    if not count:
        return f", ordered by {by}" if by else ""
    if not keys:
        return f", any {count} of them" if count != "1" else ", any one of them"
    if len(keys) == 1 and keys[0].superlative:
        return f", only the {'one' if count == '1' else count} with the {keys[0].superlative}"
    return f", only the first{'' if count == '1' else f' {count}'} by {by}"


def _ordered_by(node: exp.Expr, outputs: Sequence[Output], groups: Groups | None, scope: Scope) -> Phrase:
    """A key of ORDER BY: a position, the name of a result, or an expression."""
    if isinstance(node, exp.Literal) and not node.is_string:
        scope.said(node)
        if not node.this.isdigit() or not 1 <= int(node.this) <= len(outputs):
            raise TooComplexError("ORDER BY of a number that is no column")
        return outputs[int(node.this) - 1].meaning
    if isinstance(node, exp.Column) and not node.table and not isinstance(node.this, exp.Star):
        meanings = {output.meaning for output in outputs if output.name.casefold() == node.name.casefold()}
        if len(meanings) == 1:
            scope.said(node)
            return meanings.pop()
    if groups is not None and not groups.is_known(node, scope):
        raise TooComplexError("ORDER BY a column of any one row of a group")
    for column in node.find_all(exp.Column):
        if not column.table and column.name.casefold() in scope.aliases and scope.locate(column) is not None:
            raise TooComplexError(f"{column.name} is a column and a result")
    return scope.with_aliases(node)


def _count(limit: exp.Expr | None, scope: Scope) -> str:
    if not isinstance(limit, exp.Fetch):
        return _number(limit, scope)
    parts = Parts(limit)
    scope.said(limit)
    count, options = parts.take("count"), parts.take("limit_options")
    parts.take("direction")
    parts.close()
    if options is not None and (options.args.get("percent") or options.args.get("with_ties")):
        raise TooComplexError("FETCH WITH TIES")
    return _digits(count)


def _number(clause: exp.Expr | None, scope: Scope) -> str:
    if clause is None:
        return ""
    parts = Parts(clause)
    scope.said(clause)
    expression: Any = parts.take("expression")
    parts.close()
    return _digits(expression)


def _digits(node: exp.Expr | None) -> str:
    text = literal_text(node)
    if text is None or not text.isdigit():
        raise TooComplexError("A computed number of rows")
    return text


# --- several put together -----------------------------------------------------------------------------------------


def _set_operation(
    node: exp.SetOperation, reading: Reading, results: Mapping[str, Source], outer: Scope | None
) -> Told:
    parts = Parts(node)
    reading.said.add(id(node))
    scope = Scope(reading, results, outer)
    _read_results(parts, scope)
    left = read_query(parts.take("this"), reading, scope.results, outer)
    right = read_query(parts.take("expression"), reading, scope.results, outer)
    if len(left.outputs) != len(right.outputs):
        raise TooComplexError("A different number of columns on each side")
    is_distinct = bool(parts.take("distinct"))
    outputs = tuple(
        Output(one.name, Phrase(name_text(one.name), one.meaning.kind if one.meaning.kind == two.meaning.kind else ""))
        for one, two in zip(left.outputs, right.outputs, strict=True)
    )
    order, limit, offset = parts.take("order"), parts.take("limit"), parts.take("offset")
    cut = _order_and_cut(order, limit, offset, outputs, None, scope)
    parts.close()
    both = f"({left.noun})", f"({right.noun})"
    once = ", each different row once" if is_distinct else ", repeats kept"
    text = {
        exp.Union: f"{both[0]} together with {both[1]}",
        exp.Intersect: f"what is both in {both[0]} and in {both[1]}",
        exp.Except: f"what is in {both[0]} but not in {both[1]}",
    }[type(node)]
    tail = text + once + cut
    return Told(f"lists {tail}", tail, tail, tail, outputs)
