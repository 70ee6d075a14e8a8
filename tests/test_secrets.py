"""Canary secrets wherever a URL, the environment or an endpoint can hold one, and a whole session around them.

A notebook runs in a real kernel, with all logging switched on and a home of its own; then everything that was shown,
logged, sent or written is searched.
"""

import base64
import json
import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import quote, quote_plus

import nbformat
import psycopg
import pytest
from nbclient import NotebookClient
from openai_server import OpenAiServer, Reply, openai_server, refusal
from sqlalchemy.engine import make_url

USER, PASSWORD, OPTION = "canary_user_1f", "canary/pass:w@rd%2f", "canary_option_3a"
KEY, OTHER_KEY = "sk-canary-key-0099aa", "sk-canary-other-41bb"
PATH = "tok-canary-path-5566cc"
CANARIES = (USER, PASSWORD, OPTION, KEY, OTHER_KEY, PATH)
COUNT = "SELECT count(*) AS customers FROM customer"

# In bodies alone: httpcore logs at DEBUG whatever headers a server sends.
ECHOES = [
    refusal(401, f"Incorrect key: {KEY}"),
    refusal(400, f"bad header Bearer {KEY}"),
    *[refusal(500, f"it burns: {KEY}")] * 3,
    Reply(body=f"<html>{KEY}</html>".encode(), content_type="text/html"),
    Reply(f"SELECT '{KEY}' AS k FROM customer"),
    Reply(f"I was sent the key {KEY}."),
    refusal(404, f"nothing at /{PATH}/v1/chat/completions"),
    refusal(400, f"bad token {PATH}"),
    Reply(f"```sql\nSELECT name FROM {KEY}\n```"),
]
SETUP = """
import logging, os, sys
connected = set()
sys.addaudithook(lambda event, given: connected.add(str(given[1])) if event == "socket.connect" else None)
logging.basicConfig(level=logging.DEBUG, filename="debug.log", force=True)
%load_ext sql
%load_ext t2s_magic
from sqlalchemy import create_engine
import t2s_magic
engine = create_engine(os.environ["SHOP_URL"])
%sql engine --alias shop
"""
ASKING = [
    "%%text2sql\nHow many customers are there?",
    "answer = _\nprint(answer._on_approve({'sql': answer.sql}), repr(answer), answer.df())",
    "%%text2sql --save kept\nHow many customers are there?",
    "%t2s status",
    "%t2s lm",
    "%t2s pairs",
    "%t2s prompt",
    "%config Text2SQL",
    "%t2s optimize --wait --optimizers none,LabeledFewShot:k=2",
    "session = get_ipython().magics_manager.registry['Text2SQL'].session\nprint(session, vars(session.last), answer)",
    "print(session.connections.database(None), session.asker().backend)",
    "%t2s nonsense",
    "%%text2sql --debug --connection nobody\nWho?",
    "%%text2sql --debug --lm nobody\nWho?",
]
ECHOED = [
    "os.environ['T2S_API_BASE'] = os.environ['ECHO']\n%t2s status",
    *["%%text2sql --debug\nHow many customers are there?"] * 11,
    "%t2s prompt",
    "os.environ['T2S_API_BASE'] = os.environ['REDIRECTING']",
    "%%text2sql --debug\nHow many customers are there?",
    "os.environ['T2S_API_BASE'] = os.environ['ECHO'].replace('//', '//me:' + os.environ['T2S_API_KEY'] + '@')",
    "%%text2sql --debug\nHow many customers are there?",
    "os.environ['T2S_API_BASE'] = os.environ['ECHO'] + '?token=' + os.environ['T2S_API_KEY']",
    "%%text2sql --debug\nHow many customers are there?",
    "os.environ['T2S_API_BASE'] = os.environ['NO_LM']\n%t2s status",
    "%%text2sql --debug\nHow many customers are there?",
    "%%text2sql --debug --lm openai/gpt-4o-mini\nHow many customers are there?",
    "%%text2sql --debug --lm anthropic/claude-x\nHow many customers are there?",
]
CONNECTING = [
    *[f"t2s_magic.connect(os.environ['{name}'])" for name in ("NO_SERVER", "NO_ROLE", "NO_URL", "NO_MYSQL", "NO_FILE")],
    "t2s_magic.execute('SELECT nope FROM customer', os.environ['SHOP_URL'])",
    "t2s_magic.execute('DROP TABLE customer', os.environ['SHOP_URL'])",
    "t2s_magic.ask('', os.environ['SHOP_URL'])",
    "get_ipython().run_line_magic('t2s', 'use ' + os.environ['FILE_URL'])",
    "%config Text2SQL.debug = True",
    "get_ipython().run_line_magic('t2s', 'use ' + os.environ['FILE_URL'])",
    "print(sorted(connected))",
]


