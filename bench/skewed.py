"""``python -m bench.skewed [--millions 4] [--keep DIR]``: one visitor with a million events, half of all events on one day.

The same questions over an even world and over the skewed one, of the same size, in one run: no question may be slower
out of proportion. Prints the seconds of both and their ratio, the dearest first.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path
from typing import Any

from bench import world
from bench.timing import fastest

WHALE = 1_000_000
BAR = 4.0
SHORT = 0.25  # seconds that nobody minds
RANGE = {"from": "2026-01-01", "to": "2026-03-31"}
ASKED: tuple[tuple[str, tuple[Any, ...], dict[str, Any]], ...] = (
    ("overview", (), {}),
    ("metric", (["purchase_rate", "bounce_rate"],), {"grain": "day"}),
    ("metric", (["purchase_rate"],), {"by": "channel"}),
    ("metric", (["seen_then_bought"],), {"by": "device"}),
    ("funnel", ("checkout",), {"by": "device"}),
    ("funnel", ("strict",), {}),
    ("funnel", ("loose",), {}),
    ("funnel", ("sessions",), {}),
    ("retention", (), {}),
    ("lifecycle", (), {}),
    ("features", (["add_to_cart"],), {}),
    ("journey", (), {"start": "/p/1"}),
    ("journey", (), {"paths": True, "goal": "order"}),
    ("time-to", ("order",), {"start": "view_item", "within": "7d"}),
    ("attribution", (), {"goal": "order"}),
    ("pages", (), {}),
    ("segments", ("purchase_rate",), {}),
    ("why", ("purchase_rate",), {}),
    ("sessions", (), {}),
    ("clv", (), {}),
    ("leaks", ("checkout",), {}),
    ("quality", (), {}),
)
PLAN = (
    world.PLAN.replace(
        "funnels:",
        "  seen_then_bought: {type: conversion, from: view_item, event: purchase, per: visitor, within: 7d}\nfunnels:",
    )
    + """\
  strict: {steps: [view_item, add_to_cart, purchase], per: visitor, window: 7d, order: strict}
  loose: {steps: [view_item, add_to_cart, purchase], per: visitor, window: 7d, order: unordered}
  sessions: {steps: [view_item, add_to_cart, purchase], per: session}
segments: {mobile: device = 'mobile'}
"""
)

_SKEW = """
COPY (
    SELECT * EXCLUDE (n) REPLACE (
        CASE WHEN hash(id) % 2 = 0 THEN 1771200000000000 + "time" % 86400000000 ELSE "time" END AS "time",
        CASE WHEN n % {every} = 0 AND n // {every} < {whale} THEN 'whale' ELSE visitor END AS visitor
    ) FROM (SELECT *, row_number() OVER () - 1 AS n FROM read_parquet('{even}'))
) TO '{path}' (FORMAT parquet)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--millions", type=float, default=4)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--keep", type=Path)
    options = parser.parse_args()
    folder = options.keep or Path(tempfile.mkdtemp(prefix="assay-bench-"))
    try:
        run(folder, options.millions, options.rounds)
    finally:
        if options.keep is None:
            shutil.rmtree(folder)


def run(folder: Path, millions: float, rounds: int) -> None:
    """Print every question's seconds on both worlds."""
    even, skewed = (_opened(folder / name, folder, millions, name == "skewed") for name in ("even", "skewed"))
    found = []
    for question, words, params in ASKED:
        ranged = {} if question in ("quality",) else RANGE

        def ask(
            ws: Any, question: str = question, words: Any = words, params: Any = params, ranged: Any = ranged
        ) -> Any:
            return ws.ask(question, *words, **params, **ranged)

        ask(even)  # a question that cannot be asked so says it here
        a, b = fastest((lambda ask=ask: ask(even), lambda ask=ask: ask(skewed)), rounds)
        name = " ".join([question, *(str(word) for word in words), *(f"{k}={v}" for k, v in params.items())])
        found.append((max(b, SHORT) / max(a, SHORT), name, a, b))
        print(f"{name}: even {a:.2f} s, skewed {b:.2f} s, ratio {b / a:.1f}", flush=True)
    worst = max(found)
    print(f"the worst of {len(found)}: {worst[1]}, ratio {worst[0]:.1f} (bar {BAR:g})")


def _opened(place: Path, folder: Path, millions: float, skew: bool) -> Any:
    import time

    import duckdb

    import assay
    from assay.store.engine import Piece

    file = world.write(folder / f"even-{millions:g}m.parquet", millions)
    if skew:
        path = folder / f"skewed-{millions:g}m.parquet"
        if not path.exists():
            every = max(1, int(millions * 1e6 / WHALE))
            with duckdb.connect() as connection:
                connection.execute(_SKEW.format(even=file, path=path, every=every, whale=WHALE))
        file = path
    place.mkdir(parents=True, exist_ok=True)
    (place / "assay.yaml").write_text(PLAN)
    ws = assay.open(place)
    began = time.perf_counter()
    ws.load([Piece(file.name, file)])
    print(f"{place.name}: loaded in {time.perf_counter() - began:.0f} s", flush=True)
    return ws


if __name__ == "__main__":
    main()
