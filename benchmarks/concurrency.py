"""Questions per second against concurrency, asked of a server on this machine that takes a known time for each.

    python benchmarks/concurrency.py [--latency 0.5] [--waves 10] [--search] [1 2 4 8 16 32 64]

A study measures a program (prompts, HTTP, guard, rows and all) with so many calls under way at once; ideal is what the
server allows, calls at once divided by its latency. ``--search`` times BootstrapFewShotWithRandomSearch with the
published settings as well, whose candidates are bootstrapped and measured at once. The server is another process.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import re
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from time import perf_counter, process_time

from t2s_magic.study.optimizers import choose
from t2s_magic.study.plan import Plan, Progress
from t2s_magic.study.runs import Study
from t2s_magic.study.splits import Sizes, load_lines

# To learn from, to choose by, held out: as in the published study, for the search.
PUBLISHED_SIZES = (75, 25, 1)
SEARCH = "BootstrapFewShotWithRandomSearch"


def main() -> None:
    options = _options()
    most = max(options.concurrency) * (options.waves + 1) + sum(PUBLISHED_SIZES)
    with _server(options.latency) as url, tempfile.TemporaryDirectory(prefix="t2s-benchmark-") as name:
        os.environ["T2S_API_BASE"] = url
        folder = Path(name)
        _make_questions(folder, most)
        print(f"each call takes {options.latency:g} s; {options.waves} calls for each that may be under way")
        for at_once in options.concurrency:
            _measure(folder, at_once, options)


def _measure(folder: Path, at_once: int, options: argparse.Namespace) -> None:
    n = at_once * options.waves
    # The valset before it warms up: one question for each call that may be under way.
    seconds, busy = _seconds(folder, "none", "testset", (0, at_once, n), at_once)
    ideal = at_once / options.latency
    share = 100 * n / seconds / ideal
    line = f"{at_once:3} at once: {n / seconds:7.2f} questions/s, {share:5.1f} % of {ideal:.1f} (n={n}), "
    line += f"{1000 * busy / n:.1f} ms of processor time a question"
    if options.search:
        searched, _ = _seconds(folder, SEARCH, "compiling", PUBLISHED_SIZES, at_once)
        line += f" · {SEARCH} in {searched:.1f} s"
    print(line, flush=True)


def _seconds(folder: Path, optimizer: str, step: str, sizes: Sizes, at_once: int) -> tuple[float, float]:
    """Seconds of a step of a study, from its announcement to that of the next, and of this process at work."""
    times: dict[str, tuple[float, float]] = {}

    def note(progress: Progress) -> None:
        times.setdefault(progress.doing, (perf_counter(), process_time()))

    split = load_lines(folder / "questions.jsonl", folder, sizes=sizes)
    with tempfile.TemporaryDirectory() as run:
        plan = Plan(split, (choose(optimizer),), Path(run), lm="hosted_vllm/clock", threads=at_once)
        (row,) = Study(plan, note).run().rows
    split.databases.close()
    assert row.status == "finished", row.problem
    steps = list(times)
    (began, worked_before), (ended, worked) = times[step], times[steps[steps.index(step) + 1]]
    return ended - began, worked - worked_before


def _make_questions(folder: Path, count: int) -> None:
    with sqlite3.connect(folder / "shop.sqlite") as connection:
        connection.execute("CREATE TABLE item (number INTEGER PRIMARY KEY, name TEXT, price REAL)")
        connection.executemany("INSERT INTO item VALUES (?, ?, ?)", [(n, f"item{n}", n / 7) for n in range(count)])
    connection.close()
    rows = ({"db_id": "shop", "question": f"What is the name of item {n}?", "sql": _sql(n)} for n in range(count))
    (folder / "questions.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def _sql(number: int) -> str:
    return f"SELECT name FROM item WHERE number = {number}"


@contextmanager
def _server(latency: float) -> Iterator[str]:
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(latency, theirs), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{ours.recv()}/v1"
    finally:
        process.terminate()


def _serve(latency: float, tell: Connection) -> None:
    asyncio.run(_serve_forever(latency, tell))


async def _serve_forever(latency: float, tell: Connection) -> None:
    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (head := await reader.readuntil(b"\r\n\r\n")) is not None:
                length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
                body = await reader.readexactly(int(length[1])) if length else b""
                if body:
                    await asyncio.sleep(latency)
                writer.write(_reply(body))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0, backlog=1024)
    tell.send(server.sockets[0].getsockname()[1])
    await server.serve_forever()


def _reply(body: bytes) -> bytes:
    """The right answer to the question that stands last in a prompt; for anything else, a list of models."""
    asked = re.findall(rb"What is the name of item (\d+)\?", body)
    message = {"role": "assistant", "content": _sql(int(asked[-1])) if asked else ""}
    usage = {"prompt_tokens": len(body) // 4, "completion_tokens": 12}
    completion = {"model": "clock", "choices": [{"message": message, "finish_reason": "stop"}], "usage": usage}
    content = json.dumps(completion if body else {"data": [{"id": "clock"}]}).encode()
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (
        len(content),
        content,
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("concurrency", nargs="*", type=int, default=[1, 2, 4, 8, 16, 32, 64])
    parser.add_argument("--latency", type=float, default=0.5, help="seconds that the server takes for a call")
    parser.add_argument("--waves", type=int, default=10, help="calls for each that may be under way")
    parser.add_argument("--search", action="store_true", help=f"time {SEARCH} too")
    return parser.parse_args()


if __name__ == "__main__":
    main()
