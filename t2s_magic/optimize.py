"""``%t2s optimize`` and ``%t2s program``: a better program for one's own questions, measured before it is used."""

from __future__ import annotations

import argparse
import shlex
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from math import ceil
from pathlib import Path
from typing import Any, NoReturn

from tqdm import tqdm

from t2s_magic.errors import UsageError
from t2s_magic.lm.prices import Price, price_of, read_named_price, read_price
from t2s_magic.program import load_program, read_program, shipped_program
from t2s_magic.session import Session, Settings
from t2s_magic.study.compare import BASELINE, Comparison, comparisons, programs
from t2s_magic.study.machines import read_machines, spread
from t2s_magic.study.optimizers import OPTIMIZERS, choose
from t2s_magic.study.plan import Plan, Progress, Results, Row
from t2s_magic.study.report import money, table
from t2s_magic.study.runs import Study, folder_for
from t2s_magic.study.splits import APPROVED, Split, load_lines, load_pairs, only_runnable

PAIRS = "pairs"
FEWEST = 8
STUDIES = "t2s_studies"
USUAL = "none,LabeledFewShot,BootstrapFewShotWithRandomSearch"
USUAL_BUDGET = "2000"
USUAL_THREADS = 8
SHIPPED = "default"
# What a person wants to know of a program; its file holds more.
CARD = ("demos", "rule", "optimizer", "lm", "measured", "source", "license")
WAIT = "--wait"

OnProgress = Callable[[Progress], None]
OnRow = Callable[[Row], None]


def optimize(session: Session, line: str) -> str:
    """Compare optimizers on the approved pairs, or on a file of questions; returns the table and what it means."""
    study = make_study(session, line, on_progress=_Bars())
    tqdm.write(announcement(study), file=sys.stderr)
    try:
        results = study.run()
    except KeyboardInterrupt:
        study.stop()
        return f"Interrupted. What was answered is kept in {study.plan.folder}: the same command goes on from there."
    return summary(results, study.plan)


def make_study(session: Session, line: str, on_progress: OnProgress, on_row: OnRow = lambda row: None) -> Study:
    """The study that the options in ``line`` ask for; nothing is asked of an LM yet. Raises UsageError."""
    options = _read(line, session.settings)
    split, problems = only_runnable(_split(session, options))
    _must_suffice(split, problems, options)
    settings = session.settings
    lm = session.asker(options.lm).backend.name
    plan = Plan(
        split,
        tuple(choose(name) for name in options.optimizers.split(",") if name.strip()),
        session.folder,
        lm=lm,
        prompt_lm=options.prompt_lm,
        judge=options.judge,
        seeds=tuple(range(options.seeds)),
        prices={name or lm: price for name, price in options.price},
        threads=options.threads,
        copies=options.copies,
        **options.budget,
        pair_count=settings.demos if options.data == PAIRS else 0,
        sample_values=settings.sample_values,
        max_lm_calls=settings.max_lm_calls,
    )
    plan = replace(plan, folder=folder_for(plan, session.folder / STUDIES))
    elsewhere = partial(spread, options.machines) if options.machines else None
    return Study(plan, on_progress, on_row, elsewhere=elsewhere)


def _budget(text: str) -> dict[str, Any]:
    """``"2000"`` bounds calls, ``"$2.50"`` what they cost. Raises UsageError."""
    is_money = text.startswith("$")
    try:
        amount = float(text[1:]) if is_money else int(text)
    except ValueError:
        amount = 0
    if not 0 < amount < float("inf"):
        raise UsageError(f"--budget {text!r} is neither calls, such as 500, nor dollars, such as $2.50.")
    return {"dollars" if is_money else "budget": amount}


