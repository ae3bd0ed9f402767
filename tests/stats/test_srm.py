"""The sample ratio: against scipy, against a sum done by hand, and never a p-value of 0."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.stats.srm import binomial_p, fixed, imbalance, sequential


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.integers(50, 10**6), st.floats(0.5, 2.0)), min_size=2, max_size=6))
def test_the_fixed_check_is_chi_square(arms: list[tuple[int, float]]) -> None:
    from scipy.stats import chisquare

    counts, weights = np.array([n for n, _ in arms]), np.array([w for _, w in arms])
    expected = counts.sum() * weights / weights.sum()
    one = fixed(counts.tolist(), weights.tolist())
    if min(expected) >= 5:
        peer = chisquare(counts, expected)
        assert one.statistic == pytest.approx(peer.statistic, rel=1e-9)
        assert one.p == pytest.approx(max(peer.pvalue, 5e-324), rel=1e-9, abs=5e-324)


def test_the_verdicts_of_the_fixed_check() -> None:
    assert fixed([5000, 5000], [1, 1]).mismatch is False
    gross = fixed([10**6, 0], [1, 1])
    assert (gross.mismatch, gross.p) == (True, 5e-324)
    assert fixed([9500, 500], [0.95, 0.05]).p == pytest.approx(1.0)
    for nothing in (fixed([0, 0], [1, 1]), fixed([10, 0], [1, 0]), fixed([3, 1, 1], [1, 1, 1])):
        assert (nothing.mismatch, nothing.p) == (None, None)
        assert nothing.reason
    small = fixed([8, 0], [1, 1])
    assert (small.p, small.method) == (pytest.approx(2 / 2**8), "binomial, exact")


@pytest.mark.parametrize(("k", "n"), [(0, 10), (10, 10), (3, 10), (5, 10), (480, 1000), (0, 0), (1, 5000)])
@pytest.mark.parametrize("share", [0.5, 0.1, 0.93])
def test_the_binomial_test_is_twice_the_smaller_tail(k: int, n: int, share: float) -> None:
    from scipy.stats import binom, binomtest

    tail = min(binom.cdf(k, n, share), binom.sf(k - 1, n, share))
    assert binomial_p(k, n, share) == pytest.approx(min(1.0, 2 * tail), rel=1e-9)
    if share == 0.5 and n:
        assert binomial_p(k, n, share) == pytest.approx(binomtest(k, n, share).pvalue, rel=1e-9)


def test_the_sequential_check_is_the_product_of_predictions() -> None:
    """By chance of each unit given those before it: Pólya's urn against the plan; the order does not matter."""
    added, weights, concentration = [[3, 5, 2], [0, 4, 1], [6, 0, 0]], [2, 1, 1], 7.0
    urn = np.array(weights) / 4 * concentration
    log, p, smallest = 0.0, [], 1.0
    for row in added:
        for arm, units in enumerate(row):
            for _ in range(units):
                log += math.log(urn[arm] / urn.sum()) - math.log(weights[arm] / 4)
                urn[arm] += 1
        smallest = min(smallest, math.exp(-log))
        p.append(smallest)
    assert sequential(added, weights, concentration).tolist() == pytest.approx(p, rel=1e-10)


def test_the_sequential_check_never_rises_and_is_never_zero() -> None:
    rng = np.random.default_rng(3)
    added = rng.multinomial(1000, [0.5, 0.3, 0.2], 3650)
    p = sequential(added, [5, 3, 2])
    assert p.shape == (3650,)
    assert (np.diff(p) <= 0).all()
    assert sequential([[10**9, 10**8]], [1, 1]).tolist() == [5e-324]
    assert sequential(np.zeros((0, 2)), [1, 1]).shape == (0,)


def test_a_leak_shows_from_its_day_on() -> None:
    p = sequential([[500, 500, 0], [510, 490, 1], [500, 500, 0]], [1, 1, 0])
    assert p[0] == 1.0
    assert p[1:].tolist() == [5e-324, 5e-324]


def test_units_of_several_arms_should_fall_evenly() -> None:
    even = imbalance([100, 110], [1, 1])
    assert even.imbalanced is False
    assert even.p == even.p_values[0] == pytest.approx(binomial_p(100, 210, 0.5))
    three = imbalance([200, 100, 100], [1, 1, 1])
    assert three.imbalanced is True
    assert three.p == pytest.approx(3 * binomial_p(200, 400, 1 / 3))
    leak = imbalance([10, 10, 1], [1, 1, 0])
    assert (leak.imbalanced, leak.p) == (True, 5e-324)
    for nothing in (imbalance([0, 0], [1, 1]), imbalance([5, 0], [1, 0])):
        assert (nothing.imbalanced, nothing.p) == (None, None)
        assert nothing.reason


def test_counts_that_are_none_are_errors() -> None:
    for counts, weights in (([1, 2], [1]), ([-1, 2], [1, 1]), ([1, 2], [-1, 1]), ([1, 2], [0, 0])):
        with pytest.raises(ValueError):
            fixed(counts, weights)
        with pytest.raises(ValueError):
            sequential([counts], weights)
    with pytest.raises(ValueError):
        sequential([[1, 2]], [1, 1], 0)
    with pytest.raises(ValueError):
        binomial_p(3, 2, 0.5)
