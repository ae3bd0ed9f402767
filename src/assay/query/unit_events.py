"""Events by unit: what funnels, journeys, retention, attribution and cohorts are made from."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from assay.plan.measures import Expression
from assay.query.cut import Frame
from assay.query.dimensions import session_filter
from assay.query.rows import Rows, joins
from assay.query.selecting import live, unit_key


def unit_events(
    frame: Frame,
    per: str,
    columns: Sequence[str],
    condition: str = "true",
    *,
    first: date | None = None,
    last: date | None = None,
    segment: Expression | None = None,
) -> str:
    """SELECT of the live events (bots by the plan's rule) that belong to a unit: ``unit``, then ``columns``.

    ``columns`` and ``condition`` are SQL over the fixed aliases (``e`` events, ``s`` its session, ``o`` its order, ``v`` its
    visitor, ``f`` the visitor's first session, ``b`` what the customer bought); joins are added as they are named.
    ``first`` and ``last`` bound the site's days, both included; None leaves that side open. ``segment`` filters by session.
    """
    unit = unit_key(per)
    where = [live(frame.plan), condition]
    if first is not None:
        where.append(f"e.day >= {frame.bind(first)}")
    if last is not None:
        where.append(f"e.day <= {frame.bind(last)}")
    if segment is not None:
        where.append(session_filter(frame.dims, segment))
    where = [w for w in (*where, f"{unit} IS NOT NULL") if w != "true"]
    rows = Rows("e", "events e", "true", None)
    source = rows.source + joins(rows, [*columns, *where], per)
    return f"SELECT {', '.join([f'{unit} AS unit', *columns])} FROM {source} WHERE {' AND '.join(where)}"


def firsts(events: str, *among: str) -> str:
    """SELECT of the first row of each unit (or of each ``among``, columns that are never null) by ``t``, ``seq`` and ``id``.

    ``events``: a SELECT with these columns. Nothing is sorted but what happened at the very first moment: the moment is
    found with a plain minimum, for which engines keep a line per unit, not per event. The moments are not compared with
    ``=``: joined by the moment alone, events that all share one would meet each other.
    """
    keys = among or ("unit",)
    found = ", ".join(f"{key} AS first_{key}" for key in keys)
    same = " AND ".join(f"w.first_{key} = m.{key}" for key in keys)
    return (
        f"SELECT * FROM (SELECT m.*, row_number() OVER (PARTITION BY {', '.join(f'm.{key}' for key in keys)} ORDER BY m.seq, m.id) AS place "
        f"FROM ({events}) m JOIN (SELECT {found}, min(t) AS first_t FROM ({events}) GROUP BY {', '.join(keys)}) w ON {same} "
        "WHERE m.t <= w.first_t) WHERE place = 1"
    )
