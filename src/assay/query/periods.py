"""Periods as whole numbers that follow each other: the one place where a day becomes the number of its day, week or month."""

from __future__ import annotations

from datetime import date, timedelta

from assay.model.period import day_start
from assay.plan.measures import Select
from assay.plan.values import Plan
from assay.query.cut import Frame
from assay.query.selecting import selected

GRAINS = ("day", "week", "month")
_EPOCH = date(1970, 1, 1)
_AHEAD = 70_000  # days (whole weeks) put before the epoch, so that no division meets a negative number


def _shift(plan: Plan) -> int:
    """1970-01-01 was a Thursday: the third day after a Monday, the fourth after a Sunday."""
    return _AHEAD + (4 if plan.site.week_start == "sunday" else 3)


def number_sql(frame: Frame, grain: str, day: str = "e.day") -> str:
    """SQL for the number of the period that a day of the site lies in."""
    if grain == "month":
        return f"(year({day}) * 12 + month({day}))"
    days = f"date_diff('day', {frame.bind(_EPOCH)}, {day})"  # not every engine takes dates from each other with a minus
    return days if grain == "day" else f"(({days} + {_shift(frame.plan)}) // 7)"


def number_of(day: date, grain: str, plan: Plan) -> int:
    """The number of the period that ``day`` lies in; the same as ``number_sql``."""
    if grain == "month":
        return day.year * 12 + day.month
    days = (day - _EPOCH).days
    return days if grain == "day" else (days + _shift(plan)) // 7


def start_of(number: int, grain: str, plan: Plan) -> date:
    """The first day of a period."""
    if grain == "month":
        return date((number - 1) // 12, (number - 1) % 12 + 1, 1)
    return _EPOCH + timedelta(number if grain == "day" else number * 7 - _shift(plan))


def end_of(number: int, grain: str, plan: Plan) -> int:
    """The last microsecond (UTC) of a period of the site's zone."""
    return day_start(start_of(number + 1, grain, plan), plan.site.timezone) - 1


def rows_of(frame: Frame, select: Select | None) -> str:
    """The condition on events that a selection makes; None: any interactive event. Of orders only those that count."""
    if select is None:
        return "e.interactive"
    counted = " AND o.counted" if select.events == (frame.plan.orders.event,) else ""
    return selected(frame.dims, select) + counted
