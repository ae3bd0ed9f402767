"""why: parts that add up exactly, causes by name, quiet where nothing happened."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.model.answer import Answer
from assay.model.errors import UsageError
from assay.workspace import Workspace
from support import at, bought, event, examples, rows, view, workspace

PLAN = """
site: {name: Test, currency: EUR}
metrics:
  purchase_rate: {type: conversion, event: purchase, per: visitor}
  session_rate: {type: conversion, event: purchase, per: session}
  rpv: {type: simple, sum: revenue.net, per: visitor}
  aov: {type: ratio, numerator: {sum: revenue.net}, denominator: {count: order}}
  revenue: {type: simple, sum: revenue.net}
  orders: {type: simple, count: order}
  double: {type: derived, expression: revenue / orders}
funnels:
  buy: {steps: [page_view, add_to_cart, purchase], per: visitor, window: session}
changes:
  - {date: 2024-03-16, kind: campaign, what: Influencer}
"""
RANGE = {"from": "2024-03-11", "to": "2024-03-17"}


def world(seed: int = 1, days: int = 28, **more: Any) -> list[dict[str, Any]]:
    """Visitors of two channels over four weeks from 19 February on; ``more`` plants something in the last week."""
    draw, events, number = random.Random(seed), [], 0
    first = date(2024, 2, 19)
    for n in range(days):
        day = first + timedelta(n)
        late = day >= date(2024, 3, 11)
        for channel, many, rate in (("news", 40, 0.4), ("ads", 40, 0.1)):
            wanted = many * more.get("push", 1) if late and channel == "ads" else many
            for _ in range(wanted + draw.randrange(-3, 4)):
                number += 1
                browser = "Safari" if draw.random() < 0.5 else "Chrome"
                told = {"utm_source": channel, "utm_medium": "email" if channel == "news" else "cpc", "browser": browser,
                        "device": "mobile" if draw.random() < 0.5 else "desktop"}  # fmt: skip
                t = at(f"{day} 10:00") + number * 1_000_000
                events.append(view(f"v{number}", t, **told))
                chance = rate * (more.get("mobile", 1) if late and told["device"] == "mobile" else 1)
                if draw.random() < chance * 1.3:
                    events.append(event(f"v{number}", "add_to_cart", t + 60_000_000, **told))
                    if draw.random() < 1 / 1.3 and not (
                        browser == "Safari" and day >= more.get("broken", date(2100, 1, 1))
                    ):
                        events.append(
                            bought(f"v{number}", t + 120_000_000, f"o{number}", str(draw.randrange(5, 90)), **told)
                        )
    return events


def parts(answer: Answer, section: str) -> list[dict[str, Any]]:
    return [row for row in answer.records() if row["part"] == section]


def codes(answer: Answer) -> list[str]:
    return [f.code for f in answer.findings if f.code not in ("known_change", "short_history")]


def adds_up(answer: Answer, names: Sequence[str], of: str = "all") -> None:
    """Every section's parts add up to the change."""
    (whole,) = [r for r in answer.records() if r["part"] == of]
    for name in names:
        found = [row["adds"] for row in parts(answer, name)]
        assert found, name
        assert float(sum(Fraction(one) for one in found) - Fraction(whole["adds"])) == pytest.approx(0, abs=1e-9), name


def test_an_influencer_week_is_mix(tmp_path: Path) -> None:
    ws = workspace(tmp_path, PLAN, world(push=6))
    answer = ws.ask("why", "purchase_rate", **RANGE)
    assert codes(answer)[0] == "mix_moved"
    found = answer.findings[0].evidence
    assert (found["dimension"], found["value"]) == ("channel", "Paid Other") or found["value"] == "Email"
    assert "rate_moved" not in codes(answer)
    assert [f.evidence["what"] for f in answer.findings if f.code == "known_change"] == ["Influencer"]
    adds_up(ws.ask("why", "purchase_rate", every=True, **RANGE), ["channel", "device", "browser", "is_new"])


def test_mobile_only_is_a_rate_of_its_own(tmp_path: Path) -> None:
    ws = workspace(tmp_path, PLAN, world(mobile=0.2))
    answer = ws.ask("why", "purchase_rate", **RANGE)
    assert codes(answer)[0] == "rate_moved"
    assert answer.findings[0].evidence["dimension"] == "device"
    assert answer.findings[0].evidence["value"] == "mobile"
    assert answer.findings[0].severity == "warning"


