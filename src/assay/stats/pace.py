"""Where a KPI will stand at the end of a period, and the chance that it reaches its target.

Model: a day's number divided by its weekday's factor is a mean, plus what lasts (a level that wanders for good, or
spells that fade), plus the noise of the day. How large and how lasting is neither known nor guessed: the forecasts of a
grid of such models are mixed by how well each explains the days seen, so a steady series gives a narrow forecast and a
wandering one a wide. Each forecast is the best linear one with the mean estimated from the same days (A. S. Goldberger,
JASA 57 (1962) 369–375); its weight is the marginal likelihood with a flat prior for the mean and Jeffreys' prior for
the noise (A. Zellner, An Introduction to Bayesian Inference in Econometrics, 1971, ch. 3), which makes it Student's t.
No trend and no yearly season are extrapolated.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

LEAST = 28  # days of history
LEAST_FILLED = 14  # of them with a number above 0
MOST = 120  # days that are looked back on
# What lasts, in the noise of a day: (weight beforehand, size, how much of it is left after a day; 1 = for good).
_MODELS = (
    (0.25, 0.0, 1.0),
    *(
        (weight, step, 1.0)
        for weight, step in ((0.1, 0.02), (0.1, 0.05), (0.1, 0.1), (0.08, 0.2), (0.04, 0.4), (0.03, 0.8))
    ),
    *((0.3 / 8, size, left) for size in (0.5, 1.0, 2.0, 4.0) for left in (0.6, 0.85)),
)


@dataclass(frozen=True)
class Days:
    """Consecutive days that have passed: numerators ``x``, what they are over ``n`` (1 for totals), weekdays 0 to 6."""

    x: Sequence[float]
    n: Sequence[float]
    weekday: Sequence[int]


@dataclass(frozen=True)
class Outlook:
    """The number at the end of the period: expected, its interval, the chance to reach the target; or why not."""

    value: float | None
    low: float | None = None
    high: float | None = None
    chance: float | None = None
    level: float = 0.95
    reason: str | None = None


def too_little(days: Days) -> str | None:
    """Why these days are no ground for a forecast; None where they are."""
    filled = sum(1 for x, n in zip(days.x, days.n, strict=True) if x > 0 and n > 0)
    if len(days.x) < LEAST:
        return f"needs {LEAST} days of history, there are {len(days.x)}"
    if filled < LEAST_FILLED:
        return f"needs {LEAST_FILLED} days with something to count, there are {filled}"
    return None


def factors(values: Sequence[float], weekday: Sequence[int], over: Sequence[float] | None = None) -> list[float]:
    """Per weekday (Monday first) its mean over the mean of all days: 1 = as ever; 1 where a weekday was never seen."""
    below = over if over is not None else [1.0] * len(values)
    sums = [[0.0, 0.0] for _ in range(7)]
    for value, n, day in zip(values, below, weekday, strict=True):
        sums[day][0] += value
        sums[day][1] += n
    top, bottom = sum(s[0] for s in sums), sum(s[1] for s in sums)
    if top <= 0 or bottom <= 0:
        return [1.0] * 7
    return [s[0] / s[1] / (top / bottom) if s[1] > 0 else 1.0 for s in sums]


def share_of(factor: Sequence[float], gone: Sequence[int], ahead: Sequence[int]) -> float:
    """Which share of a total should have come by now: the weekday factors of the days gone over those of all days."""
    done = sum(factor[day] for day in gone)
    whole = done + sum(factor[day] for day in ahead)
    return done / whole if whole > 0 else 0.0


def outlook(
    days: Days, ahead: Sequence[int], done: tuple[float, float], target: float, up: bool = True, total: bool = False,
    level: float = 0.95,
) -> Outlook:  # fmt: skip
    """The end of a period: ``ahead`` are the weekdays still to come, ``done`` (Σx, Σn) of its days that are gone.

    A total ends at Σx + Σ of the days to come; a rate at (Σx + Σx to come) / (Σn + Σn to come), with n to come as in
    the last four weeks. ``chance``: P(end ≥ target), or ≤ where ``up`` is false. No value with too little history; no
    interval and no chance where the days do not vary.
    """
    import numpy as np

    reason = too_little(days)
    if reason is not None:
        return Outlook(None, reason=reason)
    x, n, weekday = (np.asarray(one, float)[-MOST:] for one in (days.x, days.n, days.weekday))
    weekday, to_come = weekday.astype(int), np.asarray(ahead, int)
    if not len(to_come):
        return Outlook(_end(done, 0.0, 0.0, total), reason="the period is over")
    shape = np.asarray(factors(x.tolist(), weekday.tolist(), n.tolist()))
    coming = np.ones(len(to_come)) if total else _exposure(n, weekday, to_come)
    used = (n > 0) & (shape[weekday] > 0)
    z = x[used] / (n[used] * shape[weekday[used]])
    middle = float(n[used].mean())
    parts = _mixture(z, n[used] / middle, coming * shape[to_come], coming / middle)
    rest = float(sum(weight * place for weight, place, _, _ in parts))
    value = _end(done, rest, float(coming.sum()), total)
    if all(scale <= 1e-12 * abs(rest) for _, _, scale, _ in parts):
        return Outlook(value, level=level, reason="the days do not vary, so nothing says how sure this is")

    def beyond(end: float) -> float:
        """P(the period ends above ``end``)."""
        needed = end - done[0] if total else end * (done[1] + float(coming.sum())) - done[0]
        return sum(w * _above((needed - place) / scale, freedom) for w, place, scale, freedom in parts)

    chance = beyond(target) if up else 1 - beyond(target)
    low, high = (_solve(beyond, p, value) for p in ((1 + level) / 2, (1 - level) / 2))
    return Outlook(value, low, high, min(1.0, max(0.0, chance)), level)


def _end(done: tuple[float, float], x: float, n: float, total: bool) -> float:
    if total:
        return done[0] + x
    return (done[0] + x) / (done[1] + n) if done[1] + n > 0 else math.nan


def _exposure(n: Any, weekday: Any, ahead: Any) -> Any:
    """Units to come on each day: the mean of that weekday in the last four weeks."""
    import numpy as np

    recent, days = n[-28:], weekday[-28:]
    means = np.array([recent[days == d].mean() if (days == d).any() else recent.mean() for d in range(7)])
    return means[ahead]


def _mixture(z: Any, size: Any, weights: Any, coming: Any) -> list[tuple[float, float, float, int]]:
    """Forecasts of Σ weights·z to come: (probability, place, scale, degrees of freedom) per model.

    ``size`` and ``coming``: exposure of each day over the mean; the noise of a day has the variance σ²/size.
    """
    import numpy as np

    count, whole = len(z), len(z) + len(weights)
    day = np.arange(whole, dtype=float)
    noise = np.concatenate([1.0 / size, 1.0 / np.maximum(coming, 1e-9)])
    found = []
    for before, scale, left in _MODELS:
        if left == 1.0:
            lasting = scale**2 * np.minimum.outer(day, day)  # the first day's level is part of the mean
        else:
            lasting = scale**2 * left ** np.abs(np.subtract.outer(day, day))
        spread = lasting + np.diag(noise)
        found.append(
            (before, *_forecast(z, spread[:count, :count], spread[count:, :count], spread[count:, count:], weights))
        )
    exact = [one for one in found if one[1] == math.inf]
    if exact:
        return [(1.0, exact[0][2], 0.0, count - 1)]
    best = max(log for _, log, _, _ in found)
    raw = [before * math.exp(log - best) for before, log, _, _ in found]
    return [(w / sum(raw), place, wide, count - 1) for w, (_, _, place, wide) in zip(raw, found, strict=True)]


def _forecast(z: Any, seen: Any, across: Any, coming: Any, weights: Any) -> tuple[float, float, float]:
    """One model: log marginal likelihood (infinite where the days fit exactly), the sum's place and scale."""
    import numpy as np

    root = np.linalg.cholesky(seen)
    ones, values, crossing = np.linalg.solve(root, np.column_stack([np.ones(len(z)), z, across.T @ weights])).T
    precision = float(ones @ ones)
    mean = float(ones @ values) / precision
    rest = values - mean * ones
    squares = float(rest @ rest)
    freedom = len(z) - 1
    place = mean * float(weights.sum()) + float(crossing @ rest)
    if squares <= 1e-24 * float(values @ values):
        return math.inf, place, 0.0
    unknown = (float(weights.sum()) - float(crossing @ ones)) ** 2 / precision
    variance = float(weights @ coming @ weights) - float(crossing @ crossing) + unknown
    log = -float(np.log(np.diag(root)).sum()) - 0.5 * math.log(precision) - 0.5 * freedom * math.log(squares)
    return log, place, math.sqrt(max(variance, 0.0) * squares / freedom)


def _above(t: float, freedom: int) -> float:
    from scipy.special import stdtr

    return float(stdtr(freedom, -t))


def _solve(beyond: Any, p: float, start: float) -> float:
    """Where P(end above) is ``p``: by bisection, to twelve digits."""
    width = max(abs(start), 1e-12)
    low, high = start - width, start + width
    while beyond(low) < p:
        width *= 2
        low = start - width
    width = max(abs(start), 1e-12)
    while beyond(high) > p:
        width *= 2
        high = start + width
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if beyond(middle) > p else (low, middle)
    return (low + high) / 2
