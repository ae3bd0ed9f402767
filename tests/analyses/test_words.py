"""What answers say in words: the sentence of a breakdown, of nobody, of groups that overlap, of circular cohorts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from assay.report.exporters.json import document
from assay.workspace import Workspace
from support import bought, event, table, view, workspace

PLAN = """
site: {name: Test, currency: EUR}
metrics:
  conversion: {type: conversion, event: purchase, per: visitor}
  visitors: {type: simple, count: visitor}
kpis: {conversion: {}}
cohorts:
  buyers: {did: purchase}
  readers: {did: sign_up}
segments: {of_buyers: buyers, phones: device = 'mobile'}
funnels: {buy: {steps: [page_view, purchase]}}
"""
DAY = "2024-01-01 "


@pytest.fixture
def shop(tmp_path: Path) -> Workspace:
    events = []
    for n in range(40):
        device = "mobile" if n % 2 else "desktop"
        events.append(view(f"v{n}", DAY + "10:00", device=device, utm_source="news" if n % 4 else None))
        if n % 5 == 0:
            events.append(bought(f"v{n}", DAY + "10:05", f"o{n}", "10.00"))
        if n % 3 == 0:
            events.append(event(f"v{n}", "sign_up", DAY + "10:06"))
    return workspace(tmp_path, PLAN, events)


def test_a_breakdown_says_its_largest_groups(shop: Workspace) -> None:
    said = shop.ask("metric", "conversion", by="device").sentence
    assert said.startswith("conversion by device: 20.0 % (desktop), 20.0 % (mobile), Mon 1 Jan 2024")
    said = shop.ask("metric", "conversion", grain="day").sentence
    assert said.startswith("conversion by day: 20.0 % (Mon 1 Jan 2024), Mon 1 Jan 2024")


def test_a_series_stands_in_the_order_of_its_days(tmp_path: Path) -> None:
    ws = workspace(tmp_path, PLAN, [view("a", f"2024-01-{day:02} 10:00") for day in (3, 9, 11, 28)])
    answer = ws.ask("metric", "visitors", grain="day", **{"from": "2024-01-01", "to": "2024-01-30"})
    days = [row["day"] for row in answer.records()]
    assert days == sorted(days)
    assert len(days) == 30


@pytest.mark.parametrize("question", [("overview",), ("metric", "conversion")])
def test_a_segment_of_nobody(shop: Workspace, question: tuple[str, ...]) -> None:
    answer = shop.ask(*question, segment="device = 'watch'")
    assert answer.empty == "nothing on Mon 1 Jan 2024 is in the segment device = 'watch'"
    assert shop.ask(*question, segment="phones").empty is None


def test_a_segment_without_orders_is_not_nobody(tmp_path: Path) -> None:
    plan = "metrics: {aov: {type: ratio, numerator: {sum: revenue.net}, denominator: {count: order}}}\n"
    ws = workspace(tmp_path, plan, [view("a", DAY + "10:00", device="mobile")])
    answer = ws.ask("metric", "aov", segment="device = 'mobile'")
    assert answer.empty is None
    assert "no value" in answer.sentence


def test_cohorts_of_the_outcome_are_left_out_of_the_looks(shop: Workspace) -> None:
    answer = shop.ask("segments", "conversion", min_units=2)
    dimensions = {row[0] for row in table(answer, "dimension")}
    assert "readers" in dimensions
    assert not dimensions & {"buyers", "of_buyers"}
    assert {"Readers", "Phones"} <= {row[0] for row in table(answer, "group")}
    assert all(":" in group for group, of in table(answer, "group", "dimension") if of not in ("readers", "phones"))
    assert next(c.title for c in answer.columns if c.name == "others") == "everybody else"
    assert "left out, as they are made of what the metric counts: of_buyers, buyers" in answer.notes
    assert {row[0] for row in table(shop.ask("segments", "conversion", by="buyers", min_units=2), "dimension")} == {
        "buyers"
    }


def test_overlapping_groups_are_not_added_up(shop: Workspace) -> None:
    answer = shop.ask("funnel", "buy", by="device", at="all")
    assert "highest 20.0 % (desktop)" in answer.sentence
    assert "of 2 groups that overlap" in answer.sentence


def test_json_says_the_range_that_was_a_default(shop: Workspace) -> None:
    made = json.loads(json.dumps(document(shop.ask("metric", "conversion")), default=str))
    assert made["period"] == {"from": "2024-01-01", "to": "2024-01-01"}
    assert document(shop.ask("catalog"))["period"] is None


def test_the_catalogue_leads_to_a_metric_that_is_there(shop: Workspace) -> None:
    assert shop.ask("catalog").next[0] == "assay metric conversion"


def test_channels_say_when_the_source_named_them(tmp_path: Path, shop: Workspace) -> None:
    assert "channels by rule set assay" in shop.ask("channels").notes
    ws = workspace(tmp_path / "named", PLAN, [view("a", DAY + "10:00", session_channel="Partner")])
    assert "channels as the imported source named them; rule set assay for the rest" in ws.ask("channels").notes
