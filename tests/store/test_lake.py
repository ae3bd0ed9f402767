"""The lake: whole versions only, parts that changed only, nothing of what was erased."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from assay.model.errors import MachineError
from assay.store.engines import choose, same, shown
from assay.store.engines.copying import copied
from assay.store.engines.duckdb import DuckDB
from assay.store.lake import MANIFEST, Lake, Manifest, Part, Place, Table
from assay.workspace import Workspace
from support import Event, bought, load, view, workspace

FIRST: list[Event] = [view("a", "2024-03-01 10:00"), view("b", "2024-03-02 10:00"), view("b", "2024-03-02 10:01", "/x")]
LATER: list[Event] = [bought("c", "2024-03-02 12:00", "o1", "9.90"), view("c", "2024-03-04 10:00")]


def loader(ws: Workspace) -> DuckDB:
    assert isinstance(ws.engine, DuckDB)
    return ws.engine


def said(lake: Lake, manifest: Manifest, table: str) -> list[tuple[object, ...]]:
    import duckdb

    files = [lake.place.where(file) for file in manifest.tables[table].files]
    with duckdb.connect() as connection:
        return connection.execute("SELECT * FROM read_parquet($files) ORDER BY ALL", {"files": files}).fetchall()


def test_only_days_that_changed_are_written(tmp_path: Path) -> None:
    lake = Lake(Place(tmp_path / "lake"))
    with workspace(tmp_path / "ws", "", FIRST) as ws:
        one = copied(loader(ws), lake)
        assert copied(loader(ws), lake) == one
        assert list(one.tables["events"].parts) == ["2024-03-01", "2024-03-02"]
        load(ws, LATER)
        two = copied(loader(ws), lake)
        parts, before = two.tables["events"].parts, one.tables["events"].parts
        assert {day: part.rows for day, part in parts.items()} == {"2024-03-01": 1, "2024-03-02": 3, "2024-03-04": 1}
        assert parts["2024-03-01"] == before["2024-03-01"]
        assert not set(parts["2024-03-02"].files) & set(before["2024-03-02"].files)
        assert two.tables["costs"] == one.tables["costs"]
        for table in two.tables:
            stored = loader(ws).connection.execute(f"SELECT * FROM {table} ORDER BY ALL").fetchall()
            assert [tuple(map(str, row)) for row in said(lake, two, table)] == [tuple(map(str, row)) for row in stored]


def test_who_reads_the_version_before_still_can(tmp_path: Path) -> None:
    lake = Lake(Place(tmp_path / "lake"))
    with workspace(tmp_path / "ws", "", FIRST) as ws:
        one = copied(loader(ws), lake)
        load(ws, LATER)
        two = copied(loader(ws), lake)
    assert len(said(lake, one, "events")) == 3
    lake.purge()
    assert set(lake.place.files("**/*.parquet")) == two.files
    assert lake.manifest() == Manifest(two.generation, two.source, two.tables)


def test_a_copy_that_breaks_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lake = Lake(Place(tmp_path / "lake"))
    with workspace(tmp_path / "ws", "", FIRST) as ws:
        one = copied(loader(ws), lake)
        load(ws, LATER)
        with monkeypatch.context() as broken:
            broken.setattr(Place, "replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
            with pytest.raises(MachineError, match="No space left"):
                copied(loader(ws), lake)
        assert lake.manifest() == one
        (tmp_path / "lake" / "events" / "day=2024-03-02" / f"{one.generation + 1}-7.parquet").write_bytes(b"half")
        two = copied(loader(ws), lake)
        assert two.generation == one.generation + 1
        assert len(said(lake, two, "events")) == 5


def test_a_table_without_rows_has_its_columns(tmp_path: Path) -> None:
    lake = Lake(Place(tmp_path / "lake"))
    with workspace(tmp_path / "ws", "events: {page_view: {properties: {n: integer}}}") as ws:
        made = copied(loader(ws), lake)
        assert made.tables["events"].columns["p_n"] == "BIGINT"
        assert made.tables["events"].columns["id_hash"] == "DECIMAL(20,0)"
        assert said(lake, made, "events") == []


def test_a_lake_of_another_version_is_not_read(tmp_path: Path) -> None:
    lake = Lake(Place(tmp_path))
    lake.commit(Manifest(), {"t": Table({"a": "BIGINT"}, {"": Part((), 0, "0")})}, "here")
    text = json.loads((tmp_path / MANIFEST).read_text(encoding="utf-8"))
    (tmp_path / MANIFEST).write_text(json.dumps(text | {"format": 99}), encoding="utf-8")
    with pytest.raises(MachineError, match="format 99"):
        lake.manifest()
    (tmp_path / MANIFEST).write_text('{"format": 1', encoding="utf-8")
    with pytest.raises(MachineError, match="no manifest of a lake"):
        lake.manifest()


def test_two_folders_that_name_one_lake_are_the_same_store(tmp_path: Path) -> None:
    one, other, third = (tmp_path / name / "assay-data" for name in ("one", "other", "third"))
    choose(one, "lake")
    choose(other, "lake", f"{one}/../assay-data/warehouse")
    choose(third, "lake", str(tmp_path / "elsewhere"))
    assert not same(one, other)  # nothing is there yet
    (one / "warehouse").mkdir()
    (one / "warehouse" / "manifest.json").write_text('{"generation": 1}')
    assert same(one, other)
    assert not same(one, third)
    assert not same(tmp_path, one)


@pytest.mark.parametrize(
    ("place", "seen"),
    [
        ("clickhouse://me:se@cr:et@host:8123/db", "clickhouse://me:…@host:8123/db"),
        ("clickhouse://me@host:8123/db", "clickhouse://me@host:8123/db"),
        ("sc://host:15002/;user_id=me;token=secret;use_ssl=true", "sc://host:15002/;user_id=me;token=…;use_ssl=true"),
        ("s3a://bucket/lake", "s3a://bucket/lake"),
    ],
)
def test_a_place_is_shown_without_its_password(place: str, seen: str) -> None:
    assert shown(place) == seen
