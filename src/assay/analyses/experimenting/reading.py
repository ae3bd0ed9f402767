"""A reading: the units of an experiment, folded, and every metric of every treatment judged under its looks."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from assay.analyses.experimenting.comparing import Parts, compare, judge
from assay.analyses.experimenting.runs import Run, bounds, comparable
from assay.decide.experiments import Call
from assay.model.errors import Refused, UsageError
from assay.model.period import day_of, day_start
from assay.plan.experiments import cannot_judge
from assay.plan.values import Metric

if TYPE_CHECKING:
    from assay.analyses.base import Asking
    from assay.model.moments import Moments
    from assay.plan.experiments import Change, Experiment
    from assay.query.experiments import UnitTable
    from assay.query.experiments.table import Key
    from assay.stats.contrast import Contrast, Interval, NoContrast, Scale, Side
    from assay.stats.quantile import QuantileArm

BIAS_DAYS = 14  # of the time before the exposure that arms are compared in, where no covariate asks for another
DEFAULT_PLANNED = 10_000  # units that a sequence is tuned to where no design was locked
Keep = Callable[["Key"], bool]


@dataclass(frozen=True)
class Line:
    """One metric of one treatment against control. ``p`` is that of "no effect", ``p_margin`` one-sided of the margin.

    ``absolute`` and ``relative``: the interval under the experiment's looks. ``margin``: what a guardrail may lose.
    """

    metric: Metric
    role: str
    variant: str
    contrast: Contrast | NoContrast
    absolute: Interval | None
    relative: Interval | None
    p: float | None
    call: Call
    margin: Change | None = None
    p_margin: float | None = None


@dataclass
class Reading:
    """Units, days and rules of one look. ``refused``: metric → why it has no number here."""

    asking: Asking
    experiment: Experiment
    run: Run
    table: UnitTable
    start: int
    end: int
    extra: tuple[str, ...] = ()
    by: tuple[str, ...] = ()
    refused: Mapping[str, str] = field(default_factory=dict)
    closed: dict[str, date | None] = field(default_factory=dict)  # metric → last day of matured units
    quantiles: dict[str, dict[str, QuantileArm | NoContrast]] = field(default_factory=dict)

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

    @property
    def metrics(self) -> list[Metric]:
        """Everything that is read, quantiles among it."""
        return [self.metric(name) for name in (*self.experiment.metrics, *self.extra)]

    @property
    def stratified(self) -> bool:
        """Units are read by stratum; not where they are read by segment."""
        return self.experiment.strata is not None and not self.by

    def last_day(self, metric: str) -> date | None:
        """The last day of exposure whose windows have all closed; None where none has."""
        if metric not in self.closed:
            last = self.closed_day(metric)
            if last is not None and self.experiment.looks.kind == "group_sequential":
                last = min(last, self.reached[-1][0]) if self.reached else None
            self.closed[metric] = last
        return self.closed[metric]

    def _wait(self, metric: str) -> int:
        """Seconds from the exposure until an outcome can no longer come."""
        return self.experiment.window + self.table.lags.get(metric, 0)

    def closed_day(self, metric: str) -> date | None:
        """The last day of exposure whose windows have closed, whatever the looks."""
        wait = self._wait(metric) * 1_000_000
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

    def parts(self, metric: str, keep: Keep) -> Parts:
        """Moments of the chosen units by stratum."""
        return self.table.parts(metric, keep) if self.stratified else {(): self.table.moments(metric, keep)}

    def contrast(self, metric: str, control: Parts, treatment: Parts, strata: bool = True) -> Contrast | NoContrast:
        """The comparison that the metric's kind and the plan ask for."""
        share = self.metric(metric).quantity.kind == "share" and "y" not in self.table.names[metric]
        within = strata and self.stratified
        return compare(control, treatment, share and metric not in self.caps, self.experiment.cuped is not None, within)

    def compared(
        self, metric: str, variant: str, keep: Keep | None = None, strata: bool = True
    ) -> Contrast | NoContrast:
        """A treatment against control, matured units; ``keep`` narrows them."""
        from assay.stats.contrast import NoContrast
        from assay.stats.quantile import compare_quantiles

        if metric in self.refused:
            return NoContrast(self.refused[metric], "refused")
        if self.metric(metric).quantity.kind == "quantile":
            none = NoContrast("an arm has no units", "empty_arm")
            return compare_quantiles(*(self._quantiles(metric).get(arm, none) for arm in (self.control, variant)))

        def chosen(arm: str) -> Keep:
            own = self.counted(arm, metric)
            return own if keep is None else lambda key: own(key) and keep(key)

        sides = [self.parts(metric, chosen(arm)) for arm in (self.control, variant)]
        return self.contrast(metric, sides[0], sides[1], strata)

    def _quantiles(self, metric: str) -> dict[str, QuantileArm | NoContrast]:
        """Read when first asked for, all arms at once."""
        from assay.analyses.experimenting.quantiles import quantile_arms

        if metric not in self.quantiles:
            last = self.last_day(metric)
            self.quantiles[metric] = quantile_arms(self, metric, last) if last is not None else {}
        return self.quantiles[metric]

    @property
    def caps(self) -> Mapping[str, float]:
        """Caps as fixed at the lock."""
        return self.run.caps

    @cached_property
    def alphas(self) -> dict[str, float]:
        """Treatment → the error rate of its primary interval, so that it says what the correction says.

        Holm and Hochberg: the level at which each was tested, the smallest p first; from the first that is not rejected
        on (Holm), all at that level. Bonferroni: an equal share.
        """
        from assay.analyses.experimenting.looking import shares

        return shares(self.experiment, {variant: self._primary_p(variant) for variant in self.arms[1:]})

    def _primary_p(self, variant: str) -> float:
        from assay.stats.contrast import NoContrast

        made = self.compared(self.experiment.primary.metric, variant)
        p = None if isinstance(made, NoContrast) else self.p_of(made)
        return 1.0 if p is None else p

    @cached_property
    def planned(self) -> int:
        """Units of one comparison that the sequence is tuned to, fixed before the first look."""
        whole = self.run.planned or DEFAULT_PLANNED
        return max(2, round(whole * 2 / max(2, len(self.arms))))

    @property
    def once(self) -> bool:
        """Judged by the test's own quantile: a fixed horizon whose end has come."""
        return self.experiment.looks.kind == "fixed" and self.over

    @property
    def sequence(self) -> bool:
        """Judged by a confidence sequence."""
        return not self.once and self.experiment.looks.kind != "group_sequential"

    @cached_property
    def tuning(self) -> float:
        """Of the confidence sequence; the same at every look and for every metric."""
        from assay.stats.sequential import tuning_for

        return tuning_for(self.planned, self.experiment.alpha)

    def critical(self, contrast: Contrast, alpha: float) -> float | None:
        """What the statistic is held against at this look; None: the test's own quantile."""
        if self.once:
            return None
        if self.experiment.looks.kind == "group_sequential":
            return self._bound(alpha)
        return self.at_any_time(contrast, alpha)[0]

    def at_any_time(self, contrast: Contrast, alpha: float) -> tuple[float, float]:
        """Bound of the statistic and p-value that hold at every look at once."""
        from assay.stats.sequential import always_valid_p, critical

        n = contrast.n_control + contrast.n_treatment
        p = float(always_valid_p(contrast.statistic(), n, self.tuning))
        return float(critical(n, alpha, self.tuning)), p

    def p_of(self, contrast: Contrast) -> float | None:
        """p-value of no effect that holds under the looks; None where group-sequential bounds decide."""
        if self.experiment.looks.kind == "group_sequential":
            return None
        return contrast.p() if self.once else self.at_any_time(contrast, 0.05)[1]

    def _bound(self, alpha: float) -> float:
        """The bound of the look that has been reached; before the first one nothing can be said."""
        from assay.stats.group_sequential import bounds as bounds_of

        if not self.reached:
            return math.inf
        fractions = [share for _, share in self.reached]
        spending = self.experiment.looks.spending or "obrien_fleming"
        return float(bounds_of(fractions, alpha, spending, last=self.over).bounds[-1])

    @cached_property
    def reached(self) -> list[tuple[date, float]]:
        """Looks of a group-sequential test that have come: the last day of exposure, and the share of the sample."""
        from assay.analyses.experimenting.looking import looks_so_far
        from assay.query.experiments import seen

        name = self.experiment.primary.metric
        last, whole = self.closed_day(name), self.run.planned or DEFAULT_PLANNED
        if last is None:
            return []
        days = [day for day in self.table.days if day <= last]
        units = {day: sum(self.table.units(seen(arm, day)) for arm in self.arms) for day in days}
        return looks_so_far(self.experiment.looks, units, whole, self._wait(name), last, self.over)

    @cached_property
    def over(self) -> bool:
        """No more exposures come and the primary's windows have closed."""
        last = self.closed_day(self.experiment.primary.metric)
        zone = self.plan.site.timezone
        ended = self.run.end is not None or self.experiment.end is not None
        return ended and self.end < self.asking.now and last is not None and last >= day_of(self.end - 1, zone)

    def line(
        self, metric: str, role: str, variant: str, keep: Keep | None = None, margin: Change | None = None
    ) -> Line:
        """One metric of one treatment judged; ``keep`` narrows the units."""
        from assay.stats.contrast import NoContrast

        made, one = self.compared(metric, variant, keep), self.metric(metric)
        if isinstance(made, NoContrast):
            call = Call(metric, role, variant, "none", made.reason)
            return Line(one, role, variant, made, None, None, None, call, margin)
        alpha = self.alphas[variant] if role == "primary" else self.experiment.alpha
        bound = self.critical(made, alpha)
        absolute = made.interval(1 - alpha, "absolute", critical=bound)
        relative = made.interval(1 - alpha, "relative", critical=bound)
        side = self.direction(metric)
        call = Call(metric, role, variant, judge(absolute, relative, side, margin))
        p_margin = None
        if margin is not None:
            scale: Scale = "relative" if margin.scale == "relative" else "absolute"
            null, tail = (-margin.value, "greater") if side == "up" else (margin.value, "less")
            p_margin = self._p_margin(made, null, scale, cast("Side", tail))
        return Line(one, role, variant, made, absolute, relative, self.p_of(made), call, margin, p_margin)

    def _p_margin(self, made: Contrast, null: float, scale: Scale, side: Side) -> float | None:
        """One-sided p-value of "no better than the margin" that holds under the looks: α/2 or less where shown safe."""
        from assay.stats.sequential import always_valid_p

        if self.once or not self.sequence:
            return made.p(null, scale, side) if self.once else None
        z = made.statistic(null, scale)
        p = float(always_valid_p(z, made.n_control + made.n_treatment, self.tuning))
        return p / 2 if (z > 0) == (side == "greater") else 1 - p / 2

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
        found += [self.line(one.metric, "guardrail", variant, margin=one.margin) for one in experiment.guardrails]
        found += [self.line(name, "diagnostic", variant) for name in experiment.diagnostics]
        return found + [self.line(name, "exploratory", variant) for name in self.extra]


