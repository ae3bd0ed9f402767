"""overview, segments, pages, audit, quality, catalog and caveats, on events whose numbers are worked out by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from assay.model.errors import UnknownName, UsageError
from assay.model.period import Period
from support import Event, at, bought, event, refunded, table, view, workspace

PLAN = """
site: {name: Test, timezone: UTC, currency: EUR}
pages: {product: /p/*, checkout: [/checkout, /checkout/*]}
events:
  plan_picked: {properties: {tier: string}, required: [tier]}
  never_sent: {description: planned and forgotten}
goals:
  order: {event: purchase, kind: macro, journey: shop, agreed_by: [all]}
objectives: {grow: {goal: Grow}}
metrics:
  sessions: {type: simple, count: session}
  page_views: {type: simple, count: page_view}
  purchase_rate: {type: conversion, goal: order, per: visitor}
  rpv: {type: simple, sum: revenue.net, per: visitor}
  refund_rate: {type: conversion, from: order, event: refund, per: order, within: 30d, direction: down}
kpis:
  purchase_rate: {objective: grow, target: 60% by 2024-12-31}
  rpv: {objective: grow, target: +50% by 2024-12-31, baseline: 2024-03-01..2024-03-14}
  refund_rate: {objective: grow, direction: down, guardrail: true}
segments: {mobile: "device = 'mobile'"}
funnels:
  checkout: {steps: [view_item, purchase], per: visitor, window: 7d}
"""


def shop() -> list[Event]:
    """Four weeks; ten visitors a day; on day d visitors 0 to 3 buy for 10 €, from day 14 on visitors 0 to 5."""
    events = []
    for d in range(28):
        day = datetime(2024, 3, 1, 12, tzinfo=UTC) + timedelta(d)
        for v in range(10):
            name, device = f"d{d}v{v}", "mobile" if v >= 5 else "desktop"
            time = int(day.timestamp() + v) * 1_000_000
            events.append(view(name, time, "/p/1", device=device))
            if v < (6 if d >= 14 else 4):
                events.append(bought(name, time + 60_000_000, f"o{d}-{v}", "10.00", device=device))
    return events


@pytest.fixture(scope="module")
def ws(tmp_path_factory: pytest.TempPathFactory):  # type: ignore[no-untyped-def]
    with workspace(tmp_path_factory.mktemp("shop"), PLAN, shop()) as made:
        yield made


SECOND = {"from": "2024-03-15", "to": "2024-03-28"}


def test_overview_holds_value_change_and_target(ws) -> None:  # type: ignore[no-untyped-def]
    answer = ws.overview(**SECOND)
    rows = {r["kpi"]: r for r in answer.records()}
    rate, rpv, refunds = rows["purchase_rate"], rows["rpv"], rows["refund_rate"]
    assert (rate["value"], rate["before"], rate["difference"]) == (0.6, 0.4, pytest.approx(0.2))
    assert rate["standing"].endswith("reached")
    assert rate["target_value"] == 0.6
    assert (float(rpv["value"]), float(rpv["before"])) == (6.0, 4.0)
    assert rpv["target_value"] == pytest.approx(6.0)  # 4 € in the baseline, half more
    assert (refunds["role"], refunds["change"], refunds["open"]) == ("guardrail", "windows still open", 84)
    assert [f.code for f in answer.findings] == ["kpi_moved", "kpi_moved"]


def test_an_ordinary_week_is_no_finding(ws) -> None:  # type: ignore[no-untyped-def]
    answer = ws.overview(**{"from": "2024-03-22", "to": "2024-03-28"})
    assert answer.findings == ()
    assert "no KPI moved" in answer.sentence


def test_overview_without_a_period_before(ws) -> None:  # type: ignore[no-untyped-def]
    answer = ws.overview(**{"from": "2024-03-05", "to": "2024-03-10"})
    assert answer.records()[0]["before"] is None
    assert [f.code for f in answer.findings] == ["before_the_data"]


def test_previous_period_aligns_weekdays() -> None:
    first = datetime(2024, 3, 15, tzinfo=UTC).date()
    assert Period(first, first).previous() == Period(first - timedelta(7), first - timedelta(7))
    assert Period(first, first + timedelta(9)).previous().first == first - timedelta(14)
    assert Period(first, first).year_before().first == first - timedelta(364)


def test_metric_compare_reads_each_day_against_its_weekday(ws) -> None:  # type: ignore[no-untyped-def]
    answer = ws.metric("sessions", grain="day", compare="previous", **SECOND)
    assert table(answer, "day", "sessions", "sessions_before")[0][1:] == (10, 10)
    assert len(answer.rows) == 14


def test_segments_find_the_planted_difference(ws) -> None:  # type: ignore[no-untyped-def]
    answer = ws.segments("purchase_rate", min_units=20, **SECOND)
    first = answer.records()[0]
    assert (first["dimension"], first["value"], first["units"], first["sure"]) == ("mobile", "in it", 70, True)
    assert (first["purchase_rate"], first["others"]) == (0.2, 1.0)
    assert [r["dimension"] for r in answer.records()].count("device") == 0  # the same people under another name


def test_segments_refuse_a_total(ws) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(UsageError, match="compared on a rate"):
        ws.segments("sessions")


def test_pages_entries_exits_and_bounces(tmp_path: Path) -> None:
    day = "2024-03-01 10:"
    events = [
        view("a", day + "00", "/?x=1"), view("a", day + "01", "/p/1"), view("a", day + "02", "/"),
        view("b", day + "00", "/"),
        view("c", day + "00", "/p/1"), event("c", "click", day + "01", path="/p/1"),
    ]  # fmt: skip
    with workspace(tmp_path, PLAN, events) as ws:
        rows = {r["page"]: r for r in ws.pages().records()}
        home, product = rows["/"], rows["/p/1"]
        assert [home[k] for k in ("views", "sessions", "entries", "exits", "bounces")] == [3, 2, 2, 2, 1]
        assert [product[k] for k in ("views", "sessions", "entries", "exits", "bounces")] == [2, 2, 1, 1, 0]
        assert (home["exit_rate"], home["bounce_rate"]) == (1.0, 0.5)
        assert ws.pages(group=True).column("page_group") == ["(no group)", "product"]


def test_audit_tells_kpis_from_noise_and_vanity(ws) -> None:  # type: ignore[no-untyped-def]
    rows = {r["metric"]: r for r in ws.audit().records()}
    assert rows["purchase_rate"]["verdict"] == "a KPI"
    assert rows["refund_rate"]["measurable"] == "no: refund not seen"
    assert rows["refund_rate"]["verdict"] == "not measurable"
    everything = {r["metric"]: r["verdict"] for r in ws.audit(all_metrics=True).records()}
    assert everything["page_views"] == "vanity metric"


def test_audit_smallest_difference_is_the_textbook_formula(ws) -> None:  # type: ignore[no-untyped-def]
    from statsmodels.stats.power import NormalIndPower

    row = next(r for r in ws.audit().records() if r["metric"] == "purchase_rate")
    per_arm = row["units_4_weeks"] / 2
    effect = NormalIndPower().solve_power(nobs1=per_arm, alpha=0.05, power=0.8)
    assert row["mde"] == pytest.approx(effect * (0.5 * 0.5) ** 0.5, rel=1e-3)  # 140 of 280 buy


def test_quality_names_each_trouble_once(tmp_path: Path) -> None:
    events = [
        *shop(),
        *(e | {"id": e["id"] + "-again", "name": "page_view"} for e in shop()),
        event("x", "plan_piked", "2024-03-20 10:00"),
        event("x", "plan_picked", "2024-03-20 10:01"),
        bought("x", "2024-03-20 10:02", None, "5.00"),
        bought("x", "2024-03-20 10:03", "o-none", None),
        refunded("2024-03-20 11:00", "unknown", "3.00"),
        view("robot", "2024-03-20 10:00", bot=True),
        event(None, "page_view", "2024-03-20 10:00"),
    ]
    events = [e for e in events if not (e["name"] != "refund" and at("2024-03-18") <= e["time"] < at("2024-03-19"))]
    with workspace(tmp_path, PLAN, events) as ws:
        found = {f.code: f for f in ws.quality().findings}
    assert found["unknown_event"].text.startswith("plan_piked: 1 events")
    assert "did you mean 'plan_picked'" in found["unknown_event"].text
    assert found["event_never_seen"].evidence["event"] in ("never_sent", "view_item")
    assert found["missing_property"].evidence["count"] == 1
    assert found["volume_gap"].evidence["day"] == "2024-03-18"
    assert found["order_without_id"].evidence["count"] == 1
    assert found["order_without_amount"].evidence["count"] == 1
    assert found["refund_of_no_order"].evidence["sum"] == "3.000000"
    assert found["bots"].evidence["count"] == 1
    assert found["no_visitor"].evidence["count"] == 1


def test_catalog_explains_every_definition(ws) -> None:  # type: ignore[no-untyped-def]
    answer = ws.catalog()
    assert {d.metric for d in answer.definitions} == {*ws.plan.metrics, *ws.plan.funnels}
    assert {"device", "tier"} <= set(ws.catalog(kind="dimensions").column("name"))


def test_answers_as_of_an_earlier_moment_stay_the_same(tmp_path: Path) -> None:
    first = [e | {"received_at": e["time"]} for e in shop()]
    late = [view("late", "2024-03-20 09:00") | {"received_at": at("2024-03-27")}]
    with workspace(tmp_path, PLAN, first) as ws:
        before = ws.metric("sessions", as_of="2024-03-25", **SECOND).rows
    with workspace(tmp_path / "again", PLAN, first, late) as ws:
        assert ws.metric("sessions", as_of="2024-03-25", **SECOND).rows == before == ((100,),)
        assert ws.metric("sessions", **SECOND).rows == ((141,),)
        with pytest.raises(UsageError, match="future"):
            ws.metric("sessions", as_of="2031-01-01")


def test_a_running_day_is_said_to_be_partial(tmp_path: Path) -> None:
    with workspace(tmp_path, PLAN, shop(), now=at("2024-03-28 13:00")) as ws:
        assert [f.code for f in ws.metric("sessions", to="2024-03-28").findings] == ["partial_day"]
        assert str(ws.metric("sessions").sentence).endswith("1 to 27 Mar.")


def test_nothing_to_say_is_an_answer(tmp_path: Path, ws) -> None:  # type: ignore[no-untyped-def]
    with workspace(tmp_path, PLAN) as empty:
        for question in ("overview", "audit", "quality", "pages"):
            assert empty.ask(question).empty == "no events yet"
    assert "no data in" in str(ws.metric("sessions", **{"from": "2025-01-01", "to": "2025-01-02"}).empty)
    with pytest.raises(UnknownName, match="did you mean 'sessions'"):
        ws.metric("sesions")
    with pytest.raises(UsageError, match="unknown parameter 'grane'; did you mean 'range' or 'grain'"):
        ws.metric("sessions", grane="day")


def test_days_where_calendars_end_are_refused_and_long_ranges_are_answered(tmp_path: Path) -> None:
    with workspace(tmp_path, PLAN, [view("v", "2024-03-01 10:00")]) as ws:
        for first, last in (("0001-01-01", "2024-03-01"), ("2024-03-01", "9999-12-31")):
            with pytest.raises(UsageError, match=r"1970-01-01|2199-12-31"):
                ws.ask("patterns", **{"from": first, "to": last})
        whole = {"from": "1970-01-01", "to": "2199-12-31"}
        assert ws.ask("quality", **whole).findings == ws.ask("quality").findings
        assert ws.ask("patterns", compare="year", **whole).rows is not None
