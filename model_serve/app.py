"""The Modal app: ``modal deploy model_serve/app.py`` from the root of the repository.

``T2S_SERVE_*`` in the environment choose what is deployed (``model_serve/settings.py``); docs/serving.md tells the way
from no account to a first answer. ``modal run model_serve/app.py`` checks what was deployed and asks it one question.
"""

from __future__ import annotations

import os
import secrets
import sys
import threading
from pathlib import Path
from urllib.request import Request, urlopen

import modal
from modal.exception import AuthError, InvalidError, NotFoundError

# Modal loads this file by its path, which puts the folder above on no import path.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from model_serve.check import MAX_TOKENS, check_deployment
from model_serve.client import Client
from model_serve.command import vllm_command
from model_serve.errors import ServeError, ServerDiedError
from model_serve.gate import STARTER_KEY_NAME
from model_serve.prompts import QUESTIONS, messages
from model_serve.server import Server, start_server, stop_server, wait_for_end, wait_until_ready
from model_serve.settings import KEY_NAME, PREFIX, Settings, read_key, read_settings

APP_NAME = "t2s-serve"
SERVER_NAME = "Endpoint"
VLLM_IMAGE = "vllm/vllm-openai:v0.32.0"
PORT = 8000
MINUTES = 60
# The first start downloads the weights.
STARTUP_TIMEOUT = 30 * MINUTES
WEIGHTS = "/root/.cache/huggingface"
COMPILED = "/root/.cache/vllm"
WARM_UP_REQUESTS = 3


def checked_settings() -> Settings:
    """The settings; where they cannot be, the program ends here, before Modal has been told anything."""
    try:
        return read_settings(os.environ)
    except ServeError as error:
        sys.exit(f"Nothing was deployed. {error}")


def key_secret(name: str) -> modal.Secret:
    """The secret that holds the key. Looked up at once, so that a deployment without a key is never begun."""
    secret = modal.Secret.from_name(name, required_keys=[KEY_NAME])
    if modal.is_local():
        try:
            secret.hydrate()
        except AuthError as error:
            sys.exit(
                f"Nothing was deployed. Modal does not know this machine. Run modal setup, then this again. ({error})"
            )
        except (NotFoundError, InvalidError) as error:
            sys.exit(
                f"Nothing was deployed. Modal has no secret {name!r} with {KEY_NAME} ({error}). "
                f"Create it: modal secret create {name} {KEY_NAME}=$(openssl rand -hex 24)"
            )
    return secret


SETTINGS = checked_settings()

image = (
    modal.Image.from_registry(VLLM_IMAGE)
    .entrypoint([])
    # The image has python3 alone; Modal starts python.
    .run_commands("ln -sf $(which python3) /usr/local/bin/python")
    .env({"HF_HUB_CACHE": WEIGHTS, "HF_XET_HIGH_PERFORMANCE": "1", "VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1"})
    .add_local_dir(Path(__file__).parent, "/root/model_serve", ignore=["**/__pycache__"])
)
app = modal.App(APP_NAME)