class Session:
    """What a session with the canaries left: ``folder`` holds the saved notebook, the log, files and the home."""

    def __init__(self, folder: Path, notebook: nbformat.NotebookNode, servers: dict[str, OpenAiServer]) -> None:
        self.folder, self.notebook, self.servers = folder, notebook, servers

    def output(self, cell: str) -> str:
        found = next(each for each in self.notebook.cells if each.source == cell)
        return "".join(_texts(found.outputs))


def _texts(outputs: list[nbformat.NotebookNode]) -> Iterator[str]:
    for output in outputs:
        if output.output_type == "stream":
            yield output.text
        elif output.output_type == "error":
            yield "\n".join([*output.traceback, ""])
        else:
            yield output.data.get("text/plain", "")


@pytest.fixture(scope="module")
def role(postgres_server: str, postgres_shop: str) -> Iterator[str]:
    """The shop's URL with a canary for the user, the password and an option's value."""
    with psycopg.connect(postgres_shop, autocommit=True) as admin:
        admin.execute(f"CREATE ROLE {USER} LOGIN")
        admin.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {USER}")
        url = make_url(postgres_shop).set(drivername="postgresql+psycopg", username=USER, password=PASSWORD)
        url = url.update_query_dict({"options": f"-c t2s.token={OPTION}"})
        yield url.render_as_string(hide_password=False)
        admin.execute(f"DROP OWNED BY {USER}; DROP ROLE {USER}")


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory, role: str) -> Iterator[Session]:
    folder = tmp_path_factory.mktemp("session")
    pair = {"dialect": "postgres", "schema": "", "tables": ["customer"], "date": "2026-01-01"}
    names = [
        (f"Which name has number {number}?", f"SELECT name FROM customer WHERE id = {number}") for number in range(20)
    ]
    pairs = [{"question": question, "sql": sql, **pair} for question, sql in names]
    (folder / "t2s_pairs.jsonl").write_text("".join(json.dumps(each) + "\n" for each in pairs))
    with ExitStack() as stack:
        other = stack.enter_context(openai_server(COUNT))
        redirect = Reply(status=307, body=b"", headers={"Location": f"{other.base_url}/chat/completions"})
        servers = {
            "GOOD": stack.enter_context(openai_server(COUNT, key=KEY)),
            "ECHO": stack.enter_context(openai_server(*ECHOES)),
            "REDIRECTING": stack.enter_context(openai_server(redirect)),
            "OTHER": other,
            "PROVIDER": stack.enter_context(openai_server(refusal(401, f"Incorrect API key provided: {OTHER_KEY}"))),
        }
        sources = [SETUP, *ASKING, *ECHOED, *CONNECTING]
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
        client = NotebookClient(
            notebook, timeout=200, allow_errors=True, resources={"metadata": {"path": folder}}, kernel_name="python3"
        )
        client.execute(env=_environment(folder, role, servers))
        nbformat.write(notebook, folder / "session.ipynb")
        yield Session(folder, notebook, servers)


