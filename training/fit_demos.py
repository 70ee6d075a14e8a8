"""Fit how much approved pairs count, on databases that no run trained on, and write it into the shipped settings.

    python -m training.fit_demos DATA_FOLDER [--weights FOLDER] [--questions N]

Two logistic models (see ``t2s_magic.builtin.alike`` and ``recall``): whether two questions want the same statement but
for its values, from all pairs of questions of one database; and whether an answer is right, given the pairs shown. The
second is fitted on answers with 5 and 20 demos drawn from the other questions of the database, with and without those
of the same statement, and with the 20 that sound likest and want another statement. The report is cross-validated:
each database is judged by weights that were fitted on others.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from t2s_magic.builtin import alike, recall, weights
from t2s_magic.builtin.beam import WIDTH
from t2s_magic.builtin.confidence import BIAS
from t2s_magic.builtin.model import Asked, BuiltinModel, Demo
from t2s_magic.builtin.prepared import PreparedDemo
from t2s_magic.builtin.recall import Recall
from t2s_magic.builtin.tokens import ValueRef
from t2s_magic.schema import Schema
from training.calibrate import fit_weights
from training.evaluate import connect, explains, orders_its_rows, run, same_rows, scored_questions, wilson
from training.examples import WORK, Databases, Question

COUNTS = (5, 20)
LIKEST_OTHER = "20 likest other"
NO_DEMOS = "none"
LIKELY = 0.5
FOLDS = 5
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Shown:
    """One question answered with demos: for each answer that runs, its signs and whether its rows are the gold's.

    ``group`` names how the demos were drawn: their number, and whether the same statement was among those allowed.
    """

    db_id: str
    question: str
    group: str
    signs: list[tuple[float, ...]]
    right: list[bool]


def questions_of(data: Path, count: int) -> tuple[list[Question], list[Question]]:
    """``count`` held-out questions, and all that demos may come from."""
    everything = scored_questions(data, "held_out")
    return random.Random(7).sample(everything, min(count, len(everything))), everything


# -------------------------------------------------------------------------------------------------------- likeness


def likeness_pairs(model: BuiltinModel, questions: Sequence[Question], databases: Databases) -> tuple[Floats, Floats]:
    """Signs of pairs of questions of one database, and whether their statements are the same but for values."""
    signs, same = [], []
    for db_id in sorted({question.db_id for question in questions}):
        pairs = [_demo(question) for question in questions if question.db_id == db_id]
        prepared = [demo for demo in model.prepare_demos(pairs, databases.schema(db_id)) if demo.tokens]
        for one, other in itertools.combinations(prepared, 2):
            signs.append(alike.likeness_signs(one.sketch, other.sketch))
            same.append(_template(one) == _template(other))
    return np.array(signs), np.array(same, float)


def _template(demo: PreparedDemo) -> tuple[object, ...]:
    return tuple("value" if isinstance(token, ValueRef) else token for token in demo.tokens)


# ---------------------------------------------------------------------------------------------------------- answers


def answers_with_demos(
    model: BuiltinModel,
    likeness: Mapping[str, float],
    questions: Sequence[Question],
    everything: Sequence[Question],
    databases: Databases,
) -> Iterator[Shown]:
    for question in questions:
        schema = databases.schema(question.db_id)
        values = databases.cells(question.db_id).find(question.question, schema)
        alone = model.ask(question.question, schema, values, (), width=WIDTH)
        is_right = _marker(question, databases)
        others = [one for one in everything if one.db_id == question.db_id and one.question != question.question]
        for group, demos in _draws(question, _likest_first(model, likeness, question, others, schema)):
            answered = model.answered(alone, demos, WIDTH) if demos else alone
            yield _shown(model, question, group, answered if answered.patterns else alone, is_right)


def _marker(question: Question, databases: Databases) -> Callable[[str], bool | None]:
    """Whether a statement gives the gold's rows; None where the engine refuses it."""
    connection = connect(databases.path(question.db_id))
    gold, is_ordered = run(connection, question.sql), orders_its_rows(question.sql)

    @cache
    def is_right(sql: str) -> bool | None:
        return None if explains(connection, sql) else same_rows(gold, run(connection, sql), is_ordered)

    return is_right


def _likest_first(
    model: BuiltinModel,
    likeness: Mapping[str, float],
    question: Question,
    others: Sequence[Question],
    schema: Schema,
) -> list[Question]:
    own, *sketches = [one.sketch for one in model.prepare_demos([*map(_demo, (question, *others))], schema)]
    chances = {
        other: alike.chance_of_same(own, sketch, likeness) for other, sketch in zip(others, sketches, strict=True)
    }
    return sorted(others, key=lambda other: -chances[other])


def _draws(question: Question, others: Sequence[Question]) -> Iterator[tuple[str, list[Demo]]]:
    """Demos of the same database, whose ``others`` come likest first: none; any; any but those of the same statement;
    the likest of these, as a retriever chooses them."""
    yield NO_DEMOS, []
    of_other_sql = [one for one in others if _spelling(one.sql) != _spelling(question.sql)]
    for name, allowed in (("any", others), ("other", of_other_sql)):
        chance = random.Random(f"{name} {question.question}")
        drawn = chance.sample(allowed, min(COUNTS[-1], len(allowed)))
        for count in COUNTS:
            yield f"{count} {name}", [*map(_demo, drawn[:count])]
    yield LIKEST_OTHER, [*map(_demo, of_other_sql[: COUNTS[-1]])]


def _demo(question: Question) -> Demo:
    return Demo(question.question, question.sql)


