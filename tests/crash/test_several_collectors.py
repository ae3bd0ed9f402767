"""Several collectors before one store, and a loader: each is killed at random, and each segment comes in exactly once."""

from __future__ import annotations

import random
import subprocess
import threading
import time
from pathlib import Path

import pytest
from sending import Client, Collecting, judge

from serving import ASSAY, ran

PLAN = "site: {name: Crash, timezone: UTC, currency: EUR}\n"


class Loader(threading.Thread):
    """``assay load`` again and again, killed in the middle now and then."""

    def __init__(self, folder: Path, seed: int) -> None:
        super().__init__(daemon=True)
        self.folder, self.random, self.stopping = folder, random.Random(seed), threading.Event()
        self.runs = self.kills = 0
        self.said: set[str] = set()

    def run(self) -> None:
        while not self.stopping.is_set():
            process = subprocess.Popen(
                [*ASSAY, "load", "-w", str(self.folder)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
            )
            self.runs += 1
            try:
                process.wait(self.random.uniform(0.2, 2.0))
            except subprocess.TimeoutExpired:
                process.kill()
                self.kills += 1
            _, said = process.communicate()
            self.said |= {said} - {""}


def rounds(shop: Path, kills: int, seed: int) -> None:
    drawn = random.Random(seed)
    (shop / "assay.yaml").write_text(PLAN, encoding="utf-8")
    collectors = [Collecting(shop, f"c{n}") for n in range(3)]
    for collector in collectors:
        collector.start()
    clients = [Client(f"v{n}", collectors[n % 3].port, seed + n) for n in range(6)]
    loader = Loader(shop, seed)
    for thread in (*clients, loader):
        thread.start()
    for _ in range(kills):
        time.sleep(drawn.uniform(0.2, 0.6))
        collector = drawn.choice(collectors)
        collector.kill()
        collector.cut_back()
        collector.start()
    time.sleep(0.5)
    for thread in (*clients, loader):
        thread.stopping.set()
    for thread in (*clients, loader):
        thread.join(30)
    for collector in collectors:
        collector.kill(15)
    assert loader.runs > 1
    assert loader.said == set()
    ran(shop, "load")
    assert list((shop / "assay-data" / "intake").rglob("*.ndjson")) == []
    judge(shop, clients)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(5))
def test_three_collectors_and_a_loader(tmp_path: Path, seed: int) -> None:
    rounds(tmp_path, 20, seed)
