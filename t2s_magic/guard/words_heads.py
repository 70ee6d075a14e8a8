"""The SELECT list in words: what is listed, counted or summed, and per what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlglot import exp

from t2s_magic.guard.words_groups import Groups, aggregates, groups_text
from t2s_magic.guard.words_names import Output, Source, name_text
from t2s_magic.guard.words_parts import Parts, TooComplexError, listed
from t2s_magic.guard.words_scope import Scope


@dataclass(frozen=True)
class Head:
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


def heads_of(nodes: Sequence[exp.Expr], scope: Scope) -> tuple[Head, ...]:
    return tuple(_head(node, scope) for node in nodes)


def _head(node: exp.Expr, scope: Scope) -> Head:
    result = node.unalias()
    if isinstance(result, exp.Star) or (isinstance(result, exp.Column) and isinstance(result.this, exp.Star)):
        outputs = _all_columns(result, scope)
        of = f" of {scope.shown(_wanted(result, scope)[0])}" if isinstance(result, exp.Column) else ""
        return Head(result, tuple(outputs), f"all columns{of if len(scope.sources) > 1 else ''}")
    meaning = scope.value(result)
    return Head(result, (Output(node.alias_or_name, meaning),), meaning.inner)


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


@dataclass(frozen=True)
class Main:
    """The beginning of ``Told``'s texts."""

    sentence: str
    noun: str
    step: str


def _main(verb: str, heads: Sequence[Head], prefix: str = "") -> Main:
    noun = prefix + listed([head.text for head in heads])
    return Main(f"{verb} {noun}", noun, prefix + listed([head.named for head in heads]))


def plain_main(heads: Sequence[Head], is_distinct: bool) -> Main:
    """A SELECT without groups."""
    return _main("lists", heads, _each_different(heads) if is_distinct else "")


def _each_different(heads: Sequence[Head]) -> str:
    is_one = len(heads) == 1 and len(heads[0].outputs) == 1
    return "each different " if is_one else "each different combination of "


def grouped_main(heads: Sequence[Head], groups: Groups, scope: Scope, node: exp.Select) -> tuple[Main, str, str]:
    """A SELECT with groups, "per what", and the same with the new names of columns."""
    computed = [head for head in heads if _is_computed(head.node, groups)]
    plain = [head for head in heads if head not in computed]
    known = [head for head in plain if groups.is_known(head.node, scope)]
    loose = [head for head in plain if head not in known]
    extra = _loose_text(loose, groups, scope, node)
    if not computed and groups.keys:
        main, per = _only_keys(heads, groups, scope, extra)
        return main, per, per
    main = _main("finds", computed or heads)
    if len(computed) == 1 and computed[0].verb:
        main = Main(computed[0].verb, main.noun, main.step)
    if not groups.keys:
        return main, extra, extra
    per = groups_text(groups, [(head.node, head.text) for head in known], scope)
    step_per = groups_text(groups, [(head.node, head.named) for head in known], scope)
    return main, f" per {per}{extra}", f" per {step_per}{extra}"


def _is_computed(result: exp.Expr, groups: Groups) -> bool:
    if any(result == key.node for key in groups.keys):
        return False
    has_columns = any(True for _ in result.find_all(exp.Column))
    return next(aggregates(result), None) is not None or bool(list(result.find_all(exp.Window))) or not has_columns


def _only_keys(heads: Sequence[Head], groups: Groups, scope: Scope, extra: str) -> tuple[Main, str]:
    """GROUP BY without an aggregate in the results: one row for each group."""
    is_key = [any(head.node == key.node for key in groups.keys) for head in heads]
    if all(is_key) and len(heads) == len(groups.keys):
        return _main("lists", heads, _each_different(heads)), ""
    whole = groups.whole
    keys = scope.introduced(whole) if whole is not None else listed([key.meaning.text for key in groups.keys])
    return _main("lists", heads), f", one row per {keys}{extra}"


def _loose_text(loose: Sequence[Head], groups: Groups, scope: Scope, node: exp.Select) -> str:
    """Columns that can have several values in a group. Engines other than SQLite and MySQL refuse them."""
    if not loose:
        return ""
    names = listed([head.text for head in loose])
    clauses = [*node.expressions, node.args.get("having"), node.args.get("order")]
    found = [inner for clause in clauses if clause is not None for inner in aggregates(clause)]
    extremes = {inner for inner in found if isinstance(inner, (exp.Max, exp.Min))}
    # With one MAX or MIN, SQLite takes the other columns from the row that has it.
    if scope.dialect == "sqlite" and len(extremes) == 1:
        extreme = scope.value(extremes.pop()).text
        return f", with {names} from a row with the {extreme}{' in each group' if groups.keys else ''}"
    return f", with {names} from any one row{' of each group' if groups.keys else ''}"