def read(
    asking: Asking, experiment: Experiment, run: Run, extra: Sequence[str] = (), by: Sequence[str] = ()
) -> Reading:
    """Read an experiment's units. Metrics without a number per unit are left out; Refused where that is the primary."""
    from assay.query.experiments import unit_table
    from assay.query.experiments.table import unit_statement

    if experiment.assignments != "events":
        raise Refused(
            f"{experiment.name}: exposures are read from events; assignments: {experiment.assignments} is not"
        )
    comparable(experiment)
    start, end = bounds(asking, experiment, run)
    extra = tuple(name for name in dict.fromkeys(extra) if name not in experiment.metrics)
    for name in extra:
        reason = cannot_judge(asking.metric(name).quantity)
        if reason:
            raise Refused(f"a test cannot judge {name}: {reason}")
    primary = asking.metric(experiment.primary.metric)
    if primary.quantity.kind == "quantile":
        raise Refused(
            f"{primary.name} is a quantile: it can be a diagnostic or a guardrail, but it cannot decide a test"
        )
    metrics, refused = [], {}
    for name in (*experiment.metrics, *extra):
        metric = asking.metric(name)
        if metric.quantity.kind == "quantile":
            continue
        try:
            unit_statement(asking.plan, experiment, [metric], start=start, end=end)
            metrics.append(metric)
        except Refused as reason:
            if name == primary.name or name in extra:
                raise
            refused[name] = str(reason)
    covariates, before = _covariates(asking, experiment, metrics)
    groups = tuple(by) or ((experiment.strata,) if experiment.strata else ())
    table = unit_table(
        asking.plan, experiment, metrics, asking.ask, start=start, end=end, by=groups, covariates=covariates,
        before=before, caps=dict(run.caps), late=True,
    )  # fmt: skip
    if run.start is None and experiment.start is None and table.days:  # it began when somebody was exposed
        start = day_start(table.days[0], asking.plan.site.timezone)
    return Reading(asking, experiment, run, table, start, end, extra, tuple(by), refused)


def _covariates(
    asking: Asking, experiment: Experiment, metrics: Sequence[Metric]
) -> tuple[Mapping[str, Metric | str], int]:
    """Metric → its covariate. The primary always has one: arms that differ before the exposure cannot be compared."""
    primary = asking.metric(experiment.primary.metric)
    if experiment.cuped is None:
        own = {primary.name: primary} if primary.quantity.start is None else {}
        return own, BIAS_DAYS * 86_400
    if experiment.cuped.property is not None:
        return dict.fromkeys((m.name for m in metrics), experiment.cuped.property), 0
    named = asking.metric(experiment.cuped.metric) if experiment.cuped.metric else None
    if named is not None and named.quantity.start is not None:
        raise UsageError(f"{named.name} starts with an event of its own and is no covariate; name another under cuped:")
    found = {m.name: named or m for m in metrics if (named or m).quantity.start is None}
    return found, experiment.cuped.seconds
