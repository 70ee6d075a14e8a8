"""Fit when to say that a database cannot answer a question, and write it into the shipped settings.

    python -m training.fit_abstention DATA_FOLDER [--weights FOLDER]

A logistic model over the signs of ``t2s_magic.builtin.abstention`` tells right answers to held-out questions from
questions that nothing answers: those of ``robustness/unanswerable.jsonl``, written by hand about held-out databases of
Spider, and questions of one synthetic domain, or of one business, asked of another. The report is cross-validated by
database.
"""

from __future__ import annotations

import argparse
import json
import random
from collections import Counter, defaultdict
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from t2s_magic.builtin import abstention, weights
from t2s_magic.builtin.features import is_function_word, stem
from t2s_magic.builtin.model import BuiltinModel
from t2s_magic.builtin.words import split_name, split_words
from t2s_magic.schema import Schema
from training import business_heldout
from training.evaluate import connect, glancing, orders_its_rows, run, same_rows, scored_questions
from training.examples import WORK, Databases, Question, held_out, read_examples, read_questions, spider_questions
from training.fit_demos import logistic

BY_HAND = Path(__file__).parent / "robustness" / "unanswerable.jsonl"
BATCH = "batch3"
ANSWERABLE_KINDS = ("spider", "synthetic", "business")
ANSWERABLE, SYNTHETIC = 320, 160
COMMON_IN = 0.15
RIGHT_ANSWERS_KEPT = 0.95
FOLDS = 5


@dataclass(frozen=True)
class Judged:
    """A question's signs; ``kind`` is one of ``ANSWERABLE_KINDS``, or "by hand", "other domain" or "other business"."""

    kind: str
    db_id: str
    question: str
    signs: tuple[float, ...]
    right: bool

    @property
    def is_answerable(self) -> bool:
        return self.kind in ANSWERABLE_KINDS


def common_stems(data: Path) -> list[str]:
    """Words that questions about many of the training databases use, so that they say nothing of what one is about."""
    questions = spider_questions(data, "train")
    outside = held_out([question.db_id for question in questions])
    databases: dict[str, set[str]] = defaultdict(set)
    for question in questions:
        if question.db_id not in outside:
            databases[question.db_id] |= {stem(word) for word in split_words(question.question) if word[0].isalpha()}
    counts = Counter(word for words in databases.values() for word in words if not is_function_word(word))
    return sorted(word for word, count in counts.items() if count >= COMMON_IN * len(databases))


def judge(model: BuiltinModel, kind: str, question: Question, databases: Databases) -> Judged:
    schema = databases.schema(question.db_id)
    values = databases.cells(question.db_id).find(question.question, schema)
    connection = connect(databases.path(question.db_id))
    signs, readings = model.judged(question.question, schema, values, glancing(connection))
    right = False
    if question.sql:
        gold, found = run(connection, question.sql), run(connection, readings[0].sql)
        right = same_rows(gold, found, orders_its_rows(question.sql))
    return Judged(kind, question.db_id, question.question, signs, right)


def _part(folder: Path, common: Sequence[str], work: tuple[Path, Sequence[tuple[str, Question]]]) -> list[Judged]:
    loaded = weights.load(folder)
    settings = {**loaded.settings, "abstention": {"common": list(common)}}
    model, databases = BuiltinModel(replace(loaded, settings=settings)), Databases(work[0])
    return [judge(model, kind, question, databases) for kind, question in work[1]]


def works(data: Path) -> list[tuple[Path, list[tuple[str, Question]]]]:
    chance = random.Random(11)
    answerable = scored_questions(data, "held_out")
    spider = [("spider", one) for one in chance.sample(answerable, min(ANSWERABLE, len(answerable)))]
    spider += [("by hand", one) for one in _without_answer(BY_HAND)]
    held = [Question(one.db_id, one.question, one.sql) for one in read_examples(_examples())]
    synthetic = [("synthetic", one) for one in chance.sample(held, min(SYNTHETIC, len(held)))]
    names = {one.db_id for one in held}
    others = [one for one in _without_answer(WORK / "synthesis" / BATCH / "unanswerable.jsonl") if one.db_id in names]
    synthetic += [("other domain", one) for one in chance.sample(others, min(SYNTHETIC, len(others)))]
    business = WORK / "business"
    return [
        (data / "spider" / "database", spider),
        (WORK / "synthesis" / BATCH, synthetic),
        (business, _business(business, chance)),
    ]


