"""How several treatments share the error rate, and which looks of a group-sequential test have come."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from assay.plan.experiments import Experiment, Looks


def shares(experiment: Experiment, p: Mapping[str, float]) -> dict[str, float]:
    """Treatment → its part of alpha, from the p-values of the primary; see ``Reading.alphas``."""
    alpha, treatments = experiment.alpha, list(p)
    k, rule = len(treatments), experiment.correction
    if k < 2 or rule == "none":
        return dict.fromkeys(treatments, alpha)
    if rule == "bonferroni" or experiment.looks.kind == "group_sequential":
        return dict.fromkeys(treatments, alpha / k)
    order = sorted(treatments, key=lambda variant: p[variant])
    if rule == "hochberg":
        won = max((i for i, v in enumerate(order) if p[v] <= alpha / (k - i)), default=None)
        at = alpha / (k - won) if won is not None else alpha
        return {v: at if won is not None and i <= won else alpha / k for i, v in enumerate(order)}
    found, step = {}, 0
    for variant in order:
        found[variant] = alpha / (k - step)
        if p[variant] <= found[variant]:
            step += 1
    return found


def looks_so_far(
    looks: Looks, units: Mapping[date, int], planned: int, wait: int, last: date, over: bool
) -> list[tuple[date, float]]:
    """The last day of exposure of each look that has come, and the share of the sample by then; shares rise.

    ``units`` by day of exposure, up to ``last``, the last day whose windows have closed. By date, or each time another
    part of the planned sample has a closed window; and once when no more comes. A look that brings nobody is none, and
    after the whole planned sample there is none: all error has been spent.
    """
    ends: list[date] = []
    if looks.dates:
        days = [day - timedelta(-(-wait // 86_400)) for day in looks.dates]
        ends = [day for day in days if day <= last]
    else:
        total = due = 0
        for day, count in units.items():
            total += count
            reached = min(looks.count, math.floor(total / planned * looks.count + 1e-9))
            ends += [day] if reached > due else []
            due = max(due, reached)
    found: list[tuple[date, float]] = []
    for end in [*ends, *([last] if over else [])]:
        share = sum(count for day, count in units.items() if day <= end) / planned
        if (found[-1][1] if found else 0.0) < min(share, 1.0):
            found.append((end, share))
    return found
