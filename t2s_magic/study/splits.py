"""Questions to learn from, to choose by and to measure on: loaded, divided without overlap, and described by a card."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from t2s_magic.database import Database
from t2s_magic.errors import UsageError
from t2s_magic.memory import Pair
from t2s_magic.study.databases import Databases, FileDatabases, OneDatabase, ScriptDatabases, why_not_runnable
from t2s_magic.study.questions import Question, read_questions

STUDY_SEED = 1399
STUDY_SIZES = (75, 25, 75)
GRETEL = "gretelai/synthetic_text_to_sql"
GRETEL_COLUMNS = ("sql_prompt", "sql_context", "sql")
SPIDER_TABLES = "database"
OWN_DATABASE = "this database"
APPROVED = "approved pairs"

Sizes = tuple[int, int, int]


@dataclass(frozen=True)
class Card:
    """What was loaded, from where, and how it was divided.

    ``hashes`` are SHA-256 of each part's questions and SQL, and ``rows`` that of the databases that they ask.
    """

    name: str
    source: str
    license: str
    seed: int
    sizes: Mapping[str, int]
    databases: Mapping[str, int]
    hashes: Mapping[str, str]
    rows: str = ""
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    def __str__(self) -> str:
        parts = [
            f"{part:<8} {size:>5} questions on {self.databases[part]:>4} databases  sha256 {self.hashes[part][:16]}"
            for part, size in self.sizes.items()
        ]
        lines = [f"{self.name}, seed {self.seed}", f"source   {self.source}", f"license  {self.license}", *parts]
        rows = [f"rows     sha256 {self.rows[:16]}"] if self.rows else []
        return "\n".join([*lines, *rows, *(f"note     {note}" for note in self.notes)])


@dataclass(frozen=True)
class Split:
    """Three sets without a common question: optimizers learn from ``trainset`` and choose by ``valset``.

    ``testset`` is held out: nothing is chosen by it. No SQL of one database stands in two sets either, so that a
    paraphrase of a question learnt does not count as a new one.
    """

    trainset: tuple[Question, ...]
    valset: tuple[Question, ...]
    testset: tuple[Question, ...]
    databases: Databases
    card: Card

    @property
    def parts(self) -> dict[str, tuple[Question, ...]]:
        return {"trainset": self.trainset, "valset": self.valset, "testset": self.testset}


@dataclass(frozen=True)
class _Source:
    name: str
    source: str
    license: str
    notes: tuple[str, ...] = ()


def load_gretel(
    train: Path | None = None, test: Path | None = None, *, sizes: Sizes = STUDY_SIZES, seed: int = STUDY_SEED
) -> Split:
    """gretelai/synthetic_text_to_sql through ``datasets``: from the hub, or from files with the same columns.

    Trainset and valset come from its train split, the testset from its test split, as in the published study. Each
    question brings its own database, built in SQLite from the statements of its context.
    """
    learnt, held_out = _read_gretel("train", train), _read_gretel("test", test)
    scripts = {f"train-{row}": data["sql_context"] for row, data in enumerate(learnt)}
    scripts |= {f"test-{row}": data["sql_context"] for row, data in enumerate(held_out)}
    notes = (
        "The published notebook seeded numpy, while DSPy's loader draws with Python's own generator, so its questions "
        "cannot be drawn again; these are other questions of the same data, drawn with the same number as the seed.",
        "Each context is built in SQLite as far as its statements run; questions whose SQL is no SELECT, or does not "
        "run there, are counted and left out by `only_runnable`.",
    )
    source = _Source("synthetic_text_to_sql", f"https://huggingface.co/datasets/{GRETEL}", "Apache-2.0", notes)
    chosen = _divide([_gretel_question("train", row, data) for row, data in enumerate(learnt)], sizes[:2], seed)
    seen = {_folded(question.question) for part in chosen for question in part}
    new = [_gretel_question("test", row, data) for row, data in enumerate(held_out)]
    (tested,) = _divide([each for each in new if _folded(each.question) not in seen], sizes[2:], seed)
    return _split((*chosen, tested), ScriptDatabases(scripts), source, seed)


def load_spider(folder: Path, *, sizes: Sizes = (75, 25, 200), seed: int = STUDY_SEED) -> Split:
    """Spider as its zip unpacks: train and valset from the train split, the testset from dev, on other databases."""
    train = _read_spider(folder, ("train.jsonl", "train_spider.json"))
    dev = _read_spider(folder, ("dev.jsonl", "dev.json"))
    source = _Source("Spider 1.0", "https://yale-lily.github.io/spider (Yu et al. 2018)", "CC BY-SA 4.0")
    learnt = _divide(train, sizes[:2], seed, by_database=True)
    (tested,) = _divide(dev, sizes[2:], seed)
    _must_not_share_databases([*learnt[0], *learnt[1]], tested)
    return _split((*learnt, tested), FileDatabases(folder / SPIDER_TABLES), source, seed)


def load_lines(
    path: Path, databases: Path, *, sizes: Sizes | None = None, seed: int = STUDY_SEED, by_database: bool = False
) -> Split:
    """JSON lines of ``{"db_id", "question", "sql", "evidence"?}``, with a folder of SQLite files.

    Without ``sizes``, three tenths are learnt from, two are chosen by and half are held out. ``by_database`` keeps each
    database within one set.
    """
    questions = read_questions(path)
    parts = _divide(questions, sizes or _usual_sizes(len(questions)), seed, by_database=by_database)
    return _split(parts, FileDatabases(databases), _Source(path.stem, path.name, "of the file"), seed)


def load_pairs(
    pairs: Sequence[Pair], database: Database, *, sizes: Sizes | None = None, seed: int = STUDY_SEED
) -> Split:
    """The user's approved pairs, on the user's own database; pairs of another dialect are left out."""
    own = [pair for pair in pairs if pair.dialect == database.dialect]
    questions = [Question(index, OWN_DATABASE, pair.question, pair.sql) for index, pair in enumerate(own)]
    parts = _divide(questions, sizes or _usual_sizes(len(questions)), seed)
    return _split(parts, OneDatabase(database), _Source(APPROVED, database.label, "yours"), seed)


def only_runnable(split: Split) -> tuple[Split, dict[str, str]]:
    """The split without questions whose gold SQL gives no rows to compare with, and why each of them was left out."""
    why = {
        question.question: reason
        for part in split.parts.values()
        for question in part
        if (reason := why_not_runnable(split.databases, question.db_id, question.sql))
    }
    kept = {
        name: tuple(question for question in part if question.question not in why) for name, part in split.parts.items()
    }
    total = sum(map(len, split.parts.values()))
    note = f"{total - len(why)} of {total} gold statements run and read; the others were left out."
    return Split(**kept, databases=split.databases, card=_described(split.card, kept, note)), why


def _usual_sizes(count: int) -> Sizes:
    learnt, chosen_by = round(count * 0.3), round(count * 0.2)
    return learnt, chosen_by, count - learnt - chosen_by


def _divide(
    questions: Sequence[Question], sizes: Sequence[int], seed: int, *, by_database: bool = False
) -> list[tuple[Question, ...]]:
    """Parts of at most these sizes, in the file's order; questions of one group stay together in one part."""
    if sum(sizes) > len(questions):
        raise UsageError(f"There are {len(questions)} questions, and {sum(sizes)} were asked for. Ask for fewer.")
    groups = _groups(questions, by_database)
    random.Random(seed).shuffle(groups)
    parts: list[list[Question]] = [[] for _ in sizes]
    for group in groups:
        room = [part for part, size in zip(parts, sizes, strict=True) if len(part) < size]
        if room:
            room[0].extend(group)
    cut = [part[:size] for part, size in zip(parts, sizes, strict=True)]
    return [tuple(sorted(part, key=lambda question: question.index)) for part in cut]


