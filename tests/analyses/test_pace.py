"""KPIs against their targets on days worked out by hand; both engines say the same."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from assay.model.errors import UnknownName, UsageError
from assay.workspace import Workspace
from support import Event, bought, table, view, workspace

PLAN = """
site: {{name: Test, timezone: UTC, currency: EUR}}
goals: {{order: {{event: purchase, kind: macro}}}}
objectives: {{grow: {{goal: Grow}}}}
metrics:
  revenue: {{type: simple, sum: revenue.net}}
  orders: {{type: simple, count: order}}
  rate: {{type: conversion, goal: order, per: session}}
  rpv: {{type: simple, sum: revenue.net, per: visitor}}
  slow: {{type: conversion, from: page_view, event: purchase, per: visitor, within: 3d}}
  half: {{type: derived, expression: revenue / 2}}
kpis:
{}
"""
START = date(2024, 2, 5)  # a Monday


def plan(**targets: str) -> str:
    return PLAN.format("\n".join(f"  {name}: {{objective: grow, {keys}}}" for name, keys in targets.items()))


def days(count: int, orders: Any) -> list[Event]:
    """Ten visitors a day; ``orders(i, weekday)`` of them buy for 10 €. Visitor 0 is the same one every day."""
    events = []
    for i in range(count):
        day = START + timedelta(i)
        for v in range(10):
            who = "always" if v == 0 else f"d{i}v{v}"
            events.append(view(who, f"{day} 12:00"))
            if v < orders(i, day.weekday()):
                events.append(bought(who, f"{day} 12:05", f"o{i}-{v}", "10.00"))
    return events


def weekly(_: int, weekday: int) -> int:
    return 2 if weekday >= 5 else 4


def one(ws: Workspace, name: str, **asked: Any) -> dict[str, Any]:
    (row,) = ws.pace(name, **asked).records()
    return row


@pytest.mark.everywhere
def test_a_total_by_weekdays_and_evenly(tmp_path: Path, engine: str) -> None:
    """Four weeks to 3 March are the baseline: 4 × (5 × 40 + 2 × 20) = 960 €. Of the week to come five days are gone: 200 €.

    +10 % of a quarter of it: 264 €; by weekdays 200/240 of it should be there, evenly 5/7. At 20 € a day at the weekend it
    ends at 240 €; each of the two days has to bring 32 €.
    """
    text = plan(revenue="target: +10% by 2024-03-10, baseline: 2024-02-05..2024-03-03")
    with workspace(tmp_path, text, days(33, weekly), engine=engine) as ws:
        row = one(ws, "revenue")
        assert (row["first_day"], row["last_seen"], row["by"]) == (
            date(2024, 3, 4),
            date(2024, 3, 8),
            date(2024, 3, 10),
        )
        assert row["so_far"] == 200
        assert row["target"] == pytest.approx(264)
        assert row["should"] == pytest.approx(220)
        assert row["expected"] == pytest.approx(240)
        assert row["needed"] == pytest.approx(32)
        assert (row["chance"], row["standing"]) == (
            None,
            "no chance: the days do not vary, so nothing says how sure this is",
        )
        assert one(ws, "revenue", profile="linear")["should"] == pytest.approx(264 * 5 / 7)


def test_a_rate_is_that_of_the_whole_period(tmp_path: Path, engine: str) -> None:
    """30 % in the baseline, 40 % in the twelve days gone of 20: with 40 % to come it ends at 40 %; 36 % were asked for."""
    text = plan(rate="target: +20% by 2024-03-23, baseline: 2024-02-05..2024-03-03")
    events = days(40, lambda i, _: 3 if i < 28 else 4)
    with workspace(tmp_path, text, events, engine=engine) as ws:
        row = one(ws, "rate")
        assert row["so_far"] == pytest.approx(0.4)
        assert row["target"] == row["should"] == pytest.approx(0.36)
        assert row["needed"] == pytest.approx((0.36 * 200 - 48) / 80)
        # Two levels in the days seen: how far the second lasts is uncertain, so the forecast lies between.
        assert 0.36 < row["expected"] <= 0.4
        assert row["low"] < row["expected"] < row["high"]
        assert row["chance"] > 0.7
        assert row["standing"].endswith("on track")


def test_a_visitor_of_many_days_counts_once(tmp_path: Path) -> None:
    """Every day one visitor of ten is the same: 12 days have 109 visitors; so far is what metric says of these days."""
    text = plan(rpv="target: 5 by 2024-03-23, baseline: 2024-02-05..2024-03-03")
    with workspace(tmp_path, text, days(40, weekly)) as ws:
        row = one(ws, "rpv")
        said = ws.metric("rpv", **{"from": "2024-03-04", "to": "2024-03-15"}).estimates[0].estimate
        assert row["so_far"] == said.value
        assert said.denominator == 109
        assert row["target"] == 5
        # Ten weekdays and a weekend brought 44 orders; five weekdays and three weekend days to come bring 26.
        rate = 10 * (44 + 26) / 200
        assert row["expected"] == pytest.approx(rate * float(said.value) / (10 * 44 / 120))


def test_windows_still_open_are_left_out(tmp_path: Path, engine: str) -> None:
    """Nine new visitors a day and one of every day; three of the nine convert. Data end on 25 March: starts count up to the 22nd."""
    text = plan(slow="target: 50% by 2024-03-31")
    with workspace(tmp_path, text, days(50, lambda *_: 4), engine=engine) as ws:
        row = one(ws, "slow", start=date(2024, 2, 12))
        assert row["last_seen"] == date(2024, 3, 22)
        assert row["so_far"] == pytest.approx((40 * 3 + 1) / (40 * 9 + 1))
        assert row["standing"] != "missed"
    with workspace(tmp_path / "later", text, days(60, lambda *_: 4), engine=engine) as ws:
        row = one(ws, "slow", start=date(2024, 2, 12))
        assert row["so_far"] == pytest.approx((49 * 3 + 1) / (49 * 9 + 1))
        assert row["standing"] == "missed"


def test_a_period_that_is_over(tmp_path: Path) -> None:
    text = plan(
        revenue="target: 900 by 2024-03-03", orders="target: 300 by 2024-03-03", rate="target: 30% by 2024-03-03"
    )
    with workspace(tmp_path, text, days(40, weekly)) as ws:
        answer = ws.pace(start=date(2024, 2, 5))
        assert table(answer, "kpi", "so_far", "standing") == [
            ("revenue", 960, "reached"),
            ("orders", 96, "missed"),
            ("rate", pytest.approx(96 / 280), "reached"),
        ]
        assert answer.sentence == (
            "revenue stands at 960.00 €, the target was 900.00 € by Sun 3 Mar 2024: reached; off track: orders."
        )


def test_reasons_for_no_chance(tmp_path: Path) -> None:
    text = plan(
        revenue="target: 9000 by 2024-03-31",
        orders="target: +10% by 2024-03-31, baseline: 2023-12-01..2023-12-31",
        half="target: 10 by 2024-03-31",
        rate="target: 30% by 2024-09-30",
    )
    with workspace(tmp_path, text, days(20, weekly)) as ws:
        found = {row["kpi"]: row["reason"] for row in ws.pace().records()}
        assert found == {
            "revenue": "needs 28 days of history, there are 20",
            "orders": "the baseline 2023-12-01 to 2023-12-31 begins before the data (2024-02-05)",
            "half": "a derived metric does not add up from days",
            "rate": "the period begins on 2024-07-01",
        }
        assert all(row["chance"] is None for row in ws.pace().records())


def test_what_cannot_be_asked(tmp_path: Path) -> None:
    with workspace(tmp_path, plan(revenue="target: 900 by 2024-03-03", rate="direction: up"), days(3, weekly)) as ws:
        with pytest.raises(UnknownName, match="did you mean 'revenue'"):
            ws.pace("revenu")
        with pytest.raises(UsageError, match="rate has no target; write kpis"):
            ws.pace("rate")
        with pytest.raises(UsageError, match="lies after the target of revenue"):
            ws.pace("revenue", start=date(2024, 4, 1))
    with workspace(tmp_path / "none", plan(rate="direction: up"), days(3, weekly)) as ws:
        assert ws.pace().empty == "no KPI has a target"
    with workspace(tmp_path / "empty", plan(revenue="target: 900 by 2024-03-03")) as ws:
        assert ws.pace().empty == "no events yet"


def test_off_track_is_a_finding_and_what_is_to_come_is_named(tmp_path: Path) -> None:
    import random

    draw = random.Random(4)
    text = plan(revenue="target: 1900 by 2024-03-31, baseline: 2024-02-05..2024-03-03")
    with workspace(tmp_path, text, days(42, lambda *_: draw.choice([2, 3, 4, 5]))) as ws:
        ws.add_change("Spring sale", "campaign", "2024-03-22")
        answer = ws.pace()
        assert [f.code for f in answer.findings] == ["off_pace", "not_in_the_forecast"]
        assert answer.findings[0].text.startswith("revenue is off track: ")
        assert answer.findings[1].text.endswith("what is to come: Fri 22 Mar 2024 Spring sale")


def test_the_overview_says_the_chance(tmp_path: Path) -> None:
    """A total is never held against 28 days of it: its target is that of its period."""
    import random

    draw = random.Random(4)
    text = plan(
        revenue="target: +10% by 2024-03-31, baseline: 2024-02-05..2024-03-03",
        rate="target: 20% by 2024-03-31, baseline: 2024-02-05..2024-03-03",
    )
    with workspace(tmp_path, text, days(42, lambda *_: draw.choice([2, 3, 4, 5]))) as ws:
        rows = {row["kpi"]: row for row in ws.overview().records()}
        paces = {row["kpi"]: row for row in ws.pace().records()}
        assert rows["revenue"]["target_value"] == paces["revenue"]["target"]
        assert rows["revenue"]["standing"].startswith("1,")
        assert rows["revenue"]["standing"].endswith(f"by 31 Mar 2024: {paces['revenue']['standing']}")
        assert rows["rate"]["standing"].endswith("over 99 % chance, on track")
