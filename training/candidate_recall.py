"""How many literals of gold SQL are among the candidates found for their questions.

python -m training.candidate_recall DATA_FOLDER [train|train_others|dev] [--misses 40]
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

from t2s_magic.builtin.candidates import find_candidates
from t2s_magic.builtin.tokens import Candidate
from t2s_magic.schema import Schema
from training.sqlite_cells import FileCells, read_sqlite_schema

_LITERAL = re.compile(r"'((?:[^']|'')*)'|\"([^\"]*)\"|(?<![\w.\"])(-?\d+(?:\.\d+)?)(?![\w.\"])")
_LIMIT_ONE = re.compile(r"\bLIMIT\s+1\b", re.IGNORECASE)
_KEYWORD_CONSTANTS = frozenset({"0", "1", "2", "100"})


def gold_literals(sql: str, schema: Schema) -> Iterator[str]:
    """The literals that a question has to give: no names of columns, no per cent signs, no constants of the grammar."""
    names = {name.casefold() for table in schema.tables for name in (table.name, *(c.name for c in table.columns))}
    for single, double, number in _LITERAL.findall(_LIMIT_ONE.sub("", sql)):
        text = (single or double).replace("''", "'") or number
        if (double and double.casefold() in names) or text in _KEYWORD_CONSTANTS:
            continue
        text = text.strip("%") if single or double else text
        if text:
            yield text


def is_among(literal: str, candidates: list[Candidate]) -> bool:
    texts = {candidate.text for candidate in candidates}
    if literal in texts:
        return True
    try:
        return float(literal) in {float(text) for text in texts if re.fullmatch(r"-?\d+(\.\d+)?", text)}
    except ValueError:
        return False


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("part", nargs="?", default="train")
    parser.add_argument("--misses", type=int, default=0)
    options = parser.parse_args()
    examples = [json.loads(line) for line in (options.data / "spider" / f"{options.part}.jsonl").open()]
    databases: dict[str, tuple[Schema, FileCells]] = {}
    found = total = whole = 0
    counts: list[int] = []
    seconds: list[float] = []
    for example in examples:
        name = example["db_id"]
        if name not in databases:
            path = options.data / "spider" / "database" / name / f"{name}.sqlite"
            databases[name] = (read_sqlite_schema(path), FileCells(path))
            databases[name][1].find("", databases[name][0], budget=60)
        schema, cells = databases[name]
        start = time.perf_counter()
        values = cells.find(example["question"], schema)
        middle = time.perf_counter()
        candidates = find_candidates(example["question"], schema, values)
        seconds.append(middle - start)
        seconds_candidates.append(time.perf_counter() - middle)
        counts.append(len(candidates))
        literals = list(gold_literals(example["sql"], schema))
        missing = [literal for literal in literals if not is_among(literal, candidates)]
        total += len(literals)
        found += len(literals) - len(missing)
        whole += not missing
        if missing and options.misses > 0:
            options.misses -= 1
            print(f"{name}: {example['question']}\n   {example['sql']}\n   missing {missing}")
            print("   has", [candidate.text for candidate in candidates])
    print(
        f"{options.part}: {found}/{total} literals = {found / total:.1%}; questions with all "
        f"{whole}/{len(examples)} = {whole / len(examples):.1%}; candidates a question: mean "
        f"{statistics.mean(counts):.1f}, most {max(counts)}; milliseconds a question: cells p50 "
        f"{1000 * statistics.median(seconds):.2f}, p95 {1000 * sorted(seconds)[int(0.95 * len(seconds))]:.2f}, "
        f"candidates p50 {1000 * statistics.median(seconds_candidates):.2f}"
    )


seconds_candidates: list[float] = []

if __name__ == "__main__":
    main()
