"""Optimizers by name. To add one: a function from ``Work`` to a student, and its entry in ``OPTIMIZERS``."""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

import numpy as np

from t2s_magic.adapters.quick_dspy import dspy
from t2s_magic.errors import Text2SqlError, UsageError
from t2s_magic.schema.link import stems

Setting = int | float | str


@dataclass(frozen=True)
class Work:
    """What an optimizer is given; ``prompt_lm`` is None where no LM writes instructions.

    ``at_once(function, items)`` is the list of ``function(item)``, worked out in as many threads as there may be.
    """

    student: Any
    trainset: Sequence[Any]
    valset: Sequence[Any]
    metric: Callable[..., Any]
    prompt_lm: Any
    seed: int
    threads: int
    most_errors: int
    at_once: Callable[[Callable[[Any], Any], Iterable[Any]], list[Any]]


@dataclass(frozen=True)
class Optimizer:
    """A way to make a better program. ``asks`` is how many questions it asks at most, by the sizes of its two sets.

    ``is_per_question``: what it makes depends on each question, so it cannot be saved as one program. ``is_drawn``:
    another seed gives another program.
    """

    name: str
    what: str
    compile: Callable[..., Any]
    asks: Callable[..., int]
    settings: Mapping[str, Setting] = field(default_factory=dict)
    writes_instructions: bool = False
    is_per_question: bool = False
    is_drawn: bool = True


@dataclass(frozen=True)
class Chosen:
    """An optimizer with the settings of one run; ``label`` names both, and its files."""

    optimizer: Optimizer
    settings: Mapping[str, Setting]

    @property
    def label(self) -> str:
        changed = [f"{name}={value}" for name, value in self.settings.items() if value != self.optimizer.settings[name]]
        return f"{self.optimizer.name}({', '.join(changed)})" if changed else self.optimizer.name

    @property
    def text(self) -> str:
        """What ``choose`` reads as this."""
        return ":".join([self.optimizer.name, *(f"{name}={value}" for name, value in self.settings.items())])

    def compile(self, work: Work) -> Any:
        """The optimized student. Random draws follow ``work.seed``, which orders the trainset; 0 leaves it as it is."""
        trainset = list(work.trainset)
        if work.seed:
            random.Random(work.seed).shuffle(trainset)
        return self.optimizer.compile(work, trainset, **self.settings)

    def asks(self, trainset: int, valset: int) -> int:
        return self.optimizer.asks(trainset, valset, **self.settings)


def choose(text: str) -> Chosen:
    """The optimizer meant by ``NAME`` or ``NAME:setting=value:setting=value``. Raises UsageError."""
    name, *given = text.strip().split(":")
    known = {each.lower(): each for each in OPTIMIZERS}
    if name.lower() not in known:
        near = get_close_matches(name.lower(), known, n=1)
        hint = f"Did you mean {known[near[0]]}?" if near else f"There are {', '.join(OPTIMIZERS)}."
        raise UsageError(f"No optimizer is called {name!r}. {hint}")
    optimizer = OPTIMIZERS[known[name.lower()]]
    return Chosen(optimizer, {**optimizer.settings, **dict(_setting(optimizer, each) for each in given)})


def refuse_without_writer(chosen: Sequence[Chosen], lm: str, prompt_lm: str | None) -> None:
    """Raise UsageError where an optimizer writes instructions and no LM here could, or none would read them."""
    writing = [each.optimizer.name for each in chosen if each.optimizer.writes_instructions]
    if writing and lm == "builtin":
        raise UsageError(
            f"{writing[0]} writes instructions, which the built-in model does not read. Name another --lm."
        )
    if writing and prompt_lm == "builtin":
        raise UsageError(f"{writing[0]} needs an LM that writes instructions; the built-in model writes SQL only.")


def _setting(optimizer: Optimizer, text: str) -> tuple[str, Setting]:
    name, _, value = text.partition("=")
    if name not in optimizer.settings:
        known = ", ".join(optimizer.settings) or "none"
        raise UsageError(f"{optimizer.name} has no setting {name!r}. Its settings: {known}.")
    kind = type(optimizer.settings[name])
    try:
        return name, kind(value)
    except ValueError as error:
        raise UsageError(f"{optimizer.name}:{name} has to be a number, not {value!r}.") from error


def _none(work: Work, trainset: list[Any]) -> Any:
    return work.student.deepcopy()


def _labeled(work: Work, trainset: list[Any], *, k: int) -> Any:
    return dspy.LabeledFewShot(k=k).compile(work.student, trainset=trainset)


def _bootstrap(work: Work, trainset: list[Any], *, bootstrapped: int, labeled: int) -> Any:
    optimizer = _AskingAhead(
        work,
        metric=work.metric,
        max_bootstrapped_demos=bootstrapped,
        max_labeled_demos=labeled,
        max_errors=work.most_errors,
    )
    return optimizer.compile(work.student, trainset=trainset)


class _AskingAhead(dspy.BootstrapFewShot):  # type: ignore[misc]
    """dspy's own loop, question by question, with the questions that it is sure to come to asked at once before.

    While n demos are missing, the next n questions will be asked whatever comes of them. Their answers are then in the
    study's record, and the loop finds them there: the same demos, no call more, n times as fast.
    """

    def __init__(self, work: Work, **settings: Any) -> None:
        super().__init__(**settings)
        self._work = work
        self._asked = 0

    def _bootstrap_one_example(self, example: Any, round_idx: int = 0) -> Any:
        place = next(place for place, each in enumerate(self.trainset) if each is example)
        if place >= self._asked and self._is_repeatable:
            missing = self.max_bootstrapped_demos - max(map(len, self.name2traces.values()))
            self._asked = place + missing
            self._work.at_once(self._ask, self.trainset[place : self._asked])
        return super()._bootstrap_one_example(example, round_idx)

    @property
    def _is_repeatable(self) -> bool:
        """Is the same question, asked again, answered from the record?"""
        return self._work.threads > 1 and not dspy.settings.lm.kwargs.get("temperature")

    def _ask(self, example: Any) -> None:
        """Ask as dspy's loop will: with the teacher's demos, but for the question itself."""
        teacher = self.teacher.deepcopy()
        for predictor in teacher.predictors():
            predictor.demos = [demo for demo in predictor.demos if demo != example]
        with suppress(Text2SqlError, dspy.utils.exceptions.DSPyError):  # the loop will meet it again, and count it
            teacher(**example.inputs())


