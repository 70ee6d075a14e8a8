"""The check of a deployment, against HTTP servers that do what one should, or not."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from sleepy_server import sleepy_server

from model_serve.check import check_deployment
from model_serve.client import Client
from model_serve.errors import CheckFailedError
from model_serve.profiles import STARLING

SQL = "SELECT Name |FROM Artist |LIMIT 5"


def checked(key: str = "right", **server: Any) -> list[str]:
    said: list[str] = []
    settings = {"key": "right", "model": STARLING.model, "text": SQL, **server}
    with sleepy_server(**settings) as serving:
        check_deployment(Client(serving.base_url, key, timeout=5), STARLING, say=said.append, patience=2, pause=0.01)
        assert serving.bodies[0]["stop_token_ids"] == [32000]
        assert serving.bodies[0]["model"] == STARLING.model
    return said


def test_a_good_deployment_is_told_line_by_line():
    said = checked()
    assert said[0] == "awake        after 0 s"
    assert "answer       SELECT Name FROM Artist LIMIT 5" in said
    assert "(9 tokens read, 3 written)" in said[-1]


def test_a_cold_container_is_waited_for():
    assert checked(refusals=3)[:3] == ["waking the model (0 s)"] * 3


def test_a_server_that_answers_without_a_key_fails_the_check():
    with pytest.raises(CheckFailedError, match="answered 200 without a key: anyone can use it"):
        checked(is_open=True)


def test_a_wrong_key_is_named_as_such_and_not_shown():
    with pytest.raises(CheckFailedError, match="refused the key") as failed:
        checked(key="wrong-key")
    assert "wrong-key" not in str(failed.value)


def test_another_model_is_named():
    with pytest.raises(CheckFailedError, match="serves other/model, not Nexusflow"):
        checked(model="other/model")


def test_an_answer_without_sql_fails_the_check():
    with pytest.raises(CheckFailedError, match="not with SQL: 'Sure!'"):
        checked(text="Sure!")


def test_a_server_that_never_wakes_is_given_up_with_its_last_word():
    with pytest.raises(CheckFailedError, match="answers 503 after 2 s"):
        checked(refusals=10_000)


def address_of_nobody() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}/v1"


def test_an_address_where_nobody_listens_is_told_at_once_and_not_waited_for():
    said: list[str] = []
    with pytest.raises(CheckFailedError, match=r"No server listens at http://127\.0\.0\.1:\d+\. Start it"):
        check_deployment(Client(address_of_nobody(), "key"), STARLING, say=said.append)
    assert said == []


def test_a_question_to_nobody_is_told_without_a_traceback():
    with pytest.raises(CheckFailedError, match=r"does not answer .*refused.* Is the server running\?"):
        Client(address_of_nobody(), "key").ask(STARLING.model, [], max_tokens=1)
