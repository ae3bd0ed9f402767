"""Time to an outcome: who is followed how long, against a loop; the curve's figures by hand on a few events."""

from __future__ import annotations

import random
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from assay.model.errors import UnknownName, UsageError
from assay.stats.survival import kaplan_meier
from assay.workspace import Workspace
from support import Event, at, bought, event, table, view, workspace

HOUR = 3_600_000_000
RANGE = {"from": "2024-01-01", "to": "2024-01-20"}
PLAN = """
goals: {order: {event: purchase, kind: macro}}
segments: {mobile: "device = 'mobile'"}
"""
END = at("2024-01-31 00:00") - 1


def random_events(seed: int) -> list[Event]:
    draw = random.Random(seed)
    found = [view("last", "2024-01-30 12:00")]  # the data are complete to the end of this day
    for n in range(120):
        time = at("2023-12-20 00:00") + draw.randrange(40 * 24) * HOUR
        for k in range(draw.randint(1, 8)):
            name = draw.choice(["page_view", "view_item", "view_item", "sign_up"])
            found.append(event(f"v{n}", name, time, id=f"{n}-{k}", seq=k))
            time += draw.choice([0, 1, 24, 100, 240]) * HOUR
            if time > END:
                break
    draw.shuffle(found)
    return found


def durations(
    events: list[Event], start: str | None, outcome: str, within: int | None
) -> list[tuple[float, bool, int]]:
    """Seconds, whether the outcome came, 1 per visitor that starts in the range."""
    lived: dict[str, list[Event]] = defaultdict(list)
    for one in sorted(events, key=lambda e: (e["time"], e.get("seq", 0), e["id"])):
        lived[one["visitor"]].append(one)
    found = []
    low, high = at("2024-01-01 00:00"), at("2024-01-21 00:00")
    for own in lived.values():
        if start is None:
            starts = [own[0]] if low <= own[0]["time"] < high else []
        else:
            starts = [e for e in own if e["name"] == start and low <= e["time"] < high]
        if not starts:
            continue
        t = starts[0]["time"]
        later = [
            e["time"] for e in own if e["name"] == outcome and (e["time"] > t if outcome == start else e["time"] >= t)
        ]
        took = (later[0] - t) / 1e6 if later else None
        if took is not None and (within is None or took <= within):
            found.append((took, True, 1))
        else:
            followed = (END - t) / 1e6
            found.append((followed if within is None else min(followed, within), False, 1))
    return found


@pytest.mark.parametrize("start", [None, "view_item", "sign_up"])
@pytest.mark.parametrize("within", [None, "3d", "15d"])
def test_against_a_loop(start: str | None, within: str | None, tmp_path: Path, engine: str) -> None:
    events = random_events(7)
    asked: dict[str, Any] = {key: one for key, one in (("start", start), ("within", within)) if one}
    ws = workspace(tmp_path, PLAN, events, engine=engine)
    found = ws.ask("time-to", "sign_up", per="visitor", at="1h,2d,9d", **RANGE, **asked)
    days = int(within[:-1]) if within else None
    expected = durations(events, start, "sign_up", days and days * 86_400)
    curve = kaplan_meier(expected)
    units = len(expected)
    for row, seconds in zip(found.records(), (3600, 2 * 86_400, 9 * 86_400), strict=True):
        share = curve.share_by(seconds)
        assert (row["share"], row["share_low"], row["share_high"]) == pytest.approx(
            (share.value, share.low, share.high)
        )
        assert (row["units"], row["converted"]) == (units, sum(t <= seconds for t, done, _ in expected if done))
        assert row["naive"] == pytest.approx(row["converted"] / units)
    times = {one.metric: one.estimate for one in found.estimates if one.metric not in ("share", "matured")}
    median = curve.quantile()
    assert (times["median"].value, times["median"].low, times["median"].high) == (median.value, median.low, median.high)
    done = [t for t, had, _ in expected if had]
    assert times["mean_converted"].value == pytest.approx(sum(done) / len(done))


