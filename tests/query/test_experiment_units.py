"""Who is in an experiment and what each unit did: small worlds whose numbers are counted by hand, on every engine.

Each case is an experiment of its own in one workspace; a line is ``WHO DAY TIME VERB …`` (see ``exposed.told``). What is
expected: metric → arm → units and the sum of every variable (``x``; of a ratio ``x`` and ``y``; then the covariates). An
arm with ``+`` holds the units that saw several.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from assay.model.errors import Refused
from assay.plan.measures import Expression
from assay.query.experiments import seen, unit_table
from assay.query.experiments.exposures import exposed_bots
from assay.query.experiments.table import Key, unit_quantile
from assay.workspace import Workspace
from exposed import ZONE, experiment, moment, read, sums, told
from support import Event, workspace

VECTORS = json.loads((Path(__file__).parent.parent / "data" / "cases" / "experiment-vectors.json").read_text("utf-8"))
PLAN = f"""
site: {{timezone: {ZONE}, currency: EUR}}
rules: {{session_source: own}}
activity: {{event: login}}
pages: {{thanks: /thanks}}
events:
  experiment_viewed: {{properties: {{experiment_id: string, variant: string, arm: integer, coupon: string}}}}
  shown: {{properties: {{test: integer, on: boolean}}}}
  sign_up: {{properties: {{seats: integer}}}}
  login: {{properties: {{}}}}
  use: {{properties: {{}}}}
  add_to_cart: {{properties: {{worth: money}}}}
goals:
  order: {{event: purchase, kind: macro}}
  joined: {{event: sign_up, count: every}}
  thanked: {{page: thanks}}
  from_ads: {{event: begin_checkout, where: "first_channel = 'Email'"}}
segments: {{mobile: "device = 'mobile'"}}
metrics:
  bought: {{type: conversion, goal: order, per: visitor}}
  rpv: {{type: simple, sum: revenue.net, per: visitor}}
  aov: {{type: ratio, numerator: {{sum: revenue.net}}, denominator: {{count: order}}}}
  orders: {{type: simple, count: order, per: visitor}}
  seats: {{type: simple, sum: sign_up.seats, per: visitor}}
  joins: {{type: conversion, goal: joined, per: visitor}}
  thanks: {{type: simple, count: page_view, where: "page = '/thanks'", per: visitor}}
  views: {{type: simple, count: page_view, per: visitor}}
  purchase_rate: {{type: conversion, goal: order, per: session}}
  bounce_rate: {{type: rate, of: session, where: is_bounce}}
  revenue_per_session: {{type: simple, sum: revenue.net, per: session}}
  first_share: {{type: rate, of: order, where: "order_type = 'first'"}}
  refund_rate: {{type: conversion, from: order, event: refund, per: order, within: 30d}}
  later: {{type: conversion, from: sign_up, event: purchase, per: visitor, within: 2d}}
  left: {{type: abandonment, per: visitor, within: 1d}}
  left_session: {{type: abandonment, per: session}}
  left_worth: {{type: abandonment, per: visitor, within: 1d, value: add_to_cart.worth}}
  used_twice: {{type: feature_usage, event: use, at_least: 2, per: visitor}}
  per_customer: {{type: ratio, numerator: {{sum: revenue.net}}, denominator: {{count: customer}}}}
  p90: {{type: quantile, of: sign_up.seats, q: 0.9}}
  per_head: {{type: ratio, numerator: {{sum: revenue.net}}, denominator: {{count: visitor}}}}
