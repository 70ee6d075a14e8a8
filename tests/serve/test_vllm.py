"""A real vLLM on the CPU, with our command line, gate and template, asked by our client.

The model has random weights: what is shown is protocol, key, errors, template, grammar, cache and life cycle, and
nothing about the quality of SQL or the speed of a GPU. Limits of time are generous: a machine that does something else,
too, takes ten times as long.
"""

from __future__ import annotations

import http.client
import json
import os
import secrets
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from on_a_cpu import ENVIRON, FLAGS, make_tiny

from model_serve.bench import cache_hit_rate, run_level
from model_serve.client import Client
from model_serve.command import vllm_command
from model_serve.errors import ServerDiedError
from model_serve.profiles import STARLING
from model_serve.prompts import QUESTIONS, messages
from model_serve.server import Server, start_server, stop_server, wait_until_ready
from t2s_magic import guard
from t2s_magic.adapters.grammar import select_grammar
from t2s_magic.errors import KeyRefusedError, ModelError, ModelUnreachableError, PromptTooLongError, UnsafeSqlError
from t2s_magic.lm import Endpoint, Patience, make_backend
from t2s_magic.program import load_program, shipped_program
from t2s_magic.schema import Schema

pytestmark = pytest.mark.timeout(1800)

BOS, END_OF_TURN = 1, 32000
PATIENCE = Patience(connect=60, total=600, server_error_retries=0)
KEY = secrets.token_urlsafe(16)
# Of 48 samples of random weights about a dozen end within 200 tokens; of those, nine in ten name only what exists.
SAMPLES, LEAST_WHOLE, LEAST_KNOWN = 48, 3, 0.5
SELECT_GRAMMAR = """
root ::= "SELECT " column " FROM customer" (" WHERE country = 'Germany'")? ";"
column ::= "id" | "name" | "country" | "COUNT(*)"
"""


@dataclass(frozen=True)
class Tiny:
    """The served tiny model, and how to start it again."""

    python: Path
    folder: Path
    log: Path
    port: int

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def client(self) -> Client:
        return Client(self.base_url, KEY, timeout=600)

    def start(self, *more: str) -> Server:
        command = vllm_command(
            STARLING,
            context=STARLING.served_context,
            port=self.port,
            python=str(self.python),
            extra=["--model", str(self.folder), *FLAGS, *more],
        )
        server = start_server(command, key=KEY, port=self.port, environ={**os.environ, **ENVIRON}, log=self.log)
        try:
            wait_until_ready(server, patience=1500)
        except BaseException:
            stop_server(server)
            raise
        return server

    def endpoint(self, key: str = KEY) -> Endpoint:
        return Endpoint(self.base_url, key, patience=PATIENCE)

    def metric(self, name: str) -> float:
        text = self.client.get("/metrics").body.decode()
        return sum(float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith(name + "{"))


