"""Main effects of groups on a rate, from counts by cell, and score tests of what a group does beyond them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_RIDGE = 1e-3  # keeps a group without any success finite; far below what data of any size say
_STEPS = 50
_LEAST = 0.05  # information below that of one unit: the model says all there is of the group


@dataclass(frozen=True)
class Fit:
    """A fitted main-effects model: rate per cell, and what score tests need."""

    rates: Floats
    weights: Floats  # n·p·(1−p) per cell
    design: Floats
    inverse: Floats  # covariance of the coefficients
    beta: Floats


@dataclass(frozen=True)
class Effect:
    """What a group does beyond the model: its log odds ratio, its variance, and the z value of the score test."""

    log_odds: float
    variance: float
    z: float


def design(levels: Sequence[NDArray[np.int64]]) -> Floats:
    """Intercept and one column per level but the largest, of each dimension. ``levels[d][cell]``: the cell's level."""
    cells = len(levels[0]) if levels else 0
    columns = [np.ones(cells)]
    for d, one in enumerate(levels):
        columns += [(one == kind).astype(np.float64) for place, kind in columns_of(levels) if place == d]
    return np.column_stack(columns)


def columns_of(levels: Sequence[NDArray[np.int64]]) -> list[tuple[int, int]]:
    """(dimension, level) of each column of ``design`` after the intercept; the level with most cells has none."""
    found = []
    for d, one in enumerate(levels):
        kinds, counts = np.unique(one, return_counts=True)
        base = kinds[np.argmax(counts)]
        found += [(d, int(kind)) for kind in kinds if kind != base]
    return found


def fit(made: Floats, successes: Floats, n: Floats) -> Fit:
    """Maximum likelihood by iteratively reweighted least squares.

    Source: P. McCullagh, J. A. Nelder, Generalized Linear Models, §4.4.
    """
    beta = np.zeros(made.shape[1])
    total, hits = float(n.sum()), float(successes.sum())
    share = min(max(hits / total, 1e-9), 1 - 1e-9) if total else 0.5
    beta[0] = np.log(share / (1 - share))
    ridge = np.full(made.shape[1], _RIDGE)
    ridge[0] = 0.0
    for _ in range(_STEPS):
        rates = _expit(made @ beta)
        weights = np.maximum(n * rates * (1 - rates), 1e-12)
        gradient = made.T @ (successes - n * rates) - ridge * beta
        step = np.linalg.solve((made * weights[:, None]).T @ made + np.diag(ridge), gradient)
        beta = beta + np.clip(step, -2.0, 2.0)
        if np.abs(step).max() < 1e-9:
            break
    rates = _expit(made @ beta)
    weights = n * rates * (1 - rates)
    inverse = np.linalg.inv((made * weights[:, None]).T @ made + np.diag(ridge) + 1e-12 * np.eye(len(beta)))
    return Fit(rates, weights, made, np.asarray(inverse, dtype=np.float64), beta)


def effect(model: Fit, inside: Floats, successes: Floats, n: Floats) -> Effect | None:
    """The score test of one more column (1 inside the group): U²/V with V the information left by the model.

    Source: C. R. Rao, Proc. Cambridge Phil. Soc. 44 (1948) 50–57. None where the model already says all of the group.
    """
    score = float(inside @ (successes - n * model.rates))
    weighted = model.weights * inside
    cross = model.design.T @ weighted
    information = float(inside @ weighted - cross @ model.inverse @ cross)
    if information < _LEAST:
        return None
    return Effect(score / information, 1 / information, score / information**0.5)


def added(model: Fit, inside: Floats, successes: Floats, n: Floats) -> Effect:
    """The maximum likelihood log odds ratio of one more column, its variance (Wald), and z as the signed root of the
    likelihood ratio: where few are expected the score's normal tail is too short, the root's is nearly exact.
    """
    wider = fit(np.column_stack([model.design, inside]), successes, n)
    value, variance = float(wider.beta[-1]), float(wider.inverse[-1, -1])
    more = 2 * (_likelihood(wider.rates, successes, n) - _likelihood(model.rates, successes, n))
    return Effect(value, variance, float(np.sign(value)) * max(0.0, more) ** 0.5)


def _likelihood(rates: Floats, successes: Floats, n: Floats) -> float:
    safe = np.clip(rates, 1e-300, 1 - 1e-16)
    return float((successes * np.log(safe) + (n - successes) * np.log1p(-safe)).sum())


def shrunk(effects: Sequence[Effect]) -> list[tuple[float, float]]:
    """Effects drawn toward their mean by how much of their spread is noise: (mean, variance) of each.

    Normal prior with the moment estimate of between variance (DerSimonian and Laird, Controlled Clinical Trials 7
    (1986) 177–188); an effect known badly says little.
    """
    if not effects:
        return []
    values = np.array([e.log_odds for e in effects])
    spread = np.array([e.variance for e in effects])
    weight = 1 / spread
    mean = float((weight @ values) / weight.sum())
    excess = float(weight @ (values - mean) ** 2) - (len(values) - 1)
    scale = float(weight.sum() - (weight**2).sum() / weight.sum())
    between = max(0.0, excess / scale) if scale > 0 else 0.0
    keep = between / (between + spread)
    return [(mean + k * (v - mean), float(k * s)) for k, v, s in zip(keep, values, spread, strict=True)]


def shifted(rate: float, log_odds: float) -> float:
    """A rate with its odds moved; 0 and 1 stay."""
    if rate <= 0 or rate >= 1:
        return rate
    return float(_expit(np.array(np.log(rate / (1 - rate)) + log_odds)))


def _expit(x: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-np.clip(x, -500, 500))))
