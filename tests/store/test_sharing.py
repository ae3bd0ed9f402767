"""Several processes on one store: any number ask at the same time; who changes it is alone."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from assay.model.errors import MachineError
from assay.store.engines import duckdb_file
from assay.workspace import Workspace
from support import NOW, load, value, view, workspace

PLAN = "metrics: {visitors: {type: simple, count: visitor}}\n"
ASKING = (
    "import sys, assay; w = assay.open(sys.argv[1]); print(w.ask('catalog') and w.span.events, flush=True); input()"
)


@contextmanager
def asked_elsewhere(folder: Path) -> Iterator[None]:
    """Another process has asked and keeps its workspace open."""
    with subprocess.Popen(
        [sys.executable, "-c", ASKING, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "1\n"
        yield
        other.communicate("\n")


def test_others_can_ask_while_one_has_asked(tmp_path: Path) -> None:
    workspace(tmp_path, PLAN, [view("a", "2024-01-01 10:00")]).close()
    with asked_elsewhere(tmp_path), Workspace(tmp_path, now=NOW) as ws:
        assert value(ws.ask("metric", "visitors")) == 1


def test_who_changes_the_store_waits_for_the_askers_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(duckdb_file, "LOCK_SECONDS", 0.5)
    ws = workspace(tmp_path, PLAN, [view("a", "2024-01-01 10:00")])
    ws.close()
    with asked_elsewhere(tmp_path), pytest.raises(MachineError, match="another assay process"):
        load(ws, [view("b", "2024-01-01 11:00")])
    load(ws, [view("b", "2024-01-01 11:00")])
    assert value(ws.ask("metric", "visitors")) == 2


def test_a_store_that_cannot_be_written_can_be_asked(tmp_path: Path) -> None:
    workspace(tmp_path, PLAN, [view("a", "2024-01-01 10:00")]).close()
    (tmp_path / "assay-data" / "store.duckdb").chmod(0o444)
    with Workspace(tmp_path, now=NOW) as ws:
        assert value(ws.ask("metric", "visitors")) == 1


def test_two_workspaces_of_one_process(tmp_path: Path) -> None:
    first = workspace(tmp_path, PLAN, [view("a", "2024-01-01 10:00")])
    assert value(first.ask("metric", "visitors")) == 1
    with Workspace(tmp_path, now=NOW) as second:
        assert value(second.ask("metric", "visitors")) == 1
        with pytest.raises(MachineError, match="close that workspace"):
            load(second, [view("b", "2024-01-01 11:00")])
        first.close()
        load(second, [view("b", "2024-01-01 11:00")])
        assert value(second.ask("metric", "visitors")) == 2
    assert value(first.ask("metric", "visitors")) == 2


def test_a_killed_process_leaves_no_temporary_files_for_ever(tmp_path: Path) -> None:
    ws = workspace(tmp_path, PLAN)
    left = tmp_path / "assay-data" / "store.99999.tmp"
    left.mkdir(parents=True)
    (left / "duckdb_temp_storage_DEFAULT-0.tmp").write_bytes(b"x")
    load(ws, [view("a", "2024-01-01 10:00")])
    assert not left.exists()
