from __future__ import annotations

import dataclasses
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from assay.model.errors import PlanError, UsageError
from assay.plan.load import load, load_with_lines, loads
from assay.plan.measures import Expression
from assay.plan.sections import SECTIONS
from assay.plan.values import EventDef, Exclusion, Plan, Property, Share, Step


def wrong(text: str) -> list[tuple[int, str]]:
    with pytest.raises(PlanError) as caught:
        loads(text)
    return [(p.line, p.text) for p in caught.value.problems]


def one(text: str) -> str:
    problems = wrong(text)
    assert len(problems) == 1, problems
    return problems[0][1]


def test_example(shop: str) -> None:
    plan = loads(shop)
    assert (plan.site.timezone, plan.site.currency) == ("Europe/Berlin", "EUR")
    assert plan.rules.session.timeout == 1800
    assert plan.rules.session.max is None
    assert plan.pages == {"product": ("/p/*",), "checkout": ("/checkout", "/checkout/*")}
    assert plan.events["start_trial"].properties == {"plan": Property("plan", "string")}
    assert plan.orders.cost == Share(rate=Decimal("0.55"))
    assert plan.orders.shipping == Share(property="shipping")
    assert plan.orders.sources == ("shop", "web")
    assert plan.goals["order"].event == "purchase"
    assert plan.goals["pricing_seen"].page == ("/pricing",)
    assert plan.kpis["rpv"].baseline == (date(2026, 7, 1), date(2026, 9, 30))
    assert plan.segments["mobile"].where == Expression("device = 'mobile'", ("device",))
    assert plan.cohorts["hesitant"].within == 14 * 86_400
    assert [step.event for step in plan.funnels["checkout"].steps] == [
        "view_item",
        "add_to_cart",
        "begin_checkout",
        "purchase",
    ]
    assert plan.experiments["free_shipping"].weights == {"control": 0.5, "treatment": 0.5}
    assert plan.files == ("assay.yaml",)


def test_nothing_is_a_plan() -> None:
    empty = loads("")
    assert {**vars(empty), "events": {}, "files": (), "id": ""} == {**vars(Plan()), "files": (), "id": ""}
    assert loads("".join(f"{section.name}:\n" for section in SECTIONS)).id == empty.id


def test_three_mistakes_three_lines() -> None:
    text = """
site: {timezone: Europe/Berln}
metrics:
  rpv:
    type: simple
    summ: revenue.net
goals:
  order: {event: purchase, kind: makro}
"""
    problems = wrong(text)
    assert [line for line, _ in problems] == [2, 6, 8]
    for (_, message), words in zip(problems, ["'Europe/Berlin'", "'sum'", "'macro'"], strict=True):
        assert "did you mean" in message
        assert words in message


