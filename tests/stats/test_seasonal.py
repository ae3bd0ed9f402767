"""The seasonal expectation: figures that can be seen by eye, former incidents, calibration of the p-values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from assay.stats.seasonal import LEAST, Series, forecasts, weeks

WEEK = np.array([1.0, 1.1, 1.2, 1.0, 0.9, 0.6, 0.5])


def counts(values: Any, odd: Any = None) -> Series:
    """One or several series of counts."""
    v = np.atleast_2d(np.asarray(values, dtype=float))
    return Series(
        v, np.ones_like(v), v.copy(), np.zeros(len(v), dtype=bool), np.arange(v.shape[1]) % 7,
        np.zeros(v.shape, dtype=bool) if odd is None else odd,
    )  # fmt: skip


def shares(hits: Any, of: Any) -> Series:
    """Shares of counts."""
    hits, of = np.atleast_2d(np.asarray(hits, dtype=float)), np.atleast_2d(np.asarray(of, dtype=float))
    v = np.where(of > 0, hits / np.maximum(of, 1), np.nan)
    variance = v * (1 - v) / np.maximum(of, 1)
    return Series(
        v, of, variance, np.ones(len(v), dtype=bool), np.arange(v.shape[1]) % 7, np.zeros(v.shape, dtype=bool)
    )


def test_weekday_and_trend_are_expected() -> None:
    days = np.arange(57)
    exact = 400 * WEEK[days % 7] * 1.002**days
    one = forecasts(counts(exact), 56, 56)[56]
    assert one.expected[0] == pytest.approx(exact[56], rel=0.01)
    assert one.low[0] < exact[56] < one.high[0]
    assert one.p[0] > 0.5


def test_a_former_incident_does_not_bend_it() -> None:
    values = 400 * WEEK[np.arange(57) % 7]
    hurt = values.copy()
    hurt[[40, 41, 52]] = 0
    hurt[30] *= 3
    plain, robust = (forecasts(counts(v), 56, 56)[56].expected[0] for v in (values, hurt))
    assert robust == pytest.approx(plain, rel=0.02)


def test_nothing_where_something_is_usual() -> None:
    draw = np.random.default_rng(1)
    values = draw.poisson(40, 57).astype(float)
    values[56] = 0
    one = forecasts(counts(values), 56, 56)[56]
    assert one.p[0] < 1e-6
    assert one.z[0] < -4


def test_a_share_that_was_always_one() -> None:
    of = np.full(57, 50.0)
    hits = of.copy()
    hits[56] = 0
    assert forecasts(shares(hits, of), 56, 56)[56].p[0] < 1e-6
    hits[56] = 50
    assert forecasts(shares(hits, of), 56, 56)[56].p[0] > 0.05


def test_too_little_history_says_nothing() -> None:
    one = forecasts(counts(np.full(60, 100.0)), LEAST - 1, LEAST)
    assert not one[LEAST - 1].enough[0]
    assert np.isnan(one[LEAST - 1].p[0])
    assert one[LEAST].enough[0]


def test_a_day_uses_nothing_of_later_days() -> None:
    draw = np.random.default_rng(2)
    values = draw.poisson(200, 90).astype(float)
    changed = values.copy()
    changed[71:] = 5
    a, b = (forecasts(counts(v), 70, 70)[70] for v in (values, changed))
    assert a.p[0] == b.p[0]
    c, d = (forecasts(counts(v), 60, v_last)[70] for v, v_last in ((values, 80), (changed, 80)))
    assert c.p[0] == d.p[0]


WORLDS = {  # mean, day-to-day spread, its memory
    "large counts": (1000, 0.05, 0.0),
    "counting alone": (1000, 0.0, 0.0),
    "small counts": (15, 0.1, 0.0),
    "rough days": (300, 0.15, 0.0),
    "long memory": (1000, 0.1, 0.6),
}


@pytest.mark.parametrize("world", WORLDS)
def test_false_alarms_come_no_more_often_than_p_says(world: str) -> None:
    """Of p-values below α there are at most so many as α says, give or take what 8,000 draws allow."""
    mean, spread, memory = WORLDS[world]
    draw = np.random.default_rng(3)
    series, days = 100, 122
    noise = np.zeros((series, days))
    for day in range(days):
        before = noise[:, day - 1] if day else 0.0
        noise[:, day] = memory * before + draw.normal(0, 1, series) * np.sqrt(1 - memory**2)
    values = draw.poisson(mean * WEEK[np.arange(days) % 7] * np.exp(spread * noise))
    found = forecasts(counts(values), 42, days - 1)
    p = np.concatenate([one.p for one in found.values()])
    for alpha in (0.05, 0.01, 0.001):
        assert (p < alpha).mean() < alpha + 3 * np.sqrt(alpha / len(p)) + 0.3 * alpha
    assert (p < 0.05).mean() > 0.01


def test_weeks_see_what_no_day_shows() -> None:
    draw = np.random.default_rng(4)
    days = 98
    rate = 0.25 * np.where(np.arange(days) < 70, 1.0, 0.985 ** (np.arange(days) - 69))
    of = draw.poisson(900, (20, days)).astype(float)
    falling = shares(draw.binomial(of.astype(int), rate), of)
    steady = shares(draw.binomial(of.astype(int), 0.25), of)
    assert (weeks(falling, days - 1).p < 0.001).all()
    assert (weeks(falling, days - 1).z < -3).all()
    assert (weeks(steady, days - 1).p > 0.001).all()


def test_left_out_days_are_left_out() -> None:
    values = np.full(57, 400.0) * WEEK[np.arange(57) % 7]
    odd = np.zeros((1, 57), dtype=bool)
    values[28:42] *= 3
    odd[0, 28:42] = True
    one = forecasts(counts(values, odd), 56, 56)[56]
    assert one.expected[0] == pytest.approx(values[56], rel=0.02)
