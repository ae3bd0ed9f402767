"""Causes told apart, each on a day made by hand; incidents over several days."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import pytest

from assay.decide.alerts import Day, Deviation, Subject, subject
from assay.decide.causes import verdicts
from assay.decide.incidents import Incident, follow

DAY = date(2024, 3, 1)
CHAIN = ("view_item", "add_to_cart", "begin_checkout", "purchase")
USUAL = {"view_item": 500.0, "add_to_cart": 200.0, "begin_checkout": 100.0, "purchase": 50.0}
SESSIONS = Subject("sessions")
FLAT = Subject("flat")


def deviation(
    value: float, expected: float, exposure: float = 1.0, usual: float = 1.0, z: float | None = None
) -> Deviation:
    spread = max(expected, 1.0) ** 0.5 if expected > 1 else 0.02
    return Deviation(
        value, expected, expected - 3 * spread, expected + 3 * spread, (value - expected) / spread if z is None else z,
        1e-9, exposure, usual,
    )  # fmt: skip


def normal() -> dict[Subject, Deviation]:
    """1,000 sessions, 600 of them mobile, in two channels and two browsers; all as expected."""
    seen = {SESSIONS: deviation(1000, 1000), FLAT: deviation(400, 400), Subject("bots"): deviation(20, 20)}
    for by, parts in (("device", {"mobile": 0.6, "desktop": 0.4}), ("browser", {"Safari": 0.3, "Chrome": 0.7}),
                      ("channel", {"Paid": 0.25, "Organic": 0.75}), ("country", {"DE": 0.7, "AT": 0.3})):  # fmt: skip
        for value, share in parts.items():
            seen[SESSIONS.at(by, value)] = deviation(1000 * share, 1000 * share)
            for name, n in USUAL.items():
                seen[Subject("event", name, by, value)] = deviation(n * share, n * share)
                seen[Subject("repeat", name, by, value)] = deviation(1, 1, n * share, n * share)
            for a, b in pairwise(CHAIN):
                rate, of = USUAL[b] / USUAL[a], USUAL[a] * share
                seen[Subject("step", f"{a}>{b}", by, value)] = deviation(rate, rate, of, of)
            seen[Subject("goal", "order", by, value)] = deviation(0.05, 0.05, 1000 * share, 1000 * share)
    for name, n in USUAL.items():
        seen[Subject("event", name)] = deviation(n, n)
        seen[Subject("repeat", name)] = deviation(1, 1, n, n)
    for a, b in pairwise(CHAIN):
        seen[Subject("step", f"{a}>{b}")] = deviation(USUAL[b] / USUAL[a], USUAL[b] / USUAL[a], USUAL[a], USUAL[a])
    seen[Subject("goal", "order")] = deviation(0.05, 0.05, 1000, 1000)
    seen[Subject("metric", "rpv")] = deviation(3, 3, 1000, 1000)
    seen[Subject("fill", "purchase.revenue")] = deviation(1, 1, 50, 50)
    return seen


def day(changed: dict[str, float], on: date = DAY) -> Day:
    """``changed``: series → factor on its value; a rate's exposure with ``#``. What is changed by a fifth is flagged."""
    seen = normal()
    for text, factor in changed.items():
        one = subject(text.removesuffix("#"))
        old = seen[one]
        if text.endswith("#"):
            seen[one] = Deviation(**{**old.__dict__, "exposure": old.exposure * factor})
        else:
            seen[one] = deviation(old.value * factor, old.expected, old.exposure, old.usual)
    flagged = frozenset(
        s for s, d in seen.items() if abs(d.ratio - 1) >= 0.2 and s.kind != "flat" and (s.whole or s.kind != "event")
    )
    parts = {s: frozenset(s.name.split(">")) for s in seen if s.kind in ("event", "repeat", "step")}
    parts |= {s: frozenset({"purchase"}) for s in seen if s.kind == "goal"}
    parts[Subject("metric", "rpv")] = frozenset({"purchase", "purchase.revenue"})
    parts[Subject("fill", "purchase.revenue")] = frozenset({"purchase.revenue"})
    return Day(on, seen, flagged, {s: parts.get(s, frozenset()) for s in seen}, (CHAIN,))


