"""A lake whose loader or whose worker is killed: nothing is lost, nothing comes twice, the answer is right."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from assay.store.engine import Piece
from assay.store.engines import spark_session
from assay.workspace import Workspace
from properties.test_engines import PLAN, differences, said
from query.world import world
from sparking import Cluster, cluster
from store.test_warehouses import tables
from support import at, ndjson, workspace

pytestmark = pytest.mark.soak
NOW = at("2025-01-01 00:00")
LOADER = """
import sys
from pathlib import Path
from assay.store.engine import Piece
from assay.workspace import Workspace
with Workspace(sys.argv[1], now=int(sys.argv[2]), engine="lake") as ws:
    for path in sys.argv[3:]:
        print(ws.load([Piece(Path(path).stem, Path(path))])[0], flush=True)
"""


def segments(folder: Path, many: int) -> list[Path]:
    events = world(9, visitors=20)
    return [ndjson(folder / f"s{n}.ndjson", events[n::many] + events[:9]) for n in range(many)]


def expected(folder: Path, paths: list[Path]) -> dict[str, list[str]]:
    with workspace(folder, PLAN, now=NOW) as ws:
        for path in paths:
            ws.load([Piece(path.stem, path)])
        return tables(ws)


def test_a_loader_that_is_killed_leaves_whole_versions(spark: str, tmp_path: Path) -> None:
    paths = segments(tmp_path / "segments", 4)
    wanted = expected(tmp_path / "duckdb", paths)
    workspace(tmp_path / "lake", PLAN, now=NOW, engine="lake").close()
    words = [sys.executable, "-W", "ignore", "-c", LOADER, str(tmp_path / "lake"), str(NOW), *map(str, paths)]
    chance, killed, longest = random.Random(4), 0, 20.0
    for _ in range(4):
        began = time.monotonic()
        process = subprocess.Popen(words, env=os.environ | {"ASSAY_SPARK": "local[1]"}, start_new_session=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # fmt: skip
        try:
            process.communicate(timeout=chance.uniform(0.3, 1.5) * longest)
            longest = time.monotonic() - began
        except subprocess.TimeoutExpired:
            killed += 1
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            longest *= 1.3
    assert killed > 0
    with Workspace(tmp_path / "lake", now=NOW, engine="lake") as ws:
        for path in paths:
            ws.load([Piece(path.stem, path)])
        assert tables(ws) == wanted
        place = ws.engine.warehouse.lake.place  # type: ignore[attr-defined]
        ws.engine.taking().rewrite()
        assert not place.files("work/**/*")


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spark: str) -> Iterator[Cluster]:
    """A cluster that this test may break."""
    (tmp_path / "own").mkdir()
    with cluster(tmp_path / "own") as made:
        monkeypatch.setenv("ASSAY_SPARK", made.address)
        yield made
        spark_session.stop()


def executors() -> int:
    return int(spark_session.session()._jsparkSession.sparkContext().getExecutorMemoryStatus().size()) - 1


def killing(own: Cluster, after: float, work: Callable[[], Any]) -> tuple[Any, float]:
    """Do work while a worker is killed; what it gave, and how long it went on after the kill."""
    moment: list[float] = []

    def kill() -> None:
        own.kill(0)
        moment.append(time.monotonic())

    timer = threading.Timer(after, kill)
    timer.start()
    done = work()
    ended = time.monotonic()
    timer.join()
    return done, ended - moment[0]


def test_a_worker_that_is_killed_during_a_load(own: Cluster, tmp_path: Path) -> None:
    paths = segments(tmp_path / "segments", 2)
    wanted = expected(tmp_path / "duckdb", paths)
    with workspace(tmp_path / "lake", PLAN, now=NOW, engine="lake") as ws:
        began = time.monotonic()
        ws.load([Piece(paths[0].stem, paths[0])])
        assert executors() == 2
        loaded, went_on = killing(
            own, (time.monotonic() - began) * 0.3, lambda: ws.load([Piece(paths[1].stem, paths[1])])
        )
        assert went_on > 0
        assert executors() == 1
        assert not loaded[0].again
        assert tables(ws) == wanted


def test_a_worker_that_is_killed_during_a_question(own: Cluster, tmp_path: Path) -> None:
    events = world(9, visitors=40)
    with workspace(tmp_path / "duckdb", PLAN, events, now=NOW) as ws:
        wanted = said(ws, "funnel", ("ordered",), {"by": ["device"], "everyone": True})
    with workspace(tmp_path / "spark", PLAN, events, now=NOW, engine="spark") as ws:
        began = time.monotonic()
        said(ws, "funnel", ("ordered",), {"by": ["device"], "everyone": True})
        took = time.monotonic() - began
        assert executors() == 2
        asked = {"by": ["device"], "everyone": True}
        found, went_on = killing(own, took * 0.2, lambda: said(ws, "funnel", ("ordered",), asked))
        assert went_on > 0
        assert executors() == 1
        assert differences(wanted, found) == []
