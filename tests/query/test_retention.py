"""Retention against a loop over random visitors, against SQL by hand, and its rules one by one on a few events."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from world import DAY, ZONE, facts, world

from assay.model.errors import UnknownName, UsageError
from assay.workspace import Workspace
from support import Event, event, halved, table, view, workspace

FIRST, LAST = date(2024, 3, 20), date(2024, 4, 18)
RANGE = {"from": FIRST, "to": LAST}
PLAN = f"site: {{timezone: {ZONE}}}\nsegments: {{mobile: \"device = 'mobile'\"}}\ngoals: {{order: {{event: purchase, kind: macro}}}}\n"
SUNDAYS = PLAN.replace(f"{{timezone: {ZONE}}}", f"{{timezone: {ZONE}, week_start: sunday}}")
Ids = dict[str, list[tuple[int, date, str]]]


def visitors(events: list[Event]) -> Ids:
    """Visitor → (moment, day, name) of what counts, in order."""
    found: Ids = defaultdict(list)
    for one in {e["id"]: e for e in events}.values():
        if one["visitor"] and not one.get("bot") and not one.get("environment") and one.get("interactive", True):
            day = datetime.fromtimestamp(one["time"] // 1_000_000, ZoneInfo(ZONE)).date()
            found[one["visitor"]].append((one["time"], day, one["name"]))
    return {visitor: sorted(rows) for visitor, rows in found.items()}


def begins(day: date, grain: str, sunday: bool = False) -> date:
    if grain == "day":
        return day
    if grain == "month":
        return day.replace(day=1)
    return day - timedelta((day.weekday() + sunday) % 7)


def after(day: date, grain: str) -> date:
    """The first day of the next period."""
    return (
        (day.replace(day=1) + timedelta(32)).replace(day=1)
        if grain == "month"
        else day + timedelta(1 if grain == "day" else 7)
    )


def between(a: date, b: date, grain: str) -> int:
    """How many periods b is after a."""
    if grain == "month":
        return (b.year - a.year) * 12 + b.month - a.month
    return (b - a).days // (1 if grain == "day" else 7)


def brute(
    people: Ids, start: str | None, back: str | None, grain: str, columns: list[tuple[int, int]], *,
    first: bool, unbounded: bool, rolling: bool, sunday: bool,
) -> list[list[int]]:  # fmt: skip
    """Units per cohort and column, by looking at every visitor one after the other."""
    periods = [begins(FIRST, grain, sunday)]
    while after(periods[-1], grain) <= LAST:
        periods.append(after(periods[-1], grain))
    length = {"day": 1, "week": 7, "month": 30}[grain] * DAY
    rows = []
    for period in periods:
        row = [0] * (len(columns) + 1)
        for lived in people.values():
            starts = [one for one in lived if start in (None, one[2])]
            mine = [one for one in (starts[:1] if first else starts) if begins(one[1], grain, sunday) == period]
            if not mine:
                continue
            row[0] += 1
            back_then = [one for one in lived if back in (None, one[2])]
            if rolling:
                distances = {(t - mine[0][0]) // length for t, _, _ in back_then if t >= mine[0][0]}
            else:
                distances = {between(period, begins(day, grain, sunday), grain) for _, day, _ in back_then}
            for j, (a, b) in enumerate(columns, start=1):
                row[j] += any(n >= a if unbounded else a <= n <= b for n in distances)
        rows.append(row)
    return rows


@pytest.fixture(scope="module")
def events() -> list[Event]:
    return world(5, 90)


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Workspace]]:
    """Workspaces by engine, made once each."""
    made: dict[str, Workspace] = {}
    yield made
    for one in made.values():
        one.close()


@pytest.fixture
def ws(
    events: list[Event], engine: str, opened: dict[str, Workspace], tmp_path_factory: pytest.TempPathFactory
) -> Workspace:
    if engine not in opened:
        opened[engine] = workspace(tmp_path_factory.mktemp("retention"), PLAN, events, engine=engine)
    return opened[engine]


def counts(ws: Workspace, columns: list[str], **params: Any) -> list[list[int]]:
    found = ws.ask("retention", per="visitor", **params)
    names = ["cohort", "size", *(f"period_{name}_units" for name in columns)]
    return [list(row[1:]) for row in table(found, *names) if row[0] != "average"]


@pytest.mark.parametrize(
    ("grain", "rolling", "cohort", "ends"),
    halved(
        ("day", "week", "month"), (False, True), ("recurring", "first"),
        ((None, None), ("sign_up", "purchase"), ("view_item", "view_item")),
    ),
)  # fmt: skip
def test_every_rule_against_a_loop(
    ws: Workspace, events: list[Event], grain: str, rolling: bool, cohort: str, ends: tuple[str | None, str | None]
) -> None:
    start, back = ends
    named = {key: name for key, name in (("start", start), ("return", back)) if name}
    asked: dict[str, Any] = {"period": grain, "rolling": rolling, "cohort": cohort, **RANGE, **named}
    people = visitors(events)
    how = {"first": cohort == "first", "rolling": rolling, "sunday": False}
    plain = [(j, j) for j in range(1, 5)]
    for unbounded in (False, True):
        expected = brute(people, start, back, grain, plain, unbounded=unbounded, **how)
        assert counts(ws, ["1", "2", "3", "4"], periods=4, cumulative=unbounded, **asked) == expected
    brackets = [(1, 1), (2, 5), (8, 20)]
    got = counts(ws, ["1", "2-5", "8-20"], rule="bracket", brackets="1,2-5,8-20", **asked)
    assert got == brute(people, start, back, grain, brackets, unbounded=False, **how)


def test_weeks_that_start_on_sunday(events: list[Event], engine: str, tmp_path: Path) -> None:
    expected = brute(
        visitors(events), None, None, "week", [(1, 1), (2, 2)], first=False, unbounded=False, rolling=False, sunday=True
    )
    assert counts(workspace(tmp_path, SUNDAYS, events, engine=engine), ["1", "2"], periods=2, **RANGE) == expected


def test_against_sql_by_hand(ws: Workspace, events: list[Event]) -> None:
    con = facts(events)
    rows = con.execute(f"""
