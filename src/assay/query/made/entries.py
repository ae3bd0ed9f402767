"""Funnel entries: a unit enters again only after it converted, left by an exclusion, or ran out of time."""

from __future__ import annotations

from datetime import timedelta

from assay.plan.measures import Made
from assay.query.made.base import frame_of
from assay.query.periods import rows_of
from assay.query.rows import RowBuilder
from assay.query.unit_events import unit_events

_DAY = 86_400


def entries(builder: RowBuilder, made: Made) -> str:
    """One row per entry whose window has closed; ``converted``: 1 where the conversion came in time and before an exclusion.

    From each start it is known when it would end, and so which start is the next entry; the entries are what is reached
    from a unit's first start.
    """
    frame = frame_of(builder)
    start, goal, leaving = made.rows
    assert made.within is not None
    period, window = frame.cut.period, made.within * 1_000_000
    until = period.last + timedelta(-(-made.within // _DAY) + 1)
    columns = ["e.event_no", "e.t", "e.seq", "e.id"]
    begun = unit_events(frame, made.unit, columns, rows_of(frame, start), first=period.first, last=period.last)
    done = unit_events(frame, made.unit, columns[:2], rows_of(frame, goal), first=period.first, last=until)
    left = "SELECT unit, event_no, t FROM done WHERE false"
    if leaving is not None:
        left = unit_events(frame, made.unit, columns[:2], rows_of(frame, leaving), first=period.first, last=until)
    closed = "true" if frame.cut.matured_by is None else f"z.t + {window} <= {frame.bind(frame.cut.matured_by)}"

    def nearest(name: str) -> str:
        return (
            f"SELECT z.unit AS unit, z.rn AS rn, min(o.t) AS t FROM starts z JOIN {name} o ON o.unit = z.unit "
            f"WHERE o.t >= z.t AND o.t <= z.t + {window} AND o.event_no <> z.event_no GROUP BY z.unit, z.rn"
        )

    return f"""WITH RECURSIVE starts AS (
    SELECT unit, event_no, t, row_number() OVER (PARTITION BY unit ORDER BY t, seq, id) AS rn FROM ({begun})
), done AS ({done}), gone AS ({left}), won AS ({nearest("done")}), lost AS ({nearest("gone")}), ended AS (
    SELECT z.unit AS unit, z.rn AS rn, z.event_no AS event_no, z.t AS t,
        CASE WHEN w.t IS NOT NULL AND (x.t IS NULL OR w.t <= x.t) THEN 1 ELSE 0 END AS converted,
        least(coalesce(w.t, z.t + {window}), coalesce(x.t, z.t + {window})) AS end_t
    FROM starts z LEFT JOIN won w ON w.unit = z.unit AND w.rn = z.rn LEFT JOIN lost x ON x.unit = z.unit AND x.rn = z.rn
), links AS (
    SELECT d.unit AS unit, d.rn AS rn, min(n.rn) AS next_rn FROM ended d JOIN starts n ON n.unit = d.unit
    WHERE n.t > d.end_t GROUP BY d.unit, d.rn
), walk AS (
    SELECT unit, rn FROM starts WHERE rn = 1
    UNION ALL
    SELECT l.unit AS unit, l.next_rn AS rn FROM walk k JOIN links l ON l.unit = k.unit AND l.rn = k.rn
)
SELECT e.*, z.converted AS converted FROM events e JOIN ended z ON z.event_no = e.event_no
    JOIN walk k ON k.unit = z.unit AND k.rn = z.rn WHERE {closed}"""
