"""One test, every scale: the verdict is the same in the absolute view, the relative view and by the p-value."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from assay.model.moments import Moments
from assay.stats.contrast import Contrast, Interval, MeanContrast, NoContrast, Side
from assay.stats.means import compare_means, moments_from
from assay.stats.proportion_tests import ExactContrast, ScoreContrast, compare_proportions
from assay.stats.tails import critical_value, upper_quantile, upper_tail
from support import examples

LEVELS = st.sampled_from([0.8, 0.9, 0.95, 0.99, 0.999])
SIDES: tuple[Side, ...] = ("two", "greater", "less")
often = settings(max_examples=examples(300), deadline=None, derandomize=True)
seldom = settings(max_examples=25, deadline=None, derandomize=True)


@st.composite
def contrasts(draw: Callable[..., float]) -> MeanContrast:
    """Any Fieller form with an admissible covariance, also with a base that is hardly above zero."""
    v, w = draw(st.floats(1e-6, 1e3)), draw(st.floats(1e-6, 1e3))
    correlation = draw(st.floats(-0.999, 0.999))
    base = draw(st.floats(1e-3, 1e3))
    difference = draw(st.floats(-1e3, 1e3))
    freedom = draw(st.sampled_from([1.5, 9.0, 300.0, math.inf]))
    covariance = correlation * math.sqrt(v * w)
    return MeanContrast("any", base, base + difference, base, 50, 50, difference, v, w, covariance, freedom)


def agrees(one: Contrast, level: float) -> None:
    for side in SIDES:
        significant = one.p(side=side) < 1 - level
        for scale in ("absolute", "relative"):
            assert one.p(0.0, scale, side) == one.p(side=side)
            found = one.interval(level, scale, side)
            assert found.excludes(0) == significant, (side, scale, found, one.p(side=side))
            if side == "greater":
                assert found.high is None
            if side == "less":
                assert found.low is None


@often
@given(contrasts(), LEVELS)
def test_means_have_one_verdict(one: MeanContrast, level: float) -> None:
    agrees(one, level)


counts = st.tuples(st.integers(2, 3000), st.integers(2, 3000)).flatmap(
    lambda n: st.tuples(st.integers(0, n[0]), st.just(n[0]), st.integers(0, n[1]), st.just(n[1]))
)


@settings(max_examples=examples(80), deadline=None, derandomize=True)
@given(counts, LEVELS)
def test_rates_have_one_verdict(data: tuple[int, int, int, int], level: float) -> None:
    assume(0 < data[0] + data[2] < data[1] + data[3])
    agrees(ScoreContrast(*data), level)


@seldom
@given(
    st.tuples(st.integers(1, 60), st.integers(1, 60)).flatmap(
        lambda n: st.tuples(st.integers(0, n[0]), st.just(n[0]), st.integers(0, n[1]), st.just(n[1]))
    ),
    st.sampled_from([0.8, 0.95]),
)
def test_few_events_have_one_verdict(data: tuple[int, int, int, int], level: float) -> None:
    assume(0 < data[0] + data[2] < data[1] + data[3])
    agrees(ExactContrast(*data), level)


@often
@given(contrasts(), st.floats(0.5, 6))
def test_a_critical_value_of_ones_own_is_inverted_alike(one: MeanContrast, critical: float) -> None:
    for scale in ("absolute", "relative"):
        found = one.interval(0.95, scale, critical=critical)
        assert found.excludes(0) == (abs(one.statistic(0.0, scale)) > critical)
        for end in (found.low, found.high):
            if end is not None and abs(end) > 1e-9:
                assert abs(one.statistic(end, scale)) == pytest.approx(critical, rel=1e-6)


@pytest.mark.parametrize("data", [(60, 1000, 90, 1100), (400, 1000, 300, 900), (20, 30000, 45, 30000)])
@pytest.mark.parametrize("critical", [1.5, 1.96, 2.8, 4.5])
def test_the_ends_of_a_rates_interval_are_where_the_test_stands_at_the_critical_value(
    data: tuple[int, int, int, int], critical: float
) -> None:
    one = ScoreContrast(*data)
    for scale in ("absolute", "relative"):
        found = one.interval(0.95, scale, critical=critical)
        assert found.low is not None
        assert found.high is not None
        assert one.statistic(found.low, scale) == pytest.approx(critical, abs=1e-8)
        assert one.statistic(found.high, scale) == pytest.approx(-critical, abs=1e-8)


def test_the_statistic_falls_as_the_null_rises() -> None:
    for data in [(0, 30, 4, 25), (3, 3000, 9, 400), (15, 30, 4, 25), (30, 30, 20, 25), (55, 1000, 70, 900)]:
        one = ScoreContrast(*data)
        differences = [one.statistic(i / 500) for i in range(-499, 500)]
        assert all(a >= b - 1e-9 for a, b in pairwise(differences)), data
        ratios = [one.statistic(math.exp(i / 50) - 1, "relative") for i in range(-200, 200)]
        if data[0] and data[2]:
            assert all(a >= b - 1e-9 for a, b in pairwise(ratios)), data


def test_a_weak_base_gives_the_half_line_of_a_significant_difference_or_nothing_with_the_reason() -> None:
    # Base 1 ± 1: nothing can be said of how large a lift is; a difference of 10 ± 1 is above zero all the same.
    strong = MeanContrast("any", 1, 11, 1, 9, 9, 10, 1.0, 1.0, -0.5)
    found = strong.interval(scale="relative")
    assert found.low is not None
    assert found.low > 0
    assert (found.high, bool(found.reason)) == (None, True)
    assert strong.statistic(found.low, "relative") == pytest.approx(critical_value(0.95))
    weak = MeanContrast("any", 1, 1.5, 1, 9, 9, 0.5, 1.0, 1.0, -0.5)
    assert weak.interval(scale="relative") == Interval(None, None, 0.95, found.reason)
    down = MeanContrast("any", 1, -9, 1, 9, 9, -10, 1.0, 1.0, -0.5)
    turned = down.interval(scale="relative")
    assert turned.low is None
    assert turned.high is not None
    assert turned.high < 0


def test_nothing_is_relative_to_a_base_of_zero_or_less() -> None:
    for base in (0.0, -2.0):
        one = MeanContrast("any", base, base + 3, base, 9, 9, 3, 1.0, 1.0, -0.5)
        assert one.lift is None
        assert one.interval(scale="relative").reason
        assert one.interval(scale="relative").low is None
        assert one.interval().excludes(0)


def test_p_values_never_underflow() -> None:
    assert compare_means(moments_from(10**6, 0, 10**6), moments_from(10**6, 10**6, 3 * 10**6)).p() > 0  # type: ignore[union-attr]
    far = MeanContrast("any", 1, 1e6, 1, 9, 9, 1e6, 1.0, 1.0, 0.0)
    assert 0 < far.p() < 1e-300
    assert 0 < far.p(side="greater") < 1e-300
    assert far.p(side="less") == 1.0
    rates = compare_proportions(10, 10**6, 10**6 - 20, 10**6)
    assert isinstance(rates, ExactContrast)
    assert 0 < rates.p() < 1e-11
    assert 0 < ScoreContrast(10, 10**6, 10**6 - 20, 10**6).p() < 1e-300


def test_levels_that_bound_nothing_are_errors() -> None:
    for level, side in [(0.0, "two"), (1.0, "two"), (0.4, "greater")]:
        with pytest.raises(ValueError, match="no level"):
            critical_value(level, side)


@pytest.mark.parametrize("freedom", [1.0, 3.41, 58.0, 5841.742, math.inf])
def test_tails_are_scipys(freedom: float) -> None:
    from scipy import stats

    law = stats.norm if math.isinf(freedom) else stats.t(freedom)
    for value in (-3.0, 0.0, 1.7, 12.0):
        assert upper_tail(value, freedom) == pytest.approx(law.sf(value), rel=1e-11)
    for tail in (1e-9, 0.025, 0.5, 0.9):
        assert upper_quantile(tail, freedom) == pytest.approx(law.isf(tail), rel=1e-9, abs=1e-12)


BAD = [
    (moments_from(0, 0, 0), moments_from(9, 3, 3), "empty_arm"),
    (moments_from(9, 3, 3), moments_from(1, 1, 1), "one_unit"),
    (moments_from(9, 0, 0), moments_from(9, 0, 0), "no_events"),
    (moments_from(9, 9 * 0.1, 9 * 0.01), moments_from(7, 7 * 0.1, 7 * 0.01), "no_variance"),
]


@pytest.mark.parametrize(("control", "treatment", "code"), BAD)
def test_means_that_cannot_be_compared_say_why(control: Moments, treatment: Moments, code: str) -> None:
    for a, b in ((control, treatment), (treatment, control)):
        found = compare_means(a, b)
        assert isinstance(found, NoContrast)
        assert found.code == code
        assert found.reason


def test_one_arm_of_zeros_is_compared_without_a_lift() -> None:
    one = compare_means(moments_from(400, 0, 0), moments_from(400, 90, 400))
    assert isinstance(one, MeanContrast)
    assert one.lift is None
    assert 0 < one.p() < 1