def _spelling(sql: str) -> str:
    return "".join(sql.casefold().split()).rstrip(";")


def _shown(
    model: BuiltinModel, question: Question, group: str, asked: Asked, is_right: Callable[[str], bool | None]
) -> Shown:
    probabilities = model.unaided(asked)
    all_signs = asked.recall_signs(probabilities)
    marks = list(map(is_right, asked.sqls))
    kept = [place for place, mark in enumerate(marks) if mark is not None and probabilities[place]]
    return Shown(
        question.db_id,
        question.question,
        group,
        [all_signs[place] for place in kept],
        [bool(marks[place]) for place in kept],
    )


def _part(data: Path, folder: Path, settings: dict[str, Any], questions: Sequence[Question]) -> list[Shown]:
    model = BuiltinModel(weights.load(folder), recall=settings)
    databases = Databases(data / "spider" / "database")
    return list(
        answers_with_demos(model, settings["likeness"], questions, scored_questions(data, "held_out"), databases)
    )


# -------------------------------------------------------------------------------------------------------------- fit


def logistic(signs: Floats, right: Floats, ridge: float = 1.0, rounds: int = 40) -> Floats:
    """Weights, one a sign, by Newton's method."""
    scale = np.where(signs.std(0) > 0, signs.std(0), 1.0)
    scaled = signs / scale
    chosen = np.zeros(signs.shape[1])
    for _ in range(rounds):
        chance = 1 / (1 + np.exp(-np.clip(scaled @ chosen, -30, 30)))
        slope = scaled.T @ (right - chance) - ridge * chosen
        curve = (scaled * (chance * (1 - chance))[:, None]).T @ scaled + ridge * np.eye(len(chosen))
        chosen = chosen + np.linalg.solve(curve, slope)
    return np.asarray(chosen / scale)


def fit(shown: Sequence[Shown]) -> dict[str, float]:
    """Weights by sign; questions that no pair is about teach nothing here."""
    told = [one for one in shown if one.signs and _likest(one)]
    return fit_weights([([_named(signs) for signs in one.signs], one.right) for one in told]).of_sign


def _likest(one: Shown) -> float:
    return one.signs[0][recall.SIGNS.index("likest")] if one.signs else 0.0


def _named(signs: Sequence[float]) -> dict[str, float]:
    return {name: sign for name, sign in zip(recall.SIGNS, signs, strict=True) if name != BIAS}


def report(shown: Sequence[Shown]) -> dict[str, Any]:
    """For each way of drawing demos: how many questions are right, each database judged by weights of the others.

    The same of the questions that a pair is likely (0.5) about, and what the network alone makes of those.
    """
    names = sorted({one.db_id for one in shown})
    random.Random(2).shuffle(names)
    alone = {(one.db_id, one.question): _is_right(one, None) for one in shown if one.group == NO_DEMOS}
    marks: dict[str, list[bool]] = defaultdict(list)
    for fold in range(FOLDS):
        inside = set(names[fold::FOLDS])
        chosen = Recall({"weights": fit([one for one in shown if one.db_id not in inside])})
        for one in (one for one in shown if one.db_id in inside):
            is_right = _is_right(one, chosen)
            marks[one.group].append(is_right)
            if _likest(one) >= LIKELY:
                marks[f"{one.group}, a pair about it"].append(is_right)
                marks[f"{one.group}, a pair about it, not shown"].append(alone[one.db_id, one.question])
    return {
        group: {
            "n": len(found),
            "right": sum(found),
            "accuracy": round(100 * float(np.mean(found)), 1),
            "interval": wilson(sum(found), len(found)),
        }
        for group, found in marks.items()
    }


def _is_right(one: Shown, chosen: Recall | None) -> bool:
    """Whether the likeliest answer is; without ``chosen``, by its score alone."""
    if not one.signs:
        return False
    has_pair = chosen is not None and _likest(one) > 0
    scores = chosen.probabilities(one.signs) if chosen and has_pair else [signs[0] for signs in one.signs]
    return one.right[int(np.argmax(scores))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--weights", type=Path, default=weights.FOLDER)
    parser.add_argument("--questions", type=int, default=320)
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    model = BuiltinModel(weights.load(options.weights))
    chosen, everything = questions_of(options.data, options.questions)
    signs, same = likeness_pairs(model, everything, Databases(options.data / "spider" / "database"))
    likeness = dict(zip(alike.SIGNS, map(_rounded, logistic(signs, same)), strict=True))
    print("likeness", likeness, "pairs", len(same), "same", int(same.sum()), flush=True)
    names = sorted({question.db_id for question in chosen})
    parts = [[q for q in chosen if q.db_id in names[place :: options.processes]] for place in range(options.processes)]
    settings = {"likeness": likeness}
    with ProcessPoolExecutor(options.processes) as pool:
        work = partial(_part, options.data, options.weights, settings)
        shown = [one for part in pool.map(work, parts) for one in part]
    (WORK / "recalls.jsonl").write_text("".join(json.dumps(asdict(one)) + "\n" for one in shown), "utf-8")
    figures = report(shown)
    print(json.dumps(figures, indent=1))
    file = options.weights / "model.json"
    shipped = json.loads(file.read_text("utf-8"))
    fitted = {name: _rounded(weight) for name, weight in fit(shown).items()}
    shipped["recall"] = settings | {"weights": fitted, "report": figures}
    file.write_text(json.dumps(shipped, indent=1) + "\n", "utf-8")


def _rounded(weight: float) -> float:
    return round(float(weight), 5)


if __name__ == "__main__":
    main()
