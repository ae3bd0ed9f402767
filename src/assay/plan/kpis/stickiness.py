"""stickiness: how many of the range's days an active unit is active on (DAU/MAU over 28 or 30 days)."""

from __future__ import annotations

from typing import Literal

from assay.plan.draft import Place
from assay.plan.kpis.base import Described, MetricKeys, MetricType
from assay.plan.measures import PLURALS, Made, Measure, Quantity, Select


class Keys(MetricKeys):
    """What makes active is the plan's ``activity``; ``where`` narrows it."""

    per: Literal["visitor", "user", "account"] = "user"


def describe(keys: Keys, place: Place) -> Described:
    """Σ units active on each day / (units active in the range × its days): the mean day's share of the units."""
    made = Made("activity", keys.per, rows=(place.plan.activity,))
    rows = Select("event", where=place.expression(keys.where, "where"), made=made)
    quantity = Quantity("ratio", Measure("count_distinct", rows, "made.day"), Measure("unit_days", rows), unit=keys.per)
    units = PLURALS[keys.per]
    return Described(quantity, (f"days on which {units} were active", f"active {units} × days of the range"), "percent")


TYPE = MetricType("stickiness", Keys, describe, "share of the range's days on which an active unit is active (DAU/MAU)")
