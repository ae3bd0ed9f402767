"""Metrics → queries. Metrics that share a frame share a query."""

from __future__ import annotations

from collections.abc import Sequence

from assay.plan.measures import Quantity
from assay.plan.values import Metric, Plan
from assay.query.cut import Cut, Query
from assay.query.starts import start_query
from assay.query.totals import total_query
from assay.query.units import unit_query

_VISITING = ("visitor", "user", "session", "account")


def metric_queries(plan: Plan, cut: Cut, metrics: Sequence[Metric]) -> list[Query]:
    """The queries for totals, shares, means and ratios; derived and quantile metrics have their own ways."""
    frames: dict[str, list[Metric]] = {}
    queries: list[Query] = []
    for metric in metrics:
        quantity = metric.quantity
        unit = visiting_unit(quantity)
        if unit:
            frames.setdefault(unit, []).append(metric)
        elif quantity.kind in ("share", "mean"):
            queries.append(start_query(plan, cut, metric))
        elif quantity.kind in ("total", "ratio"):
            queries.append(total_query(plan, cut, metric))
    return [*(unit_query(plan, cut, unit, members) for unit, members in frames.items()), *queries]


def visiting_unit(quantity: Quantity) -> str | None:
    """The unit, where units are those with a visit in the range: also for a plain count of such units."""
    if quantity.kind in ("share", "mean") and quantity.start is None and quantity.unit in _VISITING:
        return quantity.unit
    numerator = quantity.numerator
    if quantity.kind == "total" and numerator and numerator.op == "count" and numerator.field is None:
        select = numerator.select
        if select.of in _VISITING and select.where is None:
            return select.of
    return None
