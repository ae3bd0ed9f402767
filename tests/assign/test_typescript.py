"""The browser's assignment is the same rule: built from a fresh install, it must give every vector."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from vectors import FILE

FRONTEND = Path(__file__).parent.parent.parent / "frontend"
RUN = """
import { readFileSync } from "node:fs";
import { assign, bucket, forcedBy, murmur3 } from "./assign.mjs";
const given = JSON.parse(readFileSync(process.argv[2], "utf8"));
const of = Object.fromEntries(given.config.experiments.map((one) => [one.name, one]));
const encoder = new TextEncoder();
console.log(JSON.stringify({
  hashes: given.hashes.map((one) => murmur3(encoder.encode(one.text), one.seed)),
  buckets: given.buckets.map((one) => bucket(one.salt, one.unit)),
  assignments: given.assignments.map((one) => assign(given.config, of[one.experiment], one.unit, one.forced, one.previous)),
  queries: given.queries.map((one) => forcedBy(one.query)),
}));
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the frontend, its packages installed as the lock file says, the assignment built."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("node and npm are not on this machine")
    folder = tmp_path_factory.mktemp("frontend") / "frontend"
    shutil.copytree(FRONTEND, folder, ignore=shutil.ignore_patterns("node_modules", "dist"))
    run(folder, "npm", "ci", "--ignore-scripts", "--prefer-offline")
    source = "tracker/src/assign.ts"
    run(
        folder,
        "npx",
        "esbuild",
        source,
        "--bundle",
        "--format=esm",
        "--target=es2020",
        "--minify",
        "--outfile=assign.mjs",
    )
    return folder


def run(folder: Path, *command: str) -> str:
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, encoding="utf-8", timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_vector(built: Path) -> None:
    (built / "run.mjs").write_text(RUN, encoding="utf-8")
    found: dict[str, list[Any]] = json.loads(run(built, "node", "run.mjs", str(FILE)))
    given = json.loads(FILE.read_text(encoding="utf-8"))
    assert found["hashes"] == [one["hash"] for one in given["hashes"]]
    assert found["buckets"] == [one["bucket"] for one in given["buckets"]]
    keys = ("variant", "reason", "bucket")
    assert found["assignments"] == [{key: one[key] for key in keys} for one in given["assignments"]]
    assert found["queries"] == [one["forced"] for one in given["queries"]]
    assert {one["reason"] for one in found["assignments"]} == {
        "forced",
        "sticky",
        "holdout",
        "layer",
        "traffic",
        "weights",
    }


def test_its_types_hold_and_it_is_small(built: Path) -> None:
    run(built, "npx", "tsc", "--noEmit", "-p", ".")
    assert (built / "assign.mjs").stat().st_size < 1500


def test_the_lock_file_names_no_address() -> None:
    text = (FRONTEND / "package-lock.json").read_text(encoding="utf-8")
    packages = json.loads(text)["packages"]
    assert all(one.get("integrity", "").startswith("sha512-") for name, one in packages.items() if name)
    assert "resolved" not in text
    assert "://" not in text
