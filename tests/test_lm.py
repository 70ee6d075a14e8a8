"""LMs over real HTTP: every fault ends in bounded time with one message that says what to do."""

import copy
import os
import signal
import socket
import threading
import time
from email.utils import formatdate

import dspy
import httpx
import pytest
from openai_server import OpenAiServer, Reply, openai_server, refusal

from t2s_magic.errors import (
    KeyRefusedError,
    ModelBusyError,
    ModelError,
    ModelUnreachableError,
    PromptTooLongError,
    UsageError,
)
from t2s_magic.lm import STARLING_MODEL, Endpoint, Patience, make_backend, told
from t2s_magic.lm.replies import retry_after

# Generous where a test does not wait for the limit: a busy machine is no fault of the server's.
QUICK = Patience(total=20.0, busy=10.0, waking=20.0, pause=0.01)
HURRIED = Patience(total=0.6)
KEY = "sk-canary-4f1b"


def ask(server: OpenAiServer, key: str = "", patience: Patience = QUICK, on_progress=None) -> str:
    endpoint = Endpoint(server.base_url, key, patience=patience, on_progress=on_progress)
    return endpoint.complete({"model": "tiny", "messages": [{"role": "user", "content": "?"}]}).text


def interrupt_once(condition) -> None:
    """Send this process the kernel's interrupt as soon as ``condition()`` holds."""

    def wait() -> None:
        while not condition():
            time.sleep(0.01)
        time.sleep(0.1)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=wait, daemon=True).start()


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


# Which backend answers


def test_without_any_setting_the_built_in_model_answers():
    backend = make_backend(environ={})
    assert (backend.name, backend.is_local, backend.host, backend.program) == ("builtin", True, "", "builtin")


def test_an_address_alone_means_starling():
    backend = make_backend(environ={"T2S_API_BASE": "http://127.0.0.1:8000"})
    assert (backend.name, backend.is_local, backend.host) == ("starling", False, "127.0.0.1:8000")


def test_a_name_goes_before_the_environment():
    environ = {"T2S_API_BASE": "http://127.0.0.1:8000", "T2S_LM": "openai/other"}
    assert make_backend("builtin", environ=environ).name == "builtin"
    assert make_backend(environ=environ).name == "openai/other"


def test_starling_without_an_address_says_what_to_set():
    with pytest.raises(UsageError, match="T2S_API_BASE"):
        make_backend("starling", environ={})


def test_a_name_that_is_no_lm_is_refused_with_examples():
    with pytest.raises(UsageError, match="builtin, starling, or provider/model"):
        make_backend("gpt4", environ={})


def test_any_name_of_dspy_is_taken_also_one_that_refuses_a_temperature():
    assert make_backend("openai/gpt-4o-mini", environ={}).lm.kwargs["temperature"] == 0.0
    assert make_backend("openai/gpt-5", environ={}).host == "openai"


@pytest.mark.parametrize("base", ["localhost:8000", "ftp://x/v1", "http://", "http://x:99999/v1"])
def test_an_address_that_is_none_is_refused(base):
    with pytest.raises(UsageError, match="T2S_API_BASE is no address"):
        make_backend(environ={"T2S_API_BASE": base})


def test_a_password_in_the_address_is_refused_without_repeating_it():
    with pytest.raises(UsageError, match="T2S_API_KEY") as raised:
        make_backend(environ={"T2S_API_BASE": f"http://me:{KEY}@127.0.0.1:1/v1"})
    assert KEY not in str(raised.value)


def test_a_key_with_a_line_break_is_refused_without_repeating_it():
    with pytest.raises(UsageError, match="T2S_API_KEY holds") as raised:
        make_backend(environ={"T2S_API_BASE": "http://127.0.0.1:1", "T2S_API_KEY": f"{KEY}\nX: y"})
    assert KEY not in str(raised.value)


def test_copies_of_an_lm_share_its_connection():
    lm = make_backend(environ={"T2S_API_BASE": "http://127.0.0.1:1"}).lm
    assert copy.deepcopy(lm).engine.endpoint is lm.engine.endpoint
    assert lm.copy(temperature=1.0).engine.endpoint is lm.engine.endpoint