def _groups(questions: Iterable[Question], by_database: bool) -> list[list[Question]]:
    """Questions that must not be divided: those of a database; or those with the same words, or the same SQL on it."""
    groups: dict[tuple[str, ...], list[Question]] = {}
    for question in questions:
        keys = [("asked", _folded(question.question)), ("sql", question.db_id, _folded(question.sql))]
        keys = [(question.db_id,)] if by_database else keys
        together = {id(groups[key]): groups[key] for key in keys if key in groups}
        group = [*(each for found in together.values() for each in found), question]
        groups |= {key: group for key, found in groups.items() if id(found) in together} | dict.fromkeys(keys, group)
    return list({id(group): group for group in groups.values()}.values())


def _folded(text: str) -> str:
    return " ".join(text.casefold().split()).rstrip(" ;?.!")


def _must_not_share_databases(learnt: Iterable[Question], tested: Iterable[Question]) -> None:
    shared = {question.db_id for question in learnt} & {question.db_id for question in tested}
    if shared:
        raise UsageError(f"Train and dev share databases: {', '.join(sorted(shared)[:5])}. Is this Spider's folder?")


def _split(parts: Sequence[tuple[Question, ...]], databases: Databases, source: _Source, seed: int) -> Split:
    named = dict(zip(("trainset", "valset", "testset"), parts, strict=True))
    empty = Card(source.name, source.source, source.license, seed, {}, {}, {}, notes=source.notes)
    rows = databases.digest(question.db_id for part in parts for question in part)
    return Split(**named, databases=databases, card=replace(_described(empty, named), rows=rows))


def _described(card: Card, parts: Mapping[str, Sequence[Question]], *notes: str) -> Card:
    return replace(
        card,
        sizes={name: len(part) for name, part in parts.items()},
        databases={name: len({question.db_id for question in part}) for name, part in parts.items()},
        hashes={name: _hash(part) for name, part in parts.items()},
        notes=(*card.notes, *notes),
    )


def _hash(questions: Iterable[Question]) -> str:
    texts = [[question.db_id, question.question, question.sql] for question in questions]
    return hashlib.sha256(json.dumps(texts, ensure_ascii=False).encode()).hexdigest()


def _read_gretel(part: str, path: Path | None) -> list[dict[str, str]]:
    import datasets

    if path is None:
        rows = datasets.load_dataset(GRETEL, split=part)
    else:
        kind = {".csv": "csv", ".parquet": "parquet"}.get(path.suffix, "json")
        if not path.is_file():
            raise UsageError(f"No file {path}. It should hold rows with {', '.join(GRETEL_COLUMNS)}.")
        rows = datasets.load_dataset(kind, data_files=str(path), split="train")
    missing = [column for column in GRETEL_COLUMNS if column not in rows.column_names]
    if missing:
        raise UsageError(f"{path or GRETEL} has no column {missing[0]}; it has {', '.join(rows.column_names)}.")
    return [{column: row[column] for column in GRETEL_COLUMNS} for row in rows]


def _gretel_question(part: str, row: int, data: Mapping[str, str]) -> Question:
    return Question(row, f"{part}-{row}", data["sql_prompt"], data["sql"].strip().rstrip(";"))


def _read_spider(folder: Path, names: Sequence[str]) -> list[Question]:
    path = next((folder / name for name in names if (folder / name).is_file()), None)
    if path is None:
        raise UsageError(f"{folder} has neither {' nor '.join(names)}. Unpack Spider there.")
    if path.suffix == ".jsonl":
        return read_questions(path)
    rows = json.loads(path.read_text(encoding="utf-8"))
    return [Question(index, row["db_id"], row["question"], row["query"]) for index, row in enumerate(rows)]
