"""Looking at any time: critical values, p-values and e-values that hold at every look, however many there are.

A statistic is an estimate less its null value over its standard error. Instead of 1.96 it is held against ``critical``,
which depends on how many units there are; the values inside that bound are a confidence sequence, so all of its
intervals hold the truth together with probability 1 − α. Asymptotic, as any interval from a mean and its standard
error; the bounds are widest at the first looks, where normality is worst.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from assay.stats.tails import LEAST_P

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[Any]


def tuning_for(n_planned: float, alpha: float = 0.05, sides: int = 2) -> float:
    """ρ² that makes the sequence about as narrow as can be at ``n_planned`` units (of all arms together).

    ρ² = (−2·log a + log(1 − 2·log a)) / n, a = α two-sided, 2α one-sided. Source: I. Waudby-Smith, D. Arbour, R. Sinha,
    E. H. Kennedy, A. Ramdas, arXiv 2103.06476, eq. 161. It has to be fixed before the first look. Raises ValueError
    unless n > 0 and α lies between 0 and 1 (one-sided: 1/2).
    """
    if not n_planned > 0:
        raise ValueError(f"a sequence cannot be tuned to {n_planned} units")
    return 1 / best_rho(n_planned, alpha, sides)


def critical(n: ArrayLike, alpha: float, tuning: float, sides: int = 2) -> Floats:
    """How many standard errors an estimate may be off at each of the looks; shape of ``n``.

    ``n``: units of all arms by then; ``tuning``: ρ² of ``tuning_for``. Two-sided √((1 + 1/nρ²)·(2·log(1/α) +
    log(1 + nρ²))): arXiv 2103.06476, eq. 9, over the standard error. One-sided: the z at which the e-value of
    ``log_e_value`` is 1/α, by Newton's method (the closed form of their appendix is an upper bound of it). Infinite
    where n = 0: nothing can be said.
    """
    import numpy as np

    _check(alpha, sides)
    k = _times(n, tuning)
    with np.errstate(divide="ignore"):
        stretch = np.sqrt(1 + 1 / k)
    return np.asarray(stretch * _standard_bound(np.log1p(k), alpha, sides))


def log_e_value(statistic: ArrayLike, n: ArrayLike, tuning: float, sides: int = 2) -> Floats:
    """Logarithm of the evidence against the null, shape of both broadcast; NaN where there is no statistic.

    The average of the normal likelihood ratio over effects N(0, ρ²) in units of one unit's deviation, with k = nρ²:
    two-sided z²k / (2(1 + k)) − ½·log(1 + k); one-sided (large values speak) over the upper half only, which adds log 2
    + log Φ(z·√(k/(1 + k))). Source: arXiv 2103.06476, eq. 155, and S. R. Howard, A. Ramdas, J. McAuliffe, J. Sekhon,
    arXiv 1810.08240, §3.2.
    """
    import numpy as np

    _check(0.05, sides)
    k = _times(n, tuning)
    z = np.asarray(statistic, dtype=float)
    return _log_mixture(z * np.sqrt(k / (1 + k)), np.log1p(k), sides)


def always_valid_p(statistic: ArrayLike, n: ArrayLike, tuning: float, sides: int = 2) -> Floats:
    """p-value of each look, 1 / e-value and at most 1: below α exactly where the statistic is beyond ``critical``.

    P(any look's p ≤ α) ≤ α. NaN where there is no statistic; never 0. ``running`` makes it monotone.
    """
    import numpy as np

    p = np.exp(-log_e_value(statistic, n, tuning, sides))
    return np.asarray(np.clip(p, LEAST_P, 1.0))


def running(p_values: ArrayLike) -> Floats:
    """The smallest p-value so far along the last axis: what has once been shown stays shown.

    Looks that could not say (NaN) repeat the one before; NaN until the first that could.
    """
    import numpy as np

    p = np.asarray(p_values, dtype=float)
    lowest = np.minimum.accumulate(np.where(np.isnan(p), np.inf, p), axis=-1)
    return np.where(np.isinf(lowest), np.nan, lowest)


@dataclass(frozen=True)
class Looks:
    """Arrays, one entry per look: the interval there, what it was made with, the p-value there and the smallest so far.

    ``low`` or ``high`` is infinite for one-sided sequences. The running intersection of the intervals (highest low,
    lowest high so far) is valid too, at the same level; it may come out empty when the effect changes in time, which
    plain intervals show better.
    """

    low: Floats
    high: Floats
    critical: Floats
    p: Floats
    running_p: Floats


def looks(
    difference: ArrayLike,
    standard_error: ArrayLike,
    n: ArrayLike,
    alpha: float,
    tuning: float,
    sides: int = 2,
    null: float = 0.0,
) -> Looks:
    """A confidence sequence from (difference, standard error, units) of each look; 1-d arrays of one length.

    difference ± critical·standard error. One-sided: the alternative is "greater", so only ``low`` is finite; for "less"
    hand over the negative difference. No look is judged (NaN) where the standard error is 0 or missing.
    """
    import numpy as np

    d, se = np.asarray(difference, dtype=float), np.asarray(standard_error, dtype=float)
    se = np.where(se > 0, se, np.nan)
    bound = critical(n, alpha, tuning, sides)
    with np.errstate(invalid="ignore"):
        low = d - bound * se
        high = d + bound * se if sides == 2 else np.where(np.isnan(low), np.nan, np.inf)
    p = always_valid_p((d - null) / se, n, tuning, sides)
    return Looks(low, high, bound, p, running(p))


def best_rho(v: float, alpha: float = 0.05, sides: int = 2) -> float:
    """ρ that makes the normal-mixture boundary about as low as can be at variance ``v``.

    v / (2·log(1/a) + log(1 + 2·log(1/a))), a = α two-sided, 2α one-sided. Source: arXiv 1810.08240, §3.5.
    """
    _check(alpha, sides)
    wide = -2 * math.log(alpha if sides == 2 else 2 * alpha)
    return v / (wide + math.log1p(wide))


def log_mixture(s: ArrayLike, v: ArrayLike, rho: float, sides: int = 2) -> Floats:
    """Logarithm of the normal mixture of a sum ``s`` with variance ``v``: ½·log(ρ/(v + ρ)) + s²/(2(v + ρ)).

    One-sided: + log 2 + log Φ(s/√(v + ρ)). Its exponential is a supermartingale that starts at 1 or below.
    Source: arXiv 1810.08240, §3.2.
    """
    import numpy as np

    v_ = np.asarray(v, dtype=float)
    return _log_mixture(np.asarray(s, dtype=float) / np.sqrt(v_ + rho), np.log1p(v_ / rho), sides)


def mixture_bound(v: ArrayLike, alpha: float, rho: float, sides: int = 2) -> Floats:
    """Normal-mixture uniform boundary: a sum of variance ``v`` stays below it at all times with probability 1 − α.

    Two-sided √((v + ρ)·(2·log(1/α) + log((v + ρ)/ρ))); one-sided: where ``log_mixture`` is log(1/α).
    Source: arXiv 1810.08240, §3.2.
    """
    import numpy as np

    _check(alpha, sides)
    v_ = np.asarray(v, dtype=float)
    return np.asarray(np.sqrt(v_ + rho) * _standard_bound(np.log1p(v_ / rho), alpha, sides))


def _check(alpha: float, sides: int) -> None:
    if sides not in (1, 2):
        raise ValueError(f"a test has one side or two, not {sides}")
    if not 0 < alpha < sides / 2:
        raise ValueError(f"an error rate of {alpha} is none for {sides} side{'s' * (sides - 1)}")


def _times(n: ArrayLike, tuning: float) -> Floats:
    import numpy as np

    if not tuning > 0:
        raise ValueError(f"the tuning of a sequence is above 0, not {tuning}")
    return np.asarray(n, dtype=float) * tuning


def _log_mixture(x: Floats, grown: Floats, sides: int) -> Floats:
    """``x``: s/√(v + ρ); ``grown``: log(1 + v/ρ)."""
    import numpy as np

    value = x * x / 2 - grown / 2
    if sides == 2:
        return np.asarray(value)
    from scipy.special import log_ndtr

    return np.asarray(value + math.log(2) + log_ndtr(x))


def _standard_bound(grown: Floats, alpha: float, sides: int) -> Floats:
    """The x at which ``_log_mixture`` is log(1/α)."""
    import numpy as np

    if sides == 2:
        return np.sqrt(grown - 2 * math.log(alpha))
    from scipy.special import log_ndtr

    aim = grown / 2 - math.log(2 * alpha)
    # Convex and increasing, and this lies left of the root: after its first step Newton comes down to it.
    x = np.sqrt(2 * aim)
    for _ in range(60):
        log_tail = log_ndtr(x)
        slope = x + np.exp(-x * x / 2 - log_tail) / math.sqrt(2 * math.pi)
        step = (x * x / 2 + log_tail - aim) / slope
        x = x - step
        if np.all(np.abs(step) <= 1e-15 * np.maximum(x, 1.0)):
            break
    return x
