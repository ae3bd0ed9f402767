"""A lake in any file system that Spark can reach (HDFS, S3, …), touched through Spark's own Hadoop classes.

A manifest is replaced by renaming where renaming is one step, and by writing one object where the place holds objects.
Writers keep each other out by a file that only one can make, with a mark of its own; who has it touches it, and one
that nobody has touched for a while is taken over. Who was taken for dead notices before it makes a version.
"""

from __future__ import annotations

import os
import re
import socket
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import Any
from uuid import uuid4

from assay.model.errors import MachineError
from assay.store.disk import scratch
from assay.store.engines.spark_session import errors, session
from assay.store.lake import Place
from assay.store.locks import PATIENCE

OBJECTS = ("s3", "s3a", "s3n", "gs", "abfs", "abfss", "wasb", "wasbs", "oci", "oss", "cos")  # a rename is no step there
TOUCHED = 30.0  # seconds between two touches of a lock
STALE = 300.0  # seconds after which a lock that nobody touches is nobody's


class HadoopPlace(Place):
    """A folder by its address, such as ``hdfs://host/lake`` or ``s3a://bucket/lake``."""

    def __init__(self, address: str) -> None:
        self.address = address.rstrip("/")
        self._scratch: Path | None = None
        self._mark = ""  # what our lock says, while we have it

    @cached_property
    def _jvm(self) -> Any:
        spark = session()
        try:
            return spark._jvm
        except Exception as error:
            raise MachineError(
                f"{self.address}: over Spark Connect a lake must lie in a folder of this machine; name a master "
                "(ASSAY_SPARK=spark://…) to reach this one"
            ) from error

    @cached_property
    def _files(self) -> Any:
        configuration = session()._jsparkSession.sessionState().newHadoopConf()
        return self._path("").getFileSystem(configuration)

    def _path(self, name: str) -> Any:
        return self._jvm.org.apache.hadoop.fs.Path(self.where(name))

    def where(self, name: str = "") -> str:
        """How Spark names a file or folder of the lake."""
        return f"{self.address}/{name}" if name else self.address

    def read(self, name: str) -> str | None:
        """The text of a file; None where there is none."""
        with errors(self.where(name)):
            if not self._files.exists(self._path(name)):
                return None
            stream = self._files.open(self._path(name))
            try:
                return str(self._jvm.org.apache.commons.io.IOUtils.toString(stream, "UTF-8"))
            finally:
                stream.close()

    def seen(self, name: str) -> str:
        """What a file looks like from outside."""
        with errors(self.where(name)):
            if not self._files.exists(self._path(name)):
                return "-"
            status = self._files.getFileStatus(self._path(name))
            return f"{status.getLen()}.{status.getModificationTime()}"

    def _write(self, name: str, text: str, over: bool) -> None:
        stream = self._files.create(self._path(name), over)
        try:
            stream.write(bytearray(text.encode()))
            stream.hsync()
        finally:
            stream.close()

    def replace(self, name: str, text: str) -> None:
        """Put a text in the place of a file, in one step."""
        with errors(self.where(name)):
            if self.address.split(":", 1)[0].lower() in OBJECTS:
                self._write(name, text, over=True)
                return
            fresh = f"{name}.{os.getpid()}"
            self._write(fresh, text, over=True)
            hadoop = self._jvm.org.apache.hadoop.fs
            options = session().sparkContext._gateway.new_array(hadoop.Options.Rename, 1)
            options[0] = hadoop.Options.Rename.OVERWRITE
            context = hadoop.FileContext.getFileContext(self._path("").toUri(), self._files.getConf())
            context.rename(self._path(fresh), self._path(name), options)

    def settle(self, names: Iterable[str]) -> None:
        """A file that was closed is kept; but nobody may have taken us for dead and deleted what we wrote."""
        with errors(self.address):
            gone = next((name for name in names if not self._files.exists(self._path(name))), None)
        if gone is not None or (self._mark and self.read(".lock") != self._mark):
            raise MachineError(
                f"{self.where('.lock')}: another process has taken this lock over, because this one did not touch it"
                f" for {STALE:g} seconds; nothing of this load is stored, repeat it"
            )

    def put(self, file: Path, name: str) -> None:
        """Move a file of this machine to the place."""
        with errors(self.where(name)):
            self._files.copyFromLocalFile(True, True, self._jvm.org.apache.hadoop.fs.Path(str(file)), self._path(name))

    def fetched(self, name: str) -> Path:
        """A file of the place as one of this machine, kept as long as this process needs it."""
        if self._scratch is None:
            self._scratch = scratch(self)
        local = self._scratch / name
        if not local.exists():
            local.parent.mkdir(parents=True, exist_ok=True)
            with errors(self.where(name)):
                to = self._jvm.org.apache.hadoop.fs.Path(str(local))
                self._files.copyToLocalFile(False, self._path(name), to, True)
        return local

    def files(self, pattern: str) -> list[str]:
        """Names of the files that match a pattern, sorted."""
        with errors(self.where(pattern)):
            if not self._files.exists(self._path("")):
                return []
            found, root = [], self._files.makeQualified(self._path("")).toString().rstrip("/") + "/"
            listed = self._files.listFiles(self._path(""), True)
            while listed.hasNext():
                found.append(str(listed.next().getPath().toString()).removeprefix(root))
            return sorted(name for name in found if _matches(name, pattern))

    def folder(self, name: str) -> str:
        """Make a folder; how Spark names it."""
        with errors(self.where(name)):
            self._files.mkdirs(self._path(name))
        return self.where(name)

    def remove(self, names: Iterable[str]) -> None:
        """Delete files."""
        with errors(self.address):
            for name in names:
                self._files.delete(self._path(name), False)

    def clear(self, name: str = "") -> None:
        """Delete a folder and all that is in it."""
        with errors(self.where(name)):
            self._files.delete(self._path(name), True)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other writers out, on every machine."""
        mark = f"process {os.getpid()} of {socket.gethostname()} ({uuid4().hex})\n"
        until = time.monotonic() + PATIENCE
        while not self._taken(mark):
            self._free()
            if time.monotonic() > until:
                raise MachineError(
                    f"{self.where('.lock')}: {(self.read('.lock') or 'somebody').strip()} is writing to the lake"
                )
            time.sleep(0.2)
        self._mark = mark
        ended = threading.Event()
        keeper = threading.Thread(target=self._keep, args=(ended, mark), daemon=True)
        keeper.start()
        try:
            yield
        finally:
            ended.set()
            keeper.join()
            self._mark = ""
            if self.read(".lock") == mark:
                self.remove([".lock"])

    def _taken(self, mark: str) -> bool:
        """Make the lock, unless there is one."""
        from py4j.protocol import Py4JJavaError

        with errors(self.where(".lock")):
            try:
                self._write(".lock", mark, over=False)
            except Py4JJavaError as error:
                if "AlreadyExists" in _kind(error) or "already exists" in str(error.java_exception.getMessage()):
                    return False
                raise
        return True

    def _free(self) -> None:
        """Take away a lock that nobody touches any more."""
        from py4j.protocol import Py4JJavaError

        with errors(self.where(".lock")):
            try:
                touched = self._files.getFileStatus(self._path(".lock")).getModificationTime() / 1000
                if time.time() - touched > STALE:
                    self._files.delete(self._path(".lock"), False)
            except Py4JJavaError as error:
                if "FileNotFound" not in _kind(error):  # else it is gone already
                    raise

    def _keep(self, ended: threading.Event, mark: str) -> None:
        """Touch the lock from time to time, as long as it is ours; what fails once is tried again."""
        while not ended.wait(TOUCHED):
            with suppress(Exception):
                if self.read(".lock") == mark:
                    self._write(".lock", mark, over=True)


def _kind(error: Any) -> str:
    return str(error.java_exception.getClass().getName())


def _matches(name: str, pattern: str) -> bool:
    """Whether a name is one of those that ``pattern`` means: ``**`` is any number of folders."""
    parts = [".*" if part == "**" else re.escape(part).replace(r"\*", "[^/]*") for part in pattern.split("/")]
    text = "/".join(parts).replace(".*/", "(?:.*/)?")
    return re.fullmatch(text, name) is not None
