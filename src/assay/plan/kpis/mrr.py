"""mrr: recurring revenue per month at the end of the period; as a mean, of those who pay (ARPA)."""

from __future__ import annotations

from typing import Literal

from assay.plan.draft import Place
from assay.plan.kpis.base import Described, MetricType
from assay.plan.kpis.subscription import SubscriptionKeys, rows, total
from assay.plan.measures import PLURALS, Quantity


class Keys(SubscriptionKeys):
    """``statistic: mean`` = per paying unit."""

    statistic: Literal["total", "mean"] = "total"


def describe(keys: Keys, place: Place) -> Described:
    """What holds when the range (or each period of the grain) ends."""
    select = rows(keys, place)
    words = "recurring revenue per month at the end"
    if keys.statistic == "total":
        return Described(Quantity("total", total(select, "closing")), (words, ""), "money")
    quantity = Quantity("ratio", total(select, "closing"), total(select, "paying"), unit=keys.per)
    return Described(quantity, (words, f"{PLURALS[keys.per]} that pay at the end"), "money")


TYPE = MetricType("mrr", Keys, describe, "recurring revenue per month at the end of the period")
