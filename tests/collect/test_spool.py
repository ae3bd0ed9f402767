"""The spool: what is acknowledged is on disk, in the order it came; a failing disk takes nothing and recovers."""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from assay.collect import spool as module
from assay.collect.spool import OPEN, Full, Spool, Stream, ended, named, recover

WEB, APP = Stream("web", "own"), Stream("my app/1", "segment")
LINE = b'{"id":"a","name":"page_view"}'


def run(folder: Path, work: Callable[[Spool], Any], **options: Any) -> Any:
    async def whole() -> Any:
        spool = Spool(folder, **{"gather": 0.0, **options})
        spool.start()
        try:
            return await work(spool)
        finally:
            await spool.stop()

    return asyncio.run(whole())


def lines_of(folder: Path) -> list[bytes]:
    return [line for path in ended(folder) for line in path.read_bytes().splitlines()]


def test_what_is_appended_is_there_in_order(tmp_path: Path) -> None:
    async def work(spool: Spool) -> None:
        for n in range(5):
            await spool.append(WEB, [b'{"n":%d}' % n, b'{"n":%d}' % (n + 100)])

    run(tmp_path, work)
    assert lines_of(tmp_path) == [b'{"n":%d}' % k for n in range(5) for k in (n, n + 100)]
    (path,) = ended(tmp_path)
    assert path.name.endswith(".web.own.ndjson")


def test_each_stream_has_segments_of_its_own(tmp_path: Path) -> None:
    async def work(spool: Spool) -> None:
        await asyncio.gather(spool.append(WEB, [LINE]), spool.append(APP, [LINE, LINE]))

    run(tmp_path, work)
    assert sorted((named(p.name).source, named(p.name).wire) for p in ended(tmp_path)) == [  # type: ignore[union-attr]
        ("my_app_1", "segment"),
        ("web", "own"),
    ]


def test_a_segment_ends_by_size_by_age_and_at_midnight(tmp_path: Path) -> None:
    clock = [1_700_000_000_000_000]

    async def by_size(spool: Spool) -> None:
        for _ in range(3):
            await spool.append(WEB, [LINE])

    run(tmp_path / "size", by_size, roll_bytes=10)
    assert len(ended(tmp_path / "size")) == 3

    async def at_midnight(spool: Spool) -> None:
        await spool.append(WEB, [LINE])
        clock[0] += 86_400_000_000
        await spool.append(WEB, [LINE])

    run(tmp_path / "day", at_midnight, clock=lambda: clock[0])
    assert len({named(p.name).day for p in ended(tmp_path / "day")}) == 2  # type: ignore[union-attr]

    async def by_age(spool: Spool) -> int:
        await spool.append(WEB, [LINE])
        await asyncio.sleep(0.3)
        return len(ended(tmp_path / "age"))

    assert run(tmp_path / "age", by_age, roll_seconds=0.05) == 1


@pytest.mark.parametrize("part", [0, 7])
def test_a_full_disk_takes_nothing_and_recovers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: int) -> None:
    write, full = os.write, [False]

    def limited(handle: int, data: Any) -> int:
        if not full[0]:
            return write(handle, data)
        if part:
            write(handle, data[:part])  # the disk took the beginning of it
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(module.os, "write", limited)

    async def work(spool: Spool) -> None:
        await spool.append(WEB, [LINE])
        full[0] = True
        with pytest.raises(OSError, match="No space"):
            await spool.append(WEB, [b'{"lost":1}'])
        assert spool.failing == "No space left on device"
        full[0] = False
        await spool.append(WEB, [LINE])
        assert spool.failing is None

    run(tmp_path, work)
    assert lines_of(tmp_path) == [LINE, LINE]


def test_a_sync_that_fails_is_no_acknowledgement(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(_handle: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    async def work(spool: Spool) -> None:
        monkeypatch.setattr(module.os, "fdatasync", failing)
        with pytest.raises(OSError, match="Input/output"):
            await spool.append(WEB, [LINE])
        monkeypatch.undo()
        await spool.append(WEB, [b'{"n":2}'])

    run(tmp_path, work)
    assert lines_of(tmp_path) == [b'{"n":2}']


def test_too_much_waiting_is_refused_at_once(tmp_path: Path) -> None:
    async def work(spool: Spool) -> int:
        tries = [spool.append(WEB, [LINE]) for _ in range(50)]
        done = await asyncio.gather(*tries, return_exceptions=True)
        return sum(isinstance(one, Full) for one in done)

    busy = run(tmp_path, work, most_waiting=10 * len(LINE) + 10)
    assert busy == 40
    assert len(lines_of(tmp_path)) == 10


@pytest.mark.parametrize(
    ("tail", "kept"),
    [
        (b"", 2),
        (b'{"id":"half', 2),
        (b"\0" * 100, 2),
        (b"\0\0\n" + LINE + b"\n", 2),  # a block that was never written, behind it one that was
        (b'["no object"]\n', 2),
        (LINE + b"\n", 3),
    ],
)
def test_what_a_crash_left_is_cut_to_whole_lines(tmp_path: Path, tail: bytes, kept: int) -> None:
    path = tmp_path / f"1700000000000000-c0-1.web.own.ndjson{OPEN}"
    path.write_bytes((LINE + b"\n") * 2 + tail)
    other = tmp_path / f"1700000000000000-c1-1.web.own.ndjson{OPEN}"
    other.write_bytes(LINE + b"\n")
    empty = tmp_path / f"1700000000000000-c0-2.web.own.ndjson{OPEN}"
    empty.write_bytes(b"\0\0")
    assert recover(tmp_path, "c0") == [tmp_path / "1700000000000000-c0-1.web.own.ndjson"]
    assert lines_of(tmp_path) == [LINE] * kept
    assert other.exists()  # of a collector that may still write
    assert not empty.exists()


def test_other_files_are_no_segments() -> None:
    assert named("notes.ndjson") is None
    assert named("1-c0-1.web.own.ndjson.tmp") is None
    assert named("1-c0-1.web.own.ndjson").day == 0  # type: ignore[union-attr]