def _environment(folder: Path, url: str, servers: dict[str, OpenAiServer]) -> dict[str, str]:
    secret = f"{USER}:{quote(PASSWORD, safe='')}"
    urls = {
        "SHOP_URL": url,
        "NO_SERVER": f"postgresql://{secret}@127.0.0.1:1/x?options=-c%20t2s.token%3D{OPTION}&application_name={OPTION}",
        "NO_ROLE": url.replace(USER, f"{USER}_nobody"),
        "NO_URL": f"postgresql://{USER}:{PASSWORD}@127.0.0.1:1/x",
        "NO_MYSQL": f"mysql+pymysql://{secret}@127.0.0.1:1/x?read_timeout=9",
        "NO_FILE": f"duckdb:///no.duckdb?motherduck_token={OPTION}",
        "FILE_URL": f"https://{secret}@127.0.0.1:1/x.csv?token={OPTION}",
    }
    lms = {
        "T2S_API_BASE": _with_token(servers["GOOD"].base_url),
        "NO_LM": _with_token("http://127.0.0.1:1/v1"),
        "T2S_API_KEY": KEY,
        "OPENAI_API_KEY": OTHER_KEY,
        "OPENAI_API_BASE": servers["PROVIDER"].base_url,
        "OPENAI_BASE_URL": servers["PROVIDER"].base_url,
        "ANTHROPIC_API_KEY": OTHER_KEY,
        "ANTHROPIC_API_BASE": servers["PROVIDER"].base_url.removesuffix("/v1"),
        **{name: _with_token(server.base_url) for name, server in servers.items()},
    }
    home = folder / "home"
    places = {"HOME": home, "IPYTHONDIR": home / "ipython", "JUPYTER_RUNTIME_DIR": home / "runtime"}
    usual = {name: value for name, value in os.environ.items() if not name.startswith("T2S_")}
    return {**usual, **urls, **lms, **{name: str(place) for name, place in places.items()}}


def _with_token(base_url: str) -> str:
    """As gateways have it that know their users by the path."""
    return base_url.replace("/v1", f"/{PATH}/v1")


def _spellings(secret: str) -> set[bytes]:
    """A secret as it may be written: as it is, percent-encoded, in JSON or Python, in a header's base64."""
    pair = base64.b64encode(f"{USER}:{secret}".encode()).rstrip(b"=")
    texts = {secret, quote(secret), quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1]}
    return {*(text.encode() for text in texts), pair[:-2]}


pytestmark = pytest.mark.timeout(600)


def test_no_canary_is_found_in_any_place_where_something_is_kept_or_shown(session):
    sinks = {
        str(path.relative_to(session.folder)): path.read_bytes() for path in session.folder.rglob("*") if path.is_file()
    }
    assert {"session.ipynb", "debug.log", "t2s_pairs.jsonl"} <= sinks.keys()
    assert [name for name in sinks if name.startswith("t2s_studies/") and name.endswith(".json")]
    sinks |= {f"prompts to {name}": json.dumps(server.requests).encode() for name, server in session.servers.items()}
    found = [
        (name, secret, sink[max(0, at - 200) : at + 60])
        for secret in CANARIES
        for spelling in _spellings(secret)
        for name, sink in sinks.items()
        if (at := sink.find(spelling)) >= 0
    ]
    assert found == []


def test_the_session_did_what_it_was_meant_to_do(session):
    assert "3" in session.output(ASKING[0])
    assert "Kept in t2s_pairs.jsonl" in session.output(ASKING[1])
    assert "held out" in session.output(ASKING[8])
    assert len(session.servers["ECHO"].requests) >= len(ECHOES)
    said = "".join("".join(_texts(cell.outputs)) for cell in session.notebook.cells)
    for words in ("refused the key", "it burns: •••", "the key •••", "redirects elsewhere", "a query", "Traceback"):
        assert words in said, words
    assert 'role "***_nobody"' in said or 'role "***" does not exist' in said


def test_the_key_goes_to_its_address_alone(session):
    servers = session.servers
    assert all(headers["Authorization"] == f"Bearer {KEY}" for headers in servers["GOOD"].headers)
    assert servers["OTHER"].paths == []
    assert KEY not in json.dumps(servers["PROVIDER"].headers)


def test_nobody_else_is_connected_to_and_no_pickle_is_kept(session):
    """No list of prices is fetched, no telemetry sent; dspy's cache, a folder of pickles, is never made."""
    connected = session.output(CONNECTING[-1])
    assert "127.0.0.1" in connected
    hosts = {address.partition("'")[0] for address in connected.split("('")[1:]}
    assert hosts <= {"127.0.0.1", "::1"}, connected
    assert list((session.folder / "home").rglob(".dspy_cache")) == []


def test_the_prompt_command_shows_what_the_server_was_sent(session):
    last = session.servers["GOOD"].requests[1]["messages"]
    exact = "\n\n".join(f"[{turn['role']}]\n{turn['content']}" for turn in last)
    assert exact in session.output("%t2s prompt")
