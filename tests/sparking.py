"""A standalone Spark cluster on loopback: one master and two workers, real processes of their own."""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

WORKERS = 2
START_SECONDS = 120.0
_LEAN = "-XX:+UseSerialGC -XX:TieredStopAtLevel=1"
SETTINGS = {
    "spark.executor.memory": "640m",
    "spark.driver.memory": "640m",
    "spark.sql.shuffle.partitions": "2",
    "spark.sql.codegen.wholeStage": "false",  # compiling costs more than it gains on a few rows
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.driver.extraJavaOptions": _LEAN,
    "spark.executor.extraJavaOptions": _LEAN,
    "spark.locality.wait": "0",
}


def missing() -> str:
    """Why there can be no cluster here; empty where there can."""
    if find_spec("pyspark") is None:
        return "pyspark is not installed: pip install 'assay[spark]'"
    if not (os.environ.get("JAVA_HOME") or shutil.which("java")):
        return "Java is not installed: apt-get install openjdk-17-jre-headless"
    return ""


class Cluster:
    """A master at ``address`` and its workers."""

    def __init__(self) -> None:
        self.address = ""
        self.workers: list[subprocess.Popen[bytes]] = []

    def kill(self, worker: int) -> None:
        """End a worker and what it runs, without a word."""
        os.killpg(self.workers[worker].pid, signal.SIGKILL)
        self.workers[worker].wait()


@contextmanager
def cluster(folder: Path, workers: int = WORKERS, memory: str = "1g") -> Iterator[Cluster]:
    """A cluster that runs until the end of the block, whatever happens in it."""
    started: list[subprocess.Popen[bytes]] = []
    made = Cluster()
    try:
        log = folder / "master.log"
        started.append(_begun("master.Master", ["--host", "127.0.0.1", "--port", "0", "--webui-port", "0"], log))
        (made.address,) = _said(started, log, r"Starting Spark master at (spark://\S+)", 1)
        for n in range(workers):
            given = ["--host", "127.0.0.1", "--cores", "1", "--memory", memory, "--webui-port", "0"]
            given += ["--work-dir", str(folder / f"worker{n}"), made.address]
            made.workers.append(_begun("worker.Worker", given, folder / f"worker{n}.log"))
            started.append(made.workers[-1])
        _said(started, log, r"Registering worker (\S+)", workers)
        yield made
    finally:
        for process in reversed(started):
            _ended(process)


def _begun(name: str, given: list[str], log: Path) -> subprocess.Popen[bytes]:
    spec = find_spec("pyspark")
    assert spec is not None
    assert spec.origin is not None
    home = Path(spec.origin).parent
    env = os.environ | {
        "SPARK_HOME": str(home),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_DAEMON_MEMORY": "256m",
        "SPARK_DAEMON_JAVA_OPTS": _LEAN,
        "PYSPARK_PYTHON": sys.executable,
    }
    with log.open("wb") as file:
        return subprocess.Popen(
            [str(home / "bin" / "spark-class"), f"org.apache.spark.deploy.{name}", *given],
            stdout=file, stderr=subprocess.STDOUT, env=env, start_new_session=True, preexec_fn=_with_parent,
        )  # fmt: skip


def _with_parent() -> None:
    """End with the test process, even where that is killed."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)


def _said(started: list[subprocess.Popen[bytes]], log: Path, pattern: str, times: int) -> list[str]:
    """Wait until the master has said something so often."""
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        found = re.findall(pattern, log.read_text(encoding="utf-8", errors="replace"))
        if len(found) >= times:
            return found[:times]
        ended = [process for process in started if process.poll() is not None]
        if ended:
            raise RuntimeError(f"Spark's {ended[0].args[1]} ended: see {log.parent}")  # type: ignore[index]
        time.sleep(0.1)
    raise RuntimeError(f"Spark's master has not said {pattern!r} in {START_SECONDS:g} s: see {log.parent}")


def _ended(process: subprocess.Popen[bytes]) -> None:
    """End a process and those that it started."""
    for sign, patience in ((signal.SIGTERM, 10.0), (signal.SIGKILL, 10.0)):
        try:
            os.killpg(process.pid, sign)
        except ProcessLookupError:
            break
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            continue
    process.wait()