@app.server(
    name=SERVER_NAME,
    image=image,
    gpu=f"{SETTINGS.gpu.name}:{SETTINGS.gpus}",
    env={name: value for name, value in os.environ.items() if name.startswith(PREFIX)},
    secrets=[key_secret(SETTINGS.secret)],
    volumes={
        WEIGHTS: modal.Volume.from_name("t2s-serve-weights", create_if_missing=True),
        COMPILED: modal.Volume.from_name("t2s-serve-compiled", create_if_missing=True),
    },
    port=PORT,
    # Modal's own check wants two headers that no OpenAI client sends; the gate before vLLM asks for the key instead.
    unauthenticated=True,
    min_containers=0,
    max_containers=SETTINGS.most_containers,
    scaledown_window=SETTINGS.idle_minutes * MINUTES,
    target_concurrency=SETTINGS.profile.max_sequences,
    startup_timeout=STARTUP_TIMEOUT,
    exit_grace_period=25,
    enable_memory_snapshot=SETTINGS.has_snapshot,
    experimental_options={"enable_gpu_snapshot": True} if SETTINGS.has_snapshot else None,
)
class Endpoint:
    """vLLM behind the gate. With a snapshot it starts once, sleeps, and every later container wakes a copy."""

    @modal.enter(snap=SETTINGS.has_snapshot)
    def start(self) -> None:
        self.is_stopping = False
        self.starter_key = secrets.token_urlsafe(32)
        self.server = start_server(
            container_command(SETTINGS),
            key=os.environ[KEY_NAME],
            port=PORT,
            environ={**os.environ, **snapshot_environ(SETTINGS), STARTER_KEY_NAME: self.starter_key},
        )
        wait_until_ready(self.server, patience=STARTUP_TIMEOUT)
        warm_up(SETTINGS)
        if SETTINGS.has_snapshot:
            post("/sleep?level=1", self.starter_key)

    @modal.enter(snap=False)
    def watch(self) -> None:
        if SETTINGS.has_snapshot:
            post("/wake_up", self.starter_key)
        threading.Thread(target=self.end_with_server, args=[self.server], daemon=True).start()

    def end_with_server(self, server: Server) -> None:
        """End this container when vLLM dies, so that Modal starts another instead of sending requests to nobody."""
        try:
            wait_for_end(server)
        except ServerDiedError as error:
            if not self.is_stopping:
                print(error, file=sys.stderr, flush=True)
                os._exit(1)

    @modal.exit()
    def stop(self) -> None:
        self.is_stopping = True
        stop_server(self.server)


def container_command(settings: Settings) -> list[str]:
    return vllm_command(
        settings.profile,
        context=settings.context,
        port=PORT,
        host="0.0.0.0",
        revision=settings.revision,
        tensor_parallel=settings.gpus,
        can_sleep=settings.has_snapshot,
        python="python3",
    )


def snapshot_environ(settings: Settings) -> dict[str, str]:
    """``/sleep`` exists in vLLM's developer mode alone; a snapshot cannot hold the compiler's worker processes."""
    return {"VLLM_SERVER_DEV_MODE": "1", "TORCHINDUCTOR_COMPILE_THREADS": "1"} if settings.has_snapshot else {}


def warm_up(settings: Settings) -> None:
    """Answer a few questions, so that the first user does not wait for kernels to be compiled."""
    client = Client(f"http://127.0.0.1:{PORT}/v1", os.environ[KEY_NAME])
    stop = {"stop_token_ids": list(settings.profile.stop_token_ids)}
    for question in QUESTIONS[:WARM_UP_REQUESTS]:
        client.ask(settings.profile.model, messages(question), max_tokens=MAX_TOKENS, extra=stop)


def post(path: str, key: str) -> None:
    headers = {"Authorization": f"Bearer {key}"}
    with urlopen(Request(f"http://127.0.0.1:{PORT}{path}", method="POST", headers=headers), timeout=MINUTES):
        pass


@app.local_entrypoint()
def check(url: str = "") -> None:
    """Check the deployment (or the server at ``--url``) with the key in ``T2S_API_KEY``, and ask one question."""
    try:
        key = read_key("T2S_API_KEY", os.environ)
        if not key:
            sys.exit(f"Set T2S_API_KEY to the {KEY_NAME} of the Modal secret {SETTINGS.secret!r}.")
        base_url = (url or deployed_url()).rstrip("/").removesuffix("/v1") + "/v1"
        check_deployment(Client(base_url, key), SETTINGS.profile, say=print)
    except ServeError as error:
        sys.exit(str(error))
    print(f"In the notebook:  %env T2S_API_BASE={base_url}  and T2S_API_KEY, before %load_ext t2s_magic")


def deployed_url() -> str:
    try:
        url = modal.Server.from_name(APP_NAME, SERVER_NAME).get_url()
    except NotFoundError:
        url = None
    if not url:
        sys.exit("Nothing is deployed yet: modal deploy model_serve/app.py")
    return str(url)
