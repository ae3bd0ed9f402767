"""``assay move`` killed at random moments and begun again: in the end both stores hold the same, day by day."""

from __future__ import annotations

import os
import random
import subprocess
import time
from pathlib import Path

import duckdb
import pytest

from serving import ASSAY
from support import at, bought, load, view, workspace

DAYS = "SELECT day, count(*), count(DISTINCT id), bit_xor(hash(id, name, t, visitor, path, order_id, amount, props)) FROM events GROUP BY day ORDER BY day"
SESSIONS = "SELECT day, count(*), sum(events), sum(page_views) FROM sessions GROUP BY day ORDER BY day"
SEGMENTS = {1: 4, 10: 12}  # of 301 events each


def held(folder: Path) -> list[list[tuple[object, ...]]]:
    with duckdb.connect(str(folder / "assay-data" / "store.duckdb"), read_only=True) as store:
        return [store.sql(sql).fetchall() for sql in (DAYS, SESSIONS)]


@pytest.mark.parametrize("kills", [1, pytest.param(10, marks=pytest.mark.soak)])
def test_a_move_that_is_killed_goes_on(tmp_path: Path, kills: int) -> None:
    with workspace(tmp_path / "from", now=at("2024-04-01 00:00")) as ws:
        for segment in range(SEGMENTS[kills]):
            events = [
                view(f"v{n % 40}", f"2024-03-{n % 28 + 1:02d} {segment:02d}:{n % 60:02d}", f"/{n}") for n in range(300)
            ]
            load(ws, [*events, bought("v1", f"2024-03-05 {segment:02d}:30", f"o{segment}", "9.99")], f"s{segment}")
    words = [*ASSAY, "move", "--to", f"duckdb:{tmp_path / 'to'}", "-w", str(tmp_path / "from")]
    small = {**os.environ, "ASSAY_MOVE_BATCH": "300"}  # one segment in a transaction
    before, began = held(tmp_path / "from"), time.monotonic()
    whole = subprocess.run(
        [*words[:-3], f"duckdb:{tmp_path / 'try'}", *words[-2:]], env=small, check=False, capture_output=True
    )
    took = time.monotonic() - began
    assert b"Counts and checksums are equal" in whole.stdout, whole.stderr
    chance, broken = random.Random(kills), 0
    for _ in range(kills):
        process = subprocess.Popen(words, env=small, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        time.sleep(chance.uniform(0.3, 1.0) * took)
        broken += process.poll() is None
        process.kill()
        process.communicate()
    assert broken > 0
    done = subprocess.run(words, env=small, check=False, capture_output=True, text=True)
    assert f"{301 * SEGMENTS[kills]:,} events of 28 days" in done.stdout, done.stderr
    assert held(tmp_path / "to") == held(tmp_path / "from") == before
