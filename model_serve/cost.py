"""Which GPU, how many, at what cost for so many questions an hour: a model, with the source of every constant.

Writing tokens is bound by memory: each step reads all weights once for the whole batch, and the cache of each sequence.
Reading the prompt is bound by arithmetic. Both run below what the data sheet says, by the shares named below.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from model_serve.gpus import GPUS, PRICE_SOURCE, Gpu
from model_serve.profiles import Profile
from model_serve.settings import RUNTIME_BYTES, USABLE_SHARE

HOUR = 3600.0


@dataclass(frozen=True)
class Constant:
    """``source`` says where the value comes from, and whether it was measured or read."""

    name: str
    value: float
    source: str


PROMPT_TOKENS = Constant(
    "tokens in a prompt", 1800, "assumed: a schema of 12 tables with 10 demos; yours stands in the answer's usage"
)
CACHED_SHARE = Constant(
    "share of them in the prefix cache", 0.8, "assumed: the floor that docs/serving.md asks for; measure it with bench"
)
ANSWER_TOKENS = Constant("tokens in an answer", 60, "assumed: about the length of a statement with two joins")
BANDWIDTH_SHARE = Constant(
    "share of the memory bandwidth reached", 0.58, "read: lower end of the 58–77 % that others observed; not measured"
)
ARITHMETIC_SHARE = Constant("share of the arithmetic reached", 0.4, "assumed for prompts of this length; not measured")
BUSY_SHARE = Constant("share of the time that a container may be busy", 0.7, "chosen, so that queues stay short")
CONSTANTS = (PROMPT_TOKENS, CACHED_SHARE, ANSWER_TOKENS, BANDWIDTH_SHARE, ARITHMETIC_SHARE, BUSY_SHARE)

# Dense bf16 operations per second, from NVIDIA's data sheets. fp8 would double them from L4 on; left out on purpose.
ARITHMETIC = {
    "L4": 121e12,
    "A10": 125e12,
    "L40S": 362e12,
    "A100-40GB": 312e12,
    "A100-80GB": 312e12,
    "H100": 989e12,
    "H200": 989e12,
    "B200": 2250e12,
}


@dataclass(frozen=True)
class Estimate:
    """What one kind of GPU would do for a load. Dollars an hour include the time awake but idle."""

    gpu: Gpu
    tokens_per_second: float
    seconds_alone: float
    questions_per_hour: float
    containers: int
    dollars_per_hour: float
    dollars_per_1000: float


def ceiling(profile: Profile, gpu: Gpu) -> float:
    """The most tokens per second that one stream can get: every token reads all weights once."""
    return gpu.bandwidth / profile.weight_bytes


def estimates(profile: Profile, questions_per_hour: float, idle_minutes: float) -> list[Estimate]:
    """For every GPU with a price that the profile fits, cheapest first."""
    made = [
        estimate(profile, gpu, questions_per_hour, idle_minutes) for gpu in GPUS.values() if is_offered(profile, gpu)
    ]
    return sorted(made, key=lambda each: each.dollars_per_hour)


def is_offered(profile: Profile, gpu: Gpu) -> bool:
    return gpu.price is not None and gpu.has_bfloat16 and batch_size(profile, gpu) >= 1


def estimate(profile: Profile, gpu: Gpu, questions_per_hour: float, idle_minutes: float) -> Estimate:
    assert gpu.price is not None
    batch = batch_size(profile, gpu)
    together = seconds_to_read(profile, gpu) + ANSWER_TOKENS.value * seconds_a_step(profile, gpu, batch) / batch
    capacity = HOUR / together
    containers = max(1, math.ceil(questions_per_hour / (capacity * BUSY_SHARE.value)))
    # One container sleeps when no question came for the idle time; questions are taken to come independently.
    awake = 1 - math.exp(-questions_per_hour * idle_minutes / 60) if containers == 1 else 1.0
    dollars = containers * gpu.price * awake
    return Estimate(
        gpu=gpu,
        tokens_per_second=1 / seconds_a_step(profile, gpu, 1),
        seconds_alone=seconds_to_read(profile, gpu) + ANSWER_TOKENS.value * seconds_a_step(profile, gpu, 1),
        questions_per_hour=capacity,
        containers=containers,
        dollars_per_hour=dollars,
        dollars_per_1000=dollars / questions_per_hour * 1000,
    )


def batch_size(profile: Profile, gpu: Gpu) -> int:
    """How many questions one GPU holds at once: what weights leave of its memory, by the cache that one takes."""
    left = gpu.memory * USABLE_SHARE - profile.weight_bytes - RUNTIME_BYTES
    return min(profile.max_sequences, int(left // (tokens_held() * profile.cache_bytes_per_token)))


def tokens_held() -> float:
    return PROMPT_TOKENS.value + ANSWER_TOKENS.value


def seconds_a_step(profile: Profile, gpu: Gpu, batch: int) -> float:
    """To write one token for each of ``batch`` questions."""
    read = profile.weight_bytes + batch * tokens_held() * profile.cache_bytes_per_token
    return read / (gpu.bandwidth * BANDWIDTH_SHARE.value)


def seconds_to_read(profile: Profile, gpu: Gpu) -> float:
    """To read what of a prompt is not in the cache: two operations a weight and token."""
    tokens = PROMPT_TOKENS.value * (1 - CACHED_SHARE.value)
    return 2 * profile.parameters * tokens / (ARITHMETIC[gpu.name] * ARITHMETIC_SHARE.value)


def report(profile: Profile, questions_per_hour: float, idle_minutes: float) -> str:
    """A table for people, then every constant with its source."""
    lines = [
        f"{profile.name}, {questions_per_hour:g} questions an hour, asleep after {idle_minutes:g} idle minutes",
        f"{'GPU':<10}{'tokens/s':>10}{'ceiling':>9}{'s alone':>9}{'most/h':>9}{'GPUs':>6}{'$/h':>8}{'$/1000':>9}",
    ]
    for each in estimates(profile, questions_per_hour, idle_minutes):
        lines.append(
            f"{each.gpu.name:<10}{each.tokens_per_second:>10.0f}{ceiling(profile, each.gpu):>9.0f}"
            f"{each.seconds_alone:>9.1f}{each.questions_per_hour:>9.0f}{each.containers:>6}"
            f"{each.dollars_per_hour:>8.2f}{each.dollars_per_1000:>9.2f}"
        )
    lines.append("\nNothing in this table was measured on a GPU here. What it rests on:")
    lines += [f"  {each.name}: {each.value:g} ({each.source})" for each in CONSTANTS]
    lines.append("  memory, bandwidth and arithmetic of a GPU: NVIDIA's data sheets (read)")
    lines.append(f"  prices: {PRICE_SOURCE}; CPU and memory of the container come on top")
    return "\n".join(lines)
