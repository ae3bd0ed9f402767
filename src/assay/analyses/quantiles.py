"""A quantile and its interval: the share at or below it varies by clusters, and is turned back into values.

Source: A. Deng, U. Knoblich, J. Lu, arXiv 1803.06336, §4: the variance of the distribution function at the quantile by
the delta method, then the quantiles at q ± z·σ.
"""

from __future__ import annotations

import math
from typing import Any

from assay.analyses.base import Asking
from assay.model.estimate import Estimate
from assay.plan.values import Metric
from assay.query.cut import Cut


def quantiles(asking: Asking, metric: Metric, cut: Cut) -> dict[tuple[Any, ...], Estimate]:
    """Group → the quantile with its interval; three readings of the same rows."""
    from assay.model.moments import Moments
    from assay.query.quantiles import QuantileQuery
    from assay.stats.normal import z_two_sided
    from assay.stats.ratios import ratio_variance

    q = metric.quantity.q or 0.5
    query = QuantileQuery(asking.plan, cut, metric)
    width = query.keys
    found = {tuple(r[:width]): (r[width], r[width + 1]) for r in asking.ask(query.values([q])).rows}
    points = {g: v for g, (_, v) in found.items() if v is not None}
    if not points:
        return {g: Estimate.none("no values") for g in found} or {(): Estimate.none("no values")}
    spread: dict[tuple[Any, ...], tuple[float, int]] = {}
    for row in asking.ask(query.at_or_below(points)).rows:
        n, x, y, xx, xy, yy = row[width : width + 6]
        variance = ratio_variance(Moments(("x", "y"), n, (x, y), (xx, xy, yy)))
        spread[tuple(row[:width])] = (math.sqrt(variance) if not math.isnan(variance) else math.nan, n)
    ends = sorted({p for s, _ in spread.values() if not math.isnan(s) for p in _ends(q, s * z_two_sided(0.95))})
    bounds = {
        tuple(r[:width]): dict(zip(ends, r[width + 1 :], strict=True)) for r in asking.ask(query.values(ends)).rows
    }
    estimates = {}
    for group, value in points.items():
        sigma, n = spread[group]
        if math.isnan(sigma):
            estimates[group] = Estimate(value, n=n, reason="one unit has no variance")
            continue
        low, high = _ends(q, sigma * z_two_sided(0.95))
        estimates[group] = Estimate(value, bounds[group][low], bounds[group][high], 0.95, "quantile by clusters", n)
    return estimates


def _ends(q: float, half: float) -> tuple[float, float]:
    return max(0.0, q - half), min(1.0, q + half)
