"""Moments → estimates: Wilson only where the unit is the visitor or user, else clusters by visitor."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from assay.model.estimate import Estimate
from assay.plan.values import Metric

if TYPE_CHECKING:
    from assay.analyses.base import Asking
    from assay.model.moments import Moments
    from assay.model.period import Period
    from assay.plan.measures import Expression
    from assay.query.cut import Cell

_INDEPENDENT = ("visitor", "user", "account")


def estimate(metric: Metric, moments: Moments, level: float = 0.95) -> Estimate:
    """The metric's value and interval from its moments."""
    from assay.stats.proportions import wilson
    from assay.stats.ratios import ratio

    quantity = metric.quantity
    x, y = moments.sum("x"), moments.sum("y")
    if metric.format == "money" and not isinstance(x, Decimal):
        x = Decimal(x)  # nothing summed is no money, not the integer 0
        moments = replace(moments, sums=(x, y))
    if quantity.kind == "total":
        return Estimate(_plain(x), n=moments.n, numerator=x, reason="a plain total has no unit to vary over")
    if quantity.kind == "share" and quantity.unit in _INDEPENDENT:
        return wilson(int(x), int(y), level)
    if quantity.kind == "share":
        return clustered_share(moments, level)
    one = ratio(moments, level=level)
    if any(_cost_sides(metric)):
        return Estimate(
            one.value,
            numerator=x,
            denominator=y,
            n=moments.n,
            reason="ad cost comes as totals: it has no unit to vary over",
        )
    return one


def clustered_share(moments: Moments, level: float = 0.95) -> Estimate:
    """A rate of sessions, orders or events, with the visitors behind them as units of independence."""
    from assay.stats.proportions import wilson
    from assay.stats.ratios import ratio

    one = ratio(moments, level=level)
    if one.value in (0, 1) and moments.n > 1:  # none or all: the delta method sees no variance, the visitors bound it
        bound = wilson(moments.n if one.value else 0, moments.n, level)
        return replace(bound, numerator=one.numerator, denominator=one.denominator, method="Wilson over visitors")
    if one.low is not None and one.high is not None and not 0 <= one.low <= one.high <= 1:
        return replace(one, low=max(0.0, one.low), high=min(1.0, one.high))
    return one


def cell_estimate(metric: Metric, cell: Cell) -> Estimate:
    """The estimate of one group. Where no ad cost was recorded there is no value: unknown is not free."""
    if any(here and nothing for here, nothing in zip(_cost_sides(metric), cell.no_rows, strict=True)):
        return Estimate.none("no ad cost recorded here", denominator=cell.all.sum("y") or None)
    return estimate(metric, cell.all)


def absent(metric: Metric) -> Estimate:
    """What a group without any row says: a total of nothing is 0, everything else has no value."""
    if metric.quantity.kind == "total" and not any(_cost_sides(metric)):
        nothing = Decimal(0) if metric.format == "money" else 0
        return Estimate(nothing, numerator=nothing, reason="a plain total has no unit to vary over")
    return Estimate.none("no data in this group")


def _cost_sides(metric: Metric) -> tuple[bool, bool]:
    sides = (metric.quantity.numerator, metric.quantity.denominator)
    top, below = (m is not None and (m.field or "").startswith("cost.") for m in sides)
    return top, below


def _plain(value: Any) -> Any:
    whole = isinstance(value, Decimal) and value.as_tuple().exponent == 0
    return int(value) if whole else value


def daily_noise(asking: Asking, metrics: list[Metric], period: Period, where: Expression | None) -> dict[str, float]:
    """Per metric the day-to-day variance that its units do not explain, from the days of ``period``."""
    from assay.query.cut import Cut
    from assay.stats.change import day_noise

    by_day = asking.cells(metrics, Cut(period, grain="day", where=where, matured_by=asking.matured_by()))
    noise = {}
    for metric in metrics:
        values, variances, weekdays = [], [], []
        for (day, *_), cell in by_day[metric.name].items():
            if not isinstance(day, date):
                continue
            one = estimate(metric, cell.all)
            if one.value is None or (one.variance is None and metric.quantity.kind != "total"):
                continue
            values.append(float(one.value))
            variances.append(one.variance or 0.0)
            weekdays.append(day.weekday())
        noise[metric.name] = day_noise(values, variances, weekdays) if len(values) > 3 else 0.0
    return noise


def both_periods(period: Period, compare: str) -> Period | None:
    """The period that is compared with."""
    if compare == "none":
        return None
    return period.previous() if compare == "previous" else period.year_before()


def weekday_aligned(day: date, period: Period, other: Period) -> date:
    """The day of ``other`` that stands where ``day`` stands in ``period``."""
    return day - timedelta((period.first - other.first).days)
