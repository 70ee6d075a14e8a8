"""What every rule of ``in_words`` is written with: parts of a node that must all be said, phrases, names of kinds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from sqlglot import exp


class TooComplexError(Exception):
    """No rule says this part of the statement. Caught in ``in_words``, never shown."""


class Parts:
    """The parts of one node. A rule takes each part that it says; ``close`` refuses a node with a part left unsaid.

    This is what keeps a sentence from being silently incomplete: a clause, a modifier or a new argument of sqlglot
    that no rule knows ends in "too complex", not in a sentence without it.
    """

    def __init__(self, node: exp.Expr) -> None:
        self.node = node
        self._left = {name for name, value in node.args.items() if value not in (None, False, [], "")}

    def take(self, name: str) -> Any:
        """The part called ``name``, or None; it counts as said from now on."""
        self._left.discard(name)
        return self.node.args.get(name)

    def take_all(self, name: str) -> list[Any]:
        """The list of parts called ``name``, empty where there is none."""
        return self.take(name) or []

    def close(self) -> None:
        if self._left:
            raise TooComplexError(f"{type(self.node).__name__}: {', '.join(sorted(self._left))}")


@dataclass(frozen=True)
class Phrase:
    """What an expression means.

    ``is_common`` phrases take an article ("sum of Total"), names do not ("Total"). ``is_single`` ones need no brackets
    inside arithmetic. ``kind`` is "integer", "number", "text", "date", "timestamp", "boolean", or "" where unknown.
    ``verb`` says an aggregate as an act ("sums Total"), without its capital.
    """

    text: str
    kind: str = ""
    is_common: bool = False
    is_single: bool = True
    may_be_null: bool = True
    verb: str = ""
    literal: str | None = None

    @property
    def the(self) -> str:
        return f"the {self.text}" if self.is_common else self.text

    @property
    def inner(self) -> str:
        """As an operand or an argument: in brackets where it would run into its surroundings."""
        return self.the if self.is_single else f"({self.the})"

    @property
    def operand(self) -> str:
        """As an operand of arithmetic: "(the average Total) × 2" is not "the average (Total × 2)"."""
        return f"({self.the})" if self.is_common or not self.is_single else self.text

    @property
    def measured(self) -> str:
        """After "average" or "highest": "highest length of Name", "highest (UnitPrice × Quantity)"."""
        return self.text if self.is_single else self.inner

    def of_kind(self, kind: str) -> Phrase:
        return replace(self, kind=kind)

    def followed_by(self, words: str, kind: str, *, may_be_null: bool = True) -> Phrase:
        """This with words after it: "the average Total rounded", but "average (Total rounded)" the other way round."""
        is_single = self.is_common and self.is_single
        return Phrase(f"{self.measured} {words}", kind, self.is_common, is_single, may_be_null)


class Speaker(Protocol):
    """The scope of a statement, as the rules see it: names are resolved here and other rules are called through it."""

    is_grouped: bool

    @property
    def dialect(self) -> str: ...

    def value(self, node: exp.Expr) -> Phrase:
        """What an expression means."""
        ...

    def condition(self, node: exp.Expr) -> Condition:
        """What has to be true."""
        ...

    def resolve(self, column: exp.Expr) -> Phrase: ...

    def query(self, node: exp.Expr) -> str:
        """A query inside this one as a noun: "the average Total of Invoice"."""
        ...

    def rows(self, node: exp.Expr) -> str:
        """A query inside this one by its rows alone: "Invoice where Total is over 5"."""
        ...

    def said(self, *nodes: exp.Expr | None, only_this: bool = False) -> None:
        """The rule has said each node itself, with all that is below it unless ``only_this``."""
        ...


Rule = Callable[[Parts, Any], Phrase]


@dataclass(frozen=True)
class Condition:
    """What has to be true: "Country is 'Brazil'". ``joined_by`` is "and" or "or" where brackets may be needed."""

    text: str
    joined_by: str = ""

    @property
    def inner(self) -> str:
        return f"({self.text})" if self.joined_by else self.text


def listed(items: Sequence[str], last: str = "and") -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} {last} {items[-1]}"


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def literal_text(node: Any) -> str | None:
    """The text of a string or number literal, or None."""
    return str(node.this) if isinstance(node, exp.Literal) else None


# The first word found in the engine's spelling of a type decides; "timestamp" and "datetime" come before "time" and
# "date", and "interval", which holds "int", before both.
_KINDS = (
    ("interval", ""),
    ("point", ""),
    ("timestamp", "timestamp"),
    ("datetime", "timestamp"),
    ("date", "date"),
    ("time", "text"),
    ("bool", "boolean"),
    ("serial", "integer"),
    ("int", "integer"),
    ("real", "number"),
    ("float", "number"),
    ("doub", "number"),
    ("numeric", "number"),
    ("decimal", "number"),
    ("number", "number"),
    ("money", "number"),
    ("char", "text"),
    ("text", "text"),
    ("clob", "text"),
    ("string", "text"),
)


def kind_of_type(engine_type: str) -> str:
    """The kind of a column by its type as the engine spells it: ``"VARCHAR(40)"`` is "text"; "" where unknown."""
    folded = engine_type.casefold()
    if "[" in folded or ("(" in folded and folded.startswith(("struct", "map", "list", "array"))):
        return ""
    return next((kind for word, kind in _KINDS if word in folded), "")
