"""The settings of one deployment, checked before anything is started."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from model_serve.errors import SettingsError
from model_serve.gpus import GIB, Gpu, gpu_called
from model_serve.profiles import Profile, profile_called

# vLLM's own default share of the GPU's memory that weights and cache may take.
USABLE_SHARE = 0.9
# Activations, CUDA graphs and the runtime of a 7B model; an estimate on the safe side, not measured here.
RUNTIME_BYTES = 3 * GIB
DEFAULT_SECRET = "t2s-serve"
KEY_NAME = "VLLM_API_KEY"
# A schema, a question and an answer do not go into less.
LEAST_CONTEXT = 512
PREFIX = "T2S_SERVE_"
NAMES = {"PROFILE", "GPU", "REVISION", "CONTEXT", "SECRET", "IDLE_MINUTES", "MOST_CONTAINERS", "SNAPSHOT"}


@dataclass(frozen=True)
class Settings:
    """What to deploy. ``revision`` is a commit of the model's repository, ``secret`` Modal's name for the key."""

    profile: Profile
    gpu: Gpu
    gpus: int
    context: int
    revision: str
    secret: str
    idle_minutes: int
    most_containers: int
    has_snapshot: bool


def read_settings(environ: Mapping[str, str]) -> Settings:
    """The settings in ``T2S_SERVE_*``, since ``modal deploy`` takes no options; SettingsError names what cannot be.

    ``NAMES`` lists them. A GPU may come with a number (``H100:2``).
    """
    given = {
        key.removeprefix(PREFIX): value.strip()
        for key, value in environ.items()
        if key.startswith(PREFIX) and value.strip()
    }
    unknown = given.keys() - NAMES
    if unknown:
        known = ", ".join(f"{PREFIX}{name}" for name in sorted(NAMES))
        raise SettingsError(f"{PREFIX}{min(unknown)} is no setting. There are {known}.")
    profile = profile_called(given.get("PROFILE", "starling"))
    gpu, gpus = read_gpu(given.get("GPU", "L40S"))
    context = _whole("CONTEXT", given.get("CONTEXT", str(profile.served_context)), least=LEAST_CONTEXT)
    check_fits(profile, gpu, gpus, context)
    return Settings(
        profile=profile,
        gpu=gpu,
        gpus=gpus,
        context=context,
        revision=checked_revision(profile, given.get("REVISION", "")),
        secret=given.get("SECRET", DEFAULT_SECRET),
        idle_minutes=_whole("IDLE_MINUTES", given.get("IDLE_MINUTES", "10"), least=1, most=60),
        most_containers=_whole("MOST_CONTAINERS", given.get("MOST_CONTAINERS", "1"), least=1, most=100),
        has_snapshot=_yes_or_no("SNAPSHOT", given.get("SNAPSHOT", "0")),
    )


def read_gpu(text: str) -> tuple[Gpu, int]:
    """``"H100:2"`` as a GPU and how many of it."""
    name, _, count = text.partition(":")
    return gpu_called(name), _whole("GPU", count or "1", least=1, most=8)


def checked_revision(profile: Profile, revision: str) -> str:
    """``revision``, or the profile's, if it names one commit: a branch such as main may hold other weights tomorrow."""
    revision = revision or profile.revision or ""
    if re.fullmatch(r"[0-9a-f]{40}", revision):
        return revision
    what = f"{revision!r} is no commit" if revision else "No revision of the model is set"
    raise SettingsError(
        f"{what}: T2S_SERVE_REVISION wants the 40 hex digits of a commit of {profile.model}. "
        f"This prints the newest: python -m model_serve revision {profile.name}"
    )


def check_context(profile: Profile, context: int) -> None:
    if context > profile.context:
        raise SettingsError(
            f"A context of {context} tokens is longer than {profile.model} has: {profile.context}. Ask for less."
        )
    if context < LEAST_CONTEXT:
        raise SettingsError(f"A context of {context} tokens holds no schema. Ask for {LEAST_CONTEXT} or more.")


def read_key(name: str, environ: Mapping[str, str]) -> str:
    """The key in the variable ``name``, "" for none. What no header can carry is refused without being shown."""
    key = environ.get(name, "").strip()
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise SettingsError(f"{name} holds a space, a line break or another character that no key has. Set it again.")
    return key


def check_fits(profile: Profile, gpu: Gpu, gpus: int, context: int) -> None:
    """Raise SettingsError unless the model, one full context and the runtime fit the GPUs, and heads divide by them."""
    check_context(profile, context)
    check_split(profile, gpus)
    if not gpu.has_bfloat16:
        raise SettingsError(f"{gpu.name} cannot compute in bfloat16, which {profile.model} needs. Take L4 or larger.")
    needed = profile.weight_bytes / gpus + context * profile.cache_bytes_per_token / gpus + RUNTIME_BYTES
    usable = gpu.memory * USABLE_SHARE
    if needed > usable:
        raise SettingsError(
            f"{profile.name} with a context of {context} needs about {needed / GIB:.1f} GiB on each GPU; "
            f"{gpu.name} has {usable / GIB:.1f} to give. Take a larger GPU, a shorter context or starling-fp8."
        )


def check_split(profile: Profile, gpus: int) -> None:
    if profile.attention_heads % gpus:
        raise SettingsError(
            f"{profile.name} has {profile.attention_heads} attention heads, which {gpus} GPUs cannot share evenly. "
            f"Use {_divisors(profile.attention_heads)} GPUs."
        )


def _divisors(heads: int) -> str:
    return ", ".join(str(count) for count in range(1, 9) if heads % count == 0)


def _whole(name: str, text: str, *, least: int, most: int | None = None) -> int:
    bounds = f"{least} or more" if most is None else f"{least} to {most}"
    if not text.isascii() or not text.isdecimal() or int(text) < least or (most is not None and int(text) > most):
        raise SettingsError(f"{PREFIX}{name} is {text!r}; it wants a whole number, {bounds}.")
    return int(text)


def _yes_or_no(name: str, text: str) -> bool:
    if text.lower() not in {"0", "1", "no", "yes", "false", "true"}:
        raise SettingsError(f"{PREFIX}{name} is {text!r}; it wants 1 or 0.")
    return text.lower() in {"1", "yes", "true"}
