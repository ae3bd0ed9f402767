"""Intervals and tests against statsmodels, scipy and numbers worked out by hand."""

from __future__ import annotations

import math
import random
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.model.estimate import Estimate
from assay.model.moments import Moments
from assay.stats.change import change, day_noise
from assay.stats.multiple import benjamini_hochberg
from assay.stats.normal import p_two_sided, t_two_sided, z_two_sided
from assay.stats.power import detectable
from assay.stats.proportions import wilson
from assay.stats.ratios import ratio


def moments(pairs: list[tuple[float, float]]) -> Moments:
    x, y = [p[0] for p in pairs], [p[1] for p in pairs]
    return Moments(
        ("x", "y"),
        len(pairs),
        (sum(x), sum(y)),
        (sum(a * a for a in x), sum(a * b for a, b in pairs), sum(b * b for b in y)),
    )


@pytest.mark.parametrize(
    ("k", "n"), [(0, 1), (0, 40), (1, 1), (21, 1200), (22, 1348), (500, 1000), (40, 40), (999_999, 1_000_000)]
)
@pytest.mark.parametrize("level", [0.8, 0.95, 0.99])
def test_wilson_is_statsmodels_wilson(k: int, n: int, level: float) -> None:
    from statsmodels.stats.proportion import proportion_confint

    low, high = proportion_confint(k, n, 1 - level, method="wilson")
    one = wilson(k, n, level)
    assert (one.value, one.numerator, one.denominator) == (k / n, k, n)
    assert one.low == pytest.approx(low, abs=1e-12)
    assert one.high == pytest.approx(high, abs=1e-12)


def test_wilson_of_nothing_has_no_value_and_of_too_much_is_an_error() -> None:
    assert wilson(0, 0).value is None
    assert wilson(0, 0).reason
    with pytest.raises(ValueError, match="no share"):
        wilson(3, 2)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_holds_its_value_and_stays_a_share(pair: tuple[int, int]) -> None:
    one = wilson(*pair)
    assert one.low is not None
    assert one.high is not None
    assert 0 <= one.low <= one.value <= one.high <= 1


def test_a_mean_is_students_interval() -> None:
    from scipy import stats

    values = [0, 0, 12.5, 0, 3, 99, 0, 0, 7, 1]
    one = ratio(moments([(v, 1) for v in values]))
    low, high = stats.t.interval(0.95, len(values) - 1, sum(values) / len(values), stats.sem(values))
    assert one.value == pytest.approx(12.25)
    assert (one.low, one.high) == (pytest.approx(low), pytest.approx(high))


def test_a_ratio_is_the_delta_method() -> None:
    """Clusters (2 of 3), (0 of 1), (1 of 1), (0 of 5): r = 3/10, residuals 1.1, −0.3, 0.7, −1.5; Σ² = 4.04.

    Variance = 4.04/3 · 4/10² = 0.0538666…
    """
    one = ratio(moments([(2, 3), (0, 1), (1, 1), (0, 5)]))
    assert one.value == 0.3
    assert one.variance == pytest.approx(4.04 / 3 * 4 / 100)
    from scipy import stats

    assert one.high - one.value == pytest.approx(stats.t.ppf(0.975, 3) * math.sqrt(4.04 / 3 * 4 / 100))


def test_session_rates_cluster_like_statsmodels() -> None:
    """A linear model of the conversion on a constant, errors clustered by visitor, is the same up to n / (n − 1) terms."""
    import numpy as np
    import statsmodels.api as sm

    draw = random.Random(4)
    visits = [(v, int(draw.random() < 0.1 + 0.3 * (v % 2))) for v in range(300) for _ in range(draw.randint(1, 6))]
    clusters: dict[int, tuple[int, int]] = {}
    for v, converted in visits:
        x, y = clusters.get(v, (0, 0))
        clusters[v] = (x + converted, y + 1)
    one = ratio(moments(list(clusters.values())))
    y = np.array([c for _, c in visits])
    fitted = sm.OLS(y, np.ones(len(y))).fit(
        cov_type="cluster", cov_kwds={"groups": np.array([v for v, _ in visits]), "use_correction": False}
    )
    assert one.value == pytest.approx(fitted.params[0])
    assert one.variance == pytest.approx(fitted.bse[0] ** 2 * len(clusters) / (len(clusters) - 1), rel=1e-9)


