"""An endpoint that sleeps at first, as a scaled-down one does: 503 for some requests, then a model behind a key."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any


class SleepyServer:
    """``text`` streams in the parts between its bars; ``bodies`` holds what was asked.

    ``key`` guards all paths but ``/health``, unless ``is_open``.
    """

    def __init__(
        self, *, key: str, model: str, text: str, refusals: int = 0, is_open: bool = False, metrics: str = ""
    ) -> None:
        self.key, self.model, self.text, self.metrics = key, model, text, metrics
        self.refusals_left = refusals
        self.is_open = is_open
        self.bodies: list[Any] = []
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                owner.get(self)

            def do_POST(self) -> None:
                owner.post(self)

            def log_message(self, *_: Any) -> None:
                return

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.base_url = f"http://127.0.0.1:{self.http.server_address[1]}/v1"

    def get(self, request: BaseHTTPRequestHandler) -> None:
        if request.path == "/health":
            is_asleep = self.refusals_left > 0
            self.refusals_left -= 1
            send(request, 503 if is_asleep else 200, b"")
        elif not self.lets_in(request):
            send(request, 401, b"")
        elif request.path == "/v1/models":
            send(request, 200, json.dumps({"data": [{"id": self.model}]}).encode())
        else:
            send(request, 200, self.metrics.encode())

    def post(self, request: BaseHTTPRequestHandler) -> None:
        body = json.loads(request.rfile.read(int(request.headers["content-length"])))
        if not self.lets_in(request):
            send(request, 401, b"")
            return
        self.bodies.append(body)
        events: list[dict[str, Any]] = [{"choices": [{"delta": {"content": part}}]} for part in self.text.split("|")]
        events.append({"choices": [{"delta": {}, "finish_reason": "stop"}]})
        usage = {
            "prompt_tokens": 9,
            "completion_tokens": len(events) - 1,
            "prompt_tokens_details": {"cached_tokens": 4},
        }
        events.append({"choices": [], "usage": usage})
        lines = [b"data: " + json.dumps(event).encode() for event in events] + [b"data: [DONE]"]
        send(request, 200, b"\n\n".join(lines) + b"\n\n")

    def lets_in(self, request: BaseHTTPRequestHandler) -> bool:
        return self.is_open or request.headers.get("authorization") == f"Bearer {self.key}"


def send(request: BaseHTTPRequestHandler, status: int, body: bytes) -> None:
    request.send_response(status)
    request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    request.wfile.write(body)


@contextmanager
def sleepy_server(**settings: Any) -> Iterator[SleepyServer]:
    server = SleepyServer(**settings)
    Thread(target=server.http.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        server.http.shutdown()
        server.http.server_close()
