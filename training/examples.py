"""Questions with gold SQL as training examples: candidates found, SQL written as the model's tokens, kept as JSONL.

python -m training.examples DATA_FOLDER        prepares every question set of the data folder
"""

from __future__ import annotations

import argparse
import json
import random
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from t2s_magic.builtin.candidates import find_candidates
from t2s_magic.builtin.encode import encode
from t2s_magic.builtin.joins import JoinGraph
from t2s_magic.builtin.literals import Unreachable
from t2s_magic.builtin.tokens import Candidate, ColumnRef, TableRef, Token, ValueRef
from t2s_magic.schema import Schema
from training.sqlite_cells import FileCells, read_sqlite_schema

WORK = Path(__file__).parent / "work"
MOST_TOKENS = 94
HELD_OUT_DATABASES = 20
HELD_OUT = "_held_out"


@dataclass(frozen=True)
class Question:
    """One line of a question set."""

    db_id: str
    question: str
    sql: str


@dataclass(frozen=True)
class Example:
    """A question whose gold SQL the model can write with the candidates that were found."""

    source: str
    db_id: str
    question: str
    sql: str
    candidates: tuple[Candidate, ...]
    tokens: tuple[Token, ...]


def spider_questions(data: Path, part: str) -> list[Question]:
    lines = (data / "spider" / f"{part}.jsonl").read_text("utf-8").splitlines()
    return [Question(one["db_id"], one["question"], one["sql"]) for one in map(json.loads, lines)]


def synonym_questions(data: Path) -> list[Question]:
    lines = json.loads((data / "spider_syn" / "train_spider_syn.json").read_text("utf-8"))
    return [Question(one["db_id"], one["SpiderSynQuestion"], one["query"]) for one in lines]


def spider_sources(data: Path) -> dict[str, list[Question]]:
    """Every training source of the data folder, without the strings that stand in dev as well."""
    in_dev = {question.question for question in spider_questions(data, "dev")}
    sources = {
        "spider": spider_questions(data, "train"),
        "spider_others": spider_questions(data, "train_others"),
        "spider_syn": synonym_questions(data),
    }
    return {name: [one for one in questions if one.question not in in_dev] for name, questions in sources.items()}


def held_out(db_ids: Sequence[str]) -> frozenset[str]:
    """The databases of Spider's train split that no run trains on: checkpoints are chosen there."""
    return frozenset(random.Random(20).sample(sorted(set(db_ids)), HELD_OUT_DATABASES))


