"""What finds a planted truth, and that the public questions find those of every world."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import assay
from assay.analyses import BY_NAME
from assay.demo import build, known, planted
from assay.demo.planted import Planted, ask_all, found
from assay.demo.worlds import WORLDS
from assay.model.answer import Answer
from assay.model.finding import Finding


def one(evidence: dict[str, Any], *codes: str, question: str = "why") -> Planted:
    return Planted("code", "What.", question, {}, codes or ("mix_moved",), evidence)


def answer(**evidence: Any) -> Answer:
    return Answer("why", {}, findings=(Finding("ordinary", "info", ""), Finding("mix_moved", "info", "", evidence)))


@pytest.mark.parametrize(
    ("meant", "said", "is_found"),
    [
        ({}, {}, True),
        ({"value": "Email"}, {"value": "Email", "dimension": "channel"}, True),
        ({"value": "Email"}, {"value": "Direct"}, False),
        ({"value": "Email"}, {"dimension": "channel"}, False),
        ({"where": {"browser": "Safari"}}, {"where": {"browser": "Safari"}}, True),
        ({"where": {"browser": "Safari"}}, {"where": {"browser": "Safari", "device": "mobile"}}, False),
        ({"where": {"browser": "Safari"}}, {"where": "Safari"}, False),
        ({"day": "2026-09-17"}, {"day": date(2026, 9, 17)}, True),
        ({"day": "2026-09-17"}, {"day": date(2026, 9, 18)}, False),
        ({"amount": "12.50"}, {"amount": Decimal("12.500000")}, True),
        ({"amount": "12.50"}, {"amount": Decimal("12.51")}, False),
        ({"amount": "12.50"}, {"amount": "unknown"}, False),
        ({"orders": 3}, {"orders": 3}, True),
    ],
)
def test_a_finding_must_hold_the_evidence(meant: dict[str, Any], said: dict[str, Any], is_found: bool) -> None:
    assert found(one(meant), answer(**said)) == is_found


def test_one_of_the_codes_must_be_there() -> None:
    assert found(one({}, "rate_moved", "mix_moved"), answer())
    assert not found(one({}, "rate_moved"), answer())


def test_evidence_is_that_of_one_finding() -> None:
    two = Answer(
        "why", {}, findings=(Finding("mix_moved", "info", "", {"a": 1}), Finding("mix_moved", "info", "", {"b": 2}))
    )
    assert not found(one({"a": 1, "b": 2}), two)


class Workspace:
    """Answers ``why``; everything else fails."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def ask(self, question: str, **params: Any) -> Answer:
        self.asked.append((question, params))
        if question != "why":
            raise LookupError(question)
        return answer(value="Email")


def test_what_fails_is_not_found_and_the_same_is_asked_once() -> None:
    workspace: Any = Workspace()
    told: list[tuple[int, int]] = []
    every = [one({"value": "Email"}), one({"value": "Direct"}), one({}, question="none")]
    hits = ask_all(workspace, every, lambda _text, done, total: told.append((done, total)))
    assert hits == list(zip(every, (True, False, False), strict=True))
    assert [question for question, _ in workspace.asked] == ["why", "none"]
    assert told == [(0, 3), (1, 3), (2, 3), (3, 3)]


@pytest.mark.parametrize("world", [world.name for world in WORLDS])
def test_the_list_is_sound(world: str, tmp_path: Path) -> None:
    build(tmp_path, world=world, visitors=2000)
    every = planted(tmp_path)
    assert len({p.code for p in every}) == len(every) >= 8
    assert all(p.what.endswith(".") and p.codes for p in every)
    build(tmp_path / "quiet", world=world, visitors=200, quiet=True)
    assert known(tmp_path / "quiet")["quiet"]
    assert planted(tmp_path / "quiet") == ()


@pytest.mark.parametrize(
    "world", [one.name if n == 0 else pytest.param(one.name, marks=pytest.mark.soak) for n, one in enumerate(WORLDS)]
)
def test_what_is_planted_is_found(world: str, tmp_path: Path) -> None:
    files = build(tmp_path, world=world)
    with assay.open(tmp_path) as ws:
        ws.import_files("events", files)
        ws.import_files("costs", [tmp_path / "demo-data" / "costs.csv"])
        every = [p for p in planted(tmp_path) if p.question in BY_NAME]
        assert [p.code for p, hit in ask_all(ws, every) if not hit] == []


@pytest.mark.soak
@pytest.mark.parametrize("world", [world.name for world in WORLDS])
def test_what_is_planted_is_mostly_found_with_other_seeds(world: str, tmp_path: Path) -> None:
    hits: list[bool] = []
    for seed in range(20):
        folder = tmp_path / str(seed)
        files = build(folder, world=world, seed=seed)
        with assay.open(folder) as ws:
            ws.import_files("events", files)
            ws.import_files("costs", [folder / "demo-data" / "costs.csv"])
            hits += [hit for _, hit in ask_all(ws, [p for p in planted(folder) if p.question in BY_NAME])]
    assert sum(hits) >= 0.9 * len(hits)
