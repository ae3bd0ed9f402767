"""The Kaplan–Meier curve against statsmodels, and by hand where it can be done by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.duration.survfunc import SurvfuncRight

from assay.stats.survival import Curve, kaplan_meier

# The leukaemia remission times of Freireich et al. (1963), 6-MP group: weeks, and 1 where the remission ended.
WEEKS = [6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35]
ENDED = [1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0]
UNITS = st.lists(st.tuples(st.integers(1, 12), st.booleans()), min_size=1, max_size=40)


def curve(times: list[int], events: list[int]) -> Curve:
    return kaplan_meier((float(t), bool(e), 1) for t, e in zip(times, events, strict=True))


def test_the_published_curve() -> None:
    found = curve(WEEKS, ENDED)
    assert found.times == (6, 7, 10, 13, 16, 22, 23)
    assert found.at_risk == (21, 17, 15, 12, 11, 7, 6)
    # Published to four places in any textbook on survival analysis.
    assert [round(s, 4) for s in found.survival] == [0.8571, 0.8067, 0.7529, 0.6902, 0.6275, 0.5378, 0.4482]
    median = found.quantile()
    assert (median.value, median.low, median.high) == (23, 13, None)
    assert "upper end" in (median.reason or "")
    share = found.share_by(10)
    assert share.value == pytest.approx(1 - 0.7529, abs=5e-5)
    # R: survfit(..., conf.type = "log-log") at 10 weeks: 0.503 to 0.889
    assert (1 - (share.high or 0), 1 - (share.low or 0)) == pytest.approx((0.503, 0.889), abs=5e-4)
    assert math.sqrt(share.variance or 0) == pytest.approx(0.0963, abs=5e-5)


@given(UNITS, st.floats(0.1, 0.9), st.sampled_from([0.9, 0.95]))
@settings(max_examples=150, deadline=None)
@pytest.mark.filterwarnings("ignore")
def test_against_statsmodels(units: list[tuple[int, bool]], q: float, level: float) -> None:
    times, events = [t for t, _ in units], [int(e) for _, e in units]
    ours, peer = curve(times, events), SurvfuncRight(np.array(times), np.array(events))
    assert list(ours.times) == list(peer.surv_times)
    assert list(ours.survival) == pytest.approx(list(peer.surv_prob), abs=1e-12)
    for place, time in enumerate(ours.times):
        share = ours.share_by(time, level)
        if 0 < ours.survival[place] < 1:
            assert math.sqrt(share.variance or 0) == pytest.approx(peer.surv_prob_se[place], rel=1e-9)
    if min(abs(s - (1 - q)) for s in [*ours.survival, 1.0]) < 1e-9:
        return  # where the curve stands exactly at the quantile, products take the middle or the end of the step
    value = ours.quantile(q, level)
    theirs = peer.quantile(q)
    assert value.value == (None if math.isnan(theirs) else theirs)
    if value.value is not None and all(0 < s < 1 for s in ours.survival):
        low, high = peer.quantile_ci(q, alpha=1 - level, method="cloglog")
        if math.isnan(low):
            return  # no event time lies in the set: there the peer says nothing
        assert value.low == low
        highs = [found.low for found in map(ours.share_by, ours.times) if found.low is not None]
        if highs == sorted(highs):  # else the set has holes, and the peer takes its last part
            assert (value.high if value.high is not None else math.inf) == high


def test_quantile_where_the_curve_stands_at_it() -> None:
    assert curve([1, 2, 3, 4], [1, 1, 1, 1]).quantile(0.5).value == 2
    assert curve([1, 2, 3], [1, 1, 1]).quantile(1 / 3).value == 1


def test_counts_are_units() -> None:
    many = kaplan_meier([(1.0, True, 3), (2.0, False, 2), (3.0, True, 5)])
    one_by_one = curve([1] * 3 + [2] * 2 + [3] * 5, [1] * 3 + [0] * 2 + [1] * 5)
    assert many == one_by_one


def test_what_cannot_be_said_is_not_a_number() -> None:
    empty = kaplan_meier([])
    assert empty.share_by(3).reason == "no units"
    assert empty.quantile().reason == "no units"
    none_yet = kaplan_meier([(5.0, False, 10)])
    assert none_yet.share_by(5).value == 0
    assert 0 < (none_yet.share_by(5).high or 0) < 0.35
    assert none_yet.share_by(6).reason == "nobody has been followed for that long"
    assert none_yet.quantile().value is None
    everybody = kaplan_meier([(1.0, True, 2)])
    assert (everybody.share_by(1).value, everybody.share_by(9).value) == (1, 1)
    assert everybody.share_by(1).low is None
    with pytest.raises(ValueError, match="between 0 and 1"):
        everybody.quantile(1)
    with pytest.raises(ValueError, match="is none"):
        kaplan_meier([(-1.0, True, 1)])


@given(UNITS)
@settings(deadline=None)
def test_bounds_hold_the_curve(units: list[tuple[int, bool]]) -> None:
    found = curve([t for t, _ in units], [int(e) for _, e in units])
    assert all(a >= b for a, b in zip(found.survival, found.survival[1:], strict=False))
    for time in range(13):
        share = found.share_by(time)
        if share.value is not None and share.low is not None and share.high is not None:
            assert 0 <= share.low <= float(share.value) <= share.high <= 1
