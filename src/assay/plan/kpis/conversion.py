"""conversion: the share of units that reach a goal or do an event; a mean per unit for a goal that counts every one."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from assay.plan import literals
from assay.plan.draft import Place, goal_rows
from assay.plan.expressions import both
from assay.plan.forms import Duration, Text, Texts
from assay.plan.kpis.base import Described, MetricKeys, MetricType
from assay.plan.measures import PLURALS, Measure, Quantity, Select


class Outcome(MetricKeys):
    """``goal`` or ``event``: what is reached."""

    goal: Text | None = None
    event: Texts | None = None


class Ends(Outcome):
    """From one event to another."""

    from_: Annotated[Text | None, Field(alias="from", description="an event or a goal")] = None


class Keys(Outcome):
    """``goal`` or ``event``; ``from`` starts the window ``within``."""

    per: Literal["visitor", "user", "session", "order", "account", "event"] = "visitor"
    from_: Annotated[Text | None, Field(alias="from", description="an event, a goal, or order")] = None
    within: Duration | None = None


def describe(keys: Keys, place: Place) -> Described:
    """Units with ≥ 1 conversion / units; without ``from`` a window starts at the unit's first event."""
    select, what, every = conversions(keys, place)
    start = beginning(keys.from_, place)
    if keys.per == "event" and (start is None or start.of != "event"):
        place.problem(
            "per: event needs from: the event that is counted, such as an ad click", "per", code="missing_key"
        )
    if keys.within is not None and start is None:
        start = Select("order") if keys.per == "order" else Select()
    where = place.expression(keys.where, "where")
    if where is not None:
        select = Select(select.of, select.events, select.page, both(select.where, where))
        what += f" where {where.text}"
    measure = Measure("count" if every else "exists", select)
    quantity = Quantity("mean" if every else "share", measure, unit=keys.per, start=start, within=keys.within)
    return Described(quantity, _words(keys, what, every), "number" if every else "percent")


def _words(keys: Keys, what: str, every: bool) -> tuple[str, str]:
    begun = keys.from_ if keys.from_ != keys.per else None
    window = f" within {literals.words(keys.within)}" if keys.within else ""
    if begun:
        window += f" of {begun}" if window else f" after {begun}"
    if keys.per == "event":
        return f"{begun} events followed by {what}{window}", f"{begun} events"
    units = PLURALS[keys.per]
    reached = f"{what} conversions{window}" if every else f"{units} with at least one {what}{window}"
    return reached, f"{units} with {begun}" if begun else units


def conversions(keys: Outcome, place: Place) -> tuple[Select, str, bool]:
    """The rows of ``goal`` or ``event``, words for them, and whether every one counts."""
    if (keys.goal is None) == (keys.event is None):
        text = "needs goal or event" if keys.goal is None else "goal and event at once: choose one"
        place.problem(text, *(() if keys.goal is None else ("event",)), code="choose_one")
        return Select(), "conversion", False
    if keys.event is not None:
        return Select("event", tuple(keys.event)), " or ".join(keys.event), False
    goal = place.goal(str(keys.goal), "goal")
    if goal is None:
        return Select(), "conversion", False
    what = (
        goal.event
        if goal.event == goal.name
        else f"{goal.name} ({goal.event or 'visit of ' + ', '.join(goal.page or ())})"
    )
    return goal_rows(goal), str(what), goal.count == "every"


def beginning(name: str | None, place: Place) -> Select | None:
    """The rows that ``from`` names: orders, else a goal, else an event."""
    if name is None:
        return None
    if name == "order":
        return Select("order")
    if name in place.draft.entries("goals"):
        goal = place.goal(name, "from")
        return goal_rows(goal) if goal else Select()
    return Select("event", (name,))


def two_ends(keys: Ends, place: Place, what: str) -> tuple[Select | None, Select, str]:
    """Start, outcome and words for it of ``what``, which runs from one event to another."""
    if keys.where is not None:
        place.problem(f"{what} has two ends; put the condition into a goal", "where", code="choose_one")
    outcome, said, _ = conversions(keys, place)
    start = beginning(keys.from_, place)
    if start is not None and start.of == "order":
        start = Select("event", (place.plan.orders.event,))
    return start, outcome, said


TYPE = MetricType("conversion", Keys, describe, "units that reach a goal / units")
