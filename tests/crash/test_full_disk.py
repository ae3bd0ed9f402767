"""A collector whose disk is full, or turns read-only: it says so, lives, and goes on by itself; nothing is lost or doubled."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sending import Client, Collecting, stored_ids

import assay
from assay.jobs import load_intake

PLAN = "site: {name: Full, timezone: UTC, currency: EUR}\n"
SIZE = 2_000_000


class Disk:
    """A file system of 2 MB in memory where the collector writes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ballast = folder / "ballast"

    def mount(self, options: str) -> None:
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(self.folder)], check=True, capture_output=True
        )

    def fill(self) -> None:
        with self.ballast.open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(b"x" * 4096)
            except OSError:
                pass

    def free(self) -> None:
        self.ballast.unlink()

    def read_only(self, yes: bool) -> bool:
        how = "remount,ro" if yes else "remount,rw"
        return subprocess.run(["mount", "-o", how, str(self.folder)], capture_output=True).returncode == 0


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / "assay.yaml").write_text(PLAN, encoding="utf-8")
    (tmp_path / "assay-data" / "intake").mkdir(parents=True)
    return tmp_path


@pytest.fixture
def disk(shop: Path) -> Iterator[Disk]:
    if shutil.which("mount") is None or os.name != "posix":
        pytest.skip("no mount command: a small file system cannot be made here")
    made = Disk(shop / "assay-data" / "intake")
    try:
        made.mount(f"size={SIZE},mode=755")
    except subprocess.CalledProcessError as error:
        pytest.skip(f"a small file system cannot be mounted here: {error.stderr.decode().strip()}")
    yield made
    subprocess.run(["umount", "-l", str(made.folder)], check=True)


def wait(ready: Callable[[], object], what: str, seconds: float = 30) -> None:
    until = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < until, what
        time.sleep(0.05)


def health(port: int) -> tuple[int, bool]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/healthz")
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())["ok"]
    finally:
        connection.close()


def answered(clients: list[Client]) -> Counter[tuple[int, str | None]]:
    return sum((client.answers.copy() for client in clients), Counter())


def ends(shop: Path, collector: Collecting, clients: list[Client]) -> None:
    """Afterwards: all that was acknowledged is stored once, and the ledger adds up."""
    for client in clients:
        client.stopping.set()
    for client in clients:
        client.join(10)
    assert collector.process is not None
    assert collector.process.poll() is None  # it has lived through all of it
    collector.kill(15)
    with assay.open(shop) as ws:
        load_intake(ws)
        answer = ws.ask("ledger")
    ids = stored_ids(shop)
    acknowledged = set().union(*(client.acknowledged for client in clients))
    assert len(acknowledged) > 100
    assert acknowledged - set(ids) == set()  # nothing lost
    assert len(ids) == len(set(ids))  # nothing doubled
    assert set(ids) <= set().union(*(client.sent for client in clients))
    rows = answer.records()
    assert [row["difference"] for row in rows] == [0] * len(rows)
    assert sum(row["stored"] for row in rows) == len(ids)
    assert [f for f in answer.findings if f.code == "ledger_apart"] == []
    assert set(answered(clients)) == {(200, None), (503, "5")}  # nothing else was ever answered


def started(shop: Path, many: int = 4) -> tuple[Collecting, list[Client]]:
    collector = Collecting(shop)
    collector.start()
    clients = [Client(f"v{n}", collector.port, n) for n in range(many)]
    for client in clients:
        client.start()
    wait(lambda: answered(clients)[200, None] > 40, "nothing is taken")
    return collector, clients


def refuses_then_takes(collector: Collecting, clients: list[Client], again: Callable[[], object]) -> None:
    before = answered(clients)[503, "5"]
    wait(lambda: answered(clients)[503, "5"] > before + 20, "it does not say that the disk is full")
    assert health(collector.port) == (503, False)
    again()
    taken = answered(clients)[200, None]
    wait(lambda: answered(clients)[200, None] > taken + 40, "it does not go on by itself")
    assert health(collector.port) == (200, True)


def test_full_by_others_three_times(shop: Path, disk: Disk) -> None:
    collector, clients = started(shop)
    for _ in range(3):
        disk.fill()
        refuses_then_takes(collector, clients, disk.free)
    ends(shop, collector, clients)


@pytest.mark.soak
def test_full_by_its_own_segments_until_they_are_loaded(shop: Path, disk: Disk) -> None:
    collector, clients = started(shop)

    def load() -> None:
        with assay.open(shop) as ws:
            assert load_intake(ws).stored > 100

    wait(lambda: answered(clients)[503, "5"] > 5, "2 MB are not full", 60)
    refuses_then_takes(collector, clients, load)
    assert shutil.disk_usage(disk.folder).used < SIZE
    ends(shop, collector, clients)


def test_read_only(shop: Path, disk: Disk) -> None:
    collector, clients = started(shop)
    for client in clients:
        client.pausing.set()  # a file system with an open file cannot be made read-only
    wait(lambda: disk.read_only(True), "segments stay open without traffic")
    for client in clients:
        client.pausing.clear()
    refuses_then_takes(collector, clients, lambda: disk.read_only(False))
    ends(shop, collector, clients)


def test_health_comes_back_without_anybody_sending(shop: Path, disk: Disk) -> None:
    collector, clients = started(shop)
    disk.fill()
    wait(lambda: answered(clients)[503, "5"] > 5, "it does not say that the disk is full")
    for client in clients:
        client.pausing.set()
    wait(lambda: health(collector.port)[0] == 503, "its health is good on a full disk")
    for client in clients:
        client.stopping.set()  # they would try again: nobody sends now
    disk.free()
    wait(lambda: health(collector.port) == (200, True), "its health stays bad")
    ends(shop, collector, clients)
