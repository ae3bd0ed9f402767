"""Who was active in the period before, and whether still in this one."""

from __future__ import annotations

from assay.model.period import day_start
from assay.plan.measures import Made
from assay.query.made.base import cells, frame_of, stretches
from assay.query.periods import rows_of
from assay.query.rows import RowBuilder
from assay.query.unit_events import unit_events


def lapses(builder: RowBuilder, made: Made) -> str:
    """One row per unit that was active in the period before one that is over; it stands at its last event there."""
    from datetime import timedelta

    frame = frame_of(builder)
    plan, by = frame.plan, frame.cut.matured_by
    found = stretches(frame.cut, plan, whole=True)
    over = [s for s in found if by is None or day_start(s.last + timedelta(1), plan.site.timezone) - 1 <= by]
    known = over or found[:1]
    active = made.rows[0]
    acts = unit_events(
        frame, made.unit, ["e.event_no", "e.t", "e.seq", "e.id", "e.day"], rows_of(frame, active),
        first=known[0].before, last=known[-1].last,
    )  # fmt: skip
    none = "" if over else " AND false"
    states = """
SELECT c.c_day AS c_day, a.unit AS unit, arg_max(a.event_no, (a.t, a.seq, a.id)) FILTER (WHERE a.day < c.c_first) AS event_no,
    sum(CASE WHEN a.day >= c.c_first THEN 1 ELSE 0 END) AS still, sum(CASE WHEN a.day < c.c_first THEN 1 ELSE 0 END) AS earlier
FROM acts a JOIN cells c ON a.day >= c.c_before AND a.day <= c.c_last GROUP BY c.c_day, a.unit"""
    return (
        f"WITH acts AS ({acts}), cells AS ({cells(known, frame.bind)}), states AS ({states}) "
        "SELECT e.* REPLACE (x.c_day AS day), CASE WHEN x.still = 0 THEN 1 ELSE 0 END AS lost "
        f"FROM events e JOIN states x ON x.event_no = e.event_no WHERE x.earlier > 0{none}"
    )
