"""Situations of who buys and what it brings. Planted they are found with figures counted by hand, else they are not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from situated import PLAN, costs, doing, group, looked, state

from support import Event, bought, rows, view, workspace

NEWS: dict[str, Any] = {"utm_source": "news", "utm_medium": "email"}
ADS: dict[str, Any] = {"utm_source": "x", "utm_medium": "cpc"}

# -- mobile_gap -------------------------------------------------------------------------------------------------------


def _devices(mobile_wins: int) -> list[Event]:
    return [*group("d", 1000, 100, device="desktop"), *group("m", 1000, mobile_wins, device="mobile")]


@pytest.mark.parametrize("wins", [30, 0])
def test_mobile_far_below_desktop(tmp_path: Path, wins: int) -> None:
    said, (case,) = looked(workspace(tmp_path, PLAN, _devices(wins)), "mobile_gap")
    assert (said, case["value"], case["rate"], case["desktop"]) == ("found", "mobile", wins / 1000, 0.1)
    assert case["odds"] == pytest.approx((wins / (1000 - wins)) / (100 / 900), rel=0.01, abs=0.01)


def test_mobile_is_not_blamed_for_its_channel(tmp_path: Path) -> None:
    """5.6 against 16.4 %; in either channel both devices convert alike."""
    events = [
        *group("dn", 800, 160, device="desktop", **NEWS),
        *group("mn", 200, 40, device="mobile", **NEWS),
        *group("da", 200, 4, device="desktop", **ADS),
        *group("ma", 800, 16, device="mobile", **ADS),
    ]
    assert state(tmp_path, "mobile_gap", events) == "not found"


@pytest.mark.parametrize("wins", [90, 78])  # 22 % fewer: thumbs and small screens
def test_mobile_a_little_below_desktop(tmp_path: Path, wins: int) -> None:
    assert state(tmp_path, "mobile_gap", _devices(wins)) == "not found"


def test_mobile_needs_desktop(tmp_path: Path) -> None:
    few = "cannot be seen: fewer than 100 visitors on mobile or on desktop"
    assert state(tmp_path / "a", "mobile_gap", group("m", 1000, 30, device="mobile")) == few
    assert (
        state(tmp_path / "b", "mobile_gap", group("m", 1000, 0, device="mobile"))
        == "cannot be seen: nobody reaches order"
    )
    bare = "site: {name: Test}\n"
    assert state(tmp_path / "c", "mobile_gap", _devices(30), plan=bare) == "cannot be seen: the plan has no macro goal"


# -- browser_gap ------------------------------------------------------------------------------------------------------


def _browsers(safari_wins: int) -> list[Event]:
    told = (("Chrome", 1500, 150), ("Safari", 600, safari_wins), ("Firefox", 900, 90))
    return [e for name, many, wins in told for e in group(name, many, wins, browser=name)]


@pytest.mark.parametrize("wins", [20, 0])
def test_one_browser_far_below_the_rest(tmp_path: Path, wins: int) -> None:
    said, (case,) = looked(workspace(tmp_path, PLAN, _browsers(wins)), "browser_gap")
    assert (said, case["browser"], case["rate"]) == ("found", "Safari", wins / 600)
    assert case["odds"] == pytest.approx((wins / (600 - wins)) / (240 / 2160), rel=0.01, abs=0.01)


def test_browsers_alike(tmp_path: Path) -> None:
    assert state(tmp_path / "a", "browser_gap", _browsers(52)) == "not found"
    assert state(tmp_path / "b", "browser_gap", group("c", 900, 90, browser="Chrome")) == (
        "cannot be seen: fewer than two browsers with enough visits"
    )


# -- returning_never_buy ----------------------------------------------------------------------------------------------


def _returning(wins: int, many: int = 500, history: str = "2024-02-01") -> list[Event]:
    before = group("r", many, 0, first=history, days=20)
    return [*before, *group("r", many, wins), *group("n", 1000, 100)]


def test_who_returns_does_not_buy(tmp_path: Path) -> None:
    said, (case,) = looked(workspace(tmp_path, PLAN, _returning(5)), "returning_never_buy")
    assert (said, case) == ("found", {"returning": 0.01, "new": 0.1, "share": 500 / 1500})


def test_who_returns_buys_as_others_do(tmp_path: Path) -> None:
    assert state(tmp_path / "a", "returning_never_buy", _returning(45)) == "not found"
    few = [*_returning(2, many=220), *group("more", 1000, 100)]  # a tenth of all: too few to speak of
    assert state(tmp_path / "b", "returning_never_buy", few) == "not found"


def test_returning_needs_history_and_visitors(tmp_path: Path) -> None:
    assert state(tmp_path / "a", "returning_never_buy", _returning(5, history="2024-02-05")).startswith(
        "cannot be seen: less than four weeks of data before the range"
    )
    assert state(tmp_path / "b", "returning_never_buy", _returning(5, many=199)) == (
        "cannot be seen: fewer than 200 new and 200 returning visitors"
    )


# -- micro_up_macro_flat ----------------------------------------------------------------------------------------------

MICRO = PLAN.replace("journey: shop}}", "journey: shop}, lead: {event: generate_lead, kind: micro, journey: shop}}")
BEFORE = "2024-02-02"


def _leads(leads: int, orders: int) -> list[Event]:
    return [
        *group("b", 2000, 100, first=BEFORE),
        *doing("b", 200, "generate_lead", first=BEFORE),
        *group("a", 2000, orders),
        *doing("a", leads, "generate_lead"),
    ]


def test_more_leads_and_no_more_orders(tmp_path: Path) -> None:
    said, (case,) = looked(workspace(tmp_path, MICRO, _leads(400, 100)), "micro_up_macro_flat")
    assert (said, case["micro"], case["macro"]) == ("found", "lead", "order")
    assert [case[n] for n in ("micro_before", "micro_after", "macro_before", "macro_after")] == [0.1, 0.2, 0.05, 0.05]
    assert (
        2.9 < case["z"] < 0.05 / ((0.05 * 0.95 / 2000) * 5) ** 0.5
    )  # 2 · 5 % − 5 %, with both periods' noise and more


@pytest.mark.parametrize(("leads", "orders"), [(400, 200), (215, 100), (400, 180)])
def test_orders_follow_or_leads_did_not_rise(tmp_path: Path, leads: int, orders: int) -> None:
    assert state(tmp_path, "micro_up_macro_flat", _leads(leads, orders), plan=MICRO) == "not found"


def test_leads_that_rise_on_a_few_wild_days_are_noise(tmp_path: Path) -> None:
    """Two days of the earlier four weeks were as loud as six of the later ones: such days happen."""
    wild = []
    for first, loud in ((BEFORE, (3, 12)), ("2024-03-01", (2, 6, 11, 15, 19, 24))):
        name = first[6]
        wild += group(name, 2000, 100, first=first)
        leads = doing(name, 2000, "generate_lead", first=first)
        wild += [one for n, one in enumerate(leads) if n % 28 in loud or n % 20 == 0]
    assert state(tmp_path, "micro_up_macro_flat", wild, plan=MICRO) == "not found"


def test_steps_need_two_goals_of_one_journey_and_a_time_before(tmp_path: Path) -> None:
    world = _leads(400, 100)
    assert state(tmp_path / "a", "micro_up_macro_flat", world) == "cannot be seen: the plan has no micro goals"
    other = MICRO.replace("kind: micro, journey: shop", "kind: micro, journey: other")
    assert state(tmp_path / "b", "micro_up_macro_flat", world, plan=other) == (
        "cannot be seen: no micro goal has a macro goal in its journey"
    )
    later = [e for e in world if e["visitor"].startswith("a")]
    assert state(tmp_path / "c", "micro_up_macro_flat", later, plan=MICRO) == (
        "cannot be seen: no data before the range to compare with"
    )


# -- discount_costs ---------------------------------------------------------------------------------------------------

COSTED = PLAN + "orders: {cost: 50%}\n"


def _coupons(amounts: tuple[str, str]) -> list[Event]:
    return [
        *group("p", 500, 50, amount="70.00"), *group("q", 500, 50, amount="90.00"),
        *group("c", 300, 50, amount=amounts[0], coupon="HALF"), *group("e", 300, 50, amount=amounts[1], coupon="HALF"),
    ]  # fmt: skip


def test_orders_with_a_coupon_leave_little(tmp_path: Path) -> None:
    ws = workspace(tmp_path, COSTED, _coupons(("18.00", "22.00")))
    said, (case,) = looked(ws, "discount_costs")
    assert (said, case["coupon"], case["orders"]) == ("found", "HALF", 100)
    by_hand = rows(ws, "SELECT coupon, avg(contribution) FROM orders GROUP BY coupon ORDER BY coupon NULLS FIRST")
    assert (case["without"], case["contribution"]) == pytest.approx((40.0, 10.0))
    assert [row[1] for row in by_hand] == pytest.approx([40.0, 10.0])


def test_more_buy_and_less_is_left(tmp_path: Path) -> None:
    before = [*group("p", 1000, 50, amount="90.00", first=BEFORE), *group("q", 1000, 50, amount="110.00", first=BEFORE)]
    after = [*group("r", 1000, 100, amount="18.00"), *group("s", 1000, 100, amount="22.00")]
    said, (case,) = looked(workspace(tmp_path, COSTED, before + after), "discount_costs")
    assert (said, case["rate"]) == ("found", [0.05, 0.1])
    assert case["contribution"] == pytest.approx([100 * 50 / 2000, 200 * 10 / 2000])


def test_a_discount_that_pays(tmp_path: Path) -> None:
    assert state(tmp_path, "discount_costs", _coupons(("55.00", "65.00")), plan=COSTED) == "not found"


def test_discounts_need_costs_and_something_to_compare(tmp_path: Path) -> None:
    assert state(tmp_path / "a", "discount_costs", _coupons(("18.00", "22.00"))).startswith(
        "cannot be seen: the plan knows no cost of goods"
    )
    assert state(tmp_path / "b", "discount_costs", group("p", 500, 60), plan=COSTED) == (
        "cannot be seen: no data before the range, and fewer than 50 orders with a coupon and 50 without"
    )


# -- cheap_channel_poor -----------------------------------------------------------------------------------------------

WINTER = {"from": "2024-01-01", "to": "2024-03-30"}  # 90 days: customers of the first 60 are 30 days old
SPENT = "date,channel,spend"


def _customers(display: tuple[str, str], again: bool = True) -> list[Event]:
    told: tuple[tuple[str, str, tuple[str, str]], ...] = (
        ("google", "cpc", ("50.00", "70.00")), ("facebook", "paid_social", ("50.00", "70.00")), ("gdn", "display", display),
    )  # fmt: skip
    events: list[Event] = [view("late", "2024-03-30 12:00")]
    for source, medium, (low, high) in told:
        for place, amount in (("l", low), ("h", high)):
            events += group(f"{source}{place}", 50, 50, first="2024-01-01", days=50, amount=amount, utm_source=source,
                            utm_medium=medium)  # fmt: skip
    if again:  # an order after the thirtieth day is no worth of the thirtieth day
        events += [bought(f"gdn{p}{n}", "2024-03-29 10:00", f"again{p}{n}", "900.00") for p in "lh" for n in range(25)]
    return events


def _spend(display: int) -> list[tuple[Any, ...]]:
    each = (("Paid Search", 1000), ("Paid Social", 2000), ("Display", display))
    return [("2024-01-15", *one) for one in each] + [
        ("2024-03-20", "Display", 9000)
    ]  # after the last of those customers


def test_a_cheap_channel_of_poor_customers(tmp_path: Path) -> None:
    ws = workspace(tmp_path, PLAN, _customers(("8.00", "12.00")))
    costs(ws, _spend(500), SPENT)
    said, (case,) = looked(ws, "cheap_channel_poor", **WINTER)
    assert (said, case["channel"], case["age"]) == ("found", "Display", 30)
    assert (case["cac"], case["value"], case["ratio"]) == pytest.approx((5.0, 10.0, 2.0))
    assert case["others"] == pytest.approx((60 / 10 + 60 / 20) / 2)


@pytest.mark.parametrize(
    ("display", "spent"), [(("50.00", "70.00"), 500), (("8.00", "12.00"), 200), (("8.00", "12.00"), 4000)]
)
def test_a_channel_that_is_worth_its_cost_or_is_not_cheap(tmp_path: Path, display: tuple[str, str], spent: int) -> None:
    ws = workspace(tmp_path, PLAN, _customers(display))
    costs(ws, _spend(spent), SPENT)
    assert looked(ws, "cheap_channel_poor", **WINTER) == ("not found", [])


def test_channels_need_costs_and_time(tmp_path: Path) -> None:
    world = _customers(("8.00", "12.00"), again=False)
    reason = "cannot be seen: fewer than two paid channels with 30 customers"
    assert state(tmp_path / "a", "cheap_channel_poor", world, **WINTER) == reason
    assert state(tmp_path / "b", "cheap_channel_poor", world, **{**WINTER, "to": "2024-02-20"}) == (
        "cannot be seen: less than 60 days of data: nobody is a customer for long enough"
    )
