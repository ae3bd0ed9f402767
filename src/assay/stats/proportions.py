"""Shares of independent units."""

from __future__ import annotations

import math

from assay.model.estimate import Estimate
from assay.stats.normal import z_two_sided


def wilson(successes: int, n: int, level: float = 0.95) -> Estimate:
    """Score interval of a share: ``successes`` of ``n`` independent units.

    (p + z²/2n ± z·√(p(1−p)/n + z²/4n²)) / (1 + z²/n). Source: E. B. Wilson, JASA 22 (1927) 209–212.
    No value when n = 0. Raises ValueError unless 0 ≤ successes ≤ n. ``variance`` is p(1−p)/n; with none or all
    successes, where that is 0 and says nothing, the square of the interval's half width over z.
    """
    if not 0 <= successes <= n:
        raise ValueError(f"{successes} of {n} is no share")
    if n == 0:
        return Estimate.none("no units", successes, n)
    z, p = z_two_sided(level), successes / n
    below = 1 + z * z / n
    middle = (p + z * z / (2 * n)) / below
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / below
    low = 0.0 if successes == 0 else max(0.0, middle - half)
    high = 1.0 if successes == n else min(1.0, middle + half)
    variance = p * (1 - p) / n if 0 < successes < n else ((high - low) / (2 * z)) ** 2
    return Estimate(p, low, high, level, "Wilson", n, successes, n, variance)
