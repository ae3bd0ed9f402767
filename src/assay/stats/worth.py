"""What to expect of an effect that was picked for looking good: normal estimate, normal prior, no simulation."""

from __future__ import annotations

import math


def posterior(estimate: float, error: float, prior_mean: float, prior_sd: float) -> tuple[float, float]:
    """Mean and standard deviation of the true effect: the estimate drawn toward the prior by their precisions.

    m = (e/s² + μ/τ²) / (1/s² + 1/τ²). Source: A. Gelman et al., Bayesian Data Analysis, 3rd ed., §2.5. ``error`` > 0;
    ``prior_sd`` 0 leaves the prior alone. Raises ValueError for a negative spread.
    """
    if error <= 0 or prior_sd < 0:
        raise ValueError(f"no posterior from an error of {error} and a prior spread of {prior_sd}")
    weight = prior_sd**2 / (prior_sd**2 + error**2)
    return prior_mean + weight * (estimate - prior_mean), math.sqrt(weight) * error


def chance_below(mean: float, sd: float, value: float = 0.0) -> float:
    """P(effect < value), computed in the tail so that it does not run out to 0."""
    if sd == 0:
        return 1.0 if mean < value else 0.0
    return 0.5 * math.erfc((mean - value) / (sd * math.sqrt(2)))


def expected_positive(mean: float, sd: float) -> float:
    """E[max(effect, 0)]: what not shipping loses. m·Φ(m/s) + s·φ(m/s), ≥ 0; the units of the effect."""
    if sd == 0:
        return max(mean, 0.0)
    z = mean / sd
    density = math.exp(-z * z / 2) / math.sqrt(2 * math.pi)
    return max(0.0, mean * 0.5 * math.erfc(-z / math.sqrt(2)) + sd * density)


def expected_negative(mean: float, sd: float) -> float:
    """E[max(−effect, 0)]: what shipping loses."""
    return expected_positive(-mean, sd)
