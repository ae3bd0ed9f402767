"""repeat_purchase: customers with a second (or n-th) order within a window of their first / customers."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from assay.plan import literals
from assay.plan.draft import Place
from assay.plan.expressions import both
from assay.plan.forms import Duration
from assay.plan.kpis.base import Described, MetricKeys, MetricType
from assay.plan.measures import Made, Measure, Quantity, Select

WINDOW = 90 * 86_400
FIRST = Select("order", made=Made("first_order", "user"))


class Keys(MetricKeys):
    """``orders``: which order is asked for, 2 = the second. ``where`` narrows the later orders."""

    within: Duration = WINDOW
    orders: Annotated[int, Field(ge=2, lt=1000)] = 2


def describe(keys: Keys, place: Place) -> Described:
    """Customers are those whose first order ever lies in the range; the window runs from that order."""
    where = place.expression(keys.where, "where")
    later = Measure("exists", Select("order", where=both(None, where)))
    quantity = Quantity("share", later, unit="user", start=FIRST, within=keys.within, at_least=keys.orders - 1)
    further = "a second order" if keys.orders == 2 else f"{keys.orders} orders"
    condition = f" where {where.text}" if where else ""
    words = f"new customers with {further}{condition} within {literals.words(keys.within)} of their first"
    return Described(quantity, (words, "customers with a first order"), "percent")


TYPE = MetricType("repeat_purchase", Keys, describe, "new customers with a further order in the window / new customers")
