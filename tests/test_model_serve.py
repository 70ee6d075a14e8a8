"""Profiles, settings, vLLM's command line, the template and the gate: what is decided before a server starts."""

from __future__ import annotations

import ast
import asyncio
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from jinja2 import TemplateError
from jinja2.ext import loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

from model_serve.command import vllm_command
from model_serve.errors import SettingsError
from model_serve.gate import STARTER_KEY_NAME, Gate
from model_serve.local import revision_to_serve
from model_serve.profiles import PROFILES, STARLING, profile_called
from model_serve.settings import read_key, read_settings
from t2s_magic.lm import STARLING_MODEL, STARLING_STOP_TOKENS

FOLDER = Path(__file__).parent.parent / "model_serve"
REVISION = "0123456789abcdef0123456789abcdef01234567"


def settings(**given: str) -> Any:
    return read_settings({f"T2S_SERVE_{name}": value for name, value in {"REVISION": REVISION, **given}.items()})


def flags(profile: str, **how: Any) -> list[str]:
    return vllm_command(profile_called(profile), context=8192, port=8000, **how)[1:]


def value_of(flag: str, command: list[str]) -> str:
    return command[command.index(flag) + 1]


def render(messages: list[dict[str, str]], *, add_generation_prompt: bool = True) -> str:
    """The template as transformers renders it: same environment, same variables."""

    def raise_exception(message: str) -> None:
        raise TemplateError(message)

    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols])
    environment.globals["raise_exception"] = raise_exception
    source = (FOLDER / "templates" / "starling.jinja").read_text(encoding="utf-8")
    return environment.from_string(source).render(
        messages=messages, bos_token="<s>", add_generation_prompt=add_generation_prompt
    )


def user(text: str) -> dict[str, str]:
    return {"role": "user", "content": text}


def assistant(text: str) -> dict[str, str]:
    return {"role": "assistant", "content": text}


def test_nothing_here_imports_the_package():
    for path in FOLDER.rglob("*.py"):
        nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
        names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
        names += [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)]
        assert [name for name in names if name.split(".")[0] == "t2s_magic"] == []


@pytest.mark.parametrize("name", ["starling", "starling-fp8", "starling-low-latency"])
def test_starling_is_served_under_the_name_and_stop_token_that_the_client_asks_for(name: str):
    profile = profile_called(name)
    assert value_of("--served-model-name", flags(name)) == STARLING_MODEL
    assert list(profile.stop_token_ids) == STARLING_STOP_TOKENS


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES.keys())
def test_each_profile_fits_an_l40s_and_says_its_licence(profile: Any):
    assert settings(PROFILE=profile.name).profile is profile
    assert profile.licence.startswith("Apache-2.0")
    assert profile.template_path is None or profile.template_path.is_file()


def test_a_profile_serves_one_commit_unless_another_is_asked_for():
    assert settings(REVISION="").revision == STARLING.revision == "39a4d501472dfede947ca5f4c5af0c1896d0361b"
    assert settings(REVISION=REVISION).revision == REVISION
    assert revision_to_serve(STARLING, None, []) == STARLING.revision
    assert revision_to_serve(STARLING, "main", []) == "main"
    assert revision_to_serve(STARLING, None, ["--model=a/b"]) is None


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES.keys())
def test_a_commit_is_named_in_full_where_a_profile_names_one(profile: Any):
    assert profile.revision is None or re.fullmatch("[0-9a-f]{40}", profile.revision)


@pytest.mark.parametrize("key", ["two words", "line\nbreak", "schlüssel"])
def test_a_key_that_no_header_can_carry_is_refused_and_not_shown(key: str):
    with pytest.raises(SettingsError, match="T2S_API_KEY holds a space") as refused:
        read_key("T2S_API_KEY", {"T2S_API_KEY": key})
    assert key not in str(refused.value)
    assert read_key("T2S_API_KEY", {"T2S_API_KEY": " right\n"}) == "right"


