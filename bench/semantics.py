"""Sequences against ClickHouse's engine (chdb, MergeTree by event, day, visitor) with its own functions; equal numbers required."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench import world
from bench.timing import fastest

HAND = Path(__file__).parent / "sql"
RANGE = {"from": "2026-01-01", "to": "2026-03-31"}
STARTS = {"from": "2026-01-01", "to": "2026-03-23"}  # every window of seven days has closed
LAST30 = {"from": "2026-03-02", "to": "2026-03-31"}

_IMPORT = """
import resource, sys, time
from pathlib import Path
import assay
from assay.store.engine import Piece
started = time.perf_counter()
ws = assay.open(sys.argv[1])
(loaded,) = ws.load([Piece("bench", Path(sys.argv[2]))])
ws.close()
print(time.perf_counter() - started, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, loaded.stored)
"""

Rows = list[tuple[Any, ...]]


class Peer:
    """The same events in a MergeTree, with what a product stores beside each: session, its day, its channel."""

    def __init__(self, ws: Any, folder: Path) -> None:
        import chdb

        self.connection = chdb.connect(":memory:")
        path = folder / "peer.parquet"
        ws.engine.connection.execute(_EXPORT.format(path=path))
        self.connection.query(
            "CREATE TABLE events (event LowCardinality(String), day Date32, t UInt64, visitor Int64, session Int64, "
            "device LowCardinality(String), channel LowCardinality(String), path String, amount Decimal(18, 6)) "
            "ENGINE = MergeTree ORDER BY (event, day, visitor)"
        )
        self.connection.query(f"INSERT INTO events SELECT * FROM file('{path}', 'Parquet')")
        path.unlink()

    def rows(self, name: str) -> Rows:
        """A hand-written query of ``bench/sql``."""
        import json

        text = (HAND / f"clickhouse_{name}.sql").read_text(encoding="utf-8")
        answer = self.connection.query(text, "JSONCompactEachRow").bytes() or b""
        return [tuple(json.loads(line)) for line in answer.splitlines()]


_EXPORT = """
COPY (
    SELECT e.name AS event, s.day, e.t, e.visitor_key AS visitor, e.session_key AS session, e.device, s.channel, e.path,
        coalesce(e.amount, 0) AS amount
    FROM events e JOIN sessions s ON s.session_key = e.session_key
) TO '{path}' (FORMAT parquet)
"""

Case = tuple[str, str, float, Callable[[Any], Any], Callable[[Any], Rows]]


def _records(answer: Any, *names: str) -> Rows:
    place = [[c.name for c in answer.columns].index(n) for n in names]
    return [
        tuple(str(row[p]) if not isinstance(row[p], int | float | None) else row[p] for p in place)
        for row in answer.rows
    ]


CASES: tuple[Case, ...] = (
    (
        "ordered funnel of four steps, 7 days, by device",
        "funnel",
        2,
        lambda ws: ws.funnel("checkout", by="device", **STARTS),
        lambda a: _records(a, "device", "step", "units"),
    ),
    (
        "visitors and purchase rate by day and channel",
        "kpi",
        1,
        lambda ws: ws.metric(["visitors", "purchase_rate"], grain="day", by="channel", pick="any", **RANGE),
        lambda a: _records(a, "day", "channel", "visitors", "purchase_rate_numerator", "purchase_rate_denominator"),
    ),
    (
        "sessions and bounce by day",
        "sessions",
        0.7,
        lambda ws: ws.metric(["sessions", "bounce_rate"], grain="day", **RANGE),
        lambda a: _records(a, "day", "sessions", "bounce_rate_numerator"),
    ),
    (
        "weekly retention",
        "retention",
        1.3,
        lambda ws: ws.retention(period="week", periods=13, per="visitor", **RANGE),
        lambda a: [
            (str(e.group["cohort"])[:10], e.group["period"], e.estimate.numerator)
            for e in a.estimates
            if e.group["cohort"] != "average" and e.estimate.numerator
        ],
    ),
    (
        "first four pages",
        "journey",
        2,
        lambda ws: ws.journey(steps=4, edges=10_000, per="session", **RANGE),
        lambda a: [r for r in _records(a, "depth", "from", "to", "units") if not str(r[2]).startswith("(")],
    ),
    (
        "linear attribution, 30 days of lookback",
        "attribution",
        1.5,
        lambda ws: ws.attribution(model=["linear"], per="visitor", lookback="30d", value="gross", **LAST30),
        lambda a: _records(a, "channel", "conversions"),
    ),
)


def run(folder: Path, millions: float, rounds: int, only: str = "") -> None:
    """Import, then print one ratio per question, and strict and unordered against ordered."""
    import assay

    file = world.write(folder / f"sequences-{millions:g}m.parquet", millions)
    home = folder / f"sequences-{millions:g}m"
    if not (home / "assay-data").exists():
        home.mkdir(parents=True, exist_ok=True)
        (home / "assay.yaml").write_text(world.PLAN, encoding="utf-8")
        answer = subprocess.run(
            [sys.executable, "-c", _IMPORT, str(home), str(file)], capture_output=True, text=True, check=True
        )
        seconds, memory, stored = answer.stdout.split()
        size = sum(p.stat().st_size for p in (home / "assay-data").rglob("*") if p.is_file())
        print(
            f"import: {int(stored):,} events, {float(seconds):.0f} s, {float(memory) / 1024:.1f} GB of memory, {size / 1e9:.2f} GB on disk"
        )
    ws = assay.open(home)
    peer = Peer(ws, folder)
    for name, sql, bar, ours, read in CASES:
        if only and only not in sql:
            continue
        mine, theirs = sorted(map(_plain, read(ours(ws)))), sorted(map(_plain, peer.rows(sql)))
        if not (set(mine) <= set(theirs) if sql == "journey" else mine == theirs):
            print(
                f"{name}: THE NUMBERS DIFFER",
                [m for m in mine if m not in theirs][:3],
                [t for t in theirs if t not in mine][:3],
                len(mine),
                len(theirs),
            )
        a, b = fastest((lambda ours=ours: ours(ws), lambda sql=sql: peer.rows(sql)), rounds)  # type: ignore[misc]
        print(f"{name}, {millions:g} million events: {a:.2f} s, ClickHouse {b:.2f} s, ratio {a / b:.2f} (bar {bar:g})")
    if not only or only in "orders":
        orders = ("ordered", "strict", "unordered")
        times = fastest(
            tuple(lambda o=o: ws.funnel("checkout", by="device", order=o, **STARTS) for o in orders), rounds
        )  # type: ignore[misc]
        for order, seconds_ in zip(orders[1:], times[1:], strict=True):
            print(f"{order} funnel: {seconds_:.2f} s, ratio to ordered {seconds_ / times[0]:.2f} (bar 3)")
    import resource

    print(
        f"peak memory of this process, both sides: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.1f} GB (bar 6)"
    )
    ws.close()


def _plain(row: tuple[Any, ...]) -> tuple[str, ...]:
    return tuple(f"{v:.6g}" if isinstance(v, float) else str(v) for v in row)
