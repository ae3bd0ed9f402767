"""One metric under two sets of rules: what each adds, adding up exactly."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from itertools import permutations
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.model.errors import UnknownName, UsageError
from assay.stats.shapley import shapley
from assay.workspace import Workspace
from support import bought, event, view, workspace

DAY = "2024-03-01 "
PLAN = """
metrics:
  sessions: {type: simple, count: session}
  bounce_rate: {type: rate, of: session, where: is_bounce}
  order_rate: {type: conversion, event: purchase, per: session}
  revenue: {type: simple, sum: revenue.net}
  aov: {type: ratio, numerator: {sum: revenue.net}, denominator: {count: order}}
"""
SPAN = {"from": "2024-03-01", "to": "2024-03-02"}


@pytest.fixture(scope="module")
def ws(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    events = [
        view("a", DAY + "10:00"),
        view("a", DAY + "10:20"),  # 20 min: one session at 30 min, two at 15
        view("b", DAY + "23:50"),
        view("b", "2024-03-02 00:05", utm_campaign="spring"),  # over midnight, and a new campaign
        event("c", "scroll", DAY + "12:00"),
        view("c", DAY + "12:01"),
        bought("c", DAY + "12:02", "o1", "10.01"),
        view("d", DAY + "13:00"),
        bought("d", DAY + "13:30", "o2", "20.03"),  # exactly 30 min
        view("robot", DAY + "14:00", bot=True),
    ]
    return workspace(tmp_path_factory.mktemp("compare"), PLAN, events)


def parts(answer) -> dict[str, object]:  # type: ignore[no-untyped-def]
    return {str(r["rule"]): r["part"] for r in answer.records() if r["part"] is not None}


def test_single_rules(ws: Workspace) -> None:
    answer = ws.compare("sessions", rule=["session.timeout=15m"], **SPAN)
    assert answer.column("value") == [4, None, 6]
    assert parts(answer) == {"session.timeout": 2}
    assert "session.timeout (30 min (default) → 15m)" in answer.sentence


def test_several_rules_add_up_and_each_has_its_part(ws: Workspace) -> None:
    answer = ws.compare(
        "sessions",
        rule=["session.timeout=15m", "split_at_midnight=true", "session.gap=inclusive", "bots=include"],
        **SPAN,
    )
    here, *_, there = answer.column("value")
    assert (here, there) == (4, 8)
    assert sum(Fraction(p).limit_denominator(1000) for p in parts(answer).values()) == 4  # type: ignore[arg-type]
    assert parts(answer)["bots"] == 1
    # a splits by the time-out; d (exactly 30 min) by the time-out or the gap; b by midnight, or by both others together.
    expected = {"timeout": 1 + 1 / 2 + 1 / 6, "gap": 1 / 2 + 1 / 6, "split_at_midnight": 2 / 3}
    assert {k: parts(answer)[f"session.{k}"] for k in expected} == pytest.approx(expected)


def test_the_rules_of_a_product(ws: Workspace) -> None:
    answer = ws.compare("bounce_rate", like="matomo", **SPAN)
    here, *_, there = answer.estimates
    assert {"bounce", "session.gap", "session.split_at_midnight", "session.split_on_campaign"} <= set(parts(answer))
    total = sum(float(p) for p in parts(answer).values())  # type: ignore[arg-type]
    assert total == pytest.approx(float(there.estimate.value) - float(here.estimate.value))


def test_another_plan(ws: Workspace, tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    other.write_text(PLAN.replace("per: session}", "per: visitor}") + "rules: {session: {timeout: 15m}}\n")
    answer = ws.compare("order_rate", plan=other, **SPAN)
    assert set(parts(answer)) == {"session.timeout", "per"}
    assert answer.column("value")[0] == 0.5
    assert answer.column("value")[-1] == 0.5  # 2 of 4 visitors
    assert sum(float(p) for p in parts(answer).values()) == pytest.approx(0)  # type: ignore[arg-type]
    assert len({d.id for d in answer.definitions}) == 2


def test_money_adds_up_to_the_last_digit(ws: Workspace, tmp_path: Path) -> None:
    other = tmp_path / "zone.yaml"
    other.write_text("site: {timezone: Pacific/Auckland}\n" + PLAN)
    answer = ws.compare("aov", plan=other, rule=["bots=include"], **SPAN)
    assert answer.empty is None
    values = [Decimal(str(v)) for v in answer.column("value") if v is not None]
    assert sum(Decimal(str(p)) for p in parts(answer).values()) == values[-1] - values[0]


def test_nothing_differs(ws: Workspace) -> None:
    answer = ws.compare("revenue", rule=["session.timeout=30m"], **SPAN)
    assert answer.empty == "nothing differs"


def test_no_value_under_some_rules_is_said(ws: Workspace) -> None:
    answer = ws.compare("bounce_rate", rule=["bounce=ga4"], **SPAN)
    assert [f.code for f in answer.findings] == ["not_taken_apart"]


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({}, "compare with what"),
        ({"rule": ["timeout"]}, "write rule=value"),
        ({"rule": ["sesion.timeout=15m"]}, "did you mean"),
        ({"like": "matmo"}, "did you mean"),
        ({"plan": Path("nowhere")}, "no plan at"),
    ],
)
def test_mistakes(ws: Workspace, asked: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        ws.compare("sessions", **asked, **SPAN)


def test_unknown_metric(ws: Workspace) -> None:
    with pytest.raises(UnknownName):
        ws.compare("sesions", rule=["bots=include"], **SPAN)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(-50, 50), min_size=16, max_size=16))
def test_shapley_is_the_mean_over_all_orders(worth: list[int]) -> None:
    players = "abcd"

    def value(chosen: frozenset[str]) -> Fraction:
        return Fraction(worth[sum(1 << players.index(p) for p in chosen)])

    found = shapley(players, value)
    for player in players:
        steps = [
            value(frozenset(order[: order.index(player) + 1])) - value(frozenset(order[: order.index(player)]))
            for order in permutations(players)
        ]
        assert found[player] == sum(steps, Fraction(0)) / len(steps)
    assert sum(found.values()) == value(frozenset(players)) - value(frozenset())


def test_rules_that_cannot_bear_on_the_metric_are_no_difference(ws: Workspace) -> None:
    assert set(parts(ws.compare("sessions", like="posthog", **SPAN))) <= {"session.max"}
    assert "session_source" in parts(ws.compare("sessions", like="posthog", segment="channel = 'Direct'", **SPAN))


def test_another_plan_may_lack_the_goals_of_other_metrics(tmp_path: Path) -> None:
    plan = """
