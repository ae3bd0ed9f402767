"""Means, variances and covariances of linear combinations of a unit's variables, from moments."""

from __future__ import annotations

from collections.abc import Mapping

from assay.model.moments import Moments

Combination = Mapping[str, float]  # variable → weight
_ALIKE = 1e-12  # of the second moment: what rounding leaves of equal numbers


def covariance(moments: Moments, a: Combination, b: Combination) -> float:
    """Sample covariance (n − 1 below) per unit of Σ aᵢxᵢ and Σ bᵢxᵢ; not a number with fewer than two units."""
    return sum(u * v * moments.covariance(i, j) for i, u in a.items() for j, v in b.items())


def variance(moments: Moments, a: Combination) -> float:
    """Sample variance per unit of Σ aᵢxᵢ; exactly 0 where all units are alike but for rounding."""
    found = covariance(moments, a, a)
    scale = sum(abs(u * v * moments.product(i, j)) for i, u in a.items() for j, v in a.items())
    return 0.0 if found <= _ALIKE * scale / max(moments.n - 1, 1) else found


def mean(moments: Moments, a: Combination) -> float:
    """Mean per unit of Σ aᵢxᵢ; not a number without units."""
    return sum(u * moments.mean(i) for i, u in a.items())


def linearised(moments: Moments, x: str, y: str | None) -> tuple[float, Combination]:
    """The value Σx/Σy (mean of x without ``y``) and the combination whose unit variance / n is the value's variance.

    Delta method: Σx/Σy moves with (x − r·y)/ȳ. Source: A. Deng, U. Knoblich, J. Lu, KDD 2018 (arXiv 1803.06336) §3.
    The caller has made sure of n > 0 and Σy ≠ 0.
    """
    if y is None:
        return moments.mean(x), {x: 1.0}
    top, below = float(moments.sum(x)), float(moments.sum(y))
    per = moments.n / below
    if x == y:
        return 1.0, {x: 0.0}
    return top / below, {x: per, y: -per * top / below}
