"""What a grammar does to an LM of random weights, the worst there is: python benchmarks/constrained.py URL [N].

Asks the server at URL (T2S_API_KEY holds its key) for N statements with and without the grammar of a schema, at
temperature 1, and prints the share that parses, the share that also names only what exists, and the time. The tiny
random Mistral of tests/serve/make_tiny.py behind vLLM on a CPU is such a server; no accuracy is measured here.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from model_serve.prompts import QUESTIONS, SCHEMA, messages
from t2s_magic import guard
from t2s_magic.adapters import read_sql
from t2s_magic.adapters.grammar import select_grammar
from t2s_magic.errors import NoSqlError, UnsafeSqlError
from t2s_magic.lm import STARLING_MODEL, STARLING_STOP_TOKENS, Endpoint, Patience
from t2s_magic.lm.replies import Completion
from t2s_magic.schema import Column, Schema, Table

MAX_TOKENS = 200
N = 48
AT_ONCE = 16


@dataclass(frozen=True)
class Written:
    """How far one answer got: to its end, through the parser, through the guard with the schema."""

    is_whole: bool
    parses: bool
    names_exist: bool


def main(base_url: str, count: int) -> None:
    endpoint = Endpoint(base_url, os.environ.get("T2S_API_KEY", ""), patience=Patience(total=1200), constrained="on")
    schema = chinook()
    grammar = select_grammar(schema)
    print(f"{len(grammar):,} characters of grammar, {len(schema.tables)} tables; {AT_ONCE} statements at a time")
    for name, held_to in (("without", ""), ("with", grammar)):
        first = ask(endpoint, held_to, 0)
        print(f"{name}: a first statement alone took {first.seconds:.1f} s, {first.completion_tokens} tokens")
        started = time.monotonic()
        with ThreadPoolExecutor(AT_ONCE) as threads:
            completions = list(threads.map(partial(ask, endpoint, held_to), range(1, count + 1)))
        tell(name, completions, schema, time.monotonic() - started)


def ask(endpoint: Endpoint, grammar: str, seed: int) -> Completion:
    body = {
        "model": STARLING_MODEL,
        "messages": messages(QUESTIONS[seed % len(QUESTIONS)]),
        "max_tokens": MAX_TOKENS,
        "temperature": 1.0,
        "seed": seed,
        "stop_token_ids": STARLING_STOP_TOKENS,
    }
    return endpoint.complete(body, grammar=grammar)


def written(completion: Completion, schema: Schema) -> Written:
    is_whole = completion.finish_reason == "stop"
    return Written(is_whole, *(judged(completion.text, schema) if is_whole else (False, False)))


def judged(answer: str, schema: Schema) -> tuple[bool, bool]:
    try:
        checked = guard.check(read_sql(answer), schema.dialect, schema=schema)
        guard.check_names(checked, schema)
    except NoSqlError:
        return False, False
    except UnsafeSqlError as error:
        return not error.message.startswith("Not valid"), False
    return True, True


def tell(name: str, completions: Sequence[Completion], schema: Schema, seconds: float) -> None:
    results = [written(completion, schema) for completion in completions]
    tokens = sum(completion.completion_tokens or 0 for completion in completions)
    print(
        f"{name}: of {len(results)}, {sum(each.is_whole for each in results)} end within {MAX_TOKENS} tokens, "
        f"{sum(each.parses for each in results)} parse, {sum(each.names_exist for each in results)} pass the guard and "
        f"name only what exists; {tokens:,} tokens in {seconds:.1f} s"
    )


def chinook() -> Schema:
    """The schema of the prompts, from their own text."""
    tables = []
    for definition in SCHEMA.split(";"):
        head, _, body = definition.strip().partition("(")
        if body:
            columns = [part.split()[0] for part in body.replace("(10,2)", "").rsplit(")", 1)[0].split(",")]
            tables.append(Table(head.split()[-1], tuple(map(Column, columns)), ("main",)))
    return Schema("sqlite", tuple(tables))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else N)
