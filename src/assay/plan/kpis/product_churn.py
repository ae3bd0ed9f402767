"""product_churn: active in the period before and not in this one / active in the period before."""

from __future__ import annotations

from typing import Literal

from assay.plan.draft import Place
from assay.plan.kpis.base import Described, MetricKeys, MetricType
from assay.plan.measures import PLURALS, Made, Measure, Quantity, Select


class Keys(MetricKeys):
    """Active is what the plan's ``activity`` says. Periods are those of the grain, or the range."""

    per: Literal["visitor", "user", "account"] = "user"


def describe(keys: Keys, place: Place) -> Described:
    """Only periods that are over; who comes back later is resurrected, not un-churned."""
    if keys.where is not None:
        place.problem("say who is active under activity:, and who is looked at with a segment", "where", code="no_rows")
    rows = Select("event", made=Made("lapse", keys.per, rows=(place.plan.activity,)))
    quantity = Quantity("ratio", Measure("sum", rows, "made.lost"), Measure("count", rows), unit=keys.per)
    before = f"{PLURALS[keys.per]} active in the period before"
    return Described(quantity, (f"{before} and not in this one", before), "percent", direction="down")


TYPE = MetricType("product_churn", Keys, describe, "active before and not now / active before")
