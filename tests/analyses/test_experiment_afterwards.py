"""After the verdict: what came of what was shipped, and readings weeks later."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from assay.report.words import shown
from assay.workspace import Workspace
from exposed import DAY, ZONE, arm, moment
from support import Event, event, view, workspace

NOW, START, DECIDED = moment("05-01", "09:00"), moment("03-04", "00:00"), moment("03-20", "12:00")
COSTS = {"lasting": "\n    cost: 1000", "alone": "\n    cost: 500"}
NAMES = ("lasting", "vanished", "alone", "no_money")
PLAN = f"""
site: {{timezone: {ZONE}, currency: EUR}}
events: {{experiment_viewed: {{properties: {{experiment_id: string, variant: string}}}}}}
goals: {{order: {{event: purchase, kind: macro}}}}
metrics:
  bought: {{type: conversion, goal: order, per: visitor}}
  rpv: {{type: simple, sum: revenue.net, per: visitor}}
  refund_rate: {{type: conversion, from: order, event: refund, per: order, within: 3d, direction: down}}
experiments:
""" + "".join(
    f"""
  {name}:
    primary: {{metric: {"bought" if name == "no_money" else "rpv"}, mde: 20%}}
    guardrails: [{{metric: refund_rate, margin: 5pp}}]
    window: 2d
    looks: {"{group_sequential: 4}" if name == "lasting" else "fixed"}
    end: 2024-03-17
    follow_up: [7d, 60d]{COSTS.get(name, "")}
