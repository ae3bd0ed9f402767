"""rollout: what a change did where no test was possible: difference in differences over groups that got it and not."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from pydantic import Field

from assay.analyses.base import Asking, Question, Ranged, argument, column_kind
from assay.analyses.experimenting.laying import signed
from assay.decide.words import group_name
from assay.model.answer import Answer, Cell, Column, Labelled
from assay.model.errors import Refused, UsageError
from assay.model.finding import Finding

if TYPE_CHECKING:
    from assay.plan.values import Metric
    from assay.stats.did import Did

LEAST_UNITS = 30  # units of a group in a week below which its rate is not used
PARALLEL = 0.05


class RolloutParams(Ranged):
    """Which metric, which groups got the change, and when."""

    name: str = argument("a metric of the plan")
    by: str = Field("country", description="the dimension whose values got the change, or not")
    start: dict[str, date] = Field(
        default_factory=dict, description="GROUP=DAY the day on which a group got it; repeat for a staged rollout"
    )


def answer(asking: Asking, params: RolloutParams) -> Answer:
    """One row per group: before, after, and the effect over all; weeks are the periods, groups the clusters."""
    from assay.query.cut import Cut
    from assay.stats.did import panel, placebo

    metric = asking.metric(params.name)
    if metric.quantity.kind in ("derived", "quantile", "total"):
        raise Refused(f"{metric.name} is no rate or mean per unit: groups of different size cannot be compared by it")
    if not params.start:
        raise UsageError(f"say who got the change, and when: --start DE=2026-09-01 (a value of {params.by})")
    period = asking.period(params)
    if asking.without(period):
        return asking.empty("rollout", params, period)
    cut = Cut(period, (params.by,), "week", asking.segment(params.segment), matured_by=asking.matured_by())
    weeks = _whole_weeks(asking, period.first, period.last)
    series = _series(asking, metric, cut, weeks)
    starts = dict(params.start)
    columns = _columns(metric, asking.plan.site.currency)
    few = [group for group in starts if group not in series]
    if few:
        known = ", ".join(sorted(series)) or "none"
        reason = f"{params.by} {few[0]!r} has not {LEAST_UNITS} units in every whole week of {period}"
        return asking.answer(
            "rollout", params, columns=columns, empty=reason,
            sentence=f"{reason[0].upper()}{reason[1:]}; those that have: {known}.",
            next=(f"assay metric {metric.name} --by {params.by} --grain week",),
        )  # fmt: skip
    if len(series) == len(starts):
        raise Refused(
            f"every {params.by} got the change: there is nobody to compare with; assay why {metric.name} instead"
        )
    rows_ = [(group, week, value) for group, own in series.items() for week, value in own.items()]
    y = [value for _, _, value in rows_]
    units, times = [group for group, _, _ in rows_], [week.toordinal() for _, week, _ in rows_]
    active = [float(group in starts and week >= starts[group]) for group, week, _ in rows_]
    treated = [float(group in starts) for group, _, _ in rows_]
    made = panel(y, units, times, active)
    before = placebo(y, units, times, treated, min(starts.values()).toordinal())
    kind, currency = column_kind(metric), asking.plan.site.currency
    return asking.answer(
        "rollout",
        params,
        columns=columns,
        rows=tuple(_row(group, own, starts, min(starts.values())) for group, own in sorted(series.items())),
        estimates=(
            Labelled(metric.name, {"effect": "rollout"}, made.estimate),
            Labelled(metric.name, {"effect": "placebo"}, before.estimate),
        ),
        definitions=(asking.definition(metric),),
        findings=tuple(_findings(metric, made, before)),
        sentence=_sentence(metric, made, before, kind, currency, str(period)),
        notes=(
            "weaker evidence than a test: nobody was drawn by lot; what else happened to some groups counts as effect",
            f"weeks by {params.by}, each group its own level, each week its own; errors by group",
            *made.notes,
        ),
        next=(f"assay why {metric.name}", "assay experiment"),
        chart={"kind": "line", "x": "week", "y": [metric.name], "by": params.by},
    )  # fmt: skip


def _columns(metric: Metric, currency: str) -> tuple[Column, ...]:
    kind = column_kind(metric)
    return (
        Column("group"), Column("since", "day"), Column("before", kind, currency=currency),
        Column("after", kind, currency=currency),
        Column("change", "points" if kind == "rate" else kind, currency=currency), Column("weeks", "count"),
    )  # fmt: skip


def _whole_weeks(asking: Asking, first: date, last: date) -> set[date]:
    """Starts of the weeks that lie in the range whole."""
    shift = 6 if asking.plan.site.week_start == "sunday" else 0
    start = first + timedelta((7 - first.weekday() + shift) % 7)
    return {start + timedelta(7 * n) for n in range(((last - start).days + 1) // 7)} if start <= last else set()


def _series(asking: Asking, metric: Metric, cut: Any, weeks: set[date]) -> dict[str, dict[date, float]]:
    """Group → week → value, of groups that have enough units in every week."""
    cells = asking.cells([metric], cut)[metric.name]
    found: dict[str, dict[date, float]] = {}
    for (week, group), cell in cells.items():
        moments = cell.matured if metric.quantity.within and cell.matured is not None else cell.all
        if week in weeks and moments.n >= LEAST_UNITS and moments.sum("y"):
            found.setdefault(str(group_name(group)), {})[week] = float(moments.sum("x")) / float(moments.sum("y"))
    return {group: own for group, own in found.items() if len(own) == len(weeks)}


def _row(group: str, own: dict[date, float], starts: dict[str, date], first: date) -> tuple[Cell, ...]:
    since = starts.get(group)
    cut = since or first
    early, late = [v for w, v in own.items() if w < cut], [v for w, v in own.items() if w >= cut]
    sides = [sum(side) / len(side) if side else None for side in (early, late)]
    change = sides[1] - sides[0] if sides[0] is not None and sides[1] is not None else None
    return (group, since, sides[0], sides[1], change, len(own))


def _findings(metric: Metric, made: Did, before: Did) -> list[Finding]:
    found = []
    if before.p is not None and before.p < PARALLEL:
        found.append(Finding(
            "not_parallel", "warning", f"the groups drifted apart in {metric.name} before the change already",
            {"metric": metric.name, "placebo": before.estimate.value, "p": before.p},
            "do not take the effect for one: find groups that moved alike",
        ))  # fmt: skip
    if made.estimate.value is None:
        found.append(Finding("no_comparison", "warning", str(made.estimate.reason), {"metric": metric.name}))
    elif made.estimate.low is None:
        found.append(Finding("few_groups", "warning", str(made.estimate.reason), {"metric": metric.name},
                             "more groups on both sides would give an interval"))  # fmt: skip
    return found


def _sentence(metric: Metric, made: Did, before: Did, kind: str, currency: str, period: str) -> str:
    estimate = made.estimate
    if estimate.value is None:
        return f"Nothing can be said of {metric.name}: {estimate.reason}."
    value = float(estimate.value)
    size = signed(value, kind, currency)
    ends = ""
    if estimate.low is not None and estimate.high is not None:
        ends = f" ({signed(estimate.low, kind, currency)} to {signed(estimate.high, kind, currency)})"
    clear = estimate.low is not None and estimate.high is not None and (estimate.low > 0 or estimate.high < 0)
    verdict = "beyond what the other groups did" if clear else "not told apart from what the other groups did"
    drift = "; but the groups drifted apart before" if before.p is not None and before.p < PARALLEL else ""
    return f"{metric.name} changed by {size}{ends}, {verdict}{drift}, {period}; weaker evidence than a test."


QUESTION = Question(
    "rollout", "What a change did where no test was possible: before, after, and the others.", RolloutParams, answer
)
