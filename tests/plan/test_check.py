from __future__ import annotations

from datetime import date

import pytest

from assay.plan.check import check
from assay.plan.load import loads, loads_with_lines

TODAY = date(2026, 10, 1)


def found(text: str) -> list[tuple[int, str, str]]:
    plan, lines = loads_with_lines(text)
    return [(p.line, p.severity, p.code) for p in check(plan, lines, TODAY)]


def test_the_example_has_nothing_to_correct(shop: str) -> None:
    assert {severity for _, severity, _ in found(shop)} <= {"info"}


TYPO = "goals:\n  g: {event: purchse, kind: macro, agreed_by: a}\n"
MACRO = "goals:\n  a: {event: purchase, kind: macro, agreed_by: a}\n"
METRICS = (
    "metrics:\n  rate: {type: conversion, event: purchase, per: session}\n  sessions: {type: simple, count: session}\n"
)
KPI = METRICS + "objectives: {o: {}}\nkpis:\n  rate: {objective: o, "


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        (TYPO, [(2, "error", "unknown_event")]),
        (
            TYPO + "metrics: {m: {type: conversion, goal: g, per: user}}",
            [(2, "error", "unknown_event")],
        ),
        ("metrics:\n  m: {type: simple, count: sesion}", [(2, "error", "unknown_event")]),
        ("funnels:\n  f:\n    steps:\n      - view_item\n      - purchse", [(5, "error", "unknown_event")]),
        ("funnels:\n  f:\n    steps: [view_item]", [(2, "error", "one_step")]),
        ("cohorts:\n  c:\n    did: purchse", [(3, "error", "unknown_event")]),
        ("goals:\n  a: {event: purchase, agreed_by: a}", [(2, "error", "macro_goal")]),
        (MACRO + "  b: {event: sign_up, kind: macro, agreed_by: a}", [(3, "error", "macro_goal")]),
        (MACRO + "  b: {event: sign_up, kind: macro, agreed_by: a, journey: j}", []),
        ("goals:\n  a: {event: purchase, kind: macro}", [(2, "info", "not_agreed")]),
        (METRICS + "kpis:\n  rate: {}", [(5, "warning", "kpi_without_objective")]),
        (METRICS + "kpis:\n  rate: {guardrail: true}", []),
        (METRICS + "objectives:\n  o: {}", [(5, "warning", "objective_without_kpi")]),
        (METRICS + "objectives: {o: {}}\nkpis:\n  sessions: {objective: o}", [(6, "warning", "vanity_metric")]),
        ("metrics:\n  r: {type: simple, sum: revenue.net}\nobjectives: {o: }\nkpis: {r: {objective: o}}", []),
        (KPI + "target: +5% by 2026-12-31}", [(6, "warning", "no_baseline")]),
        (KPI + "target: 5% by 2026-09-30}", [(6, "warning", "target_past")]),
        (KPI + "target: 5% by 2026-10-01}", []),
        (KPI + "baseline: 2026, target: -5% by 2026-12-31}", [(6, "error", "target_direction")]),
        ("metrics:\n  rate: {type: conversion, event: purchase}", [(2, "warning", "rate_without_unit")]),
        ("metrics:\n  Rate: {type: simple, count: order}", [(2, "warning", "naming")]),
        ("events:\n  Order Paid: {}", [(2, "warning", "naming")]),
        ("events:\n  paid: {}", [(2, "info", "object_action")]),
        ("events:\n  order: {}", [(2, "warning", "ambiguous_name"), (2, "info", "object_action")]),
        ("events:\n  a_b:\n    properties:\n      device: string", [(4, "info", "shadowed_dimension")]),
        ("metrics:\n  m: {type: simple, sum: contribution}", [(2, "warning", "contribution_without_costs")]),
        ("pages:\n  a: p/*", [(2, "warning", "page_glob")]),
        (METRICS + "  visits: {type: simple, count: session}", [(4, "info", "same_meaning")]),
    ],
)
def test_remarks(text: str, expected: list[tuple[int, str, str]]) -> None:
    assert found(text) == expected


def test_five_kpis_and_guardrails() -> None:
    rows = "".join(f"  m{n}: {{type: simple, sum: purchase.revenue, per: visitor, cap: {n + 1}}}\n" for n in range(6))
    kpis = "".join(f"  m{n}: {{objective: o}}\n" for n in range(6))
    text = f"objectives: {{o: }}\nmetrics:\n{rows}kpis:\n{kpis}"
    assert found(text) == [(9, "warning", "too_many_kpis")]
    assert found(text.replace("m5: {objective: o}", "m5: {objective: o, guardrail: true}")) == []


def test_without_lines() -> None:
    (problem,) = check(loads("cohorts: {c: {did: purchse}}", "p.yaml"), today=TODAY)
    assert (problem.file, problem.line) == ("p.yaml", 0)
    assert "did you mean 'purchase'" in problem.text
    assert check(loads("metrics: {rate: {type: conversion, event: purchase}}"), today=TODAY) == []


def test_no_suggestion_where_nothing_is_near() -> None:
    (problem,) = check(loads("cohorts: {c: {did: zzzzzz}}"), today=TODAY)
    assert "it has" not in problem.text
