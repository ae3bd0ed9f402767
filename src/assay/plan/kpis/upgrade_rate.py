"""upgrade_rate: subscribers at the start of the period who upgraded in it / subscribers at its start."""

from __future__ import annotations

from assay.plan.draft import Place
from assay.plan.kpis.base import Described, MetricType
from assay.plan.kpis.subscription import SubscriptionKeys, rows, total
from assay.plan.measures import PLURALS, Quantity


class Keys(SubscriptionKeys):
    """Which events are upgrades: ``upgrades``."""


def describe(keys: Keys, place: Place) -> Described:
    """Who joins inside the period is on neither side."""
    select = rows(keys, place)
    units = f"{PLURALS[keys.per]} that pay when the period begins"
    quantity = Quantity("ratio", total(select, "upgraded"), total(select, "active"), unit=keys.per)
    return Described(quantity, (f"{units} and upgrade in it", units), "percent")


TYPE = MetricType("upgrade_rate", Keys, describe, "upgraded in the period / subscribers at its start")
