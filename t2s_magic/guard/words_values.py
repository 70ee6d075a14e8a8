"""Rules for values in words: names, literals, arithmetic, text, CASE. Aggregates and dates have their own modules."""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from t2s_magic.guard.words_parts import Parts, Phrase, Rule, Speaker, TooComplexError, listed, literal_text, quoted


def column(parts: Parts, scope: Speaker) -> Phrase:
    for name in ("this", "table", "db", "catalog"):
        scope.said(parts.take(name))
    assert isinstance(parts.node, exp.Expr)
    return scope.resolve(parts.node)


def literal(parts: Parts, scope: Speaker) -> Phrase:
    text = str(parts.take("this"))
    if parts.take("is_string"):
        return Phrase(quoted(text), "text", may_be_null=False, literal=text)
    kind = "integer" if text.isdigit() else "number"
    return Phrase(text, kind, may_be_null=False, literal=text)


def boolean(parts: Parts, scope: Speaker) -> Phrase:
    return Phrase("true" if parts.take("this") else "false", "boolean", may_be_null=False)


def null(parts: Parts, scope: Speaker) -> Phrase:
    return Phrase("nothing")


def random_number(parts: Parts, scope: Speaker) -> Phrase:
    return Phrase("a random number", may_be_null=False)


def brackets(parts: Parts, scope: Speaker) -> Phrase:
    return scope.value(parts.take("this"))


def negative(parts: Parts, scope: Speaker) -> Phrase:
    operand = scope.value(parts.take("this"))
    return Phrase(f"−{operand.operand}", operand.kind, may_be_null=operand.may_be_null)


def _arithmetic(sign: str) -> Rule:
    def rule(parts: Parts, scope: Speaker) -> Phrase:
        sides = parts.take("this"), parts.take("expression")
        if any(isinstance(side, exp.Null) for side in sides):
            raise TooComplexError("Arithmetic with NULL")
        left, right = (scope.value(side) for side in sides)
        both = {left.kind, right.kind}
        kind = "integer" if both == {"integer"} else "number"
        if left.kind in ("date", "timestamp") and right.kind not in ("date", "timestamp"):
            kind = left.kind
        return Phrase(
            f"{left.operand} {sign} {right.operand}",
            kind,
            is_single=False,
            may_be_null=left.may_be_null or right.may_be_null or sign == "modulo",
        )

    return rule


def division(parts: Parts, scope: Speaker) -> Phrase:
    left, right = scope.value(parts.take("this")), scope.value(parts.take("expression"))
    is_typed = bool(parts.take("typed"))
    parts.take("safe")
    drops_fraction = is_typed and left.kind == right.kind == "integer"
    note = " without the fraction" if drops_fraction else ""
    return Phrase(f"{left.operand} ÷ {right.operand}{note}", "integer" if drops_fraction else "number", is_single=False)


def whole_division(parts: Parts, scope: Speaker) -> Phrase:
    left, right = scope.value(parts.take("this")), scope.value(parts.take("expression"))
    return Phrase(f"{left.operand} ÷ {right.operand} without the fraction", "integer", is_single=False)


def cast(parts: Parts, scope: Speaker) -> Phrase:
    operand = scope.value(parts.take("this"))
    parts.take("safe")
    target: exp.DataType = parts.take("to")
    scope.said(target)
    if target.is_type(*exp.DataType.INTEGER_TYPES):
        is_whole = operand.kind in ("integer", "digits")
        return operand.of_kind("integer") if is_whole else operand.followed_by("as a whole number", "integer")
    if target.is_type(*exp.DataType.TEXT_TYPES) and not target.expressions:
        return operand.of_kind("text") if operand.kind == "text" else operand.followed_by("as text", "text")
    if target.is_type(*exp.DataType.FLOAT_TYPES):
        return operand.of_kind("number")
    if target.is_type(exp.DType.DECIMAL):
        return _as_decimal(operand, target, scope.dialect)
    if target.is_type(exp.DType.BOOLEAN):
        return operand.followed_by("as true or false", "boolean")
    if target.is_type(exp.DType.DATE):
        return _as_date(operand)
    if target.is_type(exp.DType.TIMESTAMP, exp.DType.TIMESTAMPTZ, exp.DType.DATETIME):
        return operand.of_kind("timestamp")
    raise TooComplexError(f"Cast to {target}")


def _as_decimal(operand: Phrase, target: exp.DataType, dialect: str) -> Phrase:
    sizes = [size.name for size in target.expressions]
    # Without sizes DuckDB keeps 3 decimals, MySQL none, the others all.
    decimals = (
        sizes[1] if len(sizes) > 1 else "0" if sizes or dialect == "mysql" else "3" if dialect == "duckdb" else ""
    )
    if dialect == "sqlite" or not decimals:
        return operand.of_kind("number")
    return operand.followed_by(f"with {decimals} decimals", "number")


def _as_date(operand: Phrase) -> Phrase:
    if operand.literal is not None or operand.kind == "date":
        return operand.of_kind("date")
    return Phrase(f"date of {operand.inner}", "date", is_common=True)