def test_the_built_in_lm_refuses_a_prompt_in_words():
    backend = make_backend(environ={}, load_model=lambda: pytest.fail("nothing is loaded for this"))
    with pytest.raises(ModelError, match="writes SQL and nothing else"), told():
        backend.lm("Write me an instruction.")


# What is sent


def test_a_request_carries_the_key_the_model_and_starlings_end_of_turn():
    with openai_server("SELECT 1", key=KEY) as server:
        backend = make_backend(environ={"T2S_API_BASE": server.base_url, "T2S_API_KEY": KEY})
        assert backend.lm("?") == ["SELECT 1"]
        sent, headers = server.requests[0], server.headers[0]
    assert (sent["model"], sent["stop_token_ids"], sent["temperature"]) == (STARLING_MODEL, [32000], 0.0)
    assert headers["Authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize("prefix", ["openai", "hosted_vllm"])
def test_a_named_model_is_asked_for_at_the_address_without_starlings_settings(prefix):
    with openai_server("SELECT 1") as server:
        make_backend(f"{prefix}/qwen:7b", environ={"T2S_API_BASE": server.base_url}).lm("?")
        sent = server.requests[0]
    assert (sent["model"], "stop_token_ids" in sent) == ("qwen:7b", False)


def test_openai_itself_is_meant_where_its_own_key_is_set():
    environ = {"T2S_API_BASE": "http://127.0.0.1:1", "T2S_API_KEY": KEY, "OPENAI_API_KEY": "sk-openai"}
    assert make_backend("openai/gpt-4o-mini", environ=environ).host == "openai"
    assert make_backend("hosted_vllm/qwen", environ=environ).host == "127.0.0.1:1"


def test_the_key_goes_to_no_other_server_when_the_address_redirects():
    with (
        openai_server("SELECT 1") as other,
        openai_server(
            Reply(status=307, body=b"", headers={"Location": f"{other.base_url}/chat/completions"})
        ) as server,
    ):
        with pytest.raises(ModelUnreachableError, match="redirects elsewhere"):
            ask(server, KEY)
        assert other.paths == []


def test_the_key_for_the_address_is_not_given_to_a_provider():
    environ = {"T2S_API_BASE": "http://127.0.0.1:1", "T2S_API_KEY": KEY}
    lm = make_backend("anthropic/claude-x", environ=environ).lm
    assert KEY not in repr(vars(lm))


def test_no_key_is_in_a_saved_state_of_the_lm():
    lm = make_backend(environ={"T2S_API_BASE": "http://127.0.0.1:1", "T2S_API_KEY": KEY}).lm
    predict = dspy.Predict("question -> sql")
    predict.demos = [dspy.Example(question="?", sql="SELECT 1")]
    assert KEY not in repr(predict.dump_state()) + repr(lm) + repr(lm.kwargs)


# Faults, by the rows of the fault table


def test_a_server_that_is_down_is_told_within_three_seconds():
    address = f"http://127.0.0.1:{free_port()}"
    started = time.monotonic()
    with pytest.raises(
        ModelUnreachableError, match=f"No model at {address} .refused.; nothing was run. Start the server"
    ):
        Endpoint(f"{address}/v1").complete({})
    assert time.monotonic() - started < 15.0


def test_a_token_in_the_path_of_the_address_is_told_and_logged_nowhere(caplog):
    token = "tok-77aa88bb99"
    caplog.set_level("DEBUG")
    refused = refusal(400, f"no route for {token} at /{token}/v1/chat/completions")
    with openai_server(refused, refusal(404, "nothing here"), f"SELECT '{token}'", models=()) as server:
        endpoint = Endpoint(server.base_url.replace("/v1", f"/{token}/v1"), patience=QUICK)
        for message in ("no route for •••", f"http://{server.host} has no chat/completions there"):
            with pytest.raises(ModelError, match=message) as raised:
                endpoint.complete({})
            assert token not in str(raised.value)
        assert endpoint.complete({}).text == "SELECT '•••'"
        assert all(path.startswith(f"/{token}/v1/") for path in server.paths)
    with pytest.raises(ModelUnreachableError, match=r"No model at http://127.0.0.1:1 .refused.") as raised:
        Endpoint(f"http://127.0.0.1:1/{token}", patience=QUICK).complete({})
    assert token not in str(raised.value)
    assert server.host in caplog.text
    assert token not in caplog.text


def test_a_host_that_is_not_there_is_told():
    with pytest.raises(ModelUnreachableError, match="No model at"):
        Endpoint("http://no-such-host.invalid/v1", patience=QUICK).complete({})


def test_a_slow_server_is_left_at_the_limit_and_sees_that_nobody_waits():
    with openai_server(Reply("SELECT 1", delay=20.0)) as server:
        with pytest.raises(ModelUnreachableError, match=r"No answer from 127.0.0.1:\d+ in 0.6 s"):
            ask(server, patience=HURRIED)
        assert server.hung_up.wait(30)


def test_a_server_that_drips_is_left_at_the_limit():
    with openai_server(Reply("SELECT 1", drip=0.05)) as server:
        started = time.monotonic()
        with pytest.raises(ModelUnreachableError, match="No answer"):
            ask(server, patience=HURRIED)
    assert time.monotonic() - started < 15.0


def test_the_seconds_of_waiting_are_told():
    told_so_far: list[str] = []
    with openai_server(Reply("SELECT 1", delay=1.3)) as server:
        assert ask(server, patience=Patience(), on_progress=told_so_far.append) == "SELECT 1"
        assert told_so_far[0] == f"waiting for {server.host} (1 s)"


def test_an_interrupt_closes_the_request_at_once():
    with openai_server(Reply("SELECT 1", delay=20.0)) as server:
        interrupt_once(lambda: server.requests)
        started = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            ask(server, patience=Patience())
        assert time.monotonic() - started < 15.0
        assert server.hung_up.wait(30)


def test_a_busy_server_is_asked_again_when_it_said():
    told_so_far: list[str] = []
    with openai_server(refusal(429, "busy", Retry_After="1"), "SELECT 1") as server:
        assert ask(server, on_progress=told_so_far.append) == "SELECT 1"
        assert server.times[1] - server.times[0] >= 1.0
        assert told_so_far[0] == f"{server.host} is busy: asking again (in 1 s)"


def test_a_server_that_stays_busy_is_asked_three_times_at_most():
    with openai_server(refusal(429, "busy", Retry_After="0")) as server:
        with pytest.raises(ModelBusyError, match="is busy"):
            ask(server)
        assert len(server.requests) == 3


def test_a_server_that_wants_a_long_pause_is_not_waited_for():
    with openai_server(refusal(429, "busy", Retry_After="600")) as server:
        started = time.monotonic()
        with pytest.raises(ModelBusyError, match="come back in 600 s"):
            ask(server)
    assert time.monotonic() - started < 20.0


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_server_error_is_tried_twice_more_and_then_shown(status):
    with openai_server(refusal(status, "it \x1b[31m burns\n" + "x" * 300)) as server:
        with pytest.raises(ModelUnreachableError, match=rf"answered {status}: it \\u001b\[31m burns x+…") as raised:
            ask(server)
        assert len(server.requests) == 3
    assert len(str(raised.value)) < 350


def test_a_server_error_that_passes_is_not_noticed():
    with openai_server(refusal(500, "oops"), refusal(502, "oops"), "SELECT 1") as server:
        assert ask(server) == "SELECT 1"


def test_a_server_that_is_starting_is_waited_for_and_told_as_waking():
    told_so_far: list[str] = []
    starting = refusal(503, "Loading model", Retry_After="0.3")
    with openai_server(starting, starting, starting, starting, "SELECT 1") as server:
        assert ask(server, on_progress=told_so_far.append) == "SELECT 1"
    assert told_so_far[0] == "waking the model (0 s)"
    assert told_so_far[-1] != "waking the model (0 s)"


def test_a_server_that_never_wakes_is_left_in_bounded_time():
    with openai_server(refusal(503, "starting", Retry_After="0")) as server:
        started = time.monotonic()
        with pytest.raises(ModelUnreachableError, match=r"still starting after 0.5 s .*lm_waking_limit"):
            ask(server, patience=Patience(waking=0.5, pause=0.05))
        assert time.monotonic() - started < 20.0


@pytest.mark.parametrize(("key", "advice"), [(KEY, "Set T2S_API_KEY to a key"), ("", "asks for a key")])
def test_a_refused_key_is_told_once_and_never_shown(key, advice):
    with openai_server("SELECT 1", key="another") as server:
        with pytest.raises(KeyRefusedError, match=f"refused the key .401.*{advice}") as raised:
            ask(server, key)
        assert len(server.paths) == 1
    assert KEY not in str(raised.value)


def test_a_server_that_repeats_the_key_does_not_make_us_show_it():
    with (
        openai_server(refusal(400, f"bad header {KEY}")) as server,
        pytest.raises(ModelError, match="bad header •••") as raised,
    ):
        ask(server, KEY)
    assert KEY not in str(raised.value)


def test_a_key_in_a_content_type_is_not_shown():
    page = Reply(body=b"<html>", content_type=f"text/html; key={KEY}")
    with openai_server(page) as server, pytest.raises(ModelUnreachableError, match="text/html; key=•••"):
        ask(server, KEY)


def test_a_key_in_an_answer_or_in_a_stream_is_not_shown():
    shown: list[str] = []
    with openai_server(f"SELECT '{KEY}'") as server:
        assert ask(server, KEY) == "SELECT '•••'"
        endpoint = Endpoint(server.base_url, KEY, patience=QUICK)
        messages = [{"role": "user", "content": "?"}]
        streamed = endpoint.complete({"model": "tiny", "messages": messages}, on_text=shown.append)
    assert streamed.text == "SELECT '•••'"
    assert KEY not in "".join(shown)


def test_an_unknown_model_is_told_with_the_models_there_are():
    with (
        openai_server(refusal(404, "no such model"), models=("a-7b", "b")) as server,
        pytest.raises(ModelError, match=r"has no model 'tiny'; it has a-7b, b. Choose one: --lm hosted_vllm/a-7b"),
    ):
        ask(server)


def test_a_wrong_path_is_told_as_one():
    with (
        openai_server(refusal(404, "not found"), models=()) as server,
        pytest.raises(ModelUnreachableError, match="Is T2S_API_BASE right"),
    ):
        ask(server)


@pytest.mark.parametrize(
    "words",
    [
        "This model's maximum context length is 8192 tokens. However, you requested 9000 tokens",
        "the request exceeds the available context size",
        "The prompt (total length 600) is too long to fit into the model (max_model_len 512)",
    ],
)
def test_a_prompt_that_is_too_long_has_its_own_error(words):
    with openai_server(refusal(400, words)) as server, pytest.raises(PromptTooLongError, match="too long"):
        ask(server)


@pytest.mark.parametrize(
    "reply",
    [
        Reply(body=b"<html>Welcome to nginx</html>", content_type="text/html"),
        Reply(body=b'{"choices": [', content_type="text/html"),
        Reply(body=b'{"object": "list"}', content_type="text/html"),
        Reply(body=b"[]", content_type="text/html"),
        Reply(body=b"", content_type="text/html"),
        Reply(body=b'{"choices": [{"message": null}]}', content_type="text/html"),
        Reply(body=b"[" * 100_000, content_type="text/html"),
    ],
)
def test_a_reply_that_is_no_completion_is_told_with_its_content_type(reply):
    with (
        openai_server(reply) as server,
        pytest.raises(ModelUnreachableError, match=r"not a completion .text/html."),
    ):
        ask(server)


def test_a_reply_without_end_is_left():
    with (
        openai_server(Reply(body=b"x" * 20_000_000)) as server,
        pytest.raises(ModelUnreachableError, match="more than a completion can be"),
    ):
        ask(server, patience=Patience())


def test_a_connection_that_breaks_in_the_answer_is_told():
    with openai_server(Reply("SELECT 1", cut=20)) as server, pytest.raises(ModelUnreachableError, match="broke before"):
        ask(server)


def test_eight_kernels_ask_the_same_endpoint_at_once():
    with openai_server(Reply("SELECT 1", delay=3.0)) as server:
        endpoint = Endpoint(server.base_url, patience=Patience())
        answers: list[str] = []
        threads = [threading.Thread(target=lambda: answers.append(endpoint.complete({}).text)) for _ in range(8)]
        started = time.monotonic()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert answers == ["SELECT 1"] * 8
    assert time.monotonic() - started < 20.0  # twenty-four seconds one after another


# dspy's own LMs


def test_what_dspy_raises_becomes_our_error():
    lm = dspy.LM(
        "openai/gpt-4o-mini", api_base=f"http://127.0.0.1:{free_port()}", api_key="x", cache=False, num_retries=0
    )
    with pytest.raises(ModelUnreachableError, match="No connection to openai/gpt-4o-mini; nothing was run"), told():
        lm("?")


def test_a_provider_without_a_key_is_told(monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(KeyRefusedError, match="has no key"), told():
        make_backend("openai/gpt-4o-mini", environ={}).lm("?")


@pytest.fixture
def provider(monkeypatch):
    """A provider of dspy's own, at a server of ours: ``provider(reply)`` asks it once."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)

    def ask_it(reply: Reply) -> list[str]:
        with openai_server(reply) as server:
            settings = {"api_base": server.base_url, "api_key": KEY, "cache": False, "num_retries": 0}
            with told():
                return dspy.LM("openai/gpt-4o-mini", **settings)("?")

    return ask_it


@pytest.mark.parametrize(
    ("reply", "error", "words"),
    [
        (refusal(401, f"Incorrect API key provided: {KEY}"), KeyRefusedError, "refused the key"),
        (refusal(429, f"slow down, {KEY}"), ModelBusyError, "is busy; ask again later"),
        (refusal(400, "maximum context length is 8192 tokens"), PromptTooLongError, "too long for"),
        (refusal(500, "it burns"), ModelUnreachableError, "failed; nothing was run. It said: .*it burns"),
        (refusal(404, "no such model"), ModelError, "cannot be used; nothing was run. It said: no such model"),
    ],
)
def test_what_a_provider_refuses_becomes_our_error_without_the_key(provider, reply, error, words):
    with pytest.raises(error, match=words) as raised:
        provider(reply)
    assert KEY not in str(raised.value)


def test_a_provider_answers_our_program_like_any_lm(provider):
    assert provider(Reply("SELECT 1")) == ["SELECT 1"]


def test_no_list_of_prices_is_fetched(monkeypatch):
    monkeypatch.delenv("LITELLM_LOCAL_MODEL_COST_MAP", raising=False)
    make_backend("openai/gpt-4o-mini", environ={})
    assert os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] == "true"


def test_an_error_of_our_own_endpoint_comes_through_dspy_as_it_is():
    with openai_server(refusal(401, "no")) as server:
        lm = make_backend(environ={"T2S_API_BASE": server.base_url}).lm
        with pytest.raises(KeyRefusedError, match="asks for a key"), told():
            lm("?")


# Streaming


def stream(server: OpenAiServer, on_text=lambda text: None, *, patience: Patience = QUICK, **wishes):
    endpoint = Endpoint(server.base_url, patience=patience)
    body = {"model": "tiny", "messages": [{"role": "user", "content": "?"}]}
    return endpoint.complete(body, on_text=on_text, **wishes)


def test_an_answer_is_told_as_it_is_written_with_the_time_to_its_first_word_and_its_tokens():
    so_far: list[str] = []
    with openai_server(Reply("SELECT name FROM t", pause=0.05)) as server:
        completion = stream(server, so_far.append)
    assert so_far == ["SELECT", "SELECT name", "SELECT name FROM", "SELECT name FROM t"]
    assert (completion.text, completion.prompt_tokens, completion.completion_tokens) == (so_far[-1], 7, 3)
    assert 0 < completion.first_token < completion.seconds


@pytest.mark.parametrize("cut", [30, 150, 400])
def test_a_stream_that_breaks_is_an_error_and_no_answer(cut):
    with (
        openai_server(Reply("SELECT name FROM t WHERE deleted = 0", cut=cut)) as server,
        pytest.raises(ModelUnreachableError, match="broke before the answer was whole; nothing was run"),
    ):
        stream(server)


def test_a_stream_that_ends_for_the_server_going_away_is_no_answer():
    with (
        openai_server(Reply("SELECT name FROM t", finish_reason="abort")) as server,
        pytest.raises(ModelUnreachableError, match="broke before"),
    ):
        stream(server)


def test_an_error_in_the_middle_of_a_stream_is_told_in_the_servers_words():
    events = (
        b'data: {"choices":[{"index":0,"delta":{"content":"SELECT"}}]}\n\ndata: {"error":{"message":"GPU lost"}}\n\n'
    )
    with (
        openai_server(Reply(body=events, content_type="text/event-stream")) as server,
        pytest.raises(ModelUnreachableError, match=r"broke off; nothing was run. It said: GPU lost"),
    ):
        stream(server)


def test_line_ends_of_unicode_in_a_stream_are_text():
    with openai_server("SELECT 'a\u2028b\x85c'") as server:
        assert stream(server).text == "SELECT 'a\u2028b\x85c'"


def test_a_server_that_does_not_stream_gives_the_answer_at_once():
    so_far: list[str] = []
    for settings in ({"refuses": ("stream",)}, {"ignores": ("stream",)}):
        with openai_server("SELECT 1", **settings) as server:
            assert stream(server, so_far.append).text == "SELECT 1"
    assert so_far[-1] == "SELECT 1"


def test_an_interrupt_closes_the_stream_and_the_server_sees_it():
    so_far: list[str] = []
    with openai_server(Reply("SELECT name FROM t", pause=10.0)) as server:
        interrupt_once(lambda: so_far)
        with pytest.raises(KeyboardInterrupt):
            stream(server, so_far.append, patience=Patience())
        assert server.hung_up.wait(30)
    assert so_far == ["SELECT"]


def test_waiting_is_told_until_the_first_word_only():
    told_so_far: list[str] = []
    with openai_server(Reply("SELECT name", delay=1.3, pause=1.3)) as server:
        endpoint = Endpoint(server.base_url, on_progress=told_so_far.append)
        endpoint.complete({"model": "tiny"}, on_text=told_so_far.append)
    waiting = told_so_far.index("SELECT")
    assert told_so_far[0] == f"waiting for {server.host} (1 s)"
    assert told_so_far[waiting:] == ["SELECT", "SELECT name"]


# Several samples


def test_several_samples_are_one_request():
    with openai_server(Reply("SELECT 1", others=("SELECT 2", "SELECT 3"))) as server:
        completion = stream(server, samples=3)
        assert [request["n"] for request in server.requests] == [3]
    assert [completion.text, *(choice.text for choice in completion.others)] == ["SELECT 1", "SELECT 2", "SELECT 3"]


@pytest.mark.parametrize("settings", [{"refuses": ("n",)}, {"ignores": ("n",)}])
def test_a_server_that_gives_one_sample_is_asked_singly_from_then_on(settings):
    with openai_server("SELECT 1", **settings) as server:
        endpoint = Endpoint(server.base_url)
        first, second = (endpoint.complete({"model": "tiny"}, samples=2) for _ in range(2))
        with_n = [request for request in server.requests if "n" in request]
    assert len(first.others) == len(second.others) == 1
    assert len(with_n) == 1
    assert first.prompt_tokens == 14


# Constrained output


def constrained(server: OpenAiServer, questions: int = 2, **settings) -> list[str]:
    """The notices after some questions with a grammar."""
    notices: list[str] = []
    endpoint = Endpoint(server.base_url, on_notice=notices.append, **settings)
    for _ in range(questions):
        assert endpoint.complete({"model": "tiny"}, grammar='root ::= "SELECT 1"').text == "SELECT 1"
    return notices


def test_a_vllm_is_sent_the_grammar_and_asked_once_who_it_is():
    with openai_server("SELECT 1") as server:
        assert constrained(server) == []
        assert [request["structured_outputs"]["grammar"] for request in server.requests] == ['root ::= "SELECT 1"'] * 2
        assert server.paths.count("/v1/models") == 1


def test_a_server_too_busy_to_say_who_it_is_is_asked_again_after_the_next_answer():
    with openai_server("SELECT 1", unanswered_listings=1) as server:
        assert constrained(server, questions=3) == []
        assert ["structured_outputs" in request for request in server.requests] == [True, True, True]
        assert server.paths.count("/v1/models") == 2


def test_a_server_that_refuses_the_grammar_is_asked_without_it_and_that_is_said_once():
    with openai_server("SELECT 1", refuses=("structured_outputs",)) as server:
        (notice,) = constrained(server)
        assert ["structured_outputs" in request for request in server.requests] == [True, False, False]
    assert notice == (
        f"{server.host} does not hold answers to a grammar: its SQL is written freely, and checked as always."
    )


def test_a_server_that_would_ignore_the_grammar_is_sent_none_any_more():
    with openai_server("SELECT 1", owner="library") as server:
        (notice,) = constrained(server)
        assert ["structured_outputs" in request for request in server.requests] == [True, False]
    assert "does not hold answers to a grammar" in notice


def test_a_grammar_can_be_asked_of_any_server_and_of_none():
    with openai_server("SELECT 1", owner="library") as server:
        assert constrained(server, constrained="on") == []
        assert constrained(server, constrained="off") == []
        assert ["structured_outputs" in request for request in server.requests] == [True, True, False, False]


def test_a_request_that_is_refused_for_another_reason_is_told_so_and_the_grammar_stays():
    with openai_server(refusal(400, "temperature is too high"), refusal(400, "temperature is too high")) as server:
        endpoint = Endpoint(server.base_url)
        with pytest.raises(ModelError, match=r"refused the request .400.: temperature is too high"):
            endpoint.complete({"model": "tiny"}, grammar="root ::= [a]")
        assert endpoint.takes_grammars


# A cold server


def test_a_redirect_to_the_same_server_is_followed_as_modal_means_it():
    told_so_far: list[str] = []
    later = Reply(status=303, body=b"", headers={"Location": "/v1/result?id=1"})
    with openai_server(later, later, "SELECT 1", key=KEY) as server:
        assert ask(server, KEY, on_progress=told_so_far.append) == "SELECT 1"
        assert server.paths == ["/v1/chat/completions", "/v1/result?id=1", "/v1/result?id=1"]
        assert server.headers[-1]["Authorization"] == f"Bearer {KEY}"
    assert told_so_far[0] == "waking the model (0 s)"


def test_a_request_that_is_held_by_a_waking_server_has_longer_than_an_answer_may_take():
    told_so_far: list[str] = []
    starting = refusal(503, "Loading model", Retry_After="0")
    patience = Patience(total=0.5, held=20.0, pause=0.01)
    with openai_server(starting, Reply("SELECT 1", delay=2.3)) as server:
        assert ask(server, patience=patience, on_progress=told_so_far.append) == "SELECT 1"
    assert [told.partition(" (")[0] for told in told_so_far] == ["waking the model"] * len(told_so_far)
    assert told_so_far[-1] == "waking the model (2 s)"


def test_the_first_start_may_take_half_an_hour():
    assert Patience().waking == 1800


def test_the_wait_that_a_server_error_asks_for_is_kept():
    with openai_server(refusal(503, "overloaded", Retry_After="0.3"), "SELECT 1") as server:
        assert ask(server) == "SELECT 1"
        assert server.times[1] - server.times[0] >= 0.3


@pytest.mark.parametrize(
    ("told", "seconds"),
    [("1.5", 1.5), ("-3", 0.0), ("nan", 0.0), ("soon", 7.0), ("Wed, 21 Oct 99999 07:28:00 GMT", 7.0)],
)
def test_a_pause_is_a_number_of_seconds_or_what_is_usual(told, seconds):
    assert retry_after(httpx.Response(429, headers={"Retry-After": told}), default=7.0) == seconds


def test_a_pause_may_be_told_as_a_date():
    in_a_minute = formatdate(time.time() + 60, usegmt=True)
    told = httpx.Response(429, headers={"Retry-After": in_a_minute})
    assert retry_after(told, default=7.0) == pytest.approx(60, abs=5)


@pytest.mark.parametrize("told", ["3600", "inf"])
def test_a_server_error_that_asks_for_a_long_pause_is_shown_at_once(told):
    started = time.monotonic()
    with openai_server(refusal(502, "down for maintenance", Retry_After=told)) as server:
        with pytest.raises(ModelUnreachableError, match="answered 502: down for maintenance"):
            ask(server)
        assert len(server.requests) == 1
    assert time.monotonic() - started < 20.0


def test_kernels_that_were_told_to_come_back_at_once_do_not_come_together():
    busy = [refusal(429, "busy", Retry_After="1")] * 6
    with openai_server(*busy, "SELECT 1") as server:
        answers: list[str] = []
        threads = [threading.Thread(target=lambda: answers.append(ask(server))) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        returned = sorted(server.times)[6:]
    assert answers == ["SELECT 1"] * 6
    assert returned[-1] - returned[0] > 0.01
