"""Behavioural cohorts against brute force over the events, on every engine, and as segments everywhere."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from assay.model.errors import PlanError
from assay.workspace import Workspace
from support import Event, bought, event, view, workspace

START = 1_709_251_200_000_000  # 2024-03-01
HOUR = 3_600_000_000
NAMES = ("a", "b", "c")
SPAN = {"from": "2024-03-01", "to": "2024-03-09"}
PLAN = """
events: {a: {}, b: {properties: {n: integer}}, c: {}}
metrics:
  visitors: {type: simple, count: visitor}
  sessions: {type: simple, count: session}
  order_rate: {type: conversion, event: purchase, per: visitor}
cohorts:
  did_a: {did: a}
  twice: {did: [a, b], at_least: 2}
  twice_soon: {did: [a, b], at_least: 3, within: 12h}
  no_c: {did_not: c}
  a_not_b: {did: a, did_not: b}
  a_not_b_soon: {did: a, did_not: b, within: 10h}
  in_order: {sequence: [a, b, c]}
  in_order_soon: {sequence: [a, b, a], within: 20h}
  big: {did: b, where: n > 5}
  person: {did: a, did_not: c, per: user}
segments:
  from_cohort: "did_a and device = 'mobile'"
funnels: {all: {steps: [a, b], window: 7d}}
"""


def world(seed: int) -> list[Event]:
    rng = random.Random(seed)
    events = []
    for visitor in range(40):
        for _ in range(rng.randrange(6)):
            t = START + rng.randrange(60) * HOUR
            props = {"n": rng.randrange(10)}
            user = f"u{visitor // 2}" if rng.random() < 0.3 else None
            device = "mobile" if visitor % 3 else "desktop"
            events.append(event(f"v{visitor}", rng.choice(NAMES), t, props=props, user=user, device=device))
    return list({e["id"]: e for e in events}.values())


def people(events: list[Event]) -> dict[str, list[Event]]:
    found: dict[str, list[Event]] = {}
    for e in sorted(events, key=lambda e: (e["time"], e["id"])):
        found.setdefault(e["visitor"], []).append(e)
    return found


def times(mine: list[Event], *names: str) -> list[int]:
    return [e["time"] for e in mine if e["name"] in names]


def in_order(mine: list[Event], names: list[str], window: float) -> bool:
    def go(i: int, at: int, start: int, used: frozenset[int]) -> bool:
        if i == len(names):
            return True
        return any(
            go(i + 1, e["time"], start if i else e["time"], used | {n})
            for n, e in enumerate(mine)
            if n not in used
            and e["name"] == names[i]
            and e["time"] >= at
            and e["time"] - (start if i else e["time"]) <= window
        )

    return go(0, 0, 0, frozenset())


def expected(events: list[Event]) -> dict[str, set[str]]:
    by = people(events)
    every = float("inf")

    def whom(test) -> set[str]:  # type: ignore[no-untyped-def]
        return {name for name, mine in by.items() if test(mine)}

    user: dict[str, str] = {}
    person_of = {}
    for name, mine in by.items():
        known = [e["user"] for e in mine if e["user"]]
        user[name] = known[0] if known else name
        person_of[name] = {user[name]}
    did = {user[e["visitor"]] for e in events if e["name"] == "a"}
    not_c = {user[e["visitor"]] for e in events if e["name"] == "c"}
    return {
        "did_a": whom(lambda m: times(m, "a")),
        "twice": whom(lambda m: len(times(m, "a", "b")) >= 2),
        "twice_soon": whom(
            lambda m: any(y - x <= 12 * HOUR for x, y in zip(times(m, "a", "b"), times(m, "a", "b")[2:], strict=False))
        ),
        "no_c": whom(lambda m: not times(m, "c")),
        "a_not_b": whom(lambda m: times(m, "a") and not times(m, "b")),
        "a_not_b_soon": whom(
            lambda m: times(m, "a") and not any(0 <= b - times(m, "a")[0] <= 10 * HOUR for b in times(m, "b"))
        ),
        "in_order": whom(lambda m: in_order(m, ["a", "b", "c"], every)),
        "in_order_soon": whom(lambda m: in_order(m, ["a", "b", "a"], 20 * HOUR)),
        "big": whom(lambda m: any(e["name"] == "b" and e["props"]["n"] > 5 for e in m)),
        "person": {name for name in by if person_of[name] & (did - not_c)},
    }


@pytest.mark.parametrize("seed", [1, 2])
def test_against_brute_force(seed: int, engine: str, tmp_path: Path) -> None:
    events = world(seed)
    wanted = expected(events)
    with workspace(tmp_path, PLAN, events, engine=engine) as ws:
        for name, visitors in wanted.items():
            found = ws.ask("sessions", segment=name, limit=0, **SPAN).records()
            assert {str(r["visitor"]) for r in found} == visitors, name


@pytest.fixture(scope="module")
def ws(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    events = [
        event("x", "a", "2024-03-01 10:00", device="mobile"),
        event("x", "b", "2024-03-01 10:05", device="mobile"),
        bought("x", "2024-03-01 10:06", "o1", "10"),
        event("y", "a", "2024-03-02 10:00", device="desktop"),
        view("z", "2024-03-02 10:00"),
    ]
    return workspace(tmp_path_factory.mktemp("cohorts"), PLAN, events)


def test_a_cohort_is_a_segment_everywhere(ws: Workspace) -> None:
    assert ws.metric(["visitors"], segment="did_a", **SPAN).estimates[0].estimate.value == 2
    assert ws.metric(["visitors"], segment="did_a and not in_order", **SPAN).estimates[0].estimate.value == 2
    assert ws.metric(["visitors"], segment="from_cohort", **SPAN).estimates[0].estimate.value == 1
    by = ws.metric(["order_rate"], by="did_a", **SPAN).records()
    assert {r["did_a"]: r["order_rate"] for r in by} == {"yes": 0.5, "no": 0.0}
    assert ws.funnel("all", segment="a_not_b", **SPAN).column("units") == [1, 0]
    assert ws.segments("order_rate", by="did_a", min_units=2, **SPAN).empty is None
    assert ("cohort", "did_a") in {(r["kind"], r["name"]) for r in ws.catalog(kind="cohorts").records()}


def test_a_list_of_members(tmp_path: Path) -> None:
    (tmp_path / "lost.csv").write_text("visitor,why\nx,cart\nz,cart\nx,again\n")
    plan = "metrics: {visitors: {type: simple, count: visitor}}\ncohorts: {lost: {members: lost.csv}}"
    with workspace(tmp_path, plan, [view(v, "2024-03-01 10:00") for v in "xyz"]) as ws:
        assert ws.metric(["visitors"], segment="lost", **SPAN).estimates[0].estimate.value == 2
        assert ws.metric(["visitors"], by="lost", **SPAN).column("visitors") == [2, 1]


@pytest.mark.parametrize(
    ("cohort", "message"),
    [
        ("{members: gone.csv}", "cannot be read"),
        ("{members: ../x.csv}", "outside of the plan's folder"),
        ("{members: x.csv, did: a}", "choose one"),
        ("{}", "needs did"),
        ("{did: a, where: other}", "other"),
    ],
)
def test_mistakes(cohort: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(PlanError, match=message):
        workspace(tmp_path, f"events: {{a: {{}}}}\ncohorts: {{one: {cohort}, other: {{did: a}}}}")


def test_a_name_that_is_taken(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="already names"):
        workspace(tmp_path, "events: {a: {}}\ncohorts: {device: {did: a}}")
