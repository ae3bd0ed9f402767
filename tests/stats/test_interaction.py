"""Factorial effects and interactions of tests against least squares on the units themselves (HC2 errors are Welch's)."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

from assay.model.moments import Moments
from assay.stats.interaction import Cell, between_tests, cell_contrast, factorial


def units(shape: tuple[int, ...], seed: int) -> tuple[list[tuple[int, ...]], Any, dict[tuple[int, ...], Cell]]:
    """Level of each factor and number of each unit, and the cells that they make."""
    rng = np.random.default_rng(seed)
    keys, y = [], []
    for key in product(*(range(n) for n in shape)):
        n = int(rng.integers(20, 60))
        keys += [key] * n
        y.append(rng.normal(sum(key) + key[0] * key[-1], 1 + key[0], n))
    values = np.concatenate(y)
    made = {}
    for key in set(keys):
        own = values[[k == key for k in keys]]
        made[key] = Cell(len(own), float(own.mean()), float(own.var(ddof=1)))
    return keys, values, made


def fitted(design: Any, y: Any) -> Any:
    import statsmodels.api as sm

    return sm.OLS(y, design).fit(cov_type="HC2")


@pytest.mark.parametrize("k", [1, 2, 3])
def test_factorial_effects_are_those_of_least_squares(k: int) -> None:
    keys, y, cells = units((2,) * k, k)
    signs = 2 * np.array(keys) - 1
    found = {one.name: one for one in factorial(cells, "abc"[:k])}
    sets = [s for s in product((0, 1), repeat=k) if any(s)]
    columns = [np.prod(signs[:, np.array(s) == 1], axis=1) for s in sets]
    peer = fitted(np.column_stack([np.ones(len(y)), *columns]), y)
    assert len(found) == 2**k - 1
    for i, chosen in enumerate(sets, start=1):
        one = found[" × ".join("abc"[j] for j in range(k) if chosen[j])]
        assert one.estimate.value == pytest.approx(2 * peer.params[i])
        assert one.standard_error == pytest.approx(2 * peer.bse[i])


def test_one_factor_is_welchs_test() -> None:
    from scipy.stats import ttest_ind

    keys, y, cells = units((2,), 9)
    own = np.array(keys)[:, 0]
    peer = ttest_ind(y[own == 1], y[own == 0], equal_var=False)
    (one,) = factorial(cells, ["offer"])
    assert (one.t, one.p, one.degrees) == pytest.approx((peer.statistic, peer.pvalue, peer.df))
    low, high = peer.confidence_interval(0.95)
    assert (one.estimate.low, one.estimate.high) == pytest.approx((low, high))


def test_an_order_leaves_higher_interactions_out() -> None:
    _, _, cells = units((2, 2, 2), 4)
    assert [one.name for one in factorial(cells, "abc", order=1)] == ["a", "b", "c"]


@pytest.mark.parametrize("shape", [(2, 2), (2, 3), (3, 4)])
def test_two_tests_at_once_are_the_wald_test_of_all_products(shape: tuple[int, int]) -> None:
    keys, y, cells = units(shape, sum(shape))
    found = between_tests([[cells[i, j] for j in range(shape[1])] for i in range(shape[0])])
    rows, columns = np.array(keys).T
    a = [(rows == i).astype(float) for i in range(1, shape[0])]
    b = [(columns == j).astype(float) for j in range(1, shape[1])]
    both = [p * q for p in a for q in b]
    peer = fitted(np.column_stack([np.ones(len(y)), *a, *b, *both]), y)
    pick = np.eye(len(peer.params))[-len(both) :]
    wald = peer.wald_test(pick, scalar=True, use_f=False)
    assert found.degrees == len(both)
    assert found.statistic == pytest.approx(float(wald.statistic), rel=1e-9)
    flat = [one for row in found.differences for one in row]
    assert [one.estimate.value for one in flat] == pytest.approx(peer.params[-len(both) :].tolist())
    assert [one.standard_error for one in flat] == pytest.approx(peer.bse[-len(both) :].tolist())
    if len(both) == 1:
        assert found.p == flat[0].p
    else:
        assert found.p == pytest.approx(float(wald.pvalue), rel=1e-9)


def test_a_cell_comes_from_moments() -> None:
    assert Cell.of(Moments(("x",), 4, (10.0,), (30.0,))) == Cell(4, 2.5, pytest.approx(5 / 3))


def test_what_cannot_be_said_has_a_reason() -> None:
    full, single, empty, flat = (
        Cell(10, 1.0, 1.0),
        Cell(1, 2.0, float("nan")),
        Cell(0, float("nan"), 0.0),
        Cell(9, 1.0, 0.0),
    )
    one = cell_contrast([full, single], [1, -1])
    assert (one.estimate.value, one.estimate.low, one.p) == (-1.0, None, None)
    assert cell_contrast([full, empty], [1, -1]).estimate.value is None
    assert cell_contrast([flat, flat], [1, -1]).estimate.reason
    assert cell_contrast([full, empty], [1, 0]).estimate.value == 1.0
    for cells in (
        [[full, full], [full, single]],
        [[flat, flat], [flat, flat]],
        [[full, flat, flat], [flat, flat, flat]],
    ):
        found = between_tests(cells)
        assert found.p is None
        assert found.reason
    strong = between_tests([[Cell(10**6, 0, 1e-6), Cell(10**6, 9, 1e-6), full], [full, full, full]])
    assert strong.p is not None
    assert strong.p > 0


def test_what_is_no_table_is_an_error() -> None:
    full = Cell(10, 1.0, 1.0)
    for work in (
        lambda: factorial({(0,): full}, ["a"]),
        lambda: factorial({}, []),
        lambda: between_tests([[full, full]]),
        lambda: between_tests([[full, full], [full]]),
        lambda: cell_contrast([full], [1, -1]),
    ):
        with pytest.raises(ValueError):
            work()
