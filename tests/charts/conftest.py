"""A small shop whose figures are worked out by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.workspace import Workspace
from support import bought, event, view, workspace

PLAN = """
site: {name: Test, currency: EUR}
goals: {order: {event: purchase, kind: macro, journey: shop}}
objectives: {grow: {goal: more}}
orders: {event: purchase, id: order_id, amount: revenue}
metrics:
  rate: {type: conversion, goal: order, per: visitor}
  revenue: {type: simple, sum: revenue.net}
kpis: {rate: {objective: grow}}
funnels: {shop: {steps: [view_item, purchase], per: visitor, window: 7d}}
changes: [{date: 2024-01-02, kind: deploy, what: New checkout}]
"""


@pytest.fixture
def shop(tmp_path: Path) -> Workspace:
    """Four visitors on 1 Jan (two on mobile), two on 2 Jan, two on 3 Jan; a and e buy."""
    events = []
    for visitor, day, device in [
        ("a", 1, "mobile"), ("b", 1, "mobile"), ("c", 1, "desktop"), ("d", 1, "desktop"),
        ("e", 2, "mobile"), ("f", 2, "desktop"), ("g", 3, "mobile"), ("h", 3, "desktop"),
    ]:  # fmt: skip
        time = f"2024-01-0{day} 10:00"
        events += [view(visitor, time, device=device), event(visitor, "view_item", f"{time}:30", device=device)]
    events.append(bought("a", "2024-01-01 11:00", "1", "30.00", device="mobile", currency="EUR"))
    events.append(bought("e", "2024-01-02 11:00", "2", "50.00", device="mobile", currency="EUR"))
    return workspace(tmp_path / "shop", PLAN, events)
