"""Tail probabilities and quantiles of the normal and Student's t distribution, from the tail itself: never 1 − cdf."""

from __future__ import annotations

import math

LEAST_P = 5e-324  # the smallest number above zero: a p-value is never 0


def upper_tail(statistic: float, freedom: float = math.inf) -> float:
    """P(T ≥ statistic) for Student's t with ``freedom`` > 0 degrees (fractions allowed; infinite: the normal), > 0."""
    from scipy.special import ndtr, stdtr

    tail = ndtr(-statistic) if math.isinf(freedom) else stdtr(freedom, -statistic)
    return max(float(tail), LEAST_P)


def upper_quantile(tail: float, freedom: float = math.inf) -> float:
    """The value that Student's t (infinite ``freedom``: the normal) exceeds with chance ``tail``, 0 < tail < 1."""
    from scipy.special import ndtri, stdtrit

    return -float(ndtri(tail) if math.isinf(freedom) else stdtrit(freedom, tail))


def critical_value(level: float, side: str = "two", freedom: float = math.inf) -> float:
    """What the statistic must exceed to leave an interval at ``level``: 1.96 for 0.95 and two sides.

    One side: 0.5 ≤ level < 1; ValueError otherwise, as a bound beyond the estimate would be none.
    """
    if not 0 < level < 1 or (side != "two" and level < 0.5):
        raise ValueError(f"{level} is no level of a {side}-sided interval")
    return upper_quantile((1 - level) / 2 if side == "two" else 1 - level, freedom)
