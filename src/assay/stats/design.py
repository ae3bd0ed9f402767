"""Designs of more than one plain test: guardrails with margins, several metrics for one decision, several arms.

``n``, ``ratio``, ``variance`` and ``power`` as in ``power``. Errors of guardrails are one-sided.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import NormalDist

from assay.stats.power import size, z_critical

_NORMAL = NormalDist()


def non_inferiority_size(
    margin: float,
    variance: float,
    alpha: float = 0.05,
    power: float = 0.8,
    effect: float = 0.0,
    ratio: float = 1.0,
    variance_treatment: float | None = None,
) -> float | None:
    """Control units to show that treatment is worse by less than ``margin`` (> 0, in the metric's unit), one-sided α.

    (z₁₋α + z_power)²·(σ₀² + σ₁²/ratio) / (margin + effect)²; ``effect``: what is truly expected, better is positive,
    0 by default. None: with so bad an effect no number of units will do.
    Source: S.-C. Chow, J. Shao, H. Wang, Sample Size Calculations in Clinical Research, §3.2.2.
    """
    _margin(margin)
    if margin + effect <= 0:
        return None
    return size(margin + effect, variance, alpha, power, 1, ratio, variance_treatment)


def non_inferiority_power(
    margin: float,
    variance: float,
    n: float,
    alpha: float = 0.05,
    effect: float = 0.0,
    ratio: float = 1.0,
    variance_treatment: float | None = None,
) -> float:
    """Chance to show non-inferiority with ``n`` control units: Φ((margin + effect)/se − z₁₋α). 0 without units."""
    _margin(margin)
    if n <= 0:
        return 0.0
    return _NORMAL.cdf((margin + effect) / _error(variance, variance_treatment, n, ratio) - z_critical(alpha, 1))


def equivalence_size(
    margin: float,
    variance: float,
    alpha: float = 0.05,
    power: float = 0.8,
    effect: float = 0.0,
    ratio: float = 1.0,
    variance_treatment: float | None = None,
) -> float | None:
    """Control units to show by two one-sided tests that the difference is within ± ``margin``; None where it is not.

    The n at which ``equivalence_power`` is ``power``, by root search: in closed form only for effect 0, where it is
    (z₁₋α + z₍₁₊power₎⸝₂)²·(σ₀² + σ₁²/ratio)/margin².
    """
    from scipy.optimize import brentq

    _margin(margin)
    if abs(effect) >= margin:
        return None

    def lacking(log_n: float) -> float:
        return equivalence_power(margin, variance, math.exp(log_n), alpha, effect, ratio, variance_treatment) - power

    # With one test to pass it would be ``near``; where both are equally hard, ``far``.
    near, far = (
        size(margin - abs(effect), variance, alpha, p, 1, ratio, variance_treatment) or math.nan
        for p in (power, (1 + power) / 2)
    )
    return math.exp(float(brentq(lacking, math.log(near) - 1e-9, math.log(far) + 1e-9, xtol=1e-14, rtol=1e-14)))


def equivalence_power(
    margin: float,
    variance: float,
    n: float,
    alpha: float = 0.05,
    effect: float = 0.0,
    ratio: float = 1.0,
    variance_treatment: float | None = None,
) -> float:
    """Chance that both one-sided tests reject: Φ((m − e)/se − z₁₋α) + Φ((m + e)/se − z₁₋α) − 1, at least 0.

    Source: D. J. Schuirmann, Journal of Pharmacokinetics and Biopharmaceutics 15 (1987) 657–680; Chow, Shao and Wang
    §3.2.3.
    """
    _margin(margin)
    if n <= 0:
        return 0.0
    error, z = _error(variance, variance_treatment, n, ratio), z_critical(alpha, 1)
    return max(0.0, _NORMAL.cdf((margin - effect) / error - z) + _NORMAL.cdf((margin + effect) / error - z) - 1)


@dataclass(frozen=True)
class Rates:
    """Error rates by metric with which one decision keeps its own: size each success metric at ``success_alpha`` and
    each guardrail at ``guardrail_alpha``, all of them at ``power``; the test needs the largest of their sizes."""

    success_alpha: float | None
    guardrail_alpha: float | None
    power: float


def decision_rates(
    alpha: float = 0.05,
    power: float = 0.8,
    successes: int = 1,
    guardrails: int = 0,
    guardrail_alpha: float | None = None,
) -> Rates:
    """Rates for "ship when any success metric is better and every guardrail is shown not to be worse than its margin".

    Any of S may win, so α is divided by S; all G must pass, so their α (one-sided, ``alpha`` unless given) is not
    divided; everything must be found together, so β is divided by G + 1 (by G without a success metric): 1 − Σβ is the
    power at least, whatever the dependence. Raises ValueError without any metric. Source: M. Schultzberg, S. Ankargren,
    M. Frånberg, arXiv 2402.11609, §3.
    """
    needed = guardrails + (1 if successes else 0)
    if successes < 0 or guardrails < 0 or needed == 0:
        raise ValueError("a decision needs a metric")
    return Rates(
        alpha / successes if successes else None,
        (alpha if guardrail_alpha is None else guardrail_alpha) if guardrails else None,
        1 - (1 - power) / needed,
    )


def joint_power(powers: Sequence[float], dependence: str = "any") -> float:
    """Chance that all of these tests find what they should, from each one's power.

    ``any``: at least 1 − Σ(1 − power), whatever the dependence; ``independent``: their product. Never below 0.
    """
    if dependence not in ("any", "independent"):
        raise ValueError(f"no dependence {dependence}: any, independent")
    if dependence == "independent":
        return math.prod(powers)
    return max(0.0, 1 - math.fsum(1 - p for p in powers))


@dataclass(frozen=True)
class Arms:
    """Units of control and of each of ``treatments``, and the error rate ``alpha`` of each comparison with control."""

    control: float
    treatment: float
    treatments: int
    alpha: float

    @property
    def total(self) -> int:
        """All units, each arm rounded up."""
        return math.ceil(self.control) + self.treatments * math.ceil(self.treatment)


def several_arms(
    treatments: int,
    control_units: Callable[[float, float], float | None],
    alpha: float = 0.05,
    correction: str = "bonferroni",
    split: str = "equal",
) -> Arms | None:
    """Units of a test of several treatments against one control; ``control_units(alpha, ratio)`` sizes one comparison.

    ``correction`` of α over the comparisons: ``bonferroni`` α/k, ``sidak`` 1 − (1 − α)^(1/k), ``none``. ``split``:
    ``equal`` arms, or ``optimal``: control gets √k units for each of a treatment's, which has the least total
    (C. W. Dunnett, JASA 50 (1955) 1096–1121). None where the comparison has no size. ValueError for other names.
    """
    shares = {"bonferroni": alpha / treatments, "sidak": -math.expm1(math.log1p(-alpha) / treatments), "none": alpha}
    ratios = {"equal": 1.0, "optimal": 1 / math.sqrt(treatments)}
    if correction not in shares or split not in ratios:
        raise ValueError(f"no correction {correction} or split {split}: {', '.join((*shares, *ratios))}")
    control = control_units(shares[correction], ratios[split])
    return None if control is None else Arms(control, control * ratios[split], treatments, shares[correction])


def _margin(margin: float) -> None:
    if not 0 < margin < math.inf:
        raise ValueError(f"a margin is above 0, not {margin}")


def _error(variance: float, variance_treatment: float | None, n: float, ratio: float) -> float:
    return math.sqrt((variance + (variance if variance_treatment is None else variance_treatment) / ratio) / n)
