"""Groups of one dimension with all others held equal: what a gap between them is worth saying."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from assay.analyses.moving import DIMENSIONS
from assay.analyses.situations.base import NotSeen, Site

_LEAST = 100


@dataclass(frozen=True)
class Level:
    """A group: its own rate, its odds over those of all other groups together with all else equal, how sure that is."""

    rate: float
    odds: float
    z: float
    units: float


def all_else_equal(
    site: Site, dimension: str, others: Sequence[str] = (), only: Sequence[str] | None = None
) -> dict[Any, Level]:
    """Group → its level, by a logistic model of the other dimensions' main effects over the joint cells.

    ``only``: just these groups are held against each other. Groups below 100 units are not judged.
    """
    import numpy as np

    from assay.stats.logistic import added, design, effect, fit

    plan = site.asking.plan
    usual = [d for d in DIMENSIONS if d not in (dimension, "browser") and (d != "entry_page_group" or plan.pages)]
    names = [dimension, *(others or usual)]
    cells = {
        group: moments for group, moments in site.cells(site.conversion(), names).items()
        if only is None or group[0] in only
    }  # fmt: skip
    groups = list(cells)
    n = np.array([float(m.sum("y")) for m in cells.values()])
    y = np.array([float(m.sum("x")) for m in cells.values()])
    if not 0 < y.sum() < n.sum():
        raise NotSeen(f"nobody reaches {site.macro().name}" if not y.sum() else "everybody converts")
    levels = []
    for place in range(len(names)):
        sizes: dict[Any, float] = {}
        for group, count in zip(groups, n, strict=True):
            sizes[group[place]] = sizes.get(group[place], 0.0) + count
        kept = {v: i for i, v in enumerate(sorted((v for v in sizes if sizes[v] >= _LEAST), key=str))}
        levels.append(np.array([kept.get(g[place], -1) for g in groups], dtype=np.int64))
        if place == 0:
            named = {v: i for v, i in kept.items() if v is not None}
    model = fit(design(levels[1:]), y, n)
    found = {}
    for name, level in named.items():
        inside = (levels[0] == level).astype(float)
        score = effect(model, inside, y, n)
        if score is None:
            continue
        exact = added(model, inside, y, n)
        weaker = min((score.z, exact.z), key=abs)  # of the two tests the one that is less sure
        units = float(inside @ n)
        found[name] = Level(float(inside @ y) / units, math.exp(max(-20.0, min(20.0, exact.log_odds))), weaker, units)
    return found
