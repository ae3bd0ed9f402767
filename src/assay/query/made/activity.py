"""Events that make a unit active, by the plan's ``activity``."""

from __future__ import annotations

from assay.plan.measures import Made
from assay.query.dimensions import uses, visitor_joins
from assay.query.made.base import frame_of
from assay.query.periods import rows_of
from assay.query.rows import RowBuilder
from assay.query.selecting import live


def activity(builder: RowBuilder, made: Made) -> str:
    """The events themselves, without further columns."""
    frame = frame_of(builder)
    condition = rows_of(frame, made.rows[0])
    joins = visitor_joins(condition, "e.visitor_key")
    if uses(condition, "s"):
        joins += " LEFT JOIN sessions s ON s.session_key = e.session_key"
    if uses(condition, "o"):
        joins += " LEFT JOIN orders o ON o.event_no = e.event_no"
    return f"SELECT e.* FROM events e{joins} WHERE {live(frame.plan)} AND {frame.in_range('e')} AND {condition}"
