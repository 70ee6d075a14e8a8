"""``python -m model_serve``: serve on this machine, check a deployment, list profiles, pin a revision, count costs."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from model_serve.bench import LEVELS, MAX_TOKENS, measure
from model_serve.check import check_deployment
from model_serve.client import Client
from model_serve.cost import report
from model_serve.errors import ServeError
from model_serve.gpus import gpu_called
from model_serve.local import revision_to_serve, serve_local
from model_serve.profiles import PROFILES, profile_called
from model_serve.revision import newest_revision
from model_serve.settings import read_key


def main(arguments: Sequence[str]) -> None:
    """Run one command. What goes wrong ends the program with one message and exit code 1."""
    options = make_parser().parse_args(arguments)
    try:
        options.run(options)
    except ServeError as error:
        sys.exit(str(error))


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m model_serve", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    local = commands.add_parser("local", help="start vLLM on this machine")
    local.add_argument("--profile", default="starling", help="see the command profiles (default: starling)")
    local.add_argument("--port", type=port, default=8000)
    local.add_argument("--context", type=whole, help="tokens of prompt and answer together (default: the profile's)")
    local.add_argument("--revision", help="commit of the model's repository (default: the profile's)")
    local.add_argument("--tensor-parallel", type=whole, default=1, metavar="N", help="GPUs that share the weights")
    local.add_argument("--data-parallel", type=whole, default=1, metavar="N", help="copies that share the requests")
    local.add_argument("--ray", action="store_true", help="let Ray place them, over several machines if need be")
    local.add_argument("extra", nargs="*", metavar="-- VLLM FLAGS", help="handed to vLLM as they are; they win")
    local.set_defaults(run=run_local)
    check = commands.add_parser("check", help="check a running server with the key in T2S_API_KEY")
    check.add_argument("base_url", type=address, help="such as http://127.0.0.1:8000/v1")
    check.add_argument("--profile", default="starling")
    check.set_defaults(run=run_check)
    bench = commands.add_parser("bench", help="put load on a running server, with the key in T2S_API_KEY")
    bench.add_argument("base_url", type=address)
    bench.add_argument("--profile", default="starling")
    bench.add_argument("--gpu", help="what it runs on, for the roofline and the price")
    bench.add_argument("--price", type=positive, help="dollars an hour (default: the list price of --gpu)")
    bench.add_argument("--levels", type=whole, nargs="+", default=list(LEVELS), metavar="N", help="questions at once")
    bench.add_argument("--max-tokens", type=whole, default=MAX_TOKENS)
    bench.add_argument("--out", type=Path, default=Path("bench.json"))
    bench.set_defaults(run=run_bench)
    cost = commands.add_parser("cost", help="which GPU, how many, at what cost")
    cost.add_argument("questions_per_hour", type=positive)
    cost.add_argument("--profile", default="starling")
    cost.add_argument("--idle-minutes", type=positive, default=10.0)
    cost.set_defaults(run=run_cost)
    profiles = commands.add_parser("profiles", help="list the models served by name, with their licences")
    profiles.set_defaults(run=run_profiles)
    revision = commands.add_parser("revision", help="print the newest commit of a profile's model")
    revision.add_argument("profile")
    revision.set_defaults(run=run_revision)
    return parser


def run_local(options: argparse.Namespace) -> None:
    profile = profile_called(options.profile)
    serve_local(
        profile,
        port=options.port,
        context=options.context or profile.served_context,
        revision=revision_to_serve(profile, options.revision, options.extra),
        tensor_parallel=options.tensor_parallel,
        data_parallel=options.data_parallel,
        with_ray=options.ray,
        extra=options.extra,
        say=say,
    )


def run_check(options: argparse.Namespace) -> None:
    check_deployment(client_of(options), profile_called(options.profile), say=say)


def run_bench(options: argparse.Namespace) -> None:
    measure(
        client_of(options),
        profile_called(options.profile),
        gpu=gpu_called(options.gpu) if options.gpu else None,
        price=options.price,
        levels=options.levels,
        max_tokens=options.max_tokens,
        out=options.out,
        say=say,
    )


def run_cost(options: argparse.Namespace) -> None:
    print(report(profile_called(options.profile), options.questions_per_hour, options.idle_minutes))


def client_of(options: argparse.Namespace) -> Client:
    return Client(options.base_url, read_key("T2S_API_KEY", os.environ))


def say(line: str) -> None:
    """Print at once: whoever waits reads along."""
    print(line, flush=True)


# What argparse reads options with; it names the option that cannot be.


def positive(text: str) -> float:
    """A number above 0."""
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return value


def whole(text: str) -> int:
    """A whole number above 0."""
    if not text.isascii() or not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number above 0")
    return int(text)


def port(text: str) -> int:
    if whole(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text} is no port; the last one is 65535")
    return int(text)


def address(text: str) -> str:
    """The address of a server. What may be a secret in it is not repeated."""
    try:
        parts = urlsplit(text)
        is_one = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_one = False
    if not is_one:
        raise argparse.ArgumentTypeError("that is no address; it looks like http://127.0.0.1:8000/v1")
    return text


def run_profiles(options: argparse.Namespace) -> None:
    for profile in PROFILES.values():
        print(f"{profile.name}\n  {profile.model}, {profile.context} tokens of context\n  {profile.about}")
        print(f"  Licence: {profile.licence}")
        print(f"  Commit: {profile.revision or 'none by itself; the command revision prints the newest'}")


def run_revision(options: argparse.Namespace) -> None:
    print(newest_revision(profile_called(options.profile).model))


if __name__ == "__main__":
    main(sys.argv[1:])
