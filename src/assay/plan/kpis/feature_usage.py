"""feature_usage: units that used something at least n times / active units, by what the plan calls active."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from assay.plan.draft import Place
from assay.plan.forms import Texts
from assay.plan.kpis.base import Described, MetricKeys, MetricType
from assay.plan.measures import PLURALS, Measure, Quantity, Select


class Keys(MetricKeys):
    """``where`` narrows the uses."""

    event: Texts
    at_least: Annotated[int, Field(ge=1, lt=10**6)] = 1
    per: Literal["visitor", "user", "account"] = "user"


def describe(keys: Keys, place: Place) -> Described:
    """Both sides look at the same days; without ``activity`` in the plan a visit makes active."""
    rows = Select("event", tuple(keys.event), where=place.expression(keys.where, "where"))
    active = place.plan.activity
    quantity = Quantity(
        "share",
        Measure("exists", rows),
        unit=keys.per,
        start=active,
        anchor="range" if active else "first",
        at_least=keys.at_least,
    )
    often = f" at least {keys.at_least} times" if keys.at_least > 1 else ""
    units = f"active {PLURALS[keys.per]}"
    return Described(quantity, (f"{units} with {' or '.join(keys.event)}{often}", units), "percent")


TYPE = MetricType("feature_usage", Keys, describe, "units that used something at least n times / active units")
