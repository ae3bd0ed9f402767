"""The decoders under atheris, guided by coverage, from what real clients sent."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from hostile import Hostile

from assay.collect.protocols import PROTOCOLS

HARNESS = Path(__file__).parent / "decoders.py"
ROUTES = [(method, path.replace("*", "pk_test/config.js")) for p in PROTOCOLS for method, path in p.routes]

needs_atheris = pytest.mark.skipif(
    find_spec("atheris") is None,
    reason="atheris is not installed (pip install --group fuzz; it has no build for every Python)",
)


def corpus(folder: Path) -> Path:
    """The recordings as inputs of the harness."""
    folder.mkdir()
    for n, raw in enumerate(Hostile(0).seeds):
        path = raw.target.partition(b"?")[0].decode()
        route = ROUTES.index((raw.method.decode(), path))
        headers = b"\t".join(
            dict(raw.headers).get(name, b"") for name in (b"content-encoding", b"authorization", b"user-agent")
        )
        (folder / f"{n}").write_bytes(b"\1" + bytes([route, 7]) + headers + b"\n" + raw.body)
    return folder


def guided(tmp_path: Path, runs: int) -> str:
    # The peak of memory begins at that of who starts the process: a shell between, which has little.
    done = subprocess.run(
        ["sh", "-c", '"$@"; exit $?', "sh", sys.executable, str(HARNESS), f"-runs={runs}", "-max_len=8192", "-timeout=5", "-rss_limit_mb=1024", "-seed=1", str(corpus(tmp_path / "corpus"))],
        cwd=tmp_path, capture_output=True, text=True, timeout=1_800, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2_000:] + done.stderr[-4_000:]
    return done.stderr


@needs_atheris
def test_a_thousand_runs(tmp_path: Path) -> None:
    assert "DONE" in guided(tmp_path, 1_000)


@needs_atheris
@pytest.mark.soak
def test_half_a_million_runs(tmp_path: Path) -> None:
    assert "DONE" in guided(tmp_path, 500_000)