"""
    for name in NAMES
)


def again(name: str, control: tuple[int, int], treatment: tuple[int, int]) -> list[Event]:
    """Those who see it after the decision, from 25 March on."""
    events = arm(name, "control", *control, first="03-25") if control[0] else []
    events += arm(name, "treatment", *treatment, first="03-25")
    return [{**one, "visitor": f"{one['visitor']}+", "id": f"{one['id']}+", **({"order_id": one["id"]} if "order_id" in one else {})}
            for one in events]  # fmt: skip


def world() -> list[Event]:
    events = [one for name in NAMES for one in arm(name, "control", 1400, 140) + arm(name, "treatment", 1400, 210)]
    events += again("lasting", (70, 7), (1400, 210))
    events += again("vanished", (70, 11), (1400, 140))
    events += again("alone", (0, 0), (1400, 210))
    events += again("no_money", (70, 7), (1400, 210))
    bought = [
        one
        for one in events
        if one["name"] == "purchase" and one["id"].startswith(("lasting-treatment", "lasting-control"))
    ]
    for variant, many in (("control", 40), ("treatment", 120)):
        for one in [one for one in bought if one["visitor"].startswith(f"lasting-{variant}")][:many]:
            events.append(
                event(
                    None,
                    "refund",
                    one["time"] + 2 * DAY,
                    order_id=one["order_id"],
                    amount="0.01",
                    interactive=False,
                    id=f"{one['id']}r",
                )
            )
    return [*events, view("last", NOW - 1)]


@pytest.fixture(scope="module")
def ws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    made = workspace(tmp_path_factory.mktemp("afterwards"), PLAN, world(), now=NOW)
    for name in NAMES:
        made.start_experiment(name, at=START, force=True)
        made.stop_experiment(name, at=moment("03-20", "00:00"))  # later than planned: the planned end stands
        made.decide_experiment(name, "ship", at=DECIDED)
    yield made
    made.close()


def test_the_ledger_holds_what_was_predicted_against_what_came(ws: Workspace) -> None:
    """lasting: 7.50 € against 5.00 € held out, times 1400 units; vanished: 5.00 € against 11 × 50 € / 70."""
    found = ws.ask("experiment-value")
    rows = {str(row["experiment"]): row for row in found.records()}
    assert {name: (row["state"], row["units"], row["control"]) for name, row in rows.items()} == {
        "lasting": ("as predicted", 1400, 70),
        "vanished": ("outside of what was predicted", 1400, 70),
        "alone": ("not measured: nobody is held out", None, None),
        "no_money": ("not measured: nothing of the test is money", None, None),
    }
    assert rows["lasting"]["decided"] == date(2024, 3, 20)
    assert abs(money(rows["lasting"]["realised"]) - 3500) <= Decimal("0.01") * 1400 / 50
    assert abs(money(rows["vanished"]["realised"]) - Decimal(str((5 - 550 / 70) * 1400))) <= Decimal("0.01")
    assert (
        money(rows["vanished"]["realised_low"])
        < money(rows["vanished"]["realised"])
        < money(rows["vanished"]["realised_high"])
    )
    # The prediction: the drawn effect of the test, for as many units.
    decided = decision(ws, "lasting")
    each = Decimal(decided["money"]["expected"]) / Decimal(repr(decided["money"]["factor"]))
    assert abs(money(rows["lasting"]["predicted"]) - each * 1400) <= Decimal("0.05")
    assert 0 < each < Decimal("2.5")
    assert "1 of 2 (50.0 %) within what was predicted" in found.sentence
    assert found.sentence.startswith("4 shipped changes, expected together ")


def money(value: Any) -> Decimal:
    assert isinstance(value, Decimal)
    return value


def decision(ws: Workspace, name: str) -> Any:
    from assay.analyses.experimenting.runs import run_of

    made = run_of(ws.asking("experiment-readout"), name).decision
    assert made is not None
    return made.detail


def test_follow_ups_are_due_when_their_last_outcome_can_have_come(ws: Workspace) -> None:
    """Planned until 17 March: seven days, then three in which an order can come back; sixty-three days end in summer time."""
    found = ws.ask("experiment-follow-up", "lasting")
    rows = found.records()
    assert [(row["after"], row["due"], row["state"]) for row in rows] == [
        (7, date(2024, 3, 28), "harmed"),
        (60, date(2024, 5, 21), "not due yet"),
    ]
    assert rows[0]["control"] == pytest.approx(40 / 140)
    assert rows[0]["treatment"] == pytest.approx(120 / 210)
    assert [one.code for one in found.findings] == ["late_harm"]
    assert found.sentence.startswith(
        "Harm came late in lasting: refund_rate is worse under treatment 7 days after the exposure"
    )
    quiet = ws.ask("experiment-follow-up", "vanished", days=[3])
    assert [(row["after"], row["due"], row["state"]) for row in quiet.records()] == [
        (3, date(2024, 3, 24), "not shown")
    ]


def test_a_follow_up_of_a_running_test_is_due_after_its_planned_end(ws: Workspace) -> None:
    then = ws.ask("experiment-follow-up", "lasting", days=[7], as_of=_day(12))
    (row,) = then.records()
    assert (row["due"], row["state"]) == (date(2024, 3, 28), "not due yet")
    assert "provisional until Thu 28 Mar" in then.sentence


def _day(day: int) -> Any:
    from datetime import UTC, datetime

    return datetime(2024, 3, day, 12, tzinfo=UTC)


def test_the_programme_counts_months_days_wins_cost_and_money(ws: Workspace) -> None:
    """All started on 4 March, decided at noon of the 20th: sixteen days and a half; two of the four say what they cost."""
    found = ws.ask("programme", months=3)
    rows = found.records()
    assert [row["month"] for row in rows] == [date(2024, 3, 1), date(2024, 4, 1), date(2024, 5, 1)]
    assert [(row["started"], row["decided"], row["won"]) for row in rows] == [(4, 4, 4), (0, 0, 0), (0, 0, 0)]
    assert (rows[0]["win_rate"], rows[0]["days"], rows[1]["win_rate"], rows[1]["days"]) == (1.0, 16.5, None, None)
    proven = sum(Decimal(decision(ws, name)["money"]["expected"]) for name in ("lasting", "vanished", "alone"))
    assert rows[0]["proven"] == proven > 0
    assert rows[0]["cost"] == Decimal("1500.0")
    assert found.sentence.startswith("4 tests decided in 3 months, 1.3 a month; 4 won (100 %), 1")
    assert ws.ask("programme", months=7).records() == rows  # nothing was tested before March
    assert next(one.texts for one in shown(found) if one.name == "month") == ("Mar 2024", "Apr 2024", "May 2024")
    assert ws.ask("programme", months=2).empty == "no test was started in these months"