def test_a_broken_goal_breaks_nothing_else() -> None:
    text = "goals: {order: {event: purchase, kind: makro}}\nmetrics: {r: {type: conversion, goal: order}}\nkpis: {r: }"
    assert "goals.order.kind" in one(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sit: {}", "no section 'sit'; did you mean 'site'"),
        ("site: 3", "site must be a mapping"),
        ("channels: {}", "channels must be a list"),
        ("site: {nam: x}", "site has no key 'nam'; did you mean 'name'"),
        ("site: {name: 3}", "put it in quotes"),
        ("site: {timezone: Europe}", "no time zone 'Europe'"),
        ("site: {timezone: ../../etc/passwd}", "no time zone"),
        ("site: {currency: eur}", "did you mean 'EUR'"),
        ("site: {week_start: tuesday}", "week_start cannot be 'tuesday'"),
        ("rules: {session: {gap: inclusiv}}", "did you mean 'inclusive'"),
        ("rules: {session: {timeout: 30}}", "30 is not a duration"),
        ("rules: {session: {timeout: none}}", "'none' is not a duration"),
        ("rules: {session: {split_at_midnight: yes}}", "must be true or false"),
        ("rules: {bounce: ga5}", "did you mean 'ga4'"),
        ("rules: {bounce: {rule: plausible, threshold: 10s}}", "has no threshold"),
        ("rules: {bounce: {rule: ga4, threshold: 5s}}", "between 10s and 60s"),
        ("rules: {channels: [a]}", "must be one of"),
        ("pages: {a: 3}", "must be a glob"),
        ("pages: {a: []}", "must be a glob"),
        ("pages: {_clean: {replace: [{regex: '(', with: x}]}}", "not a regular expression"),
        ("pages: {_clean: {replace: [{regx: x}]}}", "pages._clean.replace[1] has no key 'regx'"),
        ("events: {x: {properties: {p: strng}}}", "did you mean 'string'"),
        ("events: {x: {properties: {p: {type: string, scop: user}}}}", "properties.p has no key 'scop'"),
        ("events: {x: {properties: {p: string}, required: [q]}}", "no property 'q'"),
        ("events: {x: {properties: {p: string}}, y: {properties: {p: number}}}", "p is number here and string in x"),
        ("events: {purchase: {properties: {revenue: string}}}", "revenue is string here and money in"),
        ("events: {x: {properties: {p: {scope: user}}}, y: {properties: {p: {scope: event}}}}", "a name has one scope"),
        ("events: {x: {properties: {duration: string}}}", "built-in dimension"),
        ("events: [x]", "events must be a mapping"),
        ("orders: {cost: 155%}", "between 0% and 100%"),
        ("orders: {shipping: shiping}", "did you mean 'shipping'"),
        ("orders: {cost: coupon}", "must be number or integer or money"),
        ("orders: {event: paid, refund_event: paid}", "need two events"),
        ("orders: {id: order_number}", "no property 'order_number'"),
        ("goals: {g: {}}", "needs event or page"),
        ("goals: {g: {event: a, page: /x}}", "choose one"),
        ("goals: {g: {page: checkout}}", "no page group 'checkout'"),
        ("goals: {g: {event: a, where: 3}}", "must be text"),
        ("goals: {g: {event: purchase, value: revenu}}", "did you mean 'revenue'"),
        ("goals: {g: {event: a, value: -1}}", "not be below 0"),
        ("goals: {g: {event: a, value: [1]}}", "neither a number nor"),
        ("goals: {g: {event: a, where: plan = 'x'}}", "no dimension or declared property 'plan'"),
        ("segments: {a: 3}", "must be an expression"),
        ("segments: {a: 'devise = 1'}", "did you mean 'device'"),
        ("cohorts: {c: {}}", "needs did"),
        ("cohorts: {c: {did: a, did_not: [a]}}", "nobody can be both"),
        ("cohorts: {c: {sequence: a}}", "at least two"),
        ("cohorts: {c: {did_not: a, at_least: 2}}", "did, which is missing"),
        ("funnels: {f: {}}", "needs the key 'steps'"),
        ("funnels: {f: {steps: []}}", "must not be empty"),
        ("funnels: {f: {steps: [{event: a, optional: true}, b]}}", "first step cannot be optional"),
        ("funnels: {f: {steps: [a, {event: b, optional: true}], order: unordered}}", "no optional steps"),
        ("funnels: {f: {steps: [a, b], exclusions: [{event: c, after: 2, before: 2}]}}", "after must be less"),
        ("funnels: {f: {steps: [a, b], exclusions: [{event: c, before: 3}]}}", "at most 2"),
        ("funnels: {f: {steps: [a, {evnt: b}]}}", "funnels.f.steps[2] has no key 'evnt'"),
        ("funnels: {f: {steps: [a, b], window: 7}}", "not a duration"),
        ("funnels: {f: {steps: [a, b], per: order}}", "per cannot be 'order'"),
        ("channels: [{channel: A, where: channel = 'x'}]", "no dimension or declared property 'channel'"),
        ("channels: [x]", "channels[1] must be a mapping"),
        ("objectives: {o: {until: soon}}", "not a day"),
        ("kpis: {rpv: {}}", "no metric 'rpv'"),
        ("metrics: {m: {type: simple, count: order}}\nkpis: {m: {objective: grow}}", "no objective 'grow'"),
        ("metrics: {m: {type: simple, count: order, direction: up}}\nkpis: {m: {direction: down}}", "choose one"),
        ("experiments: {e: [x]}", "must be a mapping"),
        ("experiments: {e: {primary: {metric: m}}}", "experiments.e.primary.metric: there is no metric 'm'"),
        ("changes: [{date: 2026-01-01, kind: deploy}]", "changes[1] needs the key 'what'"),
        ("alerts: {a: {}}", "needs metric or funnel"),
        ("alerts: {a: {metric: m, funnel: f}}", "choose one"),
        ("alerts: {a: {funnel: f}}", "no funnel 'f'"),
        ("metrics: {m: {type: simple, count: order}}\nalerts: {a: {metric: m, by: devise}}", "did you mean 'device'"),
        (
            "metrics: {m: {type: simple, count: order}}\nalerts: {a: {metric: m, sensitivity: hgh}}",
            "did you mean 'high'",
        ),
        ("metrics: {m: {type: simple, count: order}}\nalerts: {a: {metric: m, sensitivity: -1}}", "is no sensitivity"),
        (
            "metrics: {m: {type: simple, count: order}}\nalerts: {a: {metric: m, sensitivity: off}}",
            "leave the rule out",
        ),
        ("metrics: {m: {type: simple, count: order}}\nalerts: {automatic: {metric: m}}", "another name"),
        ("imports: {i: x}", "must be a mapping"),
        ("include: x.yaml", "needs a file in a folder"),
    ],
)
def test_mistakes(text: str, message: str) -> None:
    assert message in one(text)