def announcement(study: Study) -> str:
    """About how many calls the study makes, and what leaves this machine: said before the first one."""
    plan, host = study.plan, study.backend.host
    sizes = {name: len(part) for name, part in plan.split.parts.items()}
    measured = sizes["valset"] + sizes["testset"]
    asked = sum(job.chosen.asks(sizes["trainset"], sizes["valset"]) + measured for job in plan.jobs)
    calls = f"About {asked:,} questions are asked, repairs apart; {_bound(study)}."
    cells = "and matching cells" if plan.sample_values else "but no rows"
    leaving = [
        f"{host} is sent questions, their SQL as demos, names, types, keys and comments, {cells}." if host else "",
        f"What was right and wrong goes to {plan.prompt_lm} as well." if plan.prompt_lm else "",
        f"Each question goes to {plan.judge} with its tables and the SQL written for it." if plan.judge else "",
    ]
    return " ".join([calls, *(filter(None, leaving) if any(leaving) else ["Nothing leaves this machine."])])


def _bound(study: Study) -> str:
    plan, price = study.plan, price_of(study.backend.name, study.plan.prices)
    if plan.dollars is not None:
        return f"{money(plan.dollars)} at most"
    priced = f", {price}" if price is not None and study.backend.host else ""
    return f"{plan.budget:,} LM calls at most{priced}"


def summary(results: Results, plan: Plan) -> str:
    """The table, whether a program is better, and how to use it."""
    split = plan.split
    sizes = f"{len(split.trainset)} learnt from, {len(split.valset)} chosen by, {len(split.testset)} held out"
    ships = f"{BASELINE} is the program that ships, as %%text2sql uses it"
    shown = f", the {plan.pair_count} approved pairs most alike shown with each question." if plan.pair_count else "."
    unfinished = any(row.status == "stopped" for row in results.rows)
    return "\n".join(
        [
            f"{split.card.name}: {sizes}. {ships}{shown}",
            str(table(results)),
            "",
            *verdict(results, plan),
            *(["The same command goes on from there."] if unfinished else []),
        ]
    )


def verdict(results: Results, plan: Plan) -> list[str]:
    """Whether a program is better, how many more questions would tell, and how to use each."""
    found = comparisons(results)
    better = [each for each in found if each.is_told and each.gained > each.lost]
    if better:
        best = max(better, key=lambda each: each.gained - each.lost)
        return [f"{best.label} is better on held-out questions.", *_use(results, [best.label], plan.folder)]
    told = f"No program is shown to be better by these {found[0].n} held-out questions." if found else ""
    if BASELINE not in [chosen.label for chosen in plan.optimizers]:
        told = f"Nothing to compare with: name {BASELINE} among --optimizers too."
    labels = [program.label for program in programs(results) if program.label != BASELINE]
    return [line for line in (told, _what_would_tell(found, plan)) if line] + _use(results, labels, plan.folder)


def _what_would_tell(found: Sequence[Comparison], plan: Plan) -> str:
    """How many more questions, of which some are learnt from and chosen by as before, would settle the nearest call."""
    needed = [each.more_needed for each in found if _is_promising(each) and each.more_needed]
    if not needed:
        return ""
    sizes = {name: len(part) for name, part in plan.split.parts.items()}
    more = ceil(min(needed) * sum(sizes.values()) / sizes["testset"])
    what = "pairs" if plan.split.card.name == APPROVED else "questions"
    return (
        f"Too few {what} to tell; about {more:,} more would, {min(needed):,} of them held out, "
        "if the difference seen is real."
    )


def _is_promising(comparison: Comparison) -> bool:
    return comparison.gained > comparison.lost


def _use(results: Results, labels: list[str], folder: Path) -> list[str]:
    chosen = [program.chosen for program in programs(results) if program.label in labels]
    files = [(row.label, folder / row.program) for row in chosen if row.program]
    return [f"To use {label}: %t2s program {shlex.quote(_short(file))}" for label, file in files]


