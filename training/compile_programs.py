"""Makes the programs that ship: labeled demos from Spider's train split, each executed, chosen by one stated rule.

    python training/compile_programs.py SPIDER_FOLDER [--out t2s_magic/programs]

The rule, in the order it is applied:
1. Only ``train.jsonl``; no example whose gold reads a table that is empty here, whose question also stands in dev or
   repeats a word, or whose SQL has double quotes (Spider uses them for texts, where other engines read names).
2. The guard passes the SQL with the database's schema, and it returns at least one row within five seconds.
3. For each of the forms below, in order, the examples of exactly that form, from databases that gave no demo yet, are
   sorted by their length in a prompt (tables used, question, SQL); the one at the end of the first quarter is taken:
   short, but not the shortest, which are often careless.

No score is used, so nothing is fitted to any question set, and the same folder gives the same files.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from t2s_magic.database import Limits, connect
from t2s_magic.errors import Text2SqlError
from t2s_magic.guard import CheckedSql, check
from t2s_magic.program import TextToSql, save_program
from t2s_magic.schema import Schema
from t2s_magic.schema.render import render_schema

SHORT_ENOUGH = 900  # characters of a demo in a prompt, about 300 tokens

FORMS: dict[str, Callable[[str], bool]] = {
    "a join with a filter": lambda sql: _has(sql, "JOIN", "WHERE") and not _has_any(sql, "GROUP BY", "ORDER BY"),
    "a count for each group": lambda sql: _has(sql, "GROUP BY", "count(") and not _has_any(sql, "HAVING", "ORDER BY"),
    "groups filtered by a count": lambda sql: _has(sql, "GROUP BY", "HAVING", "JOIN"),
    "the first by an order": lambda sql: _has(sql, "ORDER BY", "LIMIT") and not _has(sql, "GROUP BY"),
    "rows without a match": lambda sql: _has(sql, "NOT IN (SELECT") or _has(sql, "NOT IN ( SELECT"),
    "a comparison with an average": lambda sql: bool(re.search(r"[<>] *\( *SELECT +avg", sql, re.IGNORECASE)),
    "what stands in two sets": lambda sql: _has(sql, "INTERSECT"),
    "the largest group": lambda sql: _has(sql, "GROUP BY", "ORDER BY count(*) DESC LIMIT"),
    "a pattern": lambda sql: _has(sql, "LIKE") and not _has_any(sql, "JOIN", "GROUP BY"),
    "distinct values counted": lambda sql: _has(sql, "count(DISTINCT") and not _has_any(sql, "GROUP BY"),
}
# How many of the forms, from the first, each backend's program shows: larger LMs need fewer to keep to the format.
DEMOS = {"builtin": 10, "starling": 10, "default": 4}
USE = {
    "builtin": "The built-in model takes demos of the database asked and no others, so on your database these change "
    "nothing; they are here so that one file serves every optimizer. Pairs that you approve do change its answers.",
    "starling": "The accuracy of this program with Starling was not measured here; it needs an endpoint.",
    "default": "The accuracy of this program with any particular LM was not measured here.",
}


@dataclass(frozen=True)
class Example:
    """A question of Spider with its SQL, and the part of the schema that the SQL reads."""

    db_id: str
    question: str
    sql: str
    schema: Schema

    @property
    def length(self) -> int:
        return len(render_schema(self.schema)) + len(self.question) + len(self.sql)

    def demo(self) -> dict[str, Any]:
        return {
            "dialect": "sqlite",
            "schema": self.schema.to_dict(),
            "evidence": "",
            "values": [],
            "question": self.question,
            "sql": self.sql,
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("spider", type=Path)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent.parent / "t2s_magic" / "programs")
    arguments = parser.parse_args()
    chosen = choose(arguments.spider)
    for backend, count in DEMOS.items():
        program = TextToSql(label="labeled demos")
        program.predict.demos = [example.demo() for example in list(chosen.values())[:count]]
        path = arguments.out / f"{backend}.json"
        save_program(program, path, _metadata(arguments.spider, dict(list(chosen.items())[:count]), backend))
        print(f"{path}: {count} demos")


def choose(spider: Path) -> dict[str, Example]:
    """One example for each form, by the rule above."""
    candidates = sorted(_candidates(spider), key=lambda example: (example.length, example.question))
    chosen: dict[str, Example] = {}
    for form, is_of_form in FORMS.items():
        taken = {example.db_id for example in chosen.values()}
        fitting = [each for each in candidates if is_of_form(each.sql) and each.db_id not in taken]
        chosen[form] = next(each for each in fitting[len(fitting) // 4 :] if _returns_rows(spider, each))
    return chosen


def _candidates(spider: Path) -> Iterator[Example]:
    dev_questions = {line["question"] for line in _lines(spider / "dev.jsonl")}
    flags = _lines(spider / "empty_table_flags.jsonl")
    flagged = {flag["index"] for flag in flags if flag["split"] == "train"}
    schemas: dict[str, Schema] = {}
    for index, line in enumerate(_lines(spider / "train.jsonl")):
        if index in flagged or line["question"] in dev_questions or _is_careless(line):
            continue
        db_id = line["db_id"]
        if db_id not in schemas:
            schemas[db_id] = connect(_file(spider, db_id)).schema()
        example = _example(line, schemas[db_id])
        if example is not None and example.length <= SHORT_ENOUGH:
            yield example


def _is_careless(line: dict[str, Any]) -> bool:
    return '"' in line["sql"] or bool(re.search(r"\b(\w+) \1\b", line["question"]))


def _example(line: dict[str, Any], schema: Schema) -> Example | None:
    sql = _respaced(line["sql"])
    try:
        read = check(sql, "sqlite", schema=schema).tables
    except Text2SqlError:
        return None
    own = schema.only([table for table in schema.tables if table.full_name in read])
    question = re.sub(r" ([?.,])", r"\1", line["question"]).strip()
    return Example(line["db_id"], question, sql, own)


def _returns_rows(spider: Path, example: Example) -> bool:
    database = connect(_file(spider, example.db_id))
    try:
        checked: CheckedSql = check(example.sql, "sqlite", schema=database.schema())
        return len(database.run(checked, Limits(seconds=5.0))) > 0
    except Text2SqlError:
        return False
    finally:
        database.close()


def _metadata(spider: Path, chosen: dict[str, Example], backend: str) -> dict[str, Any]:
    digest = hashlib.sha256((spider / "train.jsonl").read_bytes()).hexdigest()
    return {
        "label": "labeled demos",
        "backend": backend,
        "card": {
            "demos": f"{len(chosen)} labeled demos, each of another database; each was executed and returns rows.",
            "rule": "One example for each form of SQL, from short ones, without regard to any score: "
            "see training/compile_programs.py.",
            "forms": {form: example.db_id for form, example in chosen.items()},
            "measured": USE[backend],
            "source": "Spider 1.0, train split (Yu et al. 2018, yale-lily.github.io/spider); white space tidied",
            "license": "CC BY-SA 4.0, https://creativecommons.org/licenses/by-sa/4.0/",
            "train.jsonl sha256": digest,
        },
    }


def _respaced(sql: str) -> str:
    """Spider's SQL with single spaces and none before a comma, outside of texts."""
    parts = re.split(r"('[^']*')", sql)
    parts[::2] = [re.sub(r" +,", ",", re.sub(r"\s+", " ", part)) for part in parts[::2]]
    return "".join(parts).strip()


def _file(spider: Path, db_id: str) -> Path:
    return spider / "database" / db_id / f"{db_id}.sqlite"


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def _has(sql: str, *parts: str) -> bool:
    return all(part.lower() in sql.lower() for part in parts)


def _has_any(sql: str, *parts: str) -> bool:
    return any(part.lower() in sql.lower() for part in parts)


if __name__ == "__main__":
    main()
