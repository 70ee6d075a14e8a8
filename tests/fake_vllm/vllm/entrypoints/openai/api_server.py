"""Starts as vLLM does and then does what FAKE_VLLM says: serve, die at once, die while serving, or refuse to stop."""

import os
import signal
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

STORY = os.environ["FAKE_VLLM"]
PORT = int(sys.argv[sys.argv.index("--port") + 1])


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        is_known = self.headers.get("authorization") == f"Bearer {os.environ['VLLM_API_KEY']}"
        self.send_response(200 if self.path == "/health" or is_known else 401)
        self.end_headers()


print("starting with", *sys.argv[1:], flush=True)
if STORY == "dies at once":
    sys.exit("torch.OutOfMemoryError: CUDA out of memory.")
if STORY == "a worker dies":
    # As vLLM 0.32 logs it: a harmless word of an error, the cause in the worker's lines, and pages of its parents'.
    print("(APIServer pid=1) WARNING 11-22 19:40:03 [utils.py:255] This can cause errors like `OSError: [Errno 24]`.")
    print("(Worker pid=2) ERROR 11-22 19:42:13 [executor.py:953] Traceback (most recent call last):")
    print("(Worker pid=2) ERROR 11-22 19:42:13 [executor.py:953] torch.OutOfMemoryError: CUDA out of memory.")
    print(*['  File "core.py", line 1, in start'] * 30, sep="\n")
    sys.exit("RuntimeError: Engine core initialization failed. See root cause above.")
if STORY == "refuses to stop":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
worker = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print("worker", worker.pid, flush=True)
server = HTTPServer(("127.0.0.1", PORT), Handler)
if STORY == "dies while serving":
    threading.Timer(1.0, lambda: (print("EngineDeadError", flush=True), os._exit(3))).start()
server.serve_forever()
