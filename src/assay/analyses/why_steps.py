"""A change along the funnel that leads to the metric's event, and by the factors of revenue."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import timedelta
from fractions import Fraction
from typing import TYPE_CHECKING

from assay.analyses.why_parts import Row
from assay.decide.words import amount, percent, significant
from assay.model.errors import Refused
from assay.model.period import Period, day_of
from assay.plan.measures import Measure, Quantity
from assay.plan.values import Funnel, Metric

if TYPE_CHECKING:
    from assay.analyses.why import Case


def price_of(case: Case) -> Fraction | None:
    """What one of the metric's numerator is worth in the site's money on the later side; None where it has no price.

    Money is worth itself; an order its mean net revenue; a goal its value.
    """
    metric, numerator = case.metric, case.metric.quantity.numerator
    if metric.format == "money":
        return Fraction(1)
    if numerator is None or metric.quantity.negate or numerator.op not in ("exists", "count"):
        return None
    plan, select = case.asking.plan, numerator.select
    goal = plan.goals.get(str(metric.keys.get("goal", "")))
    if goal is not None and isinstance(goal.value, int | float | str) and _number(str(goal.value)) is not None:
        return _number(str(goal.value))
    if select.of != "order" and select.events != (plan.orders.event,):
        return None
    revenue = Metric("revenue", "why", Quantity("total", Measure("sum", replace(select, of="order", events=None, page=None, where=None), "revenue.net")), ("net revenue", ""), format="money")  # fmt: skip  # noqa: E501
    cell = case.asking.cells([revenue], replace(case.after, by=()))["revenue"].get(())
    if cell is None or not case.whole[1].top:
        return None
    return Fraction(cell.all.sum("x")) / case.whole[1].top


def _number(text: str) -> Fraction | None:
    try:
        return Fraction(text)
    except ValueError:
        return None


def factor_rows(case: Case) -> list[Row]:
    """Revenue per unit = buyers / units × orders / buyer × revenue / order; empty for what is no sum over orders."""
    from assay.stats.parts import factors

    numerator = case.rate.quantity.numerator
    quantity = case.rate.quantity
    if numerator is None or numerator.op != "sum" or numerator.select.of != "order":
        return []
    if quantity.kind != "mean" or quantity.start is not None:
        return []
    unit = quantity.unit or "visitor"
    made = [
        Metric(name, "why", Quantity(kind, Measure(op, numerator.select), unit=unit), (name, ""))
        for name, kind, op in (("buyers", "share", "exists"), ("orders", "mean", "count"))
    ]
    values: list[list[Fraction]] = []
    for cut, whole in zip((case.before, case.after), case.whole, strict=True):
        cells = case.asking.cells(made, replace(cut, by=()))
        buyers, orders = (Fraction(cells[m.name][()].all.sum("x")) for m in made)
        if not buyers or not orders:
            return []
        each = [buyers / whole.bottom, orders / buyers, whole.top / orders]
        values.append([whole.bottom, *each] if case.total else each)
    names = [f"{unit}s", "conversion", f"orders per buying {unit}", "value of an order"][0 if case.total else 1 :]
    parts = factors(names, values[0], values[1])
    said = {
        names[0]: (lambda v: f"{int(v):,}") if case.total else percent,
        "conversion": percent,
        names[-2]: significant,
        names[-1]: lambda v: amount(v, case.currency),
    }
    return [
        Row("factor", f"{name} {said[name](float(one))} → {said[name](float(two))}", rate=parts[name])
        for name, one, two in zip(names, *values, strict=True)
    ]


def funnel_to(case: Case) -> Funnel | None:
    """The funnel of the plan whose last step is what the metric counts, per the same unit."""
    quantity = case.rate.quantity
    if quantity.kind != "share" or quantity.numerator is None or quantity.negate or quantity.start is not None:
        return None
    select, plan = quantity.numerator.select, case.asking.plan
    wanted = (plan.orders.event,) if select.of == "order" else select.events
    for funnel in plan.funnels.values():
        last = funnel.steps[-1]
        ordered = funnel.order == "ordered" and not any(step.optional for step in funnel.steps)
        if ordered and len(funnel.steps) <= 7 and (last.event,) == wanted and funnel.per == quantity.unit:
            return funnel
    return None


def step_sections(case: Case) -> list[list[Row]]:
    """The change of the share that gets through the funnel, step by step; its first row is that change itself.

    Where windows of the later side are still open, both sides are shortened by those days: an open window is no loss.
    """
    from assay.query.funnels import FunnelQuery, step_labels
    from assay.stats.parts import factors

    funnel = funnel_to(case)
    if funnel is None:
        return []
    values: list[list[Fraction]] = []
    shorter = _still_open(case, funnel)
    for cut, whole in zip((case.before, case.after), case.whole, strict=True):
        if shorter >= cut.period.days:
            return []
        period = Period(cut.period.first, cut.period.last - timedelta(shorter))
        cut, everybody = replace(cut, by=(), period=period), int(whole.bottom)
        if shorter:
            cells = case.asking.cells([case.rate], cut)[case.rate.name]
            everybody = int(sum(float(cell.all.sum("y")) for cell in cells.values()))
        try:
            found = FunnelQuery(case.asking.plan, funnel, cut, case.asking.ask).reached(timed=False)
        except Refused:
            return []
        if not everybody or () not in found or not found[()].units[-1]:
            return []
        units = [everybody, *found[()].units]
        values.append([Fraction(after, before) for before, after in itertools.pairwise(units)])
    labels = step_labels(funnel.steps)
    names = [f"{n}: {label}" for n, label in enumerate(labels, 1)]
    parts = factors(names, values[0], values[1])
    whole_way = tuple(_product(one) for one in values)
    section = f"funnel {funnel.name}"
    closed = f" (without the last {shorter} days: windows still open)" if shorter else ""
    head = Row(section, f"the whole way{closed}", (None, None), (float(whole_way[0]), float(whole_way[1])))
    rows = [
        Row(section, name, (None, None), (float(one), float(two)), rate=parts[name])
        for name, one, two in zip(names, *values, strict=True)
    ]
    return [[head, *rows]]


def _still_open(case: Case, funnel: Funnel) -> int:
    """Days at the end of the later side on which some window of the funnel is still open."""
    if funnel.window is None:
        return 0
    zone, period = case.asking.plan.site.timezone, case.after.period
    last = day_of(case.asking.matured_by() - funnel.window * 1_000_000, zone) - timedelta(1)
    return min(period.days, max(0, (period.last - last).days))


def _product(values: list[Fraction]) -> Fraction:
    found = Fraction(1)
    for value in values:
        found *= value
    return found