def _business(folder: Path, chance: random.Random) -> list[tuple[str, Question]]:
    """Questions by hand about business databases, each also asked of another one, unless that has what it is about."""
    business_heldout.build(folder)
    databases = Databases(folder)
    questions = [question for name in business_heldout.QUESTIONS for question in read_questions(folder / name)]
    names = sorted({question.db_id for question in questions})
    found = [("business", question) for question in questions]
    for question in questions:
        other = chance.choice([name for name in names if name != question.db_id])
        if not _names_a_table(question.question, databases.schema(other)):
            found.append(("other business", Question(other, question.question, "")))
    return found


def _names_a_table(question: str, schema: Schema) -> bool:
    words = {stem(word) for word in split_words(question)}
    return any(stem(word) in words for table in schema.tables for word in split_name(table.name))


def _examples() -> Path:
    return WORK / "examples" / f"{BATCH}_held_out.jsonl"


def _without_answer(path: Path) -> list[Question]:
    lines = map(json.loads, path.read_text("utf-8").splitlines())
    return [Question(one["db_id"], one["question"], "") for one in lines]


def fit(judged: Sequence[Judged]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Weights that tell right answers from questions without one; wrong answers to good questions teach neither."""
    told = [one for one in judged if one.right or not one.is_answerable]
    return logistic(np.array([one.signs for one in told]), np.array([one.right for one in told], float))


def report(judged: Sequence[Judged]) -> dict[str, Any]:
    """Of each kind of unanswerable question, the share abstained on where so many of the right answers are kept."""
    names = sorted({one.db_id for one in judged})
    random.Random(3).shuffle(names)
    scores: dict[int, float] = {}
    for fold in range(FOLDS):
        inside = set(names[fold::FOLDS])
        chosen = fit([one for one in judged if one.db_id not in inside])
        scores |= {
            place: float(np.array(one.signs) @ chosen) for place, one in enumerate(judged) if one.db_id in inside
        }
    ways = {"fitted": [scores[place] for place in range(len(judged))], "probability": [one.signs[0] for one in judged]}
    return {way: _figures(judged, values) for way, values in ways.items()}


def _figures(judged: Sequence[Judged], scores: Sequence[float]) -> dict[str, Any]:
    right = sorted(score for one, score in zip(judged, scores, strict=True) if one.right)
    without = [score for one, score in zip(judged, scores, strict=True) if not one.is_answerable]
    figures: dict[str, Any] = {
        "right": len(right),
        "unanswerable": len(without),
        "area": round(float(np.mean([[a > b for b in without] for a in right])), 3),
    }
    for kept in (0.99, 0.95, 0.9, 0.8):
        least = right[int(len(right) * (1 - kept))]
        figures[f"abstained_keeping_{kept}"] = {
            kind: round(100 * float(np.mean(marks)), 1)
            for kind in sorted({one.kind for one in judged})
            if (marks := [score < least for one, score in zip(judged, scores, strict=True) if one.kind == kind])
        }
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--weights", type=Path, default=weights.FOLDER)
    options = parser.parse_args()
    common = common_stems(options.data)
    with ProcessPoolExecutor(2) as pool:
        work = partial(_part, options.weights, common)
        judged = [one for part in pool.map(work, works(options.data)) for one in part]
    (WORK / "abstentions.jsonl").write_text("".join(json.dumps(asdict(one)) + "\n" for one in judged), "utf-8")
    figures, chosen = report(judged), fit(judged)
    print(json.dumps(figures, indent=1))
    right = sorted(float(np.array(one.signs) @ chosen) for one in judged if one.right)
    file = options.weights / "model.json"
    settings = json.loads(file.read_text("utf-8"))
    settings["abstention"] = {
        "common": common,
        "weights": {name: round(float(weight), 5) for name, weight in zip(abstention.SIGNS, chosen, strict=True)},
        "threshold": round(right[int(len(right) * (1 - RIGHT_ANSWERS_KEPT))], 3),
        "report": figures,
    }
    file.write_text(json.dumps(settings, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
