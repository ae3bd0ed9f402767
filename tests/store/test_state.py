"""The state file: nothing there until something changes, all or nothing, several processes."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from assay.model.errors import MachineError
from assay.store.state import State

CHANGE = {"date": "2024-03-01", "kind": "deploy", "what": "New checkout", "link": None, "noted_at": 1}


def test_reading_makes_no_file(tmp_path: Path) -> None:
    state = State(tmp_path / "deep" / "state.sqlite")
    assert state.read("changes") == []
    assert not state.path.exists()


def test_a_change_twice_is_one_and_keeps_its_link(tmp_path: Path) -> None:
    state = State(tmp_path / "state.sqlite")
    state.write("add_change", **CHANGE)
    state.write("add_change", **{**CHANGE, "link": "https://example.org/1"})
    state.write("add_change", **CHANGE)
    (row,) = State(tmp_path / "state.sqlite").read("changes")
    assert (row["date"], row["what"], row["link"]) == ("2024-03-01", "New checkout", "https://example.org/1")


def broken_off(state: State) -> None:
    with state.changing() as do:
        do("add_change", **CHANGE)
        raise RuntimeError("broken off")


def test_all_or_nothing(tmp_path: Path) -> None:
    state = State(tmp_path / "state.sqlite")
    with pytest.raises(RuntimeError, match="broken off"):
        broken_off(state)
    assert state.read("changes") == []


def test_a_broken_file_is_said(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    path.write_text("no database at all, but long enough to be read as one" * 40)
    with pytest.raises(MachineError, match=r"state\.sqlite"):
        State(path).read("changes")


def test_threads_share_one(tmp_path: Path) -> None:
    """None reads half of another's change, none begins one within another's."""
    state = State(tmp_path / "state.sqlite")
    uneven: list[int] = []

    def change(start: int) -> None:
        for n in range(start, start + 40):
            with state.changing() as do:
                do("add_change", **{**CHANGE, "what": f"a {n}"})
                do("add_change", **{**CHANGE, "what": f"b {n}"})
            uneven.append(len(state.read("changes")) % 2)

    with ThreadPoolExecutor(6) as threads:
        for done in [threads.submit(change, start) for start in range(0, 6000, 1000)]:
            done.result()
    assert (len(state.read("changes")), set(uneven)) == (480, {0})
    state.close()


def test_another_process_waits_its_turn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assay.store.state._SECONDS", 0.2)
    first, second = State(tmp_path / "state.sqlite"), State(tmp_path / "state.sqlite")
    second.write("add_change", **CHANGE)
    with first.changing() as do:
        do("remove_change", no=1)
        with pytest.raises(MachineError, match="locked"):
            second.write("remove_change", no=1)
        assert len(second.read("changes")) == 1
    assert second.read("changes") == []
    assert isinstance(second._open(), sqlite3.Connection)


def test_what_is_scrubbed_stands_in_no_file_or_that_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assay.store.state._SECONDS", 0.1)
    state = State(tmp_path / "state.sqlite")
    state.write("add_change", **{**CHANGE, "what": "asked by person-77"})
    reader = sqlite3.connect(state.path, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM changes").fetchall()
    assert state.scrub(("person-77",), "[erased]") == 1
    assert state.lingers
    assert b"person-77" in b"".join(path.read_bytes() for path in tmp_path.iterdir())
    reader.execute("COMMIT")
    state.scrub(("person-77",), "[erased]")
    assert not state.lingers
    assert b"person-77" not in b"".join(path.read_bytes() for path in tmp_path.iterdir())
