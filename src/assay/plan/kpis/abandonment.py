"""abandonment: units that began (a cart, a checkout) and did not finish in the window / units that began."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from assay.plan import literals
from assay.plan.draft import Place
from assay.plan.forms import Duration, Text
from assay.plan.kpis.base import Described, MetricKeys, MetricType
from assay.plan.kpis.parts import field
from assay.plan.measures import PLURALS, Measure, Quantity, Select

WINDOW = 7 * 86_400


class Keys(MetricKeys):
    """``per`` defaults to the rule ``rules.abandonment``."""

    from_: Annotated[Text, Field(alias="from")] = "add_to_cart"
    event: Text | None = None
    per: Literal["visitor", "user", "session", "account"] | None = None
    within: Duration | None = None
    value: Annotated[
        Text | None,
        Field(description="a number of the starting event, such as add_to_cart.revenue: what was left behind"),
    ] = None


def describe(keys: Keys, place: Place) -> Described:
    """Per session the session is the window. Rule ``matomo``: no order after the *last* cart change of the visit."""
    rule = place.plan.rules.abandonment
    unit = keys.per or ("visitor" if rule == "visitor" else "session")
    matomo = rule == "matomo" and unit == "session"
    if unit == "session" and keys.within is not None:
        place.problem(
            "per session the session is the window; leave within out, or count per: visitor",
            "within",
            code="choose_one",
        )
    within = None if unit == "session" else keys.within or WINDOW
    finish = keys.event or place.plan.orders.event
    starts = (keys.from_, "remove_from_cart") if matomo and keys.from_ == "add_to_cart" else (keys.from_,)
    select = Select("event", (finish,), where=place.expression(keys.where, "where"))
    worth = field(keys.value, place, "value") if keys.value else None
    quantity = Quantity(
        "mean" if worth else "share",
        Measure("exists", select),
        unit=unit,
        start=Select("event", starts),
        within=within,
        negate=True,
        anchor="last" if matomo else "first",
        worth=worth.measure.field if worth else None,
    )
    began = f"{PLURALS[unit]} with {' or '.join(starts)}"
    window = f"within {literals.words(within)}" if within else "after the last of them" if matomo else "in the session"
    if worth:
        words = f"{worth.words} of {began} and no {finish} {window}"
        return Described(quantity, (words, began), worth.format, direction="down")
    return Described(quantity, (f"{began} and no {finish} {window}", began), "percent", direction="down")


TYPE = MetricType("abandonment", Keys, describe, "units that began and did not finish / units that began")