def test_a_silent_tag_is_not_the_customers(tmp_path: Path) -> None:
    ws = workspace(tmp_path, PLAN, world(broken=date(2024, 3, 13)))
    answer = ws.ask("why", "purchase_rate", **RANGE)
    found = answer.findings[0]
    assert (found.code, found.severity) == ("tracking_moved", "bad")
    assert (found.evidence["event"], found.evidence["kind"]) == ("purchase", "vanished")
    assert found.evidence["where"] == {"browser": "Safari"}
    assert (found.evidence["first"], found.evidence["last"]) == ("2024-03-13", "2024-03-17")
    assert "rate_moved" not in codes(answer)
    summary = {
        row["part"]: row["adds"] for row in answer.records() if row["part"] in ("all", "mix", "tracking", "rate")
    }
    assert summary["mix"] + summary["tracking"] + summary["rate"] == pytest.approx(summary["all"], abs=1e-12)
    assert summary["tracking"] < 0


def test_quiet_worlds_stay_quiet(tmp_path: Path) -> None:
    loud = 0
    for seed in range(4):
        ws = workspace(tmp_path / str(seed), PLAN, world(seed + 20))
        answer = ws.ask("why", "purchase_rate", **RANGE)
        loud += bool({"mix_moved", "rate_moved", "tracking_moved"} & set(codes(answer)))
    assert loud <= 1  # at most some 5 % each


@pytest.mark.parametrize("name", ["purchase_rate", "session_rate", "rpv", "aov", "revenue", "orders"])
def test_every_section_adds_up(tmp_path: Path, name: str, engine: str) -> None:
    ws = workspace(tmp_path, PLAN, world(3, push=2, mobile=0.5), engine=engine)
    answer = ws.ask("why", name, every=True, **RANGE)
    adds_up(answer, ["channel", "device", "browser", "country", "is_new"])
    (whole,) = parts(answer, "all")
    if name == "revenue":
        ((before, after),) = rows(
            ws, "SELECT sum(net) FILTER (WHERE day < DATE '2024-03-11' AND day >= DATE '2024-03-04'), "
            "sum(net) FILTER (WHERE day >= DATE '2024-03-11') FROM orders"
        )  # fmt: skip
        assert (whole["before"], whole["after"]) == (before, after)
    if name in ("revenue", "rpv"):
        adds_up(answer, ["factor"])
    if name in ("revenue", "orders"):
        summary = [r["adds"] for r in answer.records() if r["part"] in ("volume", "mix", "rate", "outside")]
        assert float(sum(Fraction(x) for x in summary) - Fraction(whole["adds"])) == pytest.approx(0, abs=1e-6)
    if name == "purchase_rate":
        steps = parts(answer, "funnel buy")
        assert sum(r["adds"] for r in steps[1:]) == pytest.approx(steps[0]["after"] - steps[0]["before"], abs=1e-12)
        assert steps[0]["after"] == pytest.approx(whole["after"])


def test_open_windows_shorten_the_funnel_of_both_sides(tmp_path: Path) -> None:
    ws = workspace(tmp_path, PLAN.replace("window: session", "window: 3d"), world(7, days=28))
    rows_ = [r for r in ws.ask("why", "purchase_rate", **RANGE).records() if r["part"] == "funnel buy"]
    assert rows_[0]["value"] == "the whole way (without the last 4 days: windows still open)"
    assert sum(r["adds"] for r in rows_[1:]) == pytest.approx(rows_[0]["after"] - rows_[0]["before"], abs=1e-12)
    metric = ws.ask("metric", "purchase_rate", **{"from": "2024-03-11", "to": "2024-03-13"})
    assert rows_[0]["after"] == pytest.approx(metric.estimates[0].estimate.value)


def test_two_segments(tmp_path: Path) -> None:
    ws = workspace(tmp_path, PLAN, world(4, mobile=0.3))
    answer = ws.ask(
        "why", "purchase_rate", segment="device = 'mobile'", versus="device = 'desktop'", every=True, **RANGE
    )
    (whole,) = parts(answer, "all")
    wanted = {d: ws.ask("metric", "purchase_rate", segment=f"device = '{d}'", **RANGE).estimates[0].estimate.value for d in ("mobile", "desktop")}  # fmt: skip
    assert (whole["before"], whole["after"]) == (wanted["desktop"], wanted["mobile"])
    adds_up(answer, ["channel", "browser"])


