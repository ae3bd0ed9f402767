"""Sizes, power and detectable effects against statsmodels, scipy, quadrature and each other."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtr, ndtri

from assay.model.moments import Moments
from assay.stats import design, power
from assay.stats.group_sequential import bounds, inflation


@pytest.mark.parametrize("freedom", [1, 2, 7.5, 98, 9998, 1e7])
@pytest.mark.parametrize("shift", [-10.0, -2.8, 0.0, 0.5, 2.8, 10.0])
@pytest.mark.parametrize("t", [-1.96, 0.0, 2.0, 12.7])
def test_the_noncentral_t_is_its_integral(freedom: float, shift: float, t: float) -> None:
    """E[Φ(shift − t·S)] by adaptive quadrature in S itself, and scipy's function where that gives a number."""
    from scipy.integrate import quad
    from scipy.special import gammaln, nctdtr

    def density(s: float) -> float:
        log = math.log(2) + freedom / 2 * math.log(freedom / 2) - gammaln(freedom / 2)
        return math.exp(log + (freedom - 1) * math.log(s) - freedom * s * s / 2)

    found = power.noncentral_t_sf(t, freedom, shift)
    if freedom < 1e5:
        width = 12 / math.sqrt(2 * freedom)
        low, high = max(1 - width, 1e-12), 1 + 3 * width
        peer = quad(lambda s: density(s) * ndtr(shift - t * s), low, high, points=[1.0], epsabs=0, limit=500)[0]
        assert found == pytest.approx(peer, rel=1e-6 if freedom < 3 else 1e-8)
    scipys = float(nctdtr(freedom, shift, t))
    if not math.isnan(scipys):
        assert 1 - found == pytest.approx(scipys, abs=1e-9)


def test_the_left_tail_that_libraries_lose() -> None:
    """tea-tasting gives no number at effect 0.3 with 20,000 units, because of the left tail."""
    assert power.means_power(20_000, 0.3, 1.0) == pytest.approx(1.0)
    assert 0 < power.noncentral_t_sf(1.96, 9998, -10) < 1e-30


@pytest.mark.parametrize("ratio", [0.25, 1.0, 3.0])
@pytest.mark.parametrize("sides", [1, 2])
@pytest.mark.parametrize(("n", "effect"), [(5, 0.9), (40, 0.5), (3000, 0.1)])
def test_means_are_those_of_statsmodels(n: int, effect: float, sides: int, ratio: float) -> None:
    from statsmodels.stats.power import TTestIndPower

    if n * ratio < 2:
        assert power.means_power(n, effect, 1.0, ratio=ratio) == 0
        return
    alternative = "two-sided" if sides == 2 else "larger"
    peer = TTestIndPower().power(effect, n, 0.05, ratio, alternative=alternative)
    assert power.means_power(n, effect * 3, 3.0, 0.05, sides, ratio) == pytest.approx(peer, rel=1e-9)
    size = power.means_size(effect, 1.0, 0.05, 0.8, sides, ratio)
    assert size == pytest.approx(
        TTestIndPower().solve_power(effect, None, 0.05, 0.8, ratio, alternative=alternative), rel=1e-6
    )
    detectable = power.means_detectable(n, 1.0, 0.05, 0.8, sides, ratio)
    assert detectable is not None
    assert power.means_power(n, detectable, 1.0, 0.05, sides, ratio) == pytest.approx(0.8, rel=1e-9)


def test_relative_effects_are_measured_by_the_mean() -> None:
    assert power.means_size(0.1, 1.2, mean=0.2) == pytest.approx(power.means_size(0.02, 1.2), rel=1e-12)
    found = power.means_detectable(500, 1.2, mean=-4.0)
    assert found == pytest.approx((power.means_detectable(500, 1.2) or 0) / 4)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.floats(0.01, 0.9), st.floats(0.01, 0.9), st.floats(0.3, 0.99), st.floats(0.001, 0.2), st.sampled_from([1, 2]))
