"""Who was lost, saved as a cohort and asked about."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.model.errors import UsageError
from support import event, workspace

PLAN = """\
# my plan
events: {a: {}, b: {}}
metrics: {visitors: {type: simple, count: visitor}}
funnels: {way: {steps: [a, b]}}
"""
SPAN = {"from": "2024-03-01", "to": "2024-03-02"}
EVENTS = [
    event("x", "a", "2024-03-01 10:00", user="ux"),
    event("y", "a", "2024-03-01 11:00"),
    event("y", "b", "2024-03-01 11:05"),
    event("z", "a", "2024-03-01 12:00"),
]


def test_a_drop_off_becomes_a_cohort(tmp_path: Path) -> None:
    with workspace(tmp_path, PLAN, EVENTS) as ws:
        path = ws.save_cohort("lost", ws.funnel("way", lost=2, **SPAN))
        assert path.read_text() == "visitor\nx\nz\n"
        assert (tmp_path / "assay.yaml").read_text().startswith("# my plan\n")
        assert ws.metric(["visitors"], segment="lost", **SPAN).estimates[0].estimate.value == 2
        users = ws.save_cohort("lost_users", ws.funnel("way", lost=2, per="user", **SPAN))
        assert users.read_text() == "user\nux\nz\n"
        assert ws.metric(["visitors"], segment="lost_users", **SPAN).estimates[0].estimate.value == 2


def test_what_cannot_be_saved(tmp_path: Path) -> None:
    with workspace(tmp_path, PLAN, EVENTS) as ws:
        lost = ws.funnel("way", lost=2, **SPAN)
        with pytest.raises(UsageError, match="lists no visitors"):
            ws.save_cohort("one", ws.metric(["visitors"], **SPAN))
        with pytest.raises(UsageError, match="a name has"):
            ws.save_cohort("Not a name", lost)
        ws.save_cohort("one", lost)
        with pytest.raises(UsageError, match="already"):
            ws.save_cohort("one", lost)
        with pytest.raises(UsageError, match="already names"):
            ws.save_cohort("device", lost)
        assert not (tmp_path / "cohorts" / "device.csv").exists()
        with pytest.raises(UsageError, match=r"no cohort to save|nobody|no visitors"):
            ws.save_cohort("two", ws.funnel("way", lost=2, segment="device = 'none'", **SPAN))
