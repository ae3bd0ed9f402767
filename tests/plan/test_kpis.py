from __future__ import annotations

import pytest

from assay.model.errors import PlanError
from assay.plan.kpis import TYPES
from assay.plan.load import loads
from assay.plan.measures import Expression, Measure, Quantity, Select
from assay.plan.values import Metric

BASE = """
events: {page_view: {properties: {lcp_ms: number}}, ad_click: , start_trial: , subscribe: }
orders: {cost: 50%}
goals:
  order: {event: purchase}
  lead: {event: generate_lead, count: every, value: 50}
  big: {event: purchase, where: revenue > 100, value: revenue}
  pricing: {page: /pricing}
"""
PURCHASE = Select("event", ("purchase",))
ORDERS = Select("order")
DAY = 86_400


def metric(keys: str, extra: str = "") -> Metric:
    return loads(f"{BASE}{extra}metrics: {{m: {{{keys}}}}}\n").metrics["m"]


@pytest.mark.parametrize(
    ("keys", "quantity", "words", "format"),
    [
        (
            "type: simple, count: session",
            Quantity("total", Measure("count", Select("session"))),
            ("sessions", ""),
            "number",
        ),
        (
            "type: simple, count: page_view, per: nothing",
            Quantity("total", Measure("count", Select("event", ("page_view",)))),
            ("page_view events", ""),
            "number",
        ),
        (
            "type: simple, sum: revenue.net, per: visitor, cap: 0.99",
            Quantity("mean", Measure("sum", ORDERS, "revenue.net"), unit="visitor", cap=0.99),
            ("net revenue", "visitors"),
            "money",
        ),
        (
            "type: simple, sum: session.duration, per: session",
            Quantity("mean", Measure("sum", Select("session"), "session.duration"), unit="session"),
            ("session duration", "sessions"),
            "duration",
        ),
        (
            "type: simple, sum: purchase.quantity, per: order",
            Quantity("mean", Measure("sum", PURCHASE, "purchase.quantity"), unit="order"),
            ("quantity of purchase items", "orders"),
            "number",
        ),
        (
            "type: simple, sum: lead.value, per: visitor",
            Quantity("mean", Measure("count", Select("event", ("generate_lead",)), factor="50"), unit="visitor"),
            ("value of lead", "visitors"),
            "money",
        ),
        (
            "type: simple, count_distinct: view_item.item_id, per: session",
            Quantity(
                "mean", Measure("count_distinct", Select("event", ("view_item",)), "view_item.item_id"), unit="session"
            ),
            ("different item_id of view_item events", "sessions"),
            "number",
        ),
        (
            "type: simple, count: order, where: coupon is not null",
            Quantity("total", Measure("count", Select("order", where=Expression("NOT coupon IS NULL", ("coupon",))))),
            ("orders where NOT coupon IS NULL", ""),
            "number",
        ),
        (
            "type: conversion, goal: order, per: session",
            Quantity("share", Measure("exists", PURCHASE), unit="session"),
            ("sessions with at least one order (purchase)", "sessions"),
            "percent",
        ),
        (
            "type: conversion, goal: lead, per: visitor",
            Quantity("mean", Measure("count", Select("event", ("generate_lead",))), unit="visitor"),
            ("lead (generate_lead) conversions", "visitors"),
            "number",
        ),
        (
            "type: conversion, goal: pricing",
            Quantity("share", Measure("exists", Select("event", ("page_view",), ("/pricing",))), unit="visitor"),
            ("visitors with at least one pricing (visit of /pricing)", "visitors"),
            "percent",
        ),
        (
            "type: conversion, from: start_trial, event: subscribe, per: user, within: 21d",
            Quantity(
                "share",
                Measure("exists", Select("event", ("subscribe",))),
                unit="user",
                start=Select("event", ("start_trial",)),
                within=21 * DAY,
            ),
            ("users with at least one subscribe within 21 d of start_trial", "users with start_trial"),
            "percent",
        ),
        (
            "type: conversion, from: order, event: refund, per: order, within: 30d",
            Quantity(
                "share", Measure("exists", Select("event", ("refund",))), unit="order", start=ORDERS, within=30 * DAY
            ),
            ("orders with at least one refund within 30 d", "orders"),
            "percent",
        ),
        (
            "type: conversion, from: ad_click, goal: order, per: event, within: 7d",
            Quantity(
                "share", Measure("exists", PURCHASE), unit="event", start=Select("event", ("ad_click",)), within=7 * DAY
            ),
            ("ad_click events followed by order (purchase) within 7 d of ad_click", "ad_click events"),
            "percent",
        ),
        (
            "type: conversion, event: purchase, within: 7d",
            Quantity("share", Measure("exists", PURCHASE), unit="visitor", start=Select(), within=7 * DAY),
            ("visitors with at least one purchase within 7 d", "visitors"),
            "percent",
        ),
        (
            "type: conversion, goal: big, where: device = 'mobile'",
            Quantity(
                "share",
                Measure(
                    "exists",
                    Select(
                        "event",
                        ("purchase",),
                        where=Expression("(revenue > 100) AND (device = 'mobile')", ("device", "revenue")),
                    ),
                ),
                unit="visitor",
            ),
            ("visitors with at least one big (purchase) where device = 'mobile'", "visitors"),
            "percent",
        ),
        (
            "type: ratio, numerator: {sum: revenue.net}, denominator: {count: order}",
            Quantity("ratio", Measure("sum", ORDERS, "revenue.net"), Measure("count", ORDERS), unit="visitor"),
            ("net revenue", "orders"),
            "money",
        ),
        (
            "type: ratio, numerator: {sum: revenue.net}, denominator: {sum: cost.amount}",
            Quantity(
                "ratio",
                Measure("sum", ORDERS, "revenue.net"),
                Measure("sum", Select("cost"), "cost.amount"),
                unit="visitor",
            ),
            ("net revenue", "cost amount"),
            "number",
        ),
        (
            "type: rate, of: session, where: is_bounce",
            Quantity(
                "share",
                Measure("exists", Select("session", where=Expression("is_bounce", ("is_bounce",)))),
                unit="session",
            ),
            ("sessions where is_bounce", "sessions"),
            "percent",
        ),
        (
            "type: quantile, of: page_view.lcp_ms, q: 0.75, per: visitor",
            Quantity(
                "quantile", Measure("sum", Select("event", ("page_view",)), "page_view.lcp_ms"), unit="visitor", q=0.75
            ),
            ("75 % quantile of lcp_ms of page_view events", ""),
            "number",
        ),
        (
            "type: abandonment",
            Quantity(
                "share",
                Measure("exists", PURCHASE),
                unit="visitor",
                start=Select("event", ("add_to_cart",)),
                within=7 * DAY,
                negate=True,
            ),
            ("visitors with add_to_cart and no purchase within 7 d", "visitors with add_to_cart"),
            "percent",
        ),
    ],
)
def test_described(keys: str, quantity: Quantity, words: tuple[str, str], format: str) -> None:  # noqa: A002
    made = metric(keys)
    assert made.quantity == quantity
    assert made.words == words
    assert made.format == format