@pytest.fixture(scope="module")
def tiny_model(serve_python: Path, tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    folder = tmp_path_factory.mktemp("tiny")
    make_tiny(serve_python, folder)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    return Tiny(serve_python, folder, folder / "vllm.log", port)


@pytest.fixture(scope="module")
def running(tiny_model: Tiny) -> Iterator[list[Server]]:
    """The one server of these tests, in a list, so that a test may start it anew."""
    servers = [tiny_model.start()]
    yield servers
    stop_server(servers[0])


@pytest.fixture
def tiny(tiny_model: Tiny, running: list[Server]) -> Tiny:
    return tiny_model


def body(question: str = QUESTIONS[0], **more: Any) -> dict[str, Any]:
    settings = {"model": STARLING.model, "messages": messages(question), "max_tokens": 8, "temperature": 0.0}
    return {**settings, "stop_token_ids": [END_OF_TURN], **more}


def post(tiny: Tiny, path: str, data: dict[str, Any], key: str = KEY) -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", tiny.port, timeout=600)
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {key}"} if key else {})}
    connection.request("POST", path, json.dumps(data), headers)
    response = connection.getresponse()
    content = response.read()
    connection.close()
    return response.status, json.loads(content) if content else None


def test_it_serves_under_the_name_that_our_client_asks_for(tiny: Tiny):
    assert tiny.endpoint().models() == (STARLING.model,)


def test_our_client_gets_an_answer_with_its_token_counts(tiny: Tiny):
    answer = tiny.endpoint().complete(body())
    assert answer.model == STARLING.model
    assert answer.finish_reason == "length"
    assert answer.completion_tokens == 8
    assert answer.prompt_tokens is not None
    assert answer.prompt_tokens > 400


@pytest.mark.parametrize("path", ["/v1/models", "/metrics", "/docs", "/openapi.json", "/version"])
def test_every_path_but_health_is_closed_without_the_key(tiny: Tiny, path: str):
    assert tiny.client.get(path, with_key=False).status == 401
    assert tiny.client.get(path).status == 200
    assert tiny.client.get("/health", with_key=False).status == 200


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/tokenize", "/detokenize", "/sleep", "/invocations"])
def test_nothing_can_be_posted_without_the_key(tiny: Tiny, path: str):
    assert post(tiny, path, body(), key="")[0] == 401
    assert post(tiny, path, body(), key="wrong")[0] == 401


@pytest.mark.parametrize("path", ["/sleep", "/collective_rpc", "/invocations"])
def test_what_no_client_of_ours_asks_for_is_not_served_to_holders_of_the_key(tiny: Tiny, path: str):
    assert post(tiny, path, body())[0] == 404


def test_a_wrong_key_is_an_error_in_our_words(tiny: Tiny):
    with pytest.raises(KeyRefusedError, match="refused the key"):
        tiny.endpoint("wrong").complete(body())


def test_another_model_is_an_error_that_names_the_one_served(tiny: Tiny):
    with pytest.raises(ModelError, match=f"it has {STARLING.model}"):
        tiny.endpoint().complete(body(model="other"))


def test_a_prompt_longer_than_the_context_is_told_as_such(tiny: Tiny):
    with pytest.raises(PromptTooLongError):
        tiny.endpoint().complete(body(question="How many? " * 9000))


def test_a_stream_comes_in_parts_with_the_usage_at_the_end(tiny: Tiny):
    answer = tiny.client.ask(STARLING.model, messages(QUESTIONS[1]), max_tokens=32)
    assert answer.completion_tokens == 32
    assert answer.prompt_tokens > 400
    assert 0 < answer.first_token < answer.total


def test_the_template_makes_starlings_tokens_with_one_beginning(tiny: Tiny):
    turns = [
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": "Hi"},
        {"role": "user", "content": "How are you today?"},
    ]
    asked = {"model": STARLING.model, "messages": turns, "add_generation_prompt": True}
    tokens = post(tiny, "/tokenize", asked)[1]["tokens"]
    text = post(tiny, "/detokenize", {"model": STARLING.model, "tokens": tokens})[1]["prompt"]
    assert text == (
        "<s>GPT4 Correct User: Hello<|end_of_turn|>GPT4 Correct Assistant: Hi<|end_of_turn|>"
        "GPT4 Correct User: How are you today?<|end_of_turn|>GPT4 Correct Assistant:"
    )
    assert (tokens.count(BOS), tokens.count(END_OF_TURN), tokens[0]) == (1, 3, BOS)


def test_what_is_asked_has_one_beginning_too(tiny: Tiny):
    asked = {"model": STARLING.model, "messages": messages(QUESTIONS[0]), "add_generation_prompt": True}
    tokens = post(tiny, "/tokenize", asked)[1]["tokens"]
    assert tiny.endpoint().complete(body()).prompt_tokens == len(tokens)


def test_a_role_that_starling_does_not_know_is_refused(tiny: Tiny):
    status, said = post(tiny, "/v1/chat/completions", body(messages=[{"role": "tool", "content": "x"}]))
    assert status == 400, said


def test_a_grammar_is_kept_to_and_the_end_of_the_turn_ends_it(tiny: Tiny):
    for seed in range(5):
        answer = tiny.endpoint().complete(body(max_tokens=100, temperature=1.0, seed=seed), grammar=SELECT_GRAMMAR)
        assert guard.check(answer.text, "sqlite").sql.startswith("SELECT ")
        assert answer.finish_reason == "stop"


def test_a_grammar_that_vllm_refuses_is_left_out_and_that_is_said_in_one_line(tiny: Tiny):
    notices: list[str] = []
    endpoint = Endpoint(tiny.base_url, KEY, patience=PATIENCE, on_notice=notices.append)
    for _ in range(2):
        assert endpoint.complete(body(), grammar="root ::= statement (").completion_tokens == 8
    (notice,) = notices
    assert "does not hold answers to a grammar: its SQL is written freely" in notice
    assert "\n" not in notice


@pytest.mark.parametrize("dialect", ["sqlite", "duckdb", "postgres", "mysql"])
def test_vllm_takes_the_grammar_of_each_dialect(tiny: Tiny, dialect: str):
    notices: list[str] = []
    endpoint = Endpoint(tiny.base_url, KEY, patience=PATIENCE, on_notice=notices.append)
    grammar = select_grammar(Schema.from_dict({**SHOP, "dialect": dialect}))
    assert endpoint.complete(body(max_tokens=64, temperature=1.0, seed=1), grammar=grammar).text.strip()
    assert notices == []


def test_our_adapter_holds_random_weights_to_statements_of_the_schema(tiny: Tiny):
    notices: list[str] = []
    backend = make_backend(
        "starling",
        environ={"T2S_API_BASE": tiny.base_url, "T2S_API_KEY": KEY},
        patience=PATIENCE,
        on_notice=notices.append,
    )
    predict = load_program(shipped_program("starling")).predict
    settings = {"n": SAMPLES, "temperature": 1.0, "seed": 1, "max_tokens": 200}
    inputs = inputs_for(QUESTIONS[1])
    whole = backend.adapter(backend.lm, settings, predict.signature, predict.demos, inputs)
    assert notices == []
    assert len(whole) >= LEAST_WHOLE
    assert sum(names_only_the_shop(answer["sql"]) for answer in whole) >= LEAST_KNOWN * len(whole)


def names_only_the_shop(sql: str) -> bool:
    schema = Schema.from_dict(SHOP)
    try:
        guard.check_names(guard.check(sql, schema.dialect, schema=schema), schema)
    except UnsafeSqlError:
        return False
    return True


def test_the_statement_appears_in_pieces_as_it_is_written(tiny: Tiny):
    pieces: list[str] = []
    answer = tiny.endpoint().complete(body(max_tokens=100), grammar=SELECT_GRAMMAR, on_text=pieces.append)
    assert len(pieces) > 3
    assert all(later.startswith(earlier) for earlier, later in pairwise(pieces))
    assert pieces[-1] == answer.text


def test_a_stream_tells_its_tokens_and_when_the_first_one_came(tiny: Tiny):
    answer = tiny.endpoint().complete(body(max_tokens=32), on_text=lambda text: None)
    assert answer.completion_tokens is not None
    assert 1 < answer.completion_tokens <= 32
    assert answer.prompt_tokens is not None
    assert answer.prompt_tokens > 400
    assert answer.first_token is not None
    assert 0 < answer.first_token < answer.seconds


def test_several_samples_share_one_prompt(tiny: Tiny):
    status, answer = post(tiny, "/v1/chat/completions", body(n=3, temperature=1.0))
    assert status == 200
    assert len(answer["choices"]) == 3
    assert answer["usage"]["completion_tokens"] == 24


def conversation(question: str, own_demos: list[dict[str, str]]) -> list[dict[str, str]]:
    """The messages that our adapter renders for Starling with the shipped program, as ``%%text2sql`` sends them."""
    backend = make_backend("starling", environ={"T2S_API_BASE": "http://127.0.0.1:9/v1"})
    predict = load_program(shipped_program("starling")).predict
    return list(backend.adapter.format(predict.signature, [*predict.demos, *own_demos], inputs_for(question)))


def inputs_for(question: str) -> dict[str, Any]:
    return {"dialect": "sqlite", "schema": SHOP, "evidence": "", "values": [], "question": question}


def column(name: str, kind: str) -> dict[str, Any]:
    return {"name": name, "type": kind}


SHOP = {
    "dialect": "sqlite",
    "tables": [
        {
            "name": name,
            "columns": [column("id", "INTEGER"), *(column(f"{name}_{word}", "TEXT") for word in words)],
        }
        for name, words in {
            "customer": ["name", "country", "city", "email", "company", "phone"],
            "invoice": ["customer_id", "day", "total", "city", "country", "status"],
            "line": ["invoice_id", "track_id", "price", "quantity", "discount"],
            "track": ["name", "album_id", "genre_id", "composer", "length", "price"],
        }.items()
    ],
}


def test_a_session_of_50_questions_finds_80_percent_of_its_prompts_in_the_cache(tiny: Tiny):
    hits_before, looked_up_before = cache_hit_rate(tiny.client)
    pair = {"question": "Which customers live in Germany?", "sql": "SELECT customer_name FROM customer"}
    for number in range(50):
        own_demos = [pair] if number % 10 == 9 else []
        question = f"{QUESTIONS[number % len(QUESTIONS)]} Look at the year {1970 + number}."
        tiny.endpoint().complete(body(messages=conversation(question, own_demos), max_tokens=2))
    hits, looked_up = cache_hit_rate(tiny.client)
    assert looked_up - looked_up_before > 50 * 500
    assert (hits - hits_before) / (looked_up - looked_up_before) >= 0.8


def test_the_answer_says_how_much_of_its_prompt_was_cached(tiny: Tiny):
    tiny.endpoint().complete(body())
    again = tiny.endpoint().complete(body())
    assert again.cached_tokens is not None
    assert again.prompt_tokens is not None
    assert again.cached_tokens > 0.8 * again.prompt_tokens


def test_an_interrupt_of_the_kernel_frees_the_server(tiny: Tiny):
    running: list[float] = []
    written_before = tiny.metric("vllm:generation_tokens_total")

    def interrupt(text: str) -> None:
        running.append(tiny.metric("vllm:num_requests_running"))
        if running[-1]:
            raise KeyboardInterrupt

    asked = body(max_tokens=7000, ignore_eos=True, stop_token_ids=[])
    with pytest.raises(KeyboardInterrupt):
        tiny.endpoint().complete(asked, on_text=interrupt)
    assert running[-1] == 1
    deadline = time.monotonic() + 300
    while tiny.metric("vllm:num_requests_running") and time.monotonic() < deadline:
        time.sleep(0.2)
    assert tiny.metric("vllm:num_requests_running") == 0
    assert tiny.metric("vllm:generation_tokens_total") - written_before < 7000


def test_the_benchmark_runs_against_it(tiny: Tiny):
    level = run_level(tiny.client, STARLING, concurrency=4, price=1.0, max_tokens=8)
    assert level.questions == 16
    assert level.prompt_tokens > 16 * 400
    assert level.cached_share > 0.5
    assert level.tokens_per_second > 0


def test_a_session_goes_on_after_the_server_was_started_anew(tiny: Tiny, running: list[Server]):
    endpoint = tiny.endpoint()
    before = endpoint.complete(body())
    stop_server(running[0])
    with pytest.raises(ModelUnreachableError):
        endpoint.complete(body())
    running[0] = tiny.start()
    assert endpoint.complete(body()).text == before.text


def test_a_context_that_the_model_does_not_have_ends_vllm_and_is_told_at_once(tiny_model: Tiny, tmp_path: Path):
    impossible = replace(tiny_model, log=tmp_path / "vllm.log", port=tiny_model.port + 1)
    with pytest.raises(ServerDiedError, match=r"before it was ready(.|\n)*max_model_len"):
        impossible.start("--max-model-len", "9000")
