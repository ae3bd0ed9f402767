"""Breaks of the tracking: each kind is found with its days, and what only looks like one is not called."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta

import numpy as np
import pytest

from assay.decide.tracking import Break, breaks, twice
from assay.model.period import Period
from support import examples

FEB, MARCH = Period(date(2024, 2, 1), date(2024, 2, 28)), Period(date(2024, 2, 29), date(2024, 3, 27))
DAYS = [FEB.first + timedelta(n) for n in range(56)]
BROWSERS = ("Chrome", "Safari")
Series = dict[tuple[str, str], dict[date, int]]


def site(many: int = 20, views: int = 200) -> Series:
    """Two browsers, each with so many purchases and page views a day."""
    return {(event, b): dict.fromkeys(DAYS, n) for event, n in (("purchase", many), ("view", views)) for b in BROWSERS}


def change(series: Series, event: str, days: Sequence[date], how: Callable[[int], int], browser: str = "") -> Series:
    """The same with the event's counts changed on these days, in all browsers or one."""
    return {
        (name, b): {
            day: how(n) if name == event and day in days and browser in ("", b) else n for day, n in counts.items()
        }
        for (name, b), counts in series.items()
    }


def found(
    series: Series, names: Sequence[str] = ("purchase",), filled: Mapping[tuple[str, str, str], dict[date, int]] | None = None
) -> list[tuple[str, date, date, dict[str, str]]]:  # fmt: skip
    return [(one.kind, one.first, one.last, dict(one.where)) for one in called(series, names, filled)]


def called(
    series: Series, names: Sequence[str] = ("purchase",), filled: Mapping[tuple[str, str, str], dict[date, int]] | None = None
) -> list[Break]:  # fmt: skip
    return breaks(series, filled or {}, FEB, (FEB, MARCH), names)


def test_an_event_vanishes_everywhere_and_is_said_once() -> None:
    lost = DAYS[40:44]
    (one,) = called(change(site(), "purchase", lost, lambda n: 0))
    assert (one.kind, one.first, one.last, one.where) == ("vanished", lost[0], lost[-1], {})
    assert (one.expected, one.seen, one.missing) == (160.0, 0, 160.0)


def test_an_event_vanishes_in_one_browser() -> None:
    lost = DAYS[40:44]
    (one,) = called(change(site(), "purchase", lost, lambda n: 1, "Safari"))  # one in twenty still comes through
    assert (one.kind, one.first, one.last, one.where) == ("vanished", lost[0], lost[-1], {"browser": "Safari"})
    assert (one.expected, one.seen) == (80.0, 4)


def test_both_a_day_without_any_and_a_browser_for_longer() -> None:
    series = change(site(), "purchase", DAYS[40:50], lambda n: 0, "Safari")
    series = change(series, "purchase", DAYS[41:42], lambda n: 0)
    assert found(series) == [
        ("vanished", DAYS[41], DAYS[41], {}),
        ("vanished", DAYS[40], DAYS[49], {"browser": "Safari"}),
    ]


def test_an_event_is_sent_twice() -> None:
    late = DAYS[35:40]
    (one,) = called(change(site(), "purchase", late, lambda n: 2 * n))
    assert (one.kind, one.first, one.last) == ("doubled", late[0], late[-1])
    assert (one.expected, one.seen, one.missing) == (200.0, 400, -200.0)
    each = {day: (80 if day in late else 40, 38) for day in DAYS}  # events and visitors of a day
    assert twice(one, each, FEB)
    assert not twice(one, {day: (n, 76 if day in late else 38) for day, (n, _) in each.items()}, FEB)  # a rush
    assert not twice(one, {}, FEB)


def test_an_event_appears() -> None:
    series = site() | {("lead", "Chrome"): dict.fromkeys(DAYS[45:], 3)}
    assert found(series, ["lead"]) == [("appeared", DAYS[45], DAYS[55], {})]
    assert found(site() | {("lead", "Chrome"): dict.fromkeys(DAYS[50:], 3)}, ["lead"]) == []  # eighteen: too few
    assert found({("lead", "Chrome"): dict.fromkeys(DAYS[45:], 3)}, ["lead"]) == []  # all began then: a new site