def _short(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


def program(session: Session, rest: str) -> str:
    """Which program writes SQL, with its card; with a file, use it from the next question on.

    ``default`` is the one that ships.
    """
    name = " ".join(shlex.split(rest))
    if name == SHIPPED:
        session.settings.program = ""
    elif name:
        path = Path(name).expanduser()
        load_program(path)  # so that a wrong file is said now, and not at the next question
        session.settings.program = str(path)
    asker = session.asker()
    path = Path(session.settings.program) if session.settings.program else shipped_program(asker.backend.program)
    demos = len(asker.program.predict.demos)
    where = session.settings.program or "ships with t2s_magic"
    return "\n".join([f"{asker.program.label}, {demos} demos ({where})", *card_of(path)])


def card_of(path: Path) -> list[str]:
    """How a saved program was made and measured, a line each; none where its file does not say."""
    card = read_program(path).metadata.get("card", {})
    return [f"  {name}: {card[name]}" for name in CARD if card.get(name)]


class _Bars:
    """A progress bar for each optimizer's steps; questions are counted from several threads."""

    def __init__(self) -> None:
        self._bar: Any = None
        self._lock = threading.Lock()

    def __call__(self, progress: Progress) -> None:
        with self._lock:
            if progress.done == 0:
                self._begin(progress)
            elif self._bar is not None:
                self._bar.n = progress.done
                cost = f", {money(progress.usage.dollars)}" if progress.usage.dollars else ""
                self._bar.set_postfix_str(f"{progress.right} right, {progress.usage.calls} calls{cost}")

    def _begin(self, progress: Progress) -> None:
        if self._bar is not None:
            self._bar.close()
        seed = f", seed {progress.seed}" if progress.seed else ""
        name = f"{progress.label}{seed}: {progress.doing}"
        self._bar = tqdm(total=progress.total, desc=name, unit=" questions") if progress.total else None


def _split(session: Session, options: argparse.Namespace) -> Split:
    if options.data == PAIRS:
        return load_pairs(session.pairs().load(), session.connections.database(None), seed=options.seed)
    file = Path(options.data).expanduser()
    return load_lines(file, Path(options.databases or file.parent), seed=options.seed)


def _must_suffice(split: Split, problems: dict[str, str], options: argparse.Namespace) -> None:
    usable = sum(map(len, split.parts.values()))
    if usable >= FEWEST and split.trainset and split.valset and split.testset:
        return
    what = "approved pairs" if options.data == PAIRS else "questions"
    broken = f" ({len(problems)} more do not run)" if problems else ""
    do = "👍 under an answer keeps one." if options.data == PAIRS else "Add more."
    raise UsageError(
        f"{usable} {what} are too few to learn from and to measure on{broken}; {FEWEST} is the least. {do}"
    )


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(
            f"%t2s optimize: {message}. Options: {' '.join(_OPTIONS)}; optimizers: {', '.join(OPTIMIZERS)}."
        )


_OPTIONS = (
    "--data",
    "--databases",
    "--optimizers",
    "--lm",
    "--prompt-lm",
    "--judge",
    "--budget",
    "--price",
    "--seed",
    "--seeds",
    "--copies",
    "--threads",
    "--machines",
    WAIT,
)


def _read(line: str, settings: Settings) -> argparse.Namespace:
    parser = _Parser(add_help=False, allow_abbrev=False)
    parser.add_argument("--data", default=PAIRS)
    parser.add_argument("--databases")
    parser.add_argument("--optimizers", default=USUAL)
    parser.add_argument("--lm")
    parser.add_argument("--prompt-lm")
    parser.add_argument("--judge")
    parser.add_argument("--budget", type=_budget, default=USUAL_BUDGET)
    parser.add_argument("--price", type=read_named_price, action="append", default=_told_price(settings))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seeds", type=_at_least_one, default=1)
    parser.add_argument("--copies", type=int, default=0)
    parser.add_argument("--threads", type=_at_least_one, default=USUAL_THREADS)
    parser.add_argument("--machines", type=_machines)
    parser.add_argument(WAIT, action="store_true")
    try:
        return parser.parse_args(shlex.split(line))
    except ValueError as error:
        raise UsageError(f"%t2s optimize: {error}. Close the quotation.") from error


def _told_price(settings: Settings) -> list[tuple[str, Price]]:
    """What ``%config Text2SQL.lm_price`` says of the LM that answers."""
    return [("", read_price(settings.lm_price))] if settings.lm_price.strip() else []


def _machines(text: str) -> str:
    read_machines(text)
    return text


def _at_least_one(text: str) -> int:
    if (number := int(text)) < 1:
        raise argparse.ArgumentTypeError(f"{text} is less than 1")
    return number
