"""audit: is each KPI measurable, aligned, sensitive, and used? Else it is a vanity metric or noise."""

from __future__ import annotations

import math
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from pydantic import Field

from assay.analyses.base import Asking, Params, Question, column_kind
from assay.analyses.estimates import estimate
from assay.decide.words import difference_words, significant
from assay.model.answer import Answer, Column
from assay.model.finding import Finding
from assay.model.period import Period
from assay.plan.measures import Quantity, Select
from assay.plan.values import Metric, Plan

if TYPE_CHECKING:
    from assay.model.moments import Moments

WEEKS = 4


class AuditParams(Params):
    """Which metrics are audited."""

    all_metrics: bool = Field(False, description="every metric of the plan, not only the KPIs")
    weeks: int = Field(8, ge=2, le=104, description="weeks of history that the noise is judged by")


COLUMNS = (
    Column("metric"),
    Column("role"),
    Column("measurable"),
    Column("aligned"),
    Column("sensitive", label="finds in 4 weeks"),
    Column("weekly", label="weekly noise"),
    Column("used"),
    Column("verdict"),
    Column("events", "count", detail=True),
    Column("mde", "number", detail=True),
    Column("mde_relative", "rate", detail=True),
    Column("weekly_noise", "rate", detail=True),
    Column("units_4_weeks", "count", detail=True),
)


