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
