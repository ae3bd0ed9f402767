"""The command line run in this process, and a small shop to ask."""

from __future__ import annotations

from pathlib import Path

import pytest
from commands import EVENTS, TILL, Assay, Ran

from assay.cli.run import run
from support import parquet


@pytest.fixture
def assay(capfd: pytest.CaptureFixture[str]) -> Assay:
    """``assay("metric", "rpv", folder)``: words of a command line; what came of it."""

    def call(*words: object) -> Ran:
        capfd.readouterr()
        code = run([str(word) for word in words])
        return Ran(code, *capfd.readouterr())

    return call


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop with two days of events and a file of its till. Tests only ask it."""
    folder = tmp_path_factory.mktemp("filled") / "shop"
    assert run(["init", str(folder)]) == 0
    plan = folder / "assay.yaml"
    two = "experiments:\n  reviews: {primary: rpv}\n  delivery: {primary: rpv}\n"
    plan.write_text(plan.read_text(encoding="utf-8").replace("experiments:\n", two), encoding="utf-8")
    lines = parquet(folder.parent / "lines.parquet", EVENTS)
    assert run(["import", "events", str(lines), "-w", str(folder)]) == 0
    (folder / "till.csv").write_text(TILL, encoding="utf-8")
    return folder


@pytest.fixture
def shop(tmp_path: Path, assay: Assay) -> Path:
    """A fresh shop without events."""
    assert assay("init", tmp_path / "shop").code == 0
    return tmp_path / "shop"
