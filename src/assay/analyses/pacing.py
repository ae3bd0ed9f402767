"""KPIs against their targets over the target's period: what pace answers, and the overview's column of targets.

One question to the store brings the days of all KPIs, one per start of a period what they are so far.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from assay.analyses.base import Asking
from assay.analyses.measuring import measure
from assay.model.errors import Refused
from assay.model.estimate import Estimate
from assay.model.period import Period
from assay.plan.values import Kpi, Metric

if TYPE_CHECKING:
    from assay.query.cut import Cell

HISTORY = 120  # days that the forecast looks back on
_WHOLE = ("subscription", "lapse", "entry", "spell", "activity", "first_order")  # rows of whole periods


_UNKNOWN = Estimate.none("no forecast")


@dataclass(frozen=True)
class Pace:
    """One KPI over ``period``, in its own unit. ``day``: the last day seen. What is missing has a ``reason``.

    ``should``: where it should stand after that day (a total: by the weekdays of its days or linearly; a rate: at the
    target); ``needed``: what each day to come has to bring (a rate: at which rate) to reach the target.
    """

    kpi: Kpi
    period: Period
    since: str
    day: date
    total: bool
    target: float | None
    so_far: Estimate
    should: float | None = None
    expected: Estimate = _UNKNOWN
    chance: float | None = None
    needed: float | None = None
    reason: str | None = None

    @property
    def over(self) -> bool:
        """True when the period has passed."""
        return self.day >= self.period.last

    @property
    def reached(self) -> bool | None:
        """A period that is over, or a total that is there already; None while it is open."""
        if self.target is None or self.so_far.value is None:
            return None
        value, up = float(self.so_far.value), self.kpi.direction == "up"
        there = value >= self.target if up else value <= self.target
        if self.over:
            return there
        return True if self.total and up and there else None


def target_period(kpi: Kpi, start: date | None = None) -> tuple[Period, str]:
    """The days that a target is about, and why they begin there.

    From the day after the baseline where that ends before, else from the first day of the quarter that it ends in.
    """
    assert kpi.target is not None
    last = kpi.target.by
    if start is not None and start <= last:
        return Period(start, last), "as asked"
    if kpi.baseline is not None and kpi.baseline[1] < last:
        return Period(kpi.baseline[1] + timedelta(1), last), "after the baseline"
    first = date(last.year, (last.month - 1) // 3 * 3 + 1, 1)
    return Period(first, last), f"the quarter of {last}"


def paces(asking: Asking, kpis: Sequence[Kpi], start: date | None = None, linear: bool = False) -> dict[str, Pace]:
    """Metric → pace, of the KPIs that have a target."""
    aimed = [kpi for kpi in kpis if kpi.target is not None]
    if asking.span is None or not aimed:
        return {}
    today = asking.complete_day()
    periods = {kpi.metric: target_period(kpi, start) for kpi in aimed}
    first = min(
        [today - timedelta(HISTORY - 1)]
        + [kpi.baseline[0] for kpi in aimed if kpi.baseline]
        + [period.first for period, _ in periods.values()]
    )
    seen = Period(max(first, asking.span.first), max(today, asking.span.first))
    daily = _daily(asking, [asking.plan.metrics[kpi.metric] for kpi in aimed], seen)
    found = {}
    for period in dict.fromkeys(period for period, _ in periods.values()):
        metrics = [asking.plan.metrics[kpi.metric] for kpi in aimed if periods[kpi.metric][0] == period]
        so_far = _so_far(asking, metrics, period, today)
        for metric in metrics:
            kpi, since = asking.plan.kpis[metric.name], periods[metric.name][1]
            made = _Making(asking, kpi, metric, period, since, today, so_far[metric.name], linear)
            found[metric.name] = made.pace(daily[metric.name])
    return found


def _so_far(asking: Asking, metrics: list[Metric], period: Period, today: date) -> dict[str, Estimate]:
    """The metrics over the days gone, as ``assay metric`` says them: closed windows only where they have one."""
    from assay.query.cut import Cut

    if period.first > today:
        return {m.name: Estimate.none(f"the period begins on {period.first}") for m in metrics}
    gone = Period(period.first, min(today, period.last))
    if asking.without(gone):
        return {m.name: Estimate.none(f"no data in {gone}") for m in metrics}
    table = measure(asking, metrics, Cut(gone, matured_by=asking.matured_by()))
    return {m.name: table.comparable(m, ()) for m in metrics}


def _daily(asking: Asking, metrics: list[Metric], seen: Period) -> dict[str, dict[date, tuple[Any, Any]] | str]:
    """Metric → day → (x, y), closed windows only; or the reason why a metric has no days."""
    from assay.query.cut import Cut

    found: dict[str, dict[date, tuple[Any, Any]] | str] = {}
    fit = []
    for metric in metrics:
        if metric.quantity.kind in ("derived", "quantile"):
            found[metric.name] = f"a {metric.quantity.kind} metric does not add up from days"
        elif any(one.made is not None and one.made.kind in _WHOLE for one in metric.quantity.selects()):
            found[metric.name] = "it is counted over whole periods, not by the day"
        else:
            fit.append(metric)
    cut = Cut(seen, grain="day", matured_by=asking.matured_by())
    try:
        cells = asking.cells(fit, cut) if fit else {}
    except Refused as error:
        return found | dict.fromkeys([m.name for m in fit], str(error))
    return found | {m.name: _sums(m, cells[m.name]) for m in fit}


def _sums(metric: Metric, cells: dict[tuple[Any, ...], Cell]) -> dict[date, tuple[Any, Any]]:
    sums = {}
    for group, cell in cells.items():
        moments = cell.matured if metric.quantity.within else cell.all
        if isinstance(group[0], date) and moments is not None:
            sums[group[0]] = (moments.sum("x"), moments.sum("y"))
    return sums


@dataclass(frozen=True)
class _Making:
    """One KPI's pace being made."""

    asking: Asking
    kpi: Kpi
    metric: Metric
    period: Period
    since: str
    today: date
    so_far: Estimate
    linear: bool

    @property
    def total(self) -> bool:
        return self.metric.quantity.kind == "total"

    def pace(self, daily: dict[date, tuple[Any, Any]] | str) -> Pace:
        if isinstance(daily, str):
            return self._made(self._plain_target(), reason=daily)
        span = self.asking.span
        assert span is not None
        days = self._known(daily, span.first)
        gone = [one for one in days if self.period.first <= one[0] <= self.period.last]
        done = (sum(float(x) for _, x, _ in gone), sum(float(n) for *_, n in gone))
        scale = self._scale(done)
        target = self._target(daily, scale)
        if target is None:
            return self._made(None, reason=self._no_baseline())
        return self._judged(days, done, scale, target)

    def _known(self, daily: dict[date, tuple[Any, Any]], first: date) -> list[tuple[date, float, float]]:
        """Consecutive days with their sums; those whose windows are still open at the end are left out."""
        last = max(daily, default=self.today)
        if not self.metric.quantity.within:
            last = self.today
        begin = max(first, min(last - timedelta(HISTORY - 1), self.period.first))
        found = []
        for i in range((last - begin).days + 1):
            day = begin + timedelta(i)
            x, n = daily.get(day, (0, 0))
            found.append((day, float(x), 1.0 if self.total else float(n)))
        while self.metric.quantity.within and found and found[-1][2] == 0:
            found.pop()
        return found

    def _scale(self, done: tuple[float, float]) -> float:
        """A unit that comes on several days counts once in the period: its number over that of the days."""
        value = self.so_far.value
        by_day = done[0] if self.total else done[0] / done[1] if done[1] else 0.0
        return float(value) / by_day if value and by_day else 1.0

    def _plain_target(self) -> float | None:
        assert self.kpi.target is not None
        return None if self.kpi.target.relative else self.kpi.target.value

    def _target(self, daily: dict[date, tuple[Any, Any]], scale: float) -> float | None:
        """Absolute as it is; relative to the baseline's days: a total for as many days as the period has."""
        target, baseline, span = self.kpi.target, self.kpi.baseline, self.asking.span
        assert target is not None
        assert span is not None
        if not target.relative:
            return target.value
        if baseline is None or baseline[0] < span.first or baseline[1] > self.today:
            return None
        days = Period(*baseline)
        inside = [xy for day, xy in daily.items() if days.first <= day <= days.last]
        x, y = sum(float(x) for x, _ in inside), sum(float(y) for _, y in inside)
        base = x / days.days * self.period.days if self.total else x / y if y else None
        return None if base is None else base * (1 + target.value) * scale

    def _no_baseline(self) -> str:
        baseline, span = self.kpi.baseline, self.asking.span
        if baseline is None:
            return "the target is relative and the plan names no baseline"
        days = Period(*baseline)
        assert span is not None
        if days.first < span.first:
            return f"the baseline {days} begins before the data ({span.first})"
        return f"the baseline {days} is not over yet" if days.last > self.today else f"no data in the baseline {days}"

    def _judged(
        self, days: list[tuple[date, float, float]], done: tuple[float, float], scale: float, target: float
    ) -> Pace:
        from assay.stats.pace import Days, factors, outlook, share_of

        last = days[-1][0] if days else self.today
        begin = max(last + timedelta(1), self.period.first)
        ahead = [(begin + timedelta(i)).weekday() for i in range((self.period.last - begin).days + 1)]
        gone = [day.weekday() for day, *_ in days if self.period.first <= day <= self.period.last]
        x, n = [one[1] for one in days], [one[2] for one in days]
        weekday = [day.weekday() for day, *_ in days]
        should: float | None = target
        if self.total:
            shape = [1.0] * 7 if self.linear else factors(x[-HISTORY:], weekday[-HISTORY:])
            should = target * share_of(shape, gone, ahead)
        if not ahead:
            return self._made(target, should, reason="the period is over")
        if self.period.first > self.today:
            return self._made(target, should, reason=f"the period begins on {self.period.first}")
        up = self.kpi.direction == "up"
        end = outlook(Days(x, n, weekday), ahead, done, target / scale, up, self.total)
        low, high = (None if bound is None else bound * scale for bound in (end.low, end.high))
        expected = Estimate(
            None if end.value is None else end.value * scale, low, high, end.level, "mixture of forecasts",
            reason=end.reason,
        )  # fmt: skip
        needed = self._needed(n, done, ahead, target / scale, scale)
        return self._made(target, should, expected, end.chance, needed, end.reason, last)

    def _needed(
        self, n: list[float], done: tuple[float, float], ahead: list[int], target: float, scale: float
    ) -> float | None:
        """Per day to come, or as a rate of the units to come (as many a day as in the last four weeks)."""
        if self.total:
            return max(0.0, target - done[0]) / len(ahead) * scale
        recent = n[-28:]
        coming = sum(recent) / len(recent) * len(ahead) if recent else 0.0
        return ((target * (done[1] + coming)) - done[0]) / coming * scale if coming else None

    def _made(
        self, target: float | None, should: float | None = None, expected: Estimate = _UNKNOWN,
        chance: float | None = None, needed: float | None = None, reason: str | None = None, day: date | None = None,
    ) -> Pace:  # fmt: skip
        return Pace(
            self.kpi, self.period, self.since, day or self.today, self.total, target, self.so_far, should, expected,
            chance, needed, reason,
        )  # fmt: skip