def test_where_of_a_ratio_touches_both_sides() -> None:
    made = metric(
        "type: ratio, numerator: {sum: revenue.net, where: is_new}, denominator: {count: order}, where: device = 'tv'"
    )
    numerator, denominator = made.quantity.numerator, made.quantity.denominator
    assert numerator is not None
    assert denominator is not None
    assert numerator.select.where == Expression("(is_new) AND (device = 'tv')", ("device", "is_new"))
    assert denominator.select.where == Expression("device = 'tv'", ("device",))


@pytest.mark.parametrize(
    ("rule", "unit", "anchor", "within"),
    [
        ("visitor", "visitor", "first", 7 * DAY),
        ("session", "session", "first", None),
        ("matomo", "session", "last", None),
    ],
)
def test_abandonment_follows_the_rule(rule: str, unit: str, anchor: str, within: int | None) -> None:
    made = metric("type: abandonment", f"rules: {{abandonment: {rule}}}\n")
    assert (made.quantity.unit, made.quantity.anchor, made.quantity.within) == (unit, anchor, within)
    assert made.direction == "down"


def test_derived() -> None:
    used = "metrics: {a: {type: simple, sum: contribution}, b: {type: simple, sum: revenue.net}"
    text = f"{BASE}{used}, m: {{type: derived, expression: a/b}}}}"
    made = loads(text).metrics["m"]
    assert made.quantity == Quantity("derived", expression=Expression("a / b", ("a", "b")))
    assert made.uses == ("a", "b")


