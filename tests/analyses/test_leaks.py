"""leaks and opportunity: what was planted is found, what was not stays quiet, overlap is taken off, ideas are kept."""

from __future__ import annotations

import random
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from assay.model.errors import UnknownName, UsageError
from assay.workspace import Workspace
from support import bought, event, rows, view, workspace

PLAN = """
site: {name: Test, currency: EUR}
goals: {order: {event: purchase, kind: macro, journey: shop}}
metrics: {rpv: {type: simple, sum: revenue.net, per: visitor}}
funnels:
  buy: {steps: [page_view, add_to_cart, purchase], per: visitor, window: session}
  visits: {steps: [page_view, add_to_cart, purchase], per: session, window: session}
  sign: {steps: [page_view, sign_up], per: visitor, window: 1d}
  any: {steps: [page_view, purchase], order: unordered, window: 1d}
"""
RANGE = {"from": "2024-01-01", "to": "2024-02-29"}


def world(seed: int, visitors: int = 4000, **harm: float) -> list[dict[str, Any]]:
    """``harm``: device, browser or ``both`` (mobile Safari) → factor on the rate of the purchase step."""
    draw, events = random.Random(seed), []
    for n in range(visitors):
        device = draw.choice(["mobile", "desktop"])
        browser = draw.choices(["Safari", "Chrome", "Firefox"], [5 if device == "mobile" else 2, 4, 2])[0]
        told = {"device": device, "browser": browser, "country": draw.choice(["DE", "FR"])}
        day = f"2024-0{1 + n % 2}-{1 + n % 28:02} 10:"
        events.append(view(f"v{n}", day + "00", **told))
        if draw.random() < 0.6:
            events.append(event(f"v{n}", "add_to_cart", day + "01", **told))
            rate = 0.5 * harm.get(device, 1) * harm.get(browser, 1)
            rate *= harm.get("both", 1) if (device, browser) == ("mobile", "Safari") else 1
            if draw.random() < rate:
                events.append(bought(f"v{n}", day + "02", f"o{n}", "50.00", **told))
    return events


