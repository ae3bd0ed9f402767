"""What questions about behaviour share: events and goals by name, units, whole periods, differences of shares."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Literal

from assay.model.errors import UnknownName, UsageError
from assay.model.estimate import Estimate
from assay.model.period import Period
from assay.plan.draft import goal_rows
from assay.plan.measures import Select

if TYPE_CHECKING:
    from assay.analyses.base import Asking, Ranged
    from assay.plan.values import Plan

Unit = Literal["visitor", "user", "account"]
Grain = Literal["day", "week", "month"]
_DEFAULT_PERIODS = {"day": 28, "week": 12, "month": 12}


def rows_named(plan: Plan, name: str) -> Select:
    """The events behind a name: a goal of the plan, an event of the plan, or ``order``."""
    if name in plan.goals:
        return goal_rows(plan.goals[name])
    if name == "order":
        return Select("event", (plan.orders.event,))
    if name in plan.events:
        return Select("event", (name,))
    raise UnknownName("event or goal", name, [*plan.goals, *plan.events])


def rows_or_activity(plan: Plan, name: str | None) -> Select | None:
    """The events behind a name; without one, what the plan calls active (None: any interactive event)."""
    return plan.activity if name is None else rows_named(plan, name)


def said(plan: Plan, name: str | None) -> str:
    """The name in words."""
    if name is not None:
        return name
    if plan.activity is None:
        return "any interactive event"
    names = " or ".join(plan.activity.events or ()) or "an event"
    return f"activity ({names})"


def seconds(text: str, what: str) -> int:
    """Seconds of ``7d`` or ``30m``; UsageError where it cannot be meant."""
    from assay.plan.literals import duration

    try:
        return duration(text)
    except ValueError as error:
        raise UsageError(f"{what} {text!r}: {error}") from error


def whole_periods(asking: Asking, params: Ranged, grain: str) -> Period:
    """The range widened to whole periods; default: the last 28 days, 12 weeks or 12 months of the data."""
    from assay.query.periods import number_of, start_of

    plan = asking.plan
    asked = asking.period(params)
    last = number_of(asked.last, grain, plan)
    first = number_of(asked.first, grain, plan)
    if params.from_ is None:
        first = last - _DEFAULT_PERIODS[grain] + 1
        if asking.span:
            first = min(max(first, number_of(asking.span.first, grain, plan)), last)
    return Period(start_of(first, grain, plan), start_of(last + 1, grain, plan) - timedelta(1))


def period_name(start: date, grain: str) -> str:
    """``2024-03-04`` for days and weeks, ``2024-03`` for months."""
    return f"{start:%Y-%m}" if grain == "month" else start.isoformat()


def difference(a: Estimate, b: Estimate, level: float = 0.95) -> Estimate:
    """a − b of two independent shares with their score intervals (Newcombe's hybrid).

    Source: R. G. Newcombe, Statistics in Medicine 17 (1998) 873–890, method 10. No value where either has none.
    """
    if a.value is None or b.value is None:
        return Estimate.none(a.reason or b.reason or "no value on one side")
    p, q = float(a.value), float(b.value)
    if a.low is None or a.high is None or b.low is None or b.high is None:
        return Estimate(p - q, level=level, reason="no interval on one side")
    low = p - q - ((p - a.low) ** 2 + (b.high - q) ** 2) ** 0.5
    high = p - q + ((a.high - p) ** 2 + (q - b.low) ** 2) ** 0.5
    return Estimate(p - q, max(-1.0, low), min(1.0, high), level, "Newcombe")


def group_of(names: list[str], group: tuple[Any, ...]) -> dict[str, Any]:
    """A group's values by the names of its dimensions, as people read them."""
    from assay.decide.words import group_name

    return {name: group_name(value) for name, value in zip(names, group, strict=True)}
