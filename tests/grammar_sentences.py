"""A grammar in EBNF as xgrammar reads it: which texts it takes, and what random weights would write under it."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from functools import cached_property

_TOKEN = re.compile(
    r"""\s*(?: (?P<text>"(?:[^"\\]|\\.)*") | (?P<letters>\[(?:[^\]\\]|\\.)*\]) | (?P<name>[A-Za-z_][\w-]*)
      | (?P<times>\{\d+(?:,\d+)?\}) | (?P<mark>[()|*+?]) )""",
    re.VERBOSE,
)
# (kind, content): "text" and "letters" hold characters, "rule" a name, "all" and "one of" parts, "times" (part, least).
Part = tuple[str, object]


@dataclass(frozen=True)
class Grammar:
    """``text`` is in the dialect that ``select_grammar`` writes: no rule begins with itself."""

    text: str

    def takes(self, sentence: str) -> bool:
        return len(sentence) in _Reading(self, sentence).ends(("rule", "root"), 0)

    def sentence(self, seed: int, depth: int) -> str:
        """A random sentence; below ``depth`` rules, the shortest way to an end is taken."""
        return self._of(("rule", "root"), random.Random(seed), depth)

    @cached_property
    def rules(self) -> dict[str, Part]:
        bodies = re.findall(r"^([A-Za-z_][\w-]*) ::= (.*(?:\n[ ].*)*)", self.text, re.MULTILINE)
        return {name: _read(list(_TOKEN.finditer(body))) for name, body in bodies}

    @cached_property
    def heights(self) -> dict[str, int]:
        """How many rules lie at least between each rule and its shortest sentence."""
        heights: dict[str, int] = {}
        while len(heights) < len(self.rules):
            found = {
                name: height
                for name, part in self.rules.items()
                if name not in heights and (height := self._height(part, heights)) is not None
            }
            assert found, f"no sentence ends: {self.rules.keys() - heights.keys()}"
            heights.update({name: height + 1 for name, height in found.items()})
        return heights

    def _height(self, part: Part, heights: dict[str, int]) -> int | None:
        kind, content = part
        if kind == "rule":
            return heights.get(content)
        if kind == "times":
            return self._height(content[0], heights) if content[1] else 0
        if kind in {"all", "one of"}:
            each = [self._height(one, heights) for one in content]
            known = [height for height in each if height is not None]
            if kind == "one of":
                return min(known, default=None)
            return max(known, default=0) if len(known) == len(each) else None
        return 0

    def _of(self, part: Part, chance: random.Random, depth: int) -> str:
        kind, content = part
        if kind == "rule":
            return self._of(self.rules[content], chance, depth - 1)
        if kind == "text":
            return content
        if kind == "letters":
            return chance.choice(content.some())
        if kind == "all":
            return "".join(self._of(one, chance, depth) for one in content)
        if kind == "one of":
            ways = content if depth > 0 else [min(content, key=lambda one: self._height(one, self.heights))]
            return self._of(chance.choice(ways), chance, depth)
        inner, least, most = content
        count = least if depth <= 0 else min(most, least + int(chance.random() < 0.4) + int(chance.random() < 0.1))
        return "".join(self._of(inner, chance, depth) for _ in range(count))


class _Reading:
    """Where each rule may end that begins at a place of one sentence."""

    def __init__(self, grammar: Grammar, sentence: str) -> None:
        self.rules = grammar.rules
        self.sentence = sentence
        self.known: dict[tuple[object, int], frozenset[int]] = {}

    def ends(self, part: Part, at: int) -> frozenset[int]:
        kind, content = part
        if kind == "text":
            return frozenset({at + len(content)}) if self.sentence.startswith(content, at) else frozenset()
        if kind == "letters":
            return frozenset({at + 1}) if self.sentence[at : at + 1] and content.has(self.sentence[at]) else frozenset()
        if kind == "rule":
            if (content, at) not in self.known:
                self.known[content, at] = self.ends(self.rules[content], at)
            return self.known[content, at]
        if kind == "one of":
            return frozenset().union(*(self.ends(one, at) for one in content if self._may_begin(one, at)))
        if kind == "all":
            places = frozenset({at})
            for one in content:
                places = frozenset().union(*(self.ends(one, place) for place in places))
            return places
        return self._repeated(*content, at)

    def _may_begin(self, part: Part, at: int) -> bool:
        """Is it worth looking? Most of the thousand names of a rule begin with another letter."""
        while part[0] == "all" and part[1]:
            part = part[1][0]
        if part[0] == "letters":
            return at < len(self.sentence) and part[1].has(self.sentence[at])
        return part[0] != "text" or self.sentence.startswith(part[1], at)

    def _repeated(self, inner: Part, least: int, most: int, at: int) -> frozenset[int]:
        places, reached = {at}, {at} if least == 0 else set()
        for count in range(1, min(most, len(self.sentence) - at) + 1):
            places = {end for place in places for end in self.ends(inner, place)} - (
                reached if count > least else set()
            )
            if not places:
                break
            if count >= least:
                reached |= places
        return frozenset(reached)


@dataclass(frozen=True)
class Letters:
    """A class of characters: those of ``ranges``, or all others."""

    ranges: tuple[tuple[str, str], ...]
    is_negated: bool

    def has(self, character: str) -> bool:
        return any(first <= character <= last for first, last in self.ranges) != self.is_negated

    def some(self) -> str:
        """Characters of it that can be seen."""
        candidates = " " + "".join(map(chr, range(33, 127))) + "äλ"
        return "".join(character for character in candidates if self.has(character))


def _read(tokens: list[re.Match[str]]) -> Part:
    """The part that ``tokens`` spell; they are taken off the list."""
    ways: list[list[Part]] = [[]]
    while tokens:
        token = tokens.pop(0)
        kind, text = token.lastgroup, token[token.lastgroup]
        if text == ")":
            break
        if text == "|":
            ways.append([])
        elif text == "(":
            ways[-1].append(_read(tokens))
        elif kind == "times" or text in "*+?":
            least, most = {"*": (0, 10_000), "+": (1, 10_000), "?": (0, 1)}.get(text) or _counts(text)
            ways[-1].append(("times", (ways[-1].pop(), least, most)))
        elif kind == "name":
            ways[-1].append(("rule", text))
        else:
            ways[-1].append((kind, _unescaped(text[1:-1]) if kind == "text" else _letters(text[1:-1])))
    return ("one of", [("all", way) for way in ways])


def _counts(times: str) -> tuple[int, int]:
    least, _, most = times.strip("{}").partition(",")
    return int(least), int(most or least)


def _unescaped(text: str) -> str:
    return text.encode("latin-1", "backslashreplace").decode("unicode_escape") if "\\" in text else text


def _letters(inside: str) -> Letters:
    ranges: list[tuple[str, str]] = []
    characters = list(_unescaped(inside.removeprefix("^")))
    while characters:
        first = characters.pop(0)
        if len(characters) > 1 and characters[0] == "-":
            ranges.append((first, characters[1]))
            del characters[:2]
        else:
            ranges.append((first, first))
    return Letters(tuple(ranges), inside.startswith("^"))
