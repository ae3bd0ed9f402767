"""From a start to an outcome: one row per unit that started, with the seconds until the outcome."""

from __future__ import annotations

from assay.plan.measures import Made
from assay.query.made.base import frame_of
from assay.query.periods import rows_of
from assay.query.rows import RowBuilder
from assay.query.unit_events import firsts, unit_events

_SECOND = 1_000_000


def spells(builder: RowBuilder, made: Made) -> str:
    """The unit's first start in the range (no start named: its first visit ever), if its window has closed.

    A start that is still open is left out whether it has its outcome or not: those that have it by now are the quick ones.
    """
    frame = frame_of(builder)
    start, outcome = made.rows
    assert outcome is not None
    assert made.within is not None
    period = frame.cut.period
    ever = start is None
    begun = unit_events(
        frame, made.unit, ["e.event_no", "e.t", "e.seq", "e.id"], rows_of(frame, start),
        first=None if ever else period.first, last=period.last,
    )  # fmt: skip
    starts = f"SELECT unit, event_no, t FROM ({firsts(begun)})"
    outcomes = unit_events(frame, made.unit, ["e.t"], rows_of(frame, outcome), first=None if ever else period.first)
    after = ">" if outcome == start else ">="
    window = made.within * _SECOND
    reached = (
        "SELECT s.unit AS unit, min(o.t) AS t FROM starts s JOIN outcomes o ON o.unit = s.unit "
        f"WHERE o.t {after} s.t AND o.t - s.t <= {window} GROUP BY s.unit"
    )
    closed = "" if frame.cut.matured_by is None else f" WHERE z.t + {window} <= {frame.bind(frame.cut.matured_by)}"
    return (
        f"WITH starts AS ({starts}), outcomes AS ({outcomes}), reached AS ({reached}) "
        "SELECT e.*, CASE WHEN r.t IS NOT NULL THEN (r.t - z.t) / 1000000.0 END AS seconds "
        f"FROM events e JOIN starts z ON z.event_no = e.event_no LEFT JOIN reached r ON r.unit = z.unit{closed}"
    )
