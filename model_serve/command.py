"""vLLM's command line for a profile: the same on Modal, on your own machine and under Ray."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

from model_serve.profiles import Profile

# The console script ``vllm`` is not in every build of it; the module is.
SERVER = ("-m", "vllm.entrypoints.openai.api_server")
# The xgrammar backend else lets JSON hold any white space, of which a small model writes pages.
STRUCTURED_OUTPUTS = {"backend": "xgrammar", "disable_any_whitespace": True}


def vllm_command(
    profile: Profile,
    *,
    context: int,
    port: int,
    host: str = "127.0.0.1",
    revision: str | None = None,
    tensor_parallel: int = 1,
    data_parallel: int = 1,
    with_ray: bool = False,
    can_sleep: bool = False,
    python: str = sys.executable,
    extra: Sequence[str] = (),
) -> list[str]:
    """The arguments that start vLLM. The key is not among them, where any user of the machine could read it.

    ``tensor_parallel`` GPUs share the weights, ``data_parallel`` copies of that share the requests; ``with_ray`` lets
    Ray place both, over several machines if need be. ``extra`` comes last, where vLLM lets it win over what is above.
    """
    return [
        python,
        *SERVER,
        *("--model", profile.model),
        *("--served-model-name", profile.model),
        *_revision(revision),
        *("--host", host),
        *("--port", str(port)),
        *("--middleware", "model_serve.gate.Gate"),
        *("--dtype", "bfloat16"),
        *("--max-model-len", str(context)),
        *("--max-num-seqs", str(profile.max_sequences)),
        *_precision(profile),
        *_speculation(profile),
        *_template(profile),
        # Else a file beside the weights may set sampling defaults that no client asked for.
        *("--generation-config", "vllm"),
        "--enable-prefix-caching",
        "--enable-chunked-prefill",
        "--enable-prompt-tokens-details",
        *("--structured-outputs-config", json.dumps(STRUCTURED_OUTPUTS)),
        *_parallel(tensor_parallel, data_parallel, with_ray),
        *(["--enable-sleep-mode"] if can_sleep else []),
        *extra,
    ]


def _revision(revision: str | None) -> list[str]:
    return ["--revision", revision, "--tokenizer-revision", revision] if revision else []


def _precision(profile: Profile) -> list[str]:
    return ["--quantization", profile.quantization] if profile.quantization else []


def _speculation(profile: Profile) -> list[str]:
    if not profile.speculated_tokens:
        return []
    config = {
        "method": "ngram",
        "num_speculative_tokens": profile.speculated_tokens,
        "prompt_lookup_min": 2,
        "prompt_lookup_max": 4,
    }
    return ["--speculative-config", json.dumps(config)]


def _template(profile: Profile) -> list[str]:
    return ["--chat-template", str(profile.template_path)] if profile.template_path else []


def _parallel(tensor_parallel: int, data_parallel: int, with_ray: bool) -> list[str]:
    flags = []
    if tensor_parallel > 1:
        flags += ["--tensor-parallel-size", str(tensor_parallel)]
    if data_parallel > 1:
        flags += ["--data-parallel-size", str(data_parallel)]
    if with_ray:
        flags += ["--distributed-executor-backend", "ray"]
        flags += ["--data-parallel-backend", "ray"] if data_parallel > 1 else []
    return flags
