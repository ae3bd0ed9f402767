"""quantile: the middle, or any other quantile, of a number over events, sessions or orders."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from assay.plan.draft import Place
from assay.plan.forms import Text
from assay.plan.kpis.base import Described, MetricKeys, MetricType
from assay.plan.kpis.parts import field, filtered
from assay.plan.measures import Quantity


class Keys(MetricKeys):
    """``of`` is the number, ``q`` between 0 and 1; ``per`` is the unit of independence."""

    of: Annotated[Text, Field(description="<event>.<property>, session.duration, order.<column>")]
    q: Annotated[float, Field(gt=0, lt=1)] = 0.5
    per: Literal["visitor", "user", "session", "order", "account"] = "visitor"


def describe(keys: Keys, place: Place) -> Described:
    """The ``q``-quantile of the number over its rows, rows of one unit being dependent."""
    made = filtered(field(keys.of, place, "of"), place.expression(keys.where, "where"), place)
    quantity = Quantity("quantile", made.measure, unit=keys.per, q=keys.q)
    level = "median" if keys.q == 0.5 else f"{keys.q * 100:g} % quantile"
    return Described(quantity, (f"{level} of {made.words}", ""), made.format)


TYPE = MetricType("quantile", Keys, describe, "a quantile of a number")