def test_built_in_events_are_extended() -> None:
    events = loads("events: {page_view: {properties: {lcp_ms: number}}, custom: }").events
    assert events["page_view"] == EventDef(
        "page_view", properties={"lcp_ms": Property("lcp_ms", "number")}, builtin=True
    )
    assert events["custom"] == EventDef("custom")
    assert events["purchase"].properties["revenue"].type == "money"
    assert events["add_to_cart"].interactive
    assert not events["refund"].interactive


def test_own_order_event_has_the_properties_of_an_order() -> None:
    plan = loads("orders: {event: paid, refund_event: paid_back}\nevents: {paid: {properties: {margin: money}}}")
    assert {"order_id", "revenue", "margin"} <= set(plan.events["paid"].properties)
    assert plan.events["paid"].interactive
    assert not plan.events["paid_back"].interactive


def test_scope_said_once_holds_everywhere() -> None:
    plan = loads("events: {x: {properties: {plan: string}}, y: {properties: {plan: {type: string, scope: user}}}}")
    assert plan.events["x"].properties["plan"].scope == "user"
    assert plan.properties()["plan"].scope == "user"


def test_funnel_forms() -> None:
    text = """
pages: {checkout: [/checkout, /checkout/*]}
rules: {funnel_entry: first}
funnels:
  a:
    steps:
      - view_item
      - {page: checkout, label: Checkout}
      - {event: null}
      - {event: purchase, where: revenue > 10, optional: true}
    window: session
  b: {steps: [x, y, z], per: session, order: unordered, exclusions: [{event: refund, before: 3}], entry: latest}
"""
    plan = loads(text)
    a, b = plan.funnels["a"], plan.funnels["b"]
    assert a.steps[1] == Step("Checkout", None, ("/checkout", "/checkout/*"))
    assert a.steps[2].label == "any event"
    assert a.steps[3] == Step("purchase", "purchase", None, Expression("revenue > 10", ("revenue",)), True)
    assert (a.window, a.entry, b.window, b.entry) == (None, "first", None, "latest")
    assert b.exclusions == (Exclusion("refund", 1, 3, "clear"),)
    assert loads("funnels: {f: {steps: [a, b]}}").funnels["f"].window == 7 * 86_400


def test_bounce_threshold_has_the_rule_s_own_default() -> None:
    assert loads("rules: {bounce: ga4}").rules.bounce.threshold == 10
    assert loads("rules: {bounce: {rule: ga4, threshold: 30s}}").rules.bounce.threshold == 30
    assert loads("rules: {bounce: matomo}").rules.bounce.threshold is None


def test_includes(tmp_path: Path) -> None:
    (tmp_path / "metrics").mkdir()
    (tmp_path / "assay.yaml").write_text(
        "include: [metrics/*.yaml]\nkpis: {a: }\nchanges: [{date: 2026-01-01, kind: fix, what: x}]\n"
    )
    (tmp_path / "metrics" / "a.yaml").write_text("metrics: {a: {type: simple, count: order}}\n")
    (tmp_path / "metrics" / "b.yaml").write_text(
        "metrics: {b: {type: simple, count: order}}\nchanges: [{date: 2026-01-02, kind: fix, what: y}]\n"
    )
    plan, lines = load_with_lines(tmp_path)
    assert set(plan.metrics) == {"a", "b"}
    assert [c.what for c in plan.changes] == ["x", "y"]
    assert lines.find("metrics", "b") == (str(tmp_path / "metrics" / "b.yaml"), 1)
    assert plan.files == tuple(str(tmp_path / p) for p in ("assay.yaml", "metrics/a.yaml", "metrics/b.yaml"))
    again = load(tmp_path / "assay.yaml")
    assert again == plan


