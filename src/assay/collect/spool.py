"""The spool: lines are on disk before anybody is told so. Segments of NDJSON, one open at a time per stream.

A stream is a source and a wire format. ``append`` returns when its lines have been written and synced: all that wait
while one sync runs go together with the next (group commit). A segment that ends is renamed; only then may it be
loaded. After a crash an open segment is cut back to its last whole line and ended.

Names: ``<first moment µs>-<collector>-<n>.<source>.<wire>.ndjson``, with ``.open`` behind while it is written.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import os
import re
import shutil
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from assay.store.disk import sync

_T = TypeVar("_T")
OPEN = ".open"
DAY = 86_400_000_000
_NAME = re.compile(r"(?P<start>\d+)-(?P<collector>[a-z0-9]+)-(?P<n>\d+)\.(?P<source>[^.]+)\.(?P<wire>[^.]+)\.ndjson")
_UNSAFE = re.compile(r"[^A-Za-z0-9_-]")


@dataclass(frozen=True)
class Stream:
    """Where lines come from: a write key's source and the wire format."""

    source: str
    wire: str

    @property
    def label(self) -> str:
        """As it stands in file names."""
        return f"{_UNSAFE.sub('_', self.source)[:60]}.{_UNSAFE.sub('_', self.wire)[:30]}"


@dataclass(frozen=True)
class Named:
    """What a segment's name says. ``day``: of its first line, UTC, as days since 1970."""

    start: int
    collector: str
    n: int
    source: str
    wire: str

    @property
    def day(self) -> int:
        """UTC day of the segment."""
        return self.start // DAY


def named(name: str) -> Named | None:
    """The parts of a segment's file name, open or ended; None for another file."""
    found = _NAME.fullmatch(name.removesuffix(OPEN))
    if found is None:
        return None
    return Named(int(found["start"]), found["collector"], int(found["n"]), found["source"], found["wire"])


class Full(Exception):
    """Too much is waiting to be written: the sender is to come back later."""


@dataclass
class _Segment:
    path: Path
    handle: int
    opened: float
    day: int
    size: int = 0  # bytes that are on disk for certain
    lines: int = 0


@dataclass
class _Waiting:
    stream: Stream
    data: bytes
    lines: int
    done: asyncio.Future[None]


