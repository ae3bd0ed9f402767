"""order_gap: days between two orders of a customer, mean or median."""

from __future__ import annotations

from typing import Literal

from assay.plan.draft import Place
from assay.plan.kpis.base import Described, MetricKeys, MetricType
from assay.plan.kpis.parts import statistic
from assay.plan.measures import Made, Measure, Select


class Keys(MetricKeys):
    """``where`` narrows the later order of each two."""

    statistic: Literal["mean", "median"] = "mean"


def describe(keys: Keys, place: Place) -> Described:
    """Every order of the range that has one before it; a customer's first order has no gap, which is not 0."""
    rows = Select("order", where=place.expression(keys.where, "where"), made=Made("order_gap", "user"))
    quantity = statistic(keys.statistic, Measure("sum", rows, "made.days"), "user")
    words = "days since the customer's order before", "orders that have one before them"
    return Described(quantity, words if keys.statistic == "mean" else (f"median of {words[0]}", ""), "number")


TYPE = MetricType("order_gap", Keys, describe, "days between a customer's orders")
