"""The collector against an empty Starlette route on the same uvicorn, in turn. ``python -m bench.intake [--seconds 8]``

Single events, acknowledged when they are on disk, all steps on; batches of 100 against a bare loop that parses, dumps and
appends the same lines with one sync a batch; p99 of the acknowledgement at half of that load; resident memory.

``--minutes 10``: instead, resident memory every ten seconds of that much load; ``--answerable``: instead, the seconds from
an acknowledgement of ``assay serve`` to an answer that has the event.
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

EMPTY = """
import sys, uvicorn
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

async def take(request):
    await request.body()
    return Response(b"", 202)

uvicorn.run(Starlette(routes=[Route("/e", take, methods=["POST"])]), host="127.0.0.1", port=int(sys.argv[1]),
            log_level="warning", access_log=False, ws="none")
"""
COLLECT = "import sys\nfrom pathlib import Path\nfrom assay.cli.collecting import prepared, serve\nserve(prepared(Path(sys.argv[2]), 'c0', 'address=1e9,key=1e9')[0], '127.0.0.1', int(sys.argv[1]))"
PLAN = "site: {name: Bench, timezone: UTC, currency: EUR}\n"
AGENT = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
)
CONNECTIONS = 64


def event(n: int) -> dict[str, object]:
    """An event as the snippet sends it."""
    return {
        "id": f"{n:024x}", "name": "page_view", "time": 1_764_000_000_000 + n, "visitor": f"v{n % 5000}",
        "url": f"https://shop.example/p/{n % 300}?utm_source=news&utm_medium=email", "title": "A product",
        "referrer": "https://www.google.com/", "screen": "1920x1080", "language": "de-DE", "props": {"variant": "blue"},
    }  # fmt: skip


def message(body: bytes) -> bytes:
    """An HTTP request."""
    head = f"POST /e HTTP/1.1\r\nhost: localhost\r\nuser-agent: {AGENT}\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def load(port: int, bodies: list[bytes], seconds: float, pause: float = 0.0) -> tuple[float, list[float]]:
    """Answers a second over keep-alive connections, and the latency of each; ``pause`` between two of one connection."""
    until, latencies, wrong = time.perf_counter() + seconds, [], 0

    async def one(start: int) -> None:
        nonlocal wrong
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        at = start
        while time.perf_counter() < until:
            began = time.perf_counter()
            writer.write(message(bodies[at % len(bodies)]))
            head = await reader.readuntil(b"\r\n\r\n")
            size = next((int(h[15:]) for h in head.lower().split(b"\r\n") if h.startswith(b"content-length:")), 0)
            if size:
                await reader.readexactly(size)
            wrong += not head.startswith((b"HTTP/1.1 202", b"HTTP/1.1 200"))
            latencies.append(time.perf_counter() - began)
            at += CONNECTIONS
            if pause:
                await asyncio.sleep(max(0.0, pause - (time.perf_counter() - began)))
        writer.close()

    started = time.perf_counter()
    await asyncio.gather(*(one(n) for n in range(CONNECTIONS)))
    assert not wrong, f"{wrong} answers were no success"
    return len(latencies) / (time.perf_counter() - started), sorted(latencies)


class Server:
    """A server in a process of its own."""

    def __init__(self, code: str, *arguments: str) -> None:
        with socket.socket() as found:
            found.bind(("127.0.0.1", 0))
            self.port = found.getsockname()[1]
        self.process = subprocess.Popen([sys.executable, "-c", code, str(self.port), *arguments])
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", self.port), 0.2).close()
                return
            except OSError:
                time.sleep(0.05)
        raise SystemExit("the server does not listen")

    def memory(self) -> float:
        """Resident memory in MB."""
        import psutil

        return psutil.Process(self.process.pid).memory_info().rss / 1e6

    def stop(self) -> None:
        """End it."""
        self.process.terminate()
        self.process.wait()


def bare(bodies: list[bytes], folder: Path, seconds: float) -> float:
    """Batches a second of a loop that parses, dumps and appends the lines with one sync a batch."""
    done, started = 0, time.perf_counter()
    with (folder / "bare.ndjson").open("ab", buffering=0) as file:
        while time.perf_counter() - started < seconds:
            events = json.loads(bodies[done % len(bodies)])["events"]
            file.write(b"".join(json.dumps(one, separators=(",", ":")).encode() + b"\n" for one in events))
            os.fsync(file.fileno())
            done += 1
    return done / (time.perf_counter() - started)


def steady(ours: Server, bodies: list[bytes], minutes: float) -> None:
    """Resident memory over minutes of load: after the first tenth it must not grow."""
    seen: list[float] = []

    async def watched() -> None:
        task = asyncio.create_task(load(ours.port, bodies, minutes * 60))
        while not task.done():
            await asyncio.wait([task], timeout=10)
            seen.append(ours.memory())
            print(f"{len(seen) * 10:5} s {seen[-1]:6.1f} MB", flush=True)
        rate, _ = await task
        print(f"{rate:,.0f} answers a second")

    asyncio.run(watched())
    warm = seen[len(seen) // 10 :]
    print(
        f"resident memory: {warm[0]:.0f} MB after the first tenth, at most {max(seen):.0f} (bar 150), at the end {warm[-1]:.0f}"
    )


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def answerable(folder: Path, key: str) -> None:
    """Seconds from an acknowledgement to an answer with the event, over ``assay serve``."""
    import assay

    port, pages = free_port(), free_port()
    words = ["serve", "-w", str(folder), "--port", str(pages), "--collect-port", str(port)]
    process = subprocess.Popen([sys.executable, "-m", "assay.cli", *words], stdout=subprocess.DEVNULL)
    try:
        for n in range(5):
            connection, took = None, time.monotonic() + 20
            while connection is None:
                assert time.monotonic() < took, "assay serve does not listen"
                try:
                    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
                    connection.connect()
                except OSError:
                    connection = None
                    time.sleep(0.1)
            body = json.dumps({"key": key, "name": f"seen_{n}", "id": f"seen-{n}", "visitor": "v"})
            connection.request("POST", "/e", body)
            assert connection.getresponse().status == 202
            connection.close()
            began = time.monotonic()
            while not has(assay, folder, n + 1):
                assert time.monotonic() - began < 30, "it is not answerable within 30 s"
                time.sleep(0.2)
            print(f"answerable after {time.monotonic() - began:.1f} s (bar 10)", flush=True)
    finally:
        process.terminate()
        process.wait()


def has(assay: Any, folder: Path, many: int) -> bool:
    """Whether the ledger's stored events are so many."""
    from assay.model.errors import AssayError

    with assay.open(folder) as ws:
        try:
            return sum(row["stored"] for row in ws.ask("ledger").records()) >= many
        except AssayError:  # loading, just now
            return False


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--minutes", type=float, default=0)
    parser.add_argument("--answerable", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="assay-intake-") as name:
        folder = Path(name)
        (folder / "assay.yaml").write_text(PLAN, encoding="utf-8")
        from assay.collect.keys import make
        from assay.workspace import Workspace

        with Workspace(folder) as ws:
            key = make(ws.state, ws.now, "web")
        if given.answerable:
            answerable(folder, key)
            return
        single = [json.dumps({"key": key, **event(n)}).encode() for n in range(20_000)]
        ours = Server(COLLECT, name)
        try:
            if given.minutes:
                steady(ours, single, given.minutes)
            else:
                compared(ours, single, key, folder, given.seconds)
        finally:
            ours.stop()


