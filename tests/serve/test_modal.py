"""What ``modal deploy`` and ``modal run`` send: Modal's real command line against a fake of its control plane."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sleepy_server import sleepy_server

from model_serve.profiles import STARLING

ROOT = Path(__file__).parent.parent.parent
FAKE = Path(__file__).parent / "fake_modal.py"
pytestmark = pytest.mark.timeout(900)

REVISION = "0123456789abcdef0123456789abcdef01234567"


@dataclass(frozen=True)
class Modal:
    """The real command line, connected to the fake."""

    python: Path
    port: int
    calls_file: Path

    def __call__(self, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        told = {
            "MODAL_SERVER_URL": f"http://127.0.0.1:{self.port}",
            "MODAL_TOKEN_ID": "ak-test",
            "MODAL_TOKEN_SECRET": "as-test",
            "MODAL_CONFIG_PATH": str(self.calls_file.parent / "none.toml"),
            "T2S_SERVE_REVISION": REVISION,
            **environ,
        }
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("T2S_", "MODAL_"))}
        return subprocess.run(
            [self.python, "-m", "modal", *arguments],
            cwd=ROOT,
            env={**inherited, **told},
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )

    def calls(self) -> list[dict[str, Any]]:
        if not self.calls_file.exists():
            return []
        return [json.loads(line) for line in self.calls_file.read_text(encoding="utf-8").splitlines()]

    def requests(self, call: str) -> list[dict[str, Any]]:
        return [entry["request"] for entry in self.calls() if entry["call"] == call]


@contextmanager
def connected(python: Path, folder: Path, *options: str) -> Iterator[Modal]:
    calls_file = folder / "calls.jsonl"
    fake = subprocess.Popen([python, FAKE, calls_file, *options], stdout=subprocess.PIPE, text=True)
    try:
        assert fake.stdout is not None
        yield Modal(python, int(fake.stdout.readline()), calls_file)
    finally:
        fake.terminate()
        fake.wait(10)


@pytest.fixture
def modal(serve_python: Path, tmp_path: Path) -> Iterator[Modal]:
    with connected(serve_python, tmp_path) as modal:
        yield modal


def deployed(modal: Modal, **environ: str) -> dict[str, Any]:
    """The function that a successful deployment created."""
    done = modal("deploy", "model_serve/app.py", **environ)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [request["name"] for request in modal.requests("AppPublish")] == ["t2s-serve"]
    return dict(modal.requests("FunctionCreate")[0]["function"])


def test_without_a_revision_the_profiles_own_is_deployed(modal: Modal):
    deployed(modal, T2S_SERVE_REVISION="")


def test_a_deployment_asks_for_one_gpu_that_scales_to_zero_behind_our_gate(modal: Modal):
    function = deployed(modal)
    assert function["resources"]["gpu_config"] == {"count": 1, "gpu_type": "L40S"}
    assert function["autoscaler_settings"] == {
        "min_containers": 0,
        "max_containers": 1,
        "scaledown_window": 600,
        "target_concurrency_float": 64.0,
    }
    assert function["http_config"] == {
        "port": 8000,
        "proxy_regions": ["us-east"],
        "startup_timeout": 1800,
        "exit_grace_period": 25,
        "unauthenticated": True,
    }
    assert function["startup_timeout_secs"] == 1800


def test_weights_and_compiled_kernels_are_kept_on_volumes(modal: Modal):
    mounts = {mount["mount_path"]: mount["volume_id"] for mount in deployed(modal)["volume_mounts"]}
    assert mounts == {
        "/root/.cache/huggingface": "vo-t2s-serve-weights",
        "/root/.cache/vllm": "vo-t2s-serve-compiled",
    }
    kinds = {request.get("object_creation_type") for request in modal.requests("VolumeGetOrCreate")}
    assert kinds == {"OBJECT_CREATION_TYPE_CREATE_IF_MISSING"}


def test_the_key_comes_from_a_secret_and_the_settings_travel_along(modal: Modal):
    assert deployed(modal, T2S_SERVE_PROFILE="starling-fp8")["secret_ids"] == ["st-t2s-serve", "st-environment"]
    named, settings = modal.requests("SecretGetOrCreate")[0], modal.requests("SecretGetOrCreate")[-1]
    assert named == {"deployment_name": "t2s-serve", "required_keys": ["VLLM_API_KEY"]}
    assert settings["env_dict"] == {"T2S_SERVE_REVISION": REVISION, "T2S_SERVE_PROFILE": "starling-fp8"}


def test_the_image_is_vllms_own_pinned_with_our_source_and_template(modal: Modal):
    deployed(modal)
    commands = [line for each in modal.requests("ImageGetOrCreate") for line in each["image"]["dockerfile_commands"]]
    assert "FROM vllm/vllm-openai:v0.32.0" in commands
    files = [file["filename"] for each in modal.requests("MountGetOrCreate") for file in each.get("files", ())]
    assert {"/command.py", "/templates/starling.jinja"} <= {name.removeprefix("/root/model_serve") for name in files}
    assert not [name for name in files if "__pycache__" in name]


def test_gpu_containers_and_idle_time_are_as_set(modal: Modal):
    function = deployed(modal, T2S_SERVE_GPU="h100:2", T2S_SERVE_MOST_CONTAINERS="3", T2S_SERVE_IDLE_MINUTES="5")
    assert function["resources"]["gpu_config"] == {"count": 2, "gpu_type": "H100"}
    assert function["autoscaler_settings"]["max_containers"] == 3
    assert function["autoscaler_settings"]["scaledown_window"] == 300


def test_a_memory_snapshot_is_taken_only_when_asked_for(modal: Modal):
    plain = deployed(modal)
    modal.calls_file.unlink()
    snapshot = deployed(modal, T2S_SERVE_SNAPSHOT="1")
    assert "checkpointing_enabled" not in plain
    assert snapshot["checkpointing_enabled"] is True
    assert snapshot["experimental_options"] == {"enable_gpu_snapshot": "True"}


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"T2S_SERVE_GPU": "H1000"}, "No GPU is called 'H1000'"),
        ({"T2S_SERVE_CONTEXT": "32768"}, "longer than Nexusflow/Starling-LM-7B-beta has: 8192"),
        ({"T2S_SERVE_REVISION": "main"}, "'main' is no commit"),
    ],
)
def test_a_wrong_setting_ends_the_deployment_before_modal_is_told_anything(
    modal: Modal, environ: dict[str, str], words: str
):
    done = modal("deploy", "model_serve/app.py", **environ)
    assert done.returncode != 0
    assert done.stderr.startswith("Nothing was deployed. ")
    assert words in done.stderr
    assert modal.calls() == []


def test_a_missing_secret_ends_the_deployment_with_the_command_that_makes_it(serve_python: Path, tmp_path: Path):
    with connected(serve_python, tmp_path, "--without-secret") as modal:
        done = modal("deploy", "model_serve/app.py")
        assert done.returncode != 0
        assert "modal secret create t2s-serve VLLM_API_KEY=" in done.stderr
        assert [entry["call"] for entry in modal.calls()] == ["SecretGetOrCreate"]


def test_a_machine_without_an_account_is_told_how_to_get_one_in_one_line(modal: Modal):
    done = modal("deploy", "model_serve/app.py", MODAL_TOKEN_ID="", MODAL_TOKEN_SECRET="")
    assert done.returncode != 0
    assert done.stderr.startswith("Nothing was deployed. Modal does not know this machine. Run modal setup, then this")
    assert "Traceback" not in done.stdout + done.stderr
    assert modal.calls() == []


def test_modal_run_checks_what_is_deployed_and_asks_one_question(serve_python: Path, tmp_path: Path):
    with (
        sleepy_server(key="right", model=STARLING.model, text="SELECT 1", refusals=1) as endpoint,
        connected(serve_python, tmp_path, "--url", endpoint.base_url.removesuffix("/v1")) as modal,
    ):
        done = modal("run", "model_serve/app.py", T2S_API_KEY="right")
        assert done.returncode == 0, done.stdout + done.stderr
        assert modal.requests("FunctionGet")[0]["object_tag"] == "Endpoint"
    assert "waking the model" in done.stdout
    assert "first token after" in done.stdout
    assert f"T2S_API_BASE={endpoint.base_url}" in done.stdout


def test_modal_run_fails_where_the_check_fails(serve_python: Path, tmp_path: Path):
    with (
        sleepy_server(key="right", model=STARLING.model, text="SELECT 1") as endpoint,
        connected(serve_python, tmp_path) as modal,
    ):
        done = modal("run", "model_serve/app.py", "--url", endpoint.base_url, T2S_API_KEY="wrong")
    assert done.returncode != 0
    assert "refused the key" in done.stderr
