"""``python -m t2s_magic ask`` and ``eval``: the pipeline from a terminal."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from t2s_magic.errors import Text2SqlError

if TYPE_CHECKING:
    from t2s_magic.database import Database
    from t2s_magic.pipeline import Draft, Outcome
    from t2s_magic.study.evaluate import Result

SUCCESS, FAILURE, INTERRUPTED = 0, 1, 130
LM_HELP = (
    "builtin, starling, or any dspy.LM name (default: $T2S_LM, else starling if $T2S_API_BASE is set, else builtin)"
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the process's exit code: 0, 1 after an error (told on stderr), 130 when interrupted."""
    options = _parser().parse_args(arguments)
    try:
        code: int = options.command(options)
    except Text2SqlError as error:
        print(f"t2s_magic: {error}", file=sys.stderr)
        return FAILURE
    except KeyboardInterrupt:
        print("t2s_magic: interrupted.", file=sys.stderr)
        return INTERRUPTED
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m t2s_magic", description="Ask databases questions.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_ask(commands.add_parser("ask", help="ask one question", description="Ask one question and run its SQL."))
    _add_eval(
        commands.add_parser(
            "eval",
            help="measure execution accuracy on a question set",
            description="Answer every question of a set and compare the rows with those of its gold SQL.",
        )
    )
    return parser


