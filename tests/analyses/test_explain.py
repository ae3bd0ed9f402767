"""Everything behind a number, down to SQL that runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.model.errors import UnknownName, UsageError
from assay.store.engine import Statement
from support import bought, view, workspace

PLAN = """
events: {load: {properties: {ms: number}}}
metrics:
  trial_to_paid: {type: conversion, from: start_trial, event: purchase, per: user, within: 21d, where: revenue > 5}
  rpv: {type: simple, sum: revenue.net, per: visitor, cap: 100}
  visitors: {type: simple, count: visitor}
  odd: {type: derived, expression: rpv / visitors}
  slow: {type: quantile, of: load.ms, q: 0.75}
funnels: {checkout: {steps: [view_item, purchase]}}
"""
SPAN = {"from": "2024-03-01", "to": "2024-03-02"}


def test_every_aspect_is_said_and_the_sql_runs(tmp_path: Path) -> None:
    with workspace(tmp_path, PLAN, [view("a", "2024-03-01 10:00"), bought("a", "2024-03-01 10:05", "o", "9")]) as ws:
        for name in ws.plan.metrics:
            answer = ws.explain(name, **SPAN)
            said = {str(r["aspect"]): str(r["value"]) for r in answer.records()}
            assert {"metric", "type", "numerator", "filters", "zone", "definition", "plan"} <= set(said)
            assert said["definition"] == ws.plan.metrics[name].id
            for sql in answer.sql:
                ws.engine.run(Statement(sql))
        trial = {str(r["aspect"]): str(r["value"]) for r in ws.explain("trial_to_paid", **SPAN).records()}
        assert "21" in trial["window"] or "3 weeks" in trial["window"]
        assert (trial["unit"], trial["starts"]) == ("user", "start_trial")
        assert "revenue > 5" in trial["filters"]
        assert "bots left out" in trial["filters"]
        assert "maturity" in trial
        odd = ws.explain("odd", **SPAN)
        assert [r["aspect"] for r in odd.records()][-2:] == ["made of rpv", "made of visitors"]


def test_what_cannot_be_explained(tmp_path: Path) -> None:
    with workspace(tmp_path, PLAN, [view("a", "2024-03-01 10:00")]) as ws:
        with pytest.raises(UsageError, match="is a funnel"):
            ws.explain("checkout")
        with pytest.raises(UnknownName, match="did you mean"):
            ws.explain("visitor")