"""


@dataclass(frozen=True)
class Case:
    """``block``: keys of the experiment beside its primary; ``given``: how it is read."""

    block: str
    world: str
    expected: Mapping[str, Mapping[str, tuple[Any, ...]]]
    given: Mapping[str, Any] = field(default_factory=dict)


D = Decimal
CASES = {
    "the_first_exposure_decides_the_arm": Case(
        "window: 2d",
        """
        a 03-04 10:00 sees control
        a 03-04 09:00 sees treatment
        a 03-04 10:30 buys o1 10
        b 03-04 10:00 sees control seq=2
        b 03-04 10:00 sees treatment seq=1
        c 03-04 10:00 sees control
        c 03-05 10:00 sees control
        c 03-06 10:00 buys o2 20
        c 03-07 10:00 buys o3 40
        d 03-04 10:00 sees treatment
        """,
        {
            "bought": {"treatment+": (2, 1), "control": (1, 1), "treatment": (1, 0)},
            "rpv": {"treatment+": (2, 10), "control": (1, 20), "treatment": (1, 0)},
        },
    ),
    "who_did_not_see_it_is_not_there": Case(
        "window: 2d",
        """
        a 03-04 10:00 buys o1 10
        b 03-04 10:00 sees .variant=ghost
        c 03-04 10:00 sees
        d 03-04 10:00 sees control .experiment_id=another
        e 03-04 10:00 sees treatment environment=staging
        f 03-04 10:00 sees treatment bot=true
        - 03-04 10:00 sees treatment
        g 02-29 23:59:59 sees control
        h 03-01 00:00:00 sees control
        i 04-30 23:59:59 sees treatment
        j 05-01 00:00:00 sees treatment
        """,
        {"bought": {"control": (1, 0), "treatment": (1, 0), "ghost": (1, 0)}},
    ),
    "a_trigger_after_the_exposure": Case(
        "window: 1d, exposure: {trigger: begin_checkout}",
        """
        a 03-04 10:00 sees control
        a 03-04 11:00 buys o1 10
        a 03-05 10:00 begin_checkout
        a 03-06 10:00 buys o2 20
        a 03-06 10:00:01 buys o3 40
        b 03-04 10:00 begin_checkout
        b 03-04 10:01 sees control
        b 03-04 10:02 buys o4 80
        c 03-04 10:00 sees treatment
        c 03-04 10:00 begin_checkout
        c 03-04 10:00 buys o5 160
        d 04-30 23:00 sees treatment
        d 05-01 00:00 begin_checkout
        e 04-30 10:00 sees treatment
        e 04-30 23:59 begin_checkout
        e 05-01 23:00 buys o6 320
        """,
        {"rpv": {"control": (1, 20), "treatment": (2, 480)}, "bought": {"control": (1, 1), "treatment": (2, 2)}},
    ),
    "a_trigger_with_a_condition_on_the_first_visit": Case(
        "window: 1d, exposure: {trigger: from_ads}",
        """
        a 03-04 10:00 sees control utm_medium=email
        a 03-04 10:05 begin_checkout
        b 03-04 10:00 sees control
        b 03-04 10:05 begin_checkout
        """,
        {"bought": {"control": (1, 0)}},
    ),
    "the_audience_is_held_at_the_exposures_visit": Case(
        "window: 7d, audience: mobile",
        """
        a 03-04 10:00 sees control device=desktop
        a 03-04 10:10 buys o1 10 device=desktop
        a 03-05 10:00 sees treatment device=mobile
        a 03-05 10:10 buys o2 20 device=desktop
        b 03-04 10:00 sees control device=desktop
        c 03-04 10:00 sees control device=mobile
        c 03-06 10:00 buys o3 40 device=desktop
        """,
        {"rpv": {"control": (1, 40), "treatment": (1, 20)}},
    ),
    "properties_of_an_event_of_its_own": Case(
        "variants: {'true': 1, 'false': 1}, control: 'false', exposure: {event: shown, name: test, variant: on, value: '7'}",
        """
        a 03-04 10:00 shown .test=7 .on=true
        b 03-04 10:00 shown .test=7 .on=false
        c 03-04 10:00 shown .test=8 .on=true
        """,
        {"bought": {"true": (1, 0), "false": (1, 0)}},
    ),
    "exposures_narrowed_by_their_own_properties": Case(
        "variants: {'0': 1, '1': 1}, control: '0', exposure: {variant: arm, where: \"coupon = 'x'\"}",
        """
        a 03-04 10:00 sees .arm=0 .coupon=x
        b 03-04 10:00 sees .arm=1 .coupon=y
        c 03-04 10:00 sees .arm=1 .coupon=x
        """,
        {"bought": {"0": (1, 0), "1": (1, 0)}},
    ),
    "bounds_of_the_window_are_inclusive": Case(
        "window: 2d",
        """
        a 03-04 10:00:00 sees control
        a 03-04 09:59:59 buys o1 1
        a 03-04 10:00:00 buys o2 2
        a 03-06 10:00:00 buys o3 4
        a 03-06 10:00:00.000001 buys o4 8
        b 03-30 12:00:00 sees treatment
        b 04-01 13:00:00 buys o5 16
        b 04-01 13:00:01 buys o6 32
        """,  # 2 days are 48 hours: in the night to 31 March an hour is lost
        {
            "rpv": {"control": (1, 6), "treatment": (1, 16)},
            "aov": {"control": (1, 6, 2), "treatment": (1, 16, 1)},
            "orders": {"control": (1, 2), "treatment": (1, 1)},
        },
    ),
    "a_user_on_several_devices": Case(
        "unit: user, window: 7d",
        """
        phone 03-04 10:00 sees control
        phone 03-04 10:05 login user=ann
        laptop 03-05 10:00 login user=ann
        laptop 03-05 10:05 buys o1 10
        laptop 03-05 10:06 sees treatment
        tablet 03-04 10:00 sees treatment
        tablet 03-05 10:00 buys o2 20
        desk 03-04 10:00 sees treatment
        desk 03-04 10:05 login user=bob
        home 03-06 10:00 login user=bob
        home 03-06 10:01 buys o3 40
        """,
        {"rpv": {"control+": (1, 10), "treatment": (2, 60)}, "bought": {"control+": (1, 1), "treatment": (2, 2)}},
    ),
    "an_account_and_its_people": Case(
        "unit: account, window: 7d",
        """
        a 03-04 10:00 sees control account=acme
        b 03-04 11:00 views / account=acme
        b 03-05 10:00 buys o1 10 account=acme
        c 03-05 10:00 sees treatment account=acme
        d 03-04 10:00 sees treatment account=ajax
        d 03-04 11:00 buys o2 20 account=ajax
        e 03-04 10:00 sees treatment
        e 03-04 11:00 buys o3 40
        """,  # acme: a, b and c; ajax: d
        {
            "rpv": {"control+": (1, 10), "treatment": (1, 20)},
            "per_head": {"control+": (1, 10, 3), "treatment": (1, 20, 1)},
        },
    ),
    "nothing_happened": Case(
        "window: 2d",
        """
        a 03-04 10:00 sees control
        b 03-04 10:00 sees treatment
        """,
        {
            "bought": {"control": (1, 0), "treatment": (1, 0)},
            "rpv": {"control": (1, 0), "treatment": (1, 0)},
            "aov": {"control": (1, 0, 0), "treatment": (1, 0, 0)},
            "refund_rate": {"control": (1, 0, 0), "treatment": (1, 0, 0)},
            "purchase_rate": {"control": (1, 0, 1), "treatment": (1, 0, 1)},
            "bounce_rate": {"control": (1, 0, 1), "treatment": (1, 0, 1)},  # a visit without a page view is no bounce
        },
    ),
    "a_cap_limits_the_number_of_a_unit": Case(
        "window: 9d",
        """
        a 03-04 10:00 sees control
        a 03-04 11:00 buys o1 0.10
        a 03-04 12:00 buys o2 0.20
        b 03-04 10:00 sees control
        b 03-04 11:00 buys o3 300
        b 03-04 12:00 buys o4 300
        b 03-04 13:00 buys o5 600
        c 03-04 10:00 sees treatment
        c 03-03 11:00 buys o6 999
        """,  # b's own order value is 400: counts as 250.05 for each of three orders
        {
            "rpv": {"control": (2, D("100.55"), 0), "treatment": (1, 0, D("100.25"))},
            "aov": {"control": (2, D("750.45"), 5), "treatment": (1, 0, 0)},
            "orders": {"control": (2, D(4)), "treatment": (1, D(0))},
        },
        {"caps": {"rpv": 100.25, "aov": 250.05, "orders": 2.0}, "covariates": {"rpv": "rpv"}, "before": 9 * 86_400},
    ),
    "covariates_lie_before_the_exposure": Case(
        "window: 1d",
        """
        a 03-01 10:00:00 buys o0 1
        a 03-02 09:59:59 buys o1 2
        a 03-02 10:00:00 buys o2 4
        a 03-03 10:00:00 views /
        a 03-04 09:59:59 buys o3 8
        a 03-04 10:00:00 sees control
        a 03-04 10:00:00 buys o4 16
        - 03-20 10:00:00 refund o3 3
        b 03-04 10:00:00 sees treatment
        """,  # of the two days before: a visit that began earlier, a whole one without an order, the exposure's own
        {
            "rpv": {"control": (1, 16, 9), "treatment": (1, 0, 0)},
            "aov": {"control": (1, 16, 1, 9, 2), "treatment": (1, 0, 0, 0, 0)},
            "bought": {"control": (1, 1, 9), "treatment": (1, 0, 0)},
            "purchase_rate": {"control": (1, 1, 1, 0, 1), "treatment": (1, 0, 1, 0, 0)},
        },
        {
            "covariates": {"rpv": "rpv", "aov": "aov", "bought": "rpv", "purchase_rate": "purchase_rate"},
            "before": 2 * 86_400,
        },
    ),
    "visits_from_the_exposures_own_on": Case(
        "window: 2d",
        """
        a 03-03 10:00 views /
        a 03-03 10:01 buys o0 1
        a 03-04 10:00 views /
        a 03-04 10:05 buys o1 2
        a 03-04 10:10 sees control
        a 03-04 12:00 views /
        a 03-04 12:01 buys o2 4
        a 03-04 12:02 buys o3 8
        a 03-05 12:00 views /
        a 03-06 10:10 views /
        a 03-06 10:11 buys o4 16
        b 03-04 10:00 sees treatment
        b 03-04 10:00 buys o5 32
        """,  # a's visits: of the exposure (its order came before), 12:00, 03-05, 03-06 (begins as the window ends)
        {
            "purchase_rate": {"control": (1, 1, 4), "treatment": (1, 1, 1)},
            "revenue_per_session": {"control": (1, 12, 4), "treatment": (1, 32, 1)},
            "bounce_rate": {"control": (1, 1, 4), "treatment": (1, 0, 1)},  # 03-05; on 03-06 it bought
        },
    ),
    "orders_are_entities_and_refunds_are_theirs": Case(
        "window: 2d",
        """
        a 03-04 10:00 sees control
        a 03-04 11:00 buys o1 10
        a 03-04 11:01 buys o1 99
        a 03-04 12:00 buys o2 20
        a 03-04 13:00 buys o3 40 .order_type=renewal
        - 03-05 10:00 refund o2 5
        - 03-25 10:00 refund o2 2
        b 03-04 10:00 sees treatment
        - 03-05 10:00 refund none 3
        """,
        {
            "aov": {"control": (1, 23, 2), "treatment": (1, 0, 0)},
            "rpv": {"control": (1, 23), "treatment": (1, 0)},
            "orders": {"control": (1, 2), "treatment": (1, 0)},
            "first_share": {"control": (1, 1, 2), "treatment": (1, 0, 0)},
            "per_customer": {"control": (1, 23, 1), "treatment": (1, 0, 0)},
            "per_head": {"control": (1, 23, 1), "treatment": (1, 0, 1)},
        },
    ),
    "refunds_within_thirty_days_of_each_order": Case(
        "window: 2d",
        """
        a 03-03 10:00 buys o0 1
        - 03-05 10:00 refund o0 1
        a 03-04 10:00:00 sees control
        a 03-06 10:00:00 buys o1 10
        - 04-05 11:00:00 refund o1 10
        a 03-05 10:00:00 buys o2 10
        - 04-04 11:00:01 refund o2 10
        a 03-05 11:00:00 buys o3 10
        a 03-07 10:00:00 buys o4 10
        - 03-07 10:00:01 refund o4 10
        b 03-04 10:00:00 sees treatment
        b 03-04 10:00:00 buys o5 10
        - 03-04 10:00:00 refund o5 1
        """,  # 30 days of 24 hours: from 10:00 in winter to 11:00 in summer
        {"refund_rate": {"control": (1, 1, 3), "treatment": (1, 1, 1)}},
    ),
    "outcomes_of_a_start_and_their_opposite": Case(
        "window: 2d",
        """
        a 03-04 09:00 add_to_cart .worth=1.00
        a 03-04 09:30 sign_up .seats=1
        a 03-04 10:00 sees control
        a 03-04 11:00 add_to_cart .worth=10.00
        a 03-05 12:00 add_to_cart .worth=30.00
        a 03-05 12:10 buys o1 5
        b 03-04 10:00 sees treatment
        b 03-06 10:00 add_to_cart .worth=20.00
        b 03-06 10:00 sign_up .seats=4
        b 03-07 10:00 buys o2 5
        b 03-08 10:00 buys o3 5
        c 03-04 10:00 sees treatment
        c 03-06 10:00:01 add_to_cart .worth=40.00
        """,  # a: bought 25 h after its first cart, later than a day; b within it, after its window of exposure
        {
            "left": {"control": (1, 1, 1), "treatment": (2, 0, 1)},
            "left_worth": {"control": (1, 10, 1), "treatment": (2, 0, 1)},
            "left_session": {"control": (1, 1, 2), "treatment": (2, 1, 1)},
            "later": {"control": (1, 0, 0), "treatment": (2, 1, 1)},
        },
    ),
    "at_least_so_often": Case(
        "window: 2d",
        """
        a 03-04 09:00 use
        a 03-04 10:00 sees control
        a 03-04 10:00 login
        a 03-05 10:00 use
        b 03-04 10:00 sees treatment
        b 03-04 10:01 use
        b 03-06 10:00 use
        b 03-06 10:00 login
        c 03-04 10:00 sees treatment
        c 03-04 10:00 use
        c 03-04 10:01 use
        c 03-04 10:02 use
        """,  # a's use before the exposure does not count; c was never active
        {
            "used_twice": {"control": (1, 0, 1), "treatment": (2, 1, 1)},
            "seats": {"control": (1, 0), "treatment": (2, 0)},
        },
    ),
    "only_the_first_conversion": Case(
        "window: 2d, attribution: first",
        """
        a 03-03 10:00 buys o0 1
        a 03-04 10:00 sees control
        a 03-04 11:00 buys o1 10
        a 03-05 11:00 buys o2 20
        - 03-07 10:00 refund o1 4
        - 03-07 10:00 refund o2 4
        a 03-04 12:00 sign_up .seats=3
        a 03-04 13:00 sign_up .seats=5
        a 03-04 13:00 views /thanks
        a 03-04 13:01 views /thanks
        a 03-04 13:02 views /
        b 03-04 10:00 sees treatment
        b 03-05 10:00 buys o3 40
        """,
        {
            "bought": {"control": (1, 1, 1), "treatment": (1, 1, 0)},
            "rpv": {"control": (1, 6), "treatment": (1, 40)},
            "aov": {"control": (1, 6, 1), "treatment": (1, 40, 1)},
            "orders": {"control": (1, 1), "treatment": (1, 1)},
            "joins": {"control": (1, 1), "treatment": (1, 0)},
            "seats": {"control": (1, 3), "treatment": (1, 0)},
            "views": {"control": (1, 3), "treatment": (1, 0)},
            "refund_rate": {"control": (1, 1, 1), "treatment": (1, 0, 1)},
            "purchase_rate": {"control": (1, 1, 5), "treatment": (1, 1, 2)},
            "per_customer": {"control": (1, 6, 1), "treatment": (1, 40, 1)},
        },
        {"covariates": {"bought": "bought"}, "before": 7 * 86_400},
    ),
}
MORE = {
    "days": (
        "window: 9d",
        """
        a 03-04 23:59:59 sees control device=mobile
        a 03-05 11:00 buys o1 10
        b 03-04 10:00 sees control device=mobile
        b 03-04 11:00 buys o2 20
        c 03-05 00:00 sees control
        d 03-05 00:30 sees treatment device=mobile
        d 03-06 10:00 sees control device=desktop
        d 03-06 11:00 buys o3 5
        d 03-06 12:00 buys o4 2
        """,
    ),
    "would_be": (
        "window: 2d",
        """
        a 04-24 10:00 buys o1 1
        a 04-25 10:00 views /
        a 04-26 10:00 buys o2 4
        a 04-28 10:00 buys o3 16
        b 04-26 23:00 buys o4 8
        c 04-27 00:00 buys o5 32
        """,
    ),
    "order_of_an_exposure": ("exposure: {where: \"order_type = 'first'\"}", ""),
}
EXPERIMENTS = "experiments:\n" + "".join(
    f"  {name}: {{primary: bought, {case.block}}}\n" for name, case in CASES.items()
)


def windows() -> tuple[list[Event], dict[str, int]]:
    """A published vector: who bought how long after the exposure."""
    (vector,) = (one for one in VECTORS["vectors"] if one["id"] == "window-44")
    events: list[Event] = []
    for row in vector["inputs"]["rows"]:
        for hours in (24, 48, 72):
            name = f"within_{hours}h"
            for verb, key in (("sees control", "exposed"), ("buys", "purchase")):
                day, time = row[key].replace("2020", "2024").split("T")
                order = f" o{row['user']} 1" if verb == "buys" else ""
                events += [
                    {**one, "id": f"{name}-{row['user']}-{verb}"}
                    for one in told(name, f"u{row['user']} {day[5:]} {time} {verb}{order}")
                ]
    return events, vector["expected_from_source"]


WINDOWS, WITHIN = windows()
EXPERIMENTS += "".join(f"  {name}: {{primary: bought, {block}}}\n" for name, (block, _) in MORE.items())
EXPERIMENTS += "".join(f"  {name}: {{primary: bought, window: {name[7:]}}}\n" for name in WITHIN)


@pytest.fixture
def ws(engine: str, opened: dict[str, Workspace], tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    if engine not in opened:
        events = [*WINDOWS, *(one for name, case in CASES.items() for one in told(name, case.world))]
        events += [one for name, (_, world) in MORE.items() for one in told(name, world)]
        half = len(events) // 2
        folder = tmp_path_factory.mktemp(engine)
        opened[engine] = workspace(folder, PLAN + EXPERIMENTS, events[half:], events[:half], engine=engine)
    return opened[engine]


@pytest.mark.parametrize("name", CASES)
def test_what_units_did(ws: Workspace, name: str) -> None:
    case = CASES[name]
    table = read(ws, name, list(case.expected), **case.given)
    assert {metric: sums(table, metric) for metric in case.expected} == case.expected


@pytest.mark.parametrize("name", WITHIN)
def test_a_window_from_each_units_own_exposure(ws: Workspace, name: str) -> None:
    table = read(ws, name, ["bought"], "01-01 00:00", "02-01 00:00")
    assert sums(table, "bought") == {"control": (4, WITHIN[name])}


def test_units_by_local_day_arm_and_device(ws: Workspace) -> None:
    """23:30 in London is the next day in Berlin; the group is that of the first exposure's visit."""
    table = read(ws, "days", ["rpv", "aov"], by=["device"])
    found = {
        (key.day, key.variant, key.several, *key.groups): (n, x.sums, x.products, xy.products, largest)
        for key, (n, (x, xy), largest) in table.rows.items()
    }
    assert found == {
        (date(2024, 3, 4), "control", False, "mobile"): (2, (30,), (500.0,), (500.0, 30.0, 2.0), (20.0, 20.0)),
        (date(2024, 3, 5), "control", False, None): (1, (0,), (0.0,), (0.0, 0.0, 0.0), (0.0, 0.0)),
        (date(2024, 3, 5), "treatment", True, "mobile"): (1, (7,), (49.0,), (49.0, 14.0, 4.0), (7.0, 7.0)),
    }
    assert (table.days, table.variants) == ([date(2024, 3, 4), date(2024, 3, 5)], ["control", "treatment"])
    assert Key(date(2024, 3, 5), "control", False, (None,)) in table.rows


