"""Tests and intervals by name, to compare with other tools; verdicts come from ``Contrast``."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from assay.model.moments import Moments
from assay.stats.contrast import MeanContrast, NoContrast, Side, p_of, welch_freedom
from assay.stats.linear import linearised, variance
from assay.stats.means import compare_means, unfit
from assay.stats.proportions import wilson
from assay.stats.tails import LEAST_P, critical_value

Ordering = Literal["pooled", "unpooled"]


@dataclass(frozen=True)
class NamedTest:
    """What a test of that name says: ``p`` > 0, and what it has of statistic, estimate, its error and an interval.

    ``estimate``, ``low`` and ``high`` are a difference of shares, or a lift as a fraction where the name says so.
    """

    name: str
    p: float
    statistic: float | None = None
    estimate: float | None = None
    standard_error: float | None = None
    low: float | None = None
    high: float | None = None
    level: float = 0.95


def pooled_z(
    x_control: int, n_control: int, x_treatment: int, n_treatment: int, yates: bool = False, level: float = 0.95
) -> NamedTest | NoContrast:
    """Two-proportion z-test with the pooled variance, two-sided; ``yates``: |difference| less ½(1/n₁ + 1/n₀).

    The interval is difference ± z·(pooled error), with Yates wider by the correction. Its square is Pearson's χ².
    Source: A. Agresti, Categorical Data Analysis (2013) §3.1; F. Yates, J. R. Stat. Soc. Suppl. 1 (1934) 217–235.
    """
    if not n_control or not n_treatment:
        return NoContrast("an arm has no units", "empty_arm")
    pooled = (x_control + x_treatment) / (n_control + n_treatment)
    error = math.sqrt(pooled * (1 - pooled) * (1 / n_control + 1 / n_treatment))
    if error == 0:
        return NoContrast("all units are alike", "no_variance")
    difference = x_treatment / n_treatment - x_control / n_control
    correction = (1 / n_control + 1 / n_treatment) / 2 if yates else 0.0
    z = math.copysign(max(abs(difference) - correction, 0.0), difference) / error
    half = critical_value(level) * error + correction
    name = "pooled z with Yates' correction" if yates else "pooled z"
    return NamedTest(name, p_of(z, "two"), z, difference, error, difference - half, difference + half, level)


def fisher(x_control: int, n_control: int, x_treatment: int, n_treatment: int, side: Side = "two") -> NamedTest:
    """Fisher's exact conditional test; two-sided: all tables that are no more likely than the observed one.

    Source: R. A. Fisher, J. R. Stat. Soc. 98 (1935) 39–82.
    """
    from scipy.stats import fisher_exact

    found = fisher_exact(_table(x_control, n_control, x_treatment, n_treatment), _alternative(side))
    return NamedTest("Fisher's exact test", max(float(found.pvalue), LEAST_P))


def barnard(
    x_control: int,
    n_control: int,
    x_treatment: int,
    n_treatment: int,
    side: Side = "two",
    ordering: Ordering = "pooled",
) -> NamedTest:
    """Barnard's exact unconditional test, tables ordered by the z statistic with pooled or unpooled variance.

    Source: G. A. Barnard, Biometrika 34 (1947) 123–138.
    """
    from scipy.stats import barnard_exact

    table = _table(x_control, n_control, x_treatment, n_treatment)
    found = barnard_exact(table, alternative=_alternative(side), pooled=ordering == "pooled")
    return NamedTest(f"Barnard's exact test, {ordering}", max(float(found.pvalue), LEAST_P), float(found.statistic))


def boschloo(x_control: int, n_control: int, x_treatment: int, n_treatment: int, side: Side = "two") -> NamedTest:
    """Boschloo's exact unconditional test, tables ordered by Fisher's p-value; two-sided: twice the smaller side.

    Source: R. D. Boschloo, Statistica Neerlandica 24 (1970) 1–35.
    """
    from scipy.stats import boschloo_exact

    found = boschloo_exact(_table(x_control, n_control, x_treatment, n_treatment), alternative=_alternative(side))
    return NamedTest("Boschloo's exact test", max(float(found.pvalue), LEAST_P), float(found.statistic))


def newcombe(
    x_control: int, n_control: int, x_treatment: int, n_treatment: int, level: float = 0.95
) -> tuple[float, float]:
    """Hybrid score interval of a difference of shares from the Wilson intervals of the arms.

    Source: R. G. Newcombe, Statistics in Medicine 17 (1998) 873–890, method 10. ValueError without units.
    """
    control, treatment = wilson(x_control, n_control, level), wilson(x_treatment, n_treatment, level)
    if control.low is None or control.high is None or treatment.low is None or treatment.high is None:
        raise ValueError("an arm has no units")
    p0, p1 = x_control / n_control, x_treatment / n_treatment
    down = math.hypot(p1 - treatment.low, control.high - p0)
    up = math.hypot(treatment.high - p1, p0 - control.low)
    return p1 - p0 - down, p1 - p0 + up


def welch_t(control: Moments, treatment: Moments, x: str = "x") -> MeanContrast | NoContrast:
    """Welch's t-test of two means: ``compare_means`` by its other name."""
    return compare_means(control, treatment, x)


