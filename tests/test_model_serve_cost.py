"""The benchmark's sums and the cost model's, on numbers that can be checked by hand."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from sleepy_server import sleepy_server

from model_serve.bench import against_roofline, cache_hit_rate, measure, percentile_95, price_source, summed
from model_serve.client import Answer, Client
from model_serve.cost import CONSTANTS, batch_size, ceiling, estimates, report
from model_serve.errors import CheckFailedError, SettingsError
from model_serve.gpus import GPUS
from model_serve.profiles import STARLING, profile_called

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize(
    ("gpu", "tokens"), [("L4", 21), ("L40S", 60), ("A100-80GB", 141), ("H100", 231), ("H200", 331)]
)
def test_one_stream_is_bound_by_how_often_a_gpu_reads_the_weights(gpu: str, tokens: int):
    assert round(ceiling(STARLING, GPUS[gpu])) == tokens
    assert ceiling(profile_called("starling-fp8"), GPUS[gpu]) == 2 * ceiling(STARLING, GPUS[gpu])


def test_the_cheapest_gpu_for_few_questions_comes_first_and_sleeps_most_of_the_time():
    few, many = estimates(STARLING, 1, 10), estimates(STARLING, 1000, 10)
    assert few[0].gpu.name == "L4"
    # One question an hour and ten idle minutes: awake with probability 1 - exp(-1/6).
    assert few[0].dollars_per_hour == pytest.approx(0.7992 * 0.1535, rel=1e-3)
    assert many[0].dollars_per_hour == pytest.approx(0.7992)
    assert few[0].dollars_per_1000 > many[0].dollars_per_1000


def test_more_questions_than_one_gpu_answers_take_several():
    one = estimates(STARLING, 1, 10)[0]
    load = 3 * one.questions_per_hour
    several = next(each for each in estimates(STARLING, load, 10) if each.gpu.name == one.gpu.name)
    assert several.containers == 5  # 3 / 0.7, rounded up


def test_only_gpus_with_a_dated_price_that_hold_the_model_are_offered():
    assert {each.gpu.name for each in estimates(STARLING, 100, 10)} == {"L4", "L40S", "A100-80GB", "H100"}
    assert batch_size(STARLING, GPUS["L4"]) < batch_size(STARLING, GPUS["H100"]) <= STARLING.max_sequences


def test_the_report_names_the_source_of_every_constant_and_says_that_none_was_measured():
    text = report(STARLING, 100, 10)
    assert "Nothing in this table was measured on a GPU here." in text
    for constant in CONSTANTS:
        assert f"{constant.name}: {constant.value:g} ({constant.source})" in text
    assert "read on 2026-05-07" in text


def answer(total: float, first: float = 0.1, tokens: int = 11) -> Answer:
    return Answer("SELECT 1", "stop", first, total, prompt_tokens=100, completion_tokens=tokens, cached_tokens=80)


def test_a_level_sums_what_its_answers_took():
    level = summed([answer(1.1), answer(2.1)], concurrency=2, seconds=2.1, price=3.6)
    assert level.latency_p50 == pytest.approx(1.6)
    assert level.tokens_per_second == pytest.approx(22 / 2.1)
    assert level.tokens_per_second_of_one == pytest.approx((10 / 1.0 + 10 / 2.0) / 2)
    assert level.cached_share == 0.8
    assert level.dollars_per_1000 == pytest.approx(3.6 * 2.1 / 3600 / 2 * 1000)


def test_the_95th_percentile_of_a_hundred_values_leaves_five_above():
    values = [float(value) for value in range(1, 101)]
    assert sum(value > percentile_95(values) for value in values) == 5
    assert percentile_95([2.0]) == 2.0


def test_one_stream_is_compared_with_the_roofline():
    level = summed([answer(1.1, tokens=31)], concurrency=1, seconds=1.1, price=None)
    told = against_roofline(STARLING, GPUS["L40S"], [level])
    assert told.endswith("60 times a second: 50% of the roofline.")


def test_a_server_faster_than_its_gpu_can_be_is_said_to_run_on_something_else():
    level = summed([answer(1.1, tokens=101)], concurrency=1, seconds=1.1, price=None)
    assert "168% of the roofline. No L40S can do that" in against_roofline(STARLING, GPUS["L40S"], [level])
    guessing = against_roofline(profile_called("starling-low-latency"), GPUS["L40S"], [level])
    assert guessing.endswith("168% of the roofline.")


def test_many_streams_alone_tell_no_distance_from_the_roofline():
    level = summed([answer(1.1), answer(1.1)], concurrency=2, seconds=1.1, price=None)
    assert "measure one question at a time" in against_roofline(STARLING, GPUS["L40S"], [level])


def test_a_price_has_its_source_and_none_has_none():
    assert "2026-05-07" in str(price_source(GPUS["L4"], GPUS["L4"].price))
    assert price_source(GPUS["L4"], 1.0) == "given by --price"
    assert price_source(GPUS["H200"], None) is None


def test_the_command_drives_load_and_writes_what_it_measured(tmp_path: Path):
    metrics = 'vllm:prefix_cache_queries_total{engine="0"} 100.0\nvllm:prefix_cache_hits_total{engine="0"} 80.0\n'
    out = tmp_path / "bench.json"
    with sleepy_server(key="", model=STARLING.model, text="SELECT |1", is_open=True, metrics=metrics) as server:
        command = [sys.executable, "-m", "model_serve", "bench", server.base_url, "--gpu", "L40S", "--levels", "1", "4"]
        done = subprocess.run(
            [*command, "--out", out], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
        )
        questions = {body["messages"][0]["content"].rpartition("Question: ")[2] for body in server.bodies}
    assert "80 of 100 tokens found" in done.stdout
    written = json.loads(out.read_text(encoding="utf-8"))
    assert [level["concurrency"] for level in written["levels"]] == [1, 4]
    assert (written["gpu"], written["dollars_per_hour"]) == ("L40S", 1.9512)
    assert len(questions) == 16


def bench(address: str, *options: str, key: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "model_serve", "bench", address, *options]
    environ = {**os.environ, "T2S_API_KEY": key}
    return subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("wrong", "refused the key (401). It is not this server's: set T2S_API_KEY again.\n"),
        ("", "refused the key (401). Set T2S_API_KEY to this server's.\n"),
        ("two words", "T2S_API_KEY holds a space, a line break or another character that no key has. Set it again.\n"),
    ],
)
def test_a_benchmark_with_a_wrong_key_ends_with_one_line(key: str, words: str):
    with sleepy_server(key="right", model=STARLING.model, text="SELECT 1") as server:
        done = bench(server.base_url, key=key)
    assert done.returncode == 1
    assert done.stderr.endswith(words)
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["localhost"], "argument base_url: that is no address; it looks like http://127.0.0.1:8000/v1"),
        (["http://127.0.0.1:port/v1"], "argument base_url: that is no address"),
        (["http://127.0.0.1:9/v1", "--levels", "0"], "argument --levels: '0' is no whole number above 0"),
        (["http://127.0.0.1:9/v1", "--price", "-1"], "argument --price: -1 is not above 0"),
        (["http://127.0.0.1:9/v1", "--gpu", "H1000"], "No GPU is called 'H1000'"),
        (["http://127.0.0.1:9/v1"], "No server listens at http://127.0.0.1:9. Start it or correct the address.\n"),
    ],
)
def test_a_benchmark_that_cannot_be_is_refused_in_words(options: list[str], words: str):
    done = bench(*options)
    assert done.returncode != 0
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_a_benchmark_of_a_sleeping_server_wakes_it_and_keeps_what_it_measured_without_counters(tmp_path: Path):
    said: list[str] = []
    out = tmp_path / "bench.json"
    settings = {"gpu": None, "price": 1.0, "levels": [2], "max_tokens": 9, "say": said.append, "pause": 0.01}
    with sleepy_server(key="", model=STARLING.model, text="SELECT |1", is_open=True, refusals=1) as server:
        client = Client(server.base_url, "")
        with pytest.raises(SettingsError, match="There is no folder"):
            measure(client, STARLING, out=tmp_path / "none" / "bench.json", **settings)
        with pytest.raises(CheckFailedError, match="no vllm:prefix_cache_hits"):
            measure(client, STARLING, out=out, **settings)
    assert said[0] == "waking the model (0 s)"
    assert said[-1] == f"Written to {out}"
    assert json.loads(out.read_text(encoding="utf-8"))["levels"][0]["questions"] == 16


def test_a_server_without_cache_counters_is_named():
    with (
        sleepy_server(key="", model="m", text="", is_open=True) as server,
        pytest.raises(CheckFailedError, match="no vllm:prefix_cache_hits"),
    ):
        cache_hit_rate(Client(server.base_url, ""))
