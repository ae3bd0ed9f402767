"""CUPED: a comparison with the noise that a covariate from before the experiment explains taken out."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from assay.model.moments import Moments
from assay.stats.contrast import MeanContrast, NoContrast, welch_freedom
from assay.stats.linear import Combination, covariance, linearised, variance
from assay.stats.means import contrast_of, unfit


@dataclass(frozen=True)
class CupedHealth:
    """What an adjustment has done, and whether it can be trusted.

    ``theta``: metric per unit of covariate. ``correlation`` of the two over all units. ``variance_reduction``: share of
    the difference's variance that is gone (negative: it grew). ``pre_difference`` of the covariate between the arms
    with its ``pre_p`` (None: it cannot be tested): assigned at random, it is noise. ``sign_flip``: adjusted and
    unadjusted difference point in opposite directions. ``same_verdict``: both significant in the same direction, or
    neither. ``unadjusted``: the comparison without the covariate.
    """

    theta: float
    correlation: float
    variance_reduction: float
    pre_difference: float
    pre_p: float | None
    sign_flip: bool
    same_verdict: bool
    unadjusted: MeanContrast


@dataclass(frozen=True)
class CupedContrast(MeanContrast):
    """An adjusted comparison with its health; ``base`` is the unadjusted control value."""

    health: CupedHealth = field(kw_only=True)


def compare_cuped(
    control: Moments,
    treatment: Moments,
    x: str = "x",
    y: str | None = None,
    covariate: str = "c",
    covariate_below: str | None = None,
    alpha: float = 0.05,
) -> CupedContrast | NoContrast:
    """Treatment − control of the mean of ``x`` (with ``y`` of Σx/Σy), less θ times the difference of the covariate.

    The covariate is a mean, or with ``covariate_below`` a ratio Σc/Σc₂ per unit from before the experiment. Metric and
    covariate are linearised by the delta method within their arm; θ = cov / var over the units of both arms. Adjusted
    arm values keep the scale of the metric: value − θ·(covariate − covariate of all units).
    The relative effect is adjusted difference / unadjusted control value, and Fieller's covariance between them
    −(V_x − θ·C_xc)/n of the control arm is kept. θ counts as known: its error is of second order. Degrees of freedom
    by Welch and Satterthwaite from the adjusted variances. ``alpha`` only decides ``same_verdict``.
    Source: A. Deng, Y. Xu, R. Kohavi, T. Walker, WSDM 2013; for ratios A. Deng, U. Knoblich, J. Lu, KDD 2018.
    ``NoContrast``: as for means and ratios, and ``no_covariate`` (alike for all units).
    """
    plain = contrast_of(control, treatment, x, y, False)
    if isinstance(plain, NoContrast):
        return plain
    bad = unfit(control, treatment, covariate, covariate_below)
    if bad is not None:
        return NoContrast(f"the covariate says nothing: {bad.reason}", "no_covariate")
    total = control + treatment
    metric_all, (pre_all, covariate_all) = linearised(total, x, y)[1], linearised(total, covariate, covariate_below)
    spread = variance(total, covariate_all)
    if spread == 0:
        return NoContrast("the covariate says nothing: it is alike for all units", "no_covariate")
    shared = covariance(total, metric_all, covariate_all)
    theta = shared / spread
    arms = [_Adjusted(arm, x, y, covariate, covariate_below, theta) for arm in (control, treatment)]
    v0, v1 = (one.variance for one in arms)
    if v0 + v1 == 0:
        return NoContrast("the covariate explains every unit to the last digit", "no_variance")
    pre = contrast_of(control, treatment, covariate, covariate_below, False)
    difference = plain.difference - theta * (arms[1].pre - arms[0].pre)
    freedom = welch_freedom([(v0, control.n), (v1, treatment.n)])
    total_variance, sd = v0 + v1, math.sqrt(variance(total, metric_all) * spread)
    adjusted = MeanContrast(
        ("delta method, " if y is not None else "") + "CUPED, Welch t, Fieller",
        arms[0].value - theta * (arms[0].pre - pre_all),
        arms[1].value - theta * (arms[1].pre - pre_all),
        plain.base,
        control.n,
        treatment.n,
        difference,
        total_variance,
        plain.base_variance,
        -arms[0].shared,
        freedom,
    )
    found = (adjusted.p() < alpha, plain.p() < alpha)
    health = CupedHealth(
        theta,
        shared / sd if sd > 0 else 0.0,
        1 - total_variance / plain.variance,
        arms[1].pre - arms[0].pre,
        None if isinstance(pre, NoContrast) else pre.p(),
        difference * plain.difference < 0,
        found[0] == found[1] and not (found[0] and difference * plain.difference < 0),
        plain,
    )
    return CupedContrast(**vars(adjusted), health=health)


class _Adjusted:
    """One arm: metric, covariate, and per arm (divided by its units) variance and covariance with the plain metric."""

    def __init__(
        self, arm: Moments, x: str, y: str | None, covariate: str, covariate_below: str | None, theta: float
    ) -> None:
        self.value, metric = linearised(arm, x, y)
        self.pre, before = linearised(arm, covariate, covariate_below)
        both: Combination = {
            name: metric.get(name, 0.0) - theta * before.get(name, 0.0) for name in {**metric, **before}
        }
        self.variance = variance(arm, both) / arm.n
        self.shared = covariance(arm, metric, both) / arm.n
