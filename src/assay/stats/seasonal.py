"""What a day's number should be by weekday and trend, and how unlikely the number that came is; robust to odd days.

Many series are fitted at once: arrays have the shape (series, days). A series is an *amount* (a count, a sum, a mean:
not below 0) or a *share* (0 to 1).

Model: g(expected) = weekday + trend, g the logarithm for amounts and the logit for shares, fitted on the days before by
quasi-likelihood with Tukey's biweight, so that former incidents do not bend it (Cantoni and Ronchetti 2001, *Robust
inference for generalized linear models*). The variance of a day is what sampling gives (φ·v(μ)/exposure, φ from the
moments) plus a day-to-day part τ² on the scale of g, from the winsorised residuals.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

HISTORY = 56  # days that a fit looks back on
LEAST = 28  # days with data that it needs
_BIWEIGHT = 4.685  # 95 % efficient for normal errors
_CAP = 2.5
_CAPPED = 0.97756  # E min(Z², 2.5²) of a standard normal
_FLOOR = 0.01  # no series is steadier than 1 % from day to day
_ROUNDS = 12
OWN = 28  # days of own forecast errors that correct the spread


@dataclass(frozen=True)
class Series:
    """``values``, ``exposure`` (what the value is per: sessions of a rate; 1 for a count) and ``variance`` (sampling)
    of shape (series, days), not a number where there is nothing; ``share`` of shape (series,); ``weekday`` of shape
    (days,), 0 to 6; ``odd`` (series, days): days to leave out (holidays, days known to be wrong)."""

    values: Any
    exposure: Any
    variance: Any
    share: Any
    weekday: Any
    odd: Any


@dataclass(frozen=True)
class Forecast:
    """One day of every series; shape (series,). ``low`` and ``high`` hold 99 % of ordinary days.

    ``p`` two-sided, ``z`` the same as a normal deviate with its sign; not a number where ``enough`` is false: too
    little history. ``size``: the expected number of independent counts that the day rests on.
    """

    expected: Any
    low: Any
    high: Any
    z: Any
    p: Any
    size: Any
    enough: Any


def forecasts(series: Series, first: int, last: int) -> dict[int, Forecast]:
    """Forecasts of the days ``first`` to ``last`` (places in the arrays), each from the days before it alone.

    The p-values are corrected by the series' own forecast errors of the 28 days before, where these were wider than
    the model says: a series that wanders is judged by how it wanders.
    """
    import numpy as np

    start = max(0, first - OWN)
    beta: Any = None
    own = np.full((series.values.shape[0], last + 1), np.nan)
    found: dict[int, Forecast] = {}
    for day in range(start, last + 1):
        fit = _fit(series, day, beta)
        beta = fit.beta
        raw = _judge(series, day, fit, np.ones(len(own)))
        own[:, day] = np.where(series.odd[:, day], np.nan, raw.z)
        if day >= first:
            found[day] = _judge(series, day, fit, _wider(own[:, max(start, day - OWN) : day]))
    return found


def so_far(forecast: Forecast, phi: Any, parts: Any, values: Any) -> tuple[Any, Any, Any]:
    """Expected so far on a running day, its standard deviation, and P(≤ value), of counts; shape (series,).

    ``parts`` (series, days): which part of the whole day had come by the same hour on former days of that weekday;
    their median and spread are used. ``phi``: variance of a count in units of its mean.
    """
    import numpy as np

    part = np.nanmedian(parts, axis=1)
    spread = 1.4826 * np.nanmedian(np.abs(parts - part[:, None]), axis=1) / np.maximum(part, 1e-9)
    days = np.log(np.maximum(forecast.high, 1e-9) / np.maximum(forecast.low, 1e-9)) / (2 * 2.6)  # from 99 % of days
    mean = np.maximum(forecast.expected * part, 1e-9)
    variance = phi * mean + mean**2 * (days**2 + spread**2 * (1 + 1 / parts.shape[1]))
    below, _ = _tails(values, mean, mean / variance, np.zeros(len(mean), dtype=bool))
    return mean, np.sqrt(variance), below


@dataclass(frozen=True)
class Weeks:
    """The last two weeks against the six before, of every series; shape (series,). ``value`` and ``expected`` are the
    two levels, ``exposure`` and ``usual`` what they rest on per day."""

    value: Any
    expected: Any
    low: Any
    high: Any
    z: Any
    p: Any
    size: Any
    enough: Any
    exposure: Any
    usual: Any


def weeks(series: Series, day: int) -> Weeks:
    """Two weeks up to ``day`` against the six before, of which the highest and the lowest are left out.

    What changes a little every day is no surprise on any of them; here it adds up. Days that lie near each other are
    taken for half as many (their spread is doubled).
    """
    import numpy as np
    from scipy.special import ndtri, stdtr, stdtrit

    fit = _fit(series, day - 13, None)
    share = series.share
    known = np.isfinite(series.values) & (series.exposure > 0) & ~series.odd
    block = slice(day - HISTORY + 1, day + 1)
    e = np.where(known, series.exposure, 0.0)[:, block].reshape(len(share), 8, 7)
    v = np.where(known, series.values, 0.0)[:, block].reshape(len(share), 8, 7)
    n = known[:, block].reshape(len(share), 8, 7).sum(axis=2)
    weight = e.sum(axis=2)
    full = n >= 5
    level = np.where(full, (v * e).sum(axis=2) / np.maximum(weight, 1e-12), np.nan)
    g = _link(level, share[:, None])
    before = np.sort(np.where(full, g, np.nan)[:, :6], axis=1)
    enough = fit.enough & full.all(axis=1)
    base = np.where(enough, before[:, 1:5].mean(axis=1), 0.0)
    now = np.where(enough, g[:, 6:].mean(axis=1), 0.0)
    mu, recent = _back(base, share), _back(now, share)
    slope = _slope(mu, share)
    on, usual = weight[:, 6:].sum(axis=1), weight[:, :6].sum(axis=1)
    sampling = fit.phi / slope * (1 / np.maximum(on, 1e-9) + 1.2 / np.maximum(usual, 1e-9))
    sd = np.sqrt(sampling + 2 * fit.tau * (1 / 14 + 1.2 / 42))
    t = (now - base) / sd
    p = np.maximum(2 * stdtr(fit.freedom, -np.abs(t)), 1e-300)
    half = -stdtrit(fit.freedom, 0.005) * sd
    low, high = _back(base - half, share), _back(base + half, share)
    z, p = np.where(enough, np.sign(t) * -ndtri(p / 2), np.nan), np.where(enough, p, np.nan)
    per_day = on / np.maximum(n[:, 6:].sum(axis=1), 1), usual / np.maximum(n[:, :6].sum(axis=1), 1)
    return Weeks(recent, np.where(enough, mu, np.nan), low, high, z, p, mu * on / fit.phi, enough, *per_day)


@dataclass(frozen=True)
class _Fit:
    beta: Any  # (series, 8)
    inverse: Any  # (series, 8, 8)
    tau: Any  # variance on the scale of g
    phi: Any
    freedom: Any
    row: Any  # (8,) design of the day
    enough: Any


def _design(weekday: Any, age: Any) -> Any:
    import numpy as np

    week = (weekday[:, None] == np.arange(1, 7)[None, :]).astype(float) - (weekday == 0).astype(float)[:, None]
    return np.concatenate([np.ones((len(weekday), 1)), week, age[:, None]], axis=1)


def _fit(series: Series, day: int, before: Any) -> _Fit:
    """The model of every series on the ``HISTORY`` days before ``day``."""
    import numpy as np

    first = max(0, day - HISTORY)
    window = slice(first, day)
    y, e, variance = series.values[:, window], series.exposure[:, window], series.variance[:, window]
    share = series.share[:, None]
    ages = np.arange(first - day, 1) / HISTORY
    design = _design(series.weekday[first : day + 1], ages)
    x, row = design[:-1], design[-1]
    known = np.isfinite(y) & (e > 0) & ~series.odd[:, window]
    n, k = known.sum(axis=1), x.shape[1]
    enough = n >= LEAST
    y0, e0 = np.where(known, y, 0.5), np.where(known, e, 1.0)
    y0 = np.where(share, (y0 * e0 + 0.5) / (e0 + 1), y0)  # a share that was always 1 need not stay so
    phi = _dispersion(y0, e0, variance, known, share)
    typical = _typical(y, known, share)
    mu = np.broadcast_to(typical[:, None], y0.shape)
    eta = _link(mu, share)
    if before is not None:
        warm = np.clip(
            np.einsum("sk,dk->sd", before, x), -30, 30
        )  # yesterday's fit, where it is near: from afar everything looks odd
        near = np.abs(warm - _link(np.where(known, y0, mu), share)) < np.where(share, 2.0, 1.0)
        eta = np.where(((near & known).sum(axis=1) * 2 > n)[:, None], warm, eta)
    tau = np.full(len(y0), 0.05**2)
    ridge = np.eye(k) * 1e-6
    ridge[-1, -1] = 0.5  # a trend must be shown by the data
    squares = (x[:, :, None] * x[:, None, :]).reshape(-1, k * k)
    beta = np.zeros((len(y0), k))
    inverse = np.zeros((len(y0), k, k))
    for _ in range(_ROUNDS if before is None else _ROUNDS // 2):
        mu = _unlink(eta, share)
        slope = _slope(mu, share)
        sampling = phi[:, None] * slope / e0 / slope**2
        total = sampling + tau[:, None]
        left = np.where(known, (y0 - mu) / slope, 0.0)
        r = left / np.sqrt(total)
        robust = np.where(known & (np.abs(r) < _BIWEIGHT), (1 - (r / _BIWEIGHT) ** 2) ** 2, 0.0)
        weight = robust / total
        # einsum without BLAS: its threads cost more than they bring for matrices of this size
        inverse = np.linalg.inv(np.einsum("sd,dk->sk", weight, squares).reshape(-1, k, k) + ridge)
        beta = np.einsum("sij,sj->si", inverse, np.einsum("sd,dk->sk", weight * (eta + left), x))
        eta = np.clip(np.einsum("sk,dk->sd", beta, x), -30, 30)
        capped = np.where(known, np.minimum(r**2, _CAP**2), 0.0).sum(axis=1)
        wider = capped / np.maximum(n - k + 1, 1) / _CAPPED
        aim = wider[:, None] * total - sampling
        tau = np.clip((aim * known).sum(axis=1) / np.maximum(n, 1), _FLOOR**2, 4.0)
    return _Fit(beta, inverse, tau, phi, np.maximum(n - k, 4), row, enough)


def _judge(series: Series, day: int, fit: _Fit, wider: Any) -> Forecast:
    """The day's expectation, and how unlikely its value is."""
    import numpy as np
    from scipy.special import ndtr, ndtri, stdtr, stdtrit

    value, exposure, share = series.values[:, day], series.exposure[:, day], series.share
    there = np.isfinite(value) & (exposure > 0)
    e0 = np.where(there, exposure, 1.0)
    eta = np.clip(fit.beta @ fit.row, -30, 30)
    mu = _unlink(eta, share)
    slope = _slope(mu, share)
    sampling = fit.phi / e0 / slope
    own = fit.tau + np.einsum("i,sij,j->s", fit.row, fit.inverse, fit.row)
    total = (sampling + own) * wider**2
    size = slope / (total * slope**2)  # of the Poisson or binomial variable with this mean and variance
    freedom = np.minimum(fit.freedom * ((sampling + own) / own) ** 2, 1e4)
    v = np.where(there, value, mu)
    below, above = _tails(v, mu, size, share)
    plain = (_link(np.maximum(v, 0.5 / np.maximum(size, 1e-9)), share) - eta) / np.sqrt(total)
    # skewed as counts are where counting makes the spread, as days are (on the scale of g) where days do: the milder
    lower, upper = np.maximum(below, ndtr(plain)), np.maximum(above, ndtr(-plain))
    tail = np.clip(np.minimum(lower, upper), 1e-300, 0.5)
    z = np.where(lower < upper, 1.0, -1.0) * ndtri(tail)  # below the expectation: negative
    p = np.maximum(2 * stdtr(freedom, -np.abs(z)), 1e-300)
    z = np.where(z < 0, -1.0, 1.0) * -ndtri(p / 2)
    half = -stdtrit(freedom, 0.005) * np.sqrt(total)
    low, high = _back(eta - half, share), _back(eta + half, share)
    judged = fit.enough & there
    nan = np.nan
    counted = mu * e0 / fit.phi
    return Forecast(
        np.where(fit.enough, mu, nan), np.where(fit.enough, low, nan), np.where(fit.enough, high, nan),
        np.where(judged, z, nan), np.where(judged, p, nan), np.where(fit.enough, counted, 0.0),
        fit.enough,
    )  # fmt: skip