GONE = {"event:purchase": 0.0, "goal:order": 0.0, "step:begin_checkout>purchase": 0.0, "metric:rpv": 0.0}
SAFARI = {
    "event:purchase|browser=Safari": 0.0, "step:begin_checkout>purchase|browser=Safari": 0.0, "event:purchase": 0.7,
    "goal:order": 0.7, "goal:order|browser=Safari": 0.0, "metric:rpv": 0.7,
}  # fmt: skip
MIDDLE = {"event:add_to_cart": 0.0, "step:view_item>add_to_cart": 0.0}
BLOCKED = {  # nobody gets past the cart, and nothing follows
    "step:view_item>add_to_cart": 0.0, "event:add_to_cart": 0.0, "event:begin_checkout": 0.0, "event:purchase": 0.0,
    "goal:order": 0.0, "metric:rpv": 0.0,
}  # fmt: skip
MOBILE = {
    "step:begin_checkout>purchase|device=mobile": 0.2, "step:begin_checkout>purchase": 0.52, "event:purchase": 0.52,
    "event:purchase|device=mobile": 0.2, "goal:order": 0.52, "goal:order|device=mobile": 0.2, "metric:rpv": 0.5,
    "repeat:begin_checkout": 1.4,
}  # fmt: skip
ROBOTS = {
    "sessions": 1.6, "flat": 2.5, "sessions|country=AT": 2.95, "sessions|browser=Chrome": 1.8, "sessions|channel=Organic": 1.8,
    "goal:order": 0.62, "metric:rpv": 0.62, "sessions|device=desktop": 2.5,
}  # fmt: skip
CROWD = {"sessions": 1.6, "flat": 1.7, "sessions|country=AT": 2.95}  # they look around as others do
STOPPED = {"sessions": 0.75, "sessions|channel=Paid": 0.0, "event:view_item": 0.75, "event:purchase": 0.77}
MIXED = {  # Paid buys at half the rate of Organic; its share went from 25 to 60 percent
    "goal:order": 0.75, "sessions|channel=Paid": 2.4, "sessions|channel=Organic": 0.53,
}  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "cause", "root", "part"),
    [
        (GONE, "tracking", "event:purchase", None),
        (SAFARI, "tracking", "event:purchase", ("browser", "Safari")),
        (MIDDLE, "tracking", "event:add_to_cart", None),
        (BLOCKED, "rate", "step:view_item>add_to_cart", None),
        ({"repeat:purchase": 2.0, "event:purchase": 2.0}, "tracking", "event:purchase", None),
        ({"fill:purchase.revenue": 0.1, "metric:rpv": 0.1}, "tracking", "fill:purchase.revenue", None),
        (
            {"sessions|browser=Safari": 0.0, "sessions": 0.7},
            "tracking",
            "sessions|browser=Safari",
            ("browser", "Safari"),
        ),
        (MOBILE, "rate", "step:begin_checkout>purchase", ("device", "mobile")),
        (ROBOTS, "bots", "sessions", ("country", "AT")),
        (CROWD, "volume", "sessions", ("country", "AT")),
        (STOPPED, "volume", "sessions", ("channel", "Paid")),
        ({"sessions|channel=Paid": 0.0}, "volume", "sessions|channel=Paid", ("channel", "Paid")),
        ({"sessions|channel=Paid": 2.5, "sessions|channel=Organic": 0.5}, "mix", "sessions", ("channel", "Paid")),
        ({"bots": 9.0}, "bots", "bots", None),
        ({"metric:rpv": 0.7}, "rate", "metric:rpv", None),
    ],
)
def test_one_incident_with_its_cause(
    changed: dict[str, float], cause: str, root: str, part: tuple[str, str] | None
) -> None:
    found = verdicts(day(changed))
    assert [(v.cause, str(v.subject), v.slice) for v in found] == [(cause, root, part)]


def test_a_rate_that_moved_by_the_mix() -> None:
    given = day(MIXED)
    given.seen[Subject("goal", "order", "channel", "Paid")] = deviation(0.025, 0.025, 600, 250)  # type: ignore[index]
    given.seen[Subject("goal", "order", "channel", "Organic")] = deviation(0.0583, 0.0583, 400, 750)  # type: ignore[index]
    (found,) = verdicts(given)
    assert (found.cause, found.slice) == ("mix", ("channel", "Paid"))


def test_two_incidents_on_one_day() -> None:
    found = verdicts(day({**STOPPED, "fill:purchase.revenue": 0.1, "metric:rpv": 0.1}))
    assert {v.cause for v in found} == {"tracking", "volume"}


def test_nothing_is_said_of_an_ordinary_day() -> None:
    assert verdicts(day({})) == []


def after(days: list[dict[str, float]]) -> list[Incident]:
    found: list[Incident] = []
    for n, changed in enumerate(days):
        one = day(changed, DAY + timedelta(n))
        found = follow(found, one, verdicts(one), dict.fromkeys(one.flagged, ("automatic",)))
    return found


def test_an_incident_goes_on_and_recovers() -> None:
    (one,) = after([GONE, GONE, {}, {}])
    assert (one.first, one.last, one.recovered) == (DAY, DAY + timedelta(1), DAY + timedelta(2))
    assert one.families == ("automatic",)
    assert len(one.touches) == 4


def test_within_three_days_it_is_the_same_again_and_later_another() -> None:
    (one,) = after([GONE, {}, GONE])
    assert (one.first, one.last, one.recovered) == (DAY, DAY + timedelta(2), None)
    assert len(after([GONE, {}, {}, {}, {}, GONE])) == 2


def test_what_happens_meanwhile_is_an_incident_of_its_own() -> None:
    channel, tracking = after([STOPPED, {**STOPPED, **GONE}, STOPPED])
    assert (channel.verdict.cause, channel.recovered) == ("volume", None)
    assert (tracking.verdict.cause, tracking.recovered) == ("tracking", DAY + timedelta(2))


@pytest.mark.parametrize("text", ["sessions", "event:purchase", "sessions|channel=Paid Search", "step:a>b|device=x=y"])
def test_a_subject_reads_as_it_is_written(text: str) -> None:
    assert str(subject(text)) == text


def test_a_crowd_from_one_part_that_does_otherwise_is_told_once() -> None:
    """An influencer's visitors seldom buy: the rate of all falls, that of everybody else does not."""
    changed = {"sessions": 2.0, "sessions|channel=Paid": 5.0, "goal:order": 0.55, "goal:order#": 2.0}
    changed |= {"goal:order|channel=Paid": 0.2, "goal:order|channel=Paid#": 5.0, "metric:rpv": 0.55}
    found = verdicts(day(changed))
    assert [(v.subject, v.cause, v.slice) for v in found] == [(SESSIONS, "volume", ("channel", "Paid"))]
    assert "all others do as before" in found[0].why
    assert Subject("goal", "order") in found[0].touches


def test_a_crowd_on_a_day_on_which_all_buy_less_is_two_things() -> None:
    changed = {"sessions": 2.0, "sessions|channel=Paid": 5.0, "goal:order": 0.1, "goal:order#": 2.0}
    changed |= {"goal:order|channel=Paid": 0.1, "goal:order|channel=Paid#": 5.0, "goal:order|channel=Organic": 0.1}
    assert {v.cause for v in verdicts(day(changed))} == {"volume", "rate"}