@dataclass
class Spool:
    """One collector's own folder. Everything runs on one event loop; writing and syncing on one thread.

    ``roll_bytes``, ``roll_seconds``: when a segment ends. ``most_waiting``: bytes that may wait for the disk.
    """

    folder: Path
    collector: str = "c0"
    roll_bytes: int = 16_000_000
    roll_seconds: float = 4.0
    most_waiting: int = 32_000_000
    gather: float = 0.002  # seconds in which lines are gathered for one sync
    clock: Callable[[], int] = lambda: time.time_ns() // 1000
    _open: dict[Stream, _Segment] = field(default_factory=dict)
    _queue: list[_Waiting] = field(default_factory=list)
    _left: dict[Path, int] = field(default_factory=dict)  # segments that the disk took away, and what of them is safe
    _waiting: int = 0
    _wake: asyncio.Event | None = None
    _task: asyncio.Task[None] | None = None
    _pool: ThreadPoolExecutor | None = None
    _n: int = 0
    failing: str | None = None  # why the last write failed; None: it worked

    # -- for callers ------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Take over what an earlier process left, and begin to write. Call on the event loop."""
        self.folder.mkdir(parents=True, exist_ok=True)
        recover(self.folder, self.collector)
        self._pool = ThreadPoolExecutor(1, "spool")
        self._wake = asyncio.Event()
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Write what waits, end all segments."""
        if self._task is None or self._wake is None:
            return
        task, self._task = self._task, None
        self._wake.set()
        await task
        await self._on_disk(self._end_all)
        assert self._pool is not None
        self._pool.shutdown()

    async def append(self, stream: Stream, lines: Sequence[bytes]) -> None:
        """Return when the lines (each one JSON object without line breaks) are on disk.

        Raises Full where too much waits, OSError where the disk does not take them: then none of them counts as taken,
        and the sender has to send them again.
        """
        if not lines:
            return
        data = b"\n".join(lines) + b"\n"
        if self._waiting + len(data) > self.most_waiting or self._wake is None or self._task is None:
            raise Full
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append(_Waiting(stream, data, len(lines), done))
        self._waiting += len(data)
        self._wake.set()
        await done

    def waiting_lines(self) -> int:
        """Lines that are on disk in segments that have not ended."""
        return sum(one.lines for one in self._open.values())

    # -- writing ----------------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        assert self._wake is not None
        while True:
            timeout = self.roll_seconds / 4
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), timeout)
            if self._queue:
                await asyncio.sleep(self.gather)
            self._wake.clear()
            batch, self._queue = self._queue, []
            if batch or self._due():
                await self._commit(batch)
            if self._task is None and not self._queue:
                return

    async def _commit(self, batch: list[_Waiting]) -> None:
        try:
            failed = await self._on_disk(lambda: self._write(batch))
        except OSError as error:  # ending a segment failed; nothing of this batch was taken
            failed = {id(one): error for one in batch}
            self.failing = str(error)
        for one in batch:
            self._waiting -= len(one.data)
            if one.done.cancelled():
                continue
            why = failed.get(id(one))
            if why is None:
                one.done.set_result(None)
            else:
                one.done.set_exception(OSError(why.errno, why.strerror or str(why)))

    async def _on_disk(self, work: Callable[[], _T]) -> _T:
        assert self._pool is not None
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)

    # -- on the writing thread --------------------------------------------------------------------------------------

    def _write(self, batch: Iterable[_Waiting]) -> dict[int, OSError]:
        """Write and sync a batch; those whose stream's disk refused, by the identity of what waited."""
        by_stream: dict[Stream, list[_Waiting]] = {}
        for one in batch:
            by_stream.setdefault(one.stream, []).append(one)
        failed: dict[int, OSError] = {}
        self._roll()
        if self.failing and not by_stream:
            self._probe()
        for stream, members in by_stream.items():
            try:
                self._put(stream, members)
                self.failing = None
            except OSError as error:
                self.failing = error.strerror or str(error)
                failed |= {id(one): error for one in members}
        return failed

    def _probe(self) -> None:
        """Whether the disk takes something again: nobody may send to a collector whose health is bad."""
        path = self.folder / ".probe"
        with contextlib.suppress(OSError):
            with path.open("wb") as file:
                file.write(bytes(4096))
                file.flush()
                os.fsync(file.fileno())
            if not self._left:
                self.failing = None
        with contextlib.suppress(OSError):
            path.unlink()

    def _put(self, stream: Stream, members: Sequence[_Waiting]) -> None:
        segment = self._open.get(stream) or self._begin(stream)
        try:
            data = memoryview(b"".join(one.data for one in members))
            written = 0
            while written < len(data):
                written += os.write(segment.handle, data[written:])
            os.fdatasync(segment.handle)
        except OSError:
            self._cut(stream, segment)
            raise
        segment.size += len(data)
        segment.lines += sum(one.lines for one in members)

    def _cut(self, stream: Stream, segment: _Segment) -> None:
        """Take back what was not synced. Where even that fails the segment is ended by name and cut when it is read."""
        try:
            os.ftruncate(segment.handle, segment.size)
            os.lseek(segment.handle, segment.size, os.SEEK_SET)
        except OSError:
            self._leave(stream, segment)
            return
        if segment.size == 0:
            with contextlib.suppress(OSError):
                self._end(stream)

    def _leave(self, stream: Stream, segment: _Segment) -> None:
        """A segment that cannot be written any more: cut back and ended when the disk lets it, or at the next start."""
        with contextlib.suppress(OSError):
            os.close(segment.handle)
        del self._open[stream]
        self._left[segment.path] = segment.size

    def _mend(self) -> None:
        for path, size in list(self._left.items()):
            with path.open("r+b") as file:
                file.truncate(size)
                os.fsync(file.fileno())
            if size:
                path.rename(path.with_name(path.name.removesuffix(OPEN)))
            else:
                path.unlink()
            del self._left[path]

    def _begin(self, stream: Stream) -> _Segment:
        now = self.clock()
        self._n += 1
        path = self.folder / f"{now}-{self.collector}-{self._n}.{stream.label}.ndjson{OPEN}"
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o640)
        try:
            sync(self.folder)
        except OSError:
            os.close(handle)
            path.unlink(missing_ok=True)
            raise
        self._open[stream] = _Segment(path, handle, time.monotonic(), now // DAY)
        return self._open[stream]

    def _due(self) -> bool:
        now, day = time.monotonic(), self.clock() // DAY
        return bool(self._left or self.failing) or any(
            one.size >= self.roll_bytes or now - one.opened >= self.roll_seconds or one.day != day
            for one in list(self._open.values())
        )

    def _roll(self) -> None:
        """End what is due. Where the disk does not let it, that is tried again; what is in a segment is safe."""
        now, day = time.monotonic(), self.clock() // DAY
        for stream, one in list(self._open.items()):
            if one.size >= self.roll_bytes or now - one.opened >= self.roll_seconds or one.day != day:
                try:
                    self._end(stream)
                except OSError as error:
                    self.failing = error.strerror or str(error)
        try:
            self._mend()
        except OSError as error:
            self.failing = error.strerror or str(error)

    def _end(self, stream: Stream) -> None:
        """End a segment: from now on it may be loaded. An empty one goes. OSError: it stays open."""
        segment = self._open[stream]
        if segment.size == 0:
            segment.path.unlink(missing_ok=True)
        else:
            segment.path.rename(segment.path.with_name(segment.path.name.removesuffix(OPEN)))
        del self._open[stream]
        os.close(segment.handle)
        with contextlib.suppress(OSError):  # after a crash it may have its old name: then it is ended again
            sync(self.folder)

    def _end_all(self) -> None:
        for stream in list(self._open):
            with contextlib.suppress(OSError):  # taken over at the next start
                self._end(stream)


def recover(folder: Path, collector: str | None = None) -> list[Path]:
    """End what a dead process left open (of one collector, or of all): cut back to the last whole line, rename.

    What is cut was never acknowledged. Returns the ended segments.
    """
    ended = []
    for path in sorted(folder.glob(f"*{OPEN}")):
        known = named(path.name)
        if known is None or (collector is not None and known.collector != collector):
            continue
        whole = _whole_lines(path)
        if whole == 0:
            path.unlink()
            continue
        with path.open("r+b") as file:
            file.truncate(whole)
            os.fsync(file.fileno())
        target = path.with_name(path.name.removesuffix(OPEN))
        path.rename(target)
        ended.append(target)
    if ended:
        sync(folder)
    return ended


def _whole_lines(path: Path) -> int:
    """Bytes up to the first line that is no whole JSON object.

    After a crash the tail that was not synced may hold anything, zeros in its middle too; what was acknowledged is
    before it.
    """
    whole = 0
    with path.open("rb") as file:
        for line in file:
            if not line.endswith(b"\n") or not _is_json(line):
                break
            whole += len(line)
    return whole


def _is_json(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False


def moved(path: Path, target: Path) -> None:
    """Move a segment, also to another disk: there it has its name only when it is whole."""
    try:
        path.rename(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        part = target.with_name(f"{target.name}.part")
        shutil.copyfile(path, part)
        with part.open("rb") as file:
            os.fsync(file.fileno())
        part.rename(target)
        sync(target.parent)
        path.unlink()


def ended(folder: Path) -> list[Path]:
    """Segments that may be loaded, the oldest first; of all collectors below the folder."""
    found = [path for path in folder.rglob("*.ndjson") if named(path.name)]
    return sorted(found, key=lambda path: (named(path.name).start, path.name))  # type: ignore[union-attr]
