"""Load on a running server: latency, tokens per second, cost and distance from the roofline, by concurrency."""

from __future__ import annotations

import json
import re
import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from model_serve.check import check_has_model, wait_until_awake
from model_serve.client import Answer, Client
from model_serve.cost import HOUR, ceiling
from model_serve.errors import CheckFailedError, SettingsError
from model_serve.gpus import PRICE_SOURCE, Gpu
from model_serve.profiles import Profile
from model_serve.prompts import QUESTIONS, messages

LEVELS = (1, 2, 4, 8, 16, 32, 64)
LEAST_QUESTIONS = 16
MAX_TOKENS = 200
MINUTE = 60.0
HEADER = f"{'at once':>8}{'n':>5}{'p50 s':>8}{'p95 s':>8}{'first ms':>10}{'tokens/s':>10}{'cached':>8}{'$/1000':>9}"
Say = Callable[[str], None]


@dataclass(frozen=True)
class Level:
    """What was measured with ``concurrency`` questions in flight. Times in seconds, tokens as the server counted."""

    concurrency: int
    questions: int
    seconds: float
    latency_p50: float
    latency_p95: float
    first_token_p50: float
    first_token_p95: float
    tokens_per_second: float
    tokens_per_second_of_one: float
    prompt_tokens: int
    cached_tokens: int
    dollars_per_1000: float | None

    @property
    def cached_share(self) -> float:
        return self.cached_tokens / self.prompt_tokens if self.prompt_tokens else 0.0


def measure(
    client: Client,
    profile: Profile,
    *,
    gpu: Gpu | None,
    price: float | None,
    levels: Sequence[int],
    max_tokens: int,
    out: Path,
    say: Say,
    pause: float = 5.0,
) -> None:
    """Drive each of ``levels``, say what it took, and keep it in ``out``, which holds what was measured until then.

    One question goes before, uncounted: it wakes the server and has its kernels compiled. ``price`` in dollars an hour;
    None means the list price of ``gpu``; ``pause`` in seconds between two looks at a server that sleeps. Raises
    SettingsError or CheckFailedError.
    """
    if not out.absolute().parent.is_dir():
        raise SettingsError(f"There is no folder {out.absolute().parent}. Make it, or write elsewhere: --out FILE")
    price = gpu.price if price is None and gpu else price
    wait_until_awake(client, patience=15 * MINUTE, pause=pause, say=say)
    check_has_model(client, profile.model)
    ask_one(client, profile, QUESTIONS[-1], max_tokens)
    say(HEADER)
    measured: list[Level] = []
    for concurrency in levels:
        measured.append(run_level(client, profile, concurrency, price, max_tokens))
        say(row(measured[-1]))
        write_results(out, client, profile, gpu, price, measured)
    if gpu:
        say(against_roofline(profile, gpu, measured))
    say(f"Written to {out}")
    hits, looked_up = cache_hit_rate(client)
    say(f"Prefix cache since the server started: {hits} of {looked_up} tokens found.")


def run_level(
    client: Client, profile: Profile, concurrency: int, price: float | None, max_tokens: int = MAX_TOKENS
) -> Level:
    """Ask ``concurrency`` questions at a time until each worker had two, at least 16 in all."""
    asked = max(LEAST_QUESTIONS, 2 * concurrency)
    questions = [QUESTIONS[number % len(QUESTIONS)] for number in range(asked)]

    def ask(question: str) -> Answer:
        return ask_one(client, profile, question, max_tokens)

    started = time.monotonic()
    with ThreadPoolExecutor(concurrency) as pool:
        answers = list(pool.map(ask, questions))
    return summed(answers, concurrency, time.monotonic() - started, price)


def ask_one(client: Client, profile: Profile, question: str, max_tokens: int) -> Answer:
    extra = {"stop_token_ids": list(profile.stop_token_ids)}
    return client.ask(profile.model, messages(question), max_tokens=max_tokens, extra=extra)


