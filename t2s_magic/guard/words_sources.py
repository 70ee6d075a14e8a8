"""What a FROM or a JOIN names: a table of the schema, a named query, or a query in brackets."""

from __future__ import annotations

from sqlglot import exp

from t2s_magic.guard.words_names import Source, name_text, source_of_result, source_of_table
from t2s_magic.guard.words_parts import Parts, TooComplexError
from t2s_magic.guard.words_scope import Scope


def read_source(node: exp.Expr, scope: Scope) -> Source:
    parts = Parts(node)
    scope.said(node, only_this=True)
    alias = _alias(parts, scope)
    if isinstance(node, exp.Table):
        source = _table(parts, alias, scope)
    elif isinstance(node, exp.Subquery):
        source = _subquery(parts, alias, scope)
    else:
        raise TooComplexError(f"FROM {type(node).__name__}")
    parts.close()
    return source


def _alias(parts: Parts, scope: Scope) -> str:
    alias = parts.take("alias")
    if alias is None:
        return ""
    scope.said(alias)
    if alias.args.get("columns"):
        raise TooComplexError("New names for the columns of a source")
    return str(alias.name)


def _table(parts: Parts, alias: str, scope: Scope) -> Source:
    path = [part for part in (parts.take("catalog"), parts.take("db"), parts.take("this")) if part is not None]
    scope.said(*path)
    if not path or not all(isinstance(part, exp.Identifier) for part in path):  # ROWS FROM (f()) names nothing
        raise TooComplexError("A function in FROM")
    names = [part.name for part in path]
    if len(names) == 1 and names[0].casefold() in scope.results:
        result = scope.results[names[0].casefold()]
        return Source(alias or names[0], result.name, result.columns)
    table = scope.reading.schema.find(names)
    if table is None:
        raise TooComplexError(f"Unknown table {'.'.join(names)}")
    return source_of_table(table, alias or names[-1])


def _subquery(parts: Parts, alias: str, scope: Scope) -> Source:
    """A query in FROM: a step of its own when it has a name, else said in its place."""
    told = scope.reading.read(parts.take("this"), scope.reading, scope.results, None)
    if not alias:
        source = source_of_result("", told.outputs)
        source.name = f"({told.noun})"
        return source
    add_step(alias, told.step, scope)
    return source_of_result(alias, told.outputs)


def add_step(name: str, noun: str, scope: Scope) -> None:
    """Say a named query before the sentence that uses it."""
    text = f"{name_text(name)} ({noun})"
    if scope.reading.steps.setdefault(name.casefold(), text) != text or scope.reading.schema.find([name]):
        raise TooComplexError(f"Two things are called {name}")