def test_proportions_are_those_of_statsmodels(p1: float, p2: float, wanted: float, alpha: float, sides: int) -> None:
    from statsmodels.stats.proportion import samplesize_proportions_2indep_onetail

    if abs(p1 - p2) < 0.01 or wanted < alpha + 0.1:
        return
    alternative = "two-sided" if sides == 2 else "larger"
    peer = samplesize_proportions_2indep_onetail(p1 - p2, p2, wanted, 1, alpha, 0, alternative)
    size = power.proportions_size(p2, p1, alpha, wanted, sides)
    assert size == pytest.approx(float(peer), rel=1e-9)
    assert power.proportions_power(size or 0, p2, p1, alpha, sides) == pytest.approx(wanted, rel=1e-9)
    if sides == 2:
        assert power.sample_size(p2, p1, alpha, wanted) == math.ceil(size or 0)


@pytest.mark.parametrize("variance", ["pooled", "baseline", "unpooled"])
@pytest.mark.parametrize("ratio", [0.2, 1.0, 4.0])
@pytest.mark.parametrize("direction", ["up", "down"])
def test_size_power_and_detectable_share_are_inverse(variance: str, ratio: float, direction: str) -> None:
    share = power.proportions_detectable(4000, 0.1, ratio=ratio, variance=variance, direction=direction)
    assert share is not None
    assert (share > 0.1) == (direction == "up")
    assert power.proportions_power(4000, 0.1, share, ratio=ratio, variance=variance) == pytest.approx(0.8, rel=1e-9)
    assert power.proportions_size(0.1, share, ratio=ratio, variance=variance) == pytest.approx(4000, rel=1e-8)


def test_the_normal_form_takes_any_variance_split_and_side() -> None:
    n = power.size(0.1, 2.0, 0.01, 0.9, 1, 0.5, 3.0)
    assert n == pytest.approx((ndtri(0.99) + ndtri(0.9)) ** 2 * (2 + 3 / 0.5) / 0.01)
    assert power.power_of(-0.1, 2.0, n or 0, 0.01, 1, 0.5, 3.0) == pytest.approx(0.9)
    assert power.detectable(2.0, n or 0, 0.01, 0.9, 1, 0.5, 3.0) == pytest.approx(0.1)
    assert power.power_of(0.1, 2.0, 0) == 0
    assert power.detectable(2.0, 0) == math.inf


def test_nothing_to_find_has_no_size() -> None:
    assert power.size(0.0, 1.0) is None
    assert power.means_size(0.1, 1.0, mean=0.0) is None
    assert power.proportions_size(0.2, 0.2) is None
    assert power.proportions_detectable(3, 0.9) is None
    assert power.proportions_detectable(100, 1.0) is None
    assert power.means_detectable(1, 1.0) is None
    assert power.means_detectable(100, 1.0, mean=0.0) is None
    assert power.proportions_power(0, 0.1, 0.2) == 0
    assert power.means_size(50.0, 1.0) == 2.0


def test_units_of_ratios_and_of_adjusted_numbers() -> None:
    from assay.stats.ratios import ratio_variance

    moments = Moments(("x", "y"), 4, (3.0, 10.0), (5.0, 4.0, 31.0))
    assert power.unit_variance(moments) == pytest.approx(4 * ratio_variance(moments))
    assert power.cuped_variance(2.0, 0.6) == pytest.approx(1.28)
    with pytest.raises(ValueError):
        power.cuped_variance(2.0, 1.1)


@pytest.mark.parametrize("effect", [0.0, 0.03, -0.05])
@pytest.mark.parametrize("ratio", [0.5, 1.0])
def test_equivalence_and_non_inferiority_sizes_give_their_power(effect: float, ratio: float) -> None:
    args: dict[str, Any] = {"effect": effect, "ratio": ratio, "variance_treatment": 1.4}
    n = design.equivalence_size(0.1, 1.1, 0.05, 0.9, **args)
    assert design.equivalence_power(0.1, 1.1, n or 0, 0.05, **args) == pytest.approx(0.9, rel=1e-9)
    m = design.non_inferiority_size(0.1, 1.1, 0.05, 0.9, **args)
    assert design.non_inferiority_power(0.1, 1.1, m or 0, 0.05, **args) == pytest.approx(0.9, rel=1e-9)
    if effect == 0:
        assert (n or 0) / (m or 1) == pytest.approx(((ndtri(0.95) + ndtri(0.95)) / (ndtri(0.95) + ndtri(0.9))) ** 2)


