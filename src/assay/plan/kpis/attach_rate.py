"""attach_rate: orders with one item and also another / orders with the one."""

from __future__ import annotations

from assay.plan.draft import BROKEN, Place
from assay.plan.expressions import both
from assay.plan.forms import Text
from assay.plan.kpis.base import Described, MetricKeys, MetricType
from assay.plan.measures import Expression, Made, Measure, Quantity, Select

_ITEM = dict.fromkeys(("item_id", "item_name", "item_category", "item_brand"), "text")


class Keys(MetricKeys):
    """``base`` and ``attached`` are conditions on an item; ``where`` is one on the order."""

    base: Text
    attached: Text


def describe(keys: Keys, place: Place) -> Described:
    """One line of an order never attaches to itself."""
    conditions: tuple[Expression, ...] = tuple(
        place.expression(text, key, names=_ITEM) or BROKEN
        for key, text in (("base", keys.base), ("attached", keys.attached))
    )
    where = both(None, place.expression(keys.where, "where"))
    rows = Select("order", where=where, made=Made("basket", "order", where=conditions))
    quantity = Quantity("ratio", Measure("sum", rows, "made.attached"), Measure("count", rows), unit="visitor")
    orders = f"orders with an item where {conditions[0].text}"
    return Described(quantity, (f"{orders} and another where {conditions[1].text}", orders), "percent")


TYPE = MetricType("attach_rate", Keys, describe, "orders with one item and also another / orders with the one")
