"""Conditions of the grammar as SQL text, both sides made comparable."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace

from t2s_magic.builtin import names, tree
from t2s_magic.builtin.decode_expressions import TRUTHS, ExpressionWriter
from t2s_magic.builtin.dialects import BOOLEAN, DATE, NUMBER, TEXT
from t2s_magic.builtin.frames import Frame, UndecodableError
from t2s_magic.builtin.literals import as_number
from t2s_magic.builtin.plan import has_aggregate, plain_items

_EXTREMES = {"is_max": ("=", "MAX"), "is_min": ("=", "MIN"), "above_avg": (">", "AVG"), "below_avg": ("<", "AVG")}
_MATCHING = {"contains": "%{}%", "starts": "{}%", "ends": "%{}", "like": "{}"}
_MOMENT = re.compile(r"\d{4}-\d{1,2}-\d{1,2}(?:[ T][\d:.]+)?$|\d{1,2}:\d{2}")
_COMPARED = frozenset(("=", "!=", ">", "<", ">=", "<="))
_AS_MEMBER = {"=": "in", "!=": "not_in"}
_RANGED = frozenset((">", "<", ">=", "<=", "between", "not_between"))


class ConditionWriter(ExpressionWriter):
    """SQL text of conditions."""

    @abstractmethod
    def exists(self, query: tree.Query, frame: Frame) -> str:
        """The parentheses of EXISTS, tied to ``frame``."""

    def conditions(self, conditions: tree.Conditions, frame: Frame) -> str:
        written = [self.condition(conditions.parts[0], frame)]
        for joiner, part in zip(conditions.joiners, conditions.parts[1:], strict=True):
            written += [joiner.upper(), self.condition(part, frame)]
        return " ".join(written)

    def condition(self, part: tree.Test | tree.Exists | tree.Nested, frame: Frame) -> str:
        match part:
            case tree.Nested(conditions, is_negated):
                return f"{'NOT ' if is_negated else ''}({self.conditions(conditions, frame)})"
            case tree.Exists(query, is_negated):
                return f"{'NOT ' if is_negated else ''}EXISTS {self.exists(query, frame)}"
            case tree.Test():
                return self._test(part, frame)

    def _test(self, test: tree.Test, frame: Frame) -> str:
        if not self.dialect.takes_first_row:
            test = _of_one_row(test)
        operator = test.operator
        if operator in ("is_null", "not_null"):
            return f"{self.expression(test.left, frame)} IS {'NOT ' if operator == 'not_null' else ''}NULL"
        if operator in _EXTREMES:
            return self._extreme(test, frame)
        if operator.removeprefix("not_") in _MATCHING:
            return self._matching(test, frame)
        left, rights = self._sides(test, frame)
        if operator in tree.RANGES:
            return f"{left} {'NOT ' if operator == 'not_between' else ''}BETWEEN {rights[0]} AND {rights[1]}"
        if operator in tree.MEMBERSHIP:
            word = "NOT IN" if operator == "not_in" else "IN"
            members = rights[0] if isinstance(test.rights[0], tree.Subquery) else f"({', '.join(rights)})"
            return f"{left} {word} {members}"
        return f"{left} {operator if operator != '!=' else '<>'} {rights[0]}"

    def _sides(self, test: tree.Test, frame: Frame) -> tuple[str, list[str]]:
        """Both sides of a comparison, made comparable."""
        left = test.left
        if isinstance(left, tree.Call) and left.name in tree.DATE_PARTS:
            return self._date_part_sides(left, test, frame)
        kind = self.kind(left, frame)
        written = self.expression(left, frame)
        literals = [right for right in test.rights if isinstance(right, tree.Literal | tree.Constant)]
        if literals and literals[0] != tree.Constant("now"):
            written, kind = self._comparable(written, kind, literals, test.operator)
        rights = [self._right(right, kind, frame) for right in test.rights]
        if test.operator == "not_in" and isinstance(test.rights[0], tree.Subquery):
            rights = [self.subquery(_without_null(test.rights[0].query, frame), frame)]
        if self.dialect.is_strict and not literals:
            return self._alike(test, written, rights, frame)
        return written, rights

    def _alike(self, test: tree.Test, left: str, rights: list[str], frame: Frame) -> tuple[str, list[str]]:
        """Two computed sides, cast where a strict engine would refuse to compare their kinds."""
        right = test.rights[0]
        kinds = {self.kind(test.left, frame), self.kind(right, frame)}
        if kinds not in ({TEXT, NUMBER}, {TEXT, DATE}, {NUMBER, DATE}):
            return left, rights
        if isinstance(right, tree.Subquery):
            return self.dialect.as_text(left), [self.subquery(_as_text(right.query), frame)]
        if kinds == {TEXT, DATE}:
            is_left_text = self.kind(test.left, frame) == TEXT
            return (self.dialect.as_date(left), rights) if is_left_text else (left, [self.dialect.as_date(rights[0])])
        return self.dialect.as_text(left), [self.dialect.as_text(one) for one in rights]

    def _right(self, right: tree.Expression, beside: str, frame: Frame) -> str:
        if isinstance(right, tree.Literal | tree.Constant):
            return self.literal(right, beside)
        return self.expression(right, frame)

    def _comparable(
        self,
        written: str,
        kind: str,
        literals: Sequence[tree.Literal | tree.Constant],
        operator: str,
    ) -> tuple[str, str]:
        """The left side, cast where text would be compared letter by letter, or a strict engine would refuse."""
        texts = [self.candidate(one.value).text if isinstance(one, tree.Literal) else one.text for one in literals]
        are_numbers = all(as_number(text) is not None for text in texts)
        are_years = are_numbers and all(len(text) == 4 for text in texts)
        if kind == TEXT and are_numbers and operator in _RANGED and not are_years:
            return self.dialect.as_number(written), NUMBER
        if not self.dialect.is_strict:
            return written, kind
        if kind == DATE and are_years:
            return self.dialect.date_part("year", written), NUMBER
        if kind == DATE and not all(map(_is_moment, texts)):
            return self.dialect.as_text(written), TEXT
        if kind == NUMBER and not are_numbers:
            return self.dialect.as_text(written), TEXT
        if kind == BOOLEAN and any(text.casefold() not in TRUTHS for text in texts):
            return self.dialect.as_text(written), TEXT
        return written, kind

    def _date_part_sides(self, left: tree.Call, test: tree.Test, frame: Frame) -> tuple[str, list[str]]:
        """``strftime('%m', d) = '03'`` in SQLite; numbers elsewhere, and where both sides are computed."""
        part, written = left.name, self.expression(left, frame)
        is_own_year = isinstance(left.operands[0], tree.Column) and frame.kind(left.operands[0]) == NUMBER
        is_text = self.dialect.has_text_parts(part) and not is_own_year
        if all(isinstance(right, tree.Literal | tree.Constant) for right in test.rights):
            if is_text:
                digits = [self.digits(right) for right in test.rights]
                return written, [names.text(self.dialect.padded(part, number), self.dialect.name) for number in digits]
            beside = TEXT if part in ("year_month", "date") else NUMBER
            return written, [self._right(right, beside, frame) for right in test.rights]
        right = test.rights[0]
        is_same_part = isinstance(right, tree.Call) and right.name == part
        rights = [self._right(right, NUMBER, frame) for right in test.rights]
        if is_text and not is_same_part and not isinstance(right, tree.Subquery):
            written = self.dialect.as_integer(written)
        return written, rights

    def _extreme(self, test: tree.Test, frame: Frame) -> str:
        operator, function = _EXTREMES[test.operator]
        left = test.left
        if not isinstance(left, tree.Column):
            raise UndecodableError(f"{test.operator} is of a column, not of an expression.")
        name = names.quote(frame.column(left).name, self.dialect.name)
        written = frame.write_column(left)
        if function == "AVG" and self.dialect.is_strict and frame.kind(left) == TEXT:
            name, written = self.dialect.as_number(name), self.dialect.as_number(written)
        table = self.table_name(left.table, frame)
        return f"{written} {operator} (SELECT {function}({name}) FROM {table})"

    def _matching(self, test: tree.Test, frame: Frame) -> str:
        is_negated = test.operator.startswith("not_")
        pattern = _MATCHING[test.operator.removeprefix("not_")]
        right = test.rights[0]
        value = right.text if isinstance(right, tree.Constant) else ""
        if isinstance(right, tree.Literal):
            value = self.candidate(right.value).text
        escape = ""
        if pattern != "{}" and ("%" in value or "_" in value):
            value = value.replace("!", "!!").replace("%", "!%").replace("_", "!_")
            escape = " ESCAPE '!'"
        written = names.text(pattern.format(value), self.dialect.name)
        return f"{self.as_text(test.left, frame)} {self.dialect.like(is_negated)} {written}{escape}"


def _is_moment(text: str) -> bool:
    return text == "now" or _MOMENT.match(text) is not None


def _without_null(query: tree.Query, frame: Frame) -> tree.Query:
    """One NULL among the rows would make NOT IN hold for nothing, so a column that may be NULL is asked for values."""
    body = query.bodies[0]
    item = body.items[0]
    if len(query.bodies) > 1 or not isinstance(item, tree.Column) or not frame.column(item).nullable:
        return query
    if frame.column(item).name in frame.table(item.table).primary_key:
        return query
    test = tree.Test(item, "not_null")
    if body.where is None:
        where = tree.Conditions((test,))
    elif "or" in body.where.joiners:
        where = tree.Conditions((tree.Nested(body.where), test), ("and",))
    else:
        where = tree.Conditions((*body.where.parts, test), (*body.where.joiners, "and"))
    return tree.Query((replace(body, where=where),))


def _of_one_row(test: tree.Test) -> tree.Test:
    """``test`` so that a subquery in the place of a value gives no second row, at which most engines stop."""
    right = test.rights[0] if test.rights else None
    if test.operator not in _COMPARED or not isinstance(right, tree.Subquery) or _is_one_row(right.query):
        return test
    if test.operator in _AS_MEMBER:
        return replace(test, operator=_AS_MEMBER[test.operator])
    body = replace(right.query.bodies[0], limit=tree.ONE)
    return replace(test, rights=(tree.Subquery(tree.Query((body,))),))


def _is_one_row(query: tree.Query) -> bool:
    body = query.bodies[0]
    is_total = not body.group and any(map(has_aggregate, body.items)) and not plain_items(body)
    return len(query.bodies) == 1 and (is_total or body.limit == tree.ONE)


def _as_text(query: tree.Query) -> tree.Query:
    """``query`` with its first item cast to text."""
    bodies = (replace(body, items=(tree.Call("as_text", body.items[:1]), *body.items[1:])) for body in query.bodies)
    return replace(query, bodies=tuple(bodies))
