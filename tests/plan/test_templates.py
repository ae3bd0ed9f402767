"""Every ready metric and first plan: loads, is clean, is described, and answers on every engine."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from assay.model.errors import UnknownName, UsageError
from assay.model.event import STANDARD_EVENTS
from assay.plan import edit
from assay.plan.check import check
from assay.plan.load import loads, loads_with_lines
from assay.plan.report import Report
from assay.plan.starting import first as first_plan
from assay.plan.templates import STAGES, STARTERS, Template, template, templates
from assay.plan.templates.apply import application
from assay.plan.tree import plain, read
from assay.plan.values import Plan
from assay.workspace import Workspace
from support import Event, event, view, workspace

BASE = """# mine
site: {name: Shop, timezone: Europe/Berlin, currency: EUR}
orders: {cost: 40%}
goals:
  order: {event: purchase, kind: macro, journey: shop, agreed_by: [all]}
"""
TEMPLATES = list(templates().values())

# Each row of the KPI table of DEFINITIONS, and what answers it: templates, or questions (in backquotes).
ROWS = {
    "conversion rate": "conversion_rate conversion_rate_of_sessions conversion_rate_of_users",
    "click conversion rate": "click_conversion_rate cta_conversion_rate",
    'funnel entry rate (Mixpanel "totals")': "funnel_entry_rate",
    "revenue per visitor, per session": "revenue_per_visitor revenue_per_session",
    "contribution per visitor": "contribution_per_visitor",
    "average order value": "average_order_value",
    "gross margin per visitor": "gross_margin_per_visitor",
    "refund rate": "refund_rate",
    "cart abandonment rate": "cart_abandonment_rate",
    "checkout abandonment rate": "checkout_abandonment_rate",
    "repeat purchase rate, orders per customer, days between orders": "repeat_purchase_rate orders_per_customer days_between_orders",
    "units per order, attach rate, coupon rate, discount share": "units_per_order attach_rate coupon_rate discount_share",
    "bounce rate": "bounce_rate",
    "exit rate (page)": "exit_rate exit_rate_of_views exit_rate_without_bounces",
    "site exit rate, unsubscribe rate": "site_exit_rate email_unsubscribe_rate",
    "e-mail and ad rates": "email_open_rate email_click_rate ad_ctr ad_cpc",
    "page speed": "page_speed",
    "time on page": "time_on_page",
    "scroll depth": "scroll_depth",
    "click-through rate": "click_through_rate click_through_rate_of_page",
    "pages per session, session duration": "pages_per_session session_duration",
    "time to convert": "time_to_convert",
    "time to value": "time_to_value",
    "lead rate, form start and completion rate": "lead_rate form_start_rate form_completion_rate",
    "qualified lead rate": "qualified_lead_rate",
    "show-up rate, lead-to-opportunity, lead-to-paid, spam and duplicate lead rate, cost per (qualified) lead": (
        "demo_show_up_rate lead_to_opportunity_rate lead_to_paid_rate spam_lead_rate duplicate_lead_rate cost_per_lead "
        "cost_per_qualified_lead"
    ),
    "lead acceptance, close rate, pipeline value per lead": "lead_acceptance_rate lead_close_rate pipeline_value_per_lead",
    "demo booking rate, trial sign-up rate": (
        "demo_booking_rate demo_booking_rate_of_leads trial_signup_rate trial_signup_rate_of_leads"
    ),
    "trial-to-paid rate": "trial_to_paid",
    "activation rate": "activation_rate setup_rate",
    "feature usage": "feature_usage stickiness",
    "upgrade and expansion rate, MRR, ARPA, first invoice value, gross and net revenue retention": (
        "upgrade_rate expansion_rate mrr arpa first_invoice_value gross_revenue_retention net_revenue_retention"
    ),
    "churn, subscription": "subscription_churn",
    "churn, product": "product_churn",
    "CPA": "cpa",
    "CAC": "cac cac_paid",
    "ROAS": "roas",
    "new visitor share, traffic by source": "new_visitor_share",
}


def values(text: str) -> Any:
    node = read(text, "plan", Report())
    return plain(node) if node else {}


def applied(text: str, *chosen: Template) -> str:
    raw, additions = values(text), []
    for one in chosen:
        for addition in application(one, raw).additions:
            below = raw
            for key in addition.path[:-1]:
                below = below.setdefault(key, {})
            below[addition.path[-1]] = addition.value
            additions.append(addition)
    return edit.add(text, additions)


@pytest.mark.parametrize("one", TEMPLATES, ids=lambda one: one.name)
def test_a_template_loads_clean_and_says_what_it_is(one: Template) -> None:
    text = applied(BASE, one)
    assert text.startswith(BASE)
    plan, lines = loads_with_lines(text)
    assert [p.text for p in check(plan, lines) if p.severity != "info"] == []
    assert set(one.metrics) <= set(plan.metrics)
    assert {plan.metrics[name].stage for name in one.metrics} == {one.stage}
    assert plan.metrics[one.main].description == one.about
    assert one.about.endswith(".")
    anything = ("sessions", "visitors", "new_visitor_share", "bounce_rate", "session_duration", "stickiness")
    assert one.arriving() or one.name in (*anything, "product_churn")
    used = {name for m in plan.metrics.values() for s in m.quantity.selects() for name in s.events or ()}
    assert used <= {*plan.events}
    assert set(one.events) <= {*plan.events}


def test_every_row_of_the_table_has_its_templates() -> None:
    for row, names in ROWS.items():
        assert {t.name for t in TEMPLATES if t.row == row} >= set(names.split()), row
    assert {t.row for t in TEMPLATES} - set(ROWS) == {"sessions", "visitors"}
    assert {t.stage for t in TEMPLATES} == set(STAGES)


def test_all_templates_in_one_plan_in_any_order() -> None:
    some = random.Random(1).sample(TEMPLATES, 16)
    plan, other = loads(applied(BASE, *some)), loads(applied(BASE, *reversed(some)))
    assert {m for t in some for m in t.metrics} == set(plan.metrics)
    assert {n: m.id for n, m in plan.metrics.items()} == {n: m.id for n, m in other.metrics.items()}


def test_what_is_there_stays() -> None:
    text = BASE + "events:\n  start_trial: {description: Mine}\n  subscribe:\n"
    raw = values(text)
    made = application(template("trial_to_paid"), raw, "trial_rate")
    assert [one.path for one in made.additions] == [
        ("events", "subscribe", "properties", "mrr"),
        ("metrics", "trial_rate"),
    ]
    plan = loads(edit.add(text, made.additions))
    assert plan.events["start_trial"].description == "Mine"
    assert plan.events["subscribe"].properties["mrr"].type == "money"
    taken: Any = {**raw, "metrics": {"trial_rate": {}}}
    with pytest.raises(UsageError, match="already there and stays"):
        application(template("trial_to_paid"), taken, "trial_rate")
    with pytest.raises(UsageError, match="no name"):
        application(template("trial_to_paid"), raw, "a b")
    with pytest.raises(UnknownName, match="did you mean 'trial_to_paid'"):
        template("trial_to_pay")


@pytest.mark.parametrize("kind", STARTERS)
def test_a_first_plan_is_complete(kind: str) -> None:
    plan, lines = loads_with_lines(first_plan("X", "Europe/Berlin", "EUR", kind))
    assert check(plan, lines) == []
    assert len(plan.kpis) == 4
    assert [g.kind for g in plan.goals.values()].count("macro") == 1
    assert [g.kind for g in plan.goals.values()].count("micro") >= 3
    assert (len(plan.funnels), len(plan.segments), len(plan.experiments)) == (2, 8, 1)
    (experiment,) = plan.experiments.values()
    assert {one.margin.scale for one in experiment.guardrails} == {"points"}
    stages = [STAGES.index(str(m.stage)) for m in plan.metrics.values()]
    assert stages == sorted(stages)
    assert set(stages) == {0, 1, 2, 3}


def lively(plan: Plan, seed: int = 1, people: int = 40) -> list[Event]:
    """People who do a bit of everything that the plan knows, over ten weeks."""
    draw = random.Random(seed)
    values: dict[str, Callable[[], Any]] = {
        "money": lambda: f"{draw.randint(100, 9900) / 100:.2f}",
        "number": lambda: draw.randint(1, 500) / 10,
        "integer": lambda: draw.randint(1, 100),
        "boolean": lambda: draw.random() < 0.5,
        "string": lambda: draw.choice(["cta", "spam", "duplicate", "payment_failed", "m1", "m2"]),
    }
    names = [n for n in plan.events if n not in ("refund", "purchase")]
    found: list[Event] = []
    for n in range(people):
        day = draw.randint(0, 40)
        known = {"user": f"u{n}", "path": "/"}
        begun = f"2024-{1 + day // 28:02d}-{1 + day % 28:02d} 07"
        found += [view(f"v{n}", f"{begun}:10", **known), view(f"v{n}", f"{begun}:12", **known)]
        found += [
            event(f"v{n}", name, f"{begun}:1{k}", **known) for k, name in enumerate(("sign_up", "reach_value"), 3)
        ]
        for k in range(draw.randint(5, 30)):
            time = f"2024-{1 + day // 28:02d}-{1 + day % 28:02d} {8 + k % 12:02d}:{draw.randint(0, 59):02d}"
            common: dict[str, Any] = {"user": f"u{n}", "path": draw.choice(["/", "/demo", "/a"]), "id": f"{n}-{k}"}
            name = draw.choice(["page_view", "purchase", *draw.sample(names, 6)])
            if name == "page_view":
                found.append(view(f"v{n}", time, **common))
            elif name == "web_vitals":
                found.append(event(f"v{n}", name, time, props={"lcp_ms": draw.randint(500, 6000), "inp_ms": 90, "cls": 0.1}, **common))  # fmt: skip
            elif name == "purchase":
                item = [
                    {"item_category": c, "quantity": draw.randint(1, 3)}
                    for c in draw.sample(["phones", "cases", "x"], 2)
                ]
                found.append(event(f"v{n}", name, time, order_id=f"o{n}-{k}", amount=values["money"](), items=item, **common))  # fmt: skip
            else:
                declared = plan.events[name].properties
                props = {
                    p.name: values[p.type]()
                    for p in declared.values()
                    if p.type in values and p.name not in ("revenue",)
                }
                found.append(event(f"v{n}", name, time, props=props, **common))
            day += draw.randint(0, 3) if k % 3 == 0 else 0
    return found


@pytest.fixture(scope="module")
def everything() -> str:
    return applied(BASE, *TEMPLATES)


def figures(ws: Workspace, names: list[str], **asked: Any) -> dict[tuple[str, ...], tuple[Any, ...]]:
    answer = ws.ask("metric", names, **{"from": "2024-01-22", "to": "2024-02-10"}, **asked)
    parts = ((e.metric, e.group.values(), e.estimate) for e in answer.estimates)
    return {(n, *map(str, g)): (e.value, e.numerator, e.denominator) for n, g, e in parts}


@pytest.mark.soak
@pytest.mark.usefixtures("spark")
def test_every_template_answers_the_same_on_every_engine(everything: str, tmp_path: Path) -> None:
    plan = loads(everything)
    events = lively(plan)
    costly = {m for t in TEMPLATES for m in t.metrics if any("cost" in one for one in t.arriving())}
    free = [name for name in plan.metrics if name not in costly]
    engines = [
        workspace(tmp_path / name, everything, events, engine=name) for name in ("duckdb", "clickhouse", "spark")
    ]
    for names, asked in ((list(plan.metrics), {}), (free, {"by": "first_channel"}), (free, {"grain": "month"})):
        here, *others = (figures(ws, names, **asked) for ws in engines)
        for there in others:
            assert here.keys() == there.keys()
            for key, numbers in here.items():
                for one, other in zip(numbers, there[key], strict=True):
                    assert (one is None) == (other is None), key
                    assert one is None or float(one) == pytest.approx(float(other), rel=1e-9), key
        if not asked:
            assert {name for (name,), (value, *_) in here.items() if value is None} == costly
    for ws in engines:
        ws.close()


def test_standard_events_cover_what_templates_do_not_declare() -> None:
    for one in TEMPLATES:
        for name in one.arriving():
            head = name.split(" ")[0]
            assert head in {*STANDARD_EVENTS, *one.events, "orders", "ad", "their"}, one.name


def test_the_guide_names_every_row_and_template() -> None:
    text = (Path(__file__).parents[2] / "docs" / "guide" / "kpis.md").read_text(encoding="utf-8")
    for row, names in ROWS.items():
        cells = ", ".join(f"`{name}`" for name in names.split())
        assert f"| {row} | {cells} |" in text
    for one in TEMPLATES:
        types = ", ".join(dict.fromkeys(m["type"] for m in one.metrics.values()))
        assert f"| `{one.name}` | {one.about} | {types} |" in text