def summed(answers: Sequence[Answer], concurrency: int, seconds: float, price: float | None) -> Level:
    latencies = [answer.total for answer in answers]
    first_tokens = [answer.first_token for answer in answers]
    return Level(
        concurrency=concurrency,
        questions=len(answers),
        seconds=seconds,
        latency_p50=statistics.median(latencies),
        latency_p95=percentile_95(latencies),
        first_token_p50=statistics.median(first_tokens),
        first_token_p95=percentile_95(first_tokens),
        tokens_per_second=sum(answer.completion_tokens for answer in answers) / seconds,
        tokens_per_second_of_one=statistics.median(answer.tokens_per_second for answer in answers),
        prompt_tokens=sum(answer.prompt_tokens for answer in answers),
        cached_tokens=sum(answer.cached_tokens for answer in answers),
        dollars_per_1000=price * seconds / HOUR / len(answers) * 1000 if price is not None else None,
    )


def percentile_95(values: Sequence[float]) -> float:
    return statistics.quantiles(values, n=20, method="inclusive")[-1] if len(values) > 1 else values[0]


def cache_hit_rate(client: Client) -> tuple[int, int]:
    """Tokens found in the prefix cache, and tokens looked up, since the server started, from its ``/metrics``."""
    text = client.get("/metrics").body.decode()
    return _counter(text, "vllm:prefix_cache_hits"), _counter(text, "vllm:prefix_cache_queries")


def _counter(text: str, name: str) -> int:
    found = re.findall(rf"^{re.escape(name)}(?:_total)?(?:\{{[^}}]*\}})? ([0-9.e+]+)$", text, re.MULTILINE)
    if not found:
        raise CheckFailedError(f"/metrics has no {name}; is prefix caching on, and is this vLLM?")
    return int(sum(float(value) for value in found))


def write_results(
    path: Path, client: Client, profile: Profile, gpu: Gpu | None, price: float | None, levels: Sequence[Level]
) -> None:
    data = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "server": client.root,
        "profile": profile.name,
        "model": profile.model,
        "gpu": gpu.name if gpu else None,
        "dollars_per_hour": price,
        "price_source": price_source(gpu, price),
        "ceiling_tokens_per_second": ceiling(profile, gpu) if gpu else None,
        "levels": [asdict(level) for level in levels],
    }
    path.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")


def price_source(gpu: Gpu | None, price: float | None) -> str | None:
    if price is None:
        return None
    return PRICE_SOURCE if gpu and price == gpu.price else "given by --price"


def row(level: Level) -> str:
    """One line of the table under ``HEADER``."""
    dollars = "-" if level.dollars_per_1000 is None else f"{level.dollars_per_1000:.3f}"
    return (
        f"{level.concurrency:>8}{level.questions:>5}{level.latency_p50:>8.2f}{level.latency_p95:>8.2f}"
        f"{level.first_token_p50 * 1000:>10.0f}{level.tokens_per_second:>10.0f}"
        f"{level.cached_share:>8.0%}{dollars:>9}"
    )


def against_roofline(profile: Profile, gpu: Gpu, levels: Sequence[Level]) -> str:
    """How near one stream comes to what the memory of ``gpu`` allows, or why that cannot be told."""
    alone = next((level.tokens_per_second_of_one for level in levels if level.concurrency == 1), None)
    if alone is None:
        return "For the distance from the roofline measure one question at a time, too: --levels 1"
    most = ceiling(profile, gpu)
    told = (
        f"One stream writes {alone:.0f} tokens/s; {gpu.name} reads the weights {most:.0f} times a second: "
        f"{alone / most:.0%} of the roofline."
    )
    # Guessed words come several to a reading of the weights.
    if alone > most and not profile.speculated_tokens:
        return f"{told} No {gpu.name} can do that: the server runs on something else, or serves another model."
    return told
