"""What to believe after the data: chance to win, expected loss and intervals. By integration, nothing is simulated.

Looking often does not spoil these numbers as beliefs, but a rule "ship once the chance exceeds 95 %" used at every look
ships more often than 5 % of changes that do nothing: a bound on errors needs ``sequential``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from assay.stats.tails import LEAST_P

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[Any]

TOLERANCE = 1e-10


@dataclass(frozen=True)
class Arm:
    """Posterior of one arm's rate: mean, interval ``low`` to ``high`` with equal tails, chance to be the best of all
    arms, and expected loss: how much rate is given away on average by choosing it, E[best] − E[this one]."""

    mean: float
    low: float
    high: float
    chance_to_win: float
    expected_loss: float


def beta_binomial(
    successes: Sequence[int],
    n: Sequence[int],
    prior: tuple[float, float] = (1.0, 1.0),
    level: float = 0.95,
    direction: str = "up",
) -> tuple[Arm, ...]:
    """Arms with ``successes[i]`` of ``n[i]`` independent units each, θᵢ ~ Beta(prior) beforehand; two arms or more.

    Posterior Beta(a₀ + x, b₀ + n − x). Chance to win ∫ fᵢ Πⱼ Fⱼ; expected loss ∫ Fᵢ·(1 − Πⱼ Fⱼ), j ≠ i, in units of the
    rate. ``direction`` "down": the lowest rate is best. Gauss–Legendre in the log odds, panels on the scale of each
    arm; the chances must sum to 1 and mean + loss be the same for all arms within 1e-10, or ArithmeticError is raised.
    ValueError for fewer than two arms, counts that are none or a prior that is none. Source: A. Gelman et al., Bayesian
    Data Analysis (2013) §2.4; expected loss: C. Stucchio, Bayesian A/B Testing at VWO (2015) §4.
    """
    from scipy.special import betaincinv

    if len(successes) != len(n) or len(n) < 2:
        raise ValueError("two arms or more are compared, each with its successes and its units")
    if not (prior[0] > 0 and prior[1] > 0):
        raise ValueError(f"Beta{prior} is no prior")
    for x, all_ in zip(successes, n, strict=True):
        if not 0 <= x <= all_:
            raise ValueError(f"{x} of {all_} is no share")
    _direction(direction)
    shapes = [(prior[0] + x, prior[1] + all_ - x) for x, all_ in zip(successes, n, strict=True)]
    chances, losses = _best([(b, a) for a, b in shapes] if direction == "down" else shapes)
    tail = (1 - level) / 2
    return tuple(
        Arm(a / (a + b), float(betaincinv(a, b, tail)), float(betaincinv(a, b, 1 - tail)), chance, loss)
        for (a, b), chance, loss in zip(shapes, chances, losses, strict=True)
    )


@dataclass(frozen=True)
class Prior:
    """A normal prior of an effect: ``scale`` "relative" (0.1 = 10 % over control) or "absolute" (the metric's unit)."""

    mean: float
    deviation: float
    scale: str = "relative"

    def __post_init__(self) -> None:
        _scale(self.scale)
        if not (math.isfinite(self.mean) and 0 < self.deviation < math.inf):
            raise ValueError("a normal prior has a mean and a deviation above 0")

    def on(self, scale: str, baseline: float | None) -> Prior | None:
        """The same prior on the other scale, by the control mean ``baseline``; None where that is not above 0."""
        _scale(scale)
        if scale == self.scale:
            return self
        if baseline is None or not 0 < baseline < math.inf:
            return None
        factor = baseline if scale == "absolute" else 1 / baseline
        return Prior(self.mean * factor, self.deviation * factor, scale)


@dataclass(frozen=True)
class NormalPosterior:
    """Normal posterior of an effect on ``scale``, or None everywhere and a ``reason``.

    ``chance_to_win``: that the effect is on the good side. ``loss_shipped``, ``loss_kept``: what is given away on
    average by shipping and by keeping control, on the same scale. ``weight``: share of the data in the mean, 1 under a
    flat prior.
    """

    mean: float | None
    deviation: float | None = None
    low: float | None = None
    high: float | None = None
    level: float = 0.95
    chance_to_win: float | None = None
    loss_shipped: float | None = None
    loss_kept: float | None = None
    weight: float | None = None
    scale: str = "relative"
    reason: str | None = None


def normal(
    estimate: float,
    standard_error: float,
    prior: Prior | None = None,
    scale: str = "relative",
    baseline: float | None = None,
    level: float = 0.95,
    direction: str = "up",
) -> NormalPosterior:
    """Posterior of an effect from its estimate and standard error, both on ``scale``; ``prior`` None: flat.

    Precisions add up: 1/s² = 1/se² + 1/τ², mean = s²·(estimate/se² + μ/τ²). Chance to win Φ(m/s); with z = m/s the loss
    of shipping is s·(φ(z) − z·Φ(−z)), that of keeping control the same at −z. A prior given on the other scale is
    carried over by ``baseline``, the control mean. ``direction`` "down": negative effects are good.
    No value: standard error 0 or missing, or a prior that cannot be carried over.
    Source: A. Gelman et al., Bayesian Data Analysis (2013) §2.5; unit normal loss: H. Raiffa, R. Schlaifer, Applied
    Statistical Decision Theory (1961) §11.2.
    """
    from scipy.special import log_ndtr, ndtri

    _scale(scale)
    sign = _direction(direction)
    if not (math.isfinite(estimate) and 0 < standard_error < math.inf):
        return NormalPosterior(None, level=level, scale=scale, reason="no estimate with a standard error")
    mean, deviation, weight = estimate, standard_error, 1.0
    if prior is not None:
        moved = prior.on(scale, baseline)
        if moved is None:
            why = f"the prior is {prior.scale} and there is no control mean above 0 to carry it over"
            return NormalPosterior(None, level=level, scale=scale, reason=why)
        ratio = (standard_error / moved.deviation) ** 2
        weight = 1 / (1 + ratio)
        mean, deviation = moved.mean + weight * (estimate - moved.mean), standard_error * math.sqrt(weight)
    half = float(ndtri(0.5 + level / 2)) * deviation
    z = sign * mean / deviation
    return NormalPosterior(
        mean, deviation, mean - half, mean + half, level,
        chance_to_win=max(math.exp(float(log_ndtr(z))), LEAST_P),
        loss_shipped=deviation * unit_loss(z),
        loss_kept=deviation * unit_loss(-z),
        weight=weight,
        scale=scale,
    )  # fmt: skip


def unit_loss(z: float) -> float:
    """E[max(−X, 0)] of X ~ N(z, 1): φ(z) − z·Φ(−z), to full relative precision on both sides.

    Source: Raiffa and Schlaifer (1961), the unit normal linear-loss integral.
    """
    from scipy.special import erfcx

    density = math.exp(-z * z / 2) / math.sqrt(2 * math.pi)
    if z <= 0:
        return unit_loss(-z) - z if z < 0 else density
    if z > 30:
        # 1 − z·Mills' ratio cancels out there; its asymptotic series does not.
        series = 1 / z**2 - 3 / z**4 + 15 / z**6 - 105 / z**8 + 945 / z**10
        return density * series
    return density * (1 - z * math.sqrt(math.pi / 2) * float(erfcx(z / math.sqrt(2))))


def shrunk(lift: float, standard_error: float, prior: Prior, level: float = 0.95) -> NormalPosterior:
    """A lift drawn towards what such tests usually bring, both on the prior's scale: ``normal`` under that prior.

    Of many tests the ones picked because they won look better than they are; under the right prior the posterior needs
    no further correction for the picking. Source: B. Efron, Tweedie's formula and selection bias, JASA 106 (2011)
    1602–1614.
    """
    return normal(lift, standard_error, prior, prior.scale, level=level)


@dataclass(frozen=True)
class Past:
    """A prior from ``n`` past tests, or None and a ``reason``. ``spread``: deviation of the true lifts."""

    prior: Prior | None
    spread: float | None = None
    n: int = 0
    method: str = ""
    reason: str | None = None


def prior_of_past(
    lifts: Sequence[float], standard_errors: Sequence[float], method: str = "marginal", scale: str = "relative"
) -> Past:
    """The distribution that the true lifts of past tests seem to come from, each observed with its own error.

    lift ~ N(μ, τ² + se²). "marginal": τ is the mean under its marginal likelihood, μ integrated out, and a flat prior,
    so it is never 0 (A. Gelman, Bayesian Analysis 1 (2006) 515–534); "dersimonian_laird": the moment estimator (R.
    DerSimonian, N. Laird, Controlled Clinical Trials 7 (1986) 177–188). The prior of the next test has mean μ and
    variance τ² + Var(μ); what is open about τ itself is left out, so with 5 to 20 tests 95 % intervals hold in 91 to 96
    %. Hand over all tests, not only those that won. No prior with fewer than 5 tests, or where the moment estimator
    finds no spread beyond the tests' own errors.
    """
    import numpy as np

    _scale(scale)
    if method not in ("marginal", "dersimonian_laird"):
        raise ValueError(f"no method {method}: marginal, dersimonian_laird")
    y, v = np.asarray(lifts, dtype=float), np.asarray(standard_errors, dtype=float) ** 2
    if y.shape != v.shape or y.ndim != 1:
        raise ValueError("each lift has its standard error")
    usable = np.isfinite(y) & np.isfinite(v) & (v > 0)
    y, v = y[usable], v[usable]
    if len(y) < 5:
        return Past(None, n=len(y), method=method, reason=f"{len(y)} past tests with an error are too few: 5 at least")
    spread = _marginal_spread(y, v) if method == "marginal" else _moment_spread(y, v)
    if spread == 0:
        why = "the past tests differ no more than their own errors explain"
        return Past(None, 0.0, len(y), method, reason=why)
    weights = 1 / (v + spread**2)
    mean, error = float(weights @ y / weights.sum()), 1 / float(weights.sum())
    return Past(Prior(mean, math.sqrt(spread**2 + error), scale), spread, len(y), method)


def _moment_spread(y: Floats, v: Floats) -> float:
    w = 1 / v
    mean = w @ y / w.sum()
    excess = w @ (y - mean) ** 2 - (len(y) - 1)
    return math.sqrt(max(0.0, float(excess / (w.sum() - (w @ w) / w.sum()))))


def _marginal_spread(y: Floats, v: Floats) -> float:
    import numpy as np

    unit = math.sqrt(float(np.median(v)) + float(np.var(y)))
    u = (np.arange(20_000) + 0.5) / 20_000
    tau = unit * u / (1 - u)
    w = 1 / (v[:, None] + tau[None, :] ** 2)
    total = w.sum(axis=0)
    mean = (w * y[:, None]).sum(axis=0) / total
    log = (np.log(w).sum(axis=0) - np.log(total) - (w * (y[:, None] - mean) ** 2).sum(axis=0)) / 2
    log -= 2 * np.log1p(-u)
    weight = np.exp(log - log.max())
    return float(weight @ tau / weight.sum())


def _best(shapes: Sequence[tuple[float, float]]) -> tuple[list[float], list[float]]:
    """Chance to be the largest and expected loss of each Beta(a, b)."""
    found: tuple[list[float], list[float]] = ([], [])
    for nodes in (16, 32, 64):
        found = _integrals(shapes, nodes)
        chances, losses = found
        tops = [a / (a + b) + loss for (a, b), loss in zip(shapes, losses, strict=True)]
        if abs(math.fsum(chances) - 1) < TOLERANCE and max(tops) - min(tops) < TOLERANCE * max(tops):
            return found
    raise ArithmeticError("the integrals of the posteriors did not settle")


def _integrals(shapes: Sequence[tuple[float, float]], nodes: int) -> tuple[list[float], list[float]]:
    import numpy as np
    from scipy.special import betainc, expit

    edges = np.unique(np.concatenate([_edges(a, b) for a, b in shapes]))
    x, w = np.polynomial.legendre.leggauss(nodes)
    half = np.diff(edges)[:, None] / 2
    y, weight = (edges[:-1, None] + half * (1 + x)).ravel(), (half * w).ravel()
    share, rest = expit(y), expit(-y)
    below = [betainc(a, b, share) for a, b in shapes]
    above = [betainc(b, a, rest) for a, b in shapes]
    with np.errstate(divide="ignore"):
        logs = [np.where(s < 0.5, np.log1p(-np.minimum(s, 0.5)), np.log(f)) for f, s in zip(below, above, strict=True)]
    chances, losses = [], []
    for i, (a, b) in enumerate(shapes):
        others = sum((log for j, log in enumerate(logs) if j != i), np.zeros(len(y)))
        density = weight * np.exp(_log_density(y, a, b))
        chances.append(max(float(density @ np.exp(others) / density.sum()), LEAST_P))
        losses.append(float((weight * share * rest * below[i]) @ -np.expm1(others)))
    return chances, losses


def _edges(a: float, b: float) -> Floats:
    """Panels of the log odds of Beta(a, b): one deviation wide around the mode, wider in the tails, down to e⁻⁴⁵."""
    import numpy as np

    mode, deviation = math.log(a / b), math.sqrt(1 / a + 1 / b)
    steps = deviation * np.arange(0.0, 11.0)
    left = steps[-1] + np.concatenate(([0.0], (45 / a) * 2.0 ** np.arange(-6.0, 1.0)))
    right = steps[-1] + np.concatenate(([0.0], (45 / b) * 2.0 ** np.arange(-6.0, 1.0)))
    return np.concatenate((mode - left, mode - steps, mode + steps, mode + right))


def _log_density(y: Floats, a: float, b: float) -> Floats:
    """Of the log odds, less its value at the mode: a·d − (a + b)·log(1 + m·(eᵈ − 1)); exact for large n."""
    import numpy as np

    mean = a / (a + b)
    d = y - math.log(a / b)
    near = np.log1p(mean * np.expm1(np.clip(d, -1, 1)))
    far = np.logaddexp(math.log(b / (a + b)), math.log(mean) + d)
    return np.asarray(a * d - (a + b) * np.where(np.abs(d) < 1, near, far))


def _scale(name: str) -> None:
    if name not in ("relative", "absolute"):
        raise ValueError(f"no scale {name}: relative, absolute")


def _direction(name: str) -> int:
    if name not in ("up", "down"):
        raise ValueError(f"no direction {name}: up, down")
    return 1 if name == "up" else -1
