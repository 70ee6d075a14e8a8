"""Fit the choice among answers and its probabilities on databases that no run trained on; write them into the settings.

    python -m training.calibrate DATA_FOLDER [--weights FOLDER]

Two linear models over the signs of ``t2s_magic.builtin``: one for answers alone, one for the likeliest of them with
their rows. Each gives the answers of a question, and "none of these", probabilities that add up to 1; questions about
what the database does not hold belong to the fit. The report is cross-validated by database; what ships is fitted on
all.
"""

from __future__ import annotations

import argparse
import json
import math
import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from t2s_magic.builtin import weights
from t2s_magic.builtin.beam import WIDTH
from t2s_magic.builtin.confidence import BIAS, shares
from t2s_magic.builtin.looks import MOST_LOOKS, Look, look, look_signs
from t2s_magic.builtin.model import BuiltinModel
from t2s_magic.builtin.signs import Signs
from t2s_magic.database import glances
from training.evaluate import connect, orders_its_rows, run, same_rows, scored_questions
from training.examples import HELD_OUT, WORK, Databases, Question, databases_of, group_of, read_examples

SYNTHETIC_QUESTIONS = 500
UNANSWERABLE_QUESTIONS = 250
SECONDS_A_LOOK = 2.0
FOLDS = 5
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Found:
    """One answer of a search. ``look`` is None where it does not run."""

    sql: str
    log_probability: float
    signs: Signs
    look: Look | None
    is_right: bool


@dataclass(frozen=True)
class Searched:
    """A question with the answers that make sense, in the order of the search; ``kind`` says where it comes from."""

    kind: str
    db_id: str
    answers: tuple[Found, ...]


def search(model: BuiltinModel, kind: str, question: Question, databases: Databases) -> Searched:
    schema = databases.schema(question.db_id)
    connection = connect(databases.path(question.db_id))
    values = databases.cells(question.db_id).find(question.question, schema)
    asked = model.ask(question.question, schema, values, (), width=WIDTH)
    gold = run(connection, question.sql) if question.sql else None
    is_ordered = bool(question.sql) and orders_its_rows(question.sql)
    rows = {sql: run(connection, sql, SECONDS_A_LOOK) for sql in dict.fromkeys(asked.sqls)}
    connection.close()
    looks = {sql: look(found[: glances.ROWS]) for sql, found in rows.items() if found is not None}
    answers = tuple(
        Found(sql, answer.log_probability, signs, looks.get(sql), same_rows(gold, rows[sql], is_ordered))
        for answer, sql, signs in zip(asked.answers, asked.sqls, asked.signs, strict=True)
        if signs is not None
    )
    return Searched(kind, question.db_id, answers)


@dataclass(frozen=True)
class Weights:
    """A weight for each sign, and one for ``BIAS``."""

    of_sign: dict[str, float]

    def scores(self, signs: Iterable[Signs]) -> Floats:
        return np.array([sum(self.of_sign.get(name, 0.0) * sign for name, sign in {**one, BIAS: 1.0}.items())
                         for one in signs])  # fmt: skip

    def chances(self, signs: Sequence[Signs]) -> Floats:
        odds = np.exp(np.clip(self.scores(signs), -30, 30))
        chances: Floats = odds / (1 + odds.sum())
        return chances


@dataclass(frozen=True)
class Choice:
    """What is fitted: see ``t2s_magic.builtin.confidence.Confidence``."""

    plain: Weights
    with_rows: Weights


def fit(questions: Sequence[Searched]) -> Choice:
    plain = fit_weights([([one.signs for one in q.answers], [one.is_right for one in q.answers]) for q in questions])
    looked = [_looked_at(question, plain) for question in questions]
    return Choice(plain, fit_weights([(signs, [one.is_right for one in answers]) for answers, signs in looked]))


def _looked_at(question: Searched, plain: Weights) -> tuple[list[Found], list[Signs]]:
    """The answers whose rows the product looks at, and all their signs."""
    chances: dict[str, float] = defaultdict(float)
    for answer, chance in zip(question.answers, plain.chances([one.signs for one in question.answers]), strict=True):
        if answer.look is not None:
            chances[answer.sql] += float(chance)
    likeliest = sorted(chances, key=lambda sql: -chances[sql])[:MOST_LOOKS]
    answers = [answer for answer in question.answers if answer.sql in likeliest]
    of_looks = look_signs(
        [one for answer in answers if (one := answer.look)], shares([answer.log_probability for answer in answers])
    )
    return answers, [{**answer.signs, **more} for answer, more in zip(answers, of_looks, strict=True)]


