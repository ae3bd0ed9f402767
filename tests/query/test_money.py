"""Foreign money, ad costs, items, hours and Sunday weeks: small tables, figures worked out by hand."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from assay.model.errors import Refused, UsageError
from support import bought, event, refunded, table, value, view, workspace

PLAN = """
site: {name: Test, timezone: Europe/Berlin, currency: EUR}
metrics:
  revenue: {type: simple, sum: revenue.net}
  gross: {type: simple, sum: revenue.gross}
  orders: {type: simple, count: order}
  visitors: {type: simple, count: visitor}
  ad_cost: {type: simple, sum: cost.amount}
  cpa: {type: ratio, numerator: {sum: cost.amount}, denominator: {count: order}}
  ctr: {type: ratio, numerator: {sum: cost.clicks}, denominator: {sum: cost.impressions}}
  units: {type: simple, sum: purchase.quantity}
  units_per_order: {type: ratio, numerator: {sum: purchase.quantity}, denominator: {count: order}}
  seen: {type: simple, count: view_item}
"""
# Reference rates of the European Central Bank: 1 EUR = 1.1868 USD on Friday 4 August 2017; none on Saturday the 5th.
USD = Decimal(1) / Decimal("1.1868")
COSTS = "date,channel,campaign,cost,impressions,clicks,currency\n"


def test_foreign_money_takes_the_last_rate_before_its_day(tmp_path: Path) -> None:
    events = [
        bought("a", "2017-08-05 10:00", "o1", "100.00", currency="USD"),
        bought("b", "2017-08-05 11:00", "o2", "50.00"),
        refunded("2017-08-04 12:00", "o1", "10.00", currency="USD"),
        bought("c", "2017-08-05 12:00", "o3", "9.99", currency="XTS"),
    ]
    with workspace(tmp_path, PLAN, events) as ws:
        assert value(ws.metric("gross")) == pytest.approx(Decimal(100) * USD + 50, abs=Decimal("0.000001"))
        assert value(ws.metric("revenue")) == pytest.approx(Decimal(90) * USD + 50, abs=Decimal("0.000002"))
        assert value(ws.metric("orders")) == 3
        codes = {f.code: f for f in ws.quality().findings}
        assert codes["order_without_rate"].evidence["count"] == 1
        assert "order_without_amount" not in codes


def test_the_rate_stays_when_more_is_loaded(tmp_path: Path) -> None:
    first = [bought("a", "2017-08-04 10:00", "o1", "11.868", currency="USD")]
    second = [bought("b", "2017-08-07 10:00", "o2", "11.868", currency="USD")]
    with workspace(tmp_path, PLAN, first, second) as ws:
        rates = ws.engine.connection.execute("SELECT currency, min(day), max(day), count(*) FROM rates GROUP BY 1")  # type: ignore[attr-defined]
        assert rates.fetchall()[0][:3] == ("USD", date(2017, 8, 4), date(2017, 8, 7))
        assert table(ws.metric("gross", grain="day"), "gross")[0] == (Decimal("10.000000"),)


def test_costs_by_channel_and_where_none_were_recorded(tmp_path: Path) -> None:
    events = [
        bought("a", "2024-03-01 10:00", "o1", "10.00", utm_source="google", utm_medium="cpc"),
        bought("b", "2024-03-01 10:00", "o2", "10.00"),
    ]
    with workspace(tmp_path, PLAN, events) as ws:
        assert ws.metric("cpa").estimates[0].estimate.reason == "no ad cost recorded here"
        costs = tmp_path / "costs.csv"
        costs.write_text(COSTS + "2024-03-01,Paid Search,brand,3.50,1000,25,EUR\n2024-03-01,Display,x,0,10,0,EUR\n")
        ws.import_files("costs", [costs])
        assert value(ws.metric("ad_cost")) == Decimal("3.5")
        assert value(ws.metric("ctr")) == pytest.approx(25 / 1010)
        rows = {row[0]: row[1] for row in table(ws.metric("cpa", by="channel"), "channel", "cpa")}
        assert rows == {"Paid Search": Decimal("3.5"), "Direct": None, "Display": None}
        with pytest.raises(UsageError, match="not 'device'"):
            ws.metric("cpa", by="device")


def test_a_corrected_cost_replaces_the_earlier_one(tmp_path: Path) -> None:
    with workspace(tmp_path, PLAN, [view("a", "2024-03-01 10:00")]) as ws:
        for number, cost in enumerate(("3.50", "4.00", "4.00")):
            file = tmp_path / f"{number}.csv"
            file.write_text(COSTS + f"2024-03-01,Paid Search,brand,{cost},1000,25,EUR\n")
            ws.import_files("costs", [file])
        assert value(ws.metric("ad_cost")) == Decimal("4")


def test_foreign_costs_are_converted(tmp_path: Path) -> None:
    with workspace(tmp_path, PLAN, [view("a", "2017-08-04 10:00")]) as ws:
        file = tmp_path / "costs.csv"
        file.write_text(COSTS + "2017-08-04,Paid Search,brand,118.68,1000,25,USD\n")
        ws.import_files("costs", [file])
        assert value(ws.metric("ad_cost")) == pytest.approx(Decimal(100), abs=Decimal("0.000001"))


def test_items(tmp_path: Path) -> None:
    items = [{"item_id": "mug", "price": 8, "quantity": 2}, {"item_id": "tea", "price": 4}]
    events = [
        event("a", "view_item", "2024-03-01 09:00", items=[{"item_id": "mug"}]),
        bought("a", "2024-03-01 10:00", "o1", "20.00", items=items),
        bought("b", "2024-03-01 10:00", "o2", "4.00", items=[{"item_id": "tea", "price": 4, "quantity": 1}]),
    ]
    with workspace(tmp_path, PLAN, events) as ws:
        assert value(ws.metric("units")) == 4
        assert dict(ws.metric("units", by="item_id").rows) == {"mug": 2, "tea": 2}
        assert value(ws.metric("units_per_order")) == 2
        assert dict(ws.metric("seen", by="item_id").rows) == {"mug": 1}
        with pytest.raises(Refused, match="item"):
            ws.metric("visitors", by="item_id")


def test_hours_are_the_sites_own(tmp_path: Path) -> None:
    events = [view("a", "2024-03-31 00:30"), view("b", "2024-03-31 01:30")]  # 01:30 and 03:30 in Berlin
    with workspace(tmp_path, PLAN, events) as ws:
        hours = [row[0].isoformat() for row in ws.metric("visitors", grain="hour").rows]
    assert hours == ["2024-03-31T01:00:00+01:00", "2024-03-31T03:00:00+02:00"]


def test_weeks_may_start_on_sunday(tmp_path: Path) -> None:
    events = [view("a", "2024-03-02 10:00"), view("b", "2024-03-03 10:00"), view("c", "2024-03-04 10:00")]
    for start, weeks in (
        ("monday", [(date(2024, 2, 26), 2), (date(2024, 3, 4), 1)]),
        ("sunday", [(date(2024, 2, 25), 1), (date(2024, 3, 3), 2)]),
    ):
        plan = PLAN.replace("currency: EUR", f"currency: EUR, week_start: {start}")
        with workspace(tmp_path / start, plan, events) as ws:
            assert [tuple(row) for row in ws.metric("visitors", grain="week").rows] == weeks
