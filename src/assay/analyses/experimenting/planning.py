"""How large a test has to be, from the data's own variance and traffic."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from assay.analyses.experimenting.runs import comparable
from assay.model.errors import Refused
from assay.model.period import day_start
from assay.plan.experiments import Cap

if TYPE_CHECKING:
    from assay.analyses.base import Asking
    from assay.model.moments import Moments
    from assay.plan.experiments import Change, Experiment
    from assay.plan.values import Plan

QUANTILE = "a quantile: no sample is planned for it"
BASE_DAYS = 28  # of exposures that the variance is taken from
DAY = 86_400_000_000


@dataclass(frozen=True)
class Base:
    """What the data say of the units that would be in the test. ``weekly``: units a week at full traffic."""

    moments: Mapping[str, Moments]
    weekly: float
    units: int
    days: int
    exposed: bool  # taken from exposures; else from everybody who came
    start: int
    end: int

    def mean(self, name: str) -> float:
        """Value of a metric."""
        one = self.moments[name]
        below = float(one.sum("y")) if "y" in one.names else one.n
        return float(one.sum("x")) / below if below else math.nan

    def variance(self, name: str) -> float:
        """Variance of one unit's number (of a ratio: linearised), so that a mean of n units has variance / n."""
        from assay.stats.ratios import ratio_variance

        one = self.moments[name]
        return ratio_variance(one) * one.n if "y" in one.names else one.variance("x")


@dataclass(frozen=True)
class Need:
    """One metric's need. ``effect``: absolute size to be found (or margin); ``n``: units, all arms."""

    metric: str
    role: str
    effect: float | None
    n: int | None
    reason: str = ""


def base(asking: Asking, experiment: Experiment, extra: Sequence[str] = (), until: int | None = None) -> Base | None:
    """The last four weeks whose windows have closed (by ``until``, µs UTC); None without any unit."""
    from assay.query.experiments import unit_table

    if asking.span is None:
        return None
    comparable(experiment)
    metrics = [asking.metric(name) for name in dict.fromkeys((*experiment.metrics, *extra))]
    metrics = [metric for metric in metrics if metric.quantity.kind != "quantile"]
    lag = max((m.quantity.within or 0 for m in metrics if m.quantity.start is not None), default=0)
    end = min(asking.matured_by(), until or asking.now) - (experiment.window + lag) * 1_000_000
    first = day_start(asking.span.first, asking.plan.site.timezone)
    start = max(first, end - BASE_DAYS * DAY)
    if end <= start:
        return None
    for everybody in (False, True):
        table = unit_table(asking.plan, experiment, metrics, asking.ask, start=start, end=end, everybody=everybody)
        units = table.units(lambda _: True)
        if units >= 100 or (everybody and units):
            days = max(1.0, (end - start) / DAY)
            moments = {m.name: table.moments(m.name, lambda _: True) for m in metrics}
            share = experiment.traffic if not everybody else 1.0
            return Base(moments, units / share / days * 7, units, round(days), not everybody, start, end)
    return None


def absolute(change: Change, mean: float) -> float:
    """A change in the metric's own unit."""
    return change.value * abs(mean) if change.scale == "relative" else change.value


def needs(experiment: Experiment, found: Base) -> list[Need]:
    """What the primary and each guardrail need, all arms together; power corrected for the number of guardrails."""
    from assay.stats.design import decision_rates

    primary = experiment.primary
    rates = decision_rates(
        experiment.alpha, experiment.power, 1, len(experiment.guardrails), guardrail_alpha=experiment.alpha / 2
    )
    power, share = rates.power, _comparisons(experiment)
    made = []
    if primary.mde is None:
        made.append(Need(primary.metric, "primary", None, None, "primary: mde is not set"))
    else:
        size = absolute(primary.mde, found.mean(primary.metric))
        made.append(_need(experiment, found, primary.metric, "primary", size, experiment.alpha / share, power, 2))
    for guard in experiment.guardrails:
        if guard.metric not in found.moments:
            made.append(Need(guard.metric, "guardrail", None, None, QUANTILE))
            continue
        size = absolute(guard.margin, found.mean(guard.metric))
        made.append(_need(experiment, found, guard.metric, "guardrail", size, experiment.alpha / 2, power, 1))
    return made


