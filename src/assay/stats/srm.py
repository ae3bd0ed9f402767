"""Sample ratio mismatch: did the units go to the arms in the planned shares? If not, no other number can be trusted."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from assay.stats.tails import LEAST_P

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[Any]

ALPHA = 0.001


@dataclass(frozen=True)
class Srm:
    """A check of the shares: ``mismatch`` True, False, or None with a ``reason`` where nothing can be said.

    ``expected``: units by arm under the plan; ``leaked``: units in arms that should have none; ``reason`` is also given
    with a mismatch that the p-value alone does not explain.
    """

    mismatch: bool | None
    p: float | None
    statistic: float | None = None
    degrees: int | None = None
    expected: tuple[float, ...] = ()
    leaked: int = 0
    method: str = "chi-square"
    reason: str | None = None


def fixed(counts: Sequence[int], weights: Sequence[float], alpha: float = ALPHA) -> Srm:
    """Chi-square test of ``counts`` by arm against planned ``weights`` (any positive scale), for one look at the end.

    Σ (observed − expected)² / expected with (arms of weight > 0) − 1 degrees of freedom. Arms of weight 0 are left out
    of it; any unit in one is a mismatch by itself, with the smallest p-value there is. Where fewer than 5 units are
    expected in an arm, two arms get the exact binomial test and more arms no verdict. Looked at daily, use
    ``sequential``. Errors: ValueError for negative counts or weights, or no weight at all. Source: K. Pearson (1900);
    the check: A. Fabijan et al., KDD 2019, "Diagnosing Sample Ratio Mismatch in Online Controlled Experiments".
    """
    from scipy.special import chdtrc

    shares, live, leaked = _planned(counts, weights)
    n = sum(counts[i] for i in live)
    expected = tuple(n * share for share in shares)
    if leaked:
        why = f"{leaked} units are in arms that were to get none"
        return Srm(True, LEAST_P, None, len(live) - 1, expected, leaked, reason=why)
    if len(live) < 2:
        return Srm(None, None, expected=expected, reason="one arm has nothing to be compared with")
    if n == 0:
        return Srm(None, None, expected=expected, reason="no units")
    if min(expected[i] for i in live) < 5:
        if len(live) > 2:
            return Srm(None, None, expected=expected, reason="fewer than 5 units are expected in an arm")
        p = binomial_p(counts[live[0]], n, shares[live[0]])
        return Srm(p < alpha, p, expected=expected, method="binomial, exact")
    statistic = math.fsum((counts[i] - expected[i]) ** 2 / expected[i] for i in live)
    p = max(float(chdtrc(len(live) - 1, statistic)), LEAST_P)
    return Srm(p < alpha, p, statistic, len(live) - 1, expected)


def sequential(added: ArrayLike, weights: Sequence[float], concentration: float = 10_000.0) -> Floats:
    """p-values that may be looked at every day: shape (looks, arms) of units *added* by each look → (looks,).

    Bayes factor of a Dirichlet(concentration · shares) prior against the planned shares on the counts so far, log B =
    log Γ(c) − log Γ(c + n) + Σ [log Γ(c·sᵢ + xᵢ) − log Γ(c·sᵢ)] − Σ xᵢ·log sᵢ; p is the smallest 1/B so far, so P(any p
    ≤ α) ≤ α, at any sample size. Arms of weight 0 are left out; from the first unit in one on, p is the smallest there
    is. A larger ``concentration`` finds small deviations sooner and large ones later. Source: M. Lindon, A. Malek,
    Anytime-Valid Inference for Multinomial Count Data, arXiv 2011.03567.
    """
    import numpy as np
    from scipy.special import gammaln

    counts = np.asarray(added, dtype=float)
    if counts.ndim != 2 or not concentration > 0:
        raise ValueError("counts have the shape (looks, arms), a concentration is above 0")
    shares, live, _ = _planned(counts.sum(axis=0).tolist(), weights)
    if (counts < 0).any():
        raise ValueError("counts are not negative")
    total = np.cumsum(counts, axis=0)
    share = np.asarray(shares)[live]
    x, start = total[:, live], concentration * share
    n = x.sum(axis=1)
    log_factor = (gammaln(start + x) - gammaln(start) - x * np.log(share)).sum(axis=1)
    log_factor -= gammaln(concentration + n) - gammaln(concentration)
    p = np.clip(np.exp(np.minimum(-log_factor, 0.0)), LEAST_P, 1.0)
    idle = [i for i in range(len(shares)) if i not in live]
    p = np.where(total[:, idle].sum(axis=1) > 0, LEAST_P, p)
    return np.asarray(np.minimum.accumulate(p))


def binomial_p(successes: int, n: int, share: float) -> float:
    """Exact two-sided p-value of ``successes`` among ``n`` at probability ``share``: twice the smaller tail, at most 1.

    Source: C. J. Clopper, E. S. Pearson, Biometrika 26 (1934) 404–413.
    """
    from scipy.special import betainc

    if not (0 <= successes <= n and 0 < share < 1):
        raise ValueError(f"{successes} of {n} at a probability of {share} cannot be tested")
    at_least = 1.0 if successes == 0 else float(betainc(successes, n - successes + 1, share))
    at_most = 1.0 if successes == n else float(betainc(n - successes, successes + 1, 1 - share))
    return min(1.0, max(2 * min(at_least, at_most), LEAST_P))


@dataclass(frozen=True)
class Imbalance:
    """Whether units of a kind (seen in several arms, merged, bots) fall on the arms as all units do.

    ``p_values``: exact binomial p-value of each arm against the others; ``p``: the smallest times the number of arms
    that were compared (Bonferroni; two arms are one comparison). ``imbalanced`` None: nothing to say, see ``reason``.
    """

    imbalanced: bool | None
    p: float | None
    p_values: tuple[float | None, ...] = ()
    expected: tuple[float, ...] = ()
    reason: str | None = None


def imbalance(affected: Sequence[int], weights: Sequence[float], alpha: float = ALPHA) -> Imbalance:
    """Tests ``affected`` units by arm of first exposure against ``weights``: planned shares or all exposed units.

    Dropping such units is harmless only when they fall on the arms evenly. Exact binomial tests (``binomial_p``), one
    for two arms, otherwise each arm against the rest with Bonferroni's correction. Units in an arm of weight 0 are an
    imbalance by themselves. Raises ValueError as ``fixed``.
    """
    shares, live, leaked = _planned(affected, weights)
    n = sum(affected[i] for i in live)
    expected = tuple(n * share for share in shares)
    if leaked:
        return Imbalance(True, LEAST_P, (), expected, f"{leaked} units are in arms that were to get none")
    if n == 0 or len(live) < 2:
        return Imbalance(None, None, (), expected, "no units" if n == 0 else "one arm has nothing to be compared with")
    p_values = tuple(binomial_p(affected[i], n, share) if i in live else None for i, share in enumerate(shares))
    tests = 1 if len(live) == 2 else len(live)
    p = min(1.0, tests * min(p for p in p_values if p is not None))
    return Imbalance(p < alpha, p, p_values, expected)


def _planned(counts: Sequence[float], weights: Sequence[float]) -> tuple[list[float], list[int], int]:
    """Shares by arm, the arms that have one, units in the others."""
    if len(counts) != len(weights):
        raise ValueError(f"{len(counts)} counts for {len(weights)} weights")
    total = math.fsum(weights)
    if any(c < 0 for c in counts) or any(not 0 <= w < math.inf for w in weights) or total <= 0:
        raise ValueError("counts and weights are not negative, and some weight is above 0")
    live = [i for i, w in enumerate(weights) if w > 0]
    return [w / total for w in weights], live, int(sum(c for c, w in zip(counts, weights, strict=True) if w == 0))
