"""The demo shop in several sizes, loaded once into a workspace each; what loading took is kept beside."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from bench import importing
from bench.scaling.asked import SECOND_TEST

LOADED = "loaded.json"
SEEN = "events-test.parquet"
# Those who begin to check out see the second test as well, one variant or the other.
_SEEN = """
COPY (
    SELECT * REPLACE (
        id || '-test' AS id, 'experiment_viewed' AS name, "time" + 1000 AS "time", NULL AS items,
        '{"experiment_id": "short_form", "variant": "' || if(hash(visitor) % 2 = 0, 'control', 'treatment') || '"}' AS props
    ) FROM read_parquet($files) WHERE name = 'begin_checkout'
) TO '{path}' (FORMAT parquet)
"""
_BUSY = """
SELECT v.visitor FROM visitors v JOIN sessions s ON s.visitor_key = v.visitor_key
GROUP BY v.visitor ORDER BY count(*) DESC, v.visitor LIMIT 1
"""


def loaded(folder: Path, millions: float) -> dict[str, Any]:
    """Make and load ``folder/millions`` if it is not there yet; what loading took."""
    place = folder / f"{millions:g}"
    if not (place / LOADED).exists():
        files = importing.world(folder, millions)
        _see(files[0].parent)
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        plan = (files[0].parent.parent / "assay.yaml").read_text(encoding="utf-8")
        (place / "assay.yaml").write_text(plan.replace("\nchanges:", SECOND_TEST + "\nchanges:", 1), encoding="utf-8")
        subprocess.run([sys.executable, "-m", "bench.scaling.worlds", str(place), str(files[0].parent)], check=True)
    found: dict[str, Any] = json.loads((place / LOADED).read_text(encoding="utf-8"))
    return found


def _see(data: Path) -> None:
    """Write the exposures to the second test, once."""
    import duckdb

    files, path = [str(file) for file in sorted(data.glob("events-0*.parquet"))], data / SEEN
    if not path.exists():
        with duckdb.connect() as connection:
            connection.execute(_SEEN.replace("{path}", str(path)), {"files": files})


def facts(place: Path) -> dict[str, str]:
    """What fills the places of the questions in a loaded workspace."""
    found = json.loads((place / LOADED).read_text(encoding="utf-8"))
    return {"data": found["data"], "visitor": found["visitor"]}


def main() -> None:
    """In a process of its own, so that the peak of its memory is that of loading."""
    import resource
    import time

    import assay
    from assay.cli.demo import lock_tests
    from assay.store.engine import Statement

    place, data = map(Path, sys.argv[1:])
    began = time.perf_counter()
    with assay.open(place) as ws:
        done = ws.import_files("events", sorted(data.glob("events-*.parquet")))
        seconds = time.perf_counter() - began
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        ws.import_files("costs", [data / "costs.csv"])
        lock_tests(ws)
        ((visitor,),) = ws.engine.run(Statement(_BUSY)).rows
        size = ws.engine.path.stat().st_size  # type: ignore[attr-defined]
    found = {"events": sum(one.stored for one in done), "seconds": seconds, "memory": peak, "size": size}
    text = json.dumps({**found, "data": str(data), "visitor": visitor}, indent=1)
    (place / LOADED).write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
