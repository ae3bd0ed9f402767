"""The figures of one step: rates with their intervals, what was lost, how long it took."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.analyses.estimates import clustered_share
from assay.model.answer import Cell
from assay.model.estimate import Estimate
from assay.plan.values import Funnel

if TYPE_CHECKING:
    from assay.query.funnels import Reached


def step_estimate(one: Reached, k: int) -> Estimate:
    """The rate from the start: Wilson for visitors, users and accounts, by visitor clusters for sessions."""
    from assay.model.moments import Moments
    from assay.stats.proportions import wilson

    if k == 0:
        return Estimate(
            1.0, n=one.units[0], numerator=one.units[0], denominator=one.units[0], reason="the start itself"
        )
    if one.products is None:
        return wilson(one.units[k], one.units[0])
    sums, first = one.products[k], one.products[0]
    squares = (sums.xx, sums.xy, first.xx)
    return clustered_share(Moments(("x", "y"), sums.clusters, (one.units[k], one.units[0]), squares))


def previous_estimate(one: Reached, k: int, before: int) -> Estimate:
    """The rate from the step before, with the same kind of interval."""
    from assay.model.moments import Moments
    from assay.stats.proportions import wilson

    if one.products is None or not one.units[before]:
        return wilson(one.units[k], one.units[before])
    sums = one.products[k]
    squares = (sums.xx, sums.xz, one.products[before].xx)
    return clustered_share(Moments(("x", "y"), sums.clusters, (one.units[k], one.units[before]), squares))


def since_previous(one: Reached, k: int, funnel: Funnel) -> list[Cell]:
    """The rate from the previous step with its interval, how many were lost, and the times; nothing at the start."""
    if k == 0:
        return [None] * 8
    from assay.query.funnels import previous

    before = previous([i for i, step in enumerate(funnel.steps) if not step.optional], k)
    rate = previous_estimate(one, k, before)
    lost = None if funnel.steps[k].optional else one.units[before] - one.units[k]
    times = one.times[k]
    if times is None:
        return [rate.value, rate.low, rate.high, lost, None, None, None, None]
    spans = [times.median_previous, times.mean_previous, times.median_start, times.mean_start]
    return [rate.value, rate.low, rate.high, lost, *spans]


def matured_figures(one: Reached | None, k: int) -> list[Cell]:
    """The rate over closed windows with its interval, and how many units it is of."""
    if one is None:
        return [None, None, None, 0]
    rate = step_estimate(one, k)
    return [rate.value, rate.low, rate.high, one.units[0]]
