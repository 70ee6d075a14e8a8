"""The same domain as another designer would model it: categories in tables of their own, or all in one wide table."""

from __future__ import annotations

import random
from dataclasses import replace

from training.synthesis import cells
from training.synthesis.domains import Domain, Field, Parent, Thing
from training.synthesis.phrases import pluralised

_VAGUE = (
    "status",
    "state",
    "type",
    "kind",
    "category",
    "name",
    "title",
    "role",
    "method",
    "source",
    "channel",
    "topic",
)
_POOL = 14


def reshaped(domain: Domain, chance: random.Random) -> Domain:
    drawn = chance.random()
    if drawn < 0.12:
        return _flat(domain, chance)
    return _normalised(domain, chance) if drawn < 0.4 else domain


def _normalised(domain: Domain, chance: random.Random) -> Domain:
    """One or two categories become tables that are referred to."""
    things = list(domain.things)
    options = [(thing, field) for thing in things for field in thing.fields if field.kind == "category"]
    for thing, field in chance.sample(options, min(len(options), chance.choice((1, 1, 2)))):
        words = f"{thing.words} {field.words}" if field.words in _VAGUE else field.words
        if any(other.words == words for other in things):
            continue
        place = next(i for i, other in enumerate(things) if other.words == thing.words)
        kept = tuple(other for other in things[place].fields if other != field)
        reference = Parent(words, words, "")
        things[place] = replace(things[place], fields=kept, parents=(*things[place].parents, reference))
        name = Field("name", "name", field.values, ways=("name",))
        things.append(Thing(words, (pluralised(words),), (), (name,), ()))
    return Domain(domain.name, tuple(things))


def _flat(domain: Domain, chance: random.Random) -> Domain:
    """One wide table, as an export or a report has it: what a thing refers to stands in columns of its own."""
    things = {thing.words: thing for thing in domain.things}
    facts = [thing for thing in domain.things if any(parent.thing in things for parent in thing.parents)]
    fact = chance.choice(facts)
    fields = list(fact.fields)
    for parent in fact.parents:
        for field in things[parent.thing].fields if parent.thing in things else ():
            fields += _copied(parent.role, field, chance)
    flat = replace(fact, fields=tuple(fields), parents=())
    others = [thing for thing in domain.things if not thing.parents and chance.random() < 0.3]
    return Domain(domain.name, (flat, *(other for other in others if other.words != flat.words)))


def _copied(role: str, field: Field, chance: random.Random) -> list[Field]:
    words = f"{role} {field.words}"
    if field.kind in ("person", "company", "name") and field.words in ("name", "title"):
        pool = field.values or tuple(dict.fromkeys(_name(field.kind, chance) for _ in range(_POOL)))
        return [Field(words, "name", pool[:_POOL], ways=(role, words), is_repeated=True)]
    if field.kind in ("category", "city", "country", "region"):
        return [replace(field, words=words, ways=(words,), is_adjective=False)]
    return []


def _name(kind: str, chance: random.Random) -> str:
    return " ".join(cells.person(chance)) if kind == "person" else cells.company(chance)
