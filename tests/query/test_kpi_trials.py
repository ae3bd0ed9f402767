"""Trial to paid: the matured rate against the naive one, and trials that are neither won nor lost."""

from __future__ import annotations

import math
import random
from pathlib import Path
from typing import Any

import pytest

from assay.workspace import Workspace
from support import Event, at, event, load, view, workspace

DAY = 86_400_000_000
START = at("2024-01-01 00:00")
WINDOW = 21
PLAN = """
site: {timezone: UTC}
events: {start_trial: , subscribe: }
metrics: {trial_to_paid: {type: conversion, from: start_trial, event: subscribe, per: user, within: 21d}}
"""


def figures(ws: Workspace, last: str, **asked: Any) -> dict[str, Any]:
    answer = ws.ask("metric", "trial_to_paid", **{"from": "2024-01-01", "to": last, **asked})
    return dict(zip([c.name.removeprefix("trial_to_paid_") for c in answer.columns], answer.rows[0], strict=True))


@pytest.mark.everywhere
def test_running_trials_are_neither_won_nor_lost(engine: str, tmp_path: Path) -> None:
    def trial(user: str, day: int, paid: float | None = None) -> list[Event]:
        found = [event(None, "start_trial", START + day * DAY, user=user)]
        return found + (
            [event(None, "subscribe", START + round((day + paid) * DAY), user=user)] if paid is not None else []
        )

    events = [
        *trial("a", 0, 5), *trial("b", 0), *trial("c", 1, 21), *trial("d", 1, 21.1), *trial("e", 10, 3), *trial("f", 12),
        *trial("g", 2), event(None, "start_trial", START + 14 * DAY, user="g"),  # a second trial is not another unit
        event(None, "subscribe", START - DAY, user="h"), *trial("h", 1),  # paid before: no outcome of this trial
        view("z", START + 25 * DAY),
    ]  # fmt: skip
    ws = workspace(tmp_path, PLAN, events, engine=engine)
    found = figures(ws, "2024-01-25")
    assert (found["numerator"], found["denominator"], found["open"]) == (3, 8, 2)
    assert (found["matured_units"], found["matured"]) == (6, pytest.approx(2 / 6))
    early = figures(ws, "2024-01-25", as_of="2024-01-10")
    assert (early["matured"], early["matured_units"], early["open"]) == (None, 0, 6)
    ws.close()


def simulated(seed: int) -> tuple[list[tuple[int, float | None]], float]:
    """Trials of 90 days as (start, days until paid), and the true rate: who pays within the window."""
    draw = random.Random(seed)
    truth = draw.uniform(0.08, 0.35)
    pay = draw.uniform(9, 16)  # most pay when the trial of 14 days ends
    found = []
    for _ in range(draw.randint(250, 500)):
        start = round(draw.uniform(0, 90) * DAY)
        wins = draw.random() < truth
        found.append((start, min(max(draw.gauss(pay, 4), 0.1), WINDOW - 0.1) if wins else None))
    return found, truth


@pytest.mark.soak
def test_the_matured_rate_is_nearer_to_the_truth_than_the_naive_one(tmp_path: Path) -> None:
    """200 simulated products, asked from one week to two months after the first window has closed."""
    ws = workspace(tmp_path, PLAN)
    moments = [WINDOW + 7 * week for week in range(1, 10)]
    errors: dict[int, list[tuple[float, float]]] = {moment: [] for moment in moments}
    seeds = 200
    events: list[Event] = []
    truths = []
    for seed in range(seeds):  # each seed is a world of its own, years apart, so that one store holds them all
        trials, truth = simulated(seed)
        truths.append(truth)
        for n, (start, paid) in enumerate(trials):
            who = {"user": f"s{seed}-{n}", "device": f"world-{seed}"}
            events.append(event(None, "start_trial", START + start, **who))
            if paid is not None:
                events.append(event(None, "subscribe", START + start + round(paid * DAY), **who))
    events.append(view("z", START + 120 * DAY, device="end"))
    load(ws, events)
    for moment in moments:
        answer = ws.ask(
            "metric", "trial_to_paid", by="device", limit=1000,
            **{"from": "2024-01-01", "to": "2024-04-30", "as_of": _date(moment)},
        )  # fmt: skip
        names = [c.name for c in answer.columns]
        for row in answer.rows:
            one = dict(zip(names, row, strict=True))
            truth = truths[int(str(one["device"]).split("-")[1])]
            errors[moment].append((one["trial_to_paid"] - truth, one["trial_to_paid_matured"] - truth))
    for moment, found in errors.items():
        assert len(found) == seeds
        naive, matured = (math.sqrt(sum(e[i] ** 2 for e in found) / seeds) for i in (0, 1))
        assert matured < naive, (moment, matured, naive)
    ws.close()


def _date(days: int) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp((START + days * DAY) / 1e6, UTC).isoformat()
