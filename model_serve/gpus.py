"""The GPUs that a 7B model is served on: memory, bandwidth, price."""

from __future__ import annotations

from dataclasses import dataclass

from model_serve.errors import SettingsError

GIB = 2**30
PRICE_SOURCE = "Modal's list price, read on 2026-05-07 in techbytes.app's matrix of serverless GPU prices"


@dataclass(frozen=True)
class Gpu:
    """``memory`` in bytes; ``bandwidth`` in bytes per second, from NVIDIA's data sheet; ``price`` in dollars an hour.

    ``name`` is Modal's. ``price`` is None where no dated source was read: give your own.
    """

    name: str
    memory: int
    bandwidth: float
    price: float | None = None
    has_bfloat16: bool = True


GPUS = {
    gpu.name: gpu
    for gpu in (
        Gpu("T4", 16 * GIB, 320e9, 0.5904, has_bfloat16=False),
        Gpu("L4", 24 * GIB, 300e9, 0.7992),
        Gpu("A10", 24 * GIB, 600e9),
        Gpu("L40S", 48 * GIB, 864e9, 1.9512),
        Gpu("A100-40GB", 40 * GIB, 1555e9),
        Gpu("A100-80GB", 80 * GIB, 2039e9, 2.4984),
        Gpu("H100", 80 * GIB, 3350e9, 3.9492),
        Gpu("H200", 141 * GIB, 4800e9),
        Gpu("B200", 180 * GIB, 8000e9),
    )
}


def gpu_called(name: str) -> Gpu:
    """The GPU of that name, or SettingsError: Modal itself takes any text and fails only when a container starts."""
    gpu = GPUS.get(name.strip().upper())
    if gpu is None:
        raise SettingsError(f"No GPU is called {name!r}. Choose one of {', '.join(GPUS)}.")
    return gpu
