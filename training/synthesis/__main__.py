"""Writes databases and questions.

python -m training.synthesis --out DIR --seed 1 --databases 300 --questions 40

``DIR/train.jsonl`` and ``DIR/heldout.jsonl`` (a tenth of the domains, which ``train.jsonl`` never sees) hold lines
{"db_id", "question", "sql", "intent"}, ``unanswerable.jsonl`` {"db_id", "question"} questions about other worlds;
the databases are ``DIR/<db_id>/<db_id>.sqlite``.
"""

from __future__ import annotations

import argparse
import json
import random
import sqlite3
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from training.synthesis.domains import Domain, read_domains
from training.synthesis.existing import read_world
from training.synthesis.questions import Asked, questions
from training.synthesis.worlds import World, make_world, write_database

_EMPTY_SHARE = 0.08
_FOREIGN_SHARE = 0.1
_UNANSWERABLE = 5
HELD_OUT_DOMAINS = frozenset(
    ("coffee chain", "construction", "ledger", "media monitoring", "project management", "warehouse inventory")
)
"""Never asked about in train.jsonl, whatever the seed, so that several runs can be trained on together."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--databases", type=int, default=300)
    parser.add_argument("--questions", type=int, default=40)
    parser.add_argument("--over", type=Path, help="ask about the databases of this folder instead of generated ones")
    parser.add_argument("--like", type=Path, help="with --over: only databases that this JSONL of questions names")
    options = parser.parse_args()
    if options.over:
        _ask_existing(options)
        return
    domains = read_domains()
    chance = random.Random(options.seed)
    options.out.mkdir(parents=True, exist_ok=True)
    counts: Counter[str] = Counter()
    with (
        (options.out / "train.jsonl").open("w") as train,
        (options.out / "heldout.jsonl").open("w") as heldout,
        (options.out / "unanswerable.jsonl").open("w") as unanswerable,
    ):
        foreign: list[dict[str, str]] = []
        for number in range(options.databases):
            domain = domains[number % len(domains)]
            file = heldout if domain.name in HELD_OUT_DOMAINS else train
            for line in _database(domain, number, options):
                file.write(json.dumps(line, ensure_ascii=False) + "\n")
                counts["heldout" if file is heldout else "train"] += 1
                if chance.random() < _FOREIGN_SHARE:
                    foreign.append(line)
            for line in _from_elsewhere(foreign, domain, _name(domain, number, options.seed), chance):
                unanswerable.write(json.dumps(line, ensure_ascii=False) + "\n")
                counts["unanswerable"] += 1
    print(f"{dict(counts)} questions over {options.databases} databases; domains held out: {sorted(HELD_OUT_DOMAINS)}")


def _ask_existing(options: argparse.Namespace) -> None:
    names = sorted({json.loads(line)["db_id"] for line in options.like.open()})
    options.out.mkdir(parents=True, exist_ok=True)
    count = 0
    with (options.out / "train.jsonl").open("w") as train:
        for name in names:
            path = options.over / name / f"{name}.sqlite"
            world = read_world(path)
            for asked in (
                _working(world, path, random.Random(f"{options.seed} {name}"), options.questions) if world else ()
            ):
                line = {"db_id": name, "question": asked.question, "sql": asked.sql, "intent": asked.intent}
                train.write(json.dumps(line, ensure_ascii=False) + "\n")
                count += 1
    print(f"{count} questions over {len(names)} databases")


def _from_elsewhere(
    foreign: list[dict[str, str]], domain: Domain, name: str, chance: random.Random
) -> Iterator[dict[str, str]]:
    """Questions about things that this database does not hold: those of other domains that share no thing with it."""
    own = {word for thing in domain.things for noun in (thing.words, *thing.plurals) for word in noun.split()}
    strange = [line for line in foreign if own.isdisjoint(line["question"].lower().split())]
    for line in chance.sample(strange, min(len(strange), _UNANSWERABLE)):
        yield {"db_id": name, "question": line["question"]}


def _name(domain: Domain, number: int, seed: int) -> str:
    return f"{domain.name.replace(' ', '_')}_{seed}_{number}"


def _database(domain: Domain, number: int, options: argparse.Namespace) -> Iterator[dict[str, str]]:
    chance = random.Random(f"{options.seed} {number}")
    world = make_world(domain, chance)
    name = _name(domain, number, options.seed)
    path = options.out / name / f"{name}.sqlite"
    write_database(world, path)
    for asked in _working(world, path, chance, options.questions):
        yield {"db_id": name, "question": asked.question, "sql": asked.sql, "intent": asked.intent}


def _working(world: World, path: Path, chance: random.Random, count: int) -> Iterator[Asked]:
    """Questions that run, mostly with rows, each once."""
    connection = sqlite3.connect(path)
    seen: set[str] = set()
    found = 0
    for asked in islice(questions(world, chance), 60 * count):
        if found == count:
            break
        if asked.sql in seen:
            continue
        rows = connection.execute(asked.sql).fetchmany(2)
        is_empty = not rows or all(cell is None for row in rows for cell in row)
        if is_empty and "'now'" not in asked.sql and chance.random() > _EMPTY_SHARE:
            continue
        seen.add(asked.sql)
        found += 1
        yield asked
    connection.close()


if __name__ == "__main__":
    main()