def _tails(value: Any, mean: Any, size: Any, share: Any) -> tuple[Any, Any]:
    """P(≤ value) and P(≥ value): Poisson or binomial, its size such that mean and variance are the wanted ones."""
    import numpy as np
    from scipy.special import betainc, gammainc, gammaincc

    count, aim = value * size, mean * size
    low_a, high_a = gammaincc(count + 1, aim), np.where(count > 0, gammainc(np.maximum(count, 1e-9), aim), 1.0)
    n = size
    q = np.clip(mean, 1e-12, 1 - 1e-12)
    hits = np.clip(value, 0, 1) * n
    misses = n - hits
    low_s = np.where(misses > 1e-9, betainc(np.maximum(misses, 1e-9), hits + 1, 1 - q), 1.0)
    high_s = np.where(hits > 1e-9, betainc(np.maximum(hits, 1e-9), misses + 1, q), 1.0)
    return np.where(share, low_s, low_a), np.where(share, high_s, high_a)


def _wider(own: Any) -> Any:
    """Spread of the own forecast errors where it is above 1: from winsorised squares; (series,)."""
    import numpy as np

    known = np.isfinite(own)
    n = known.sum(axis=1)
    capped = np.where(known, np.minimum(own**2, _CAP**2), 0.0).sum(axis=1) / np.maximum(n, 1) / _CAPPED
    shrunk = (n * capped + 14.0) / (n + 14.0)  # a few days prove little
    return np.sqrt(np.maximum(shrunk, 1.0))


