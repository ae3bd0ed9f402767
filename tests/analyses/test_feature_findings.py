"""A feature that the active use and one that makes them pay: told apart by holding activity equal."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from support import event, workspace

PLAN = """
site: {name: Test}
events: {use: {properties: {what: string}}, start_trial: {}, subscribe: {}}
activity: {event: use}
goals:
  paid: {event: subscribe, kind: macro, journey: app}
  talked: {event: use, where: "what = 'talk'", kind: micro, journey: app}
  robot: {event: use, where: "what = 'robot'", kind: micro, journey: app}
"""


def world(seed: int, people: int = 2500, robot: float = 0.3) -> list[dict[str, object]]:
    """Busy people talk more and pay more; the robot adds to paying by itself."""
    draw, events = random.Random(seed), []
    for n in range(people):
        who, day = f"u{n}", f"2024-01-{1 + n % 20:02} "
        told = {"user": who}
        events.append(event(who, "start_trial", day + "08:00", **told))
        busy = draw.choice([1, 2, 4, 8])
        uses = ["plain"] * busy
        if draw.random() < 0.1 * busy:
            uses[0] = "talk"
        if draw.random() < 0.3:
            uses[-1] = "robot" if uses[-1] == "plain" else uses[-1]
        for k, what in enumerate(uses):
            events.append(event(who, "use", f"{day}{9 + k:02}:00", props={"what": what}, **told))
        if draw.random() < 0.06 * busy + robot * ("robot" in uses):
            events.append(event(who, "subscribe", f"2024-02-{1 + n % 20:02} 10:00", **told))
    return events


ASKED = {
    "start": "start_trial",
    "goal": "paid",
    "first": "3d",
    "within": "40d",
    "from": "2024-01-01",
    "to": "2024-01-31",
}


def test_what_only_goes_with_activity_and_what_does_more(tmp_path: Path, engine: str) -> None:
    ws = workspace(tmp_path, PLAN, world(3), [event("late", "use", "2024-06-01 10:00", user="late")], engine=engine)
    answer = ws.ask("features", ["talked", "robot"], **ASKED)
    found = {f.evidence["feature"]: f for f in answer.findings}
    assert (found["talked"].code, found["robot"].code) == ("feature_correlates", "feature_causes")
    rows = {row["feature"]: row for row in answer.records()}
    assert rows["talked"]["difference_low"] > 0  # as it looks
    assert rows["talked"]["odds_equal"] == pytest.approx(1.0, abs=0.25)
    assert rows["robot"]["odds_equal_low"] > 1.5


def test_odds_are_those_of_a_known_library(tmp_path: Path) -> None:
    sm = pytest.importorskip("statsmodels.api")
    import numpy as np

    rng = np.random.default_rng(4)
    busy, used = rng.integers(0, 6, 3000), rng.integers(0, 2, 3000)
    paid = rng.random(3000) < 0.1 + 0.05 * busy + 0.1 * used
    counts: dict[tuple[int, int], list[int]] = {}
    for b, u, p in zip(busy, used, paid, strict=True):
        one = counts.setdefault((int(u), int(b)), [0, 0])
        one[0], one[1] = one[0] + 1, one[1] + int(p)
    from assay.analyses.features import held_equal

    equal = held_equal([(u, b, *v) for (u, b), v in sorted(counts.items())])
    columns = np.column_stack([np.ones(3000), *[(busy == b) for b in range(1, 6)], used]).astype(float)
    model = sm.Logit(paid.astype(float), columns).fit(disp=0)
    low, high = model.conf_int()[-1]
    assert equal is not None
    assert np.log(equal.odds) == pytest.approx([model.params[-1], low, high], abs=1e-3)


def test_nothing_is_said_of_nobody() -> None:
    from assay.analyses.features import held_equal

    assert held_equal([]) is None
    assert held_equal([(1, 3, 40, 10)]) is None
    assert held_equal([(0, 3, 40, 0), (1, 3, 40, 0)]) is None
