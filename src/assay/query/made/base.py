"""What the made relations share: the frame of the question, live events, the periods that a range is cut into."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from assay.model.errors import Refused
from assay.plan.values import Plan
from assay.query.cut import Cut, Frame
from assay.query.rows import RowBuilder
from assay.query.sql import Binder


def frame_of(builder: RowBuilder) -> Frame:
    """The frame of the query that the rows are for, with its bound values."""
    if builder.asked is None:
        raise Refused("these rows are made for a range of days; ask for them as a metric")
    frame = Frame(builder.plan, builder.asked)
    frame.bind, frame.dims = builder.bind, builder.dims
    return frame


@dataclass(frozen=True)
class Stretch:
    """One period of a range. ``day`` is where its rows stand: its first day, or that of the range."""

    day: date
    first: date
    last: date
    before: date  # first day of the period before it


def stretches(cut: Cut, plan: Plan, whole: bool = False) -> list[Stretch]:
    """The range itself, or its periods by the grain; ``whole``: calendar periods even where the range cuts them."""
    period, grain = cut.period, cut.grain
    if grain is None:
        return [Stretch(period.first, period.first, period.last, period.first - timedelta(period.days))]
    if grain == "hour":
        raise Refused("this metric compares whole days; ask by day, week or month")
    starts = period.starts(grain, plan.site.week_start)
    after = starts[-1]
    while _start(after, grain, plan) == starts[-1]:
        after += timedelta(1)
    found = []
    for start, following in zip(starts, [*starts[1:], after], strict=True):
        end = following - timedelta(1)
        first, last = (start, end) if whole else (max(start, period.first), min(end, period.last))
        found.append(Stretch(max(start, period.first), first, last, _start(start - timedelta(1), grain, plan)))
    return found


def _start(day: date, grain: str, plan: Plan) -> date:
    from assay.model.period import Period

    return Period(day, day).starts(grain, plan.site.week_start)[0]


def cells(found: Sequence[Stretch], bind: Binder) -> str:
    """The periods as rows: c_day, c_first, c_last, c_before."""
    lines = [
        f"SELECT CAST({bind(one.day)} AS DATE) AS c_day, CAST({bind(one.first)} AS DATE) AS c_first, "
        f"CAST({bind(one.last)} AS DATE) AS c_last, CAST({bind(one.before)} AS DATE) AS c_before"
        for one in found
    ]
    return " UNION ALL ".join(lines)
