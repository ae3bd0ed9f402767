"""ratio: one sum over another; the unit is what is independent (a visitor), not what is divided by."""

from __future__ import annotations

from typing import Literal

from assay.plan.draft import Place
from assay.plan.kpis.base import Described, MetricKeys, MetricType
from assay.plan.kpis.parts import PartForm, part
from assay.plan.measures import Quantity


class Keys(MetricKeys):
    """``where`` at the top holds for both sides: a filter never touches only one; each side may have its own."""

    numerator: PartForm
    denominator: PartForm
    per: Literal["visitor", "user", "session", "order", "account"] = "visitor"


def describe(keys: Keys, place: Place) -> Described:
    """Σ numerator / Σ denominator. Money over money is a plain number."""
    above = part(keys.numerator, place.at("numerator"), keys.where)
    below = part(keys.denominator, place.at("denominator"), keys.where)
    unit = above.format if below.format == "number" else "number"
    return Described(Quantity("ratio", above.measure, below.measure, unit=keys.per), (above.words, below.words), unit)


TYPE = MetricType("ratio", Keys, describe, "one sum over another, such as revenue per order")
