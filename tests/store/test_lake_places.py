"""A lake in a folder, and one in a file system that Spark reaches by address: the same from outside."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from assay.model.errors import MachineError
from assay.store import lake as lake_module
from assay.store.engines import choose, hadoop_place
from assay.store.engines.hadoop_place import HadoopPlace, _matches
from assay.store.lake import Lake, Manifest, Part, Place, Table
from store.test_warehouses import tables
from support import at, bought, load, view, workspace

EVENTS = [view("a", "2024-03-01 10:00"), bought("a", "2024-03-02 10:00", "o1", "9.90"), view("b", "2024-03-02 11:00")]


@pytest.fixture(params=["folder", pytest.param("address", marks=pytest.mark.soak)])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "folder":
        return Place(tmp_path / "lake")
    request.getfixturevalue("spark")
    return HadoopPlace(f"file://{tmp_path}/lake")


def test_a_place_keeps_texts_and_files(place: Place, tmp_path: Path) -> None:
    assert place.read("manifest.json") is None
    assert place.files("**/*.parquet") == []
    place.folder("")
    for text in ("one", "two\n☕"):
        place.replace("manifest.json", text)
        assert place.read("manifest.json") == text
    for name in ("events/load=1-1/day=2024-03-01/a.parquet", "events/load=2-1/b.parquet", "costs/c.parquet"):
        (tmp_path / "made").write_bytes(name.encode())
        place.put(tmp_path / "made", name)
        assert place.fetched(name).read_bytes() == name.encode()
    assert not (tmp_path / "made").exists()
    assert place.files("events/**/*.parquet") == [
        "events/load=1-1/day=2024-03-01/a.parquet",
        "events/load=2-1/b.parquet",
    ]
    assert place.files("**/load=1-*/**/*.parquet") == ["events/load=1-1/day=2024-03-01/a.parquet"]
    place.remove(["costs/c.parquet", "events/load=2-1/b.parquet", "never/there.parquet"])
    assert place.files("**/*.parquet") == ["events/load=1-1/day=2024-03-01/a.parquet"]
    place.clear("events")
    assert place.files("**/*.parquet") == []


def test_one_writer_at_a_time(place: Place) -> None:
    inside, most = [0], [0]

    def write() -> None:
        with place.alone():
            inside[0] += 1
            most[0] = max(most[0], inside[0])
            time.sleep(0.1)
            inside[0] -= 1

    threads = [threading.Thread(target=write) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1]


def test_a_version_that_somebody_else_has_written_is_not_written_over(place: Place, tmp_path: Path) -> None:
    (tmp_path / "made").write_bytes(b"x")
    place.put(tmp_path / "made", "t/load=1-1/a.parquet")
    table = Table({"a": "BIGINT"}, {"": Part(("t/load=1-1/a.parquet",))})
    lake = Lake(place)
    first = lake.commit(Manifest(), {"t": table}, "")
    assert lake.manifest() == first
    with pytest.raises(MachineError, match="somebody else has written version 1 meanwhile"):
        lake.commit(Manifest(), {"t": table}, "")


@pytest.mark.soak
def test_a_lock_that_nobody_holds_any_more_is_taken(
    spark: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = HadoopPlace(f"file://{tmp_path}/lake")
    place.folder("")
    place._write(".lock", "process 1 of another machine", over=False)
    monkeypatch.setattr(hadoop_place, "PATIENCE", 0.5)
    with pytest.raises(MachineError, match="process 1 of another machine is writing"), place.alone():
        pass
    monkeypatch.setattr(hadoop_place, "STALE", 0.1)
    with place.alone():
        assert "of another machine" not in (place.read(".lock") or "")
    assert place.read(".lock") is None


@pytest.mark.soak
def test_who_was_taken_for_dead_makes_no_version(spark: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = (HadoopPlace(f"file://{tmp_path}/lake") for _ in range(2))
    one.folder("")
    monkeypatch.setattr(hadoop_place, "STALE", 0.1)
    (tmp_path / "made").write_bytes(b"x")
    table = Table({"a": "BIGINT"}, {"": Part(("t/load=1-1/a.parquet",))})
    with one.alone():
        one.put(tmp_path / "made", "t/load=1-1/a.parquet")
        time.sleep(1.2)  # files keep the moment of a change in whole seconds
        with two.alone():
            mark = two.read(".lock")
            with pytest.raises(MachineError, match="has taken this lock over"):
                Lake(one).commit(Manifest(), {"t": table}, "")
            two.remove(["t/load=1-1/a.parquet"])  # as a load does with what a dead one left
            one._mark = ""
            with pytest.raises(MachineError, match="has taken this lock over"):
                Lake(one).commit(Manifest(), {"t": table}, "")
            assert Lake(two).manifest() == Manifest()
            assert two.read(".lock") == mark
    assert one.read(".lock") is None


@pytest.mark.soak
def test_a_place_that_cannot_be_written_to_is_told(spark: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hadoop_place, "PATIENCE", 3)
    with pytest.raises(MachineError, match=r"\.lock"), HadoopPlace("file:///proc/nowhere").alone():
        pass


@pytest.mark.soak
def test_a_workspace_whose_lake_has_an_address(spark: str, tmp_path: Path) -> None:
    now = at("2025-01-01 00:00")
    choose(tmp_path / "there" / "assay-data", "lake", f"file://{tmp_path}/far/lake")
    with workspace(tmp_path / "here", now=now) as here, workspace(tmp_path / "there", now=now, engine=None) as there:
        for ws in (here, there):
            load(ws, EVENTS[:2], "one")
            load(ws, EVENTS[2:], "two")
        assert tables(there) == tables(here)
    assert (tmp_path / "far" / "lake" / lake_module.MANIFEST).exists()
    assert not (tmp_path / "there" / "assay-data" / "warehouse").exists()


@pytest.mark.parametrize(
    ("name", "pattern", "matches"),
    [
        ("a.parquet", "**/*.parquet", True),
        ("x/y/a.parquet", "**/*.parquet", True),
        ("x/load=3-1/a.parquet", "**/load=3-*/**/*.parquet", True),
        ("x/load=31-1/a.parquet", "**/load=3-*/**/*.parquet", False),
        ("x/a.json", "**/*.parquet", False),
        ("x/y/a.parquet", "x/*.parquet", False),
    ],
)
def test_names_match_as_in_a_folder(name: str, pattern: str, matches: bool, tmp_path: Path) -> None:
    assert _matches(name, pattern) == matches
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    assert (name in Place(tmp_path).files(pattern)) == matches
