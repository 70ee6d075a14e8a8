"""Modal's control plane as far as one ``modal deploy`` needs it: a gRPC server on 127.0.0.1 that notes each call.

Run with the Python that has modal: ``python fake_modal.py CALLS.jsonl [--without-secret] [--url URL]``. It prints its
port, then a line of JSON a call into CALLS.jsonl: ``{"call": "FunctionCreate", "request": {…}}``. It speaks Modal's
private messages, which is why modal is pinned.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from google.protobuf import empty_pb2
from google.protobuf.json_format import MessageToDict
from grpclib import GRPCError, Status
from grpclib.server import Server, Stream
from modal_proto import api_grpc, api_pb2


class Blobs(BaseHTTPRequestHandler):
    """Takes whatever is uploaded."""

    def do_PUT(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        return


class Recorder:
    def __init__(self, path: Path, *, has_secret: bool, url: str) -> None:
        self.path = path
        self.has_secret = has_secret
        self.url = url
        self.blobs = ThreadingHTTPServer(("127.0.0.1", 0), Blobs)
        threading.Thread(target=self.blobs.serve_forever, daemon=True).start()

    def write(self, call: str, request: Any) -> None:
        line = {"call": call, "request": MessageToDict(request, preserving_proto_field_name=True)}
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    def answer(self, call: str, request: Any) -> Any:
        """The one reply to a unary call; UNIMPLEMENTED for what no deployment of ours has asked for so far."""
        metadata = api_pb2.FunctionHandleMetadata(
            function_name="Endpoint",
            function_type=api_pb2.Function.FUNCTION_TYPE_FUNCTION,
            use_method_name="",
            _experimental_flash_urls=[self.url],
        )
        replies = {
            "ClientHello": api_pb2.ClientHelloResponse,
            "AppGetOrCreate": lambda: api_pb2.AppGetOrCreateResponse(app_id="ap-1"),
            "AppCreate": lambda: api_pb2.AppCreateResponse(app_id="ap-1", app_page_url="http://modal.invalid/ap-1"),
            "AppGetByDeploymentName": api_pb2.AppGetByDeploymentNameResponse,
            "AppGetLayout": api_pb2.AppGetLayoutResponse,
            "AppHeartbeat": empty_pb2.Empty,
            "AppPublish": lambda: api_pb2.AppPublishResponse(url="http://modal.invalid/app"),
            "AppClientDisconnect": empty_pb2.Empty,
            "ImageGetOrCreate": lambda: api_pb2.ImageGetOrCreateResponse(
                image_id="im-1",
                result=api_pb2.GenericResult(status=api_pb2.GenericResult.GENERIC_STATUS_SUCCESS),
                metadata=api_pb2.ImageMetadata(image_builder_version="2025.06"),
            ),
            "EnvironmentGetOrCreate": lambda: api_pb2.EnvironmentGetOrCreateResponse(
                environment_id="en-1",
                metadata=api_pb2.EnvironmentMetadata(
                    name="main", settings=api_pb2.EnvironmentSettings(image_builder_version="2025.06")
                ),
            ),
            "MountBatchedCheckExistence": api_pb2.MountBatchedCheckExistenceResponse,
            "MountPutFile": lambda: api_pb2.MountPutFileResponse(exists=True),
            "MountGetOrCreate": lambda: api_pb2.MountGetOrCreateResponse(mount_id="mo-1"),
            "VolumeGetOrCreate": lambda: api_pb2.VolumeGetOrCreateResponse(
                volume_id=f"vo-{request.deployment_name}", version=api_pb2.VOLUME_FS_VERSION_V1
            ),
            "FunctionPrecreate": lambda: api_pb2.FunctionPrecreateResponse(
                function_id="fu-1", handle_metadata=metadata
            ),
            "FunctionCreate": lambda: api_pb2.FunctionCreateResponse(
                function_id="fu-1",
                function=request.function,
                function_data=ranked(request.function),
                handle_metadata=metadata,
            ),
            "AppGetLogs": lambda: api_pb2.TaskLogsBatch(app_done=True),
            "FunctionGet": lambda: api_pb2.FunctionGetResponse(
                function_id="fu-1", function=ranked(api_pb2.Function(is_server=True)), handle_metadata=metadata
            ),
        }
        if call == "SecretGetOrCreate":
            return self.secret(request)
        if call not in replies:
            raise GRPCError(Status.UNIMPLEMENTED, f"the fake has no {call}")
        return replies[call]()

    def secret(self, request: Any) -> Any:
        if request.deployment_name and not self.has_secret:
            raise GRPCError(Status.NOT_FOUND, f"Secret '{request.deployment_name}' not found in environment 'main'.")
        return api_pb2.SecretGetOrCreateResponse(secret_id=f"st-{request.deployment_name or 'environment'}")


def ranked(function: Any) -> Any:
    return api_pb2.FunctionData(ranked_functions=[api_pb2.FunctionData.RankedFunction(function=function)])


def make_service(recorder: Recorder) -> Any:
    """A service with every method of Modal's: each writes its call down and gives the recorder's answer."""

    def handler(call: str) -> Any:
        async def handle(self: Any, stream: Stream[Any, Any]) -> None:
            request = await stream.recv_message()
            recorder.write(call, request)
            await stream.send_message(recorder.answer(call, request))

        return handle

    calls = [name for name in vars(api_grpc.ModalClientBase) if not name.startswith("_")]
    return type("FakeModal", (api_grpc.ModalClientBase,), {call: handler(call) for call in calls})()


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("calls", type=Path)
    parser.add_argument("--without-secret", action="store_true")
    parser.add_argument("--url", default="http://127.0.0.1:9")
    options = parser.parse_args()
    recorder = Recorder(options.calls, has_secret=not options.without_secret, url=options.url)
    server = Server([make_service(recorder)])
    await server.start("127.0.0.1", 0)
    port = server._server.sockets[0].getsockname()[1]
    print(port, flush=True)
    await server.wait_closed()


if __name__ == "__main__":
    asyncio.run(main())
