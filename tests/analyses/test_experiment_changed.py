"""The lock: what is edited after the start stands beside what was agreed, and never in its place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from assay.analyses.experimenting.planning import caps_of
from assay.model.answer import Answer
from assay.model.errors import CheckFailed, Refused, UsageError
from assay.workspace import Workspace
from exposed import ZONE, arm, moment
from support import Event, view, workspace

START, NOW = moment("03-04", "00:00"), moment("05-01", "09:00")
PLAN = f"""
site: {{timezone: {ZONE}, currency: EUR}}
events: {{experiment_viewed: {{properties: {{experiment_id: string, variant: string}}}}}}
goals: {{order: {{event: purchase, kind: macro}}}}
metrics:
  bought: {{type: conversion, goal: order, per: visitor, description: Orders}}
  rpv: {{type: simple, sum: revenue.net, per: visitor}}
experiments:
  e:
    hypothesis: It helps
    owner: me
    primary: {{metric: bought, mde: 20%}}
    window: 2d
    cap: {{rpv: 75}}
    diagnostics: [rpv]
    looks: fixed
    end: 2024-03-17
    notes: none
"""


def world(name: str = "e", control: int = 1400, treatment: int = 1400) -> list[Event]:
    """A tenth and an eighth buy for 80 within the hour; what buys 30 hours later is seen by a window of two days alone."""
    events = arm(name, "control", control, 140, amount="80.00") + arm(name, "treatment", treatment, 210, amount="80.00")
    for one in events[::5]:
        if one["name"] == "purchase":
            one["time"] += 29 * 3_600_000_000
    return [*events, view("last", NOW - 1)]


def begun(folder: Path, plan: str = PLAN, events: list[Event] | None = None, force: bool = True) -> None:
    ws = workspace(folder, plan, events or world(), now=START)
    ws.start_experiment("e", force=force)
    ws.close()


def asked(folder: Path, before: str = "", after: str = "", plan: str = PLAN, **given: Any) -> Answer:
    """The readout after an edit of the plan."""
    assert before in plan
    (folder / "assay.yaml").write_text(plan.replace(before, after, 1) if before else plan, encoding="utf-8")
    with Workspace(folder, now=NOW) as ws:
        return ws.ask("experiment-readout", "e", **given)


def listed(folder: Path) -> str:
    with Workspace(folder, now=NOW) as ws:
        return str(ws.ask("experiment").records()[0]["plan"])


def readings(found: Answer) -> dict[tuple[str, str], tuple[Any, ...]]:
    """(reading, metric) → state, control, treatment."""
    return {(str(r["reading"]), str(r["metric"])): (r["state"], r["control"], r["treatment"]) for r in found.records()}


def changes(found: Answer) -> list[str]:
    return [one.text for one in found.findings if one.code == "changed_after_start"]


def test_as_planned_beside_as_changed(tmp_path: Path) -> None:
    begun(tmp_path)
    before = asked(tmp_path)
    assert changes(before) == []
    assert readings(before) == {
        ("as planned", "bought"): ("better", 0.1, 0.15),
        ("as planned", "rpv"): ("better", 7.5, 11.25),  # 80 counts as 75
    }
    after = asked(tmp_path, "window: 2d", "window: 1d")
    one, two = readings(after), readings(before)
    assert {key: one[key] for key in two} == two
    (changed,) = (cells for key, cells in one.items() if key == ("as changed", "bought"))
    assert changed[1] < 0.1
    assert changed[2] < 0.15
    assert changes(after) == ["the plan was changed after the start: window: 2d → 1d"]
    assert after.sentence == before.sentence  # the verdict follows the locked plan
    assert listed(tmp_path) == "changed after the start"
    assert any("the verdict follows the locked one" in note for note in after.notes)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("owner: me", "owner: you"),
        ("hypothesis: It helps", "hypothesis: It may help"),
        ("notes: none", "notes: agreed with all"),
        ("description: Orders", "description: Who orders"),
        ("window: 2d", "window: 48h"),
    ],
)
def test_what_only_describes_may_change(tmp_path: Path, before: str, after: str) -> None:
    begun(tmp_path)
    found = asked(tmp_path, before, after)
    assert listed(tmp_path) == "as locked"
    assert changes(found) == []
    assert {key[0] for key in readings(found)} == {"as planned"}


def test_another_cap_is_another_reading(tmp_path: Path) -> None:
    begun(tmp_path)
    found = readings(asked(tmp_path, "{rpv: 75}", "{rpv: 60}"))
    assert (found["as planned", "rpv"][1], found["as changed", "rpv"][1]) == (7.5, 6.0)
    without = readings(asked(tmp_path, "    cap: {rpv: 75}\n", ""))
    assert (without["as planned", "rpv"][1], without["as changed", "rpv"][1]) == (7.5, 8.0)


@pytest.mark.parametrize(
    ("plan", "events", "before", "after"),
    [  # an effect is not to be had by agreeing to what went wrong, or by looking early after all
        (PLAN, world(treatment=1150), "window: 2d", "variants: {control: 1400, treatment: 1150}\n    window: 2d"),
        (PLAN.replace("2024-03-17", "2024-06-17"), world(), "looks: fixed", "looks: always_valid"),
    ],
)
def test_no_edit_brings_an_effect_out(tmp_path: Path, plan: str, events: list[Event], before: str, after: str) -> None:
    begun(tmp_path, plan, events)
    found = asked(tmp_path, before, after, plan)
    assert {key[0] for key in readings(found)} == {"as planned", "as changed"}
    assert set(readings(found).values()) == {("not shown", None, None)}
    assert changes(found) != []
    assert found.estimates == ()


def test_a_plan_that_can_no_longer_be_read(tmp_path: Path) -> None:
    begun(tmp_path)
    found = asked(tmp_path, "looks: fixed", "assignments: assign\n    looks: fixed")
    assert {key[0] for key in readings(found)} == {"as planned"}
    assert "by it nothing can be read: e: exposures are read from events" in changes(found)[0]
    gone = asked(tmp_path, PLAN[PLAN.index("experiments:") :], "")
    assert readings(gone) == readings(found)
    assert changes(gone) == ["the plan was changed after the start: experiments.e: as locked → no longer in the plan"]
    assert listed(tmp_path) == "no longer in the plan"


def test_a_metric_that_is_added_later_is_exploratory(tmp_path: Path) -> None:
    begun(tmp_path)
    late = PLAN.replace("metrics:\n", "metrics:\n  orders: {type: simple, count: order, per: visitor}\n", 1)
    found = asked(tmp_path, plan=late, add=["orders"])
    rows = {str(row["metric"]): row for row in found.records()}
    assert (rows["orders"]["role"], rows["orders"]["control"]) == ("exploratory", 0.1)
    assert rows["bought"]["role"] == "primary"
    assert changes(found) == []
    assert any("an idea, not a verdict" in note for note in found.notes)
    named = asked(tmp_path, "diagnostics: [rpv]", "diagnostics: [rpv, orders]", late)
    assert ("as changed", "orders") in readings(named)
    assert ("as planned", "orders") not in readings(named)


# -- the lock itself -----------------------------------------------------------------------------------------------------------


def test_caps_are_fixed_from_the_data_before_the_start(tmp_path: Path) -> None:
    """Four weeks of 400 exposed units, every fourth with an order of 1 to 100: three quarters have nothing."""
    before = [one for n in range(400) for one in (
        {**arm("e", "control", 1, 0, first="02-12")[0], "visitor": f"w{n}", "id": f"w{n}"},
        *([{**arm("e", "control", 1, 1, first="02-12")[1], "visitor": f"w{n}", "id": f"w{n}o", "order_id": f"w{n}", "amount": f"{n // 4 + 1}.00"}] if n % 4 == 0 else []),
    )]  # fmt: skip
    before.append(view("w0", START - 1))
    plan = PLAN.replace("{rpv: 75}", "{rpv: 80%}")
    ws = workspace(tmp_path / "a", plan, before, now=START)
    assert caps_of(ws.asking("experiment-readout"), ws.plan.experiments["e"]) == {"rpv": pytest.approx(20.2)}
    assert ws.start_experiment("e", force=True).caps == {"rpv": pytest.approx(20.2)}
    ws.close()
    low = workspace(tmp_path / "b", plan.replace("80%", "60%"), before, now=START)
    with pytest.raises(
        UsageError, match=r"the cap of rpv would be 0, so many have nothing; write a quantile above 60%"
    ):
        low.start_experiment("e", force=True)
    low.close()
    empty = workspace(tmp_path / "c", plan, now=START)
    assert empty.start_experiment("e").caps == {}
    empty.close()


def test_a_metric_s_own_cap_holds_in_a_test(tmp_path: Path) -> None:
    plan = PLAN.replace("    cap: {rpv: 75}\n", "").replace(
        "revenue.net, per: visitor}", "revenue.net, per: visitor, cap: 40}"
    )
    begun(tmp_path, plan)
    assert readings(asked(tmp_path, plan=plan))["as planned", "rpv"][1] == 4.0


def test_nobody_but_control(tmp_path: Path) -> None:
    plan = PLAN.replace("window: 2d", "variants: {control: 1, treatment: 0}\n    window: 2d")
    ws = workspace(tmp_path, plan, world(), now=NOW)
    for question in ("experiment-readout", "experiment-qa", "experiment-design", "experiment-follow-up"):
        with pytest.raises(Refused, match="e takes in nobody but control: give another variant a weight above 0"):
            ws.ask(question, "e", **({"days": [7]} if question.endswith("up") else {}))
    ws.close()


def test_a_quantile_cannot_decide(tmp_path: Path) -> None:
    plan = PLAN.replace("metrics:\n", "metrics:\n  p90: {type: quantile, of: purchase.revenue, q: 0.9}\n", 1)
    ws = workspace(tmp_path, plan.replace("metric: bought", "metric: p90").replace(", mde: 20%", ""), world(), now=NOW)
    with pytest.raises(Refused, match="p90 is a quantile: it can be a diagnostic or a guardrail, but it cannot decide"):
        ws.ask("experiment-readout", "e")
    ws.close()


def test_the_gate(tmp_path: Path) -> None:
    """Without a single exposure nothing starts by itself."""
    ws = workspace(tmp_path, PLAN, [view("v", START - 1)], now=START)
    with pytest.raises(CheckFailed, match=r"e is not ready: exposures \(control\): no experiment_viewed for control"):
        ws.start_experiment("e")
    ws.start_experiment("e", force=True)
    with pytest.raises(UsageError, match="e runs since 2024-03-04; assay experiment stop e ends it"):
        ws.start_experiment("e", force=True)
    ws.close()
