"""Confidence sequences: against the integral they come from, against themselves, and without a loop over looks."""

from __future__ import annotations

import math
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.stats.sequential import (
    always_valid_p,
    best_rho,
    critical,
    log_e_value,
    log_mixture,
    looks,
    mixture_bound,
    running,
    tuning_for,
)

ALPHAS = st.floats(1e-6, 0.4)


@pytest.mark.parametrize(("z", "n", "tuning"), [(0.0, 10, 0.01), (2.5, 1000, 0.008), (-3.0, 50, 0.1), (5.0, 3, 2.0)])
def test_the_e_value_is_the_mean_likelihood_ratio_over_normal_effects(z: float, n: int, tuning: float) -> None:
    from scipy.integrate import quad

    def ratio(effect: float) -> float:
        prior = math.exp(-effect * effect / (2 * tuning)) / math.sqrt(2 * math.pi * tuning)
        return math.exp(z * math.sqrt(n) * effect - n * effect * effect / 2) * prior

    both = quad(ratio, -10, 10, points=(0.0, z / math.sqrt(n)), epsabs=0, epsrel=1e-12, limit=500)[0]
    upper = 2 * quad(ratio, 0, 10, points=(abs(z) / math.sqrt(n),), epsabs=0, epsrel=1e-12, limit=500)[0]
    assert math.exp(float(log_e_value(z, n, tuning))) == pytest.approx(both, rel=1e-9)
    assert math.exp(float(log_e_value(z, n, tuning, sides=1))) == pytest.approx(upper, rel=1e-9)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(ALPHAS, st.floats(1, 1e9), st.floats(1e-4, 1e4), st.sampled_from([1, 2]))
def test_the_p_value_at_the_bound_is_alpha(alpha: float, n: float, k: float, sides: int) -> None:
    tuning = k / n
    bound = float(critical(n, alpha, tuning, sides))
    assert float(always_valid_p(bound, n, tuning, sides)) == pytest.approx(alpha, rel=1e-9)
    assert float(always_valid_p(bound * 1.001, n, tuning, sides)) < alpha
    if sides == 2:
        assert float(always_valid_p(-bound, n, tuning)) == pytest.approx(alpha, rel=1e-9)


@settings(max_examples=50, deadline=None, derandomize=True)
@given(ALPHAS, st.floats(1e-3, 1e3))
def test_one_side_lies_between_the_fixed_quantile_and_the_closed_form(alpha: float, k: float) -> None:
    from scipy.special import ndtri

    bound = float(critical(1.0, alpha, k, sides=1))
    closed = math.sqrt(2 * (1 + 1 / k) * math.log(1 + math.sqrt(1 + k) / (2 * alpha)))
    assert -ndtri(alpha) < bound <= closed * (1 + 1e-12)


@pytest.mark.parametrize("alpha", [0.001, 0.01, 0.05, 0.1])
@pytest.mark.parametrize("sides", [1, 2])
def test_tuning_is_about_the_best_for_the_planned_end(alpha: float, sides: int) -> None:
    at_end = [float(critical(5000, alpha, tuning_for(5000 * factor, alpha, sides), sides)) for factor in (0.5, 1, 2)]
    assert at_end[1] < min(at_end[0], at_end[2])
    tunings = np.geomspace(0.1, 10, 400) * tuning_for(5000, alpha, sides)
    assert at_end[1] == pytest.approx(min(float(critical(5000, alpha, t, sides)) for t in tunings), rel=2e-3)


def test_the_boundary_of_sums_is_the_same_thing() -> None:
    v = np.array([1.0, 10.0, 1e3, 1e6])
    for sides in (1, 2):
        rho = best_rho(1000, 0.05, sides)
        bound = mixture_bound(v, 0.05, rho, sides)
        assert bound / np.sqrt(v) == pytest.approx(critical(v, 0.05, 1 / rho, sides), rel=1e-12)
        assert log_mixture(bound, v, rho, sides) == pytest.approx(math.log(20), rel=1e-12)
        assert mixture_bound(0.0, 0.05, rho, sides) > 0


def test_p_values_are_never_zero_and_missing_looks_say_nothing() -> None:
    assert float(always_valid_p(1e4, 100, 0.01)) == 5e-324
    p = always_valid_p([math.nan, 1.0, 4.0, math.nan, 0.0], [0, 10, 20, 30, 40], 0.05)
    assert np.isnan(p[[0, 3]]).all()
    so_far = running(p)
    assert math.isnan(so_far[0])
    assert so_far[1:].tolist() == [p[1], p[2], p[2], p[2]]
    assert float(critical(0, 0.05, 0.01)) == math.inf


def test_looks_give_plain_intervals_and_the_smallest_p_so_far() -> None:
    d, se, n = [0.0, 0.3, 0.1, 0.2], [0.0, 0.05, 0.04, math.nan], [2, 100, 200, 300]
    one = looks(d, se, n, 0.05, tuning_for(300))
    assert np.isnan(one.low[[0, 3]]).all()
    assert np.isnan(one.high[[0, 3]]).all()
    assert one.low[1:3] == pytest.approx([0.3, 0.1] - one.critical[1:3] * [0.05, 0.04])
    assert one.high[1:3] == pytest.approx([0.3, 0.1] + one.critical[1:3] * [0.05, 0.04])
    assert (one.low[1:3] > 0).tolist() == (one.p[1:3] < 0.05).tolist()
    assert one.running_p[2] == one.p[1] < one.p[2]
    upper = looks(d, se, n, 0.05, tuning_for(300, 0.05, 1), sides=1)
    assert math.isinf(upper.high[1])
    assert upper.low[1] > one.low[1]


def calls(work: Any) -> int:
    """Calls of functions, Python's and others', while ``work`` runs."""
    count = 0

    def seen(frame: Any, event: str, arg: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(seen)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("sides", [1, 2])
def test_ten_years_of_daily_looks_take_no_loop_over_looks(sides: int) -> None:
    tuning = tuning_for(28_000, 0.05, sides)

    def run(days: int) -> Any:
        n = 1000.0 * np.arange(1, days + 1)
        return looks(1 / n, 1 / np.sqrt(n), n, 0.05, tuning, sides)

    run(2)  # imports
    assert calls(lambda: run(3650)) <= calls(lambda: run(30)) + 20
    one = run(3650)
    assert one.low.shape == one.running_p.shape == (3650,)
    assert np.isfinite(one.critical).all()


@pytest.mark.parametrize(
    "work",
    [
        lambda: tuning_for(0),
        lambda: tuning_for(100, 0.6, sides=1),
        lambda: critical(10, 0.0, 0.1),
        lambda: critical(10, 0.05, 0.1, sides=3),
        lambda: critical(10, 0.05, 0.0),
    ],
)
def test_what_is_no_sequence_is_an_error(work: Any) -> None:
    with pytest.raises(ValueError):
        work()