def _need(
    experiment: Experiment, found: Base, metric: str, role: str, effect: float, alpha: float, power: float, sides: int
) -> Need:
    from assay.stats.power import size

    variance = found.variance(metric)
    if not math.isfinite(variance) or variance == 0:
        return Need(metric, role, effect, None, "its numbers do not vary in the data")
    if not effect > 0:
        return Need(metric, role, None, None, "the effect is 0: its value in the data is 0")
    control, treatment = _shares(experiment)
    n = size(effect, variance, alpha, power, sides, treatment / control)
    if n is None:
        return Need(metric, role, effect, None, "no sample is large enough")
    whole = math.ceil(n / control * inflation(experiment))
    return Need(metric, role, effect, whole)


def _comparisons(experiment: Experiment) -> int:
    """Treatments that share the error rate."""
    return 1 if experiment.correction == "none" else sum(v.weight > 0 for v in experiment.variants) - 1


def _shares(experiment: Experiment) -> tuple[float, float]:
    """Share of the control and of the smallest treatment."""
    weights = experiment.weights
    return weights[experiment.control], min(weights[t] for t in experiment.treatments if weights[t] > 0)


def inflation(experiment: Experiment) -> float:
    """Units for looking often, over those of one look at the end."""
    from assay.stats.power import always_valid_inflation, group_sequential_inflation

    looks = experiment.looks
    if looks.kind == "fixed":
        return 1.0
    if looks.kind == "group_sequential":
        count = looks.count or len(looks.dates)
        fractions = [(i + 1) / count for i in range(count)]
        spending = looks.spending or "obrien_fleming"
        return group_sequential_inflation(fractions, experiment.alpha, experiment.power, spending)
    return always_valid_inflation(experiment.alpha, experiment.power)


def detectable(experiment: Experiment, found: Base, metric: str, weeks: float) -> float | None:
    """The smallest effect that the test finds with its power in so many weeks; in the metric's own unit."""
    from assay.stats.power import detectable as smallest

    variance = found.variance(metric)
    if not math.isfinite(variance) or variance == 0:
        return None
    control, treatment = _shares(experiment)
    n = found.weekly * experiment.traffic * weeks * control / inflation(experiment)
    alpha = experiment.alpha / _comparisons(experiment)
    return smallest(variance, n, alpha, experiment.power, 2, treatment / control) if n > 1 else None


def sample_of(asking: Asking, experiment: Experiment, until: int | None = None) -> int | None:
    """Units of all arms that the lock plans with; None where the data cannot tell."""
    try:
        found = base(asking, experiment, until=until)
    except Refused:
        return None
    if found is None:
        return None
    wanted = [need.n for need in needs(experiment, found) if need.n is not None]
    return max(wanted, default=None)


def caps_asked(plan: Plan, experiment: Experiment) -> dict[str, Cap]:
    """Metric → its cap: the experiment's, else the metric's own."""
    found = dict(experiment.caps)
    for name in experiment.metrics:
        cap = plan.metrics[name].quantity.cap
        if cap is not None and name not in found:
            found[name] = Cap(cap, cap < 1)
    return found


def caps_of(asking: Asking, experiment: Experiment, until: int | None = None) -> dict[str, float]:
    """Caps as numbers: quantiles are taken from the units of ``base``, once, before the test; none without any."""
    from assay.query.experiments.table import unit_quantile

    asked = caps_asked(asking.plan, experiment)
    found = {name: cap.value for name, cap in asked.items() if not cap.quantile}
    if len(found) == len(asked):
        return found
    units = base(asking, experiment, until=until)
    if units is None:
        return found
    for name, cap in asked.items():
        if cap.quantile:
            value = unit_quantile(
                asking.plan, experiment, asking.metric(name), asking.ask, cap.value, units.start, units.end,
                not units.exposed,
            )  # fmt: skip
            found |= {} if value is None else {name: value}
    return {name: found[name] for name in asked if name in found}
