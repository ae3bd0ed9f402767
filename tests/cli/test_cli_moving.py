"""``assay move`` and ``assay export --to`` as they are typed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from commands import Assay

from assay.workspace import Workspace
from support import rows


@pytest.fixture
def shop(filled: Path, tmp_path: Path) -> Path:
    shutil.copytree(filled, tmp_path / "shop")
    return tmp_path / "shop"


def counted(folder: Path) -> int:
    with Workspace(folder) as ws:
        return int(rows(ws, "SELECT count(*) FROM events")[0][0])


def test_to_another_folder_and_to_parquet_and_back(shop: Path, tmp_path: Path, assay: Assay) -> None:
    n = counted(shop)
    moved = assay("move", "--to", f"duckdb:{tmp_path / 'new'}", "-w", shop)
    assert (moved.code, moved.err) == (0, "")
    assert moved.out.startswith(f"{n:,} events of ")
    assert moved.out.endswith("Counts and checksums are equal on every day, sessions and orders too.\n")
    assert counted(tmp_path / "new") == n
    told = json.loads(assay("export", "--to", tmp_path / "out", "-w", tmp_path / "new", "--format", "json").out)
    assert told["events"] == n
    shutil.copyfile(shop / "assay.yaml", (tmp_path / "back").mkdir() or tmp_path / "back" / "assay.yaml")
    back = assay("move", "--from", tmp_path / "out", "-w", tmp_path / "back")
    assert f"{n:,} events of" in back.out
    assert "had come in before" in assay("move", "--from", tmp_path / "out", "-w", tmp_path / "back").out
    assert counted(tmp_path / "back") == n


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["move"], "say where to"),
        (["move", "--to", "elsewhere"], "write it as duckdb:DIR"),
        (["move", "--to", "oracle:x"], "not to oracle"),
        (["move", "--to", "sparc:x"], "did you mean 'spark'?"),
        (["move", "--to", "spark://master:7077"], "which cluster, ASSAY_SPARK"),
        (["move", "--to", "clickhouse:x"], "--place clickhouse://user@host:8123/database"),
        (["move", "--to", "duckdb:x", "--place", "s3a://b/l"], "DuckDB's file lies in the workspace"),
        (["move", "--to", "duckdb:."], "is where the events are"),
        (["move", "--to", "duckdb:assay-data"], "lie within each other"),
        (["move", "--to", "duckdb:.."], "lie within each other"),
        (["move", "--to", "duckdb:/etc/hostname"], "is a file; name a folder"),
        (["move", "--to", "clickhouse:x", "--place", "tcp://h/db"], "write ClickHouse's address as clickhouse://"),
        (["move", "--from", "nowhere"], "cannot be read"),
        (["export", "--to", "x", "--user", "u"], "--to takes everything"),
        (["export"], "say who (--user ID or --visitor ID), or where everything goes (--to DIR)"),
    ],
)
def test_a_mistake_is_one_line(
    shop: Path, assay: Assay, monkeypatch: pytest.MonkeyPatch, words: list[str], said: str
) -> None:
    monkeypatch.chdir(shop)
    done = assay(*words)
    assert (done.code, done.out) == (2, "")
    assert said in done.err
    assert done.err.count("\n") == 1


def test_a_place_that_cannot_be_used_leaves_the_folder_as_it_was(shop: Path, tmp_path: Path, assay: Assay) -> None:
    pytest.importorskip("clickhouse_connect")
    where = ["--place", "clickhouse://assay@127.0.0.1:1/shop", "-w", shop]
    done = assay("move", "--to", f"clickhouse:{tmp_path / 'new'}", *where)
    assert (done.code, done.out) == (3, "")
    assert "no ClickHouse answers there (connection refused)" in done.err
    assert not (tmp_path / "new").exists()
    (tmp_path / "known").mkdir()
    shutil.copyfile(shop / "assay.yaml", tmp_path / "known" / "assay.yaml")
    assert assay("move", "--to", f"clickhouse:{tmp_path / 'known'}", *where).code == 3
    assert [path.name for path in (tmp_path / "known").rglob("*")] == ["assay.yaml"]
    assert assay("move", "--to", f"duckdb:{tmp_path / 'known'}", "-w", shop).code == 0


def test_a_target_that_counts_otherwise_stays_as_it_is(shop: Path, tmp_path: Path, assay: Assay) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "assay.yaml").write_text("site: {name: Other}\n")
    done = assay("move", "--to", f"duckdb:{tmp_path / 'other'}", "-w", shop)
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert f"see assay plan diff {shop} {tmp_path / 'other'}" in done.err
    assert [path.name for path in (tmp_path / "other").rglob("*")] == ["assay.yaml"]


def test_a_half_moved_workspace_leaves_no_other_behind(shop: Path, tmp_path: Path, assay: Assay) -> None:
    (shop / "assay-data" / "moving.json").write_text('{"from": "/srv/old"}')
    done = assay("move", "--to", f"duckdb:{tmp_path / 'third'}", "-w", shop)
    assert done.code == 2
    assert "the move from /srv/old to" in done.err
    assert not (tmp_path / "third").exists()