@pytest.mark.parametrize(
    ("files", "place", "message"),
    [
        ({"assay.yaml": "include: nowhere.yaml"}, "assay.yaml:1", "matches no file"),
        ({"assay.yaml": "include: ../x.yaml"}, "assay.yaml:1", "inside this folder"),
        ({"assay.yaml": "include: /etc/passwd"}, "assay.yaml:1", "inside this folder"),
        ({"assay.yaml": "include: ['']"}, "assay.yaml:1", "not a file name"),
        ({"assay.yaml": "include: {a: b}"}, "assay.yaml:1", "takes file names"),
        (
            {"assay.yaml": "site: {}\ninclude: b.yaml", "b.yaml": "\n\ninclude: assay.yaml"},
            "b.yaml:3",
            "goes in a circle: assay.yaml → b.yaml → assay.yaml",
        ),
        ({"assay.yaml": "include: assay.yaml"}, "assay.yaml:1", "goes in a circle"),
        (
            {"assay.yaml": "include: b.yaml\nsegments: {a: is_new}", "b.yaml": "segments:\n  a: is_new"},
            "b.yaml:2",
            "segments.a is already defined in",
        ),
        (
            {"assay.yaml": "include: b.yaml\nsite: {name: A}", "b.yaml": "site: {name: B}"},
            "b.yaml:1",
            "site.name is already defined",
        ),
        (
            {"assay.yaml": "include: b.yaml\nsegments: {a: is_new}", "b.yaml": "segments: []"},
            "b.yaml:1",
            "segments is a list here",
        ),
        ({"assay.yaml": "include: b.yaml", "b.yaml": "site: {zone: x}"}, "b.yaml:1", "no key 'zone'"),
        ({"assay.yaml": "include: b.yaml", "b.yaml": "site: ["}, "b.yaml:1", "not readable"),
    ],
)
def test_include_mistakes(tmp_path: Path, files: dict[str, str], place: str, message: str) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(PlanError) as caught:
        load(tmp_path)
    (problem,) = caught.value.problems
    assert str(problem).startswith(str(tmp_path / place))
    assert message in problem.text


def test_a_folder_may_include_itself_by_pattern(tmp_path: Path) -> None:
    (tmp_path / "assay.yaml").write_text("include: '*.yaml'\nsite: {name: A}")
    (tmp_path / "b.yaml").write_text("segments: {new: is_new}")
    assert set(load(tmp_path).segments) == {"new"}


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret.yaml").write_text("segments: {new: is_new}")
    inside = tmp_path / "ws"
    inside.mkdir()
    (inside / "link.yaml").symlink_to(tmp_path / "secret.yaml")
    (inside / "assay.yaml").write_text("include: link.yaml")
    with pytest.raises(PlanError, match="leads out of the folder"):
        load(inside)


def test_no_file(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "x" / "assay.yaml", Path("a\0b")):
        with pytest.raises(UsageError, match="assay init") as caught:
            load(path)
        assert "\n" not in str(caught.value)


def test_not_utf8(tmp_path: Path) -> None:
    (tmp_path / "assay.yaml").write_bytes(b"site:\n  name: M\xfcller\n")
    with pytest.raises(PlanError, match=r"assay\.yaml:2: error: not UTF-8"):
        load(tmp_path)
    (tmp_path / "assay.yaml").write_bytes("\ufeffsite: {name: Müller}\r\n".encode())
    assert load(tmp_path).site.name == "Müller"


def test_imports_and_alerts_are_kept() -> None:
    plan = loads(
        "imports: {crm: {time: created, name: =stage}}\nfunnels: {f: {steps: [a, b]}}\n"
        "alerts: {a: {funnel: f, to: me, sensitivity: 3}}"
    )
    assert plan.imports["crm"].keys == {"time": "created", "name": "=stage"}
    assert (plan.alerts["a"].to, plan.alerts["a"].sensitivity) == (("me",), 3.0)
    quiet = loads("alerts: {automatic: {sensitivity: off, to: [a, b]}}").alerts["automatic"]
    assert (quiet.sensitivity, quiet.to) == (0.0, ("a", "b"))


def test_kpi_takes_the_metric_s_direction() -> None:
    plan = loads("metrics: {m: {type: simple, count: refund, direction: down}}\nkpis: {m: {guardrail: true}}")
    assert (plan.kpis["m"].direction, plan.kpis["m"].guardrail) == ("down", True)
    assert dataclasses.is_dataclass(plan)
