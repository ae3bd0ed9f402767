"""A reading: the units of an experiment, folded, and every metric of every treatment judged under its looks."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

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
    from assay.stats.contrast import Contrast, Interval, NoContrast, Scale, Side

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
            last = self._closed_day(metric)
            if last is not None and self.experiment.looks.kind == "group_sequential":
                last = min(last, self.reached[-1][0]) if self.reached else None
            self.closed[metric] = last
        return self.closed[metric]

    def _wait(self, metric: str) -> int:
        """Seconds from the exposure until an outcome can no longer come."""
        return self.experiment.window + self.table.lags.get(metric, 0)

    def _closed_day(self, metric: str) -> date | None:
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

    def contrast(self, metric: str, control: Moments, treatment: Moments, adjust: bool = True) -> Contrast | NoContrast:
        """The comparison that the metric's kind asks for."""
        from assay.stats.contrast import NoContrast
        from assay.stats.means import compare_means
        from assay.stats.proportion_tests import compare_proportions
        from assay.stats.ratios import compare_ratios

        names = control.names
        below = "y" if "y" in names else None
        if adjust and self.experiment.cuped is not None and "c" in names:
            from assay.stats.cuped import compare_cuped

            made = compare_cuped(control, treatment, "x", below, "c", "d" if "d" in names else None)
            if not isinstance(made, NoContrast) or made.code != "no_covariate":
                return made
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
    def alphas(self) -> dict[str, float]:
        """Treatment → the error rate of its primary interval, so that it says what the correction says.

        Holm and Hochberg: the level at which each was tested, the smallest p first; from the first that is not rejected
        on (Holm), all at that level. Bonferroni: an equal share.
        """
        alpha, treatments = self.experiment.alpha, self.arms[1:]
        k, rule = len(treatments), self.experiment.correction
        if k < 2 or rule == "none":
            return dict.fromkeys(treatments, alpha)
        if rule == "bonferroni" or self.experiment.looks.kind == "group_sequential":
            return dict.fromkeys(treatments, alpha / k)
        p = {variant: self._primary_p(variant) for variant in treatments}
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

    def _primary_p(self, variant: str) -> float:
        from assay.stats.contrast import NoContrast

        name = self.experiment.primary.metric
        made = self.contrast(name, self.moments(name, self.control), self.moments(name, variant))
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
        from assay.stats.sequential import critical

        return float(critical(contrast.n_control + contrast.n_treatment, alpha, self.tuning))

    def p_of(self, contrast: Contrast) -> float | None:
        """p-value of no effect that holds under the looks; None where group-sequential bounds decide."""
        if self.experiment.looks.kind == "group_sequential":
            return None
        if self.once:
            return contrast.p()
        from assay.stats.sequential import always_valid_p

        n = contrast.n_control + contrast.n_treatment
        return float(always_valid_p(contrast.statistic(), n, self.tuning))

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
        """Looks of a group-sequential test that have come: the last day of exposure, and the share of the sample.

        By date, or each time another part of the planned sample has a closed window; the last one when no more comes.
        """
        from assay.query.experiments import seen

        looks, last = self.experiment.looks, self._closed_day(self.experiment.primary.metric)
        whole, total = self.run.planned or DEFAULT_PLANNED, 0
        found: list[tuple[date, float]] = []
        if last is None:
            return []
        wait = self._wait(self.experiment.primary.metric)
        by_date = [day - timedelta(-(-wait // 86_400)) for day in looks.dates if day <= self.asking.today]
        for day in [d for d in self.table.days if d <= last]:
            total += sum(self.table.units(seen(arm, day)) for arm in self.arms)
            due = sum(d <= day for d in by_date) if looks.dates else math.floor(total / whole * looks.count + 1e-9)
            if due > len(found):
                found.append((day, total / whole))
        if self.over and (not found or found[-1][0] < last):
            found.append((last, total / whole))
        return found

    @cached_property
    def over(self) -> bool:
        """No more exposures come and the primary's windows have closed."""
        last = self._closed_day(self.experiment.primary.metric)
        zone = self.plan.site.timezone
        ended = self.run.end is not None or self.experiment.end is not None
        return ended and self.end < self.asking.now and last is not None and last >= day_of(self.end - 1, zone)

    def line(
        self, metric: str, role: str, variant: str, keep: Keep | None = None, margin: Change | None = None
    ) -> Line:
        """One metric of one treatment judged; ``keep`` narrows the units."""
        from assay.stats.contrast import NoContrast

        def chosen(arm: str) -> Keep:
            own = self.counted(arm, metric)
            return own if keep is None else lambda key: own(key) and keep(key)

        control = self.table.moments(metric, chosen(self.control))
        treatment = self.table.moments(metric, chosen(variant))
        made = self.contrast(metric, control, treatment)
        one = self.metric(metric)
        if isinstance(made, NoContrast):
            call = Call(metric, role, variant, "none", made.reason)
            return Line(one, role, variant, made, None, None, None, None, call, margin)
        alpha = self.alphas[variant] if role == "primary" else self.experiment.alpha
        bound = self.critical(made, alpha)
        absolute = made.interval(1 - alpha, "absolute", critical=bound)
        relative = made.interval(1 - alpha, "relative", critical=bound)
        side = self.direction(metric)
        p = self.p_of(made)
        call = Call(metric, role, variant, judge(absolute, relative, side, margin))
        p_margin = None
        if margin is not None:
            scale: Scale = "relative" if margin.scale == "relative" else "absolute"
            null, tail = (-margin.value, "greater") if side == "up" else (margin.value, "less")
            p_margin = made.p(null, scale, cast("Side", tail))
        return Line(one, role, variant, made, absolute, relative, p, p, call, margin, p_margin)

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
