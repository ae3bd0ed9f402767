"""subscription_churn: subscribers at the start of the period who cancelled in it / subscribers at its start."""

from __future__ import annotations

from typing import Literal

from assay.plan.draft import Place
from assay.plan.kpis.base import Described, MetricType
from assay.plan.kpis.subscription import SubscriptionKeys, rows, total
from assay.plan.measures import PLURALS, Quantity

_COLUMNS = {"voluntary": "lost", "involuntary": "lost_involuntary", "all": "lost_all"}


class Keys(SubscriptionKeys):
    """``kind``: ends that were chosen (default), those that were not, or both."""

    kind: Literal["voluntary", "involuntary", "all"] = "voluntary"


def describe(keys: Keys, place: Place) -> Described:
    """Who joins inside the period is on neither side."""
    if keys.kind == "involuntary" and keys.involuntary is None:
        text = "needs involuntary: which ends nobody chose, such as \"reason = 'payment_failed'\""
        place.problem(text, "kind", code="missing_key")
    select = rows(keys, place)
    quantity = Quantity("ratio", total(select, _COLUMNS[keys.kind]), total(select, "active"), unit=keys.per)
    units = f"{PLURALS[keys.per]} that pay when the period begins"
    how = {"voluntary": "cancel", "involuntary": "end against their will", "all": "end"}[keys.kind]
    return Described(quantity, (f"{units} and {how} in it", units), "percent", direction="down")


TYPE = MetricType("subscription_churn", Keys, describe, "cancelled in the period / subscribers at its start")
