"""Small worlds for the situations: visitors by the hundred, whose conversions are counted by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from assay.workspace import Workspace
from support import Event, at, bought, event, view, workspace

MARCH = {"from": "2024-03-01", "to": "2024-03-28"}
PLAN = "site: {name: Test, currency: EUR}\ngoals: {order: {event: purchase, kind: macro, journey: shop}}\n"
Evidence = Mapping[str, Any]


def moments(many: int, first: str = "2024-03-01", days: int = 28) -> list[int]:
    """As many moments, spread over the days."""
    start = date.fromisoformat(first)
    return [at(f"{start + timedelta(n % days)} 10:00") + n * 1_000_000 for n in range(many)]


def chosen(n: int, wins: int, many: int) -> bool:
    """Exactly ``wins`` of the numbers below ``many``, spread over the days without an order."""
    return (n * 7919) % many < wins  # a prime that no ``many`` here is a multiple of


def group(
    name: str, many: int, wins: int, paths: Sequence[str] = ("/",), first: str = "2024-03-01", days: int = 28,
    amount: str = "50.00", props: Mapping[str, Any] | None = None, coupon: str | None = None, **told: Any,
) -> list[Event]:  # fmt: skip
    """``many`` visitors who see these pages, ``wins`` of whom buy."""
    events: list[Event] = []
    for n, t in enumerate(moments(many, first, days)):
        who, given = f"{name}{n}", {**told, **({"props": dict(props)} if props else {})}
        events += [view(who, t + k * 10_000_000, path, **given) for k, path in enumerate(paths)]
        if chosen(n, wins, many):
            more = {"props": {"coupon": coupon}} if coupon else {}
            events.append(bought(who, t + 60_000_000, f"{name}-{n}", amount, **told, **more))
    return events


def doing(name: str, many: int, did: str, **more: Any) -> list[Event]:
    """The first ``many`` visitors of a group also did something, half a minute after they came."""
    first, days = more.pop("first", "2024-03-01"), more.pop("days", 28)
    return [event(f"{name}{n}", did, t + 30_000_000, **more) for n, t in enumerate(moments(many, first, days))]


def looked(ws: Workspace, name: str, **params: Any) -> tuple[str, list[Evidence]]:
    """The state of a situation and the evidence of its cases."""
    answer = ws.ask("patterns", names=[name], **{**MARCH, **params})
    (row,) = answer.records()
    assert (row["seen"] is None) == (row["state"] != "found")
    assert {f.code for f in answer.findings} <= {name}
    return row["state"], [f.evidence for f in answer.findings]


def state(
    folder: Path, name: str, *batches: Sequence[Event], plan: str = PLAN, engine: str = "duckdb", **params: Any
) -> str:
    """The state alone, of a world of its own."""
    with_events = [e for batch in batches for e in batch]
    ws = workspace(folder, plan, with_events, engine=engine)
    try:
        return looked(ws, name, **params)[0]
    finally:
        ws.close()


def costs(ws: Workspace, rows: Sequence[tuple[Any, ...]], header: str) -> None:
    """Ad costs as a plain table."""
    file = ws.folder / "costs.csv"
    file.write_text("\n".join([header, *(",".join(str(v) for v in row) for row in rows)]) + "\n", encoding="utf-8")
    ws.import_files("costs", [file])
