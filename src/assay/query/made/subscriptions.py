"""Subscriptions: what a unit paid per month when a period began and when it ended, and what happened between."""

from __future__ import annotations

from assay.plan.measures import Made
from assay.query.made.base import cells, frame_of, stretches
from assay.query.rows import RowBuilder
from assay.query.selecting import own_names
from assay.query.unit_events import unit_events


def subscriptions(builder: RowBuilder, made: Made) -> str:
    """One row per unit and period, from its first subscription event on; it stands at that event, on the period's day.

    The amount of a unit holds from an event that names one until the next, and is 0 after one that ends it. ``lost`` and
    ``lost_involuntary`` are of those that paid when the period began.
    """
    frame = frame_of(builder)
    bind = frame.bind
    starting, ending, upgrading = ((select.events if select else None) or () for select in made.rows)
    names = tuple(dict.fromkeys((*starting, *ending, *upgrading)))
    ends = f"e.name IN ({bind.all(ending)})"
    forced = f"({frame.dims.expression(made.where[0], own_names(frame.plan, ending))})" if made.where else "false"
    grows = f"e.name IN ({bind.all(upgrading)})" if upgrading else "false"
    amount = frame.dims.property(made.field or "mrr")
    columns = [
        "e.event_no", "e.t", "e.seq", "e.id", "e.day",
        f"CASE WHEN {ends} THEN CAST(0 AS DECIMAL(18, 6)) ELSE TRY_CAST({amount} AS DECIMAL(18, 6)) END AS pays",
        f"CASE WHEN {ends} AND NOT coalesce({forced}, false) THEN 1 ELSE 0 END AS left_",
        f"CASE WHEN {ends} AND coalesce({forced}, false) THEN 1 ELSE 0 END AS forced",
        f"CASE WHEN {grows} THEN 1 ELSE 0 END AS grows",
    ]  # fmt: skip
    lines = unit_events(frame, made.unit, columns, f"e.name IN ({bind.all(names)})", last=frame.cut.period.last)
    place = "(l.t, l.seq, l.id)"
    inside = "l.day >= c.c_first"
    states = f"""
SELECT c.c_day AS c_day, l.unit AS unit, arg_min(l.event_no, {place}) AS event_no,
    coalesce(arg_max(l.pays, {place}) FILTER (WHERE l.pays IS NOT NULL AND l.day < c.c_first), 0) AS opening,
    coalesce(arg_max(l.pays, {place}) FILTER (WHERE l.pays IS NOT NULL), 0) AS closing,
    sum(CASE WHEN {inside} THEN l.left_ ELSE 0 END) AS left_, sum(CASE WHEN {inside} THEN l.forced ELSE 0 END) AS forced,
    sum(CASE WHEN {inside} THEN l.grows ELSE 0 END) AS grows
FROM lines l JOIN cells c ON l.day <= c.c_last GROUP BY c.c_day, l.unit"""
    return (
        f"WITH lines AS ({lines}), cells AS ({cells(stretches(frame.cut, frame.plan), bind)}), states AS ({states}) "
        "SELECT e.* REPLACE (x.c_day AS day), x.opening, x.closing, "
        "CASE WHEN x.opening > 0 THEN 1 ELSE 0 END AS active, CASE WHEN x.closing > 0 THEN 1 ELSE 0 END AS paying, "
        "CASE WHEN x.opening > 0 THEN x.closing ELSE 0 END AS retained, "
        "CASE WHEN x.closing < x.opening THEN x.closing ELSE x.opening END AS kept, "
        "CASE WHEN x.opening > 0 AND x.closing > x.opening THEN x.closing - x.opening ELSE 0 END AS grown, "
        "CASE WHEN x.opening > 0 AND x.left_ > 0 THEN 1 ELSE 0 END AS lost, "
        "CASE WHEN x.opening > 0 AND x.left_ = 0 AND x.forced > 0 THEN 1 ELSE 0 END AS lost_involuntary, "
        "CASE WHEN x.opening > 0 AND (x.left_ > 0 OR x.forced > 0) THEN 1 ELSE 0 END AS lost_all, "
        "CASE WHEN x.opening > 0 AND x.grows > 0 THEN 1 ELSE 0 END AS upgraded "
        "FROM events e JOIN states x ON x.event_no = e.event_no"
    )