def answer(asking: Asking, params: AuditParams) -> Answer:
    """One row per KPI with the four questions and a verdict."""
    from assay.query.relations import event_counts

    plan = asking.plan
    if asking.span is None:
        return asking.empty("audit", params)
    names = list(plan.metrics) if params.all_metrics else list(plan.kpis)
    if not names:
        return asking.answer(
            "audit",
            params,
            columns=COLUMNS,
            empty="the plan has no KPIs",
            sentence="The plan has no KPIs yet.",
            next=("assay audit --all-metrics",),
        )
    last = asking.complete_day()
    weeks = min(params.weeks, max(1, ((last - asking.span.first).days + 1) // 7))
    history = Period(last - timedelta(7 * weeks - 1), last)
    recent = Period(last - timedelta(7 * WEEKS - 1), last)
    counts = {name: count for name, count, *_ in asking.ask(event_counts()).rows}
    metrics = [plan.metrics[n] for n in names]
    usual = [m for m in metrics if m.quantity.kind not in ("derived", "quantile")]
    now, by_week = _measure(asking, usual, recent, history)
    rows, found = [], []
    for metric in metrics:
        row, finding = _judge(asking, metric, counts, now.get(metric.name), by_week.get(metric.name, {}), history)
        rows.append(row)
        found += [finding] if finding else []
    good = sum(row[7] == "a KPI" for row in rows)
    what = "metrics" if params.all_metrics else "KPIs"
    sentence = f"{good} of {len(rows)} {what} are measurable, aligned and sensitive enough to decide by."
    return asking.answer(
        "audit",
        params,
        columns=COLUMNS,
        rows=tuple(rows),
        findings=tuple(found),
        definitions=tuple(asking.definition(m) for m in metrics),
        sentence=sentence,
        notes=(
            f"smallest difference a test finds in {WEEKS} weeks: half the traffic per arm, 80 % power, 5 % two-sided",
            f"noise over the {weeks} weeks to {last}",
        ),
        next=("assay quality", "assay catalog"),
    )


def _measure(
    asking: Asking, metrics: list[Metric], recent: Period, history: Period
) -> tuple[dict[str, Moments], dict[str, dict[Any, Moments]]]:
    from assay.query.cut import Cut

    if not metrics:
        return {}, {}
    now = {
        n: c[()].all for n, c in asking.cells(metrics, Cut(recent, matured_by=asking.matured_by())).items() if () in c
    }
    weeks = asking.cells(metrics, Cut(history, grain="week", matured_by=asking.matured_by()))
    return now, {
        n: {g[0]: c.all for g, c in cells.items() if isinstance(g[0], date) and g[0] >= history.first}
        for n, cells in weeks.items()
    }


def _judge(
    asking: Asking,
    metric: Metric,
    counts: dict[str, int],
    moments: Moments | None,
    weeks: dict[Any, Moments],
    history: Period,
) -> tuple[tuple[Any, ...], Finding | None]:
    from assay.stats.power import detectable

    plan = asking.plan
    needed = events_of(metric, plan)
    missing = sorted(name for name in needed if not counts.get(name))
    measurable = "yes" if not missing else f"no: {', '.join(missing)} not seen"
    kpi = plan.kpis.get(metric.name)
    vanity = metric.quantity.kind == "total" and metric.format != "money"
    aligned = (
        "vanity: a plain total" if vanity else "yes" if kpi and kpi.objective in plan.objectives else "no objective"
    )
    mde, relative, shown = None, None, "cannot say"
    one = estimate(metric, moments) if moments is not None and moments.n else None
    if one is not None and one.variance and one.value and moments is not None:
        mde = detectable(one.variance * moments.n, moments.n / 2)
        relative = mde / abs(float(one.value))
        shown = f"{difference_words(mde, column_kind(metric), plan.site.currency)} ({significant(relative * 100, 2)} %)"
    noise = _weekly(metric, weeks)
    used = cited(asking, metric.name, history.first)
    sensitive = relative is not None and relative <= 0.5
    verdict = (
        "not measurable"
        if missing
        else "vanity metric"
        if vanity
        else "no objective"
        if aligned != "yes"
        else "too noisy to test"
        if not sensitive
        else "a KPI"
    )
    row = (
        metric.name,
        "guardrail" if kpi and kpi.guardrail else "KPI" if kpi else "metric",
        measurable,
        aligned,
        shown,
        f"±{significant(noise * 100, 2)} %" if noise is not None else "–",
        used or "by no test or change",
        verdict,
        sum(counts.get(n, 0) for n in needed),
        mde,
        relative,
        noise,
        moments.n if moments else 0,
    )
    finding = None
    if verdict != "a KPI" and kpi is not None:
        action = {"not measurable": "assay quality", "vanity metric": "replace it by a rate or a mean per unit"}.get(
            verdict
        )
        finding = Finding(
            "kpi_" + verdict.replace(" ", "_"),
            "warning",
            f"{metric.name}: {verdict}" + (f" ({measurable})" if missing else ""),
            {"metric": metric.name, "mde_relative": relative},
            action,
        )
    elif kpi is not None and not used:
        finding = Finding(
            "kpi_unused",
            "info",
            f"{metric.name}: no test or change of the last weeks names it; a KPI that decides nothing is noise",
            {"metric": metric.name},
        )
    return row, finding


def _weekly(metric: Metric, weeks: dict[Any, Moments]) -> float | None:
    """Coefficient of variation of the weekly values."""
    values = [float(v) for m in weeks.values() if (v := estimate(metric, m).value) is not None]
    if len(values) < 3 or not sum(values):
        return None
    mean = sum(values) / len(values)
    return math.sqrt(sum((v - mean) ** 2 for v in values) / (len(values) - 1)) / abs(mean)


def events_of(metric: Metric, plan: Plan) -> set[str]:
    """The events without which a metric cannot be measured."""
    needed: set[str] = set()

    def add(select: Select | None, field: str | None = None) -> None:
        if field in ("revenue.net", "revenue.gross", "contribution", "gross_margin") or (
            select and select.of == "order"
        ):
            needed.add(plan.orders.event)
        elif select and select.of == "event" and select.events:
            needed.update(select.events)

    def walk(quantity: Quantity) -> None:
        for measure in (quantity.numerator, quantity.denominator):
            if measure is not None:
                add(measure.select, measure.field)
        add(quantity.start)

    walk(metric.quantity)
    for name in metric.uses:
        needed |= events_of(plan.metrics[name], plan)
    return needed


def cited(asking: Asking, name: str, since: date) -> str:
    """Tests and changes that name a metric: a KPI that nothing is decided by is noise."""
    from assay.analyses.changelog import known_changes

    tests = [one.name for one in asking.plan.experiments.values() if name in one.metrics]
    changes = [c.what for c in known_changes(asking, since, asking.today) if name in c.what]
    return ", ".join([*tests, *changes])


QUESTION = Question("audit", "Is each KPI measurable, aligned, sensitive and used?", AuditParams, answer)
