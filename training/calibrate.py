"""Fit the confidence of answers on databases that no run trained on, and write it into the shipped settings.

    python -m training.calibrate DATA_FOLDER [--weights FOLDER]

A logistic model over the signs of ``t2s_magic.builtin.confidence``: it also reranks the beam. Half of the held-out
databases fit it, the other half report it; what ships is fitted on all of them.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from t2s_magic.builtin import weights
from t2s_magic.builtin.beam import WIDTH
from t2s_magic.builtin.confidence import SIGNS, all_signs
from t2s_magic.builtin.model import BuiltinModel, write_sql
from t2s_magic.builtin.representation import UndecodableError
from t2s_magic.builtin.sense import is_senseless
from t2s_magic.builtin.tree import read
from training.evaluate import connect, explains, orders_its_rows, run, same_rows, scored_questions
from training.examples import HELD_OUT, WORK, Databases, Question, databases_of, group_of, read_examples

SYNTHETIC_QUESTIONS = 500
UNANSWERABLE_QUESTIONS = 250
RIGHT_ANSWERS_KEPT = 0.93
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Beamed:
    """The answers to one question that the engine can plan: their signs, and which of them are right."""

    db_id: str
    signs: Floats
    right: NDArray[np.bool_]


def beam_of(model: BuiltinModel, question: Question, databases: Databases) -> Beamed | None:
    schema = databases.schema(question.db_id)
    connection = connect(databases.path(question.db_id))
    values = databases.cells(question.db_id).find(question.question, schema)
    asked = model.ask(question.question, schema, values, (), width=WIDTH)
    gold = run(connection, question.sql) if question.sql else None
    is_ordered = bool(question.sql) and orders_its_rows(question.sql)
    kept, right = [], []
    for answer, signs in zip(
        asked.answers, all_signs(asked.answers, asked.candidates, asked.linked(), asked.prepared.schema), strict=True
    ):
        if is_senseless(read(answer.tokens), asked.candidates):
            continue
        try:
            sql = write_sql(answer.tokens, asked)
        except UndecodableError:
            continue
        if explains(connection, sql) is None:
            kept.append(signs)
            right.append(same_rows(gold, run(connection, sql), is_ordered))
    return Beamed(question.db_id, np.array(kept), np.array(right)) if kept else None


def fit(beams: Sequence[Beamed], ridge: float = 1.0, rounds: int = 60) -> Floats:
    """Weights of the logistic model, one a sign, by Newton's method."""
    signs = np.concatenate([beam.signs for beam in beams])
    right = np.concatenate([beam.right for beam in beams]).astype(float)
    scale = signs.std(0)
    scale[scale == 0] = 1
    scaled = signs / scale
    chosen = np.zeros(signs.shape[1])
    for _ in range(rounds):
        chance = 1 / (1 + np.exp(-scaled @ chosen))
        slope = scaled.T @ (right - chance) - ridge * chosen
        curve = (scaled * (chance * (1 - chance))[:, None]).T @ scaled + ridge * np.eye(len(chosen))
        chosen = chosen + np.linalg.solve(curve, slope)
    return chosen / scale


def figures(beams: Sequence[Beamed], chosen: Floats) -> dict[str, float]:
    """What the first answer of the search, the surest answer, and the best of the beam reach; calibration error."""
    choices = _choices(beams, chosen)
    chances, right = np.array([chance for chance, _ in choices]), np.array([is_right for _, is_right in choices])
    order = np.argsort(chances)
    gaps = [abs(chances[part].sum() - right[part].sum()) for part in np.array_split(order, 10)]
    return {
        "n": len(beams),
        "first": round(100 * float(np.mean([beam.right[0] for beam in beams])), 1),
        "surest": round(100 * float(right.mean()), 1),
        "any": round(100 * float(np.mean([beam.right.any() for beam in beams])), 1),
        "calibration_error": round(float(sum(gaps)) / len(beams), 4),
    }


def _beams_of(folder: Path, work: tuple[Path, Sequence[Question]]) -> list[Beamed]:
    model = BuiltinModel(weights.load(folder))
    databases, questions = Databases(work[0]), work[1]
    return [beam for question in questions if (beam := beam_of(model, question, databases))]


def unanswerable(batch: str) -> list[Question]:
    """Questions about things that their database does not hold; no answer to them is right."""
    lines = (WORK / "synthesis" / batch / "unanswerable.jsonl").read_text("utf-8").splitlines()
    chosen = random.Random(0).sample(lines, UNANSWERABLE_QUESTIONS)
    return [Question(one["db_id"], one["question"], "") for one in map(json.loads, chosen)]


def threshold(beams: Sequence[Beamed], chosen: Floats) -> float:
    """The probability below which to abstain: as high as keeps nearly all right answers."""
    chances = sorted(chance for chance, is_right in _choices(beams, chosen) if is_right)
    return round(float(chances[int(len(chances) * (1 - RIGHT_ANSWERS_KEPT))]), 3)


def _choices(beams: Sequence[Beamed], chosen: Floats) -> list[tuple[float, bool]]:
    """For each question the probability of its surest answer, and whether that is right."""
    made = []
    for beam in beams:
        scores = beam.signs @ chosen
        best = int(np.argmax(scores))
        made.append((float(1 / (1 + np.exp(-scores[best]))), bool(beam.right[best])))
    return made


def held_out_beams(data: Path, folder: Path) -> list[Beamed]:
    """Beams for the held-out databases of Spider and a sample of the held-out synthetic domains."""
    spider, folder_of_spider = scored_questions(data, "held_out"), data / "spider" / "database"
    works = [(folder_of_spider, spider[0::2]), (folder_of_spider, spider[1::2])]
    for path in sorted((WORK / "examples").glob(f"*{HELD_OUT}.jsonl"))[-1:]:
        examples = random.Random(0).sample(list(read_examples(path)), SYNTHETIC_QUESTIONS)
        questions = [Question(one.db_id, one.question, one.sql) for one in examples]
        questions += unanswerable(group_of(path.stem))
        works.append((databases_of(path.stem, data).folder, questions))
    with ProcessPoolExecutor(2) as pool:
        return [beam for beams in pool.map(partial(_beams_of, folder), works) for beam in beams]


def _write_beams(beams: Sequence[Beamed]) -> None:
    """For trying other signs without searching again."""
    lines = ({"db_id": one.db_id, "signs": one.signs.tolist(), "right": one.right.tolist()} for one in beams)
    (WORK / "beams.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--weights", type=Path, default=weights.FOLDER)
    options = parser.parse_args()
    beams = held_out_beams(options.data, options.weights)
    names = sorted({beam.db_id for beam in beams})
    _write_beams(beams)
    half = set(random.Random(1).sample(names, len(names) // 2))
    fitted = fit([beam for beam in beams if beam.db_id in half])
    report = {
        "fitted on": figures([beam for beam in beams if beam.db_id in half], fitted),
        "others": figures([beam for beam in beams if beam.db_id not in half], fitted),
    }
    chosen = fit(beams)
    print(json.dumps(report, indent=1), dict(zip(SIGNS, chosen.round(3), strict=True)))
    file = options.weights / "model.json"
    settings = json.loads(file.read_text("utf-8"))
    settings["confidence"] = {
        "weights": {name: round(float(weight), 5) for name, weight in zip(SIGNS, chosen, strict=True)},
        "threshold": threshold(beams, chosen),
        "report": report,
    }
    file.write_text(json.dumps(settings, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
