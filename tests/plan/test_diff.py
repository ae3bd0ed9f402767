from __future__ import annotations

import pytest

from assay.plan.diff import Difference, KeyChange, diff
from assay.plan.load import loads


def changes(shop: str, before: str, after: str) -> dict[str, Difference]:
    assert before in shop
    return {f"{d.section}.{d.name}:{d.kind}": d for d in diff(loads(shop), loads(shop.replace(before, after, 1)))}


def test_same(shop: str) -> None:
    assert diff(loads(shop), loads("# remark\n" + shop)) == []


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("owner: growth", "owner: sales", {"objectives.grow:label"}),
        ("description: Price list seen", "description: Prices", {"events.view_pricing:label"}),
        ("name: Example shop", "name: Shop", {"site.:label"}),
        ("team: ecommerce", "team: shop", {"goals.order:label"}),
        ("stage: convert}", "stage: engage}", {"metrics.purchase_rate:label"}),
        ("device = 'mobile'", "device  =  'mobile'", set()),
        ("metrics:", "metrics: # remark", set()),
        ("device = 'mobile'", "device = 'tablet'", {"segments.mobile:meaning"}),
        ("window: 7d, order", "window: 8d, order", {"funnels.checkout:meaning"}),
        ("within: 14d", "within: 15d", {"cohorts.hesitant:meaning"}),
        (
            "timeout: 30m",
            "timeout: 20m",
            {"rules.session:meaning", "metrics.purchase_rate:meaning", "segments.mobile:meaning"},
        ),
        ("cost: 55%", "cost: 50%", {"orders.:meaning", "metrics.contribution_per_visitor:meaning"}),
        ("event: purchase, kind", "event: sign_up, kind", {"goals.order:meaning", "metrics.purchase_rate:meaning"}),
        ("target: +10%", "target: +12%", {"kpis.rpv:meaning"}),
        ("treatment: 50", "treatment: 40", {"experiments.free_shipping:meaning"}),
        ("  start_trial: {", "  trial_started: {", {"events.start_trial:removed", "events.trial_started:added"}),
        ("  hesitant: {", "  wavering: {", {"cohorts.hesitant:removed", "cohorts.wavering:added"}),
    ],
)
def test_kinds(shop: str, before: str, after: str, expected: set[str]) -> None:
    assert set(changes(shop, before, after)) == expected


def test_words(shop: str) -> None:
    found = changes(shop, "sum: revenue.net, per: visitor}", "sum: revenue.net, per: session, description: By visit}")
    meaning, label = found["metrics.rpv:meaning"], found["metrics.rpv:label"]
    assert meaning.keys == (KeyChange("per", "visitor", "session"),)
    assert (
        meaning.text
        == f"metrics.rpv changed its meaning ({meaning.before_id} → {meaning.after_id}): per: visitor → session"
    )
    assert label.text == "metrics.rpv changed its label only: description: nothing → By visit"


def test_a_rule_lists_what_changes_meaning_with_it(shop: str) -> None:
    session = changes(shop, "timeout: 30m", "timeout: 20m")["rules.session:meaning"]
    assert session.affects == ("mobile", "purchase_rate")
    assert (
        session.text
        == "rules.session changed its meaning: timeout: 30 min → 20 min; this changes mobile, purchase_rate"
    )


def test_two_rules_are_told_apart(shop: str) -> None:
    both = shop.replace("timeout: 30m", "timeout: 20m").replace("bounce: assay", "refunds: booked")
    found = {d.name: d.affects for d in diff(loads(shop), loads(both)) if d.section == "rules"}
    assert found == {"session": ("mobile", "purchase_rate"), "refunds": ("rpv", "aov", "contribution_per_visitor")}


def test_a_metric_says_what_it_changed_through(shop: str) -> None:
    metric = changes(shop, "timeout: 30m", "timeout: 20m")["metrics.purchase_rate:meaning"]
    assert metric.keys == (KeyChange("rules.session.timeout", "30 min", "20 min"),)


def test_abandonment_rule() -> None:
    text = "metrics: {a: {type: abandonment}, b: {type: simple, count: order}}\n"
    found = diff(loads(text), loads(text + "rules: {abandonment: session}"))
    assert [(d.section, d.name, d.affects) for d in found] == [("rules", "abandonment", ("a",)), ("metrics", "a", ())]


def test_added_and_removed() -> None:
    text = "changes: [{date: 2026-01-01, kind: fix, what: x}]\nchannels: [{channel: A, where: source = 'a'}]"
    assert {d.text for d in diff(loads(""), loads(text))} == {
        "changes.2026-01-01 x added",
        "channels changed its meaning: 1.channel: nothing → A; 1.where: nothing → source = 'a'",
    }
