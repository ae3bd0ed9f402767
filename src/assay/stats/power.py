"""How small a difference a test can find."""

from __future__ import annotations

import math
from statistics import NormalDist


def detectable(variance: float, n_per_arm: float, alpha: float = 0.05, power: float = 0.8) -> float:
    """Smallest absolute difference of two means that a two-sided test finds with ``power``.

    (z₁₋α⸝₂ + z_power)·√(2σ²/n); ``variance`` σ² is of one unit's number. Source: S.-C. Chow, J. Shao, H. Wang, Sample
    Size Calculations in Clinical Research, §3.2.
    """
    if n_per_arm <= 0:
        return math.inf
    normal = NormalDist()
    return (normal.inv_cdf(1 - alpha / 2) + normal.inv_cdf(power)) * math.sqrt(2 * variance / n_per_arm)


def sample_size(before: float, after: float, alpha: float = 0.05, power: float = 0.8) -> int | None:
    """Units per arm that a two-sided test needs to tell the share ``after`` from ``before``; None where they are equal.

    (z₁₋α⸝₂·√(2p̄q̄) + z_power·√(p₁q₁ + p₂q₂))² / (p₁ − p₂)². Source: J. L. Fleiss, Statistical Methods for Rates and
    Proportions, §3.2 (without the correction for continuity).
    """
    if before == after:
        return None
    normal, middle = NormalDist(), (before + after) / 2
    first = normal.inv_cdf(1 - alpha / 2) * math.sqrt(2 * middle * (1 - middle))
    second = normal.inv_cdf(power) * math.sqrt(before * (1 - before) + after * (1 - after))
    return math.ceil(((first + second) / (before - after)) ** 2)
