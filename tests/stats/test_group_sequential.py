"""Group-sequential bounds: against published tables, adaptive quadrature and the error they are to spend."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtr, ndtri

from assay.stats.group_sequential import (
    bounds,
    crossing,
    drift_for,
    expected_fraction,
    inflation,
    obrien_fleming,
    power,
    power_family,
    repeated_p,
)

FIVE = [0.2, 0.4, 0.6, 0.8, 1.0]


def test_the_published_bounds_of_five_looks() -> None:
    """O'Brien–Fleming type, α 0.05 two-sided: K. K. G. Lan and DeMets's program (ld98, ldbounds) prints these."""
    assert bounds(FIVE).bounds == pytest.approx((4.8769, 3.3569, 2.6803, 2.2898, 2.0310), abs=2e-4)


def test_one_look_is_the_quantile() -> None:
    assert bounds([1.0], 0.05).bounds[0] == pytest.approx(-ndtri(0.025), rel=1e-14)
    assert bounds([1.0], 0.05, sides=1).bounds[0] == pytest.approx(-ndtri(0.05), rel=1e-14)
    assert inflation(bounds([1.0])) == pytest.approx(1.0, rel=1e-9)


@pytest.mark.parametrize("sides", [1, 2])
@pytest.mark.parametrize("fractions", [(0.01, 0.02, 0.5), (0.3, 0.31, 1.0), (0.5, 0.75, 1.0)])
@pytest.mark.parametrize("alpha", [0.05, 1e-6])
def test_what_the_first_three_looks_spend_by_adaptive_quadrature(
    sides: int, fractions: tuple[float, ...], alpha: float
) -> None:
    from scipy.integrate import dblquad, quad

    t1, t2, t3 = fractions
    made = bounds(fractions, alpha, power_family(2), sides)
    e1, e2, e3 = (b * math.sqrt(t) for b, t in zip(made.bounds, fractions, strict=True))
    d2, d3 = math.sqrt(t2 - t1), math.sqrt(t3 - t2)

    def density(x: float, deviation: float) -> float:
        return math.exp(-x * x / (2 * deviation**2)) / (deviation * math.sqrt(2 * math.pi))

    def tail(x: float, edge: float, deviation: float) -> float:
        return float(ndtr((x - edge) / deviation) + (ndtr((-edge - x) / deviation) if sides == 2 else 0.0))

    low1, low2 = (-e1, -e2) if sides == 2 else (-9 * math.sqrt(t1), -9 * math.sqrt(t2))
    second = quad(
        lambda x: density(x, math.sqrt(t1)) * tail(x, e2, d2), low1, e1, epsabs=0, epsrel=1e-11, limit=300,
        points=[e1 - d2 / 2, e1 - 2 * d2] if e1 - 2 * d2 > low1 else None,
    )[0]  # fmt: skip
    assert second == pytest.approx(made.spent[1] - made.spent[0], rel=1e-8)
    if alpha > 1e-3 and d3 > 0.3:
        third = dblquad(
            lambda x, w: density(w, math.sqrt(t1)) * density(x - w, d2) * tail(x, e3, d3), low1, e1, low2, e2,
            epsabs=1e-11, epsrel=1e-9,
        )[0]  # fmt: skip
        assert third == pytest.approx(made.spent[2] - made.spent[1], rel=1e-6)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(
    st.lists(st.floats(0.02, 1.0), min_size=1, max_size=8, unique=True),
    st.floats(1e-8, 0.3),
    st.sampled_from([1, 2]),
    st.sampled_from([obrien_fleming, power_family(1), power_family(3)]),
)
def test_the_chances_to_cross_are_what_is_spent(
    fractions: list[float], alpha: float, sides: int, spending: Any
) -> None:
    times = sorted(round(t, 3) for t in fractions)
    times = sorted(set(times))
    made = bounds(times, alpha, spending, sides, last=True)
    above, below = crossing(times, made.bounds, 0.0, sides)
    assert math.fsum(above) + math.fsum(below) == pytest.approx(alpha, rel=1e-9)
    assert made.spent[-1] == pytest.approx(alpha, rel=1e-12)
    if sides == 2:
        assert above == pytest.approx(below, rel=1e-9, abs=1e-300)


def test_past_bounds_do_not_change_with_looks_to_come() -> None:
    assert bounds([0.3, 0.5, 0.9], 0.05).bounds[:2] == pytest.approx(
        bounds([0.3, 0.5, 0.51], 0.05).bounds[:2], rel=1e-12
    )


def test_overrun_spends_what_is_left_and_nothing_after_it() -> None:
    over = bounds([0.5, 1.2, 1.3], 0.05)
    assert over.spent[1:] == pytest.approx((0.05, 0.05))
    assert over.bounds[2] == math.inf
    assert over.bounds[1] > bounds([0.5, 1.0], 0.05).bounds[1]  # the looks are less correlated
    above, below = crossing([0.5, 1.2], over.bounds[:2])
    assert math.fsum(above + below) == pytest.approx(0.05, rel=1e-10)


def test_a_last_look_that_comes_early_spends_what_is_left() -> None:
    plain, last = bounds([0.5, 0.8], 0.05), bounds([0.5, 0.8], 0.05, last=True)
    assert plain.spent[-1] < 0.05 == last.spent[-1]
    assert last.bounds[-1] < plain.bounds[-1]


def test_two_sides_are_one_side_of_half_the_error() -> None:
    assert bounds(FIVE, 0.05).bounds == pytest.approx(bounds(FIVE, 0.025, sides=1).bounds, rel=1e-9)


def test_power_of_one_look_is_the_normal_formula() -> None:
    for drift in (0.0, 1.0, 3.0):
        assert power([1.0], [1.96], drift) == pytest.approx(ndtr(drift - 1.96), rel=1e-12)
    assert drift_for([1.0], [1.96], 0.8) == pytest.approx(1.96 + ndtri(0.8), rel=1e-9)


def test_more_looks_cost_units_and_end_tests_sooner() -> None:
    flat, late = bounds(FIVE, 0.05, power_family(1)), bounds(FIVE, 0.05)
    assert 1 < inflation(late) < inflation(flat) < 1.2
    drift = drift_for(FIVE, late.bounds, 0.8)
    assert expected_fraction(flat, drift) < expected_fraction(late, drift) < expected_fraction(late) < 1


@pytest.mark.parametrize("sides", [1, 2])
def test_the_p_value_of_the_looks_is_the_error_at_which_they_would_just_have_stopped(sides: int) -> None:
    z = [1.0, 2.0, 2.4, 2.1, 1.5]
    p = repeated_p(FIVE, z, sides=sides)
    assert any(a >= b for a, b in zip(z, bounds(FIVE, p * 1.0001, sides=sides).bounds, strict=True))
    assert all(a < b for a, b in zip(z, bounds(FIVE, p * 0.9999, sides=sides).bounds, strict=True))
    assert repeated_p(FIVE[:3], z[:3], sides=sides) >= p
    assert repeated_p(FIVE, [-v for v in z], sides=sides) == (pytest.approx(p) if sides == 2 else 1.0)


def test_p_values_have_a_floor_and_a_ceiling() -> None:
    assert 0 < repeated_p([0.5, 1.0], [0.0, 60.0]) < 1e-200
    assert repeated_p([0.5, 1.0], [0.0, 0.0]) == 1.0
    assert repeated_p([0.5, 1.0], [math.nan, math.nan]) == 1.0


@pytest.mark.parametrize(
    "work",
    [
        lambda: bounds([]),
        lambda: bounds([0.5, 0.5]),
        lambda: bounds([0.0, 0.5]),
        lambda: bounds([1.0], 0.6, sides=1),
        lambda: bounds([1.0], sides=3),
        lambda: bounds([1.0], spending="pocock"),
        lambda: power_family(0),
        lambda: crossing([0.5, 1.0], [2.0]),
        lambda: repeated_p([0.5, 1.0], [2.0]),
        lambda: drift_for([1.0], [1.96], 0.01),
    ],
)
def test_what_is_no_design_is_an_error(work: Any) -> None:
    with pytest.raises(ValueError):
        work()
