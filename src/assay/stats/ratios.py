"""Ratios of sums over independent units: means, rates of sessions, order values. One formula, the delta method."""

from __future__ import annotations

import math
from decimal import Decimal

from assay.model.estimate import Estimate
from assay.model.moments import Moments, Number
from assay.stats.contrast import MeanContrast, NoContrast
from assay.stats.means import contrast_of
from assay.stats.normal import t_two_sided


def ratio(moments: Moments, x: str = "x", y: str = "y", level: float = 0.95) -> Estimate:
    """Σx / Σy with units of independence as clusters.

    Variance (Sxx − 2·r·Sxy + r²·Syy) · n / (Σy)², S = sample covariances per unit; Student's t with n − 1 degrees of
    freedom. With y = 1 for every unit this is the ordinary mean and its standard error. Source: W. G. Cochran, Sampling
    Techniques (1977) §6.3; for sessions clustered by visitor A. Deng, U. Knoblich, J. Lu, arXiv 1803.06336.
    No value when Σy = 0; no interval with fewer than two units, or when all are alike.
    """
    top, below = moments.sum(x), moments.sum(y)
    if below == 0:
        return Estimate.none("nothing to divide by", top, below)
    value = quotient(top, below)
    variance = ratio_variance(moments, x, y)
    if math.isnan(variance):
        return Estimate(value, None, None, level, "delta", moments.n, top, below, reason="one unit has no variance")
    if variance == 0:
        return Estimate(value, None, None, level, "delta", moments.n, top, below, reason="all units are alike")
    half = t_two_sided(level, moments.n - 1) * math.sqrt(variance)
    return Estimate(value, float(value) - half, float(value) + half, level, "delta", moments.n, top, below, variance)


def ratio_variance(moments: Moments, x: str = "x", y: str = "y") -> float:
    """Variance of Σx / Σy; not a number with fewer than two units or Σy = 0."""
    n, top, below = moments.n, float(moments.sum(x)), float(moments.sum(y))
    if n < 2 or below == 0:
        return math.nan
    r = top / below
    xx, xy, yy = moments.product(x, x), moments.product(x, y), moments.product(y, y)
    # The sums of x − r·y are zero, so the spread around them needs no correction by the mean.
    spread = (xx - 2 * r * xy + r * r * yy) / (n - 1)
    alike = spread <= 1e-12 * max(xx, r * r * yy)  # what is left of equal numbers by rounding
    return 0.0 if alike else spread * n / below**2


def quotient(top: Number, below: Number) -> float | Decimal:
    """Exact to ten digits after the point where either is money, a double otherwise."""
    if isinstance(top, Decimal) or isinstance(below, Decimal):
        return (Decimal(top) / Decimal(below)).quantize(Decimal("1e-10"))
    return top / below


def ratio_moments_from(
    n: int,
    x_sum: Number,
    x_sumsq: float,
    y_sum: Number,
    y_sumsq: float,
    xy_sum: float,
    names: tuple[str, str] = ("x", "y"),
) -> Moments:
    """Moments of numerator and denominator per unit from sufficient statistics: units, Σx, Σx², Σy, Σy², Σxy."""
    return Moments(names, n, (x_sum, y_sum), (float(x_sumsq), float(xy_sum), float(y_sumsq)))


def compare_ratios(
    control: Moments, treatment: Moments, x: str = "x", y: str = "y", equal_var: bool = False
) -> MeanContrast | NoContrast:
    """Σx/Σy of treatment − that of control; the units of ``Moments`` are those that were assigned to the arms.

    Delta method: each arm's variance is that of (x − r·y)/ȳ per unit (n − 1 below) over its units, so sessions or
    orders of one unit are not taken for independent. Degrees of freedom and ``equal_var`` as for means.
    Source: A. Deng, U. Knoblich, J. Lu, KDD 2018 (arXiv 1803.06336) §3; W. G. Cochran, Sampling Techniques (1977) §6.3.
    ``NoContrast``: ``empty_arm``, ``one_unit``, ``no_denominator``, ``no_events``, ``no_variance``.
    """
    return contrast_of(control, treatment, x, y, equal_var)