def rounded(parts: Parts, scope: Speaker) -> Phrase:
    operand, decimals = scope.value(parts.take("this")), parts.take("decimals")
    scope.said(decimals)
    if decimals is None or literal_text(decimals) == "0":
        return operand.followed_by("rounded", "number", may_be_null=operand.may_be_null)
    if not (literal_text(decimals) or "").isdigit():
        raise TooComplexError("ROUND to a computed place")
    places = "1 decimal" if decimals.name == "1" else f"{decimals.name} decimals"
    return operand.followed_by(f"rounded to {places}", "number", may_be_null=operand.may_be_null)


def coalesce(parts: Parts, scope: Speaker) -> Phrase:
    first, others = scope.value(parts.take("this")), [scope.value(other) for other in parts.take_all("expressions")]
    fallbacks = ", then ".join(other.inner for other in others)
    may_be_null = all(value.may_be_null for value in (first, *others))
    return first.followed_by(f"(or {fallbacks} where missing)", first.kind, may_be_null=may_be_null)


def nothing_if(parts: Parts, scope: Speaker) -> Phrase:
    value, excluded = scope.value(parts.take("this")), scope.value(parts.take("expression"))
    return value.followed_by(f"(nothing where it is {excluded.inner})", value.kind)


def case(parts: Parts, scope: Speaker) -> Phrase:
    subject = parts.take("this")
    compared = scope.value(subject).the if subject is not None else None
    branches = []
    kinds = []
    for branch in parts.take_all("ifs"):
        scope.said(branch)
        result = scope.value(branch.args["true"])
        kinds.append(result.kind)
        if branch.args.get("false") is not None:
            raise TooComplexError("CASE branch with two results")
        when = branch.this
        condition = scope.condition(when).text if compared is None else f"{compared} is {scope.value(when).inner}"
        branches.append(f"{result.inner} if {condition}")
    return _either(branches, kinds, parts.take("default"), scope)


def conditional(parts: Parts, scope: Speaker) -> Phrase:
    condition, result = scope.condition(parts.take("this")), scope.value(parts.take("true"))
    return _either([f"{result.inner} if {condition.text}"], [result.kind], parts.take("false"), scope)


def _either(branches: list[str], kinds: list[str], default: exp.Expr | None, scope: Speaker) -> Phrase:
    otherwise = scope.value(default) if default is not None else Phrase("nothing")
    kinds = [*kinds, otherwise.kind] if default is not None else kinds
    kind = kinds[0] if len(set(kinds)) == 1 else ""
    return Phrase(f"({'; '.join(branches)}; otherwise {otherwise.inner})", kind)


def _about(words: str, kind: str) -> Rule:
    """A function of one argument said as ``words of X``."""

    def rule(parts: Parts, scope: Speaker) -> Phrase:
        operand = scope.value(parts.take("this"))
        parts.take("binary")
        return Phrase(f"{words} of {operand.inner}", kind, is_common=True, may_be_null=operand.may_be_null)

    return rule


def several(parts: Parts, scope: Speaker) -> Phrase:
    values = [scope.value(value).inner for value in parts.take_all("expressions")]
    return Phrase(f"({', '.join(values)})")


def followed_by(words: str, kind: str) -> Rule:
    """A function of one argument said after it: ``X in lower case``."""

    def rule(parts: Parts, scope: Speaker) -> Phrase:
        operand = scope.value(parts.take("this"))
        return operand.followed_by(words, kind, may_be_null=operand.may_be_null)

    return rule


def most_of(words: str) -> Callable[[list[Phrase]], Phrase]:
    """SQLite's ``max(a, b)``, the standard's ``GREATEST(a, b)``."""

    def said(values: list[Phrase]) -> Phrase:
        return Phrase(
            f"{words} of {listed([value.inner for value in values])}", values[0].kind, is_common=True, is_single=False
        )

    return said


def _of_several(words: str) -> Rule:
    def rule(parts: Parts, scope: Speaker) -> Phrase:
        values = [scope.value(parts.take("this")), *map(scope.value, parts.take_all("expressions"))]
        parts.take("ignore_nulls")
        return most_of(words)(values)

    return rule


VALUE_RULES: dict[type[exp.Expr], Rule] = {
    exp.Column: column,
    exp.Literal: literal,
    exp.Boolean: boolean,
    exp.Null: null,
    exp.Rand: random_number,
    exp.Paren: brackets,
    exp.Neg: negative,
    exp.Add: _arithmetic("+"),
    exp.Sub: _arithmetic("−"),
    exp.Mul: _arithmetic("×"),
    exp.Mod: _arithmetic("modulo"),
    exp.Div: division,
    exp.IntDiv: whole_division,
    exp.Cast: cast,
    exp.TryCast: cast,
    exp.Round: rounded,
    exp.Coalesce: coalesce,
    exp.Nullif: nothing_if,
    exp.Case: case,
    exp.If: conditional,
    exp.Abs: _about("absolute value", "number"),
    exp.Length: _about("length", "integer"),
    exp.Floor: followed_by("rounded down", "number"),
    exp.Ceil: followed_by("rounded up", "number"),
    exp.Greatest: _of_several("highest"),
    exp.Least: _of_several("lowest"),
    exp.Tuple: several,
}
