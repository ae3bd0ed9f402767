"""What is watched per day: counts by hand, the same on every engine."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from assay.model.period import Period
from assay.plan.measures import Expression, Select
from assay.query.watch import Counts, Mark, Watched, by_hour, counts, known_bots, read
from support import bought, event, view, workspace

ONE, TWO = date(2024, 1, 1), date(2024, 1, 2)
WATCHED = Watched(
    (
        Mark("page_view", Select("event", ("page_view",))),
        Mark("sign_up", Select("event", ("sign_up",))),
        Mark("on mobile", Select("event", ("sign_up",), None, Expression("device = 'mobile'", ("device",)))),
        Mark("purchase", Select("event", ("purchase",))),
    ),
    ((0, 1),),
    ((1, "method"), (3, "revenue")),
    ("device", "channel"),
)
EVENTS = [
    view("a", "2024-01-01 10:00", device="mobile"),
    event("a", "sign_up", "2024-01-01 10:01", device="mobile", props={"method": "x"}),
    event("a", "sign_up", "2024-01-01 10:02"),
    view("b", "2024-01-01 10:00", device="desktop"),
    event("b", "session_start", "2024-01-01 10:00", device="desktop"),
    event("c", "sign_up", "2024-01-01 11:00", device="desktop"),
    bought(None, "2024-01-02 11:00", "o1", "3", interactive=False),
    bought(None, "2024-01-02 12:00", "o2", None, interactive=False),
    view("bot", "2024-01-02 11:00", bot=True),
    view("test", "2024-01-02 11:00", environment="staging"),
]


@pytest.mark.everywhere
def test_counts_of_a_day(tmp_path: Path, engine: str) -> None:
    with workspace(tmp_path, "", EVENTS, engine=engine) as ws:
        found = read(WATCHED, ws.engine.run(counts(ws.plan, WATCHED, Period(ONE, TWO))))
    assert found["", ""] == {
        ONE: Counts(3, 1, (2, 3, 2, 0), (2, 2, 1, 0), (2, 5, 4, 0), (1,), (1, 0)),
        TWO: Counts(0, 0, (0, 0, 0, 2), (0, 0, 0, 2), (0, 0, 0, 2), (0,), (0, 1)),
    }
    assert found["device", "mobile"] == {ONE: Counts(1, 0, (1, 2, 2, 0), (1, 1, 1, 0), (1, 4, 4, 0), (1,), (1, 0))}
    assert found["device", "desktop"][ONE].visits == 2
    assert found["channel", "Direct"][ONE] == found["", ""][ONE]
    assert set(found) == {
        ("", ""), ("device", "mobile"), ("device", "desktop"), ("device", "(none)"), ("channel", "Direct"), ("channel", "(none)"),
    }  # fmt: skip


def test_known_bots_and_hours(tmp_path: Path, engine: str) -> None:
    with workspace(tmp_path, "", EVENTS, engine=engine) as ws:
        assert sorted(ws.engine.run(known_bots(Period(ONE, TWO))).rows) == [(ONE, 0), (TWO, 1)]
        hours = sorted(ws.engine.run(by_hour(ws.plan, WATCHED, [ONE])).rows)
    ten = 1_704_103_200 // 3600
    assert hours == [(ONE, ten, 2, 2, 2, 2, 0), (ONE, ten + 1, 1, 0, 1, 0, 0)]
