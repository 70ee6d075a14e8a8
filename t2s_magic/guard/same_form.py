"""Do two statements consist of the same clauses, whatever the order of their parts?"""

from __future__ import annotations

from collections import Counter

from sqlglot import ErrorLevel, exp, parse_one

from t2s_magic.guard.stumbles import STUMBLES

# What has no order of its own: selected columns, conditions under AND or OR, groups.
_UNORDERED = (exp.And, exp.Or)


def is_same_form(first: str, second: str, dialect: str) -> bool:
    """Exact-set match, values included: clauses equal, with selected columns, conditions and groups as sets.

    Names are compared without case, and by the tables that aliases stand for. A diagnostic only: other forms may give
    the same rows. Text that is no SQL matches nothing.
    """
    try:
        return _form(parse_one(first, dialect=dialect, error_level=ErrorLevel.RAISE)) == _form(
            parse_one(second, dialect=dialect, error_level=ErrorLevel.RAISE)
        )
    except STUMBLES:
        return False


def _form(tree: exp.Expr) -> object:
    tables = {table.alias.lower(): table.name.lower() for table in tree.find_all(exp.Table) if table.alias}
    return _shape(tree, tables)


def _shape(node: object, tables: dict[str, str]) -> object:
    if isinstance(node, list):
        return tuple(_shape(each, tables) for each in node)
    if not isinstance(node, exp.Expr):
        return node
    if isinstance(node, exp.Column):
        owner = node.table.lower()
        return ("column", node.name.lower()) if not owner else ("column", tables.get(owner, owner), node.name.lower())
    if isinstance(node, exp.Table):
        return ("table", node.name.lower())
    if isinstance(node, exp.Alias | exp.Paren):
        return _shape(node.this, tables)
    if isinstance(node, exp.Identifier):
        return node.name.lower()
    if isinstance(node, _UNORDERED):
        return (node.key, _bag(node.flatten(), tables))
    if isinstance(node, exp.EQ):
        return (node.key, _bag((node.left, node.right), tables))
    return (
        node.key,
        tuple(
            (
                name,
                _bag(value, tables) if name == "expressions" and isinstance(node, exp.Select | exp.Group) else shaped,
            )
            for name, value in sorted(node.args.items())
            if (shaped := _shape(value, tables)) not in (None, (), False)
        ),
    )


def _bag(nodes: object, tables: dict[str, str]) -> frozenset[tuple[object, int]]:
    assert not isinstance(nodes, str)
    return frozenset(Counter(_shape(node, tables) for node in nodes).items())  # type: ignore[attr-defined]