def _add_ask(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("question")
    parser.add_argument(
        "--db", required=True, metavar="URL", help="sqlite:///file.db, duckdb:///file.duckdb, postgresql://…"
    )
    parser.add_argument("--lm", metavar="NAME", help=LM_HELP)
    parser.add_argument("--program", type=Path, metavar="FILE", help="a compiled program to use")
    running = parser.add_mutually_exclusive_group()
    running.add_argument(
        "--run", action="store_true", help="run it also when the model is not sure or the engine enforces no read-only"
    )
    running.add_argument("--no-run", action="store_true", help="write the SQL, do not run it")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(command=_ask)


def _add_eval(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "questions", type=Path, metavar="QUESTIONS.jsonl", help='lines {"db_id", "question", "sql", "evidence"?}'
    )
    parser.add_argument("--databases", type=Path, required=True, metavar="DIR", help="holds DB_ID/DB_ID.sqlite")
    parser.add_argument("--lm", metavar="NAME", help=LM_HELP)
    parser.add_argument("--program", type=Path, metavar="FILE", help="a compiled program to measure")
    parser.add_argument(
        "--demos",
        type=_demos_wanted,
        default=("same-db", 0),
        metavar="same-db:K",
        help="give each question K demos from the set's other questions on its database (other-sql:K: only those whose "
        "gold SQL is another)",
    )
    parser.add_argument(
        "--dialect",
        choices=("sqlite", "duckdb", "postgres"),
        default="sqlite",
        help="copy the databases into this engine and ask there; postgres needs $T2S_POSTGRES, a server's URL",
    )
    parser.add_argument(
        "--skip", type=Path, metavar="FLAGS.jsonl", help='leaves out the questions at {"index", "split"?}'
    )
    parser.add_argument("--limit", type=int, metavar="N", help="stop after the first N questions")
    parser.add_argument("--out", type=Path, metavar="PREDICTIONS.jsonl", help="one line a question, in order")
    parser.set_defaults(command=_eval)


def _demos_wanted(text: str) -> tuple[str, int]:
    kind, _, count = text.partition(":")
    if kind not in ("same-db", "other-sql") or not count.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is not same-db:K or other-sql:K, such as same-db:5")
    return kind, int(count)


def _ask(options: argparse.Namespace) -> int:
    from t2s_magic import guard, pipeline
    from t2s_magic.database import connect

    database = connect(options.db)
    try:
        with _waiting_told() as tell:
            asker = pipeline.Asker(lm=options.lm, program=options.program, on_progress=tell)
            draft = asker.ask(options.question, database)
        newer = guard.newer_engine(database.dialect, database.engine_version)
        runs = draft.checked is not None and not draft.problem and not options.no_run
        waits = _why_it_waits(draft, database) if runs and not options.run else ""
        draft = replace(draft, notices=tuple(notice for notice in (newer, *draft.notices, waits) if notice))
        outcome = pipeline.run(draft.sql, database) if runs and not waits else None
    finally:
        database.close()
    print(_as_json(draft, outcome) if options.json else _as_text(draft, outcome))
    return FAILURE if draft.problem or (outcome and outcome.problem) else SUCCESS


@contextmanager
def _waiting_told() -> Iterator[Callable[[str], None] | None]:
    """Shows what is being waited for, in a line of the terminal that is gone in the end; nothing goes into a file."""
    if not sys.stderr.isatty():
        yield None
        return
    try:
        yield _in_place
    finally:
        _in_place("")


def _in_place(words: str) -> None:
    print(f"\r\x1b[K{words}", end="", file=sys.stderr, flush=True)


def _why_it_waits(draft: Draft, database: Database) -> str:
    """Why the SQL does not run by itself: as in a notebook, where it waits for a person's Run."""
    if draft.abstained:
        return "So it was not run. Read it, and ask again with --run to run it."
    if not database.is_read_only_enforced:
        return "Read-only is not enforced by this engine, so it was not run. Read it, and ask again with --run."
    return ""


def _as_json(draft: Draft, outcome: Outcome | None) -> str:
    rows = outcome.rows if outcome else None
    return json.dumps(
        {
            "question": draft.question,
            "sql": draft.sql,
            "in_words": draft.in_words,
            "columns": list(rows.columns) if rows else [],
            "rows": [[_json_value(value) for value in row] for row in rows.rows] if rows else [],
            "confidence": draft.confidence,
            "notices": list(draft.notices),
            "error": draft.problem or (outcome.problem if outcome else "") or None,
        },
        ensure_ascii=False,
    )


def _json_value(value: Any) -> Any:
    """What JSON has a form for stays as it is; the rest becomes its text in full: a Decimal is not rounded."""
    from t2s_magic.widget.cells import full_text

    is_plain = value is None or isinstance(value, bool | int | str) or (isinstance(value, float) and isfinite(value))
    return value if is_plain else full_text(value)


def _as_text(draft: Draft, outcome: Outcome | None) -> str:
    from t2s_magic.answer import Answer

    answer = Answer(draft, run=lambda _: outcome) if outcome else Answer(draft)
    if outcome:
        answer.run_now()
    return str(answer)


def _eval(options: argparse.Namespace) -> int:
    from t2s_magic.study.evaluate import evaluate, summary
    from t2s_magic.study.questions import read_questions, read_skipped

    questions = read_questions(options.questions)
    skipped = read_skipped(options.skip, options.questions) if options.skip else set()
    chosen = [question for question in questions if question.index not in skipped][: options.limit]
    results = evaluate(
        chosen,
        options.databases,
        lm=options.lm,
        program=options.program,
        dialect=options.dialect,
        server=os.environ.get("T2S_POSTGRES", ""),
        demos_from=questions,
        demo_count=options.demos[1],
        demos_of_other_sql=options.demos[0] == "other-sql",
    )
    done = _write_results(_with_progress(results, len(chosen)), options.out)
    print(summary(done), file=sys.stderr)
    correct = sum(result.correct for result in done)
    print(f"execution accuracy {correct}/{len(done)} = {100 * correct / max(len(done), 1):.1f}%")
    return SUCCESS


def _with_progress(results: Iterable[Result], total: int) -> Iterable[Result]:
    from tqdm import tqdm

    correct = 0
    with tqdm(results, total=total, unit=" questions", disable=None) as bar:
        for done, result in enumerate(bar, start=1):
            correct += result.correct
            bar.set_postfix_str(f"{100 * correct / done:.1f}% right", refresh=False)
            yield result


def _write_results(results: Iterable[Result], path: Path | None) -> list[Result]:
    """All results; each is written as soon as it is there, so that a long run cut short has lost nothing."""
    if path is None:
        return list(results)
    with path.open("w", encoding="utf-8") as file:
        return [_written(result, file) for result in results]


def _written(result: Result, file: TextIO) -> Result:
    file.write(json.dumps(result.to_dict(), ensure_ascii=False) + "\n")
    file.flush()
    return result
