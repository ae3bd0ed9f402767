"""``python -m bench.scaling.process WORKSPACE ENGINE WORKERS NAME…``: asks in a process of its own, a JSON line an answer."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from assay.model.errors import AssayError
from assay.store.engines import rolls
from assay.workspace import Workspace
from bench.scaling import usage
from bench.scaling.asked import ASKED, Ask
from bench.scaling.worlds import facts

TESTS = Path(__file__).parents[2] / "tests"
# Before its first answer: chdb, which holds nothing beyond its process, loads; Spark copies DuckDB's tables into a lake
# ("spark"), or loads one itself and keeps its rollups ("lake").
COPY = "(filling)"
CLUSTERED = ("spark", "lake")
ROUNDS = 3  # the fastest counts; what derives a second set keeps it, so it is asked once
LONG, LONG_THERE = 60.0, 2.0  # seconds of all rounds after which nothing is asked again; on Spark


def main() -> None:
    place, engine, workers, *names = sys.argv[1:]
    folder = Path(place)
    with _cluster(engine, int(workers)), Workspace(folder, engine=engine) as ws:
        if engine != "duckdb":
            _told(COPY, _measured(ws, lambda: _filled(ws, folder), 1))
        for ask in ASKED:
            if ask.name in names:
                _told(ask.name, _asked(ws, ask, folder))


def _told(name: str, found: dict[str, Any]) -> None:
    print(json.dumps({"name": name, **found}), flush=True)


def _filled(ws: Workspace, folder: Path) -> None:
    if ws.engine_name in ("clickhouse", "lake"):
        data = Path(facts(folder)["data"])
        ws.import_files("events", sorted(data.glob("events-*.parquet")))
        ws.import_files("costs", [data / "costs.csv"])
    if rolls(ws.engine_name):
        ws.roll_up()
    assert ws.span is not None


def _asked(ws: Workspace, ask: Ask, folder: Path) -> dict[str, Any]:
    words, params = ask.filled(**facts(folder))
    return _measured(ws, lambda: ws.ask(ask.question, *words, **params), 1 if ask.question == "compare" else ROUNDS)


def _measured(ws: Workspace, work: Callable[[], Any], rounds: int) -> dict[str, Any]:
    """Seconds of the fastest round, by the clock and of processors; memory of the worst; bytes shuffled in the last."""
    usage.reset_peaks()
    seconds: list[float] = []
    used: list[float] = []
    shuffled = 0
    for _ in range(rounds):
        before, cpu, began = _shuffled(ws), usage.cpu(), time.perf_counter()
        try:
            answer = work()
        except (AssayError, AssertionError, MemoryError) as error:
            return {"failed": f"{type(error).__name__}: {error}"[:300], **usage.peaks()}
        seconds.append(time.perf_counter() - began)
        used.append(usage.cpu() - cpu)
        shuffled = _shuffled(ws) - before
        if sum(seconds) > (LONG_THERE if ws.engine_name in CLUSTERED else LONG):
            break
    found = {"seconds": min(seconds), "cpu": min(used), "shuffled": shuffled, **usage.peaks()}
    return {**found, **(_print_of(answer.rows) if hasattr(answer, "rows") else {})}


def _print_of(rows: Any) -> dict[str, Any]:
    """What answers of two engines are compared by: all that is no float as a hash, floats as a sum of their sizes."""
    cells = [cell for row in rows for cell in row]
    floats = [abs(cell) for cell in cells if isinstance(cell, float)]
    rest = repr([str(cell) for cell in cells if not isinstance(cell, float)])
    return {"rows": len(rows), "rest": hashlib.sha256(rest.encode()).hexdigest()[:16], "floats": sum(floats)}


def _shuffled(ws: Workspace) -> int:
    """Bytes that Spark's executors have written to be shuffled, up to now."""
    if ws.engine_name not in CLUSTERED:
        return 0
    from pyspark import SparkContext

    context = SparkContext._active_spark_context
    if context is None:
        return 0
    inner = context._jsc.sc()
    inner.listenerBus().waitUntilEmpty()
    executors = inner.statusStore().executorList(False)
    return sum(executors.apply(n).totalShuffleWrite() for n in range(executors.size()))


@contextmanager
def _cluster(engine: str, workers: int) -> Iterator[None]:
    """For Spark: a master and so many workers on loopback."""
    if engine not in CLUSTERED:
        yield
        return
    sys.path.insert(0, str(TESTS))
    from sparking import cluster

    with tempfile.TemporaryDirectory(prefix="assay-spark-") as made, cluster(Path(made), workers, "2560m") as up:
        os.environ["ASSAY_SPARK"] = up.address
        os.environ.setdefault("ASSAY_SPARK_SETTINGS", "spark.executor.memory=2g,spark.driver.memory=2g")
        yield


if __name__ == "__main__":
    main()