def test_bots_are_counted_apart(ws: Workspace) -> None:
    name = "who_did_not_see_it_is_not_there"
    first, last = moment("03-01", "00:00"), moment("05-01", "00:00")
    assert ws.engine.run(exposed_bots(ws.plan, experiment(ws, name), first, last)).one() == (1,)
    rules = replace(ws.plan, rules=replace(ws.plan.rules, bots="include"))
    table = unit_table(rules, experiment(ws, name), [], ws.engine.run, start=first, end=last)
    assert table.units(seen("treatment")) == 2


@pytest.mark.parametrize(
    ("metric", "q", "expected"),
    [
        ("rpv", 0.5, 600.15),
        ("rpv", 1.0, 1200),
        ("aov", 1.0, 400),
        ("aov", 0.5, (0.15 + 400) / 2),
        ("refund_rate", 0.9, 0),
    ],
)
def test_the_quantile_of_one_units_number(ws: Workspace, metric: str, q: float, expected: float) -> None:
    """For caps: of a ratio each unit's own, units without any left out. a has 0.30 of 2 orders, b 1200 of 3; c is not new."""
    first, last = moment("03-01", "00:00"), moment("05-01", "00:00")
    one = experiment(ws, "a_cap_limits_the_number_of_a_unit")
    two = replace(one, audience=Expression("is_new", ("is_new",)))
    found = unit_quantile(ws.plan, two, ws.plan.metrics[metric], ws.engine.run, q, first, last)
    assert found == pytest.approx(expected, rel=1e-12)


def test_those_who_would_be_exposed(ws: Workspace) -> None:
    """Before anybody is exposed: whoever came, from the first visit in the time on."""
    table = read(ws, "would_be", ["rpv"], "04-25 00:00", "04-27 00:00", everybody=True)
    assert sums(table, "rpv") == {"all": (2, 12)}


@pytest.mark.parametrize(
    ("name", "metrics", "says"),
    [
        ("days", ["p90"], "p90 is a quantile"),
        ("order_of_an_exposure", ["bought"], "an exposure has no order"),
        ("booked", ["rpv"], "attribution: first needs refunds charged to their orders"),
    ],
)
def test_what_cannot_be_read_says_why(ws: Workspace, name: str, metrics: list[str], says: str) -> None:
    plan = replace(ws.plan, rules=replace(ws.plan.rules, refunds="booked")) if name == "booked" else ws.plan
    chosen = experiment(ws, "only_the_first_conversion" if name == "booked" else name)
    with pytest.raises(Refused, match=says):
        unit_table(plan, chosen, [plan.metrics[m] for m in metrics], ws.engine.run, start=0, end=1)
