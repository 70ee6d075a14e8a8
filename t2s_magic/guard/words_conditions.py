"""Rules for conditions in words. Negation, AND and OR keep SQL's meaning; brackets are written wherever both meet."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from sqlglot import exp

from t2s_magic.guard.words_parts import Condition, Parts, Phrase, Speaker, TooComplexError, listed, quoted

ConditionRule = Callable[[Parts, Speaker, bool], Condition]
_YEAR = "year of "
_MOMENTS = ("date", "timestamp", "text")


def say_condition(node: exp.Expr, scope: Speaker, *, is_negated: bool = False) -> Condition:
    """What ``node`` (or, negated, NOT node) asks of a row; a rule per kind of node, or a truth value as it stands."""
    rule = CONDITION_RULES.get(type(node))
    if rule is None:
        return _truth(scope.value(node), is_negated)
    parts = Parts(node)
    scope.said(node, only_this=True)
    said = rule(parts, scope, is_negated)
    parts.close()
    return said


def _truth(value: Phrase, is_negated: bool) -> Condition:
    if value.kind != "boolean":
        raise TooComplexError("A condition that is no true or false")
    return Condition(f"{value.the} is {'false' if is_negated else 'true'}")


def _junction(word: str) -> ConditionRule:
    def rule(parts: Parts, scope: Speaker, is_negated: bool) -> Condition:
        # De Morgan's laws hold with NULL too: NOT (a AND b) asks what (NOT a OR NOT b) asks.
        joined_by = {"and": "or", "or": "and"}[word] if is_negated else word
        said = [say_condition(term, scope, is_negated=is_negated) for term in _terms(parts, scope)]
        return Condition(listed_conditions(said, joined_by), joined_by)

    return rule


def _terms(parts: Parts, scope: Speaker) -> list[exp.Expr]:
    """The terms of a chain of one connector. A chain nests to the left, thousands deep, so this is a loop."""
    kind = type(parts.node)
    terms = [parts.take("expression")]
    left = parts.take("this")
    while type(left) is kind:
        scope.said(left, only_this=True)
        terms.append(left.args["expression"])
        left = left.args["this"]
    return [left, *reversed(terms)]


def listed_conditions(conditions: list[Condition], word: str) -> str:
    """Joined by ``word``; a term that is itself joined by the other word stands in brackets."""
    if len(conditions) == 1:
        return conditions[0].text
    texts = [term.text if term.joined_by in ("", word) else term.inner for term in conditions]
    return f" {word} ".join(texts)


def negation(parts: Parts, scope: Speaker, is_negated: bool) -> Condition:
    return say_condition(parts.take("this"), scope, is_negated=not is_negated)


def brackets(parts: Parts, scope: Speaker, is_negated: bool) -> Condition:
    return say_condition(parts.take("this"), scope, is_negated=is_negated)


# (plain, negated) words: first for numbers, then for dates, times and texts. A row without a value passes neither.
_NUMBER_WORDS = {
    exp.EQ: ("is", "is other than"),
    exp.NEQ: ("is other than", "is"),
    exp.GT: ("is over", "is at most"),
    exp.GTE: ("is at least", "is under"),
    exp.LT: ("is under", "is at least"),
    exp.LTE: ("is at most", "is over"),
}
_MOMENT_WORDS = {
    **_NUMBER_WORDS,
    exp.GT: ("is after", "is at or before"),
    exp.GTE: ("is at or after", "is before"),
    exp.LT: ("is before", "is at or after"),
    exp.LTE: ("is at or before", "is after"),
}
_FLIPPED = {exp.GT: exp.LT, exp.GTE: exp.LTE, exp.LT: exp.GT, exp.LTE: exp.GTE}


def comparison(parts: Parts, scope: Speaker, is_negated: bool) -> Condition:
    kind: Any = type(parts.node)
    left_node, right_node = parts.take("this"), parts.take("expression")
    if isinstance(left_node, (exp.Literal, exp.Cast, exp.Null)) and not isinstance(right_node, exp.Literal):
        left_node, right_node = right_node, left_node
        kind = _FLIPPED.get(kind, kind)
    left = scope.value(left_node)
    if isinstance(right_node, exp.Null):
        scope.said(right_node)
        return Condition(f"{left.the} is compared with NULL (never true: IS NULL finds missing values)")
    if isinstance(right_node, (exp.All, exp.Any)):
        if is_negated:
            raise TooComplexError("NOT before ALL or ANY")
        words = (_MOMENT_WORDS if left.kind in _MOMENTS else _NUMBER_WORDS)[kind][False]
        return Condition(f"{left.the} {words} {_all_or_any(right_node, scope)}")
    right = scope.value(right_node)
    left = left if left.kind or right.kind not in ("date", "timestamp") else left.of_kind(right.kind)
    words = (_MOMENT_WORDS if left.kind in _MOMENTS else _NUMBER_WORDS)[kind][is_negated]
    if words == "is" and _is_year(left, right):
        return Condition(f"{left.text.removeprefix(_YEAR)} is in {right.literal}")
    if words == "is" and right.literal is None and not isinstance(right_node, exp.Boolean):
        words = "equals"
    note = " (but in SQLite every text is above every number)" if _mixes_kinds(left_node, right, scope) else ""
    return Condition(f"{left.the} {words} {right.the}{note}")


def _mixes_kinds(node: exp.Expr, other: Phrase, scope: Speaker) -> bool:
    """Whether SQLite compares the text that strftime makes with a number: they are never equal."""
    is_number = other.literal is not None and other.kind in ("integer", "number")
    return scope.dialect == "sqlite" and isinstance(node, exp.TimeToStr) and is_number


def _is_year(left: Phrase, right: Phrase) -> bool:
    """Whether a year is compared with a year of its own type: '2025' with strftime, 2025 with EXTRACT."""
    fits = (left.kind, right.kind) in (("date", "text"), ("integer", "integer"))
    is_year = left.is_common and left.text.startswith(_YEAR)
    return is_year and fits and re.fullmatch(r"\d{4}", right.literal or "") is not None


def _all_or_any(node: exp.Expr, scope: Speaker) -> str:
    parts = Parts(node)
    scope.said(node, only_this=True)
    query = parts.take("this")
    parts.close()
    each = "every one of" if isinstance(node, exp.All) else "at least one of"
    return f"{each} {_in_brackets(query, scope)}"


def _in_brackets(query: exp.Expr, scope: Speaker) -> str:
    if isinstance(query, (exp.Subquery, exp.Paren)):
        wrapper = Parts(query)
        scope.said(query, only_this=True)
        query = wrapper.take("this")
        wrapper.close()
    if not isinstance(query, exp.Query):
        raise TooComplexError("A list where a query should stand")
    return f"({scope.query(query)})"


def between(parts: Parts, scope: Speaker, is_negated: bool) -> Condition:
    node = parts.take("this")
    value, low, high = scope.value(node), scope.value(parts.take("low")), scope.value(parts.take("high"))
    if _mixes_kinds(node, low, scope) or _mixes_kinds(node, high, scope):
        raise TooComplexError("A text between numbers")
    if parts.take("symmetric"):
        raise TooComplexError("BETWEEN SYMMETRIC")
    is_moment = value.kind in _MOMENTS
    if is_negated:
        before, after = ("before", "after") if is_moment else ("under", "over")
        return Condition(f"{value.the} is {before} {low.the} or {after} {high.the}", "or")
    return Condition(f"{value.the} is from {low.the} to {high.the}")


def membership(parts: Parts, scope: Speaker, is_negated: bool) -> Condition:
    node, members, query = parts.take("this"), parts.take_all("expressions"), parts.take("query")
    value = scope.value(node)
    if query is not None:
        words = "is not among" if is_negated else "is among"
        return Condition(f"{value.the} {words} {_in_brackets(query, scope)}")
    values = [scope.value(member) for member in members]
    if any(isinstance(member, exp.Null) for member in members):
        raise TooComplexError("NULL in a list")
    if any(_mixes_kinds(node, member, scope) for member in values):
        raise TooComplexError("A text among numbers")
    texts = [member.the for member in values]
    if len(texts) == 1:
        return Condition(f"{value.the} {'is other than' if is_negated else 'is'} {texts[0]}")
    if is_negated:
        return Condition(f"{value.the} is none of {listed(texts)}")
    return Condition(
        f"{value.the} is {listed(texts, 'or')}" if len(texts) < 3 else f"{value.the} is one of {listed(texts)}"
    )


def _like(is_any_case_by_name: bool) -> ConditionRule:
    def rule(parts: Parts, scope: Speaker, is_negated: bool) -> Condition:
        value, pattern_node = scope.value(parts.take("this")), parts.take("expression")
        # sqlglot >= 30 keeps NOT LIKE as a flag in some dialects; it is part of the meaning.
        if parts.take("negate"):
            is_negated = not is_negated
        pattern_phrase = scope.value(pattern_node)
        pattern = pattern_phrase.literal
        ignores_case = is_any_case_by_name or scope.dialect in ("sqlite", "mysql")
        has_letters = pattern is None or any(character.isalpha() for character in pattern)
        note = " (in any case)" if ignores_case and has_letters else ""
        if pattern is None or pattern_phrase.kind != "text":
            words = "does not match" if is_negated else "matches"
            return Condition(f"{value.the} {words} the pattern {pattern_phrase.inner}{note}")
        return Condition(f"{value.the} {_pattern_words(pattern, is_negated, scope.dialect)}{note}")

    return rule


def _pattern_words(pattern: str, is_negated: bool, dialect: str) -> str:
    """``LIKE pattern`` as a verb phrase. A backslash escapes in PostgreSQL and MySQL, so we leave that to the SQL."""
    if "\\" in pattern and dialect in ("postgres", "mysql"):
        raise TooComplexError("An escaped pattern")
    core = pattern.strip("%")
    starts_open, ends_open = pattern.startswith("%"), pattern.endswith("%")
    if not core or "%" in core or "_" in core:
        words = "does not match" if is_negated else "matches"
        return f"{words} the pattern {quoted(pattern)} (% is any text, _ any character)"
    plain, negated = {
        (True, True): ("contains", "does not contain"),
        (False, True): ("starts with", "does not start with"),
        (True, False): ("ends with", "does not end with"),
        (False, False): ("is", "is other than"),
    }[starts_open, ends_open]
    return f"{negated if is_negated else plain} {quoted(core)}"


def glob(parts: Parts, scope: Speaker, is_negated: bool) -> Condition:
    value, pattern = scope.value(parts.take("this")), scope.value(parts.take("expression"))
    words = "does not match" if is_negated else "matches"
    return Condition(f"{value.the} {words} the pattern {pattern.inner} (* is any text, ? any character)")


def regular_expression(parts: Parts, scope: Speaker, is_negated: bool) -> Condition:
    value, pattern = scope.value(parts.take("this")), scope.value(parts.take("expression"))
    words = "does not match" if is_negated else "matches"
    return Condition(f"{value.the} {words} the regular expression {pattern.inner}")


def identity(parts: Parts, scope: Speaker, is_negated: bool) -> Condition:
    """``IS NULL``, ``IS TRUE`` and, in SQLite, ``IS`` anything."""
    value, other = scope.value(parts.take("this")), parts.take("expression")
    if isinstance(other, exp.Null):
        scope.said(other)
        return Condition(f"{value.the} is {'given' if is_negated else 'missing'}")
    if isinstance(other, exp.Boolean):
        said = scope.value(other).text
        return Condition(f"{value.the} is {'missing or not ' if is_negated else ''}{said}", "or" if is_negated else "")
    raise TooComplexError("IS something other than NULL, TRUE or FALSE")


def null_safe_equal(parts: Parts, scope: Speaker, is_negated: bool) -> Condition:
    left, right = scope.value(parts.take("this")), scope.value(parts.take("expression"))
    words = "differs from" if is_negated else "is the same as"
    return Condition(f"{left.the} {words} {right.the} (two missing ones are the same)")


def null_safe_different(parts: Parts, scope: Speaker, is_negated: bool) -> Condition:
    return null_safe_equal(parts, scope, not is_negated)


def existence(parts: Parts, scope: Speaker, is_negated: bool) -> Condition:
    words = "there is no row in" if is_negated else "there is a row in"
    query = parts.take("this")
    if not isinstance(query, exp.Query):
        raise TooComplexError("EXISTS of something that is no query")
    return Condition(f"{words} ({scope.rows(query)})")


CONDITION_RULES: dict[type[exp.Expr], ConditionRule] = {
    exp.And: _junction("and"),
    exp.Or: _junction("or"),
    exp.Not: negation,
    exp.Paren: brackets,
    exp.EQ: comparison,
    exp.NEQ: comparison,
    exp.GT: comparison,
    exp.GTE: comparison,
    exp.LT: comparison,
    exp.LTE: comparison,
    exp.Between: between,
    exp.In: membership,
    exp.Like: _like(False),
    exp.ILike: _like(True),
    exp.Glob: glob,
    exp.RegexpLike: regular_expression,
    exp.Is: identity,
    exp.NullSafeEQ: null_safe_equal,
    exp.NullSafeNEQ: null_safe_different,
    exp.Exists: existence,
}
