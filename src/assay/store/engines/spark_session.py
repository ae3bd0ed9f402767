"""The one connection of this process to Spark, and Spark's errors as errors of the one tree.

``ASSAY_SPARK`` names the master: ``local[2]``, ``spark://host:port``, or ``sc://host:port`` for Spark Connect.
``ASSAY_SPARK_SETTINGS`` sets more: ``spark.executor.memory=4g,spark.sql.shuffle.partitions=64``.
"""

from __future__ import annotations

import logging
import os
import re
import shutil
import socket
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from assay.model.errors import AssayError, MachineError
from assay.store.engines import shown

MASTER = "local[*]"
# How questions are understood: these hold for every session.
MEANING = {
    "spark.sql.ansi.enabled": "true",  # what overflows or is no number is an error, never null or something else
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.timestampType": "TIMESTAMP_NTZ",
    "spark.sql.decimalOperations.allowPrecisionLoss": "false",
    "spark.sql.caseSensitive": "false",
    "spark.sql.sources.partitionColumnTypeInference.enabled": "true",
}
# How the work is done: anybody may set these otherwise.
_WORK = {
    "spark.sql.adaptive.enabled": "true",
    "spark.sql.shuffle.partitions": "8",
    "spark.driver.memory": "2g",
    # Columns of Parquet are larger in memory than on disk: without it, millions of visitors go to every worker at once.
    "spark.sql.sources.fileCompressionFactor": "4.0",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.log.structuredLogging.enabled": "false",
    "spark.app.name": "assay",
}
_LOOPBACK = {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}
_MASTER = re.compile(r"local(\[[^]]+\])?|yarn|(spark|sc|k8s)://.+")
_PATIENCE = 10.0  # seconds for which a master is waited for
_lock = threading.RLock()
_spark: Any = None
_of: tuple[str, str] | None = None


def session() -> Any:
    """A session of its own (temporary views, tags) on the process's connection, which is made at first use."""
    global _spark, _of
    wanted = os.environ.get("ASSAY_SPARK", MASTER), os.environ.get("ASSAY_SPARK_SETTINGS", "")
    with _lock, errors("spark"):
        if wanted != _of:
            stop()
            _answers(wanted[0])
            _spark, _of = _connected(*wanted), wanted
        made = _connected(*wanted) if _remote(wanted[0]) else _spark.newSession()
        for name, value in MEANING.items():
            made.conf.set(name, value)
        return made


def stop() -> None:
    """End the process's connection; the next question makes a new one."""
    global _spark, _of
    with _lock:
        if _spark is not None:
            _spark.stop()
        _spark, _of = None, None


def _remote(master: str) -> bool:
    return master.startswith("sc://")


def _connected(master: str, settings: str) -> Any:
    builder = _builder()
    if _remote(master):
        return builder.remote(master).create()
    if not (os.environ.get("JAVA_HOME") or shutil.which("java")):
        raise MachineError(
            "the spark engine needs Java 17: install it (such as openjdk-17-jre-headless), or set JAVA_HOME"
        )
    for name, value in {
        **MEANING,
        **_WORK,
        **(_LOOPBACK if _beside(master) else {}),
        **_quiet(),
        **_set(settings),
    }.items():
        builder = builder.config(name, value)
    return builder.master(master).getOrCreate()


def _answers(master: str) -> None:
    """Raise MachineError where a master cannot be meant or nobody listens: Spark itself would say so much later."""
    if not _MASTER.fullmatch(master):
        raise MachineError(
            f"ASSAY_SPARK={shown(master)} names no cluster; write spark://host:7077, sc://host:15002 (Spark Connect),"
            " yarn, k8s://…, or local[2] for this machine"
        )
    if _remote(master) and find_spec("grpc") is None:
        raise MachineError("Spark Connect needs more packages: pip install 'pyspark[connect]'")
    if not master.startswith(("spark://", "sc://")):
        return
    said = ""
    for place in master.partition("://")[2].partition("/")[0].split(","):  # masters that stand in for each other
        host, _, port = place.rpartition(":")
        try:
            socket.create_connection(
                (host.strip("[]") or port, int(port) if host else 15002), timeout=_PATIENCE
            ).close()
        except (OSError, ValueError) as error:
            said = str(getattr(error, "strerror", None) or error)
        else:
            return
    raise MachineError(
        f"ASSAY_SPARK={shown(master)}: no Spark answers there ({said}); is it running, and is the address right?"
    )


def _builder() -> Any:
    try:
        warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)  # not used here
        from pyspark.sql import SparkSession
    except ImportError as error:
        raise MachineError("the spark engine needs the package pyspark: pip install 'assay[spark]'") from error
    logging.getLogger("SQLQueryContextLogger").disabled = True
    return SparkSession.builder


def _beside(master: str) -> bool:
    """Whether master and workers are on this machine."""
    return master.startswith("local") or re.match(r"spark://(127\.|localhost|\[::1\])", master) is not None


def _quiet() -> dict[str, str]:
    log = Path(__file__).with_name("spark_quiet.properties").as_uri()
    return {"spark.driver.defaultJavaOptions": f"-Dlog4j2.configurationFile={log}"}


def _set(settings: str) -> dict[str, str]:
    made = {}
    for one in filter(None, (part.strip() for part in settings.split(","))):
        name, sign, value = one.partition("=")
        if not sign or not name.startswith("spark."):
            raise MachineError(f"ASSAY_SPARK_SETTINGS: {one!r} is no setting like spark.executor.memory=4g")
        made[name] = value
    return made


@contextmanager
def errors(what: str) -> Iterator[None]:
    """Spark's errors as errors of the one tree: its own first sentence, without Java's traceback."""
    try:
        yield
    except AssayError:
        raise
    except (OSError, EOFError) as error:
        raise MachineError(f"{what}: the connection to Spark broke: {first_sentence(str(error))}") from error
    except Exception as error:
        if not type(error).__module__.startswith(("pyspark", "py4j", "grpc")):
            raise
        raise MachineError(f"{what}: Spark says: {first_sentence(str(error))}") from error


def first_sentence(text: str) -> str:
    """What Spark says first, in one line; of an error within an error, the inner one's."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    causes = [line.removeprefix("Caused by: ") for line in lines if line.startswith("Caused by: ")]
    named = [line.removeprefix(": ") for line in lines if re.match(r"(: )?(\w+\.)+\w*(Exception|Error): ", line)]
    line = (causes[-1:] or named[:1] or lines[:1] or ["nothing"])[0]
    line = re.sub(r"^((\w|\$)+\.)+(\w|\$)*(Exception|Error): ", "", line)
    line = re.sub(r"^Job aborted due to stage failure: .*?: ((\w+\.)+\w+: )?", "", line)
    return re.sub(r"\s*SQLSTATE: \w+.*$", "", line)[:400] or "nothing"
