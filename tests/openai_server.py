"""A small OpenAI-compatible server on 127.0.0.1 for tests: real HTTP, scripted answers and faults."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

USAGE = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}


@dataclass(frozen=True)
class Reply:
    """One scripted answer. ``text`` makes a completion; with ``body`` those bytes are sent as they are.

    ``delay`` is waited before the first byte, in seconds; ``drip`` between single bytes; ``cut`` closes the connection
    after that many bytes of the body. Asked to stream, the server sends the text word by word, with ``pause`` seconds
    after each; ``others`` are the further answers to a request for several.
    """

    text: str = ""
    status: int = 200
    finish_reason: str = "stop"
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    content_type: str = "application/json"
    delay: float = 0.0
    drip: float = 0.0
    cut: int | None = None
    pause: float = 0.0
    others: tuple[str, ...] = ()

    def content(self, model: str) -> bytes:
        if self.body is not None:
            return self.body
        choices = [
            {
                "index": number,
                "message": {"role": "assistant", "content": text},
                "finish_reason": self.finish_reason,
            }
            for number, text in enumerate((self.text, *self.others))
        ]
        return json.dumps(
            {"id": "1", "object": "chat.completion", "model": model, "choices": choices, "usage": USAGE}
        ).encode()

    def events(self, model: str) -> list[bytes]:
        """The completion as server-sent events, as vLLM sends them: raw Unicode, the usage last."""
        deltas: list[dict[str, Any]] = []
        for number, text in enumerate((self.text, *self.others)):
            for word in re.findall(r"\s*\S+", text):
                deltas.append({"index": number, "delta": {"content": word}, "finish_reason": None})
            deltas.append({"index": number, "delta": {}, "finish_reason": self.finish_reason})
        parts = [{"id": "1", "model": model, "choices": [delta]} for delta in deltas]
        datas = [json.dumps(part, ensure_ascii=False) for part in (*parts, {"choices": [], "usage": USAGE})]
        return [f"data: {data}\n\n".encode() for data in (*datas, "[DONE]")]


def refusal(status: int, message: str, **headers: str) -> Reply:
    """An error as OpenAI's dialect words it."""
    body = json.dumps({"error": {"message": message, "type": "error"}}).encode()
    return Reply(status=status, body=body, headers={name.replace("_", "-"): value for name, value in headers.items()})


class OpenAiServer:
    """Answers ``/v1/chat/completions`` with the script's replies in turn, the last one again and again.

    ``requests`` holds each request's JSON body, ``headers`` its headers, ``paths`` every path asked. ``hung_up`` is set
    when a client closed its connection before it was answered. A request with one of the fields in ``refuses`` is
    answered 400, one with a field in ``ignores`` as if it were not there. ``owner`` is whom its models are owned by;
    the first ``unanswered_listings`` times it is asked for them, it hangs up.
    """

    def __init__(
        self,
        *script: Reply | str,
        key: str = "",
        models: tuple[str, ...] = ("tiny",),
        refuses: tuple[str, ...] = (),
        ignores: tuple[str, ...] = (),
        owner: str = "vllm",
        unanswered_listings: int = 0,
    ) -> None:
        self.refuses = refuses
        self.ignores = ignores
        self.owner = owner
        self.unanswered_listings = unanswered_listings
        self.script = [Reply(each) if isinstance(each, str) else each for each in script]
        self.key = key
        self.models = models
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.times: list[float] = []
        self.hung_up = threading.Event()
        self._lock = threading.Lock()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._http.daemon_threads = True
        self.base_url = f"http://127.0.0.1:{self._http.server_port}/v1"
        self.host = f"127.0.0.1:{self._http.server_port}"

    def start(self) -> None:
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def stop(self) -> None:
        self._http.shutdown()
        self._http.server_close()

    def next_reply(self, body: dict[str, Any], headers: dict[str, str]) -> Reply:
        with self._lock:
            self.requests.append(body)
            self.headers.append(headers)
            self.times.append(time.monotonic())
            return self.script.pop(0) if len(self.script) > 1 else self.script[0]


@contextmanager
def openai_server(*script: Reply | str, **settings: Any) -> Iterator[OpenAiServer]:
    """A started server that is stopped at the end; ``settings`` are those of ``OpenAiServer``."""
    server = OpenAiServer(*script, **settings)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def _handler(server: OpenAiServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            server.paths.append(self.path)
            if self.path.startswith("/v1/result"):
                self._send(server.next_reply({}, dict(self.headers.items())), "")
                return
            if server.unanswered_listings:
                server.unanswered_listings -= 1
                self.close_connection = True
                return
            names = [{"id": model, "object": "model", "owned_by": server.owner} for model in server.models]
            listing = Reply(body=json.dumps({"object": "list", "data": names}).encode())
            self._send(listing if server.models else Reply(status=404), "")

        def do_POST(self) -> None:
            server.paths.append(self.path)
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if server.key and self.headers.get("Authorization") != f"Bearer {server.key}":
                self._send(refusal(401, f"Unknown key {self.headers.get('Authorization')}"), "")
                return
            refused = next((name for name in server.refuses if name in body), None)
            if refused is not None:
                server.requests.append(body)
                self._send(refusal(400, f"Unrecognized request argument supplied: {refused}"), "")
                return
            reply = server.next_reply(body, dict(self.headers.items()))
            asked = {name: value for name, value in body.items() if name not in server.ignores}
            if asked.get("n", 1) == 1 and reply.others:
                reply = replace(reply, others=())
            is_streamed = bool(asked.get("stream")) and reply.status == 200 and reply.body is None
            (self._stream if is_streamed else self._send)(reply, str(body.get("model")))

        def _stream(self, reply: Reply, model: str) -> None:
            """Without a length: as with some proxies, a stream that is cut ends like one that is whole."""
            if reply.delay and self._is_gone(reply.delay):
                server.hung_up.set()
                return
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream; charset=utf-8")
            self.send_header("Connection", "close")
            self.end_headers()
            sent = 0
            for event in reply.events(model):
                if reply.cut is not None and sent + len(event) > reply.cut:
                    self.wfile.write(event[: reply.cut - sent])
                    return
                sent += len(event)
                self.wfile.write(event)
                self.wfile.flush()
                if reply.pause and self._is_gone(reply.pause):
                    server.hung_up.set()
                    return

        def _send(self, reply: Reply, model: str) -> None:
            content = reply.content(model)
            try:
                if reply.delay and self._is_gone(reply.delay):
                    server.hung_up.set()
                    return
                self.send_response(reply.status)
                for name, value in {"Content-Type": reply.content_type, **reply.headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self._write(content, reply)
            except OSError:
                server.hung_up.set()

        def _write(self, content: bytes, reply: Reply) -> None:
            if reply.cut is not None:
                self.wfile.write(content[: reply.cut])
                self.wfile.flush()
                self.close_connection = True
                self.connection.close()
                return
            pieces = [content[at : at + 1] for at in range(len(content))] if reply.drip else [content]
            for piece in pieces:
                self.wfile.write(piece)
                self.wfile.flush()
                time.sleep(reply.drip)

        def _is_gone(self, seconds: float) -> bool:
            """Wait, and notice whether the client closes its side meanwhile."""
            self.connection.settimeout(seconds)
            try:
                return self.connection.recv(1) == b""
            except TimeoutError:
                return False
            except OSError:
                return True
            finally:
                self.connection.settimeout(None)

        def log_message(self, *arguments: Any) -> None:
            """Silent: a test's output is its assertions."""

    return Handler
