"""activation: new users who reach the value event, or k of n set-up steps, in the window / new users."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from assay.plan import literals
from assay.plan.draft import Place, goal_rows
from assay.plan.forms import Duration, Text, Texts
from assay.plan.kpis.base import Described, MetricKeys, MetricType
from assay.plan.kpis.conversion import beginning
from assay.plan.measures import PLURALS, Measure, Quantity, Select


class Keys(MetricKeys):
    """``event`` or ``goal``: the value event, ``at_least`` times; or ``steps``: ``at_least`` different ones (all)."""

    from_: Annotated[Text, Field(alias="from", description="what makes a unit new")] = "sign_up"
    event: Texts | None = None
    goal: Text | None = None
    steps: Annotated[Texts | None, Field(description="events of the set-up")] = None
    at_least: Annotated[int | None, Field(ge=1, lt=10**6)] = None
    within: Duration = 7 * 86_400
    per: Literal["visitor", "user", "account"] = "user"


def describe(keys: Keys, place: Place) -> Described:
    """Units that start in the range; the window runs from each unit's own start."""
    where = place.expression(keys.where, "where")
    given = [key for key in ("event", "goal", "steps") if getattr(keys, key) is not None]
    if len(given) != 1:
        text = "needs event, goal or steps" if not given else f"{' and '.join(given)} at once: choose one"
        place.problem(text, *given[1:2], code="choose_one")
        return Described(Quantity("share", Measure("exists"), unit=keys.per), ("", ""), "percent")
    at_least = keys.at_least or 1
    if keys.steps is not None:
        steps = tuple(dict.fromkeys(keys.steps))
        at_least = keys.at_least or len(steps)
        if at_least > len(steps):
            place.problem(f"{at_least} of {len(steps)} steps can never be done", "at_least", code="value")
        measure = Measure("count_distinct", Select("event", steps, where=where), "sign_up.event")
        what = f"at least {at_least} of {', '.join(steps)}"
    else:
        goal = place.goal(keys.goal, "goal") if keys.goal else None
        rows = goal_rows(goal) if goal else Select("event", tuple(keys.event or ()), where=where)
        if keys.goal and where is not None:
            place.problem("a goal has its own condition; put where: into the goal", "where", code="choose_one")
        measure = Measure("exists", rows)
        what = keys.goal or " or ".join(keys.event or ())
        what += f" at least {at_least} times" if at_least > 1 else ""
    quantity = Quantity(
        "share", measure, unit=keys.per, start=beginning(keys.from_, place), within=keys.within, at_least=at_least
    )
    units = f"{PLURALS[keys.per]} with {keys.from_}"
    return Described(quantity, (f"{units} and {what} within {literals.words(keys.within)}", units), "percent")


TYPE = MetricType("activation", Keys, describe, "new users who reach the value event or enough steps / new users")