def test_margins_that_cannot_be_shown() -> None:
    assert design.equivalence_size(0.1, 1.0, effect=0.1) is None
    assert design.non_inferiority_size(0.1, 1.0, effect=-0.1) is None
    assert design.equivalence_power(0.1, 1.0, 10) == 0
    assert design.non_inferiority_power(0.1, 1.0, 0) == design.equivalence_power(0.1, 1.0, 0) == 0


def test_guardrails_do_not_divide_alpha_but_share_beta() -> None:
    rates = design.decision_rates(0.05, 0.8, successes=2, guardrails=3)
    assert (rates.success_alpha, rates.guardrail_alpha) == (0.025, 0.05)
    assert rates.power == pytest.approx(0.95)
    assert design.joint_power([rates.power] * 4) == pytest.approx(0.8)
    assert design.joint_power([0.9, 0.8], "independent") == pytest.approx(0.72)
    assert design.joint_power([0.3, 0.3]) == 0
    only = design.decision_rates(successes=0, guardrails=2, guardrail_alpha=0.01)
    assert (only.success_alpha, only.guardrail_alpha, only.power) == (None, 0.01, pytest.approx(0.9))
    assert design.decision_rates().power == pytest.approx(0.8)
    assert design.decision_rates().guardrail_alpha is None


def test_several_arms_split_alpha_and_units() -> None:
    equal = design.several_arms(4, lambda alpha, ratio: power.size(0.1, 1.0, alpha, ratio=ratio))
    best = design.several_arms(4, lambda alpha, ratio: power.size(0.1, 1.0, alpha, ratio=ratio), split="optimal")
    assert equal is not None
    assert best is not None
    assert equal.alpha == 0.0125
    assert equal.control == equal.treatment == power.size(0.1, 1.0, 0.0125)
    assert best.control == pytest.approx(2 * best.treatment)
    assert best.total < equal.total == 5 * math.ceil(equal.control)
    assert design.several_arms(2, lambda alpha, ratio: None) is None
    sidak = design.several_arms(3, lambda alpha, ratio: 10.0, correction="sidak")
    assert sidak is not None
    assert (1 - sidak.alpha) ** 3 == pytest.approx(0.95)


def test_looking_costs_units() -> None:
    once = power.always_valid_inflation(looks=1)
    bound = float(ndtri(0.8)) + 3.0351
    assert once == pytest.approx((bound / float(ndtri(0.975) + ndtri(0.8))) ** 2, rel=1e-3)
    assert 1.5 < power.always_valid_inflation(looks=28) < once
    assert power.always_valid_inflation(sides=1) > 1.5
    five = [0.2, 0.4, 0.6, 0.8, 1.0]
    assert power.group_sequential_inflation(five) == inflation(bounds(five), 0.8) < 1.03


@pytest.mark.parametrize(
    "work",
    [
        lambda: power.size(0.1, 1.0, 0.0),
        lambda: power.size(0.1, 1.0, sides=3),
        lambda: power.size(0.1, 1.0, ratio=0),
        lambda: power.proportions_size(0.1, 1.2),
        lambda: power.proportions_size(0.1, 0.2, variance="exact"),
        lambda: design.non_inferiority_size(0.0, 1.0),
        lambda: design.decision_rates(successes=0),
        lambda: design.joint_power([0.9], "hope"),
        lambda: design.several_arms(2, lambda alpha, ratio: 1.0, correction="dunnett"),
    ],
)
def test_what_is_no_design_is_an_error(work: Any) -> None:
    with pytest.raises(ValueError):
        work()
