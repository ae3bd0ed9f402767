"""Versions in a database of ClickHouse: which one is present, whatever clocks say, and whatever others delete."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from assay.model.errors import MachineError
from assay.store.engine import Statement
from assay.workspace import Workspace
from support import load, view, workspace


def place_of(ws: Workspace) -> Any:
    engine: Any = ws.engine
    return engine.warehouse.place


def count(ws: Workspace) -> Any:
    return ws.engine.run(Statement("SELECT count(*) FROM events")).rows[0][0]


def test_a_clock_that_steps_back(tmp_path: Path) -> None:
    """What was written by a clock that is ahead does not hide what comes after it."""
    with workspace(tmp_path, "site: {timezone: UTC}\n", [view("a", "2024-03-01 10:00")], engine="clickhouse") as ws:
        place = place_of(ws)
        table = place.where("manifest_")
        ahead = f"INSERT INTO {table} (written, text) SELECT now64(6) + INTERVAL 1 HOUR, text FROM {table} ORDER BY JSONExtractUInt(text, 'generation') DESC LIMIT 1"
        place.transport.run(ahead, {}, "a clock that is ahead")
        assert load(ws, [view("b", "2024-03-01 11:00")], "later").stored == 1
        assert count(ws) == 2
        assert load(ws, [view("b", "2024-03-01 11:00")], "later").again


def test_a_table_that_another_process_has_dropped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is stored, and it is said; the load can be repeated."""
    with workspace(tmp_path, "site: {timezone: UTC}\n", [view("a", "2024-03-01 10:00")], engine="clickhouse") as ws:
        place = place_of(ws)
        real, before = type(place).settle, set(place.files())
        with monkeypatch.context() as changed:

            def settle(self: Any, names: Any) -> None:
                place.remove(sorted(set(names) - before)[:1])
                real(self, names)

            changed.setattr(type(place), "settle", settle)
            with pytest.raises(MachineError, match="is gone: another process writes"):
                load(ws, [view("b", "2024-03-01 11:00")], "later")
        assert count(ws) == 1
        assert load(ws, [view("b", "2024-03-01 11:00")], "later").stored == 1
        assert count(ws) == 2
