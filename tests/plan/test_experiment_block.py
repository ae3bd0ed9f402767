"""The experiments: block: what it becomes, its defaults, and every mistake that it can hold."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
import yaml

from assay.model.errors import PlanError
from assay.plan.check import check
from assay.plan.diff import diff
from assay.plan.experiment_words import written
from assay.plan.experiments import (
    Cap,
    Change,
    Cuped,
    Experiment,
    Exposure,
    Guardrail,
    Holdout,
    Looks,
    Primary,
    Value,
    Variant,
    cannot_judge,
    looks_ahead,
)
from assay.plan.literals import change, fraction, yearly
from assay.plan.load import loads, loads_with_lines
from assay.plan.measures import Expression, Select
from assay.plan.schema import schema
from assay.plan.values import Plan

HEAD = (Path(__file__).parent / "shop.yaml").read_text(encoding="utf-8").split("experiments:")[0]
HEAD = HEAD.replace(
    "events:\n",
    "events:\n  experiment_viewed: {properties: {experiment_id: string, variant: string, arm: string, history: money, zip: string}}\n"
    "  subscribe: {properties: {mrr: money}}\n  page_view: {properties: {ms: number, plan_of: {type: string, scope: session}}}\n",
    1,
).replace(
    "metrics:\n",
    "metrics:\n"
    "  total: {type: simple, sum: revenue.net}\n"
    "  cpa: {type: ratio, numerator: {sum: cost.amount}, denominator: {count: order}}\n"
    "  share: {type: derived, expression: rpv / aov, format: percent}\n"
    "  churn: {type: subscription_churn}\n"
    "  sticky: {type: stickiness, per: user}\n"
    "  spell: {type: time_to, from: sign_up, event: purchase, statistic: mean}\n"
    "  lcp: {type: quantile, of: page_view.ms, q: 0.75, per: visitor}\n"
    "  bounce_rate: {type: rate, of: session, where: is_bounce, direction: down}\n"
    "  abandoned: {type: abandonment, from: add_to_cart, event: purchase, within: 7d}\n",
    1,
)

FULL = """
hypothesis: Free delivery raises the revenue
objective: grow
owner: growth
unit: user
audience: mobile
variants: {a: 50, b: 30, c: 0, control: 20}
traffic: 80%
layer: checkout
salt: pepper
exposure: {event: experiment_viewed, variant: arm, value: fs-1, trigger: checkout, where: "page like '/c%'"}
start: 2026-07-13
end: 2026-08-30
window: 30d
attribution: first
primary: {metric: rpv, mde: 3%}
diagnostics: [purchase_rate, aov]
guardrails: [{metric: refund_rate, margin: 0.5pp}, {metric: contribution_per_visitor, margin: 0.10 EUR, direction: down}]
cap: {rpv: 500, aov: 99.9%}
cuped: {days: 14d, metric: aov}
strata: device
looks: {group_sequential: [2026-07-27, 2026-08-30], spending: power}
alpha: 10%
power: 90%
correction: hochberg
multi_arm: first
decision: non_inferiority
margin: 1%
value: {margin: 35%, currency: EUR, eligible: 50%, decay: 10% a year, ramp: 30d}
follow_up: [90d, 30d, 30d]
notes: agreed
"""


def plan_of(block: str) -> Plan:
    return loads(HEAD + f"experiments:\n  e: {block}\n")


def made(block: str) -> Experiment:
    return plan_of(block).experiments["e"]


def full() -> Experiment:
    return loads(HEAD + "experiments:\n  e:\n" + "".join(f"    {line}\n" for line in FULL.splitlines())).experiments[
        "e"
    ]


def wrong(block: str) -> list[str]:
    with pytest.raises(PlanError) as caught:
        loads(HEAD + f"experiments:\n  e: {block}\n")
    return [problem.text for problem in caught.value.problems]


def test_every_key_arrives() -> None:
    one = full()
    trigger = Select("event", ("page_view",), ("/checkout", "/checkout/*"))
    assert one == Experiment(
        name="e",
        hypothesis="Free delivery raises the revenue",
        objective="grow",
        owner="growth",
        unit="user",
        audience=Expression("device = 'mobile'", ("device",)),
        audience_name="mobile",
        variants=(Variant("a", 50), Variant("b", 30), Variant("c", 0), Variant("control", 20)),
        control="control",
        traffic=0.8,
        layer="checkout",
        salt="pepper",
        exposure=Exposure(
            "experiment_viewed", "experiment_id", "arm", "fs-1", trigger, Expression("page LIKE '/c%'", ("page",))
        ),
        start=date(2026, 7, 13),
        end=date(2026, 8, 30),
        window=30 * 86_400,
        attribution="first",
        primary=Primary("rpv", Change(0.03, "relative"), "up"),
        diagnostics=("purchase_rate", "aov"),
        guardrails=(
            Guardrail("refund_rate", Change(0.005, "points"), "down"),
            Guardrail("contribution_per_visitor", Change(0.1, "absolute"), "down"),
        ),
        caps=(("rpv", Cap(500.0)), ("aov", Cap(0.999, True))),
        cuped=Cuped(14 * 86_400, "aov"),
        strata="device",
        looks=Looks("group_sequential", (date(2026, 7, 27), date(2026, 8, 30)), 2, "power"),
        alpha=0.1,
        power=0.9,
        correction="hochberg",
        multi_arm="first",
        decision="non_inferiority",
        margin=Change(0.01),
        value=Value(None, 0.35, 0.5, 0.1, 30 * 86_400),
        follow_up=(30 * 86_400, 90 * 86_400),
        follow_up_metrics=("refund_rate", "contribution_per_visitor"),
        notes="agreed",
    )
    assert one.treatments == ("a", "b", "c")
    assert one.metrics == ("rpv", "purchase_rate", "aov", "refund_rate", "contribution_per_visitor")
    assert one.weights == {"a": 0.5, "b": 0.3, "c": 0.0, "control": 0.2}


def test_only_the_primary_must_be_there() -> None:
    assert made("{primary: rpv}") == Experiment("e", salt="e", exposure=Exposure(value="e"), primary=Primary("rpv"))
    assert wrong("{}") == ["experiments.e needs the key 'primary'"]
    assert wrong("null") == ["experiments.e needs the key 'primary'"]


@pytest.mark.parametrize(
    ("block", "key", "expected"),
    [
        ("variants: [x, y, z]", "variants", (Variant("x"), Variant("y"), Variant("z"))),
        ("variants: [x, y, z]", "control", "x"),
        ("variants: [x, control]", "control", "control"),
        ("{variants: [x, y], control: y}", "control", "y"),
        ("traffic: 0.5", "traffic", 0.5),
        ("exposure: page_view", "exposure", Exposure("page_view", value="e")),
        ("exposure: {trigger: order}", "exposure", Exposure(value="e", trigger=Select("event", ("purchase",)))),
        ("exposure: {trigger: view_cart}", "exposure", Exposure(value="e", trigger=Select("event", ("view_cart",)))),
        ("exposure: {trigger: /x/*}", "exposure",
         Exposure(value="e", trigger=Select("event", ("page_view",), ("/x/*",)))),
        ("assignments: assign", "assignments", "assign"),
        ("cuped: 28d", "cuped", Cuped()),
        ("cuped: none", "cuped", None),
        ("cuped: {}", "cuped", Cuped()),
        ("cuped: {property: history}", "cuped", Cuped(property="history")),
        ("window: none", "window", 0),
        ("looks: fixed", "looks", Looks("fixed")),
        ("looks: always_valid", "looks", Looks()),
        ("looks: {group_sequential: 4}", "looks", Looks("group_sequential", (), 4, "obrien_fleming")),
        ("audience: is_new", "audience", Expression("is_new", ("is_new",))),
        ("audience: hesitant and is_new", "audience", Expression("hesitant AND is_new", ("hesitant", "is_new"))),
        ("strata: plan_of", "strata", "plan_of"),
        ("follow_up: 30d", "follow_up", (30 * 86_400,)),
        ("{guardrails: [{metric: aov, margin: 2%}], follow_up_metrics: rpv}", "follow_up_metrics", ("rpv",)),
        ("diagnostics: aov", "diagnostics", ("aov",)),
        ("value: {decay: 0.2}", "value", Value(decay=0.2)),
    ],
)  # fmt: skip
def test_short_forms(block: str, key: str, expected: object) -> None:
    block = block if block.startswith("{") else "{" + block + "}"
    text = "{primary: rpv, " + block[1:]
    assert getattr(loads(HEAD + f"experiments:\n  e: {text}\n").experiments["e"], key) == expected


@pytest.mark.parametrize(
    ("written_", "kpi", "expected"),
    [
        ("{metric: rpv}", "", "up"),
        ("{metric: refund_rate}", "", "down"),
        ("{metric: refund_rate, direction: up}", "", "up"),
        ("{metric: abandoned}", "", "down"),  # the type's own
        ("{metric: purchase_rate}", "  purchase_rate: {direction: down}\n", "down"),
        ("{metric: purchase_rate, direction: up}", "  purchase_rate: {direction: down}\n", "up"),
    ],
)
def test_direction(written_: str, kpi: str, expected: str) -> None:
    text = HEAD.replace("kpis:\n", "kpis:\n" + kpi) + f"experiments:\n  e: {{primary: {written_}}}\n"
    assert loads(text).experiments["e"].primary.direction == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("3%", Change(0.03)),
        ("0.5pp", Change(0.005, "points")),
        ("0.5 pp", Change(0.005, "points")),
        (0.1, Change(0.1, "absolute")),
        ("0.1", Change(0.1, "absolute")),
        (1e-05, Change(0.00001, "absolute")),
        (2, Change(2.0, "absolute")),
        (".5 EUR", Change(0.5, "absolute")),
    ],
)
def test_changes(text: object, expected: Change) -> None:
    assert change(text).change == expected


@pytest.mark.parametrize("text", ["-3%", "+3%", 0, "0%", -1, True, None, "3 %%", "x", "1e3", "3 eur", [1], "5 ppt"])
def test_no_changes(text: object) -> None:
    with pytest.raises(ValueError, match=r"no size of change|more than 0"):
        change(text)


def test_shares() -> None:
    assert (fraction("35%"), fraction(1), fraction(0.25), yearly("10% a year"), yearly("10% per year")) == (
        0.35, 1.0, 0.25, 0.1, 0.1,
    )  # fmt: skip
    for text in (50, "50", -0.1, True, "x%", None, "110%"):
        with pytest.raises(ValueError, match=r"share|percentage|between"):
            fraction(text)


MISTAKES = [
    ("{primary: rpv, guardrail: []}", "experiments.e has no key 'guardrail'; did you mean 'guardrails'?"),
    ("{primary: [rpv, aov]}", "decided by one primary metric; put the others into diagnostics"),
    ("{primary: rvp}", "experiments.e.primary.metric: there is no metric 'rvp'; did you mean 'rpv'?"),
    ("{primary: {metric: rpv, mde: 3}, diagnostics: [x]}", "experiments.e.diagnostics[1]: there is no metric 'x'"),
    ("{primary: rpv, audience: mobil}", "there is no segment 'mobil'; did you mean 'mobile'?"),
    ("{primary: rpv, audience: devise = 'x'}", "did you mean 'device'?"),
    ("{primary: rpv, objective: gro}", "there is no objective 'gro'; did you mean 'grow'?"),
    ("{primary: rpv, exposure: page_vew}", "experiments.e.exposure.event: there is no event 'page_vew'; did you mean 'page_view'"),
    ("{primary: rpv, exposure: {variant: ar}}", "experiment_viewed has no property 'ar'; did you mean 'arm'?"),
    ("{primary: rpv, exposure: {trigger: chekout}}", "no event, goal or page group 'chekout'; did you mean 'checkout'"),
    ("{primary: rpv, exposure: {variant: arm}, assignments: assign}", "computes who saw what"),
    ("{primary: rpv, assignments: import}", "assignments cannot be 'import'; it has assign, events"),
    ("{primary: rpv, variants: [a]}", "at least two variants"),
    ("{primary: rpv, variants: [a, a]}", "'a' stands there twice"),
    ("{primary: rpv, variants: [a, 1]}", "a variant's name is text, not 1"),
    ("{primary: rpv, variants: {a: 0, b: 0}}", "every weight is 0"),
    ("{primary: rpv, variants: {a: -1, b: 2}}", "experiments.e.variants.a must be at least 0"),
    ("{primary: rpv, variants: {a: x, b: 2}}", "experiments.e.variants.a must be a number"),
    ("{primary: rpv, control: contrl}", "there is no variant 'contrl'; did you mean 'control'?"),
    ("{primary: rpv, variants: {control: 0, b: 1}}", "control has weight 0"),
    ("{primary: rpv, traffic: 50}", "write it as 35%"),
    ("{primary: rpv, unit: session}", "experiments.e.unit cannot be 'session'"),
    ("{primary: rpv, start: 2026-02-02, end: 2026-02-01}", "2026-02-01 lies before the start, 2026-02-02"),
    ("{primary: rpv, guardrails: [aov]}", "experiments.e.guardrails[1]: needs the key 'margin'"),
    ("{primary: rpv, guardrails: [{metric: aov}]}", "only that it is not worse by more than a margin"),
    ("{primary: rpv, guardrails: [{metric: aov, margin: 0}]}", "must be more than 0"),
    ("{primary: rpv, guardrails: [{metric: aov, margin: 0.5pp}]}", "aov is none; write 2% of its value"),
    ("{primary: rpv, guardrails: [{metric: refund_rate, margin: 5}]}", "write 5pp or 5%"),
    ("{primary: rpv, guardrails: [{metric: refund_rate, margin: 5 EUR}]}", "refund_rate is no money"),
    ("{primary: {metric: rpv, mde: 1 USD}}", "the site counts in EUR, not USD"),
    ("{primary: rpv, diagnostics: [aov, aov]}", "experiments.e.diagnostics[2]: aov stands there twice"),
    ("{primary: rpv, diagnostics: [rpv]}", "rpv stands there twice"),
    ("{primary: rpv, diagnostics: [aov], guardrails: [{metric: aov, margin: 2%}]}", "guardrails[1].metric: aov stands there twice"),
    ("{primary: share}", "a test cannot judge share: it is arithmetic"),
    ("{primary: total}", "a test cannot judge total: it is a plain total"),
    ("{primary: rpv, diagnostics: [cpa]}", "ad costs belong to no unit"),
    ("{primary: rpv, diagnostics: [churn]}", "counted over a whole period"),
    ("{primary: rpv, diagnostics: [sticky]}", "counted over a whole period"),
    ("{primary: rpv, diagnostics: [spell]}", "counted over a whole period"),
    ("{primary: rpv, follow_up_metrics: share}", "a test cannot judge share"),
    ("{primary: rpv, follow_up_metrics: shar}", "did you mean 'share'"),
    ("{primary: rpv, cuped: {metric: share}}", "share is no covariate"),
    ("{primary: rpv, cuped: {metric: shar}}", "there is no metric 'shar'"),
    ("{primary: rpv, cuped: {property: histori}}", "experiment_viewed has no property 'histori'; did you mean 'history'?"),
    ("{primary: rpv, cuped: {property: zip}}", "zip is of type string; a covariate is a number"),
    ("{primary: rpv, cuped: {property: history, days: 14d}}", "property at once with days or metric"),
    ("{primary: rpv, window: 0d}", "it must lie between 1s and 100 years"),
    ("{primary: rpv, cuped: 28}", "experiments.e.cuped must be a mapping"),
    ("{primary: rpv, cap: {aov: 5}}", "experiments.e.cap.aov: the test does not judge aov"),
    ("{primary: purchase_rate, cap: {purchase_rate: 5}}", "cap needs a number per unit; purchase_rate is a share"),
    ("{primary: rpv, cap: {rpv: 5%}}", "between 50% and 100%"),
    ("{primary: rpv, cap: {rpv: -5}}", "neither a number above 0 nor a quantile"),
    ("{primary: rpv, strata: devise}", "'devise' is no dimension; did you mean 'device'?"),
    ("{primary: rpv, strata: duration}", "which the variant can change"),
    ("{primary: rpv, strata: customer}", "'customer' is no dimension of a visit"),
    ("{primary: rpv, looks: fixd}", "did you mean 'fixed'?"),
    ("{primary: rpv, looks: group_sequential}", "needs its looks"),
    ("{primary: rpv, looks: {group_sequential: 1}}", "from 2 to 100"),
    ("{primary: rpv, looks: {group_sequential: []}}", "nor a list of days"),
    ("{primary: rpv, looks: {group_sequential: [2026-01-02, 2026-01-01]}}", "must rise"),
    ("{primary: rpv, start: 2026-01-02, looks: {group_sequential: [2026-01-02]}}", "must lie after the start"),
    ("{primary: rpv, looks: {spending: power}}", "is one of fixed"),
    ("{primary: rpv, looks: {rule: fixed, spending: power}}", "leave spending out"),
    ("{primary: rpv, looks: {rule: fixed, group_sequential: 3}}", "is one of fixed"),
    ("{primary: rpv, alpha: 0.5}", "experiments.e.alpha must be less than 0.5"),
    ("{primary: rpv, alpha: 0}", "experiments.e.alpha must be more than 0"),
    ("{primary: rpv, power: 1}", "experiments.e.power must be less than 1"),
    ("{primary: rpv, power: 3%}", "power of 3% is no more than alpha"),
    ("{primary: rpv, decision: non_inferiority}", "needs the key 'margin'"),
    ("{primary: rpv, margin: 1%}", "only decision: non_inferiority has a margin"),
    ("{primary: rpv, value: {per_conversion: 40}}", "rpv is money already"),
    ("{primary: contribution_per_visitor, value: {margin: 40%}}", "is contribution already"),
    ("{primary: rpv, value: {currency: USD}}", "the site counts in EUR"),
    ("{primary: refund_rate, start: 2026-01-01, end: 2026-01-29}", "it cannot mature within the test"),
    ("[x]", "must be a mapping"),
]  # fmt: skip


@pytest.mark.parametrize(("block", "message"), MISTAKES)
def test_mistakes(block: str, message: str) -> None:
    problems = wrong(block)
    assert len(problems) == 1, problems
    assert message in problems[0]


def test_a_mistake_carries_its_line() -> None:
    with pytest.raises(PlanError) as caught:
        loads(HEAD + "experiments:\n  e:\n    primary: rpv\n    guardrails:\n      - {metric: aov}\n")
    (problem,) = caught.value.problems
    assert problem.line == HEAD.count("\n") + 5
    assert problem.code == "missing_key"


def layered(*blocks: str) -> str:
    text = "".join(f"  {one.partition(' ')[0]}: {{primary: rpv, {one.partition(' ')[2]}}}\n" for one in blocks)
    return HEAD + "experiments:\n" + text


def test_a_layer_has_room_for_all_that_run_at_once() -> None:
    after = ("a layer: x, end: 2026-01-31", "b layer: x, start: 2026-02-01")
    assert len(loads(layered(*after)).experiments) == 2
    assert len(loads(layered("a layer: x, traffic: 50%", "b layer: x, traffic: 50%")).experiments) == 2
    assert len(loads(layered("a layer: x", "b layer: y", "c traffic: 100%")).experiments) == 3
    thirds = tuple(f"{name} layer: x, traffic: 0.3333333333333333" for name in "abc")
    assert len(loads(layered(*thirds)).experiments) == 3
    with pytest.raises(PlanError, match=r"experiments\.b\.layer: with a the layer x is asked for 150% of its units"):
        loads(layered("a layer: x, end: 2026-02-01", "b layer: x, traffic: 50%, start: 2026-02-01"))


def test_holdout() -> None:
    assert loads("").holdout is None
    assert loads("holdout: {share: 0%}").holdout is None
    assert loads("holdout: {share: 5%}").holdout == Holdout(0.05, "holdout")
    assert loads("holdout: {share: 5%, salt: h2}").holdout == Holdout(0.05, "h2")
    assert loads("holdout: {share: 5%}").id != loads("").id
    for text, message in (
        ("holdout: {}", "needs the key 'share'"),
        ("holdout: {share: 100%}", "leaves nobody"),
        ("holdout: {share: 1%, slat: x}", "did you mean 'salt'"),
        ("holdout: [1]", "holdout must be a mapping"),
    ):
        with pytest.raises(PlanError, match=message):
            loads(text)


def remarks(block: str) -> dict[str, str]:
    plan, lines = loads_with_lines(HEAD + f"experiments:\n  e: {block}\n")
    return {
        p.code: p.severity for p in check(plan, lines, date(2026, 1, 1)) if "e" in p.text and p.line > HEAD.count("\n")
    }


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        ("{primary: rpv}", set()),
        ("{primary: rpv, diagnostics: [aov, purchase_rate]}", set()),
        ("{primary: rpv, diagnostics: [aov]}", {"diagnostics"}),
        ("{primary: rpv, diagnostics: [aov, purchase_rate, refund_rate, bounce_rate, lcp]}", {"diagnostics"}),
        ("{primary: rpv, guardrails: [{metric: rpv, margin: 2%}]}", {"primary_as_guardrail"}),
        ("{primary: refund_rate}", {"short_window"}),
        ("{primary: refund_rate, window: 30d}", set()),
        ("{primary: rpv, guardrails: [{metric: refund_rate, margin: 1pp}]}", set()),
        ("{primary: rpv, audience: page_views > 2}", {"audience_afterwards"}),
        ("{primary: rpv, audience: mobile}", set()),
        ("{primary: rpv, traffic: 0%}", {"no_traffic"}),
    ],
)
def test_remarks(block: str, expected: set[str]) -> None:
    found = remarks(block)
    assert set(found) == expected
    assert set(found.values()) <= {"warning"}


def test_differences_are_told_in_the_plan_s_keys() -> None:
    a = plan_of("{primary: {metric: rpv, mde: 3%}, variants: {control: 50, new: 50}, owner: x, cap: {rpv: 500}}")
    b = plan_of("{primary: {metric: rpv, mde: 2%}, variants: {control: 50, new: 40}, owner: x, cap: {rpv: 99%}}")
    (one,) = diff(a, b)
    assert one.text == (
        "experiments.e changed its meaning: variants.new: 50 → 40; primary.mde: 3% → 2%; cap.rpv: 500 → 99%"
    )
    c = plan_of(
        "{primary: {metric: rpv, mde: 3%}, variants: {control: 50, new: 50}, owner: y, cap: {rpv: 500}, notes: n, hypothesis: h}"
    )
    (label,) = diff(a, c)
    assert (label.kind, a.id == c.id, a.id == b.id) == ("label", True, False)
    assert [d.section for d in diff(loads("holdout: {share: 5%}"), loads("holdout: {share: 6%}"))] == ["holdout"]


def test_words_say_every_key_but_what_is_not_there() -> None:
    one = full()
    words = written(one)
    assert set(yaml.safe_load(FULL)) <= set(words)
    assert words["exposure"]["trigger"] == "page_view of /checkout, /checkout/*"
    assert words["guardrails"]["contribution_per_visitor"] == {"margin": "0.1", "direction": "down"}
    assert words["looks"] == "group_sequential: 2026-07-27, 2026-08-30; power"
    assert words["value"] == {"margin": "35%", "eligible": "50%", "decay": "10%", "ramp": "30d"}
    assert written(made("{primary: rpv}"))["cuped"] == "none"
    words = written(made("{primary: rpv, window: none, cuped: {property: history}}"))
    assert (words["window"], words["cuped"]) == ("none", "history of the exposure")


def test_which_metrics_can_be_judged() -> None:
    metrics = loads(HEAD).metrics
    judged = {name for name, one in metrics.items() if cannot_judge(one.quantity) is None}
    assert judged == set(metrics) - {"total", "cpa", "share", "churn", "sticky", "spell"}
    assert looks_ahead(metrics["refund_rate"].quantity) == 30 * 86_400
    assert looks_ahead(metrics["rpv"].quantity) == 0


def test_the_schema_knows_the_block() -> None:
    found = schema()
    assert found["properties"]["experiments"]["additionalProperties"]["anyOf"][0] == {"$ref": "#/$defs/ExperimentForm"}
    form = found["$defs"]["ExperimentForm"]
    assert set(yaml.safe_load(FULL)) <= set(form["properties"])
    assert form["required"] == ["primary"]
    assert form["properties"]["window"]["default"] == "7d"
    assert not {"Written", "Cap", "Change"} & set(found["$defs"])
