"""Import from Parquet (deduplicated, sessions derived) against DuckDB's own INSERT … SELECT of the same files."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from pathlib import Path

LINES_PER_VISITOR = 7.65

_IMPORT = """
import resource, sys, time
from pathlib import Path
import assay
started = time.perf_counter()
ws = assay.open(sys.argv[1])
loaded = ws.import_files("events", [Path(p) for p in sys.argv[2:]])
ws.close()
memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(time.perf_counter() - started, memory, sum(one.stored for one in loaded))
"""

_PEER = """
import sys, time
import duckdb
started = time.perf_counter()
connection = duckdb.connect(sys.argv[1])
connection.execute("SET memory_limit = '1500MB'")
files = sys.argv[2:]
connection.execute("CREATE TABLE events AS SELECT * FROM read_parquet(?) LIMIT 0", [files])
connection.execute("INSERT INTO events SELECT * FROM read_parquet(?)", [files])
connection.close()
print(time.perf_counter() - started)
"""


def world(folder: Path, millions: float) -> list[Path]:
    """Simulated event files of about so many lines, made once per folder."""
    target = folder / f"world-{millions:g}m"
    if not target.exists():
        from assay.demo import build

        build(target, visitors=round(millions * 1e6 / LINES_PER_VISITOR))
    return sorted(target.glob("demo-data/*.parquet"))


def run(folder: Path, files: list[Path], millions: float) -> float:
    """Print the ratio and the memory; returns assay's seconds."""
    workspace, peer = folder / f"ws-{millions:g}m", folder / "peer.duckdb"
    names = [str(f) for f in files]
    ours, theirs, memory, stored = [], [], 0.0, 0
    for _ in range(2):
        shutil.rmtree(workspace, ignore_errors=True)
        workspace.mkdir(parents=True)
        shutil.copy(files[0].parent.parent / "assay.yaml", workspace)
        peer.unlink(missing_ok=True)
        theirs.append(float(_child(_PEER, str(peer), *names)))
        seconds, memory_text, stored_text = _child(_IMPORT, str(workspace), *names).split()
        ours.append(float(seconds))
        memory, stored = max(memory, float(memory_text)), int(stored_text)
    peer.unlink()
    print(
        f"import {stored:,} events: {min(ours):.1f} s, INSERT … SELECT {min(theirs):.1f} s, "
        f"ratio {min(ours) / min(theirs):.2f} (bar 4); peak memory {memory:,.0f} MB (bar 2,048 at ten million)"
    )
    return min(ours)


def _child(code: str, *arguments: str) -> str:
    time.sleep(0.5)
    done = subprocess.run([sys.executable, "-c", code, *arguments], check=True, capture_output=True, text=True)
    return done.stdout.strip().splitlines()[-1]
