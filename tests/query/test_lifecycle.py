"""Lifecycle, stickiness and feature usage against a loop over random visitors, and by hand."""

from __future__ import annotations

import re
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from test_retention import FIRST, LAST, PLAN, after, begins, visitors
from world import world

from assay.analyses.behaviour import difference
from assay.model.errors import UnknownName, UsageError
from assay.stats.proportions import wilson
from assay.workspace import Workspace
from support import Event, bought, event, table, view, workspace

RANGE = {"from": FIRST, "to": LAST}
COUNTS = ("active", "new", "returning", "resurrected", "dormant")


@pytest.fixture(scope="module")
def events() -> list[Event]:
    return world(8, 80)


@pytest.fixture
def ws(
    events: list[Event], engine: str, opened: dict[str, Workspace], tmp_path_factory: pytest.TempPathFactory
) -> Workspace:
    if engine not in opened:
        opened[engine] = workspace(tmp_path_factory.mktemp("lifecycle"), PLAN, events, engine=engine)
    return opened[engine]


def brute(events: list[Event], name: str | None, grain: str) -> dict[str, tuple[int, ...]]:
    """Period → active, new, returning, resurrected, dormant."""
    active = {
        who: {begins(day, grain) for _, day, what in rows if name in (None, what)}
        for who, rows in visitors(events).items()
    }
    found, before, period = {}, date(1900, 1, 1), begins(FIRST, grain)
    before = begins(period - timedelta(1), grain)
    while period <= LAST:
        here = {who for who, days in active.items() if period in days}
        new = {who for who in here if min(active[who]) == period}
        returning = {who for who in here if before in active[who]}
        dormant = {who for who, days in active.items() if before in days and who not in here}
        label = f"{period:%Y-%m}" if grain == "month" else str(period)
        found[label] = tuple(len(x) for x in (here, new, returning, here - new - returning, dormant))
        before, period = period, after(period, grain)
    return found


@pytest.mark.parametrize("grain", ["day", "week", "month"])
@pytest.mark.parametrize("name", [None, "view_item"])
def test_against_a_loop(ws: Workspace, events: list[Event], grain: str, name: str | None) -> None:
    named = {"event": name} if name else {}
    found = ws.ask("lifecycle", period=grain, per="visitor", **named, **RANGE)
    assert {row[0]: row[1:] for row in table(found, "period", *COUNTS)} == brute(events, name, grain)
    for row in found.records():
        assert row["active"] == row["new"] + row["returning"] + row["resurrected"]


def test_days_weeks_and_months_of_the_active(ws: Workspace, events: list[Event]) -> None:
    days = {who: {day for _, day, _ in rows} for who, rows in visitors(events).items()}

    def within(day: date, length: int) -> int:
        return sum(any(day - timedelta(length) < one <= day for one in own) for own in days.values())

    found = ws.ask(
        "lifecycle", period="day", per="visitor", **{"from": LAST - timedelta(20), "to": LAST + timedelta(8)}
    )
    begun = min(min(own) for own in days.values())
    for row in found.records():
        day = date.fromisoformat(str(row["period"]))
        assert (row["active"], row["wau"], row["mau"]) == (within(day, 1), within(day, 7), within(day, 30))
        told = day - timedelta(29) >= begun and row["mau"] and row["complete"]
        assert row["stickiness"] == (pytest.approx(within(day, 1) / within(day, 30)) if told else None)
    weekly = ws.ask("lifecycle", period="week", per="visitor", **RANGE)
    row = weekly.records()[1]
    week = date.fromisoformat(str(row["period"]))
    mean = sum(within(week + timedelta(n), 1) for n in range(7)) / 7
    assert (row["average_dau"], row["stickiness"]) == pytest.approx((mean, mean / row["active"]))


SMALL = [
    view("a", "2024-01-01 10:00"),
    view("a", "2024-01-08 10:00"),
    view("a", "2024-01-22 10:00"),
    view("b", "2024-01-02 10:00"),
    view("c", "2024-01-09 10:00"),
    view("c", "2024-01-16 10:00"),
    view("c", "2024-01-23 10:00"),
]


def test_churn_and_growth_by_hand(tmp_path: Path) -> None:
    ws = workspace(tmp_path, "", SMALL)
    found = ws.ask("lifecycle", **{"from": "2024-01-01", "to": "2024-01-23"})
    assert table(found, "period", *COUNTS, "churn", "growth", "complete") == [
        ("2024-01-01", 2, 2, 0, 0, 0, None, None, True),
        ("2024-01-08", 2, 1, 1, 0, 1, 1 / 2, 1.0, True),
        ("2024-01-15", 1, 0, 1, 0, 1, 1 / 2, 0.0, True),
        ("2024-01-22", 2, 0, 1, 1, 0, None, None, False),
    ]
    reasons = [one.estimate.reason for one in found.estimates]
    assert reasons == ["nobody was active in the period before", None, None, "the period is not over yet"]


