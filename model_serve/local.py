"""vLLM on this machine: started, waited for, named to the notebook, stopped with Ctrl+C."""

from __future__ import annotations

import math
import os
import secrets
import shlex
import shutil
import signal
import socket
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from types import FrameType

from model_serve.command import vllm_command
from model_serve.errors import ServerDiedError, SettingsError
from model_serve.profiles import STARLING, Profile
from model_serve.server import start_server, stop_server, wait_for_end, wait_until_ready
from model_serve.settings import KEY_NAME, check_context, check_split, read_key

Say = Callable[[str], None]
SECONDS_BETWEEN_WORDS = 15.0
ENDING_SIGNALS = (signal.SIGTERM, signal.SIGHUP)


def serve_local(
    profile: Profile,
    *,
    port: int,
    context: int,
    revision: str | None,
    tensor_parallel: int,
    data_parallel: int,
    with_ray: bool,
    extra: Sequence[str],
    say: Say,
) -> None:
    """Serve until Ctrl+C, SIGTERM or SIGHUP.

    Raises SettingsError before anything starts, ServerDiedError when vLLM dies.
    The server listens on 127.0.0.1 alone, with the key in ``VLLM_API_KEY`` or a new one that nobody else knows.
    """
    check_context(profile, context)
    check_split(profile, tensor_parallel)
    check_has_vllm()
    check_port_is_free(port)
    key = read_key(KEY_NAME, os.environ) or secrets.token_urlsafe(32)
    command = vllm_command(
        profile,
        context=context,
        port=port,
        revision=revision,
        tensor_parallel=tensor_parallel,
        data_parallel=data_parallel,
        with_ray=with_ray,
        extra=extra,
    )
    # Removed only after a clean end: the cause of a death often stands long before the last lines.
    folder = Path(tempfile.mkdtemp(prefix="t2s-serve-"))
    log = folder / "vllm.log"
    with ended_by_signals():
        say(f"Starting {profile.model}{_at(revision)} with vLLM; it writes to {log}")
        say(f"Licence: {profile.licence}")
        server = start_server(command, key=key, port=port, environ=os.environ, log=log)
        try:
            # Without end: the first start may download for as long as it takes, and whoever waits has Ctrl+C.
            wait_until_ready(server, patience=math.inf, on_wait=patient_words(say))
            say("Ready. Paste this into the notebook, before %load_ext t2s_magic:")
            say(f"\n{line_to_paste(profile, port, key)}\n")
            say(f"In a terminal instead:\n\n{line_for_terminal(profile, port, key)}\n")
            say("Ctrl+C stops it.")
            wait_for_end(server)
        except KeyboardInterrupt:
            say("Stopping ...")
        except ServerDiedError as error:
            raise ServerDiedError(f"{error}\nAll that it wrote stands in {log}") from error
        finally:
            stop_server(server)
        shutil.rmtree(folder)
        say("Stopped.")


def line_to_paste(profile: Profile, port: int, key: str) -> str:
    """One line of Python that points the notebook at this server."""
    values = ", ".join(f"{name}={value!r}" for name, value in client_settings(profile, port, key).items())
    return f"import os; os.environ.update({values})"


def line_for_terminal(profile: Profile, port: int, key: str) -> str:
    """The same for the commands of the package, and for ``check`` and ``bench``."""
    values = " ".join(f"{name}={shlex.quote(value)}" for name, value in client_settings(profile, port, key).items())
    return f"export {values}"


def client_settings(profile: Profile, port: int, key: str) -> dict[str, str]:
    settings = {"T2S_API_BASE": f"http://127.0.0.1:{port}/v1", "T2S_API_KEY": key}
    if profile.model != STARLING.model:
        settings["T2S_LM"] = f"hosted_vllm/{profile.model}"
    return settings


def revision_to_serve(profile: Profile, asked: str | None, extra: Sequence[str]) -> str | None:
    """``asked``, else the profile's commit, but none of it where ``extra`` names another model."""
    is_other_model = any(flag.partition("=")[0] == "--model" for flag in extra)
    return asked or (None if is_other_model else profile.revision)


def _at(revision: str | None) -> str:
    return f" at {revision[:7]}" if revision else ""


def check_has_vllm() -> None:
    if find_spec("vllm") is None:
        raise SettingsError(
            "This Python has no vLLM. Install it in an environment of its own (pip install vllm), and run this from "
            "there; it needs nothing else of ours."
        )


def check_port_is_free(port: int) -> None:
    """Raise SettingsError if something listens there. Whatever it is, it is left alone."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise SettingsError(
                f"Port {port} is taken by another program ({error.strerror}), which was left alone. "
                f"Take another: --port {port + 1}"
            ) from error


def patient_words(say: Say) -> Callable[[float], None]:
    """Says now and then how long it has been: loading weights takes minutes."""
    due = SECONDS_BETWEEN_WORDS

    def on_wait(waited: float) -> None:
        nonlocal due
        if waited >= due:
            say(f"  loading the model ({waited:.0f} s)")
            due += SECONDS_BETWEEN_WORDS

    return on_wait


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """Within: SIGTERM and a terminal that is closed end the wait as Ctrl+C does, so that the GPU's memory is freed."""

    def interrupt(signal_number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    # What nohup has ignored stays ignored.
    heeded = [number for number in ENDING_SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, interrupt) for number in heeded}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