def test_what_cannot_be_taken_apart_is_said(tmp_path: Path) -> None:
    ws = workspace(tmp_path, PLAN, world(5, days=10))
    with pytest.raises(UsageError, match="orders, revenue"):
        ws.ask("why", "double")
    assert "do not reach back" in str(
        ws.ask("why", "purchase_rate", **{"from": "2024-02-20", "to": "2024-02-26"}).empty
    )
    assert ws.ask(
        "why", "purchase_rate", segment="device = 'watch'", **{"from": "2024-02-26", "to": "2024-02-28"}
    ).empty


def test_a_definition_that_changed_is_said(tmp_path: Path) -> None:
    first = workspace(tmp_path, PLAN, world(6, days=14), now=at("2024-03-05 00:00"))
    first.close()
    (tmp_path / "assay.yaml").write_text(
        PLAN.replace("event: purchase, per: visitor", "event: add_to_cart, per: visitor")
    )
    with Workspace(tmp_path, now=at("2024-03-20 00:00")) as ws:
        from support import load

        load(ws, world(6), "later")
        found = [f for f in ws.ask("why", "purchase_rate", **RANGE).findings if f.code == "definition_changed"]
    assert [f.evidence["since"] for f in found] == ["2024-03-20"]


COUNTS = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("xy"), st.booleans()), min_size=2, max_size=25)


@settings(max_examples=examples(18, least=6), deadline=None)
@given(COUNTS, COUNTS)
def test_any_two_weeks_add_up(tmp_path_factory: pytest.TempPathFactory, one: list[Any], two: list[Any]) -> None:
    events, number = [], 0
    for day, some in (("2024-03-05", one), ("2024-03-12", two)):
        for country, device, buys in some:
            number += 1
            events.append(view(f"v{number}", f"{day} 10:00", country=country, device=device))
            if buys:
                events.append(
                    bought(f"v{number}", f"{day} 10:01", f"o{number}", f"{number}.37", country=country, device=device)
                )
    events.append(view("early", "2024-03-04 09:00", country="a", device="x"))
    ws = workspace(tmp_path_factory.mktemp("any"), PLAN, events)
    for name in ("purchase_rate", "rpv", "revenue"):
        adds_up(ws.ask("why", name, every=True, by="country,device", **RANGE), ["country", "device"])
    ws.close()


def test_the_real_day_against_sql(tmp_path: Path, data_file: Callable[[str], Path]) -> None:
    """Desktop against mobile by channel, by hand on the raw file."""
    import duckdb

    file = data_file("ga3_sessions_20170801_half.parquet")
    plan = "site: {timezone: America/Los_Angeles, currency: USD}\nmetrics: {rate: {type: conversion, event: purchase, per: session}}\n"
    ws = workspace(tmp_path, plan)
    ws.import_files("ga360", [file])
    answer = ws.ask("why", "rate", segment="device = 'desktop'", versus="device = 'mobile'", by="channel")
    raw = duckdb.sql(
        f"SELECT channelGrouping, device.deviceCategory, count(*), count(*) FILTER (WHERE totals.transactions > 0) "
        f"FROM '{file}' WHERE device.deviceCategory IN ('desktop', 'mobile') GROUP BY ALL"
    ).fetchall()
    sides: dict[str, dict[str, tuple[int, int]]] = {"mobile": {}, "desktop": {}}
    for channel, device, sessions, orders in raw:
        sides[device][channel] = (orders, sessions)
    totals = {d: [sum(v[i] for v in groups.values()) for i in range(2)] for d, groups in sides.items()}
    low, high = (Fraction(*totals[d]) for d in ("mobile", "desktop"))
    for row in parts(answer, "channel"):
        if "others" in row["value"]:
            continue
        (x0, n0), (x1, n1) = (sides[d].get(row["value"], (0, 0)) for d in ("mobile", "desktop"))
        w0, w1 = Fraction(n0, totals["mobile"][1]), Fraction(n1, totals["desktop"][1])
        rates = [Fraction(x, n) for x, n in ((x0, n0), (x1, n1)) if n]
        middle = sum(rates) / len(rates)
        mix = (w1 - w0) * (middle - (low + high) / 2)
        rate = (w0 + w1) / 2 * (rates[1] - rates[0]) if len(rates) == 2 else Fraction(0)
        assert (row["mix"], row["rate"]) == pytest.approx((float(mix), float(rate)), abs=1e-15)
