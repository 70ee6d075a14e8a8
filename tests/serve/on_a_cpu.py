"""A tiny model for a real vLLM on a CPU, and what that vLLM has to be told."""

from __future__ import annotations

import subprocess
from pathlib import Path

from model_serve.prompts import QUESTIONS, SCHEMA
from t2s_magic.program import shipped_program

FLAGS = (
    "--enforce-eager",
    *("--distributed-executor-backend", "uni"),
    *("--block-size", "32"),
    *("--num-gpu-blocks-override", "1024"),
    *("--max-num-seqs", "16"),
    # A seeded prompt that is read in parts ends vLLM 0.32 on a CPU, whose random generators have no offset.
    "--no-enable-chunked-prefill",
)
ENVIRON = {
    "HF_HUB_OFFLINE": "1",
    "OMP_NUM_THREADS": "1",
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",
    "VLLM_CPU_KVCACHE_SPACE": "1",
    "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
    "TORCHDYNAMO_DISABLE": "1",
    "VLLM_HOST_IP": "127.0.0.1",
}


def make_tiny(python: Path, folder: Path, says: str = "") -> None:
    """Write a model into ``folder``: of random weights, or one that answers ``says`` to whatever it is asked."""
    script = Path(__file__).parent / "make_tiny.py"
    texts = "\n".join([*QUESTIONS, *SCHEMA.splitlines(), shipped_program("starling").read_text(encoding="utf-8")])
    subprocess.run([python, script, folder, says], input=texts, text=True, check=True, timeout=900)