def test_a_property_comes_empty() -> None:
    amounts = {("purchase", b, "revenue"): {day: 0 if day in DAYS[40:43] else 20 for day in DAYS} for b in BROWSERS}
    ids = {("purchase", b, "order_id"): dict.fromkeys(DAYS, 20) for b in BROWSERS}
    (one,) = called(site(), filled=amounts | ids)
    assert (one.kind, one.prop, one.first, one.last) == ("emptied", "revenue", DAYS[40], DAYS[42])
    assert (one.expected, one.seen) == (120.0, 0)


def test_a_property_that_goes_with_its_event_has_not_emptied() -> None:
    """No event, no property: the event's break says it all."""
    series = change(site(), "purchase", DAYS[40:43], lambda n: 0)
    amounts = {("purchase", b, "revenue"): {d: 0 if d in DAYS[40:43] else 20 for d in DAYS} for b in BROWSERS}
    assert [kind for kind, *_ in found(series, filled=amounts)] == ["vanished"]


@pytest.mark.parametrize("left", [0, 0.05, 0.3])
def test_fewer_visitors_are_no_break(left: float) -> None:
    series = site()
    for event in ("purchase", "view"):
        series = change(series, event, DAYS[40:44], lambda n: int(n * left))
    assert found(series) == []


@pytest.mark.parametrize("how", [lambda n: n // 2, lambda n: n // 6, lambda n: n * 3 // 2, lambda n: n * 3])
def test_fewer_or_more_orders_are_no_break(how: Callable[[int], int]) -> None:
    """Customers may do so; a tag that is broken does not bring half of all, nor three times as many."""
    assert found(change(site(), "purchase", DAYS[40:44], how)) == []


def test_rare_events_may_stay_away() -> None:
    rare = {("purchase", "Chrome"): dict.fromkeys(DAYS[:28], 1)}
    assert found(rare | {("view", "Chrome"): dict.fromkeys(DAYS, 200)}) == [("vanished", DAYS[28], DAYS[55], {})]
    some = {("purchase", "Chrome"): {day: 1 for day in DAYS if day <= DAYS[42]}}
    assert found(some | {("view", "Chrome"): dict.fromkeys(DAYS, 200)}) == []  # thirteen days without one


def test_a_break_in_the_earlier_period() -> None:
    lost = DAYS[10:13]
    assert found(change(site(), "purchase", lost, lambda n: 0)) == [("vanished", lost[0], lost[-1], {})]
    assert found(change(site(), "purchase", lost, lambda n: 2 * n)) == [("doubled", lost[0], lost[-1], {})]


def test_a_break_over_both_periods_is_told_in_each() -> None:
    lost = DAYS[25:31]
    assert found(change(site(), "purchase", lost, lambda n: 0)) == [
        ("vanished", DAYS[25], DAYS[27], {}),
        ("vanished", DAYS[28], DAYS[30], {}),
    ]


def test_quiet_sites_are_hardly_ever_called() -> None:
    """Poisson counts on days that go up and down together (30 %) and each event by itself (10 %): below 1 in 1,000."""
    draw = np.random.default_rng(11)
    looks = wrong = 0
    each = examples(105)
    sizes = (0.3, 1, 4, 15, 60, 250, 1000)
    for own in sizes:
        for rest in sizes:
            for _ in range(each):
                day = draw.gamma(1 / 0.09, 0.09, 56)
                series = {}
                for event, mean in (("purchase", own), ("view", rest)):
                    moved = day * draw.gamma(1 / 0.01, 0.01, 56)
                    for browser, share in (("Chrome", 0.7), ("Safari", 0.3)):
                        counts = draw.poisson(mean * share * moved)
                        series[event, browser] = {d: int(n) for d, n in zip(DAYS, counts, strict=True) if n}
                looks += 2 * 3  # two periods, everywhere and two browsers
                wrong += len(called(series))
    assert looks == len(sizes) ** 2 * each * 6 > 10_000
    assert wrong < looks / 1000
