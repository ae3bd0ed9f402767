"""``--as-of``: a reading of a past day is, bit for bit, the one that was taken on that day."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from assay.report.exporters.json import document, lines
from assay.workspace import Workspace
from exposed import DAY, HOUR, ZONE, moment
from support import Event, bought, event, load, refunded, view, workspace

PLAN = f"""
site: {{timezone: {ZONE}, currency: EUR}}
events: {{experiment_viewed: {{properties: {{experiment_id: string, variant: string}}}}, page_view: {{properties: {{ms: number}}}}}}
goals: {{order: {{event: purchase, kind: macro}}}}
metrics:
  bought: {{type: conversion, goal: order, per: visitor}}
  rpv: {{type: simple, sum: revenue.net, per: visitor}}
  aov: {{type: ratio, numerator: {{sum: revenue.net}}, denominator: {{count: order}}}}
  purchase_rate: {{type: conversion, goal: order, per: session}}
  refund_rate: {{type: conversion, from: order, event: refund, per: order, within: 3d}}
  slow: {{type: quantile, of: page_view.ms, q: 0.75, per: visitor}}
experiments:
  e:
    primary: {{metric: bought, mde: 20%}}
    window: 3d
    diagnostics: [rpv, aov, purchase_rate, slow]
    guardrails: [{{metric: refund_rate, margin: 20pp}}]
    strata: device
    cap: {{rpv: 60}}
    value: {{margin: 40%}}
    follow_up: 5d
"""
OTHERS = [f"other{n}" for n in range(6)]
PLAN += "".join(f"  {name}: {{primary: bought, window: 3d, exposure: {{value: other}}}}\n" for name in OTHERS)
START, THEN, LATER = moment("03-04", "00:00"), moment("03-20", "15:30"), moment("05-02", "09:00")
AS_OF = datetime.fromtimestamp(THEN / 1e6, UTC)
ASKED: list[tuple[str, dict[str, Any]]] = [
    ("experiment-readout", {}),
    ("experiment-readout", {"bayes": True, "add": ["purchase_rate"]}),
    ("experiment-readout", {"daily": True}),
    ("experiment-readout", {"by": ["device"]}),
    ("experiment-follow-up", {}),
    ("experiment-follow-up", {"days": [1, 9]}),
]


def events() -> list[Event]:
    """Two thousand units over eight weeks; a third of what they do arrives hours or days later."""
    draw = random.Random(5)
    made: list[Event] = []
    for n in range(2000):
        who, device = f"v{n}", draw.choice(["mobile", "desktop", None])
        arm, other = draw.choice([("control", "treatment"), ("treatment", "control")])
        shown = START + draw.randrange(50 * 24 * 60) * 60_000_000
        for k, (name, seen) in enumerate([("e", arm), ("other", arm), *([("e", other)] if n % 50 == 0 else [])]):
            props = {"experiment_id": name, "variant": seen}
            made.append(event(who, "experiment_viewed", shown + k, props=props, device=device, id=f"{who}-{k}"))
        made.append(view(who, shown + 5, props={"ms": draw.randrange(4000)}, device=device, id=f"{who}-v"))
        for k in range(draw.choice([0, 0, 1, 2])):
            t, order = shown + draw.randrange(-5 * 24, 5 * 24) * HOUR, f"o{n}-{k}"
            made.append(bought(who, t, order, f"{draw.randrange(9900) / 100:.2f}", device=device, id=order))
            if draw.random() < 0.3:
                made.append(refunded(t + draw.randrange(6) * DAY, order, "1.00", id=f"r{n}-{k}"))
    for one in made:
        if draw.random() < 0.33:
            one["received_at"] = one["time"] + draw.randrange(1, 12 * 24) * HOUR
    draw.shuffle(made)
    return made


def received(one: Event) -> int:
    return int(one.get("received_at", one["time"]))


def started(folder: Path, sent: list[Event], now: int, engine: str) -> Workspace:
    """Started when the store was empty, and opened again at ``now``."""
    first = workspace(folder, PLAN, now=START, engine=engine)
    first.start_experiment("e", force=True)
    first.close()
    made = Workspace(folder, now=now, engine=engine)
    for part in (sent[::2], sent[1::2]):
        load(made, part)
    return made


@pytest.fixture(scope="module")
def readings(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Workspace, Workspace]]:
    """A store as it was then, and the same store weeks later: stopped, decided, with everything that came late."""
    engine, all_of = request.param, events()
    early = [one for one in all_of if received(one) <= THEN]
    folder: Path = tmp_path_factory.mktemp(f"asof-{engine}")
    assert len(early) < len([one for one in all_of if one["time"] <= THEN]) < len(all_of)
    then = started(folder / "then", early, THEN, engine)
    later = started(folder / "later", all_of, LATER, engine)
    later.stop_experiment("e")
    later.decide_experiment("e", "ship")
    for name in OTHERS:  # what is learnt later from other tests changes no earlier expectation
        later.decide_experiment(name, "ship")
    yield then, later
    then.close()
    later.close()


def said(ws: Workspace, question: str, **given: Any) -> dict[str, Any]:
    found = document(ws.ask(question, "e", **given))
    text = lines({key: one for key, one in found.items() if key not in ("params", "sql")})
    return dict(json.loads(text))


@pytest.mark.parametrize(
    "readings",
    ["duckdb", *(pytest.param(name, marks=pytest.mark.soak) for name in ("clickhouse", "spark"))],
    indirect=True,
    ids=["duckdb", "clickhouse", "spark"],
)
def test_a_past_reading_stays_what_it_was(readings: tuple[Workspace, Workspace]) -> None:
    then, later = readings
    for question, given in ASKED if then.engine_name == "duckdb" else ASKED[::4]:
        before = said(then, question, **given)
        assert said(later, question, as_of=AS_OF, **given) == before, (question, given)
        assert said(then, question, as_of=AS_OF, **given) == before
        assert before["as_of"] == AS_OF.isoformat()
        assert said(later, question, **given)["rows"] != before["rows"]


@pytest.mark.parametrize("readings", ["duckdb"], indirect=True)
def test_it_is_a_reading_that_says_something(readings: tuple[Workspace, Workspace]) -> None:
    found, today = (said(ws, "experiment-readout") for ws in readings)
    assert "spread of 5 %" in found["sentence"]
    assert "the 7 tests decided here" in today["sentence"]
    names = [column["name"] for column in found["columns"]]
    shown = {row[names.index("metric")] for row in found["rows"] if row[names.index("difference")] is not None}
    assert shown == {"bought", "rpv", "aov", "purchase_rate", "refund_rate", "slow"}
    assert any(one["code"] == "multi_arm" for one in found["findings"])
    assert {"chance_of_loss", "low", "high"} <= next(
        set(one["evidence"]["money"]) for one in found["findings"] if one["code"] == "verdict"
    )
