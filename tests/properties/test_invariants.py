"""What must hold whatever the events are: order of loading, filters, merges, sums of parts, shrinking funnels."""

from __future__ import annotations

import random
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from assay.workspace import Workspace
from query.world import world
from support import Event, load, workspace

SPAN = {"from": "2024-03-20", "to": "2024-05-31"}
PLAN = """
site: {timezone: Europe/Berlin}
rules: {session_source: own}
events: {sign_up: {properties: {plan: string, seats: integer}}}
goals: {order: {event: purchase, kind: macro}}
segments: {mobile: "device = 'mobile'"}
metrics:
  visitors: {type: simple, count: visitor}
  sessions: {type: simple, count: session}
  order_rate: {type: conversion, goal: order, per: visitor}
  seats: {type: simple, sum: sign_up.seats, per: visitor}
  bounce_rate: {type: rate, of: session, where: is_bounce}
  later: {type: conversion, from: view_item, event: purchase, per: visitor, within: 3d}
funnels:
  ordered: {steps: [view_item, add_to_cart, purchase], window: 7d}
  strict: {steps: [page_view, view_item, add_to_cart], window: 7d, order: strict}
  unordered: {steps: [view_item, add_to_cart, purchase], window: 7d, order: unordered}
  levels: {steps: [page_view, page_view, view_item], window: 7d, order: windowfunnel}
"""
ASKED: tuple[tuple[str, tuple[Any, ...], dict[str, Any]], ...] = (
    ("metric", (["visitors", "sessions", "order_rate", "seats", "bounce_rate"],), {}),
    ("metric", (["later"],), {}),
    ("funnel", ("ordered",), {}),
    ("funnel", ("strict",), {}),
    ("funnel", ("unordered",), {}),
    ("retention", (), {"period": "week"}),
    ("lifecycle", (), {"period": "week"}),
    ("journey", (), {}),
    ("time-to", ("order",), {"start": "view_item"}),
    ("channels", (), {}),
    ("attribution", (), {"model": ["all"]}),
    ("sessions", (), {"limit": 0}),
)


def answers(ws: Workspace, **more: Any) -> dict[str, Any]:
    """Rows of every question; floats to twelve digits, ties of equal rank in any order."""
    found = {}
    for name, args, params in ASKED:
        answer = ws.ask(name, *args, **params, **SPAN, **more)
        rows = [tuple(float(f"{v:.12g}") if isinstance(v, float) else v for v in row) for row in answer.rows]
        found[f"{name} {args} {params}"] = sorted(rows, key=repr)
    return found


def unique(events: list[Event]) -> list[Event]:
    """Without the lines sent twice."""
    return list({e["id"]: e for e in events}.values())


@pytest.mark.parametrize("seed", [3, pytest.param(4, marks=pytest.mark.soak)])
def test_any_order_any_batches_twice(seed: int, tmp_path: Path) -> None:
    events = world(seed, 60)
    with workspace(tmp_path / "one", PLAN, events) as ws:
        expected = answers(ws)
    draw = random.Random(seed)
    shuffled = draw.sample(events, len(events))
    cuts = sorted(draw.sample(range(1, len(events)), 3))
    batches = [shuffled[a:b] for a, b in zip([0, *cuts], [*cuts, len(events)], strict=True)]
    with workspace(tmp_path / "many", PLAN, *batches, batches[0], batches[2]) as ws:
        assert answers(ws) == expected
        ws.rebuild()
        assert answers(ws) == expected


def test_a_filter_equals_filtering_the_events_first(tmp_path: Path) -> None:
    events = [e for e in unique(world(5, 60)) if e["name"] != "refund"]
    for e in events:  # a device belongs to a visitor here, so that no session is cut
        e["device"] = "mobile" if int(e["visitor"][1:]) % 2 else "desktop"
    with workspace(tmp_path / "all", PLAN, events) as ws:
        filtered = answers(ws, segment="mobile")
    with workspace(tmp_path / "some", PLAN, [e for e in events if e["device"] == "mobile"]) as ws:
        assert answers(ws) == filtered


def test_a_merge_of_identities_keeps_the_numbers_of_visitors(tmp_path: Path) -> None:
    events = [{**e, "user": None} for e in unique(world(6, 60))]
    asked = [("metric", (["visitors", "sessions", "order_rate", "seats", "bounce_rate"],)), ("funnel", ("ordered",))]
    with workspace(tmp_path, PLAN, events) as ws:
        before = [ws.ask(name, *args, **SPAN).rows for name, args in asked]
        users = ws.ask("funnel", "ordered", per="user", **SPAN).column("units")
        last = max(e["time"] for e in events if e["visitor"])
        names = sorted({e["visitor"] for e in events if e["visitor"] and not e.get("bot")})
        known = [
            {
                "id": f"login-{v}",
                "name": "login",
                "time": last + n,
                "visitor": v,
                "user": f"p{n // 2}",
                "interactive": False,
            }
            for n, v in enumerate(names)
        ]
        load(ws, known)
        assert [ws.ask(name, *args, **SPAN).rows for name, args in asked] == before
        merged = ws.ask("funnel", "ordered", per="user", **SPAN).column("units")
        assert merged[0] < users[0]


@pytest.mark.parametrize("seed", [7, pytest.param(8, marks=pytest.mark.soak)])
def test_funnels_shrink_and_parts_add_up(seed: int, tmp_path: Path) -> None:
    with workspace(tmp_path, PLAN, world(seed, 80)) as ws:
        for name in ws.plan.funnels:
            for per in ("visitor", "user", "session", "account"):
                window = {"window": "session"} if per == "session" else {}
                units = ws.funnel(name, per=per, **window, **SPAN).column("units")
                assert all(a >= b for a, b in pairwise(units)), (name, per)
            whole = ws.funnel(name, **SPAN).column("units")
            for by in ("device", "channel", "first_channel", "mobile"):
                rows = ws.funnel(name, by=by, **SPAN).records()
                steps = list(dict.fromkeys(r["step"] for r in rows))
                parts = [sum(int(r["units"]) for r in rows if r["step"] == step) for step in steps]  # type: ignore[call-overload]
                assert parts == whole, (name, by)
        for metric in ("visitors", "sessions", "order_rate", "seats"):
            total = ws.metric([metric], **SPAN).estimates[0].estimate
            groups = [one.estimate for one in ws.metric([metric], by="device", **SPAN).estimates]
            assert sum(g.numerator or 0 for g in groups) == (total.numerator or 0), metric


@pytest.mark.parametrize("seed", [9, pytest.param(10, marks=pytest.mark.soak)])
def test_credits_sum_to_the_conversions_and_revenue_to_the_cent(seed: int, tmp_path: Path) -> None:
    with workspace(tmp_path, PLAN, world(seed, 80)) as ws:
        models = (
            "first",
            "last",
            "last_non_direct",
            "linear",
            "position",
            "j",
            "inverse_j",
            "time_decay",
            "markov",
            "shapley",
        )
        orders = ws.channels(**SPAN)
        for model in models:
            rows = ws.attribution(model=[model], value="gross", **SPAN).records()
            conversions = sum(float(r["conversions"]) for r in rows)  # type: ignore[arg-type]
            assert conversions == pytest.approx(round(conversions), abs=1e-9), model
            revenue = sum(Decimal(str(r["revenue"])) for r in rows)
            first = ws.attribution(model=["first"], value="gross", **SPAN).records()
            assert revenue == sum(Decimal(str(r["revenue"])) for r in first), model
        assert orders.rows
