"""A covariate that the exposure carries: the number of the first one, 0 where it says none."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.query.experiments import seen, unit_table
from support import at, bought, event, workspace

PLAN = """
events: {{experiment_viewed: {{properties: {{experiment_id: string, variant: string, past: number}}}}, begin_checkout: {{}}}}
metrics:
  rpv: {{type: simple, sum: revenue.net, per: visitor}}
  aov: {{type: ratio, numerator: {{sum: revenue.net}}, denominator: {{count: order}}}}
  paid: {{type: conversion, from: begin_checkout, event: purchase, per: visitor, within: 1d}}
experiments: {{e: {{primary: rpv, diagnostics: [aov, paid], cuped: {{property: past}}, cap: {{rpv: 5}}{more}}}}}
"""


def exposed(who: str, time: str, variant: str, **past: object) -> dict[str, object]:
    return event(who, "experiment_viewed", f"2024-03-{time}", props={"experiment_id": "e", "variant": variant, **past})


EVENTS = [
    exposed("a", "01 10:00", "control", past=7.5), exposed("a", "01 09:00", "control", past=2.5),
    exposed("b", "01 10:00", "control"), exposed("c", "01 10:00", "control", past="many"), exposed("d", "02 10:00", "treatment", past=4),
    event("d", "begin_checkout", "2024-03-02 11:00"), bought("d", "2024-03-02 12:00", "o1", "20"), bought("a", "2024-03-01 11:00", "o2", "3"),
]  # fmt: skip


@pytest.mark.parametrize("more", ["", ", exposure: {trigger: begin_checkout}"])
def test_the_first_exposure_carries_it(tmp_path: Path, engine: str, more: str) -> None:
    ws = workspace(tmp_path, PLAN.format(more=more), EVENTS, engine=engine)
    metrics = [ws.plan.metrics[name] for name in ("rpv", "aov", "paid")]
    table = unit_table(
        ws.plan, ws.plan.experiments["e"], metrics, ws.engine.run, start=at("2024-03-01 00:00"), end=at("2024-04-01 00:00"),
        covariates=dict.fromkeys(("rpv", "aov", "paid"), "past"), caps={"rpv": 5.0},
    )  # fmt: skip
    assert table.names["rpv"] == ("x", "c")
    assert table.names["aov"] == table.names["paid"] == ("x", "y", "c")
    treated = table.moments("rpv", seen("treatment"))
    assert (treated.n, float(treated.sum("x")), float(treated.sum("c"))) == (1, 5, 4)  # the cap is the outcome's alone
    control = table.moments("rpv", seen("control"))
    assert (control.n, float(control.sum("c"))) == ((0, 0) if more else (3, 2.5))
    assert float(table.moments("paid", seen("treatment")).sum("c")) == 4


def test_the_readout_is_adjusted_by_it(tmp_path: Path) -> None:
    lines = []
    for n in range(400):
        past, treated = n % 10, n // 10 % 2
        lines.append(exposed(f"v{n}", "01 10:00", "treatment" if treated else "control", past=past))
        lines.append(bought(f"v{n}", "2024-03-01 11:00", f"o{n}", str(10 + past + n % 3 + treated)))
    plan = PLAN.format(more=", start: 2024-03-01, end: 2024-03-01, looks: fixed, window: 1d").replace(
        ", cap: {rpv: 5}", ""
    )
    ws = workspace(tmp_path, plan, lines, [event("later", "page_view", "2024-03-20 10:00")])
    answer = ws.ask("experiment-readout", "e")
    found = {one.code: one for one in answer.findings}
    assert found["covariate"].evidence["variance_reduction"] > 0.9
    assert "exposed_after" not in found
    assert answer.sentence.startswith("Ship treatment: rpv is better.")


def test_arms_that_differ_in_it_are_told(tmp_path: Path) -> None:
    lines = [
        one
        for n in range(200)
        for one in (
            exposed(f"v{n}", "01 10:00", "treatment" if n % 2 else "control", past=n % 5 + 3 * (n % 2)),
            bought(f"v{n}", "2024-03-01 11:00", f"o{n}", str(10 + n % 3)),
        )
    ]
    plan = PLAN.format(more=", start: 2024-03-01, end: 2024-03-01, window: 1d")
    ws = workspace(tmp_path, plan, lines, [event("later", "page_view", "2024-03-20 10:00")])
    (found,) = [
        one for one in ws.ask("experiment-readout", "e").findings if one.severity == "bad" and one.code != "verdict"
    ]
    assert found.text.startswith("treatment differed in past before the exposure already: 2 against 5")