def test_keys_are_the_plan_s_own_in_seconds() -> None:
    made = metric("type: conversion, from: start_trial, event: subscribe, within: 1d, stage: convert, description: x")
    assert made.keys == {"event": ["subscribe"], "per": "visitor", "from": "start_trial", "within": DAY}
    assert (made.stage, made.description) == ("convert", "x")


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ("{}", "needs the key 'type'"),
        ("{type: simpl}", "did you mean 'simple'"),
        ("{type: [simple]}", "must be one of simple, conversion"),
        ("3", "must be a mapping"),
        ("{type: simple}", "needs one of count, sum"),
        ("{type: simple, count: order, sum: revenue.net}", "count and sum at once"),
        ("{type: simple, sum: revenue.nett}", "did you mean 'revenue.net'"),
        ("{type: simple, sum: order.nett}", "did you mean 'net'"),
        ("{type: simple, sum: session.length}", "session has no column 'length'"),
        ("{type: simple, sum: page_view.lcp}", "did you mean 'lcp_ms'"),
        ("{type: simple, sum: purchase.coupon}", "of type string"),
        ("{type: simple, sum: cost.amount, per: visitor}", "costs belong to no visitor"),
        ("{type: simple, count: visitor, per: visitor}", "always 1"),
        ("{type: simple, count: order, per: visitr}", "per cannot be 'visitr'"),
        ("{type: simple, count: order, cap: 0.99}", "cap needs a number per unit"),
        ("{type: simple, count: order, per: visitor, cap: 0}", "more than 0"),
        ("{type: simple, count_distinct: item_id}", "must be <event>.<property>"),
        ("{type: simple, count_distinct: view_item.sku}", "no property 'sku'"),
        ("{type: simple, count: order, where: devise = 'x'}", "did you mean 'device'"),
        ("{type: simple, sum: cost.amount, where: device = 'x'}", "costs are known by"),
        ("{type: conversion}", "needs goal or event"),
        ("{type: conversion, goal: order, event: purchase}", "choose one"),
        ("{type: conversion, goal: odrer}", "did you mean 'order'"),
        ("{type: conversion, goal: order, per: event}", "needs from"),
        ("{type: conversion, goal: order, within: 7}", "not a duration"),
        ("{type: ratio, numerator: {count: order}}", "needs the key 'denominator'"),
        ("{type: ratio, numerator: {count: order}, denominator: {}}", "metrics.m.denominator: needs one of"),
        (
            "{type: ratio, numerator: {cont: order}, denominator: {count: order}}",
            "metrics.m.numerator has no key 'cont'",
        ),
        ("{type: rate, of: session}", "needs the key 'where'"),
        ("{type: rate, of: page, where: is_new}", "of cannot be 'page'"),
        ("{type: quantile, of: page_view.lcp_ms, q: 1}", "less than 1"),
        ("{type: derived, expression: m + 1}", "goes in a circle: m → m"),
        ("{type: derived, expression: n + 1}", "no metric 'n'"),
        ("{type: derived, expression: 1 + 1}", "names no metric"),
        ("{type: derived, expression: m > 1}", "not a number"),
        ("{type: abandonment, per: session, within: 7d}", "the session is the window"),
    ],
)
def test_mistakes(keys: str, message: str) -> None:
    with pytest.raises(PlanError) as caught:
        loads(f"{BASE}metrics:\n  m: {keys}\n")
    (problem,) = caught.value.problems
    assert message in problem.text
    assert problem.line == BASE.count("\n") + 2


def test_gross_margin_needs_a_cost() -> None:
    with pytest.raises(PlanError, match="needs the cost of goods"):
        loads("metrics: {m: {type: simple, sum: gross_margin}}")


def test_circle_is_told_once() -> None:
    circle = {"a": "b", "b": "c", "c": "a"}
    text = "metrics:\n" + "".join(
        f"  {name}: {{type: derived, expression: {uses} + 1}}\n" for name, uses in circle.items()
    )
    with pytest.raises(PlanError) as caught:
        loads(text)
    assert len(caught.value.problems) == 1


def test_a_long_chain_of_derived_metrics() -> None:
    rows = ["m0: {type: simple, count: order}"] + [
        f"m{n}: {{type: derived, expression: m{n - 1} + m{n - 1}}}" for n in range(1, 400)
    ]
    assert len(loads("metrics:\n  " + "\n  ".join(rows)).metrics) == 400


def test_every_type_has_help() -> None:
    assert len({type_.name for type_ in TYPES}) == len(TYPES)
    assert all(type_.help for type_ in TYPES)


def test_keys_hold_expressions_in_their_normal_form() -> None:
    made = metric(
        "type: ratio, numerator: {count: order, where: device='tv'}, denominator: {count: order}, where: is_new=true"
    )
    assert made.keys["where"] == "is_new = TRUE"
    assert made.keys["numerator"] == {"count": "order", "where": "device = 'tv'"}