def _link(mu: Any, share: Any) -> Any:
    import numpy as np

    safe = np.clip(mu, 1e-9, None)
    inside = np.clip(mu, 1e-6, 1 - 1e-6)
    return np.where(share, np.log(inside / (1 - inside)), np.log(safe))


def _unlink(eta: Any, share: Any) -> Any:
    import numpy as np

    return np.where(share, 1 / (1 + np.exp(-eta)), np.exp(eta))


def _back(eta: Any, share: Any) -> Any:
    """The same without overflow, for what lies far out."""
    import numpy as np

    return _unlink(np.clip(eta, -40, 40), share)


def _slope(mu: Any, share: Any) -> Any:
    """dμ/dη, which is also v(μ): the links are the canonical ones."""
    import numpy as np

    return np.maximum(np.where(share, mu * (1 - mu), mu), 1e-9)


def _typical(y: Any, known: Any, share: Any) -> Any:
    """A robust level to start from; half a unit where nothing ever came."""
    import numpy as np

    filled = np.where(known, y, np.nan)
    some = known.any(axis=1)
    middle = np.full(len(y), 0.5)
    if some.any():
        middle[some] = np.nanmedian(filled[some], axis=1)
    return np.clip(middle, 1e-3, np.where(share[:, 0], 1 - 1e-3, np.inf))


def _dispersion(y: Any, exposure: Any, variance: Any, known: Any, share: Any) -> Any:
    """φ: the sampling variance in units of v(μ)/exposure, the median over the days; (series,)."""
    import numpy as np

    v = np.where(share, y * (1 - y), y)
    usable = known & np.isfinite(variance) & (v > 0) & (variance > 0)
    ratio = np.where(usable, variance * exposure / np.where(v > 0, v, 1.0), np.nan)
    found = np.ones(len(y))
    some = usable.any(axis=1)
    if some.any():
        found[some] = np.nanmedian(ratio[some], axis=1)
    return np.clip(found, 1e-9, None)
