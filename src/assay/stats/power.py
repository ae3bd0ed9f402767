"""How many units a test needs, what it finds with those it has, and how small a difference it can find.

Everywhere ``n`` is the number of control units, ``ratio`` the treatment units for each of them, ``power`` the chance to
find the difference asked for, ``sides`` 1 or 2. Sizes are exact numbers: round them up. What a metric's units
contribute is the variance of one unit's number: p(1 − p) for rates, σ² for means, ``unit_variance`` for ratios,
``cuped_variance`` with a covariate. For looks on the way multiply by an inflation. Guardrails, several metrics or arms:
``design``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from assay.model.moments import Moments

    Floats = NDArray[Any]

_NORMAL = NormalDist()


def detectable(
    variance: float,
    n_per_arm: float,
    alpha: float = 0.05,
    power: float = 0.8,
    sides: int = 2,
    ratio: float = 1.0,
    variance_treatment: float | None = None,
) -> float:
    """Smallest absolute difference of two means that a test finds with ``power``; infinite without units.

    (z₁₋α⸝sides + z_power)·√(σ₀²/n + σ₁²/(ratio·n)); ``variance`` σ₀² is of one unit's number, σ₁² the same in treatment
    unless given. Source: S.-C. Chow, J. Shao, H. Wang, Sample Size Calculations in Clinical Research, §3.2.
    """
    if n_per_arm <= 0:
        return math.inf
    spread = _spread(variance, variance_treatment, ratio)
    return (z_critical(alpha, sides) + _NORMAL.inv_cdf(power)) * math.sqrt(spread / n_per_arm)


def size(
    effect: float,
    variance: float,
    alpha: float = 0.05,
    power: float = 0.8,
    sides: int = 2,
    ratio: float = 1.0,
    variance_treatment: float | None = None,
) -> float | None:
    """Control units to find an absolute ``effect``, normal form: (z₁₋α⸝sides + z_power)²·(σ₀² + σ₁²/ratio)/effect².

    For any metric with a variance per unit. None: there is no effect to be found. Source: Chow, Shao and Wang, §3.2.
    """
    if effect == 0:
        return None
    spread = _spread(variance, variance_treatment, ratio)
    return (z_critical(alpha, sides) + _NORMAL.inv_cdf(power)) ** 2 * spread / effect**2


def power_of(
    effect: float,
    variance: float,
    n: float,
    alpha: float = 0.05,
    sides: int = 2,
    ratio: float = 1.0,
    variance_treatment: float | None = None,
) -> float:
    """Chance to find an absolute ``effect`` on its own side, normal form: Φ(|effect|/se − z₁₋α⸝sides). 0 without units.

    Source: Chow, Shao and Wang, §3.2.
    """
    if n <= 0:
        return 0.0
    spread = _spread(variance, variance_treatment, ratio)
    return _NORMAL.cdf(abs(effect) / math.sqrt(spread / n) - z_critical(alpha, sides))


def sample_size(before: float, after: float, alpha: float = 0.05, power: float = 0.8) -> int | None:
    """Units per arm, a whole number, of ``proportions_size`` with equal arms; None where the shares are equal."""
    exact = proportions_size(before, after, alpha, power)
    return None if exact is None else math.ceil(exact)


def proportions_size(
    before: float,
    after: float,
    alpha: float = 0.05,
    power: float = 0.8,
    sides: int = 2,
    ratio: float = 1.0,
    variance: str = "pooled",
) -> float | None:
    """Control units that a test needs to tell the share ``after`` from ``before``; None where they are equal.

    (z₁₋α⸝sides·√v₀ + z_power·√v₁)² / (p₁ − p₂)² with v₁ = p₁q₁ + p₂q₂/ratio. ``variance`` says which v₀ the test is
    taken to have: ``pooled`` p̄q̄(1 + 1/ratio), p̄ the mean share of all units (J. L. Fleiss, Statistical Methods for
    Rates and Proportions, §3.2, without the correction for continuity; R's power.prop.test), ``baseline`` p₁q₁(1 +
    1/ratio) (the formula of Evan Miller's calculator), ``unpooled`` v₁. ValueError for shares outside [0, 1] or another
    name.
    """
    if before == after:
        return None
    null, alternative = _share_variances(before, after, ratio, variance)
    wanted = z_critical(alpha, sides) * math.sqrt(null) + _NORMAL.inv_cdf(power) * math.sqrt(alternative)
    return (wanted / (before - after)) ** 2


def proportions_power(
    n: float,
    before: float,
    after: float,
    alpha: float = 0.05,
    sides: int = 2,
    ratio: float = 1.0,
    variance: str = "pooled",
) -> float:
    """Chance to find that the share is ``after`` and not ``before``, on its side: the inverse of ``proportions_size``.

    As R's power.prop.test with strict = FALSE. Same names, errors and sources as there. 0 without units.
    """
    null, alternative = _share_variances(before, after, ratio, variance)
    if n <= 0:
        return 0.0
    above = math.sqrt(n) * abs(before - after) - z_critical(alpha, sides) * math.sqrt(null)
    if alternative == 0:
        return 1.0 if above > 0 else 0.0
    return _NORMAL.cdf(above / math.sqrt(alternative))


def proportions_detectable(
    n: float,
    before: float,
    alpha: float = 0.05,
    power: float = 0.8,
    sides: int = 2,
    ratio: float = 1.0,
    variance: str = "pooled",
    direction: str = "up",
) -> float | None:
    """The nearest share above ("up") or below ("down") ``before`` that is found with ``power``.

    By root search on ``proportions_power``. None: not even 0 or 1 would be found with so few units.
    """
    from scipy.optimize import brentq

    end = {"up": 1.0, "down": 0.0}[direction]

    def lacking(after: float) -> float:
        return proportions_power(n, before, after, alpha, sides, ratio, variance) - power

    near = before + (end - before) * 1e-12
    if near == end or lacking(end) < 0:
        return None
    return float(brentq(lacking, near, end, xtol=1e-14, rtol=1e-14))


def means_size(
    effect: float,
    deviation: float,
    alpha: float = 0.05,
    power: float = 0.8,
    sides: int = 2,
    ratio: float = 1.0,
    mean: float | None = None,
) -> float | None:
    """Control units to find a difference of two means by Student's t with a common ``deviation``; None without effect.

    ``mean`` given: ``effect`` is relative to that control mean. The n at which ``means_power`` is ``power``, by root
    search.
    """
    from scipy.optimize import brentq

    wanted = effect if mean is None else effect * mean
    start = size(wanted, deviation**2, alpha, power, sides, ratio)
    if start is None:
        return None
    least = max(2.0, 2 / ratio)

    def lacking(log_n: float) -> float:
        return means_power(math.exp(log_n), wanted, deviation, alpha, sides, ratio) - power

    if lacking(math.log(least)) >= 0:
        return least
    high = max(start, least) * 1.5
    while lacking(math.log(high)) < 0:
        high *= 2
    return math.exp(float(brentq(lacking, math.log(least), math.log(high), xtol=1e-14, rtol=1e-14)))


def means_power(
    n: float,
    effect: float,
    deviation: float,
    alpha: float = 0.05,
    sides: int = 2,
    ratio: float = 1.0,
    mean: float | None = None,
) -> float:
    """Chance that Student's t rejects: P(T > c) + P(T < −c) (two-sided), T noncentral with effect / standard error.

    c = the t quantile with n·(1 + ratio) − 2 degrees of freedom. ``mean`` as in ``means_size``. 0 below two units an
    arm. Source: J. Cohen, Statistical Power Analysis for the Behavioral Sciences (1988) §2; the tails by
    ``noncentral_t_sf``.
    """
    from scipy.special import stdtrit

    if min(n, ratio * n) < 2:
        return 0.0
    shift = abs(effect if mean is None else effect * mean) / (deviation * math.sqrt((1 + 1 / ratio) / n))
    freedom = n * (1 + ratio) - 2
    cut = -float(stdtrit(freedom, alpha / sides))
    found = noncentral_t_sf(cut, freedom, shift)
    return min(1.0, found + (noncentral_t_sf(cut, freedom, -shift) if sides == 2 else 0.0))


def means_detectable(
    n: float,
    deviation: float,
    alpha: float = 0.05,
    power: float = 0.8,
    sides: int = 2,
    ratio: float = 1.0,
    mean: float | None = None,
) -> float | None:
    """Smallest effect > 0 that ``means_power`` finds with ``power``; relative where ``mean`` is given.

    None: fewer than two units an arm, or a control mean of 0 to be relative to.
    """
    from scipy.optimize import brentq

    if min(n, ratio * n) < 2 or mean == 0:
        return None
    high = detectable(deviation**2, n, alpha, power, sides, ratio) * 2

    def lacking(effect: float) -> float:
        return means_power(n, effect, deviation, alpha, sides, ratio) - power

    while lacking(high) < 0:
        high *= 2
    found = float(brentq(lacking, 0.0, high, xtol=1e-14 * high, rtol=1e-14))
    return found if mean is None else found / abs(mean)


def noncentral_t_sf(t: float, freedom: float, shift: float) -> float:
    """P(T > t) of Student's t with noncentrality ``shift``, with full relative precision in both tails.

    T = (Z + shift)/S, so it is E[Φ(shift − t·S)], S² = χ²/freedom: Gauss–Legendre in log S. (Libraries get the far
    left tail from differences, which ends in no number.) Source: the definition; N. L. Johnson, S. Kotz,
    N. Balakrishnan, Continuous Univariate Distributions 2 (1995) §31.
    """
    import numpy as np
    from scipy.special import ndtr

    deviation = 1 / math.sqrt(2 * freedom)
    left = 10 * deviation + (45 / freedom) * 2.0 ** np.arange(0.0, -7.0, -1.0)
    edges = np.concatenate((-left, deviation * np.arange(-10.0, 11.0)))
    nodes, weights = np.polynomial.legendre.leggauss(16)
    half = np.diff(edges)[:, None] / 2
    y, weight = (edges[:-1, None] + half * (1 + nodes)).ravel(), (half * weights).ravel()
    density = weight * np.exp(-freedom * (np.expm1(2 * y) - 2 * y) / 2)
    return float(density @ ndtr(shift - t * np.exp(y)) / density.sum())


def unit_variance(moments: Moments, x: str = "x", y: str = "y") -> float:
    """Variance that one unit contributes to the ratio Σx / Σy: n·Var(ratio) by the delta method; NaN where it has none.

    Put it in as ``variance`` wherever n counts units of independence. Source: A. Deng, U. Knoblich, J. Lu, arXiv
    1803.06336.
    """
    from assay.stats.ratios import ratio_variance

    return moments.n * ratio_variance(moments, x, y)


def cuped_variance(variance: float, correlation: float) -> float:
    """Variance left after a covariate with this correlation: σ²(1 − ρ²). Source: A. Deng et al., WSDM 2013."""
    if not -1 <= correlation <= 1:
        raise ValueError(f"a correlation of {correlation} is none")
    return variance * (1 - correlation**2)


@cache
def always_valid_inflation(alpha: float = 0.05, power: float = 0.8, sides: int = 2, looks: int = 28) -> float:
    """Units of an always-valid test over those of one look at the end with the same error and power: > 1.

    A confidence sequence (``sequential``) tuned to the planned end and looked at ``looks`` times at equal distances.
    The drift with which it is crossed by the end with ``power`` comes from the recursion of ``group_sequential``;
    inflation is (drift / (z₁₋α⸝sides + z_power))². With one look: ((critical + z_power) / (z₁₋α⸝sides + z_power))².
    """
    from assay.stats.group_sequential import drift_for
    from assay.stats.sequential import critical, tuning_for

    fractions = [look / looks for look in range(1, looks + 1)]
    bounds = critical(fractions, alpha, tuning_for(1.0, alpha, sides), sides).tolist()
    once = z_critical(alpha, sides) + _NORMAL.inv_cdf(power)
    return (drift_for(fractions, bounds, power, sides) / once) ** 2


def group_sequential_inflation(
    fractions: Sequence[float],
    alpha: float = 0.05,
    power: float = 0.8,
    spending: str = "obrien_fleming",
    sides: int = 2,
) -> float:
    """Most units of a test with these looks over those of one look at the end: ``group_sequential.inflation``."""
    from assay.stats.group_sequential import bounds
    from assay.stats.group_sequential import inflation as of_design

    return of_design(bounds(fractions, alpha, spending, sides), power)


def z_critical(alpha: float, sides: int) -> float:
    """Normal quantile z₁₋α⸝sides. ValueError for an α outside (0, 1) or other sides than 1 or 2."""
    if sides not in (1, 2) or not 0 < alpha < 1:
        raise ValueError(f"an error rate of {alpha} with {sides} sides is none")
    return -_NORMAL.inv_cdf(alpha / sides)


def _spread(variance: float, variance_treatment: float | None, ratio: float) -> float:
    if not ratio > 0:
        raise ValueError(f"a ratio of {ratio} treatment units for one of control is none")
    return variance + (variance if variance_treatment is None else variance_treatment) / ratio


def _share_variances(before: float, after: float, ratio: float, name: str) -> tuple[float, float]:
    """n times the variance of the difference under the null, and under the alternative."""
    if not (0 <= before <= 1 and 0 <= after <= 1):
        raise ValueError(f"{before} and {after} are no shares")
    alternative = _spread(before * (1 - before), after * (1 - after), ratio)
    middle = (before + ratio * after) / (1 + ratio)
    null = {
        "pooled": _spread(middle * (1 - middle), None, ratio),
        "baseline": _spread(before * (1 - before), None, ratio),
        "unpooled": alternative,
    }
    if name not in null:
        raise ValueError(f"no variance {name}: {', '.join(null)}")
    return null[name], alternative
