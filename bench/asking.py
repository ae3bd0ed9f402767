"""Scorecard, a metric by day and channel, and the funnel against SQL written by hand, same numbers, same store."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import assay
from assay.workspace import Workspace
from bench.timing import fastest

Case = tuple[str, Callable[[], Any], Callable[[], Any], Callable[[Any, Any], bool]]
HAND = Path(__file__).parent / "sql"


def run(folder: Path, millions: float, rounds: int) -> None:
    """Print one ratio per question; the numbers of both sides must be equal."""
    ws = assay.open(folder)
    overview = ws.overview()
    now, earlier = (text.split(" to ") for text in overview.notes[0].split(" against "))
    days = {"first": now[0], "last": now[1]}
    cases: tuple[Case, ...] = (
        ("scorecard", ws.overview, lambda: _scorecards(ws, days, earlier), _same_scorecard),
        (
            "purchase rate by day and channel",
            lambda: ws.metric("purchase_rate", grain="day", by="channel"),
            lambda: _sql(ws, "rate_by_day_and_channel", **days),
            _same_rates,
        ),
        (
            "funnel of four steps by device",
            lambda: ws.funnel("checkout", by="device"),
            lambda: _sql(ws, "funnel", **days),
            _same_funnel,
        ),
    )
    for name, ours, theirs, same in cases:
        if not same(ours(), theirs()):
            raise SystemExit(f"{name}: the numbers differ")
        a, b = fastest((ours, theirs), rounds)
        both = f"{a * 1000:.0f} ms, by hand {b * 1000:.0f} ms"
        print(f"{name}, {millions:g} million events: {both}, ratio {a / b:.2f} (bar 1.3)")
    ws.close()


def _sql(ws: Workspace, name: str, **values: str) -> list[tuple[Any, ...]]:
    text = (HAND / f"{name}.sql").read_text(encoding="utf-8")
    return list(ws.engine.connection.execute(text, values).fetchall())  # type: ignore[attr-defined]


def _scorecards(ws: Workspace, days: dict[str, str], before: list[str]) -> list[list[tuple[Any, ...]]]:
    """What the scorecard reads: the range, the one before, the baseline, and the days of the range."""
    earlier = {"first": before[0], "last": before[1]}
    baseline = {"first": "2026-07-03", "last": "2026-08-01"}
    return [*(_sql(ws, "scorecard", **range_) for range_ in (days, earlier, baseline)), _sql(ws, "daily", **days)]


def _same_rates(ours: Any, theirs: list[tuple[Any, ...]]) -> bool:
    rates = {(str(row[0]), row[1]): (row[3], row[4]) for row in ours.rows}
    return rates == {(str(row[0]), row[1]): (row[2], row[3]) for row in theirs}


def _same_funnel(ours: Any, theirs: list[tuple[Any, ...]]) -> bool:
    units = {(row[0], place % 4): row[2] for place, row in enumerate(ours.rows)}
    return units == {(row[0], step): row[1 + step] for row in theirs for step in range(4)}


def _same_scorecard(ours: Any, theirs: list[Any]) -> bool:
    value = {row[0]: float(row[8]) for row in ours.rows}
    visitors, buyers, net, contribution, carts, abandoned, orders, refunded = theirs[0][0][:8]
    expected = {
        "rpv": float(net) / visitors,
        "purchase_rate_visitor": buyers / visitors,
        "contribution_per_visitor": float(contribution) / visitors,
        "cart_abandonment": abandoned / carts,
        "refund_rate": refunded / orders,
    }
    return all(abs(value[name] - expected[name]) < 1e-9 for name in expected)
