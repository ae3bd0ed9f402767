"""overview: the scorecard. Each KPI with its objective, its target and its change; guardrails."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import TYPE_CHECKING

from pydantic import Field

from assay.analyses.base import Asking, Compare, Question, Ranged, column_kind
from assay.analyses.caveats import covered, range_caveats
from assay.analyses.changelog import marks
from assay.analyses.estimates import both_periods, daily_noise
from assay.analyses.measuring import Table, based_on, difference, measure
from assay.analyses.pacing import Pace, paces
from assay.analyses.trust import tracked_coverage
from assay.decide.words import days, difference_words, significant, value_words
from assay.model.answer import Answer, Cell, Column, Labelled
from assay.model.estimate import Estimate
from assay.model.finding import Finding
from assay.model.period import day_of
from assay.plan.values import Kpi, Metric

if TYPE_CHECKING:
    from assay.model.period import Period
    from assay.plan.measures import Expression

ALL = ()


class Params(Ranged):
    """The range, and what it is compared with."""

    compare: Compare = Field(
        "previous", description="the previous period (weekdays aligned) or the year before (364 days)"
    )
    daily: bool = Field(False, description="with the figure of every day, for a small line beside each KPI")


COLUMNS = (
    Column("kpi", label="KPI"),
    Column("role", detail=True),
    Column("now"),
    Column("range", label="95 % interval"),
    Column("change", label="against before"),
    Column("standing", label="target"),
    Column("objective"),
    Column("objective_words", label="wanted", detail=True),
    Column("value", "figure", detail=True),
    Column("low", "figure", detail=True),
    Column("high", "figure", detail=True),
    Column("units", "count", detail=True),
    Column("before", "figure", detail=True),
    Column("difference", "figure", detail=True),
    Column("difference_low", "figure", detail=True),
    Column("difference_high", "figure", detail=True),
    Column("matured", "figure", detail=True),
    Column("open", "count", detail=True),
    Column("target_value", "figure", detail=True),
    Column("target_by", "day", detail=True),
    Column("kind", detail=True),
    Column("final_until", "day", detail=True),
)


def answer(asking: Asking, params: Params) -> Answer:
    """One row per KPI, guardrails last."""
    from assay.query.cut import Cut

    plan = asking.plan
    period = asking.period(params)
    if asking.without(period):
        return asking.empty("overview", params, period)
    kpis = sorted(plan.kpis.values(), key=lambda k: k.guardrail)
    metrics = [plan.metrics[k.metric] for k in kpis]
    if not metrics:
        return asking.answer(
            "overview",
            params,
            columns=COLUMNS,
            empty="the plan has no KPIs",
            sentence="The plan has no KPIs yet.",
            next=("assay catalog", "assay check"),
        )
    where = asking.segment(params.segment)
    previous = both_periods(period, params.compare)
    now = measure(asking, metrics, Cut(period, where=where, matured_by=asking.matured_by()))
    if all(now.estimates[m.name].get(ALL, Estimate.none("")).value is None for m in metrics) and asking.nobody(
        params, period
    ):
        return asking.empty("overview", params, period)
    before = None
    if previous is not None and covered(asking, previous):
        before = measure(asking, metrics, Cut(previous, where=where, matured_by=asking.matured_by()))
    noise = daily_noise(asking, based_on(asking, metrics), period, where) if before else {}
    found_paces = paces(asking, kpis)
    targets = _targets(asking, kpis, found_paces)
    rows, found, labelled = [], [], []
    for kpi, metric in zip(kpis, metrics, strict=True):
        target, pace = targets.get(metric.name), found_paces.get(metric.name)
        row, finding, one = _row(
            asking, kpi, metric, now, before, noise.get(metric.name, 0.0), target, pace, period, previous
        )
        rows.append(row)
        found += [finding] if finding else []
        labelled.append(Labelled(metric.name, {}, one))
    known = marks(asking, period, previous if before else None)
    trusted = tracked_coverage(asking)
    trust = (trusted[0],) if trusted else ()
    doubts = (trusted[1],) if trusted and trusted[1] else ()
    return asking.answer(
        "overview",
        params,
        columns=COLUMNS,
        rows=tuple(rows),
        findings=(*range_caveats(asking, period, previous, metrics), *found, *known.findings, *doubts),
        estimates=tuple(labelled),
        definitions=tuple(asking.definition(m) for m in metrics),
        sentence=_sentence(rows, found, period, previous if before else None),
        notes=(f"{period}" + (f" against {previous}" if before else ""), *known.notes, *trust),
        next=(f"assay metric {metrics[0].name} --by channel --compare previous", "assay audit"),
        chart={
            "kind": "tiles",
            "metrics": [m.name for m in metrics],
            "marks": list(known.chart),
            **({"course": _course(asking, metrics, period, where)} if params.daily else {}),
        },
    )


def _course(
    asking: Asking, metrics: list[Metric], period: Period, where: Expression | None
) -> dict[str, list[list[Cell]]]:
    """Per metric every day with its figure, and whether windows that began on it are still open."""
    from assay.query.cut import Cut

    days = measure(asking, metrics, Cut(period, grain="day", where=where, matured_by=asking.matured_by()))
    found: dict[str, list[list[Cell]]] = {}
    for metric in metrics:
        final = _final(asking, metric)
        one = {day: e.value for (day, *_), e in days.estimates[metric.name].items() if isinstance(day, date)}
        found[metric.name] = [
            [str(day), float(value), final is not None and day > final]
            for day, value in sorted(one.items()) if value is not None
        ]  # fmt: skip
    return found


def _final(asking: Asking, metric: Metric) -> date | None:
    """The last day whose starts have all had their whole window; None where there is no window."""
    within = metric.quantity.within
    if not within:
        return None
    return day_of(asking.matured_by() - within * 1_000_000, asking.plan.site.timezone) - timedelta(1)


def _row(
    asking: Asking,
    kpi: Kpi,
    metric: Metric,
    now: Table,
    before: Table | None,
    noise: float,
    target: tuple[float, date] | None,
    pace: Pace | None,
    period: Period,
    previous: Period | None,
) -> tuple[tuple[Cell, ...], Finding | None, Estimate]:
    currency, kind = asking.plan.site.currency, column_kind(metric)
    one = now.estimates[metric.name].get(ALL, Estimate.none("no data"))
    then = before.comparable(metric, ALL) if before else Estimate.none("nothing before")
    delta = Estimate.none("nothing before")
    if before and previous:
        delta = difference(metric, now.comparable(metric, ALL), then, noise, (period.days, previous.days))
    matured = now.matured.get(metric.name, {}).get(ALL)
    closed = int(matured.denominator or 0) if matured else None
    shown = value_words(one.value, kind, currency) if one.value is not None else f"no value: {one.reason}"
    span = (
        f"{value_words(one.low, kind, currency)} to {value_words(one.high, kind, currency)}"
        if one.low is not None and one.high is not None
        else ""
    )
    tied = asking.plan.objectives.get(kpi.objective or "")
    objective = tied.goal if tied else "none"
    row: tuple[Cell, ...] = (
        metric.name,
        "guardrail" if kpi.guardrail else "kpi",
        shown,
        span,
        _change(delta, then, kind, currency),
        _standing(kpi, now.comparable(metric, ALL), target, pace, kind, currency, asking.today.year),
        kpi.objective or "none",
        objective,
        one.value,
        one.low,
        one.high,
        int(one.denominator) if one.denominator is not None and kind != "money" else one.n,
        then.value,
        delta.value,
        delta.low,
        delta.high,
        matured.value if matured else None,
        int(one.denominator or 0) - closed if closed is not None else None,
        target[0] if target else None,
        target[1] if target else None,
        kind,
        _final(asking, metric),
    )
    return row, _finding(kpi, metric, delta, kind, currency), one


def _change(delta: Estimate, then: Estimate, kind: str, currency: str) -> str:
    """``▲ 0.2 points`` beyond noise; ``0.1 points up, noise`` within."""
    if delta.value is None:
        return "windows still open" if delta.reason == "no window has closed yet" else "–"
    size = difference_words(float(delta.value), kind, currency)
    if kind == "money" and then.value:
        size = f"{significant(abs(float(delta.value)) / abs(float(then.value)) * 100, 2)} %"
    up = float(delta.value) >= 0
    if delta.low is None or delta.high is None:
        return f"{size} {'up' if up else 'down'}"
    beyond = delta.low > 0 or delta.high < 0
    return f"{'▲' if up else '▼'} {size}" if beyond else f"{size} {'up' if up else 'down'}, noise"


def _standing(
    kpi: Kpi, one: Estimate, target: tuple[float, date] | None, pace: Pace | None, kind: str, currency: str,
    this_year: int,
) -> str:  # fmt: skip
    """The target, and how sure it is; where that cannot be said, whether the range has reached it (no total has)."""
    from assay.analyses.pace import standing

    if target is None or kpi.target is None:
        return "no target" if not kpi.guardrail else ""
    value, day = value_words(target[0], kind, currency), target[1]
    words = f"{value} by {days(day, day, this_year)}"
    if pace is not None and (pace.reached is not None or pace.chance is not None):
        return f"{words}: {standing(pace)}"
    if one.value is None or (pace is not None and pace.total):
        return words
    reached = float(one.value) >= target[0] if kpi.direction == "up" else float(one.value) <= target[0]
    return f"{value}: reached" if reached else words


def _finding(kpi: Kpi, metric: Metric, delta: Estimate, kind: str, currency: str) -> Finding | None:
    """A KPI that moved beyond ordinary noise; a guardrail speaks up only when it got worse."""
    if delta.value is None or delta.low is None or delta.high is None or not (delta.low > 0 or delta.high < 0):
        return None
    better = (float(delta.value) > 0) == (kpi.direction == "up")
    if kpi.guardrail and better:
        return None
    side = "above" if float(delta.value) > 0 else "below"
    size = difference_words(float(delta.value), kind, currency)
    text = f"{metric.name} is {size} {side} the period before, beyond ordinary noise"
    return Finding(
        "kpi_moved",
        "good" if better else "bad",
        text,
        {"metric": metric.name, "difference": float(delta.value), "low": delta.low, "high": delta.high},
        f"assay metric {metric.name} --by channel --compare previous",
    )


def _targets(asking: Asking, kpis: list[Kpi], known: Mapping[str, Pace]) -> dict[str, tuple[float, date]]:
    """The value that each KPI must reach: an absolute one, or so much above its own baseline; of totals, pace's."""
    from assay.model.period import Period
    from assay.query.cut import Cut

    found: dict[str, tuple[float, date]] = {}
    relative: dict[tuple[date, date], list[Kpi]] = {}
    for kpi in kpis:
        if kpi.target is None:
            continue
        pace = known.get(kpi.metric)
        if not kpi.target.relative:
            found[kpi.metric] = (kpi.target.value, kpi.target.by)
        elif pace is not None and pace.total:
            if pace.target is not None:
                found[kpi.metric] = (pace.target, kpi.target.by)
        elif kpi.baseline is not None:
            relative.setdefault(kpi.baseline, []).append(kpi)
    for (first, last), members in relative.items():
        period = Period(first, last)
        if asking.without(period):
            continue
        metrics = [asking.plan.metrics[k.metric] for k in members]
        table = measure(asking, metrics, Cut(period, matured_by=asking.matured_by()))
        for kpi in members:
            base = table.estimates[kpi.metric].get(ALL, Estimate.none("")).value
            if base is not None and kpi.target is not None:
                found[kpi.metric] = (float(base) * (1 + kpi.target.value), kpi.target.by)
    return found


def _sentence(rows: list[tuple[Cell, ...]], found: list[Finding], period: Period, previous: Period | None) -> str:
    first = rows[0]
    head = f"{first[0]} is {first[2]}"
    if previous is None:
        return f"{head}, {period}; there is no earlier period to compare with."
    if not found:
        return f"{head}; no KPI moved beyond ordinary noise, {period} against {previous}."
    moved = "; ".join(f.text.split(", beyond")[0].replace(" the period before", "") for f in found)
    return f"{head}; beyond ordinary noise: {moved} the period before, {period}."


QUESTION = Question(
    "overview", "The scorecard: each KPI with objective, target, change and guardrails.", Params, answer
)