def fit_weights(
    questions: Sequence[tuple[Sequence[Signs], Sequence[bool]]], ridge: float = 16.0, rounds: int = 200
) -> Weights:
    """Weights under which the right answers of a question, or "none" where there is none, are likeliest (by Adam)."""
    names = sorted({name for signs, _ in questions for one in signs for name in one})
    table = np.array([[one.get(name, 0.0) for name in names] for signs, _ in questions for one in signs])
    right = np.array([is_right for _, rights in questions for is_right in rights])
    owner = np.repeat(np.arange(len(questions)), [len(signs) for signs, _ in questions])
    middle, scale = table.mean(0), table.std(0)
    scale[scale == 0] = 1
    scaled = np.hstack([(table - middle) / scale, np.ones((len(table), 1))])
    held_back = np.append(np.full(len(names), ridge), 0.0)
    has_right = np.bincount(owner, right, len(questions)) > 0
    chosen, drift, spread = (np.zeros(len(names) + 1) for _ in range(3))
    for step in range(1, rounds + 1):
        odds = np.exp(np.clip(scaled @ chosen, -30, 30))
        of_right = np.bincount(owner, odds * right, len(questions))
        wanted = np.where(has_right[owner] & right, odds / np.maximum(of_right[owner], 1e-30), 0.0)
        slope = scaled.T @ (odds / (1 + np.bincount(owner, odds, len(questions)))[owner] - wanted) + held_back * chosen
        drift, spread = 0.9 * drift + 0.1 * slope, 0.999 * spread + 0.001 * slope**2
        rate = 0.05 if step < 0.6 * rounds else 0.01
        chosen -= rate * (drift / (1 - 0.9**step)) / (np.sqrt(spread / (1 - 0.999**step)) + 1e-9)
    own = chosen[:-1] / scale
    return Weights(dict(zip(names, own.tolist(), strict=True)) | {BIAS: float(chosen[-1] - own @ middle)})


Chosen = tuple[float, bool]
"""The probability of the answer that is given, and whether it is right."""


def choose_plain(question: Searched, choice: Choice) -> Chosen:
    """As the product does where rows are not looked at: the likeliest statement that runs."""
    chances = choice.plain.chances([answer.signs for answer in question.answers])
    return _likeliest(question.answers, chances, [answer.sql for answer in question.answers])


def choose_with_rows(question: Searched, choice: Choice) -> Chosen:
    answers, signs = _looked_at(question, choice.plain)
    keys = [one.sql if (seen := one.look) is None or seen.same is None else seen.same for one in answers]
    return _likeliest(answers, choice.with_rows.chances(signs), keys)


def _likeliest(answers: Sequence[Found], chances: Floats, keys: Sequence[object]) -> Chosen:
    together: dict[object, float] = defaultdict(float)
    first: dict[object, tuple[float, Found]] = {}
    for key, chance, answer in zip(keys, chances, answers, strict=True):
        if answer.look is None:
            continue
        together[key] += float(chance)
        first[key] = max(first.get(key, (-1.0, answer)), (float(chance), answer), key=lambda pair: pair[0])
    if not together:
        return 0.0, False
    best = max(together, key=lambda key: together[key])
    return together[best], first[best][1].is_right


CHOICES: dict[str, Callable[[Searched, Choice], Chosen]] = {"plain": choose_plain, "with_rows": choose_with_rows}


def cross_validated(questions: Sequence[Searched]) -> dict[str, list[Chosen]]:
    """By name of choice: what each question is answered by a model fitted on other databases."""
    names = sorted({question.db_id for question in questions})
    random.Random(1).shuffle(names)
    chosen: dict[str, dict[int, Chosen]] = {name: {} for name in CHOICES}
    for fold in range(FOLDS):
        outside = set(names[fold::FOLDS])
        fitted = fit([question for question in questions if question.db_id not in outside])
        for place, question in enumerate(questions):
            if question.db_id in outside:
                for name, choose in CHOICES.items():
                    chosen[name][place] = choose(question, fitted)
    return {name: [found[place] for place in range(len(questions))] for name, found in chosen.items()}


