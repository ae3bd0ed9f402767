"""``assay plan add`` and ``assay init --template``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from commands import Assay

from assay.plan.load import load


def test_a_ready_metric_is_added_and_answers(assay: Assay, shop: Path) -> None:
    plan = shop / "assay.yaml"
    before = plan.read_text()
    dry = assay("plan", "add", "trial_to_paid", "--as", "paying", "--dry-run", "-w", shop)
    assert (dry.code, plan.read_text()) == (0, before)
    assert "+  start_trial: {description: A trial started}" in dry.out
    assert "+  paying:" in dry.out
    ran = assay("-w", shop, "plan", "add", "trial_to_paid", "--as", "paying")
    assert ran.code == 0
    assert "now has events.start_trial, events.subscribe, metrics.paying." in ran.out
    assert "must arrive: start_trial, subscribe (mrr)" in ran.out
    assert set(before.splitlines()) <= set(plan.read_text().splitlines())
    assert load(shop).metrics["paying"].stage == "convert"
    assert assay("check", shop).code == 0
    assert assay("metric", "paying", "-w", shop).code == 0
    again = assay("plan", "add", "trial_to_paid", "--as", "paying", "-w", shop)
    assert again.code == 2
    assert "metrics.paying is already there" in again.err


def test_what_cannot_be_added(assay: Assay, shop: Path, tmp_path: Path) -> None:
    before = (shop / "assay.yaml").read_text()
    assert "did you mean 'trial_to_paid'" in assay("plan", "add", "trial_to_payed", "-w", shop).err
    margin = assay("plan", "add", "gross_margin_per_visitor", "-w", shop)
    assert margin.code == 2
    assert "needs the cost of goods" in margin.err
    assert (shop / "assay.yaml").read_text() == before
    assert assay("plan", "add", "mrr", "-w", tmp_path / "nowhere").code == 2
    assert "did you mean 'saas'" in assay("init", tmp_path / "new", "--template", "sass").err
    assert not (tmp_path / "new").exists()


def test_the_list(assay: Assay, shop: Path) -> None:
    text = assay("plan", "add").out
    assert [line for line in text.splitlines() if line in ("acquire", "engage", "convert", "retain")] == ["acquire", "engage", "convert", "retain"]  # fmt: skip
    listed = json.loads(assay("plan", "add", "--format", "json").out)
    assert {"name": "trial_to_paid", "stage": "convert"}.items() <= next(t for t in listed if t["name"] == "trial_to_paid").items()  # fmt: skip
    assert assay("plan", "add", "--format", "csv").code == 2
    shown = json.loads(assay("catalog", "--kind", "templates", "-w", shop, "--format", "json").out)
    assert [row[1] for row in shown["rows"]] == [one["name"] for one in listed]


@pytest.mark.parametrize("kind", ["shop", "saas", "leads"])
def test_first_plans(assay: Assay, tmp_path: Path, kind: str) -> None:
    assert assay("init", tmp_path / kind, "--template", kind).code == 0
    ran = assay("check", tmp_path / kind, "--strict")
    assert (ran.code, ran.out) == (0, "The plan is in order.\n")
    assert "4 KPIs" in assay("catalog", "-w", tmp_path / kind).out
