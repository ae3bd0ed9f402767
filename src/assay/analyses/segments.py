"""segments: which segments differ most on a metric, with intervals and a false discovery rate over all looks."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from pydantic import Field

from assay.analyses.base import Asking, Question, Ranged, argument, column_kind
from assay.analyses.estimates import estimate
from assay.decide.words import difference_words, group_name, value_words
from assay.model.answer import Answer, Column, Labelled
from assay.model.errors import UsageError
from assay.model.estimate import Estimate
from assay.model.finding import Finding
from assay.plan.values import Metric, Plan

if TYPE_CHECKING:
    from assay.model.moments import Moments

INSIDE = "in it"  # the value of a segment of the plan
DIMENSIONS = ("channel", "device", "is_new", "country", "browser", "entry_page_group")


class Params(Ranged):
    """Which metric; where to look."""

    name: str = argument("a metric of the plan")
    by: list[str] = Field(
        default_factory=list, description="only these dimensions; default: the plan's segments and the usual dimensions"
    )
    min_units: int = Field(100, ge=2, description="smallest segment that is judged, in units of independence")
    fdr: float = Field(0.05, gt=0, lt=1, description="false discovery rate over all looks")
    limit: int = Field(20, ge=1, le=1000, description="most segments shown")


def answer(asking: Asking, params: Params) -> Answer:
    """One row per segment against everybody else, the surest differences first."""
    from assay.query.cut import Cut
    from assay.stats.multiple import benjamini_hochberg

    metric = asking.metric(params.name)
    if metric.quantity.kind not in ("share", "mean", "ratio"):
        raise UsageError(
            f"{metric.name} is a {metric.quantity.kind}; segments are compared on a rate, a mean or a ratio, "
            f"such as {_example(asking)}"
        )
    period = asking.period(params)
    if asking.without(period):
        return asking.empty("segments", params, period)
    where = asking.segment(params.segment)
    looks: list[tuple[str, str, Moments, Moments]] = []
    circular = _circular(asking.plan, metric)
    for dimension in params.by or [
        *(name for name in (*asking.plan.segments, *asking.plan.cohorts) if name not in circular),
        *(d for d in DIMENSIONS if d != "entry_page_group" or asking.plan.pages),
    ]:
        cells = asking.cells([metric], Cut(period, (dimension,), None, where, matured_by=asking.matured_by()))[
            metric.name
        ]
        groups = {group[0]: cell.all for group, cell in cells.items() if cell.all.n}
        looks += _looks(dimension, groups, dimension in {*asking.plan.segments, *asking.plan.cohorts}, params.min_units)
    # One split under two names, or seen from either side, is one look: the first name keeps it.
    splits = {frozenset(((a.n, a.sums), (b.n, b.sums))): (d, v, a, b) for d, v, a, b in reversed(looks)}
    looks = list(splits.values())[::-1]
    judged = [(d, v, estimate(metric, a), estimate(metric, b), a) for d, v, a, b in looks]
    judged = [j for j in judged if j[2].value is not None and j[3].value is not None]
    differences = [_difference(a, b) for _, _, a, b, _ in judged]
    adjusted = benjamini_hochberg([p for _, p in differences])
    order = sorted(range(len(judged)), key=lambda i: (adjusted[i], -abs(float(differences[i][0].value or 0))))
    columns, rows, labelled, found = _columns(asking, metric), [], [], []
    for place, i in enumerate(order):
        dimension, value, inside, outside, moments = judged[i]
        delta, p = differences[i][0], adjusted[i]
        sure = p <= params.fdr
        if sure:
            found.append(_finding(asking, metric, dimension, value, inside, delta, p))
        if place < params.limit:
            here = (inside.value, inside.low, inside.high, outside.value, delta.value, delta.low, delta.high)
            rows.append((group_words(dimension, value), dimension, value, moments.n, *here, p, sure))
            labelled.append(Labelled(metric.name, {dimension: value}, inside))
    return asking.answer(
        "segments",
        params,
        columns=columns,
        rows=tuple(rows),
        estimates=tuple(labelled),
        findings=tuple(found[:5]),
        definitions=(asking.definition(metric),),
        sentence=_sentence(metric, found, len(judged), str(period)),
        notes=(
            f"{len(judged)} looks, Benjamini–Hochberg at {params.fdr:g}; each segment against everybody else",
            "units take their first value",
            *((f"left out, as they are made of what the metric counts: {', '.join(circular)}",) if circular else ()),
        ),
        next=(f"assay metric {metric.name} --by {rows[0][1] if rows else 'device'} --compare previous",),
        chart={"kind": "whiskers", "x": "group", "y": "difference"},
    )


def group_words(dimension: str, value: str) -> str:
    """``Mobile`` for a segment of the plan, ``Country: GB`` for a value of a dimension."""
    name = dimension.replace("_", " ")
    name = name[:1].upper() + name[1:]
    return name if value == INSIDE else f"{name}: {value}"


def _circular(plan: Plan, metric: Metric) -> list[str]:
    """Segments and cohorts of those who did, or did not do, what the metric counts: their difference says nothing."""
    measure = metric.quantity.numerator
    counted = {name for one in (measure.select.all() if measure else ()) for name in one.events or ()}
    counted |= {plan.orders.event} if measure and any(one.of == "order" for one in measure.select.all()) else set()
    made = {
        c.name
        for c in plan.cohorts.values()
        if counted & {*c.did, *c.did_not, *c.sequence} or "orders" in (c.where.names if c.where else ())
    }
    return [
        *(s.name for s in plan.segments.values() if made & set(s.where.names)),
        *(c for c in plan.cohorts if c in made),
    ]


def _looks(
    dimension: str, groups: dict[Any, Moments], named: bool, least: int
) -> Iterable[tuple[str, str, Moments, Moments]]:
    """Each value against the rest; of a segment of the plan only those inside. Two values are one look."""
    if named:
        values: list[Any] = [True] if True in groups else []
    else:
        values = sorted(groups, key=lambda v: (-groups[v].n, str(v)))
        values = values[:1] if len(values) == 2 else values
    for value in values:
        rest = [m for v, m in groups.items() if v != value]
        if not rest:
            continue
        others = _sum(rest)
        if groups[value].n >= least and others.n >= least:
            shown = INSIDE if named else group_name(value)
            yield dimension, str(shown), groups[value], others


def _sum(moments: Iterable[Moments]) -> Moments:
    first, *rest = moments
    for one in rest:
        first = first + one
    return first


def _difference(inside: Estimate, outside: Estimate) -> tuple[Estimate, float]:
    from assay.stats.normal import p_two_sided, z_two_sided

    delta = float(inside.value or 0) - float(outside.value or 0)
    if inside.variance is None or outside.variance is None or inside.variance + outside.variance <= 0:
        return Estimate(delta, reason="no variance"), 1.0
    error = math.sqrt(inside.variance + outside.variance)
    half = z_two_sided(0.95) * error
    return Estimate(delta, delta - half, delta + half, 0.95, "difference"), p_two_sided(delta / error)


def _columns(asking: Asking, metric: Metric) -> tuple[Column, ...]:
    kind = column_kind(metric)
    money = asking.plan.site.currency if kind == "money" else None

    def value(name: str, label: str, detail: bool = False) -> Column:
        difference = name.startswith("difference") and kind == "rate"
        return Column(name, "points" if difference else kind, label, metric.id, money, detail)

    return (
        Column("group"),
        Column("dimension", detail=True),
        Column("value", detail=True),
        Column("units", "count", "counted"),
        value(metric.name, "in this group"),
        value(f"{metric.name}_low", "from", True),
        value(f"{metric.name}_high", "to", True),
        value("others", "everybody else"),
        value("difference", "difference"),
        value("difference_low", "from"),
        value("difference_high", "to"),
        Column("p_adjusted", "number", "adjusted p", detail=True),
        Column("sure", "flag", "beyond noise"),
    )


def _finding(
    asking: Asking, metric: Metric, dimension: str, value: str, inside: Estimate, delta: Estimate, p: float
) -> Finding:
    name = dimension if value == INSIDE else f"{dimension} {value}"
    kind, currency = column_kind(metric), asking.plan.site.currency
    better = (float(delta.value or 0) > 0) == (metric.direction == "up")
    side = "above" if float(delta.value or 0) > 0 else "below"
    size = difference_words(float(delta.value or 0), kind, currency)
    text = f"{name}: {metric.name} {value_words(inside.value, kind, currency)}, {size} {side} everybody else"
    return Finding(
        "segment_differs",
        "good" if better else "warning",
        text,
        {"dimension": dimension, "value": value, "p_adjusted": p},
        f"assay funnel {next(iter(asking.plan.funnels), 'NAME')} --by {dimension}"
        if dimension not in {*asking.plan.segments, *asking.plan.cohorts}
        else None,
    )


def _sentence(metric: Metric, found: list[Finding], looks: int, period: str) -> str:
    if not looks:
        return f"No segment is large enough to judge {metric.name}, {period}."
    if not found:
        return f"No segment differs on {metric.name} beyond noise ({looks} looked at), {period}."
    return f"{found[0].text} ({len(found)} of {looks} segments differ beyond noise), {period}."


def _example(asking: Asking) -> str:
    return next(
        (m.name for m in asking.plan.metrics.values() if m.quantity.kind in ("share", "mean", "ratio")),
        "a conversion rate",
    )


QUESTION = Question("segments", "Which segments differ most on a metric.", Params, answer)