SMALL = [
    # Complete to the end of 10 January: from its start a is followed 10 days, c for 3.
    view("a", "2024-01-01 00:00", device="mobile"),
    bought("a", "2024-01-02 00:00", "o1", "5"),
    bought("a", "2024-01-03 00:00", "o2", "5"),
    view("b", "2024-01-01 00:00", device="desktop"),
    view("c", "2024-01-08 00:00", device="mobile"),
    view("d", "2024-01-01 00:00", device="desktop"),
    bought("d", "2024-01-09 00:00", "o3", "5"),
    view("bot", "2024-01-01 00:00", bot=True),
    bought("e", "2023-12-30 00:00", "o4", "5"),
    view("e", "2024-01-05 00:00"),
    view("z", "2024-01-10 12:00", environment="staging"),
    event("b", "page_view", "2024-01-10 12:00"),
]
DAYS = {"from": "2024-01-01", "to": "2024-01-10", "at": ["1d", "8d"]}


def ws_small(tmp_path: Path) -> Workspace:
    return workspace(tmp_path, PLAN, SMALL)


def test_by_hand(tmp_path: Path) -> None:
    found = ws_small(tmp_path).ask("time-to", "order", **DAYS)
    columns = ("within", "share", "converted", "naive", "matured", "matured_units", "units")
    # a after 1 day, d after 8; c is followed for 3 days only: at 8 days two of three were left, one of them buys.
    assert table(found, *columns) == [
        ("1 d", 1 / 4, 1, 1 / 4, 1 / 4, 4, 4),
        ("8 d", pytest.approx(1 - 3 / 4 * 1 / 2), 2, 2 / 4, 2 / 3, 3, 4),
    ]
    median = next(one.estimate for one in found.estimates if one.metric == "median")
    assert median.value == 8 * 86_400
    assert found.sentence.startswith("Half of 4 users reach order within 8.0 days of the first visit")
    assert found.chart is not None
    assert sum(count for _, count in found.chart["groups"][0]["histogram"]) == 2


def test_the_same_event_again_and_groups(tmp_path: Path) -> None:
    ws = ws_small(tmp_path)
    again = ws.ask("time-to", "order", start="purchase", **DAYS)
    assert table(again, "within", "converted", "units")[0] == ("1 d", 1, 2)
    found = ws.ask("time-to", "order", by="device", **DAYS)
    assert [row for row in table(found, "device", "within", "converted", "units") if row[1] == "8 d"] == [
        ("desktop", "8 d", 1, 2),
        ("mobile", "8 d", 1, 2),
    ]
    assert table(ws.ask("time-to", "order", segment="mobile", **DAYS), "units") == [(2,), (2,)]
    assert table(ws.ask("time-to", "order", within="2d", **DAYS), "converted") == [(1,), (1,)]


@pytest.mark.parametrize(
    ("params", "error", "text"),
    [
        ({"name": "ordr"}, UnknownName, "did you mean 'order'"),
        ({"start": "sgn_up"}, UnknownName, "did you mean 'sign_up'"),
        ({"within": "0d"}, UsageError, "within '0d'"),
        ({"within": "900000d"}, UsageError, "100 years"),
        ({"at": "soon"}, UsageError, "at 'soon'"),
        ({"quantile": [1.0]}, UsageError, "between 0 and 1"),
        ({"by": "item_id"}, UsageError, "belongs to an item"),
    ],
)
def test_bad_input(tmp_path: Path, params: dict[str, Any], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        ws_small(tmp_path).ask("time-to", **{"name": "order", "from": "2024-01-01", "to": "2024-01-10", **params})


def test_nothing_to_say(tmp_path: Path) -> None:
    ws = ws_small(tmp_path)
    assert ws.ask("time-to", "order", start="sign_up", **DAYS).empty == "nobody did sign_up in 1 to 10 Jan 2024"
    never = ws.ask("time-to", "sign_up", **DAYS)
    assert never.empty is None
    assert "0 % of 4 users" in never.sentence
