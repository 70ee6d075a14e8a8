"""Reads ``domains.txt``: the things of each domain, their columns, and how people speak of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

_FILE = Path(__file__).with_name("domains.txt")
_SUMMED = ("amt", "qty")
_LEVELS = ("money", "int", "dec", "rate")


@dataclass(frozen=True)
class Field:
    """A column of a thing. ``ways`` are ways to say it; ``superlatives`` are words for its highest and lowest."""

    words: str
    kind: str
    values: tuple[str, ...] = ()
    low: float = 0
    high: float = 0
    ways: tuple[str, ...] = ()
    superlatives: tuple[str, str] | None = None
    is_adjective: bool = False
    is_repeated: bool = False

    @property
    def is_summed(self) -> bool:
        return self.kind in _SUMMED

    @property
    def is_number(self) -> bool:
        return self.kind in _SUMMED + _LEVELS

    @property
    def is_birth(self) -> bool:
        return self.words.startswith(("birth", "born", "date of birth"))

    @property
    def is_date(self) -> bool:
        return self.kind in ("date", "datetime")


@dataclass(frozen=True)
class Derived:
    """A measure that is computed: a sum over rows of ``terms``, or with ``is_ratio`` one sum over another."""

    ways: tuple[str, ...]
    terms: tuple[str, ...]
    is_ratio: bool


@dataclass(frozen=True)
class Parent:
    """A reference to another thing, as ``role`` (mostly the thing itself); ``verb`` is what the parent did with it."""

    thing: str
    role: str
    verb: str


@dataclass(frozen=True)
class Thing:
    words: str
    plurals: tuple[str, ...]
    parents: tuple[Parent, ...]
    fields: tuple[Field, ...]
    derived: tuple[Derived, ...]


@dataclass(frozen=True)
class Domain:
    name: str
    things: tuple[Thing, ...]


def read_domains() -> list[Domain]:
    blocks = _FILE.read_text("utf-8").split("\n@ ")[1:]
    return [_domain(block.splitlines()) for block in blocks]


def _domain(lines: list[str]) -> Domain:
    things: list[list[str]] = []
    for line in lines[1:]:
        if line.strip() and not line.startswith((" ", "#")):
            things.append([line])
        elif line.strip():
            things[-1].append(line.strip())
    return Domain(lines[0].strip(), tuple(_thing(block) for block in things))


def _thing(lines: list[str]) -> Thing:
    words, _, rest = lines[0].partition(":")
    plurals, _, parents = rest.partition(">")
    derived = [line for line in lines[1:] if line[0] in "=%"]
    return Thing(
        words.strip(),
        tuple(plural.strip() for plural in plurals.split(",")),
        tuple(_parent(part.strip()) for part in parents.split(",") if part.strip()),
        tuple(_field(line) for line in lines[1:] if line not in derived),
        tuple(_derived(line) for line in derived),
    )


def _parent(text: str) -> Parent:
    text, _, verb = text.rstrip(")").partition("(")
    thing, _, role = text.strip().partition(" as ")
    return Parent(thing, role or thing, verb)


def _derived(line: str) -> Derived:
    ways, _, formula = line[1:].partition(":")
    return Derived(tuple(way.strip() for way in ways.split("/")), _terms(formula), line[0] == "%")


def _terms(formula: str) -> tuple[str, ...]:
    """``unit price * quantity * ( 1 - discount )`` as columns and signs."""
    terms: list[str] = []
    for word in formula.split():
        if word in "*-+/()" or word == "1":
            terms.append(word)
        elif terms and terms[-1] not in "*-+/()":
            terms[-1] += f" {word}"
        else:
            terms.append(word)
    return tuple(terms)


def _field(line: str) -> Field:
    words, _, rest = line.partition(":")
    body, _, superlatives = rest.partition("^")
    kind, _, ways = body.partition(";")
    said = tuple(way.strip() for way in ways.split("/") if way.strip())
    highest, _, lowest = superlatives.partition(",")
    pair = (highest.strip(), lowest.strip()) if highest.strip() else None
    return _typed(words.strip(), kind.strip(), said, pair)


def _typed(words: str, kind: str, ways: tuple[str, ...], superlatives: tuple[str, str] | None) -> Field:
    first, _, rest = kind.partition(" ")
    if first in _SUMMED + _LEVELS:
        low, high = (float(bound) for bound in rest.split()) if rest else (0.0, 0.4)
        return Field(words, first, low=low, high=high, ways=ways or (words,), superlatives=superlatives)
    if first == "mix":
        one, other = (part.split("|") for part in rest.split(" x "))
        return Field(words, "name", values=tuple(f"{a.strip()} {b.strip()}" for a in one for b in other), ways=(words,))
    if first == "of":
        return Field(words, "name", values=tuple(rest.split("|")), ways=ways or (words,))
    if "|" in kind:
        return Field(
            words, "category", tuple(kind.lstrip("*").split("|")), ways=ways or (words,), is_adjective="*" in kind
        )
    return Field(words, kind, ways=ways or (words,), superlatives=superlatives)
