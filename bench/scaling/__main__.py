"""``python -m bench.scaling [--millions 1,10,50] [--engines duckdb,chdb,spark,lake] [--questions funnel,overview] [--keep DIR]``

Every question over worlds of several sizes, each engine in a process of its own, all in one run. Every answer is written
to ``results.jsonl`` in the folder at once: a run that was broken off goes on where it stopped, ``--tell`` only prints.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from queue import Empty, Queue
from threading import Thread
from typing import Any

from bench.scaling import telling, worlds
from bench.scaling.asked import ASKED
from bench.scaling.process import CLUSTERED, COPY, TESTS

RESULTS = "results.jsonl"
NAMES = {"duckdb": "duckdb", "chdb": "clickhouse", "spark": "spark", "lake": "lake"}


def main() -> None:
    options = _options()
    folder = options.keep or Path(tempfile.mkdtemp(prefix="assay-scaling-"))
    folder.mkdir(parents=True, exist_ok=True)
    sizes = sorted(float(one) for one in options.millions.split(","))
    wanted = [a.name for a in ASKED if not options.questions or a.question in options.questions.split(",")]
    if not options.tell:
        for millions in sizes:
            loaded = worlds.loaded(folder, millions)
            for engine, workers in _sides(options):
                side = {"engine": engine, "workers": workers, "millions": millions, "events": loaded["events"]}
                _asked(folder, side, wanted, options.limit)
    print(telling.told(_kept(folder), {f"{size:g}": worlds.loaded(folder, size) for size in sizes}))
    print(f"the workspaces and {RESULTS} are in {folder}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--millions", default="1,10,50", help="millions of events, with commas")
    parser.add_argument("--engines", default="duckdb,chdb,spark,lake", help="of duckdb, chdb, spark, lake")
    parser.add_argument("--workers", default="1,2", help="of Spark, one run each")
    parser.add_argument("--questions", default="", help="only these questions, with commas")
    parser.add_argument("--limit", type=float, default=900, help="seconds that one question may take")
    parser.add_argument("--keep", type=Path, help="folder of the worlds and results; default: a new one")
    parser.add_argument("--tell", action="store_true", help="only print what the folder's results say")
    return parser.parse_args()


def _sides(options: argparse.Namespace) -> Iterator[tuple[str, int]]:
    for engine in options.engines.split(","):
        if engine in CLUSTERED and (reason := _no_spark()):
            print(f"nothing on Spark: {reason}")
        elif engine == "lake":
            yield engine, max(map(int, options.workers.split(",")))
        elif engine == "spark":
            yield from ((engine, int(workers)) for workers in options.workers.split(","))
        else:
            yield engine, 0


def _no_spark() -> str:
    sys.path.insert(0, str(TESTS))
    from sparking import missing

    return str(missing())


def _kept(folder: Path) -> list[dict[str, Any]]:
    path = folder / RESULTS
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def _asked(folder: Path, side: dict[str, Any], wanted: list[str], limit: float) -> None:
    """Ask what has no answer yet; a process that ends or takes too long costs its question, the next ones go on anew."""
    key = ("engine", "workers", "millions")
    done = {one["name"] for one in _kept(folder) if all(one[k] == side[k] for k in key)}
    left = [name for name in ([] if side["engine"] == "duckdb" else [COPY]) + wanted if name not in done]
    while left and (left[0] == COPY or COPY not in left):  # without its copy an engine answers nothing
        for found in _answers(folder, side, left, limit):
            if found["name"] not in left:
                continue
            left.remove(found["name"])
            with (folder / RESULTS).open("a", encoding="utf-8") as file:
                file.write(json.dumps({**side, **found}) + "\n")
            said = found.get("failed") or f"{found['seconds']:.2f} s, {found['cpu']:.2f} s of processors"
            where = f"{side['engine']} {side['workers'] or ''} {side['millions']:g} million"
            print(f"{where}: {found['name']}: {said}", flush=True)
            if found["name"] == COPY and "failed" in found:
                return


def _answers(folder: Path, side: dict[str, Any], names: list[str], limit: float) -> Iterator[dict[str, Any]]:
    """What a process of its own answers; the first question without an answer has failed."""
    command = [sys.executable, "-m", "bench.scaling.process", str(folder / f"{side['millions']:g}")]
    command += [NAMES[side["engine"]], str(side["workers"]), *names]
    log = folder / f"{side['engine']}-{side['workers']}-{side['millions']:g}.log"
    reason, answered = f"not answered in {limit:g} s", set()
    with log.open("a") as errors:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True, start_new_session=True)
        lines: Queue[str | None] = Queue()
        Thread(target=_read, args=(process, lines), daemon=True).start()
        with suppress(Empty):
            while (line := lines.get(timeout=limit)) is not None:
                found = json.loads(line)
                answered.add(found["name"])
                yield found
            reason = "the process ended"
        _end(process, patience=60.0 if reason == "the process ended" else 0.0)
    missing = [name for name in names if name not in answered]
    if missing:
        yield {"name": missing[0], "failed": f"{reason}: see {log.name}", "memory": 0, "others": 0}


def _read(process: subprocess.Popen[str], lines: Queue[str | None]) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("{"):
            lines.put(line)
    lines.put(None)


def _end(process: subprocess.Popen[str], patience: float) -> None:
    """Let it end by itself for a while, then make it."""
    for sign, seconds in ((0, patience), (signal.SIGINT, 20.0), (signal.SIGKILL, 20.0)):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, sign)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            continue
        return


if __name__ == "__main__":
    main()
