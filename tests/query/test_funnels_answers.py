"""What the question ``funnel`` answers beside the counts: who, how long, how much money, what is open."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from assay.analyses.funnel_units import bins
from assay.model.errors import AssayError
from support import Event, at, bought, event, table, workspace

START = at("2024-01-10 12:00")
MINUTE = 60_000_000
RANGE = {"from": "2024-01-01", "to": "2024-01-31"}
PLAN = """
site: {timezone: Europe/Berlin, currency: EUR}
events: {view: {properties: {plan: string}}, cart: {properties: {plan: string}}, extra: {}, x: {}}
funnels:
  buy: {steps: [view, cart, purchase], window: 1h}
  loose: {steps: [view, {event: extra, optional: true}, purchase], window: 1h}
  out: {steps: [view, purchase], window: 1h, exclusions: [x]}
  alone: {steps: [view]}
  typo: {steps: [view, crat]}
"""


def steps(who: str, *did: tuple[str, float], **fields: Any) -> list[Event]:
    return [event(who, name, START + round(minute * MINUTE), **fields) for name, minute in did]


EVENTS = [
    *steps("a", ("view", 0), ("cart", 10), user="ann"),
    bought("a", START + 20 * MINUTE, "o1", "10.10", user="ann"),
    bought("a", START + 59 * MINUTE, "o2", "99"),
    *steps("b", ("view", 0), ("cart", 30)),
    *steps("c", ("view", 5), ("x", 6)),
    event("z", "extra", "2024-02-20 12:00"),
]


def test_who_was_lost_and_who_came_through(tmp_path: Path) -> None:
    ws = workspace(tmp_path, PLAN, EVENTS)
    lost = ws.ask("funnel", "buy", lost=3, **RANGE)
    assert lost.records() == [
        {
            "visitor": "b",
            "started": "2024-01-10 13:00:00+01:00",
            "last_step_at": "2024-01-10 13:30:00+01:00",
            "last_step": "cart",
        }
    ]
    assert table(ws.ask("funnel", "buy", reached=1, **RANGE), "visitor") == [("a",), ("b",), ("c",)]
    assert table(ws.ask("funnel", "buy", reached=1, per="user", **RANGE), "user") == [("ann",), ("b",), ("c",)]
    assert table(ws.ask("funnel", "buy", reached=3, per="session", window="1h", **RANGE), "session") == [("a#1",)]
    assert ws.ask("funnel", "out", reached=2, **RANGE).column("visitor") == ["a"]
    assert ws.ask("funnel", "out", lost=2, **RANGE).column("visitor") == ["b"]


def test_times(tmp_path: Path) -> None:
    ws = workspace(tmp_path, PLAN, EVENTS)
    for funnel_order in ("ordered", "unordered"):
        answer = ws.ask("funnel", "buy", order=funnel_order, **RANGE)
        assert table(answer, "mean_from_previous", "median_from_previous", "mean_from_start", "median_from_start") == [
            (None, None, None, None),
            (1200.0, 1200.0, 1200.0, 1200.0),
            (600.0, 600.0, 1200.0, 1200.0),
        ]
    histogram = ws.ask("funnel", "buy", histogram="1:2", **RANGE)
    assert table(histogram, "from_seconds", "to_seconds", "units") == [
        (600, 1200, 1),
        (1200, 1800, 0),
        (1800, 2400, 1),
    ]
    assert histogram.estimates[0].estimate.value == 1200


def test_bins() -> None:
    assert bins([2220.0, 3600.0, 82800.0]) == [(2220, 42510, 2), (42510, 82800, 0), (82800, 123090, 1)]
    assert bins([5.0]) == [(5, 65, 1), (65, 125, 0)]
    assert sum(n for _, _, n in bins([1.5, 2.25, 9.0], 7)) == 3
    assert len(bins([1.0, 100.0], 7)) == 8


def test_revenue_is_that_of_the_attempt(tmp_path: Path) -> None:
    ws = workspace(tmp_path, PLAN, EVENTS)
    revenue = table(ws.ask("funnel", "buy", revenue=True, **RANGE), "revenue")
    assert revenue == [(Decimal("10.10"),)] * 3  # the second order came after the attempt was through
    assert table(ws.ask("funnel", "loose", revenue=True, **RANGE), "units", "revenue") == [
        (3, Decimal("10.10")),
        (0, Decimal(0)),
        (1, Decimal("10.10")),
    ]


def test_optional_steps_lose_nobody(tmp_path: Path) -> None:
    answer = workspace(tmp_path, PLAN, EVENTS).ask("funnel", "loose", **RANGE)
    assert table(answer, "units", "lost", "from_previous") == [(3, None, None), (0, None, 0.0), (1, 2, 1 / 3)]


def test_everyone(tmp_path: Path) -> None:
    answer = workspace(tmp_path, PLAN, [*EVENTS, *steps("d", ("x", 0))]).ask("funnel", "buy", everyone=True, **RANGE)
    assert answer.column("everyone") == [4, 4, 4]


def test_open_windows(tmp_path: Path) -> None:
    plan = "events: {view: {}, pay: {}}\nfunnels: {buy: {steps: [view, pay], window: 2d}}"
    events = [
        event("early", "view", "2024-01-01 10:00"),
        event("early", "pay", "2024-01-02 10:00"),
        event("no", "view", "2024-01-01 11:00"),
        event("late", "view", "2024-01-09 10:00"),
        event("quick", "view", "2024-01-09 11:00"),
        event("quick", "pay", "2024-01-09 12:00"),
        event("again", "view", "2024-01-01 12:00"),
        event("again", "view", "2024-01-09 12:00"),
        event("again", "pay", "2024-01-10 12:00"),
    ]
    for order in ("ordered", "strict", "unordered"):
        ws = workspace(tmp_path / order, plan, events)
        answer = ws.ask("funnel", "buy", order=order, **{"from": "2024-01-01", "to": "2024-01-10"})
        assert table(answer, "units", "matured", "matured_units", "open") == [(5, 1.0, 3, 0), (3, 1 / 3, 3, 1)]
        closed = ws.ask("funnel", "buy", order=order, **{"from": "2024-01-01", "to": "2024-01-05"})
        assert "open" not in [c.name for c in closed.columns]
        ws.close()


def test_values_of_the_attempt(tmp_path: Path) -> None:
    events = [
        event("a", "view", START, props={"plan": "free"}),
        event("a", "cart", START + MINUTE, props={"plan": "pro"}),
        event("b", "view", START, props={"plan": "pro"}),
        event("b", "cart", START + MINUTE, props={"plan": "pro"}),
        event("c", "view", START, props={"plan": "free"}),
    ]
    ws = workspace(tmp_path, PLAN + "  two: {steps: [view, cart], window: 1h}\n", events)

    def by(at: str, **more: Any) -> dict[Any, tuple[int, ...]]:
        found: dict[Any, list[int]] = {}
        for value, n in table(ws.ask("funnel", "two", by="plan", at=at, **RANGE, **more), "plan", "units"):
            found.setdefault(value, []).append(n)
        return {value: tuple(n) for value, n in found.items()}

    for order in ("ordered", "strict", "unordered"):
        assert by("first", order=order) == {"free": (2, 1), "pro": (1, 1)}
        assert by("last", order=order) == {"free": (1, 0), "pro": (2, 2)}
        assert by("step:2", order=order) == {"(none)": (1, 0), "pro": (2, 2)}
    assert by("all") == {"free": (2, 0), "pro": (1, 1)}


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"at": "last"}, "needs --by"),
        ({"by": "plan", "at": "step:4"}, "has 3 steps"),
        ({"by": "plan", "at": "never"}, "at .never. cannot be meant"),
        ({"lost": 2, "reached": 2}, "choose one"),
        ({"lost": 4}, "has 3 steps"),
        ({"lost": 1}, "lost"),
        ({"histogram": "2:1"}, "comes before"),
        ({"histogram": "1:9"}, "has 3 steps"),
        ({"bins": 3}, "--histogram"),
        ({"window": "0d"}, "window '0d'"),
        ({"window": "-1d"}, "window '-1d'"),
        ({"window": "9999999d"}, "100 years"),
        ({"order": "sorted"}, "order"),
        ({"entry": "newest"}, "entry"),
        ({"from": "0001-01-01"}, "from: .* 1970-01-01"),
        ({"to": "9999-12-31"}, "to: .* 2199-12-31"),
        ({"as_of": "0001-01-01T00:30:00"}, "as_of 0001-01-01 00:30:00 does not lie between 1970"),
    ],
)
def test_wrong_questions_say_what_is_wrong(tmp_path: Path, asked: dict[str, Any], said: str) -> None:
    ws = workspace(tmp_path, PLAN, EVENTS)
    with pytest.raises(AssayError, match=said):
        ws.ask("funnel", "buy", **RANGE | asked)


def test_doubtful_definitions_are_found(tmp_path: Path) -> None:
    ws = workspace(tmp_path, PLAN, EVENTS)
    assert [f.code for f in ws.ask("funnel", "alone", **RANGE).findings] == ["one_step"]
    typo = ws.ask("funnel", "typo", **RANGE)
    assert [f.code for f in typo.findings] == ["unknown_event", "step_never_reached"]
    assert "'cart'" in typo.findings[0].text


def test_everyone_are_those_who_visit(tmp_path: Path) -> None:
    """A refund alone is no visit: the number is that of the metric of visitors."""
    made = workspace(tmp_path, PLAN, [*EVENTS, *steps("d", ("x", 0)), *steps("e", ("refund", 0), interactive=False)])
    answer = made.ask("funnel", "buy", everyone=True, **RANGE)
    assert answer.column("everyone") == [4, 4, 4]
    assert any("of all 4 visitors" in note for note in answer.notes)


def test_another_rule_has_another_id(tmp_path: Path) -> None:
    """The id of a definition changes exactly when its meaning does."""
    made = workspace(tmp_path, PLAN, EVENTS)
    plain = made.ask("funnel", "buy", **RANGE).definitions[0].id
    assert plain == made.plan.funnels["buy"].id
    funnel = made.plan.funnels["buy"]
    assert made.ask("funnel", "buy", order=funnel.order, entry=funnel.entry, **RANGE).definitions[0].id == plain
    others = [{"window": "2h"}, {"per": "session"}, {"order": "strict"}, {"entry": "first"}]
    assert len({plain, *(made.ask("funnel", "buy", **one, **RANGE).definitions[0].id for one in others)}) == 5
