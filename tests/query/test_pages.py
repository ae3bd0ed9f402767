"""Views, entries, exits and bounces of pages; quantiles of what pages report."""

from __future__ import annotations

from pathlib import Path

import pytest

from support import event, table, view, workspace

DAY = "2024-01-01 "
PLAN = """
pages: {product: /p/*, cart: /cart}
events: {page_view: {properties: {ms: number}}}
segments: {mobile: "device = 'mobile'"}
metrics:
  load: {type: quantile, of: page_view.ms, q: 0.75, per: visitor}
"""
EVENTS = [
    view("a", DAY + "10:00", "/", device="mobile"),
    view("a", DAY + "10:01", "/p/1?x=1"),
    view("a", DAY + "10:02", "/p/2"),
    view("a", DAY + "10:03", "/"),
    view("b", DAY + "10:00", "/"),
    event("c", "$pageview", DAY + "10:00", path="/p/1"),
    event("c", "click", DAY + "10:00:30", path="/p/1"),
    view("a", DAY + "15:00", "/cart"),
    view("bot", DAY + "10:00", "/", bot=True),
    view("test", DAY + "10:00", "/", environment="staging"),
    view(None, DAY + "10:00", "/"),
]
COLUMNS = ("views", "sessions", "entries", "exits", "bounces")


def test_pages_and_groups(tmp_path: Path) -> None:
    ws = workspace(tmp_path, PLAN, EVENTS)
    range_ = {"from": "2024-01-01", "to": "2024-01-01"}
    assert table(ws.ask("pages", **range_), "page", *COLUMNS) == [
        ("/", 3, 2, 2, 2, 1),
        ("/p/1", 2, 2, 1, 1, 0),
        ("/cart", 1, 1, 1, 1, 1),
        ("/p/2", 1, 1, 0, 0, 0),
    ]
    assert table(ws.ask("pages", **range_), "page", "exit_rate", "bounce_rate") == [
        ("/", 1.0, 0.5),
        ("/p/1", 0.5, 0.0),
        ("/cart", 1.0, 1.0),
        ("/p/2", 0.0, None),
    ]
    assert sorted(table(ws.ask("pages", group=True, **range_), "page_group", *COLUMNS)) == [
        ("(no group)", 3, 2, 2, 2, 1),
        ("cart", 1, 1, 1, 1, 1),
        ("product", 3, 2, 1, 1, 0),
    ]
    mobile = table(ws.ask("pages", segment="mobile", **range_), "page", "views")
    assert mobile == [("/", 2), ("/p/1", 1), ("/p/2", 1)]
    ws.close()
    ws = workspace(tmp_path, PLAN + "rules: {bots: include}")
    assert table(ws.ask("pages", **range_), "page", *COLUMNS)[0] == ("/", 4, 3, 3, 3, 2)


def test_quantiles(tmp_path: Path) -> None:
    """Of 1, 2, 3, 4, 10 the 75 % quantile, linear between order statistics, is 4."""
    values = [1, 2, 3, 4, 10, None]
    events = [
        view(f"v{n}", DAY + "10:00", props={"ms": v}, device="mobile" if n < 2 else None) for n, v in enumerate(values)
    ]
    ws = workspace(tmp_path, PLAN, events)
    (one,) = ws.ask("metric", "load", **{"from": "2024-01-01", "to": "2024-01-01"}).estimates
    assert one.estimate.value == pytest.approx(4)
    by = ws.ask("metric", "load", by="device", **{"from": "2024-01-01", "to": "2024-01-01"})
    assert dict(table(by, "device", "load")) == {"mobile": pytest.approx(1.75), "(none)": pytest.approx(7)}
