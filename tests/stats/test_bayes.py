"""Posteriors against closed forms, adaptive quadrature and what two arms of ten million must give."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.special import betainc, betaln, ndtr

from assay.stats.bayes import Prior, beta_binomial, normal, prior_of_past, shrunk, unit_loss


def exact(a: int, b: int, c: int, d: int) -> float:
    """P(Beta(a, b) > Beta(c, d)) for whole a: a finite sum (E. Miller, Formulas for Bayesian A/B Testing)."""
    terms = [math.exp(betaln(c + i, d + b) - math.log(b + i) - betaln(1 + i, b) - betaln(c, d)) for i in range(a)]
    return math.fsum(terms)


@pytest.mark.parametrize(
    ("x", "n"), [((18, 5), (35, 15)), ((0, 0), (1, 1000)), ((49, 51), (100, 100)), ((3, 90), (4, 3000))]
)
def test_two_arms_are_the_finite_sum(x: tuple[int, int], n: tuple[int, int]) -> None:
    one, two = beta_binomial(x, n)
    a, b, c, d = x[0] + 1, n[0] - x[0] + 1, x[1] + 1, n[1] - x[1] + 1
    assert one.chance_to_win == pytest.approx(exact(a, b, c, d), rel=1e-10)
    assert two.chance_to_win == pytest.approx(exact(c, d, a, b), rel=1e-10)


def by_quadrature(shapes: list[tuple[float, float]], of: Callable[[int, float], float]) -> list[float]:
    points = sorted(a / (a + b) for a, b in shapes)
    return [
        quad(lambda x, i=i: of(i, x), 0, 1, points=points, epsabs=1e-13, epsrel=1e-11, limit=500)[0]
        for i in range(len(shapes))
    ]


@pytest.mark.parametrize("prior", [(1.0, 1.0), (2.5, 40.0)])
def test_several_arms_are_the_integrals(prior: tuple[float, float]) -> None:
    x, n = [12, 15, 9, 14], [200, 210, 190, 150]
    shapes = [(prior[0] + a, prior[1] + b - a) for a, b in zip(x, n, strict=True)]

    def others(i: int, at: float) -> float:
        return math.prod(float(betainc(a, b, at)) for j, (a, b) in enumerate(shapes) if j != i)

    def chance(i: int, at: float) -> float:
        a, b = shapes[i]
        return math.exp((a - 1) * math.log(at) + (b - 1) * math.log1p(-at) - betaln(a, b)) * others(i, at)

    def loss(i: int, at: float) -> float:
        return float(betainc(*shapes[i], at)) * (1 - others(i, at))

    arms = beta_binomial(x, n, prior)
    assert [arm.chance_to_win for arm in arms] == pytest.approx(by_quadrature(shapes, chance), rel=1e-9)
    assert [arm.expected_loss for arm in arms] == pytest.approx(by_quadrature(shapes, loss), rel=1e-8)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    st.lists(st.integers(0, 10**7).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), min_size=2, max_size=6),
    st.sampled_from([(1.0, 1.0), (0.5, 0.5), (3.0, 100.0)]),
)
def test_chances_sum_to_one_and_losses_are_measured_from_one_best(
    data: list[tuple[int, int]], prior: tuple[float, float]
) -> None:
    arms = beta_binomial([x for x, _ in data], [n for _, n in data], prior)
    assert math.fsum(arm.chance_to_win for arm in arms) == pytest.approx(1, abs=1e-10)
    best = [arm.mean + arm.expected_loss for arm in arms]
    assert best == pytest.approx([best[0]] * len(best), rel=1e-9)
    assert all(arm.chance_to_win > 0 and arm.expected_loss >= 0 and arm.low < arm.mean < arm.high for arm in arms)


def test_ten_million_units_are_as_good_as_normal() -> None:
    n = 10**7
    _, after = beta_binomial([100_000, 100_700], [n, n])
    p, q = 0.01, 0.01007
    error = math.sqrt(p * (1 - p) / n + q * (1 - q) / n)
    assert after.chance_to_win == pytest.approx(float(ndtr((q - p) / error)), abs=2e-5)
    assert after.expected_loss == pytest.approx(error * unit_loss((q - p) / error), rel=2e-3)
    far = beta_binomial([1_000_000, 1_020_000], [n, n])
    assert 0 < far[0].chance_to_win < 1e-40
    assert 0 < far[1].expected_loss < 1e-40


def test_lower_may_be_better() -> None:
    up, down = beta_binomial([10, 20], [100, 100]), beta_binomial([10, 20], [100, 100], direction="down")
    assert down[0].chance_to_win == pytest.approx(up[1].chance_to_win, rel=1e-9)
    assert down[0].mean == up[0].mean
    assert down[0].expected_loss < down[1].expected_loss


def test_no_data_is_the_prior() -> None:
    assert [arm.chance_to_win for arm in beta_binomial([0, 0, 0], [0, 0, 0])] == pytest.approx([1 / 3] * 3)


@pytest.mark.parametrize("z", [-40.0, -6.0, -1.0, 0.0, 1e-8, 0.5, 6.0, 29.999, 30.001, 37.0])
def test_the_unit_loss_is_its_integral(z: float) -> None:
    def integrand(x: float) -> float:
        return x * math.exp(-x * x / 2 - x * z)

    if z < -6:
        assert unit_loss(z) == pytest.approx(-z, rel=1e-15)
        return
    scale = math.exp(-z * z / 2) / math.sqrt(2 * math.pi)
    assert unit_loss(z) == pytest.approx(
        quad(integrand, 0, 50, epsabs=0, epsrel=1e-12, limit=500)[0] * scale, rel=1e-10
    )


def test_a_normal_prior_weighs_by_precision() -> None:
    one = normal(0.10, 0.03, Prior(0.0, 0.04))
    assert one.weight == pytest.approx(0.04**2 / (0.04**2 + 0.03**2))
    assert one.mean == pytest.approx(0.064)
    assert one.deviation == pytest.approx(0.024)
    assert one.low == pytest.approx(0.064 - 1.959963984540054 * 0.024)
    assert one.chance_to_win == pytest.approx(float(ndtr(0.064 / 0.024)))
    assert one == shrunk(0.10, 0.03, Prior(0.0, 0.04))
    flat = normal(0.10, 0.03)
    assert (flat.mean, flat.deviation, flat.weight) == (0.10, 0.03, 1.0)


def test_losses_differ_by_the_effect_and_turn_with_the_direction() -> None:
    up, down = normal(0.02, 0.05), normal(0.02, 0.05, direction="down")
    assert up.loss_kept is not None
    assert up.loss_shipped is not None
    assert up.loss_kept - up.loss_shipped == pytest.approx(0.02)
    assert (down.loss_shipped, down.loss_kept) == (up.loss_kept, up.loss_shipped)
    assert down.chance_to_win == pytest.approx(1 - (up.chance_to_win or 0))
    assert normal(-3.0, 0.05).chance_to_win == 5e-324


def test_a_prior_is_carried_over_to_the_other_scale() -> None:
    """The same data and prior said both ways give the same posterior."""
    prior = Prior(0.01, 0.02)
    relative = normal(0.05, 0.03, prior, "relative")
    absolute = normal(1.0, 0.6, prior, "absolute", 20.0)
    assert absolute.mean == pytest.approx((relative.mean or 0) * 20)
    assert absolute.deviation == pytest.approx((relative.deviation or 0) * 20)
    assert absolute.chance_to_win == pytest.approx(relative.chance_to_win)
    moved = prior.on("absolute", 20.0)
    assert moved == Prior(0.2, 0.4, "absolute")
    back = moved.on("relative", 20.0)
    assert back is not None
    assert (back.mean, back.deviation) == pytest.approx((0.01, 0.02))


def test_what_cannot_be_said_has_a_reason() -> None:
    for one in (
        normal(1.0, 0.0),
        normal(math.nan, 1.0),
        normal(1.0, 0.1, Prior(0, 0.1), "absolute"),
        normal(1.0, 0.1, Prior(0, 0.1), "absolute", 0.0),
        normal(1.0, 0.1, Prior(0, 0.1), "absolute", -3.0),
    ):
        assert (one.mean, one.chance_to_win, one.loss_shipped) == (None, None, None)
        assert one.reason


def test_the_moment_prior_is_that_of_meta_analysis() -> None:
    from statsmodels.stats.meta_analysis import combine_effects

    rng = np.random.default_rng(5)
    errors = rng.uniform(0.01, 0.05, 30)
    lifts = rng.normal(0.01, 0.04, 30) + rng.normal(0, errors)
    peer = combine_effects(lifts, errors**2, method_re="dl")
    one = prior_of_past(lifts, errors, "dersimonian_laird")
    assert one.prior is not None
    assert one.spread == pytest.approx(math.sqrt(peer.tau2), rel=1e-10)
    assert one.prior.mean == pytest.approx(peer.mean_effect_re, rel=1e-10)
    assert one.prior.deviation == pytest.approx(math.sqrt(peer.tau2 + peer.sd_eff_w_re**2), rel=1e-10)


def test_the_marginal_spread_is_the_mean_of_its_likelihood() -> None:
    lifts, errors = np.array([0.02, -0.03, 0.05, 0.0, 0.04, -0.01]), np.full(6, 0.02)

    def likelihood(tau: float) -> float:
        v = errors**2 + tau**2
        mean = (lifts / v).sum() / (1 / v).sum()
        return float(np.exp(-((lifts - mean) ** 2 / v).sum() / 2 - np.log(v).sum() / 2 + 24) / math.sqrt((1 / v).sum()))

    spread = prior_of_past(lifts, errors).spread
    assert spread is not None
    whole = quad(likelihood, 0, np.inf, epsrel=1e-10, limit=500)[0]
    assert spread == pytest.approx(
        quad(lambda t: t * likelihood(t), 0, np.inf, epsrel=1e-10, limit=500)[0] / whole, rel=1e-4
    )


def test_a_prior_needs_five_tests_and_some_spread() -> None:
    few = prior_of_past([0.1] * 4 + [0.2], [0.02] * 4 + [0.0])
    assert (few.prior, few.n) == (None, 4)
    assert few.reason
    assert "5" in few.reason
    alike = prior_of_past([0.01] * 8, [0.05] * 8, "dersimonian_laird")
    assert alike.prior is None
    assert alike.reason
    marginal = prior_of_past([0.01] * 8, [0.05] * 8).prior
    assert marginal is not None
    assert 0 < marginal.deviation < 0.1


@pytest.mark.parametrize(
    "work",
    [
        lambda: beta_binomial([1], [2]),
        lambda: beta_binomial([3, 1], [2, 2]),
        lambda: beta_binomial([1, 1], [2, 2], (0.0, 1.0)),
        lambda: beta_binomial([1, 1], [2, 2], direction="sideways"),
        lambda: Prior(0.0, 0.0),
        lambda: Prior(0.0, 1.0, "log"),
        lambda: normal(0.0, 1.0, scale="log"),
        lambda: prior_of_past([0.1], [0.1, 0.2]),
        lambda: prior_of_past([0.1], [0.1], "guess"),
    ],
)
def test_what_is_no_model_is_an_error(work: Any) -> None:
    with pytest.raises(ValueError):
        work()
