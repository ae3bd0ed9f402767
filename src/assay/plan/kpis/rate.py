"""rate: the share of entities that hold a condition, such as bounced sessions."""

from __future__ import annotations

from typing import Literal

from assay.plan.draft import BROKEN, Place
from assay.plan.forms import Text
from assay.plan.kpis.base import Described, MetricKeys, MetricType
from assay.plan.measures import PLURALS, Measure, Quantity, Select


class Keys(MetricKeys):
    """``of`` is the unit, ``where`` the condition."""

    of: Literal["session", "visitor", "user", "order", "account"]
    where: Text


def describe(keys: Keys, place: Place) -> Described:
    """Entities that hold the condition / entities."""
    condition = place.expression(keys.where, "where") or BROKEN
    measure = Measure("exists", Select(keys.of, where=condition))
    units = PLURALS[keys.of]
    return Described(Quantity("share", measure, unit=keys.of), (f"{units} where {condition.text}", units), "percent")


TYPE = MetricType("rate", Keys, describe, "entities that hold a condition / entities")
