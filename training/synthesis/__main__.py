"""Writes databases and questions.

python -m training.synthesis --out DIR --seed 1 --databases 300 --questions 40

``DIR/train.jsonl`` and ``DIR/heldout.jsonl`` (a tenth of the domains, which ``train.jsonl`` never sees) hold lines
{"db_id", "question", "sql", "intent"}; the databases are ``DIR/<db_id>/<db_id>.sqlite``.
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
from training.synthesis.questions import Asked, questions
from training.synthesis.worlds import World, make_world, write_database

_EMPTY_SHARE = 0.08
_HELD_OUT_EVERY = 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--databases", type=int, default=300)
    parser.add_argument("--questions", type=int, default=40)
    options = parser.parse_args()
    domains = read_domains()
    # The same domains whatever the seed, so that several runs can be trained on together.
    held_out = {domain.name for domain in random.Random(1).sample(domains, len(domains) // _HELD_OUT_EVERY)}
    options.out.mkdir(parents=True, exist_ok=True)
    counts: Counter[str] = Counter()
    with (options.out / "train.jsonl").open("w") as train, (options.out / "heldout.jsonl").open("w") as heldout:
        for number in range(options.databases):
            domain = domains[number % len(domains)]
            file = heldout if domain.name in held_out else train
            for line in _database(domain, number, options):
                file.write(json.dumps(line, ensure_ascii=False) + "\n")
                counts["heldout" if file is heldout else "train"] += 1
    print(f"{dict(counts)} questions over {options.databases} databases; domains held out: {sorted(held_out)}")


def _database(domain: Domain, number: int, options: argparse.Namespace) -> Iterator[dict[str, str]]:
    chance = random.Random(f"{options.seed} {number}")
    world = make_world(domain, chance)
    name = f"{domain.name.replace(' ', '_')}_{options.seed}_{number}"
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
