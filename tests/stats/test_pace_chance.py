"""The forecast of a period's end: by hand where days do not vary, by simulation where they do: what is said must come true."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from assay.stats.pace import Days, Outlook, factors, outlook, share_of, too_little

WEEK = [1.1, 1.0, 1.05, 1.0, 0.95, 0.7, 0.8]
KINDS = ("poisson", "gamma", "revenue", "slow drift", "drift", "spells", "rate", "drifting rate")


def weekdays(first: int, count: int) -> list[int]:
    return [(first + i) % 7 for i in range(count)]


def test_days_that_do_not_vary_add_up() -> None:
    """28 days of 10 a weekday and 5 a weekend day; 9 weekdays and 2 weekend days to come from a Monday on."""
    days = weekdays(0, 28)
    x = [5.0 if d >= 5 else 10.0 for d in days]
    end = outlook(Days(x, [1.0] * 28, days), weekdays(0, 11), (100.0, 11), 250.0, total=True)
    assert end.value == pytest.approx(100 + 9 * 10 + 2 * 5)
    assert (end.low, end.chance, end.reason) == (None, None, "the days do not vary, so nothing says how sure this is")
    # A rate of 5 % on 100 visitors a day; 20 days gone at 4 %.
    rate = outlook(Days([5.0] * 28, [100.0] * 28, days), weekdays(0, 20), (80.0, 2000.0), 0.05)
    assert rate.value == pytest.approx((80 + 20 * 5) / 4000)


def test_where_a_total_should_stand() -> None:
    shape = factors([10.0, 10, 10, 10, 10, 5, 5] * 4, weekdays(0, 28))
    assert shape == pytest.approx([7 / 6] * 5 + [7 / 12] * 2)
    # A week from Monday; five weekdays are gone: 50 of 60.
    assert share_of(shape, weekdays(0, 5), weekdays(5, 2)) == pytest.approx(50 / 60)
    assert share_of([1.0] * 7, weekdays(0, 5), weekdays(5, 2)) == pytest.approx(5 / 7)
    assert share_of([1.0] * 7, [], []) == 0
    assert factors([0.0] * 7, weekdays(0, 7)) == [1.0] * 7


def test_too_little_history_has_no_chance() -> None:
    days = Days([1.0] * 27, [1.0] * 27, weekdays(0, 27))
    end = outlook(days, [0], (0.0, 0.0), 1.0)
    assert end == Outlook(None, reason="needs 28 days of history, there are 27")
    seldom = Days([1.0] * 9 + [0.0] * 30, [1.0] * 39, weekdays(0, 39))
    assert too_little(seldom) == "needs 14 days with something to count, there are 9"


def test_the_chance_is_the_share_of_the_forecast_beyond_the_target() -> None:
    draw = np.random.default_rng(3)
    days = weekdays(0, 84)
    x = draw.poisson(50, 84).astype(float).tolist()
    asked: dict[str, Any] = {
        "days": Days(x, [1.0] * 84, days),
        "ahead": weekdays(0, 14),
        "done": (0.0, 0.0),
        "total": True,
    }
    middle = outlook(**asked, target=700.0)
    assert middle.value is not None
    assert middle.low is not None
    assert middle.high is not None
    assert middle.low < middle.value < middle.high
    assert outlook(**asked, target=middle.low).chance == pytest.approx(0.975, abs=1e-6)
    assert outlook(**asked, target=middle.high).chance == pytest.approx(0.025, abs=1e-6)
    up, down = outlook(**asked, target=690.0).chance, outlook(**asked, target=690.0, up=False).chance
    assert up is not None
    assert down is not None
    assert up + down == pytest.approx(1)
    assert outlook(**{**asked, "ahead": []}, target=1.0) == Outlook(0.0, reason="the period is over")


def test_a_closed_day_says_nothing() -> None:
    """Nothing is ever sold on Sundays: they neither widen the forecast nor add to it."""
    draw = np.random.default_rng(5)
    days = weekdays(0, 70)
    x = [0.0 if d == 6 else float(draw.poisson(30)) for d in days]
    one = outlook(Days(x, [1.0] * 70, days), [6], (100.0, 0.0), 101.0, total=True)
    assert one.value == 100.0


def level(kind: str, n: int, draw: np.random.Generator) -> Any:
    """What a day is about, over n days."""
    if kind in ("slow drift", "drift"):
        return 40 * np.exp(np.cumsum(draw.normal(0, 0.01 if kind == "slow drift" else 0.02, n)))
    if kind == "spells":
        left = np.zeros(n)
        for i in range(1, n):
            left[i] = 0.7 * left[i - 1] + draw.normal(0, 0.1)
        return 40 * np.exp(left)
    return draw.gamma(4, 10, n) if kind == "gamma" else np.full(n, 40.0)


def world(kind: str, n: int, draw: np.random.Generator) -> tuple[Any, Any]:
    """Numerators and denominators of n days."""
    shape = np.resize(WEEK, n)
    if kind == "revenue":
        return np.array([draw.lognormal(3.5, 1, c).sum() for c in draw.poisson(30 * shape)]), np.ones(n)
    if "rate" in kind:
        wanders = np.cumsum(draw.normal(0, 0.015, n)) if kind == "drifting rate" else draw.normal(0, 0.1, n)
        visitors = draw.poisson(800 * shape)
        return draw.binomial(visitors, np.minimum(0.03 * np.exp(wanders), 1)).astype(float), visitors.astype(float)
    return draw.poisson(level(kind, n, draw) * shape).astype(float), np.ones(n)


def said_and_came(kind: str, worlds: int, draw: np.random.Generator) -> list[tuple[float, bool, bool]]:
    """Of each world: the chance said, whether the target was reached, whether the end lay in the interval."""
    found = []
    for _ in range(worlds):
        past, rest, gone = (int(draw.integers(a, b)) for a, b in ((28, 130), (5, 70), (0, 28)))
        x, n = world(kind, past + rest, draw)
        days, total = weekdays(0, past + rest), "rate" not in kind
        done = (x[past - gone : past].sum(), n[past - gone : past].sum())
        end = done[0] + x[past:].sum() if total else (done[0] + x[past:].sum()) / (done[1] + n[past:].sum())
        base = done[0] + x[:past].mean() * rest if total else x[:past].sum() / n[:past].sum()
        apart = np.std(x[:past]) * np.sqrt(rest) if total else base * 0.05
        target = float(base + draw.normal() * apart)
        one = outlook(Days(x[:past], n[:past], days[:past]), days[past:], done, target, total=total)
        assert one.chance is not None
        assert one.low is not None
        assert one.high is not None
        found.append((one.chance, bool(end >= target), bool(one.low <= end <= one.high)))
    return found


def calibrated(found: list[tuple[float, bool, bool]], tolerance: float) -> None:
    said, came = np.array([s for s, *_ in found]), np.array([c for _, c, _ in found])
    places = np.digitize(said, [0.1, 0.3, 0.5, 0.7, 0.9])
    for place in range(6):
        here = places == place
        error = np.sqrt(0.25 / max(here.sum(), 1))
        assert abs(said[here].mean() - came[here].mean()) < tolerance + 2.5 * error, (
            place,
            said[here].mean(),
            came[here].mean(),
        )


def test_what_is_said_comes_true_over_all_kinds_of_worlds() -> None:
    """Targets said to be reached with 20 % are reached in about 20 % of the worlds, and so on."""
    draw = np.random.default_rng(11)
    found = [one for kind in KINDS for one in said_and_came(kind, 10, draw)]
    calibrated(found, 0.02)
    assert 0.92 <= np.mean([inside for *_, inside in found]) <= 0.99


@pytest.mark.soak
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_said_comes_true_in_each_kind(kind: str) -> None:
    found = said_and_came(kind, 800, np.random.default_rng(12))
    calibrated(found, 0.06)
    assert 0.87 <= np.mean([inside for *_, inside in found]) <= 0.999