WITH did AS (SELECT DISTINCT visitor, date_trunc('week', day)::DATE AS week FROM evs WHERE name = 'view_item'),
    paid AS (SELECT DISTINCT evs.visitor, date_trunc('week', evs.day)::DATE AS week FROM evs JOIN ord ON ord.line = evs.id)
SELECT d.week, count(DISTINCT d.visitor), count(DISTINCT d.visitor) FILTER (WHERE p.week = d.week + 7),
    count(DISTINCT d.visitor) FILTER (WHERE p.week = d.week + 14)
FROM did d LEFT JOIN (SELECT visitor AS v, week FROM paid) p ON p.v = d.visitor
WHERE d.week BETWEEN DATE '{begins(FIRST, "week")}' AND DATE '{LAST}' GROUP BY d.week ORDER BY d.week""").fetchall()
    found = ws.ask("retention", start="view_item", periods=2, **{"return": "order"}, per="visitor", **RANGE)
    got = table(found, "cohort", "size", "period_1_units", "period_2_units")
    assert [row for row in got if row[0] != "average" and row[1]] == [(str(week), *rest) for week, *rest in rows]


SMALL = [
    view("a", "2024-01-01 10:00", device="mobile"),
    view("a", "2024-01-02 10:00", device="desktop"),
    view("a", "2024-01-03 09:00"),
    view("b", "2024-01-01 23:30", device="desktop"),
    view("b", "2024-01-02 00:30"),
    view("c", "2024-01-02 12:00", device="mobile"),
    view("bot", "2024-01-01 12:00", bot=True),
    view("t", "2024-01-01 12:00", environment="staging"),
    event(None, "page_view", "2024-01-01 12:00", id="nobody"),
    event("a", "refund", "2024-01-04 12:00", interactive=False),
]
DAYS = {"period": "day", "from": "2024-01-01", "to": "2024-01-04", "periods": 2}


def test_by_hand_with_what_is_not_over(tmp_path: Path) -> None:
    ws = workspace(tmp_path, PLAN.replace(ZONE, "UTC"), SMALL)
    found = ws.ask("retention", **DAYS)
    columns = ("cohort", "size", "complete", "period_1", "period_1_units", "period_2", "period_2_units")
    assert table(found, *columns) == [
        # Day 1 is over for three cohorts (2/2, 1/3, 0/1), day 2 for two of them (1/2, 0/3).
        ("average", 6, None, 3 / 6, 3, 1 / 5, 1),
        ("2024-01-01", 2, 2, 1.0, 2, 0.5, 1),
        ("2024-01-02", 3, 2, 1 / 3, 1, 0.0, 0),
        ("2024-01-03", 1, 1, 0.0, 0, None, 0),
        ("2024-01-04", 0, 0, None, 0, None, 0),
    ]
    open_ = [one for one in found.estimates if one.group["cohort"] == "2024-01-03" and one.group["period"] == "2"]
    assert (open_[0].estimate.value, open_[0].estimate.reason) == (None, "the period is not over yet")


@pytest.mark.parametrize("params", [{}, {"cumulative": True}, {"rolling": True}, {"by": "device"}])
def test_the_average_takes_units_as_clusters(ws: Workspace, params: dict[str, Any]) -> None:
    found = ws.ask("retention", period="week", periods=3, per="visitor", **RANGE, **params)
    by = params.get("by")
    for row in found.records():
        if row["cohort"] != "average":
            continue
        for j in ("1", "2", "3"):
            (one,) = (
                e.estimate
                for e in found.estimates
                if e.group["cohort"] == "average" and e.group["period"] == j and (not by or e.group[by] == row[by])
            )
            assert one.numerator == row[f"period_{j}_units"]
            assert one.denominator is not None
            assert one.value == pytest.approx(one.numerator / one.denominator)
            assert one.n <= one.denominator
            assert one.method.startswith(("delta", "Wilson over"))


def test_own_windows_and_groups(tmp_path: Path) -> None:
    ws = workspace(tmp_path, PLAN.replace(ZONE, "UTC"), SMALL)
    rolling = counts(ws, ["1", "2"], rolling=True, **DAYS)
    assert rolling[0] == [2, 1, 0]  # b came back after an hour, a after 24 h exactly and then after 47 h
    found = ws.ask("retention", by="device", **DAYS)
    assert [row for row in table(found, "device", "cohort", "size") if row[2]] == [
        ("(none)", "average", 2),
        ("(none)", "2024-01-02", 1),
        ("(none)", "2024-01-03", 1),
        ("desktop", "average", 2),
        ("desktop", "2024-01-01", 1),
        ("desktop", "2024-01-02", 1),
        ("mobile", "average", 2),
        ("mobile", "2024-01-01", 1),
        ("mobile", "2024-01-02", 1),
    ]
    assert counts(ws, ["1", "2"], segment="mobile", **DAYS)[:2] == [[1, 0, 0], [1, 0, 0]]
    # First ever is looked for among everything: c begins on the phone, a too.
    assert counts(ws, ["1", "2"], cohort="first", segment="mobile", **DAYS)[:2] == [[1, 0, 0], [1, 0, 0]]


def test_what_the_sentence_says(tmp_path: Path) -> None:
    """A unit of several cohorts is not told as several people; what is not over anywhere is no empty column."""
    ws = workspace(tmp_path, PLAN, SMALL)
    assert "of a day's visitors come back in day 1" in ws.ask("retention", **DAYS).sentence
    first = ws.ask("retention", cohort="first", **{"start": "page_view", "return": "order"}, **DAYS)
    assert "visitors do order in day 1" in first.sentence
    assert "a day's" not in first.sentence
    long = ws.ask("retention", **{**DAYS, "periods": 30})
    shown = [column.name for column in long.columns if column.kind == "rate" and not column.detail]
    assert 0 < len(shown) < 30


def test_activity_of_the_plan(tmp_path: Path) -> None:
    plan = PLAN.replace(ZONE, "UTC") + "activity: {event: [page_view, sign_up], where: \"page = '/x'\"}\n"
    ws = workspace(tmp_path, plan, [*SMALL, view("a", "2024-01-01 11:00", "/x"), view("a", "2024-01-03 11:00", "/x")])
    assert counts(ws, ["1", "2"], **DAYS)[0] == [1, 0, 1]
    assert "activity (page_view or sign_up)" in ws.ask("retention", **DAYS).definitions[0].text


@pytest.mark.parametrize(
    ("params", "error", "text"),
    [
        ({"start": "vew_item"}, UnknownName, "did you mean 'view_item'"),
        ({"return": "ordr"}, UnknownName, "did you mean 'order'"),
        ({"by": "devise"}, UnknownName, "did you mean 'device'"),
        ({"periods": 0}, UsageError, "periods: input should be greater than or equal to 1"),
        ({"rule": "bracket"}, UsageError, "needs --brackets"),
        ({"brackets": "1,2"}, UsageError, "needs --rule bracket"),
        ({"rule": "bracket", "brackets": "1-3,2"}, UsageError, "overlaps"),
        ({"rule": "bracket", "brackets": "0-3"}, UsageError, "count from 1"),
        ({"rule": "bracket", "brackets": "week"}, UsageError, "write a period"),
        ({"rule": "bracket", "brackets": "1", "cumulative": True}, UsageError, "choose one"),
        ({"rule": "exact", "cumulative": True}, UsageError, "choose one"),
        ({"period": "year"}, UsageError, "period"),
        ({"by": "coupon"}, UsageError, "belongs to an order"),
    ],
)
def test_bad_input(ws: Workspace, params: dict[str, Any], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        ws.ask("retention", **params)


def test_nothing_to_say(ws: Workspace, tmp_path: Path) -> None:
    assert ws.ask("retention", start="form_start", **RANGE).empty == "nobody did form_start in 18 Mar to 21 Apr 2024"
    assert workspace(tmp_path, PLAN).ask("retention").empty == "no events yet"
    assert "no data in" in (ws.ask("retention", **{"from": "2023-01-01", "to": "2023-01-31"}).empty or "")
