"""metric: one or several metrics, by any dimension and grain, for a segment, against an earlier period."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from pydantic import Field

from assay.analyses.base import Asking, Compare, Grain, Pick, Question, Ranged, argument, column_kind
from assay.analyses.caveats import covered, range_caveats
from assay.analyses.changelog import Marks, marks
from assay.analyses.estimates import absent, both_periods, daily_noise, weekday_aligned
from assay.analyses.measuring import Table, based_on, change_words, difference, measure
from assay.decide.words import group_name, value_words
from assay.model.answer import Answer, Cell, Column, Labelled
from assay.model.errors import UsageError
from assay.model.estimate import Estimate
from assay.model.finding import Finding
from assay.plan.values import Metric

if TYPE_CHECKING:
    from assay.model.period import Period
    from assay.query.cut import Cut

OUTSIDE = "(no visit in range)"


class Params(Ranged):
    """Which metrics, and how they are cut."""

    names: list[str] = argument("metrics of the plan, KPIs among them")
    by: list[str] = Field(
        default_factory=list, description="dimension, declared property or segment to group by; repeat for more"
    )
    grain: Grain | None = Field(None, description="one row per hour, day, week, month, quarter or year")
    compare: Compare = Field("none", description="the previous period (weekdays aligned) or the year before (364 days)")
    pick: Pick = Field("first", description="where a unit has several values of a dimension: its first, last or any")
    limit: int = Field(50, ge=1, le=10_000, description="most groups shown, the largest")


def answer(asking: Asking, params: Params) -> Answer:
    """Rows per group, largest first (time first where there is a grain); every number with its interval."""
    from assay.query.cut import Cut

    metrics = [asking.metric(name) for name in dict.fromkeys(params.names)]
    if not metrics:
        raise UsageError("name at least one metric; assay catalog lists them")
    repeated = [name for name in params.by if name in [m.name for m in metrics] or params.by.count(name) > 1]
    if repeated:
        raise UsageError(f"{repeated[0]} is asked for twice: a metric and a group of one name, or a group again")
    period = asking.period(params)
    where = asking.segment(params.segment)
    if asking.without(period):
        return asking.empty("metric", params, period)
    cut = Cut(period, tuple(params.by), params.grain, where, params.pick, asking.matured_by())
    table = measure(asking, metrics, cut)
    wanted = both_periods(period, params.compare)
    previous = wanted if covered(asking, wanted) else None
    before = (
        measure(asking, metrics, Cut(previous, cut.by, cut.grain, where, params.pick, asking.matured_by()))
        if previous
        else None
    )
    noise = daily_noise(asking, based_on(asking, metrics), period, where) if previous else {}
    groups = _groups(metrics, table, cut) if cut.by else _filled(asking, table, metrics, cut)
    shown = _largest(groups, metrics, table, cut, params.limit)
    columns, rows, labelled = _lay_out(asking, metrics, cut, table, before, previous, noise, shown)
    if all(one.estimate.value is None for one in labelled) and asking.nobody(params, period):
        return asking.empty("metric", params, period)
    if not rows:
        names = ", ".join(m.name for m in metrics)
        return replace(
            asking.empty("metric", params, period),
            empty=f"no {names} in {period}",
            sentence=f"There is nothing of {names} in {period}.",
        )
    known = marks(asking, period, metrics=params.names) if params.grain else Marks()
    return asking.answer(
        "metric",
        params,
        columns=columns,
        rows=rows,
        estimates=labelled,
        definitions=tuple(asking.definition(m) for m in metrics),
        sentence=_sentence(asking, metrics, table, before, period, previous, noise)
        if not cut.by and not cut.grain
        else _title(asking, metrics, params, period, labelled),
        findings=(
            *range_caveats(asking, period, wanted, metrics, _used(cut)),
            *_findings(asking, metrics, table),
            *known.findings,
        ),
        notes=(*_notes(asking, cut, metrics), *_hidden(len(groups) - len(shown)), *known.notes),
        next=(
            f"assay sql metric {' '.join(m.name for m in metrics)}",
            f"assay metric {metrics[0].name} --by channel --compare previous",
        ),
        chart={
            "kind": "line" if params.grain else "bars",
            "x": params.grain or (params.by[0] if params.by else None),
            "y": [m.name for m in metrics],
            **({"marks": list(known.chart)} if params.grain else {}),
        },
    )


def _groups(metrics: Sequence[Metric], table: Table, cut: Cut) -> list[tuple[Any, ...]]:
    """By time where there is a grain, then by size: the denominator of the first metric, or its value."""
    found = dict.fromkeys(group for metric in metrics for group in table.estimates[metric.name])
    first = table.estimates[metrics[0].name]

    def size(group: tuple[Any, ...]) -> float:
        one = first.get(group)
        if one is None:
            return 0.0
        return -float(one.denominator if one.denominator is not None else one.value or 0)

    def key(group: tuple[Any, ...]) -> tuple[Any, ...]:
        head = (str(group[0]),) if cut.grain else ()
        return (*head, size(group), tuple(str(v) for v in group))

    return sorted(found, key=key)


def _filled(asking: Asking, table: Table, metrics: Sequence[Metric], cut: Cut) -> list[tuple[Any, ...]]:
    """The groups of a series, with the periods in which there was nothing."""
    groups = _groups(metrics, table, cut)
    if cut.grain is None or cut.grain == "hour":
        return groups
    return sorted(
        {*groups, *((start,) for start in cut.period.starts(cut.grain, asking.plan.site.week_start))},
        key=lambda group: str(group[0]),
    )


def _largest(
    groups: list[tuple[Any, ...]], metrics: Sequence[Metric], table: Table, cut: Cut, limit: int
) -> list[tuple[Any, ...]]:
    """The groups that are shown: the ``limit`` largest; with a grain the largest of the whole range, in every cell."""
    if not cut.by:
        return groups
    if not cut.grain:
        return groups[:limit]
    sizes: dict[tuple[Any, ...], float] = {}
    for group in groups:
        one = table.estimates[metrics[0].name].get(group)
        size = (one.denominator if one.denominator is not None else one.value or 0) if one else 0
        sizes[group[1:]] = sizes.get(group[1:], 0.0) + float(size)
    kept = set(sorted(sizes, key=lambda g: (-sizes[g], str(g)))[:limit])
    return [group for group in groups if group[1:] in kept]


def _hidden(count: int) -> tuple[str, ...]:
    return (f"{count:,} further rows are not shown; --limit shows more",) if count else ()


def _lay_out(
    asking: Asking,
    metrics: Sequence[Metric],
    cut: Cut,
    table: Table,
    before: Table | None,
    previous: Period | None,
    noise: dict[str, float],
    groups: list[tuple[Any, ...]],
) -> tuple[tuple[Column, ...], tuple[tuple[Cell, ...], ...], tuple[Labelled, ...]]:
    currency = asking.plan.site.currency
    keys = ([cut.grain] if cut.grain else []) + list(cut.by)
    columns = [Column(k, "day" if i == 0 and cut.grain else "text") for i, k in enumerate(keys)]
    single = len(metrics) == 1
    for metric in metrics:
        columns += _columns(metric, currency, single, before is not None)
    rows, labelled = [], []
    for group in groups:
        names = [_name(v, cut, i, asking.plan.site.timezone) for i, v in enumerate(group)]
        row: list[Cell] = list(names)
        for metric in metrics:
            one = table.estimates[metric.name].get(group) or absent(metric)
            matured = table.matured.get(metric.name, {}).get(group)
            row += _cells(metric, one, matured)
            labelled.append(Labelled(metric.name, dict(zip(keys, names, strict=True)), one))
            if before is not None and previous is not None:
                row += _change(metric, table, before, group, cut, previous, noise.get(metric.name, 0.0))
        rows.append(tuple(row))
    rows += _outside_rows(metrics, table, cut, len(columns), columns)
    return tuple(columns), tuple(rows), tuple(labelled)


def _columns(metric: Metric, currency: str, single: bool, compared: bool) -> list[Column]:
    name, kind = metric.name, column_kind(metric)
    apart = "points" if kind == "rate" else kind
    money = currency if kind == "money" else None
    top = "money" if metric.format == "money" and metric.quantity.kind != "derived" else "count"
    columns = [Column(name, kind, definition=metric.id, currency=money)]
    if metric.quantity.kind in ("share", "mean", "ratio"):
        columns += [
            Column(f"{name}_numerator", top, "numerator", metric.id, currency, detail=not single),
            Column(f"{name}_denominator", "count", "of", metric.id, detail=not single),
        ]
    if metric.quantity.kind not in ("total", "derived"):
        columns += [
            Column(f"{name}_low", kind, "from", metric.id, money, detail=not single),
            Column(f"{name}_high", kind, "to", metric.id, money, detail=not single),
        ]
    if metric.quantity.within:
        columns += [
            Column(f"{name}_matured", kind, "closed windows", metric.id, money, detail=not single),
            Column(f"{name}_matured_units", "count", "closed", metric.id, detail=True),
            Column(f"{name}_open", "count", "still open", metric.id, detail=not single),
        ]
    if compared:
        columns += [
            Column(f"{name}_before", kind, "before", metric.id, money),
            Column(f"{name}_change", apart, "change", metric.id, money),
            Column(f"{name}_change_low", apart, "change from", metric.id, money, detail=True),
            Column(f"{name}_change_high", apart, "change to", metric.id, money, detail=True),
        ]
    return columns


def _cells(metric: Metric, one: Estimate, matured: Estimate | None) -> list[Cell]:
    cells: list[Cell] = [one.value]
    if metric.quantity.kind in ("share", "mean", "ratio"):
        cells += [one.numerator, one.denominator]
    if metric.quantity.kind not in ("total", "derived"):
        cells += [one.low, one.high]
    if metric.quantity.within:
        closed = int(matured.denominator or 0) if matured else 0
        cells += [matured.value if matured else None, closed, int(one.denominator or 0) - closed]
    return cells


def _change(
    metric: Metric, table: Table, before: Table, group: tuple[Any, ...], cut: Cut, previous: Period, noise: float
) -> list[Cell]:
    then_group = group
    if cut.grain and isinstance(group[0], date):
        then_group = (weekday_aligned(group[0], cut.period, previous), *group[1:])
    one, then = table.comparable(metric, group), before.comparable(metric, then_group)
    days = (1, 1) if cut.grain == "day" else (cut.period.days, previous.days)
    if metric.quantity.kind == "total" and group:
        noise = 0.0  # the noise of the whole says nothing about a group's
    delta = difference(metric, one, then, noise, days)
    return [then.value, delta.value, delta.low, delta.high]


def _outside_rows(
    metrics: Sequence[Metric], table: Table, cut: Cut, width: int, columns: list[Column]
) -> list[tuple[Cell, ...]]:
    """What belongs to units without a visit in the range: a row of its own, never dropped, never spread."""
    if not any(table.outside.get(m.name) for m in metrics):
        return []
    row: list[Cell] = [None] * width
    if cut.by or cut.grain:
        row[0] = OUTSIDE
    names = [c.name for c in columns]
    for metric in metrics:
        if table.outside.get(metric.name) and f"{metric.name}_numerator" in names:
            row[names.index(f"{metric.name}_numerator")] = table.outside[metric.name]
    return [tuple(row)] if (cut.by or cut.grain) and any(v is not None for v in row[1:]) else []


def _name(value: Any, cut: Cut, place: int, zone: str) -> Cell:
    if cut.grain == "hour" and place == 0 and isinstance(value, int):
        return datetime.fromtimestamp(value, ZoneInfo(zone))
    return value if cut.grain and place == 0 else group_name(value)


def _title(
    asking: Asking, metrics: Sequence[Metric], params: Params, period: Period, labelled: Sequence[Labelled]
) -> str:
    """What is shown, and of a single metric what its largest groups say, or how far a series swings."""
    cut = " and ".join([*params.by, *([params.grain] if params.grain else [])])
    title = f"{', '.join(m.name for m in metrics)} by {cut}"
    known = [one for one in labelled if one.estimate.value is not None]
    if len(metrics) > 1 or not known or (params.by and params.grain):
        return f"{title}, {period}."

    def said(one: Labelled) -> str:
        value = value_words(one.estimate.value, column_kind(metrics[0]), asking.plan.site.currency)
        return f"{value} ({', '.join(str(group_name(v)) for v in one.group.values())})"

    if params.grain:
        known.sort(key=lambda one: one.estimate.value or 0)
        swing = f"lowest {said(known[0])}, highest {said(known[-1])}" if len(known) > 1 else said(known[0])
        return f"{title}: {swing}, {period}."
    rest = f", the largest of {len(labelled):,}" if len(labelled) > 3 else ""
    return f"{title}: {', '.join(map(said, known[:3]))}{rest}, {period}."


def _sentence(
    asking: Asking,
    metrics: Sequence[Metric],
    table: Table,
    before: Table | None,
    period: Period,
    previous: Period | None,
    noise: dict[str, float],
) -> str:
    parts = []
    for metric in metrics:
        one = table.estimates[metric.name].get((), Estimate.none("no data"))
        kind = column_kind(metric)
        if one.value is None:
            parts.append(f"{metric.name} has no value: {one.reason}")
            continue
        text = f"{metric.name} is {value_words(one.value, kind, asking.plan.site.currency)}"
        if one.low is not None and one.high is not None:
            low, high = (value_words(v, kind, asking.plan.site.currency) for v in (one.low, one.high))
            text += f" (between {low} and {high})"
        if before is not None and previous is not None:
            text += change_words(
                asking,
                metric,
                table.comparable(metric, ()),
                before.comparable(metric, ()),
                noise.get(metric.name, 0.0),
                (period.days, previous.days),
            )
        parts.append(text)
    return "; ".join(parts) + f", {period}."


def _findings(asking: Asking, metrics: Sequence[Metric], table: Table) -> tuple[Finding, ...]:
    found = []
    for metric in metrics:
        outside = table.outside.get(metric.name)
        if outside:
            text = value_words(outside, "money" if metric.format == "money" else "count", asking.plan.site.currency)
            found.append(
                Finding(
                    "no_visit_in_range",
                    "info",
                    f"{metric.name}: {text} belongs to visitors without a visit in the range; it is a row of its own",
                    {"metric": metric.name, "outside": str(outside)},
                )
            )
        for group, one in table.estimates[metric.name].items():
            if one.value is None:
                where = f" for {', '.join(str(v) for v in group)}" if group else ""
                found.append(
                    Finding(
                        "no_value", "info", f"{metric.name} has no value{where}: {one.reason}", {"metric": metric.name}
                    )
                )
                break
    return tuple(found)


def _of_events(asking: Asking, cut: Cut) -> bool:
    from assay.query.dimensions import Dimensions
    from assay.query.sql import Binder

    return cut.where is not None and Dimensions(asking.plan, Binder()).scope(cut.where) == "event"


def _used(cut: Cut) -> tuple[str, ...]:
    return (*cut.by, *(cut.where.names if cut.where else ()))


def _notes(asking: Asking, cut: Cut, metrics: Sequence[Metric]) -> tuple[str, ...]:
    notes = []
    if cut.where is not None and _of_events(asking, cut):
        notes.append(
            "a segment over events: events are counted themselves, all else in the sessions that have such an event"
        )
    shared = sorted({str(m.quantity.unit) for m in metrics if m.quantity.unit in ("visitor", "user", "account")})
    if cut.grain and shared:
        notes.append(
            f"a {' or '.join(shared)} counts once in each {cut.grain}: {cut.grain}s do not add up to the total"
        )
    if cut.by:
        from assay.query.dimensions import Dimensions
        from assay.query.sql import Binder

        dims = Dimensions(asking.plan, Binder())
        scopes = ", ".join(f"{name} ({dims.get(name).scope})" for name in cut.by)
        overlap = "rows overlap and do not add up to the total" if cut.pick == "any" else "rows add up to the total"
        started = [m.name for m in metrics if m.quantity.start is not None]
        if len(started) < len(metrics):
            notes.append(f"grouped by {scopes}, pick {cut.pick}: {overlap}")
        if started:
            notes.append(f"{', '.join(started)}: a unit is grouped by what held at its start")
    return tuple(notes)


QUESTION = Question("metric", "One or several metrics, by any dimension and grain.", Params, answer)
