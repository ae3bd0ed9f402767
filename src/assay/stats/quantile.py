"""Quantiles compared, by order statistics around them; values of one unit need not be independent."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from assay.stats.contrast import MeanContrast, NoContrast, welch_freedom
from assay.stats.tails import critical_value

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Values = Sequence[float] | NDArray[Any]


@dataclass(frozen=True)
class QuantileArm:
    """A quantile of one arm: ``value``, and order statistics ``lower`` and ``upper`` of it, ``z`` errors away each.

    ``n`` counts the independent units. The standard error of the value is (upper − lower) / (2·z).
    """

    n: int
    value: float
    lower: float
    upper: float
    z: float = 1.959963984540054

    @property
    def standard_error(self) -> float:
        """In units of the value."""
        return (self.upper - self.lower) / (2 * self.z)


def quantile_arm(
    values: Values, q: float, units: Sequence[Any] | NDArray[Any] | None = None, level: float = 0.95
) -> QuantileArm | NoContrast:
    """The ``q``-quantile of an arm's values (linear between order statistics), with those that bound it at ``level``.

    The share of values up to the quantile has the standard error σ = √(q(1 − q)/N); with ``units`` (one label per
    value) that of a ratio Σ(values up to the quantile)/Σ(values) over units. The outer order statistics stand at
    N·(q ± z·σ), rounded outward; ``z`` is given back for the ranks taken, so rounding does not widen the error.
    Source: A. Deng, U. Knoblich, J. Lu, KDD 2018 (arXiv 1803.06336) §4: the density at the quantile, hard to estimate,
    is not needed. ValueError unless 0 < q < 1 and lengths match.
    ``NoContrast``: ``empty_arm``; ``too_few`` values for order statistics that far out, or one unit only.
    """
    import numpy as np

    if not 0 < q < 1:
        raise ValueError(f"{q} is no quantile between 0 and 1")
    ordered = np.sort(np.asarray(values, dtype=float))
    count = len(ordered)
    if count == 0:
        return NoContrast("an arm has no units", "empty_arm")
    value = float(np.quantile(ordered, q))
    n, error = count, math.sqrt(q * (1 - q) / count)
    if units is not None:
        labels = np.unique(np.asarray(units), return_inverse=True)[1]
        if len(labels) != count:
            raise ValueError("one unit per value")
        below = np.bincount(labels, weights=np.asarray(values, dtype=float) <= value)
        size = np.bincount(labels)
        n = len(size)
        if n == 1:
            return NoContrast("an arm has one unit, which has no variance", "one_unit")
        spread = below - below.sum() / count * size
        error = math.sqrt(float(spread @ spread) / (n - 1) * n) / count
    z = critical_value(level)
    first, last = math.floor(count * (q - z * error)), math.ceil(count * (q + z * error)) + 1
    if first < 1 or last > count:
        return NoContrast(f"too few values for bounds of the {q:g}-quantile", "too_few")
    taken = (last - first) / (2 * count * error) if error > 0 else z
    return QuantileArm(n, value, float(ordered[first - 1]), float(ordered[last - 1]), taken)


def compare_quantiles(
    control: QuantileArm | NoContrast, treatment: QuantileArm | NoContrast
) -> MeanContrast | NoContrast:
    """Treatment quantile − control quantile of independent arms, from ``quantile_arm`` or summaries made elsewhere.

    The variances are the squared standard errors; Student's t with Welch's degrees of freedom from the units (hand
    ``critical`` = 1.96 to ``interval`` for the normal form). Relative: Fieller.
    ``NoContrast``: that of an arm; ``one_unit``; ``no_variance`` where the order statistics of an arm are equal,
    as they are when many values are tied at the quantile.
    """
    for arm in (control, treatment):
        if isinstance(arm, NoContrast):
            return arm
        if arm.n < 2:
            return NoContrast("an arm has one unit, which has no variance", "one_unit")
    assert isinstance(control, QuantileArm)
    assert isinstance(treatment, QuantileArm)
    v0, v1 = control.standard_error**2, treatment.standard_error**2
    if v0 == 0 or v1 == 0:
        return NoContrast("too many values are tied at the quantile", "no_variance")
    return MeanContrast(
        "order statistics, Welch t, Fieller",
        control.value,
        treatment.value,
        control.value,
        control.n,
        treatment.n,
        treatment.value - control.value,
        v0 + v1,
        v0,
        -v0,
        welch_freedom([(v0, control.n), (v1, treatment.n)]),
    )
