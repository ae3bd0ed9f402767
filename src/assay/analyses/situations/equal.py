"""Groups of one dimension with all others held equal: what a gap between them is worth saying."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from assay.analyses.moving import DIMENSIONS
from assay.analyses.situations.base import Site
from assay.model.errors import Refused

_LEAST = 100


@dataclass(frozen=True)
class Level:
    """A group: its own rate, and its log odds beside the others with all else equal (variance as if it stood alone)."""

    rate: float
    log_odds: float
    variance: float
    units: float


def all_else_equal(site: Site, dimension: str, others: Sequence[str] = ()) -> dict[Any, Level]:
    """Group → its level, by a logistic model of main effects over the joint cells; without groups below 100 units."""
    import numpy as np

    from assay.stats.logistic import columns_of, design, fit

    plan = site.asking.plan
    usual = [d for d in DIMENSIONS if d != dimension and d != "browser" and (d != "entry_page_group" or plan.pages)]
    names = [dimension, *(others or usual)]
    try:
        cells = site.cells(site.conversion(), names)
    except Refused:
        return {}
    groups = [g if isinstance(g, tuple) else (g,) for g in cells]
    n = np.array([float(m.sum("y")) for m in cells.values()])
    y = np.array([float(m.sum("x")) for m in cells.values()])
    if not n.sum() or not 0 < y.sum() < n.sum():
        return {}
    levels = []
    for place in range(len(names)):
        sizes: dict[Any, float] = {}
        for group, count in zip(groups, n, strict=True):
            sizes[group[place]] = sizes.get(group[place], 0.0) + count
        kept = {v: i for i, v in enumerate(sorted((v for v in sizes if sizes[v] >= _LEAST), key=str))}
        levels.append(np.array([kept.get(g[place], -1) for g in groups], dtype=np.int64))
        if place == 0:
            named = {i: v for v, i in kept.items()}
    model = fit(design(levels), y, n)
    beta = {level: float(model.beta[1 + i]) for i, (d, level) in enumerate(columns_of(levels)) if d == 0}
    found = {}
    for level, value in named.items():
        inside = levels[0] == level
        weight = float(model.weights[inside].sum())
        if weight > 0:
            rate = float(y[inside].sum() / n[inside].sum())
            found[value] = Level(rate, beta.get(level, 0.0), 1 / weight, float(n[inside].sum()))
    return found
