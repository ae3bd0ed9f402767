"""Quantiles from order statistics: ranks by hand, clusters by unit, and how often the intervals hold the truth."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from assay.stats.contrast import MeanContrast, NoContrast
from assay.stats.quantile import QuantileArm, compare_quantiles, quantile_arm


def arm(values: Any, q: float = 0.5, units: Any = None, level: float = 0.95) -> QuantileArm:
    found = quantile_arm(values, q, units, level)
    assert isinstance(found, QuantileArm)
    return found


def test_ranks_by_hand() -> None:
    """100 values, median: 50 ± 1.96·√25 = 40.2 and 59.8, outward the 40th and the 61st; 2.1 errors of 5 ranks away."""
    one = arm(np.arange(100, 0, -1))
    assert (one.value, one.lower, one.upper) == (50.5, 40, 61)
    assert one.z == pytest.approx(10.5 / 5)
    assert one.standard_error == pytest.approx(5)


def test_clusters_have_the_error_of_a_ratio_over_units() -> None:
    """Each unit's values repeated four times: as many units, the same quantile, the same error."""
    rng = np.random.default_rng(1)
    values = rng.lognormal(size=5000)
    alone = arm(values, 0.9)
    repeated = arm(np.repeat(values, 4), 0.9, np.repeat(np.arange(5000), 4))
    assert repeated.n == 5000
    assert repeated.value == pytest.approx(alone.value, rel=5e-3)
    assert repeated.standard_error == pytest.approx(alone.standard_error, rel=0.1)
    blind = arm(np.repeat(values, 4), 0.9)
    assert blind.standard_error < 0.6 * repeated.standard_error


def test_one_value_per_unit_is_no_clustering() -> None:
    values = np.random.default_rng(2).normal(size=2000)
    labels = np.random.default_rng(3).permutation(2000)
    a, b = arm(values, 0.25), arm(values, 0.25, labels)
    assert (a.n, a.value) == (b.n, b.value)
    assert a.standard_error == pytest.approx(b.standard_error, rel=0.05)


def test_the_error_is_that_of_the_density() -> None:
    """√(q(1 − q)/n) / f(quantile) for a known density."""
    values = np.random.default_rng(4).normal(size=400_000)
    for q, density in ((0.5, 0.39894), (0.9, 0.17550)):
        assert arm(values, q).standard_error == pytest.approx(math.sqrt(q * (1 - q) / 400_000) / density, rel=0.03)


def test_quantiles_that_cannot_be_compared_say_why() -> None:
    some = arm(np.arange(100))
    for other, code in [
        (quantile_arm([], 0.5), "empty_arm"),
        (quantile_arm(np.arange(20), 0.99), "too_few"),
        (quantile_arm(np.arange(20), 0.5, ["a"] * 20), "one_unit"),
        (QuantileArm(1, 3.0, 2.0, 4.0), "one_unit"),
        (arm(np.zeros(100)), "no_variance"),
    ]:
        for pair in ((some, other), (other, some)):
            found = compare_quantiles(*pair)
            assert isinstance(found, NoContrast)
            assert found.code == code
    with pytest.raises(ValueError, match="no quantile"):
        quantile_arm([1, 2], 1.0)
    with pytest.raises(ValueError, match="one unit per value"):
        quantile_arm([1, 2], 0.5, ["a"])


def test_arms_are_independent_and_relative_to_the_control() -> None:
    one = compare_quantiles(QuantileArm(500, 10.0, 9.0, 11.0, 2.0), QuantileArm(400, 12.0, 11.0, 13.0, 2.0))
    assert isinstance(one, MeanContrast)
    assert (one.variance, one.base_variance, one.covariance) == (0.5, 0.25, -0.25)
    assert one.lift == pytest.approx(0.2)
    assert one.interval().excludes(0) == one.interval(scale="relative").excludes(0) == (one.p() < 0.05)


@pytest.mark.parametrize(("clustered", "q"), [(False, 0.9), (True, 0.5)])
def test_intervals_hold_the_truth(clustered: bool, q: float) -> None:
    """600 runs of 500 units per arm; 2.5 % are nearly three standard errors of the share held."""
    rng = np.random.default_rng(11)
    runs, held, relative = 600, 0, 0
    truth = 0.25
    for _ in range(runs):
        made = []
        for effect in (0.0, truth):
            units = np.repeat(np.arange(500), rng.poisson(2, 500) + 1) if clustered else None
            own = rng.normal(0, 0.6, 500)
            noise = rng.normal(0, 0.8, len(units) if units is not None else 500)
            logs = (own[units] if units is not None else own) + noise
            made.append(arm(np.exp(logs) * (1 + effect), q, units))
        one = compare_quantiles(*made)
        assert isinstance(one, MeanContrast)
        lift = one.interval(scale="relative")
        relative += not lift.excludes(truth)
        centre = math.exp(0.0 if q == 0.5 else 1.2815515655)
        held += not one.interval().excludes(truth * centre)
    assert 0.925 < held / runs < 0.975
    assert 0.925 < relative / runs < 0.975
