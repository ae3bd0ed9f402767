"""``assay import``: what it tells, what it keeps when something is broken or full."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from commands import Assay

from support import parquet, view

CSV = """\
id,name,time,visitor,amount
1,page_view,2024-03-01T10:00:00Z,a,
2,page_view,not a time,a,
3,page_view,2024-03-01T10:02:00Z,b,
4,,2024-03-01T10:03:00Z,b,
5,page_view,2024-03-01T10:04:00Z,c,
"""


def test_broken_rows_are_counted_and_kept_apart(assay: Assay, shop: Path, tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_text(CSV)
    ran = assay("import", "events", file, "-w", shop)
    assert (ran.code, ran.err) == (0, "")
    lines = ran.out.splitlines()
    assert lines[0] == "3 events stored, 2 rows in quarantine."
    assert sum("warning: 1 row: " in line for line in lines) == 2
    assert "rows.csv:3" in ran.out
    assert "rows.csv:5" in ran.out
    again = assay("import", "events", file, "-w", shop)
    assert again.code == 0
    assert again.out.startswith("Nothing new: this was imported before")
    assert stored(assay, shop) == 3


def stored(assay: Assay, shop: Path) -> int:
    answer = json.loads(assay("metric", "page_views", "-w", shop, "--format", "json").out)
    return int(answer["rows"][0][0]) if answer["rows"] else 0


@pytest.fixture(autouse=True)
def page_views(shop: Path) -> None:
    plan = shop / "assay.yaml"
    text = plan.read_text().replace("metrics:\n", "metrics:\n  page_views: {type: simple, count: page_view}\n")
    plan.write_text(text + "\nimports:\n  log: {map: {visitor: who, time: at}, name: page_view}\n")


def test_the_summary_in_json(assay: Assay, shop: Path, tmp_path: Path) -> None:
    lines = parquet(tmp_path / "lines.parquet", [view("a", "2024-03-01 10:00"), view("b", "2024-03-01 11:00")])
    found = json.loads(assay("import", "events", lines, "-w", shop, "--format", "json").out)
    names = [column["name"] for column in found["columns"]]
    assert dict(zip(names, found["rows"][0], strict=True)) == {
        "segments": 1, "loaded_before": 0, "rows": 2, "stored": 2, "duplicates": 0, "clashes": 0, "quarantined": 0,
    }  # fmt: skip
    assert found["notes"] == [
        "the store now holds 2 events, 2 visitors, 2 sessions, 0 orders, 0 refunds, 2024-03-01 to 2024-03-01"
    ]


def test_events_in_two_files_are_stored_once(assay: Assay, shop: Path, tmp_path: Path) -> None:
    one, two, three = (view(name, "2024-03-01 10:00") for name in "abc")
    first = parquet(tmp_path / "first.parquet", [one, two])
    second = parquet(tmp_path / "second.parquet", [two, three, {**one, "path": "/other"}])
    assert assay("import", "events", first, "-w", shop).out.startswith("2 events stored.")
    ran = assay("import", "events", second, "-w", shop)
    assert ran.out.startswith("1 event stored, 1 duplicate left out, 1 with a known id but other content.")


def test_a_mapping_by_flags_or_from_the_plan(assay: Assay, shop: Path, tmp_path: Path) -> None:
    file = tmp_path / "log.csv"
    file.write_text("who,at\na,2024-03-01 10:00\nb,2024-03-02 10:00\n")
    ran = assay("import", "events", file, "-w", shop, "--map", "visitor=who", "--map", "time=at", "--name", "page_view")
    assert ran.out.startswith("2 events stored."), ran
    file = tmp_path / "log2.csv"
    file.write_text("who,at\nc,2024-03-01 10:00\n")
    assert assay("import", "events", file, "-w", shop, "--mapping", "log").out.startswith("1 event stored.")
    assert stored(assay, shop) == 3


@pytest.mark.parametrize("broken", ["cut", "text", "empty"])
def test_a_corrupt_file_is_one_line_and_loses_nothing(assay: Assay, shop: Path, tmp_path: Path, broken: str) -> None:
    good = parquet(tmp_path / "good.parquet", [view("a", "2024-03-01 10:00")])
    assert assay("import", "events", good, "-w", shop).code == 0
    bad = tmp_path / "bad.parquet"
    whole = parquet(tmp_path / "whole.parquet", [view(str(n), "2024-03-01 10:00") for n in range(500)]).read_bytes()
    bad.write_bytes({"cut": whole[: len(whole) // 2], "text": b"hello", "empty": b""}[broken])
    for source in ("events", "ga360"):
        ran = assay("import", source, bad, "-w", shop)
        assert (ran.code, ran.out) == (2, "")
        assert len(ran.err.splitlines()) == 1
        assert "bad.parquet" in ran.err
    assert stored(assay, shop) == 1


def limited(words: list[object], size: int | None = None) -> subprocess.CompletedProcess[str]:
    """A command in a process of its own whose files may not grow beyond ``size`` bytes."""

    def limit() -> None:
        if size:
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    program = [sys.executable, "-m", "assay.cli", *map(str, words)]
    return subprocess.run(program, capture_output=True, text=True, check=False, preexec_fn=limit)


def test_a_full_disk_is_exit_3_and_loses_nothing(assay: Assay, shop: Path, tmp_path: Path) -> None:
    good = parquet(tmp_path / "good.parquet", [view("a", "2024-03-01 10:00")])
    assert assay("import", "events", good, "-w", shop).code == 0
    store = shop / "assay-data" / "store.duckdb"
    many = [view(f"v{n}", "2024-03-01 10:00", title=f"{n * 7919:x}" * 200) for n in range(4_000)]
    file = parquet(tmp_path / "many.parquet", many)
    for size in (store.stat().st_size + 4096, 100_000):
        ran = limited(["import", "events", file, "-w", shop], size)
        assert (ran.returncode, ran.stdout) == (3, ""), ran
        assert len(ran.stderr.splitlines()) == 1
        assert stored(assay, shop) == 1
    assert assay("import", "events", file, "-w", shop).out.startswith("4,000 events stored.")
    assert stored(assay, shop) == 4_001


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 3 MB; only root can make one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("a small disk can be mounted by root only")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_really_full_disk(assay: Assay, small_disk: Path, tmp_path: Path) -> None:
    shop = small_disk / "shop"
    assert assay("init", shop).code == 0
    good = parquet(tmp_path / "good.parquet", [view("a", "2024-03-01 10:00")])
    assert assay("import", "events", good, "-w", shop).code == 0
    file = parquet(tmp_path / "many.parquet", [view(f"v{n}", "2024-03-01 10:00") for n in range(50_000)])
    ran = assay("import", "events", file, "-w", shop)
    assert (ran.code, ran.out) == (3, ""), ran
    assert len(ran.err.splitlines()) == 1
    (shop / "filler").unlink(missing_ok=True)
    assert json.loads(assay("metric", "visitors", "-w", shop, "--format", "json").out)["rows"][0][0] == 1


def test_a_day_of_a_real_shop(assay: Assay, shop: Path, data_file: object) -> None:
    file = data_file("ga3_sessions_20170801_half.parquet")  # type: ignore[operator]
    ran = assay("import", "ga360", file, "-w", shop)
    assert ran.code == 0
    note = " ".join(ran.out.split())
    assert "1,200 visitors, 1,348 sessions, 22 orders" in note
