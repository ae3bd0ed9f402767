"""revenue_retention: what is left, at the end, of the recurring revenue that the period began with."""

from __future__ import annotations

from typing import Literal

from assay.plan.draft import Place
from assay.plan.kpis.base import Described, MetricType
from assay.plan.kpis.subscription import SubscriptionKeys, rows, total
from assay.plan.measures import PLURALS, Quantity

_COLUMNS = {
    "gross": ("kept", "recurring revenue kept, without growth"),
    "net": ("retained", "recurring revenue of the same units at the end"),
    "expansion": ("grown", "growth of the recurring revenue of the same units"),
}


class Keys(SubscriptionKeys):
    """``rule``: gross (growth does not count), net (it does), or expansion (growth alone)."""

    rule: Literal["gross", "net", "expansion"] = "net"


def describe(keys: Keys, place: Place) -> Described:
    """Over units that pay when the period begins; joiners are left out."""
    select = rows(keys, place)
    column, words = _COLUMNS[keys.rule]
    quantity = Quantity("ratio", total(select, column), total(select, "opening"), unit=keys.per)
    return Described(quantity, (words, f"recurring revenue of {PLURALS[keys.per]} at the start"), "percent")


TYPE = MetricType("revenue_retention", Keys, describe, "recurring revenue at the end / at the start, of the same units")
