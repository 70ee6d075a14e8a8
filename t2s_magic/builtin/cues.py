"""What the words around a value say of how it is compared: "older than 25", "since 2019", "the last 30 days"."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from t2s_magic.builtin import tree
from t2s_magic.builtin.features import stem
from t2s_magic.builtin.tokens import Candidate

_WORDS_BEFORE = 4
_WORDS_AFTER = 3
_AT_LEAST, _AT_MOST, _MORE, _LESS = ">=", "<=", ">", "<"
_UNITS = {"days_ago": "day", "weeks_ago": "week", "months_ago": "month", "years_ago": "year"}
# The first that stands right before the value counts, so "no more than" comes before "more than".
_BEFORE = tuple(
    (re.compile(rf"\b(?:{words})(?: (?:the|of|a|year|\$|€|£))*$"), operator)
    for words, operator in (
        (r"(?:no|not) (?:more|greater|higher|larger|older|longer|later|over|above) than|at most|up to|until|through|"
         r"or before|maximum of", _AT_MOST),
        (r"(?:no|not) (?:less|fewer|lower|smaller|younger|shorter|earlier|under) than|at least|minimum of|since|"
         r"or after|starting (?:in|from)", _AT_LEAST),
        (r"(?:more|greater|higher|larger|bigger|older|longer|later|heavier|taller|better) than|over|above|"
         r"exceed(?:s|ing)?|after|beyond", _MORE),
        (r"(?:less|fewer|lower|smaller|younger|shorter|earlier|lighter|cheaper|worse) than|under|below|before", _LESS),
    )
)  # fmt: skip
_AFTER = tuple(
    (re.compile(rf"^(?:\w+ )?(?:{words})\b(?! (?:than|\d))"), operator)
    for words, operator in (
        (r"or (?:more|higher|above|older|later|greater|over)|and (?:above|up)", _AT_LEAST),
        (r"or (?:less|fewer|lower|below|younger|earlier|under)", _AT_MOST),
    )
)
_OPPOSED = {
    _AT_LEAST: ("<", "<=", "=", "!="),
    _MORE: ("<", "<=", "=", "!="),
    _AT_MOST: (">", ">=", "=", "!="),
    _LESS: (">", ">=", "=", "!="),
}
_ORDER = re.compile(r"\b(?:most|least|fewest|best|worst|top|\w{3,}est)(?: \w+){0,3} first\W*$")


def misread_order(query: tree.Query, words: Sequence[str]) -> float:
    """1 where "the most customers first" asks for an order and the answer keeps a single row, else 0."""
    bodies = (node for node in tree.walk(query) if isinstance(node, tree.Body))
    keeps_one = any(body.limit == tree.ONE for body in bodies)
    return float(keeps_one and _ORDER.search(" ".join(words).lower()) is not None)


def misread_comparisons(query: tree.Query, candidates: Sequence[Candidate], words: Sequence[str]) -> float:
    """How many values of the question are compared otherwise than the words around them say.

    The other direction, or none, counts 1; a bound that is left out or let in counts a half.
    """
    folded = [word.lower() for word in words]
    count = 0.0
    for test in _tests(query):
        for literal in _literals(test):
            candidate = candidates[literal.value]
            count += _is_other_unit(test, literal, candidate, folded)
            said = said_operator(candidate, folded)
            if said is None or test.operator not in ("=", "!=", "<", "<=", ">", ">="):
                continue
            operator = _turned(test.operator) if literal not in test.rights and _is_ago(test) else test.operator
            count += 1.0 if operator in _OPPOSED[said] else 0.5 * (operator != said)
    return count


def said_operator(candidate: Candidate, words: Sequence[str]) -> str | None:
    """The comparison that the words (in lower case) beside a value name, if they name one."""
    if candidate.start < 0:
        return None
    before = " ".join(words[max(candidate.start - _WORDS_BEFORE, 0) : candidate.start])
    after = " ".join(words[candidate.end : candidate.end + _WORDS_AFTER])
    found = [operator for pattern, operator in _AFTER if pattern.search(after)]
    found += [operator for pattern, operator in _BEFORE if pattern.search(before)]
    return found[0] if found else None


def _tests(query: tree.Query) -> Iterator[tree.Test]:
    return (node for node in tree.walk(query, into_subqueries=True) if isinstance(node, tree.Test))


def _literals(test: tree.Test) -> Iterator[tree.Literal]:
    """The values on the right, and those within a moment there."""
    for right in test.rights:
        for node in tree.walk(right):
            if isinstance(node, tree.Literal):
                yield node


def _is_ago(test: tree.Test) -> bool:
    return any(isinstance(right, tree.Call) and right.name in _UNITS for right in test.rights)


def _turned(operator: str) -> str:
    """``older than 3 days``: placed before the day three days ago."""
    return operator.translate(str.maketrans("<>", "><"))


def _is_other_unit(test: tree.Test, literal: tree.Literal, candidate: Candidate, words: Sequence[str]) -> bool:
    """``months_ago 30`` for "30 days"."""
    calls = [right for right in test.rights if isinstance(right, tree.Call) and literal in right.operands]
    after = stem(words[candidate.end]) if 0 <= candidate.end < len(words) and candidate.start >= 0 else ""
    return any(call.name in _UNITS and after in _UNITS.values() and _UNITS[call.name] != after for call in calls)