class Databases:
    """Schemas and cell indexes of ``folder/<db_id>/<db_id>.sqlite``, read once each."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.schema = cache(self._schema)
        self.cells = cache(self._cells)
        self.graph = cache(self._graph)

    def path(self, db_id: str) -> Path:
        return self.folder / db_id / f"{db_id}.sqlite"

    def _schema(self, db_id: str) -> Schema:
        return read_sqlite_schema(self.path(db_id))

    def _cells(self, db_id: str) -> FileCells:
        return FileCells(self.path(db_id))

    def _graph(self, db_id: str) -> JoinGraph:
        return JoinGraph(self.schema(db_id))

    def candidates(self, db_id: str, question: str) -> list[Candidate]:
        schema = self.schema(db_id)
        values = self.cells(db_id).find(question, schema, budget=20.0)
        return find_candidates(question, schema, values)

    def tokens(self, question: Question, candidates: Sequence[Candidate]) -> list[Token]:
        """The gold SQL as tokens; Unreachable where none say it."""
        db_id = question.db_id
        tokens = encode(question.sql, self.schema(db_id), candidates, graph=self.graph(db_id))
        if len(tokens) > MOST_TOKENS:
            raise Unreachable("too long")
        return tokens


def prepare(source: str, questions: Sequence[Question], databases: Databases, out: Path) -> None:
    """Write ``out`` as JSONL, one example a line, and beside it a count of what could not be encoded."""
    if out.exists():
        return
    out.parent.mkdir(parents=True, exist_ok=True)
    problems: Counter[str] = Counter()
    unfinished = out.with_suffix(".unfinished")
    written = 0
    with unfinished.open("w", encoding="utf-8") as file:
        for question in questions:
            candidates = databases.candidates(question.db_id, question.question)
            try:
                tokens = databases.tokens(question, candidates)
            except Unreachable as error:
                problems[error.reason] += 1
                continue
            example = Example(source, question.db_id, question.question, question.sql, tuple(candidates), tuple(tokens))
            file.write(json.dumps(_to_json(example), ensure_ascii=False) + "\n")
            written += 1
    report = {"questions": len(questions), "examples": written, "problems": dict(problems.most_common(20))}
    out.with_suffix(".report.json").write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", "utf-8")
    unfinished.rename(out)
    print(f"{source}: {written} of {len(questions)} questions encoded", flush=True)


def read_examples(path: Path) -> Iterator[Example]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield _from_json(json.loads(line))


def write_token(token: Token) -> str:
    """A token as text; the inverse of ``read_token``."""
    if isinstance(token, ColumnRef):
        return f"$c{token.table}.{token.column}"
    if isinstance(token, TableRef):
        return f"$t{token.table}"
    if isinstance(token, ValueRef):
        return f"$v{token.value}"
    return token


def read_token(text: str) -> Token:
    if text.startswith("$c"):
        table, column = text[2:].split(".")
        return ColumnRef(int(table), int(column))
    if text.startswith("$t"):
        return TableRef(int(text[2:]))
    if text.startswith("$v"):
        return ValueRef(int(text[2:]))
    return text


def _to_json(example: Example) -> dict[str, Any]:
    return {
        "source": example.source,
        "db_id": example.db_id,
        "question": example.question,
        "sql": example.sql,
        "candidates": [asdict(candidate) for candidate in example.candidates],
        "tokens": " ".join(map(write_token, example.tokens)),
    }


def _from_json(line: dict[str, Any]) -> Example:
    candidates = tuple(
        Candidate(**{**one, "others": tuple(ColumnRef(**place) for place in one["others"])})
        for one in line["candidates"]
    )
    tokens = tuple(map(read_token, line["tokens"].split()))
    return Example(line["source"], line["db_id"], line["question"], line["sql"], candidates, tokens)


def prepare_all(sources: Iterable[tuple[str, Sequence[Question], Databases]]) -> None:
    for source, questions, databases in sources:
        prepare(source, questions, databases, WORK / "examples" / f"{source}.jsonl")


def synthesis_sources() -> dict[str, list[Question]]:
    """What ``training.synthesis`` wrote below ``work/synthesis``, and the domains of it that no run trains on.

    A folder called ``spider...`` asks about Spider's own databases.
    """
    sources = {}
    for folder in sorted((WORK / "synthesis").iterdir()):
        sources[folder.name] = read_questions(folder / "train.jsonl")
        if (folder / "heldout.jsonl").exists():
            sources[f"{folder.name}{HELD_OUT}"] = read_questions(folder / "heldout.jsonl")
    return sources


def read_questions(path: Path) -> list[Question]:
    """Lines of JSON with db_id, question and sql."""
    lines = map(json.loads, path.read_text("utf-8").splitlines())
    return [Question(one["db_id"], one["question"], one["sql"]) for one in lines]


def group_of(source: str) -> str:
    """Sources of one group share their databases."""
    return "spider" if source.startswith("spider") else source.removesuffix(HELD_OUT)


def databases_of(source: str, data: Path) -> Databases:
    group = group_of(source)
    return Databases(data / "spider" / "database" if group == "spider" else WORK / "synthesis" / group)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    options = parser.parse_args()
    sources = spider_sources(options.data) | synthesis_sources()
    prepare_all((name, questions, databases_of(name, options.data)) for name, questions in sources.items())


if __name__ == "__main__":
    main()
