"""Which models can be served by name, and with what settings."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from model_serve.errors import SettingsError

TEMPLATES = Path(__file__).parent / "templates"
APACHE = "Apache-2.0"


@dataclass(frozen=True)
class Profile:
    """A model and how it is served. ``context`` is the longest that the model was made for, ``served_context`` ours.

    ``revision`` is the commit of its repository that is served unless another is asked for: what a branch holds may be
    other weights tomorrow. None where the whole number of one was read nowhere; it has to be given.
    ``template`` is a file in ``templates/``; None means the chat template that the model's own tokenizer brings.
    ``stop_token_ids`` are what a client has to send because the model's files do not say that they end a turn.
    ``parameters`` counts weights, ``bytes_per_weight`` is their size as served, ``cache_bytes_per_token`` that of keys
    and values: 2 × layers × key-value heads × head size × 2 bytes.
    """

    name: str
    model: str
    context: int
    served_context: int
    licence: str
    parameters: float
    attention_heads: int
    cache_bytes_per_token: int
    about: str
    revision: str | None = None
    template: str | None = None
    stop_token_ids: tuple[int, ...] = ()
    bytes_per_weight: int = 2
    max_sequences: int = 64
    quantization: str | None = None
    speculated_tokens: int = 0

    @property
    def weight_bytes(self) -> float:
        return self.parameters * self.bytes_per_weight

    @property
    def template_path(self) -> Path | None:
        return TEMPLATES / self.template if self.template else None


STARLING = Profile(
    name="starling",
    model="Nexusflow/Starling-LM-7B-beta",
    context=8192,
    served_context=8192,
    licence=f"{APACHE}, on condition that it is not used to compete with OpenAI (its model card)",
    parameters=7.24e9,
    attention_heads=32,
    cache_bytes_per_token=2 * 32 * 8 * 128 * 2,
    about="Starling in bf16: the study's LM.",
    revision="39a4d501472dfede947ca5f4c5af0c1896d0361b",
    template="starling.jinja",
    stop_token_ids=(32000,),
)


def _qwen(name: str, model: str, licence: str, revision: str | None, about: str) -> Profile:
    """A model of Qwen2.5-Coder-7B's form: its chat template is its tokenizer's, its end of turn is known to vLLM."""
    return Profile(
        name=name,
        model=model,
        context=32768,
        served_context=16384,
        licence=licence,
        parameters=7.62e9,
        attention_heads=28,
        cache_bytes_per_token=2 * 28 * 4 * 128 * 2,
        about=about,
        revision=revision,
    )


PROFILES = {
    profile.name: profile
    for profile in (
        STARLING,
        replace(
            STARLING,
            name="starling-fp8",
            about="fp8 weights: half the memory, up to twice the speed. Its accuracy was not compared with bf16 here.",
            quantization="fp8",
            bytes_per_weight=1,
        ),
        replace(
            STARLING,
            name="starling-low-latency",
            about="bf16 with n-gram speculation, which guesses names that stand in the prompt; for few users at once.",
            speculated_tokens=4,
            max_sequences=8,
        ),
        _qwen(
            "arctic-text2sql-r1-7b",
            "Snowflake/Arctic-Text2SQL-R1-7B",
            f"{APACHE} (its model card)",
            None,
            "Published: 68.9 % on BIRD dev, greedy, with its own prompt. It reasons before it writes.",
        ),
        _qwen(
            "omnisql-7b",
            "seeklhy/OmniSQL-7B",
            f"{APACHE} on the cards of its siblings of 14B and 32B; its own decides",
            "af4eed67f561bbeea555c017dae4b38b93bac2eb",
            "Published: 63.9 % on BIRD dev, greedy, with its own prompt.",
        ),
        _qwen(
            "xiyansql-qwencoder-7b",
            "XGenerationLab/XiYanSQL-QwenCoder-7B-2504",
            f"{APACHE} (its model card)",
            "e8b9f2ba4cd29d41c6c3138e714faeed38a53f54",
            "Published: 62.1 % on BIRD dev, greedy, with its own prompt.",
        ),
        _qwen(
            "qwen2.5-coder-7b",
            "Qwen/Qwen2.5-Coder-7B-Instruct",
            f"{APACHE} (its model card)",
            "c03e6d358207e414f1eca0bb1891e29f1db0e242",
            "Published: 50.9 % on BIRD dev, greedy. A general coder, and the base of the three above.",
        ),
    )
}


def profile_called(name: str) -> Profile:
    """The profile of that name, or SettingsError that lists all of them."""
    profile = PROFILES.get(name.strip().lower())
    if profile is None:
        raise SettingsError(f"No profile is called {name!r}. Choose one of {', '.join(PROFILES)}.")
    return profile