goals: {lead: {event: sign_up, kind: micro}}
metrics:
  sessions: {type: simple, count: session}
  leads: {type: conversion, goal: lead, per: session}
kpis: {leads: {direction: up}}
"""
    found = workspace(tmp_path / "a", plan, [view("a", DAY + "10:00"), view("a", DAY + "10:20")])
    other = tmp_path / "other.yaml"
    other.write_text("rules: {session: {timeout: 15m}}\nmetrics: {sessions: {type: simple, count: session}}\n")
    with found:
        assert parts(found.compare("sessions", plan=other, **SPAN)) == {"session.timeout": 1}


def test_a_plan_that_names_a_file_beside_it(tmp_path: Path) -> None:
    (tmp_path / "vip.csv").write_text("visitor\na\n")
    plan = "cohorts: {vip: {members: vip.csv}}\nmetrics: {sessions: {type: simple, count: session}}\n"
    with workspace(tmp_path, plan, [view("a", DAY + "10:00"), view("a", DAY + "10:20")]) as found:
        assert parts(found.compare("sessions", rule=["session.timeout=15m"], segment="vip", **SPAN)) == {
            "session.timeout": 1
        }


def test_a_rule_that_cannot_be_meant_is_said_in_one_line(ws: Workspace) -> None:
    with pytest.raises(UsageError, match=r"^--rule: rules.session.timeout: 'soon' is not a duration"):
        ws.compare("sessions", rule=["session.timeout=soon"], **SPAN)
