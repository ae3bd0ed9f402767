"""Which experiments pages are told of: by command, by the plan's days, until they are stopped, decided or over."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from assay.analyses.experimenting.running import Running, running
from assay.analyses.experimenting.runs import Entry
from assay.plan.load import load, loads
from assay.store.state import State

PLAN = """
goals: {order: {event: purchase, kind: macro}}
metrics: {rate: {type: conversion, goal: order, per: visitor}}
experiments:
  one: {%s primary: {metric: rate, mde: 10%%}}
"""
NOW = int(datetime(2026, 7, 15, 12, tzinfo=UTC).timestamp()) * 1_000_000
DAY = 86_400_000_000


def entries(*acts: tuple[str, int]) -> dict[str, list[Entry]]:
    return {"one": [Entry(n, "one", action, NOW + days * DAY, NOW, None, {}) for n, (action, days) in enumerate(acts)]}


@pytest.mark.parametrize(
    ("days", "acts", "since"),
    [
        ("", (), None),  # a draft
        ("start: 2026-07-16,", (), None),  # tomorrow
        ("start: 2026-07-15,", (), 0),
        ("start: 2026-07-01, end: 2026-07-15,", (), 0),  # its last day
        ("start: 2026-07-01, end: 2026-07-14,", (), None),
        ("", (("start", -3),), -3),
        ("", (("start", 1),), None),  # from tomorrow on
        ("", (("start", -3), ("note", -1)), -3),
        ("", (("start", -3), ("stop", -1)), None),
        ("", (("start", -3), ("stop", 1)), -3),
        ("", (("start", -3), ("decide", -1)), None),
        ("start: 2026-07-01,", (("start", -3), ("stop", -1)), None),  # the command counts
        ("end: 2026-07-14,", (("start", -3),), None),
    ],
)
def test_what_runs(days: str, acts: tuple[tuple[str, int], ...], since: int | None) -> None:
    found = running(loads(PLAN % days), entries(*acts), NOW)["experiments"]
    wanted = [] if since is None else [since and NOW + since * DAY]
    assert [one["run"] for one in found] == wanted


def test_a_change_of_the_plan_is_seen_and_a_mistake_in_it_is_not(tmp_path: Path) -> None:
    plan = tmp_path / "assay.yaml"
    plan.write_text(PLAN % "", encoding="utf-8")
    state = State(tmp_path / "state.sqlite")
    asked = Running(load(tmp_path), tmp_path, state, lambda: NOW, every=0.0)

    def names() -> list[Any]:
        return [one["name"] for one in json.loads(asked())["experiments"]]

    assert names() == []
    plan.write_text(PLAN % "start: 2026-07-01,", encoding="utf-8")
    assert names() == ["one"]
    plan.write_text("experiments: [", encoding="utf-8")
    assert names() == ["one"]
    plan.unlink()
    assert names() == ["one"]
    state.write("log_experiment", name="one", action="stop", at=NOW - DAY, now=NOW, hash=None, detail="{}")
    assert names() == []
    state.close()


def test_a_value_cannot_end_the_script(tmp_path: Path) -> None:
    exposure = "exposure: {event: experiment_viewed, value: '</script>\u2028'},"
    (tmp_path / "assay.yaml").write_text(PLAN % f"start: 2026-07-01, {exposure}", encoding="utf-8")
    made = Running(load(tmp_path), tmp_path, State(tmp_path / "state.sqlite"), lambda: NOW)()
    assert json.loads(made)["experiments"][0]["exposure"]["value"].startswith("</script>")
    assert "<" not in made
    assert made.isascii()
