"""What stands before vLLM's routes: every path but ``/health`` needs the key, and only some are there for its holders.

vLLM's own check guards ``/v1`` and a few others; ``/metrics`` and ``/tokenize`` would answer anyone. Its developer
mode, which a memory snapshot cannot do without, adds ``/sleep``, but also ``/collective_rpc`` and ``/server_info``:
these are for the program that started the server, with a second key. vLLM loads this by name (``--middleware
model_serve.gate.Gate``).
"""

from __future__ import annotations

import hmac
import os
import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

OPEN_PATHS = ("/health",)
SERVED_PATHS = re.compile(r"/(v1/.+|metrics|tokenize|detokenize|version|docs|openapi\.json)")
# The name of the second key, known to whoever started the server alone.
STARTER_KEY_NAME = "T2S_STARTER_KEY"
REFUSALS = {
    401: b'{"error": {"message": "Unauthorized: send the key as a bearer token.", "type": "invalid_request_error"}}',
    404: b'{"error": {"message": "Not served here.", "type": "invalid_request_error"}}',
}


class Gate:
    """Passes requests with the key in ``VLLM_API_KEY`` on, answers others 401. Does not start without a key."""

    def __init__(self, app: App) -> None:
        key = os.environ.get("VLLM_API_KEY", "")
        if not key:
            raise RuntimeError("VLLM_API_KEY is empty; the server would answer anyone. Set it and start again.")
        self._app = app
        self._key = _bearer(key)
        starter_key = os.environ.get(STARTER_KEY_NAME, "")
        self._starter_key = _bearer(starter_key) if starter_key else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        status = 200 if scope["type"] == "lifespan" else self._verdict(scope.get("path", ""), _sent(scope))
        if status == 200:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            headers = [(b"content-type", b"application/json"), (b"www-authenticate", b"Bearer")]
            await send({"type": "http.response.start", "status": status, "headers": headers})
            await send({"type": "http.response.body", "body": REFUSALS[status]})

    def _verdict(self, path: str, sent: bytes) -> int:
        """The status that this part of a request earns: 200 lets it in."""
        if path in OPEN_PATHS or (self._starter_key and hmac.compare_digest(sent, self._starter_key)):
            return 200
        if not hmac.compare_digest(sent, self._key):
            return 401
        return 200 if SERVED_PATHS.fullmatch(path) else 404


def _bearer(key: str) -> bytes:
    return f"Bearer {key}".encode()


def _sent(scope: Scope) -> bytes:
    sent: bytes = dict(scope["headers"]).get(b"authorization", b"")
    return sent
