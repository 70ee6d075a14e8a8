"""Execution accuracy on questions as people type them: with slips, without capitals and marks, as keywords, going on.

    python -m training.robust DATA_FOLDER [--limit N] [--weights FOLDER]

Slips and missing capitals are put into questions about the held-out databases of Spider, so that each stands beside
its clean form. ``robustness/`` holds questions written by hand about those databases: keywords, and questions that go
on from the one before, which the model is given as a pair.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from t2s_magic.builtin import weights
from t2s_magic.builtin.features import is_function_word
from t2s_magic.builtin.model import BuiltinModel, Demo
from training.evaluate import connect, explains, orders_its_rows, run, same_rows, scored_questions, wilson
from training.examples import Databases, Question

BY_HAND = Path(__file__).parent / "robustness"
LETTERS = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class Typed:
    """A question as it is typed, with the pairs that the model is given."""

    question: Question
    demos: tuple[Demo, ...] = ()


def with_slip(question: str, chance: random.Random) -> str:
    """One word of five letters or more, in lower case, mistyped: a letter left out, doubled, swapped or wrong."""
    words = question.split(" ")
    places = [
        place
        for place, word in enumerate(words)
        if len(word) >= 5 and word.isalpha() and word.islower() and not is_function_word(word)
    ]
    if places:
        place = chance.choice(places)
        words[place] = _mistyped(words[place], chance)
    return " ".join(words)


def _mistyped(word: str, chance: random.Random) -> str:
    at = chance.randrange(1, len(word) - 1)
    return chance.choice(
        (
            word[:at] + word[at + 1 :],
            word[:at] + word[at] + word[at:],
            word[:at] + word[at + 1] + word[at] + word[at + 2 :],
            word[:at] + chance.choice(LETTERS) + word[at + 1 :],
        )
    )


def without_capitals(question: str, chance: random.Random) -> str:
    """In lower case and without the mark at the end, but for what stands in quotes."""
    return question if "'" in question or '"' in question else question.lower().rstrip(" ?.!")


def as_typed(questions: Sequence[Question], change: Callable[[str, random.Random], str]) -> list[Typed]:
    return [Typed(Question(one.db_id, change(one.question, random.Random(one.question)), one.sql)) for one in questions]


def by_hand(name: str) -> Iterator[Typed]:
    for line in (BY_HAND / f"{name}.jsonl").read_text("utf-8").splitlines():
        one = json.loads(line)
        before = (Demo(one["previous"], one["previous_sql"]),) if "previous" in one else ()
        yield Typed(Question(one["db_id"], one["question"], one["sql"]), before)


def is_right(model: BuiltinModel, typed: Typed, databases: Databases) -> bool:
    question = typed.question
    schema, connection = databases.schema(question.db_id), connect(databases.path(question.db_id))
    values = databases.cells(question.db_id).find(question.question, schema)
    readings = model.read(question.question, schema, values=values, demos=typed.demos).readings
    sql = next((one.sql for one in readings if explains(connection, one.sql) is None), readings[0].sql)
    is_ordered = orders_its_rows(question.sql)
    return same_rows(run(connection, question.sql), run(connection, sql), is_ordered)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--weights", type=Path, default=weights.FOLDER)
    parser.add_argument("--limit", type=int, default=200)
    parser.add_argument("--show", action="store_true", help="print the questions answered wrongly")
    options = parser.parse_args()
    databases = Databases(options.data / "spider" / "database")
    clean = random.Random(9).sample(scored_questions(options.data, "held_out"), options.limit)
    model = BuiltinModel(weights.load(options.weights))
    for name, typed in (
        ("follow-ups", list(by_hand("follow_ups"))),
        ("keywords", list(by_hand("keywords"))),
        ("as they are", as_typed(clean, lambda question, _: question)),
        ("one slip", as_typed(clean, with_slip)),
        ("lower case, no mark", as_typed(clean, without_capitals)),
    ):
        marks = [is_right(model, one, databases) for one in typed]
        right = sum(marks)
        print(
            f"{name}: {right}/{len(marks)} = {100 * right / len(marks):.1f} %, {wilson(right, len(marks))}", flush=True
        )
        for one, mark in zip(typed, marks, strict=True):
            if options.show and not mark:
                print("  ", one.question.db_id, "|", one.question.question)


if __name__ == "__main__":
    main()
