"""Tests of variants in Chromium: the variant is there before anything is drawn, the exposure is told once."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from shops import PLAN, Shop

import assay
from assay.assign import assigned

WEEK_AGO = (datetime.now(UTC) - timedelta(days=7)).date().isoformat()
METRICS = """
goals: {order: {event: purchase, kind: macro, journey: shop, team: shop, agreed_by: [a, b]}}
metrics: {rate: {type: conversion, goal: order, per: visitor}}
"""
ONE = "variants: {control: 50, treatment: 50}, primary: {metric: rate, mde: 10%}"
EARLY = "<script>window.variant = assay.variant('%s')</script>"
# What a flicker would be: the heading is drawn once with another text than the variant's.
DRAW = """<script>window.drawn = []; addEventListener('DOMContentLoaded', () => {
document.querySelector('h1').textContent = window.variant || 'none';
(function look() { drawn.push(document.querySelector('h1').textContent); drawn.length < 30 && requestAnimationFrame(look) })() })</script>"""


def experiments(shop: Shop, *lines: str) -> None:
    (shop.folder / "assay.yaml").write_text(
        PLAN + METRICS + "experiments:\n" + "\n".join(lines) + "\n", encoding="utf-8"
    )
    shop.tag = {"modules": ("experiments",), "mode": "consented"}


def exposures(shop: Shop) -> list[tuple[Any, ...]]:
    found = shop.named("experiment_viewed")
    return [(one["props"]["experiment_id"], one["props"]["variant"], one["visitor"]) for one in found]


def test_without_flicker_and_the_exposure_once(shop: Shop, tab: Any) -> None:
    experiments(shop, f"  shipping: {{start: {WEEK_AGO}, {ONE}}}")
    shop.head = EARLY % "shipping" + DRAW
    tab.goto(shop.url)
    visitor = tab.evaluate("assay.id()")
    with assay.open(shop.folder) as ws:
        expected = assigned(ws.plan, "shipping", visitor).variant
    assert tab.evaluate("window.variant") == expected
    assert expected in ("control", "treatment")
    tab.wait_for_function("drawn.length === 30")
    assert tab.evaluate("[...new Set(drawn)]") == [expected]
    assert tab.evaluate("[assay.variant('shipping'), assay.variant('shipping')]") == [expected] * 2
    tab.click("#next")
    assert tab.evaluate("window.variant") == expected
    shop.wait(lambda: len(shop.named("page_view")) == 2 and exposures(shop))
    tab.wait_for_timeout(800)
    assert exposures(shop) == [("shipping", expected, visitor)]
    assert shop.named("experiment_viewed")[0]["interactive"] is False
    shop.stop()
    shop.run("load")
    answer = json.loads(shop.run("experiment", "readout", "shipping", "--format", "json"))
    assert [one["evidence"]["units"] for one in answer["findings"] if one["code"] == "sample"] == [1]


def test_visitors_are_spread_as_the_plan_says(shop: Shop, tab: Any) -> None:
    experiments(shop, f"  shipping: {{start: {WEEK_AGO}, {ONE}}}")
    tab.goto(shop.url)
    ids = [f"v{n}" for n in range(200)]
    found = tab.evaluate("ids => ids.map(id => { assay._.me.v = id; return assay.variant('shipping') })", ids)
    with assay.open(shop.folder) as ws:
        assert found == [assigned(ws.plan, "shipping", one).variant for one in ids]
    assert 70 < found.count("treatment") < 130


def test_nobody_is_in_a_test_without_an_id(shop: Shop, tab: Any) -> None:
    experiments(shop, f"  shipping: {{start: {WEEK_AGO}, {ONE}}}")
    shop.tag["mode"] = "cookieless"
    shop.head = EARLY % "shipping"
    tab.goto(shop.url)
    assert tab.evaluate("[window.variant === undefined, assay.variant('shipping') === undefined]") == [True, True]
    tab.evaluate("assay.consent('granted')")
    assert tab.evaluate("assay.variant('shipping')") in ("control", "treatment")
    shop.wait(lambda: exposures(shop))
    assert [one[2] for one in exposures(shop)] == [tab.evaluate("assay.id()")]  # none from before the consent
    tab.evaluate("assay.consent('denied')")
    assert tab.evaluate("assay.variant('shipping') === undefined")


def test_a_look_at_a_variant_is_no_exposure(shop: Shop, tab: Any) -> None:
    experiments(shop, f"  shipping: {{start: {WEEK_AGO}, traffic: 0%, {ONE}}}")
    shop.head = EARLY % "shipping"
    tab.goto(shop.url)
    assert tab.evaluate("window.variant === undefined")  # nobody is taken in
    tab.goto(shop.url + "/?assay_variant=shipping:treatment")
    assert tab.evaluate("window.variant") == "treatment"
    tab.goto(shop.url + "/?assay_variant=shipping:nonsense")
    assert tab.evaluate("[window.variant === undefined, assay.variant('toString') === undefined]") == [True, True]
    shop.wait(lambda: len(shop.named("page_view")) == 3)
    assert exposures(shop) == []


def test_who_logs_in_keeps_the_variant(shop: Shop, tab: Any) -> None:
    experiments(
        shop,
        f"  layout: {{start: {WEEK_AGO}, unit: user, {ONE}}}",
        f"  seats: {{start: {WEEK_AGO}, unit: account, {ONE}}}",
    )
    tab.goto(shop.url)
    before = tab.evaluate("assay.variant('layout')")
    assert tab.evaluate("assay.variant('seats') === undefined")
    with assay.open(shop.folder) as ws:
        other = next(f"u{n}" for n in range(50) if assigned(ws.plan, "layout", f"u{n}").variant != before)
        seats = assigned(ws.plan, "seats", "c1").variant
    tab.evaluate("user => assay.identify(user, 'c1')", other)
    assert tab.evaluate("[assay.variant('layout'), assay.variant('seats')]") == [before, seats]
    shop.wait(lambda: len(shop.named("experiment_viewed")) == 3)
    found = [(one["props"]["experiment_id"], one["props"]["variant"]) for one in shop.named("experiment_viewed")]
    assert sorted(found) == sorted([("layout", before), ("layout", before), ("seats", seats)])
    assert shop.named("experiment_viewed")[-1]["user"] == other


def test_it_runs_from_its_start_by_command_to_its_stop(shop: Shop, tab: Any) -> None:
    experiments(shop, f"  shipping: {{{ONE}}}", f"  other: {{start: {WEEK_AGO}, {ONE}}}")
    devtools = tab.context.new_cdp_session(tab)
    devtools.send("Network.enable")
    # As after the minute that browsers keep the script.
    devtools.send("Network.setCacheDisabled", {"cacheDisabled": True})
    assert fresh(tab, shop) == {"other": 0}  # without a start it is a draft
    tab.goto(shop.url)
    tab.evaluate("assay.variant('other')")
    shop.wait(lambda: len(exposures(shop)) == 1)
    shop.run("experiment", "start", "shipping", "--force")
    shop.run("experiment", "start", "other", "--force")
    shop.wait(lambda: min(fresh(tab, shop).values()) > 0 and len(fresh(tab, shop)) == 2)
    tab.goto(shop.url + "/again")
    tab.evaluate("assay.variant('other')")  # another run: the exposure is told again
    shop.wait(lambda: len(exposures(shop)) == 2)
    shop.run("experiment", "stop", "shipping")
    shop.wait(lambda: list(fresh(tab, shop)) == ["other"])
    plan = shop.folder / "assay.yaml"
    plan.write_text(plan.read_text(encoding="utf-8") + f"  third: {{start: {WEEK_AGO}, {ONE}}}\n", encoding="utf-8")
    shop.wait(lambda: list(fresh(tab, shop)) == ["other", "third"])
    plan.write_text("not: [a plan", encoding="utf-8")  # what was known stays
    tab.wait_for_timeout(6000)
    assert list(fresh(tab, shop)) == ["other", "third"]


def fresh(tab: Any, shop: Shop) -> dict[str, int]:
    """Runs of the experiments that the script brings now."""
    text = tab.request.get(f"{shop.collecting}/assay.experiments.js").text()
    config = json.loads(text.split("assay._.config=")[1].split(");\n")[0])
    return {one["name"]: one["run"] for one in config["experiments"]}


def test_nothing_of_the_business_is_in_the_script(shop: Shop, tab: Any) -> None:
    experiments(shop, f"  shipping: {{start: {WEEK_AGO}, hypothesis: SECRETHYPOTHESIS, owner: SECRETOWNER, {ONE}}}")
    text = tab.request.get(f"{shop.collecting}/assay.experiments.js").text()
    assert '"shipping"' in text
    assert [word for word in ("SECRET", "rate", "10%", "mde") if f'"{word}' in text or "SECRET" in text] == []
