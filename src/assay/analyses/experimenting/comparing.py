"""Two arms of one metric compared: with its covariate, within strata, or plain; and what the interval says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from assay.decide.experiments import HARMED, SAFE, UNSHOWN

if TYPE_CHECKING:
    from assay.model.moments import Moments
    from assay.plan.experiments import Change
    from assay.stats.contrast import Contrast, Interval, NoContrast

Parts = Mapping[tuple[Any, ...], "Moments"]  # stratum → moments; one nameless stratum where there are none


def whole(parts: Parts) -> Moments:
    """The moments of all strata together."""
    from assay.query.experiments.table import total

    return total(parts.values())


def plus(one: Parts, two: Parts) -> Parts:
    """Both, stratum by stratum."""
    joined = dict(one)
    for key, moments in two.items():
        joined[key] = joined[key] + moments if key in joined else moments
    return joined


def compare(control: Parts, treatment: Parts, share: bool, covariate: bool, strata: bool) -> Contrast | NoContrast:
    """The comparison that the metric's kind asks for. ``share``: of units, each with a 0 or a 1.

    The covariate goes before strata; where it says nothing, and where a share has too few events for anything but the
    exact test, the comparison is one without.
    """
    from assay.stats.contrast import NoContrast
    from assay.stats.means import compare_means
    from assay.stats.proportion_tests import EXACT_BELOW, compare_proportions
    from assay.stats.ratios import compare_ratios

    one, two = whole(control), whole(treatment)
    below = "y" if "y" in one.names else None
    if covariate and "c" in one.names:
        from assay.stats.cuped import compare_cuped

        made = compare_cuped(one, two, "x", below, "c", "d" if "d" in one.names else None)
        if not isinstance(made, NoContrast) or made.code != "no_covariate":
            return made
    events = [float(v) for arm in (one, two) for v in (arm.sum("x"), arm.n - float(arm.sum("x")))] if share else []
    if strata and min(events, default=EXACT_BELOW) >= EXACT_BELOW:
        from assay.model.moments import Moments
        from assay.stats.strata import compare_strata

        none = Moments.zero(one.names)
        pairs = [(control.get(key, none), treatment.get(key, none)) for key in dict.fromkeys((*control, *treatment))]
        return compare_strata(pairs, "x", below)
    if below is not None:
        return compare_ratios(one, two)
    if share:
        return compare_proportions(int(one.sum("x")), one.n, int(two.sum("x")), two.n)
    return compare_means(one, two)


def judge(absolute: Interval, relative: Interval, direction: str, margin: Change | None) -> str:
    """The state that an interval says: against no effect, or against a margin."""
    sign = 1 if direction == "up" else -1
    low, high = _turned(absolute, sign)
    if margin is None:
        return "better" if low is not None and low > 0 else "worse" if high is not None and high < 0 else "open"
    floor = _turned(relative, sign)[0] if margin.scale == "relative" else low
    if floor is not None and floor >= -margin.value:
        return SAFE
    return HARMED if high is not None and high < 0 else UNSHOWN


def _turned(interval: Interval, sign: int) -> tuple[float | None, float | None]:
    """The ends with better upward."""
    if sign > 0:
        return interval.low, interval.high
    return (None if interval.high is None else -interval.high), (None if interval.low is None else -interval.low)
