"""Quantiles of the normal and Student's t distribution."""

from __future__ import annotations

from functools import cache
from statistics import NormalDist

_STANDARD = NormalDist()


def z_two_sided(level: float) -> float:
    """Normal quantile for a two-sided interval at ``level``: 1.96 for 0.95."""
    return _STANDARD.inv_cdf(0.5 + level / 2)


def p_two_sided(z: float) -> float:
    """P(|Z| ≥ |z|), without underflow to 0 for any z that a double can hold (erfc)."""
    import math

    return max(math.erfc(abs(z) / math.sqrt(2)), 5e-324)


@cache
def t_two_sided(level: float, degrees: int) -> float:
    """Student quantile for a two-sided interval; the normal one from 1,000 degrees of freedom on."""
    if degrees >= 1000:
        return z_two_sided(level)
    from scipy.special import stdtrit

    return float(stdtrit(degrees, 0.5 + level / 2))
