"""The collector against an empty Starlette route on the same uvicorn, in turn. ``python -m bench.intake [--seconds 8]``

Single events, acknowledged when they are on disk, all steps on; batches of 100 against a bare loop that parses, dumps and
appends the same lines with one sync a batch; p99 of the acknowledgement at half of that load; resident memory.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=8)
    seconds = parser.parse_args().seconds
    with tempfile.TemporaryDirectory(prefix="assay-intake-") as folder:
        (Path(folder) / "assay.yaml").write_text(PLAN, encoding="utf-8")
        from assay.cli.collecting import make_key
        from assay.workspace import Workspace

        with Workspace(Path(folder)) as ws:
            key = make_key(ws, "web", False, "live", [])
        single = [json.dumps({"key": key, **event(n)}).encode() for n in range(20_000)]
        batches = [
            json.dumps({"key": key, "events": [event(n * 100 + i) for i in range(100)]}).encode() for n in range(200)
        ]
        empty, ours = Server(EMPTY), Server(COLLECT, folder)
        try:
            asyncio.run(load(ours.port, single, 1))
            theirs, _ = asyncio.run(load(empty.port, single, seconds))
            rate, _ = asyncio.run(load(ours.port, single, seconds))
            print(f"single events: {rate:,.0f} a second, empty route {theirs:,.0f}: {rate / theirs:.2f} (bar 0.3)")
            pause = CONNECTIONS / (rate / 2)
            _, calm = asyncio.run(load(empty.port, single, seconds, pause))
            _, own = asyncio.run(load(ours.port, single, seconds, pause))
            p99 = [times[int(len(times) * 0.99)] * 1000 for times in (calm, own)]
            print(
                f"p99 at half of that load: {p99[1]:.1f} ms, empty route {p99[0]:.1f} ms: {p99[1] / p99[0]:.1f} (bar 5)"
            )
            plain = bare(batches, Path(folder), seconds / 2)
            many, _ = asyncio.run(load(ours.port, batches, seconds))
            print(
                f"batches of 100: {many * 100:,.0f} events a second, bare loop {plain * 100:,.0f}: {many / plain:.2f} (bar 0.2)"
            )
            print(f"resident memory of the collector: {ours.memory():.0f} MB (bar 150)")
        finally:
            empty.stop()
            ours.stop()


if __name__ == "__main__":
    main()
