"""What the subscription metrics share: which events start, change and end one, and what it pays per month."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from assay.plan.draft import Place
from assay.plan.forms import Text, Texts
from assay.plan.kpis.base import MetricKeys
from assay.plan.measures import Made, Measure, Select

STARTING = ("subscribe", "renew", "upgrade", "downgrade")
ENDING = ("cancel_subscription",)
UPGRADING = ("upgrade",)
EVENTS = (*STARTING, *ENDING)


class SubscriptionKeys(MetricKeys):
    """``amount``: the property with the recurring revenue per month after the event, in the site's currency.

    ``involuntary``: which ends nobody chose (a failed payment), as a condition on the ending event.
    """

    per: Literal["user", "account", "visitor"] = "user"
    events: Texts = Field([*STARTING], description="events after which the amount holds")
    ends: Texts = Field([*ENDING], description="events that end a subscription")
    upgrades: Texts = Field([*UPGRADING], description="those of the events that are upgrades")
    amount: Text = "mrr"
    involuntary: Annotated[Text | None, Field(description="a condition on the ending event")] = None


def rows(keys: SubscriptionKeys, place: Place) -> Select:
    """The subscriptions of the range's periods. Events of the defaults that the plan does not declare are left out."""
    plan = place.plan
    starting = _known(keys.events, STARTING, place)
    upgrading = _known(keys.upgrades, UPGRADING, place)
    declared = plan.properties().get(keys.amount)
    if declared is None or declared.type not in ("money", "number", "integer"):
        declare = f"{starting[0]}: {{properties: {{{keys.amount}: money}}}}"
        text = f"no event has the property {keys.amount!r} as money; declare it under events: {declare}"
        place.problem(text, *(("amount",) if keys.amount != "mrr" else ()), code="unknown_property")
    forced = place.expression(keys.involuntary, "involuntary")
    selects = tuple(Select("event", names) for names in (starting, tuple(keys.ends), upgrading))
    where = (forced,) if forced else ()
    condition = place.expression(keys.where, "where")
    made = Made("subscription", keys.per, selects, where, field=keys.amount if keys.amount != "mrr" else None)
    return Select("event", where=condition, made=made)


def _known(names: list[str], defaults: tuple[str, ...], place: Place) -> tuple[str, ...]:
    if tuple(names) != defaults:
        return tuple(names)
    return tuple(name for name in names if name in place.plan.events) or defaults[:1]


def total(select: Select, column: str) -> Measure:
    """Σ of a column of the subscriptions."""
    return Measure("sum", select, f"made.{column}")