def compared(ours: Server, single: list[bytes], key: str, folder: Path, seconds: float) -> None:
    """Against the empty route and the bare loop."""
    batches = [
        json.dumps({"key": key, "events": [event(n * 100 + i) for i in range(100)]}).encode() for n in range(200)
    ]
    empty = Server(EMPTY)
    try:
        asyncio.run(load(ours.port, single, 1))
        theirs, _ = asyncio.run(load(empty.port, single, seconds))
        rate, _ = asyncio.run(load(ours.port, single, seconds))
        print(f"single events: {rate:,.0f} a second, empty route {theirs:,.0f}: {rate / theirs:.2f} (bar 0.3)")
        pause = CONNECTIONS / (rate / 2)
        _, calm = asyncio.run(load(empty.port, single, seconds, pause))
        _, own = asyncio.run(load(ours.port, single, seconds, pause))
        p99 = [times[int(len(times) * 0.99)] * 1000 for times in (calm, own)]
        print(f"p99 at half of that load: {p99[1]:.1f} ms, empty route {p99[0]:.1f} ms: {p99[1] / p99[0]:.1f} (bar 5)")
        plain = bare(batches, folder, seconds / 2)
        many, _ = asyncio.run(load(ours.port, batches, seconds))
        print(
            f"batches of 100: {many * 100:,.0f} events a second, bare loop {plain * 100:,.0f}: {many / plain:.2f} (bar 0.2)"
        )
        print(f"resident memory of the collector: {ours.memory():.0f} MB (bar 150)")
    finally:
        empty.stop()


if __name__ == "__main__":
    main()