def test_the_settings_not_given_are_starling_on_one_gpu_scaling_to_zero():
    read = settings()
    assert (read.profile.name, read.gpu.name, read.gpus, read.context) == ("starling", "L40S", 1, 8192)
    assert (read.idle_minutes, read.most_containers, read.has_snapshot) == (10, 1, False)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"PROFILE": "starlin"}, "No profile is called 'starlin'. Choose one of starling, "),
        ({"GPU": "H1000"}, "No GPU is called 'H1000'. Choose one of T4, L4,"),
        ({"GPU": "H100:0"}, "T2S_SERVE_GPU is '0'; it wants a whole number, 1 to 8."),
        ({"GPU": "H100:3"}, "32 attention heads, which 3 GPUs cannot share evenly. Use 1, 2, 4, 8 GPUs"),
        ({"GPU": "H100:8", "PROFILE": "omnisql-7b"}, "28 attention heads, which 8 GPUs"),
        ({"GPU": "T4"}, "T4 cannot compute in bfloat16"),
        ({"CONTEXT": "16384"}, "A context of 16384 tokens is longer than Nexusflow/Starling-LM-7B-beta has: 8192"),
        ({"CONTEXT": "8k"}, "T2S_SERVE_CONTEXT is '8k'"),
        ({"CONTEXT": "100"}, "T2S_SERVE_CONTEXT is '100'; it wants a whole number, 512 or more"),
        ({"REVISION": "", "PROFILE": "arctic-text2sql-r1-7b"}, "No revision of the model is set"),
        ({"REVISION": "main"}, "'main' is no commit"),
        ({"SNAPSHOT": "perhaps"}, "T2S_SERVE_SNAPSHOT is 'perhaps'; it wants 1 or 0"),
        ({"IDLE_MINUTES": "600"}, "T2S_SERVE_IDLE_MINUTES is '600'; it wants a whole number, 1 to 60"),
        ({"GPUS": "2"}, "T2S_SERVE_GPUS is no setting. There are T2S_SERVE_CONTEXT,"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_with_its_value(given: Mapping[str, str], words: str):
    with pytest.raises(SettingsError) as refused:
        settings(**given)
    assert words in str(refused.value)


def test_a_model_that_does_not_fit_its_gpu_is_refused_with_both_sizes():
    from model_serve.gpus import GIB, Gpu
    from model_serve.settings import check_fits

    with pytest.raises(SettingsError, match=r"needs about 17.5 GiB on each GPU; small has 14.4 to give"):
        check_fits(profile_called("starling"), Gpu("small", 16 * GIB, 1e9), 1, 8192)


def test_the_command_has_the_flags_of_its_profile_and_no_key():
    command = flags("starling", revision=REVISION)
    assert command[:2] == ["-m", "vllm.entrypoints.openai.api_server"]
    assert value_of("--revision", command) == REVISION
    assert value_of("--max-model-len", command) == "8192"
    assert value_of("--host", command) == "127.0.0.1"
    assert value_of("--chat-template", command).endswith("starling.jinja")
    assert json.loads(value_of("--structured-outputs-config", command))["backend"] == "xgrammar"
    assert "--enable-prefix-caching" in command
    assert "--api-key" not in command


def test_profiles_differ_in_precision_speculation_and_template_alone():
    assert value_of("--quantization", flags("starling-fp8")) == "fp8"
    assert json.loads(value_of("--speculative-config", flags("starling-low-latency")))["method"] == "ngram"
    assert "--quantization" not in flags("starling")
    assert "--chat-template" not in flags("omnisql-7b")


def test_the_same_command_runs_on_several_gpus_and_under_ray():
    command = flags("starling", tensor_parallel=2, data_parallel=3, with_ray=True)
    assert value_of("--tensor-parallel-size", command) == "2"
    assert value_of("--data-parallel-size", command) == "3"
    assert value_of("--distributed-executor-backend", command) == "ray"
    assert value_of("--data-parallel-backend", command) == "ray"


def test_what_is_given_last_wins():
    assert flags("starling", extra=["--max-num-seqs", "2"])[-2:] == ["--max-num-seqs", "2"]


def test_the_template_writes_the_model_cards_conversations():
    assert render([user("Hello")]) == "<s>GPT4 Correct User: Hello<|end_of_turn|>GPT4 Correct Assistant:"
    assert render([user("Hello"), assistant("Hi"), user("How are you today?")]) == (
        "<s>GPT4 Correct User: Hello<|end_of_turn|>GPT4 Correct Assistant: Hi<|end_of_turn|>"
        "GPT4 Correct User: How are you today?<|end_of_turn|>GPT4 Correct Assistant:"
    )


def test_what_a_client_sends_as_system_opens_the_first_user_turn():
    system = {"role": "system", "content": "Be short."}
    assert render([system, user("Hello")], add_generation_prompt=False) == (
        "<s>GPT4 Correct User: Be short.\n\nHello<|end_of_turn|>"
    )
    assert "Be short." in render([system])


def test_the_template_refuses_a_role_that_the_model_does_not_know():
    with pytest.raises(TemplateError, match="not tool"):
        render([{"role": "tool", "content": "x"}])


def ask_gate(path: str, monkeypatch: pytest.MonkeyPatch, starter_key: str = "starter", **headers: str) -> int:
    """The status that a request gets through a gate before an application that answers 200 everywhere."""
    monkeypatch.setenv("VLLM_API_KEY", "right")
    monkeypatch.setenv(STARTER_KEY_NAME, starter_key)
    statuses: list[int] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def send(message: Any) -> None:
        statuses.append(message.get("status", 0))

    async def receive() -> Any:
        return {"type": "http.request"}

    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    asyncio.run(Gate(application)({"type": "http", "path": path, "headers": raw}, receive, send))
    return statuses[0]


@pytest.mark.parametrize("path", ["/v1/models", "/v1/chat/completions", "/metrics", "/tokenize", "/docs"])
def test_every_path_needs_the_key(path: str, monkeypatch: pytest.MonkeyPatch):
    assert ask_gate(path, monkeypatch) == 401
    assert ask_gate(path, monkeypatch, Authorization="Bearer wrong") == 401
    assert ask_gate(path, monkeypatch, Authorization="Bearer right") == 200


@pytest.mark.parametrize("path", ["/sleep", "/collective_rpc", "/server_info", "/health/../metrics", "/v1", "//sleep"])
def test_what_vllm_adds_for_developers_is_for_the_program_that_started_it(path: str, monkeypatch: pytest.MonkeyPatch):
    assert ask_gate(path, monkeypatch) == 401
    assert ask_gate(path, monkeypatch, Authorization="Bearer right") == 404
    assert ask_gate(path, monkeypatch, Authorization="Bearer starter") == 200


def test_without_a_second_key_nothing_passes_in_its_place(monkeypatch: pytest.MonkeyPatch):
    assert ask_gate("/sleep", monkeypatch, starter_key="", Authorization="Bearer ") == 401


def test_health_alone_is_open(monkeypatch: pytest.MonkeyPatch):
    assert ask_gate("/health", monkeypatch) == 200


def test_a_server_without_a_key_does_not_start(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("VLLM_API_KEY", raising=False)
    with pytest.raises(RuntimeError, match="VLLM_API_KEY is empty"):
        Gate(lambda scope, receive, send: asyncio.sleep(0))
