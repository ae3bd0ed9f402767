"""The lock: what changes its hash and what does not, the narrowed plan, and the differences in words."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from assay.model.errors import PlanError, UnknownName
from assay.plan.load import from_raw, loads
from assay.plan.lock import experiment_meaning, lock_differences, lock_hash, locked_raw, needed

PLAN = """
site: {name: Shop, timezone: Europe/Berlin, currency: EUR}
rules:
  session: {timeout: 30m}
  channels: assay
pages: {checkout: /checkout/*}
events:
  start_trial: {description: Trial, properties: {plan: string}}
orders: {cost: 55%, refund_window: 30d}
goals:
  order: {event: purchase, kind: macro}
objectives: {grow: {goal: more, owner: a}, keep: {goal: stay}}
metrics:
  rpv: {type: simple, sum: revenue.net, per: visitor, description: Money}
  purchase_rate: {type: conversion, goal: order, per: session}
  aov: {type: ratio, numerator: {sum: revenue.net}, denominator: {count: order}}
  refund_rate: {type: conversion, from: order, event: refund, per: order, within: 30d}
  revenue: {type: simple, sum: revenue.net}
  visitors: {type: simple, count: visitor}
  margin: {type: derived, expression: revenue / visitors}
  trials: {type: conversion, event: start_trial, per: user}
kpis:
  rpv: {objective: grow, target: +10% by 2026-12-31, baseline: 2026-Q3}
  refund_rate: {direction: down, objective: keep}
segments: {mobile: device = 'mobile', returning: not is_new and hesitant}
cohorts:
  hesitant: {did: view_item, did_not: purchase, within: 14d}
  other: {did: view_cart}
funnels: {f: {steps: [view_item, purchase]}}
experiments:
  e:
    hypothesis: It helps
    objective: grow
    owner: me
    audience: mobile
    variants: {control: 50, treatment: 50}
    layer: checkout
    traffic: 40%
    exposure: {trigger: order}
    start: 2026-07-13
    end: 2026-08-30
    window: 14d
    primary: {metric: rpv, mde: 3%}
    diagnostics: [purchase_rate, aov]
    guardrails: [{metric: refund_rate, margin: 0.5pp}]
    cap: {rpv: 500}
    cuped: 28d
    strata: device
    alpha: 0.05
    follow_up: [30d]
    notes: none
  a_sibling: {primary: trials, layer: checkout, traffic: 50%, unit: user, start: 2026-07-01}
  third: {primary: trials, unit: user}
holdout: {share: 5%}
changes: [{date: 2026-07-13, kind: deploy, what: x}]
alerts: {a: {metric: rpv}}
"""
ASSIGNED = PLAN.replace("    cuped: 28d\n", "    cuped: 28d\n    assignments: assign\n")


def raw(text: str = PLAN) -> dict[str, Any]:
    return yaml.safe_load(re.sub(r"(\d{4}-\d\d-\d\d)(?=[,\]}\n])", r"'\1'", text))


def locked(text: str, name: str = "e") -> str:
    return lock_hash(loads(text), name)


def changed(before: str, after: str, text: str = PLAN) -> bool:
    assert before in text
    return locked(text) != locked(text.replace(before, after, 1))


def test_the_hash() -> None:
    assert re.fullmatch("[0-9a-f]{12}", locked(PLAN))
    # Written down on purpose: a locked test must stay locked over a new release.
    assert locked(PLAN) == "afbb46431da4"
    with pytest.raises(UnknownName, match="did you mean 'third'"):
        locked(PLAN, "thrid")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("hypothesis: It helps", "hypothesis: It harms"),
        ("    objective: grow\n", "    objective: keep\n"),
        ("    objective: grow\n", ""),
        ("owner: me", "owner: you"),
        ("notes: none", "notes: some"),
        ("description: Money", "description: Net money"),
        ("description: Trial", "description: A trial"),
        ("{name: Shop,", "{name: Shop 2, domains: [a.example],"),
        ("goal: more, owner: a", "goal: much more, owner: b"),
        ("target: +10%", "target: +11%"),
        ("what: x", "what: y"),
        ("alerts: {a: {metric: rpv}}", ""),
        ("steps: [view_item, purchase]", "steps: [view_cart, purchase]"),
        ("within: 14d", "within: 15d"),  # a cohort that the test does not look at
        ("event: start_trial, per: user", "event: start_trial, per: visitor"),
        ("{checkout: /checkout/*}", "{checkout: /checkout/*, product: /p/*}"),
        ("third: {primary: trials,", "third: {primary: trials, alpha: 0.01,"),
        ("traffic: 50%", "traffic: 20%"),  # the sibling's: who was assigned is in the data
        ("share: 5%", "share: 6%"),
        ("{control: 50, treatment: 50}", "{control: 1, treatment: 1}"),
        ("{control: 50, treatment: 50}", "[control, treatment]"),
        ("window: 14d", "window: 2w"),
        ("audience: mobile", "audience: device = 'mobile'"),
    ],
)
def test_what_only_describes_changes_nothing(before: str, after: str) -> None:
    assert not changed(before, after)
    assert lock_differences(raw(), raw(PLAN.replace(before, after, 1)), "e") == []


TUNED = [
    ("window: 14d", "window: 7d", ("window", "14d", "7d")),
    ("alpha: 0.05", "alpha: 0.1", ("alpha", "0.05", "0.1")),
    ("margin: 0.5pp", "margin: 1pp", ("guardrails.refund_rate.margin", "0.5pp", "1pp")),
    ("treatment: 50", "treatment: 40", ("variants.control", "50.0000%", "55.5556%")),
    ("cap: {rpv: 500}", "cap: {rpv: 99%}", ("cap.rpv", "500", "99%")),
    ("    cap: {rpv: 500}\n", "", ("cap.rpv", "500", None)),
    ("timeout: 30m", "timeout: 15m", ("rules.session.timeout", "30 min", "15 min")),
    ("timezone: Europe/Berlin", "timezone: UTC", ("site.timezone", "Europe/Berlin", "UTC")),
    ("currency: EUR", "currency: USD", ("site.currency", "EUR", "USD")),
    ("per: visitor, description", "per: user, description", ("metrics.rpv.per", "visitor", "user")),
    ("within: 30d", "within: 20d", ("metrics.refund_rate.within", "30 d", "20 d")),
    ("refund_window: 30d", "refund_window: 20d", ("metrics.rpv.rules.orders.refunds", "order, 2592000", "order, 1728000")),
    ("order: {event: purchase", "order: {event: sign_up", ("exposure.trigger", "purchase", "sign_up")),
    ("mobile: device = 'mobile'", "mobile: device = 'tablet'", ("audience", "device = 'mobile'", "device = 'tablet'")),
    ("    audience: mobile\n", "", ("audience", "device = 'mobile'", None)),
    ("cuped: 28d", "cuped: 14d", ("cuped", "28d", "14d")),
    ("strata: device", "strata: country", ("strata", "device", "country")),
    ("[purchase_rate, aov]", "[purchase_rate]", ("diagnostics", "purchase_rate, aov", "purchase_rate")),
    ("mde: 3%", "mde: 2%", ("primary.mde", "3%", "2%")),
    ("{metric: rpv, mde: 3%}", "{metric: rpv, mde: 3%, direction: down}", ("primary.direction", "up", "down")),
    ("rpv: {objective: grow,", "rpv: {direction: down, objective: grow,", ("primary.direction", "up", "down")),
    ("{trigger: order}", "{trigger: checkout}", ("exposure.trigger", "purchase", "page_view of /checkout/*")),
    ("notes: none", "looks: fixed", ("looks", "always_valid", "fixed")),
    ("notes: none", "salt: x", ("salt", "e", "x")),
    ("end: 2026-08-30", "end: 2026-09-06", ("end", "2026-08-30", "2026-09-06")),
    ("traffic: 40%", "traffic: 50%", ("traffic", "40%", "50%")),
    ("follow_up: [30d]", "follow_up: [60d]", ("follow_up", "30d", "60d")),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after", "difference"), TUNED)
def test_what_could_be_tuned_changes_the_hash(before: str, after: str, difference: tuple[str, str, str]) -> None:
    assert changed(before, after)
    found = lock_differences(raw(), raw(PLAN.replace(before, after, 1)), "e")
    assert difference in found
    assert len({key for key, *_ in found}) == len(found)


def test_a_rule_is_told_once() -> None:
    found = lock_differences(raw(), raw(PLAN.replace("timeout: 30m", "timeout: 15m")), "e")
    assert found == [("rules.session.timeout", "30 min", "15 min")]


def test_a_cohort_in_the_audience_counts() -> None:
    text = PLAN.replace("audience: mobile", "audience: returning")
    assert changed("within: 14d", "within: 15d", text)
    assert not changed("did: view_cart", "did: view_item", text)
    found = lock_differences(raw(text), raw(text.replace("within: 14d", "within: 15d")), "e")
    assert found == [("cohorts.hesitant.within", "14 d", "15 d")]


def test_the_room_in_the_layer_counts_where_assay_assigns() -> None:
    assert changed("traffic: 50%", "traffic: 20%", ASSIGNED)
    assert changed("share: 5%", "share: 6%", ASSIGNED)
    assert not changed("third: {primary: trials,", "third: {primary: trials, traffic: 1%,", ASSIGNED)
    assert not changed("a_sibling: {primary: trials,", "a_sibling: {primary: trials, alpha: 0.01,", ASSIGNED)
    found = lock_differences(raw(ASSIGNED), raw(ASSIGNED.replace("traffic: 50%", "traffic: 20%")), "e")
    assert found == [("assignment.layer", "50.0000% to 90.0000%", "20.0000% to 60.0000%")]


@pytest.mark.parametrize("text", [PLAN, ASSIGNED, PLAN.replace("audience: mobile", "audience: returning")])
@pytest.mark.parametrize("name", ["e", "a_sibling", "third"])
def test_the_narrowed_plan_says_the_same(text: str, name: str) -> None:
    whole, narrow = loads(text), from_raw(json.loads(json.dumps(locked_raw(raw(text), name))))
    assert lock_hash(narrow, name) == lock_hash(whole, name)
    assert narrow.experiments[name] == whole.experiments[name]
    assert experiment_meaning(narrow, narrow.experiments[name]) == experiment_meaning(whole, whole.experiments[name])
    assert {n: m.id for n, m in narrow.metrics.items()} == {
        n: whole.metrics[n].id for n in whole.metrics if n in needed(whole.experiments[name])
    }
    again = locked_raw(locked_raw(raw(text), name), name)
    assert again == locked_raw(raw(text), name)


def test_the_narrowed_plan_is_small_and_its_own() -> None:
    whole = raw()
    narrow = locked_raw(whole, "e")
    assert set(narrow["experiments"]) == {"e"}
    assert set(narrow["metrics"]) == {"rpv", "purchase_rate", "aov", "refund_rate"}
    assert narrow["kpis"] == {"refund_rate": {"direction": "down"}}
    assert narrow["segments"] == {"mobile": "device = 'mobile'"}
    assert not {"cohorts", "funnels", "alerts", "changes"} & set(narrow)
    narrow["site"]["timezone"] = "UTC"
    assert whole["site"]["timezone"] == "Europe/Berlin"
    with pytest.raises(UnknownName):
        locked_raw(whole, "x")


def test_a_block_that_is_none_is_told_as_the_plan_tells_it() -> None:
    with pytest.raises(PlanError, match=r"experiments\.e has no key 'windo'; did you mean 'window'"):
        lock_differences(raw(), raw(PLAN.replace("window: 14d", "windo: 14d")), "e")


def test_the_covariate_and_the_follow_up_come_along() -> None:
    text = PLAN.replace("cuped: 28d", "cuped: {days: 28d, metric: trials}")
    assert needed(loads(text).experiments["e"])[-1] == "trials"
    assert changed("event: start_trial, per: user", "event: sign_up, per: user", text)
    text = PLAN.replace("follow_up: [30d]", "follow_up: [30d]\n    follow_up_metrics: trials")
    assert changed("event: start_trial, per: user", "event: sign_up, per: user", text)
    assert set(locked_raw(raw(text), "e")["metrics"]) == {"rpv", "purchase_rate", "aov", "refund_rate", "trials"}


def test_a_covariate_that_the_exposure_carries_counts_with_its_type() -> None:
    text = PLAN.replace("cuped: 28d", "cuped: {property: history}")
    text = text.replace("events:\n", "events:\n  experiment_viewed: {properties: {history: money, recency: number}}\n")
    assert changed("property: history", "property: recency", text)
    assert changed("history: money", "history: number", text)
    assert not changed("recency: number", "recency: integer", text)
    assert lock_hash(from_raw(locked_raw(raw(text), "e")), "e") == locked(text)
    found = lock_differences(raw(), raw(text), "e")
    assert ("cuped", "28d", "history of the exposure") in found


def test_it_works_on_a_plan_read_from_a_folder(tmp_path: Path) -> None:
    from assay.plan import load

    (tmp_path / "assay.yaml").write_text(
        "include: [tests.yaml]\n" + PLAN.partition("experiments:")[0], encoding="utf-8"
    )
    (tmp_path / "tests.yaml").write_text("experiments:" + PLAN.partition("experiments:")[2], encoding="utf-8")
    narrow = locked_raw(load.raw(tmp_path), "e")
    assert lock_hash(from_raw(narrow), "e") == lock_hash(load.load(tmp_path), "e") == locked(PLAN)
