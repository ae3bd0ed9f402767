"""A server under people: a hundred who load dashboards while events come in, and twenty minutes of mixed use."""

from __future__ import annotations

import asyncio
import os
import random
import statistics
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from scipy.stats import theilslopes

from serving import AGENT, ASSAY, free_port, ran, wait_for

PAGES = (
    "overview",
    "kpi",
    "funnels",
    "journeys",
    "pages",
    "acquisition",
    "retention",
    "segments",
    "experiments",
    "definitions",
    "data",
)
QUERIES = ("", "?range=7d", "?range=90d", "?segment=mobile", "?compare=year")
SCALE = float(os.environ.get("ASSAY_LOAD", "1"))  # of the durations


@dataclass
class Under:
    """A server under load. ``took``: seconds of every request, by what it was; ``wrong``: what went wrong."""

    folder: Path
    process: subprocess.Popen[str]
    pages: int
    collect: int
    key: str
    write: str
    took: dict[str, list[float]] = field(default_factory=dict)
    wrong: Counter[str] = field(default_factory=Counter)
    sent: int = 0

    def server(self) -> int:
        """The process that answers."""
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return next(int(one) for one in children if "assay.web" in Path(f"/proc/{one}/cmdline").read_text())

    def memory(self) -> float:
        """Resident, MB."""
        text = Path(f"/proc/{self.server()}/status").read_text()
        return int(next(line for line in text.splitlines() if line.startswith("VmRSS")).split()[1]) / 1e3

    async def ask(self, client: Any, what: str, path: str) -> None:
        began = time.monotonic()
        try:
            answer = await client.get(f"http://127.0.0.1:{self.pages}{path}")
            if answer.status_code != 200 or "This could not be answered" in answer.text:
                self.wrong[f"{path}: {answer.status_code}"] += 1
        except Exception as error:
            self.wrong[f"{path}: {type(error).__name__}"] += 1
        self.took.setdefault(what, []).append(time.monotonic() - began)

    async def person(self, client: Any, until: float, seed: int, pause: float) -> None:
        """Page after page, as somebody reads them; the parts that come later too."""
        chance = random.Random(seed)
        while time.monotonic() < until:
            page, query = chance.choice(PAGES), chance.choice(QUERIES)
            await self.ask(client, "page", f"/shop/{page}{query}")
            await self.ask(client, "part", f"/shop/{page}{query}{'&' if query else '?'}part=0")
            await asyncio.sleep(chance.expovariate(1 / pause))

    async def program(self, client: Any, until: float, seed: int, pause: float) -> None:
        """Questions over the API, of ever other days, so that nothing is kept."""
        chance = random.Random(seed)
        while time.monotonic() < until:
            day = f"2026-0{chance.randint(6, 9)}-{chance.randint(1, 28):02d}"
            await self.ask(client, "api", f"/shop/api/v1/metric?names=purchase_rate&by=device&from={day}&to={day}")
            await asyncio.sleep(pause)

    async def visitors(self, client: Any, until: float, pause: float) -> None:
        """Events that come in."""
        while time.monotonic() < until:
            numbers = range(self.sent, self.sent + 20)
            lines = [{"id": f"load-{n}", "name": "page_view", "visitor": f"load-{n // 5}"} for n in numbers]
            answer = await client.post(
                f"http://127.0.0.1:{self.collect}/e",
                json={"key": self.write, "events": lines},
                headers={"user-agent": AGENT},
            )
            if answer.status_code != 202:
                self.wrong[f"/e: {answer.status_code}"] += 1
            self.sent += len(lines)
            await asyncio.sleep(pause)

    def p95(self, what: str) -> float:
        return statistics.quantiles(self.took[what], n=20)[-1]


@pytest.fixture
def under(tmp_path: Path) -> Iterator[Under]:
    folder = tmp_path / "shop"
    subprocess.run([*ASSAY, "demo", str(folder)], check=True, capture_output=True)
    write = ran(folder, "key", "add", "load").split()[0]
    key = next(one for one in ran(folder, "api-key", "add", "load", "--scope", "read").split() if one.startswith("ak_"))
    pages, collect = free_port(), free_port()
    words = ["serve", str(folder), "--port", str(pages), "--collect-port", str(collect)]
    process = subprocess.Popen([*ASSAY, *words], stdout=subprocess.DEVNULL, text=True)
    made = Under(folder, process, pages, collect, key, write)

    def ready() -> bool:
        import urllib.request

        return all(
            urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=1).status == 200
            for port in (pages, collect)
        )

    wait_for(ready)
    yield made
    process.terminate()
    process.wait(60)


async def load(under: Under, people: int, programs: int, seconds: float, pause: float) -> list[tuple[float, float]]:
    """All at once for so many seconds; memory at every tenth: (seconds, MB)."""
    import httpx2

    until, began = time.monotonic() + seconds, time.monotonic()
    seen: list[tuple[float, float]] = []

    async def watch() -> None:
        while time.monotonic() < until:
            seen.append((time.monotonic() - began, under.memory()))
            await asyncio.sleep(seconds / 40)

    headers = {"Authorization": f"Bearer {under.key}"}
    limits = httpx2.Limits(max_connections=people + programs + 5)
    async with (
        httpx2.AsyncClient(headers=headers, timeout=120, limits=limits) as client,
        httpx2.AsyncClient(timeout=30) as sender,
    ):
        await asyncio.gather(
            watch(), under.visitors(sender, until, 0.2),
            *(under.person(client, until, n, pause) for n in range(people)),
            *(under.program(client, until, n, pause) for n in range(programs)),
        )  # fmt: skip
    return seen


def told(under: Under, seen: list[tuple[float, float]]) -> str:
    parts = [f"{what}: {len(took):,}, median {statistics.median(took):.3f} s, p95 {under.p95(what):.3f} s"
             for what, took in under.took.items()]  # fmt: skip
    return f"{'; '.join(parts)}; {under.sent:,} events sent; memory {seen[0][1]:.0f} → {seen[-1][1]:.0f} MB"


def all_arrive(under: Under) -> bool:
    rows = ran(under.folder, "ledger", "--format", "json")
    return f"{under.sent}" in rows


@pytest.mark.soak
def test_a_hundred_people_while_events_come_in(under: Under) -> None:
    seen = asyncio.run(load(under, 100, 0, 90 * SCALE, 5.0))
    print(told(under, seen))
    assert under.wrong == Counter()
    wait_for(lambda: all_arrive(under))


@pytest.mark.soak
def test_twenty_minutes_of_mixed_use_and_memory_stays(under: Under) -> None:
    seen = asyncio.run(load(under, 8, 2, 1_200 * SCALE, 2.0))
    print(told(under, seen))
    assert under.wrong == Counter()
    half = [one for one in seen if one[0] > 600 * SCALE]  # warm: answers are kept, DuckDB has its buffers
    # A single large answer is no leak: the median of all slopes (Theil and Sen) does not mind it.
    slope = theilslopes([y for _, y in half], [x for x, _ in half]).slope * 600 * SCALE
    assert slope < 0.1 * half[0][1], f"{slope:.0f} MB in the second half: {seen}"
    wait_for(lambda: all_arrive(under))