def _random_search(work: Work, trainset: list[Any], *, bootstrapped: int, labeled: int, candidates: int) -> Any:
    """dspy's search, with all its candidates at once; it tells them by number, and the first of the best wins."""

    def candidate(number: int) -> Any:
        optimizer = dspy.BootstrapFewShotWithRandomSearch(
            metric=work.metric,
            max_bootstrapped_demos=bootstrapped,
            max_labeled_demos=labeled,
            num_candidate_programs=candidates,
            num_threads=work.threads,
            max_errors=work.most_errors,
        )
        return optimizer.compile(work.student, trainset=trainset, valset=list(work.valset), restrict=[number])

    programs = work.at_once(candidate, range(-3, candidates))
    found = [program.candidate_programs[0] for program in programs]
    best = max(programs, key=lambda program: program.candidate_programs[0]["score"])
    best.candidate_programs = found
    return best


def _nearest(work: Work, trainset: list[Any], *, k: int) -> Any:
    # As demos with their gold SQL: bootstrapping them would ask the LM k times more for each question.
    labels_only = {"max_bootstrapped_demos": 0, "max_labeled_demos": k}
    return dspy.KNNFewShot(k, trainset, _word_vectors, **labels_only).compile(work.student)


def _mipro(work: Work, trainset: list[Any], *, auto: str) -> Any:
    optimizer = dspy.MIPROv2(
        metric=work.metric,
        prompt_model=work.prompt_lm,
        task_model=dspy.settings.lm,
        auto=auto,
        num_threads=work.threads,
        max_errors=work.most_errors,
        seed=work.seed + 9,
    )
    return optimizer.compile(work.student, trainset=trainset, valset=list(work.valset))


def _simba(work: Work, trainset: list[Any], *, steps: int, candidates: int, batch: int) -> Any:
    optimizer = dspy.SIMBA(
        metric=work.metric,
        bsize=min(batch, len(trainset)),
        num_candidates=candidates,
        max_steps=steps,
        prompt_model=work.prompt_lm,
        demo_input_field_maxlen=0,  # else SIMBA cuts our schema, which is data, to a text
        num_threads=work.threads,
    )
    return optimizer.compile(work.student, trainset=trainset, seed=work.seed)


def _gepa(work: Work, trainset: list[Any], *, rounds: int) -> Any:
    optimizer = dspy.GEPA(
        metric=work.metric,
        max_full_evals=rounds,
        reflection_lm=work.prompt_lm,
        num_threads=work.threads,
        seed=work.seed,
    )
    return optimizer.compile(work.student, trainset=trainset, valset=list(work.valset))


def _word_vectors(texts: Sequence[str]) -> Any:
    """Texts as unit vectors of the stems in them: no model, no network, the same on every machine."""
    vectors = np.zeros((len(texts), 4096), dtype=np.float32)
    for row, text in enumerate(texts):
        for stem in stems(text):
            vectors[row, zlib.crc32(stem.encode()) % vectors.shape[1]] += 1
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)


_MIPRO_TRIALS = {"light": 6, "medium": 12, "heavy": 18}

OPTIMIZERS: dict[str, Optimizer] = {
    each.name: each
    for each in (
        Optimizer("none", "the program as it is", _none, lambda train, val: 0, is_drawn=False),
        Optimizer(
            "LabeledFewShot", "k questions with their gold SQL as demos", _labeled, lambda train, val, k: 0, {"k": 4}
        ),
        Optimizer(
            "BootstrapFewShot",
            "demos that the LM answered right itself, then labeled ones",
            _bootstrap,
            lambda train, val, **_: train,
            {"bootstrapped": 4, "labeled": 16},
        ),
        Optimizer(
            "BootstrapFewShotWithRandomSearch",
            "the best on the valset of several draws of such demos; the published study's settings",
            _random_search,
            lambda train, val, candidates, **_: (candidates + 3) * val + (candidates + 1) * train,
            {"bootstrapped": 2, "labeled": 16, "candidates": 8},
        ),
        Optimizer(
            "KNNFewShot",
            "for each question the k most alike as demos",
            _nearest,
            lambda train, val, k: 0,
            {"k": 4},
            is_per_question=True,
            is_drawn=False,
        ),
        Optimizer(
            "MIPROv2",
            "instructions written by an LM, with demos, searched together",
            _mipro,
            lambda train, val, auto: 2 * train + 4 * _MIPRO_TRIALS.get(auto, 6) * val,
            {"auto": "light"},
            writes_instructions=True,
        ),
        Optimizer(
            "SIMBA",
            "rules that an LM draws from right and wrong answers",
            _simba,
            lambda train, val, steps, candidates, batch: steps * (2 * candidates + 1) * min(batch, train),
            {"steps": 4, "candidates": 4, "batch": 16},
            writes_instructions=True,
        ),
        Optimizer(
            "GEPA",
            "instructions rewritten by an LM that is told what was wrong",
            _gepa,
            lambda train, val, rounds: rounds * (train + val),
            {"rounds": 8},
            writes_instructions=True,
        ),
    )
}
