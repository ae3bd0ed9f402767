"""``assay demo``: which world, how large, into which folder, and what it says at the end."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from assay.cli.run import run
from assay.demo.worlds import WORLDS

SMALL = ("--days", "30", "--visitors", "400")


@pytest.mark.parametrize(
    "world", [one.name if n == 0 else pytest.param(one.name, marks=pytest.mark.soak) for n, one in enumerate(WORLDS)]
)
def test_a_world_is_built_loaded_and_asked(world: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "demo"
    assert run(["demo", str(folder), "--world", world, *SMALL]) == 0
    out, err = capfd.readouterr()
    assert err == ""
    assert out.startswith(f"{folder} is a demo {world} of 30 days; what is true of it stands in")
    told = re.fullmatch(r"(\d+) planted truths, found (\d+)", out.rstrip().splitlines()[-1])
    assert told is not None
    assert int(told[1]) - int(told[2]) == out.count("not found: ")
    assert run(["check", str(folder)]) == 0
    assert json.loads((folder / "demo-data" / "truth.json").read_text())["world"] == world


def test_another_world_needs_another_folder(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    folder = str(tmp_path / "demo")
    assert run(["demo", folder, "--world", "leads", *SMALL, "--format", "json"]) == 0
    answer = json.loads(capfd.readouterr().out)
    assert answer["question"] == "overview"
    for words, said in (
        (["--world", "saas"], "a demo of another world (leads)"),
        (["--world", "leads", "--seed", "8"], "another --seed (3)"),
        (["--world", "leads", "--days", "31"], "another --days (30)"),
        (["--world", "leads", "--no-truths"], "with planted truths"),
        (["--world", "lead"], "did you mean 'leads'?"),
    ):
        assert run(["demo", folder, *SMALL, *words]) == 2
        assert said in capfd.readouterr().err


def test_a_quiet_world_says_nothing_of_truths(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["demo", str(tmp_path / "demo"), "--no-truths", *SMALL]) == 0
    assert "planted" not in capfd.readouterr().out
