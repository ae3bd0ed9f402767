"""A world of three months with items, exposures of two experiments and lines that cannot be used; what is asked of it.

For the questions that need a history, an experiment, products or a till: those that the small worlds leave empty.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

from query.world import DAY, START, ZONE, world
from support import Event, at, event

NOW = at("2024-06-14 00:00")
PLAN = f"""
site: {{name: Test, timezone: {ZONE}, currency: EUR}}
events:
  sign_up: {{properties: {{plan: string, seats: integer}}}}
  experiment_viewed: {{properties: {{experiment_id: string, variant: string}}}}
orders: {{cost: 55%}}
goals: {{order: {{event: purchase, kind: macro}}}}
segments: {{mobile: "device = 'mobile'"}}
funnels: {{ordered: {{steps: [view_item, add_to_cart, purchase], per: visitor, window: 7d}}}}
objectives: {{grow: {{goal: Grow}}}}
metrics:
  sessions: {{type: simple, count: session}}
  orders: {{type: simple, count: order}}
  revenue: {{type: simple, sum: revenue.net}}
  bought: {{type: conversion, goal: order, per: visitor}}
  purchase_rate: {{type: conversion, goal: order, per: session}}
  rpv: {{type: simple, sum: revenue.net, per: visitor}}
  aov: {{type: ratio, numerator: {{sum: revenue.net}}, denominator: {{count: order}}}}
  refund_rate: {{type: conversion, from: order, event: refund, per: order, within: 3d}}
kpis:
  revenue: {{objective: grow, target: +10% by 2024-06-30, baseline: 2024-03-20..2024-05-05}}
  purchase_rate: {{objective: grow, target: 40% by 2024-06-30}}
experiments:
  shown:
    primary: {{metric: bought, mde: 20%}}
    window: 3d
    diagnostics: [rpv, aov, purchase_rate]
    guardrails: [{{metric: refund_rate, margin: 20pp}}]
    strata: device
    cap: {{rpv: 60}}
    value: {{margin: 40%}}
    follow_up: 5d
  beside: {{primary: bought, window: 3d}}
"""
RANGE = {"from": "2024-05-06", "to": "2024-06-02"}

# A question, its arguments, its parameters.
ASKED: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
    ("pace", (), {}),
    ("why", ("revenue",), RANGE),
    ("why", ("purchase_rate",), {**RANGE, "by": ["device"]}),
    ("leaks", (), {**RANGE, "min_units": 10}),
    ("opportunity", ("ordered",), {**RANGE, "min_units": 10}),
    ("patterns", (), RANGE),
    ("experiment", (), {}),
    ("experiment-design", ("shown",), {}),
    ("experiment-qa", ("shown",), {}),
    ("experiment-readout", ("shown",), {}),
    ("experiment-readout", ("shown",), {"bayes": True, "by": ["device"]}),
    ("experiment-readout", ("shown",), {"daily": True}),
    ("experiment-readout", ("shown",), {"as_of": "2024-05-20T10:00:00Z"}),
    ("experiment-follow-up", ("shown",), {"days": [1, 9]}),
    ("experiment-value", (), {}),
    ("experiment-interaction", (["shown", "beside"],), {}),
    ("rollout", ("rpv",), {**RANGE, "by": "device", "start": {"desktop": "2024-05-20"}}),
    ("learnings", (), {}),
    ("programme", (), {}),
    ("backlog", (), {}),
    ("products", (), RANGE),
    ("products", (), {**RANGE, "pairs": True, "least": 1}),
    ("audit", (), {"all_metrics": True}),
    ("review", (), {}),
    ("versions", (), {}),
    ("catalog", (), {}),
    ("ledger", (), {"imports": True}),
    ("tracking", (), {"all": True}),
    ("waiting", (), {}),
    ("reconcile", ("till.csv",), RANGE),
    ("clv", (), {"from": "2024-03-20", "to": "2024-04-20", "at": "30d"}),
    ("changes", (), {}),
    ("alerts", (), RANGE),
]


def till() -> str:
    """What the till says: some orders, one that nobody tracked, one with another amount."""
    lines = ["order_id,time,amount,currency", "never,2024-05-08T10:00:00+00:00,10.00,EUR"]
    lines += [f"m2-o{n},2024-05-20T10:00:00+00:00,{n}.50,EUR" for n in range(20)]
    return "\n".join(lines) + "\n"


def longer(seed: int = 5) -> list[Event]:
    """Three months, each a world of its own with visitors of which every third comes back."""
    draw, made = random.Random(seed), []
    for month in range(3):
        for one in world(seed + month, visitors=36):
            line = {**one, "id": f"m{month}-{one['id']}", "time": one["time"] + month * 28 * DAY}
            visitor = one["visitor"]
            if visitor is not None and int(visitor[1:]) % 3:
                line["visitor"] = f"m{month}-{visitor}"
            if one.get("order_id"):
                line["order_id"] = f"m{month}-{one['order_id']}"
            if one["name"] in ("view_item", "add_to_cart", "purchase"):
                line["items"] = [_item(draw) for _ in range(draw.randint(1, 2))]
            made.append(line)
    return made + list(_exposures(draw, made)) + _unusable()


def _item(draw: random.Random) -> dict[str, Any]:
    n = draw.randint(1, 4)
    return {"item_id": f"i{n}", "item_name": f"Item {n}", "price": f"{n}.25", "quantity": draw.randint(1, 2)}


def _exposures(draw: random.Random, events: list[Event]) -> list[Event]:
    """The first thing a visitor of the last six weeks does is to see a variant of each experiment; a few see both."""
    first: dict[str, int] = {}
    for one in events:
        if one["visitor"] is not None and one["time"] > START + 45 * DAY:
            first[one["visitor"]] = min(one["time"], first.get(one["visitor"], one["time"]))
    made = []
    for visitor, time in sorted(first.items()):
        for name in ("shown", "beside"):
            for k in range(2 if draw.random() < 0.05 else 1):
                props = {"experiment_id": name, "variant": draw.choice(["control", "treatment"])}
                device = draw.choice(["mobile", "desktop", None])
                one = event(
                    visitor, "experiment_viewed", time + k, id=f"{visitor}-{name}-{k}", props=props, device=device
                )
                made.append(one | ({"received_at": time + 9 * DAY} if draw.random() < 0.2 else {}))
    return made


def _unusable() -> list[Event]:
    lines = [{"id": None, "visitor": "v1", "name": "click", "time": START, "source": "web"}]
    lines += [{"id": f"much-{n}", "visitor": "v1", "name": "purchase", "time": START, "amount": "much"} for n in (1, 2)]
    return lines


def place(folder: Path) -> None:
    """Put what the questions read besides the events into a workspace's folder."""
    (folder / "till.csv").write_text(till(), encoding="utf-8")