def test_money_stays_exact_and_nothing_is_divided_by_nothing() -> None:
    some = Moments(("x", "y"), 2, (Decimal("2931.76"), 1200), (1.0, 1.0, 1200.0))
    assert ratio(some).value == Decimal("2.4431333333")
    assert ratio(Moments.zero(("x", "y"))).value is None
    alone = ratio(moments([(5, 2)]))
    assert (alone.value, alone.low, alone.high) == (2.5, None, None)
    assert alone.reason


def test_quantiles_of_normal_and_student() -> None:
    from scipy import stats

    assert z_two_sided(0.95) == pytest.approx(stats.norm.ppf(0.975), abs=1e-9)
    assert t_two_sided(0.95, 7) == pytest.approx(stats.t.ppf(0.975, 7), abs=1e-9)
    assert t_two_sided(0.95, 5000) == pytest.approx(stats.t.ppf(0.975, 5000), rel=1e-3)
    assert p_two_sided(1.959963984540054) == pytest.approx(0.05)
    assert p_two_sided(60) > 0


def test_benjamini_hochberg_is_statsmodels() -> None:
    from statsmodels.stats.multitest import multipletests

    draw = random.Random(1)
    for n in (1, 2, 7, 40):
        p = [draw.random() ** 3 for _ in range(n)]
        p[-1] = p[0]  # equal values
        assert benjamini_hochberg(p) == pytest.approx(list(multipletests(p, method="fdr_bh")[1]))
    assert benjamini_hochberg([]) == []


@pytest.mark.parametrize("power", [0.5, 0.8, 0.95])
def test_the_detectable_difference_is_that_of_a_z_test(power: float) -> None:
    from statsmodels.stats.power import NormalIndPower

    variance, n = 4.0, 1500
    found = detectable(variance, n, 0.05, power)
    assert NormalIndPower().power(found / 2, n, 0.05) == pytest.approx(power, abs=1e-4)  # without the other tail
    assert detectable(variance, 0) == math.inf


def test_a_change_without_noise_adds_the_variances() -> None:
    one, two = Estimate(0.10, variance=0.0004), Estimate(0.08, variance=0.0003)
    delta = change(one, two, 0.0, (28, 28))
    half = z_two_sided(0.95) * math.sqrt(0.0007)
    assert (delta.value, delta.low, delta.high) == (
        pytest.approx(0.02),
        pytest.approx(0.02 - half),
        pytest.approx(0.02 + half),
    )


def test_daily_noise_widens_a_change() -> None:
    one, two = Estimate(0.10, variance=0.0004), Estimate(0.08, variance=0.0003)
    delta = change(one, two, 0.007, (14, 7))
    half = t_two_sided(0.95, 19) * math.sqrt(0.0007 + 0.007 * (1 / 14 + 1 / 7))
    assert delta.high - delta.value == pytest.approx(half)
    assert change(one, Estimate.none("no units"), 0.0, (7, 7)).value is None
    assert change(one, Estimate(1.0), 0.0, (7, 7)).low is None


def test_day_noise_leaves_out_weekdays_and_sampling() -> None:
    weekdays = [d % 7 for d in range(28)]
    pattern = [0.1, 0.2, 0.3, 0.1, 0.1, 0.5, 0.6]
    assert day_noise([pattern[d] for d in weekdays], [0.0] * 28, weekdays) == pytest.approx(0)
    # Two weeks that differ by ±0.1 from their weekday's mean: Σ² = 14 · 0.01 over 14 − 7 degrees of freedom.
    values = [pattern[d] + (0.1 if i < 7 else -0.1) for i, d in enumerate(weekdays[:14])]
    assert day_noise(values, [0.0] * 14, weekdays[:14]) == pytest.approx(0.02)
    assert day_noise(values, [0.005] * 14, weekdays[:14]) == pytest.approx(0.015)
    assert day_noise(values, [1.0] * 14, weekdays[:14]) == 0
    assert day_noise([0.1, 0.2], [0.0, 0.0], [0, 1]) == 0


def test_moments_add_up_over_disjoint_units() -> None:
    pairs = [(1, 2), (0, 1), (5, 3), (2, 2), (7, 1)]
    assert moments(pairs[:2]) + moments(pairs[2:]) == moments(pairs)
    with pytest.raises(ValueError, match="do not add"):
        _ = moments(pairs) + Moments.zero(("x",))