@pytest.fixture(scope="module")
def slow_mobile(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return workspace(tmp_path_factory.mktemp("mobile"), PLAN, world(1, mobile=0.5))


def test_a_device_that_loses_is_found_and_not_the_browser_that_goes_with_it(slow_mobile: Workspace) -> None:
    answer = slow_mobile.ask("leaks", "buy", **RANGE)
    found = [(f.evidence["step"], f.evidence["where"]) for f in answer.findings]
    assert found[0] == ("purchase", {"device": "mobile"})
    assert ("purchase", {"browser": "Safari"}) not in found
    (row,) = [r for r in answer.records() if r["where"] == "device mobile" and r["step"] == "purchase"]
    ((units, bought_),) = rows(
        slow_mobile,
        "SELECT count(DISTINCT visitor_key) FILTER (WHERE name = 'add_to_cart'), "
        "count(DISTINCT visitor_key) FILTER (WHERE name = 'purchase') FROM events WHERE device = 'mobile'",
    )
    assert (row["units"], row["rate"]) == (units, bought_ / units)
    assert row["expected"] == pytest.approx(0.5, abs=0.05)  # what desktop has
    assert row["lost"] == pytest.approx((row["expected"] - row["rate"]) * units)
    assert row["lost_low"] < row["lost"] < row["lost_high"]
    days = 60
    assert float(row["per_year"]) == pytest.approx(row["lost"] * 50 / days * 365, rel=1e-4)


def test_a_pair_that_loses_beyond_both_of_its_parts(tmp_path: Path) -> None:
    ws = workspace(tmp_path, PLAN, world(2, 6000, both=0.35))
    found = [f.evidence["where"] for f in ws.ask("leaks", "buy", **RANGE).findings if f.evidence["step"] == "purchase"]
    assert {"device": "mobile", "browser": "Safari"} in found


def test_the_same_question_gives_the_same_answer(slow_mobile: Workspace) -> None:
    one, two = (slow_mobile.ask("leaks", "buy", every=True, **RANGE) for _ in range(2))
    assert one.rows == two.rows


def test_by_session_the_visitor_is_the_unit_of_independence(tmp_path: Path) -> None:
    events = []
    for n in range(120):  # each visitor comes ten times and always does the same
        for k in range(10):
            day = f"2024-01-{1 + 2 * k:02} 10:"
            told = {"device": "mobile" if n % 2 else "desktop"}
            events.append(view(f"v{n}", day + "00", **told))
            if n % (5 if n % 2 else 3) == 0:
                events += [
                    event(f"v{n}", "add_to_cart", day + "01", **told),
                    bought(f"v{n}", day + "02", f"o{n}-{k}", "1.00", **told),
                ]
    ws = workspace(tmp_path, PLAN, events)
    assert ws.ask("leaks", "visits", **{"from": "2024-01-01", "to": "2024-01-31"}).findings == ()
    shown = ws.ask("leaks", "visits", every=True, **{"from": "2024-01-01", "to": "2024-01-31"})
    (p,) = [r["p_adjusted"] for r in shown.records() if r["where"] == "device mobile" and r["step"] == "add_to_cart"]
    assert p > 0.05


def test_quiet_worlds_stay_quiet(tmp_path: Path) -> None:
    loud = sum(
        bool(workspace(tmp_path / str(s), PLAN, world(s, 1500)).ask("leaks", "buy", **RANGE).findings)
        for s in range(50, 58)
    )
    assert loud <= 2


def test_nothing_to_look_at_is_said(tmp_path: Path) -> None:
    ws = workspace(tmp_path, PLAN, world(3, 20))
    assert "large enough" in ws.ask("leaks", "buy", **RANGE).sentence
    assert "Nobody begins" in ws.ask("leaks", "buy", segment="device = 'watch'", **RANGE).sentence
    with pytest.raises(UsageError):
        ws.ask("leaks", "any")
    with pytest.raises(UnknownName, match="buy"):
        ws.ask("leaks", "bu")


# -- opportunity --------------------------------------------------------------------------------------------------------


def test_the_best_peer_and_what_it_is_worth(slow_mobile: Workspace) -> None:
    answer = slow_mobile.ask("opportunity", "buy", **RANGE)
    first = answer.records()[0]
    assert (first["where"], first["step"], first["against"]) == ("device mobile", "purchase", "device desktop")
    assert first["target"] == pytest.approx(0.5, abs=0.05)
    assert first["gain"] == pytest.approx((first["target"] - first["rate"]) * first["units"])
    assert float(first["year"]) == pytest.approx(first["gain"] * 50 / 60 * 365, rel=1e-4)
    assert first["sample"] < 200
    assert first["weeks"] == pytest.approx(2 * first["sample"] / (first["units"] / 60 * 7))


def test_what_is_beyond_those_above_adds_up_to_the_total(slow_mobile: Workspace) -> None:
    answer = slow_mobile.ask("opportunity", "buy", target="purchase=60%,add_to_cart=70%", by="device,browser", **RANGE)
    records = answer.records()
    assert {"device mobile", "everybody"} <= {r["where"] for r in records}
    for r in records:
        assert 0 <= r["adds_gain"] <= r["gain"] + 1e-9
    counted = rows(
        slow_mobile,
        "SELECT device, browser, count(DISTINCT visitor_key) FILTER (WHERE name = 'page_view'), "
        "count(DISTINCT visitor_key) FILTER (WHERE name = 'add_to_cart') FROM events GROUP BY 1, 2",
    )
    share = {r["step"]: {} for r in records}
    for r in records:
        for device, browser, *_ in counted:
            if r["where"] in ("everybody", f"device {device}", f"browser {browser}"):
                key = (device, browser)
                share[r["step"]][key] = max(share[r["step"]].get(key, 0.0), r["target"] - r["rate"])
    onward = {
        r["step"]: r["gain"] / ((r["target"] - r["rate"]) * r["units"]) for r in records if r["where"] == "everybody"
    }
    for step, place in (("purchase", 3), ("add_to_cart", 2)):
        total = sum(r["adds_gain"] for r in records if r["step"] == step)
        wanted = sum(row[place] * share[step].get((row[0], row[1]), 0.0) for row in counted) * onward[step]
        assert total == pytest.approx(wanted, rel=0.05)  # the way onward is each place's own
    assert Fraction(sum(Fraction(r["adds"]) for r in records)) > 0


def test_small_groups_do_not_win_by_noise(tmp_path: Path) -> None:
    events = world(5, 3000)
    for n in range(60):  # a small country that by luck buys a lot
        told = {"device": "desktop", "browser": "Chrome", "country": "LI"}
        events += [view(f"l{n}", f"2024-01-{1 + n % 28:02} 10:00", **told), event(f"l{n}", "add_to_cart", f"2024-01-{1 + n % 28:02} 10:01", **told)]  # fmt: skip
        if n < 37:
            events.append(bought(f"l{n}", f"2024-01-{1 + n % 28:02} 10:02", f"lo{n}", "50.00", **told))
    ws = workspace(tmp_path, PLAN, events)
    ((units, through),) = rows(
        ws, "SELECT count(*) FILTER (WHERE name = 'add_to_cart'), count(*) FILTER (WHERE name = 'purchase') FROM events "
        "WHERE country = 'LI'"
    )  # fmt: skip
    assert through / units > 0.6  # well above the half that all have
    answer = ws.ask("opportunity", "buy", min_units=30, **RANGE)
    for row in answer.records():
        if row["against"] == "country LI" and row["step"] == "purchase":
            assert row["target"] < through / units - 0.02
    assert answer.findings == ()


def test_the_best_month(tmp_path: Path) -> None:
    events = []
    for month, rate in ((1, 0.5), (2, 0.7), (3, 0.4), (4, 0.4)):
        for n in range(600):
            day = f"2024-0{month}-{1 + n % 28:02} 10:"
            events.append(view(f"v{month}-{n}", day + "00"))
            events.append(event(f"v{month}-{n}", "add_to_cart", day + "01"))
            if n % 10 < 10 * rate:
                events.append(bought(f"v{month}-{n}", day + "02", f"o{month}-{n}", "50.00"))
    ws = workspace(tmp_path, PLAN, events)
    answer = ws.ask("opportunity", "buy", **{"from": "2024-04-01", "to": "2024-04-28"})
    (row,) = answer.records()
    assert (row["where"], row["step"], row["against"]) == ("everybody", "purchase", "best month 2024-02")
    assert row["target"] == pytest.approx(0.7, abs=0.02)  # drawn to the mean of the months, which tell much
    assert row["rate"] == 0.4


def test_ideas_go_to_the_backlog_once(slow_mobile: Workspace) -> None:
    assert slow_mobile.ask("backlog").empty == "no ideas yet"
    first = slow_mobile.ask("opportunity", "buy", to_backlog=True, **RANGE)
    assert f"backlog: {len(first.rows)} new" in first.notes[-1]
    again = slow_mobile.ask("opportunity", "buy", to_backlog=True, **RANGE)
    assert "backlog: 0 new" in again.notes[-1]
    noted = slow_mobile.ask("backlog")
    assert len(noted.rows) == len(first.rows)
    assert noted.records()[0]["year"] == first.records()[0]["year"]


def test_targets_are_checked(slow_mobile: Workspace) -> None:
    with pytest.raises(UnknownName, match="purchase"):
        slow_mobile.ask("opportunity", "buy", target="purchas=60%")
    for text in ("purchase=much", "purchase=0%", "purchase"):
        with pytest.raises(UsageError):
            slow_mobile.ask("opportunity", "buy", target=text)


def test_without_money_completions_are_told(slow_mobile: Workspace) -> None:
    answer = slow_mobile.ask("opportunity", "sign", target="sign_up=10%", **RANGE)
    assert answer.rows == () or "completions" in answer.sentence


def test_windows_that_are_still_open_are_no_loss(tmp_path: Path) -> None:
    events = [view("old", "2024-01-01 10:00")]
    for n in range(400):  # on the last day nobody has had the time to buy yet
        day = "2024-01-03" if n < 200 else "2024-01-10"
        told = {"device": "mobile" if n % 2 else "desktop"}
        events += [view(f"v{n}", day + " 10:00", **told), event(f"v{n}", "add_to_cart", day + " 10:01", **told)]
        if n < 200 and n % 4 < 2:
            events.append(bought(f"v{n}", day + " 11:00", f"o{n}", "10.00", **told))
    plan = PLAN.replace("per: visitor, window: session", "per: visitor, window: 3d", 1)
    ws = workspace(tmp_path, plan, events)
    answer = ws.ask("opportunity", "buy", target="purchase=60%", **{"from": "2024-01-01", "to": "2024-01-10"})
    (row,) = [r for r in answer.records() if r["against"] == "stated target"]
    assert (row["units"], row["rate"]) == (200, 0.5)
    assert any("starts until Sat 6 Jan" in note for note in answer.notes)
