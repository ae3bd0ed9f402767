"""A reading: the units of an experiment, folded, and every metric of every treatment judged under its looks."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from assay.analyses.experimenting.runs import Run, bounds
from assay.decide.experiments import HARMED, SAFE, UNSHOWN, Call
from assay.model.errors import Refused, UsageError
from assay.model.period import day_of, day_start
from assay.plan.values import Metric

if TYPE_CHECKING:
    from assay.analyses.base import Asking
    from assay.model.moments import Moments
    from assay.plan.experiments import Change, Experiment
    from assay.query.experiments import UnitTable
    from assay.query.experiments.table import Key
    from assay.stats.contrast import Contrast, Interval, NoContrast

BIAS_DAYS = 14  # of the time before the exposure that arms are compared in, where no covariate asks for another
DEFAULT_PLANNED = 10_000  # units that a sequence is tuned to where no design was locked
Keep = Callable[["Key"], bool]


@dataclass(frozen=True)
class Line:
    """One metric of one treatment against control. ``p`` is that of "no effect"; ``adjusted`` over the treatments.

    ``absolute`` and ``relative``: the interval under the experiment's looks. ``margin``: what a guardrail may lose.
    """

    metric: Metric
    role: str
    variant: str
    contrast: Contrast | NoContrast
    absolute: Interval | None
    relative: Interval | None
    p: float | None
    adjusted: float | None
    call: Call
    margin: Change | None = None
    p_margin: float | None = None


@dataclass
class Reading:
    """Units, days and rules of one look. ``now``: the moment of the look, µs UTC."""

    asking: Asking
    experiment: Experiment
    run: Run
    table: UnitTable
    start: int
    end: int
    extra: tuple[str, ...] = ()
    by: tuple[str, ...] = ()
    closed: dict[str, date | None] = field(default_factory=dict)  # metric → last day of matured units

    # -- who counts -------------------------------------------------------------------------------------------------

    @property
    def plan(self) -> Any:
        """The plan that it is judged by."""
        return self.asking.plan

    @property
    def control(self) -> str:
        """The control's name."""
        return self.experiment.control

    @property
    def arms(self) -> list[str]:
        """Arms that are meant to have units, control first."""
        named = [v.name for v in self.experiment.variants if v.weight > 0]
        return [self.control, *(name for name in named if name != self.control)]

    def metric(self, name: str) -> Metric:
        """A metric of the plan."""
        return self.asking.metric(name)

    def last_day(self, metric: str) -> date | None:
        """The last day of exposure whose windows have all closed; None where none has."""
        if metric not in self.closed:
            self.closed[metric] = self._last_day(metric)
        return self.closed[metric]

    def _last_day(self, metric: str) -> date | None:
        wait = (self.experiment.window + self.table.lags.get(metric, 0)) * 1_000_000
        zone, by = self.plan.site.timezone, self.asking.matured_by()
        day = day_of(by, zone)
        first = day_of(self.start, zone)
        while day >= first:
            if day_start(day + timedelta(1), zone) + wait <= by + 1:
                return day
            day -= timedelta(1)
        return None

    def counted(self, variant: str, metric: str | None = None, arms: str | None = None) -> Keep:
        """Units of an arm that count; with ``metric`` only those whose windows have closed.

        ``arms``: drop (units of several arms left out) or first (counted where they were first seen).
        """
        several = (arms or self.experiment.multi_arm) != "drop"
        last = self.last_day(metric) if metric is not None else date.max

        def keep(key: Key) -> bool:
            return key.variant == variant and (several or not key.several) and last is not None and key.day <= last

        return keep

    def moments(self, metric: str, variant: str, keep: Keep | None = None) -> Moments:
        """Moments of a metric in an arm, of matured units unless told otherwise."""
        return self.table.moments(metric, keep or self.counted(variant, metric))

    # -- comparing --------------------------------------------------------------------------------------------------

    def contrast(self, metric: str, control: Moments, treatment: Moments, adjust: bool = True) -> Contrast | NoContrast:
        """The comparison that the metric's kind asks for."""
        from assay.stats.cuped import compare_cuped
        from assay.stats.means import compare_means
        from assay.stats.proportion_tests import compare_proportions
        from assay.stats.ratios import compare_ratios

        names = control.names
        below = "y" if "y" in names else None
        if adjust and self.experiment.cuped is not None and "c" in names:
            return compare_cuped(control, treatment, "x", below, "c", "d" if "d" in names else None)
        if below is not None:
            return compare_ratios(control, treatment)
        if self.metric(metric).quantity.kind == "share" and metric not in self.caps:
            return compare_proportions(int(control.sum("x")), control.n, int(treatment.sum("x")), treatment.n)
        return compare_means(control, treatment)

    @property
    def caps(self) -> Mapping[str, float]:
        """Caps as fixed at the lock."""
        return self.run.caps

    @cached_property
    def alpha(self) -> float:
        """Error rate of one treatment's interval: shared among treatments for the primary's family."""
        k = len(self.arms) - 1
        return self.experiment.alpha / k if k > 1 and self.experiment.correction != "none" else self.experiment.alpha

    @cached_property
    def planned(self) -> int:
        """Units of one comparison that the sequence is tuned to, fixed before the first look."""
        whole = self.run.planned or DEFAULT_PLANNED
        return max(2, round(whole * 2 / max(2, len(self.arms))))

    def critical(self, contrast: Contrast) -> float | None:
        """What the statistic is held against at this look; None: the test's own quantile."""
        looks = self.experiment.looks.kind
        if looks == "fixed" and self.over:
            return None
        if looks == "group_sequential":
            return self._bound(contrast)
        from assay.stats.sequential import critical, tuning_for

        n = contrast.n_control + contrast.n_treatment
        return float(critical(n, self.alpha, tuning_for(self.planned, self.alpha)))

    def _bound(self, contrast: Contrast) -> float:
        """The bound of the look that has been reached; before the first one nothing can be said."""
        from assay.stats.group_sequential import bounds as bounds_of

        looks = self.experiment.looks
        count = looks.count or len(looks.dates)
        share = (contrast.n_control + contrast.n_treatment) / self.planned
        if looks.dates:
            reached = sum(day <= self.asking.today for day in looks.dates)
        else:
            reached = math.floor(share * count + 1e-9)
        if self.over:
            reached = count
        if reached < 1:
            return math.inf
        fractions = [(i + 1) / count for i in range(count)]
        found = bounds_of(fractions, self.alpha, spending=looks.spending or "obrien_fleming")
        return float(found[min(reached, count) - 1])

    @cached_property
    def over(self) -> bool:
        """No more exposures come and the primary's windows have closed."""
        last = self.last_day(self.experiment.primary.metric)
        zone = self.plan.site.timezone
        ended = self.run.end is not None or self.experiment.end is not None
        return ended and self.end < self.asking.now and last is not None and last >= day_of(self.end - 1, zone)

    def line(self, metric: str, role: str, variant: str, keep: Keep | None = None, margin: Change | None = None,
             direction: str | None = None) -> Line:  # fmt: skip
        """One metric of one treatment judged."""
        from assay.stats.contrast import NoContrast

        def chosen(arm: str) -> Keep:
            own = self.counted(arm, metric)
            return own if keep is None else lambda key: own(key) and keep(key)

        control = self.table.moments(metric, chosen(self.control))
        treatment = self.table.moments(metric, chosen(variant))
        made = self.contrast(metric, control, treatment)
        one = self.metric(metric)
        side = direction or self.direction(metric)
        if isinstance(made, NoContrast):
            call = Call(metric, role, variant, "none", made.reason)
            return Line(one, role, variant, made, None, None, None, None, call, margin)
        bound = self.critical(made)
        level = 1 - self.alpha
        absolute = made.interval(level, "absolute", critical=bound)
        relative = made.interval(level, "relative", critical=bound)
        p = made.p() if bound is None else self._always_p(made)
        call = Call(metric, role, variant, judge(absolute, relative, side, margin))
        p_margin = None
        if margin is not None:
            scale = "relative" if margin.scale == "relative" else "absolute"
            null, tail = (-margin.value, "greater") if side == "up" else (margin.value, "less")
            p_margin = made.p(null, scale, tail)  # type: ignore[arg-type]
        return Line(one, role, variant, made, absolute, relative, p, p, call, margin, p_margin)

    def _always_p(self, contrast: Contrast) -> float:
        from assay.stats.sequential import always_valid_p, tuning_for

        if self.experiment.looks.kind == "group_sequential":
            return contrast.p()
        n = contrast.n_control + contrast.n_treatment
        return float(always_valid_p(contrast.statistic(), n, tuning_for(self.planned, self.alpha)))

    def direction(self, metric: str) -> str:
        """Which way is better."""
        experiment = self.experiment
        if metric == experiment.primary.metric:
            return experiment.primary.direction
        for guard in experiment.guardrails:
            if guard.metric == metric:
                return guard.direction
        kpi = self.plan.kpis.get(metric)
        return (kpi.direction if kpi else None) or self.metric(metric).direction or "up"

    def lines(self, variant: str) -> list[Line]:
        """Primary, guardrails, diagnostics, and what is explored, in this order."""
        experiment = self.experiment
        margin = experiment.margin if experiment.decision == "non_inferiority" else None
        found = [self.line(experiment.primary.metric, "primary", variant, margin=margin)]
        found += [
            self.line(one.metric, "guardrail", variant, margin=one.margin, direction=one.direction)
            for one in experiment.guardrails
        ]
        found += [self.line(name, "diagnostic", variant) for name in experiment.diagnostics]
        return found + [self.line(name, "exploratory", variant) for name in self.extra]


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


