from __future__ import annotations

import re

import pytest

from assay.plan.load import loads
from assay.plan.values import Plan

PLAN = """
site: {name: Shop, timezone: Europe/Berlin, currency: EUR}
rules:
  session: {timeout: 30m}
  bounce: assay
pages: {checkout: /checkout/*}
orders: {cost: 50%, shipping: shipping}
goals:
  order: {event: purchase, kind: macro, team: a, agreed_by: [b]}
  seen: {page: checkout}
metrics:
  rate: {type: conversion, goal: order, per: session, description: x}
  seen: {type: conversion, goal: seen, per: visitor}
  rpv: {type: simple, sum: revenue.net, per: visitor}
  contribution: {type: simple, sum: contribution}
  bounce: {type: rate, of: session, where: is_bounce}
  visitors: {type: simple, count: visitor}
  searchers: {type: simple, count: session, where: channel = 'Organic Search'}
  share: {type: derived, expression: contribution / visitors}
segments:
  mobile: device = 'mobile'
cohorts:
  hesitant: {did: [view_item, add_to_cart], did_not: purchase, within: 14d}
funnels:
  shop: {steps: [{event: view_item, label: Seen}, purchase], window: 7d}
"""


def ids(plan: Plan) -> dict[str, str]:
    sections = (plan.metrics, plan.segments, plan.cohorts, plan.funnels)
    named = {f"{n}.{name}": one.id for n, section in enumerate(sections) for name, one in section.items()}
    return {**{key[2:] if key[0] == "0" else key: value for key, value in named.items()}, "plan": plan.id}


def changed(before: str, after: str) -> set[str]:
    assert before in PLAN
    old, new = ids(loads(PLAN)), ids(loads(PLAN.replace(before, after, 1)))
    return {name for name in old if old[name] != new[name]}


def test_twelve_hexadecimal_digits_that_stay() -> None:
    found = ids(loads(PLAN))
    assert all(re.fullmatch("[0-9a-f]{12}", one) for one in found.values())
    assert len(set(found.values())) == len(found)
    # Written down on purpose: an id must survive a new release, or every stored answer would look redefined.
    assert (found["rpv"], found["rate"], found["3.shop"]) == ("e79fb9dcc4a1", "8bc631db544e", "8ef277c85718")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("description: x", "description: y"),
        ("team: a", "team: b"),
        ("agreed_by: [b]", "agreed_by: [b, c]"),
        ("label: Seen", "label: Viewed"),
        ("name: Shop", "name: Store"),
        ("goal: order, per: session", "per: session, goal: order"),
        ("timeout: 30m", "timeout: 1800s"),
        ("device = 'mobile'", "( device='mobile' )"),
        ("[view_item, add_to_cart]", "[add_to_cart, view_item]"),
        ("window: 7d", "window: 7d, description: from seen to paid"),
        ("rules:", "# a remark\nrules:"),
    ],
)
def test_what_changes_nothing(before: str, after: str) -> None:
    assert changed(before, after) == set()


@pytest.mark.parametrize(
    ("before", "after", "names"),
    [
        ("timeout: 30m", "timeout: 20m", {"rate", "bounce", "searchers", "1.mobile"}),
        ("bounce: assay", "bounce: matomo", {"bounce"}),
        ("bounce: assay", "bounce: assay\n  refunds: booked", {"rpv", "contribution", "share"}),
        (
            "bounce: assay",
            "bounce: assay\n  orders: last",
            {"rate", "rpv", "contribution", "share", "2.hesitant", "3.shop"},
        ),
        ("bounce: assay", "bounce: assay\n  channels: ga4", {"searchers"}),
        ("bounce: assay", "bounce: assay\n  session_source: own", {"searchers"}),
        ("currency: EUR", "currency: USD", {"rpv", "contribution", "share"}),
        ("cost: 50%", "cost: 51%", {"contribution", "share"}),
        ("checkout: /checkout/*", "checkout: /kasse/*", {"seen"}),
        ("event: purchase, kind", "event: sign_up, kind", {"rate"}),
        ("event: purchase, kind", "event: purchase, where: revenue > 10, kind", {"rate"}),
        ("device = 'mobile'", "device = 'desktop'", {"1.mobile"}),
        ("within: 14d", "within: 15d", {"2.hesitant"}),
        ("window: 7d", "window: 8d", {"3.shop"}),
        ("goal: order, per: session", "goal: order, per: visitor", {"rate"}),
        ("timezone: Europe/Berlin", "timezone: Europe/Paris", set()),
        ("name: Shop,", "name: Shop, week_start: sunday,", set()),
    ],
)
def test_what_changes_a_meaning(before: str, after: str, names: set[str]) -> None:
    assert changed(before, after) == names | {"plan"}


def test_split_at_midnight_makes_the_zone_part_of_it() -> None:
    zone = PLAN.replace("timeout: 30m", "timeout: 30m, split_at_midnight: true")
    old, new = loads(zone), loads(zone.replace("Berlin", "Paris"))
    assert old.metrics["rate"].id != new.metrics["rate"].id
    assert old.metrics["visitors"].id == new.metrics["visitors"].id


def test_the_name_is_no_part_of_it() -> None:
    assert (
        loads(PLAN.replace("rpv:", "revenue_per_visitor:")).metrics["revenue_per_visitor"].id
        == loads(PLAN).metrics["rpv"].id
    )
