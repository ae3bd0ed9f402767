"""The change of a number between two periods, with the day-to-day variation that both have."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean

from assay.model.estimate import Estimate
from assay.stats.normal import t_two_sided


def day_noise(values: Sequence[float], variances: Sequence[float], weekdays: Sequence[int]) -> float:
    """Variance of a daily rate beyond what its units explain, after weekday means: ≥ 0.

    Residuals from each weekday's mean, their variance (degrees of freedom: days − weekdays seen) less the mean sampling
    variance. A moment estimator in the manner of DerSimonian and Laird (1986). 0 with too few days to tell.
    """
    seen = set(weekdays)
    freedom = len(values) - len(seen)
    if freedom < 3:
        seen, freedom = {0}, len(values) - 1
        weekdays = [0] * len(values)
    if freedom < 2:
        return 0.0
    means = {d: fmean(v for v, w in zip(values, weekdays, strict=True) if w == d) for d in seen}
    spread = sum((v - means[w]) ** 2 for v, w in zip(values, weekdays, strict=True)) / freedom
    return max(0.0, spread - fmean(variances))


def change(now: Estimate, before: Estimate, noise: float, days: tuple[int, int], level: float = 0.95) -> Estimate:
    """now − before; ``noise`` is the daily variance that units do not explain, ``days`` the lengths of the periods.

    Variance = v₁ + v₂ + noise·(1/d₁ + 1/d₂); Student's t with d₁ + d₂ − 2 degrees of freedom where noise is in play.
    No value when either has none.
    """
    if now.value is None or before.value is None:
        return Estimate.none(now.reason or before.reason or "no value in one of the periods")
    difference = float(now.value) - float(before.value)
    if now.variance is None or before.variance is None:
        return Estimate(difference, None, None, level, "difference", reason="no variance to judge it by")
    variance = now.variance + before.variance + noise * (1 / days[0] + 1 / days[1])
    freedom = max(days[0] + days[1] - 2, 1) if noise > 0 else 10_000
    half = t_two_sided(level, freedom) * math.sqrt(variance)
    return Estimate(
        difference, difference - half, difference + half, level, "difference with daily noise", variance=variance
    )