def read(
    asking: Asking, experiment: Experiment, run: Run, extra: Sequence[str] = (), by: Sequence[str] = ()
) -> Reading:
    """Read an experiment's units. Metrics that have no number per unit are left out by ``usable``."""
    from assay.query.experiments import unit_table

    if experiment.assignments != "events":
        raise Refused(
            f"{experiment.name}: exposures are read from events; assignments: {experiment.assignments} is not"
        )
    start, end = bounds(asking, experiment, run)
    extra = tuple(name for name in dict.fromkeys(extra) if name not in experiment.metrics)
    metrics = [asking.metric(name) for name in (*experiment.metrics, *extra)]
    covariates, before = _covariates(asking, experiment, metrics)
    table = unit_table(
        asking.plan, experiment, metrics, asking.ask, start=start, end=end, by=by, covariates=covariates,
        before=before, caps=dict(run.caps),
    )  # fmt: skip
    return Reading(asking, experiment, run, table, start, end, extra, tuple(by))


def _covariates(asking: Asking, experiment: Experiment, metrics: Sequence[Metric]) -> tuple[dict[str, Metric], int]:
    """Metric → its covariate. The primary always has one: arms that differ before the exposure cannot be compared."""
    primary = asking.metric(experiment.primary.metric)
    if experiment.cuped is None:
        own = {primary.name: primary} if primary.quantity.start is None else {}
        return own, BIAS_DAYS * 86_400
    named = asking.metric(experiment.cuped.metric) if experiment.cuped.metric else None
    if named is not None and named.quantity.start is not None:
        raise UsageError(f"{named.name} starts with an event of its own and is no covariate; name another under cuped:")
    found = {m.name: named or m for m in metrics if (named or m).quantity.start is None}
    return found, experiment.cuped.seconds