def report(questions: Sequence[Searched]) -> dict[str, Any]:
    """By kind of question: EX of the search's first answer that runs, of the two choices, and of the best answer."""
    by_choice = cross_validated(questions)
    found: dict[str, Any] = {}
    for kind in sorted({question.kind for question in questions} - {"unanswerable"}):
        places = [place for place, question in enumerate(questions) if question.kind == kind]
        runs = [[answer.is_right for answer in questions[place].answers if answer.look] for place in places]
        found[kind] = {
            "n": len(places),
            "first": _per_cent([bool(one) and one[0] for one in runs]),
            **{name: _per_cent([chosen[place][1] for place in places]) for name, chosen in by_choice.items()},
            "any": _per_cent([any(one) for one in runs]),
        }
    found["calibration_error"] = {name: _calibration_error(chosen) for name, chosen in by_choice.items()}
    return found


def _per_cent(rights: Sequence[bool]) -> float:
    return round(100 * sum(rights) / len(rights), 1)


def _calibration_error(chosen: Sequence[Chosen], bins: int = 10) -> float:
    """Expected calibration error over bins of equal size, questions without an answer included."""
    parts = np.array_split(np.array(sorted(chosen)), bins)
    return round(sum(abs(float(part[:, 0].sum() - part[:, 1].sum())) for part in parts) / len(chosen), 4)


Work = tuple[str, Path, Sequence[Question]]


def _search_all(folder: Path, work: Work) -> list[Searched]:
    kind, databases, questions = work[0], Databases(work[1]), work[2]
    model = BuiltinModel(weights.load(folder))
    return [search(model, kind, question, databases) for question in questions]


def unanswerable(batch: str) -> list[Question]:
    """Questions about things that their database does not hold; no answer to them is right."""
    lines = (WORK / "synthesis" / batch / "unanswerable.jsonl").read_text("utf-8").splitlines()
    chosen = random.Random(0).sample(lines, min(UNANSWERABLE_QUESTIONS, len(lines)))
    return [Question(one["db_id"], one["question"], "") for one in map(json.loads, chosen)]


def questions_held_out(data: Path, most: int | None) -> list[Work]:
    """The held-out databases of Spider, a sample of the held-out synthetic domains, and what nothing answers.

    ``most`` bounds the questions of each database and of each sample, for a quick look.
    """
    by_database: dict[str, list[Question]] = defaultdict(list)
    for question in scored_questions(data, "held_out"):
        by_database[question.db_id].append(question)
    for questions in by_database.values():
        random.Random(2).shuffle(questions)  # paraphrases stand beside each other
    works: list[Work] = [("spider", data / "spider" / "database", questions) for questions in by_database.values()]
    for path in sorted((WORK / "examples").glob(f"*{HELD_OUT}.jsonl"))[-1:]:
        folder = databases_of(path.stem, data).folder
        everything = list(read_examples(path))
        examples = random.Random(0).sample(everything, min(SYNTHETIC_QUESTIONS, len(everything)))
        works.append(("synthetic", folder, [Question(one.db_id, one.question, one.sql) for one in examples]))
        works.append(("unanswerable", folder, unanswerable(group_of(path.stem))))
    return [(kind, folder, questions[:most]) for kind, folder, questions in sorted(works, key=_size)]


def _size(work: Work) -> int:
    """The largest first, so that the processes end together."""
    return -len(work[2])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--weights", type=Path, default=weights.FOLDER)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--most", type=int, help="questions of a database at most; all without it")
    options = parser.parse_args()
    with ProcessPoolExecutor(options.processes) as pool:
        found = pool.map(partial(_search_all, options.weights), questions_held_out(options.data, options.most))
        questions = [question for part in found for question in part]
    chosen = fit(questions)
    figures = report(questions)
    print(json.dumps(figures, indent=1))
    file = options.weights / "model.json"
    settings = json.loads(file.read_text("utf-8"))
    settings["confidence"] = {
        "weights": _rounded(chosen.plain),
        "weights_with_rows": _rounded(chosen.with_rows),
        "report": figures,
    }
    file.write_text(json.dumps(settings, indent=1) + "\n", "utf-8")


def _rounded(found: Weights) -> dict[str, float]:
    return {name: float(f"{weight:.5g}") for name, weight in found.of_sign.items() if not math.isclose(weight, 0.0)}


if __name__ == "__main__":
    main()