USES = [
    # First activity on the 1st; use within 2 days, orders after that and within 5 days.
    *(view(v, "2024-01-01 10:00") for v in "abcdef"),
    *(event(v, "search", "2024-01-02 10:00") for v in "abc"),
    event("d", "search", "2024-01-04 10:00"),  # too late to be early
    bought("a", "2024-01-05 10:00", "o1", "5"),
    bought("b", "2024-01-01 12:00", "o2", "5"),  # before the landmark: left out
    bought("e", "2024-01-06 10:00", "o3", "5"),
    bought("f", "2024-01-09 10:00", "o4", "5"),  # after the window
    view("late", "2024-01-20 10:00"),  # window still open
    event("late", "search", "2024-01-20 11:00"),
]
SHOP = "goals: {order: {event: purchase, kind: macro}}\nactivity: {event: page_view}\n"


def test_usage_and_landmark_by_hand(tmp_path: Path, engine: str) -> None:
    ws = workspace(tmp_path, SHOP, USES, engine=engine)
    asked = {"from": "2024-01-01", "to": "2024-01-21", "first": "2d", "within": "5d"}
    found = ws.ask("features", "search", "sign_up", **asked).records()
    one = found[0]
    assert (one["feature"], one["active"], one["users"], one["usage"], one["uses_per_user"]) == (
        "search",
        7,
        5,
        5 / 7,
        1.0,
    )
    assert (one["early"], one["early_units"], one["others"], one["others_units"]) == (1 / 2, 2, 1 / 3, 3)
    assert one["difference"] == pytest.approx(1 / 6)
    assert (found[1]["users"], found[1]["early"], found[1]["others_units"]) == (0, None, 5)
    # From Wilson's bounds of 1/2 (0.0945, 0.9055) and 1/3 (0.0615, 0.7923), by hand.
    assert (one["difference_low"], one["difference_high"]) == pytest.approx((-0.4458, 0.6548), abs=1e-4)
    assert table(ws.ask("features", "search", at_least=2, **asked), "users") == [(0,)]
    assert "association" in " ".join(ws.ask("features", "search", **asked).notes)


def test_the_difference_as_published() -> None:
    # Newcombe (1998), table II, example a, method 10: 56/70 − 48/80.
    found = difference(wilson(56, 70), wilson(48, 80))
    assert (found.value, found.low, found.high) == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)


@pytest.mark.parametrize(
    ("question", "params", "error", "text"),
    [
        ("lifecycle", {"event": "vew_item"}, UnknownName, "did you mean 'view_item'"),
        ("lifecycle", {"period": "hour"}, UsageError, "period"),
        ("features", {"names": ["serch"]}, UnknownName, "did you mean 'search'"),
        ("features", {}, UsageError, "needs the events"),
        ("features", {"names": ["search"], "first": "x"}, UsageError, "first 'x'"),
        ("features", {"names": ["search"], "at_least": 0}, UsageError, "at_least"),
    ],
)
def test_bad_input(ws: Workspace, question: str, params: dict[str, Any], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        ws.ask(question, **params)


def test_nothing_to_say(ws: Workspace, tmp_path: Path) -> None:
    assert "nobody did form_start" in (ws.ask("lifecycle", event="form_start", **RANGE).empty or "")
    assert workspace(tmp_path, "").ask("lifecycle").empty == "no events yet"


def test_a_window_that_is_open_for_all_is_said(ws: Workspace) -> None:
    """Nobody has been followed for so long: no empty columns, the reason, and a question that can be answered."""
    answer = ws.ask("features", "search", goal="order", first="7d", within="3650d", **RANGE)
    assert [one.code for one in answer.findings] == ["window_open"]
    assert all(column.detail for column in answer.columns if column.name in ("early", "others", "difference"))
    assert answer.next[0].startswith("assay features search --goal order")


def test_words_for_each_grain(ws: Workspace) -> None:
    said = {grain: ws.ask("lifecycle", period=grain, **RANGE).sentence for grain in ("day", "week", "month")}
    assert re.search(r"were active on (Mon|Tue|Wed|Thu|Fri|Sat|Sun) \d+ [A-Z]", said["day"])
    assert re.search(r"were active in the week of Mon \d+ [A-Z]", said["week"])
    assert "were active in 20" in said["month"]
