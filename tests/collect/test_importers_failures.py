"""Files that cannot be read, and machines that fail: one line, no leftovers."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import duckdb
import pytest
from imported import Run

from assay.collect.importers import IMPORTERS, importer
from assay.collect.importers.work import Work, blocks, errors
from assay.model.errors import AssayError, DataError, MachineError, UnknownName, UsageError


def make(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("name", "content", "error", "message"),
    [
        ("a.csv", b"", DataError, "is empty"),
        ("a.csv", b"\n \n", DataError, "is empty"),
        ("a.parquet", b"hello world", DataError, "is no Parquet file"),
        ("a.parquet", b"PAR1 and then nothing", DataError, "was cut off"),
        ("a.parquet", b"PAR1" + b"\0" * 50 + b"PAR1", DataError, "a.parquet: "),
        ("a.csv.gz", b"\x1f\x8b\x08garbage", DataError, "archive is broken"),
        ("a.json", b'[{"name": "x"}]', DataError, "one object per line"),
        ("a.bin", b"\0\1\2\3" * 9, DataError, "neither Parquet nor text"),
    ],
)
@pytest.mark.parametrize("who", [one.name for one in IMPORTERS])
def test_unreadable_files(
    run: Run, tmp_path: Path, who: str, name: str, content: bytes, error: type[AssayError], message: str
) -> None:
    file = make(tmp_path / name, content)
    with pytest.raises(error, match=message) as caught:
        run(who, file)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.glob("spool/*"))


def test_missing_files_and_folders(run: Run, tmp_path: Path) -> None:
    good = make(tmp_path / "good.csv", b"name,time\nx,2024-01-01\n")
    with pytest.raises(UsageError, match="there is no such file"):
        run("events", good, tmp_path / "nowhere.csv")
    with pytest.raises(UsageError, match="is a folder"):
        run("events", tmp_path)
    with pytest.raises(UsageError, match="no file to import"):
        run("events")
    with pytest.raises(UnknownName, match="did you mean 'events'"):
        importer("event")
    with pytest.raises(UsageError, match="there is no encoding 'utf8888'"):
        run("events", good, options={"encoding": "utf8888"})


def test_bytes_that_are_not_utf8_are_one_bad_row_or_named_by_their_encoding(run: Run, tmp_path: Path) -> None:
    file = make(tmp_path / "a.csv", "name,time,who\nx,2024-01-01,Zoë\nx,2024-01-01,Max\n".encode("cp1252"))
    done = run("events", file)
    assert done.bad() == [(2, "the row is not utf-8 text (name its encoding, for example cp1252)")]
    assert [r["props"] for r in run("events", file, options={"encoding": "cp1252"}).rows()] == [
        '{"who":"Zoë"}',
        '{"who":"Max"}',
    ]


@pytest.mark.parametrize(
    "cause",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        duckdb.IOException("IO Error: Could not write file: No space left on device"),
        duckdb.OutOfMemoryException("failed to offload data block (max_temp_directory_size)"),
    ],
)
def test_a_full_disk_is_the_machines_fault(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cause: Exception
) -> None:
    file = make(tmp_path / "a.csv", b"name,time\nx,2024-01-01\n")
    original = Work.run

    def full(self: Work, sql: str, block: str, /, **fill: str) -> list[tuple[Any, ...]]:
        if block == "write_events":
            raise cause
        return original(self, sql, block, **fill)

    monkeypatch.setattr(Work, "run", full)
    with pytest.raises(MachineError, match=r"a.csv: the disk is full; make room"):
        run("events", file)
    assert not list(tmp_path.glob("spool/*"))


def test_errors_keep_their_own_kind() -> None:
    with pytest.raises(UsageError, match="mine"), errors("x"):
        raise UsageError("mine")
    with pytest.raises(MachineError, match="Permission denied"), errors("x"):
        raise PermissionError(errno.EACCES, "Permission denied")


def test_importers_describe_themselves() -> None:
    for one in IMPORTERS:
        assert one.summary
        assert all(field.description for field in one.Options.model_fields.values())


@pytest.mark.parametrize("file", ["common", "rows", "events", "ga360", "ga4", "costs"])
def test_sql_files_have_named_blocks(file: str) -> None:
    assert all(statements for statements in blocks(file).values())