def pooled_t(control: Moments, treatment: Moments, x: str = "x") -> MeanContrast | NoContrast:
    """Student's t-test of two means with the pooled variance."""
    return compare_means(control, treatment, x, equal_var=True)


def delta_lift(contrast: MeanContrast, level: float = 0.95, at: float | None = None) -> NamedTest | NoContrast:
    """Lift with the linear delta-method error that other tools use: another test than that of the difference.

    Variance (V − 2ρK + ρ²W)/B² at the estimated lift ρ, letters as in ``MeanContrast``; ``at``: at another lift (with
    CUPED, some take the unadjusted one). Without an effect it finds too many losers and too few winners, so no verdict
    here rests on it. ``NoContrast`` ``no_base``: base not above zero.
    """
    lift = contrast.lift
    if lift is None:
        return NoContrast("the control's value is not above zero", "no_base")
    at = lift if at is None else at
    spread = contrast.variance - 2 * at * contrast.covariance + at * at * contrast.base_variance
    error = math.sqrt(spread) / contrast.base
    half = critical_value(level, "two", contrast.freedom) * error
    p = p_of(lift / error, "two", contrast.freedom)
    return NamedTest("linear delta method, lift", p, lift / error, lift, error, lift - half, lift + half, level)


def log_ratio_lift(
    control: Moments,
    treatment: Moments,
    x: str = "x",
    y: str | None = None,
    level: float = 0.95,
    side: Side = "two",
    equal_var: bool = False,
    normal: bool = False,
) -> NamedTest | NoContrast:
    """Lift from the logarithm of treatment / control of two means (with ``y``: two ratios of sums).

    Variances sₐ²/(nₐ·valueₐ²), Student's t with Welch's degrees of freedom from them. ``equal_var``: pooled,
    ``normal``: neither. ``standard_error`` is that of the logarithm. ``NoContrast``: as for means, and ``no_base``
    unless both values are above zero.
    """
    bad = unfit(control, treatment, x, y)
    if bad is not None:
        return bad
    arms = [(arm.n, *linearised(arm, x, y)) for arm in (control, treatment)]
    if min(value for _, value, _ in arms) <= 0:
        return NoContrast("a logarithm needs values above zero in both arms", "no_base")
    spread = [variance(arm, part) / v**2 for arm, (_, v, part) in zip((control, treatment), arms, strict=True)]
    (n0, base, _), (n1, value, _) = arms
    if sum(spread) == 0:
        return NoContrast("all units are alike", "no_variance")
    if equal_var:
        spread = [((n0 - 1) * spread[0] + (n1 - 1) * spread[1]) / (n0 + n1 - 2)] * 2
    parts = [(spread[0] / n0, n0), (spread[1] / n1, n1)]
    freedom = math.inf if normal else float(n0 + n1 - 2) if equal_var else welch_freedom(parts)
    ratio, error = value / base, math.sqrt(parts[0][0] + parts[1][0])
    half = critical_value(level, side, freedom) * error
    low = None if side == "less" else ratio * math.exp(-half) - 1
    high = None if side == "greater" else ratio * math.exp(half) - 1
    z = math.log(ratio) / error
    return NamedTest("log ratio, lift", p_of(z, side, freedom), z, ratio - 1, error, low, high, level)


def _table(x_control: int, n_control: int, x_treatment: int, n_treatment: int) -> list[list[int]]:
    """Columns are the arms, treatment first, so that "greater" means a larger treatment share."""
    return [[x_treatment, x_control], [n_treatment - x_treatment, n_control - x_control]]


def _alternative(side: Side) -> str:
    return {"two": "two-sided", "greater": "greater", "less": "less"}[side]
