"""A collector under load by retrying clients, killed at random: nothing acknowledged is lost, nothing counts twice."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest
from sending import Client, Collecting, judge

import assay
from assay.collect.spool import OPEN
from assay.jobs import load_intake

PLAN = "site: {name: Crash, timezone: UTC, currency: EUR}\n"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / "assay.yaml").write_text(PLAN, encoding="utf-8")
    return tmp_path


def litter(folder: Path, drawn: random.Random) -> None:
    """What a power cut may leave behind the synced part of an open segment: nothing, half a line, zeros."""
    for path in (folder / "assay-data" / "intake").rglob(f"*{OPEN}"):
        with path.open("ab") as file:
            file.write(drawn.choice((b"", b'{"id":"half', b"\0" * 64, b'\0\0\0\n{"id":"x","name":"y","time":1}\n')))


def rounds(shop: Path, kills: int, seed: int) -> None:
    drawn = random.Random(seed)
    collector = Collecting(shop)
    collector.start()
    clients = [Client(f"v{n}", collector.port, seed + n) for n in range(6)]
    for client in clients:
        client.start()
    for _ in range(kills):
        time.sleep(drawn.uniform(0.1, 0.4))
        collector.kill()
        collector.cut_back()  # a kill alone loses nothing from the page cache
        litter(shop, drawn)
        with assay.open(shop) as ws:  # the loader goes on meanwhile
            load_intake(ws)
        collector.start()
    time.sleep(0.3)
    for client in clients:
        client.stopping.set()
    for client in clients:
        client.join(10)
    collector.kill()
    collector.cut_back()
    collector.start()  # takes over what is open
    collector.kill(15)
    with assay.open(shop) as ws:
        load_intake(ws)
    judge(shop, clients)


def test_three_kills(shop: Path) -> None:
    rounds(shop, 3, 1)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(10))
def test_a_hundred_kills(shop: Path, seed: int) -> None:
    rounds(shop, 10, 100 + seed)
