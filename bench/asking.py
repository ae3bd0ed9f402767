"""Scorecard, a metric by day and channel, and the funnel against SQL written by hand for the same numbers, same store."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import assay
from assay.workspace import Workspace

HAND = Path(__file__).parent / "sql"


def run(folder: Path, millions: float, rounds: int) -> None:
    """Print one ratio per question; the numbers of both sides must be equal."""
    ws = assay.open(folder)
    overview = ws.overview()
    first, last = overview.notes[0].split(" against ")[0].split(" to ")
    days = {"first": first, "last": last}
    before = overview.notes[0].split(" against ")[1].split(" to ")
    cases: tuple[tuple[str, Callable[[], Any], Callable[[], Any], Callable[[Any, Any], bool]], ...] = (
        (
            "scorecard",
            ws.overview,
            lambda: [
                _sql(ws, "scorecard", **days),
                _sql(ws, "scorecard", first=before[0], last=before[1]),
                _sql(ws, "scorecard", first="2026-07-03", last="2026-08-01"),
                _sql(ws, "daily", **days),
            ],
            _same_scorecard,
        ),
        (
            "purchase rate by day and channel",
            lambda: ws.metric("purchase_rate", grain="day", by="channel"),
            lambda: _sql(ws, "rate_by_day_and_channel", **days),
            lambda ours, theirs: (
                {(str(r[0]), r[1]): (r[3], r[4]) for r in ours.rows}
                == {(str(r[0]), r[1]): (r[2], r[3]) for r in theirs}
            ),
        ),
        (
            "funnel of four steps by device",
            lambda: ws.funnel("checkout", by="device"),
            lambda: _sql(ws, "funnel", **days),
            lambda ours, theirs: (
                {(r[0], i % 4): r[2] for i, r in enumerate(ours.rows)}
                == {(r[0], k): r[1 + k] for r in theirs for k in range(4)}
            ),
        ),
    )
    for name, ours, theirs, same in cases:
        if not same(ours(), theirs()):
            raise SystemExit(f"{name}: the numbers differ")
        a, b = _fastest(ours, theirs, rounds)
        print(
            f"{name}, {millions:g} million events: {a * 1000:.0f} ms, by hand {b * 1000:.0f} ms, ratio {a / b:.2f} (bar 1.3)"
        )
    ws.close()


def _sql(ws: Workspace, name: str, **values: str) -> list[tuple[Any, ...]]:
    text = (HAND / f"{name}.sql").read_text(encoding="utf-8")
    return list(ws.engine.connection.execute(text, values).fetchall())  # type: ignore[attr-defined]


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


def _fastest(ours: Callable[[], Any], theirs: Callable[[], Any], rounds: int) -> tuple[float, float]:
    """The fastest of each side, taken in turn."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        for call, kept in zip((ours, theirs), times, strict=True):
            started = time.perf_counter()
            call()
            kept.append(time.perf_counter() - started)
    return min(times[0]), min(times[1])
