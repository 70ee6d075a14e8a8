"""ORDER BY, LIMIT and OFFSET of a query in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlglot import exp

from t2s_magic.guard.words_groups import Groups
from t2s_magic.guard.words_names import Output
from t2s_magic.guard.words_order import order_key
from t2s_magic.guard.words_parts import Parts, Phrase, TooComplexError, listed, literal_text
from t2s_magic.guard.words_scope import Scope


def order_and_cut(
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
        for ordered in parts.take_all("expressions"):
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
    scope.check_aliases(node)
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
